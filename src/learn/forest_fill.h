/* The walk over a node's rows that every criterion's histogram shares, as a template: the number of
 * lanes, of columns and the addition are constants at each use, so that each becomes its own tight
 * loop. Private to src/learn/forest*.c.
 */
#ifndef KAIROS_LEARN_FOREST_FILL_H
#define KAIROS_LEARN_FOREST_FILL_H

#include <stdint.h>
#include <string.h>

#include "learn/forest_criterion.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { PREFETCH_ROWS = 12, PREFETCH_FROM = 512, DENSE_SHARE = 16 };

ALWAYS_INLINE double number_of(uint64_t word) {
    double value;
    memcpy(&value, &word, sizeof value);
    return value;
}

/* A sample read once, before any cell is written: the compiler cannot know that cells and samples
 * are apart. Which fields mean something is between `read` and `add` of a criterion. */
struct fill_item {
    uint64_t packed;
    double rows, weight, sum;
    int64_t class_index;
};

typedef struct fill_item (*read_fn)(const uint64_t *sample);
/* `cell` counts cells from the first of the batch. */
typedef void (*add_fn)(void *cells, int64_t cell, struct fill_item item, int32_t classes);

ALWAYS_INLINE void fill_columns(const struct forest_view *view, const int32_t *columns,
                                struct forest_scan *scan, int lanes, int count, read_fn read,
                                add_fn add) {
    const struct forest_bins *bins = view->bins;
    int64_t n = view->count, offsets[FOREST_BATCH];
    /* rows that lie dense are read column by column: a line of memory holds 64 of them */
    int is_dense = n * DENSE_SHARE > bins->rows;
    const uint8_t *codes = is_dense ? bins->columnwise : bins->codes;
    int64_t stride = is_dense ? 1 : bins->stride;
    for (int k = 0; k < count; k++) offsets[k] = is_dense ? columns[k] * bins->rows : columns[k];
    const uint64_t *samples = view->samples;
    void *cells = scan->cells;
    int32_t classes = scan->classes;
    int is_far = n >= PREFETCH_FROM && !is_dense;
    for (int64_t i = 0; i < n; i++) {
        const uint64_t *sample = samples + i * lanes;
        const uint8_t *row = codes + forest_sample_row(sample[0]) * stride;
        struct fill_item item = read(sample);
        if (is_far) {
            int64_t ahead = i + PREFETCH_ROWS < n ? i + PREFETCH_ROWS : n - 1;
            __builtin_prefetch(codes + forest_sample_row(samples[ahead * lanes]) * stride);
        }
        for (int k = 0; k < count; k++)
            add(cells, k * FOREST_CELLS + row[offsets[k]], item, classes);
    }
}

ALWAYS_INLINE void fill_any(const struct forest_view *view, const int32_t *columns, int32_t count,
                            struct forest_scan *scan, int lanes, read_fn read, add_fn add) {
    switch (count) {
    case 1: fill_columns(view, columns, scan, lanes, 1, read, add); break;
    case 2: fill_columns(view, columns, scan, lanes, 2, read, add); break;
    case 3: fill_columns(view, columns, scan, lanes, 3, read, add); break;
    default: fill_columns(view, columns, scan, lanes, FOREST_BATCH, read, add); break;
    }
}

#endif
