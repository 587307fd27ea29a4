#include "explain/explain.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

static int is_number(const struct column *column) {
    return column->kind == COLUMN_F64 || column->kind == COLUMN_I64;
}

static int compare_numbers(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Quartiles of the values that are there; none where they are two values only, a flag. */
static kai_status find_quartiles(const struct column *column, double *ret_low, double *ret_high,
                                 kai_err *err) {
    double *values = mem_array((size_t)column->rows, sizeof *values);
    if (!values) return err_memory(err, column->rows * (int64_t)sizeof *values);
    int64_t count = 0;
    for (int64_t i = 0; i < column->rows; i++) {
        double value = column_f64(column, i);
        if (!isnan(value)) values[count++] = value;
    }
    qsort(values, (size_t)count, sizeof *values, compare_numbers);
    int64_t distinct = count > 0;
    for (int64_t i = 1; i < count && distinct < 3; i++) distinct += values[i] != values[i - 1];
    if (distinct > 2) {
        *ret_low = values[count / 4];
        *ret_high = values[count - 1 - count / 4];
    }
    mem_free(values);
    return KAI_OK;
}

static int32_t find_name(const struct explain_columns *columns, const char *name) {
    for (int32_t c = 0; c < columns->count; c++)
        if (strcmp(columns->names[c], name) == 0) return c;
    return -1;
}

static kai_status fill_columns(const struct matrix *matrix, const struct table *table,
                               struct explain_columns *columns, kai_err *err) {
    for (int32_t f = 0; f < matrix->columns; f++) {
        const char *source = matrix->info[f].source;
        int32_t index = find_name(columns, source);
        if (index < 0) {
            index = columns->count++;
            columns->names[index] = source;
            columns->low[index] = columns->high[index] = NAN;
            int32_t at = table_find(table, source);
            kai_status st = KAI_OK;
            if (at >= 0 && is_number(table->columns[at]))
                st = find_quartiles(table->columns[at], &columns->low[index], &columns->high[index],
                                    err);
            if (st) return st;
        }
        columns->of_feature[f] = index;
    }
    return KAI_OK;
}

kai_status explain_columns_new(const struct matrix *matrix, const struct table *table,
                               struct explain_columns *ret_columns, kai_err *err) {
    struct explain_columns columns = {0};
    size_t features = (size_t)matrix->columns;
    columns.names = mem_zero(features, sizeof *columns.names);
    columns.of_feature = mem_zero(features, sizeof *columns.of_feature);
    columns.low = mem_zero(features, sizeof *columns.low);
    columns.high = mem_zero(features, sizeof *columns.high);
    kai_status st = columns.names && columns.of_feature && columns.low && columns.high
                        ? fill_columns(matrix, table, &columns, err)
                        : err_memory(err, (int64_t)(features * 32));
    if (st) {
        explain_columns_release(&columns);
        return st;
    }
    *ret_columns = columns;
    return KAI_OK;
}

void explain_columns_release(struct explain_columns *columns) {
    mem_free(columns->names);
    mem_free(columns->of_feature);
    mem_free(columns->low);
    mem_free(columns->high);
    *columns = (struct explain_columns){0};
}

void explain_sum(const struct explain_columns *columns, const double *shares, int32_t features,
                 double *ret_sums) {
    for (int32_t c = 0; c < columns->count; c++) ret_sums[c] = 0;
    for (int32_t f = 0; f < features; f++) ret_sums[columns->of_feature[f]] += shares[f];
}

void explain_strongest(const struct explain_columns *columns, const double *sums, int32_t count,
                       int32_t *ret_order) {
    for (int32_t k = 0; k < count; k++) {
        int32_t best = -1;
        for (int32_t c = 0; c < columns->count; c++) {
            int is_taken = 0;
            for (int32_t other = 0; other < k; other++) is_taken |= ret_order[other] == c;
            if (is_taken || sums[c] == 0) continue;
            if (best < 0) {
                best = c;
                continue;
            }
            int is_better =
                sums[best] > 0 ? sums[c] > sums[best] : sums[c] > 0 || sums[c] < sums[best];
            if (is_better) best = c;
        }
        ret_order[k] = best;
    }
}

kai_status explain_phrase(const struct explain_columns *columns, int32_t column,
                          const struct table *table, int64_t row, double share, struct buf *cell,
                          struct buf *out, kai_err *err) {
    const char *name = columns->names[column];
    const struct column *source;
    kai_status st = table_column(table, name, &source, err);
    if (!st) st = column_print(source, row, cell, err);
    if (st) return st;
    double value = is_number(source) ? column_f64(source, row) : NAN;
    const char *level = "";
    if (columns->low[column] < columns->high[column]) {
        if (value >= columns->high[column]) level = "high, ";
        if (value <= columns->low[column]) level = "low, ";
    }
    if (!column_is_valid(source, row))
        return buf_printf(out, err, "%s is missing (%+.3g)", name, share);
    return buf_printf(out, err, "%s is %s%s (%+.3g)", name, level, cell->data, share);
}
