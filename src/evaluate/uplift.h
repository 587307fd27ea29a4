/* How well a score ranks customers by the effect of an offer.
 *
 * With psi the doubly robust effect score of a row (trial.h) and F its rank share by score (ties
 * share their middle rank):
 *   gain(s)  mean of psi over all rows, counting only the s highest scored: what each customer of
 *            the whole population gains when that share is treated       (the uplift curve)
 *   excess(s) gain(s) - s x gain(1): above treating the same share at random   (the Qini curve)
 *   auuc     area under gain      = mean of psi F
 *   qini     area under excess    = mean of psi (F - 1/2), the Qini coefficient
 * Units are those of the outcome, per customer; nothing is normalised. These are Radcliffe's (2007)
 * curves per customer with propensity-corrected counts; qini is the rank-weighted average effect of
 * Yadlowsky, Fleming, Shah, Brunskill, Wager (2021) with linear weights. Intervals of auuc and qini
 * come from the influence function of the U-statistic, which includes the ranks being estimated;
 * those of points take the cut-off as given. docs/methods/uplift.md has the derivation. */
#ifndef KAIROS_EVALUATE_UPLIFT_H
#define KAIROS_EVALUATE_UPLIFT_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "evaluate/estimate.h"
#include "evaluate/trial.h"

enum { UPLIFT_POINTS_MAX = 100, UPLIFT_TOPS = 3 };

struct uplift_point {
    double share; /* of the customers treated, (0, 1] */
    struct estimate gain;
    struct estimate excess;
};

struct uplift_curve {
    struct estimate effect; /* the mean of psi: the average effect */
    struct estimate auuc;
    struct estimate qini;
    struct estimate top[UPLIFT_TOPS]; /* mean effect in the best 10, 20, 30 % */
    int32_t count;
    struct uplift_point points[UPLIFT_POINTS_MAX]; /* shares 1/count .. 1 */
};

/* score: (rows) predicted effect, higher = treat first, finite. offers, offer: as trial_effects (a
 * curve for each offer, or one for the offer that each row would get). points in 1 ..
 * UPLIFT_POINTS_MAX, 0 = 50. confidence 0 = 0.95.
 * Fails: as trial_effects; KAI_INVALID for a score that is not finite. Cost: O(rows x points). */
KAI_MUST_CHECK kai_status uplift_rank(const struct trial *trial, const int32_t *offers,
                                      int32_t offer, const double *score, int32_t points,
                                      double confidence, struct pool *pool,
                                      struct uplift_curve *ret_curve, kai_err *err);

#endif
