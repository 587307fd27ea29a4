/* Samples a second of training a 64-32-1 network, whole mlp_fit (encoding included), one thread
 * and all; beside the machine's sgemm rate, so that the share of it can be told. bench/mlp_peer.py
 * runs this beside PyTorch.  Use: bench_mlp [rows] [epochs] [threads] */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernel/blas.h"
#include "kit/bench.h"
#include "learn/mlp.h"

enum { SGEMM_SIZE = 1024, RUNS = 5 };

struct training {
    struct mlp_options options;
    struct learn_data data;
    struct pool *pool;
};

static void must(kai_status st, const kai_err *err) {
    if (st == KAI_OK) return;
    (void)fprintf(stderr, "bench_mlp: %s\n", err->message); /* nothing else can be done */
    exit(1);
}

static void train(void *user) {
    const struct training *training = user;
    struct mlp *mlp;
    kai_err err;
    must(mlp_fit(&training->options, 42, &training->data, training->pool, NULL, &mlp, &err), &err);
    mlp_free(mlp);
}

struct product {
    float *a, *b, *c;
};

static void multiply(void *user) {
    struct product *p = user;
    blas_gemm_f32(0, SGEMM_SIZE, SGEMM_SIZE, SGEMM_SIZE, p->a, SGEMM_SIZE, p->b, SGEMM_SIZE, p->c,
                  SGEMM_SIZE);
}

static double measure_sgemm(void) {
    const size_t floats = (size_t)SGEMM_SIZE * SGEMM_SIZE;
    struct product product = {mem_aligned(floats, sizeof(float)),
                              mem_aligned(floats, sizeof(float)),
                              mem_aligned(floats, sizeof(float))};
    if (!product.a || !product.b || !product.c) exit(1);
    const double flops = 2.0 * SGEMM_SIZE * SGEMM_SIZE * SGEMM_SIZE;
    double seconds = bench_run("sgemm", SGEMM_SIZE, 9, flops, multiply, &product);
    mem_free_aligned(product.a);
    mem_free_aligned(product.b);
    mem_free_aligned(product.c);
    return flops / seconds;
}

static struct matrix *make_features(int64_t rows, int32_t columns, double *target) {
    struct matrix *matrix;
    kai_err err;
    must(matrix_new(rows, columns, &matrix, &err), &err);
    struct rng rng;
    rng_init(&rng, 1, "bench.mlp", (uint64_t)columns);
    for (int32_t j = 0; j < columns; j++) {
        float *values = matrix_column(matrix, j);
        for (int64_t i = 0; i < rows; i++) {
            values[i] = (float)rng_normal(&rng);
            if (j == 0) target[i] = values[i] > 0.5f;
        }
    }
    return matrix;
}

/* Multiply-adds of one sample in both passes: weights twice, and inputs' slopes but the first. */
static double flops_of(int32_t inputs) {
    return 2.0 * (2 * (inputs * 64 + 64 * 32 + 32) + 64 * 32 + 32);
}

static void measure(int64_t rows, int32_t epochs, int32_t columns, int32_t batch, struct pool *pool,
                    double sgemm) {
    double *target = mem_array((size_t)rows, sizeof *target);
    if (!target) exit(1);
    struct matrix *matrix = make_features(rows, columns, target);
    struct training training = {.pool = pool};
    training.options =
        (struct mlp_options){.epochs = epochs, .batch_rows = batch, .validation_share = -1};
    training.data = (struct learn_data){
        .features = matrix, .target = target, .row_count = rows, .task = LEARN_BINARY};
    char name[64];
    (void)snprintf(name, sizeof name, "mlp inputs %d batch %d", columns, batch); /* fits */
    double samples = (double)(rows * epochs);
    double seconds = bench_run(name, (double)rows, RUNS, samples, train, &training);
    double share = samples * flops_of(columns) / seconds / sgemm / pool_threads(pool);
    printf("{\"name\":\"%s\",\"threads\":%d,\"samples_per_second\":%.0f,\"sgemm_share\":%.3f}\n",
           name, pool_threads(pool), samples / seconds, share);
    matrix_free(matrix);
    mem_free(target);
}

int main(int argc, char **argv) {
    int64_t rows = argc > 1 ? atoll(argv[1]) : 65536;
    int32_t epochs = argc > 2 ? atoi(argv[2]) : 5, threads = argc > 3 ? atoi(argv[3]) : 1;
    struct pool *pool;
    kai_err err;
    must(pool_new(threads, &pool, &err), &err);
    double sgemm = measure_sgemm();
    static const int32_t inputs[] = {20, 40, 60}, batches[] = {32, 4096};
    for (int b = 0; b < 2; b++)
        for (int i = 0; i < 3; i++) measure(rows, epochs, inputs[i], batches[b], pool, sgemm);
    pool_free(pool);
    return 0;
}
