/* Quantile bins: each value of the training rows as one byte.
 *
 * A column of at most `bins_max` distinct values gets one bin a value, so that its splits are
 * exact. Any other gets bins of about equal weight; a value that alone outweighs a bin gets its
 * own, while bins last. Missing values have the code FOREST_BIN_MISSING. Private to
 * src/learn/forest*.c.
 */
#ifndef KAIROS_LEARN_FOREST_BINS_H
#define KAIROS_LEARN_FOREST_BINS_H

#include <stdint.h>

#include "base/pool.h"
#include "table/matrix.h"

enum { FOREST_BINS_MAX = 255, FOREST_BIN_MISSING = 255, FOREST_CELLS = 256 };

struct forest_bins {
    int64_t rows;
    int32_t columns;
    int32_t stride;       /* bytes from row to row */
    uint8_t *codes;       /* owned; (rows, stride): the codes of a row stand together */
    uint8_t *columnwise;  /* owned; (columns, rows): the same by column */
    int32_t *counts;      /* owned; (columns) bins in use */
    uint8_t *has_missing; /* owned; (columns) */
    float *edges;         /* owned; (columns, FOREST_CELLS): bin b holds values <= edges[b], and
                             > edges[b - 1]; +infinity from the last bin on */
    float *lows, *highs;  /* owned; (columns, FOREST_CELLS): smallest and largest value of a bin */
};

/* Bin the rows (row_ids NULL = the first row_count). Quantiles come of at most
 * FOREST_QUANTILE_ROWS evenly spaced rows. Threads: uses the pool. */
enum { FOREST_QUANTILE_ROWS = 200000 };
KAI_MUST_CHECK kai_status forest_bins_new(const struct matrix *features, const int64_t *row_ids,
                                          int64_t row_count, int32_t bins_max, struct pool *pool,
                                          struct forest_bins **ret_bins, kai_err *err);
/* The codes of rows begin .. begin + count - 1 of another matrix of the same columns (row_ids NULL
 * = as they stand): ret_codes (count, stride). */
void forest_bins_encode(const struct forest_bins *bins, const struct matrix *features,
                        const int64_t *row_ids, int64_t begin, int32_t count, uint8_t *ret_codes);
void forest_bins_free(struct forest_bins *bins);

/* Where to cut between two bins that hold rows of a node while those between them are empty there:
 * the bin whose upper edge is nearest to the middle of the gap. low_bin <= result < high_bin. */
int32_t forest_bins_cut(const struct forest_bins *bins, int32_t column, int32_t low_bin,
                        int32_t high_bin);

#endif
