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
    static const char *const TEXTS[] = {"constant", "s", "t", "x", "dr", "blend"};
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
    model->average = mem_zero(count, sizeof *model->average);
    model->arm = mem_zero(count + 1, sizeof *model->arm);
    if (!model->average || !model->arm) {
        effect_free(model);
        return err_memory(err, (int64_t)(count * 2 * sizeof(double)));
    }
    *ret_model = model;
    return KAI_OK;
}

kai_status effect_model_add(struct effect_model *model, enum effect_learner learner,
                            enum effect_base base, double weight, kai_err *err) {
    KAI_ASSERT(model->member_count < EFFECT_CANDIDATES_MAX);
    struct effect_member *member = &model->members[model->member_count++];
    member->learner = learner;
    member->base = base;
    member->weight = weight;
    member->centre = mem_zero((size_t)model->offers, sizeof *member->centre);
    member->effect = mem_zero((size_t)model->offers, sizeof(struct effect_part *));
    if (member->centre && member->effect) return KAI_OK;
    return err_memory(err, model->offers * 16);
}

struct effect_answer effect_answer_of(const struct effect_model *model,
                                      const struct effect_member *member, int32_t offer) {
    if (member->learner == EFFECT_S) return (struct effect_answer){member->joint, member->joint};
    if (member->learner == EFFECT_T)
        return (struct effect_answer){model->arm[offer + 1], model->arm[0]};
    return (struct effect_answer){member->effect[offer], NULL};
}

void effect_free(struct effect_model *model) {
    if (!model) return;
    for (int32_t a = 0; model->arm && a <= model->offers; a++) effect_part_free(model->arm[a]);
    for (int32_t m = 0; m < model->member_count; m++) {
        struct effect_member *member = &model->members[m];
        for (int32_t k = 0; member->effect && k < model->offers; k++)
            effect_part_free(member->effect[k]);
        effect_part_free(member->joint);
        mem_free(member->effect);
        mem_free(member->centre);
    }
    effect_part_free(model->baseline);
    mem_free(model->average);
    mem_free(model->arm);
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
    float *target = mem_array(most, sizeof *target), *weight = mem_array(most, sizeof *weight);
    kai_status st = KAI_OK;
    if (!positions || !target || !weight) st = err_memory(err, (int64_t)(most * 12));
    if (!st) {
        struct effect_task task = {
            .base = fit->base, .positions = positions, .target = target, .weight = weight};
        task.role = fit->arm < 0 ? EFFECT_ROLE_BASELINE : EFFECT_ROLE_ARM;
        task.index = (uint64_t)(fit->fold + 1) * 1024 + (uint64_t)(fit->arm + 1);
        for (int64_t p = 0; p < rows->count; p++) {
            if (fit->fold >= 0 && rows->fold[p] != fit->fold) continue;
            if (fit->arm >= 0 && rows->arm[p] != fit->arm) continue;
            positions[task.count] = (int32_t)p;
            weight[task.count] = (float)(fit->fold >= 0 ? effect_noise_weight_by(rows, p, fit->fold)
                                                        : effect_noise_weight(rows, p, -1));
            target[task.count++] = rows->outcome[p] - (fit->common ? (float)fit->common[p] : 0.0f);
        }
        st = effect_part_fit(rows, &task, fit->slot, err);
    }
    mem_free(positions);
    mem_free(target);
    mem_free(weight);
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

/* The baseline as the expected outcome under every arm: enough to see how much outcomes vary. */
static void take_baseline(const struct nuisance_run *run) {
    struct effect_rows *rows = run->rows;
    for (int32_t f = 0; f < rows->folds; f++)
        for (int64_t i = 0; i < rows->count * rows->arms; i++)
            rows->mu[f][i] = (float)run->common[f][i / rows->arms];
}

static kai_status fit_outcomes(struct effect_rows *rows, enum effect_base base, int is_rough,
                               struct pool *pool, const struct progress *progress, kai_err *err) {
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
    if (!st && is_rough) take_baseline(&run);
    if (!st && !is_rough)
        st = pool_run_telling(pool, (int64_t)rows->folds * rows->arms, fit_fold_arm, &run, progress,
                              "effects: outcomes", err);
    for (int32_t f = 0; f < EFFECT_FOLDS_MAX; f++) mem_free(run.common[f]);
    mem_free(positions);
    return st;
}

/* How much outcomes vary around a first guess, and expected outcomes with that in mind. */
static kai_status fit_nuisances(struct effect_rows *rows, enum effect_base base, struct pool *pool,
                                const struct progress *progress, kai_err *err) {
    kai_status st = fit_outcomes(rows, base, 1, pool, progress, err);
    if (!st) st = effect_noise_fit(rows, base, pool, progress, err);
    return st ? st : fit_outcomes(rows, base, 0, pool, progress, err);
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
    struct effect_member *member = &model->members[(item - 1) / model->offers];
    int32_t offer = (int32_t)((item - 1) % model->offers);
    if (member->learner == EFFECT_T || (member->learner == EFFECT_S && offer > 0)) return KAI_OK;
    struct effect_part **slot =
        member->learner == EFFECT_S ? &member->joint : &member->effect[offer];
    return effect_fit_stage(run->rows, member->learner, member->base, offer, -1, slot, err);
}

static kai_status fit_final_arm(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct final_run *run = user;
    struct outcome_fit fit = {run->rows,   run->outcome_base, -1,
                              run->common, (int32_t)item,     &run->model->arm[item]};
    return fit_outcome(&fit, err);
}

/* Mean of each member's own answers over the training rows. Item = (member, offer). */
static kai_status centre_member(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct final_run *run = user;
    int64_t count = run->rows->count;
    struct effect_member *member = &run->model->members[item / run->model->offers];
    int32_t offer = (int32_t)(item % run->model->offers);
    struct effect_answer answer = effect_answer_of(run->model, member, offer);
    double *values = mem_array((size_t)count, 2 * sizeof *values), sum = 0;
    if (!values) return err_memory(err, count * 16);
    double *less = values + count;
    kai_status st =
        effect_part_at(run->rows, answer.part, run->positions, count, offer + 1, values, err);
    if (!st && answer.less)
        st = effect_part_at(run->rows, answer.less, run->positions, count, 0, less, err);
    for (int64_t p = 0; !st && p < count; p++) sum += values[p] - (answer.less ? less[p] : 0);
    member->centre[offer] = sum / (double)count;
    mem_free(values);
    return st;
}

static kai_status fit_final(const struct effect_rows *rows, enum effect_base outcome_base,
                            struct effect_model *model, struct pool *pool,
                            const struct progress *progress, kai_err *err) {
    struct final_run run = {.rows = rows, .model = model, .outcome_base = outcome_base};
    int32_t *positions = NULL;
    int64_t stages = (int64_t)model->member_count * model->offers;
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
    if (!st) st = pool_run(pool, stages, centre_member, &run, err);
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
    if (learner == EFFECT_BLEND)
        return err_set(err, KAI_INVALID, "a blend comes of a choice, not of a single fit");
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
        if (learner != EFFECT_CONSTANT) st = effect_model_add(model, learner, base, 1, err);
    }
    if (!st) st = fit_nuisances(&rows, base, pool, progress, err);
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
    int32_t personal = 0;
    for (int learner = 0; learner < EFFECT_LEARNERS; learner++) {
        if (!(learners & 1u << learner)) continue;
        for (int base = 0; base < EFFECT_BASES; base++) {
            int is_single =
                learner == EFFECT_CONSTANT || learner == EFFECT_T || learner == EFFECT_BLEND;
            if (is_single ? base != (int)outcome_base : !(bases & 1u << base)) continue;
            if (!is_possible((enum effect_learner)learner, (enum effect_base)base)) continue;
            if (learner == EFFECT_BLEND && personal < 2) continue;
            personal += learner != EFFECT_CONSTANT;
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

/* The winner, or what it is blended of. */
static kai_status add_members(struct effect_model *model, const struct effect_candidate *candidates,
                              int32_t count, kai_err *err) {
    const struct effect_score *winner = &model->scores[0];
    if (winner->learner == EFFECT_CONSTANT) return KAI_OK;
    if (winner->learner != EFFECT_BLEND)
        return effect_model_add(model, winner->learner, winner->base, winner->shrink, err);
    kai_status st = KAI_OK;
    for (int32_t c = 0; !st && c < count; c++)
        if (candidates[c].weight > 0)
            st = effect_model_add(model, candidates[c].learner, candidates[c].base,
                                  winner->shrink * candidates[c].weight, err);
    return st;
}

enum { CHOICE_ROWS = 150000, CHOICE_ARM_ROWS = 1000 };

/* A choice needs fewer rows than the model that is chosen: every so many of them, but no fewer than
 * CHOICE_ARM_ROWS of the rarest arm. 1 = all. */
static int64_t choice_step(const struct effect_rows *rows) {
    int64_t rarest = rows->count;
    for (int32_t a = 0; a < rows->arms; a++) {
        int64_t count = 0;
        for (int64_t i = 0; i < rows->count; i++) count += rows->arm[i] == a;
        if (count < rarest) rarest = count;
    }
    int64_t step = (rows->count + CHOICE_ROWS - 1) / CHOICE_ROWS;
    if (step > rarest / CHOICE_ARM_ROWS) step = rarest / CHOICE_ARM_ROWS;
    return step < 1 ? 1 : step;
}

/* The comparison on every step-th row. */
static kai_status compare_sample(const struct effect_options *options,
                                 const struct effect_data *data, int64_t step,
                                 enum effect_base outcome_base, int has_design,
                                 struct effect_candidate *candidates, int32_t count,
                                 struct pool *pool, const struct progress *progress,
                                 struct effect_score *ret_scores, kai_err *err) {
    int64_t given = data->row_ids ? data->row_count : data->features->rows, taken = 0;
    int64_t *row_ids = mem_array((size_t)(given / step + 1), sizeof *row_ids);
    double *average = mem_zero((size_t)data->offers, sizeof *average);
    struct effect_data sample = *data;
    struct effect_rows rows = {0};
    kai_status st = row_ids && average ? KAI_OK : err_memory(err, given / step * 8);
    for (int64_t i = 0; !st && i < given; i += step)
        row_ids[taken++] = data->row_ids ? data->row_ids[i] : i;
    sample.row_ids = row_ids;
    sample.row_count = taken;
    if (!st) {
        st = effect_rows_init(options, &sample, has_design, pool, &rows, err);
        if (!st) st = fit_nuisances(&rows, outcome_base, pool, progress, err);
        if (!st) average_effects(&rows, average);
        if (!st)
            st = effect_compare(&rows, candidates, count, average, pool, progress, ret_scores, err);
        effect_rows_release(&rows);
    }
    mem_free(row_ids);
    mem_free(average);
    return st;
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
    int has_design = (bases & 1u << EFFECT_RIDGE) != 0;
    kai_status st = effect_rows_init(options, data, has_design, pool, &rows, err);
    if (!st) st = effect_model_new(data->offers, data->features->columns, &model, err);
    if (!st) st = fit_nuisances(&rows, outcome_base, pool, progress, err);
    if (!st) average_effects(&rows, model->average);
    int64_t step = st ? 1 : choice_step(&rows);
    if (!st && step > 1) {
        st = compare_sample(options, data, step, outcome_base, has_design, candidates, count, pool,
                            progress, model->scores, err);
    } else if (!st) {
        st = effect_compare(&rows, candidates, count, model->average, pool, progress, model->scores,
                            err);
    }
    if (!st) {
        model->score_count = count;
        model->learner = model->scores[0].learner;
        model->base = model->scores[0].base;
        st = add_members(model, candidates, count, err);
    }
    if (!st) st = fit_final(&rows, outcome_base, model, pool, progress, err);
    for (int32_t c = 0; c < count; c++) mem_free(candidates[c].effects);
    effect_rows_release(&rows);
    if (st)
        effect_free(model);
    else
        *ret_model = model;
    return st;
}
