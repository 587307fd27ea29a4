/* From prices to a plan that keeps every limit exactly.
 *
 * 1. Each customer takes the best set at the prices.
 * 2. Drop: while a limit is exceeded, give up the choices that cost least to lose, per unit of it.
 * 3. Level: while two groups differ by more than the gap, give up the cheapest choices of the
 *    groups that got most.
 * 4. Raise: while a minimum is not met, give what loses least for each unit of it.
 * 5. Fill: add or exchange offers in the order of their gain at the prices while every limit holds
 *    and the objective rises.
 * Ties are broken by a hash of the row, so that no part of the file is preferred.
 */
#ifndef KAIROS_DECIDE_ROUNDING_H
#define KAIROS_DECIDE_ROUNDING_H

#include "decide/dual.h"

struct rounding {
    const struct decide_problem *problem; /* borrowed */
    const struct dual *dual;              /* borrowed */
    int32_t *chosen;                      /* owned; (rows, per_customer) */
    int64_t *offer_count;                 /* owned; (offers) customers with the offer */
    int64_t *treated;                     /* owned; (groups) customers with any offer */
    double *pair_used;                    /* owned; (pair_count) what limits by pair use */
    double value;                         /* the objective of what is chosen */
    double bound; /* no plan is worth more: filling ends near it; INFINITY = unknown */
};

KAI_MUST_CHECK kai_status rounding_init(struct rounding *rounding, const struct dual *dual,
                                        kai_err *err);
void rounding_release(struct rounding *rounding);
/* A feasible plan near the prices z. */
KAI_MUST_CHECK kai_status rounding_make(struct rounding *rounding, struct dual *dual,
                                        const double *z, kai_err *err);
/* What a limit uses: sum over offers of count x weight. */
double rounding_used(const struct rounding *rounding, int32_t limit);
/* Largest difference in treated share between two groups; 0 without groups. */
double rounding_gap(const struct rounding *rounding);

#endif
