#include "kernel/cholesky.h"

#include <math.h>
#include <string.h>

static double dot(int64_t n, const double *x, const double *y) {
    double sum = 0;
    for (int64_t i = 0; i < n; i++) sum += x[i] * y[i];
    return sum;
}

int64_t cholesky_factor_f64(int64_t n, double *a, double tolerance) {
    for (int64_t i = 0; i < n; i++) {
        double *row = a + i * n;
        for (int64_t j = 0; j < i; j++) {
            const double *above = a + j * n;
            row[j] = (row[j] - dot(j, row, above)) / above[j];
        }
        double pivot = row[i] - dot(i, row, row);
        if (!(pivot > tolerance * fabs(row[i])) || !isfinite(pivot)) return i;
        row[i] = sqrt(pivot);
    }
    return n;
}

int cholesky_solve_once_f64(int64_t n, double *restrict a, double *restrict x) {
    for (int64_t k = 0; k < n; k++) {
        const double *pivot_row = a + k * n;
        if (!(pivot_row[k] > 0) || !isfinite(pivot_row[k])) return 0;
        double inverse = 1 / pivot_row[k];
        for (int64_t i = k + 1; i < n; i++) {
            double *row = a + i * n, share = pivot_row[i] * inverse;
            for (int64_t j = i; j < n; j++) row[j] -= share * pivot_row[j];
            x[i] -= share * x[k];
        }
    }
    for (int64_t k = n - 1; k >= 0; k--)
        x[k] = (x[k] - dot(n - k - 1, a + k * n + k + 1, x + k + 1)) / a[k * n + k];
    return 1;
}

void cholesky_solve_f64(int64_t n, const double *restrict factor, double *restrict x) {
    for (int64_t i = 0; i < n; i++) x[i] = (x[i] - dot(i, factor + i * n, x)) / factor[i * n + i];
    for (int64_t i = n - 1; i >= 0; i--) {
        x[i] /= factor[i * n + i];
        for (int64_t j = 0; j < i; j++) x[j] -= factor[i * n + j] * x[i];
    }
}

void cholesky_inverse_diagonal_f64(int64_t n, const double *restrict factor,
                                   double *restrict scratch, double *restrict ret_diagonal) {
    /* A^-1 = L^-T L^-1, so its k-th diagonal is the squared length of column k of L^-1. */
    for (int64_t k = 0; k < n; k++) {
        memset(scratch, 0, (size_t)n * sizeof *scratch);
        scratch[k] = 1;
        double sum = 0;
        for (int64_t i = k; i < n; i++) {
            double value = scratch[i] - dot(i - k, factor + i * n + k, scratch + k);
            scratch[i] = value / factor[i * n + i];
            sum += scratch[i] * scratch[i];
        }
        ret_diagonal[k] = sum;
    }
}
