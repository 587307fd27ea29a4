#include <math.h>

#include "base/rng.h"
#include "kit/check.h"
#include "learn/calibrate.h"
#include "learn/metric.h"

enum { ROWS = 40 };

static void make_sample(double *score, double *target, double *weight) {
    for (int i = 0; i < ROWS; ++i) {
        score[i] = nearbyint((double)((i * 37 + 11) % 53) / 53 * 10) / 10;
        target[i] = (double)((i * i * 7 + 3 * i) % 43) / 43 < 0.1 + 0.8 * score[i] ? 1 : 0;
        weight[i] = 1 + i % 4;
    }
}

/* scikit-learn 1.2.1: IsotonicRegression(out_of_bounds="clip", y_min=0, y_max=1), weighted */
static void test_calibrate__isotonic_agrees_with_scikit_learn(void **state) {
    (void)state;
    double score[ROWS], target[ROWS], weight[ROWS];
    make_sample(score, target, weight);
    kai_err err;
    struct calibrator *calibrator;
    CHECK_OK(calibrate_fit(CALIBRATE_ISOTONIC, 1, score, target, weight, ROWS, &calibrator, &err),
             &err);
    double asked[] = {0, .05, .1, .25, .33, .5, .61, .77, .9, 1.0};
    static const double EXPECTED[] = {
        0, 0, 0, 0.047619047619, 0.169047619048, 0.452380952381, 0.452380952381, 0.757936507937,
        1, 1};
    calibrate_apply(calibrator, 10, asked);
    for (int i = 0; i < 10; ++i) CHECK_NEAR(asked[i], EXPECTED[i], 1e-11);
    calibrate_free(calibrator);
}

/* scikit-learn 1.2.1: sklearn.calibration._sigmoid_calibration on the log-odds of the scores, and
 * scipy 1.10's BFGS on the same loss; they agree to 1e-7. */
static void test_calibrate__platt_agrees_with_scikit_learn(void **state) {
    (void)state;
    double score[ROWS], target[ROWS], weight[ROWS];
    make_sample(score, target, weight);
    static const double EXPECTED[2][2] = {{-1.000821356, 0.4594037112},
                                          {-1.226483369, 0.493466558}};
    kai_err err;
    for (int i = 0; i < ROWS; ++i) score[i] = fmin(fmax(score[i], 0.02), 0.98);
    for (int is_weighted = 0; is_weighted < 2; ++is_weighted) {
        struct calibrator *calibrator;
        CHECK_OK(calibrate_fit(CALIBRATE_PLATT, 1, score, target, is_weighted ? weight : NULL, ROWS,
                               &calibrator, &err),
                 &err);
        double a = EXPECTED[is_weighted][0], b = EXPECTED[is_weighted][1];
        for (double p = 0.05; p < 1; p += 0.1) {
            double value = p;
            calibrate_apply(calibrator, 1, &value);
            CHECK_NEAR(value, 1 / (1 + exp(a * log(p / (1 - p)) + b)), 1e-7);
        }
        calibrate_free(calibrator);
    }
}

/* The best non-decreasing fit by brute force: max over low of min over high of the mean of the
 * range (the min-max formula, Barlow et al. 1972, 1.9). */
static void test_calibrate__isotonic_is_the_best_rising_fit(void **state) {
    (void)state;
    enum { MANY = 60 };
    double score[MANY], target[MANY], weight[MANY], fitted[MANY];
    struct rng rng;
    rng_init(&rng, 4, "test", 0);
    for (int i = 0; i < MANY; ++i) {
        score[i] = fitted[i] = (double)i / MANY;
        target[i] = rng_unit(&rng) < 0.2 + 0.5 * score[i];
        weight[i] = 0.5 + rng_unit(&rng);
    }
    kai_err err;
    struct calibrator *calibrator;
    CHECK_OK(calibrate_fit(CALIBRATE_ISOTONIC, 1, score, target, weight, MANY, &calibrator, &err),
             &err);
    calibrate_apply(calibrator, MANY, fitted);
    for (int i = 0; i < MANY; ++i) {
        double best = -1;
        for (int low = 0; low <= i; ++low) {
            double least = 2;
            for (int high = i; high < MANY; ++high) {
                double sum = 0, all = 0;
                for (int j = low; j <= high; ++j) sum += weight[j] * target[j], all += weight[j];
                least = fmin(least, sum / all);
            }
            best = fmax(best, least);
        }
        CHECK_NEAR(fitted[i], best, 1e-12);
    }
    calibrate_free(calibrator);
}

static void test_calibrate__repairs_scores_and_keeps_their_order(void **state) {
    (void)state;
    enum { MANY = 20000 };
    static double score[MANY], target[MANY], fresh[MANY], happened[MANY], kept[MANY];
    struct rng rng;
    rng_init(&rng, 5, "test", 0);
    for (int i = 0; i < MANY; ++i) { /* scores that are too sure: log-odds doubled and shifted */
        double z = rng_normal(&rng), u = rng_normal(&rng);
        score[i] = 1 / (1 + exp(-(2 * z + 1)));
        target[i] = rng_unit(&rng) < 1 / (1 + exp(-z));
        fresh[i] = kept[i] = 1 / (1 + exp(-(2 * u + 1)));
        happened[i] = rng_unit(&rng) < 1 / (1 + exp(-u));
    }
    kai_err err;
    double before, after;
    CHECK_OK(metric_ece(fresh, happened, NULL, MANY, 15, 0, &before, &err), &err);
    assert_true(before > 0.1);
    for (int kind = 0; kind < CALIBRATE_KINDS; ++kind) {
        struct calibrator *calibrator;
        CHECK_OK(calibrate_fit((enum calibrate_kind)kind, 1, score, target, NULL, MANY, &calibrator,
                               &err),
                 &err);
        for (int i = 0; i < MANY; ++i) fresh[i] = kept[i];
        calibrate_apply(calibrator, MANY, fresh);
        CHECK_OK(metric_ece(fresh, happened, NULL, MANY, 15, 0, &after, &err), &err);
        assert_true(after < 0.025);
        for (int i = 1; i < MANY; ++i)
            assert_true((kept[i] - kept[i - 1]) * (fresh[i] - fresh[i - 1]) >= 0);
        calibrate_free(calibrator);
    }
}

static void test_calibrate__divides_classes_by_their_sum(void **state) {
    (void)state;
    enum { MANY = 3000 };
    static double scores[MANY * 3], target[MANY];
    struct rng rng;
    rng_init(&rng, 6, "test", 0);
    for (int i = 0; i < MANY; ++i) {
        double sum = 0, u = rng_unit(&rng);
        for (int k = 0; k < 3; ++k) sum += scores[i * 3 + k] = exp(rng_normal(&rng));
        for (int k = 0; k < 3; ++k) scores[i * 3 + k] /= sum;
        target[i] = u < scores[i * 3] ? 0 : u < scores[i * 3] + scores[i * 3 + 1] ? 1 : 2;
    }
    kai_err err;
    for (int kind = 0; kind < CALIBRATE_KINDS; ++kind) {
        struct calibrator *calibrator;
        CHECK_OK(calibrate_fit((enum calibrate_kind)kind, 3, scores, target, NULL, MANY,
                               &calibrator, &err),
                 &err);
        assert_int_equal(calibrate_outputs(calibrator), 3);
        double row[] = {0.2, 0.5, 0.3};
        calibrate_apply(calibrator, 1, row);
        CHECK_NEAR(row[0] + row[1] + row[2], 1, 1e-12);
        CHECK_NEAR(row[1], 0.5, 0.08);
        calibrate_free(calibrator);
    }
}

static void test_calibrate__survives_a_round_trip_and_refuses_damage(void **state) {
    (void)state;
    double score[ROWS], target[ROWS], weight[ROWS];
    make_sample(score, target, weight);
    kai_err err;
    for (int kind = 0; kind < CALIBRATE_KINDS; ++kind) {
        struct calibrator *calibrator, *again;
        CHECK_OK(calibrate_fit((enum calibrate_kind)kind, 1, score, target, weight, ROWS,
                               &calibrator, &err),
                 &err);
        struct buf bytes;
        buf_init(&bytes, 1 << 16);
        struct bytes_writer writer;
        bytes_write(&writer, &bytes);
        calibrate_save(calibrator, &writer);
        CHECK_OK(bytes_written(&writer, &err), &err);
        struct bytes_reader reader;
        bytes_read(&reader, bytes.data, bytes.size, "calibrator");
        CHECK_OK(calibrate_load(&reader, &again, &err), &err);
        assert_int_equal(calibrate_kind(again), kind);
        for (double p = 0; p <= 1; p += 0.07) {
            double a = p, b = p;
            calibrate_apply(calibrator, 1, &a);
            calibrate_apply(again, 1, &b);
            CHECK_NEAR(a, b, 0);
        }
        calibrate_free(again);
        for (size_t cut = 0; cut < bytes.size; ++cut) {
            bytes_read(&reader, bytes.data, cut, "calibrator");
            CHECK_FAILS(calibrate_load(&reader, &again, &err), &err, KAI_CORRUPT, "calibrator");
        }
        for (size_t at = 0; at < bytes.size; ++at) { /* any byte: an answer, never a crash */
            bytes.data[at] = (char)(bytes.data[at] ^ 0x81);
            bytes_read(&reader, bytes.data, bytes.size, "calibrator");
            if (calibrate_load(&reader, &again, &err) == KAI_OK) {
                double value = 0.3;
                calibrate_apply(again, calibrate_outputs(again) == 1, &value);
                calibrate_free(again);
            }
            bytes.data[at] = (char)(bytes.data[at] ^ 0x81);
        }
        buf_release(&bytes);
        calibrate_free(calibrator);
    }
}

static void test_calibrate__never_turns_the_order_round(void **state) {
    (void)state;
    double score[] = {0.1, 0.2, 0.8, 0.9}, target[] = {1, 1, 0, 0};
    kai_err err;
    for (int kind = 0; kind < CALIBRATE_KINDS; ++kind) {
        struct calibrator *calibrator;
        CHECK_OK(
            calibrate_fit((enum calibrate_kind)kind, 1, score, target, NULL, 4, &calibrator, &err),
            &err);
        double asked[] = {0, 0.5, 1, NAN};
        calibrate_apply(calibrator, 4, asked);
        CHECK_NEAR(asked[0], 0.5, 1e-12);
        CHECK_NEAR(asked[2], 0.5, 1e-12);
        assert_true(isnan(asked[3]));
        calibrate_free(calibrator);
    }
}

static void test_calibrate__names_what_is_wrong(void **state) {
    (void)state;
    double score[] = {0.1, 0.2, 1.5}, target[] = {1, 1, 0}, classes[] = {0, 1, 3};
    kai_err err;
    struct calibrator *calibrator;
    CHECK_FAILS(calibrate_fit(CALIBRATE_PLATT, 1, score, target, NULL, 0, &calibrator, &err), &err,
                KAI_INVALID, "no rows");
    CHECK_FAILS(calibrate_fit(CALIBRATE_PLATT, 1, score, target, NULL, 2, &calibrator, &err), &err,
                KAI_INVALID, "one class");
    CHECK_FAILS(calibrate_fit(CALIBRATE_PLATT, 1, score, target, NULL, 3, &calibrator, &err), &err,
                KAI_INVALID, "1.5");
    score[2] = 0.5;
    CHECK_FAILS(calibrate_fit(CALIBRATE_ISOTONIC, 1, score, classes, NULL, 3, &calibrator, &err),
                &err, KAI_INVALID, "no class");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_calibrate__isotonic_agrees_with_scikit_learn),
        cmocka_unit_test(test_calibrate__platt_agrees_with_scikit_learn),
        cmocka_unit_test(test_calibrate__isotonic_is_the_best_rising_fit),
        cmocka_unit_test(test_calibrate__repairs_scores_and_keeps_their_order),
        cmocka_unit_test(test_calibrate__divides_classes_by_their_sum),
        cmocka_unit_test(test_calibrate__survives_a_round_trip_and_refuses_damage),
        cmocka_unit_test(test_calibrate__never_turns_the_order_round),
        cmocka_unit_test(test_calibrate__names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
