/* Reading JSON in two passes. The first is a strict scan of our own (RFC 8259, UTF-8, bounded
 * depth), which knows line and column of what is wrong; the second lets cJSON, which is lenient but
 * decodes well, build its tree. That tree is copied into arrays, so that json_at costs O(1), and
 * freed. This is the only file that knows cJSON. */
#include "base/json.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "base/text.h"

enum { NUMBER_BYTES_MAX = 63 }; /* what cJSON reads of one */

/* ---- first pass: is it JSON? ---- */

struct scan {
    const char *text;
    size_t size, at;
    kai_err *err;
};

static kai_status refuse(const struct scan *scan, size_t at, const char *reason) {
    int64_t line = 1, column = 1;
    for (size_t i = 0; i < at; i++) {
        unsigned char c = (unsigned char)scan->text[i];
        if (c == '\n')
            line++, column = 1;
        else
            column += (c & 0xc0) != 0x80; /* letters, not bytes */
    }
    return err_set(scan->err, KAI_INVALID, "line %lld, column %lld: %s", (long long)line,
                   (long long)column, reason);
}

static int peek(const struct scan *scan) {
    return scan->at < scan->size ? (unsigned char)scan->text[scan->at] : -1;
}

static void skip_blanks(struct scan *scan) {
    for (int c; (c = peek(scan)) == ' ' || c == '\t' || c == '\n' || c == '\r';) scan->at++;
}

/* Value of the four digits of \uXXXX at `at`, or -1. */
static int hex4(const struct scan *scan, size_t at) {
    if (scan->size - at < 4) return -1;
    int value = 0;
    for (size_t i = at; i < at + 4; i++) {
        char c = scan->text[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) return -1;
        value = value * 16 + digit;
    }
    return value;
}

/* scan->at is behind the backslash. */
static kai_status scan_escape(struct scan *scan) {
    size_t start = scan->at - 1;
    int c = peek(scan);
    if (c < 0 || !strchr("\"\\/bfnrtu", c) || c == '\0')
        return refuse(scan, start, "unknown escape in a string");
    scan->at++;
    if (c != 'u') return KAI_OK;
    int unit = hex4(scan, scan->at);
    if (unit < 0) return refuse(scan, start, "\\u needs four hexadecimal digits");
    if (unit == 0) return refuse(scan, start, "a string may not hold \\u0000");
    scan->at += 4;
    if (unit < 0xd800 || unit > 0xdfff) return KAI_OK;
    int has_low = unit < 0xdc00 && scan->size - scan->at >= 6 && scan->text[scan->at] == '\\' &&
                  scan->text[scan->at + 1] == 'u';
    int low = has_low ? hex4(scan, scan->at + 2) : -1;
    if (low < 0xdc00 || low > 0xdfff) return refuse(scan, start, "half of a surrogate pair");
    scan->at += 6;
    return KAI_OK;
}

static kai_status scan_string(struct scan *scan) {
    size_t start = scan->at++;
    for (;;) {
        int c = peek(scan);
        if (c < 0) return refuse(scan, start, "a string is not closed");
        if (c < 0x20) return refuse(scan, scan->at, "a control character in a string");
        scan->at++;
        if (c == '"') return KAI_OK;
        kai_status st = c == '\\' ? scan_escape(scan) : KAI_OK;
        if (st) return st;
    }
}

static size_t skip_digits(struct scan *scan) {
    size_t start = scan->at;
    while (peek(scan) >= '0' && peek(scan) <= '9') scan->at++;
    return scan->at - start;
}

static kai_status scan_number(struct scan *scan) {
    size_t start = scan->at;
    if (peek(scan) == '-') scan->at++;
    int has_zero = peek(scan) == '0';
    size_t whole = skip_digits(scan), fraction = 1, exponent = 1;
    if (peek(scan) == '.') {
        scan->at++;
        fraction = skip_digits(scan);
    }
    if (peek(scan) == 'e' || peek(scan) == 'E') {
        scan->at++;
        if (peek(scan) == '+' || peek(scan) == '-') scan->at++;
        exponent = skip_digits(scan);
    }
    if (whole == 0 || fraction == 0 || exponent == 0 || (has_zero && whole > 1))
        return refuse(scan, start, "a malformed number");
    if (scan->at - start > NUMBER_BYTES_MAX)
        return refuse(scan, start, "a number that is too long");
    double value;
    if (!text_parse_f64((struct slice){scan->text + start, scan->at - start}, &value))
        return refuse(scan, start, "a number that is out of range");
    return KAI_OK;
}

static kai_status scan_word(struct scan *scan) {
    static const char *const WORDS[] = {"true", "false", "null"};
    for (size_t i = 0; i < sizeof WORDS / sizeof *WORDS; i++) {
        size_t n = strlen(WORDS[i]);
        if (scan->size - scan->at < n || memcmp(scan->text + scan->at, WORDS[i], n) != 0) continue;
        scan->at += n;
        return KAI_OK;
    }
    return refuse(scan, scan->at,
                  peek(scan) < 0 ? "the document ends too early" : "expected a value");
}

static kai_status scan_scalar(struct scan *scan) {
    int c = peek(scan);
    if (c == '"') return scan_string(scan);
    if (c == '-' || (c >= '0' && c <= '9')) return scan_number(scan);
    return scan_word(scan);
}

static kai_status scan_key(struct scan *scan) {
    skip_blanks(scan);
    if (peek(scan) != '"') return refuse(scan, scan->at, "expected a key in double quotes");
    kai_status st = scan_string(scan);
    if (st) return st;
    skip_blanks(scan);
    if (peek(scan) != ':') return refuse(scan, scan->at, "expected ':' after a key");
    scan->at++;
    return KAI_OK;
}

/* After a value: close levels and step over the comma. *ret_is_open: another value must follow. */
static kai_status scan_after(struct scan *scan, const char *closers, int *depth, int *ret_is_open) {
    for (*ret_is_open = 0; *depth > 0; (*depth)--) {
        skip_blanks(scan);
        char closer = closers[*depth - 1];
        int c = peek(scan);
        if (c == ',') {
            scan->at++;
            *ret_is_open = 1;
            return closer == '}' ? scan_key(scan) : KAI_OK;
        }
        if (c != closer)
            return refuse(scan, scan->at,
                          closer == '}' ? "expected ',' or '}'" : "expected ',' or ']'");
        scan->at++;
    }
    return KAI_OK;
}

static kai_status scan_document(struct scan *scan) {
    char closers[CAPS_JSON_DEPTH];
    int depth = 0, is_open = 1;
    kai_status st = KAI_OK;
    while (!st && is_open) {
        skip_blanks(scan);
        int c = peek(scan);
        if (c != '{' && c != '[') {
            st = scan_scalar(scan);
        } else {
            if (depth == CAPS_JSON_DEPTH) return refuse(scan, scan->at, "nested too deeply");
            closers[depth++] = c == '{' ? '}' : ']';
            scan->at++;
            skip_blanks(scan);
            if (peek(scan) != closers[depth - 1]) { /* not empty: its first value is next */
                if (c == '{') st = scan_key(scan);
                continue;
            }
        }
        if (!st) st = scan_after(scan, closers, &depth, &is_open);
    }
    if (st) return st;
    skip_blanks(scan);
    return scan->at == scan->size ? KAI_OK
                                  : refuse(scan, scan->at, "more text follows the document");
}

/* ---- second pass: the tree ---- */

struct json_value {
    int kind; /* of cJSON */
    double number;
    const char *text;
    const char *key;
    int64_t count;
    struct json_value *children;
};

struct document {
    struct json_value root; /* first, so that the root is the document */
    struct arena arena;
};

static kai_status copy_tree(const cJSON *from, struct json_value *to, struct arena *arena,
                            kai_err *err) {
    to->kind = from->type & 0xff;
    to->number = from->valuedouble;
    if (from->string && !(to->key = arena_string(arena, from->string)))
        return err_memory(err, (int64_t)strlen(from->string));
    if (to->kind == cJSON_String && !(to->text = arena_string(arena, from->valuestring)))
        return err_memory(err, (int64_t)strlen(from->valuestring));
    for (const cJSON *child = from->child; child; child = child->next) to->count++;
    if (to->count == 0) return KAI_OK;
    to->children = arena_alloc(arena, (size_t)to->count, sizeof *to->children);
    if (!to->children) return err_memory(err, to->count * (int64_t)sizeof *to->children);
    int64_t i = 0;
    for (const cJSON *child = from->child; child; child = child->next) {
        kai_status st = copy_tree(child, &to->children[i++], arena, err);
        if (st) return st;
    }
    return KAI_OK;
}

static void set_hooks(void) {
    cJSON_Hooks hooks = {mem_alloc, mem_free};
    cJSON_InitHooks(&hooks);
}

static kai_status build_document(const char *text, size_t n, struct document *document,
                                 kai_err *err) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, set_hooks); /* a valid once-control cannot fail */
    cJSON *tree = cJSON_ParseWithLength(text, n);
    if (!tree) return err_memory(err, (int64_t)n); /* the scan has accepted the text */
    kai_status st = copy_tree(tree, &document->root, &document->arena, err);
    cJSON_Delete(tree);
    return st;
}

kai_status json_parse(const char *text, size_t n, struct json_value **ret_value, kai_err *err) {
    struct scan scan = {.text = text, .size = n, .err = err};
    size_t mark = n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0; /* byte order mark */
    scan.at = mark;
    size_t valid = text_utf8_valid(text, n);
    if (valid < n) return refuse(&scan, valid, "bytes that are not UTF-8");
    kai_status st = scan_document(&scan);
    if (st) return st;
    struct document *document = mem_zero(1, sizeof *document);
    if (!document) return err_memory(err, sizeof *document);
    arena_init(&document->arena);
    st = build_document(text + mark, n - mark, document, err);
    if (st) {
        json_free(&document->root);
        return st;
    }
    *ret_value = &document->root;
    return KAI_OK;
}

void json_free(struct json_value *value) {
    if (!value) return;
    struct document *document = (struct document *)(void *)value;
    arena_release(&document->arena);
    mem_free(document);
}

static int is_kind(const struct json_value *value, int kind) {
    return value && value->kind == kind;
}

const struct json_value *json_get(const struct json_value *object, const char *key) {
    for (int64_t i = 0; is_kind(object, cJSON_Object) && i < object->count; i++)
        if (strcmp(object->children[i].key, key) == 0) return &object->children[i];
    return NULL;
}

const struct json_value *json_at(const struct json_value *array, int64_t index) {
    return index >= 0 && index < json_count(array) ? &array->children[index] : NULL;
}

int64_t json_count(const struct json_value *array_or_object) {
    return array_or_object ? array_or_object->count : 0;
}

const char *json_key_at(const struct json_value *object, int64_t index) {
    return is_kind(object, cJSON_Object) && json_at(object, index) ? object->children[index].key
                                                                   : NULL;
}

const char *json_as_text(const struct json_value *value, const char *fallback) {
    return is_kind(value, cJSON_String) ? value->text : fallback;
}

double json_as_f64(const struct json_value *value, double fallback) {
    return is_kind(value, cJSON_Number) ? value->number : fallback;
}

int json_as_bool(const struct json_value *value, int fallback) {
    if (is_kind(value, cJSON_True)) return 1;
    return is_kind(value, cJSON_False) ? 0 : fallback;
}

int json_is_null(const struct json_value *value) { return !value || value->kind == cJSON_NULL; }
int json_is_object(const struct json_value *value) { return is_kind(value, cJSON_Object); }
int json_is_array(const struct json_value *value) { return is_kind(value, cJSON_Array); }
