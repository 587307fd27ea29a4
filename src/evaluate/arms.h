/* Outcome means of each arm of an experiment, and what each offer did against control. */
#ifndef KAIROS_EVALUATE_ARMS_H
#define KAIROS_EVALUATE_ARMS_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "evaluate/estimate.h"

/* One outcome in one arm. */
struct arm_outcome {
    struct estimate mean;   /* "wilson" where every value is 0 or 1, else "mean" (Student) */
    struct estimate effect; /* mean - mean of control, "welch"; control itself: exactly 0 */
    double p;               /* of no effect, two-sided (Welch); 1 for control */
    double deviation;       /* standard deviation */
    int64_t missing;        /* rows of the arm without a value */
};

/* arm: (rows) in [0, arms); outcome: (rows), NaN = missing. ret_outcomes: (arms); an arm without
 * values has n = 0 and NaN. Fails: KAI_INVALID (arm out of range, confidence not in (0, 1)). */
KAI_MUST_CHECK kai_status arms_compare(const int32_t *arm, int32_t arms, const double *outcome,
                                       int64_t rows, double confidence, struct pool *pool,
                                       struct arm_outcome *ret_outcomes, kai_err *err);

#endif
