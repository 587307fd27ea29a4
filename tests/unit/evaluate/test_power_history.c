#include "evaluate/power_history.h"

#include <math.h>

#include "kit/check.h"

static void test_power_history__adds_rows_of_a_unit(void **state) {
    (void)state;
    const double value[] = {1, 2, 4, NAN, 5, 9}, before[] = {2, 1, 3, 1, 6, 9};
    const int32_t unit[] = {0, 0, 1, 1, 2, -1};
    struct power_history history;
    kai_err err = {0};
    CHECK_OK(power_history_measure(6, value, before, unit, 3, &history, &err), &err);
    assert_int_equal(history.units, 3);
    assert_int_equal(history.missing, 2);
    CHECK_NEAR(history.mean, 4, 1e-15); /* 3, 4, 5 */
    CHECK_NEAR(history.sd, 1, 1e-15);
    CHECK_NEAR(history.explained, 0.75, 1e-15); /* with 3, 3, 6 */
    assert_false(history.is_binary);
    CHECK_OK(power_history_measure(3, value, NULL, NULL, 0, &history, &err), &err);
    assert_true(isnan(history.explained));
    CHECK_NEAR(history.mean, 7.0 / 3, 1e-15);
}

static void test_power_history__knows_rates(void **state) {
    (void)state;
    const double value[] = {1, 0, 0, 0};
    struct power_history history;
    kai_err err = {0};
    CHECK_OK(power_history_measure(4, value, NULL, NULL, 0, &history, &err), &err);
    assert_true(history.is_binary);
    CHECK_NEAR(history.mean, 0.25, 1e-15);
}

static void test_power_history__refuses_what_says_nothing(void **state) {
    (void)state;
    const double flat[] = {2, 2, 2}, infinite[] = {1, INFINITY, 2};
    struct power_history history;
    kai_err err = {0};
    CHECK_FAILS(power_history_measure(0, flat, NULL, NULL, 0, &history, &err), &err, KAI_INVALID,
                "at least 2");
    CHECK_FAILS(power_history_measure(3, flat, NULL, NULL, 0, &history, &err), &err, KAI_INVALID,
                "does not vary");
    CHECK_FAILS(power_history_measure(3, infinite, NULL, NULL, 0, &history, &err), &err,
                KAI_INVALID, "row 2: the value is infinite");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_history__adds_rows_of_a_unit),
        cmocka_unit_test(test_power_history__knows_rates),
        cmocka_unit_test(test_power_history__refuses_what_says_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
