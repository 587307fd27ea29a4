#include "decide/decide.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "decide/bundle_method.h"
#include "decide/dual.h"
#include "decide/rounding.h"

enum { EVALUATIONS_MAX = 400 };
static const double DUAL_TOLERANCE = 1e-7;

struct solve {
    struct dual dual;
    struct pool *pool;
    const struct progress *progress;
    double *z; /* owned; (size) prices */
    double bound;
    int32_t evaluations;
};

static kai_status check_problem(const struct decide_problem *problem, kai_err *err) {
    if (problem->per_customer < 1 || problem->per_customer > CAPS_OFFERS)
        return err_set(err, KAI_INVALID, "offers per customer %d: expected 1 to %d",
                       problem->per_customer, CAPS_OFFERS);
    if (problem->offers < 1 || problem->offers > CAPS_OFFERS)
        return err_set(err, KAI_INVALID, "%d offers: expected 1 to %d", problem->offers,
                       CAPS_OFFERS);
    for (int32_t k = 0; k < problem->limit_count; k++) {
        const struct decide_limit *limit = &problem->limits[k];
        if (isnan(limit->limit) || limit->limit < 0)
            return err_set(err, KAI_INFEASIBLE, "limit '%s' cannot be met: it is %g", limit->name,
                           limit->limit);
        for (int32_t j = 0; j < problem->offers; j++)
            if (!(limit->weight[j] >= 0) || isinf(limit->weight[j]))
                return err_set(err, KAI_INVALID, "limit '%s': weight of offer %d is not 0 or more",
                               limit->name, j + 1);
    }
    for (int64_t i = 0; i < problem->rows * problem->offers; i++)
        if (isinf(problem->objective[i]))
            return err_set(err, KAI_INVALID, "row %lld: the gain of an offer is infinite",
                           (long long)(i / problem->offers + 1));
    if (problem->group && !(problem->max_gap >= 0))
        return err_set(err, KAI_INFEASIBLE, "limit 'fairness' cannot be met: the gap is %g",
                       problem->max_gap);
    return KAI_OK;
}

static kai_status eval_target(void *user, const double *x, double *ret_value, double *ret_gradient,
                              kai_err *err) {
    struct solve *solve = user;
    kai_status st =
        progress_tell(solve->progress, "optimise", solve->evaluations++, EVALUATIONS_MAX, err);
    return st ? st : dual_eval(&solve->dual, x, solve->pool, ret_value, ret_gradient, err);
}

static kai_status init_solve(struct solve *solve, const struct decide_problem *problem,
                             struct pool *pool, const struct progress *progress, kai_err *err) {
    *solve = (struct solve){.pool = pool, .progress = progress};
    kai_status st = dual_init(&solve->dual, problem, err);
    if (st) return st;
    solve->z = mem_zero((size_t)solve->dual.size, sizeof *solve->z);
    return solve->z ? KAI_OK : err_memory(err, solve->dual.size * (int64_t)sizeof *solve->z);
}

static void release_solve(struct solve *solve) {
    mem_free(solve->z);
    dual_release(&solve->dual);
}

/* Prices from where z stands. */
static kai_status find_prices(struct solve *solve, kai_err *err) {
    struct bundle_method method = {.size = solve->dual.size,
                                   .bounded = solve->dual.problem->limit_count,
                                   .scale = solve->dual.scale,
                                   .tolerance = DUAL_TOLERANCE,
                                   .evaluations_max = EVALUATIONS_MAX};
    int32_t evaluations = 0;
    return bundle_method_minimise(&method, eval_target, solve, solve->z, &solve->bound,
                                  &evaluations, err);
}

static void describe_limits(const struct solve *solve, const struct rounding *rounding,
                            struct decide_plan *plan) {
    const struct decide_problem *problem = solve->dual.problem;
    for (int32_t k = 0; k < problem->limit_count; k++) {
        const struct decide_limit *limit = &problem->limits[k];
        double used = rounding_used(rounding, k);
        plan->limits[k] = (struct decide_limit_use){limit->name, used, limit->limit, solve->z[k]};
        if (used - limit->limit > plan->violation) plan->violation = used - limit->limit;
    }
    if (solve->dual.groups == 0) return;
    double price = 0, gap = rounding_gap(rounding);
    for (int32_t g = 0; g < solve->dual.groups; g++) {
        plan->group_price[g] = solve->z[problem->limit_count + g];
        if (plan->group_price[g] > 0)
            price += plan->group_price[g] * (double)solve->dual.group_rows[g];
    }
    plan->limits[problem->limit_count] =
        (struct decide_limit_use){"fairness", gap, problem->max_gap, price};
    if (gap - problem->max_gap > plan->violation) plan->violation = gap - problem->max_gap;
}

static kai_status make_plan(struct solve *solve, struct decide_plan **ret_plan, kai_err *err) {
    const struct decide_problem *problem = solve->dual.problem;
    struct rounding rounding = {0};
    struct decide_plan *plan = mem_zero(1, sizeof *plan);
    if (!plan) return err_memory(err, sizeof *plan);
    plan->rows = problem->rows;
    plan->per_customer = problem->per_customer;
    plan->limit_count = problem->limit_count + (solve->dual.groups > 0);
    plan->limits = mem_zero((size_t)plan->limit_count, sizeof *plan->limits);
    plan->price = mem_zero((size_t)problem->offers, sizeof *plan->price);
    plan->group_price = mem_zero((size_t)solve->dual.groups, sizeof *plan->group_price);
    kai_status st = plan->limits && plan->price && plan->group_price
                        ? rounding_init(&rounding, &solve->dual, err)
                        : err_memory(err, (int64_t)sizeof *plan);
    if (!st) st = rounding_make(&rounding, &solve->dual, solve->z, err);
    if (st) {
        rounding_release(&rounding);
        decide_plan_free(plan);
        return st;
    }
    memcpy(plan->price, solve->dual.offer_price, (size_t)problem->offers * sizeof *plan->price);
    describe_limits(solve, &rounding, plan);
    plan->chosen = rounding.chosen;
    rounding.chosen = NULL;
    plan->value = rounding.value;
    /* the bound is a sum of the same numbers in another order: rounding may put it a hair below */
    plan->bound = solve->bound > plan->value ? solve->bound : plan->value;
    plan->gap = (plan->bound - plan->value) / (fabs(plan->bound) > 1e-300 ? fabs(plan->bound) : 1);
    plan->iterations = solve->evaluations;
    rounding_release(&rounding);
    *ret_plan = plan;
    return KAI_OK;
}

kai_status decide_solve(const struct decide_problem *problem, struct pool *pool,
                        const struct progress *progress, struct decide_plan **ret_plan,
                        kai_err *err) {
    kai_status st = check_problem(problem, err);
    if (st) return st;
    struct solve solve;
    st = init_solve(&solve, problem, pool, progress, err);
    if (!st) st = find_prices(&solve, err);
    if (!st) st = make_plan(&solve, ret_plan, err);
    release_solve(&solve);
    return st;
}

void decide_plan_free(struct decide_plan *plan) {
    if (!plan) return;
    mem_free(plan->chosen);
    mem_free(plan->limits);
    mem_free(plan->price);
    mem_free(plan->group_price);
    mem_free(plan);
}

static int64_t count_treated(const struct decide_plan *plan) {
    int64_t treated = 0;
    for (int64_t i = 0; i < plan->rows; i++) treated += plan->chosen[i * plan->per_customer] >= 0;
    return treated;
}

kai_status decide_frontier(const struct decide_problem *problem, int32_t limit_index,
                           struct decide_point *points, int32_t count, struct pool *pool,
                           const struct progress *progress, kai_err *err) {
    KAI_ASSERT(limit_index >= 0 && limit_index < problem->limit_count);
    kai_status st = check_problem(problem, err);
    if (st) return st;
    struct decide_limit *limits = mem_array((size_t)problem->limit_count, sizeof *limits);
    if (!limits) return err_memory(err, problem->limit_count);
    memcpy(limits, problem->limits, (size_t)problem->limit_count * sizeof *limits);
    struct decide_problem moved = *problem;
    moved.limits = limits;
    struct solve solve;
    st = init_solve(&solve, &moved, pool, progress, err);
    for (int32_t p = 0; !st && p < count; p++) {
        struct decide_plan *plan = NULL;
        limits[limit_index].limit = points[p].limit;
        st = find_prices(&solve, err); /* from the prices of the point before */
        if (!st) st = make_plan(&solve, &plan, err);
        if (st) break;
        points[p].value = plan->value;
        points[p].bound = plan->bound;
        points[p].used = plan->limits[limit_index].used;
        points[p].treated = count_treated(plan);
        decide_plan_free(plan);
    }
    release_solve(&solve);
    mem_free(limits);
    return st;
}

void decide_rule(const struct decide_plan *plan, const double *objective, const int32_t *group,
                 int64_t rows, int32_t offers, int32_t *ret_chosen) {
    for (int64_t i = 0; i < rows; i++) {
        double nu = group && plan->group_price && group[i] >= 0 ? plan->group_price[group[i]] : 0;
        (void)dual_choose(objective + i * offers, plan->price, offers, plan->per_customer, nu,
                          ret_chosen + i * plan->per_customer); /* the gain is not needed */
    }
}
