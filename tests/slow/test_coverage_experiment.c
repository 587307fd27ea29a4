/* 4,000 runs each: intervals for one look cover 94 to 96 %, those of all looks at least 95 % over
 * 30 daily looks; the naive test at all looks finds about 29 % effects that are none. */
#include "unit/evaluate/peeking_sim.h"

enum { RUNS = 4000 };

static void check(const char *name, struct peeking setup, double exact) {
    struct peeking_rates rates = peeking_measure(&setup, RUNS);
    peeking_print(name, &rates);
    CHECK_NEAR(1 - rates.one_look, 0.95, exact);
    assert_true(1 - rates.anytime >= 0.95);
}

static void test_coverage_experiment__normal(void **state) {
    (void)state;
    struct peeking setup = {PEEKING_NORMAL, 30, 200, 0, 0};
    struct peeking_rates rates = peeking_measure(&setup, RUNS);
    CHECK_NEAR(rates.naive, 0.29, 0.03);
    check("normal, 30 x 200, no effect", setup, 0.01);
    setup.effect = 0.2;
    check("normal, 30 x 200, effect 0.2", setup, 0.01);
}

static void test_coverage_experiment__binary(void **state) {
    (void)state;
    check("binary 10 %, 30 x 200", (struct peeking){PEEKING_BINARY, 30, 200, 0.1, 0}, 0.01);
    check("binary 1 %, 30 x 400", (struct peeking){PEEKING_BINARY, 30, 400, 0.01, 0}, 0.015);
}

static void test_coverage_experiment__spend(void **state) {
    (void)state;
    check("spend of 10 % buyers, 30 x 400", (struct peeking){PEEKING_SPEND, 30, 400, 0.1, 0}, 0.01);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_coverage_experiment__normal),
        cmocka_unit_test(test_coverage_experiment__binary),
        cmocka_unit_test(test_coverage_experiment__spend),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
