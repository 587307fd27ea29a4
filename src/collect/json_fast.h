/* JSON at the speed of ingest: a document is validated once (RFC 8259, UTF-8, depth bounded) and
 * read in place; numbers keep 64-bit integers. Private to collect/; the library (simdjson) stands
 * in json_simdjson.cpp alone.
 *
 * A value is a place in the last document of its parser and dies with the next parse. Every reader
 * accepts a value of another kind, or none, and answers "nothing".
 */
#ifndef KAIROS_COLLECT_JSON_FAST_H
#define KAIROS_COLLECT_JSON_FAST_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

struct fast_json; /* a parser and its document. One thread at a time */

struct fast_value {
    const void *document; /* NULL = no value */
    uint64_t place;
};

enum fast_kind { FAST_NONE, FAST_NULL, FAST_BOOL, FAST_NUMBER, FAST_TEXT, FAST_ARRAY, FAST_OBJECT };

/* Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status fast_json_new(struct fast_json **ret_json, kai_err *err);
void fast_json_free(struct fast_json *json);
/* Fails: KAI_INVALID (no JSON, not UTF-8, deeper than CAPS_JSON_DEPTH), KAI_LIMIT (4 GiB),
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status fast_json_parse(struct fast_json *json, const char *bytes, size_t n,
                                          struct fast_value *ret_root, kai_err *err);
enum fast_kind fast_kind(struct fast_value value);
/* The member of an object; of two equal keys the first. */
struct fast_value fast_get(struct fast_value object, const char *key);
/* A text's bytes, unescaped; empty for anything else. Lives as long as the document. */
struct slice fast_text(struct fast_value value);
/* NaN for anything but a number. */
double fast_number(struct fast_value value);
/* The integer that a number is, exactly; 0 where it is none. */
int fast_integer(struct fast_value value, int64_t *ret_integer);
/* The same beyond the range of the one above: 2^63 and more. */
int fast_unsigned(struct fast_value value, uint64_t *ret_integer);
/* 1 or 0; -1 for anything but a flag. */
int fast_bool(struct fast_value value);
/* Members of an array or object; 0 for anything else. */
int64_t fast_count(struct fast_value value);

/* Walk an array or an object:
 *     struct fast_walk walk = fast_begin(value);
 *     while (fast_next(&walk)) ... walk.value, walk.key (empty in an array) */
struct fast_walk {
    struct fast_value value;
    struct slice key;
    uint64_t inside[4]; /* the library's */
    int is_object, is_begun;
};
struct fast_walk fast_begin(struct fast_value value);
int fast_next(struct fast_walk *walk);

/* Append the value as JSON without blanks (json_print.c). */
KAI_MUST_CHECK kai_status fast_print(struct fast_value value, struct buf *out, kai_err *err);
/* Append a text as a JSON string; what is not UTF-8 is left out. */
KAI_MUST_CHECK kai_status fast_quote(struct slice text, struct buf *out, kai_err *err);

#endif
