/* Middle, spread and quantiles that a few wild values cannot move. Private to src/prepare. */
#ifndef KAIROS_PREPARE_ROBUST_H
#define KAIROS_PREPARE_ROBUST_H

#include <stdint.h>

/* The value that stands at floor(share x (count - 1)) when sorted; values are reordered in place,
 * none of them NaN, count >= 1. Expected cost: linear. */
double robust_quantile(double *values, int64_t count, double share);

struct robust {
    double median;
    double scale; /* of a normal distribution: its standard deviation; 0 = constant */
};

/* Median, and 1.4826 x median absolute deviation, or, where more than half of the values are
 * equal, 1.2533 x mean absolute deviation from the median. values: reordered; none NaN; count >= 1.
 * scratch: (count) */
struct robust robust_measure(double *values, int64_t count, double *scratch);

#endif
