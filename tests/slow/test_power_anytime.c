/* 4,000 experiments of the size that power_solve plans for every look: the share that
 * experiment_measure's interval of all looks leaves 0 in is the planned power. */
#include <math.h>

#include "base/rng.h"
#include "evaluate/experiment.h"
#include "evaluate/power.h"
#include "kit/check.h"

enum { RUNS = 4000, ROWS_MAX = 20000 };

static double value[ROWS_MAX];
static int32_t arm[ROWS_MAX];
static struct experiment_result result;

static double draw(const struct power_plan *plan, struct rng *rng, int32_t treated) {
    if (plan->metric == POWER_MEAN) return plan->sd * rng_normal(rng) + plan->effect * treated;
    return rng_unit(rng) < plan->baseline + plan->effect * treated;
}

static int is_found(const struct power_plan *plan, const struct power_answer *answer, int32_t run) {
    static const char *const NAMES[] = {"a", "b"};
    struct experiment experiment = {.arms = 2, .arm = arm, .arm_names = NAMES};
    struct experiment_metric metric = {.name = "m", .value = value};
    struct experiment_options options = {.confidence = 0.95, .horizon = answer->horizon};
    struct rng rng;
    metric.kind = plan->metric == POWER_MEAN ? METRIC_MEAN : METRIC_PROPORTION;
    rng_init(&rng, 5, "anytime", (uint64_t)run);
    for (int32_t i = 0; i < (int32_t)answer->units; i++) {
        arm[i] = i % 2;
        value[i] = draw(plan, &rng, arm[i]);
    }
    for (double rows = plan->daily; rows <= answer->units; rows += plan->daily) {
        kai_err err = {0};
        experiment.rows = (int64_t)rows;
        CHECK_OK(experiment_measure(&experiment, &metric, &options, &result, &err), &err);
        if (result.arm[1].anytime.low > 0 || result.arm[1].anytime.high < 0) return 1;
    }
    return 0;
}

static void check(struct power_plan plan) {
    struct power_answer answer;
    kai_err err = {0};
    int32_t found = 0;
    CHECK_OK(power_solve(&plan, &answer, &err), &err);
    assert_true(answer.units <= ROWS_MAX);
    for (int32_t run = 0; run < RUNS; run++) found += is_found(&plan, &answer, run);
    print_message("planned %.0f units, power %.4f; found %.4f\n", answer.units, answer.power,
                  (double)found / RUNS);
    CHECK_NEAR((double)found / RUNS, answer.power, 0.022); /* 3 errors of both simulations */
}

static void test_power_anytime__mean(void **state) {
    (void)state;
    check((struct power_plan){.metric = POWER_MEAN,
                              .sd = 1,
                              .effect = 0.2,
                              .units = NAN,
                              .power = 0.8,
                              .alpha = 0.05,
                              .arms = 2,
                              .is_anytime = 1,
                              .daily = 40,
                              .seed = 42});
}

static void test_power_anytime__proportion(void **state) {
    (void)state;
    check((struct power_plan){.baseline = 0.2,
                              .effect = 0.05,
                              .units = NAN,
                              .power = 0.9,
                              .alpha = 0.05,
                              .arms = 2,
                              .is_anytime = 1,
                              .daily = 100,
                              .seed = 42});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power_anytime__mean),
        cmocka_unit_test(test_power_anytime__proportion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
