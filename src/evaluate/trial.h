/* What was tried and what happened, row by row: the input of every off-policy question.
 *
 * Propensities. In a randomised experiment with constant propensities pass NULL: the shares of the
 * arms are used, which is valid and never less precise than the true constants (Hirano, Imbens,
 * Ridder 2003), and the variances account for it by centring within arms. Otherwise pass, for each
 * row, the probability with which its own logged arm was drawn (known, or estimated by the caller);
 * no estimator here needs the others. */
#ifndef KAIROS_EVALUATE_TRIAL_H
#define KAIROS_EVALUATE_TRIAL_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"

/* Borrowed for the call. */
struct trial {
    int64_t rows;
    int32_t arms;             /* control and offers, >= 2 */
    const int32_t *arm;       /* (rows) logged arm, 0 = control */
    const double *outcome;    /* (rows) finite; money: units x margin, cost not subtracted */
    const double *propensity; /* (rows) of the logged arm, in (0, 1]; NULL = shares of the arms */
    const double *predicted;  /* (rows, arms) cross-fitted expected outcome, or NULL */
    const char *const *arm_names; /* (arms) for messages, or NULL */
};

/* Fails: KAI_INVALID for fewer than 2 rows or arms, an arm outside [0, arms), an arm with fewer
 * than 2 rows, an outcome or prediction that is not finite, a propensity outside (0, 1]; the
 * message names arm and row (counted from 1). ret_counts: (arms) rows of each arm, or NULL. */
KAI_MUST_CHECK kai_status trial_check(const struct trial *trial, struct pool *pool,
                                      int64_t *ret_counts, kai_err *err);

/* One unbiased, noisy measurement of the effect of an offer against control for every row, whatever
 * its logged arm (the augmented inverse propensity score; Robins, Rotnitzky, Zhao 1994):
 *   mu_j - mu_0 + [arm = j] (y - mu_j) / p_j - [arm = 0] (y - mu_0) / p_0
 * Without predictions mu is the mean of the arm. `offers` (rows, each in 1 .. arms-1) gives each
 * row an offer of its own; NULL: `offer` for all. ret_scores: (rows). Fails: as trial_check;
 * KAI_INVALID for an offer outside 1 .. arms-1; KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status trial_effects(const struct trial *trial, const int32_t *offers,
                                        int32_t offer, struct pool *pool, double *ret_scores,
                                        kai_err *err);
/* The logged arm's entry of a (rows, arms) array, as `propensity` or a prediction needs it.
 * ret_logged: (rows). */
void trial_logged(const double *table, const int32_t *arm, int64_t rows, int32_t arms,
                  double *ret_logged);

#endif
