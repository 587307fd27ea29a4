#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void buf_init(struct buf *buf, size_t max_bytes) { *buf = (struct buf){.max = max_bytes}; }

kai_status buf_reserve(struct buf *buf, size_t n, kai_err *err) {
    if (n > buf->max - buf->size)
        return err_set(err, KAI_LIMIT, "a buffer would grow past its maximum of %zu bytes",
                       buf->max);
    size_t wanted = buf->size + n + 1;
    if (wanted <= buf->capacity) return KAI_OK;
    size_t capacity = buf->capacity < 256 ? 256 : buf->capacity + buf->capacity / 2;
    if (capacity < wanted) capacity = wanted;
    char *data = mem_resize(buf->data, capacity, 1);
    if (!data) return err_memory(err, (int64_t)capacity);
    buf->data = data;
    buf->capacity = capacity;
    buf->data[buf->size] = '\0';
    return KAI_OK;
}

kai_status buf_append(struct buf *buf, const void *bytes, size_t n, kai_err *err) {
    kai_status st = buf_reserve(buf, n, err);
    if (st) return st;
    if (n) memcpy(buf->data + buf->size, bytes, n);
    buf->size += n;
    buf->data[buf->size] = '\0';
    return KAI_OK;
}

kai_status buf_puts(struct buf *buf, const char *text, kai_err *err) {
    return buf_append(buf, text, strlen(text), err);
}

kai_status buf_printf(struct buf *buf, kai_err *err, const char *format, ...) {
    va_list args;
    va_start(args, format);
    va_list again;
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    kai_status st = n < 0 ? err_set(err, KAI_INVALID, "format '%s' failed", format)
                          : buf_reserve(buf, (size_t)n, err);
    if (!st) {
        (void)vsnprintf(buf->data + buf->size, (size_t)n + 1, format, again); /* measured above */
        buf->size += (size_t)n;
    }
    va_end(again);
    return st;
}

void buf_reset(struct buf *buf) {
    buf->size = 0;
    if (buf->data) buf->data[0] = '\0';
}

void buf_release(struct buf *buf) {
    mem_free(buf->data);
    *buf = (struct buf){.max = buf->max};
}
