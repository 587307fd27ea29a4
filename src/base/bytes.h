/* Binary formats: little-endian values into a buffer, and out of bytes that nobody trusts.
 *
 * The writer's and the reader's failures stick, so that a format reads as a list of fields and is
 * checked once at its end. After a failure every get answers zero.
 */
#ifndef KAIROS_BASE_BYTES_H
#define KAIROS_BASE_BYTES_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

struct bytes_writer {
    struct buf *out; /* borrowed */
    kai_status status;
    kai_err err;
};

void bytes_write(struct bytes_writer *writer, struct buf *out);
void bytes_put_u8(struct bytes_writer *writer, uint8_t value);
void bytes_put_i32(struct bytes_writer *writer, int32_t value);
void bytes_put_i64(struct bytes_writer *writer, int64_t value);
void bytes_put_f32(struct bytes_writer *writer, float value);
void bytes_put_f64(struct bytes_writer *writer, double value);
void bytes_put_text(struct bytes_writer *writer, const char *text); /* length, bytes */
void bytes_put_raw(struct bytes_writer *writer, const void *bytes, size_t n);
/* count values, without a length */
void bytes_put_f32s(struct bytes_writer *writer, const float *values, int64_t count);
void bytes_put_f64s(struct bytes_writer *writer, const double *values, int64_t count);
void bytes_put_i32s(struct bytes_writer *writer, const int32_t *values, int64_t count);
KAI_MUST_CHECK kai_status bytes_written(const struct bytes_writer *writer, kai_err *err);

struct bytes_reader {
    const unsigned char *data; /* borrowed */
    size_t size;
    size_t at;
    const char *what; /* the thing that is read, for the message: "forest" */
    int is_short;     /* a read ran past the end, or a value was refused */
};

void bytes_read(struct bytes_reader *reader, const void *data, size_t size, const char *what);
uint8_t bytes_get_u8(struct bytes_reader *reader);
int32_t bytes_get_i32(struct bytes_reader *reader);
int64_t bytes_get_i64(struct bytes_reader *reader);
float bytes_get_f32(struct bytes_reader *reader);
double bytes_get_f64(struct bytes_reader *reader);
/* A count between 0 and `max` of things of at least `each_bytes` bytes that must still follow. */
int64_t bytes_get_count(struct bytes_reader *reader, int64_t max, size_t each_bytes);
/* A copy that the caller frees with mem_free; NULL after a failure. */
char *bytes_get_text(struct bytes_reader *reader);
/* n bytes in place, or NULL. */
const void *bytes_get_raw(struct bytes_reader *reader, size_t n);
void bytes_get_f32s(struct bytes_reader *reader, float *values, int64_t count);
void bytes_get_f64s(struct bytes_reader *reader, double *values, int64_t count);
void bytes_get_i32s(struct bytes_reader *reader, int32_t *values, int64_t count);
/* Refuse what was read: a value that cannot be. */
void bytes_refuse(struct bytes_reader *reader);
/* KAI_CORRUPT "<what>: damaged at byte N" where a read failed. */
KAI_MUST_CHECK kai_status bytes_done(const struct bytes_reader *reader, kai_err *err);

#endif
