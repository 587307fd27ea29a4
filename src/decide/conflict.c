#include "decide/conflict.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* "'mail' (at least 40), 'budget' (at most 3)" */
static void print_one(const struct decide_limit *limit, char *text, size_t capacity) {
    size_t used = strlen(text);
    (void)snprintf(text + used, capacity - used, "%s'%.60s' (%s %g)", used ? ", " : "", limit->name,
                   limit->least > 0 ? "at least" : "at most",
                   limit->least > 0 ? limit->least : limit->limit);
}

static kai_status still_fails(const struct decide_problem *problem, conflict_fn solve,
                              struct pool *pool, int *ret_fails, kai_err *err) {
    kai_err why = {0};
    kai_status st = solve(problem, pool, &why);
    *ret_fails = st == KAI_INFEASIBLE;
    return st && !*ret_fails ? err_set(err, st, "%s", why.message) : KAI_OK;
}

/* Leave limit k out, for good where that does not help; then *ret_is_out is 1 and the next stands
 * in its place. */
static kai_status try_limit(struct decide_problem *left, struct decide_limit *limits, int32_t k,
                            conflict_fn solve, struct pool *pool, int *ret_is_out, kai_err *err) {
    const struct decide_limit kept = limits[k];
    size_t behind = (size_t)(left->limit_count - k - 1) * sizeof *limits;
    memmove(&limits[k], &limits[k + 1], behind);
    left->limit_count--;
    kai_status st = still_fails(left, solve, pool, ret_is_out, err);
    if (st || *ret_is_out) return st;
    memmove(&limits[k + 1], &limits[k], behind);
    limits[k] = kept;
    left->limit_count++;
    return KAI_OK;
}

static kai_status try_fairness(struct decide_problem *left, conflict_fn solve, struct pool *pool,
                               kai_err *err) {
    const int32_t *group = left->group;
    int fails = 0;
    if (!group) return KAI_OK;
    left->group = NULL;
    kai_status st = still_fails(left, solve, pool, &fails, err);
    if (!st && !fails) left->group = group;
    return st;
}

kai_status conflict_find(const struct decide_problem *problem, conflict_fn solve, struct pool *pool,
                         kai_err *err) {
    char names[400] = "";
    struct decide_problem left = *problem;
    size_t count = (size_t)problem->limit_count;
    struct decide_limit *limits = mem_array(count + 1, sizeof *limits);
    if (!limits) return err_memory(err, problem->limit_count);
    memcpy(limits, problem->limits, count * sizeof *limits);
    left.limits = limits;
    kai_status st = try_fairness(&left, solve, pool, err);
    for (int32_t k = 0; !st && k < left.limit_count;) {
        int is_out = 0;
        st = try_limit(&left, limits, k, solve, pool, &is_out, err);
        k += !is_out;
    }
    for (int32_t k = 0; !st && k < left.limit_count; k++)
        print_one(&limits[k], names, sizeof names);
    if (!st && left.group) {
        size_t used = strlen(names);
        (void)snprintf(names + used, sizeof names - used, "%s'fairness' (at most %g)",
                       used ? ", " : "", left.max_gap);
    }
    mem_free(limits);
    return st ? st
              : err_set(err, KAI_INFEASIBLE,
                        "no plan was found that keeps these limits together: %s", names);
}
