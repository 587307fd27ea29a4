/* What a split is judged by: the sums kept of each bin, and the search over them.
 *
 * The grower (forest_grow.c) knows rows, columns and nodes but not what is summed; everything that
 * depends on the target stands behind this table, whose functions work on a whole node at a time,
 * so that the choice costs nothing in the loops. A new criterion, such as the treatment effect of a
 * causal tree, is one more entry.
 *
 * A node's rows are samples of `lanes` 64-bit words. The low half of the first word is the row of
 * the bins, the high half `meta`: the bootstrap draws of the row (upper 16 bits, or all 32 where
 * the target needs none) and its class. The other words hold numbers. Private to
 * src/learn/forest*.c.
 */
#ifndef KAIROS_LEARN_FOREST_CRITERION_H
#define KAIROS_LEARN_FOREST_CRITERION_H

#include <stdint.h>

#include "learn/forest_bins.h"
#include "learn/learn.h"

enum { FOREST_BATCH = 4, FOREST_LANES_MAX = 3, FOREST_DRAWS_MAX = 255 };

/* Sums of a set of samples. */
struct forest_sums {
    double rows;   /* bootstrap draws */
    double weight; /* equal to rows where there are no weights */
    double sum;    /* of weight x target (binary: of class 1) */
};

struct forest_split {
    double score;   /* squared weight of the node x impurity removed; < 0 = none found */
    int32_t column; /* -1 = none */
    uint8_t bin;    /* the last bin of the left side that holds rows */
    uint8_t next;   /* the first bin of the right side that does; FOREST_BIN_MISSING = only
                       missing values are there */
    uint8_t missing_left;
    struct forest_sums left;
};

/* Scratch of one worker for the search. Present bins only, in order. */
struct forest_scan {
    int32_t classes;
    double rows_min; /* of a side */
    uint8_t bin[FOREST_CELLS];
    uint64_t packed[FOREST_CELLS];
    _Alignas(16) double rows[FOREST_CELLS];
    _Alignas(16) double weight[FOREST_CELLS];
    _Alignas(16) double sum[FOREST_CELLS];
    _Alignas(16) double score[FOREST_CELLS];
    double *cells;      /* (FOREST_BATCH, FOREST_CELLS, cell doubles), zero between calls */
    double *class_sums; /* (2, classes + 1): the node, a side */
};

/* The rows of a node. */
struct forest_view {
    const uint64_t *samples; /* (count, lanes) */
    int64_t count;
    struct forest_sums sums;
    const struct forest_bins *bins;
};

struct forest_criterion {
    int32_t lanes;
    /* Doubles of one cell of the histogram. */
    int32_t (*cell_width)(int32_t classes);
    struct forest_sums (*total)(const uint64_t *samples, int64_t count);
    /* All targets are equal. */
    int (*is_pure)(const uint64_t *samples, int64_t count);
    /* Sum up to FOREST_BATCH columns over the rows of the view into scan->cells. */
    void (*fill)(const struct forest_view *view, const int32_t *columns, int32_t count,
                 struct forest_scan *scan);
    /* Called once a node before its scans; may be NULL. */
    void (*begin)(const struct forest_view *view, struct forest_scan *scan);
    /* Improve `best` by the best split of the column whose sums are in `slot`, and clear the slot.
     * Returns 0 where all rows share one bin. */
    int (*scan)(const struct forest_view *view, int32_t column, int32_t slot,
                struct forest_scan *scan, struct forest_split *best);
    /* fill and scan in one for few rows, or NULL; used where small_fits. Sets bit k of
     * ret_constant where columns[k] is constant. */
    int (*small_fits)(const struct forest_view *view);
    uint32_t (*small)(const struct forest_view *view, const int32_t *columns, int32_t count,
                      struct forest_scan *scan, struct forest_split *best);
    /* The value(s) of a leaf; `offset` is what was taken off a number. ret_values: (outputs) */
    void (*leaf)(const struct forest_view *view, double offset, struct forest_scan *scan,
                 float *ret_values);
};

/* The criterion of a task: Gini for classes, variance for numbers. */
const struct forest_criterion *forest_criterion_of(enum learn_task task, int is_weighted);

static inline uint32_t forest_sample_row(uint64_t word) { return (uint32_t)word; }
static inline uint32_t forest_sample_meta(uint64_t word) { return (uint32_t)(word >> 32); }

#endif
