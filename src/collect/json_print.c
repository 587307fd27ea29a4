/* A document that was read fast, as JSON again. */
#include "collect/json_fast.h"

static int is_plain(unsigned char c) { return c >= 0x20 && c != '"' && c != '\\'; }

/* A run of valid UTF-8. */
static kai_status quote_run(struct slice text, struct buf *out, kai_err *err) {
    kai_status st = KAI_OK;
    for (size_t at = 0; !st && at < text.size;) {
        size_t end = at;
        while (end < text.size && is_plain((unsigned char)text.data[end])) end++;
        if (end > at) st = buf_append(out, text.data + at, end - at, err);
        if (!st && end < text.size) {
            unsigned char c = (unsigned char)text.data[end++];
            st = c < 0x20 ? buf_printf(out, err, "\\u%04x", c) : buf_printf(out, err, "\\%c", c);
        }
        at = end;
    }
    return st;
}

kai_status fast_quote(struct slice text, struct buf *out, kai_err *err) {
    kai_status st = buf_append(out, "\"", 1, err);
    for (size_t at = 0; !st && at < text.size;) {
        size_t valid = text_utf8_valid(text.data + at, text.size - at);
        st = quote_run((struct slice){text.data + at, valid}, out, err);
        at += valid + 1; /* the byte that is none */
    }
    return st ? st : buf_append(out, "\"", 1, err);
}

/* What was parsed is valid: no second look at its bytes. */
static kai_status print_text(struct slice text, struct buf *out, kai_err *err) {
    kai_status st = buf_append(out, "\"", 1, err);
    if (!st) st = quote_run(text, out, err);
    return st ? st : buf_append(out, "\"", 1, err);
}

static kai_status print_number(struct fast_value value, struct buf *out, kai_err *err) {
    char digits[TEXT_NUMBER_BYTES];
    int64_t integer = 0;
    uint64_t large = 0;
    if (fast_integer(value, &integer)) return buf_printf(out, err, "%lld", (long long)integer);
    if (fast_unsigned(value, &large))
        return buf_printf(out, err, "%llu", (unsigned long long)large);
    int size = text_print_f64(fast_number(value), digits);
    return buf_append(out, digits, (size_t)size, err);
}

/* Recursion is as deep as the document: at most CAPS_JSON_DEPTH. */
static kai_status print_members(struct fast_value value, int is_object, struct buf *out,
                                kai_err *err) {
    struct fast_walk walk = fast_begin(value);
    kai_status st = buf_append(out, is_object ? "{" : "[", 1, err);
    for (int count = 0; !st && fast_next(&walk); count++) {
        if (count) st = buf_append(out, ",", 1, err);
        if (!st && is_object) st = print_text(walk.key, out, err);
        if (!st && is_object) st = buf_append(out, ":", 1, err);
        if (!st) st = fast_print(walk.value, out, err);
    }
    return st ? st : buf_append(out, is_object ? "}" : "]", 1, err);
}

kai_status fast_print(struct fast_value value, struct buf *out, kai_err *err) {
    enum fast_kind kind = fast_kind(value);
    switch (kind) {
    case FAST_BOOL: return buf_puts(out, fast_bool(value) ? "true" : "false", err);
    case FAST_NUMBER: return print_number(value, out, err);
    case FAST_TEXT: return print_text(fast_text(value), out, err);
    case FAST_ARRAY:
    case FAST_OBJECT: return print_members(value, kind == FAST_OBJECT, out, err);
    default: return buf_puts(out, "null", err);
    }
}
