/* Do predicted effects mean what they say? Predicted against observed effect by quantile group of
 * the prediction, and the slope of the observed on the predicted. */
#ifndef KAIROS_EVALUATE_RELIABILITY_H
#define KAIROS_EVALUATE_RELIABILITY_H

#include <stdint.h>

#include "base/err.h"
#include "evaluate/estimate.h"

enum { RELIABILITY_BINS_MAX = 50 };

struct reliability_bin {
    double predicted;         /* mean of the group */
    struct estimate observed; /* mean of the effect scores, Student */
};

struct reliability {
    int32_t count; /* groups, from the lowest to the highest prediction */
    struct reliability_bin bins[RELIABILITY_BINS_MAX];
    struct estimate bias;  /* mean of observed - predicted */
    struct estimate slope; /* of observed on predicted, 1 where calibrated, 0 where it is noise
                              (Chernozhukov, Demirer, Duflo, Fernandez-Val 2018), heteroscedastic
                              HC1 errors; estimate_none where the prediction is constant */
    double error;          /* mean over rows of |predicted - observed| of its group */
};

/* predicted, observed (trial_effects): (rows) finite. bins in 1 .. RELIABILITY_BINS_MAX, 0 = 10;
 * fewer come back where rows or distinct predictions are few (equal predictions stay together).
 * Fails: KAI_INVALID (no rows, not finite), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status reliability_fit(const double *predicted, const double *observed,
                                          int64_t rows, int32_t bins, double confidence,
                                          struct reliability *ret_reliability, kai_err *err);

#endif
