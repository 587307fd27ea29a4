#include "evaluate/decision.h"

#include <math.h>

#include "kit/check.h"

static struct experiment_result result_of(int32_t arms) {
    struct experiment_result result = {.name = "m", .kind = METRIC_MEAN, .arms = arms};
    result.arm[0].level.value = 10;
    return result;
}

static void set(struct experiment_result *result, int32_t arm, double value, double width,
                double p) {
    result->arm[arm].fixed = (struct estimate){value, value - width, value + width, 100, "welch"};
    result->arm[arm].anytime = result->arm[arm].fixed;
    result->arm[arm].p_fixed = p;
    result->arm[arm].p_anytime = p;
}

static struct decision decide(struct decision_metric *metrics, int32_t count, double srm_p) {
    struct experiment_srm srm = {.p = srm_p};
    struct decision_options options = {.correction = DECISION_HOLM,
                                       .confidence = 0.95,
                                       .is_anytime = 1,
                                       .margin = 0.02,
                                       .srm = 0.001,
                                       .srm_warning = 0.01};
    struct decision decision;
    kai_err err = {0};
    CHECK_OK(decision_make(metrics, count, &srm, &options, &decision, &err), &err);
    return decision;
}

static int32_t winner_of(struct decision_metric *metrics, int32_t count, double srm_p) {
    struct decision decision = decide(metrics, count, srm_p);
    int32_t winner = decision.winner;
    decision_release(&decision);
    return winner;
}

static void test_decision__names_the_best_arm_that_is_told_apart(void **state) {
    (void)state;
    struct experiment_result main = result_of(3);
    struct decision_metric metrics[] = {{&main, 0, 0}};
    set(&main, 1, 1, 0.5, 0.001);
    set(&main, 2, 2, 0.5, 0.001);
    assert_int_equal(winner_of(metrics, 1, 0.5), 2);
    metrics[0].is_lower_better = 1;
    assert_int_equal(winner_of(metrics, 1, 0.5), 0);
    set(&main, 2, 2, 3, 0.2);
    metrics[0].is_lower_better = 0;
    assert_int_equal(winner_of(metrics, 1, 0.5), 1);
    set(&main, 1, 1, 0.99, 0.03); /* twice by Holm: 0.06 */
    assert_int_equal(winner_of(metrics, 1, 0.5), -1);
}

static void test_decision__a_broken_ratio_names_nobody(void **state) {
    (void)state;
    struct experiment_result main = result_of(2);
    struct decision_metric metrics[] = {{&main, 0, 0}};
    set(&main, 1, 1, 0.5, 1e-6);
    assert_int_equal(winner_of(metrics, 1, 0.0009), -1);
    struct decision decision = decide(metrics, 1, 0.0086);
    assert_true(decision.winner == 1 && decision.is_srm_warning && !decision.is_srm_broken);
    decision_release(&decision);
    decision = decide(metrics, 1, 0.02);
    assert_true(decision.winner == 1 && !decision.is_srm_warning);
    decision_release(&decision);
}

static void test_decision__guard_rails_need_proof_of_no_harm(void **state) {
    (void)state;
    struct experiment_result main = result_of(2), guard = result_of(2);
    struct decision_metric metrics[] = {{&main, 0, 0}, {&guard, 1, 0}};
    set(&main, 1, 1, 0.5, 1e-6);
    set(&guard, 1, 0, 0.1, 0.9); /* may fall by 0.2: 2 % of 10 */
    assert_int_equal(winner_of(metrics, 2, 0.5), 1);
    set(&guard, 1, 0, 0.3, 0.9);
    struct decision decision = decide(metrics, 2, 0.5);
    assert_true(decision.winner == -1 && decision.guards[3] == GUARD_UNCERTAIN);
    decision_release(&decision);
    set(&guard, 1, -1, 0.3, 1e-9);
    decision = decide(metrics, 2, 0.5);
    assert_true(decision.guards[3] == GUARD_FAILS);
    assert_true(isnan(decision.adjusted[3]) && fabs(decision.adjusted[1] - 1e-6) < 1e-18);
    decision_release(&decision);
    metrics[1].is_lower_better = 1;
    assert_int_equal(winner_of(metrics, 2, 0.5), 1);
}

static void test_decision__a_second_metric_may_not_get_worse(void **state) {
    (void)state;
    struct experiment_result main = result_of(2), second = result_of(2);
    struct decision_metric metrics[] = {{&main, 0, 0}, {&second, 0, 0}};
    set(&main, 1, 1, 0.5, 1e-6);
    set(&second, 1, -1, 0.5, 1e-6);
    assert_int_equal(winner_of(metrics, 2, 0.5), -1);
    set(&second, 1, -1, 2, 0.4);
    assert_int_equal(winner_of(metrics, 2, 0.5), 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decision__names_the_best_arm_that_is_told_apart),
        cmocka_unit_test(test_decision__a_broken_ratio_names_nobody),
        cmocka_unit_test(test_decision__guard_rails_need_proof_of_no_harm),
        cmocka_unit_test(test_decision__a_second_metric_may_not_get_worse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
