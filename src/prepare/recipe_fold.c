#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "prepare/recipe_work.h"
#include "prepare/target_mean.h"

struct folding {
    const struct recipe_data *data;
    const struct recipe *recipe;
    const double *target; /* (row_count) */
    const int32_t *folds; /* (row_count) */
    int32_t fold_count;
    struct matrix *matrix;
};

static int64_t row_at(const struct recipe_data *data, int64_t i) {
    return data->row_ids ? data->row_ids[i] : i;
}

/* Write the out-of-fold means of the rows learned from over the whole means of an item. */
static kai_status encode_item(void *user, int64_t index, int32_t worker, kai_err *err) {
    (void)worker;
    const struct folding *folding = user;
    const struct recipe_data *data = folding->data;
    const struct recipe_item *item = &folding->recipe->items[index];
    const struct recipe_levels *levels = &folding->recipe->sources[item->source].levels;
    if (item->count == 0 || item->features[0].encoding != ENCODE_MEAN) return KAI_OK;
    struct recipe_rows rows = {data->row_ids, data->row_count};
    struct recipe_reading reading = {0};
    struct recipe_report ignored = {0};
    kai_status st =
        recipe_read_item(folding->recipe, item, data->table, rows, &reading, &ignored, err);
    if (st) return st;
    double *means = mem_array((size_t)rows.count, sizeof *means);
    if (!means) st = err_memory(err, rows.count * (int64_t)sizeof *means);
    for (int32_t f = 0; !st && f < item->count; f++) {
        const struct recipe_feature *feature = &item->features[f];
        if (feature->encoding != ENCODE_MEAN) continue;
        struct target_rows target = {reading.groups, folding->target, rows.count, levels->count,
                                     feature->part};
        st = target_means_out_of_fold(&target, feature->smoothing, folding->folds,
                                      folding->fold_count, means, err);
        float *column = matrix_column(folding->matrix, item->first + f);
        for (int64_t i = 0; !st && i < rows.count; i++) column[row_at(data, i)] = (float)means[i];
    }
    mem_free(means);
    recipe_reading_release(&reading);
    return st;
}

static int needs_folds(const struct recipe *recipe) {
    for (int32_t i = 0; i < recipe->item_count; i++)
        for (int32_t f = 0; f < recipe->items[i].count; f++)
            if (recipe->items[i].features[f].encoding == ENCODE_MEAN) return 1;
    return 0;
}

/* By row id, so that a row's fold does not depend on which other rows are learned from. */
static int32_t draw_fold(const struct recipe_options *options, int64_t row) {
    struct rng rng;
    rng_init(&rng, options->seed, "recipe fold", (uint64_t)row);
    return (int32_t)rng_below(&rng, (uint64_t)options->folds);
}

static kai_status encode_out_of_fold(const struct recipe_options *options,
                                     const struct recipe_data *data, const struct recipe *recipe,
                                     struct pool *pool, struct matrix *matrix, kai_err *err) {
    if (!needs_folds(recipe)) return KAI_OK;
    double *target = NULL;
    int32_t *folds = mem_array((size_t)data->row_count, sizeof *folds);
    kai_status st = folds ? recipe_take_target(data, &target, err)
                          : err_memory(err, data->row_count * (int64_t)sizeof *folds);
    int32_t fold_count = 1;
    for (int64_t i = 0; !st && i < data->row_count; i++) {
        int64_t row = row_at(data, i);
        folds[i] = data->folds ? data->folds[row] : draw_fold(options, row);
        if (folds[i] >= fold_count) fold_count = folds[i] + 1;
    }
    struct folding folding = {data, recipe, target, folds, fold_count, matrix};
    if (!st) st = pool_run(pool, recipe->item_count, encode_item, &folding, err);
    mem_free(target);
    mem_free(folds);
    return st;
}

kai_status recipe_fit_apply(const struct recipe_options *options, const struct recipe_data *data,
                            struct pool *pool, struct recipe **ret_recipe,
                            struct matrix **ret_matrix, struct recipe_report *ret_report,
                            kai_err *err) {
    struct recipe *recipe = NULL;
    struct matrix *matrix = NULL;
    struct recipe_report report = {0};
    kai_status st = recipe_fit(options, data, pool, &recipe, err);
    if (!st)
        st =
            recipe_apply(recipe, data->table, NULL, data->table->rows, pool, &matrix, &report, err);
    if (!st) st = encode_out_of_fold(options, data, recipe, pool, matrix, err);
    if (st) {
        recipe_free(recipe);
        matrix_free(matrix);
        return st;
    }
    *ret_recipe = recipe;
    *ret_matrix = matrix;
    if (ret_report) *ret_report = report;
    return KAI_OK;
}
