#include "evaluate/policy.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "evaluate/stat.h"
#include "kit/check.h"

enum { MAX_ROWS = 9000, ARMS = 3 };

static double outcome[MAX_ROWS], propensity[MAX_ROWS], predicted[MAX_ROWS * ARMS];
static double probability[MAX_ROWS * ARMS];
static int32_t arm[MAX_ROWS], choice[MAX_ROWS];

/* Random rows; predictions are informative, propensities depend on the row. */
static struct trial draw(int64_t rows, int is_known) {
    struct rng rng;
    rng_init(&rng, 7, "policy-test", (uint64_t)rows);
    for (int64_t i = 0; i < rows; i++) {
        double x = rng_normal(&rng), p[ARMS] = {0.5, 0.2 + 0.1 * (x > 0), 0.3 - 0.1 * (x > 0)};
        double u = rng_unit(&rng);
        arm[i] = u < p[0] ? 0 : u < p[0] + p[1] ? 1 : 2;
        propensity[i] = p[arm[i]];
        outcome[i] = 3 + x * arm[i] + rng_normal(&rng);
        for (int a = 0; a < ARMS; a++)
            predicted[i * ARMS + a] = 3 + 0.8 * x * a + 0.1 * rng_normal(&rng);
        choice[i] = x > 0.3 ? 2 : x > 0 ? 1 : 0;
        for (int a = 0; a < ARMS; a++) probability[i * ARMS + a] = 0.1 + 0.7 * (a == choice[i]);
    }
    return (struct trial){.rows = rows,
                          .arms = ARMS,
                          .arm = arm,
                          .outcome = outcome,
                          .propensity = is_known ? propensity : NULL,
                          .predicted = predicted};
}

static void check_estimate(struct estimate got, double value, double error, double freedom) {
    double width = error * stat_t_quantile(0.975, freedom);
    CHECK_NEAR(got.value, value, 1e-12);
    CHECK_NEAR(got.low, value - width, 1e-11);
    CHECK_NEAR(got.high, value + width, 1e-11);
}

/* Worked by hand (standard errors by a page of Python): four rows, known propensities. */
static void test_policy__matches_a_hand_computed_example(void **state) {
    (void)state;
    const int32_t logged[] = {0, 1, 0, 1}, chosen[] = {1, 1, 0, 0};
    const double y[] = {1, 3, 2, 6}, p[] = {0.5, 0.25, 0.5, 0.8}, cost[] = {0, 0.5};
    const double mu[] = {1, 2, 2, 3, 1, 4, 2, 5};
    const double value[] = {1.75, 3.75, 29.0 / 12, 2.25, 25.0 / 12};
    const double gain[] = {0.25, 2.25, 11.0 / 12, 0.25, 1.0 / 12};
    const double value_error[] = {0.3227486121839514, 2.7726341266023544, 0.280083027078781,
                                  0.3227486121839514, 0.11675481678628233};
    const double gain_error[] = {0.14433756729740643, 3.139134700306227, 0.5567117598354598,
                                 0.14433756729740643, 0.42461553658511486};
    struct trial trial = {4, 2, logged, y, p, mu, NULL};
    struct policy plan = {.name = "plan", .choice = chosen};
    struct policy_options options = {.confidence = 0.95, .cost = cost};
    struct policy_value got;
    kai_err err;
    CHECK_OK(policy_compare(&trial, &plan, 1, NULL, &options, NULL, &got, &err), &err);
    for (int e = 0; e < POLICY_ESTIMATORS; e++) {
        /* effective samples: 36/20 = 1.8 and (2 + 4)^2 / (4 + 16): freedom below 1 counts as 1 */
        double freedom = e == POLICY_DM ? 3 : 1;
        check_estimate(got.value[e], value[e], value_error[e], freedom);
        check_estimate(got.gain[e], gain[e], gain_error[e], freedom);
    }
    CHECK_NEAR(got.effective_sample, 1.8, 1e-12);
    CHECK_NEAR(got.cost, 0.25, 1e-15);
    CHECK_NEAR(got.treated_share, 0.5, 1e-15);
    assert_true(got.matched == 2 && got.weight_max == 4 && got.propensity_min == 0.25);
    assert_true(got.warnings & POLICY_WARN_EFFECTIVE);
}

/* With shares as propensities, IPW of a constant policy is the mean of the arm, with its error. */
static void test_policy__of_one_arm_is_the_mean_of_the_arm(void **state) {
    (void)state;
    struct trial trial = draw(500, 0);
    const double constant[ARMS] = {0, 1, 0};
    struct policy policy = {.name = "all", .constant = constant};
    struct policy_value got;
    kai_err err;
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err);
    struct moments own = {0, 0, 0}, control = {0, 0, 0};
    for (int i = 0; i < 500; i++) {
        if (arm[i] == 1) moments_add(&own, outcome[i]);
        if (arm[i] == 0) moments_add(&control, outcome[i]);
    }
    double of_own = moments_variance(&own) / (double)own.n;
    double of_control = moments_variance(&control) / (double)control.n;
    for (int e = POLICY_IPW; e <= POLICY_SNIPW; e++) {
        check_estimate(got.value[e], own.mean, sqrt(of_own), (double)own.n - 1);
        CHECK_NEAR(got.gain[e].value, own.mean - control.mean, 1e-12);
        double half = (got.gain[e].high - got.gain[e].low) / 2;
        CHECK_NEAR(half / sqrt(of_own + of_control), 1.97, 0.01);
    }
}

/* Leave one row out, estimate again: the spread of these is the error, with no formula of ours. */
static void check_jackknife(int is_known) {
    enum { ROWS = 400 };
    struct trial trial = draw(ROWS, is_known);
    struct policy policy = {.name = "plan", .probability = probability};
    struct policy_value all, *without = calloc(ROWS, sizeof *without);
    assert_non_null(without);
    kai_err err;
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &all, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        struct trial less = draw(ROWS, is_known);
        int tail = ROWS - 1 - i;
        less.rows = ROWS - 1;
        memmove(arm + i, arm + i + 1, (size_t)tail * sizeof *arm);
        memmove(outcome + i, outcome + i + 1, (size_t)tail * sizeof *outcome);
        memmove(propensity + i, propensity + i + 1, (size_t)tail * sizeof *propensity);
        memmove(predicted + (size_t)i * ARMS, predicted + (size_t)(i + 1) * ARMS,
                (size_t)tail * ARMS * sizeof *predicted);
        memmove(probability + (size_t)i * ARMS, probability + (size_t)(i + 1) * ARMS,
                (size_t)tail * ARMS * sizeof *probability);
        CHECK_OK(policy_compare(&less, &policy, 1, NULL, NULL, NULL, &without[i], &err), &err);
    }
    for (int e = 0; e < POLICY_ESTIMATORS; e++) {
        struct moments value = {0, 0, 0}, gain = {0, 0, 0};
        for (int i = 0; i < ROWS; i++) {
            moments_add(&value, without[i].value[e].value);
            moments_add(&gain, without[i].gain[e].value);
        }
        double scale = (ROWS - 1.0) / ROWS;
        double t = stat_t_quantile(0.975, e == POLICY_DM ? ROWS - 1 : all.effective_sample - 1);
        CHECK_NEAR((all.value[e].high - all.value[e].value) / t / sqrt(scale * value.squares), 1,
                   0.02);
        CHECK_NEAR((all.gain[e].high - all.gain[e].value) / t / sqrt(scale * gain.squares), 1,
                   0.02);
    }
    free(without);
}

static void test_policy__errors_match_the_jackknife(void **state) {
    (void)state;
    check_jackknife(0);
    check_jackknife(1);
}

static void test_policy__that_is_nobody_gains_exactly_nothing(void **state) {
    (void)state;
    struct trial trial = draw(5000, 0);
    memset(choice, 0, sizeof choice);
    const double constant[ARMS] = {1, 0, 0};
    for (int64_t i = 0; i < trial.rows; i++)
        memcpy(probability + i * ARMS, constant, sizeof constant);
    struct policy policies[] = {{.name = "choice", .choice = choice},
                                {.name = "constant", .constant = constant},
                                {.name = "probability", .probability = probability}};
    struct policy_value got[3];
    kai_err err;
    CHECK_OK(policy_compare(&trial, policies, 3, NULL, NULL, NULL, got, &err), &err);
    for (int k = 0; k < 3; k++)
        for (int e = 0; e < POLICY_ESTIMATORS; e++)
            assert_true(got[k].gain[e].value == 0 && got[k].gain[e].low == 0 &&
                        got[k].gain[e].high == 0);
}

static void test_policy__gain_over_a_base_is_the_difference_of_gains(void **state) {
    (void)state;
    struct trial trial = draw(3000, 1);
    const double random[ARMS] = {0.2, 0.4, 0.4}, cost[ARMS] = {0, 0.3, 0.1};
    struct policy policies[] = {{.name = "plan", .choice = choice},
                                {.name = "random", .constant = random}};
    struct policy_options options = {.cost = cost};
    struct policy_value over_nobody[2], over_random[2];
    kai_err err;
    CHECK_OK(policy_compare(&trial, policies, 2, NULL, &options, NULL, over_nobody, &err), &err);
    CHECK_OK(policy_compare(&trial, policies, 2, &policies[1], &options, NULL, over_random, &err),
             &err);
    for (int e = 0; e < POLICY_ESTIMATORS; e++) {
        CHECK_NEAR(over_random[0].gain[e].value,
                   over_nobody[0].gain[e].value - over_nobody[1].gain[e].value, 1e-12);
        assert_true(over_random[1].gain[e].high == 0);
    }
}

static void test_policy__is_the_same_for_any_number_of_threads(void **state) {
    (void)state;
    struct trial trial = draw(MAX_ROWS, 1);
    struct policy policies[] = {{.name = "plan", .choice = choice},
                                {.name = "soft", .probability = probability}};
    struct policy_value one[2], many[2];
    memset(one, 0, sizeof one);
    memset(many, 0, sizeof many);
    struct pool *pool;
    kai_err err;
    CHECK_OK(pool_new(3, &pool, &err), &err);
    CHECK_OK(policy_compare(&trial, policies, 2, NULL, NULL, NULL, one, &err), &err);
    CHECK_OK(policy_compare(&trial, policies, 2, NULL, NULL, pool, many, &err), &err);
    assert_memory_equal(one, many, sizeof one);
    pool_free(pool);
}

static void test_policy__without_predictions_leaves_models_out(void **state) {
    (void)state;
    struct trial trial = draw(1000, 0);
    struct policy policy = {.name = "plan", .choice = choice};
    struct policy_value with, without;
    kai_err err;
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &with, &err), &err);
    trial.predicted = NULL;
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &without, &err), &err);
    assert_true(isnan(without.gain[POLICY_DR].value) && without.gain[POLICY_DR].n == 0);
    assert_true(without.gain[POLICY_IPW].value == with.gain[POLICY_IPW].value);
}

static void test_policy__refuses_what_cannot_be_judged(void **state) {
    (void)state;
    const char *const names[] = {"none", "mail", "call"};
    struct trial trial = draw(100, 1);
    trial.arm_names = names;
    struct policy policy = {.name = "plan", .choice = choice};
    struct policy_value got;
    kai_err err;
    arm[9] = 1;
    propensity[9] = 0;
    CHECK_FAILS(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err, KAI_INVALID,
                "row 10: arm 'mail': propensity 0");
    propensity[9] = 0.5;
    choice[20] = 3;
    CHECK_FAILS(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err, KAI_INVALID,
                "policy 'plan': row 21: arm 3");
    policy = (struct policy){.name = "soft", .probability = probability};
    probability[30] += 0.1;
    CHECK_FAILS(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err, KAI_INVALID,
                "policy 'soft': row 11: the probabilities are not a distribution");
    for (int i = 0; i < 100; i++) arm[i] = i % 2;
    CHECK_FAILS(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err, KAI_INVALID,
                "arm 'call' has 0 rows");
    outcome[3] = NAN;
    CHECK_FAILS(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err, KAI_INVALID,
                "row 4");
}

static void test_policy__warns_of_poor_overlap(void **state) {
    (void)state;
    struct trial trial = draw(5000, 1);
    for (int i = 0; i < 5000; i++)
        if (arm[i] == 2) propensity[i] = i % 10 == 0 ? 0.0005 : 0.4;
    struct policy policy = {.name = "plan", .choice = choice};
    struct policy_value got;
    kai_err err;
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err);
    assert_true(got.warnings & POLICY_WARN_PROPENSITY);
    assert_true(got.warnings & POLICY_WARN_TOP);
    assert_true(got.warnings & POLICY_WARN_EFFECTIVE);
    assert_true(got.warnings & POLICY_WARN_WEIGHT);
    assert_true(got.weight_max == 2000);
    trial = draw(5000, 1);
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err), &err);
    assert_true(got.warnings == 0);
}

static void test_policy__leaves_nothing_behind_when_memory_ends(void **state) {
    (void)state;
    struct trial trial = draw(100, 0);
    struct policy policy = {.name = "plan", .choice = choice};
    struct policy_value got;
    kai_err err;
    for (int64_t nth = 1; nth < 100; nth++) {
        check_alloc_reset();
        int64_t live = check_alloc_live();
        check_alloc_fail(nth, 1);
        kai_status st = policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &got, &err);
        check_alloc_fail(0, 0);
        assert_true(check_alloc_live() == live);
        if (!st) return;
        assert_true(st == KAI_NO_MEMORY);
    }
    fail();
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy__matches_a_hand_computed_example),
        cmocka_unit_test(test_policy__of_one_arm_is_the_mean_of_the_arm),
        cmocka_unit_test(test_policy__errors_match_the_jackknife),
        cmocka_unit_test(test_policy__that_is_nobody_gains_exactly_nothing),
        cmocka_unit_test(test_policy__gain_over_a_base_is_the_difference_of_gains),
        cmocka_unit_test(test_policy__is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_policy__without_predictions_leaves_models_out),
        cmocka_unit_test(test_policy__refuses_what_cannot_be_judged),
        cmocka_unit_test(test_policy__warns_of_poor_overlap),
        cmocka_unit_test(test_policy__leaves_nothing_behind_when_memory_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
