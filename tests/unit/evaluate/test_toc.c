#include "evaluate/toc.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kit/check.h"

enum { N = 400 };

static void draw(uint64_t seed, double strength, double *score, double *psi) {
    for (int i = 0; i < N; i++) {
        struct rng rng;
        rng_init(&rng, seed, "toc", (uint64_t)i);
        score[i] = rng_normal(&rng);
        psi[i] = 1 + strength * score[i] + 2 * rng_normal(&rng);
    }
}

/* The definition: the mean over k of (mean of the best k) - (mean of all). */
static double plain_autoc(const double *score, const double *psi) {
    double all = 0, area = 0;
    for (int i = 0; i < N; i++) all += psi[i] / N;
    for (int k = 1; k <= N; k++) {
        double sum = 0;
        for (int i = 0; i < N; i++) {
            int better = 0;
            for (int j = 0; j < N; j++) better += score[j] > score[i];
            if (better < k) sum += psi[i];
        }
        area += (sum / k - all) / N;
    }
    return area;
}

static void test_toc__is_the_area_under_its_curve(void **state) {
    (void)state;
    double score[N], psi[N];
    struct estimate autoc;
    kai_err err = {0};
    draw(1, 0.5, score, psi);
    CHECK_OK(toc_autoc(score, psi, N, 0, &autoc, &err), &err);
    CHECK_NEAR(autoc.value, plain_autoc(score, psi), 1e-12);
    for (int i = 0; i < N; i++) score[i] = 7; /* all tied: no ranking */
    CHECK_OK(toc_autoc(score, psi, N, 0, &autoc, &err), &err);
    CHECK_NEAR(autoc.value, 0, 1e-12);
}

/* A noise ranking is told from zero in 5 % of the experiments; a good one mostly is. The truth of
 * the good one: effects 1 + score / 2, E[score | best u] integrated over u = 0.5 x 0.9032. */
static void test_toc__intervals_cover(void **state) {
    (void)state;
    enum { RUNS = 1500 };
    static const double TRUTH = 0.5 * 0.90320;
    int noise = 0, good = 0, found = 0;
    kai_err err = {0};
    for (int r = 0; r < RUNS; r++) {
        double score[N], psi[N];
        struct estimate autoc;
        draw(1000 + (uint64_t)r, 0, score, psi);
        CHECK_OK(toc_autoc(score, psi, N, 0, &autoc, &err), &err);
        noise += autoc.low <= 0 && autoc.high >= 0;
        draw(9000 + (uint64_t)r, 0.5, score, psi);
        CHECK_OK(toc_autoc(score, psi, N, 0, &autoc, &err), &err);
        good += autoc.low <= TRUTH && autoc.high >= TRUTH;
        found += autoc.low > 0;
    }
    assert_true(noise > 0.93 * RUNS && noise < 0.965 * RUNS);
    assert_true(good > 0.92 * RUNS && good < 0.97 * RUNS);
    assert_true(found > 0.8 * RUNS);
}

static void test_toc__projects_as_least_squares(void **state) {
    (void)state;
    /* y on x by hand: x = -1, 0, 1, 2, y = 1, 1, 3, 6: slope 1.7 a unit, sd of x sqrt(1.25) */
    const float x[] = {-1, 0, 1, 2}, twice[] = {-2, 0, 2, 4}, flat[] = {3, 3, 3, 3};
    const float *columns[] = {x, twice, flat};
    const double y[] = {1, 1, 3, 6};
    struct toc_projection line[3];
    kai_err err = {0};
    CHECK_FAILS(toc_project(columns, 3, y, 4, 0, line, &err), &err, KAI_INVALID,
                "more than 4 rows");
    CHECK_OK(toc_project(columns, 1, y, 4, 0, line, &err), &err);
    CHECK_NEAR(line[0].slope.value, 1.7 * sqrt(1.25), 1e-12);
    /* HC1 by hand */
    double mean = 2.75, ss = 0, meat = 0;
    for (int i = 0; i < 4; i++) {
        double dx = x[i] - 0.5, e = y[i] - mean - 1.7 * dx;
        ss += dx * dx;
        meat += dx * dx * e * e;
    }
    double error = sqrt(meat / (ss * ss) * 4 / 2) * sqrt(1.25);
    CHECK_NEAR((line[0].slope.high - line[0].slope.low) / 2, 4.302652729911275 * error, 1e-9);
    const float more[3][8] = {
        {1, 2, 3, 4, 5, 6, 7, 9}, {2, 4, 6, 8, 10, 12, 14, 18}, {5, 5, 5, 5, 5, 5, 5, 5}};
    const float *three[] = {more[0], more[1], more[2]};
    const double z[] = {1, 3, 2, 5, 4, 6, 8, 7};
    CHECK_OK(toc_project(three, 3, z, 8, 0, line, &err), &err);
    assert_true(line[0].is_used && !line[1].is_used && !line[2].is_used);
    assert_true(line[0].p < 0.05 && line[1].p == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_toc__is_the_area_under_its_curve),
        cmocka_unit_test(test_toc__intervals_cover),
        cmocka_unit_test(test_toc__projects_as_least_squares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
