#include "base/json.h"

#include <string.h>

#include "base/text.h"

void json_init(struct json_writer *json, struct buf *out, int is_pretty) {
    *json = (struct json_writer){.out = out, .is_pretty = is_pretty};
}

static void put(struct json_writer *json, const char *bytes, size_t n) {
    if (!json->status) json->status = buf_append(json->out, bytes, n, &json->err);
}

static void put_text(struct json_writer *json, const char *text) { put(json, text, strlen(text)); }

static void fail(struct json_writer *json, kai_status kind, const char *reason) {
    if (!json->status) json->status = err_set(&json->err, kind, "json: %s", reason);
}

static void put_line(struct json_writer *json) {
    if (!json->is_pretty) return;
    put_text(json, "\n");
    for (int i = 0; i < json->depth; i++) put_text(json, "  ");
}

static int is_in_object(const struct json_writer *json) {
    return json->depth > 0 && json->closers[json->depth - 1] == '}';
}

/* Comma and line before an element of the innermost level. */
static void begin_element(struct json_writer *json) {
    if (json->depth == 0) return;
    if (json->counts[json->depth - 1]++ > 0) put_text(json, ",");
    put_line(json);
}

static void begin_value(struct json_writer *json) {
    if (is_in_object(json)) {
        if (!json->has_key) fail(json, KAI_STATE, "a value in an object needs a key");
        json->has_key = 0;
        return;
    }
    if (json->depth == 0 && json->is_done) fail(json, KAI_STATE, "a second document");
    begin_element(json);
    if (json->depth == 0) json->is_done = 1;
}

static void open_level(struct json_writer *json, const char *opener, char closer) {
    begin_value(json);
    if (json->depth == CAPS_JSON_DEPTH) fail(json, KAI_LIMIT, "nested too deeply");
    if (json->status) return;
    put_text(json, opener);
    json->closers[json->depth] = closer;
    json->counts[json->depth] = 0;
    json->depth++;
}

void json_object(struct json_writer *json) { open_level(json, "{", '}'); }

void json_array(struct json_writer *json) { open_level(json, "[", ']'); }

void json_end(struct json_writer *json) {
    if (json->depth == 0) fail(json, KAI_STATE, "nothing is open");
    if (json->has_key) fail(json, KAI_STATE, "a key without a value");
    if (json->status) return;
    json->depth--;
    if (json->counts[json->depth] > 0) put_line(json);
    put(json, &json->closers[json->depth], 1);
}

/* The escape of a byte that may not stand in a string, or NULL. */
static const char *escape_of(unsigned char c, char space[8]) {
    static const char HEX[] = "0123456789abcdef";
    switch (c) {
    case '"': return "\\\"";
    case '\\': return "\\\\";
    case '\n': return "\\n";
    case '\r': return "\\r";
    case '\t': return "\\t";
    default: break;
    }
    if (c >= 0x20 && c != 0x7f) return NULL;
    memcpy(space, "\\u00", 4);
    space[4] = HEX[c >> 4];
    space[5] = HEX[c & 15];
    space[6] = '\0';
    return space;
}

/* Bytes that are not UTF-8 become U+FFFD, so that a document is always valid. */
static void put_quoted(struct json_writer *json, const char *text, size_t n) {
    size_t at = 0;
    put_text(json, "\"");
    while (at < n && !json->status) {
        size_t valid = at + text_utf8_valid(text + at, n - at);
        size_t run = at;
        for (; at < valid; at++) {
            char space[8];
            const char *escape = escape_of((unsigned char)text[at], space);
            if (!escape) continue;
            put(json, text + run, at - run);
            put_text(json, escape);
            run = at + 1;
        }
        put(json, text + run, valid - run);
        if (valid < n) {
            put_text(json, "\xef\xbf\xbd");
            at = valid + 1;
        }
    }
    put_text(json, "\"");
}

void json_key(struct json_writer *json, const char *key) {
    if (!is_in_object(json) || json->has_key) fail(json, KAI_STATE, "a key outside an object");
    if (json->status) return;
    begin_element(json);
    put_quoted(json, key, strlen(key));
    put_text(json, json->is_pretty ? ": " : ":");
    json->has_key = 1;
}

void json_text(struct json_writer *json, const char *text) {
    begin_value(json);
    if (text)
        put_quoted(json, text, strlen(text));
    else
        put_text(json, "null");
}

void json_f64(struct json_writer *json, double value) {
    char number[TEXT_NUMBER_BYTES];
    int n = text_print_f64(value, number);
    begin_value(json);
    put(json, number, (size_t)n);
}

void json_i64(struct json_writer *json, int64_t value) {
    begin_value(json);
    if (!json->status) json->status = buf_printf(json->out, &json->err, "%lld", (long long)value);
}

void json_bool(struct json_writer *json, int value) { json_raw(json, value ? "true" : "false"); }

void json_null(struct json_writer *json) { json_raw(json, "null"); }

void json_raw(struct json_writer *json, const char *document) {
    begin_value(json);
    put_text(json, document);
}

void json_key_text(struct json_writer *json, const char *key, const char *text) {
    json_key(json, key);
    json_text(json, text);
}

void json_key_slice(struct json_writer *json, const char *key, struct slice text) {
    json_key(json, key);
    begin_value(json);
    put_quoted(json, text.data, text.size ? strnlen(text.data, text.size) : 0);
}

void json_key_f64(struct json_writer *json, const char *key, double value) {
    json_key(json, key);
    json_f64(json, value);
}

void json_key_i64(struct json_writer *json, const char *key, int64_t value) {
    json_key(json, key);
    json_i64(json, value);
}

void json_key_bool(struct json_writer *json, const char *key, int value) {
    json_key(json, key);
    json_bool(json, value);
}

kai_status json_finish(struct json_writer *json, kai_err *err) {
    if (json->depth > 0) fail(json, KAI_STATE, "a level is open at the end");
    if (!json->is_done) fail(json, KAI_STATE, "the document is empty");
    if (json->status && err) *err = json->err;
    return json->status;
}
