/* The BLAS of the distribution, one thread a call (docs/decisions/0001-serial-blas.md). Row-major,
 * sizes that fit 31 bits. Threads: any; several may multiply at once. */
#ifndef KAIROS_KERNEL_BLAS_H
#define KAIROS_KERNEL_BLAS_H

#include <stdint.h>

/* C += A B; A: (m, k), or stored as (k, m) where a_is_transposed; B: (k, n); C: (m, n); each with
 * the floats from one stored row to the next. */
void blas_gemm_f32(int a_is_transposed, int64_t m, int64_t n, int64_t k, const float *a,
                   int64_t a_row, const float *b, int64_t b_row, float *c, int64_t c_row);
void blas_gemm_f64(int a_is_transposed, int64_t m, int64_t n, int64_t k, const double *a,
                   int64_t a_row, const double *b, int64_t b_row, double *c, int64_t c_row);

#endif
