/* Cross-entropy of the next item over the whole catalogue, without the logits in memory.
 *
 *   logit(r, i) = scale u(r) . e(i),  u and e of length 1
 *   loss = sum over rows of log sum over i of e^logit(r, i)  -  logit(r, target(r))
 *
 * COSINE_ROWS rows at a time meet all items; the exponentials of one block stay in the second
 * cache. A cosine is at most 1, so scale itself is the shift that keeps e^x from overflow; scale
 * must be at most 40, so that e^(-2 scale) is still a float.
 */
#ifndef KAIROS_KERNEL_COSINE_LOSS_H
#define KAIROS_KERNEL_COSINE_LOSS_H

#include <stdint.h>

enum { COSINE_ROWS = 64, COSINE_PANEL = 16 };

struct catalogue {
    int64_t items, width; /* V, D; D a multiple of 8 */
    float *unit;          /* (V, D) rows of length 1 */
    float *inverse;       /* (V) 1 / length of the row they came from */
    float *panels;        /* (ceil(V / 16), D, 16) the same, for products with states */
};

/* Fill items first .. last-1 from the rows of a table (V, D). `first` is a multiple of 16; the
 * rest of the last panel becomes zero. */
void catalogue_fill(const struct catalogue *catalogue, const float *table, int64_t first,
                    int64_t last);
int64_t catalogue_panel_floats(int64_t items, int64_t width);

/* logits: (rows, V) at rows of `row` >= 16 ceil(V / 16) floats; u: (rows, D). The columns beyond
 * V are zero. */
void cosine_scores_f32(const struct catalogue *catalogue, int64_t rows, const float *u,
                       float *ret_scores, int64_t row);

struct cosine_loss {
    float scale;
    double weight;          /* of the loss in the slopes */
    int64_t rows;           /* N */
    const float *u;         /* (N, D) */
    const int32_t *targets; /* (N) */
};
/* Floats at `scratch`. */
int64_t cosine_loss_scratch(int64_t items, int64_t width);
/* Returns the loss, without weight. du: (N, D) overwritten; de: (V, D) slopes by the unit rows,
 * added to. */
double cosine_loss_f32(const struct catalogue *catalogue, const struct cosine_loss *loss,
                       float *restrict du, float *restrict de, float *scratch);

#endif
