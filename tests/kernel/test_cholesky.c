#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernel/blas.h"
#include "kernel/cholesky.h"
#include "kit/check.h"

enum { N_MAX = 33 };

/* A = B'B + I, so it is definite whatever B is. */
static void make_definite(int64_t n, uint64_t seed, double *a) {
    double b[N_MAX * N_MAX];
    struct rng rng;
    rng_init(&rng, seed, "test.cholesky", 0);
    for (int64_t i = 0; i < n * n; i++) b[i] = rng_normal(&rng);
    memset(a, 0, (size_t)(n * n) * sizeof *a);
    for (int64_t i = 0; i < n; i++) a[i * n + i] = 1;
    blas_gemm_f64(1, n, n, n, b, n, b, n, a, n);
}

static void test_cholesky__solves_and_inverts(void **state) {
    (void)state;
    static const int64_t sizes[] = {0, 1, 7, 8, 9, 31, 32, 33};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        int64_t n = sizes[s];
        double a[N_MAX * N_MAX], factor[N_MAX * N_MAX], x[N_MAX], truth[N_MAX];
        double scratch[N_MAX], diagonal[N_MAX];
        make_definite(n, s, a);
        memcpy(factor, a, sizeof a);
        assert_int_equal(cholesky_factor_f64(n, factor, 1e-12), n);
        for (int64_t i = 0; i < n; i++) truth[i] = (double)(i % 5) - 2;
        for (int64_t i = 0; i < n; i++) {
            x[i] = 0;
            for (int64_t j = 0; j < n; j++) x[i] += a[i * n + j] * truth[j];
        }
        cholesky_solve_f64(n, factor, x);
        for (int64_t i = 0; i < n; i++) CHECK_NEAR(x[i], truth[i], 1e-9);
        double once[N_MAX * N_MAX], y[N_MAX];
        memcpy(once, a, sizeof a);
        for (int64_t i = 0; i < n; i++) {
            y[i] = 0;
            for (int64_t j = 0; j < n; j++) y[i] += a[i * n + j] * truth[j];
            for (int64_t j = 0; j < i; j++) once[i * n + j] = NAN; /* not read */
        }
        assert_int_equal(cholesky_solve_once_f64(n, once, y), 1);
        for (int64_t i = 0; i < n; i++) CHECK_NEAR(y[i], truth[i], 1e-9);
        cholesky_inverse_diagonal_f64(n, factor, scratch, diagonal);
        for (int64_t k = 0; k < n; k++) {
            memset(x, 0, sizeof x);
            x[k] = 1;
            cholesky_solve_f64(n, factor, x);
            CHECK_NEAR(diagonal[k], x[k], 1e-12);
        }
    }
}

static void test_cholesky__names_the_dependent_column(void **state) {
    (void)state;
    double a[9] = {4, 0, 0, 2, 1, 0, 6, 3, 9}; /* column 1 is half of column 0 */
    assert_int_equal(cholesky_factor_f64(3, a, 1e-12), 1);
    double indefinite[4] = {1, 0, 2, 1};
    assert_int_equal(cholesky_factor_f64(2, indefinite, 0), 1);
    double broken[1] = {NAN};
    assert_int_equal(cholesky_factor_f64(1, broken, 0), 0);
    double x[2] = {1, 1}, upper[4] = {1, 2, 0, 1};
    assert_int_equal(cholesky_solve_once_f64(2, upper, x), 0);
    assert_int_equal(cholesky_solve_once_f64(1, broken, x), 0);
}

static void test_blas__gemm_f64_adds_the_product(void **state) {
    (void)state;
    const double a[6] = {1, 2, 3, 4, 5, 6}, b[4] = {1, -1, 2, 0};
    double c[6] = {10, 10, 10, 10, 10, 10};
    blas_gemm_f64(0, 3, 2, 2, a, 2, b, 2, c, 2);
    const double expected[6] = {15, 9, 21, 7, 27, 5};
    for (int i = 0; i < 6; i++) CHECK_NEAR(c[i], expected[i], 0);
    blas_gemm_f64(1, 0, 2, 2, a, 2, b, 2, c, 2);
    CHECK_NEAR(c[0], 15, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cholesky__solves_and_inverts),
        cmocka_unit_test(test_cholesky__names_the_dependent_column),
        cmocka_unit_test(test_blas__gemm_f64_adds_the_product),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
