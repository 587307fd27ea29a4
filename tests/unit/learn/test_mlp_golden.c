/* Whole training steps beside PyTorch's, from the same parameters (tests/golden/mlp_steps.py). */
#include <math.h>
#include <string.h>

#include "golden/mlp_steps.h"
#include "kernel/adam.h"
#include "kit/check.h"
#include "learn/mlp_net.h"

enum { PARAMETERS_MAX = 512 };

/* Between the file's dense order and the padded block. */
static void unpack(const struct mlp_shape *shape, const float *dense, float *block) {
    memset(block, 0, PARAMETERS_MAX * sizeof *block);
    for (int32_t l = 0; l < shape->layers; l++) {
        const struct mlp_layer *layer = &shape->layer[l];
        for (int32_t i = 0; i <= layer->inputs; i++) { /* the bias is one more row */
            int64_t row = i < layer->inputs ? layer->weight + i * layer->width : layer->bias;
            for (int32_t j = 0; j < layer->outputs; j++) block[row + j] = *dense++;
        }
    }
}

static double take_step(const struct golden_steps *golden, const struct mlp_shape *shape,
                        struct mlp_chunk *chunk, int step, float *block[5]) {
    const int64_t first = (int64_t)step * GOLDEN_ROWS;
    chunk->rows = GOLDEN_ROWS;
    memcpy(chunk->x, golden->x + first * GOLDEN_INPUTS,
           GOLDEN_ROWS * GOLDEN_INPUTS * sizeof *chunk->x);
    for (int64_t r = 0; r < GOLDEN_ROWS; r++) {
        chunk->target[r] = (double)golden->target[first + r];
        chunk->weight[r] = 1.0 / GOLDEN_ROWS;
    }
    mlp_forward(shape, block[0], chunk, NULL, 0);
    double loss = mlp_loss(shape, golden->task, chunk);
    mlp_transpose(shape, block[0], block[4]);
    mlp_backward(shape, block[4], chunk, NULL, 0, block[1]);
    struct adam adam = adam_at(0.01, step + 1);
    adam_step_f32(&adam, shape->parameters, block[1], block[0], block[2], block[3]);
    return loss;
}

static void test_mlp_golden__steps_as_pytorch_does(void **state) {
    (void)state;
    for (size_t g = 0; g < sizeof GOLDEN / sizeof *GOLDEN; g++) {
        const struct golden_steps *golden = &GOLDEN[g];
        const struct mlp_input input = {.numbers = GOLDEN_INPUTS};
        const int32_t hidden[MLP_HIDDEN_MAX] = {7, 3};
        float parameters[PARAMETERS_MAX], gradient[PARAMETERS_MAX], end[PARAMETERS_MAX];
        float mean[PARAMETERS_MAX] = {0}, square[PARAMETERS_MAX] = {0}, back[PARAMETERS_MAX] = {0};
        float *block[5] = {parameters, gradient, mean, square, back};
        struct mlp_shape shape;
        struct mlp_chunk chunk;
        kai_err err;
        CHECK_OK(mlp_shape_init(&input, hidden, golden->outputs, &shape, &err), &err);
        assert_true(shape.parameters <= PARAMETERS_MAX && shape.back_floats <= PARAMETERS_MAX);
        CHECK_OK(mlp_chunk_init(&shape, 0, &chunk, &err), &err);
        unpack(&shape, golden->start, parameters);
        unpack(&shape, golden->end, end);
        for (int step = 0; step < GOLDEN_STEPS; step++)
            CHECK_NEAR(take_step(golden, &shape, &chunk, step, block), (double)golden->loss[step],
                       2e-6);
        for (int64_t i = 0; i < shape.parameters; i++)
            CHECK_NEAR((double)parameters[i], (double)end[i], 2e-6);
        mlp_chunk_release(&chunk);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_mlp_golden__steps_as_pytorch_does)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
