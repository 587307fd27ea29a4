/* The products of a dense layer, with what comes before and after fused in.
 *
 *   c = finish(start + A B),   start = (is_added ? c : 0) + (bias or 0)
 *   A: (m, k)  a(i, p) = a[i * a_row + p], or a[p * a_row + i] where a_is_transposed
 *   B: (k, n)  b(p, j) = b[p * b_row + j]
 *   C: (m, n)  c(i, j) = c[i * c_row + j]
 *   finish(x) = relu: max(x, 0);  then, where there is a gate: gate(i, j) > 0 ? gain * x : 0
 *
 * So one kernel is the forward pass (bias, relu), the weight gradient (A transposed) and the input
 * gradient (B the transposed weights, gate the activation that was made by relu). No output may
 * overlap an input, but gate may be c's neighbour in one buffer. Sizes may be 0.
 * Tolerance against the reference, which sums in double: |error| <= (k + 2) 2^-24 (sum |a b| +
 * |start|).
 */
#ifndef KAIROS_KERNEL_GEMM_H
#define KAIROS_KERNEL_GEMM_H

#include <stdint.h>

struct gemm {
    int64_t m, n, k;
    const float *a;
    int64_t a_row;
    const float *b;
    int64_t b_row;
    float *c;
    int64_t c_row;
    const float *bias; /* (n) or NULL */
    const float *gate; /* (m, n) at rows of gate_row, or NULL */
    int64_t gate_row;
    float gain; /* only with a gate */
    int a_is_transposed;
    int is_added;
    int is_relu;
};

/* Small and middle sizes stay in our kernels, which need no packing; large ones go to BLAS. */
void gemm_f32(const struct gemm *gemm);

/* out(j, i) = in(i, j); exact. */
void transpose_f32(int64_t rows, int64_t columns, const float *restrict in, int64_t in_row,
                   float *restrict out, int64_t out_row);

/* A product with one-hot rows, without the zeros: `codes` (rows, columns) name rows of a table of
 * `width` floats. Codes must be inside the table. */
struct lookup {
    int64_t rows, columns, width;
    const int32_t *codes; /* (rows, columns) */
    int64_t table_row;    /* floats from one row of the table to the next */
    int64_t y_row;
};

/* y(r) = sum over c of table(codes(r, c)), added in the order of c. Exact but for the rounding of
 * that sum, which all bodies share. */
void lookup_forward_f32(const struct lookup *lookup, const float *restrict table,
                        float *restrict y);
/* dtable(codes(r, c)) += dy(r), rows in order; equal in all bodies. */
void lookup_backward_f32(const struct lookup *lookup, const float *restrict dy,
                         float *restrict dtable);

#endif
