#include "evaluate/power.h"

#include <math.h>

#include "base/rng.h"
#include "evaluate/experiment.h"
#include "golden/power_values.h"
#include "kit/check.h"

enum { DRAWS = 4000, ROWS_MAX = 2000 };
#define COUNT(list) (sizeof(list) / sizeof *(list))

static struct power_plan rate_plan(double baseline, double effect) {
    return (struct power_plan){.baseline = baseline,
                               .effect = effect,
                               .units = NAN,
                               .power = 0.8,
                               .alpha = 0.05,
                               .arms = 2,
                               .is_corrected = 1,
                               .seed = 42};
}

static struct power_plan mean_plan(double sd, double effect) {
    struct power_plan plan = rate_plan(0, effect);
    plan.metric = POWER_MEAN;
    plan.sd = sd;
    return plan;
}

static struct power_answer solve(const struct power_plan *plan) {
    struct power_answer answer;
    kai_err err = {0};
    CHECK_OK(power_solve(plan, &answer, &err), &err);
    return answer;
}

static void test_power__equals_statsmodels(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(GOLDEN_POOLED); i++) {
        const double *g = GOLDEN_POOLED[i];
        CHECK_NEAR(power_proportion(g[0], g[0] + g[1], g[2], g[3], g[4], POWER_POOLED), g[5],
                   1e-10);
    }
    for (size_t i = 0; i < COUNT(GOLDEN_ARCSINE); i++) {
        const double *g = GOLDEN_ARCSINE[i];
        CHECK_NEAR(power_proportion(g[0], g[0] + g[1], g[2], g[3], g[4], POWER_ARCSINE), g[5],
                   1e-10);
    }
    for (size_t i = 0; i < COUNT(GOLDEN_MEAN); i++) {
        const double *g = GOLDEN_MEAN[i];
        CHECK_NEAR(power_mean(g[0], 1, g[1], g[2], g[3]), g[4], 1e-8);
    }
}

static void test_power__solves_as_statsmodels(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(GOLDEN_MEAN_UNITS); i++) {
        const double *g = GOLDEN_MEAN_UNITS[i], share[] = {1 / (1 + g[3]), g[3] / (1 + g[3])};
        struct power_plan plan = mean_plan(1, g[0]);
        plan.alpha = g[1];
        plan.power = g[2];
        plan.share = share;
        struct power_answer answer = solve(&plan);
        CHECK_NEAR(answer.arm_units[0], ceil(g[4]), 0);
        CHECK_NEAR(answer.arm_units[1], ceil(g[4] * g[3]), 0);
        assert_true(answer.power >= g[2] && answer.power < g[2] + 0.01);
    }
    for (size_t i = 0; i < COUNT(GOLDEN_MEAN_EFFECT); i++) {
        const double *g = GOLDEN_MEAN_EFFECT[i];
        struct power_plan plan = mean_plan(1, NAN);
        plan.units = 2 * g[0];
        plan.alpha = g[1];
        plan.power = g[2];
        double effect = solve(&plan).effect;
        CHECK_NEAR(effect, g[3], 2e-6); /* its root finder stops there; the power is exact: */
        CHECK_NEAR(power_mean(effect, 1, g[0], g[0], g[1]), g[2], 1e-10);
    }
    for (size_t i = 0; i < COUNT(GOLDEN_ARCSINE_UNITS); i++) {
        const double *g = GOLDEN_ARCSINE_UNITS[i];
        struct power_plan plan = rate_plan(g[0], g[1] - g[0]);
        plan.formula = POWER_ARCSINE;
        plan.alpha = g[2];
        plan.power = g[3];
        CHECK_NEAR(solve(&plan).arm_units[0], ceil(g[4]), 0);
    }
}

/* Cohen 1988: d = 0.5 needs 64 in a group (table 2.4.1), h = 0.2 needs 392 (table 6.4.1, rounded
 * from 392.4), both at 0.05 and power 0.8. */
static void test_power__equals_published_tables(void **state) {
    (void)state;
    struct power_plan plan = mean_plan(10, 5);
    CHECK_NEAR(solve(&plan).arm_units[0], 64, 0);
    double rate = sin(asin(sqrt(0.3)) + 0.1);
    plan = rate_plan(0.3, rate * rate - 0.3);
    plan.formula = POWER_ARCSINE;
    CHECK_NEAR(solve(&plan).arm_units[0], 393, 0);
}

static void test_power__solves_for_each_of_three(void **state) {
    (void)state;
    struct power_plan plan = rate_plan(0.1, 0.02);
    struct power_answer answer = solve(&plan), back;
    CHECK_NEAR(answer.units, 2 * 3841, 0);
    assert_true(isnan(answer.days) && isnan(answer.horizon) && isnan(answer.expected));
    plan.units = answer.units;
    plan.power = NAN;
    plan.daily = 1000;
    back = solve(&plan);
    CHECK_NEAR(back.power, answer.power, 1e-12);
    CHECK_NEAR(back.days, 8, 0);
    plan.power = answer.power;
    plan.effect = NAN;
    back = solve(&plan);
    CHECK_NEAR(back.effect, 0.02, 1e-9);
    plan = rate_plan(0.1, -0.02);
    assert_true(solve(&plan).units < answer.units); /* rarer is less noisy */
}

static void test_power__plans_for_the_smallest_of_many_arms(void **state) {
    (void)state;
    const double share[] = {0.5, 0.3, 0.2}, pair[] = {0.5 / 0.7, 0.2 / 0.7};
    struct power_plan plan = mean_plan(1, 0.1), two = plan;
    plan.arms = 3;
    plan.share = share;
    two.share = pair;
    two.alpha = 0.025;
    struct power_answer answer = solve(&plan), expected = solve(&two);
    CHECK_NEAR(answer.level, 0.025, 1e-15);
    CHECK_NEAR(answer.arm_units[2], expected.arm_units[1], 1);
    CHECK_NEAR(answer.arm_units[0], expected.arm_units[0], 1);
    plan.is_corrected = 0;
    assert_true(solve(&plan).units < answer.units);
}

static void refuse(struct power_plan plan, kai_status kind, const char *part) {
    struct power_answer answer;
    kai_err err = {0};
    CHECK_FAILS(power_solve(&plan, &answer, &err), &err, kind, part);
}

static void test_power__refuses_what_cannot_be_planned(void **state) {
    (void)state;
    const double odd[] = {0.5, 0.6}, negative[] = {1.5, -0.5};
    struct power_plan plan = rate_plan(0.1, 0.02);
#define REFUSE(change, part)                \
    do {                                    \
        struct power_plan changed = plan;   \
        change;                             \
        refuse(changed, KAI_INVALID, part); \
    } while (0)
    REFUSE(changed.baseline = NAN, "a rate above 0 and below 1, got nan");
    REFUSE(changed.baseline = 1, "a rate above 0 and below 1");
    REFUSE(changed.effect = 0.95, "must add up to a rate");
    REFUSE(changed.effect = 0, "other than 0");
    REFUSE(changed.power = 1, "power must lie above 0 and below 1");
    REFUSE(changed.power = 0.04, "power must be above alpha");
    REFUSE(changed.alpha = 0, "alpha must lie");
    REFUSE(changed.arms = 1, "2 to 64 arms");
    REFUSE(changed.share = odd, "must add up to 1");
    REFUSE(changed.share = negative, "share must be above 0");
    REFUSE(changed.units = 100, "two of effect, units and power");
    REFUSE(changed.effect = NAN, "an effect or a number of units");
    REFUSE((changed.effect = NAN, changed.units = 3), "two an arm or more");
    REFUSE(changed.daily = -1, "units a day");
    REFUSE(changed.horizon = INFINITY, "the horizon");
    REFUSE((changed.metric = POWER_MEAN, changed.sd = 0), "standard deviation");
#undef REFUSE
    plan.effect = NAN;
    plan.units = 10;
    plan.baseline = 0.9;
    refuse(plan, KAI_INFEASIBLE, "find no effect");
    refuse(mean_plan(1, 1e-9), KAI_INFEASIBLE, "up to 1e15");
}

/* 4,000 experiments of the planned size, each judged as `evaluate ab` does at one look. */
static double draw_power(const struct power_plan *plan, const struct power_answer *answer) {
    static const char *const NAMES[] = {"a", "b"};
    static double value[ROWS_MAX];
    static int32_t arm[ROWS_MAX];
    static struct experiment_result result;
    int32_t rows = (int32_t)answer->units, found = 0;
    assert_true(rows <= ROWS_MAX);
    struct experiment experiment = {.rows = rows, .arms = 2, .arm = arm, .arm_names = NAMES};
    struct experiment_metric metric = {.name = "m", .value = value};
    struct experiment_options options = {.confidence = 0.95, .horizon = 1000};
    metric.kind = plan->metric == POWER_MEAN ? METRIC_MEAN : METRIC_PROPORTION;
    for (int32_t run = 0; run < DRAWS; run++) {
        struct rng rng;
        kai_err err = {0};
        rng_init(&rng, 7, "draw", (uint64_t)run);
        for (int32_t i = 0; i < rows; i++) {
            arm[i] = i >= (int32_t)answer->arm_units[0];
            value[i] = plan->metric == POWER_MEAN
                           ? plan->sd * rng_normal(&rng) + plan->effect * arm[i]
                           : rng_unit(&rng) < plan->baseline + plan->effect * arm[i];
        }
        CHECK_OK(experiment_measure(&experiment, &metric, &options, &result, &err), &err);
        found += result.arm[1].p_fixed < 0.05;
    }
    return (double)found / DRAWS;
}

/* Three standard errors of 4,000 draws are 0.019. */
static void test_power__holds_in_simulated_experiments(void **state) {
    (void)state;
    const double share[] = {0.7, 0.3};
    struct power_plan plan = rate_plan(0.3, 0.1);
    struct power_answer answer = solve(&plan);
    CHECK_NEAR(draw_power(&plan, &answer), answer.power, 0.019);
    plan = mean_plan(2, 0.9);
    plan.share = share;
    plan.power = 0.9;
    answer = solve(&plan);
    CHECK_NEAR(draw_power(&plan, &answer), answer.power, 0.019);
}

static void test_power__of_every_look_needs_more(void **state) {
    (void)state;
    struct power_plan plan = rate_plan(0.1, 0.02);
    plan.is_anytime = 1;
    struct power_answer answer = solve(&plan), again = solve(&plan);
    CHECK_NEAR(answer.units, again.units, 0);
    CHECK_NEAR(answer.one_look, 7670, 40); /* normal formula, nothing pooled */
    assert_true(answer.units > 1.3 * answer.one_look && answer.units < 2 * answer.one_look);
    assert_true(answer.expected < answer.units && answer.expected > 0.5 * answer.one_look);
    CHECK_NEAR(answer.power, 0.8, 0.01);
    plan.units = answer.units;
    plan.effect = NAN;
    CHECK_NEAR(solve(&plan).effect, 0.02, 0.0003);
    plan.effect = 0.02;
    plan.power = NAN;
    CHECK_NEAR(solve(&plan).power, 0.8, 0.01);
    plan.units = 150; /* no interval below 100 in an arm */
    CHECK_NEAR(solve(&plan).power, 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_power__equals_statsmodels),
        cmocka_unit_test(test_power__solves_as_statsmodels),
        cmocka_unit_test(test_power__equals_published_tables),
        cmocka_unit_test(test_power__solves_for_each_of_three),
        cmocka_unit_test(test_power__plans_for_the_smallest_of_many_arms),
        cmocka_unit_test(test_power__refuses_what_cannot_be_planned),
        cmocka_unit_test(test_power__holds_in_simulated_experiments),
        cmocka_unit_test(test_power__of_every_look_needs_more),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
