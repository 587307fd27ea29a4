#include "base/alloc.h"
#include "prepare/recipe_work.h"

void recipe_reading_release(struct recipe_reading *reading) {
    mem_free(reading->numbers);
    mem_free(reading->groups);
    *reading = (struct recipe_reading){0};
}

static kai_status read_gap(const struct recipe *recipe, const struct recipe_item *item,
                           const struct column *after, const struct column *before,
                           struct recipe_rows rows, double *numbers, kai_err *err) {
    double *other = mem_array((size_t)rows.count, sizeof *other);
    if (!other) return err_memory(err, rows.count * (int64_t)sizeof *other);
    struct recipe_report ignored = {0}; /* the dates' own items count */
    kai_status st =
        recipe_read_numbers(&recipe->sources[item->source], after, rows, numbers, &ignored, err);
    if (!st)
        st = recipe_read_numbers(&recipe->sources[item->other_source], before, rows, other,
                                 &ignored, err);
    if (!st) recipe_gap(numbers, other, rows.count, item->is_fine, numbers);
    mem_free(other);
    return st;
}

kai_status recipe_read_item(const struct recipe *recipe, const struct recipe_item *item,
                            const struct table *table, struct recipe_rows rows,
                            struct recipe_reading *ret_reading, struct recipe_report *report,
                            kai_err *err) {
    const struct recipe_source *source = &recipe->sources[item->source];
    const struct column *column = NULL, *other = NULL;
    struct recipe_reading reading = {0};
    kai_status st = table_column(table, source->name, &column, err);
    if (!st && item->kind == ITEM_GAP)
        st = table_column(table, recipe->sources[item->other_source].name, &other, err);
    if (st) return st;
    if (item->kind == ITEM_LEVELS)
        reading.groups = mem_array((size_t)rows.count, sizeof *reading.groups);
    else
        reading.numbers = mem_array((size_t)rows.count, sizeof *reading.numbers);
    if (!reading.groups && !reading.numbers)
        return err_memory(err, rows.count * (int64_t)sizeof *reading.numbers);
    if (item->kind == ITEM_LEVELS)
        st = recipe_read_groups(source, column, rows, reading.groups, report, err);
    else if (item->kind == ITEM_GAP)
        st = read_gap(recipe, item, column, other, rows, reading.numbers, err);
    else
        st = recipe_read_numbers(source, column, rows, reading.numbers, report, err);
    if (st)
        recipe_reading_release(&reading);
    else
        *ret_reading = reading;
    return st;
}

struct applying {
    const struct recipe *recipe;
    const struct table *table;
    struct recipe_rows rows;
    struct matrix *matrix;
    struct recipe_report *reports; /* (items) */
};

static kai_status apply_item(void *user, int64_t index, int32_t worker, kai_err *err) {
    (void)worker;
    struct applying *applying = user;
    const struct recipe_item *item = &applying->recipe->items[index];
    struct recipe_reading reading = {0};
    kai_status st = recipe_read_item(applying->recipe, item, applying->table, applying->rows,
                                     &reading, &applying->reports[index], err);
    if (st) return st;
    for (int32_t f = 0; f < item->count; f++)
        recipe_emit(&item->features[f], reading.numbers, reading.groups, applying->rows.count,
                    matrix_column(applying->matrix, item->first + f));
    recipe_reading_release(&reading);
    return KAI_OK;
}

static kai_status check_rows(const struct table *table, struct recipe_rows rows, kai_err *err) {
    if (rows.count < 0 || (!rows.ids && rows.count > table->rows))
        return err_set(err, KAI_INVALID, "recipe: %lld rows of a table of %lld",
                       (long long)rows.count, (long long)table->rows);
    for (int64_t i = 0; rows.ids && i < rows.count; i++)
        if (rows.ids[i] < 0 || rows.ids[i] >= table->rows)
            return err_set(err, KAI_INVALID, "recipe: row %lld is outside the table",
                           (long long)rows.ids[i]);
    return KAI_OK;
}

kai_status recipe_apply(const struct recipe *recipe, const struct table *table,
                        const int64_t *row_ids, int64_t row_count, struct pool *pool,
                        struct matrix **ret_matrix, struct recipe_report *ret_report,
                        kai_err *err) {
    struct applying applying = {.recipe = recipe, .table = table, .rows = {row_ids, row_count}};
    const struct column *column;
    kai_status st = check_rows(table, applying.rows, err);
    for (int32_t s = 0; !st && s < recipe->source_count; s++)
        st = table_column(table, recipe->sources[s].name, &column, err);
    if (!st) st = recipe_matrix(recipe, row_count, &applying.matrix, err);
    if (st) return st;
    applying.reports = mem_zero((size_t)recipe->item_count, sizeof *applying.reports);
    if (!applying.reports) st = err_memory(err, recipe->item_count);
    if (!st) st = pool_run(pool, recipe->item_count, apply_item, &applying, err);
    struct recipe_report sum = {0};
    for (int32_t i = 0; !st && i < recipe->item_count; i++) {
        sum.unseen += applying.reports[i].unseen;
        sum.missing += applying.reports[i].missing;
        sum.impossible += applying.reports[i].impossible;
        sum.clipped += applying.reports[i].clipped;
        sum.unreadable += applying.reports[i].unreadable;
    }
    mem_free(applying.reports);
    if (st) {
        matrix_free(applying.matrix);
        return st;
    }
    *ret_matrix = applying.matrix;
    if (ret_report) *ret_report = sum;
    return KAI_OK;
}
