#include "evaluate/uplift.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "evaluate/stat.h"
#include "kit/check.h"

enum { MAX_ROWS = 5000 };

static double outcome[MAX_ROWS], score[MAX_ROWS], predicted[MAX_ROWS * 3], psi[MAX_ROWS];
static int32_t arm[MAX_ROWS];

/* Three arms; the effect of arm 1 is x / 2, of arm 2 is 0; the score is x plus noise. */
static struct trial draw(int64_t rows, uint64_t index, double score_noise) {
    struct rng rng;
    rng_init(&rng, 11, "uplift-test", index);
    for (int64_t i = 0; i < rows; i++) {
        double x = rng_normal(&rng);
        arm[i] = (int32_t)rng_below(&rng, 3);
        outcome[i] = 1 + x + (arm[i] == 1 ? x / 2 : 0) + rng_normal(&rng);
        score[i] = x + score_noise * rng_normal(&rng);
        for (int a = 0; a < 3; a++) predicted[i * 3 + a] = 1 + 0.7 * x + (a == 1 ? 0.2 * x : 0);
    }
    return (struct trial){.rows = rows, .arms = 3, .arm = arm, .outcome = outcome};
}

/* The definitions, by counting: gain after each customer, trapezoids under it. */
static void test_uplift__areas_are_those_of_the_curve(void **state) {
    (void)state;
    enum { ROWS = 200 };
    struct trial trial = draw(ROWS, 0, 1);
    struct uplift_curve curve;
    kai_err err;
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 100, 0.95, NULL, &curve, &err), &err);
    CHECK_OK(trial_effects(&trial, NULL, 1, NULL, psi, &err), &err);
    double gain = 0, area = 0, all = 0, gain_at[ROWS + 1] = {0};
    for (int i = 0; i < ROWS; i++) all += psi[i] / ROWS;
    for (int k = 1; k <= ROWS; k++) {
        int best = -1, rank;
        for (int i = 0; i < ROWS && best < 0; i++) {
            rank = 1;
            for (int j = 0; j < ROWS; j++) rank += score[j] > score[i];
            if (rank == k) best = i;
        }
        double next = gain + psi[best] / ROWS;
        area += (gain + next) / 2 / ROWS;
        gain_at[k] = gain = next;
    }
    CHECK_NEAR(curve.effect.value, all, 1e-12);
    CHECK_NEAR(curve.auuc.value, area, 1e-12);
    CHECK_NEAR(curve.qini.value, area - all / 2, 1e-12);
    for (int p = 0; p < 100; p++) {
        CHECK_NEAR(curve.points[p].gain.value, gain_at[2 * (p + 1)], 1e-12);
        CHECK_NEAR(curve.points[p].excess.value, gain_at[2 * (p + 1)] - (p + 1) / 100.0 * all,
                   1e-12);
    }
    CHECK_NEAR(curve.top[0].value, gain_at[20] * 10, 1e-11);
    CHECK_NEAR(curve.top[2].value, gain_at[60] / 0.3, 1e-11);
    assert_true(curve.points[99].excess.high == 0 && curve.top[1].n == 40);
}

/* The average effect without predictions is the difference of arm means, with Welch's error. */
static void test_uplift__effect_is_the_difference_of_means(void **state) {
    (void)state;
    struct trial trial = draw(600, 1, 1);
    struct uplift_curve curve;
    kai_err err;
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 0, 0, NULL, &curve, &err), &err);
    struct moments treated = {0, 0, 0}, control = {0, 0, 0};
    for (int i = 0; i < 600; i++) {
        if (arm[i] == 1) moments_add(&treated, outcome[i]);
        if (arm[i] == 0) moments_add(&control, outcome[i]);
    }
    struct estimate welch = estimate_difference(&treated, &control, 0.95);
    CHECK_NEAR(curve.effect.value, welch.value, 1e-12);
    CHECK_NEAR((curve.effect.high - curve.effect.low) / (welch.high - welch.low), 1, 0.01);
    assert_true(curve.count == 50);
}

static void check_jackknife(int has_predictions) {
    enum { ROWS = 300 };
    struct trial trial = draw(ROWS, 2, 0.5);
    if (has_predictions) trial.predicted = predicted;
    struct uplift_curve all, without;
    kai_err err;
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 1, 0.95, NULL, &all, &err), &err);
    struct moments auuc = {0, 0, 0}, qini = {0, 0, 0};
    for (int i = 0; i < ROWS; i++) {
        draw(ROWS, 2, 0.5);
        int tail = ROWS - 1 - i;
        memmove(arm + i, arm + i + 1, (size_t)tail * sizeof *arm);
        memmove(outcome + i, outcome + i + 1, (size_t)tail * sizeof *outcome);
        memmove(score + i, score + i + 1, (size_t)tail * sizeof *score);
        memmove(predicted + (size_t)i * 3, predicted + (size_t)(i + 1) * 3,
                (size_t)tail * 3 * sizeof *predicted);
        trial.rows = ROWS - 1;
        CHECK_OK(uplift_rank(&trial, NULL, 1, score, 1, 0.95, NULL, &without, &err), &err);
        moments_add(&auuc, without.auuc.value);
        moments_add(&qini, without.qini.value);
    }
    double scale = (ROWS - 1.0) / ROWS, t = stat_t_quantile(0.975, 200);
    CHECK_NEAR((all.auuc.high - all.auuc.value) / t / sqrt(scale * auuc.squares), 1, 0.04);
    CHECK_NEAR((all.qini.high - all.qini.value) / t / sqrt(scale * qini.squares), 1, 0.04);
}

static void test_uplift__errors_match_the_jackknife(void **state) {
    (void)state;
    check_jackknife(0);
    check_jackknife(1);
}

/* Arm 2 does nothing: any ranking is noise, and its Qini interval must hold 0 as often as it says;
 * for arm 1 and score x the truth is Cov(x / 2, Phi(x)) = 1 / (4 sqrt(pi)). */
static void test_uplift__intervals_cover_noise_and_truth(void **state) {
    (void)state;
    enum { RUNS = 1000 };
    double noise = 0, excess = 0, truth = 0, qini = 0.25 / sqrt(3.14159265358979323846);
    for (uint64_t r = 0; r < RUNS; r++) {
        struct trial trial = draw(300, 100 + r, 0);
        struct uplift_curve curve;
        kai_err err;
        CHECK_OK(uplift_rank(&trial, NULL, 2, score, 10, 0.95, NULL, &curve, &err), &err);
        noise += curve.qini.low <= 0 && 0 <= curve.qini.high;
        excess += curve.points[4].excess.low <= 0 && 0 <= curve.points[4].excess.high;
        CHECK_OK(uplift_rank(&trial, NULL, 1, score, 10, 0.95, NULL, &curve, &err), &err);
        truth += curve.qini.low <= qini && qini <= curve.qini.high;
    }
    print_message("qini covers noise %.3f, truth %.3f; excess covers noise %.3f\n", noise / RUNS,
                  truth / RUNS, excess / RUNS);
    CHECK_NEAR(noise / RUNS, 0.95, 0.025);
    CHECK_NEAR(excess / RUNS, 0.95, 0.03);
    CHECK_NEAR(truth / RUNS, 0.95, 0.025);
}

static void test_uplift__of_a_constant_score_is_nothing(void **state) {
    (void)state;
    struct trial trial = draw(400, 3, 0);
    struct uplift_curve curve;
    kai_err err;
    for (int i = 0; i < 400; i++) score[i] = 5;
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 10, 0.95, NULL, &curve, &err), &err);
    CHECK_NEAR(curve.qini.value, 0, 1e-15);
    CHECK_NEAR(curve.qini.high, 0, 1e-15);
    for (int p = 0; p < 10; p++)
        CHECK_NEAR(curve.points[p].gain.value, (p + 1) / 10.0 * curve.effect.value, 1e-12);
}

static void test_uplift__takes_an_offer_for_each_row(void **state) {
    (void)state;
    enum { ROWS = 3000 };
    static int32_t offers[ROWS];
    struct trial trial = draw(ROWS, 4, 0);
    struct uplift_curve own, fixed;
    kai_err err;
    for (int i = 0; i < ROWS; i++) offers[i] = 1;
    CHECK_OK(uplift_rank(&trial, offers, 2, score, 10, 0.95, NULL, &own, &err), &err);
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 10, 0.95, NULL, &fixed, &err), &err);
    assert_true(own.qini.value == fixed.qini.value && own.qini.low == fixed.qini.low);
    offers[7] = 0;
    CHECK_FAILS(uplift_rank(&trial, offers, 2, score, 10, 0.95, NULL, &own, &err), &err,
                KAI_INVALID, "row 8: offer 0");
    score[11] = NAN;
    CHECK_FAILS(uplift_rank(&trial, NULL, 1, score, 10, 0.95, NULL, &own, &err), &err, KAI_INVALID,
                "row 12: the score");
}

static void test_uplift__is_the_same_for_any_number_of_threads(void **state) {
    (void)state;
    struct trial trial = draw(MAX_ROWS, 5, 1);
    static struct uplift_curve one, many;
    struct pool *pool;
    kai_err err;
    CHECK_OK(pool_new(3, &pool, &err), &err);
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 100, 0.95, NULL, &one, &err), &err);
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 100, 0.95, pool, &many, &err), &err);
    for (int p = 0; p < 100; p++)
        assert_memory_equal(&one.points[p].gain, &many.points[p].gain, 4 * sizeof(double));
    assert_memory_equal(&one.qini, &many.qini, 4 * sizeof(double));
    pool_free(pool);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_uplift__areas_are_those_of_the_curve),
        cmocka_unit_test(test_uplift__effect_is_the_difference_of_means),
        cmocka_unit_test(test_uplift__errors_match_the_jackknife),
        cmocka_unit_test(test_uplift__intervals_cover_noise_and_truth),
        cmocka_unit_test(test_uplift__of_a_constant_score_is_nothing),
        cmocka_unit_test(test_uplift__takes_an_offer_for_each_row),
        cmocka_unit_test(test_uplift__is_the_same_for_any_number_of_threads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
