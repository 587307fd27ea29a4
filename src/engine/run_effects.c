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
    double *effects, *outcomes;           /* owned; (used, offers), (used, arms) scratch */
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
    mem_free(arrays->effects);
    mem_free(arrays->outcomes);
}

enum { ROTATED_ROWS_MIN = 60, ROTATED_ARM_ROWS_MIN = 20 }; /* for each arm; of the rarest arm */

/* Are the folds that rotation leaves large enough to learn from? */
static int can_rotate(const struct run *run) {
    int64_t folds = run->campaign.evaluate.folds, taught = (folds - 1) / 2;
    int64_t rarest = run->used_count;
    for (int32_t a = 0; a < run->arms; a++) {
        int64_t count = 0;
        for (int64_t u = 0; u < run->used_count; u++) count += run->history_arm[u] == a;
        if (count < rarest) rarest = count;
    }
    return run->used_count * taught / folds >= (int64_t)ROTATED_ROWS_MIN * run->arms &&
           rarest * taught / folds >= ROTATED_ARM_ROWS_MIN;
}

/* How the proof's models learn. A small history keeps the plan's models for the proof, and says so.
 */
static void choose_proof(struct run *run) {
    const char *crossing = run->campaign.evaluate.crossing;
    run->is_rotated = strcmp(crossing, "rotation") == 0;
    if (strcmp(crossing, "apart") != 0) return;
    if (!can_rotate(run)) {
        run_warn(run,
                 "too little history for a proof apart from the plan: intervals may be narrow");
        return;
    }
    run->is_rotated = 1;
    run->is_apart = run->is_same_table;
}

/* Does a row of fold `other` teach the model of `fold` (-1: that of the whole history)? */
static int teaches(const struct run *run, int32_t other, int32_t fold, int is_by_rotation) {
    if (fold >= 0 && is_by_rotation)
        return rotation_trains(other, fold, (int32_t)run->campaign.evaluate.folds);
    return other != fold;
}

/* Choose and fit on the used rows that may teach `fold`. */
static kai_status fit_effects(struct run *run, struct effect_arrays *arrays, int32_t fold,
                              int is_by_rotation, struct effect_model **ret_model, kai_err *err) {
    int64_t count = 0;
    for (int64_t u = 0; u < run->used_count; u++)
        if (teaches(run, run->fold[run->used[u]], fold, is_by_rotation))
            arrays->rows[count++] = run->used[u];
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

/* Predict the used rows of one fold into arrays over used rows. */
static kai_status predict_fold(struct run *run, const struct effect_model *model, int32_t fold,
                               const struct effect_arrays *arrays, double *ret_effect,
                               double *ret_predicted, kai_err *err) {
    int64_t *rows = arrays->rows;
    double *effects = arrays->effects, *outcomes = arrays->outcomes;
    int64_t count = 0;
    for (int64_t u = 0; u < run->used_count; u++)
        if (run->fold[run->used[u]] == fold) rows[count++] = run->used[u];
    kai_status st = effect_predict(model, run->history_matrix, rows, count, run->engine->pool,
                                   effects, outcomes, err);
    for (int64_t i = 0; !st && i < count; i++) {
        int64_t u = run->used_of_row[rows[i]];
        memcpy(ret_effect + u * run->offers, effects + i * run->offers,
               (size_t)run->offers * sizeof *effects);
        if (ret_predicted)
            memcpy(ret_predicted + u * run->arms, outcomes + i * run->arms,
                   (size_t)run->arms * sizeof *outcomes);
    }
    return st;
}

/* The model of a fold, kept for reasons and receipts: the plan's own. Where the proof has models
 * apart from it, they speak once and go. */
static kai_status cross_fit_fold(struct run *run, struct effect_arrays *arrays, int32_t fold,
                                 kai_err *err) {
    int is_apart = run->is_apart;
    struct effect_model *apart = NULL;
    kai_status st =
        fit_effects(run, arrays, fold, !is_apart && run->is_rotated, &run->models[fold], err);
    if (!st && !is_apart)
        return predict_fold(run, run->models[fold], fold, arrays, run->history_effect,
                            run->history_predicted, err);
    if (!st) st = predict_fold(run, run->models[fold], fold, arrays, run->plan_effect, NULL, err);
    if (!st) st = fit_effects(run, arrays, fold, 1, &apart, err);
    if (!st)
        st = predict_fold(run, apart, fold, arrays, run->history_effect, run->history_predicted,
                          err);
    effect_free(apart);
    return st;
}

static kai_status cross_fit(struct run *run, struct effect_arrays *arrays, kai_err *err) {
    int32_t folds = (int32_t)run->campaign.evaluate.folds;
    size_t used = (size_t)run->used_count, cells = used * (size_t)run->offers;
    run->models = mem_zero((size_t)folds, sizeof *run->models);
    run->history_effect = mem_array(cells, sizeof(double));
    run->history_predicted = mem_array(used * (size_t)run->arms, sizeof(double));
    if (run->is_apart) run->plan_effect = mem_array(cells, sizeof(double));
    arrays->effects = mem_array(cells, sizeof(double));
    arrays->outcomes = mem_array(used * (size_t)run->arms, sizeof(double));
    if (!run->models || !run->history_effect || !run->history_predicted || !arrays->effects ||
        !arrays->outcomes || (run->is_apart && !run->plan_effect))
        return err_memory(err, (int64_t)used * run->arms * 32);
    kai_status st = KAI_OK;
    for (int32_t f = 0; !st && f < folds; f++) st = cross_fit_fold(run, arrays, f, err);
    return st;
}

/* Effects of every customer: out of fold where the customer is in the history, else by `full`. */
static kai_status fill_customers(struct run *run, kai_err *err) {
    int64_t customers = run->customers.table->rows, others = 0;
    size_t width = (size_t)run->offers;
    const double *own = run->plan_effect ? run->plan_effect : run->history_effect;
    run->customer_effect = mem_array((size_t)customers * width, sizeof(double));
    int64_t *rows = mem_array((size_t)customers, sizeof *rows);
    kai_status st = run->customer_effect && rows ? KAI_OK : err_memory(err, customers * 8);
    for (int64_t i = 0; !st && i < customers; i++) {
        int64_t u = run->is_same_table ? run->used_of_row[i] : -1;
        if (u < 0)
            rows[others++] = i;
        else
            memcpy(run->customer_effect + (size_t)i * width, own + (size_t)u * width,
                   width * sizeof(double));
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
    choose_proof(run);
    kai_status st = draw_folds(run, err);
    if (!st) st = run_estimate_propensity(run, err);
    if (!st) st = new_arrays(run, &arrays, err);
    if (!st) st = cross_fit(run, &arrays, err);
    if (!st && (!run->is_same_table || run->used_count < run->history.table->rows))
        st = fit_effects(run, &arrays, -1, 0, &run->full, err);
    if (!st) st = fill_customers(run, err);
    if (!st) st = hash_models(run, err);
    free_arrays(&arrays);
    return st;
}
