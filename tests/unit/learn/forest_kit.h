/* Small tables and fits that the forest's tests share. */
#ifndef KAIROS_TESTS_FOREST_KIT_H
#define KAIROS_TESTS_FOREST_KIT_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/rng.h"
#include "kit/check.h"
#include "learn/forest.h"
#include "learn/forest_tree.h"

struct forest_case {
    struct matrix *features; /* owned */
    double *target;          /* owned */
    double *weight;          /* owned or NULL */
    struct learn_data data;
};

static inline struct forest_case case_new(int64_t rows, int32_t columns, enum learn_task task,
                                          int32_t classes) {
    struct forest_case c = {0};
    kai_err err = {0};
    CHECK_OK(matrix_new(rows, columns, &c.features, &err), &err);
    c.target = mem_zero((size_t)rows, sizeof *c.target);
    assert_non_null(c.target);
    c.data = (struct learn_data){.features = c.features,
                                 .target = c.target,
                                 .row_count = rows,
                                 .task = task,
                                 .classes = classes};
    return c;
}

static inline void case_free(struct forest_case *c) {
    matrix_free(c->features);
    mem_free(c->target);
    mem_free(c->weight);
}

static inline double *case_weigh(struct forest_case *c) {
    c->weight = mem_zero((size_t)c->features->rows, sizeof *c->weight);
    assert_non_null(c->weight);
    c->data.weight = c->weight;
    return c->weight;
}

static inline float *case_value(struct forest_case *c, int64_t row, int32_t column) {
    return matrix_column(c->features, column) + row;
}

/* Normal columns, some rounded to few values, `missing_share` of them missing; the target depends
 * on the first three. */
static inline struct forest_case case_noisy(int64_t rows, int32_t columns, enum learn_task task,
                                            int32_t classes, double missing_share, uint64_t seed) {
    struct forest_case c = case_new(rows, columns, task, classes);
    struct rng rng;
    rng_init(&rng, seed, "forest case", 0);
    for (int64_t i = 0; i < rows; i++) {
        double signal = 0;
        for (int32_t k = 0; k < columns; k++) {
            double value = rng_normal(&rng);
            if (k % 3 == 1) value = round(2 * value);
            if (k < 3) signal += value * (k == 1 ? -0.5 : 1);
            if (rng_unit(&rng) >= missing_share) *case_value(&c, i, k) = (float)value;
        }
        signal += rng_normal(&rng);
        if (task == LEARN_REGRESSION) c.target[i] = signal;
        if (task == LEARN_BINARY) c.target[i] = signal > 0.5;
        if (task == LEARN_MULTICLASS)
            c.target[i] = fmin(classes - 1, fmax(0, floor(signal + classes / 2.0)));
    }
    return c;
}

/* One tree of all rows and all columns. */
static inline struct forest_options tree_options(void) {
    return (struct forest_options){.trees = 1, .without_replacement = 1, .feature_share = 1};
}

static inline struct forest *case_fit(const struct forest_case *c,
                                      const struct forest_options *options) {
    kai_err err = {0};
    struct forest *forest = NULL;
    CHECK_OK(forest_fit(options, 7, &c->data, NULL, NULL, &forest, &err), &err);
    return forest;
}

static inline double *case_predict(const struct forest_case *c, const struct forest *forest) {
    kai_err err = {0};
    int64_t rows = c->features->rows;
    double *scores = mem_zero((size_t)(rows * forest_outputs(forest)), sizeof *scores);
    assert_non_null(scores);
    CHECK_OK(forest_predict(forest, c->features, NULL, rows, NULL, scores, &err), &err);
    return scores;
}

static inline struct buf save_forest(const struct forest *forest) {
    struct buf out;
    struct bytes_writer writer;
    kai_err err = {0};
    buf_init(&out, CAPS_BUF_BYTES);
    bytes_write(&writer, &out);
    forest_save(forest, &writer);
    CHECK_OK(bytes_written(&writer, &err), &err);
    return out;
}

#endif
