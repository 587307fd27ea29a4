/* Small tables, column by column. For tests that link `table`. */
#ifndef KAIROS_TESTS_KIT_COLUMNS_H
#define KAIROS_TESTS_KIT_COLUMNS_H

#include <math.h>
#include <string.h>

#include "kit/check.h"
#include "table/table.h"

static inline struct column *add_column(struct table *table, const char *name,
                                        enum column_kind kind) {
    struct column *column = NULL;
    kai_err err;
    CHECK_OK(column_new(name, kind, table->rows, &column, &err), &err);
    CHECK_OK(table_append(table, column, &err), &err);
    return column;
}

/* NaN = missing */
static inline void add_numbers(struct table *table, const char *name, const double *values) {
    struct column *column = add_column(table, name, COLUMN_F64);
    for (int64_t i = 0; i < table->rows; i++) {
        if (!isnan(values[i])) column->valid[i] = 1;
        column->as.f64[i] = values[i];
    }
}

/* kind: COLUMN_I64, COLUMN_TIME; INT64_MIN = missing */
static inline void add_wholes(struct table *table, const char *name, enum column_kind kind,
                              const int64_t *values) {
    struct column *column = add_column(table, name, kind);
    for (int64_t i = 0; i < table->rows; i++) {
        if (values[i] == INT64_MIN) continue;
        column->valid[i] = 1;
        column->as.i64[i] = values[i];
    }
}

static inline void set_level(struct column *column, int64_t row, const char *text) {
    kai_err err;
    column->valid[row] = text != NULL;
    if (text) CHECK_OK(dict_add(column->dict, slice_of(text), &column->as.codes[row], &err), &err);
}

/* NULL = missing */
static inline void add_levels(struct table *table, const char *name, const char *const *values) {
    struct column *column = add_column(table, name, COLUMN_CATEGORY);
    for (int64_t i = 0; i < table->rows; i++) set_level(column, i, values[i]);
}

static inline struct table *new_table(const char *name, int64_t rows) {
    struct table *table = NULL;
    kai_err err;
    CHECK_OK(table_new(name, rows, &table, &err), &err);
    return table;
}

#endif
