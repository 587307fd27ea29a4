#include "evaluate/reliability.h"

#include <math.h>

#include "base/rng.h"
#include "kit/check.h"

enum { ROWS = 2000 };

static double predicted[ROWS], observed[ROWS];

static void draw(uint64_t index, double slope) {
    struct rng rng;
    rng_init(&rng, 9, "reliability-test", index);
    for (int i = 0; i < ROWS; i++) {
        predicted[i] = rng_normal(&rng);
        observed[i] = 0.5 + slope * predicted[i] + 2 * rng_normal(&rng) * (1 + predicted[i] / 5);
    }
}

static void test_reliability__covers_slope_and_bias(void **state) {
    (void)state;
    enum { RUNS = 400 };
    double slope = 0, bias = 0;
    for (uint64_t r = 0; r < RUNS; r++) {
        struct reliability got;
        kai_err err;
        draw(r, 0.7);
        CHECK_OK(reliability_fit(predicted, observed, ROWS, 0, 0, &got, &err), &err);
        slope += got.slope.low <= 0.7 && 0.7 <= got.slope.high;
        bias += got.bias.low <= 0.5 && 0.5 <= got.bias.high;
        assert_true(got.count == 10);
    }
    CHECK_NEAR(slope / RUNS, 0.95, 0.035);
    CHECK_NEAR(bias / RUNS, 0.95, 0.035);
}

static void test_reliability__groups_by_falling_on_quantiles(void **state) {
    (void)state;
    const double p[] = {3, 1, 2, 4, 1, 1}, o[] = {6, 1, 4, 8, 2, 3};
    struct reliability got;
    kai_err err;
    CHECK_OK(reliability_fit(p, o, 6, 3, 0.95, &got, &err), &err);
    /* sorted 1 1 1 2 3 4: the ties keep the first group at three */
    assert_true(got.count == 3);
    assert_true(got.bins[0].observed.n == 3 && got.bins[0].observed.value == 2);
    assert_true(got.bins[1].observed.n == 1 && got.bins[1].predicted == 2);
    assert_true(got.bins[2].observed.value == 7 && got.bins[2].predicted == 3.5);
    CHECK_NEAR(got.error, (3 * 1 + 1 * 2 + 2 * 3.5) / 6, 1e-12);
    const double flat[] = {1, 1, 1, 1, 1, 1};
    CHECK_OK(reliability_fit(flat, o, 6, 3, 0.95, &got, &err), &err);
    assert_true(got.count == 1 && isnan(got.slope.value));
    CHECK_FAILS(reliability_fit(p, o, 0, 3, 0.95, &got, &err), &err, KAI_INVALID, NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reliability__covers_slope_and_bias),
        cmocka_unit_test(test_reliability__groups_by_falling_on_quantiles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
