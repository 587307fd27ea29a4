#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "prepare/recipe_parts.h"

/* Rare levels are remembered up to here, so that they do not count as unseen. */
enum { RARE_KEPT_MAX = 65536 };

struct level {
    struct slice text;
    int64_t rows;
};

static int compare_levels(const void *a, const void *b) {
    const struct level *x = a, *y = b;
    if (x->rows != y->rows) return x->rows > y->rows ? -1 : 1;
    size_t n = x->text.size < y->text.size ? x->text.size : y->text.size;
    int order = n ? memcmp(x->text.data, y->text.data, n) : 0;
    return order ? order : x->text.size < y->text.size ? -1 : x->text.size > y->text.size;
}

static int64_t row_at(struct recipe_rows rows, int64_t i) { return rows.ids ? rows.ids[i] : i; }

/* Codes of the rows to learn from, -1 where missing; *ret_dict is the column's, or `own`. */
static kai_status code_rows(const struct column *column, struct recipe_rows rows, struct dict *own,
                            int32_t *ret_codes, const struct dict **ret_dict, kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < rows.count; i++) {
        int64_t row = row_at(rows, i);
        ret_codes[i] = -1;
        if (!column_is_valid(column, row)) continue;
        if (column->kind == COLUMN_CATEGORY) {
            ret_codes[i] = column->as.codes[row];
            continue;
        }
        int64_t begin = column->offsets[row];
        struct slice text = {column->as.bytes + begin, (size_t)(column->offsets[row + 1] - begin)};
        st = dict_add(own, text, &ret_codes[i], err);
    }
    *ret_dict = column->kind == COLUMN_CATEGORY ? column->dict : own;
    return st;
}

/* Levels that stand in the rows to learn from, by falling frequency. ret_levels: (dict->count) */
static int32_t sort_levels(const int32_t *codes, int64_t count, const struct dict *dict,
                           struct level *ret_levels) {
    for (int32_t c = 0; c < dict->count; c++) ret_levels[c] = (struct level){dict->entries[c], 0};
    for (int64_t i = 0; i < count; i++)
        if (codes[i] >= 0) ret_levels[codes[i]].rows++;
    qsort(ret_levels, (size_t)dict->count, sizeof *ret_levels, compare_levels);
    int32_t seen = 0;
    while (seen < dict->count && ret_levels[seen].rows > 0) seen++;
    return seen;
}

static kai_status fill_hashed(const struct recipe_options *options, const struct level *sorted,
                              int32_t seen, struct recipe_levels *levels, kai_err *err) {
    levels->buckets = options->hash_buckets;
    levels->count = 1 + levels->buckets;
    levels->rows = mem_zero((size_t)levels->count + 1, sizeof *levels->rows);
    if (!levels->rows) return err_memory(err, levels->count * (int64_t)sizeof *levels->rows);
    for (int32_t i = 0; i < seen; i++) {
        uint64_t hash = hash_bytes(sorted[i].text.data, sorted[i].text.size, 0);
        levels->rows[1 + hash % (uint64_t)levels->buckets] += sorted[i].rows;
    }
    return KAI_OK;
}

static kai_status fill_dictionary(const struct level *sorted, int32_t seen, int32_t kept,
                                  struct recipe_levels *levels, kai_err *err) {
    int32_t stored = seen - kept > RARE_KEPT_MAX ? kept + RARE_KEPT_MAX : seen;
    levels->count = 1 + kept;
    levels->rows = mem_zero((size_t)levels->count + 1, sizeof *levels->rows);
    levels->group_of = mem_zero((size_t)stored, sizeof *levels->group_of);
    if (!levels->rows || !levels->group_of)
        return err_memory(err, stored * (int64_t)sizeof *levels->group_of);
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < stored; i++) {
        int32_t code = 0;
        st = dict_add(&levels->dict, sorted[i].text, &code, err);
        if (!st && i < kept) levels->group_of[code] = i + 1;
    }
    for (int32_t i = 0; i < seen; i++) levels->rows[i < kept ? i + 1 : 0] += sorted[i].rows;
    return st;
}

/* Trees read missing as NaN and the unseen as the group of the rare, even an empty one: its target
 * mean is the prior. A network has never moved the weights of an empty group, so there the most
 * frequent level takes its place. */
static void place_the_rest(enum recipe_view view, int64_t rare_rows_min, int64_t missing_rows,
                           struct recipe_levels *levels) {
    levels->missing = -1;
    levels->other = 0;
    if (view != RECIPE_DENSE) return;
    if (levels->rows[0] == 0 && levels->count > 1) {
        levels->other = 1;
        for (int32_t g = 2; g < levels->count; g++)
            if (levels->rows[g] > levels->rows[levels->other]) levels->other = g;
    }
    levels->missing = levels->other;
    if (missing_rows == 0 || missing_rows < rare_rows_min) return;
    levels->missing = levels->count;
    levels->rows[levels->count++] = missing_rows;
}

kai_status recipe_levels_fit(const struct recipe_options *options, int64_t rare_rows_min,
                             const struct column *column, struct recipe_rows rows,
                             struct recipe_levels *ret_levels, kai_err *err) {
    struct recipe_levels levels = {0};
    struct level *sorted = NULL;
    struct dict own;
    dict_init(&own);
    const struct dict *dict = NULL;
    int32_t seen = 0, kept = 0;
    int32_t *codes = mem_array((size_t)rows.count, sizeof *codes);
    kai_status st = codes ? code_rows(column, rows, &own, codes, &dict, err)
                          : err_memory(err, rows.count * (int64_t)sizeof *codes);
    if (!st && !(sorted = mem_array((size_t)dict->count, sizeof *sorted)))
        st = err_memory(err, dict->count * (int64_t)sizeof *sorted);
    if (!st) {
        seen = sort_levels(codes, rows.count, dict, sorted);
        while (kept < seen && sorted[kept].rows >= rare_rows_min) kept++;
        st = kept > options->hash_min ? fill_hashed(options, sorted, seen, &levels, err)
                                      : fill_dictionary(sorted, seen, kept, &levels, err);
    }
    if (!st) {
        int64_t missing = 0;
        for (int64_t i = 0; i < rows.count; i++) missing += codes[i] < 0;
        place_the_rest(options->view, rare_rows_min, missing, &levels);
        *ret_levels = levels;
    } else {
        recipe_levels_release(&levels);
    }
    mem_free(codes);
    mem_free(sorted);
    dict_release(&own);
    return st;
}

void recipe_levels_release(struct recipe_levels *levels) {
    dict_release(&levels->dict);
    mem_free(levels->group_of);
    mem_free(levels->rows);
    *levels = (struct recipe_levels){0};
}
