#include "kernel/pair_moments.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernel/dispatch.h"
#include "kit/check.h"

enum {
    ROWS_MAX = 1000,
    LEAVES = 50,
    NUMBERS = (int)(sizeof(struct pair_moments) / sizeof(double))
};

static struct pair_vector table[2][LEAVES];
static int32_t row[ROWS_MAX], at[2][ROWS_MAX];
static struct pair_moments sums[2][2 * ROWS_MAX];

static void fill(uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed, "pairs", 0);
    for (int t = 0; t < 2; t++)
        for (int l = 0; l < LEAVES; l++)
            for (int k = 0; k < PAIR_MOMENTS_WIDTH; k++) table[t][l].x[k] = rng_normal(&rng);
    for (int i = 0; i < ROWS_MAX; i++) {
        row[i] = 2 * i + (int32_t)rng_below(&rng, 2);
        for (int t = 0; t < 2; t++) at[t][i] = (int32_t)rng_below(&rng, LEAVES);
    }
    memset(sums, 0, sizeof sums);
}

static void test_pair_moments__bodies_agree(void **state) {
    (void)state;
    const int64_t counts[] = {0, 1, 7, 8, 9, 31, 32, 33, 1000};
    const char *const names[2] = {"ref", "avx2"};
    if (!kernel_table_named("avx2")) skip();
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        fill(c);
        for (int twice = 0; twice < 2; twice++)
            for (int b = 0; b < 2; b++)
                kernel_table_named(names[b])->pair_moments_add_f64(counts[c], row, at[0], table[0],
                                                                   at[1], table[1], sums[b]);
        const double *x = (const double *)sums[0], *y = (const double *)sums[1];
        for (int i = 0; i < 2 * ROWS_MAX * NUMBERS; i++) CHECK_NEAR(x[i], y[i], 1e-13);
    }
}

/* One pair by hand. */
static void test_pair_moments__adds_what_it_says(void **state) {
    (void)state;
    const struct pair_vector a = {{1, 2, 3, 4}}, b = {{3, 2, 1, 0}};
    const int32_t zero[1] = {0};
    struct pair_moments sum;
    memset(&sum, 0, sizeof sum);
    pair_moments_add_f64(1, zero, zero, &a, zero, &b, &sum);
    const double d[4] = {-1, 0, 1, 2};
    for (int i = 0; i < 4; i++) {
        CHECK_NEAR(sum.mean[i], 2, 0);
        for (int j = 0; j < 4; j++) {
            CHECK_NEAR(sum.between[i][j], 4, 0);
            CHECK_NEAR(sum.within[i][j], d[i] * d[j], 0);
        }
    }
    CHECK_NEAR(sum.count, 1, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pair_moments__bodies_agree),
        cmocka_unit_test(test_pair_moments__adds_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
