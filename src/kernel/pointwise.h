/* What a transformer does beside its products: gates, norms, attention weights, exponentials.
 *
 * silu(x) = x / (1 + e^-x).  Elfwing, Uchibe, Doya, "Sigmoid-weighted linear units", 2018.
 * glu:  y = silu(a) b.  Shazeer, "GLU variants improve transformer", 2020.
 * norm: y = x r, r = 1 / sqrt(mean(x^2) + epsilon).  Zhang, Sennrich, "Root mean square layer
 * normalization", NeurIPS 2019, without gains, which the next matrix holds as well.
 * weigh: scores of one query to attention weights; WEIGH_SOFTMAX: softmax(gain s + bias);
 * WEIGH_POINTWISE: gain silu(s + bias).  Zhai et al., "Actions speak louder than words" (HSTU),
 * ICML 2024.
 * Rows lie `_row` floats apart. Inputs may be any float; e^x is cut to x in [-87, 88].
 * Tolerance against the reference, which computes in double: relative 2e-6 of the largest term.
 */
#ifndef KAIROS_KERNEL_POINTWISE_H
#define KAIROS_KERNEL_POINTWISE_H

#include <stdint.h>

enum weigh { WEIGH_SOFTMAX, WEIGH_POINTWISE };

/* y = silu(x); y may be x. */
void silu_forward_f32(int64_t count, const float *x, float *y);
/* dx = dy silu'(x); dx may be dy. */
void silu_backward_f32(int64_t count, const float *x, const float *dy, float *dx);

struct glu {
    int64_t rows, width;
    const float *a; /* (rows, width) */
    int64_t a_row;
    const float *b; /* (rows, width) */
    int64_t b_row;
};
/* y: (rows, width), dense. */
void glu_forward_f32(const struct glu *glu, float *restrict y);
/* dy: (rows, width), dense; da, db: (rows, width) at rows of da_row and db_row. */
void glu_backward_f32(const struct glu *glu, const float *restrict dy, float *restrict da,
                      int64_t da_row, float *restrict db, int64_t db_row);

/* x, y: (rows, width), dense, y may be x; ret_inverse: (rows), the r of each row. */
void norm_forward_f32(int64_t rows, int64_t width, const float *x, float *y, float *ret_inverse);
/* dx = (is_added ? dx : 0) + r (dy - y mean(dy y)); dx may be dy where not added. */
void norm_backward_f32(int64_t rows, int64_t width, const float *y, const float *inverse,
                       const float *dy, int is_added, float *dx);

/* s: (count) in place; bias: (count) or NULL. */
void weigh_forward_f32(enum weigh kind, int64_t count, float gain, const float *bias, float *s);
/* s: in scores, out weights. ds: in the slopes of the weights, out those of the biased scores
 * (without softmax's gain). */
void weigh_backward_f32(enum weigh kind, int64_t count, float gain, const float *bias, float *s,
                        float *ds);

/* x := e^(scale x - shift); returns the sum. */
double exp_sum_f32(int64_t count, float scale, float shift, float *x);

/* x := noise < threshold ? 0 : gain x; noise: (count) random bytes. */
void drop_f32(int64_t count, const uint8_t *restrict noise, int32_t threshold, float gain,
              float *restrict x);
/* y += x */
void add_f32(int64_t count, const float *restrict x, float *restrict y);

#endif
