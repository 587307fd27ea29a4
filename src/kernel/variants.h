/* The bodies behind dispatch.h, by instruction set. Only dispatch.c and the bodies' own files
 * include this. */
#ifndef KAIROS_KERNEL_VARIANTS_H
#define KAIROS_KERNEL_VARIANTS_H

#include "kernel/adam.h"
#include "kernel/gemm.h"
#include "kernel/pair_moments.h"
#include "kernel/pointwise.h"
#include "kernel/tree_walk.h"

void gemm_f32_ref(const struct gemm *gemm);
void gemm_f32_avx2(const struct gemm *gemm);
void transpose_f32_ref(int64_t rows, int64_t columns, const float *restrict in, int64_t in_row,
                       float *restrict out, int64_t out_row);
void transpose_f32_avx2(int64_t rows, int64_t columns, const float *restrict in, int64_t in_row,
                        float *restrict out, int64_t out_row);
void lookup_forward_f32_ref(const struct lookup *lookup, const float *restrict table,
                            float *restrict y);
void lookup_forward_f32_avx2(const struct lookup *lookup, const float *restrict table,
                             float *restrict y);
void lookup_backward_f32_ref(const struct lookup *lookup, const float *restrict dy,
                             float *restrict dtable);
void lookup_backward_f32_avx2(const struct lookup *lookup, const float *restrict dy,
                              float *restrict dtable);
void adam_step_f32_ref(const struct adam *adam, int64_t count, const float *restrict gradient,
                       float *restrict parameter, float *restrict mean, float *restrict square);
void adam_step_f32_avx2(const struct adam *adam, int64_t count, const float *restrict gradient,
                        float *restrict parameter, float *restrict mean, float *restrict square);
void tree_walk_u8_ref(const struct tree_walk *walk, int32_t *ret_leaf);
void tree_walk_u8_avx2(const struct tree_walk *walk, int32_t *ret_leaf);
void pair_moments_add_f64_ref(int64_t count, const int32_t *restrict row,
                              const int32_t *restrict at_a,
                              const struct pair_vector *restrict table_a,
                              const int32_t *restrict at_b,
                              const struct pair_vector *restrict table_b,
                              struct pair_moments *restrict sums);
void pair_moments_add_f64_avx2(int64_t count, const int32_t *restrict row,
                               const int32_t *restrict at_a,
                               const struct pair_vector *restrict table_a,
                               const int32_t *restrict at_b,
                               const struct pair_vector *restrict table_b,
                               struct pair_moments *restrict sums);

void silu_forward_f32_ref(int64_t count, const float *x, float *y);
void silu_forward_f32_avx2(int64_t count, const float *x, float *y);
void silu_backward_f32_ref(int64_t count, const float *x, const float *dy, float *dx);
void silu_backward_f32_avx2(int64_t count, const float *x, const float *dy, float *dx);
void glu_forward_f32_ref(const struct glu *glu, float *restrict y);
void glu_forward_f32_avx2(const struct glu *glu, float *restrict y);
void glu_backward_f32_ref(const struct glu *glu, const float *restrict dy, float *restrict da,
                          int64_t da_row, float *restrict db, int64_t db_row);
void glu_backward_f32_avx2(const struct glu *glu, const float *restrict dy, float *restrict da,
                           int64_t da_row, float *restrict db, int64_t db_row);
void norm_forward_f32_ref(int64_t rows, int64_t width, const float *x, float *y,
                          float *ret_inverse);
void norm_forward_f32_avx2(int64_t rows, int64_t width, const float *x, float *y,
                           float *ret_inverse);
void norm_backward_f32_ref(int64_t rows, int64_t width, const float *y, const float *inverse,
                           const float *dy, int is_added, float *dx);
void norm_backward_f32_avx2(int64_t rows, int64_t width, const float *y, const float *inverse,
                            const float *dy, int is_added, float *dx);
void weigh_forward_f32_ref(enum weigh kind, int64_t count, float gain, const float *bias, float *s);
void weigh_forward_f32_avx2(enum weigh kind, int64_t count, float gain, const float *bias,
                            float *s);
void weigh_backward_f32_ref(enum weigh kind, int64_t count, float gain, const float *bias, float *s,
                            float *ds);
void weigh_backward_f32_avx2(enum weigh kind, int64_t count, float gain, const float *bias,
                             float *s, float *ds);
double exp_sum_f32_ref(int64_t count, float scale, float shift, float *x);
double exp_sum_f32_avx2(int64_t count, float scale, float shift, float *x);
void drop_f32_ref(int64_t count, const uint8_t *restrict noise, int32_t threshold, float gain,
                  float *restrict x);
void drop_f32_avx2(int64_t count, const uint8_t *restrict noise, int32_t threshold, float gain,
                   float *restrict x);
void add_f32_ref(int64_t count, const float *restrict x, float *restrict y);
void add_f32_avx2(int64_t count, const float *restrict x, float *restrict y);

#endif
