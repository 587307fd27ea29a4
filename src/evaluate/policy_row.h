/* What one policy does with one logged row. Private to this room. */
#ifndef KAIROS_EVALUATE_POLICY_ROW_H
#define KAIROS_EVALUATE_POLICY_ROW_H

#include <stddef.h>
#include <stdint.h>

#include "evaluate/policy.h"

struct policy_row {
    double dm;       /* expected prediction; 0 without predictions */
    double cost;     /* expected cost */
    double treated;  /* probability of any offer */
    double weight;   /* probability of the logged arm over its propensity */
    double residual; /* outcome - prediction of the logged arm; the outcome without predictions */
};

/* A distribution that is 1 on one arm gives the same bits as the choice of that arm. */
static inline struct policy_row policy_row(const struct trial *trial, const struct policy *policy,
                                           const double *cost, int64_t row, double propensity) {
    const double *mu = trial->predicted ? trial->predicted + row * trial->arms : NULL;
    int32_t arm = trial->arm[row];
    struct policy_row r = {.residual = mu ? trial->outcome[row] - mu[arm] : trial->outcome[row]};
    if (policy->choice) {
        int32_t chosen = policy->choice[row];
        r.dm = mu ? mu[chosen] : 0;
        r.cost = cost[chosen];
        r.treated = chosen != 0;
        r.weight = chosen == arm ? 1 / propensity : 0;
        return r;
    }
    const double *pi =
        policy->constant ? policy->constant : policy->probability + row * trial->arms;
    for (int32_t a = 0; a < trial->arms; a++) {
        if (mu) r.dm += pi[a] * mu[a];
        r.cost += pi[a] * cost[a];
        if (a > 0) r.treated += pi[a];
    }
    r.weight = pi[arm] / propensity;
    return r;
}

/* The share of the sum that the `top` largest of weights[count] hold; reorders them. */
double policy_top_share(double *weights, int64_t count, int64_t top);

#endif
