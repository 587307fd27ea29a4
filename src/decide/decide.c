#include "decide/decide.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/hash.h"
#include "decide/bundle_method.h"
#include "decide/conflict.h"
#include "decide/dual.h"
#include "decide/rounding.h"

enum { EVALUATIONS_MAX = 400, SAMPLE_ROWS = 1 << 16, SAMPLE_FROM = 1 << 19 };
/* The sample's prices are off by about 1 / sqrt(SAMPLE_ROWS) of a typical one. */
static const double DUAL_TOLERANCE = 1e-7, SAMPLE_REACH = 0.01;
/* A plan with a larger gap is solved again with ties broken: each gain shrunk by up to this share.
 */
static const double GAP_WANTED = 5e-4, TIE_SHARES[] = {1e-3, 1e-2, 1e-1};

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
        if (!(limit->least >= 0) || limit->least > limit->limit)
            return err_set(err, KAI_INFEASIBLE, "limit '%s' cannot be met: at least %g, at most %g",
                           limit->name, limit->least, limit->limit);
        int64_t cells = limit->pair ? problem->rows * problem->offers : problem->offers;
        const double *weight = limit->pair ? limit->pair : limit->weight;
        for (int64_t c = 0; c < cells; c++)
            if (!(weight[c] >= 0) || isinf(weight[c]))
                return err_set(err, KAI_INVALID, "limit '%s': weight of offer %d is not 0 or more",
                               limit->name, (int)(c % problem->offers) + 1);
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

/* Prices from where z stands; reach: how far from them they may be, in typical prices. */
static kai_status find_prices(struct solve *solve, double reach, kai_err *err) {
    struct bundle_method method = {.size = solve->dual.size,
                                   .bounded = solve->dual.bounded,
                                   .bounded_index = solve->dual.bounded_index,
                                   .scale = solve->dual.scale,
                                   .tolerance = DUAL_TOLERANCE,
                                   .reach = reach,
                                   .evaluations_max = EVALUATIONS_MAX};
    int32_t evaluations = 0;
    return bundle_method_minimise(&method, eval_target, solve, solve->z, &solve->bound,
                                  &evaluations, err);
}

/* ---- many customers: first a sample of them ---- */

struct sample {
    struct decide_problem problem;
    double *objective;           /* owned; (rows, offers) */
    int32_t *group;              /* owned; (rows) or NULL */
    struct decide_limit *limits; /* owned; scaled down */
    double *pairs;               /* owned; (limits by pair, rows, offers) */
};

static void sample_release(struct sample *sample) {
    mem_free(sample->objective);
    mem_free(sample->group);
    mem_free(sample->limits);
    mem_free(sample->pairs);
}

/* The sampled customers' rows of a table (rows, offers). */
static void take_rows(const struct sample *sample, double share, const double *from, double *to) {
    size_t bytes = (size_t)sample->problem.offers * sizeof *to;
    for (int64_t i = 0; i < sample->problem.rows; i++)
        memcpy(to + i * sample->problem.offers,
               from + (int64_t)((double)i / share) * sample->problem.offers, bytes);
}

static void take_limits(struct sample *sample, const struct decide_problem *problem, double share) {
    double *to = sample->pairs;
    for (int32_t k = 0; k < problem->limit_count; k++) {
        sample->limits[k] = problem->limits[k];
        sample->limits[k].limit *= share;
        sample->limits[k].least *= share;
        if (!problem->limits[k].pair) continue;
        take_rows(sample, share, problem->limits[k].pair, to);
        sample->limits[k].pair = to;
        to += sample->problem.rows * sample->problem.offers;
    }
}

/* Every k-th customer, evenly over the whole. */
static kai_status sample_init(struct sample *sample, const struct decide_problem *problem,
                              kai_err *err) {
    int64_t rows = SAMPLE_ROWS, cells = rows * problem->offers, pairs = 0;
    double share = (double)rows / (double)problem->rows;
    for (int32_t k = 0; k < problem->limit_count; k++) pairs += problem->limits[k].pair != NULL;
    *sample = (struct sample){.problem = *problem};
    sample->objective = mem_array((size_t)cells, sizeof *sample->objective);
    sample->pairs = mem_array((size_t)(pairs * cells), sizeof *sample->pairs);
    sample->group = problem->group ? mem_array((size_t)rows, sizeof *sample->group) : NULL;
    sample->limits = mem_array((size_t)problem->limit_count + 1, sizeof *sample->limits);
    if (!sample->objective || !sample->pairs || !sample->limits ||
        (problem->group && !sample->group)) {
        sample_release(sample);
        return err_memory(err, (1 + pairs) * cells * (int64_t)sizeof(double));
    }
    sample->problem.rows = rows;
    take_rows(sample, share, problem->objective, sample->objective);
    for (int64_t i = 0; problem->group && i < rows; i++)
        sample->group[i] = problem->group[(int64_t)((double)i / share)];
    take_limits(sample, problem, share);
    sample->problem.objective = sample->objective;
    sample->problem.group = sample->group;
    sample->problem.limits = sample->limits;
    return KAI_OK;
}

/* Prices of the sample are a good start: passes over all customers are few from there. */
static kai_status find_by_sample(struct solve *solve, kai_err *err) {
    struct sample sample;
    struct solve small;
    kai_status st = sample_init(&sample, solve->dual.problem, err);
    if (st) return st;
    st = init_solve(&small, &sample.problem, solve->pool, solve->progress, err);
    if (!st) st = find_prices(&small, 1, err);
    if (!st) memcpy(solve->z, small.z, (size_t)solve->dual.size * sizeof *solve->z);
    release_solve(&small);
    sample_release(&sample);
    return st;
}

/* From nothing. */
static kai_status find_first_prices(struct solve *solve, kai_err *err) {
    if (solve->dual.problem->rows < SAMPLE_FROM) return find_prices(solve, 1, err);
    kai_status st = find_by_sample(solve, err);
    return st ? st : find_prices(solve, SAMPLE_REACH, err);
}

/* What one more unit of the largest gap would earn. */
static double gap_price(const struct solve *solve) {
    const double *nu = solve->z + solve->dual.problem->limit_count;
    double price = 0;
    for (int32_t g = 0; g < solve->dual.groups; g++)
        if (nu[g] > 0) price += nu[g] * (double)solve->dual.group_rows[g];
    return price;
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
    double gap = rounding_gap(rounding);
    for (int32_t g = 0; g < solve->dual.groups; g++)
        plan->group_price[g] = solve->z[problem->limit_count + g];
    plan->limits[problem->limit_count] =
        (struct decide_limit_use){"fairness", gap, problem->max_gap, gap_price(solve)};
    if (gap - problem->max_gap > plan->violation) plan->violation = gap - problem->max_gap;
}

/* The bound is a sum of the same numbers in another order: rounding may put it a hair below. */
static void set_gap(struct decide_plan *plan, double bound) {
    plan->bound = bound > plan->value ? bound : plan->value;
    plan->gap = (plan->bound - plan->value) / (fabs(plan->bound) > 1e-300 ? fabs(plan->bound) : 1);
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
    rounding.bound = solve->bound;
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
    set_gap(plan, solve->bound);
    rounding_release(&rounding);
    *ret_plan = plan;
    return KAI_OK;
}

/* Customers whose gains are equal all want the same at the prices, where the optimum shares them
 * out between offers: with many of them no rounding of one price is near it. Shrinking every gain a
 * little, by chance, tells them apart and keeps its sign. */
static kai_status break_ties(const struct decide_problem *problem, double share,
                             double **ret_objective, kai_err *err) {
    int64_t cells = problem->rows * problem->offers;
    double *objective = mem_array((size_t)cells, sizeof *objective);
    if (!objective) return err_memory(err, cells * (int64_t)sizeof *objective);
    for (int64_t c = 0; c < cells; c++) {
        double chance = (double)(hash_mix((uint64_t)c) >> 11) * 0x1p-53;
        objective[c] = problem->objective[c] - share * chance * fabs(problem->objective[c]);
    }
    *ret_objective = objective;
    return KAI_OK;
}

static void measure_plan(const struct decide_problem *problem, double bound,
                         struct decide_plan *plan) {
    plan->value = 0;
    for (int64_t i = 0; i < problem->rows; i++) {
        const int32_t *held = plan->chosen + i * problem->per_customer;
        for (int32_t s = 0; s < problem->per_customer && held[s] >= 0; s++)
            plan->value += problem->objective[i * problem->offers + held[s]];
    }
    set_gap(plan, bound);
}

/* The same problem with ties broken; the plan is measured by the true gains and the true bound. */
static kai_status solve_apart(struct solve *solve, double share, struct decide_plan **ret_plan,
                              kai_err *err) {
    struct decide_problem apart = *solve->dual.problem;
    double *objective = NULL;
    struct solve other = {0};
    kai_status st = break_ties(solve->dual.problem, share, &objective, err);
    apart.objective = objective;
    if (!st) st = init_solve(&other, &apart, solve->pool, solve->progress, err);
    if (!st) memcpy(other.z, solve->z, (size_t)solve->dual.size * sizeof *other.z);
    if (!st) st = find_prices(&other, 1, err);
    if (!st) st = make_plan(&other, ret_plan, err);
    if (!st) measure_plan(solve->dual.problem, solve->bound, *ret_plan);
    solve->evaluations += other.evaluations;
    release_solve(&other);
    mem_free(objective);
    return st;
}

/* The prices of the problem as it is, which another way of rounding does not change. */
static void set_prices(struct solve *solve, struct decide_plan *plan) {
    const struct decide_problem *problem = solve->dual.problem;
    dual_set_prices(&solve->dual, solve->z);
    memcpy(plan->price, solve->dual.offer_price, (size_t)problem->offers * sizeof *plan->price);
    for (int32_t g = 0; g < solve->dual.groups; g++)
        plan->group_price[g] = solve->z[problem->limit_count + g];
    for (int32_t k = 0; k < problem->limit_count; k++) plan->limits[k].shadow_price = solve->z[k];
    if (solve->dual.groups) plan->limits[problem->limit_count].shadow_price = gap_price(solve);
}

/* Keep the better of two plans; either may be missing. */
static struct decide_plan *better(struct decide_plan *a, struct decide_plan *b) {
    int is_b = !a || (b && b->value > a->value);
    decide_plan_free(is_b ? a : b);
    return is_b ? b : a;
}

/* Where no plan, or none near the bound, is found at the prices, ties are broken in several ways:
 * minimums that a first rounding cannot meet are often met so. */
static kai_status solve_well(struct solve *solve, int is_first, struct decide_plan **ret_plan,
                             kai_err *err) {
    struct decide_plan *best = NULL;
    kai_err why = {0};
    kai_status st = is_first ? find_first_prices(solve, err) : find_prices(solve, 1, err);
    if (!st) st = make_plan(solve, &best, &why);
    kai_status first = st;
    if (st == KAI_INFEASIBLE) st = KAI_OK;
    for (size_t t = 0;
         !st && (!best || best->gap > GAP_WANTED) && t < sizeof TIE_SHARES / sizeof(double); t++) {
        struct decide_plan *plan = NULL;
        kai_err other = {0};
        st = solve_apart(solve, TIE_SHARES[t], &plan, &other);
        if (st == KAI_INFEASIBLE) st = KAI_OK;
        if (st) why = other;
        if (plan) set_prices(solve, plan);
        best = better(best, plan);
    }
    if (!st && !best) st = first;
    if (st) {
        decide_plan_free(best);
        return why.message[0] ? err_set(err, st, "%s", why.message) : st;
    }
    best->iterations = solve->evaluations;
    *ret_plan = best;
    return KAI_OK;
}

static kai_status solve_once(const struct decide_problem *problem, struct pool *pool,
                             const struct progress *progress, struct decide_plan **ret_plan,
                             kai_err *err) {
    struct solve solve;
    kai_status st = init_solve(&solve, problem, pool, progress, err);
    if (!st) st = solve_well(&solve, 1, ret_plan, err);
    release_solve(&solve);
    return st;
}

/* A conflict_fn. */
static kai_status try_solve(const struct decide_problem *problem, struct pool *pool, kai_err *err) {
    struct decide_plan *plan = NULL;
    kai_status st = solve_once(problem, pool, NULL, &plan, err);
    decide_plan_free(plan);
    return st;
}

kai_status decide_solve(const struct decide_problem *problem, struct pool *pool,
                        const struct progress *progress, struct decide_plan **ret_plan,
                        kai_err *err) {
    kai_status st = check_problem(problem, err);
    if (st) return st;
    st = solve_once(problem, pool, progress, ret_plan, err);
    return st == KAI_INFEASIBLE ? conflict_find(problem, try_solve, pool, err) : st;
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
        st = solve_well(&solve, p == 0, &plan, err); /* from the prices of the point before */
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
