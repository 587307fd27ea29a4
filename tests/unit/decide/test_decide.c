#include "decide/decide.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { ROWS = 20000, OFFERS = 3, GROUPS = 3 };

struct market {
    struct decide_problem problem;
    double *objective; /* owned */
    int32_t *group;    /* owned */
    double cost[OFFERS], places[OFFERS];
    struct decide_limit limits[2];
};

static void draw_market(struct market *market, uint64_t seed) {
    *market = (struct market){.cost = {0.5, 1, 0.25}, .places = {0, 1, 0}};
    market->objective = mem_array(ROWS * OFFERS, sizeof *market->objective);
    market->group = mem_array(ROWS, sizeof *market->group);
    assert_true(market->objective && market->group);
    for (int64_t i = 0; i < ROWS; i++) {
        struct rng rng;
        rng_init(&rng, seed, "market", (uint64_t)i);
        market->group[i] = (int32_t)rng_below(&rng, GROUPS);
        for (int32_t j = 0; j < OFFERS; j++)
            market->objective[i * OFFERS + j] =
                rng_normal(&rng) + 0.3 * market->group[i] + (j == 1) - market->cost[j];
    }
    market->limits[0] = (struct decide_limit){"budget", market->cost, 2500, NULL, NULL, 0, 0};
    market->limits[1] = (struct decide_limit){"places", market->places, 1500, NULL, NULL, 0, 0};
    market->problem = (struct decide_problem){.rows = ROWS,
                                              .offers = OFFERS,
                                              .objective = market->objective,
                                              .per_customer = 1,
                                              .limits = market->limits,
                                              .limit_count = 2,
                                              .group = market->group,
                                              .groups = GROUPS,
                                              .max_gap = 0.05};
}

static void free_market(struct market *market) {
    mem_free(market->objective);
    mem_free(market->group);
}

static struct decide_plan *solve(const struct decide_problem *problem, struct pool *pool) {
    kai_err err = {0};
    struct decide_plan *plan = NULL;
    CHECK_OK(decide_solve(problem, pool, NULL, &plan, &err), &err);
    return plan;
}

static void test_decide__certifies_a_small_gap(void **state) {
    (void)state;
    struct market market;
    draw_market(&market, 1);
    struct decide_plan *plan = solve(&market.problem, NULL);
    assert_true(plan->gap >= 0 && plan->gap < 1e-3);
    assert_true(plan->violation <= 0);
    assert_true(plan->limits[0].used <= 2500 && plan->limits[1].used <= 1500);
    assert_true(plan->limits[2].used <= 0.05);
    assert_true(plan->limits[0].shadow_price > 0);
    decide_plan_free(plan);
    free_market(&market);
}

static void test_decide__is_the_same_for_any_threads(void **state) {
    (void)state;
    kai_err err = {0};
    struct market market;
    struct pool *pool = NULL;
    CHECK_OK(pool_new(3, &pool, &err), &err);
    draw_market(&market, 2);
    struct decide_plan *one = solve(&market.problem, NULL), *three = solve(&market.problem, pool);
    assert_memory_equal(one->chosen, three->chosen, ROWS * sizeof *one->chosen);
    assert_memory_equal(&one->bound, &three->bound, sizeof one->bound);
    decide_plan_free(one);
    decide_plan_free(three);
    free_market(&market);
    pool_free(pool);
}

/* One more unit of budget earns the shadow price, as far as the price holds. */
static void test_decide__prices_the_budget(void **state) {
    (void)state;
    struct market market;
    draw_market(&market, 3);
    struct decide_plan *before = solve(&market.problem, NULL);
    market.limits[0].limit += 25;
    struct decide_plan *after = solve(&market.problem, NULL);
    CHECK_NEAR((after->bound - before->bound) / 25, before->limits[0].shadow_price,
               0.05 * before->limits[0].shadow_price);
    decide_plan_free(before);
    decide_plan_free(after);
    free_market(&market);
}

static void test_decide__treats_nobody_where_nothing_pays(void **state) {
    (void)state;
    double objective[] = {-1, -2, NAN, -0.5};
    struct decide_problem problem = {
        .rows = 2, .offers = 2, .objective = objective, .per_customer = 2};
    struct decide_plan *plan = solve(&problem, NULL);
    for (int i = 0; i < 4; i++) assert_int_equal(plan->chosen[i], -1);
    CHECK_NEAR(plan->value, 0, 0);
    CHECK_NEAR(plan->bound, 0, 0);
    decide_plan_free(plan);
}

static void test_decide__spends_a_tied_budget(void **state) {
    (void)state;
    static double objective[1000];
    double cost[] = {1};
    struct decide_limit limit = {"budget", cost, 333, NULL, NULL, 0, 0};
    for (int i = 0; i < 1000; i++) objective[i] = 2;
    struct decide_problem problem = {.rows = 1000,
                                     .offers = 1,
                                     .objective = objective,
                                     .per_customer = 1,
                                     .limits = &limit,
                                     .limit_count = 1};
    struct decide_plan *plan = solve(&problem, NULL);
    CHECK_NEAR(plan->value, 666, 1e-9);
    CHECK_NEAR(plan->bound, 666, 1e-3);
    decide_plan_free(plan);
}

static void test_decide__names_a_limit_that_cannot_be_met(void **state) {
    (void)state;
    kai_err err = {0};
    double objective[] = {1}, cost[] = {1};
    struct decide_limit limit = {"budget", cost, -5, NULL, NULL, 0, 0};
    struct decide_problem problem = {.rows = 1,
                                     .offers = 1,
                                     .objective = objective,
                                     .per_customer = 1,
                                     .limits = &limit,
                                     .limit_count = 1};
    struct decide_plan *plan = NULL;
    CHECK_FAILS(decide_solve(&problem, NULL, NULL, &plan, &err), &err, KAI_INFEASIBLE, "'budget'");
    assert_null(plan);
}

static void test_decide__draws_a_rising_frontier(void **state) {
    (void)state;
    kai_err err = {0};
    struct market market;
    struct decide_point points[4] = {
        {.limit = 500}, {.limit = 1000}, {.limit = 2000}, {.limit = 4000}};
    draw_market(&market, 4);
    CHECK_OK(decide_frontier(&market.problem, 0, points, 4, NULL, NULL, &err), &err);
    for (int p = 0; p < 4; p++) {
        assert_true(points[p].used <= points[p].limit);
        assert_true(points[p].value <= points[p].bound * (1 + 1e-9));
        if (p) assert_true(points[p].value > points[p - 1].value);
    }
    market.limits[0].limit = 2000;
    struct decide_plan *plan = solve(&market.problem, NULL);
    CHECK_NEAR(points[2].value, plan->value, 2e-3 * plan->value);
    decide_plan_free(plan);
    free_market(&market);
}

/* 400 customers who are all alike want the same at any price; the optimum shares them out. */
static void test_decide__shares_equal_customers_out(void **state) {
    (void)state;
    enum { ALIKE = 400 };
    static double objective[ALIKE * 2];
    static int32_t group[ALIKE];
    static const double COST[] = {0.1, 0.5}, POST[] = {1, 0}, CALL[] = {0, 1};
    for (int i = 0; i < ALIKE; i++) {
        objective[2 * i] = 0.5;      /* cheap, at most 150 of them */
        objective[2 * i + 1] = 0.65; /* dear */
        group[i] = i % 3 == 0;
    }
    struct decide_limit limits[] = {{"budget", COST, 50, NULL, NULL, 0, 0},
                                    {"post", POST, 150, NULL, NULL, 0, 0},
                                    {"call", CALL, 100, NULL, NULL, 0, 0}};
    struct decide_problem problem = {.rows = ALIKE,
                                     .offers = 2,
                                     .objective = objective,
                                     .per_customer = 1,
                                     .limits = limits,
                                     .limit_count = 3,
                                     .group = group,
                                     .groups = 2,
                                     .max_gap = 0.1};
    /* 150 letters for 15, and 70 calls for 35 */
    double best = 150 * 0.5 + 70 * 0.65;
    for (int fair = 0; fair < 2; fair++) {
        if (!fair) problem.group = NULL;
        struct decide_plan *plan = solve(&problem, NULL);
        CHECK_NEAR(plan->value, best, 0.005 * best);
        CHECK_NEAR(plan->bound, best, 0.005 * best);
        assert_true(plan->violation == 0);
        decide_plan_free(plan);
        problem.group = group;
    }
}

static void test_decide__applies_its_prices_as_a_rule(void **state) {
    (void)state;
    struct market market;
    static int32_t chosen[ROWS];
    draw_market(&market, 5);
    struct decide_plan *plan = solve(&market.problem, NULL);
    decide_rule(plan, market.objective, market.group, ROWS, OFFERS, chosen);
    int same = 0;
    for (int i = 0; i < ROWS; i++) same += chosen[i] == plan->chosen[i];
    assert_true(same > ROWS * 0.995); /* all but the ties at the margin */
    decide_plan_free(plan);
    free_market(&market);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide__certifies_a_small_gap),
        cmocka_unit_test(test_decide__is_the_same_for_any_threads),
        cmocka_unit_test(test_decide__prices_the_budget),
        cmocka_unit_test(test_decide__treats_nobody_where_nothing_pays),
        cmocka_unit_test(test_decide__spends_a_tied_budget),
        cmocka_unit_test(test_decide__shares_equal_customers_out),
        cmocka_unit_test(test_decide__names_a_limit_that_cannot_be_met),
        cmocka_unit_test(test_decide__draws_a_rising_frontier),
        cmocka_unit_test(test_decide__applies_its_prices_as_a_rule),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
