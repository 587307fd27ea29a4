/* Words, numbers and moments of JSON, queries and base64: what every dialect is made of. */
#include <math.h>
#include <string.h>

#include "base/instant.h"
#include "collect/dialect_parts.h"

kai_status words_of(struct reading *reading, struct fast_value value, struct slice *ret_words,
                    kai_err *err) {
    char digits[TEXT_NUMBER_BYTES];
    int64_t integer = 0;
    int size;
    *ret_words = fast_text(value);
    if (fast_kind(value) != FAST_NUMBER) return KAI_OK;
    if (fast_integer(value, &integer)) { /* all digits of a long id */
        reading->reader->text.size = 0;
        kai_status st = buf_printf(&reading->reader->text, err, "%lld", (long long)integer);
        if (st) return st;
        size = (int)reading->reader->text.size;
        memcpy(digits, reading->reader->text.data, (size_t)size);
    } else {
        size = text_print_f64(fast_number(value), digits);
    }
    char *copy = arena_string_n(&reading->reader->arena, digits, (size_t)size);
    if (!copy) return err_memory(err, size);
    *ret_words = (struct slice){copy, (size_t)size};
    return KAI_OK;
}

kai_status words_at(struct reading *reading, struct fast_value object, const char *const *keys,
                    struct slice *ret_words, kai_err *err) {
    kai_status st = KAI_OK;
    *ret_words = (struct slice){"", 0};
    for (; !st && *keys && !ret_words->size; keys++)
        st = words_of(reading, fast_get(object, *keys), ret_words, err);
    return st;
}

double number_at(struct fast_value object, const char *const *keys) {
    for (; *keys; keys++) {
        struct fast_value value = fast_get(object, *keys);
        struct slice words = slice_trim(fast_text(value));
        double number = fast_number(value);
        if (words.size && !text_parse_f64(words, &number)) number = NAN;
        if (isfinite(number)) return number;
    }
    return NAN;
}

int moment_of(struct fast_value value, int64_t *ret_us) {
    static const double MOST_SECONDS = 2.5e11; /* the year 9892 */
    struct slice words = slice_trim(fast_text(value));
    double number = fast_number(value);
    if (words.size && instant_parse(words, ret_us)) return 1;
    if (words.size && !text_parse_f64(words, &number)) return 0;
    double seconds = fabs(number) < 1e11   ? number
                     : fabs(number) < 1e14 ? number / 1e3
                                           : number / 1e6;
    if (!(fabs(seconds) < MOST_SECONDS)) return 0;
    *ret_us = llround(seconds * 1e6);
    return 1;
}

struct slice text_at(struct fast_value object, const char *key) {
    return fast_text(fast_get(object, key));
}

/* ---- queries ---- */

static int hex_of(char c) {
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

kai_status percent_read(struct slice text, int plus_is_blank, struct arena *arena,
                        struct slice *ret_text, kai_err *err) {
    char *out = arena_alloc(arena, text.size + 1, 1);
    size_t size = 0;
    if (!out) return err_memory(err, (int64_t)text.size);
    for (size_t i = 0; i < text.size; i++) {
        int high = i + 2 < text.size ? hex_of(text.data[i + 1]) : -1;
        int low = high >= 0 ? hex_of(text.data[i + 2]) : -1;
        int is_coded = text.data[i] == '%' && low >= 0;
        int is_blank = plus_is_blank && text.data[i] == '+';
        out[size++] = is_coded ? (char)(high * 16 + low) : is_blank ? ' ' : text.data[i];
        i += is_coded ? 2 : 0;
    }
    *ret_text = (struct slice){out, size};
    return KAI_OK;
}

kai_status query_next(struct query_walk *walk, struct arena *arena, int *ret_is_one, kai_err *err) {
    struct slice *rest = &walk->rest;
    while (rest->size && *rest->data == '&') *rest = (struct slice){rest->data + 1, rest->size - 1};
    *ret_is_one = rest->size > 0;
    if (!rest->size) return KAI_OK;
    const char *end = memchr(rest->data, '&', rest->size);
    size_t size = end ? (size_t)(end - rest->data) : rest->size;
    const char *equals = memchr(rest->data, '=', size);
    size_t name = equals ? (size_t)(equals - rest->data) : size;
    struct slice value = {rest->data + name + (equals != NULL), size - name - (equals != NULL)};
    kai_status st = percent_read((struct slice){rest->data, name}, 1, arena, &walk->name, err);
    if (!st) st = percent_read(value, 1, arena, &walk->value, err);
    *rest = (struct slice){rest->data + size, rest->size - size};
    return st;
}

kai_status query_print(struct slice query, struct arena *arena, struct buf *out, kai_err *err) {
    struct query_walk walk = {.rest = query};
    int is_one = 0, count = 0;
    kai_status st = buf_puts(out, "{", err);
    if (!st) st = query_next(&walk, arena, &is_one, err);
    while (!st && is_one) {
        if (count++) st = buf_puts(out, ",", err);
        if (!st) st = fast_quote(walk.name, out, err);
        if (!st) st = buf_puts(out, ":", err);
        if (!st) st = fast_quote(walk.value, out, err);
        if (!st) st = query_next(&walk, arena, &is_one, err);
    }
    return st ? st : buf_puts(out, "}", err);
}

/* ---- base64 ---- */

static int base64_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+' || c == '-') return 62;
    return c == '/' || c == '_' ? 63 : -1;
}

kai_status base64_read(struct slice text, struct buf *out, kai_err *err) {
    uint32_t bits = 0;
    int held = 0;
    while (text.size && text.data[text.size - 1] == '=') text.size--;
    kai_status st = text.size % 4 == 1 ? err_set(err, KAI_INVALID, "not base64") : KAI_OK;
    for (size_t i = 0; !st && i < text.size; i++) {
        int value = base64_of(text.data[i]);
        if (value < 0) return err_set(err, KAI_INVALID, "not base64");
        bits = bits << 6 | (uint32_t)value;
        held += 6;
        if (held < 8) continue;
        held -= 8;
        unsigned char byte = (unsigned char)(bits >> held);
        st = buf_append(out, &byte, 1, err);
    }
    return st;
}
