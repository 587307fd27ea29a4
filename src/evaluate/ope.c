#include "evaluate/ope.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/evaluate.h"
#include "evaluate/order.h"
#include "evaluate/stat.h"

enum { GRID = 12, LOWER_GRID = 10 };

const char *ope_estimator_text(enum ope_estimator estimator) {
    static const char *const TEXTS[] = {"dm",          "ipw",       "snipw", "dr",
                                        "sndr",        "switch-dr", "dros",  "mips",
                                        "independent", "cascade",   "slate"};
    return TEXTS[estimator];
}

static kai_status check_rows(const struct ope_log *logged, const struct ope_policy *policy,
                             kai_err *err) {
    if (logged->rows < 2) return err_set(err, KAI_INVALID, "at least 2 rows are needed");
    for (int64_t i = 0; i < logged->rows; i++) {
        const char *wrong = NULL;
        if (!isfinite(logged->reward[i]))
            wrong = "the reward is not finite";
        else if (!(logged->propensity[i] > 0 && logged->propensity[i] <= 1))
            wrong = "the propensity is not above 0 and at most 1";
        else if (!(policy->chosen[i] >= 0 && policy->chosen[i] <= 1 + 1e-9))
            wrong = "the policy's probability is not between 0 and 1";
        if (wrong)
            return err_set(err, KAI_INVALID, "policy '%s': row %lld: %s", policy->name,
                           (long long)i + 1, wrong);
    }
    return KAI_OK;
}

static double mean_of(const double *values, int64_t n) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += values[i];
    return sum / (double)n;
}

/* Values of rows (or slates) to a mean with its interval. */
static struct estimate settle(const double *values, int64_t n, double freedom, double confidence,
                              enum ope_estimator estimator) {
    double mean = mean_of(values, n), squares = 0;
    for (int64_t i = 0; i < n; i++) squares += (values[i] - mean) * (values[i] - mean);
    double error = sqrt(squares / (double)(n - 1) / (double)n);
    return estimate_around(mean, error, freedom, confidence, n, ope_estimator_text(estimator));
}

struct ope_work {
    const struct ope_log *logged;
    const struct ope_policy *policy;
    double confidence;
    double freedom;
    double *weight; /* (rows) */
    double *rows;   /* (rows) scratch */
};

/* dm_i + f(w) (r - q) */
static void residual_rows(struct ope_work *work, double (*shape)(double weight, double parameter),
                          double parameter) {
    for (int64_t i = 0; i < work->logged->rows; i++)
        work->rows[i] =
            work->policy->model[i] +
            shape(work->weight[i], parameter) * (work->logged->reward[i] - work->logged->predicted[i]);
}

static double plain(double weight, double parameter) { return weight + 0 * parameter; }
static double switched(double weight, double threshold) { return weight <= threshold ? weight : 0; }
static double shrunk(double weight, double lambda) {
    return lambda * weight / (weight * weight + lambda);
}

/* SLOPE (Su, Srinath, Krishnamurthy 2020; the test of Tucker and Lee 2021): parameters from the
 * least biased on; go on while the estimate lies within the widths of all before it. */
static double slope(struct ope_work *work, double (*shape)(double, double), const double *grid,
                    enum ope_estimator estimator) {
    double values[GRID], widths[GRID];
    for (int g = 0; g < GRID; g++) {
        residual_rows(work, shape, grid[g]);
        struct estimate one =
            settle(work->rows, work->logged->rows, work->freedom, work->confidence, estimator);
        values[g] = one.value;
        widths[g] = (one.high - one.low) / 2;
        for (int before = 0; before < g; before++)
            if (fabs(values[before] - values[g]) > widths[g] + (sqrt(6) - 1) * widths[before])
                return grid[g - 1];
    }
    return grid[GRID - 1];
}

static void estimate_weights(struct ope_work *work, struct ope_value *value) {
    const struct ope_log *logged = work->logged;
    double mean = mean_of(work->weight, logged->rows);
    for (int64_t i = 0; i < logged->rows; i++) work->rows[i] = work->weight[i] * logged->reward[i];
    value->value[OPE_IPW] =
        settle(work->rows, logged->rows, work->freedom, work->confidence, OPE_IPW);
    if (!(mean > 0)) return;
    double level = value->value[OPE_IPW].value / mean;
    for (int64_t i = 0; i < logged->rows; i++)
        work->rows[i] = level + work->weight[i] * (logged->reward[i] - level) / mean;
    value->value[OPE_SNIPW] =
        settle(work->rows, logged->rows, work->freedom, work->confidence, OPE_SNIPW);
    value->value[OPE_SNIPW].value = level; /* the mean of the rows but for rounding */
}

static void estimate_models(struct ope_work *work, const struct ope_options *options,
                            struct ope_value *value) {
    const struct ope_log *logged = work->logged;
    int64_t n = logged->rows;
    double thresholds[GRID], lambdas[GRID], mean = mean_of(work->weight, n), residual = 0;
    value->value[OPE_DM] = settle(work->policy->model, n, (double)n - 1, work->confidence, OPE_DM);
    residual_rows(work, plain, 0);
    value->value[OPE_DR] = settle(work->rows, n, work->freedom, work->confidence, OPE_DR);
    for (int g = 0; g < GRID; g++) { /* from no bias on: all weights, then fewer */
        thresholds[g] = g == 0 ? INFINITY : value->weight_max * exp2(-g);
        lambdas[g] = value->weight_max * value->weight_max * pow(10, 4 - g);
    }
    value->threshold = options->threshold > 0 ? options->threshold
                                              : slope(work, switched, thresholds, OPE_SWITCH_DR);
    value->shrinkage =
        options->shrinkage > 0 ? options->shrinkage : slope(work, shrunk, lambdas, OPE_DROS);
    residual_rows(work, switched, value->threshold);
    value->value[OPE_SWITCH_DR] =
        settle(work->rows, n, work->freedom, work->confidence, OPE_SWITCH_DR);
    if (value->weight_max > 0) {
        residual_rows(work, shrunk, value->shrinkage);
        value->value[OPE_DROS] = settle(work->rows, n, work->freedom, work->confidence, OPE_DROS);
    }
    if (!(mean > 0)) return;
    for (int64_t i = 0; i < n; i++)
        residual += work->weight[i] * (logged->reward[i] - logged->predicted[i]) / mean / (double)n;
    for (int64_t i = 0; i < n; i++)
        work->rows[i] =
            work->policy->model[i] + residual +
            work->weight[i] * (logged->reward[i] - logged->predicted[i] - residual) / mean;
    value->value[OPE_SNDR] = settle(work->rows, n, work->freedom, work->confidence, OPE_SNDR);
}

/* MIPS (Saito and Joachims 2022) with the weight of an embedding as the mean weight of its rows. */
static kai_status estimate_embedding(struct ope_work *work, struct ope_value *value, kai_err *err) {
    const struct ope_log *logged = work->logged;
    double *sums = mem_zero(2 * (size_t)logged->embeddings, sizeof *sums);
    if (!sums) return err_memory(err, logged->embeddings * 16);
    for (int64_t i = 0; i < logged->rows; i++) {
        sums[2 * logged->embedding[i]] += work->weight[i];
        sums[2 * logged->embedding[i] + 1]++;
    }
    for (int64_t i = 0; i < logged->rows; i++) {
        const double *sum = sums + 2 * (int64_t)logged->embedding[i];
        work->rows[i] = sum[0] / sum[1] * logged->reward[i];
    }
    value->value[OPE_MIPS] =
        settle(work->rows, logged->rows, (double)logged->rows - 1, work->confidence, OPE_MIPS);
    mem_free(sums);
    return KAI_OK;
}

/* Sums over each slate's rows; the value is that of a slate. */
static void estimate_slates(struct ope_work *work, struct ope_value *value) {
    const struct ope_log *logged = work->logged;
    for (int e = OPE_INDEPENDENT; e <= OPE_SLATE; e++) {
        for (int64_t s = 0; s < logged->slate_count; s++) {
            double sum = 0, product = 1, rewards = 0;
            for (int64_t i = logged->slates[s]; i < logged->slates[s + 1]; i++) {
                product *= work->weight[i];
                rewards += logged->reward[i];
                sum += (e == OPE_INDEPENDENT ? work->weight[i] : product) * logged->reward[i];
            }
            work->rows[s] = e == OPE_SLATE ? product * rewards : sum;
        }
        if (logged->slate_count > 1)
            value->value[e] =
                settle(work->rows, logged->slate_count, (double)logged->slate_count - 1,
                       work->confidence, (enum ope_estimator)e);
    }
}

/* The best of a grid of clipped means less their empirical-Bernstein width (Maurer and Pontil
 * 2009, theorem 4; Thomas, Theocharous, Ghavamzadeh 2015). Clipping can only lower the mean where
 * rewards are not negative. */
static double lower_bound(struct ope_work *work, double reward_max) {
    const struct ope_log *logged = work->logged;
    double n = (double)logged->rows, best = 0;
    double budget = log(2 * LOWER_GRID / (1 - work->confidence));
    for (int64_t i = 0; i < logged->rows; i++) {
        if (logged->reward[i] < 0) return NAN;
        if (logged->reward[i] > reward_max) reward_max = logged->reward[i];
    }
    for (int g = 0; g < LOWER_GRID; g++) {
        double clip = exp2(g), sum = 0, squares = 0;
        for (int64_t i = 0; i < logged->rows; i++) {
            double one = fmin(work->weight[i], clip) * logged->reward[i];
            sum += one;
            squares += one * one;
        }
        double variance = fmax(0, squares - sum * sum / n) / (n - 1);
        double bound = sum / n - sqrt(2 * variance * budget / n) -
                       7 * clip * reward_max * budget / (3 * (n - 1));
        best = fmax(best, bound);
    }
    return best;
}

static kai_status weigh(struct ope_work *work, struct ope_value *value, kai_err *err) {
    const struct ope_log *logged = work->logged;
    double sum = 0, squares = 0, top = 0, n = (double)logged->rows;
    int64_t *order = mem_array((size_t)logged->rows, sizeof *order);
    if (!order) return err_memory(err, logged->rows * (int64_t)sizeof *order);
    for (int64_t i = 0; i < logged->rows; i++) {
        double weight = work->policy->chosen[i] / logged->propensity[i];
        work->weight[i] = weight;
        sum += weight;
        squares += weight * weight;
        value->weight_max = fmax(value->weight_max, weight);
    }
    value->weight_mean = sum / n;
    value->effective_sample = squares > 0 ? sum * sum / squares : 0;
    double variance = fmax(0, squares - sum * sum / n) / (n - 1) / n;
    value->weight_p =
        variance > 0 ? 2 * stat_normal_tail(fabs(value->weight_mean - 1) / sqrt(variance)) : NAN;
    work->freedom = fmax(1, value->effective_sample - 1);
    kai_status st = order_rows(work->weight, logged->rows, 1, order, err);
    for (int64_t i = 0; !st && i < (logged->rows + 99) / 100; i++) top += work->weight[order[i]];
    value->weight_top_share = sum > 0 ? top / sum : 0;
    mem_free(order);
    return st;
}

static void compare(struct ope_value *value) {
    value->agree_low = -INFINITY;
    value->agree_high = INFINITY;
    for (int e = OPE_IPW; e <= OPE_SNDR; e++) {
        if (value->value[e].n == 0) continue;
        value->agree_low = fmax(value->agree_low, value->value[e].low);
        value->agree_high = fmin(value->agree_high, value->value[e].high);
    }
}

kai_status ope_evaluate(const struct ope_log *logged, const struct ope_policy *policy,
                        const struct ope_options *options, struct ope_value *ret_value,
                        kai_err *err) {
    struct ope_work work = {
        .logged = logged,
        .policy = policy,
        .confidence = options->confidence > 0 ? options->confidence : EVALUATE_CONFIDENCE};
    struct ope_value value = {.name = policy->name, .threshold = NAN, .shrinkage = NAN};
    for (int e = 0; e < OPE_ESTIMATORS; e++)
        value.value[e] = estimate_none(ope_estimator_text((enum ope_estimator)e));
    kai_status st = check_rows(logged, policy, err);
    if (st) return st;
    work.weight = mem_array((size_t)logged->rows, sizeof *work.weight);
    work.rows = mem_array((size_t)logged->rows, sizeof *work.rows);
    if (!work.weight || !work.rows) st = err_memory(err, logged->rows * 16);
    if (!st) st = weigh(&work, &value, err);
    if (!st && !logged->slates) estimate_weights(&work, &value);
    if (!st && !logged->slates && logged->predicted && policy->model)
        estimate_models(&work, options, &value);
    if (!st && !logged->slates && logged->embedding) st = estimate_embedding(&work, &value, err);
    if (!st && logged->slates) estimate_slates(&work, &value);
    if (!st) value.lower = logged->slates ? NAN : lower_bound(&work, options->reward_max);
    if (!st) compare(&value);
    mem_free(work.weight);
    mem_free(work.rows);
    if (!st) *ret_value = value;
    return st;
}

kai_status ope_check_propensity(const struct ope_log *logged, double *ret_means, double *ret_p,
                                kai_err *err) {
    double *squares = mem_zero(2 * (size_t)logged->actions, sizeof *squares);
    int32_t *order = mem_array((size_t)logged->actions, sizeof *order);
    double *p = squares ? squares + logged->actions : NULL, n = (double)logged->rows;
    kai_status st = squares && order ? KAI_OK : err_memory(err, logged->actions * 20);
    for (int32_t a = 0; !st && a < logged->actions; a++) ret_means[a] = 0;
    for (int64_t i = 0; !st && i < logged->rows; i++) {
        double inverse = 1 / logged->propensity[i];
        ret_means[logged->action[i]] += inverse / n;
        squares[logged->action[i]] += inverse * inverse / n;
    }
    for (int32_t a = 0; !st && a < logged->actions; a++) {
        double error = sqrt(fmax(0, squares[a] - ret_means[a] * ret_means[a]) / (n - 1));
        p[a] = error > 0 ? 2 * stat_normal_tail(fabs(ret_means[a] - 1) / error) : 1;
    }
    if (!st) stat_holm(p, logged->actions, order, ret_p);
    mem_free(squares);
    mem_free(order);
    return st;
}

kai_status ope_fit_means(const struct ope_log *logged, const int32_t *position, int32_t positions,
                         int32_t folds, double prior, double *ret_table, kai_err *err) {
    int64_t cells = (int64_t)positions * logged->actions;
    double *counts = mem_array((size_t)cells, sizeof *counts);
    if (!counts) return err_memory(err, cells * (int64_t)sizeof *counts);
    for (int32_t f = 0; f < folds; f++) {
        double *sums = ret_table + f * cells, total = 0, rows = 0;
        for (int64_t c = 0; c < cells; c++) sums[c] = counts[c] = 0;
        for (int64_t i = 0; i < logged->rows; i++) {
            int64_t cell =
                (int64_t)(position ? position[i] : 0) * logged->actions + logged->action[i];
            if (i % folds == f) continue;
            total += logged->reward[i];
            rows++;
            sums[cell] += logged->reward[i];
            counts[cell]++;
        }
        double overall = rows > 0 ? total / rows : 0;
        for (int64_t c = 0; c < cells; c++)
            sums[c] = (sums[c] + prior * overall) / (counts[c] + prior);
    }
    mem_free(counts);
    return KAI_OK;
}
