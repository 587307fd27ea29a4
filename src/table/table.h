/* Columns of equal length with a schema: the one currency between the stages.
 *
 * A table owns its columns. A column holds one kind of values in one flat array, and a byte for
 * each row that says whether the value is there (`valid` NULL: all are). The value under an invalid
 * byte is zero (NaN for numbers), so that equal tables are equal bytes.
 */
#ifndef KAIROS_TABLE_TABLE_H
#define KAIROS_TABLE_TABLE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/dict.h"
#include "base/err.h"

enum column_kind {
    COLUMN_F64,      /* double *f64, NaN where missing */
    COLUMN_I64,      /* int64_t *i64 */
    COLUMN_BOOL,     /* uint8_t *flags, 0 or 1 */
    COLUMN_TIME,     /* int64_t *i64, microseconds since 1970-01-01 UTC */
    COLUMN_CATEGORY, /* int32_t *codes into dict; -1 where missing */
    COLUMN_TEXT,     /* bytes[offsets[i] .. offsets[i+1]) */
};

struct column {
    char *name; /* owned */
    enum column_kind kind;
    int64_t rows;
    uint8_t *valid; /* owned; NULL = all valid */
    union {
        double *f64;
        int64_t *i64;
        uint8_t *flags;
        int32_t *codes;
        char *bytes;
    } as;              /* owned */
    int64_t *offsets;  /* owned; TEXT: rows + 1 */
    struct dict *dict; /* owned; CATEGORY */
};

struct table {
    char *name; /* owned; the file it came from, for messages; may be NULL */
    int64_t rows;
    int32_t count;
    int32_t capacity;
    struct column **columns; /* owned */
};

/* "number", "integer", "flag", "date", "category", "text". */
const char *column_kind_text(enum column_kind kind);
/* A column of `rows` missing values. */
KAI_MUST_CHECK kai_status column_new(const char *name, enum column_kind kind, int64_t rows,
                                     struct column **ret_column, kai_err *err);
void column_free(struct column *column);
int column_is_valid(const struct column *column, int64_t row);
/* The value as a number: numbers, integers, flags (0/1), times (microseconds), categories (code);
 * NaN where missing or text. */
double column_f64(const struct column *column, int64_t row);
/* The value as it would be printed into a CSV field (no quoting), or "" where missing; into `buf`,
 * which is reset first. Texts, categories: as they are; times: ISO 8601. */
KAI_MUST_CHECK kai_status column_print(const struct column *column, int64_t row, struct buf *buf,
                                       kai_err *err);
/* Rows row_ids[0..count) as a new column; a dictionary is copied whole, so codes stay. */
KAI_MUST_CHECK kai_status column_take(const struct column *column, const int64_t *row_ids,
                                      int64_t count, struct column **ret_column, kai_err *err);

KAI_MUST_CHECK kai_status table_new(const char *name, int64_t rows, struct table **ret_table,
                                    kai_err *err);
void table_free(struct table *table);
/* Fails: KAI_EXISTS (a column of that name), KAI_INVALID (another length), KAI_LIMIT. On failure
 * the column stays the caller's. */
KAI_MUST_CHECK kai_status table_append(struct table *table, struct column *take_column,
                                       kai_err *err);
/* The index of a column, or -1. */
int32_t table_find(const struct table *table, const char *name);
/* The column of that name. Fails: KAI_NOT_FOUND, naming the column, the table and the nearest name.
 */
KAI_MUST_CHECK kai_status table_column(const struct table *table, const char *name,
                                       const struct column **ret_column, kai_err *err);
KAI_MUST_CHECK kai_status table_take(const struct table *table, const int64_t *row_ids,
                                     int64_t count, struct table **ret_table, kai_err *err);
/* Remove and free the column at an index. */
void table_drop(struct table *table, int32_t index);

#endif
