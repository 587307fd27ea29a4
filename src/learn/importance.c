#include "learn/importance.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "learn/metric.h"

enum { REPEATS = 3, REPEATS_MAX = 1000, ROWS_MAX = 10000 };

struct shuffling {
    const struct importance_options *options;
    importance_fn score;
    void *user;
    const struct learn_data *data;
    struct matrix *sample; /* owned; the rows that are looked at */
    double *target;        /* owned */
    double *weight;        /* owned */
    int32_t outputs;
    int32_t repeats;
    double *losses; /* owned; (columns, repeats) */
    double plain;   /* loss before shuffling */
};

static void release(struct shuffling *shuffling) {
    matrix_free(shuffling->sample);
    mem_free(shuffling->target);
    mem_free(shuffling->weight);
    mem_free(shuffling->losses);
}

/* Ids of the rows that are looked at, in rising order of their place. */
static kai_status draw_rows(const struct shuffling *shuffling, int64_t rows_max,
                            int64_t **ret_row_ids, int64_t *ret_count, kai_err *err) {
    const struct learn_data *data = shuffling->data;
    int64_t given = data->row_ids ? data->row_count : data->features->rows;
    int64_t count = given < rows_max ? given : rows_max, at = 0;
    if (given < 1) return err_set(err, KAI_INVALID, "importance: no rows");
    int64_t *row_ids = mem_array((size_t)count, sizeof *row_ids);
    if (!row_ids) return err_memory(err, count * (int64_t)sizeof *row_ids);
    struct rng rng; /* selection sampling: Knuth, volume 2, algorithm S */
    rng_init(&rng, shuffling->options->seed, "importance-rows", 0);
    for (int64_t i = 0; i < given && at < count; ++i) {
        if (rng_unit(&rng) * (double)(given - i) >= (double)(count - at)) continue;
        row_ids[at++] = data->row_ids ? data->row_ids[i] : i;
    }
    *ret_row_ids = row_ids;
    *ret_count = at;
    return KAI_OK;
}

static kai_status take_rows(struct shuffling *shuffling, const int64_t *row_ids, int64_t count,
                            kai_err *err) {
    const struct learn_data *data = shuffling->data;
    const struct matrix *features = data->features;
    kai_status st = matrix_new(count, features->columns, &shuffling->sample, err);
    for (int32_t c = 0; c < features->columns && !st; ++c) {
        const struct matrix_column *info = &features->info[c];
        st = matrix_name(shuffling->sample, c, info->name ? info->name : "",
                         info->source ? info->source : "", info->cardinality, err);
        float *values = matrix_column(shuffling->sample, c);
        for (int64_t i = 0; i < count && !st; ++i)
            values[i] = matrix_column(features, c)[row_ids[i]];
    }
    if (st) return st;
    shuffling->target = mem_array((size_t)count, sizeof *shuffling->target);
    shuffling->weight = mem_array((size_t)count, sizeof *shuffling->weight);
    shuffling->losses =
        mem_zero((size_t)features->columns, (size_t)shuffling->repeats * sizeof *shuffling->losses);
    if (!shuffling->target || !shuffling->weight || !shuffling->losses)
        return err_memory(err, count * 16);
    for (int64_t i = 0; i < count; ++i) {
        shuffling->target[i] = data->target[row_ids[i]];
        shuffling->weight[i] = data->weight ? data->weight[row_ids[i]] : 1;
    }
    return KAI_OK;
}

static kai_status loss_of(const struct shuffling *shuffling, const struct matrix *features,
                          double *scores, double *ret_loss, kai_err *err) {
    kai_status st = shuffling->score(shuffling->user, features, scores, err);
    if (st) return st;
    return metric_loss(shuffling->data->task, shuffling->data->classes, scores, shuffling->target,
                       shuffling->weight, features->rows, ret_loss, err);
}

/* One column: the item's own copy of the matrix shares all values but that column's, which stand
 * at its place for the time of the item. */
static kai_status shuffle_column(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    const struct shuffling *shuffling = user;
    const struct matrix *sample = shuffling->sample;
    int64_t rows = sample->rows;
    size_t cells = (size_t)rows * (size_t)sample->columns;
    struct matrix copy = *sample;
    copy.values = mem_array(cells, sizeof *copy.values);
    double *scores = mem_array((size_t)rows, (size_t)shuffling->outputs * sizeof *scores);
    int64_t *order = mem_array((size_t)rows, sizeof *order);
    kai_status st = copy.values && scores && order
                        ? KAI_OK
                        : err_memory(err, (int64_t)(cells * sizeof *copy.values));
    if (!st) memcpy(copy.values, sample->values, cells * sizeof *copy.values);
    for (int32_t repeat = 0; repeat < shuffling->repeats && !st; ++repeat) {
        struct rng rng;
        rng_init(&rng, shuffling->options->seed, "importance",
                 (uint64_t)item << 16 | (uint64_t)repeat);
        for (int64_t i = 0; i < rows; ++i) order[i] = i;
        rng_shuffle(&rng, order, rows);
        const float *from = matrix_column(sample, (int32_t)item);
        float *to = matrix_column(&copy, (int32_t)item);
        for (int64_t i = 0; i < rows; ++i) to[i] = from[order[i]];
        st = loss_of(shuffling, &copy, scores,
                     &shuffling->losses[item * shuffling->repeats + repeat], err);
    }
    mem_free(copy.values);
    mem_free(scores);
    mem_free(order);
    return st;
}

static void sum_up(const struct shuffling *shuffling, double *ret_growth, double *ret_error) {
    int32_t repeats = shuffling->repeats;
    for (int32_t c = 0; c < shuffling->sample->columns; ++c) {
        const double *losses = shuffling->losses + (int64_t)c * repeats;
        double sum = 0, squares = 0;
        for (int32_t r = 0; r < repeats; ++r) sum += losses[r] - shuffling->plain;
        double mean = sum / repeats;
        for (int32_t r = 0; r < repeats; ++r) {
            double d = losses[r] - shuffling->plain - mean;
            squares += d * d;
        }
        ret_growth[c] = mean;
        if (ret_error) ret_error[c] = repeats > 1 ? sqrt(squares / (repeats - 1) / repeats) : 0;
    }
}

kai_status importance_permute(const struct importance_options *options, importance_fn score,
                              void *user, const struct learn_data *data, struct pool *pool,
                              const struct progress *progress, double *ret_growth,
                              double *ret_error, kai_err *err) {
    struct shuffling shuffling = {.options = options, .score = score, .user = user, .data = data};
    shuffling.repeats = options->repeats ? options->repeats : REPEATS;
    shuffling.outputs = data->task == LEARN_MULTICLASS ? data->classes : 1;
    int64_t rows_max = options->rows_max ? options->rows_max : ROWS_MAX;
    if (shuffling.repeats < 1 || shuffling.repeats > REPEATS_MAX || rows_max < 1)
        return err_set(err, KAI_INVALID, "importance: 'repeats' or 'rows_max' out of range");
    int64_t *row_ids = NULL, count = 0;
    kai_status st = draw_rows(&shuffling, rows_max, &row_ids, &count, err);
    if (st) return st;
    st = take_rows(&shuffling, row_ids, count, err);
    mem_free(row_ids);
    double *scores = mem_array((size_t)count, (size_t)shuffling.outputs * sizeof *scores);
    if (!st && !scores) st = err_memory(err, count * 8);
    if (!st) st = loss_of(&shuffling, shuffling.sample, scores, &shuffling.plain, err);
    mem_free(scores);
    if (!st)
        st = pool_run_telling(pool, shuffling.sample->columns, shuffle_column, &shuffling, progress,
                              "importance", err);
    if (!st) sum_up(&shuffling, ret_growth, ret_error);
    release(&shuffling);
    return st;
}

static kai_status score_model(void *user, const struct matrix *features, double *ret_scores,
                              kai_err *err) {
    const struct model *const *model = user;
    return model_predict(*model, features, NULL, features->rows, NULL, ret_scores, err);
}

kai_status importance_of_model(const struct importance_options *options, const struct model *model,
                               const struct learn_data *data, struct pool *pool,
                               const struct progress *progress, double *ret_growth,
                               double *ret_error, kai_err *err) {
    if (data->task != model_task(model) ||
        (data->task == LEARN_MULTICLASS && data->classes != model_outputs(model)))
        return err_set(err, KAI_INVALID, "importance: the model has another task");
    return importance_permute(options, score_model, &model, data, pool, progress, ret_growth,
                              ret_error, err);
}
