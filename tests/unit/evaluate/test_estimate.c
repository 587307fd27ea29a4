/* Reference values: quantiles of t by mpmath, intervals by their formulas. */
#include "evaluate/estimate.h"

#include <math.h>

#include "kit/check.h"

static struct moments moments_of(const double *values, int count) {
    struct moments moments = {0, 0, 0};
    for (int i = 0; i < count; i++) moments_add(&moments, values[i]);
    return moments;
}

static const double first[] = {1, 2, 3, 4, 10}, second[] = {7, 9, 8, 12};

static void test_estimate__mean_has_students_interval(void **state) {
    (void)state;
    struct moments moments = moments_of(first, 5);
    struct estimate got = estimate_mean(&moments, 0.95);
    CHECK_NEAR(got.value, 4, 1e-14);
    CHECK_NEAR(got.low, 4 - 2.776445105197799 * sqrt(2.5), 1e-10);
    CHECK_NEAR(got.high, 4 + 2.776445105197799 * sqrt(2.5), 1e-10);
    assert_true(got.n == 5);
}

static void test_estimate__difference_is_welchs(void **state) {
    (void)state;
    struct moments a = moments_of(first, 5), b = moments_of(second, 4);
    struct estimate got = estimate_difference(&a, &b, 0.95);
    CHECK_NEAR(got.value, -5, 1e-13);
    CHECK_NEAR(got.low, -9.573986780002782, 1e-10);
    CHECK_NEAR(got.high, -0.426013219997218, 1e-10);
}

static void test_estimate__proportion_is_wilsons(void **state) {
    (void)state;
    struct estimate got = estimate_proportion(8, 10, 0.95);
    CHECK_NEAR(got.low, 0.4901624715366418, 1e-12);
    CHECK_NEAR(got.high, 0.9433178485456247, 1e-12);
    got = estimate_proportion(0, 10, 0.95);
    assert_true(got.low == 0);
    CHECK_NEAR(got.high, 0.2775327998628892, 1e-12);
    got = estimate_proportion(10, 10, 0.95);
    CHECK_NEAR(got.low, 0.7224672001371106, 1e-12);
    assert_true(got.high == 1);
}

static void test_estimate__merging_equals_adding_in_a_row(void **state) {
    (void)state;
    struct moments whole = moments_of(first, 5), part = moments_of(first, 2);
    struct moments rest = moments_of(first + 2, 3), none = {0, 0, 0};
    moments_merge(&part, &none);
    moments_merge(&part, &rest);
    CHECK_NEAR(part.mean, whole.mean, 1e-14);
    CHECK_NEAR(part.squares, whole.squares, 1e-12);
    moments_merge(&none, &whole);
    CHECK_NEAR(moments_variance(&none), 12.5, 1e-12);
}

static void test_estimate__nothing_and_certainty_are_told_apart(void **state) {
    (void)state;
    struct moments none = {0, 0, 0}, one = {1, 3, 0};
    assert_true(isnan(estimate_mean(&none, 0.95).value));
    assert_true(isnan(estimate_mean(&one, 0.95).low));
    struct estimate sure = estimate_around(2, 0, 5, 0.95, 9, "x");
    assert_true(sure.low == 2 && sure.high == 2);
    struct estimate negative = estimate_scale((struct estimate){1, 0, 3, 1, "x"}, -2);
    assert_true(negative.value == -2 && negative.low == -6 && negative.high == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_estimate__mean_has_students_interval),
        cmocka_unit_test(test_estimate__difference_is_welchs),
        cmocka_unit_test(test_estimate__proportion_is_wilsons),
        cmocka_unit_test(test_estimate__merging_equals_adding_in_a_row),
        cmocka_unit_test(test_estimate__nothing_and_certainty_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
