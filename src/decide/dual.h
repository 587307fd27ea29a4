/* The Lagrangian dual of an allocation: its value and a subgradient at given prices.
 *
 * Variables z: first one price lambda_k for each limit (>= 0 but where the limit has a minimum),
 * then one price nu_g (either sign) of treating a customer of group g. With n_g the customers of
 * group g and D the largest gap,
 *
 *   dual(z) = sum_i max_S [ sum_{j in S} (objective_ij - sum_k lambda_k w_kj) - nu_g(i) 1(S not
 * empty) ]
 *           + sum_k max(lambda_k limit_k, lambda_k least_k) + D sum_g n_g max(nu_g, 0) + max(sum_g
 * n_g nu_g, 0)
 *
 * The last two terms are the fairness limit m <= share_g <= m + D with its floor m in [0, 1]
 * maximised out. Every z gives an upper bound on the value of every feasible plan.
 */
#ifndef KAIROS_DECIDE_DUAL_H
#define KAIROS_DECIDE_DUAL_H

#include "decide/decide.h"

struct dual {
    const struct decide_problem *problem; /* borrowed */
    int32_t size;                         /* limit_count + groups */
    int32_t bounded;        /* prices that are >= 0: those of limits without a minimum ... */
    int32_t *bounded_index; /* owned; ... (bounded) these */
    int32_t groups;         /* 0 without a fairness limit */
    int64_t *group_rows;    /* owned; (groups) */
    double *scale;          /* owned; (size) what a typical price is, for a well-shaped search */
    double *offer_price;    /* owned; (offers) of the point last set, limits by pair left out */
    int32_t *pair_limits;   /* owned; (pair_count) which limits are by pair */
    double *pair_price;     /* owned; (pair_count) of the point last set */
    int32_t pair_count;
    double *blocks; /* owned; (blocks, 1 + offers + groups + pair_count) partial sums */
    int64_t block_count;
};

KAI_MUST_CHECK kai_status dual_init(struct dual *dual, const struct decide_problem *problem,
                                    kai_err *err);
void dual_release(struct dual *dual);
/* Value and subgradient at z. ret_gradient: (size) */
KAI_MUST_CHECK kai_status dual_eval(struct dual *dual, const double *z, struct pool *pool,
                                    double *ret_value, double *ret_gradient, kai_err *err);
/* What a pair weighs in a limit. */
static inline double dual_weight(const struct decide_limit *limit, int64_t row, int32_t offers,
                                 int32_t offer) {
    if (limit->part && limit->part[row] != limit->part_index) return 0;
    return limit->pair ? limit->pair[row * offers + offer] : limit->weight[offer];
}
/* Does a limit weigh an offer differently for different customers? */
static inline int dual_is_by_row(const struct decide_limit *limit) {
    return limit->pair || limit->part;
}
/* offer_price and pair_price of z, as dual_eval sets them. */
void dual_set_prices(struct dual *dual, const double *z);
/* What each offer costs one customer at these prices: offer_price itself, or written into `room`,
 * (offers). */
const double *dual_row_prices(const struct dual *dual, int64_t row, double *room);

/* The best set for one customer: at most per_customer offers, best first, -1 fills; the first entry
 * is -1 where nothing pays. Returns the gain net of prices. group_price: nu of the customer's
 * group. */
double dual_choose(const double *objective, const double *offer_price, int32_t offers,
                   int32_t per_customer, double group_price, int32_t *ret_chosen);

#endif
