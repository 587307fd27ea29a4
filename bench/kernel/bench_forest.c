/* Training and scoring of the random forest.
 *
 *   bench_forest                     tables of our own making, a line each
 *   bench_forest FILE key=value ...  a table that bench/forest_peer.py wrote, one line with the
 * area under the curve (or R2) on its test rows; keys: trees, depth, leaf, share (of the columns),
 * threads, seed, runs, regression
 *
 * FILE: int64 rows, columns, test rows (the last ones); then float32 columns one after another;
 * then float64 targets. All in the byte order of the machine: it is a scratch file.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/pool.h"
#include "base/rng.h"
#include "learn/forest.h"

struct run {
    struct matrix *features;
    double *target;
    int64_t test_rows;
    enum learn_task task;
    struct forest_options options;
    uint64_t seed;
    int32_t threads;
    int32_t runs;
};

static void stop(const char *what, const kai_err *err) {
    (void)fprintf(stderr, "bench_forest: %s: %s\n", what, err ? err->message : "");
    exit(1);
}

static double user_seconds(void) {
    struct rusage usage;
    (void)getrusage(RUSAGE_SELF, &usage);
    return (double)usage.ru_utime.tv_sec + 1e-6 * (double)usage.ru_utime.tv_usec;
}

struct scored {
    double score, target;
};

static int compare_scored(const void *a, const void *b) {
    double x = ((const struct scored *)a)->score, y = ((const struct scored *)b)->score;
    return (x > y) - (x < y);
}

static double area_under_curve(struct scored *rows, int64_t count) {
    qsort(rows, (size_t)count, sizeof *rows, compare_scored);
    double below = 0, negatives = 0, positives = 0;
    for (int64_t i = 0; i < count;) {
        double here[2] = {0};
        double score = rows[i].score;
        for (; i < count && rows[i].score == score; i++) here[rows[i].target > 0]++;
        below += here[1] * (negatives + here[0] / 2);
        negatives += here[0];
        positives += here[1];
    }
    return below / (negatives * positives);
}

static double r_squared(const struct scored *rows, int64_t count) {
    double mean = 0, left = 0, all = 0;
    for (int64_t i = 0; i < count; i++) mean += rows[i].target / (double)count;
    for (int64_t i = 0; i < count; i++) {
        left += (rows[i].score - rows[i].target) * (rows[i].score - rows[i].target);
        all += (rows[i].target - mean) * (rows[i].target - mean);
    }
    return 1 - left / all;
}

static double quality(const struct run *run, const double *scores, int64_t begin, int64_t count) {
    struct scored *rows = mem_array((size_t)count, sizeof *rows);
    if (!rows) stop("memory", NULL);
    for (int64_t i = 0; i < count; i++)
        rows[i] = (struct scored){scores[i], run->target[begin + i]};
    double answer =
        run->task == LEARN_REGRESSION ? r_squared(rows, count) : area_under_curve(rows, count);
    mem_free(rows);
    return answer;
}

static void measure(const char *name, const struct run *run) {
    kai_err err = {0};
    struct pool *pool = NULL;
    int64_t rows = run->features->rows, train = rows - run->test_rows;
    int64_t *ids = mem_array((size_t)rows, sizeof *ids);
    double *scores = mem_array((size_t)rows, sizeof *scores);
    if (!ids || !scores || pool_new(run->threads, &pool, &err)) stop("start", &err);
    for (int64_t i = 0; i < rows; i++) ids[i] = i;
    struct learn_data data = {
        .features = run->features, .target = run->target, .row_count = train, .task = run->task};
    double fit_s = INFINITY, fit_user_s = INFINITY, predict_s = 0, predict_user_s = 0, good = 0;
    for (int32_t i = 0; i < run->runs; i++) {
        struct forest *forest = NULL;
        double wall = clock_seconds(), user = user_seconds();
        if (forest_fit(&run->options, run->seed + (uint64_t)i, &data, pool, NULL, &forest, &err))
            stop("fit", &err);
        fit_s = fmin(fit_s, clock_seconds() - wall);
        fit_user_s = fmin(fit_user_s, user_seconds() - user);
        wall = clock_seconds();
        user = user_seconds();
        if (forest_predict(forest, run->features, ids + train, run->test_rows, pool, scores, &err))
            stop("predict", &err);
        predict_s = clock_seconds() - wall;
        predict_user_s = user_seconds() - user;
        good += quality(run, scores, train, run->test_rows) / run->runs;
        forest_free(forest);
    }
    (void)printf(
        "{\"name\":\"%s\",\"rows\":%lld,\"columns\":%d,\"trees\":%d,\"depth_max\":%d,"
        "\"threads\":%d,\"runs\":%d,\"fit_s\":%.4g,\"fit_user_s\":%.4g,\"test_rows\":%lld,"
        "\"predict_s\":%.4g,\"predict_user_s\":%.4g,\"%s\":%.5f}\n",
        name, (long long)train, run->features->columns,
        run->options.trees ? run->options.trees : 100, run->options.depth_max, pool_threads(pool),
        run->runs, fit_s, fit_user_s, (long long)run->test_rows, predict_s, predict_user_s,
        run->task == LEARN_REGRESSION ? "r2" : "auc", good);
    pool_free(pool);
    mem_free(ids);
    mem_free(scores);
}

static void release(struct run *run) {
    matrix_free(run->features);
    mem_free(run->target);
}

static void reserve(struct run *run, int64_t rows, int64_t columns) {
    kai_err err = {0};
    if (columns < 1 || columns > 1 << 20 ||
        matrix_new(rows, (int32_t)columns, &run->features, &err))
        stop("matrix", &err);
    run->target = mem_array((size_t)rows, sizeof *run->target);
    if (!run->target) stop("memory", NULL);
}

static void read_table(struct run *run, const char *path) {
    FILE *file = fopen(path, "rb");
    int64_t head[3];
    if (!file || fread(head, sizeof head, 1, file) != 1) stop(path, NULL);
    reserve(run, head[0], head[1]);
    run->test_rows = head[2];
    size_t rows = (size_t)head[0], values = rows * (size_t)head[1];
    if (fread(run->features->values, sizeof(float), values, file) != values ||
        fread(run->target, sizeof(double), rows, file) != rows)
        stop(path, NULL);
    (void)fclose(file);
}

/* Normal columns; the first ten carry the target. */
static void make_table(struct run *run, int64_t train, int64_t test, int32_t columns) {
    struct rng rng;
    rng_init(&rng, 42, "bench forest", (uint64_t)train);
    reserve(run, train + test, columns);
    run->test_rows = test;
    for (int32_t c = 0; c < columns; c++) {
        for (int64_t i = 0; i < train + test; i++)
            matrix_column(run->features, c)[i] = (float)rng_normal(&rng);
    }
    for (int64_t i = 0; i < train + test; i++) {
        double signal = rng_normal(&rng);
        for (int32_t c = 0; c < columns && c < 10; c++)
            signal += (c % 2 ? 1 : -1) * (double)matrix_column(run->features, c)[i] *
                      (c % 3 ? 1 : (double)matrix_column(run->features, (c + 1) % columns)[i]);
        run->target[i] = run->task == LEARN_BINARY ? signal > 0 : signal;
    }
}

static void read_key(struct run *run, const char *argument) {
    const char *equals = strchr(argument, '=');
    if (!equals) stop(argument, NULL);
    double value = strtod(equals + 1, NULL);
    size_t n = (size_t)(equals - argument);
    struct {
        const char *key;
        int32_t *number;
    } keys[] = {{"trees", &run->options.trees},
                {"depth", &run->options.depth_max},
                {"leaf", &run->options.leaf_rows_min},
                {"oob", &run->options.wants_out_of_bag},
                {"threads", &run->threads},
                {"runs", &run->runs}};
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        if (strlen(keys[i].key) == n && !strncmp(argument, keys[i].key, n))
            *keys[i].number = (int32_t)value;
    }
    if (!strncmp(argument, "share=", 6)) run->options.feature_share = value;
    if (!strncmp(argument, "seed=", 5)) run->seed = (uint64_t)value;
    if (!strncmp(argument, "regression=", 11))
        run->task = value > 0 ? LEARN_REGRESSION : LEARN_BINARY;
}

int main(int argc, char **argv) {
    struct run run = {.runs = 3, .seed = 1};
    if (argc > 1) {
        for (int i = 2; i < argc; i++) read_key(&run, argv[i]);
        read_table(&run, argv[1]);
        measure("file", &run);
        release(&run);
        return 0;
    }
    make_table(&run, 40000, 10000, 20);
    measure("until pure", &run);
    release(&run);
    run.options.depth_max = 12;
    make_table(&run, 160000, 40000, 50);
    measure("depth 12", &run);
    release(&run);
    run.task = LEARN_REGRESSION;
    run.options.depth_max = 8;
    run.options.leaf_rows_min = 50;
    make_table(&run, 64000, 16000, 8);
    measure("effect base learner", &run);
    release(&run);
    return 0;
}
