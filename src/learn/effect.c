/* Fitting: nuisance models fold by fold, the choice, and the final models on all rows.
 *
 * Fold f's outcome models learn from fold f alone. The expected outcome of a row is then the mean
 * over the folds that are not its own, and, while fold v judges, not v either. So one set of fits
 * serves the second stages of every learner, every round of the choice and the final fit, and
 * nothing that judges has been seen by anything it judges. */
#include "learn/effect.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/effect_model.h"

const char *effect_learner_text(enum effect_learner learner) {
    static const char *const TEXTS[] = {"constant", "s", "t", "x", "dr"};
    return (unsigned)learner < EFFECT_LEARNERS ? TEXTS[learner] : "unknown";
}

const char *effect_base_text(enum effect_base base) {
    static const char *const TEXTS[] = {"ridge", "forest", "boost"};
    return (unsigned)base < EFFECT_BASES ? TEXTS[base] : "unknown";
}

void effect_options_init(struct effect_options *options, uint64_t seed) {
    memset(options, 0, sizeof *options);
    options->seed = seed;
    options->folds = 3;
}

kai_status effect_model_new(int32_t offers, int32_t columns, struct effect_model **ret_model,
                            kai_err *err) {
    struct effect_model *model = mem_zero(1, sizeof *model);
    if (!model) return err_memory(err, sizeof *model);
    size_t count = (size_t)offers;
    model->offers = offers;
    model->columns = columns;
    model->shrink = 1;
    model->average = mem_zero(count, sizeof *model->average);
    model->centre = mem_zero(count, sizeof *model->centre);
    model->arm = mem_zero(count + 1, sizeof *model->arm);
    model->effect = mem_zero(count, sizeof *model->effect);
    if (!model->average || !model->centre || !model->arm || !model->effect) {
        effect_free(model);
        return err_memory(err, (int64_t)(count * 4 * sizeof(double)));
    }
    *ret_model = model;
    return KAI_OK;
}

void effect_free(struct effect_model *model) {
    if (!model) return;
    for (int32_t a = 0; model->arm && a <= model->offers; a++) effect_part_free(model->arm[a]);
    for (int32_t k = 0; model->effect && k < model->offers; k++) effect_part_free(model->effect[k]);
    effect_part_free(model->baseline);
    effect_part_free(model->joint);
    mem_free(model->average);
    mem_free(model->centre);
    mem_free(model->arm);
    mem_free(model->effect);
    mem_free(model);
}

/* ---- outcome models: a common baseline, and what each arm adds to it ---- */

struct outcome_fit {
    const struct effect_rows *rows;
    enum effect_base base;
    int32_t fold;              /* rows of this fold only; -1 = all */
    const double *common;      /* (positions) the baseline's values; NULL while it is fitted */
    int32_t arm;               /* -1 = every arm: the baseline itself */
    struct effect_part **slot; /* where the result goes */
};

static kai_status fit_outcome(const struct outcome_fit *fit, kai_err *err) {
    const struct effect_rows *rows = fit->rows;
    size_t most = (size_t)rows->count;
    int32_t *positions = mem_array(most, sizeof *positions);
    float *target = mem_array(most, sizeof *target);
    kai_status st = KAI_OK;
    if (!positions || !target) st = err_memory(err, (int64_t)(most * 8));
    if (!st) {
        struct effect_task task = {.base = fit->base, .positions = positions, .target = target};
        task.role = fit->arm < 0 ? EFFECT_ROLE_BASELINE : EFFECT_ROLE_ARM;
        task.index = (uint64_t)(fit->fold + 1) * 1024 + (uint64_t)(fit->arm + 1);
        for (int64_t p = 0; p < rows->count; p++) {
            if (fit->fold >= 0 && rows->fold[p] != fit->fold) continue;
            if (fit->arm >= 0 && rows->arm[p] != fit->arm) continue;
            positions[task.count] = (int32_t)p;
            target[task.count++] = rows->outcome[p] - (fit->common ? (float)fit->common[p] : 0.0f);
        }
        st = effect_part_fit(rows, &task, fit->slot, err);
    }
    mem_free(positions);
    mem_free(target);
    return st;
}

static kai_status all_positions(const struct effect_rows *rows, int32_t **ret_positions,
                                kai_err *err) {
    int32_t *positions = mem_array((size_t)rows->count, sizeof *positions);
    if (!positions) return err_memory(err, rows->count * (int64_t)sizeof *positions);
    for (int64_t p = 0; p < rows->count; p++) positions[p] = (int32_t)p;
    *ret_positions = positions;
    return KAI_OK;
}

struct nuisance_run {
    struct effect_rows *rows;
    enum effect_base base;
    const int32_t *positions;         /* all */
    double *common[EFFECT_FOLDS_MAX]; /* owned; (positions) */
};

static kai_status fit_baseline(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct nuisance_run *run = user;
    struct effect_part *part = NULL;
    struct outcome_fit fit = {run->rows, run->base, (int32_t)item, NULL, -1, &part};
    kai_status st = fit_outcome(&fit, err);
    if (!st)
        st = effect_part_at(run->rows, part, run->positions, run->rows->count, 0, run->common[item],
                            err);
    effect_part_free(part);
    return st;
}

static kai_status fit_fold_arm(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct nuisance_run *run = user;
    struct effect_rows *rows = run->rows;
    int32_t fold = (int32_t)(item / rows->arms), arm = (int32_t)(item % rows->arms);
    struct effect_part *part = NULL;
    struct outcome_fit fit = {rows, run->base, fold, run->common[fold], arm, &part};
    double *values = mem_array((size_t)rows->count, sizeof *values);
    kai_status st = values ? KAI_OK : err_memory(err, rows->count * 8);
    if (!st) st = fit_outcome(&fit, err);
    if (!st) st = effect_part_at(rows, part, run->positions, rows->count, 0, values, err);
    for (int64_t p = 0; !st && p < rows->count; p++)
        rows->mu[fold][p * rows->arms + arm] = (float)(run->common[fold][p] + values[p]);
    mem_free(values);
    effect_part_free(part);
    return st;
}

static kai_status fit_nuisances(struct effect_rows *rows, enum effect_base base, struct pool *pool,
                                const struct progress *progress, kai_err *err) {
    struct nuisance_run run = {.rows = rows, .base = base};
    int32_t *positions = NULL;
    kai_status st = all_positions(rows, &positions, err);
    run.positions = positions;
    for (int32_t f = 0; !st && f < rows->folds; f++) {
        run.common[f] = mem_array((size_t)rows->count, sizeof(double));
        if (!run.common[f]) st = err_memory(err, rows->count * 8);
    }
    if (!st)
        st = pool_run_telling(pool, rows->folds, fit_baseline, &run, progress, "effects: baseline",
                              err);
    if (!st)
        st = pool_run_telling(pool, (int64_t)rows->folds * rows->arms, fit_fold_arm, &run, progress,
                              "effects: outcomes", err);
    for (int32_t f = 0; f < EFFECT_FOLDS_MAX; f++) mem_free(run.common[f]);
    mem_free(positions);
    return st;
}

/* ---- the final model ---- */

struct final_run {
    const struct effect_rows *rows;
    struct effect_model *model;
    enum effect_base outcome_base;
    const int32_t *positions;
    double *common; /* owned; (positions) */
};

/* Item 0 is the baseline, the others the second stage. */
static kai_status fit_final_stage(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct final_run *run = user;
    struct effect_model *model = run->model;
    if (item == 0) {
        struct outcome_fit fit = {run->rows, run->outcome_base, -1, NULL, -1, &model->baseline};
        kai_status st = fit_outcome(&fit, err);
        if (!st)
            st = effect_part_at(run->rows, model->baseline, run->positions, run->rows->count, 0,
                                run->common, err);
        return st;
    }
    struct effect_part **slot =
        model->learner == EFFECT_S ? &model->joint : &model->effect[item - 1];
    return effect_fit_stage(run->rows, model->learner, model->base, (int32_t)item - 1, -1, slot,
                            err);
}

static kai_status fit_final_arm(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct final_run *run = user;
    struct outcome_fit fit = {run->rows,   run->outcome_base, -1,
                              run->common, (int32_t)item,     &run->model->arm[item]};
    return fit_outcome(&fit, err);
}

/* The learner's own answer for one offer at training positions. */
static kai_status own_effects(const struct final_run *run, int32_t offer, double *ret_values,
                              double *scratch, kai_err *err) {
    const struct effect_model *model = run->model;
    const struct effect_rows *rows = run->rows;
    const struct effect_part *left = NULL, *right = NULL;
    int32_t arm = offer + 1;
    if (model->learner == EFFECT_X || model->learner == EFFECT_DR) left = model->effect[offer];
    if (model->learner == EFFECT_S) left = right = model->joint;
    if (model->learner == EFFECT_T) {
        left = model->arm[arm];
        right = model->arm[0];
    }
    kai_status st = effect_part_at(rows, left, run->positions, rows->count, arm, ret_values, err);
    if (st || !right) return st;
    st = effect_part_at(rows, right, run->positions, rows->count, 0, scratch, err);
    for (int64_t p = 0; !st && p < rows->count; p++) ret_values[p] -= scratch[p];
    return st;
}

static kai_status centre_effects(const struct final_run *run, kai_err *err) {
    if (run->model->learner == EFFECT_CONSTANT) return KAI_OK;
    const struct effect_rows *rows = run->rows;
    double *values = mem_array((size_t)rows->count, sizeof *values);
    kai_status st = values ? KAI_OK : err_memory(err, rows->count * 8);
    for (int32_t k = 0; !st && k < run->model->offers; k++) {
        double sum = 0;
        st = own_effects(run, k, values, run->common, err);
        for (int64_t p = 0; !st && p < rows->count; p++) sum += values[p];
        run->model->centre[k] = sum / (double)rows->count;
    }
    mem_free(values);
    return st;
}

static kai_status fit_final(const struct effect_rows *rows, enum effect_base outcome_base,
                            struct effect_model *model, struct pool *pool,
                            const struct progress *progress, kai_err *err) {
    struct final_run run = {.rows = rows, .model = model, .outcome_base = outcome_base};
    int32_t *positions = NULL;
    int64_t stages = 0;
    if (model->learner == EFFECT_S) stages = 1;
    if (model->learner == EFFECT_X || model->learner == EFFECT_DR) stages = model->offers;
    kai_status st = all_positions(rows, &positions, err);
    run.positions = positions;
    run.common = mem_array((size_t)rows->count, sizeof *run.common);
    if (!st && !run.common) st = err_memory(err, rows->count * 8);
    if (!st)
        st = pool_run_telling(pool, 1 + stages, fit_final_stage, &run, progress, "effects: final",
                              err);
    if (!st)
        st = pool_run_telling(pool, rows->arms, fit_final_arm, &run, progress, "effects: final",
                              err);
    if (!st) st = centre_effects(&run, err);
    mem_free(run.common);
    mem_free(positions);
    return st;
}

/* ---- doors ---- */

static void average_effects(const struct effect_rows *rows, double *ret_average) {
    double scores[EFFECT_ARMS_MAX];
    for (int64_t p = 0; p < rows->count; p++) {
        effect_rows_scores(rows, p, -1, scores);
        for (int32_t k = 0; k < rows->arms - 1; k++) ret_average[k] += scores[k];
    }
    for (int32_t k = 0; k < rows->arms - 1; k++) ret_average[k] /= (double)rows->count;
}

static int is_possible(enum effect_learner learner, enum effect_base base) {
    return learner != EFFECT_S || base == EFFECT_BOOST;
}

kai_status effect_fit(const struct effect_options *options, enum effect_learner learner,
                      enum effect_base base, const struct effect_data *data, struct pool *pool,
                      const struct progress *progress, struct effect_model **ret_model,
                      kai_err *err) {
    if ((unsigned)learner >= EFFECT_LEARNERS || (unsigned)base >= EFFECT_BASES)
        return err_set(err, KAI_INVALID, "unknown learner or base");
    if (!is_possible(learner, base))
        return err_set(err, KAI_INVALID, "learner 's' needs base 'boost', got '%s'",
                       effect_base_text(base));
    struct effect_rows rows;
    struct effect_model *model = NULL;
    kai_status st = effect_rows_init(options, data, base == EFFECT_RIDGE, pool, &rows, err);
    if (!st) st = effect_model_new(data->offers, data->features->columns, &model, err);
    if (!st) {
        model->learner = learner;
        model->base = base;
        st = fit_nuisances(&rows, base, pool, progress, err);
    }
    if (!st) {
        average_effects(&rows, model->average);
        st = fit_final(&rows, base, model, pool, progress, err);
    }
    effect_rows_release(&rows);
    if (st)
        effect_free(model);
    else
        *ret_model = model;
    return st;
}

/* The candidates of the options. T and the nuisances take the strongest base that is allowed. */
static int32_t list_candidates(const struct effect_options *options, enum effect_base outcome_base,
                               uint32_t bases, struct effect_candidate *candidates) {
    uint32_t learners = options->learners ? options->learners : ~0u;
    int32_t count = 0;
    for (int learner = 0; learner < EFFECT_LEARNERS; learner++) {
        if (!(learners & 1u << learner)) continue;
        for (int base = 0; base < EFFECT_BASES; base++) {
            int is_single = learner == EFFECT_CONSTANT || learner == EFFECT_T;
            if (is_single ? base != (int)outcome_base : !(bases & 1u << base)) continue;
            if (!is_possible((enum effect_learner)learner, (enum effect_base)base)) continue;
            candidates[count++] = (struct effect_candidate){.learner = (enum effect_learner)learner,
                                                            .base = (enum effect_base)base};
        }
    }
    return count;
}

static enum effect_base strongest_base(uint32_t bases) {
    if (bases & 1u << EFFECT_BOOST) return EFFECT_BOOST;
    return bases & 1u << EFFECT_FOREST ? EFFECT_FOREST : EFFECT_RIDGE;
}

kai_status effect_choose(const struct effect_options *options, const struct effect_data *data,
                         struct pool *pool, const struct progress *progress,
                         struct effect_model **ret_model, kai_err *err) {
    uint32_t bases = options->bases ? options->bases : 1u << EFFECT_RIDGE | 1u << EFFECT_BOOST;
    enum effect_base outcome_base = strongest_base(bases);
    struct effect_candidate candidates[EFFECT_CANDIDATES_MAX];
    struct effect_rows rows;
    struct effect_model *model = NULL;
    memset(candidates, 0, sizeof candidates);
    int32_t count = list_candidates(options, outcome_base, bases, candidates);
    if (count == 0) return err_set(err, KAI_INVALID, "no learner is left to choose from");
    kai_status st =
        effect_rows_init(options, data, (bases & 1u << EFFECT_RIDGE) != 0, pool, &rows, err);
    if (!st) st = effect_model_new(data->offers, data->features->columns, &model, err);
    if (!st) st = fit_nuisances(&rows, outcome_base, pool, progress, err);
    if (!st) {
        average_effects(&rows, model->average);
        st = effect_compare(&rows, candidates, count, model->average, pool, progress, model->scores,
                            err);
    }
    if (!st) {
        model->score_count = count;
        model->learner = model->scores[0].learner;
        model->base = model->scores[0].base;
        model->shrink = model->scores[0].shrink;
        st = fit_final(&rows, outcome_base, model, pool, progress, err);
    }
    for (int32_t c = 0; c < count; c++) mem_free(candidates[c].effects);
    effect_rows_release(&rows);
    if (st)
        effect_free(model);
    else
        *ret_model = model;
    return st;
}
