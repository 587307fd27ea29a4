/* Gini impurity of several classes. A cell holds the weight of each class and the rows; the score
 * of a split is what it adds to the sum of squared class weights over the weight of the side,
 * times the weight of the node, so that it has the unit of the other criteria.
 */
#include <string.h>

#include "learn/forest_fill.h"
#include "learn/forest_kinds.h"

static int32_t width_classes(int32_t classes) { return classes + 1; }

ALWAYS_INLINE int32_t class_of(uint64_t word) {
    return (int32_t)(forest_sample_meta(word) & 0xffff);
}

ALWAYS_INLINE double draws_of(uint64_t word) {
    return (double)(int32_t)(forest_sample_meta(word) >> 16);
}

/* lanes 1: the weight is the draws; lanes 2: the second word. */
ALWAYS_INLINE double weight_of(const uint64_t *sample, int lanes) {
    return lanes == 1 ? draws_of(sample[0]) : number_of(sample[1]);
}

ALWAYS_INLINE struct fill_item read_counted(const uint64_t *sample) {
    double draws = draws_of(sample[0]);
    return (struct fill_item){.rows = draws, .weight = draws, .class_index = class_of(sample[0])};
}

ALWAYS_INLINE struct fill_item read_weighted(const uint64_t *sample) {
    return (struct fill_item){.rows = draws_of(sample[0]),
                              .weight = number_of(sample[1]),
                              .class_index = class_of(sample[0])};
}

ALWAYS_INLINE void add_class(void *cells, int64_t cell, struct fill_item item, int32_t classes) {
    double *at = (double *)cells + cell * (classes + 1);
    at[item.class_index] += item.weight;
    at[classes] += item.rows;
}

static void fill_counted(const struct forest_view *view, const int32_t *columns, int32_t count,
                         struct forest_scan *scan) {
    fill_any(view, columns, count, scan, 1, read_counted, add_class);
}

static void fill_weighted(const struct forest_view *view, const int32_t *columns, int32_t count,
                          struct forest_scan *scan) {
    fill_any(view, columns, count, scan, 2, read_weighted, add_class);
}

ALWAYS_INLINE struct forest_sums total_of(const uint64_t *samples, int64_t count, int lanes) {
    struct forest_sums total = {0};
    for (int64_t i = 0; i < count; i++) {
        total.rows += draws_of(samples[i * lanes]);
        total.weight += weight_of(samples + i * lanes, lanes);
    }
    return total;
}

static struct forest_sums total_counted(const uint64_t *samples, int64_t count) {
    return total_of(samples, count, 1);
}

static struct forest_sums total_weighted(const uint64_t *samples, int64_t count) {
    return total_of(samples, count, 2);
}

ALWAYS_INLINE int is_one_class(const uint64_t *samples, int64_t count, int lanes) {
    int32_t first = class_of(samples[0]);
    for (int64_t i = 1; i < count; i++) {
        if (class_of(samples[i * lanes]) != first) return 0;
    }
    return 1;
}

static int is_pure_counted(const uint64_t *samples, int64_t count) {
    return is_one_class(samples, count, 1);
}

static int is_pure_weighted(const uint64_t *samples, int64_t count) {
    return is_one_class(samples, count, 2);
}

ALWAYS_INLINE void sum_classes(const struct forest_view *view, int lanes, double *ret_sums) {
    for (int64_t i = 0; i < view->count; i++) {
        const uint64_t *sample = view->samples + i * lanes;
        ret_sums[class_of(sample[0])] += weight_of(sample, lanes);
    }
}

static void begin_counted(const struct forest_view *view, struct forest_scan *scan) {
    memset(scan->class_sums, 0, (size_t)scan->classes * sizeof *scan->class_sums);
    sum_classes(view, 1, scan->class_sums);
}

static void begin_weighted(const struct forest_view *view, struct forest_scan *scan) {
    memset(scan->class_sums, 0, (size_t)scan->classes * sizeof *scan->class_sums);
    sum_classes(view, 2, scan->class_sums);
}

/* What a division into the side and the rest scores; < 0 where it is not allowed. */
static double score_side(const struct forest_view *view, const struct forest_scan *scan,
                         const double *side, struct forest_sums *ret_left) {
    const double *total = scan->class_sums;
    int32_t classes = scan->classes;
    double left = 0, left_squares = 0, right_squares = 0, squares = 0;
    for (int32_t c = 0; c < classes; c++) {
        double rest = total[c] - side[c];
        left += side[c];
        left_squares += side[c] * side[c];
        right_squares += rest * rest;
        squares += total[c] * total[c];
    }
    double right = view->sums.weight - left;
    double rows = side[classes];
    if (rows < scan->rows_min || view->sums.rows - rows < scan->rows_min) return -1;
    if (!(left > 0) || !(right > 0)) return -1;
    *ret_left = (struct forest_sums){rows, left, 0};
    double added = left_squares / left + right_squares / right - squares / view->sums.weight;
    return added > 0 ? added * view->sums.weight : 0; /* below 0 by rounding only */
}

/* One pass over the bins, the side begun with what `side` holds. */
static void search_classes(const struct forest_view *view, int32_t column, const double *cells,
                           struct forest_scan *scan, double *side, uint8_t missing_left,
                           struct forest_split *best) {
    int32_t width = scan->classes + 1, count = view->bins->counts[column];
    int is_open = 0; /* the best split still waits for the next bin that holds rows */
    for (int32_t b = 0; b < count; b++) {
        const double *cell = cells + (int64_t)b * width;
        if (!(cell[scan->classes] > 0)) continue;
        if (is_open) best->next = (uint8_t)b;
        is_open = 0;
        for (int32_t c = 0; c < width; c++) side[c] += cell[c];
        struct forest_sums left;
        double score = score_side(view, scan, side, &left);
        if (score <= best->score) continue;
        *best = (struct forest_split){.score = score,
                                      .column = column,
                                      .bin = (uint8_t)b,
                                      .next = FOREST_BIN_MISSING,
                                      .missing_left = missing_left,
                                      .left = left};
        is_open = 1;
    }
}

static int scan_classes(const struct forest_view *view, int32_t column, int32_t slot,
                        struct forest_scan *scan, struct forest_split *best) {
    int32_t classes = scan->classes, width = classes + 1;
    int32_t count = view->bins->counts[column], present = 0;
    double *cells = scan->cells + (int64_t)slot * FOREST_CELLS * width;
    double *missing = cells + (int64_t)FOREST_BIN_MISSING * width;
    double *side = scan->class_sums + width;
    int has_missing = missing[classes] > 0;
    for (int32_t b = 0; b < count; b++) present += cells[(int64_t)b * width + classes] > 0;
    int is_mixed = present + has_missing >= 2;
    double before = best->score;
    if (is_mixed) {
        memset(side, 0, (size_t)width * sizeof *side);
        search_classes(view, column, cells, scan, side, 0, best);
    }
    if (is_mixed && has_missing) {
        memcpy(side, missing, (size_t)width * sizeof *side);
        search_classes(view, column, cells, scan, side, 1, best);
    } else if (best->score > before) {
        best->missing_left = 2 * best->left.weight >= view->sums.weight;
    }
    memset(cells, 0, (size_t)count * (size_t)width * sizeof *cells);
    memset(missing, 0, (size_t)width * sizeof *missing);
    return is_mixed;
}

static void share_classes(const struct forest_scan *scan, struct forest_sums sums,
                          float *ret_values) {
    for (int32_t c = 0; c < scan->classes; c++)
        ret_values[c] = (float)(scan->class_sums[c] / sums.weight);
}

static void leaf_counted(const struct forest_view *view, double offset, struct forest_scan *scan,
                         float *ret_values) {
    (void)offset;
    begin_counted(view, scan);
    share_classes(scan, view->sums, ret_values);
}

static void leaf_weighted(const struct forest_view *view, double offset, struct forest_scan *scan,
                          float *ret_values) {
    (void)offset;
    begin_weighted(view, scan);
    share_classes(scan, view->sums, ret_values);
}

static const struct forest_criterion COUNTED = {
    .lanes = 1,
    .cell_width = width_classes,
    .total = total_counted,
    .is_pure = is_pure_counted,
    .begin = begin_counted,
    .fill = fill_counted,
    .scan = scan_classes,
    .leaf = leaf_counted,
};

static const struct forest_criterion WEIGHTED = {
    .lanes = 2,
    .cell_width = width_classes,
    .total = total_weighted,
    .is_pure = is_pure_weighted,
    .begin = begin_weighted,
    .fill = fill_weighted,
    .scan = scan_classes,
    .leaf = leaf_weighted,
};

const struct forest_criterion *forest_criterion_classes(int is_weighted) {
    return is_weighted ? &WEIGHTED : &COUNTED;
}
