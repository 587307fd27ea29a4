/* Small symmetric positive definite systems in double, in place.
 * Source: Golub, Van Loan, "Matrix Computations", 4th ed., algorithm 4.2.1. */
#ifndef KAIROS_KERNEL_CHOLESKY_H
#define KAIROS_KERNEL_CHOLESKY_H

#include <stdint.h>

/* Write L of A = L L' over the lower triangle of a: (n, n), row-major; the upper triangle is
 * neither read nor written. Returns n, or the index of the first pivot that is not above
 * `tolerance` times its own diagonal of A (or not a number): a dependent or indefinite column;
 * rows below it are then unfinished. tolerance 0 accepts every positive pivot. */
int64_t cholesky_factor_f64(int64_t n, double *a, double tolerance);
/* x := A^-1 x for one right side, without keeping the factor: elimination in LDL' form along the
 * rows of the upper triangle of a, which is overwritten; the lower one is not read. 1 on success, 0
 * where a pivot is not positive (or not a number). Several times as fast as factor and solve
 * for small n, because every loop runs along a row. */
int cholesky_solve_once_f64(int64_t n, double *restrict a, double *restrict x);
/* x := A^-1 x for the factor above; x: (n). */
void cholesky_solve_f64(int64_t n, const double *restrict factor, double *restrict x);
/* The k-th diagonal of A^-1 for every k (variances of coefficients); scratch: (n). */
void cholesky_inverse_diagonal_f64(int64_t n, const double *restrict factor,
                                   double *restrict scratch, double *restrict ret_diagonal);

#endif
