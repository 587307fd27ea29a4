/* Against statsmodels and SciPy (tests/golden/experiments.py), and what bad input is told. */
#include "evaluate/experiment.h"

#include <math.h>
#include <string.h>

#include "evaluate/stat.h"
#include "golden/experiments.h"
#include "kit/check.h"

enum { ROWS = 400 };

static const char *const NAMES[] = {"control", "treated", "other"};

struct sample {
    struct experiment experiment;
    struct experiment_metric metric;
    struct experiment_options options;
    struct experiment_result result;
    int32_t arm[ROWS], cluster[ROWS];
    double y[ROWS], x[ROWS], weight[ROWS];
};

static struct sample *sample_of(struct sample *sample) {
    memset(sample, 0, sizeof *sample);
    for (int i = 0; i < ROWS; i++) {
        sample->arm[i] = i % 2;
        sample->x[i] = (i * 7919 % 101) / 10.0;
        sample->y[i] = 0.7 * sample->x[i] + (i * 104729 % 89) / 20.0 + 0.3 * (i % 2);
        sample->cluster[i] = i / 10 * 2 + i % 2;
        sample->weight[i] = 1;
    }
    sample->experiment =
        (struct experiment){.rows = ROWS, .arms = 2, .arm = sample->arm, .arm_names = NAMES};
    sample->metric =
        (struct experiment_metric){.name = "y", .kind = METRIC_MEAN, .value = sample->y};
    sample->options = (struct experiment_options){.adjust = EXPERIMENT_CUPED};
    return sample;
}

static const struct experiment_effect *measure(struct sample *sample) {
    kai_err err = {0};
    CHECK_OK(experiment_measure(&sample->experiment, &sample->metric, &sample->options,
                                &sample->result, &err),
             &err);
    return &sample->result.arm[1];
}

static void refuse(struct sample *sample, const char *part) {
    kai_err err = {0};
    struct experiment_result before = sample->result;
    CHECK_FAILS(experiment_measure(&sample->experiment, &sample->metric, &sample->options,
                                   &sample->result, &err),
                &err, KAI_INVALID, part);
    assert_memory_equal(&before, &sample->result, sizeof before);
}

/* Four rows with weights are 90,189 players. */
static void set_cookies(struct sample *sample, double hits_1, double hits_0) {
    const double n[2] = {44700, 45489}, hits[2] = {hits_0, hits_1};
    sample_of(sample);
    for (int i = 0; i < 4; i++) {
        sample->arm[i] = i / 2;
        sample->y[i] = i % 2;
        sample->weight[i] = i % 2 ? hits[i / 2] : n[i / 2] - hits[i / 2];
    }
    sample->experiment.rows = 4;
    sample->experiment.weight = sample->weight;
    sample->metric.kind = METRIC_PROPORTION;
}

static void test_experiment__cookie_cats_equals_statsmodels(void **state) {
    (void)state;
    struct sample sample;
    struct experiment_srm srm;
    kai_err err = {0};
    set_cookies(&sample, 8279, 8502);
    const struct experiment_effect *effect = measure(&sample);
    CHECK_NEAR(effect->p_fixed, GOLDEN_RETENTION_7_P, 1e-9);
    CHECK_NEAR(effect->fixed.low, GOLDEN_RETENTION_7_LOW, 1e-9);
    CHECK_NEAR(effect->fixed.high, GOLDEN_RETENTION_7_HIGH, 1e-9);
    CHECK_NEAR(effect->level.low, GOLDEN_RETENTION_7_LEVEL_LOW, 1e-9);
    CHECK_NEAR(effect->level.high, GOLDEN_RETENTION_7_LEVEL_HIGH, 1e-9);
    CHECK_OK(experiment_check_ratio(&sample.experiment, &srm, &err), &err);
    CHECK_NEAR(srm.p, GOLDEN_SRM_P, 1e-9);
    set_cookies(&sample, 20119, 20034);
    effect = measure(&sample);
    CHECK_NEAR(effect->p_fixed, GOLDEN_RETENTION_1_P, 1e-9);
    CHECK_NEAR(effect->fixed.low, GOLDEN_RETENTION_1_LOW, 1e-9);
    CHECK_NEAR(effect->fixed.high, GOLDEN_RETENTION_1_HIGH, 1e-9);
}

static void test_experiment__means_equal_statsmodels(void **state) {
    (void)state;
    struct sample sample;
    const struct experiment_effect *effect = measure(sample_of(&sample));
    CHECK_NEAR(effect->p_fixed, GOLDEN_WELCH_P, 1e-9);
    CHECK_NEAR(effect->fixed.low, GOLDEN_WELCH_LOW, 1e-9);
    CHECK_NEAR(effect->fixed.high, GOLDEN_WELCH_HIGH, 1e-9);
}

static void test_experiment__values_from_before_are_regressed_out(void **state) {
    (void)state;
    struct sample sample;
    double plain = measure(sample_of(&sample))->error;
    sample.metric.before = sample.x;
    const struct experiment_effect *effect = measure(&sample);
    CHECK_NEAR(effect->fixed.value, GOLDEN_CUPED_EFFECT, 1e-9);
    assert_true(effect->error < plain && sample.result.explained > 0.3);
    sample.options.adjust = EXPERIMENT_REGRESSION;
    CHECK_NEAR(measure(&sample)->fixed.value, GOLDEN_LIN_EFFECT, 1e-9);
}

static void test_experiment__clusters_widen_as_the_sandwich_does(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    sample.experiment.cluster = sample.cluster;
    sample.experiment.clusters = ROWS / 5;
    const struct experiment_effect *effect = measure(&sample);
    CHECK_NEAR(effect->error, sqrt(GOLDEN_CLUSTER_VARIANCE_0 + GOLDEN_CLUSTER_VARIANCE_1), 1e-9);
    /* the same but for n / (n - 1) of 40 clusters an arm */
    CHECK_NEAR(effect->error * sqrt(39.0 / 40), GOLDEN_CLUSTER_SANDWICH, 1e-9);
    CHECK_NEAR(effect->units, 40, 0);
}

static void test_experiment__a_ratio_is_the_mean_of_equal_denominators(void **state) {
    (void)state;
    struct sample sample;
    struct experiment_effect mean = *measure(sample_of(&sample));
    double per[ROWS];
    for (int i = 0; i < ROWS; i++) per[i] = 2;
    sample.metric.kind = METRIC_RATIO;
    sample.metric.per = per;
    const struct experiment_effect *ratio = measure(&sample);
    CHECK_NEAR(ratio->fixed.value * 2, mean.fixed.value, 1e-12);
    CHECK_NEAR(ratio->error * 2, mean.error, 1e-12);
}

static void test_experiment__weights_are_repeated_rows(void **state) {
    (void)state;
    struct sample sample, shorter;
    sample_of(&sample);
    for (int i = 0; i < ROWS; i++) {
        sample.y[i] = i % 8;
        sample.arm[i] = i % 16 < 8;
    }
    struct experiment_effect whole = *measure(&sample);
    sample_of(&shorter);
    for (int i = 0; i < 16; i++) {
        shorter.y[i] = i % 8;
        shorter.arm[i] = i < 8;
        shorter.weight[i] = ROWS / 16;
    }
    shorter.experiment.rows = 16;
    shorter.experiment.weight = shorter.weight;
    const struct experiment_effect *short_effect = measure(&shorter);
    CHECK_NEAR(short_effect->error, whole.error, 1e-12);
    CHECK_NEAR(short_effect->fixed.high, whole.fixed.high, 1e-12);
    CHECK_NEAR(short_effect->units, whole.units, 0);
}

static void test_experiment__billions_of_equal_rows_keep_their_digits(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    for (int i = 0; i < 4; i++) {
        sample.arm[i] = i / 2;
        sample.y[i] = 1e6 + (i % 2) + (i / 2) * 0.5;
        sample.weight[i] = 1e9;
    }
    sample.experiment.rows = 4;
    sample.experiment.weight = sample.weight;
    const struct experiment_effect *effect = measure(&sample);
    CHECK_NEAR(effect->fixed.value, 0.5, 1e-9);
    CHECK_NEAR(effect->error, sqrt(2 * 0.25 / 2e9), 1e-12);
    assert_true(effect->fixed.n == 4000000000);
}

static void test_experiment__quantiles_have_rank_intervals(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    for (int i = 0; i < ROWS; i++) sample.y[i] = i / 2 + 1; /* 1 .. 200 in each arm */
    sample.metric.kind = METRIC_QUANTILE;
    sample.metric.quantile = 0.5;
    const struct experiment_effect *effect = measure(&sample);
    CHECK_NEAR(effect->level.value, 100, 0);
    CHECK_NEAR(effect->fixed.value, 0, 0);
    /* ranks 100 -+ 1.96 sqrt(200 / 4) = 86.1 and 113.9, so values 87 and 114 */
    CHECK_NEAR(effect->error, sqrt(2) * 27 / (2 * 1.959963984540054), 1e-9);
}

static void test_experiment__far_values_are_pulled_in(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    sample.y[7] = 1e9;
    sample.metric.winsorise = 0.99;
    const struct experiment_effect *effect = measure(&sample);
    assert_true(sample.result.cap < 20 && effect->level.value < 20);
}

static void test_experiment__bounded_values_have_exact_bounds(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    for (int i = 0; i < ROWS; i++) sample.y[i] = i % 2 ? 0.9 : 0.1;
    sample.options.is_bounded = 1;
    sample.options.high = 1;
    const struct experiment_effect *effect = measure(&sample);
    assert_string_equal(effect->anytime.method, "empirical-bernstein");
    assert_true(effect->anytime.low > 0.5 && effect->anytime.high <= 1);
    assert_true(effect->p_anytime < 0.001);
    sample.y[3] = 1.5;
    refuse(&sample, "row 4: the value is outside of the bounds");
}

static void test_experiment__posterior_agrees_with_large_samples(void **state) {
    (void)state;
    struct sample sample;
    set_cookies(&sample, 8279, 8502);
    sample.options.is_bayes = 1;
    const struct experiment_effect *effect = measure(&sample);
    CHECK_NEAR(effect->posterior.low, GOLDEN_RETENTION_7_LOW, 2e-6);
    CHECK_NEAR(effect->posterior.high, GOLDEN_RETENTION_7_HIGH, 2e-6);
    CHECK_NEAR(effect->better, GOLDEN_RETENTION_7_P / 2, 1e-5);
}

static void test_experiment__what_does_not_vary_is_not_tested(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    for (int i = 0; i < ROWS; i++) sample.y[i] = 3;
    const struct experiment_effect *effect = measure(&sample);
    assert_true(effect->fixed.value == 0 && isnan(effect->fixed.low));
    assert_true(isnan(effect->p_fixed) && isnan(effect->p_anytime));
    sample.metric.kind = METRIC_PROPORTION;
    for (int i = 0; i < ROWS; i++) sample.y[i] = 0;
    effect = measure(&sample);
    assert_true(isnan(effect->p_fixed) && effect->fixed.low < 0 && effect->fixed.high > 0);
    assert_true(effect->anytime.low < 0 && effect->anytime.high > 0);
}

static void test_experiment__bad_input_is_named(void **state) {
    (void)state;
    struct sample sample;
    sample_of(&sample);
    sample.y[4] = INFINITY;
    refuse(&sample, "metric 'y': row 5: the value is infinite");
    sample_of(&sample);
    for (int i = 1; i < ROWS; i += 2) sample.arm[i] = 0;
    refuse(&sample, "arm 'treated' has no units");
    sample.arm[1] = 1;
    refuse(&sample, "arm 'treated': 1 of its units have a value");
    sample_of(&sample);
    sample.experiment.weight = sample.weight;
    sample.weight[2] = 0.5;
    refuse(&sample, "row 3: a weight must be a whole number");
    sample_of(&sample);
    sample.experiment.cluster = sample.cluster;
    sample.experiment.clusters = ROWS;
    for (int i = 0; i < ROWS; i++) sample.cluster[i] = i / 2;
    refuse(&sample, "row 2: its cluster stands in two arms, 'control' and 'treated'");
    sample_of(&sample);
    sample.metric.kind = METRIC_PROPORTION;
    refuse(&sample, "a proportion is neither 0 nor 1");
}

static void test_experiment__false_discoveries_equal_statsmodels(void **state) {
    (void)state;
    const double p[5] = {0.01, 0.04, 0.03, 0.005, 0.2};
    const double golden[5] = {GOLDEN_BH_0, GOLDEN_BH_1, GOLDEN_BH_2, GOLDEN_BH_3, GOLDEN_BH_4};
    double adjusted[5];
    int32_t order[5];
    stat_benjamini_hochberg(p, 5, order, adjusted);
    for (int i = 0; i < 5; i++) CHECK_NEAR(adjusted[i], golden[i], 1e-12);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_experiment__cookie_cats_equals_statsmodels),
        cmocka_unit_test(test_experiment__means_equal_statsmodels),
        cmocka_unit_test(test_experiment__values_from_before_are_regressed_out),
        cmocka_unit_test(test_experiment__clusters_widen_as_the_sandwich_does),
        cmocka_unit_test(test_experiment__a_ratio_is_the_mean_of_equal_denominators),
        cmocka_unit_test(test_experiment__weights_are_repeated_rows),
        cmocka_unit_test(test_experiment__billions_of_equal_rows_keep_their_digits),
        cmocka_unit_test(test_experiment__quantiles_have_rank_intervals),
        cmocka_unit_test(test_experiment__far_values_are_pulled_in),
        cmocka_unit_test(test_experiment__bounded_values_have_exact_bounds),
        cmocka_unit_test(test_experiment__posterior_agrees_with_large_samples),
        cmocka_unit_test(test_experiment__what_does_not_vary_is_not_tested),
        cmocka_unit_test(test_experiment__bad_input_is_named),
        cmocka_unit_test(test_experiment__false_discoveries_equal_statsmodels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
