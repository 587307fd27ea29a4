#include "kernel/blas.h"

#include <cblas.h>
#include <stdatomic.h>

#include "base/err.h"

/* Threads that race here say the same. */
static void hold_to_one_thread(void) {
    static atomic_int is_held;
    if (atomic_load_explicit(&is_held, memory_order_acquire)) return;
    openblas_set_num_threads(1);
    atomic_store_explicit(&is_held, 1, memory_order_release);
}

void blas_gemm_f32(int a_is_transposed, int64_t m, int64_t n, int64_t k, const float *a,
                   int64_t a_row, const float *b, int64_t b_row, float *c, int64_t c_row) {
    KAI_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
    KAI_ASSERT(a_row <= INT32_MAX && b_row <= INT32_MAX && c_row <= INT32_MAX);
    if (m == 0 || n == 0 || k == 0) return;
    hold_to_one_thread();
    cblas_sgemm(CblasRowMajor, a_is_transposed ? CblasTrans : CblasNoTrans, CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)a_row, b, (blasint)b_row, 1, c,
                (blasint)c_row);
}

void blas_gemm_f64(int a_is_transposed, int64_t m, int64_t n, int64_t k, const double *a,
                   int64_t a_row, const double *b, int64_t b_row, double *c, int64_t c_row) {
    KAI_ASSERT(m <= INT32_MAX && n <= INT32_MAX && k <= INT32_MAX);
    KAI_ASSERT(a_row <= INT32_MAX && b_row <= INT32_MAX && c_row <= INT32_MAX);
    if (m == 0 || n == 0 || k == 0) return;
    hold_to_one_thread();
    cblas_dgemm(CblasRowMajor, a_is_transposed ? CblasTrans : CblasNoTrans, CblasNoTrans,
                (blasint)m, (blasint)n, (blasint)k, 1, a, (blasint)a_row, b, (blasint)b_row, 1, c,
                (blasint)c_row);
}
