/* The transformer over a chunk of packed sequences: forward, and backward by recorded activations.
 *
 *   x0 = drop(sqrt(D) table(item) + positions(place) + waits(time until the next is asked for))
 *   each block:  [g q k v] = norm(x) in;  a = attention(q, k, v);  x += drop(silu(g) norm(a)) out
 *                [s t] = norm(x) up;      x += drop(silu(s) t) down ... dropped after `down`
 *   u = norm(x) / sqrt(D), a vector of length 1 (but for norm's epsilon)
 *
 * Pointwise attention passes q, k, v through silu first (HSTU). Sequences of unequal length lie one
 * after another; nothing is padded.
 */
#ifndef KAIROS_BEHAVE_TRUNK_H
#define KAIROS_BEHAVE_TRUNK_H

#include <stdint.h>

#include "behave/behave_shape.h"

/* Sequences that are worked on together, and everything that backward needs of them. */
struct trunk {
    int64_t capacity;      /* events that fit */
    int64_t rows;          /* N, events that are there */
    int64_t sequences;     /* S */
    const int64_t *starts; /* (S + 1) rows, from 0; borrowed */
    const int32_t *items;  /* (N), borrowed */
    const int64_t *times;  /* (N) of the events, borrowed; NULL = none is known */
    const int64_t *asked;  /* (N) when the next item is asked for: the time of the event that
                              follows, or of the request; borrowed, with times */
    uint8_t *gaps;         /* owned; (T, T) for each sequence, rows of sequence s from starts[s] *
                              length on */
    float *floats;         /* owned; all activations */
    uint8_t *noise;        /* owned; (1 + 2 blocks, N, D) */
    float *scratch;        /* owned; of attention */
    float *x;              /* (N, D) the residual stream; in backward its slope */
    float *u;              /* (N, D) unit states; out of forward */
    float *u_inverse;      /* (N) */
    float *wide;           /* (N, max(4D, 2F)) */
    float *branch;         /* (N, max(D, F)) */
    float *other;          /* (N, D) */
    float *blocks;         /* activations of block 0, then of block 1, ... */
};

/* What dropout draws from: one stream for each (seed, index). threshold 0 = no dropout. */
struct trunk_noise {
    uint64_t seed, index;
    int32_t threshold; /* of 256 */
};

KAI_MUST_CHECK kai_status trunk_init(const struct behave_shape *shape, int64_t capacity,
                                     struct trunk *trunk, kai_err *err);
void trunk_release(struct trunk *trunk);
int64_t trunk_bytes(const struct behave_shape *shape, int64_t capacity);
/* Fills u. noise NULL = none, for prediction. */
void trunk_forward(const struct behave_shape *shape, const float *parameters,
                   const struct trunk_noise *noise, struct trunk *trunk);
/* du: (N, D) slopes of u. Adds to `gradient`, laid out as the parameters, all but the table;
 * trunk->x becomes the slope of sqrt(D) table(item), (N, D). back: behave_transpose. */
void trunk_backward(const struct behave_shape *shape, const float *parameters, const float *back,
                    const struct trunk_noise *noise, struct trunk *trunk, const float *du,
                    float *gradient);

#endif
