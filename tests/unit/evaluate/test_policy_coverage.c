/* The slow test's little sister: 400 runs, with bounds of four standard errors. */
#include "unit/evaluate/coverage_sim.h"

enum { RUNS = 400 };

static void test_policy_coverage__is_near_the_promise(void **state) {
    (void)state;
    const struct sim_setup setups[] = {{300, SIM_NORMAL, 0, 0}, {300, SIM_BINARY, 1, 0}};
    for (int i = 0; i < 2; i++) {
        struct sim_coverage coverage = sim_measure(&setups[i], RUNS);
        CHECK_NEAR(coverage.value[POLICY_DR], 0.95, 0.044);
        CHECK_NEAR(coverage.gain[POLICY_DR], 0.95, 0.044);
        CHECK_NEAR(coverage.gain[POLICY_IPW], 0.95, 0.044);
        CHECK_NEAR(coverage.gain[POLICY_SNIPW], 0.95, 0.044);
        CHECK_NEAR(coverage.gain[POLICY_SNDR], 0.95, 0.044);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_policy_coverage__is_near_the_promise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
