/* A growing run of bytes, born with a maximum. Invariants: `data` is NULL or NUL-terminated at
 * data[size]; size <= max. On failure the buffer keeps what it had. */
#ifndef KAIROS_BASE_BUF_H
#define KAIROS_BASE_BUF_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct buf {
    char *data; /* owned */
    size_t size;
    size_t capacity;
    size_t max;
};

void buf_init(struct buf *buf, size_t max_bytes);
KAI_MUST_CHECK kai_status buf_append(struct buf *buf, const void *bytes, size_t n, kai_err *err);
KAI_MUST_CHECK kai_status buf_puts(struct buf *buf, const char *text, kai_err *err);
KAI_MUST_CHECK kai_status buf_printf(struct buf *buf, kai_err *err, const char *format, ...)
    ERR_PRINTF(3, 4);
/* Room for n more bytes; they are not counted until the caller raises `size`. */
KAI_MUST_CHECK kai_status buf_reserve(struct buf *buf, size_t n, kai_err *err);
/* Empty, memory kept. */
void buf_reset(struct buf *buf);
void buf_release(struct buf *buf);

#endif
