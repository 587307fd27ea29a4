#include "evaluate/experiment.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/evaluate.h"
#include "evaluate/experiment_units.h"
#include "evaluate/posterior.h"
#include "evaluate/sequential.h"
#include "evaluate/stat.h"

/* The level of an arm and its variance, after what is known from before is taken away. */
struct arm_level {
    double value, variance; /* of the value */
    double units;
    double slope;     /* of the value on `before` */
    double deviation; /* of one unit */
};

static kai_status check_weights(const struct experiment *experiment, kai_err *err) {
    for (int64_t i = 0; experiment->weight && i < experiment->rows; i++) {
        double weight = experiment->weight[i];
        if (!(weight >= 1 && weight <= 9e15 && weight == floor(weight)))
            return err_set(err, KAI_INVALID,
                           "row %lld: a weight must be a whole number from 1 to 9e15",
                           (long long)i + 1);
    }
    return KAI_OK;
}

/* Count the clusters of each arm; a cluster stands in one. */
static kai_status count_clusters(const struct experiment *experiment, double *units, kai_err *err) {
    int32_t *arm_of = mem_array((size_t)experiment->clusters, sizeof *arm_of);
    if (!arm_of) return err_memory(err, experiment->clusters * (int64_t)sizeof *arm_of);
    kai_status st = KAI_OK;
    for (int32_t c = 0; c < experiment->clusters; c++) arm_of[c] = -1;
    for (int64_t i = 0; !st && i < experiment->rows; i++) {
        int32_t arm = experiment->arm[i], *of = &arm_of[experiment->cluster[i]];
        if (arm < 0) continue;
        if (*of < 0) units[arm]++;
        if (*of >= 0 && *of != arm)
            st =
                err_set(err, KAI_INVALID, "row %lld: its cluster stands in two arms, '%s' and '%s'",
                        (long long)i + 1, experiment->arm_names[*of], experiment->arm_names[arm]);
        *of = arm;
    }
    mem_free(arm_of);
    return st;
}

kai_status experiment_check_ratio(const struct experiment *experiment,
                                  struct experiment_srm *ret_srm, kai_err *err) {
    struct experiment_srm srm = {.freedom = experiment->arms - 1};
    double total = 0;
    if (experiment->arms < 2 || experiment->arms > EXPERIMENT_ARMS)
        return err_set(err, KAI_INVALID, "%d arms: expected 2 to %d", (int)experiment->arms,
                       EXPERIMENT_ARMS);
    kai_status st = check_weights(experiment, err);
    if (!st && experiment->cluster) st = count_clusters(experiment, srm.units, err);
    for (int64_t i = 0; !st && !experiment->cluster && i < experiment->rows; i++)
        if (experiment->arm[i] >= 0)
            srm.units[experiment->arm[i]] += experiment->weight ? experiment->weight[i] : 1;
    for (int32_t a = 0; !st && a < experiment->arms; a++) {
        total += srm.units[a];
        if (srm.units[a] <= 0)
            st = err_set(err, KAI_INVALID, "arm '%s' has no units", experiment->arm_names[a]);
    }
    for (int32_t a = 0; !st && a < experiment->arms; a++) {
        double share = experiment->share ? experiment->share[a] : 1.0 / experiment->arms;
        srm.expected[a] = total * share;
        double off = srm.units[a] - srm.expected[a];
        srm.statistic += off * off / srm.expected[a];
    }
    if (st) return st;
    srm.p = stat_chi_square_tail(srm.statistic, srm.freedom);
    *ret_srm = srm;
    return KAI_OK;
}

/* Sums of squares of the linearised value, and of its product with `before`. */
static void linearise(const struct unit_moments *m, double *ret_squares, double *ret_product) {
    double ratio = m->y / m->d;
    *ret_squares = fmax(0, (m->yy - 2 * ratio * m->yd + ratio * ratio * m->dd) / (m->d * m->d));
    *ret_product = (m->yx - ratio * m->dx) / m->d;
}

/* One slope for all arms (CUPED), or each arm its own (regression); ret_all: mean and variance of
 * `before` over all. */
static void fit_slopes(const struct unit_moments *moments, int32_t arms,
                       enum experiment_adjust adjust, struct arm_level *levels, double ret_all[2]) {
    double products = 0, spread = 0, n = 0, mean = 0, between = 0;
    for (int32_t a = 0; a < arms; a++) {
        double squares, product;
        linearise(&moments[a], &squares, &product);
        products += product;
        spread += moments[a].xx;
        n += moments[a].n;
        mean += moments[a].n * moments[a].x;
        levels[a].slope = moments[a].xx > 0 ? product / moments[a].xx : 0;
    }
    mean /= n;
    for (int32_t a = 0; a < arms; a++) {
        between += moments[a].n * (moments[a].x - mean) * (moments[a].x - mean);
        if (adjust == EXPERIMENT_CUPED) levels[a].slope = spread > 0 ? products / spread : 0;
        if (adjust == EXPERIMENT_PLAIN) levels[a].slope = 0;
    }
    ret_all[0] = mean;
    ret_all[1] = (spread + between) / (n - 1) / n;
}

static void level_of(const struct unit_moments *m, double mean_before, struct arm_level *level) {
    double squares, product;
    linearise(m, &squares, &product);
    double slope = level->slope;
    double rest = fmax(0, squares - 2 * slope * product + slope * slope * m->xx);
    level->value = m->y / m->d - slope * (m->x - mean_before);
    level->variance = rest / (m->n - 1) / m->n;
    level->units = m->n;
    level->deviation = sqrt(rest / (m->n - 1));
}

static double welch_freedom(const struct arm_level *a, const struct arm_level *b) {
    double sum = a->variance + b->variance;
    return sum * sum /
           (a->variance * a->variance / (a->units - 1) +
            b->variance * b->variance / (b->units - 1));
}

/* A difference of proportions by Newcombe's hybrid score interval (Newcombe 1998, method 10), and
 * the pooled z-test. */
static void compare_proportions(const struct arm_level *a, const struct arm_level *b,
                                double confidence, struct experiment_effect *effect) {
    struct estimate of_a = estimate_proportion(a->value * a->units, (int64_t)a->units, confidence);
    struct estimate of_b = estimate_proportion(b->value * b->units, (int64_t)b->units, confidence);
    double difference = a->value - b->value;
    double pooled = (a->value * a->units + b->value * b->units) / (a->units + b->units);
    double error = sqrt(pooled * (1 - pooled) * (1 / a->units + 1 / b->units));
    effect->level = of_a;
    effect->fixed = (struct estimate){
        difference,
        difference - hypot(a->value - of_a.low, of_b.high - b->value),
        difference + hypot(of_a.high - a->value, b->value - of_b.low),
        of_a.n + of_b.n,
        "newcombe",
    };
    effect->p_fixed = error > 0 ? 2 * stat_normal_tail(fabs(difference) / error) : NAN;
}

static void compare_means(const struct arm_level *a, const struct arm_level *b, double confidence,
                          const char *method, struct experiment_effect *effect) {
    int64_t n = (int64_t)(a->units + b->units);
    double freedom = welch_freedom(a, b), difference = a->value - b->value;
    if (!(effect->error > 0)) {
        effect->fixed = (struct estimate){difference, NAN, NAN, n, method};
        return;
    }
    effect->fixed = estimate_around(difference, effect->error, freedom, confidence, n, method);
    effect->p_fixed = 2 * stat_t_tail(fabs(difference) / effect->error, freedom);
}

static struct estimate relative_of(const struct arm_level *a, const struct arm_level *b,
                                   double confidence) {
    double z = stat_normal_quantile(0.5 + confidence / 2), ratio = a->value / b->value;
    int64_t n = (int64_t)(a->units + b->units);
    double error = sqrt(a->variance + ratio * ratio * b->variance) / fabs(b->value);
    if (!(fabs(b->value) > 2 * sqrt(b->variance)) || !(error > 0))
        return (struct estimate){ratio - 1, NAN, NAN, n, "delta"};
    return (struct estimate){ratio - 1, ratio - 1 - z * error, ratio - 1 + z * error, n, "delta"};
}

/* The interval of all looks. A proportion's variance is that of one more hit and one more miss, so
 * that a few rows without a hit do not look certain. */
static void follow(const struct arm_level *a, const struct arm_level *b, int is_proportion,
                   const struct experiment_options *options, struct experiment_effect *effect) {
    double variance = effect->error * effect->error, units = a->units + b->units;
    double alpha = 1 - options->confidence;
    double mixture = sequential_mixture(options->horizon, 0.05);
    if (is_proportion) {
        variance = 0;
        for (int side = 0; side < 2; side++) {
            const struct arm_level *arm = side ? b : a;
            double p = (arm->value * arm->units + 1) / (arm->units + 2);
            variance += p * (1 - p) / arm->units;
        }
    }
    double error = sqrt(variance), difference = effect->fixed.value;
    effect->anytime = (struct estimate){difference, NAN, NAN, effect->fixed.n, "anytime"};
    if (!(error > 0) || a->units < EXPERIMENT_UNITS_MIN || b->units < EXPERIMENT_UNITS_MIN) return;
    double width = error * sequential_width(units, mixture, alpha);
    effect->anytime.low = difference - width;
    effect->anytime.high = difference + width;
    effect->p_anytime = sequential_p(difference / error, units, mixture);
}

static void compare(const struct arm_level *levels, int32_t a, int is_exact_proportion,
                    const struct experiment_metric *metric,
                    const struct experiment_options *options, double before_variance,
                    struct experiment_effect *effect) {
    const struct arm_level *arm = &levels[a], *control = &levels[0];
    double slopes = arm->slope - control->slope;
    effect->error = sqrt(arm->variance + control->variance + slopes * slopes * before_variance);
    if (is_exact_proportion)
        compare_proportions(arm, control, options->confidence, effect);
    else
        compare_means(arm, control, options->confidence,
                      metric->before                 ? "adjusted"
                      : metric->kind == METRIC_RATIO ? "delta"
                                                     : "welch",
                      effect);
    effect->relative = relative_of(arm, control, options->confidence);
    follow(arm, control, is_exact_proportion, options, effect);
    effect->detectable = effect->error * (stat_normal_quantile(0.5 + options->confidence / 2) +
                                          stat_normal_quantile(options->power));
    if (!options->is_bayes) return;
    if (is_exact_proportion)
        posterior_proportions(arm->value * arm->units, arm->units, control->value * control->units,
                              control->units, options->confidence, &effect->posterior,
                              &effect->better);
    else
        posterior_normal(effect->fixed.value, effect->error, options->prior_error,
                         options->confidence, &effect->posterior, &effect->better);
    effect->posterior.n = effect->fixed.n;
}

static kai_status measure_sums(const struct experiment *experiment,
                               const struct experiment_metric *metric,
                               const struct experiment_options *options,
                               struct experiment_result *result, kai_err *err) {
    struct units units;
    struct unit_moments moments[EXPERIMENT_ARMS];
    struct arm_level levels[EXPERIMENT_ARMS] = {{0}};
    double all[2], plain = 0, adjusted = 0;
    kai_status st = units_collect(experiment, metric, &units, err);
    if (st) return st;
    units_moments(&units, experiment->arms, moments);
    result->missing = units.missing;
    result->cap = metric->winsorise > 0 ? units.cap : NAN;
    units_release(&units);
    for (int32_t a = 0; !st && a < experiment->arms; a++) {
        if (moments[a].n < 2)
            st = err_set(
                err, KAI_INVALID,
                "metric '%s': arm '%s': %.0f of its units have a value, at least 2 are needed",
                metric->name, experiment->arm_names[a], moments[a].n);
        else if (!(moments[a].d > 0))
            st = err_set(err, KAI_INVALID, "metric '%s': arm '%s': the denominators add up to 0",
                         metric->name, experiment->arm_names[a]);
    }
    if (st) return st;
    fit_slopes(moments, experiment->arms, metric->before ? options->adjust : EXPERIMENT_PLAIN,
               levels, all);
    int is_exact = metric->kind == METRIC_PROPORTION && !experiment->cluster && !metric->before;
    for (int32_t a = 0; a < experiment->arms; a++) {
        double squares, product;
        struct experiment_effect *effect = &result->arm[a];
        linearise(&moments[a], &squares, &product);
        level_of(&moments[a], all[0], &levels[a]);
        plain += squares;
        adjusted += levels[a].deviation * levels[a].deviation * (moments[a].n - 1);
        effect->units = moments[a].n;
        effect->level = estimate_around(levels[a].value, sqrt(levels[a].variance), moments[a].n - 1,
                                        options->confidence, (int64_t)moments[a].n,
                                        metric->kind == METRIC_RATIO ? "delta" : "mean");
        if (is_exact)
            effect->level = estimate_proportion(moments[a].y * moments[a].n, (int64_t)moments[a].n,
                                                options->confidence);
        if (a > 0) compare(levels, a, is_exact, metric, options, all[1], effect);
    }
    if (metric->before) result->explained = plain > 0 ? 1 - adjusted / plain : 0;
    return KAI_OK;
}

/* The standard error of a quantile, from the distance of the values at the ranks that lie so many
 * errors of the share below it apart (Deng, Knoblich, Lu 2018, section 4.2); with clusters the
 * share's error is that of a ratio. */
static kai_status quantile_level(const struct experiment *experiment,
                                 const struct experiment_metric *metric, int32_t arm,
                                 double confidence, struct arm_level *level, kai_err *err) {
    double value = 0, ends[2], z = stat_normal_quantile(0.5 + confidence / 2);
    kai_status st =
        units_quantile(experiment, metric->value, &metric->quantile, 1, arm, &value, err);
    double *below = mem_array((size_t)experiment->rows, sizeof *below);
    if (!st && !below) st = err_memory(err, experiment->rows * (int64_t)sizeof *below);
    for (int64_t i = 0; !st && i < experiment->rows; i++)
        below[i] = isnan(metric->value[i]) ? NAN : metric->value[i] <= value;
    struct experiment_metric share = {.name = metric->name, .kind = METRIC_MEAN, .value = below};
    struct units units = {0};
    struct unit_moments moments[EXPERIMENT_ARMS];
    if (!st) st = units_collect(experiment, &share, &units, err);
    if (!st) {
        double squares, product, q = metric->quantile;
        units_moments(&units, experiment->arms, moments);
        const struct unit_moments *m = &moments[arm];
        linearise(m, &squares, &product);
        double error =
            experiment->cluster ? sqrt(squares / (m->n - 1) / m->n) : sqrt(q * (1 - q) / m->n);
        double shares[2] = {fmax(q - z * error, 1e-12), fmin(q + z * error, 1)};
        level->value = value;
        level->units = m->n;
        st = units_quantile(experiment, metric->value, shares, 2, arm, ends, err);
    }
    if (!st) level->variance = (ends[1] - ends[0]) * (ends[1] - ends[0]) / (4 * z * z);
    units_release(&units);
    mem_free(below);
    return st;
}

static kai_status measure_quantile(const struct experiment *experiment,
                                   const struct experiment_metric *metric,
                                   const struct experiment_options *options,
                                   struct experiment_result *result, kai_err *err) {
    struct arm_level levels[EXPERIMENT_ARMS] = {{0}};
    struct units units;
    kai_status st = units_collect(experiment, metric, &units, err);
    if (st) return st;
    result->missing = units.missing;
    units_release(&units);
    for (int32_t a = 0; !st && a < experiment->arms; a++) {
        struct experiment_effect *effect = &result->arm[a];
        st = quantile_level(experiment, metric, a, options->confidence, &levels[a], err);
        if (!st && levels[a].units < 2)
            st = err_set(
                err, KAI_INVALID,
                "metric '%s': arm '%s': %.0f of its units have a value, at least 2 are needed",
                metric->name, experiment->arm_names[a], levels[a].units);
        if (st) break;
        effect->units = levels[a].units;
        effect->level = estimate_around(levels[a].value, sqrt(levels[a].variance), INFINITY,
                                        options->confidence, (int64_t)levels[a].units, "ranks");
        if (a == 0) continue;
        compare(levels, a, 0, metric, options, 0, effect);
        effect->fixed.method = "ranks";
        effect->relative.method = "ranks";
    }
    return st;
}

/* All arms' running bounds at one alpha, rows in the order of the table. */
static void run_bernstein(const struct experiment *experiment,
                          const struct experiment_metric *metric,
                          const struct experiment_options *options, double alpha,
                          struct bernstein *arms) {
    for (int32_t a = 0; a < experiment->arms; a++) bernstein_init(&arms[a], alpha / 2);
    for (int64_t i = 0; i < experiment->rows; i++)
        if (experiment->arm[i] >= 0 && !isnan(metric->value[i]))
            bernstein_add(&arms[experiment->arm[i]],
                          (metric->value[i] - options->low) / (options->high - options->low));
}

/* Exact bounds for values that lie within [low, high] for certain; each arm has half of alpha. The
 * p-value is the smallest of a ladder of alphas at which 0 is outside. */
static kai_status follow_bounded(const struct experiment *experiment,
                                 const struct experiment_metric *metric,
                                 const struct experiment_options *options,
                                 struct experiment_result *result, kai_err *err) {
    enum { LADDER = 20 };
    struct bernstein arms[EXPERIMENT_ARMS];
    double span = options->high - options->low, alpha = 1 - options->confidence;
    int is_open[EXPERIMENT_ARMS];
    if (experiment->cluster || experiment->weight || metric->before)
        return err_set(err, KAI_INVALID,
                       "metric '%s': bounds go with neither clusters, weights nor "
                       "values from before",
                       metric->name);
    for (int64_t i = 0; i < experiment->rows; i++)
        if (metric->value[i] < options->low || metric->value[i] > options->high)
            return err_set(err, KAI_INVALID,
                           "metric '%s': row %lld: the value is outside of the "
                           "bounds",
                           metric->name, (long long)i + 1);
    for (int step = 0; step < LADDER; step++) {
        run_bernstein(experiment, metric, options, ldexp(alpha, -step), arms);
        int open = 0;
        for (int32_t a = 1; a < experiment->arms; a++) {
            struct experiment_effect *effect = &result->arm[a];
            double low = (arms[a].low - arms[0].high) * span;
            double high = (arms[a].high - arms[0].low) * span;
            if (step == 0) {
                effect->anytime = (struct estimate){effect->fixed.value, low, high, effect->fixed.n,
                                                    "empirical-bernstein"};
                effect->p_anytime = 1;
                is_open[a] = 1;
            }
            if (low <= 0 && high >= 0) is_open[a] = 0;
            if (is_open[a]) effect->p_anytime = ldexp(alpha, -step);
            open += is_open[a];
        }
        if (!open) break;
    }
    return KAI_OK;
}

kai_status experiment_measure(const struct experiment *experiment,
                              const struct experiment_metric *metric,
                              const struct experiment_options *options,
                              struct experiment_result *ret_result, kai_err *err) {
    struct experiment_options filled = *options;
    struct experiment_result result = {.name = metric->name,
                                       .kind = metric->kind,
                                       .cap = NAN,
                                       .explained = NAN,
                                       .arms = experiment->arms};
    struct experiment_srm srm;
    if (!(filled.confidence > 0)) filled.confidence = EVALUATE_CONFIDENCE;
    if (!(filled.horizon > 0)) filled.horizon = 10000;
    if (!(filled.power > 0)) filled.power = 0.8;
    for (int32_t a = 0; a < EXPERIMENT_ARMS; a++)
        result.arm[a] = (struct experiment_effect){.posterior = estimate_none("posterior"),
                                                   .better = NAN,
                                                   .p_fixed = NAN,
                                                   .p_anytime = NAN};
    kai_status st = experiment_check_ratio(experiment, &srm, err);
    if (st) return st;
    if (metric->kind == METRIC_QUANTILE)
        st = measure_quantile(experiment, metric, &filled, &result, err);
    else
        st = measure_sums(experiment, metric, &filled, &result, err);
    int is_bounded = filled.is_bounded &&
                     (metric->kind == METRIC_MEAN || metric->kind == METRIC_PROPORTION) &&
                     !(metric->winsorise > 0);
    if (!st && is_bounded) st = follow_bounded(experiment, metric, &filled, &result, err);
    if (!st) *ret_result = result;
    return st;
}
