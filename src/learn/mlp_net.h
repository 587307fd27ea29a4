/* The layers: where parameters lie, and the two passes over up to MLP_CHUNK_ROWS rows.
 *
 * All weights and biases are one block of floats, so that Adam is one loop and a gradient is the
 * same block again. Layer l holds weights (inputs, width) and then a bias (width); width is the
 * outputs rounded up to whole vectors, and the padding stays zero because its gradient is. Layer 0
 * has the rows of the one-hot slots after those of its dense inputs (numbers, then embeddings).
 */
#ifndef KAIROS_LEARN_MLP_NET_H
#define KAIROS_LEARN_MLP_NET_H

#include <stdint.h>

#include "base/err.h"
#include "learn/learn.h"
#include "learn/mlp_input.h"

enum { MLP_HIDDEN_MAX = 8, MLP_LAYERS_MAX = 9, MLP_CHUNK_ROWS = 128, MLP_PAD = 8 };

struct mlp_layer {
    int32_t inputs;  /* dense inputs; of layer 0 without slots */
    int32_t outputs; /* units that exist */
    int32_t width;   /* outputs and padding */
    int64_t weight;  /* first float of the weights in the block */
    int64_t bias;
    int64_t back; /* layers > 0: first float of its transposed weights in their block */
};

struct mlp_shape {
    int32_t layers;
    struct mlp_layer layer[MLP_LAYERS_MAX];
    int32_t numbers, embedded, one_hots;
    int64_t slots;
    int64_t slot_weight; /* first float of the one-hot rows of layer 0 */
    int64_t parameters;
    int64_t embedding_back; /* transposed weights of the embedded inputs of layer 0 */
    int64_t back_floats;    /* of the block of transposed weights */
};

/* Scratch for one chunk of rows; views into one block. */
struct mlp_chunk {
    int64_t rows;
    float *x; /* (rows, numbers + embedded) */
    int32_t *slots, *codes;
    float *activation[MLP_LAYERS_MAX]; /* (rows, width) after relu and dropout; the last: logits */
    float *delta[MLP_LAYERS_MAX];      /* (rows, width) slopes of the loss by the logits */
    float *ones;                       /* (MLP_CHUNK_ROWS) */
    double *target, *weight;           /* (rows); the weight over the batch's rows */
    double *slope;                     /* (outputs) of one row */
    void *memory;                      /* owned */
};

/* Dropout of one step: unit u of batch row r in layer l is kept by a number keyed (seed, step, l,
 * r, u), so that masks do not depend on the order of work. */
struct mlp_dropout {
    uint32_t threshold; /* share dropped in 1/65536; 0 = off */
    uint32_t key[2];
    uint64_t step;
};

/* Fails: KAI_LIMIT (too many parameters). hidden ends with 0 or after MLP_HIDDEN_MAX. */
KAI_MUST_CHECK kai_status mlp_shape_init(const struct mlp_input *input, const int32_t *hidden,
                                         int32_t outputs, struct mlp_shape *ret_shape,
                                         kai_err *err);
/* Uniform +-1/sqrt(inputs that are not zero), weights and biases (LeCun et al., "Efficient
 * BackProp", 1998; PyTorch's default). */
void mlp_init_parameters(const struct mlp_shape *shape, uint64_t seed, float *parameters);

KAI_MUST_CHECK kai_status mlp_chunk_init(const struct mlp_shape *shape, int32_t embeddings,
                                         struct mlp_chunk *ret_chunk, kai_err *err);
void mlp_chunk_release(struct mlp_chunk *chunk);

/* Put the embedding vectors of chunk->codes behind the numbers of chunk->x. */
void mlp_embed(const struct mlp_input *input, const float *tables, struct mlp_chunk *chunk);
/* x and slots to activations. first_row: the chunk's place in the batch, for dropout (may be
 * NULL). */
void mlp_forward(const struct mlp_shape *shape, const float *parameters, struct mlp_chunk *chunk,
                 const struct mlp_dropout *dropout, int64_t first_row);
/* Loss of the chunk (sum of weight x loss) and the last delta. */
double mlp_loss(const struct mlp_shape *shape, enum learn_task task, struct mlp_chunk *chunk);
/* The transposed weights that the backward pass reads; once a step. back: zeroed at birth. */
void mlp_transpose(const struct mlp_shape *shape, const float *parameters, float *back);
/* Last delta to the gradient of every parameter: added where is_added, else written. Leaves the
 * gradient of the embedded inputs in chunk->x behind the numbers. */
void mlp_backward(const struct mlp_shape *shape, const float *back, struct mlp_chunk *chunk,
                  const struct mlp_dropout *dropout, int is_added, float *gradient);

#endif
