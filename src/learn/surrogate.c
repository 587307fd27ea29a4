#include "learn/surrogate.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "learn/metric.h"

enum { ROWS_MAX = 100000, ROWS_MIN = 10, HELD_OUT = 5 /* one row in five */ };

struct surrogate {
    struct model *model; /* owned */
    double r2;
};

void surrogate_free(struct surrogate *surrogate) {
    if (!surrogate) return;
    model_free(surrogate->model);
    mem_free(surrogate);
}

double surrogate_r2(const struct surrogate *surrogate) { return surrogate->r2; }
const struct model *surrogate_model(const struct surrogate *surrogate) { return surrogate->model; }

/* Rows in random order: the first fifth is held out. Fails: KAI_INVALID. */
static kai_status shuffle_rows(const struct matrix *features, const double *score,
                               const int64_t *row_ids, int64_t count, uint64_t seed,
                               int64_t *ret_order, kai_err *err) {
    for (int64_t i = 0; i < count; ++i) {
        int64_t row = row_ids ? row_ids[i] : i;
        if (row < 0 || row >= features->rows)
            return err_set(err, KAI_INVALID, "surrogate: row %lld is outside the matrix",
                           (long long)row);
        if (!isfinite(score[row]))
            return err_set(err, KAI_INVALID, "surrogate: row %lld: the score is not a number",
                           (long long)row);
        ret_order[i] = row;
    }
    struct rng rng;
    rng_init(&rng, seed, "surrogate", 0);
    rng_shuffle(&rng, ret_order, count);
    return KAI_OK;
}

static kai_status measure(struct surrogate *surrogate, const struct matrix *features,
                          const double *score, const int64_t *row_ids, int64_t count,
                          struct pool *pool, kai_err *err) {
    double *wanted = mem_array((size_t)count, sizeof *wanted);
    double *given = mem_array((size_t)count, sizeof *given);
    kai_status st = wanted && given ? KAI_OK : err_memory(err, count * 8);
    if (!st) st = model_predict(surrogate->model, features, row_ids, count, pool, given, err);
    for (int64_t i = 0; i < count && !st; ++i) wanted[i] = score[row_ids[i]];
    if (!st) surrogate->r2 = metric_r2(given, wanted, NULL, count);
    mem_free(wanted);
    mem_free(given);
    return st;
}

static kai_status fit_model(const struct matrix *features, const double *score,
                            const int64_t *order, int64_t count, uint64_t seed, struct pool *pool,
                            const struct progress *progress, struct surrogate *surrogate,
                            kai_err *err) {
    int64_t held_out = count >= ROWS_MIN ? count / HELD_OUT : 0;
    struct learn_options options;
    learn_options_init(&options, LEARN_BOOST, seed);
    options.boost.rounds = count >= ROWS_MIN ? 100 : 1;
    options.boost.learning_rate = 0.2;
    options.boost.child_weight_min = count >= ROWS_MIN ? 5 : 1e6; /* too few rows: no split */
    options.boost.patience = 10;
    struct learn_data data = {.features = features,
                              .target = score,
                              .row_ids = order + held_out,
                              .row_count = count - held_out,
                              .task = LEARN_REGRESSION};
    kai_status st = learn_fit(&options, &data, pool, progress, &surrogate->model, err);
    if (!st && held_out > 0) st = measure(surrogate, features, score, order, held_out, pool, err);
    return st;
}

kai_status surrogate_fit(const struct matrix *features, const double *score, const int64_t *row_ids,
                         int64_t row_count, int64_t rows_max, uint64_t seed, struct pool *pool,
                         const struct progress *progress, struct surrogate **ret_surrogate,
                         kai_err *err) {
    int64_t count = row_ids ? row_count : features->rows;
    if (count < 1) return err_set(err, KAI_INVALID, "surrogate: no rows");
    struct surrogate *surrogate = mem_zero(1, sizeof *surrogate);
    int64_t *order = mem_array((size_t)count, sizeof *order);
    kai_status st = surrogate && order ? KAI_OK : err_memory(err, count * (int64_t)sizeof *order);
    if (!st) st = shuffle_rows(features, score, row_ids, count, seed, order, err);
    if (rows_max <= 0) rows_max = ROWS_MAX;
    if (count > rows_max) count = rows_max;
    if (!st) st = fit_model(features, score, order, count, seed, pool, progress, surrogate, err);
    mem_free(order);
    if (st) {
        surrogate_free(surrogate);
        return st;
    }
    *ret_surrogate = surrogate;
    return KAI_OK;
}

kai_status surrogate_shapley(const struct surrogate *surrogate, const struct matrix *features,
                             const int64_t *row_ids, int64_t row_count, struct pool *pool,
                             double *ret_values, kai_err *err) {
    return model_shapley(surrogate->model, features, row_ids, row_count, 0, pool, ret_values, err);
}
