/* Say why: a score by its features, a decision by its prices and limits.
 *
 * In go Shapley values of a row's features and the table that the row came from; out come the
 * strongest table columns in words that a marketer can read. Hiding anything is not this room's
 * business: the share of each column is told with its sign and size.
 */
#ifndef KAIROS_EXPLAIN_EXPLAIN_H
#define KAIROS_EXPLAIN_EXPLAIN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "table/matrix.h"
#include "table/table.h"

/* The table columns behind a matrix, and what is usual in them. */
struct explain_columns {
    int32_t count;
    const char **names;  /* owned; (count) borrowed texts, in order of first feature */
    int32_t *of_feature; /* owned; (matrix columns) index into names */
    double *low, *high;  /* owned; (count) first and third quartile of numbers, NaN for others */
};

/* Quartiles are those of all rows of `table`. */
KAI_MUST_CHECK kai_status explain_columns_new(const struct matrix *matrix,
                                              const struct table *table,
                                              struct explain_columns *ret_columns, kai_err *err);
void explain_columns_release(struct explain_columns *columns);
/* Add up the shares of the features of each column. shares: (matrix columns); ret_sums: (count) */
void explain_sum(const struct explain_columns *columns, const double *shares, int32_t features,
                 double *ret_sums);
/* The `count` columns that speak most for the score: largest positive shares first, then, where
 * there are not enough, the largest negative. ret_order: (count), -1 fills. */
void explain_strongest(const struct explain_columns *columns, const double *sums, int32_t count,
                       int32_t *ret_order);
/* "history is high, 329.08 (+0.12)"; the value as the table has it. Appends to `out`. `cell` is
 * scratch. */
KAI_MUST_CHECK kai_status explain_phrase(const struct explain_columns *columns, int32_t column,
                                         const struct table *table, int64_t row, double share,
                                         struct buf *cell, struct buf *out, kai_err *err);

#endif
