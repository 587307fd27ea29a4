/* Scores out of fold, and how good they are. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "engine/lift.h"
#include "evaluate/stat.h"
#include "learn/causal.h"
#include "learn/effect.h"

static const char *const NAMES[LIFT_LEARNERS] = {"constant", "s",      "t",     "x",
                                                 "dr",       "causal", "noise", "score"};

const char *lift_learner_text(enum lift_learner learner) { return NAMES[learner]; }

static kai_status name_learners(struct lift *lift, kai_err *err) {
    kai_list list = lift->options->learners;
    for (int64_t i = 0; i < list.count; i++) {
        int32_t k = 0;
        while (k < LIFT_SCORE && strcmp(NAMES[k], list.items[i]) != 0) k++;
        if (k == LIFT_SCORE)
            return err_set(err, KAI_INVALID,
                           "option '--learners': '%s' is not one of constant, s, t, x, dr, causal, "
                           "noise",
                           list.items[i]);
        for (int32_t l = 0; l < lift->learner_count; l++)
            if ((int32_t)lift->learners[l] == k)
                return err_set(err, KAI_INVALID, "option '--learners': '%s' stands twice",
                               list.items[i]);
        lift->learners[lift->learner_count++] = (enum lift_learner)k;
    }
    if (!lift->learner_count)
        return err_set(err, KAI_INVALID, "option '--learners': at least one is needed");
    return KAI_OK;
}

/* One fold at work: rows to learn from and rows to speak about. */
struct fold_rows {
    int64_t *train, *test, *test_used; /* owned; test_used: places in `used` */
    int64_t train_count, test_count;
};

static kai_status deal(const struct lift *lift, int32_t fold, struct fold_rows *ret, kai_err *err) {
    size_t used = (size_t)lift->used_count;
    *ret = (struct fold_rows){mem_array(used, sizeof(int64_t)), mem_array(used, sizeof(int64_t)),
                              mem_array(used, sizeof(int64_t)), 0, 0};
    if (!ret->train || !ret->test || !ret->test_used) return err_memory(err, (int64_t)used * 24);
    for (int64_t u = 0; u < lift->used_count; u++) {
        int64_t row = lift->used[u];
        if (lift->fold[row] != fold) {
            ret->train[ret->train_count++] = row;
        } else {
            ret->test_used[ret->test_count] = u;
            ret->test[ret->test_count++] = row;
        }
    }
    return KAI_OK;
}

static void free_rows(struct fold_rows *rows) {
    mem_free(rows->train);
    mem_free(rows->test);
    mem_free(rows->test_used);
}

static kai_status speak(struct lift *lift, int32_t learner, const struct effect_model *model,
                        const struct fold_rows *rows, kai_err *err) {
    size_t count = (size_t)rows->test_count;
    double *effects = mem_array(count * (size_t)lift->offers, sizeof *effects);
    double *outcomes = mem_array(count * (size_t)lift->arms, sizeof *outcomes);
    kai_status st = effects && outcomes
                        ? effect_predict(model, lift->matrix, rows->test, rows->test_count,
                                         lift->engine->pool, effects, outcomes, err)
                        : err_memory(err, (int64_t)count * 16);
    for (int64_t i = 0; !st && i < rows->test_count; i++) {
        int64_t u = rows->test_used[i];
        for (int32_t j = 0; j < lift->offers; j++)
            lift->effect[learner][u * lift->offers + j] = effects[i * lift->offers + j];
        for (int32_t a = 0; a < lift->arms; a++)
            lift->predicted[u * lift->arms + a] = outcomes[i * lift->arms + a];
    }
    mem_free(effects);
    mem_free(outcomes);
    return st;
}

static kai_status learn_effects(struct lift *lift, int32_t learner, const struct fold_rows *rows,
                                kai_err *err) {
    static const enum effect_learner KINDS[] = {EFFECT_CONSTANT, EFFECT_S, EFFECT_T, EFFECT_X,
                                                EFFECT_DR};
    struct effect_options options;
    struct effect_model *model = NULL;
    struct effect_data data = {.features = lift->matrix,
                               .arm = lift->row_arm,
                               .outcome = lift->row_outcome,
                               .propensity = lift->row_propensity,
                               .row_ids = rows->train,
                               .row_count = rows->train_count,
                               .offers = lift->offers};
    effect_options_init(&options, (uint64_t)lift->options->common.seed);
    kai_status st = effect_fit(&options, KINDS[lift->learners[learner]], EFFECT_BOOST, &data,
                               lift->engine->pool, NULL, &model, err);
    if (!st) st = speak(lift, learner, model, rows, err);
    effect_free(model);
    return st;
}

/* Rows of control and one offer, as the forest wants them. */
struct pair {
    int64_t *rows; /* owned */
    int64_t count;
    double *treatment, *chance; /* owned; (table rows) */
};

static void gather_pair(const struct lift *lift, const struct fold_rows *rows, int32_t arm,
                        struct pair *pair) {
    int64_t treated = 0;
    pair->count = 0;
    for (int64_t i = 0; i < rows->train_count; i++) {
        int64_t row = rows->train[i];
        if (lift->row_arm[row] != 0 && lift->row_arm[row] != arm) continue;
        pair->treatment[row] = lift->row_arm[row] == arm;
        treated += lift->row_arm[row] == arm;
        pair->rows[pair->count++] = row;
    }
    double share = pair->count ? (double)treated / (double)pair->count : 0;
    for (int64_t i = 0; i < pair->count; i++) pair->chance[pair->rows[i]] = share;
}

static kai_status learn_pair(struct lift *lift, int32_t learner, const struct fold_rows *rows,
                             int32_t offer, struct pair *pair, double *effect, kai_err *err) {
    struct causal_options options;
    struct causal *causal = NULL;
    gather_pair(lift, rows, offer + 1, pair);
    /* a uniform experiment knows the chance of treatment; a log lets the forest estimate it */
    struct causal_data data = {.features = lift->matrix,
                               .treatment = pair->treatment,
                               .outcome = lift->row_outcome,
                               .chance = lift->row_propensity ? NULL : pair->chance,
                               .row_ids = pair->rows,
                               .row_count = pair->count};
    causal_options_init(&options);
    options.trees = (int32_t)lift->options->trees;
    options.seed = (uint64_t)lift->options->common.seed;
    kai_status st = causal_fit(&options, &data, lift->engine->pool, NULL, &causal, err);
    if (!st)
        st = causal_predict(causal, lift->matrix, rows->test, rows->test_count, lift->engine->pool,
                            effect, NULL, err);
    for (int64_t i = 0; !st && i < rows->test_count; i++)
        lift->effect[learner][rows->test_used[i] * lift->offers + offer] = effect[i];
    causal_free(causal);
    return st;
}

static kai_status learn_causal(struct lift *lift, int32_t learner, const struct fold_rows *rows,
                               kai_err *err) {
    size_t table_rows = (size_t)lift->table->rows;
    struct pair pair = {.rows = mem_array((size_t)lift->used_count, sizeof(int64_t)),
                        .treatment = mem_zero(table_rows, sizeof(double)),
                        .chance = mem_zero(table_rows, sizeof(double))};
    double *effect = mem_array((size_t)rows->test_count, sizeof *effect);
    kai_status st = pair.rows && pair.treatment && pair.chance && effect
                        ? KAI_OK
                        : err_memory(err, (int64_t)table_rows * 24);
    for (int32_t j = 0; !st && j < lift->offers; j++)
        st = learn_pair(lift, learner, rows, j, &pair, effect, err);
    mem_free(pair.rows);
    mem_free(pair.treatment);
    mem_free(pair.chance);
    mem_free(effect);
    return st;
}

static void draw_noise(struct lift *lift, int32_t learner) {
    for (int64_t u = 0; u < lift->used_count; u++) {
        struct rng rng;
        rng_init(&rng, (uint64_t)lift->options->common.seed, "noise ranking",
                 (uint64_t)lift->used[u]);
        for (int32_t j = 0; j < lift->offers; j++)
            lift->effect[learner][u * lift->offers + j] = rng_unit(&rng);
    }
}

/* Every learner on one fold. Expected outcomes, which sharpen psi, are those of the last effect
 * learner; all learners come from the same outcome models. */
static kai_status learn_fold(struct lift *lift, int32_t fold, kai_err *err) {
    struct fold_rows rows = {0};
    kai_status st = deal(lift, fold, &rows, err);
    for (int32_t l = 0; !st && l < lift->learner_count; l++) {
        if (lift->learners[l] == LIFT_NOISE) continue;
        timing_enter(&lift->timing, NAMES[lift->learners[l]]);
        st = progress_tell(&lift->engine->progress, "learn", fold * lift->learner_count + l,
                           lift->options->folds * lift->learner_count, err);
        if (!st)
            st = lift->learners[l] == LIFT_CAUSAL ? learn_causal(lift, l, &rows, err)
                                                  : learn_effects(lift, l, &rows, err);
    }
    free_rows(&rows);
    return st;
}

static kai_status learn_all(struct lift *lift, kai_err *err) {
    size_t used = (size_t)lift->used_count;
    int has_outcomes = 0;
    kai_status st = name_learners(lift, err);
    for (int32_t l = 0; !st && l < lift->learner_count; l++) {
        lift->effect[l] = mem_zero(used * (size_t)lift->offers, sizeof(double));
        if (!lift->effect[l]) st = err_memory(err, (int64_t)used * lift->offers * 8);
        has_outcomes |= lift->learners[l] <= LIFT_DR;
        if (!st && lift->learners[l] == LIFT_NOISE) draw_noise(lift, l);
    }
    if (!st && has_outcomes) {
        lift->predicted = mem_zero(used * (size_t)lift->arms, sizeof(double));
        if (!lift->predicted) st = err_memory(err, (int64_t)used * lift->arms * 8);
    }
    for (int32_t fold = 0; !st && fold < lift->options->folds; fold++)
        st = learn_fold(lift, fold, err);
    return st;
}

static double square_error(const double *psi, const double *score, double shift, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double miss = psi[i] - (score ? score[i] : shift);
        sum += miss * miss / (double)count;
    }
    return sum;
}

/* P(slope > 0) from its interval, one-sided. */
static double p_of(const struct estimate *slope, double confidence) {
    double half = (slope->high - slope->low) / 2;
    if (!(half > 0)) return 1;
    return stat_normal_tail(slope->value / half * stat_normal_quantile((1 + confidence) / 2));
}

static kai_status judge(struct lift *lift, const struct trial *trial, int32_t learner,
                        int32_t offer, double *score, kai_err *err) {
    const kai_evaluate_uplift_options *o = lift->options;
    struct lift_proof *proof = &lift->proofs[learner * lift->offers + offer];
    const double *psi = lift->psi + (int64_t)offer * lift->used_count;
    int64_t used = lift->used_count;
    for (int64_t u = 0; u < used; u++) score[u] = lift->effect[learner][u * lift->offers + offer];
    kai_status st = uplift_rank(trial, NULL, offer + 1, score, (int32_t)o->points, o->confidence,
                                lift->engine->pool, &proof->curve, err);
    if (!st) st = reliability_fit(score, psi, used, 10, o->confidence, &proof->reliability, err);
    if (!st) st = toc_autoc(score, psi, used, o->confidence, &proof->autoc, err);
    if (st) return st;
    double base = square_error(psi, NULL, proof->curve.effect.value, used);
    int is_ranking = lift->learners[learner] == LIFT_NOISE || lift->learners[learner] == LIFT_SCORE;
    proof->risk = is_ranking ? NAN : (square_error(psi, score, 0, used) - base) / base;
    proof->slope_p = p_of(&proof->reliability.slope, o->confidence);
    return KAI_OK;
}

/* What the features say of psi, in a line. */
static kai_status project(struct lift *lift, kai_err *err) {
    if (!lift->matrix || lift->matrix->columns > TOC_COLUMNS_MAX) return KAI_OK;
    int32_t columns = lift->matrix->columns;
    size_t used = (size_t)lift->used_count, cells = used * (size_t)columns;
    float *values = mem_array(cells, sizeof *values);
    const float **column = mem_array((size_t)columns, sizeof *column);
    lift->projection = mem_zero((size_t)lift->offers * (size_t)columns, sizeof *lift->projection);
    kai_status st =
        values && column && lift->projection ? KAI_OK : err_memory(err, (int64_t)cells * 4);
    for (int32_t c = 0; !st && c < columns; c++) {
        column[c] = values + (size_t)c * used;
        for (int64_t u = 0; u < lift->used_count; u++)
            values[(size_t)c * used + (size_t)u] = matrix_column(lift->matrix, c)[lift->used[u]];
    }
    for (int32_t j = 0; !st && j < lift->offers; j++)
        st = toc_project(column, columns, lift->psi + (int64_t)j * lift->used_count,
                         lift->used_count, lift->options->confidence,
                         lift->projection + (int64_t)j * columns, err);
    mem_free(values);
    mem_free(column);
    return st;
}

kai_status lift_learn(struct lift *lift, kai_err *err) {
    kai_status st = lift->options->score ? KAI_OK : learn_all(lift, err);
    timing_enter(&lift->timing, "judge");
    struct trial trial = {.rows = lift->used_count,
                          .arms = lift->arms,
                          .arm = lift->arm,
                          .outcome = lift->outcome,
                          .propensity = lift->propensity,
                          .predicted = lift->predicted,
                          .arm_names = lift->arm_names};
    size_t used = (size_t)lift->used_count, offers = (size_t)lift->offers;
    double *score = mem_array(used, sizeof *score);
    lift->psi = mem_array(used * offers, sizeof *lift->psi);
    lift->proofs = mem_zero((size_t)LIFT_LEARNERS * offers, sizeof *lift->proofs);
    if (!st && (!score || !lift->psi || !lift->proofs)) st = err_memory(err, (int64_t)used * 16);
    for (int32_t j = 0; !st && j < lift->offers; j++)
        st = trial_effects(&trial, NULL, j + 1, lift->engine->pool,
                           lift->psi + (int64_t)j * lift->used_count, err);
    for (int32_t l = 0; !st && l < lift->learner_count; l++)
        for (int32_t j = 0; !st && j < lift->offers; j++)
            st = judge(lift, &trial, l, j, score, err);
    if (!st) st = project(lift, err);
    mem_free(score);
    return st;
}
