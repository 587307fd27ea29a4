#include "base/bytes.h"

#include <string.h>

#include "base/alloc.h"

enum { TEXT_BYTES_MAX = 1 << 24 };

void bytes_write(struct bytes_writer *writer, struct buf *out) {
    *writer = (struct bytes_writer){.out = out};
}

void bytes_put_raw(struct bytes_writer *writer, const void *bytes, size_t n) {
    if (!writer->status) writer->status = buf_append(writer->out, bytes, n, &writer->err);
}

static void put_little_endian(struct bytes_writer *writer, uint64_t value, size_t n) {
    unsigned char bytes[8];
    for (size_t i = 0; i < n; i++) bytes[i] = (unsigned char)(value >> (8 * i));
    bytes_put_raw(writer, bytes, n);
}

void bytes_put_u8(struct bytes_writer *writer, uint8_t value) {
    put_little_endian(writer, value, 1);
}

void bytes_put_i32(struct bytes_writer *writer, int32_t value) {
    put_little_endian(writer, (uint32_t)value, 4);
}

void bytes_put_i64(struct bytes_writer *writer, int64_t value) {
    put_little_endian(writer, (uint64_t)value, 8);
}

void bytes_put_f32(struct bytes_writer *writer, float value) {
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little_endian(writer, bits, 4);
}

void bytes_put_f64(struct bytes_writer *writer, double value) {
    uint64_t bits;
    memcpy(&bits, &value, sizeof bits);
    put_little_endian(writer, bits, 8);
}

void bytes_put_text(struct bytes_writer *writer, const char *text) {
    size_t n = strlen(text);
    bytes_put_i64(writer, (int64_t)n);
    bytes_put_raw(writer, text, n);
}

void bytes_put_f32s(struct bytes_writer *writer, const float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) bytes_put_f32(writer, values[i]);
}

void bytes_put_f64s(struct bytes_writer *writer, const double *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) bytes_put_f64(writer, values[i]);
}

void bytes_put_i32s(struct bytes_writer *writer, const int32_t *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) bytes_put_i32(writer, values[i]);
}

kai_status bytes_written(const struct bytes_writer *writer, kai_err *err) {
    if (writer->status && err) *err = writer->err;
    return writer->status;
}

void bytes_read(struct bytes_reader *reader, const void *data, size_t size, const char *what) {
    *reader = (struct bytes_reader){.data = data, .size = size, .what = what};
}

void bytes_refuse(struct bytes_reader *reader) { reader->is_short = 1; }

const void *bytes_get_raw(struct bytes_reader *reader, size_t n) {
    if (reader->is_short || n > reader->size - reader->at) {
        bytes_refuse(reader);
        return NULL;
    }
    const unsigned char *bytes = reader->data + reader->at;
    reader->at += n;
    return bytes;
}

static uint64_t get_little_endian(struct bytes_reader *reader, size_t n) {
    const unsigned char *bytes = bytes_get_raw(reader, n);
    uint64_t value = 0;
    for (size_t i = 0; bytes && i < n; i++) value |= (uint64_t)bytes[i] << (8 * i);
    return value;
}

uint8_t bytes_get_u8(struct bytes_reader *reader) { return (uint8_t)get_little_endian(reader, 1); }

int32_t bytes_get_i32(struct bytes_reader *reader) {
    return (int32_t)(uint32_t)get_little_endian(reader, 4);
}

int64_t bytes_get_i64(struct bytes_reader *reader) { return (int64_t)get_little_endian(reader, 8); }

float bytes_get_f32(struct bytes_reader *reader) {
    uint32_t bits = (uint32_t)get_little_endian(reader, 4);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

double bytes_get_f64(struct bytes_reader *reader) {
    uint64_t bits = get_little_endian(reader, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

int64_t bytes_get_count(struct bytes_reader *reader, int64_t max, size_t each_bytes) {
    int64_t count = bytes_get_i64(reader);
    size_t left = reader->size - reader->at;
    if (count < 0 || count > max || (each_bytes && (uint64_t)count > left / each_bytes)) {
        bytes_refuse(reader);
        return 0;
    }
    return reader->is_short ? 0 : count;
}

char *bytes_get_text(struct bytes_reader *reader) {
    int64_t n = bytes_get_count(reader, TEXT_BYTES_MAX, 1);
    const char *bytes = bytes_get_raw(reader, (size_t)n);
    if (!bytes) return NULL;
    if (memchr(bytes, '\0', (size_t)n)) {
        bytes_refuse(reader);
        return NULL;
    }
    return mem_string_n(bytes, (size_t)n);
}

void bytes_get_f32s(struct bytes_reader *reader, float *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) values[i] = bytes_get_f32(reader);
}

void bytes_get_f64s(struct bytes_reader *reader, double *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) values[i] = bytes_get_f64(reader);
}

void bytes_get_i32s(struct bytes_reader *reader, int32_t *values, int64_t count) {
    for (int64_t i = 0; i < count; i++) values[i] = bytes_get_i32(reader);
}

kai_status bytes_done(const struct bytes_reader *reader, kai_err *err) {
    if (!reader->is_short) return KAI_OK;
    return err_set(err, KAI_CORRUPT, "%s: damaged near byte %zu of %zu", reader->what, reader->at,
                   reader->size);
}
