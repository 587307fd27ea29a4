/* The passes of the network against an independent one in double, by finite differences. */
#include "learn/mlp_net.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { ROWS = 19, UNITS_MAX = 64 };

/* One network with everything in it: numbers (one with an indicator), two one-hot categories, two
 * embeddings, two hidden layers. */
struct bench {
    struct matrix *matrix;
    struct mlp_input input;
    struct mlp_shape shape;
    struct mlp_chunk chunk;
    double *parameters, *tables; /* what the plain network reads; the floats are their roundings */
    float *parameters_f32, *tables_f32, *gradient, *back;
    enum learn_task task;
};

static double *normals(uint64_t index, int64_t count, double sd) {
    double *values = mem_zero((size_t)count, sizeof *values);
    struct rng rng;
    rng_init(&rng, 9, "test.net", index);
    for (int64_t i = 0; i < count; i++) values[i] = (double)(float)(sd * rng_normal(&rng));
    return values;
}

static float *rounded(const double *values, int64_t count) {
    float *floats = mem_aligned((size_t)count, sizeof *floats);
    for (int64_t i = 0; i < count; i++) floats[i] = (float)values[i];
    return floats;
}

static void fill_matrix(struct matrix *matrix, const int32_t *cardinalities) {
    kai_err err;
    struct rng rng;
    rng_init(&rng, 4, "test.net.matrix", 0);
    for (int32_t j = 0; j < matrix->columns; j++) {
        CHECK_OK(matrix_name(matrix, j, "x", "x", cardinalities[j], &err), &err);
        for (int64_t i = 0; i < matrix->rows; i++)
            matrix_column(matrix, j)[i] = cardinalities[j]
                                              ? (float)rng_below(&rng, (uint64_t)cardinalities[j])
                                              : (float)rng_normal(&rng);
    }
    matrix_column(matrix, 1)[4] = NAN;
}

static void set_up(struct bench *bench, enum learn_task task) {
    static const int32_t cardinalities[] = {0, 0, 0, 4, 3, 20, 30}, hidden[8] = {9, 5};
    int64_t ids[ROWS];
    kai_err err;
    memset(bench, 0, sizeof *bench);
    bench->task = task;
    for (int64_t i = 0; i < ROWS; i++) ids[i] = i;
    CHECK_OK(matrix_new(ROWS, 7, &bench->matrix, &err), &err);
    fill_matrix(bench->matrix, cardinalities);
    CHECK_OK(mlp_input_fit(bench->matrix, ids, ROWS, 16, NULL, &bench->input, &err), &err);
    struct mlp_shape *shape = &bench->shape;
    int32_t outputs = task == LEARN_MULTICLASS ? 3 : 1;
    CHECK_OK(mlp_shape_init(&bench->input, hidden, outputs, shape, &err), &err);
    CHECK_OK(mlp_chunk_init(shape, bench->input.embeddings, &bench->chunk, &err), &err);
    bench->parameters = normals(1, shape->parameters, 0.5);
    bench->tables = normals(2, bench->input.embedding_floats, 0.5);
    for (int32_t l = 0; l < shape->layers; l++) { /* padding is zero */
        const struct mlp_layer *layer = &shape->layer[l];
        int64_t end = layer->bias + layer->width;
        for (int64_t at = layer->weight; at < end; at++)
            if ((at - layer->weight) % layer->width >= layer->outputs) bench->parameters[at] = 0;
    }
    bench->parameters_f32 = rounded(bench->parameters, shape->parameters);
    bench->tables_f32 = rounded(bench->tables, bench->input.embedding_floats);
    bench->gradient = mem_aligned((size_t)shape->parameters, sizeof(float));
    bench->back = mem_aligned((size_t)shape->back_floats, sizeof(float));
    struct mlp_chunk *chunk = &bench->chunk;
    struct mlp_rows rows = {chunk->x, shape->layer[0].inputs, chunk->slots, chunk->codes};
    chunk->rows = ROWS;
    mlp_input_encode(&bench->input, bench->matrix, NULL, 0, ROWS, &rows);
    for (int64_t i = 0; i < ROWS; i++) {
        chunk->target[i] = (double)(i % (outputs > 1 ? 3 : 2));
        chunk->weight[i] = (1 + (double)(i % 4)) / ROWS;
    }
}

static void tear_down(struct bench *bench) {
    mem_free(bench->parameters);
    mem_free(bench->tables);
    mem_free_aligned(bench->parameters_f32);
    mem_free_aligned(bench->tables_f32);
    mem_free_aligned(bench->gradient);
    mem_free_aligned(bench->back);
    mlp_chunk_release(&bench->chunk);
    mlp_input_release(&bench->input);
    matrix_free(bench->matrix);
}

/* All inputs of a row as one dense vector: numbers, embeddings, one-hot zeros and ones. */
static int64_t dense_row(const struct bench *bench, int64_t row, double *x) {
    const struct mlp_input *input = &bench->input;
    int64_t at = 0;
    for (; at < input->numbers; at++)
        x[at] = (double)bench->chunk.x[row * (input->numbers + input->embedded) + at];
    for (int32_t j = 0; j < input->columns; j++) {
        const struct mlp_column *column = &input->column[j];
        if (column->kind != MLP_EMBEDDED) continue;
        int32_t code = bench->chunk.codes[row * input->embeddings + column->code_index];
        for (int32_t i = 0; i < column->embedding_width; i++)
            x[at++] = bench->tables[column->offset + code * column->embedding_width + i];
    }
    for (int64_t s = 0; s < input->slots; s++) x[at + s] = 0;
    for (int32_t c = 0; c < input->one_hots; c++)
        x[at + bench->chunk.slots[row * input->one_hots + c]] = 1;
    return at + input->slots;
}

static double plain_loss(const struct bench *bench) {
    double total = 0;
    for (int64_t r = 0; r < ROWS; r++) {
        double x[128], y[UNITS_MAX];
        int64_t inputs = dense_row(bench, r, x);
        for (int32_t l = 0; l < bench->shape.layers; l++) {
            const struct mlp_layer *layer = &bench->shape.layer[l];
            for (int32_t j = 0; j < layer->outputs; j++) {
                y[j] = bench->parameters[layer->bias + j];
                for (int64_t i = 0; i < inputs; i++)
                    y[j] += x[i] * bench->parameters[layer->weight + i * layer->width + j];
                if (l < bench->shape.layers - 1 && y[j] < 0) y[j] = 0;
            }
            inputs = layer->outputs;
            memcpy(x, y, (size_t)inputs * sizeof *x);
        }
        double target = bench->chunk.target[r], sum = 0, loss;
        for (int64_t c = 0; c < inputs; c++) sum += exp(y[c]);
        if (bench->task == LEARN_MULTICLASS)
            loss = log(sum) - y[(int)target];
        else
            loss = bench->task == LEARN_BINARY ? log1p(exp(y[0])) - target * y[0]
                                               : (y[0] - target) * (y[0] - target);
        total += bench->chunk.weight[r] * loss;
    }
    return total;
}

static double slope_of(const struct bench *bench, double *parameter) {
    const double h = 1e-6, kept = *parameter;
    *parameter = kept + h;
    double up = plain_loss(bench);
    *parameter = kept - h;
    double down = plain_loss(bench);
    *parameter = kept;
    return (up - down) / (2 * h);
}

static double run_passes(struct bench *bench) {
    mlp_embed(&bench->input, bench->tables_f32, &bench->chunk);
    mlp_forward(&bench->shape, bench->parameters_f32, &bench->chunk, NULL, 0);
    double loss = mlp_loss(&bench->shape, bench->task, &bench->chunk);
    mlp_transpose(&bench->shape, bench->parameters_f32, bench->back);
    mlp_backward(&bench->shape, bench->back, &bench->chunk, NULL, 0, bench->gradient);
    return loss;
}

/* Slopes of the tables' floats: those of the rows' vectors, added up. */
static double table_slope(const struct bench *bench, const struct mlp_column *column, int64_t code,
                          int64_t place) {
    const int64_t x_row = bench->shape.layer[0].inputs;
    double sum = 0;
    for (int64_t r = 0; r < ROWS; r++)
        if (bench->chunk.codes[r * bench->input.embeddings + column->code_index] == code)
            sum += (double)bench->chunk.x[r * x_row + column->dense + place];
    return sum;
}

static void check_gradient(enum learn_task task) {
    struct bench bench;
    set_up(&bench, task);
    CHECK_NEAR(run_passes(&bench), plain_loss(&bench), 1e-5);
    for (int64_t i = 0; i < bench.shape.parameters; i++)
        CHECK_NEAR((double)bench.gradient[i], slope_of(&bench, &bench.parameters[i]), 2e-5);
    int64_t embedded = 0;
    for (int32_t j = 0; j < bench.input.columns; j++) {
        const struct mlp_column *column = &bench.input.column[j];
        if (column->kind != MLP_EMBEDDED) continue;
        embedded++;
        int64_t width = column->embedding_width;
        for (int64_t code = 0; code <= column->cardinality; code++)
            for (int64_t i = 0; i < width; i++)
                CHECK_NEAR(table_slope(&bench, column, code, i),
                           slope_of(&bench, &bench.tables[column->offset + code * width + i]),
                           2e-5);
    }
    assert_int_equal(embedded, 2);
    tear_down(&bench);
}

static void test_mlp_net__gradient_is_the_derivative(void **state) {
    (void)state;
    check_gradient(LEARN_BINARY);
    check_gradient(LEARN_MULTICLASS);
    check_gradient(LEARN_REGRESSION);
}

static void test_mlp_net__adds_gradients_of_chunks(void **state) {
    (void)state;
    struct bench bench;
    set_up(&bench, LEARN_BINARY);
    (void)run_passes(&bench); /* its loss is checked above */
    float *once = mem_aligned((size_t)bench.shape.parameters, sizeof *once);
    memcpy(once, bench.gradient, (size_t)bench.shape.parameters * sizeof *once);
    mlp_embed(&bench.input, bench.tables_f32, &bench.chunk); /* backward wrote over them */
    mlp_backward(&bench.shape, bench.back, &bench.chunk, NULL, 1, bench.gradient);
    for (int64_t i = 0; i < bench.shape.parameters; i++)
        CHECK_NEAR((double)bench.gradient[i], 2 * (double)once[i], 1e-5);
    mem_free_aligned(once);
    tear_down(&bench);
}

/* The same parameters read as a dense layer over zeros and ones give the same logits and slopes.
 */
static void test_mlp_net__slots_equal_dense_one_hot(void **state) {
    (void)state;
    struct bench bench;
    set_up(&bench, LEARN_MULTICLASS);
    (void)run_passes(&bench); /* its loss is checked above */
    const struct mlp_input dense_input = {.numbers = bench.shape.layer[0].inputs +
                                                     (int32_t)bench.shape.slots};
    const int32_t hidden[8] = {9, 5};
    struct mlp_shape shape;
    struct mlp_chunk chunk;
    kai_err err;
    CHECK_OK(mlp_shape_init(&dense_input, hidden, 3, &shape, &err), &err);
    assert_int_equal(shape.parameters, bench.shape.parameters);
    CHECK_OK(mlp_chunk_init(&shape, 0, &chunk, &err), &err);
    chunk.rows = ROWS;
    for (int64_t r = 0; r < ROWS; r++) {
        double x[128];
        int64_t inputs = dense_row(&bench, r, x);
        for (int64_t i = 0; i < inputs; i++) chunk.x[r * inputs + i] = (float)x[i];
        chunk.target[r] = bench.chunk.target[r];
        chunk.weight[r] = bench.chunk.weight[r];
    }
    float *gradient = mem_aligned((size_t)shape.parameters, sizeof *gradient);
    float *back = mem_aligned((size_t)shape.back_floats, sizeof *back);
    mlp_forward(&shape, bench.parameters_f32, &chunk, NULL, 0);
    for (int64_t i = 0; i < ROWS * shape.layer[2].width; i++)
        CHECK_NEAR((double)chunk.activation[2][i], (double)bench.chunk.activation[2][i], 1e-5);
    (void)mlp_loss(&shape, LEARN_MULTICLASS, &chunk); /* the slopes are what is compared */
    mlp_transpose(&shape, bench.parameters_f32, back);
    mlp_backward(&shape, back, &chunk, NULL, 0, gradient);
    for (int64_t i = 0; i < shape.parameters; i++)
        CHECK_NEAR((double)gradient[i], (double)bench.gradient[i], 1e-5);
    mem_free_aligned(gradient);
    mem_free_aligned(back);
    mlp_chunk_release(&chunk);
    tear_down(&bench);
}

/* Units all at 1 in front of dropout: the share that is zero, the gain of the rest, and that a
 * row's mask depends on its place in the batch alone. */
static void test_mlp_net__dropout_keeps_the_asked_share(void **state) {
    (void)state;
    const struct mlp_input input = {.numbers = 1};
    const int32_t hidden[8] = {64};
    struct mlp_shape shape;
    struct mlp_chunk chunk;
    kai_err err;
    CHECK_OK(mlp_shape_init(&input, hidden, 1, &shape, &err), &err);
    CHECK_OK(mlp_chunk_init(&shape, 0, &chunk, &err), &err);
    float parameters[1024] = {0};
    assert_true(shape.parameters <= 1024);
    for (int j = 0; j < 64; j++) parameters[shape.layer[0].bias + j] = 1;
    struct mlp_dropout dropout = {.threshold = 65536 / 4, .key = {1, 2}};
    int64_t dropped = 0, kept_twice = 0;
    float first[64], other[64];
    for (uint64_t step = 0; step < 20; step++) {
        dropout.step = step;
        chunk.rows = MLP_CHUNK_ROWS;
        mlp_forward(&shape, parameters, &chunk, &dropout, 0);
        for (int i = 0; i < MLP_CHUNK_ROWS * 64; i++) {
            float value = chunk.activation[0][i];
            dropped += value < 0.5f;
            if (value > 0.5f) CHECK_NEAR((double)value, 4.0 / 3, 1e-6);
        }
        memcpy(other, chunk.activation[0] + 100 * 64, sizeof other);
        chunk.rows = 1;
        mlp_forward(&shape, parameters, &chunk, &dropout, 100);
        assert_memory_equal(other, chunk.activation[0], sizeof other);
        for (int j = 0; step && j < 64; j++) kept_twice += other[j] > 0.5f && first[j] > 0.5f;
        memcpy(first, other, sizeof first);
    }
    const double units = 20.0 * MLP_CHUNK_ROWS * 64;
    CHECK_NEAR((double)dropped / units, 0.25, 5 * sqrt(0.25 * 0.75 / units));
    CHECK_NEAR((double)kept_twice / (19 * 64), 0.5625, 0.07); /* steps are independent */
    mlp_chunk_release(&chunk);
}

static void test_mlp_net__refuses_too_many_parameters(void **state) {
    (void)state;
    const struct mlp_input input = {.numbers = 4, .one_hots = 1, .slots = 1ll << 40};
    const int32_t hidden[8] = {64};
    struct mlp_shape shape;
    kai_err err;
    CHECK_FAILS(mlp_shape_init(&input, hidden, 1, &shape, &err), &err, KAI_LIMIT, "parameters");
}

static void test_mlp_input__standardises_clips_and_indicates(void **state) {
    (void)state;
    struct matrix *matrix;
    struct mlp_input input;
    kai_err err;
    CHECK_OK(matrix_new(6, 2, &matrix, &err), &err);
    const float first[6] = {1, 2, 3, 1e9f, NAN, -INFINITY}, second[6] = {0, 1, 2, NAN, 7, -1};
    memcpy(matrix_column(matrix, 0), first, sizeof first);
    memcpy(matrix_column(matrix, 1), second, sizeof second);
    CHECK_OK(matrix_name(matrix, 0, "a", "a", 0, &err), &err);
    CHECK_OK(matrix_name(matrix, 1, "b", "b", 3, &err), &err);
    const int64_t ids[4] = {0, 1, 2, 4}; /* mean 2, sd sqrt(2/3), one missing */
    CHECK_OK(mlp_input_fit(matrix, ids, 4, 16, NULL, &input, &err), &err);
    assert_int_equal(input.numbers, 2);
    assert_int_equal(input.slots, 4);
    float numbers[12];
    int32_t slots[6];
    struct mlp_rows rows = {numbers, 2, slots, NULL};
    mlp_input_encode(&input, matrix, NULL, 0, 6, &rows);
    const double expected[12] = {-sqrt(1.5), 0, 0, 0, sqrt(1.5), 0, 8, 0, 0, 1, 0, 1};
    const int32_t expected_slots[6] = {0, 1, 2, 3, 3, 3};
    for (int i = 0; i < 12; i++) CHECK_NEAR((double)numbers[i], expected[i], 1e-6);
    assert_memory_equal(slots, expected_slots, sizeof slots);
    mlp_input_release(&input);
    matrix_free(matrix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mlp_net__gradient_is_the_derivative),
        cmocka_unit_test(test_mlp_net__adds_gradients_of_chunks),
        cmocka_unit_test(test_mlp_net__slots_equal_dense_one_hot),
        cmocka_unit_test(test_mlp_net__dropout_keeps_the_asked_share),
        cmocka_unit_test(test_mlp_net__refuses_too_many_parameters),
        cmocka_unit_test(test_mlp_input__standardises_clips_and_indicates),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
