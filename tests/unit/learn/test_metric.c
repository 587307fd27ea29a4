#include <math.h>

#include "base/rng.h"
#include "kit/check.h"
#include "learn/metric.h"

enum { ROWS = 40 };

/* Inputs of the reference script; scores with many ties. Reference values: scikit-learn 1.2.1
 * (accuracy_score, roc_auc_score, average_precision_score, log_loss, brier_score_loss,
 * calibration_curve, f1_score, mean_squared_error, mean_absolute_error, r2_score) on the same
 * formulas in numpy; ECE by its definition in numpy. */
struct sample {
    double score[ROWS], target[ROWS], weight[ROWS];
    double scores[ROWS * 3], classes[ROWS];
    double number[ROWS], guess[ROWS];
};

static void make_sample(struct sample *sample) {
    for (int i = 0; i < ROWS; ++i) {
        sample->score[i] = nearbyint((double)((i * 37 + 11) % 53) / 53 * 10) / 10;
        sample->target[i] =
            (double)((i * i * 7 + 3 * i) % 43) / 43 < 0.1 + 0.8 * sample->score[i] ? 1 : 0;
        sample->weight[i] = 1 + i % 4;
        double sum = 0;
        for (int k = 0; k < 3; ++k)
            sum += sample->scores[i * 3 + k] = (i * 17 + k * 13 + 3) % 23 + 1;
        for (int k = 0; k < 3; ++k) sample->scores[i * 3 + k] /= sum;
        int actual = (i * 7 + i / 5) % 3;
        sample->classes[i] = actual == 2 ? (i % 2 == 0 ? 2 : 0) : actual;
        sample->number[i] = i / 4.0;
        sample->guess[i] = 10 * sample->score[i] - sample->target[i] * 3;
    }
}

static void test_metric__agrees_with_scikit_learn_on_two_classes(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s);
    kai_err err;
    static const double EXPECTED[2][5] = {
        {0.775, 0.861892583120205, 0.827571774630598, 0.463686342768927, 0.15575},
        {0.73, 0.864749082007344, 0.835867116275749, 0.461558206767923, 0.1552}};
    for (int is_weighted = 0; is_weighted < 2; ++is_weighted) {
        const double *weight = is_weighted ? s.weight : NULL;
        const double *expected = EXPECTED[is_weighted];
        struct metric_set set;
        CHECK_OK(metric_compute(LEARN_BINARY, 0, s.score, s.target, weight, ROWS, &set, &err),
                 &err);
        CHECK_NEAR(set.accuracy, expected[0], 1e-12);
        CHECK_NEAR(set.auc, expected[1], 1e-12);
        CHECK_NEAR(set.average_precision, expected[2], 1e-12);
        CHECK_NEAR(set.logloss, expected[3], 1e-12);
        CHECK_NEAR(set.brier, expected[4], 1e-12);
        assert_true(isnan(set.rmse) && isnan(set.macro_f1));
        if (is_weighted) CHECK_NEAR(set.ece, 0.166, 1e-12);
        double loss;
        CHECK_OK(metric_loss(LEARN_BINARY, 0, s.score, s.target, weight, ROWS, &loss, &err), &err);
        CHECK_NEAR(loss, 1 - expected[1], 1e-12);
    }
    double ece;
    CHECK_OK(metric_ece(s.score, s.target, NULL, ROWS, 10, 0, &ece, &err), &err);
    CHECK_NEAR(ece, 0.1175, 1e-12);
}

static void test_metric__agrees_with_scikit_learn_on_more_classes(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s);
    kai_err err;
    struct metric_set set;
    CHECK_OK(metric_compute(LEARN_MULTICLASS, 3, s.scores, s.classes, NULL, ROWS, &set, &err),
             &err);
    CHECK_NEAR(set.accuracy, 0.225, 1e-12);
    CHECK_NEAR(set.logloss, 1.32274991492923, 1e-12);
    CHECK_NEAR(set.macro_f1, 0.20780578898226, 1e-12);
    CHECK_OK(metric_compute(LEARN_MULTICLASS, 3, s.scores, s.classes, s.weight, ROWS, &set, &err),
             &err);
    CHECK_NEAR(set.logloss, 1.3557835320215, 1e-12);
    CHECK_NEAR(set.macro_f1, 0.204868355688028, 1e-12);
    /* a class that is neither there nor predicted does not count */
    double scores[] = {0.6, 0.4, 0, 0.3, 0.7, 0}, target[] = {0, 1}, f1;
    CHECK_OK(metric_macro_f1(scores, target, NULL, 2, 3, &f1, &err), &err);
    CHECK_NEAR(f1, 1, 0);
}

static void test_metric__agrees_with_scikit_learn_on_numbers(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s);
    CHECK_NEAR(metric_rmse(s.guess, s.number, NULL, ROWS), 3.72910847254407, 1e-12);
    CHECK_NEAR(metric_mae(s.guess, s.number, NULL, ROWS), 2.9875, 1e-12);
    CHECK_NEAR(metric_r2(s.guess, s.number, NULL, ROWS), -0.669793621013133, 1e-12);
    CHECK_NEAR(metric_rmse(s.guess, s.number, s.weight, ROWS), 3.80427391232545, 1e-12);
    CHECK_NEAR(metric_mae(s.guess, s.number, s.weight, ROWS), 3.12, 1e-12);
    CHECK_NEAR(metric_r2(s.guess, s.number, s.weight, ROWS), -0.741052631578947, 1e-12);
    double constant[] = {2, 2, 2}, off[] = {2, 2, 3};
    CHECK_NEAR(metric_r2(constant, constant, NULL, 3), 1, 0);
    CHECK_NEAR(metric_r2(off, constant, NULL, 3), 0, 0);
}

static void test_metric__draws_the_calibration_curve_of_scikit_learn(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s);
    kai_err err;
    struct metric_bin bins[40];
    int32_t count;
    CHECK_OK(metric_calibration(s.score, s.target, NULL, ROWS, 5, 0, bins, &count, &err), &err);
    static const double TARGETS[] = {0.1, 0.25, 0.375, 0.625, 1};
    static const double SCORES[] = {0.13, 0.35, 0.55, 0.75, 0.93333333333333333};
    assert_int_equal(count, 5);
    for (int b = 0; b < 5; ++b) {
        CHECK_NEAR(bins[b].target, TARGETS[b], 1e-12);
        CHECK_NEAR(bins[b].score, SCORES[b], 1e-12);
    }
}

static void test_metric__makes_groups_of_equal_mass(void **state) {
    (void)state;
    kai_err err;
    double score[100], target[100];
    for (int i = 0; i < 100; ++i) {
        score[i] = (double)(i * 37 % 100) / 1000; /* all below 0.1 */
        target[i] = i % 2;
    }
    struct metric_bin bins[10];
    int32_t count;
    CHECK_OK(metric_calibration(score, target, NULL, 100, 10, 1, bins, &count, &err), &err);
    assert_int_equal(count, 10);
    for (int b = 0; b < 10; ++b) {
        assert_int_equal(bins[b].count, 10);
        CHECK_NEAR(bins[b].score, (b * 10 + 4.5) / 1000, 1e-12);
    }
    CHECK_OK(metric_calibration(score, target, NULL, 100, 10, 0, bins, &count, &err), &err);
    assert_int_equal(count, 1);
    /* equal scores stay together */
    for (int i = 0; i < 100; ++i) score[i] = i < 70 ? 0.3 : 0.6;
    CHECK_OK(metric_calibration(score, target, NULL, 100, 10, 1, bins, &count, &err), &err);
    assert_int_equal(count, 2);
    assert_int_equal(bins[0].count, 70);
    CHECK_FAILS(metric_calibration(score, target, NULL, 100, 0, 1, bins, &count, &err), &err,
                KAI_INVALID, "bins");
}

static void test_metric__auc_is_the_share_of_pairs_in_order(void **state) {
    (void)state;
    enum { MANY = 300 };
    double score[MANY], target[MANY], weight[MANY];
    struct rng rng;
    rng_init(&rng, 3, "test", 0);
    for (int i = 0; i < MANY; ++i) {
        score[i] = (double)rng_below(&rng, 25);
        target[i] = rng_unit(&rng) < 0.3 + score[i] / 60;
        weight[i] = (double)rng_below(&rng, 4);
    }
    double right = 0, all = 0;
    for (int i = 0; i < MANY; ++i)
        for (int j = 0; j < MANY; ++j) {
            if (target[i] != 1 || target[j] != 0) continue;
            double pair = weight[i] * weight[j];
            right += pair * (score[i] > score[j] ? 1 : score[i] == score[j] ? 0.5 : 0);
            all += pair;
        }
    kai_err err;
    double auc;
    CHECK_OK(metric_auc(score, target, weight, MANY, &auc, &err), &err);
    CHECK_NEAR(auc, right / all, 1e-12);
}

static void test_metric__says_what_is_not_defined(void **state) {
    (void)state;
    kai_err err;
    double score[] = {0.1, 0.9, 0.4}, ones[] = {1, 1, 1}, zeros[] = {0, 0, 0}, value;
    CHECK_OK(metric_auc(score, ones, NULL, 3, &value, &err), &err);
    assert_true(isnan(value));
    CHECK_OK(metric_average_precision(score, zeros, NULL, 3, &value, &err), &err);
    assert_true(isnan(value));
    CHECK_OK(metric_loss(LEARN_BINARY, 0, score, ones, NULL, 3, &value, &err), &err);
    CHECK_NEAR(value, 0.5, 0);
    double broken[] = {0.1, NAN, 0.4}, mixed[] = {0, 1, 1};
    CHECK_OK(metric_auc(broken, mixed, NULL, 3, &value, &err), &err);
    assert_true(isnan(value));
    /* a sure mistake costs 52 log 2, not infinity */
    double sure[] = {1}, wrong[] = {0};
    CHECK_NEAR(metric_logloss(sure, wrong, NULL, 1), 52 * log(2), 1e-9);
    struct metric_set set;
    CHECK_FAILS(metric_compute(LEARN_BINARY, 0, score, ones, NULL, 0, &set, &err), &err,
                KAI_INVALID, "no rows");
}

static void test_metric__leaves_out_rows_of_weight_zero(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s);
    kai_err err;
    struct metric_set some, all;
    double score[2 * ROWS], target[2 * ROWS], weight[2 * ROWS];
    for (int i = 0; i < 2 * ROWS; ++i) {
        score[i] = i < ROWS ? s.score[i] : 0.99;
        target[i] = i < ROWS ? s.target[i] : 0;
        weight[i] = i < ROWS;
    }
    CHECK_OK(metric_compute(LEARN_BINARY, 0, s.score, s.target, NULL, ROWS, &some, &err), &err);
    CHECK_OK(metric_compute(LEARN_BINARY, 0, score, target, weight, 2 * ROWS, &all, &err), &err);
    CHECK_NEAR(all.accuracy, some.accuracy, 1e-15);
    CHECK_NEAR(all.auc, some.auc, 1e-15);
    CHECK_NEAR(all.average_precision, some.average_precision, 1e-15);
    CHECK_NEAR(all.ece, some.ece, 1e-15);
}

static void test_metric__prints_the_figures_of_its_task(void **state) {
    (void)state;
    struct sample s;
    make_sample(&s);
    kai_err err;
    struct metric_set set;
    CHECK_OK(metric_compute(LEARN_REGRESSION, 0, s.guess, s.number, NULL, ROWS, &set, &err), &err);
    struct buf out;
    buf_init(&out, 1 << 16);
    struct json_writer json;
    json_init(&json, &out, 0);
    json_object(&json);
    metric_describe(&set, &json);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *value;
    CHECK_OK(json_parse(out.data, out.size, &value, &err), &err);
    assert_int_equal(json_count(value), 3);
    CHECK_NEAR(json_as_f64(json_get(value, "mae"), NAN), set.mae, 0);
    json_free(value);
    buf_release(&out);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric__agrees_with_scikit_learn_on_two_classes),
        cmocka_unit_test(test_metric__agrees_with_scikit_learn_on_more_classes),
        cmocka_unit_test(test_metric__agrees_with_scikit_learn_on_numbers),
        cmocka_unit_test(test_metric__draws_the_calibration_curve_of_scikit_learn),
        cmocka_unit_test(test_metric__makes_groups_of_equal_mass),
        cmocka_unit_test(test_metric__auc_is_the_share_of_pairs_in_order),
        cmocka_unit_test(test_metric__says_what_is_not_defined),
        cmocka_unit_test(test_metric__leaves_out_rows_of_weight_zero),
        cmocka_unit_test(test_metric__prints_the_figures_of_its_task),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
