#include "collect/csv_write.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"

enum { BUFFER_BYTES = 256 << 10 };

struct csv_writer {
    struct file_writer *file; /* owned; NULL = into a buffer */
    struct buf *out;          /* borrowed, or &own */
    struct buf own;
    struct buf value; /* of csv_write_value */
    int has_fields;   /* in the row so far */
    kai_status status;
    kai_err err;
};

static kai_status new_writer(struct csv_writer **ret_writer, kai_err *err) {
    struct csv_writer *writer = mem_zero(1, sizeof *writer);
    if (!writer) return err_memory(err, sizeof *writer);
    buf_init(&writer->own, CAPS_BUF_BYTES);
    buf_init(&writer->value, CAPS_BUF_BYTES);
    writer->out = &writer->own;
    *ret_writer = writer;
    return KAI_OK;
}

kai_status csv_write_open(const char *path, struct csv_writer **ret_writer, kai_err *err) {
    struct csv_writer *writer = NULL;
    kai_status st = new_writer(&writer, err);
    if (!st) st = file_create(path, &writer->file, err);
    if (st)
        csv_write_abandon(writer);
    else
        *ret_writer = writer;
    return st;
}

kai_status csv_write_new(struct buf *out, struct csv_writer **ret_writer, kai_err *err) {
    kai_status st = new_writer(ret_writer, err);
    if (!st) (*ret_writer)->out = out;
    return st;
}

void csv_write_abandon(struct csv_writer *take_writer) {
    if (!take_writer) return;
    file_abandon(take_writer->file);
    buf_release(&take_writer->own);
    buf_release(&take_writer->value);
    mem_free(take_writer);
}

static kai_status flush(struct csv_writer *writer, kai_err *err) {
    if (!writer->file || writer->own.size == 0) return KAI_OK;
    kai_status st = file_write(writer->file, writer->own.data, writer->own.size, err);
    buf_reset(&writer->own);
    return st;
}

static void put(struct csv_writer *writer, const char *bytes, size_t n) {
    if (!writer->status && n) writer->status = buf_append(writer->out, bytes, n, &writer->err);
}

static void begin_field(struct csv_writer *writer) {
    if (writer->has_fields) put(writer, ",", 1);
    writer->has_fields = 1;
}

static int is_blank(char c) { return c == ' ' || c == '\t'; }

/* What the reader would not give back as it stands. */
static int needs_quotes(struct slice text) {
    if (text.size == 0 || is_blank(text.data[0]) || is_blank(text.data[text.size - 1])) return 1;
    if (text.size >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0) return 1;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == ',' || text.data[i] == '"' || text.data[i] == '\n' ||
            text.data[i] == '\r')
            return 1;
    return 0;
}

void csv_write_text(struct csv_writer *writer, struct slice text) {
    begin_field(writer);
    if (!needs_quotes(text)) {
        put(writer, text.data, text.size);
        return;
    }
    put(writer, "\"", 1);
    while (text.size) {
        const char *quote = memchr(text.data, '"', text.size);
        size_t size = quote ? (size_t)(quote - text.data) + 1 : text.size;
        put(writer, text.data, size);
        if (quote) put(writer, "\"", 1);
        text.data += size;
        text.size -= size;
    }
    put(writer, "\"", 1);
}

void csv_write_string(struct csv_writer *writer, const char *text) {
    csv_write_text(writer, slice_of(text));
}

void csv_write_f64(struct csv_writer *writer, double value) {
    char text[TEXT_NUMBER_BYTES];
    begin_field(writer);
    if (isfinite(value)) put(writer, text, (size_t)text_print_f64(value, text));
}

void csv_write_i64(struct csv_writer *writer, int64_t value) {
    char text[TEXT_NUMBER_BYTES];
    char *end = text + sizeof text, *at = end;
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    do {
        *--at = (char)('0' + rest % 10);
    } while (rest /= 10);
    if (value < 0) *--at = '-';
    begin_field(writer);
    put(writer, at, (size_t)(end - at));
}

void csv_write_missing(struct csv_writer *writer) { begin_field(writer); }

void csv_write_value(struct csv_writer *writer, const struct column *column, int64_t row) {
    if (!column_is_valid(column, row)) {
        csv_write_missing(writer);
    } else if (column->kind == COLUMN_I64) {
        csv_write_i64(writer, column->as.i64[row]);
    } else if (column->kind == COLUMN_F64) {
        csv_write_f64(writer, column->as.f64[row]);
    } else {
        if (!writer->status)
            writer->status = column_print(column, row, &writer->value, &writer->err);
        csv_write_text(writer, (struct slice){writer->value.data, writer->value.size});
    }
}

static kai_status told(const struct csv_writer *writer, kai_err *err) {
    if (writer->status && err) *err = writer->err;
    return writer->status;
}

kai_status csv_write_row(struct csv_writer *writer, kai_err *err) {
    put(writer, "\n", 1);
    writer->has_fields = 0;
    if (!writer->status && writer->file && writer->own.size >= BUFFER_BYTES)
        writer->status = flush(writer, &writer->err);
    return told(writer, err);
}

kai_status csv_write_table(struct csv_writer *writer, const struct table *table, kai_err *err) {
    for (int32_t i = 0; i < table->count; i++) csv_write_string(writer, table->columns[i]->name);
    kai_status st = csv_write_row(writer, err);
    for (int64_t row = 0; !st && row < table->rows; row++) {
        for (int32_t i = 0; i < table->count; i++) csv_write_value(writer, table->columns[i], row);
        st = csv_write_row(writer, err);
    }
    return st;
}

kai_status csv_write_close(struct csv_writer *take_writer, kai_err *err) {
    kai_status st = told(take_writer, err);
    if (!st) st = flush(take_writer, err);
    if (!st && take_writer->file) {
        st = file_commit(take_writer->file, err);
        take_writer->file = NULL;
    }
    csv_write_abandon(take_writer);
    return st;
}
