#include "prepare/clean.h"

#include <math.h>

#include "base/alloc.h"
#include "prepare/clean_parts.h"

void clean_options_init(struct clean_options *options) {
    *options = (struct clean_options){.outlier_z = 3.5, .id_share = 0.9};
}

const char *clean_reason_text(enum clean_reason reason) {
    static const char *const TEXTS[] = {"kept", "role", "empty", "constant", "identifier", "text"};
    return TEXTS[reason];
}

static kai_status check_input(const struct clean_options *options, const struct table *table,
                              const int64_t *row_ids, int64_t row_count, kai_err *err) {
    if (!(options->outlier_z > 0) || !(options->id_share > 0 && options->id_share <= 1) ||
        options->rare_rows_min < 0)
        return err_set(err, KAI_INVALID, "cleaning: an option is out of range");
    if (row_count < 1 || (!row_ids && row_count > table->rows))
        return err_set(err, KAI_INVALID, "cleaning: there are no rows to learn from");
    for (int64_t i = 0; row_ids && i < row_count; i++)
        if (row_ids[i] < 0 || row_ids[i] >= table->rows)
            return err_set(err, KAI_INVALID, "cleaning: row %lld is outside the table",
                           (long long)row_ids[i]);
    return KAI_OK;
}

struct judging {
    struct clean *clean;
    const struct table *table;
    const int64_t *row_ids;
};

static kai_status judge_column(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct judging *judging = user;
    struct clean_column *found = &judging->clean->items[item];
    const struct column *column = judging->table->columns[item];
    for (int64_t i = 0; i < column->rows; i++) found->missing += !column_is_valid(column, i);
    if (found->role != PREPARE_FEATURE) {
        found->reason = CLEAN_ROLE;
        found->low = found->outlier_low = -INFINITY;
        found->high = found->outlier_high = INFINITY;
        return KAI_OK;
    }
    return clean_judge(&judging->clean->options, column, judging->row_ids,
                       judging->clean->learn_rows, found, err);
}

static int64_t rare_default(int64_t rows) {
    int64_t rare = (rows + 999) / 1000;
    return rare < 2 ? 2 : rare > 10 ? 10 : rare;
}

static kai_status new_clean(const struct clean_options *options, const struct table *table,
                            const enum prepare_role *roles, int64_t row_count,
                            struct clean **ret_clean, kai_err *err) {
    struct clean *clean = mem_zero(1, sizeof *clean);
    if (!clean) return err_memory(err, sizeof *clean);
    clean->options = *options;
    if (!options->rare_rows_min) clean->options.rare_rows_min = rare_default(row_count);
    clean->rows = table->rows;
    clean->learn_rows = row_count;
    clean->columns = table->count;
    clean->items = mem_zero((size_t)table->count, sizeof *clean->items);
    clean->is_dropped = mem_zero((size_t)table->rows, 1);
    int is_complete = clean->items && clean->is_dropped;
    for (int32_t c = 0; is_complete && c < table->count; c++) {
        clean->items[c].role = roles[c];
        clean->items[c].name = mem_string(table->columns[c]->name);
        is_complete = clean->items[c].name != NULL;
    }
    if (!is_complete) {
        clean_free(clean);
        return err_memory(err, table->rows + table->count * (int64_t)sizeof *clean->items);
    }
    *ret_clean = clean;
    return KAI_OK;
}

kai_status clean_find(const struct clean_options *options, const struct table *table,
                      const enum prepare_role *roles, const int64_t *row_ids, int64_t row_count,
                      const uint8_t *is_test, struct pool *pool, struct clean **ret_clean,
                      kai_err *err) {
    struct clean *clean = NULL;
    kai_status st = check_input(options, table, row_ids, row_count, err);
    if (!st) st = new_clean(options, table, roles, row_count, &clean, err);
    if (st) return st;
    struct judging judging = {clean, table, row_ids};
    st = pool_run(pool, table->count, judge_column, &judging, err);
    if (!st) st = clean_duplicates(clean, table, is_test, err);
    if (st) {
        clean_free(clean);
        return st;
    }
    *ret_clean = clean;
    return KAI_OK;
}

void clean_free(struct clean *clean) {
    if (!clean) return;
    for (int32_t c = 0; clean->items && c < clean->columns; c++) mem_free(clean->items[c].name);
    mem_free(clean->items);
    mem_free(clean->is_dropped);
    mem_free(clean);
}

int64_t clean_rows(const struct clean *clean, const int64_t *row_ids, int64_t row_count,
                   int64_t *ret_ids) {
    int64_t kept = 0;
    for (int64_t i = 0; i < row_count; i++) {
        int64_t row = row_ids ? row_ids[i] : i;
        if (!clean->is_dropped[row]) ret_ids[kept++] = row;
    }
    return kept;
}

static void describe_left_out(const struct clean *clean, struct json_writer *json) {
    json_key(json, "left_out");
    json_array(json);
    for (int32_t c = 0; c < clean->columns; c++) {
        const struct clean_column *item = &clean->items[c];
        if (item->reason == CLEAN_KEPT || item->reason == CLEAN_ROLE) continue;
        json_object(json);
        json_key_text(json, "column", item->name);
        json_key_text(json, "reason", clean_reason_text(item->reason));
        json_end(json);
    }
    json_end(json);
}

/* {"total": n, "columns": {"age": n}} of one count of each column. */
static void describe_counts(const struct clean *clean, const char *key,
                            int64_t (*count)(const struct clean_column *),
                            struct json_writer *json) {
    int64_t total = 0;
    json_key(json, key);
    json_object(json);
    for (int32_t c = 0; c < clean->columns; c++) total += count(&clean->items[c]);
    json_key_i64(json, "total", total);
    json_key(json, "columns");
    json_object(json);
    for (int32_t c = 0; c < clean->columns; c++)
        if (count(&clean->items[c]))
            json_key_i64(json, clean->items[c].name, count(&clean->items[c]));
    json_end(json);
    json_end(json);
}

static int64_t missing_of(const struct clean_column *item) { return item->missing; }
static int64_t impossible_of(const struct clean_column *item) { return item->impossible; }
static int64_t outliers_of(const struct clean_column *item) { return item->outliers; }
static int64_t rare_levels_of(const struct clean_column *item) { return item->rare_levels; }
static int64_t rare_rows_of(const struct clean_column *item) { return item->rare_rows; }

void clean_describe(const struct clean *clean, struct json_writer *json) {
    json_key_i64(json, "rows", clean->rows);
    json_key_i64(json, "learn_rows", clean->learn_rows);
    describe_left_out(clean, json);
    describe_counts(clean, "missing", missing_of, json);
    describe_counts(clean, "impossible", impossible_of, json);
    describe_counts(clean, "outliers", outliers_of, json);
    json_key_bool(json, "winsorised", clean->options.winsorise);
    describe_counts(clean, "rare_levels", rare_levels_of, json);
    describe_counts(clean, "rare_rows", rare_rows_of, json);
    json_key_i64(json, "rare_rows_min",
                 clean->options.keep & CLEAN_KEEP_RARE ? 0 : clean->options.rare_rows_min);
    json_key(json, "duplicates");
    json_object(json);
    json_key_i64(json, "equal_rows", clean->equal_rows);
    json_key_i64(json, "equal_keys", clean->equal_keys);
    json_key_i64(json, "dropped", clean->dropped);
    json_end(json);
}
