#include "evaluate/baseline.h"

#include <math.h>

#include "kit/check.h"

static void test_baseline__random_keeps_every_limit(void **state) {
    (void)state;
    const double cost[] = {0, 2, 1, 1}, capacity[] = {INFINITY, 10, INFINITY, INFINITY};
    const int32_t channel[] = {-1, 0, 1, 1};
    const double room[] = {1000, 30};
    struct baseline_limits limits = {4, cost, INFINITY, capacity, 2, channel, room};
    double got[4], sum = 0;
    baseline_random(&limits, 100, got);
    /* a third each is 33; the capacity cuts the first to 10, the channel the others to 15 */
    CHECK_NEAR(got[1], 0.10, 1e-12);
    CHECK_NEAR(got[2], 0.15, 1e-12);
    limits.budget = 25; /* of 10 x 2 + 30 x 1 = 50 */
    baseline_random(&limits, 100, got);
    CHECK_NEAR(got[1], 0.05, 1e-12);
    CHECK_NEAR(got[3], 0.075, 1e-12);
    for (int a = 0; a < 4; a++) sum += got[a];
    CHECK_NEAR(sum, 1, 1e-12);
    limits.budget = 0;
    baseline_random(&limits, 100, got);
    assert_true(got[0] == 1);
}

static void test_baseline__response_serves_the_likeliest_first(void **state) {
    (void)state;
    const double cost[] = {0, 2, 1};
    const double predicted[] = {9, .5, .1, 0, .2, .3, 0, .9, .8, 0, .4, .4, 0, .1, .6};
    struct baseline_limits limits = {3, cost, 5, NULL, 0, NULL, NULL};
    int32_t got[5];
    kai_err err;
    CHECK_OK(baseline_response(&limits, predicted, 5, got, &err), &err);
    /* best offers 1 2 1 1 2 at .5 .3 .9 .4 .6: rows 3 (cost 2), 5 (1), 1 (2) use the budget up */
    const int32_t want[] = {1, 0, 1, 0, 2};
    assert_memory_equal(got, want, sizeof want);
    const double capacity[] = {INFINITY, 1, INFINITY};
    limits.capacity = capacity;
    CHECK_OK(baseline_response(&limits, predicted, 5, got, &err), &err);
    const int32_t capped[] = {0, 2, 1, 0, 2};
    assert_memory_equal(got, capped, sizeof capped);
    const int32_t channel[] = {-1, 0, 0};
    const double room[] = {2};
    limits = (struct baseline_limits){3, cost, INFINITY, NULL, 1, channel, room};
    CHECK_OK(baseline_response(&limits, predicted, 5, got, &err), &err);
    const int32_t narrow[] = {0, 0, 1, 0, 2};
    assert_memory_equal(got, narrow, sizeof narrow);
}

static void test_baseline__everybody_is_one_arm(void **state) {
    (void)state;
    double got[3];
    baseline_everybody(3, 2, got);
    assert_true(got[0] == 0 && got[1] == 0 && got[2] == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_baseline__random_keeps_every_limit),
        cmocka_unit_test(test_baseline__response_serves_the_likeliest_first),
        cmocka_unit_test(test_baseline__everybody_is_one_arm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
