#include <math.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "prepare/recipe_work.h"

enum { FOLDS_MAX = 1000 };

void recipe_options_init(struct recipe_options *options, enum recipe_view view, uint64_t seed) {
    *options = (struct recipe_options){.view = view,
                                       .seed = seed,
                                       .ordered_max = 16,
                                       .hash_min = 1000,
                                       .hash_buckets = 1024,
                                       .folds = 5,
                                       .clip = 8,
                                       .date_pairs_max = 28};
}

static kai_status check_options(const struct recipe_options *options, kai_err *err) {
    const char *bad = options->ordered_max < 0 ? "ordered_max"
                      : options->hash_min < 1  ? "hash_min"
                      : options->hash_buckets < 2 || options->hash_buckets > 1 << 20
                          ? "hash_buckets"
                      : options->folds < 2 || options->folds > FOLDS_MAX        ? "folds"
                      : !(options->smoothing >= 0 && options->smoothing < 1e12) ? "smoothing"
                      : !(options->clip > 0 && options->clip < 1e6)             ? "clip"
                                                                                : NULL;
    return bad ? err_set(err, KAI_INVALID, "recipe: option '%s' is out of range", bad) : KAI_OK;
}

static int64_t row_at(const struct recipe_data *data, int64_t i) {
    return data->row_ids ? data->row_ids[i] : i;
}

static kai_status check_target(const struct recipe_data *data, int64_t row, kai_err *err) {
    double value = data->target[row];
    int is_good = isfinite(value);
    if (data->task == RECIPE_BINARY) is_good = value == 0 || value == 1;
    if (data->task == RECIPE_MULTICLASS)
        is_good = value >= 0 && value < data->classes && value == floor(value);
    if (is_good) return KAI_OK;
    return err_set(err, KAI_INVALID, "recipe: the target of row %lld is %g", (long long)row + 1,
                   value);
}

static kai_status check_data(const struct recipe_data *data, kai_err *err) {
    if (data->row_count < 1 || (!data->row_ids && data->row_count > data->table->rows))
        return err_set(err, KAI_INVALID, "recipe: there are no rows to learn from");
    if (data->clean->columns != data->table->count || data->clean->rows != data->table->rows)
        return err_set(err, KAI_INVALID, "recipe: the table is not the one that was cleaned");
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < data->row_count; i++) {
        int64_t row = row_at(data, i);
        if (row < 0 || row >= data->table->rows)
            return err_set(err, KAI_INVALID, "recipe: row %lld is outside the table",
                           (long long)row);
        if (data->target) st = check_target(data, row, err);
        if (data->folds && (data->folds[row] < 0 || data->folds[row] >= FOLDS_MAX))
            return err_set(err, KAI_INVALID, "recipe: row %lld has no fold", (long long)row + 1);
    }
    return st;
}

/* Sources are the columns that cleaning kept; one item each, and one for each two dates. */
static kai_status lay_out(const struct recipe_options *options, const struct recipe_data *data,
                          struct recipe *recipe, kai_err *err) {
    const struct clean *clean = data->clean;
    int32_t sources = 0, dates = 0;
    for (int32_t c = 0; c < clean->columns; c++) {
        if (clean->items[c].reason != CLEAN_KEPT) continue;
        sources++;
        dates += data->table->columns[c]->kind == COLUMN_TIME;
    }
    if (!sources) return err_set(err, KAI_INVALID, "no feature is left after cleaning");
    int64_t pairs = (int64_t)dates * (dates - 1) / 2;
    int32_t pairs_max = options->date_pairs_max < 0 ? 0 : options->date_pairs_max;
    if (pairs > pairs_max) pairs = pairs_max;
    recipe->sources = mem_zero((size_t)sources, sizeof *recipe->sources);
    recipe->items = mem_zero((size_t)(sources + pairs), sizeof *recipe->items);
    if (!recipe->sources || !recipe->items)
        return err_memory(err, sources * (int64_t)sizeof *recipe->sources);
    recipe->item_count = (int32_t)(sources + pairs);
    for (int32_t c = 0; c < clean->columns; c++) {
        const struct clean_column *item = &clean->items[c];
        if (item->reason != CLEAN_KEPT) continue;
        int wins = clean->options.winsorise;
        struct recipe_source *source = &recipe->sources[recipe->source_count++];
        source->kind = data->table->columns[c]->kind;
        source->low = item->low;
        source->high = item->high;
        source->clip_low = wins ? item->outlier_low : -INFINITY;
        source->clip_high = wins ? item->outlier_high : INFINITY;
        source->name = mem_string(item->name);
        if (!source->name) return err_memory(err, CAPS_FIELD_BYTES);
    }
    return KAI_OK;
}

static enum recipe_item_kind kind_of_item(enum column_kind kind) {
    switch (kind) {
    case COLUMN_F64:
    case COLUMN_I64: return ITEM_NUMBER;
    case COLUMN_BOOL: return ITEM_FLAG;
    case COLUMN_TIME: return ITEM_DATE;
    case COLUMN_CATEGORY:
    case COLUMN_TEXT: break;
    }
    return ITEM_LEVELS;
}

static void lay_out_items(struct recipe *recipe) {
    int32_t at = 0;
    for (int32_t s = 0; s < recipe->source_count; s++)
        recipe->items[at++] = (struct recipe_item){
            .kind = kind_of_item(recipe->sources[s].kind), .source = s, .other_source = -1};
    for (int32_t after = 0; after < recipe->source_count; after++)
        for (int32_t before = 0; before < after; before++) {
            int are_dates = recipe->sources[after].kind == COLUMN_TIME &&
                            recipe->sources[before].kind == COLUMN_TIME;
            if (are_dates && at < recipe->item_count)
                recipe->items[at++] =
                    (struct recipe_item){.kind = ITEM_GAP, .source = after, .other_source = before};
        }
}

struct fitting {
    const struct recipe_options *options;
    const struct recipe_data *data;
    struct recipe *recipe;
    const double *target; /* (row_count) of the rows to learn from, or NULL */
};

static int has_time_of_day(const struct column *column) {
    for (int64_t i = 0; i < column->rows; i++)
        if (column_is_valid(column, i) && column->as.i64[i] % 86400000000ll) return 1;
    return 0;
}

static kai_status fit_source(struct fitting *fitting, struct recipe_item *item,
                             struct recipe_rows rows, kai_err *err) {
    const struct recipe_data *data = fitting->data;
    struct recipe_source *source = &fitting->recipe->sources[item->source];
    const struct column *column = NULL;
    kai_status st = table_column(data->table, source->name, &column, err);
    if (st || item->kind != ITEM_LEVELS) return st;
    const struct clean_options *clean = &data->clean->options;
    int64_t rare = clean->keep & CLEAN_KEEP_RARE ? 1 : clean->rare_rows_min;
    return recipe_levels_fit(fitting->options, rare, column, rows, &source->levels, err);
}

static void fit_fineness(struct fitting *fitting, struct recipe_item *item) {
    const struct table *table = fitting->data->table;
    const struct recipe_source *sources = fitting->recipe->sources;
    int32_t after = table_find(table, sources[item->source].name);
    int32_t before = table_find(table, sources[item->other_source].name);
    item->is_fine =
        has_time_of_day(table->columns[after]) && has_time_of_day(table->columns[before]);
}

static kai_status fit_item(void *user, int64_t index, int32_t worker, kai_err *err) {
    (void)worker;
    struct fitting *fitting = user;
    const struct recipe_data *data = fitting->data;
    struct recipe_item *item = &fitting->recipe->items[index];
    struct recipe_rows rows = {data->row_ids, data->row_count};
    struct recipe_reading reading = {0};
    struct recipe_report ignored = {0};
    kai_status st = KAI_OK;
    if (item->kind == ITEM_GAP)
        fit_fineness(fitting, item);
    else
        st = fit_source(fitting, item, rows, err);
    if (!st)
        st = recipe_read_item(fitting->recipe, item, data->table, rows, &reading, &ignored, err);
    if (st) return st;
    struct recipe_learned learned = {reading.numbers, reading.groups, fitting->target,
                                     data->row_count, data->task,     data->classes};
    st = recipe_item_fit(fitting->options, fitting->recipe->sources, &learned, item, err);
    recipe_reading_release(&reading);
    return st;
}

static kai_status number_columns(struct recipe *recipe, kai_err *err) {
    int64_t columns = 0;
    for (int32_t i = 0; i < recipe->item_count; i++) {
        recipe->items[i].first = (int32_t)columns;
        columns += recipe->items[i].count;
        if (columns > CAPS_COLUMNS)
            return err_set(err, KAI_LIMIT, "more than %d features", CAPS_COLUMNS);
    }
    if (columns == 0) return err_set(err, KAI_INVALID, "no feature is left after cleaning");
    recipe->columns = (int32_t)columns;
    return KAI_OK;
}

kai_status recipe_take_target(const struct recipe_data *data, double **ret_target, kai_err *err) {
    double *target = mem_array((size_t)data->row_count, sizeof *target);
    if (!target) return err_memory(err, data->row_count * (int64_t)sizeof *target);
    for (int64_t i = 0; i < data->row_count; i++) target[i] = data->target[row_at(data, i)];
    *ret_target = target;
    return KAI_OK;
}

kai_status recipe_fit(const struct recipe_options *options, const struct recipe_data *data,
                      struct pool *pool, struct recipe **ret_recipe, kai_err *err) {
    struct recipe *recipe = NULL;
    double *target = NULL;
    kai_status st = check_options(options, err);
    if (!st) st = check_data(data, err);
    if (!st && data->target) st = recipe_take_target(data, &target, err);
    if (!st && !(recipe = mem_zero(1, sizeof *recipe))) st = err_memory(err, sizeof *recipe);
    if (!st) {
        recipe->view = options->view;
        st = lay_out(options, data, recipe, err);
    }
    if (!st) {
        lay_out_items(recipe);
        struct fitting fitting = {
            .options = options, .data = data, .recipe = recipe, .target = target};
        st = pool_run(pool, recipe->item_count, fit_item, &fitting, err);
    }
    if (!st) st = number_columns(recipe, err);
    mem_free(target);
    if (st) {
        recipe_free(recipe);
        return st;
    }
    *ret_recipe = recipe;
    return KAI_OK;
}
