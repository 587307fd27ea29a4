/* Problems that break solvers: each has a certified answer, or names what cannot hold. */
#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "decide/decide.h"
#include "kit/check.h"

enum { ROWS = 20000, OFFERS = 3 };

static double objective[ROWS * OFFERS];
static int32_t group[ROWS];
static const double COST[OFFERS] = {1, 2, 3}, FIRST[OFFERS] = {1, 0, 0};

static struct decide_problem problem_of(int64_t rows, const struct decide_limit *limits,
                                        int32_t count) {
    return (struct decide_problem){.rows = rows,
                                   .offers = OFFERS,
                                   .objective = objective,
                                   .per_customer = 1,
                                   .limits = limits,
                                   .limit_count = count};
}

static struct decide_plan *solve(const struct decide_problem *problem) {
    struct decide_plan *plan = NULL;
    kai_err err = {0};
    CHECK_OK(decide_solve(problem, NULL, NULL, &plan, &err), &err);
    assert_true(plan->violation <= 0);
    assert_true(plan->bound >= plan->value);
    return plan;
}

static int64_t count_treated(const struct decide_plan *plan) {
    int64_t treated = 0;
    for (int64_t i = 0; i < plan->rows; i++) treated += plan->chosen[i] >= 0;
    return treated;
}

static void fill(double low, double high) {
    for (int64_t c = 0; c < (int64_t)ROWS * OFFERS; c++) {
        struct rng rng;
        rng_init(&rng, 3, "hard", (uint64_t)c);
        objective[c] = low + (high - low) * rng_unit(&rng);
    }
}

static void test_decide_hard__treats_nobody_where_all_lose(void **state) {
    const struct decide_limit limit = {.name = "budget", .weight = COST, .limit = 100};
    const struct decide_problem problem = problem_of(ROWS, &limit, 1);
    (void)state;
    fill(-2, -1);
    struct decide_plan *plan = solve(&problem);
    assert_int_equal(count_treated(plan), 0);
    assert_true(plan->value == 0 && plan->bound <= 1e-9);
    decide_plan_free(plan);
}

static void test_decide_hard__shares_out_between_customers_who_are_alike(void **state) {
    const struct decide_limit limits[] = {{.name = "budget", .weight = COST, .limit = 9000},
                                          {.name = "first", .weight = FIRST, .limit = 3000}};
    const struct decide_problem problem = problem_of(ROWS, limits, 2);
    (void)state;
    for (int64_t c = 0; c < (int64_t)ROWS * OFFERS; c++) objective[c] = 1 + (double)(c % OFFERS);
    struct decide_plan *plan = solve(&problem);
    assert_true(plan->gap <= 1e-3);
    decide_plan_free(plan);
}

static void test_decide_hard__spends_nothing_of_nothing(void **state) {
    const struct decide_limit limit = {.name = "budget", .weight = COST, .limit = 0};
    const struct decide_problem problem = problem_of(ROWS, &limit, 1);
    (void)state;
    fill(0, 1);
    struct decide_plan *plan = solve(&problem);
    assert_int_equal(count_treated(plan), 0);
    assert_true(plan->gap <= 1e-6 || plan->bound <= 1e-3);
    decide_plan_free(plan);
}

static void test_decide_hard__knows_one_customer(void **state) {
    const struct decide_limit limit = {.name = "budget", .weight = COST, .limit = 2};
    const struct decide_problem problem = problem_of(1, &limit, 1);
    (void)state;
    objective[0] = 1;
    objective[1] = 2;
    objective[2] = 9; /* too dear */
    struct decide_plan *plan = solve(&problem);
    assert_int_equal(plan->chosen[0], 1);
    decide_plan_free(plan);
}

static void test_decide_hard__sees_the_small_beside_the_huge(void **state) {
    const struct decide_limit limits[] = {{.name = "budget", .weight = COST, .limit = 30000},
                                          {.name = "first", .weight = FIRST, .limit = 100}};
    const struct decide_problem problem = problem_of(ROWS, limits, 2);
    int64_t small = 0;
    (void)state;
    fill(1, 2);
    for (int64_t i = 0; i < ROWS; i++) objective[i * OFFERS] *= 1e9;
    struct decide_plan *plan = solve(&problem);
    for (int64_t i = 0; i < ROWS; i++) small += plan->chosen[i] > 0;
    assert_true(plan->gap <= 1e-4);
    assert_true(small > 9000); /* the others get their part of the budget */
    decide_plan_free(plan);
}

static void test_decide_hard__names_the_limits_that_conflict(void **state) {
    const struct decide_limit limits[] = {
        {.name = "mail", .weight = FIRST, .limit = ROWS, .least = 500},
        {.name = "budget", .weight = COST, .limit = 300},
        {.name = "spare", .weight = FIRST, .limit = 10000}};
    struct decide_problem problem = problem_of(1000, limits, 3);
    struct decide_plan *plan = NULL;
    kai_err err = {0};
    (void)state;
    fill(-1, 1);
    CHECK_FAILS(decide_solve(&problem, NULL, NULL, &plan, &err), &err, KAI_INFEASIBLE,
                "together: 'mail' (at least 500), 'budget' (at most 300)");
    assert_null(strstr(err.message, "spare"));

    /* one group may not have the offer at all, and nobody may be treated more than it */
    for (int64_t i = 0; i < 1000; i++) group[i] = (int32_t)(i % 2);
    for (int64_t i = 0; i < 1000; i += 2)
        for (int32_t j = 0; j < OFFERS; j++) objective[i * OFFERS + j] = NAN;
    problem.limit_count = 1;
    problem.group = group;
    problem.groups = 2;
    problem.max_gap = 0.1;
    CHECK_FAILS(decide_solve(&problem, NULL, NULL, &plan, &err), &err, KAI_INFEASIBLE,
                "'mail' (at least 500), 'fairness' (at most 0.1)");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide_hard__treats_nobody_where_all_lose),
        cmocka_unit_test(test_decide_hard__shares_out_between_customers_who_are_alike),
        cmocka_unit_test(test_decide_hard__spends_nothing_of_nothing),
        cmocka_unit_test(test_decide_hard__knows_one_customer),
        cmocka_unit_test(test_decide_hard__sees_the_small_beside_the_huge),
        cmocka_unit_test(test_decide_hard__names_the_limits_that_conflict),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
