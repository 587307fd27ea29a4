/* Cut CSV text into records and fields. Private to collect/.
 *
 * A dialect says where fields end. A chunk is a stretch of a window of text that begins at a record
 * and ends after a line end; scanning it yields the fields of its good records, row by row, and a
 * list of its bad ones. Scanning touches nothing but the chunk, so chunks of one window are scanned
 * side by side.
 */
#ifndef KAIROS_COLLECT_CSV_SCAN_H
#define KAIROS_COLLECT_CSV_SCAN_H

#include <stddef.h>
#include <stdint.h>

#include "base/text.h"
#include "collect/collect.h"

/* What stands behind the end of a window, so that 16 bytes of any field may be loaded at once. */
enum { CSV_PADDING = 64 };

struct csv_dialect {
    char delimiter;
    char newline;                  /* LF, or CR in a file that has no LF */
    uint64_t delimiters, newlines; /* eight times the character */
    unsigned char is_stop[256];
};

/* A field: where it lies in the window, its length, and how it was written. Blanks around it and
 * its outer quotes are already cut off. */
struct csv_field {
    uint32_t at;
    uint32_t size : 30;
    uint32_t is_quoted : 1;
    uint32_t is_escaped : 1; /* doubled quotes are still doubled */
};

/* Where a record lies. */
struct csv_row {
    uint32_t at, size; /* without its line end */
    uint32_t line;     /* lines before it in its chunk */
};

struct csv_bad {
    struct csv_row row;
    enum collect_reason reason;
    int32_t column; /* from 1 */
    int32_t fields; /* COLLECT_FIELDS: how many there are */
};

enum csv_record_state { CSV_RECORD_GOOD, CSV_RECORD_BAD, CSV_RECORD_OPEN };

/* One scanned record. OPEN: a quote was still open at the end of the text. */
struct csv_record {
    enum csv_record_state state;
    enum collect_reason reason; /* of BAD: QUOTE */
    int32_t column;             /* of BAD and OPEN */
    int32_t fields;
    size_t end; /* behind its line end */
    int64_t lines;
};

struct csv_chunk {
    size_t from, to;          /* to scan: text[from..to), behind a line end at both sides */
    size_t end;               /* scanned: a record that is not complete begins here, or `to` */
    int64_t lines;            /* in text[from..end) */
    int64_t rows;             /* good ones */
    struct csv_field *fields; /* owned; (rows, columns) */
    struct csv_row *row;      /* owned; (rows) */
    struct csv_bad *bad;      /* owned; (bad_count) */
    int64_t bad_count;
    int64_t field_capacity, row_capacity, bad_capacity;
};

void csv_dialect_init(struct csv_dialect *dialect, char delimiter, char newline);
/* How lines end, from the first bytes of a text. */
char csv_find_newline(const char *text, size_t size);
/* The delimiter that cuts the first records most evenly. */
char csv_find_delimiter(char newline, const char *text, size_t size);

/* Scan the record at text[from]; text[to - 1] is a line end. Stores the first `capacity` fields and
 * counts all. */
struct csv_record csv_scan_record(const struct csv_dialect *dialect, const char *text, size_t from,
                                  size_t to, struct csv_field *fields, int32_t capacity);
/* Scan chunk->from .. chunk->to into records of `columns` fields. `is_last`: nothing follows, so an
 * open quote never closes. */
KAI_MUST_CHECK kai_status csv_scan_chunk(const struct csv_dialect *dialect, const char *text,
                                         int32_t columns, int is_last, struct csv_chunk *chunk,
                                         kai_err *err);
void csv_chunk_release(struct csv_chunk *chunk);

/* ASCII without NUL, the common case. */
int csv_is_plain(const char *text, size_t size);
/* What is wrong with a stretch of text, if anything: 1, the reason and the place of the byte. */
int csv_find_damage(const char *text, size_t size, enum collect_reason *ret_reason, size_t *ret_at);

#endif
