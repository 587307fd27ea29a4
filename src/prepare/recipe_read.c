#include <math.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/hash.h"
#include "prepare/recipe_parts.h"

static const double US_PER_DAY = 86400e6;

static int64_t row_at(struct recipe_rows rows, int64_t i) { return rows.ids ? rows.ids[i] : i; }

/* The text of a cell of a category or a text column. */
static struct slice text_at(const struct column *column, int64_t row) {
    if (column->kind == COLUMN_CATEGORY) return column->dict->entries[column->as.codes[row]];
    int64_t begin = column->offsets[row];
    return (struct slice){column->as.bytes + begin, (size_t)(column->offsets[row + 1] - begin)};
}

static int is_textual(const struct column *column) {
    return column->kind == COLUMN_CATEGORY || column->kind == COLUMN_TEXT;
}

/* A valid cell as the number or flag that training had; NaN where it is none. */
static double number_at(const struct recipe_source *source, const struct column *column,
                        int64_t row) {
    int wants_flag = source->kind == COLUMN_BOOL, flag = 0;
    double value = NAN;
    if (!is_textual(column)) {
        value = column_f64(column, row);
        return wants_flag && value != 0 && value != 1 ? (double)NAN : value;
    }
    struct slice text = slice_trim(text_at(column, row));
    if (wants_flag) return text_parse_flag(text, &flag) ? flag : (double)NAN;
    return text_parse_f64(text, &value) ? value : (double)NAN;
}

/* Dates and numbers do not stand for each other; an empty column may be of any kind. */
static kai_status check_kind(const struct recipe_source *source, const struct column *column,
                             kai_err *err) {
    if ((source->kind == COLUMN_TIME) == (column->kind == COLUMN_TIME)) return KAI_OK;
    for (int64_t i = 0; i < column->rows; i++)
        if (column_is_valid(column, i))
            return err_set(err, KAI_INVALID, "column '%s': expected %s, found %s in row %lld",
                           source->name, column_kind_text(source->kind),
                           column_kind_text(column->kind), (long long)i + 1);
    return KAI_OK;
}

kai_status recipe_read_numbers(const struct recipe_source *source, const struct column *column,
                               struct recipe_rows rows, double *ret_values,
                               struct recipe_report *report, kai_err *err) {
    kai_status st = check_kind(source, column, err);
    if (st) return st;
    for (int64_t i = 0; i < rows.count; i++) {
        int64_t row = row_at(rows, i);
        int is_valid = column_is_valid(column, row);
        double value = is_valid ? number_at(source, column, row) : (double)NAN;
        if (is_valid && isnan(value)) report->unreadable++;
        if (value < source->low || value > source->high) {
            report->impossible++;
            value = NAN;
        }
        if (isnan(value)) report->missing++;
        double clipped = value < source->clip_low    ? source->clip_low
                         : value > source->clip_high ? source->clip_high
                                                     : value;
        if (clipped < value || clipped > value) report->clipped++;
        ret_values[i] = clipped;
    }
    return KAI_OK;
}

void recipe_gap(const double *after, const double *before, int64_t count, int is_fine,
                double *ret_values) {
    for (int64_t i = 0; i < count; i++)
        ret_values[i] = is_fine ? (after[i] - before[i]) / US_PER_DAY
                                : floor(after[i] / US_PER_DAY) - floor(before[i] / US_PER_DAY);
}

enum { GROUP_UNSEEN = -2 };

static int32_t find_group(const struct recipe_levels *levels, struct slice text) {
    if (levels->buckets) {
        uint64_t hash = hash_bytes(text.data, text.size, 0);
        int32_t group = 1 + (int32_t)(hash % (uint64_t)levels->buckets);
        return levels->rows[group] ? group : GROUP_UNSEEN;
    }
    int32_t code = dict_find(&levels->dict, text);
    if (code < 0) return GROUP_UNSEEN;
    return levels->group_of[code] ? levels->group_of[code] : levels->other;
}

/* A column of yes, no and unknown may come again without the unknowns, and then as flags. */
static int32_t find_flag_group(const struct recipe_levels *levels, int value) {
    int32_t group = find_group(levels, slice_of(value ? "1" : "0"));
    int flag = 0;
    for (int32_t c = 0; group == GROUP_UNSEEN && c < levels->dict.count; c++)
        if (text_parse_flag(levels->dict.entries[c], &flag) && flag == value)
            group = levels->group_of[c] ? levels->group_of[c] : levels->other;
    return group;
}

/* The group of each code of a dictionary, or of false and true. */
static kai_status map_codes(const struct recipe_levels *levels, const struct column *column,
                            int32_t **ret_map, kai_err *err) {
    int32_t count = column->kind == COLUMN_CATEGORY ? column->dict->count : 2;
    int32_t *map = mem_array((size_t)count, sizeof *map);
    if (!map) return err_memory(err, count * (int64_t)sizeof *map);
    for (int32_t c = 0; c < count; c++)
        map[c] = column->kind == COLUMN_CATEGORY ? find_group(levels, column->dict->entries[c])
                                                 : find_flag_group(levels, c);
    *ret_map = map;
    return KAI_OK;
}

static kai_status print_group(const struct recipe_levels *levels, const struct column *column,
                              int64_t row, struct buf *text, int32_t *ret_group, kai_err *err) {
    kai_status st = column_print(column, row, text, err);
    if (!st) *ret_group = find_group(levels, (struct slice){text->data, text->size});
    return st;
}

kai_status recipe_read_groups(const struct recipe_source *source, const struct column *column,
                              struct recipe_rows rows, int32_t *ret_groups,
                              struct recipe_report *report, kai_err *err) {
    const struct recipe_levels *levels = &source->levels;
    int has_map = column->kind == COLUMN_CATEGORY || column->kind == COLUMN_BOOL;
    int32_t *map = NULL;
    struct buf text;
    buf_init(&text, CAPS_FIELD_BYTES);
    kai_status st = has_map ? map_codes(levels, column, &map, err) : KAI_OK;
    for (int64_t i = 0; !st && i < rows.count; i++) {
        int64_t row = row_at(rows, i);
        int32_t group = levels->missing;
        if (!column_is_valid(column, row))
            report->missing++;
        else if (has_map)
            group = map[column->kind == COLUMN_CATEGORY ? column->as.codes[row]
                                                        : column->as.flags[row]];
        else
            st = print_group(levels, column, row, &text, &group, err);
        if (group == GROUP_UNSEEN) {
            report->unseen++;
            group = levels->other;
        }
        ret_groups[i] = group;
    }
    mem_free(map);
    buf_release(&text);
    return st;
}
