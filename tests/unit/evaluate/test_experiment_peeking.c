/* The small version of tests/slow/test_coverage_experiment.c. */
#include "unit/evaluate/peeking_sim.h"

static void test_experiment_peeking__is_safe_for_intervals_of_all_looks(void **state) {
    (void)state;
    struct peeking setup = {PEEKING_NORMAL, 30, 200, 0, 0};
    struct peeking_rates rates = peeking_measure(&setup, 200);
    peeking_print("normal, 30 days of 200", &rates);
    assert_true(rates.naive > 0.2 && rates.naive < 0.4);
    assert_true(rates.anytime <= 0.05);
}

/* Bounded values at every single row, from the first one on. */
static void test_experiment_peeking__is_safe_for_bounded_values_from_the_first_row(void **state) {
    (void)state;
    int misses = 0;
    for (uint64_t run = 0; run < 400; run++) {
        struct rng rng;
        struct bernstein bernstein;
        rng_init(&rng, 5, "bounded", run);
        bernstein_init(&bernstein, 0.05);
        for (int i = 0; i < 2000; i++) bernstein_add(&bernstein, rng_unit(&rng) < 0.1);
        misses += bernstein.low > 0.1 || bernstein.high < 0.1;
        assert_true(bernstein.high - bernstein.low < 0.2);
    }
    assert_true(misses <= 20);
}

static void test_experiment_peeking__p_value_is_the_inverse_of_the_interval(void **state) {
    (void)state;
    double mixture = sequential_mixture(10000, 0.05);
    for (double alpha = 0.3; alpha > 1e-9; alpha /= 3) {
        double width = sequential_width(5000, mixture, alpha);
        CHECK_NEAR(sequential_p(width, 5000, mixture) / alpha, 1, 1e-12);
    }
    /* tightest near the horizon, measured in standard deviations of one unit */
    double at = sequential_width(10000, mixture, 0.05);
    assert_true(at < sequential_width(10000, mixture / 4, 0.05));
    assert_true(at < sequential_width(10000, mixture * 4, 0.05));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_experiment_peeking__is_safe_for_intervals_of_all_looks),
        cmocka_unit_test(test_experiment_peeking__is_safe_for_bounded_values_from_the_first_row),
        cmocka_unit_test(test_experiment_peeking__p_value_is_the_inverse_of_the_interval),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
