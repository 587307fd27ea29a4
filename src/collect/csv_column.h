/* One column of a CSV file on its way to a typed column. Private to collect/.
 *
 * A column is stored from its first row on in the form that its first rows promise: numbers, times,
 * or a dictionary of texts (a plain run of texts where there are too many different ones). Beside
 * the values goes the evidence: how many fields parse as what. When all rows are in,
 * csv_column_decide says which kind the evidence asks for. A dictionary or a run of texts can
 * become anything, since nothing is lost in it; numbers and times that turn out to be texts cannot,
 * and the file is read once more with the kinds that are known by then.
 */
#ifndef KAIROS_COLLECT_CSV_COLUMN_H
#define KAIROS_COLLECT_CSV_COLUMN_H

#include <stdint.h>

#include "base/arena.h"
#include "base/dict.h"
#include "collect/csv_scan.h"

/* What a column shall become. */
enum csv_kind {
    CSV_INFER,
    CSV_NUMBER, /* COLUMN_F64 */
    CSV_INTEGERS,
    CSV_NUMERIC, /* COLUMN_I64 where all values allow it, else COLUMN_F64: what inference finds */
    CSV_TIME,
    CSV_FLAG,
    CSV_CATEGORY,
    CSV_TEXT,
    CSV_WORDS, /* category or text, by the number of different ones: what inference finds; ids */
};

/* A value that does not fit its column; its row is set aside. */
struct csv_odd {
    int64_t row; /* of the table before rows are taken out */
    int64_t line;
    struct slice text, raw; /* the value, the record; in the column's arena, cut to a bound */
    int32_t column;
};

/* Fields and values of a column so far. */
struct csv_evidence {
    int64_t values;   /* not missing, not empty */
    int64_t empties;  /* quoted and nothing or blanks inside: missing for all but texts */
    int64_t numbers;  /* of values */
    int64_t integers; /* of numbers: within int64, no point */
    int64_t codes;    /* of numbers: digits that a number would lose */
    int64_t times;    /* of values */
    int64_t marked;   /* of values: csv_is_weak_marker */
    int64_t distinct; /* texts; INT64_MAX where they were not counted */
    int64_t bytes;    /* of the values as texts */
};

enum csv_store { CSV_STORE_NUMBER, CSV_STORE_TIME, CSV_STORE_FLAG, CSV_STORE_DICT, CSV_STORE_TEXT };

/* A short text and its code, so that most fields of a dictionary never reach the dictionary. */
struct csv_recent {
    uint64_t low, high; /* the bytes, zero behind the end */
    uint32_t size;      /* + 1; 0 = empty slot */
    int32_t code;
};

enum { CSV_RECENTS = 256 };

struct csv_column {
    char *name; /* owned */
    int32_t index;
    const struct option_list *markers; /* borrowed */
    enum csv_kind asked;               /* by the caller */
    enum csv_kind kind;                /* asked for, or decided; INFER while open */
    enum csv_store store;
    int is_f64;    /* NUMBER: some value is no integer, as.f64 */
    int is_broken; /* too many odd values to be what it promised */
    int64_t rows, capacity;
    union {
        double *f64;
        int64_t *i64;
        uint8_t *flags;
        int32_t *codes;
        int64_t *offsets; /* of texts: where each begins; the end of the last is bytes_size */
    } as;                 /* owned */
    uint8_t *valid;       /* owned; NULL = all so far */
    char *bytes;          /* owned; TEXT */
    int64_t bytes_size, bytes_capacity;
    struct dict dict;          /* DICT */
    struct csv_recent *recent; /* owned; DICT; (CSV_RECENTS) */
    char *scratch;             /* owned; a field without its doubled quotes */
    int64_t scratch_capacity;
    struct csv_evidence evidence; /* of NUMBER, TIME, FLAG while reading; of all after decide */
    struct csv_odd *odd;          /* owned */
    int64_t odd_count, odd_capacity;
    struct arena odd_texts;
    int64_t odd_bytes;
};

/* Some rows of a scanned window. */
struct csv_block {
    const char *text;
    const struct csv_field *fields; /* (rows, columns) */
    const struct csv_row *row;      /* (rows) */
    int32_t columns;
    int64_t rows;
    int64_t line; /* of the file where the chunk begins */
};

KAI_MUST_CHECK kai_status csv_column_init(struct csv_column *column, struct slice name,
                                          int32_t index, const struct option_list *markers,
                                          enum csv_kind asked, kai_err *err);
/* Forget all rows; keep name and kind. */
void csv_column_reset(struct csv_column *column);
void csv_column_release(struct csv_column *column);

/* Choose the store from the first rows. */
void csv_column_guess(struct csv_column *column, const struct csv_block *block);
KAI_MUST_CHECK kai_status csv_column_append(struct csv_column *column,
                                            const struct csv_block *block, kai_err *err);
/* All rows are in: settle column->kind, fill the evidence. *ret_again is set to 1 where the store
 * cannot give that kind. */
KAI_MUST_CHECK kai_status csv_column_decide(struct csv_column *column, int *ret_again,
                                            kai_err *err);
/* The typed column without the rows of `is_out` ((rows) or NULL: none; rows_out of them); takes the
 * memory of the store. */
KAI_MUST_CHECK kai_status csv_column_finish(struct csv_column *column, const uint8_t *is_out,
                                            int64_t rows_out, struct column **ret_column,
                                            kai_err *err);

/* Why the column has its kind, after decide: one line. */
void csv_column_reason(const struct csv_column *column, char *ret_text, size_t capacity);
/* Turn the dictionary into a run of texts. */
KAI_MUST_CHECK kai_status csv_column_unfold(struct csv_column *column, kai_err *err);

/* A field as it reads: doubled quotes made one, in column->scratch. */
KAI_MUST_CHECK kai_status csv_column_text(struct csv_column *column, const char *text,
                                          struct csv_field field, struct slice *ret_text,
                                          kai_err *err);

#endif
