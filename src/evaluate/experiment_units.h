/* Private to the files experiment*.c: the units of one metric, and their moments by arm. */
#ifndef KAIROS_EVALUATE_EXPERIMENT_UNITS_H
#define KAIROS_EVALUATE_EXPERIMENT_UNITS_H

#include "evaluate/experiment.h"

/* One row, or the sums of a cluster. */
struct unit {
    double y, d, x; /* numerator, denominator, value before */
    double weight;  /* so many equal units */
    int32_t arm;
};

struct units {
    struct unit *items; /* owned */
    int64_t count;
    int64_t missing;
    double cap;
};

/* Sums of squared deviations and products. */
struct unit_moments {
    double n, y, d, x; /* count and means */
    double yy, yd, dd, yx, dx, xx;
};

KAI_MUST_CHECK kai_status units_collect(const struct experiment *experiment,
                                        const struct experiment_metric *metric,
                                        struct units *ret_units, kai_err *err);
void units_release(struct units *units);
/* ret_moments: (arms). */
void units_moments(const struct units *units, int32_t arms, struct unit_moments *ret_moments);
/* The value at a quantile of the weighted rows of an arm (-1: all): the smallest value with at
 * least this share of the weight at or below it. */
KAI_MUST_CHECK kai_status units_quantile(const struct experiment *experiment, const double *value,
                                         const double *quantiles, int32_t count, int32_t arm,
                                         double *ret_values, kai_err *err);

#endif
