#include "kernel/gemm.h"

#include <string.h>

#include "kernel/blas.h"
#include "kernel/dispatch.h"

/* Weights beyond this many floats leave the second cache, where packing pays; measured by
 * bench_gemm. */
#define OWN_WEIGHTS_MAX (96 * 1024)
/* Below this many rows BLAS packs more than it multiplies. */
#define BLAS_ROWS_MIN 32

static void start_rows(const struct gemm *gemm) {
    for (int64_t i = 0; i < gemm->m; i++) {
        float *c = gemm->c + i * gemm->c_row;
        if (!gemm->is_added) memset(c, 0, (size_t)gemm->n * sizeof *c);
        for (int64_t j = 0; gemm->bias && j < gemm->n; j++) c[j] += gemm->bias[j];
    }
}

static void finish_rows(const struct gemm *gemm) {
    for (int64_t i = 0; i < gemm->m; i++) {
        float *c = gemm->c + i * gemm->c_row;
        for (int64_t j = 0; gemm->is_relu && j < gemm->n; j++) c[j] = c[j] > 0 ? c[j] : 0;
        const float *gate = gemm->gate ? gemm->gate + i * gemm->gate_row : NULL;
        for (int64_t j = 0; gate && j < gemm->n; j++) c[j] = gate[j] > 0 ? gemm->gain * c[j] : 0;
    }
}

static void multiply_by_blas(const struct gemm *gemm) {
    start_rows(gemm);
    blas_gemm_f32(gemm->a_is_transposed, gemm->m, gemm->n, gemm->k, gemm->a, gemm->a_row, gemm->b,
                  gemm->b_row, gemm->c, gemm->c_row);
    finish_rows(gemm);
}

void gemm_f32(const struct gemm *gemm) {
    const struct kernel_table *table = kernel_table();
    int is_large = gemm->k * gemm->n > OWN_WEIGHTS_MAX || gemm->m * gemm->n > OWN_WEIGHTS_MAX;
    int is_thick = gemm->m >= BLAS_ROWS_MIN && gemm->k >= BLAS_ROWS_MIN;
    if (is_large && is_thick && table != kernel_table_named("ref"))
        multiply_by_blas(gemm);
    else
        table->gemm_f32(gemm);
}

void transpose_f32(int64_t rows, int64_t columns, const float *restrict in, int64_t in_row,
                   float *restrict out, int64_t out_row) {
    kernel_table()->transpose_f32(rows, columns, in, in_row, out, out_row);
}

void lookup_forward_f32(const struct lookup *lookup, const float *restrict table,
                        float *restrict y) {
    kernel_table()->lookup_forward_f32(lookup, table, y);
}

void lookup_backward_f32(const struct lookup *lookup, const float *restrict dy,
                         float *restrict dtable) {
    kernel_table()->lookup_backward_f32(lookup, dy, dtable);
}
