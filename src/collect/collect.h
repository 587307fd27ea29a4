/* Turn bytes from outside into a validated table; a bad row is set aside with its reason, never
 * dropped silently.
 *
 * What goes in: a CSV file (plain or gzip, any delimiter of `,;\t|`, UTF-8 or GB18030) or its
 * bytes, and what the caller knows about it. What comes out: a `struct table` with typed columns in
 * the order of the file, and a report that counts every row and says why each column has its kind.
 * The rules (dialect, missing markers, kinds, quarantine) are docs/formats/csv.md. Promised: the
 * same table and report for any number of threads; memory of about the typed columns plus a few
 * MiB. Keeping anything, and cleaning (constants, ids, outliers), are not this room's business.
 *
 * Further doors of this room: collect/csv_write.h (rows out as CSV), collect/sequences.h (plain
 * histories), collect/dialect.h (requests of tracking clients), collect/commerce.h (what they call
 * a purchase).
 */
#ifndef KAIROS_COLLECT_COLLECT_H
#define KAIROS_COLLECT_COLLECT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/options.h"
#include "base/pool.h"
#include "base/progress.h"
#include "table/table.h"

enum csv_encoding {
    CSV_ENCODING_AUTO, /* UTF-8; GB18030 where the file is not UTF-8 and all of it is GB18030 */
    CSV_ENCODING_UTF8,
    CSV_ENCODING_GB18030,
};

/* What the caller knows. All zero is the default everywhere. Borrowed for the call. */
struct csv_options {
    char delimiter;    /* 0 = the one of `,;\t|` that cuts the first records most evenly */
    int32_t no_header; /* the first record is a row; names come from `columns`, else c1, c2 ... */
    enum csv_encoding encoding;
    int64_t rows_max;            /* stop after so many rows; 0 = all */
    struct option_list columns;  /* names, one for each column; replace those of a header */
    struct option_list missing;  /* texts that mean "no value"; empty list = NA, N/A, NULL, null,
                                    NaN, nan. An empty field is missing in any case */
    struct option_list types;    /* "COL=KIND": number, integer, category, flag, date, text, id */
    const char *quarantine_path; /* CSV of line,column,reason,raw, written where a row is set aside;
                                    NULL = only the report */
};

/* Why a row was set aside. */
enum collect_reason {
    COLLECT_FIELDS,   /* more or fewer fields than columns */
    COLLECT_QUOTE,    /* a quote that never closes, or text after the closing quote */
    COLLECT_ENCODING, /* not valid UTF-8 (or GB18030) */
    COLLECT_NUL,      /* a NUL byte */
    COLLECT_LENGTH,   /* a field or a record longer than caps.h allows */
    COLLECT_NUMBER,   /* text in a column of numbers */
    COLLECT_DATE,     /* text in a column of dates */
    COLLECT_FLAG,     /* neither yes nor no in a column of flags */
    COLLECT_REASONS
};

/* "fields", "quote", "encoding", "nul", "length", "number", "date", "flag" */
const char *collect_reason_text(enum collect_reason reason);

enum { COLLECT_BAD_ROWS = 20, COLLECT_TEXT_BYTES = 160 };

/* A row that was set aside. */
struct collect_bad_row {
    int64_t line;   /* of the file, from 1; the first line of the record */
    int32_t column; /* the field of the record, from 1 */
    enum collect_reason reason;
    char message[COLLECT_TEXT_BYTES]; /* "11 fields, expected 12"; "column 'age': 'abc' is not ..."
                                       */
    char raw[COLLECT_TEXT_BYTES];     /* the record, cut at a character */
};

struct collect_column {
    char *name; /* owned */
    enum column_kind kind;
    int32_t is_forced; /* the kind comes from `types` */
    int32_t is_id;     /* `types` says id: a category or a text that names the row */
    int64_t missing;   /* rows without a value, of those kept */
    int64_t marked;    /* of `missing`: texts such as '?' that were read as missing because the
                          column is otherwise numbers or dates */
    int64_t distinct;  /* CATEGORY: entries of the dictionary; else -1 */
    char reason[COLLECT_TEXT_BYTES]; /* "all 41188 values are integers" */
};

struct collect_report {
    int64_t rows_read; /* records after the header, blank lines not counted */
    int64_t rows_kept; /* rows of the table */
    int64_t rows_bad;  /* rows_read - rows_kept */
    int64_t bad_by_reason[COLLECT_REASONS];
    int32_t bad_count;                            /* of bad[] */
    struct collect_bad_row bad[COLLECT_BAD_ROWS]; /* the first by line */
    char delimiter;
    enum csv_encoding encoding; /* UTF8 or GB18030 */
    int64_t bytes_read;         /* of text, unpacked, as UTF-8 */
    int32_t column_count;
    struct collect_column *columns; /* owned */
};

/* Read a table; `path` may end in anything (gzip is told by its first bytes) or be "-".
 *
 * Gives: *ret_table (table_free), named `path`; *ret_report (collect_report_release), where
 * ret_report is not NULL.
 * Fails: KAI_NOT_FOUND, KAI_IO, KAI_CORRUPT (gzip); KAI_INVALID "path:line:field: reason" for no
 * rows, bytes that are no text, an empty or repeated name, an unknown column or kind in `types`,
 * more than half of the rows bad; KAI_LIMIT (columns, rows); KAI_CANCELLED; KAI_NO_MEMORY.
 * Threads: the pool's; the answer does not depend on their number.
 * Cost: one pass; a second one where a column's first rows promised another kind than the rest. */
KAI_MUST_CHECK kai_status collect_read_csv(const char *path, const struct csv_options *options,
                                           struct pool *pool, const struct progress *progress,
                                           struct table **ret_table,
                                           struct collect_report *ret_report, kai_err *err);
/* The same from memory; `name` stands for the path in the messages. */
KAI_MUST_CHECK kai_status collect_read_csv_bytes(const char *name, const char *bytes, size_t size,
                                                 const struct csv_options *options,
                                                 struct pool *pool, struct table **ret_table,
                                                 struct collect_report *ret_report, kai_err *err);
void collect_report_release(struct collect_report *report);

#endif
