/* The causal forest on a process whose truth is known:
 *
 *   bench_causal [rows [trees [sample_share [threads [leaf_rows_min [columns_tried]]]]]]
 *
 * x uniform on [0, 1]^25, e = (1 + beta_{2,4}(x3)) / 4, y = 2 x3 - 1 + (w - e) tau + N(0, 1),
 * tau = z(x1) z(x2), z(t) = 1 + 1 / (1 + exp(-20 (t - 1/3))): Wager, Athey 2018, section 5, with
 * the confounding of their first experiment. Prints seconds by stage, memory, root mean squared
 * error and the coverage of 95 % intervals out of bag, and on 1,000 new rows. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/rng.h"
#include "learn/causal.h"

enum { COLUMNS = 25, NEW_ROWS = 1000 };

static double wave(double t) { return 1 + 1 / (1 + exp(-20 * (t - 1.0 / 3))); }

static double effect_of(const struct matrix *x, int64_t i) {
    return wave(matrix_column(x, 0)[i]) * wave(matrix_column(x, 1)[i]);
}

static struct matrix *draw(int64_t rows, uint64_t seed, double *w, double *y) {
    struct matrix *x = NULL;
    if (matrix_new(rows, COLUMNS, &x, NULL)) exit(1);
    for (int64_t i = 0; i < rows; i++) {
        struct rng rng;
        rng_init(&rng, seed, "process", (uint64_t)i);
        for (int32_t c = 0; c < COLUMNS; c++) matrix_column(x, c)[i] = (float)rng_unit(&rng);
        if (!w) continue;
        double t = matrix_column(x, 2)[i];
        double chance = (1 + 20 * t * (1 - t) * (1 - t) * (1 - t)) / 4;
        w[i] = rng_unit(&rng) < chance;
        y[i] = 2 * t - 1 + (w[i] - chance) * effect_of(x, i) + rng_normal(&rng);
    }
    return x;
}

struct stages {
    double last;
    const char *name;
};

static int tell(void *user, const char *stage, int64_t done, int64_t total) {
    struct stages *stages = user;
    (void)done;
    (void)total;
    if (stages->name && strcmp(stages->name, stage) == 0) return 0;
    double now = clock_seconds();
    if (stages->name) fprintf(stderr, "  %-18s %7.2f s\n", stages->name, now - stages->last);
    stages->name = stage;
    stages->last = now;
    return 0;
}

static void judge(const char *what, const struct matrix *x, const double *effect,
                  const double *variance, int64_t rows) {
    double square = 0, width = 0;
    int64_t covered = 0, used = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (isnan(effect[i])) continue;
        double miss = effect[i] - effect_of(x, i), half = 1.959964 * sqrt(variance[i]);
        square += miss * miss;
        covered += fabs(miss) <= half;
        width += 2 * half;
        used++;
    }
    double n = (double)used;
    printf(
        "{\"name\":\"causal.%s\",\"rows\":%lld,\"rmse\":%.5f,\"coverage\":%.4f,\"width\":%.4f}\n",
        what, (long long)used, sqrt(square / n), (double)covered / n, width / n);
}

int main(int argc, char **argv) {
    int64_t rows = argc > 1 ? atoll(argv[1]) : 1000000;
    struct causal_options options;
    causal_options_init(&options);
    options.trees = argc > 2 ? atoi(argv[2]) : 2000;
    options.sample_share = argc > 3 ? atof(argv[3]) : 0.1;
    if (argc > 5) options.leaf_rows_min = atoi(argv[5]);
    if (argc > 6) options.columns_tried = atoi(argv[6]);
    struct pool *pool = NULL;
    struct causal *causal = NULL;
    struct stages stages = {0};
    struct progress progress = {tell, &stages};
    kai_err err = {0};
    double *w = calloc((size_t)rows, sizeof *w), *y = calloc((size_t)rows, sizeof *y);
    if (pool_new(argc > 4 ? atoi(argv[4]) : 0, &pool, &err)) return 1;
    struct matrix *x = draw(rows, 1, w, y), *fresh = draw(NEW_ROWS, 2, NULL, NULL);
    struct causal_data data = {.features = x, .treatment = w, .outcome = y, .row_count = rows};
    double start = clock_seconds();
    if (causal_fit(&options, &data, pool, &progress, &causal, &err)) {
        fprintf(stderr, "bench_causal: %s\n", err.message);
        return 1;
    }
    (void)tell(&stages, "end", 0, 0);
    double seconds = clock_seconds() - start;
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    printf(
        "{\"name\":\"causal.fit\",\"rows\":%lld,\"trees\":%d,\"share\":%g,\"seconds\":%.2f,"
        "\"cpu_s\":%.2f,\"peak_mb\":%.0f,\"nodes\":%lld}\n",
        (long long)rows, options.trees, options.sample_share, seconds,
        (double)usage.ru_utime.tv_sec + (double)usage.ru_utime.tv_usec / 1e6,
        (double)usage.ru_maxrss / 1024, (long long)causal_nodes(causal));
    judge("out_of_bag", x, causal_effect(causal), causal_variance(causal), rows);
    double effect[NEW_ROWS], variance[NEW_ROWS], average = 0, error = 0;
    if (causal_predict(causal, fresh, NULL, NEW_ROWS, pool, effect, variance, &err)) return 1;
    judge("new_rows", fresh, effect, variance, NEW_ROWS);
    causal_average(causal, &average, &error);
    double truth = 0;
    for (int64_t i = 0; i < rows; i++) truth += effect_of(x, i) / (double)rows;
    printf("{\"name\":\"causal.average\",\"value\":%.5f,\"error\":%.5f,\"truth\":%.5f}\n", average,
           error, truth);
    causal_free(causal);
    matrix_free(x);
    matrix_free(fresh);
    pool_free(pool);
    free(w);
    free(y);
    return 0;
}
