/* The choice between learners. Each candidate is fitted without one fold and speaks about that
 * fold, for every fold. Its personal effects are then shrunk toward the average by the slope of
 * doubly robust scores on them (the best linear predictor of Chernozhukov, Demirer, Duflo,
 * Fernandez-Val, 2018, with the slope kept in [0, 2]), and the greedy policy under the budget
 * (and under half of it) is valued by the same scores. Off-policy values are noisy; so of the
 * candidates whose value is within one paired standard error of the highest, the one with the
 * smallest squared error against the scores wins, and must beat the constant by a standard error.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/effect_model.h"

enum { BUDGETS = 2, PRICE_STEPS = 40 };

static const double SHRINK_MAX = 2;
static const double SLOPE_PRIOR_SD = 0.5, WEIGHT_PRIOR_SD = 0.3;

/* ---- second stages ---- */

int effect_target(const struct effect_rows *rows, enum effect_learner learner, int32_t offer,
                  int64_t position, int32_t without, float *ret_target, float *ret_weight) {
    double mu[EFFECT_ARMS_MAX];
    int32_t arm = rows->arm[position], mine = offer + 1;
    double y = (double)rows->outcome[position];
    *ret_weight = (float)effect_noise_weight(rows, position, without);
    if (learner == EFFECT_S) {
        *ret_target = rows->outcome[position];
        return 1;
    }
    if (learner == EFFECT_X && arm != 0 && arm != mine) return 0;
    effect_rows_mu(rows, position, without, mu);
    if (learner == EFFECT_X) {
        *ret_target = (float)(arm == 0 ? mu[mine] - y : y - mu[0]);
        *ret_weight /= rows->propensity[position];
        return 1;
    }
    double residual = (y - mu[arm]) / (double)rows->propensity[position];
    *ret_target =
        (float)(mu[mine] - mu[0] + (arm == mine ? residual : 0) - (arm == 0 ? residual : 0));
    return 1;
}

kai_status effect_fit_stage(const struct effect_rows *rows, enum effect_learner learner,
                            enum effect_base base, int32_t offer, int32_t without,
                            struct effect_part **ret_part, kai_err *err) {
    size_t most = (size_t)rows->count;
    int32_t *positions = mem_array(most, sizeof *positions);
    float *target = mem_array(most, sizeof *target), *weight = mem_array(most, sizeof *weight);
    kai_status st = KAI_OK;
    if (!positions || !target || !weight) st = err_memory(err, (int64_t)(most * 12));
    if (!st) {
        struct effect_task task = {.base = base, .positions = positions, .target = target};
        task.role = learner == EFFECT_S ? EFFECT_ROLE_JOINT : EFFECT_ROLE_EFFECT;
        task.index = ((uint64_t)learner * 64 + (uint64_t)(without + 1)) * 1024 + (uint64_t)offer;
        for (int64_t p = 0; p < rows->count; p++) {
            if (rows->fold[p] == without) continue;
            positions[task.count] = (int32_t)p;
            task.count += effect_target(rows, learner, offer, p, without, &target[task.count],
                                        &weight[task.count]);
        }
        task.weight = weight;
        st = effect_part_fit(rows, &task, ret_part, err);
    }
    mem_free(positions);
    mem_free(target);
    mem_free(weight);
    return st;
}

/* ---- out-of-fold effects ---- */

struct compare_run {
    const struct effect_rows *rows;
    struct effect_candidate *candidates;
    int32_t count, offers;
};

static int64_t list_fold(const struct effect_rows *rows, int32_t fold, int32_t *positions) {
    int64_t count = 0;
    for (int64_t p = 0; p < rows->count; p++)
        if (rows->fold[p] == fold) positions[count++] = (int32_t)p;
    return count;
}

static void note_t_effects(const struct effect_rows *rows, struct effect_candidate *candidate,
                           const int32_t *positions, int64_t count) {
    double mu[EFFECT_ARMS_MAX];
    for (int64_t i = 0; i < count; i++) {
        effect_rows_mu(rows, positions[i], -1, mu);
        for (int32_t k = 0; k < rows->arms - 1; k++)
            candidate->effects[(int64_t)positions[i] * (rows->arms - 1) + k] =
                (float)(mu[k + 1] - mu[0]);
    }
}

static kai_status note_stage(const struct compare_run *run, struct effect_candidate *candidate,
                             int32_t fold, int32_t offer, const int32_t *positions, int64_t count,
                             kai_err *err) {
    const struct effect_rows *rows = run->rows;
    struct effect_part *part = NULL;
    double *values = mem_array((size_t)count, sizeof *values);
    double *base = mem_zero((size_t)count, sizeof *base);
    kai_status st = values && base ? KAI_OK : err_memory(err, count * 16);
    int is_joint = candidate->learner == EFFECT_S;
    if (!st)
        st = effect_fit_stage(rows, candidate->learner, candidate->base, offer, fold, &part, err);
    if (!st && is_joint) st = effect_part_at(rows, part, positions, count, 0, base, err);
    for (int32_t k = offer; !st && k < (is_joint ? run->offers : offer + 1); k++) {
        st = effect_part_at(rows, part, positions, count, k + 1, values, err);
        for (int64_t i = 0; !st && i < count; i++)
            candidate->effects[(int64_t)positions[i] * run->offers + k] =
                (float)(values[i] - base[i]);
    }
    effect_part_free(part);
    mem_free(values);
    mem_free(base);
    return st;
}

/* Item = (candidate, fold, offer); S and T do all offers in their first item. */
static kai_status fit_candidate(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct compare_run *run = user;
    const struct effect_rows *rows = run->rows;
    int32_t offer = (int32_t)(item % run->offers);
    int32_t fold = (int32_t)(item / run->offers % rows->folds);
    struct effect_candidate *candidate = &run->candidates[item / run->offers / rows->folds];
    int is_whole = candidate->learner == EFFECT_S || candidate->learner == EFFECT_T;
    int is_done = candidate->learner == EFFECT_CONSTANT || candidate->learner == EFFECT_BLEND;
    if (is_done || (is_whole && offer > 0)) return KAI_OK;
    int32_t *positions = mem_array((size_t)rows->count, sizeof *positions);
    if (!positions) return err_memory(err, rows->count * 4);
    int64_t count = list_fold(rows, fold, positions);
    kai_status st = KAI_OK;
    if (candidate->learner == EFFECT_T)
        note_t_effects(rows, candidate, positions, count);
    else
        st = note_stage(run, candidate, fold, offer, positions, count, err);
    mem_free(positions);
    return st;
}

/* ---- the blend ---- */

struct blending {
    int32_t count; /* candidates that can be members */
    int32_t member[EFFECT_CANDIDATES_MAX];
    double gram[EFFECT_CANDIDATES_MAX][EFFECT_CANDIDATES_MAX];
    double right[EFFECT_CANDIDATES_MAX];
    double weight[EFFECT_CANDIDATES_MAX];
};

/* Products of the members' effects, and with the scores, all around the means of their offer. */
static void add_products(const struct effect_rows *rows, const struct effect_candidate *candidates,
                         const float *truth, const float *weight, double weights, int32_t offer,
                         struct blending *blending) {
    int32_t offers = rows->arms - 1, count = blending->count;
    double mean[EFFECT_CANDIDATES_MAX + 1] = {0}, x[EFFECT_CANDIDATES_MAX + 1];
    for (int pass = 0; pass < 2; pass++)
        for (int64_t p = 0; p < rows->count; p++) {
            for (int32_t m = 0; m < count; m++)
                x[m] = (double)candidates[blending->member[m]].effects[p * offers + offer];
            x[count] = (double)truth[p * offers + offer];
            for (int32_t m = 0; m <= count; m++) {
                if (pass == 0)
                    mean[m] += (double)weight[p] * x[m] / weights;
                else
                    x[m] -= mean[m];
            }
            for (int32_t m = 0; pass == 1 && m < count; m++) {
                double weighted = (double)weight[p] * x[m];
                blending->right[m] += weighted * x[count];
                for (int32_t o = 0; o <= m; o++) blending->gram[m][o] += weighted * x[o];
            }
        }
}

/* Least squares with weights of at least 0, by coordinate descent; weights that matter little are
 * dropped, so that the final fit does not pay for them. */
static void solve_weights(struct blending *blending) {
    enum { SWEEPS = 500 };
    double share_max = 0;
    for (int32_t m = 0; m < blending->count; m++)
        for (int32_t o = 0; o < m; o++) blending->gram[o][m] = blending->gram[m][o];
    for (int drop = 0; drop < 2; drop++) {
        for (int sweep = 0; sweep < SWEEPS; sweep++)
            for (int32_t m = 0; m < blending->count; m++) {
                double rest = blending->right[m];
                for (int32_t o = 0; o < blending->count; o++)
                    if (o != m) rest -= blending->gram[m][o] * blending->weight[o];
                int is_out = drop == 1 && blending->weight[m] <= 0;
                double weight = blending->gram[m][m] > 0 ? rest / blending->gram[m][m] : 0;
                blending->weight[m] = weight > 0 && !is_out ? weight : 0;
            }
        for (int32_t m = 0; drop == 0 && m < blending->count; m++)
            share_max = fmax(share_max, blending->weight[m] * sqrt(blending->gram[m][m]));
        for (int32_t m = 0; drop == 0 && m < blending->count; m++)
            if (blending->weight[m] * sqrt(blending->gram[m][m]) < 0.1 * share_max)
                blending->weight[m] = 0;
    }
}

/* Squared error of the averages: what a score varies by. */
static double scores_loss(const struct effect_rows *rows, const double *average, const float *truth,
                          const float *weight) {
    int32_t offers = rows->arms - 1;
    double loss = 0;
    for (int64_t p = 0; p < rows->count; p++)
        for (int32_t k = 0; k < offers; k++) {
            double gap = (double)truth[p * offers + k] - average[k];
            loss += (double)weight[p] * gap * gap;
        }
    return loss > 0 ? loss : 1;
}

/* Weigh the other candidates and fill the blend's out-of-fold effects. */
static void blend_candidates(const struct effect_rows *rows, struct effect_candidate *candidates,
                             int32_t count, const float *truth, const float *weight, double weights,
                             double noise) {
    int64_t cells = rows->count * (rows->arms - 1);
    struct effect_candidate *blend = NULL;
    struct blending blending;
    memset(&blending, 0, sizeof blending);
    for (int32_t c = 0; c < count; c++) {
        if (candidates[c].learner == EFFECT_BLEND)
            blend = &candidates[c];
        else if (candidates[c].effects)
            blending.member[blending.count++] = c;
    }
    if (!blend) return;
    for (int32_t k = 0; k < rows->arms - 1; k++)
        add_products(rows, candidates, truth, weight, weights, k, &blending);
    for (int32_t m = 0; m < blending.count; m++) {
        double prior = noise / (WEIGHT_PRIOR_SD * WEIGHT_PRIOR_SD);
        blending.gram[m][m] += prior;
        blending.right[m] += prior / blending.count;
    }
    solve_weights(&blending);
    memset(blend->effects, 0, (size_t)cells * sizeof *blend->effects);
    for (int32_t m = 0; m < blending.count; m++) {
        struct effect_candidate *member = &candidates[blending.member[m]];
        member->weight = blending.weight[m];
        for (int64_t i = 0; member->weight > 0 && i < cells; i++)
            blend->effects[i] += (float)member->weight * member->effects[i];
    }
}

/* ---- shrinking and scoring ---- */

struct scoring {
    const struct effect_rows *rows;
    const struct effect_candidate *candidates;
    const double *average;
    const float *truth;  /* (positions, offers) doubly robust scores */
    const float *weight; /* (positions) by the noise of their outcome */
    double weights;      /* their sum */
    double *means;       /* owned; (candidates, offers) of the raw effects */
    double *values;      /* owned; (candidates, positions) value of the policy at a row */
    double *losses;      /* owned; (candidates) above the constant's */
    double *loss_errors; /* owned; (candidates) standard errors of those */
    double *shrinks;     /* owned; (candidates) */
    double loss;         /* of the constant */
};

/* Mean raw effects, and the slope of the scores on the raw effects around their means, pooled over
 * offers. */
static double shrink_slope(const struct scoring *scoring, const struct effect_candidate *candidate,
                           double *means) {
    const struct effect_rows *rows = scoring->rows;
    const double *average = scoring->average;
    const float *truth = scoring->truth;
    int32_t offers = rows->arms - 1;
    for (int32_t k = 0; k < offers; k++) means[k] = 0;
    for (int64_t p = 0; p < rows->count; p++)
        for (int32_t k = 0; k < offers; k++)
            means[k] += (double)candidate->effects[p * offers + k] / (double)rows->count;
    const float *weight = scoring->weight;
    double noise = scoring->loss / (double)rows->count / offers;
    double square = noise / (SLOPE_PRIOR_SD * SLOPE_PRIOR_SD), cross = square;
    for (int64_t p = 0; p < rows->count; p++)
        for (int32_t k = 0; k < offers; k++) {
            double x = (double)candidate->effects[p * offers + k] - means[k];
            cross += (double)weight[p] * x * ((double)truth[p * offers + k] - average[k]);
            square += (double)weight[p] * x * x;
        }
    double slope = cross / square;
    return slope < 0 ? 0 : slope > SHRINK_MAX ? SHRINK_MAX : slope;
}

static void candidate_effects(const struct scoring *scoring, int32_t c, int64_t position,
                              double *ret_effects) {
    int32_t offers = scoring->rows->arms - 1;
    const struct effect_candidate *candidate = &scoring->candidates[c];
    for (int32_t k = 0; k < offers; k++) {
        ret_effects[k] = scoring->average[k];
        if (candidate->effects)
            ret_effects[k] +=
                scoring->shrinks[c] * ((double)candidate->effects[position * offers + k] -
                                       scoring->means[c * offers + k]);
    }
}

/* The offer (0-based) of the greedy policy at a price of money, or -1. */
static int32_t greedy_offer(const struct scoring *scoring, int64_t position, const double *effects,
                            double price) {
    const struct effect_data *data = scoring->rows->data;
    double worth = data->worth ? data->worth[scoring->rows->row[position]] : 1, best = 0;
    int32_t chosen = -1;
    for (int32_t k = 0; k < scoring->rows->arms - 1; k++) {
        double net = worth * effects[k] - (1 + price) * (data->cost ? data->cost[k] : 0);
        if (net > best) {
            best = net;
            chosen = k;
        }
    }
    return chosen;
}

static double greedy_cost(const struct scoring *scoring, int32_t c, double price) {
    const struct effect_data *data = scoring->rows->data;
    double effects[EFFECT_ARMS_MAX], cost = 0;
    for (int64_t p = 0; p < scoring->rows->count; p++) {
        candidate_effects(scoring, c, p, effects);
        int32_t offer = greedy_offer(scoring, p, effects, price);
        if (offer >= 0) cost += data->cost[offer];
    }
    return cost / (double)scoring->rows->count;
}

/* The greedy policy under a budget: with probability `share` that at price low, else that at price
 * high, so that the budget is spent exactly where many customers are worth the same. */
struct budgeted {
    double low, high, share;
};

static struct budgeted keep_budget(const struct scoring *scoring, int32_t c, double budget) {
    struct budgeted policy = {0, 0, 1};
    if (!scoring->rows->data->cost || budget <= 0) return policy;
    double low_cost = greedy_cost(scoring, c, 0), high_cost = low_cost;
    if (low_cost <= budget) return policy;
    policy.high = 1;
    for (int i = 0; i < PRICE_STEPS; i++) {
        high_cost = greedy_cost(scoring, c, policy.high);
        if (high_cost <= budget) break;
        policy.low = policy.high;
        low_cost = high_cost;
        policy.high *= 2;
    }
    for (int i = 0; i < PRICE_STEPS / 2; i++) {
        double middle = (policy.low + policy.high) / 2, cost = greedy_cost(scoring, c, middle);
        if (cost > budget) {
            policy.low = middle;
            low_cost = cost;
        } else {
            policy.high = middle;
            high_cost = cost;
        }
    }
    policy.share = low_cost > high_cost ? (budget - high_cost) / (low_cost - high_cost) : 0;
    return policy;
}

static double offer_value(const struct scoring *scoring, int64_t position, int32_t offer) {
    const struct effect_data *data = scoring->rows->data;
    if (offer < 0) return 0;
    double worth = data->worth ? data->worth[scoring->rows->row[position]] : 1;
    return worth * (double)scoring->truth[position * data->offers + offer] -
           (data->cost ? data->cost[offer] : 0);
}

static kai_status score_candidate(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct scoring *scoring = user;
    const struct effect_rows *rows = scoring->rows;
    const struct effect_data *data = rows->data;
    int32_t offers = rows->arms - 1, c = (int32_t)item;
    const struct effect_candidate *candidate = &scoring->candidates[c];
    if (candidate->effects)
        scoring->shrinks[c] =
            shrink_slope(scoring, candidate, scoring->means + (int64_t)c * offers);
    struct budgeted policies[BUDGETS];
    double effects[EFFECT_ARMS_MAX], loss = 0, square = 0;
    int budgets = data->budget_per_customer > 0 && data->cost ? BUDGETS : 1;
    for (int b = 0; b < budgets; b++)
        policies[b] = keep_budget(scoring, c, data->budget_per_customer / (b + 1));
    for (int64_t p = 0; p < rows->count; p++) {
        const float *truth = scoring->truth + p * offers;
        double value = 0, row_loss = 0;
        candidate_effects(scoring, c, p, effects);
        for (int32_t k = 0; k < offers; k++) {
            double gap = (double)truth[k] - effects[k];
            double zero = (double)truth[k] - scoring->average[k];
            row_loss += (double)scoring->weight[p] * (gap * gap - zero * zero);
        }
        loss += row_loss;
        square += row_loss * row_loss;
        for (int b = 0; b < budgets; b++) {
            double share = policies[b].share;
            int32_t low = greedy_offer(scoring, p, effects, policies[b].low);
            value += share * offer_value(scoring, p, low);
            if (share >= 1) continue;
            int32_t high = greedy_offer(scoring, p, effects, policies[b].high);
            value += (1 - share) * offer_value(scoring, p, high);
        }
        scoring->values[(int64_t)c * rows->count + p] = value / budgets;
    }
    scoring->losses[c] = loss;
    scoring->loss_errors[c] = sqrt(square);
    return KAI_OK;
}

static void mean_and_error(const double *a, const double *b, int64_t count, double *ret_mean,
                           double *ret_error) {
    double sum = 0, square = 0, n = (double)count;
    for (int64_t i = 0; i < count; i++) sum += a[i] - (b ? b[i] : 0);
    double mean = sum / n;
    for (int64_t i = 0; i < count; i++) {
        double gap = a[i] - (b ? b[i] : 0) - mean;
        square += gap * gap;
    }
    *ret_mean = mean;
    *ret_error = sqrt(square / (n - 1) / n);
}

static int is_before(const struct effect_score *a, const struct effect_score *b) {
    if (a->is_chosen != b->is_chosen) return a->is_chosen;
    return a->value > b->value;
}

static void rank(const struct scoring *scoring, int32_t count, struct effect_score *scores) {
    int64_t rows = scoring->rows->count;
    int32_t best = 0, chosen = 0;
    for (int32_t c = 0; c < count; c++) {
        scores[c] = (struct effect_score){.learner = scoring->candidates[c].learner,
                                          .base = scoring->candidates[c].base,
                                          .shrink = scoring->shrinks[c],
                                          .loss_gain = -scoring->losses[c] / scoring->loss};
        mean_and_error(scoring->values + c * rows, NULL, rows, &scores[c].value,
                       &scores[c].value_se);
        if (scores[c].value > scores[best].value) best = c;
    }
    chosen = best;
    for (int32_t c = 0; c < count; c++) {
        mean_and_error(scoring->values + best * rows, scoring->values + c * rows, rows,
                       &scores[c].behind, &scores[c].behind_se);
        if (scores[c].behind <= scores[c].behind_se &&
            scores[c].loss_gain > scores[chosen].loss_gain)
            chosen = c;
    }
    /* one standard error in favour of the simplest (Breiman et al., 1984, section 3.4.3) */
    for (int32_t c = 0; c < count; c++)
        if (scores[c].learner == EFFECT_CONSTANT && scores[c].behind <= scores[c].behind_se &&
            -scoring->losses[chosen] <= scoring->loss_errors[chosen])
            chosen = c;
    scores[chosen].is_chosen = 1;
    for (int32_t i = 1; i < count; i++) /* insertion sort of a handful, stable */
        for (int32_t j = i; j > 0 && is_before(&scores[j], &scores[j - 1]); j--) {
            struct effect_score kept = scores[j];
            scores[j] = scores[j - 1];
            scores[j - 1] = kept;
        }
}

static kai_status score_all(const struct effect_rows *rows, struct effect_candidate *candidates,
                            int32_t count, const double *average, struct pool *pool,
                            struct effect_score *ret_scores, kai_err *err) {
    size_t n = (size_t)rows->count, offers = (size_t)rows->arms - 1, c = (size_t)count;
    float *truth = mem_array(n * offers, sizeof *truth), *weight = mem_array(n, sizeof *weight);
    struct scoring scoring = {rows,
                              candidates,
                              average,
                              truth,
                              weight,
                              0,
                              mem_zero(c * offers, sizeof(double)),
                              mem_zero(c * n, sizeof(double)),
                              mem_zero(c, sizeof(double)),
                              mem_zero(c, sizeof(double)),
                              mem_zero(c, sizeof(double)),
                              0};
    kai_status st = KAI_OK;
    if (!truth || !weight || !scoring.means || !scoring.values || !scoring.losses ||
        !scoring.loss_errors || !scoring.shrinks)
        st = err_memory(err, (int64_t)(c * n * sizeof(double)));
    if (!st) {
        double scores[EFFECT_ARMS_MAX];
        for (int64_t p = 0; p < rows->count; p++) {
            effect_rows_scores(rows, p, -1, scores);
            for (size_t k = 0; k < offers; k++) truth[(size_t)p * offers + k] = (float)scores[k];
            weight[p] = (float)effect_noise_weight(rows, p, -1);
            scoring.weights += (double)weight[p];
        }
        scoring.loss = scores_loss(rows, average, truth, weight);
        blend_candidates(rows, candidates, count, truth, weight, scoring.weights,
                         scoring.loss / (double)(n * offers));
        st = pool_run(pool, count, score_candidate, &scoring, err);
    }
    if (!st) rank(&scoring, count, ret_scores);
    mem_free(truth);
    mem_free(weight);
    mem_free(scoring.means);
    mem_free(scoring.values);
    mem_free(scoring.losses);
    mem_free(scoring.loss_errors);
    mem_free(scoring.shrinks);
    return st;
}

kai_status effect_compare(const struct effect_rows *rows, struct effect_candidate *candidates,
                          int32_t count, const double *average, struct pool *pool,
                          const struct progress *progress, struct effect_score *ret_scores,
                          kai_err *err) {
    struct compare_run run = {rows, candidates, count, rows->arms - 1};
    for (int32_t c = 0; c < count; c++) {
        if (candidates[c].learner == EFFECT_CONSTANT) continue;
        size_t cells = (size_t)rows->count * (size_t)run.offers;
        candidates[c].effects = mem_array(cells, sizeof(float));
        if (!candidates[c].effects) return err_memory(err, (int64_t)(cells * sizeof(float)));
    }
    kai_status st = pool_run_telling(pool, (int64_t)count * rows->folds * run.offers, fit_candidate,
                                     &run, progress, "effects: choice", err);
    if (!st) st = score_all(rows, candidates, count, average, pool, ret_scores, err);
    return st;
}
