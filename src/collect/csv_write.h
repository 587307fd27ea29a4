/* Rows out as CSV (RFC 4180, comma, LF): the door for plans, scores and simulated tables.
 *
 * Fields are appended one by one; failures stick and are told by csv_write_row and csv_write_close,
 * so that a row reads as a list of fields. A missing value is an empty field, an empty text is
 * `""`. What the reader of collect/collect.h makes of the file is what was written.
 */
#ifndef KAIROS_COLLECT_CSV_WRITE_H
#define KAIROS_COLLECT_CSV_WRITE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "table/table.h"

struct csv_writer;

/* A file that appears when it is closed (file_create: `.gz` packs). */
KAI_MUST_CHECK kai_status csv_write_open(const char *path, struct csv_writer **ret_writer,
                                         kai_err *err);
/* Rows appended to a borrowed buffer. */
KAI_MUST_CHECK kai_status csv_write_new(struct buf *out, struct csv_writer **ret_writer,
                                        kai_err *err);

void csv_write_text(struct csv_writer *writer, struct slice text);
void csv_write_string(struct csv_writer *writer, const char *text);
void csv_write_f64(struct csv_writer *writer, double value); /* NaN and infinities: missing */
void csv_write_i64(struct csv_writer *writer, int64_t value);
void csv_write_missing(struct csv_writer *writer);
/* The value of a row of a column, as column_print says it. */
void csv_write_value(struct csv_writer *writer, const struct column *column, int64_t row);
/* End the row. Fails: with the first failure since the writer was opened. */
KAI_MUST_CHECK kai_status csv_write_row(struct csv_writer *writer, kai_err *err);
/* A header and all rows. */
KAI_MUST_CHECK kai_status csv_write_table(struct csv_writer *writer, const struct table *table,
                                          kai_err *err);

/* Write what is left and, for a file, commit it; frees the writer, also on failure. */
KAI_MUST_CHECK kai_status csv_write_close(struct csv_writer *take_writer, kai_err *err);
/* Throw away what was written. Accepts NULL. */
void csv_write_abandon(struct csv_writer *take_writer);

#endif
