/* Causal self-attention of one sequence, all heads, without the score matrix in memory.
 *
 *   s(i, j) = q(i) . k(j),  j <= i
 *   a(i, .) = weigh(kind, gain, s(i, .), bias(i - j) + gap_bias(gap(i, j)))
 *   o(i) = sum over j of a(i, j) v(j)
 *
 * Queries are taken ATTENTION_ROWS at a time against all keys that one of them may see; the
 * backward pass computes scores again instead of keeping them. Bias tables are stored by distance
 * backwards, so that a row of scores meets a run of them.
 */
#ifndef KAIROS_KERNEL_ATTENTION_H
#define KAIROS_KERNEL_ATTENTION_H

#include <stdint.h>

#include "kernel/pointwise.h"

enum { ATTENTION_ROWS = 48, ATTENTION_GAPS = 64 };

struct attention {
    enum weigh kind;
    float gain;
    int64_t length;         /* T */
    int64_t heads, width;   /* H, and D of one head */
    const float *q, *k, *v; /* (T, H, D), tokens `row` floats apart */
    int64_t row;
    const float
        *bias; /* (H, span): bias[span - 1 - distance], or NULL; distance < length <= span */
    int64_t span;
    const uint8_t *gaps;   /* (T, T) which entry of gap_bias a pair meets, j <= i; or NULL */
    const float *gap_bias; /* (H, ATTENTION_GAPS) */
};

/* Floats that both passes need at `scratch`. */
int64_t attention_scratch(int64_t length, int64_t width);
/* o: (T, H, D), tokens o_row apart. */
void attention_forward_f32(const struct attention *attention, float *o, int64_t o_row,
                           float *scratch);

struct attention_slopes {
    const float *o; /* (T, H, D), tokens o_row apart */
    int64_t o_row;
    float *q, *k, *v; /* (T, H, D), tokens `row` apart; overwritten */
    int64_t row;
    float *bias;     /* (H, span), added to; or NULL */
    float *gap_bias; /* (H, ATTENTION_GAPS), added to; with gaps */
};
void attention_backward_f32(const struct attention *attention,
                            const struct attention_slopes *slopes, float *scratch);

#endif
