/* Off-policy evaluation: what a policy would have earned on the rows of a trial that another policy
 * (mostly a coin) logged.
 *
 * Every estimator gives the value per row net of cost, and the gain over a base policy (nobody,
 * unless another is given) from the difference of both policies' influence functions, so that what
 * they share cancels: a policy equal to the base gains exactly 0 with zero width. The cost of a
 * policy is known, not estimated: it is the mean of sum_a pi(a|x) cost(a) for all estimators.
 *   dm     mean of sum_a pi(a|x) mu(a|x); its interval knows nothing of the error of mu
 *   ipw    mean of w y, w = pi(logged|x) / p(logged|x)         (Horvitz, Thompson 1952)
 *   snipw  sum of w y / sum of w                               (Swaminathan, Joachims 2015)
 *   dr     dm + mean of w (y - mu(logged|x))                   (Dudik, Langford, Li 2011)
 *   sndr   dm + sum of w (y - mu(logged|x)) / sum of w         (Thomas, Brunskill 2016, WDR)
 * Variances are those of the influence functions, for rows drawn from a superpopulation, policies
 * and predictions fixed (cross-fitted by the caller); with shares as propensities residuals are
 * centred within arms. Intervals are Student's with freedom (effective sample - 1), for dm
 * (rows - 1). docs/methods/off-policy.md has the formulas. */
#ifndef KAIROS_EVALUATE_POLICY_H
#define KAIROS_EVALUATE_POLICY_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "evaluate/estimate.h"
#include "evaluate/trial.h"

enum policy_estimator {
    POLICY_DM,
    POLICY_IPW,
    POLICY_SNIPW,
    POLICY_DR,
    POLICY_SNDR,
    POLICY_ESTIMATORS
};

/* "dm", "ipw", "snipw", "dr", "sndr" */
const char *policy_estimator_text(enum policy_estimator estimator);

/* Exactly one of the three is given. Borrowed. */
struct policy {
    const char *name;
    const int32_t *choice;     /* (rows) the arm of each row */
    const double *probability; /* (rows, arms), each row >= 0 and summing to 1 within 1e-6 */
    const double *constant;    /* (arms), the same for each row, summing to 1 within 1e-6 */
};

struct policy_options {
    double confidence;  /* in (0, 1); 0 = 0.95 */
    const double *cost; /* (arms) of giving the arm to one row; NULL = all 0 */
};

enum policy_warning {
    POLICY_WARN_PROPENSITY = 1 << 0, /* more than 1 % of the rows have a propensity below 0.01 */
    POLICY_WARN_TOP = 1 << 1, /* the largest 1 % of the weights hold over 10 % of all weight */
    POLICY_WARN_EFFECTIVE = 1 << 2, /* effective sample below 5 % of the rows, or below 100 */
    POLICY_WARN_WEIGHT = 1 << 3,    /* mean weight off 1 by more than 4 standard errors: the
                                       propensities are wrong */
};

struct policy_value {
    const char *name;                         /* that of the policy, borrowed */
    struct estimate value[POLICY_ESTIMATORS]; /* per row, net of cost */
    struct estimate gain[POLICY_ESTIMATORS];  /* the same, minus the base policy */
    double cost;                              /* per row */
    double treated_share;                     /* mean probability of any offer */
    double effective_sample;                  /* (sum w)^2 / sum w^2 (Kish 1965) */
    double effective_share;                   /* of the rows */
    double weight_mean;                       /* near 1 where propensities are right */
    double weight_max;
    double weight_top_share;     /* of all weight, in the 1 % largest */
    double propensity_min;       /* over the logged arms */
    double propensity_low_share; /* rows with a logged propensity below 0.01 */
    int64_t matched;             /* rows with weight > 0 */
    uint32_t warnings;           /* enum policy_warning */
};

/* Evaluate `count` policies in one pass over the rows. base NULL = nobody (arm 0 for all).
 * Without predictions dm, dr and sndr are estimate_none.
 * Gives: ret_values (count). Totals are estimate_scale(gain, rows).
 * Fails: as trial_check; KAI_INVALID for a policy with an arm outside [0, arms) or probabilities
 * that are not a distribution (the message names policy and row); KAI_NO_MEMORY.
 * Cost: two passes over all arrays. */
KAI_MUST_CHECK kai_status policy_compare(const struct trial *trial, const struct policy *policies,
                                         int32_t count, const struct policy *base,
                                         const struct policy_options *options, struct pool *pool,
                                         struct policy_value *ret_values, kai_err *err);

#endif
