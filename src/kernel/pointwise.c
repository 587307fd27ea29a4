#include "kernel/pointwise.h"

#include "kernel/dispatch.h"

void silu_forward_f32(int64_t count, const float *x, float *y) {
    kernel_table()->silu_forward_f32(count, x, y);
}

void silu_backward_f32(int64_t count, const float *x, const float *dy, float *dx) {
    kernel_table()->silu_backward_f32(count, x, dy, dx);
}

void glu_forward_f32(const struct glu *glu, float *restrict y) {
    kernel_table()->glu_forward_f32(glu, y);
}

void glu_backward_f32(const struct glu *glu, const float *restrict dy, float *restrict da,
                      int64_t da_row, float *restrict db, int64_t db_row) {
    kernel_table()->glu_backward_f32(glu, dy, da, da_row, db, db_row);
}

void norm_forward_f32(int64_t rows, int64_t width, const float *x, float *y, float *ret_inverse) {
    kernel_table()->norm_forward_f32(rows, width, x, y, ret_inverse);
}

void norm_backward_f32(int64_t rows, int64_t width, const float *y, const float *inverse,
                       const float *dy, int is_added, float *dx) {
    kernel_table()->norm_backward_f32(rows, width, y, inverse, dy, is_added, dx);
}

void weigh_forward_f32(enum weigh kind, int64_t count, float gain, const float *bias, float *s) {
    kernel_table()->weigh_forward_f32(kind, count, gain, bias, s);
}

void weigh_backward_f32(enum weigh kind, int64_t count, float gain, const float *bias, float *s,
                        float *ds) {
    kernel_table()->weigh_backward_f32(kind, count, gain, bias, s, ds);
}

double exp_sum_f32(int64_t count, float scale, float shift, float *x) {
    return kernel_table()->exp_sum_f32(count, scale, shift, x);
}

void drop_f32(int64_t count, const uint8_t *restrict noise, int32_t threshold, float gain,
              float *restrict x) {
    kernel_table()->drop_f32(count, noise, threshold, gain, x);
}

void add_f32(int64_t count, const float *restrict x, float *restrict y) {
    kernel_table()->add_f32(count, x, y);
}
