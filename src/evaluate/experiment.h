/* What an experiment says about its metrics: for each arm its level, and its effect against control
 * with an interval that holds at every look (the default for decisions), one for a fixed horizon,
 * and by option a posterior.
 *
 * In go arrays of rows: the arm, one metric's values, and what the caller knows besides (clusters,
 * weights, a value from before the experiment). Every metric but quantiles is a ratio of sums over
 * units (rows or clusters): R = sum y / sum d, with d = 1 for means; its error comes from the
 * linearised value (y - R d) / mean(d) (delta method), which also clusters errors and takes the
 * earlier value into account. docs/methods/experiments.md has the formulas. */
#ifndef KAIROS_EVALUATE_EXPERIMENT_H
#define KAIROS_EVALUATE_EXPERIMENT_H

#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "evaluate/estimate.h"
#include "evaluate/metric_spec.h"

enum { EXPERIMENT_ARMS = 64, EXPERIMENT_UNITS_MIN = 100 };

/* Who was in which arm. Borrowed. */
struct experiment {
    int64_t rows;
    int32_t arms;           /* >= 2; 0 is the control */
    const int32_t *arm;     /* (rows); -1 = not in the experiment */
    const int32_t *cluster; /* (rows) in [0, clusters), or NULL: a row is a unit */
    int32_t clusters;
    const double *weight;         /* (rows) so many equal rows stand behind each, or NULL */
    const double *share;          /* (arms) as planned, adding up to 1; NULL = equal */
    const char *const *arm_names; /* (arms) */
};

enum experiment_adjust { EXPERIMENT_PLAIN, EXPERIMENT_CUPED, EXPERIMENT_REGRESSION };

struct experiment_metric {
    const char *name;
    enum metric_kind kind; /* not AUTO */
    const double *value;   /* (rows); NaN = missing */
    const double *per;     /* (rows) of a RATIO */
    const double *before;  /* (rows) or NULL; the value before the experiment */
    double quantile;
    double winsorise; /* values above this quantile of all rows are pulled in to it; 0 = none */
};

struct experiment_options {
    double confidence;             /* 0 = 0.95 */
    double horizon;                /* units at which the interval of all looks is tightest */
    enum experiment_adjust adjust; /* where a metric has `before` */
    int is_bounded;                /* all values lie within [low, high] for certain */
    double low, high;
    int is_bayes;
    double prior_error; /* of the effect, in units of the metric; 0 = flat */
    double power;       /* for the detectable effect; 0 = 0.8 */
};

struct experiment_effect {
    struct estimate level;    /* of the arm */
    struct estimate fixed;    /* effect against control, for one look */
    struct estimate anytime;  /* for every look */
    struct estimate relative; /* level / control - 1, for one look */
    struct estimate posterior;
    double better;  /* posterior chance that the effect is above 0; NaN without */
    double error;   /* standard error of the effect */
    double p_fixed; /* NaN where nothing varies */
    double p_anytime;
    double detectable; /* smallest effect found with the wanted power at this size, one look */
    double units;      /* of this arm (weights count) */
};

struct experiment_result {
    const char *name; /* borrowed */
    enum metric_kind kind;
    int64_t missing;  /* rows without a value */
    double cap;       /* of winsorising; NaN without */
    double explained; /* share of the variance that `before` takes away; NaN without */
    int32_t arms;
    struct experiment_effect arm[EXPERIMENT_ARMS]; /* [0]: level of control only */
};

struct experiment_srm {
    double statistic, freedom, p;
    double units[EXPERIMENT_ARMS];
    double expected[EXPERIMENT_ARMS];
};

/* Fails: KAI_INVALID for fewer than 2 arms, an arm without units, weights that are not positive
 * whole numbers, a cluster that stands in two arms. */
KAI_MUST_CHECK kai_status experiment_check_ratio(const struct experiment *experiment,
                                                 struct experiment_srm *ret_srm, kai_err *err);
/* Fails: KAI_INVALID (also: a value that is infinite, an arm with fewer than two units that have a
 * value, a proportion that is neither 0 nor 1, a value outside of the bounds, bounds with clusters
 * or weights), KAI_NO_MEMORY. The message names metric, arm or row. */
KAI_MUST_CHECK kai_status experiment_measure(const struct experiment *experiment,
                                             const struct experiment_metric *metric,
                                             const struct experiment_options *options,
                                             struct experiment_result *ret_result, kai_err *err);
void experiment_describe(struct json_writer *json, const struct experiment *experiment,
                         const struct experiment_result *result, int is_anytime);

#endif
