#include "learn/mlp_net.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/rng.h"
#include "kernel/gemm.h"
#include "kernel/loss.h"

static int64_t padded(int64_t count) { return (count + MLP_PAD - 1) / MLP_PAD * MLP_PAD; }

kai_status mlp_shape_init(const struct mlp_input *input, const int32_t *hidden, int32_t outputs,
                          struct mlp_shape *ret_shape, kai_err *err) {
    struct mlp_shape shape = {.numbers = input->numbers,
                              .embedded = input->embedded,
                              .one_hots = input->one_hots,
                              .slots = input->slots};
    int64_t at = 0, back = 0;
    int32_t inputs = shape.numbers + shape.embedded;
    int is_last = 0;
    for (int32_t l = 0; !is_last; l++) {
        is_last = l == MLP_HIDDEN_MAX || hidden[l] == 0;
        struct mlp_layer *layer = &shape.layer[l];
        layer->inputs = inputs;
        layer->outputs = is_last ? outputs : hidden[l];
        layer->width = (int32_t)padded(layer->outputs);
        layer->weight = at;
        at += (int64_t)inputs * layer->width;
        if (l == 0) {
            shape.slot_weight = at;
            at += shape.slots * layer->width;
        } else {
            layer->back = back;
            back += layer->outputs * padded(inputs);
        }
        layer->bias = at;
        at += layer->width;
        if (at > CAPS_MLP_PARAMETERS || input->embedding_floats > CAPS_MLP_PARAMETERS)
            return err_set(err, KAI_LIMIT, "mlp: more than %d parameters", CAPS_MLP_PARAMETERS);
        inputs = layer->outputs;
        shape.layers = l + 1;
    }
    shape.parameters = at;
    shape.embedding_back = back;
    shape.back_floats = back + shape.layer[0].outputs * padded(shape.embedded);
    *ret_shape = shape;
    return KAI_OK;
}

static void fill_rows(struct rng *rng, double bound, int64_t rows, const struct mlp_layer *layer,
                      float *to) {
    for (int64_t i = 0; i < rows; i++, to += layer->width)
        for (int32_t j = 0; j < layer->outputs; j++)
            to[j] = (float)(bound * (2 * rng_unit(rng) - 1));
}

void mlp_init_parameters(const struct mlp_shape *shape, uint64_t seed, float *parameters) {
    memset(parameters, 0, (size_t)shape->parameters * sizeof *parameters);
    for (int32_t l = 0; l < shape->layers; l++) {
        const struct mlp_layer *layer = &shape->layer[l];
        int64_t active = layer->inputs + (l == 0 ? shape->one_hots : 0);
        double bound = active ? 1 / sqrt((double)active) : 0;
        struct rng rng;
        rng_init(&rng, seed, "mlp.init", (uint64_t)l);
        fill_rows(&rng, bound, layer->inputs, layer, parameters + layer->weight);
        if (l == 0) fill_rows(&rng, bound, shape->slots, layer, parameters + shape->slot_weight);
        fill_rows(&rng, bound, 1, layer, parameters + layer->bias);
    }
}

/* Cut the next n bytes, rounded to cache lines, off a block; measures where memory is NULL. */
static void *cut(char *memory, size_t *at, size_t bytes) {
    char *here = memory ? memory + *at : NULL;
    *at += (bytes + 63) / 64 * 64;
    return here;
}

static size_t view(const struct mlp_shape *shape, int32_t embeddings, char *memory,
                   struct mlp_chunk *chunk) {
    const size_t rows = MLP_CHUNK_ROWS;
    size_t at = 0;
    chunk->x = cut(memory, &at, rows * (size_t)shape->layer[0].inputs * sizeof(float));
    chunk->slots = cut(memory, &at, rows * (size_t)shape->one_hots * sizeof(int32_t));
    chunk->codes = cut(memory, &at, rows * (size_t)embeddings * sizeof(int32_t));
    for (int32_t l = 0; l < shape->layers; l++) {
        size_t bytes = rows * (size_t)shape->layer[l].width * sizeof(float);
        chunk->activation[l] = cut(memory, &at, bytes);
        chunk->delta[l] = cut(memory, &at, bytes);
    }
    chunk->ones = cut(memory, &at, rows * sizeof(float));
    chunk->target = cut(memory, &at, rows * sizeof(double));
    chunk->weight = cut(memory, &at, rows * sizeof(double));
    size_t outputs = (size_t)shape->layer[shape->layers - 1].outputs;
    chunk->slope = cut(memory, &at, outputs * sizeof(double));
    return at;
}

kai_status mlp_chunk_init(const struct mlp_shape *shape, int32_t embeddings,
                          struct mlp_chunk *ret_chunk, kai_err *err) {
    struct mlp_chunk chunk = {0};
    size_t bytes = view(shape, embeddings, NULL, &chunk);
    chunk.memory = mem_aligned(bytes, 1);
    if (!chunk.memory) return err_memory(err, (int64_t)bytes);
    (void)view(shape, embeddings, chunk.memory, &chunk); /* the size is known */
    for (int32_t i = 0; i < MLP_CHUNK_ROWS; i++) chunk.ones[i] = 1;
    *ret_chunk = chunk;
    return KAI_OK;
}

void mlp_chunk_release(struct mlp_chunk *chunk) {
    mem_free_aligned(chunk->memory);
    chunk->memory = NULL;
}

void mlp_embed(const struct mlp_input *input, const float *tables, struct mlp_chunk *chunk) {
    if (input->embeddings == 0) return;
    const int64_t x_row = input->numbers + input->embedded;
    for (int32_t j = 0; j < input->columns; j++) {
        const struct mlp_column *column = &input->column[j];
        if (column->kind != MLP_EMBEDDED) continue;
        const float *table = tables + column->offset;
        const int32_t *codes = chunk->codes + column->code_index;
        for (int64_t r = 0; r < chunk->rows; r++)
            memcpy(chunk->x + r * x_row + column->dense,
                   table + (int64_t)codes[r * input->embeddings] * column->embedding_width,
                   (size_t)column->embedding_width * sizeof *table);
    }
}

static float kept_gain(const struct mlp_dropout *dropout) {
    return dropout ? 65536.0f / (float)(65536 - dropout->threshold) : 1.0f;
}

/* One Philox block gives the 16-bit numbers of eight units. */
static void drop_units(const struct mlp_dropout *dropout, int32_t l, int64_t first_row,
                       int64_t rows, int64_t width, float *y) {
    const float gain = kept_gain(dropout);
    for (int64_t r = 0; r < rows; r++) {
        for (int64_t u = 0; u < width; u += MLP_PAD) {
            uint32_t counter[4] = {(uint32_t)(u / MLP_PAD) | (uint32_t)l << 24,
                                   (uint32_t)(first_row + r), (uint32_t)dropout->step,
                                   (uint32_t)(dropout->step >> 32)};
            uint32_t block[4];
            rng_philox(counter, dropout->key, block);
            float *unit = y + r * width + u;
            for (int32_t i = 0; i < MLP_PAD; i++) {
                uint32_t number = block[i / 2] >> (16 * (i % 2)) & 0xffff;
                unit[i] = number < dropout->threshold ? 0 : gain * unit[i];
            }
        }
    }
}

void mlp_forward(const struct mlp_shape *shape, const float *parameters, struct mlp_chunk *chunk,
                 const struct mlp_dropout *dropout, int64_t first_row) {
    for (int32_t l = 0; l < shape->layers; l++) {
        const struct mlp_layer *layer = &shape->layer[l];
        int has_slots = l == 0 && shape->one_hots > 0, is_last = l == shape->layers - 1;
        struct lookup lookup = {chunk->rows,  shape->one_hots, layer->width,
                                chunk->slots, layer->width,    layer->width};
        if (has_slots)
            lookup_forward_f32(&lookup, parameters + shape->slot_weight, chunk->activation[0]);
        struct gemm product = {.m = chunk->rows,
                               .n = layer->width,
                               .k = layer->inputs,
                               .a = l ? chunk->activation[l - 1] : chunk->x,
                               .a_row = l ? shape->layer[l - 1].width : layer->inputs,
                               .b = parameters + layer->weight,
                               .b_row = layer->width,
                               .c = chunk->activation[l],
                               .c_row = layer->width,
                               .bias = parameters + layer->bias,
                               .is_added = has_slots,
                               .is_relu = !is_last};
        gemm_f32(&product);
        if (dropout && !is_last)
            drop_units(dropout, l, first_row, chunk->rows, layer->width, chunk->activation[l]);
    }
}

static double row_loss(enum learn_task task, int32_t outputs, const float *logits, double target,
                       double *ret_slope) {
    if (task == LEARN_MULTICLASS)
        return softmax_cross_entropy_f32(outputs, logits, (int32_t)target, ret_slope);
    return task == LEARN_BINARY ? sigmoid_cross_entropy_f32(logits[0], target, ret_slope)
                                : squared_error_f32(logits[0], target, ret_slope);
}

double mlp_loss(const struct mlp_shape *shape, enum learn_task task, struct mlp_chunk *chunk) {
    const struct mlp_layer *layer = &shape->layer[shape->layers - 1];
    double sum = 0;
    for (int64_t r = 0; r < chunk->rows; r++) {
        const float *logits = chunk->activation[shape->layers - 1] + r * layer->width;
        float *delta = chunk->delta[shape->layers - 1] + r * layer->width;
        double *slope = chunk->slope;
        sum += chunk->weight[r] * row_loss(task, layer->outputs, logits, chunk->target[r], slope);
        for (int32_t j = 0; j < layer->outputs; j++)
            delta[j] = (float)(chunk->weight[r] * slope[j]);
    }
    return sum;
}

void mlp_transpose(const struct mlp_shape *shape, const float *parameters, float *back) {
    for (int32_t l = 1; l < shape->layers; l++) {
        const struct mlp_layer *layer = &shape->layer[l];
        transpose_f32(layer->inputs, layer->outputs, parameters + layer->weight, layer->width,
                      back + layer->back, padded(layer->inputs));
    }
    const struct mlp_layer *first = &shape->layer[0];
    transpose_f32(shape->embedded, first->outputs,
                  parameters + first->weight + (int64_t)shape->numbers * first->width, first->width,
                  back + shape->embedding_back, padded(shape->embedded));
}

static void add_layer_gradient(const struct mlp_shape *shape, int32_t l,
                               const struct mlp_chunk *chunk, int is_added, float *gradient) {
    const struct mlp_layer *layer = &shape->layer[l];
    struct gemm weights = {.m = layer->inputs,
                           .n = layer->width,
                           .k = chunk->rows,
                           .a = l ? chunk->activation[l - 1] : chunk->x,
                           .a_row = l ? shape->layer[l - 1].width : layer->inputs,
                           .b = chunk->delta[l],
                           .b_row = layer->width,
                           .c = gradient + layer->weight,
                           .c_row = layer->width,
                           .a_is_transposed = 1,
                           .is_added = is_added};
    gemm_f32(&weights);
    struct gemm bias = weights; /* ones times delta */
    bias.m = 1;
    bias.a = chunk->ones;
    bias.a_is_transposed = 0;
    bias.c = gradient + layer->bias;
    gemm_f32(&bias);
    if (l > 0 || shape->one_hots == 0) return;
    float *slots = gradient + shape->slot_weight;
    if (!is_added) memset(slots, 0, (size_t)(shape->slots * layer->width) * sizeof *slots);
    struct lookup lookup = {chunk->rows,  shape->one_hots, layer->width,
                            chunk->slots, layer->width,    layer->width};
    lookup_backward_f32(&lookup, chunk->delta[0], slots);
}

void mlp_backward(const struct mlp_shape *shape, const float *back, struct mlp_chunk *chunk,
                  const struct mlp_dropout *dropout, int is_added, float *gradient) {
    for (int32_t l = shape->layers - 1; l >= 0; l--) {
        const struct mlp_layer *layer = &shape->layer[l];
        add_layer_gradient(shape, l, chunk, is_added, gradient);
        struct gemm inputs = {
            .m = chunk->rows, .k = layer->outputs, .a = chunk->delta[l], .a_row = layer->width};
        if (l > 0) {
            inputs.n = inputs.b_row = inputs.c_row = inputs.gate_row = shape->layer[l - 1].width;
            inputs.b = back + layer->back;
            inputs.c = chunk->delta[l - 1];
            inputs.gate = chunk->activation[l - 1];
            inputs.gain = kept_gain(dropout);
        } else {
            inputs.n = shape->embedded;
            inputs.b = back + shape->embedding_back;
            inputs.b_row = padded(shape->embedded);
            inputs.c = chunk->x + shape->numbers;
            inputs.c_row = layer->inputs;
        }
        gemm_f32(&inputs);
    }
}
