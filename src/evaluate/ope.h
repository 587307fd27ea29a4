/* Off-policy evaluation of logs of many actions: what a new policy would have earned, from rows
 * that another one logged with the chance of what it did. policy.h is for campaigns (few arms, a
 * control, costs); this is for recommenders and bandits.
 *
 * Every estimator is that of Open Bandit Pipeline (Saito, Aihara, Matsutani, Narita 2021);
 * intervals are Student's from influence functions, with the effective sample less one degrees of
 * freedom. docs/methods/ope.md has the formulas. */
#ifndef KAIROS_EVALUATE_OPE_H
#define KAIROS_EVALUATE_OPE_H

#include <stdint.h>

#include "base/err.h"
#include "evaluate/estimate.h"

enum ope_estimator {
    OPE_DM,
    OPE_IPW,
    OPE_SNIPW,
    OPE_DR,
    OPE_SNDR,
    OPE_SWITCH_DR,
    OPE_DROS,
    OPE_MIPS,
    OPE_INDEPENDENT, /* slates: each position by its own weight */
    OPE_CASCADE,     /* slates: by the weights of the positions up to it */
    OPE_SLATE,       /* slates: by the weight of the whole slate */
    OPE_ESTIMATORS
};

/* Borrowed. */
struct ope_log {
    int64_t rows;
    const double *reward;
    const double *propensity; /* (rows) of the logged action, in (0, 1] */
    const int32_t *action;    /* (rows) in [0, actions) */
    int32_t actions;
    const double *predicted;  /* (rows) reward of the logged action, by rows that are not this one;
                                 NULL: no model */
    const int32_t *embedding; /* (rows) in [0, embeddings), for MIPS; or NULL */
    int32_t embeddings;
    const int64_t *slates; /* (slate_count + 1) rows of each slate, positions in order; or NULL */
    int64_t slate_count;
};

struct ope_policy {
    const char *name;
    const double *chosen; /* (rows) its chance of the logged action */
    const double *model;  /* (rows) sum of its chances x predicted reward; NULL without a model */
};

struct ope_options {
    double confidence; /* 0 = 0.95 */
    double reward_max; /* no reward can be above: for the lower bound; 0 = the largest seen */
    double threshold;  /* of SWITCH_DR; 0 = by SLOPE */
    double shrinkage;  /* of DROS; 0 = by SLOPE */
};

struct ope_value {
    const char *name;
    struct estimate value[OPE_ESTIMATORS]; /* estimate_none where it cannot be made */
    double threshold, shrinkage;           /* that were used; NaN without a model */
    double lower; /* the value is above it with at least this confidence, for any n; NaN where
                     a reward is negative */
    double effective_sample, weight_mean, weight_max, weight_top_share;
    double weight_p;              /* of the mean weight being 1 */
    double agree_low, agree_high; /* what the intervals of IPW to SNDR share; low > high: nothing */
};

/* "dm", "ipw", "snipw", "dr", "sndr", "switch-dr", "dros", "mips", "independent", "cascade",
 * "slate" */
const char *ope_estimator_text(enum ope_estimator estimator);
/* Fails: KAI_INVALID for fewer than 2 rows, a reward that is not finite, a propensity outside
 * (0, 1], a chance outside [0, 1]; the message names the row. KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status ope_evaluate(const struct ope_log *log, const struct ope_policy *policy,
                                       const struct ope_options *options,
                                       struct ope_value *ret_value, kai_err *err);

/* Whether propensities are what happened: for each action the mean of [logged]/propensity is 1.
 * ret_means, ret_p: (actions); p corrected by Holm. Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status ope_check_propensity(const struct ope_log *log, double *ret_means,
                                               double *ret_p, kai_err *err);

/* A reward model of the plainest kind, cross-fitted in `folds` blocks of rows: the mean reward of
 * an action (in a position) on the other folds, shrunk to the mean of all by `prior` rows (> 0).
 * ret_table: (folds, positions, actions). Row i belongs to fold i % folds. position NULL: 1.
 * Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status ope_fit_means(const struct ope_log *log, const int32_t *position,
                                        int32_t positions, int32_t folds, double prior,
                                        double *ret_table, kai_err *err);

#endif
