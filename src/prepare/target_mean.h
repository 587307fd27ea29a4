/* Smoothed target means of groups, whole and out of fold. Private to src/prepare.
 *
 * The mean of a group with n rows and sum s is (s + m x prior) / (n + m), prior = the mean of all
 * rows: the m-estimate of D. Micci-Barreca, "A Preprocessing Scheme for High-Cardinality
 * Categorical Attributes", SIGKDD Explorations 3(1), 2001, equation 7, in which m = within-group
 * variance / variance of the group means (empirical Bayes). The latter is the moment estimator of
 * one-way random effects (S. Searle et al., Variance Components, 1992, section 3.6).
 */
#ifndef KAIROS_PREPARE_TARGET_MEAN_H
#define KAIROS_PREPARE_TARGET_MEAN_H

#include <stdint.h>

#include "base/err.h"

/* Rows in groups with a target. */
struct target_rows {
    const int32_t *groups; /* (count) -1 = none: counts for the prior only */
    const double *target;  /* (count) */
    int64_t count;
    int32_t group_count;
    int32_t one_class; /* >= 0: the target is 1 where it equals this class, else 0; -1 = as it is */
};

/* m of empirical Bayes, in 0 .. 1e6 (1e6 where groups differ no more than chance lets them). */
KAI_MUST_CHECK kai_status target_smoothing(const struct target_rows *rows, double *ret_smoothing,
                                           kai_err *err);
/* ret_means: (group_count) */
KAI_MUST_CHECK kai_status target_means(const struct target_rows *rows, double smoothing,
                                       double *ret_means, kai_err *err);
/* For each row, the mean of its group without the rows of its fold; NaN for group -1.
 * folds: (count) 0 .. fold_count - 1. ret_values: (count) */
KAI_MUST_CHECK kai_status target_means_out_of_fold(const struct target_rows *rows, double smoothing,
                                                   const int32_t *folds, int32_t fold_count,
                                                   double *ret_values, kai_err *err);

#endif
