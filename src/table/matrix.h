/* A feature matrix: what `prepare` makes of a table, and what `learn` reads.
 *
 * Column-major, so that one feature is one run of memory. A feature is a number (cardinality 0) or
 * a category (codes 0 .. cardinality-1 stored as floats); NaN is missing in both. Floats hold
 * integers exactly up to 2^24, which bounds the cardinality.
 */
#ifndef KAIROS_TABLE_MATRIX_H
#define KAIROS_TABLE_MATRIX_H

#include <stdint.h>

#include "base/err.h"

struct matrix_column {
    char *name;          /* owned; "age", "job", "channel=Web" */
    char *source;        /* owned; the table column it was made of */
    int32_t cardinality; /* 0 = number */
};

struct matrix {
    int64_t rows;
    int32_t columns;
    float *values;              /* owned; (columns, rows) */
    struct matrix_column *info; /* owned; (columns) */
};

/* All values NaN, names empty. */
KAI_MUST_CHECK kai_status matrix_new(int64_t rows, int32_t columns, struct matrix **ret_matrix,
                                     kai_err *err);
KAI_MUST_CHECK kai_status matrix_name(struct matrix *matrix, int32_t column, const char *name,
                                      const char *source, int32_t cardinality, kai_err *err);
void matrix_free(struct matrix *matrix);

static inline float *matrix_column(const struct matrix *matrix, int32_t column) {
    return matrix->values + (int64_t)column * matrix->rows;
}

#endif
