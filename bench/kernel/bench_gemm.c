/* Our products of a dense layer beside BLAS, which packs: forward and weight gradient of layers
 * from 40 x 64 up, at the chunk of 32 and 128 rows. The choice in kernel/gemm.c follows from it. */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernel/blas.h"
#include "kernel/dispatch.h"
#include "kit/bench.h"

enum { SIDE_MAX = 2048, RUNS = 21 };

struct work {
    struct gemm gemm;
    const struct kernel_table *table; /* NULL = BLAS */
    int repeats;
};

static void multiply(void *user) {
    struct work *work = user;
    const struct gemm *g = &work->gemm;
    for (int i = 0; i < work->repeats; i++) {
        if (work->table)
            work->table->gemm_f32(g);
        else
            blas_gemm_f32(g->a_is_transposed, g->m, g->n, g->k, g->a, g->a_row, g->b, g->b_row,
                          g->c, g->c_row);
    }
}

static float *numbers(uint64_t index) {
    const size_t count = (size_t)SIDE_MAX * SIDE_MAX;
    float *values = mem_aligned(count, sizeof *values);
    if (!values) exit(1);
    struct rng rng;
    rng_init(&rng, 1, "bench.gemm", index);
    for (size_t i = 0; i < count; i++) values[i] = (float)rng_unit(&rng);
    return values;
}

static void measure(const char *pass, struct gemm gemm) {
    const double flops = 2.0 * (double)(gemm.m * gemm.n * gemm.k);
    int repeats = (int)(1 + 1e7 / flops);
    static const char *const names[] = {"avx2", "blas"};
    for (int i = 0; i < 2; i++) {
        struct work work = {gemm, i ? NULL : kernel_table_named("avx2"), repeats};
        if (!i && !work.table) continue;
        char name[96];
        (void)snprintf(name, sizeof name, "%s %s m%d n%d k%d", names[i], pass, (int)gemm.m,
                       (int)gemm.n, (int)gemm.k);                                      /* fits */
        (void)bench_run(name, (double)gemm.m, RUNS, flops * repeats, multiply, &work); /* prints */
    }
}

int main(void) {
    float *a = numbers(1), *b = numbers(2), *c = numbers(3);
    static const int64_t layers[][2] = {{40, 64},   {64, 32},   {128, 128},
                                        {256, 256}, {512, 512}, {1024, 1024}};
    for (size_t l = 0; l < sizeof layers / sizeof *layers; l++)
        for (int64_t rows = 32; rows <= 128; rows += 96) {
            int64_t inputs = layers[l][0], outputs = layers[l][1];
            struct gemm forward = {.m = rows,
                                   .n = outputs,
                                   .k = inputs,
                                   .a = a,
                                   .a_row = inputs,
                                   .b = b,
                                   .b_row = outputs,
                                   .c = c,
                                   .c_row = outputs};
            struct gemm weights = {.m = inputs,
                                   .n = outputs,
                                   .k = rows,
                                   .a = a,
                                   .a_row = inputs,
                                   .b = b,
                                   .b_row = outputs,
                                   .c = c,
                                   .c_row = outputs,
                                   .a_is_transposed = 1};
            measure("forward", forward);
            measure("weights", weights);
        }
    mem_free_aligned(a);
    mem_free_aligned(b);
    mem_free_aligned(c);
    return 0;
}
