/* JSON: a streaming writer, and a reader that makes a small tree.
 *
 * The writer keeps its own nesting and commas; numbers are the shortest that read back equal; NaN
 * and infinities are null. A failure sticks: check once, at json_finish. Output is indented by two
 * blanks where `is_pretty`.
 */
#ifndef KAIROS_BASE_JSON_H
#define KAIROS_BASE_JSON_H

#include <stdint.h>

#include "base/buf.h"
#include "base/caps.h"
#include "base/err.h"
#include "base/text.h"

struct json_writer {
    struct buf *out; /* borrowed */
    int is_pretty;
    int depth;
    char closers[CAPS_JSON_DEPTH]; /* '}' or ']' of each open level */
    int64_t counts[CAPS_JSON_DEPTH];
    int has_key; /* a key was written, its value is next */
    int is_done; /* the document's value was begun */
    kai_status status;
    kai_err err;
};

void json_init(struct json_writer *json, struct buf *out, int is_pretty);
void json_object(struct json_writer *json); /* { */
void json_array(struct json_writer *json);  /* [ */
void json_end(struct json_writer *json);    /* closes the innermost */
void json_key(struct json_writer *json, const char *key);
void json_text(struct json_writer *json, const char *text); /* NULL writes null */
void json_f64(struct json_writer *json, double value);
void json_i64(struct json_writer *json, int64_t value);
void json_bool(struct json_writer *json, int value);
void json_null(struct json_writer *json);
/* A finished JSON document as one value. */
void json_raw(struct json_writer *json, const char *document);
/* key and value in one line */
void json_key_text(struct json_writer *json, const char *key, const char *text);
/* Up to a NUL; an empty one is "". */
void json_key_slice(struct json_writer *json, const char *key, struct slice text);
void json_key_f64(struct json_writer *json, const char *key, double value);
void json_key_i64(struct json_writer *json, const char *key, int64_t value);
void json_key_bool(struct json_writer *json, const char *key, int value);
/* Fails: the first failure since init; KAI_STATE where levels are open. */
KAI_MUST_CHECK kai_status json_finish(struct json_writer *json, kai_err *err);

/* A node of a parsed document. Numbers are doubles: ids must be strings. */
struct json_value;

/* Strict RFC 8259 in UTF-8, at most CAPS_JSON_DEPTH levels, without \u0000; of two equal keys the
 * first counts. Gives: a tree to be freed at its root. Fails: KAI_INVALID
 * "line 3, column 7: expected ',' or '}'", KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status json_parse(const char *text, size_t n, struct json_value **ret_value,
                                     kai_err *err);
void json_free(struct json_value *value);
/* All accessors accept NULL and a wrong kind: they answer NULL, 0 or the fallback. */
const struct json_value *json_get(const struct json_value *object, const char *key);
const struct json_value *json_at(const struct json_value *array, int64_t index);
int64_t json_count(const struct json_value *array_or_object);
/* json_at also takes an object: the index-th member's value. Key of the index-th member. */
const char *json_key_at(const struct json_value *object, int64_t index);
const char *json_as_text(const struct json_value *value, const char *fallback);
double json_as_f64(const struct json_value *value, double fallback);
int json_as_bool(const struct json_value *value, int fallback);
int json_is_null(const struct json_value *value); /* null or missing */
int json_is_object(const struct json_value *value);
int json_is_array(const struct json_value *value);

#endif
