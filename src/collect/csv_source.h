/* The bytes of a CSV file as UTF-8 text: from a file or from memory, without byte order mark,
 * GB18030 turned into UTF-8. Private to collect/. */
#ifndef KAIROS_COLLECT_CSV_SOURCE_H
#define KAIROS_COLLECT_CSV_SOURCE_H

#include <iconv.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "base/file.h"

enum { CSV_RAW_BYTES = 64 << 10, CSV_FILL_MIN = 64 };

struct csv_source {
    const char *bytes; /* borrowed; NULL = from file */
    size_t size, at;
    struct file_reader *file; /* owned */
    int is_end;               /* nothing more comes from file or memory */
    int is_begun;             /* the byte order mark was looked for */
    iconv_t decoder;          /* of GB18030, where has_decoder */
    int has_decoder;
    char *raw; /* owned; bytes that the decoder has not taken: raw[0..raw_size) */
    size_t raw_size;
    int64_t broken; /* bytes that were no GB18030; each became one byte 0xff */
};

/* Open `path`, or the memory where bytes is not NULL. */
KAI_MUST_CHECK kai_status csv_source_open(const char *path, const char *bytes, size_t size,
                                          int is_gb18030, struct csv_source *ret_source,
                                          kai_err *err);
/* The next bytes of text, at most `capacity`, which is at least CSV_FILL_MIN; none only at the end.
 */
KAI_MUST_CHECK kai_status csv_source_fill(struct csv_source *source, char *text, size_t capacity,
                                          size_t *ret_size, kai_err *err);
void csv_source_close(struct csv_source *source);

/* 1 where all bytes are GB18030. */
KAI_MUST_CHECK kai_status csv_source_is_gb18030(const char *path, const char *bytes, size_t size,
                                                int *ret_answer, kai_err *err);

#endif
