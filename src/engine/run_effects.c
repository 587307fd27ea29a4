/* What each offer changes for each customer: effect models, cross-fitted.
 *
 * Fold f is predicted by a model that was chosen and fitted on the other folds only. Customers who
 * are not among the used rows of the history get the model of the whole history.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "engine/run.h"
#include "evaluate/rotation.h"
#include "prepare/split.h"

static kai_status draw_folds(struct run *run, kai_err *err) {
    int64_t rows = run->history.table->rows;
    run->fold = mem_array((size_t)rows, sizeof *run->fold);
    if (!run->fold) return err_memory(err, rows * (int64_t)sizeof *run->fold);
    struct split_data data = {
        .row_ids = run->used, .row_count = run->used_count, .strata = run->row_arm};
    return split_folds(run->seed, (int32_t)run->campaign.evaluate.folds, &data, rows, run->fold,
                       err);
}

static void set_learners(const struct run *run, struct effect_options *options) {
    struct option_list names = run->campaign.evaluate.learners;
    for (int64_t i = 0; i < names.count; i++) /* the campaign was checked: each is known */
        options->learners |= 1u << campaign_learner(names.items[i]);
}

/* Arrays over all rows of the history, as effect.h reads them. */
struct effect_arrays {
    double *outcome, *propensity, *worth; /* owned */
    int64_t *rows;                        /* owned; (used) scratch */
};

static kai_status new_arrays(const struct run *run, struct effect_arrays *arrays, kai_err *err) {
    size_t rows = (size_t)run->history.table->rows;
    arrays->outcome = mem_zero(rows, sizeof *arrays->outcome);
    arrays->propensity = mem_zero(rows, sizeof *arrays->propensity);
    arrays->worth = mem_zero(rows, sizeof *arrays->worth);
    arrays->rows = mem_array((size_t)run->used_count, sizeof *arrays->rows);
    if (!arrays->outcome || !arrays->propensity || !arrays->worth || !arrays->rows)
        return err_memory(err, (int64_t)rows * 24);
    for (int64_t u = 0; u < run->used_count; u++) {
        arrays->outcome[run->used[u]] = run->history_outcome[u];
        if (run->history_propensity) arrays->propensity[run->used[u]] = run->history_propensity[u];
        arrays->worth[run->used[u]] = run->worth;
    }
    return KAI_OK;
}

static void free_arrays(struct effect_arrays *arrays) {
    mem_free(arrays->outcome);
    mem_free(arrays->propensity);
    mem_free(arrays->worth);
    mem_free(arrays->rows);
}

/* Does a row of fold `other` teach the model of `fold` (-1: that of the whole history)? */
static int teaches(const struct run *run, int32_t other, int32_t fold) {
    if (fold >= 0 && strcmp(run->campaign.evaluate.crossing, "rotation") == 0)
        return rotation_trains(other, fold, (int32_t)run->campaign.evaluate.folds);
    return other != fold;
}

/* Choose and fit on the used rows that may teach `fold`. */
static kai_status fit_effects(struct run *run, struct effect_arrays *arrays, int32_t fold,
                              struct effect_model **ret_model, kai_err *err) {
    int64_t count = 0;
    for (int64_t u = 0; u < run->used_count; u++)
        if (teaches(run, run->fold[run->used[u]], fold)) arrays->rows[count++] = run->used[u];
    double budget = run->campaign.limits.budget;
    int has_budget = !isnan(budget) && run->cost[0] > 0;
    struct effect_data data = {
        .features = run->history_matrix,
        .arm = run->row_arm,
        .outcome = arrays->outcome,
        .propensity = run->history_propensity ? arrays->propensity : NULL,
        .row_ids = arrays->rows,
        .row_count = count,
        .offers = run->offers,
        .worth = arrays->worth,
        .cost = run->cost,
        .budget_per_customer = has_budget ? budget / (double)run->customers.table->rows : 0};
    struct effect_options options;
    effect_options_init(&options, run->seed + (uint64_t)(fold + 1));
    set_learners(run, &options);
    return effect_choose(&options, &data, run->engine->pool, &run->engine->progress, ret_model,
                         err);
}

/* Predict the used rows of one fold into the arrays over used rows. */
static kai_status predict_fold(struct run *run, int32_t fold, int64_t *rows, double *effects,
                               double *outcomes, kai_err *err) {
    int64_t count = 0;
    for (int64_t u = 0; u < run->used_count; u++)
        if (run->fold[run->used[u]] == fold) rows[count++] = run->used[u];
    kai_status st = effect_predict(run->models[fold], run->history_matrix, rows, count,
                                   run->engine->pool, effects, outcomes, err);
    for (int64_t i = 0; !st && i < count; i++) {
        int64_t u = run->used_of_row[rows[i]];
        memcpy(run->history_effect + u * run->offers, effects + i * run->offers,
               (size_t)run->offers * sizeof *effects);
        memcpy(run->history_predicted + u * run->arms, outcomes + i * run->arms,
               (size_t)run->arms * sizeof *outcomes);
    }
    return st;
}

static kai_status cross_fit(struct run *run, struct effect_arrays *arrays, kai_err *err) {
    int32_t folds = (int32_t)run->campaign.evaluate.folds;
    size_t used = (size_t)run->used_count;
    run->models = mem_zero((size_t)folds, sizeof *run->models);
    run->history_effect = mem_array(used * (size_t)run->offers, sizeof(double));
    run->history_predicted = mem_array(used * (size_t)run->arms, sizeof(double));
    double *effects = mem_array(used * (size_t)run->offers, sizeof *effects);
    double *outcomes = mem_array(used * (size_t)run->arms, sizeof *outcomes);
    kai_status st =
        run->models && run->history_effect && run->history_predicted && effects && outcomes
            ? KAI_OK
            : err_memory(err, (int64_t)used * run->arms * 32);
    for (int32_t f = 0; !st && f < folds; f++) {
        st = fit_effects(run, arrays, f, &run->models[f], err);
        if (!st) st = predict_fold(run, f, arrays->rows, effects, outcomes, err);
    }
    mem_free(effects);
    mem_free(outcomes);
    return st;
}

/* Effects of every customer: out of fold where the customer is in the history, else by `full`. */
static kai_status fill_customers(struct run *run, kai_err *err) {
    int64_t customers = run->customers.table->rows, others = 0;
    size_t width = (size_t)run->offers;
    run->customer_effect = mem_array((size_t)customers * width, sizeof(double));
    int64_t *rows = mem_array((size_t)customers, sizeof *rows);
    kai_status st = run->customer_effect && rows ? KAI_OK : err_memory(err, customers * 8);
    for (int64_t i = 0; !st && i < customers; i++) {
        int64_t u = run->is_same_table ? run->used_of_row[i] : -1;
        if (u < 0)
            rows[others++] = i;
        else
            memcpy(run->customer_effect + (size_t)i * width,
                   run->history_effect + (size_t)u * width, width * sizeof(double));
    }
    double *effects = others && !st ? mem_array((size_t)others * width, sizeof *effects) : NULL;
    if (!st && others && !effects) st = err_memory(err, others * 8);
    if (!st && others)
        st = effect_predict(run->full, run->customer_matrix, rows, others, run->engine->pool,
                            effects, NULL, err);
    for (int64_t k = 0; !st && k < others; k++)
        memcpy(run->customer_effect + (size_t)rows[k] * width, effects + (size_t)k * width,
               width * sizeof(double));
    mem_free(effects);
    mem_free(rows);
    return st;
}

/* One hash over all models, for the receipts. */
static kai_status hash_models(struct run *run, kai_err *err) {
    struct buf bytes;
    buf_init(&bytes, (size_t)1 << 32);
    kai_status st = KAI_OK;
    for (int64_t m = 0; !st && m <= run->campaign.evaluate.folds; m++) {
        const struct effect_model *model =
            m < run->campaign.evaluate.folds ? run->models[m] : run->full;
        if (!model) continue;
        buf_reset(&bytes);
        st = effect_save(model, &bytes, err);
        if (!st) run->model_hash = hash_bytes(bytes.data, bytes.size, run->model_hash);
    }
    buf_release(&bytes);
    return st;
}

kai_status run_effects(struct run *run, kai_err *err) {
    struct effect_arrays arrays = {0};
    kai_status st = draw_folds(run, err);
    if (!st) st = run_estimate_propensity(run, err);
    if (!st) st = new_arrays(run, &arrays, err);
    if (!st) st = cross_fit(run, &arrays, err);
    if (!st && (!run->is_same_table || run->used_count < run->history.table->rows))
        st = fit_effects(run, &arrays, -1, &run->full, err);
    if (!st) st = fill_customers(run, err);
    if (!st) st = hash_models(run, err);
    free_arrays(&arrays);
    return st;
}
