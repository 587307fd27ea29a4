/* Choose who gets what under limits; return the choice with its proof.
 *
 * In: for each customer and offer what it is worth and what it costs, and limits. Out: an
 * assignment that keeps every limit exactly, its value, an upper bound on the value of any
 * assignment, the gap between them, and the price of each limit in money. Estimating values is not
 * this room's business.
 *
 *   maximise  sum_ij objective_ij x_ij,   x_ij in {0, 1}
 *   subject to  sum_j x_ij <= per_customer                       for each customer i
 *               least_k <= sum_ij weight_kij x_ij <= limit_k     for each linear limit k
 *               max_g share_g - min_g share_g <= max_gap         share_g: treated share of group g
 *
 * Further doors of this room: decide/bandit.h (learn while acting), decide/online.h (chances of
 * clicks, learned as they come), decide/bid.h (what to bid for an impression).
 *
 * Method: Lagrangian dual over the prices of the limits, exact sub-problem for each customer, a
 * feasible rounding with repair and local improvement (docs/methods/allocation.md).
 */
#ifndef KAIROS_DECIDE_DECIDE_H
#define KAIROS_DECIDE_DECIDE_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"

/* One linear limit over the pairs: money (weight = cost) or places (weight = 1 for the offers that
 * count, 0 for others). */
struct decide_limit {
    const char *name;
    const double *weight; /* (offers), >= 0; may be NULL where `pair` is there */
    double limit;         /* >= 0 */
    const double *pair;   /* (rows, offers) row-major, >= 0: what each pair weighs, in place of
                             `weight`; NULL = the same for every customer */
    const int32_t *part;  /* (rows): only customers whose part is part_index count; NULL = all */
    int32_t part_index;
    double least; /* so much must be used at least, at most `limit`; 0 = nothing must */
};

struct decide_problem {
    int64_t rows;
    int32_t offers;
    const double *objective; /* (rows, offers) row-major: gain of the pair; NaN = forbidden */
    int32_t per_customer;    /* >= 1 */
    const struct decide_limit *limits;
    int32_t limit_count;
    const int32_t *group; /* (rows) 0..groups-1, -1 = counts in no group; NULL = no fairness */
    int32_t groups;
    double max_gap; /* largest difference in treated share between any two groups */
};

struct decide_limit_use {
    const char *name; /* borrowed from the problem; "fairness" for the gap */
    double used, limit;
    double shadow_price; /* gain of the objective by one more unit of the limit; below 0, what one
                            more unit of `least` costs */
};

struct decide_plan {
    int64_t rows;
    int32_t per_customer;
    int32_t *chosen;          /* owned; (rows, per_customer) offers in falling gain, -1 = none */
    double value, bound, gap; /* gap = (bound - value) / max(|bound|, tiny) */
    struct decide_limit_use
        *limits; /* owned; (limit_count), then the fairness limit if there is one */
    int32_t limit_count;
    double *price;       /* owned; (offers) sum over limits of price x weight: what a place of the
                            offer costs beside its own gain; limits by pair are not in it */
    double *group_price; /* owned; (groups) price of treating one customer of the group, by the
                            fairness limit; NULL without one */
    int32_t iterations;
    double violation; /* largest of any limit; always 0 in a plan that is returned */
};

/* Solve. The result is the same for any number of threads.
 * Fails: KAI_INVALID (negative limit or weight), KAI_INFEASIBLE (names the first limit that cannot
 * be met; where minimums conflict with other limits, a smallest set of limits that do),
 * KAI_NO_MEMORY, KAI_CANCELLED. */
KAI_MUST_CHECK kai_status decide_solve(const struct decide_problem *problem, struct pool *pool,
                                       const struct progress *progress,
                                       struct decide_plan **ret_plan, kai_err *err);
void decide_plan_free(struct decide_plan *plan);

/* A point of the profit-against-budget curve: limits[limit_index] set to `limit`. */
struct decide_point {
    double limit, value, bound, used;
    int64_t treated;
};

/* The value of the best plan at each of `count` levels of one limit (levels filled by the caller in
 * points[].limit, rising), from warm starts; other limits stay. */
KAI_MUST_CHECK kai_status decide_frontier(const struct decide_problem *problem, int32_t limit_index,
                                          struct decide_point *points, int32_t count,
                                          struct pool *pool, const struct progress *progress,
                                          kai_err *err);

/* Apply the prices of a plan without limits by pair to other customers (a rule, not a plan: limits
 * are kept only on average): the offers whose gain exceeds their price, best first. ret_chosen:
 * (rows, per_customer). group may be NULL. */
void decide_rule(const struct decide_plan *plan, const double *objective, const int32_t *group,
                 int64_t rows, int32_t offers, int32_t *ret_chosen);

#endif
