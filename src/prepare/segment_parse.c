/* The parser of segments: recursive descent over at most SEGMENT_DEPTH levels.
 *
 *   rule    = all { "or" all }
 *   all     = one { "and" one }
 *   one     = "not" one | sum [ compare sum | "in" "(" literal { "," literal } ")" ]
 *   sum     = product { ("+" | "-") product }
 *   product = factor { ("*" | "/") factor }
 *   factor  = number | text | "true" | "false" | "-" factor | "(" rule ")" | word | call
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/options.h"
#include "prepare/segment_parts.h"

enum token_kind { TOKEN_END, TOKEN_WORD, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_SIGN };

struct token {
    enum token_kind kind;
    struct slice text; /* a text: between its quotes */
    double number;
    size_t at; /* offset */
};

struct parser {
    struct segment *segment;
    struct slice text;
    size_t at;
    struct token token; /* the next one */
    int depth;
    kai_status status; /* the first failure sticks */
    kai_err *err;
};

static const char *const FIELDS[SEGMENT_FIELDS] = {"type",     "item",  "item.category", "channel",
                                                   "campaign", "value", "quantity",      "days"};

const char *segment_field_name(int32_t field) { return FIELDS[field]; }

static void fail_at(struct parser *parser, size_t at, kai_status code, const char *format, ...)
    ERR_PRINTF(4, 5);

static void fail_at(struct parser *parser, size_t at, kai_status code, const char *format, ...) {
    char reason[256];
    va_list list;
    if (parser->status) return;
    va_start(list, format);
    (void)vsnprintf(reason, sizeof reason, format, list); /* a reason that is cut is still one */
    va_end(list);
    parser->status = err_set(parser->err, code, "segment '%.64s', column %zu: %s",
                             parser->segment->name, at + 1, reason);
}

static void fail(struct parser *parser, const char *expected) {
    const struct token *token = &parser->token;
    if (token->kind == TOKEN_END)
        fail_at(parser, token->at, KAI_INVALID, "the rule ends, expected %s", expected);
    else
        fail_at(parser, token->at, KAI_INVALID, "expected %s, got '%.*s'", expected,
                (int)(token->text.size < 40 ? token->text.size : 40), token->text.data);
}

static void fail_memory(struct parser *parser) {
    if (!parser->status) parser->status = err_memory(parser->err, 0);
}

static int is_word_start(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Bytes of the token that begins at `from`, by its first byte. */
static size_t scan_word(struct slice text, size_t from) {
    size_t end = from;
    while (end < text.size &&
           (is_word_start(text.data[end]) || is_digit(text.data[end]) || text.data[end] == '.'))
        end++;
    return end - from;
}

static size_t scan_number(struct slice text, size_t from) {
    size_t end = from;
    while (end < text.size && (is_digit(text.data[end]) || text.data[end] == '.')) end++;
    if (end < text.size && (text.data[end] == 'e' || text.data[end] == 'E')) {
        size_t digits = end + 1;
        if (digits < text.size && (text.data[digits] == '-' || text.data[digits] == '+')) digits++;
        if (digits < text.size && is_digit(text.data[digits])) end = digits;
        while (end < text.size && is_digit(text.data[end])) end++;
    }
    return end - from;
}

static size_t scan_sign(struct slice text, size_t from) {
    static const char *const DOUBLES[] = {"<=", ">=", "!=", "=="};
    for (size_t i = 0; from + 1 < text.size && i < sizeof DOUBLES / sizeof *DOUBLES; i++)
        if (memcmp(text.data + from, DOUBLES[i], 2) == 0) return 2;
    return 1;
}

/* A text between its quotes; a backslash takes the next byte as it is. */
static void read_text(struct parser *parser, struct token *token) {
    struct slice text = parser->text;
    char quote = text.data[parser->at], *out = NULL;
    size_t end = parser->at + 1, size = 0;
    while (end < text.size && text.data[end] != quote) end += text.data[end] == '\\' ? 2 : 1;
    if (end >= text.size) {
        fail_at(parser, parser->at, KAI_INVALID, "the text has no closing quote");
        return;
    }
    out = arena_alloc(&parser->segment->arena, end - parser->at, 1);
    if (!out) {
        fail_memory(parser);
        return;
    }
    for (size_t i = parser->at + 1; i < end; i++) {
        if (text.data[i] == '\\') i++;
        out[size++] = text.data[i];
    }
    token->text = (struct slice){out, size};
    parser->at = end + 1;
}

static void advance(struct parser *parser) {
    struct slice text = parser->text;
    while (parser->at < text.size && text.data[parser->at] &&
           strchr(" \t\r\n", text.data[parser->at]))
        parser->at++;
    struct token token = {.kind = TOKEN_END, .at = parser->at};
    size_t size = 0;
    char c = parser->at < text.size ? text.data[parser->at] : '\0';
    if (parser->at == text.size) {
    } else if (c == '"' || c == '\'') {
        token.kind = TOKEN_TEXT;
        read_text(parser, &token);
    } else if (is_word_start(c)) {
        token.kind = TOKEN_WORD;
        size = scan_word(text, parser->at);
    } else if (is_digit(c) || c == '.') {
        token.kind = TOKEN_NUMBER;
        size = scan_number(text, parser->at);
        if (!text_parse_f64((struct slice){text.data + parser->at, size}, &token.number))
            fail_at(parser, parser->at, KAI_INVALID, "'%.*s' is not a number",
                    (int)(size < 40 ? size : 40), text.data + parser->at);
    } else {
        token.kind = TOKEN_SIGN;
        size = scan_sign(text, parser->at);
    }
    if (token.kind != TOKEN_TEXT) token.text = (struct slice){text.data + parser->at, size};
    parser->at += size;
    parser->token = token;
}

static int is_sign(const struct parser *parser, const char *sign) {
    return parser->token.kind == TOKEN_SIGN && slice_equal_text(parser->token.text, sign);
}

static int is_word(const struct parser *parser, const char *word) {
    return parser->token.kind == TOKEN_WORD && slice_equal_text(parser->token.text, word);
}

static int take_sign(struct parser *parser, const char *sign) {
    if (parser->status || !is_sign(parser, sign)) return 0;
    advance(parser);
    return 1;
}

static int take_word(struct parser *parser, const char *word) {
    if (parser->status || !is_word(parser, word)) return 0;
    advance(parser);
    return 1;
}

static void expect_sign(struct parser *parser, const char *sign, const char *what) {
    if (!parser->status && !take_sign(parser, sign)) fail(parser, what);
}

/* A new node; 0 where there is no room, with the failure noted. */
static int32_t add_node(struct parser *parser, struct segment_node node) {
    struct segment *segment = parser->segment;
    if (parser->status) return 0;
    if (segment->count == SEGMENT_NODES) {
        fail_at(parser, parser->token.at, KAI_LIMIT, "the rule has more than %d parts",
                SEGMENT_NODES);
        return 0;
    }
    segment->nodes[segment->count] = node;
    return segment->count++;
}

static const struct segment_node *node_at(const struct parser *parser, int32_t index) {
    return &parser->segment->nodes[index];
}

static int32_t add_literal(struct parser *parser, struct slice text) {
    struct segment *segment = parser->segment;
    if (segment->literal_count == SEGMENT_NODES) {
        fail_at(parser, parser->token.at, KAI_LIMIT, "the rule has more than %d texts",
                SEGMENT_NODES);
        return 0;
    }
    segment->literals[segment->literal_count] = text;
    return segment->literal_count++;
}

static void require_kind(struct parser *parser, int32_t index, enum segment_kind kind, size_t at) {
    static const char *const KINDS[] = {"a number", "a text", "a condition"};
    if (!parser->status && node_at(parser, index)->kind != kind)
        fail_at(parser, at, KAI_INVALID, "expected %s, got %s", KINDS[kind],
                KINDS[node_at(parser, index)->kind]);
}

static int32_t parse_rule(struct parser *parser);

/* "=", "<" ... as an operation, or NUMBER where the next token is none of them. */
static enum segment_op compare_of(const struct parser *parser) {
    static const struct {
        const char *sign;
        enum segment_op op;
    } SIGNS[] = {{"<", SEGMENT_OP_LESS},      {"<=", SEGMENT_OP_LESS_EQUAL},
                 {">", SEGMENT_OP_GREATER},   {">=", SEGMENT_OP_GREATER_EQUAL},
                 {"=", SEGMENT_OP_EQUAL},     {"==", SEGMENT_OP_EQUAL},
                 {"!=", SEGMENT_OP_NOT_EQUAL}};
    for (size_t i = 0; i < sizeof SIGNS / sizeof *SIGNS; i++)
        if (is_sign(parser, SIGNS[i].sign)) return SIGNS[i].op;
    return SEGMENT_OP_NUMBER;
}

/* ("a", "b", ...) behind "in" */
static void parse_list(struct parser *parser, int32_t *ret_literal, int32_t *ret_count) {
    *ret_literal = parser->segment->literal_count;
    expect_sign(parser, "(", "'(' behind 'in'");
    do {
        if (parser->status) return;
        if (parser->token.kind != TOKEN_TEXT) {
            fail(parser, "a text in quotes");
            return;
        }
        (void)add_literal(parser, parser->token.text);
        advance(parser);
    } while (take_sign(parser, ","));
    expect_sign(parser, ")", "',' or ')'");
    *ret_count = parser->segment->literal_count - *ret_literal;
}

static int32_t field_of(struct slice word) {
    if (slice_equal_text(word, "category")) return SEGMENT_FIELD_CATEGORY;
    for (int32_t i = 0; i < SEGMENT_FIELDS; i++)
        if (slice_equal_text(word, FIELDS[i])) return i;
    return -1;
}

static void parse_filter_value(struct parser *parser, struct segment_filter *filter) {
    int is_text = filter->field < SEGMENT_FIELD_TEXTS;
    size_t at = parser->token.at;
    int is_negative = !is_text && take_sign(parser, "-");
    if (parser->token.kind != (is_text ? TOKEN_TEXT : TOKEN_NUMBER)) {
        fail(parser, is_text ? "a text in quotes" : "a number");
        return;
    }
    if (is_text) {
        filter->literal = add_literal(parser, parser->token.text);
        filter->literal_count = 1;
    } else {
        filter->value = is_negative ? -parser->token.number : parser->token.number;
    }
    if (filter->field == SEGMENT_FIELD_DAYS && !(filter->value > 0 && filter->value <= 36500))
        fail_at(parser, at, KAI_INVALID, "days are more than 0 and at most 36500");
    if (!parser->status) advance(parser);
}

/* field = value, field in (...) */
static void parse_filter(struct parser *parser) {
    struct segment *segment = parser->segment;
    struct segment_filter filter = {0};
    size_t at = parser->token.at;
    int32_t field = parser->token.kind == TOKEN_WORD ? field_of(parser->token.text) : -1;
    if (field < 0) {
        fail(parser, "one of type, item, item.category, channel, campaign, value, quantity, days");
        return;
    }
    filter.field = field;
    advance(parser);
    if (filter.field < SEGMENT_FIELD_TEXTS && take_word(parser, "in")) {
        filter.op = SEGMENT_OP_IN;
        parse_list(parser, &filter.literal, &filter.literal_count);
    } else {
        filter.op = compare_of(parser);
        int is_equality = filter.op == SEGMENT_OP_EQUAL || filter.op == SEGMENT_OP_NOT_EQUAL;
        if (filter.op == SEGMENT_OP_NUMBER ||
            (filter.field < SEGMENT_FIELD_TEXTS && !is_equality) ||
            (filter.field == SEGMENT_FIELD_DAYS && filter.op != SEGMENT_OP_EQUAL)) {
            fail(parser, filter.field == SEGMENT_FIELD_DAYS   ? "'=' behind 'days'"
                         : filter.field < SEGMENT_FIELD_TEXTS ? "'=', '!=' or 'in'"
                                                              : "a comparison");
            return;
        }
        advance(parser);
        parse_filter_value(parser, &filter);
    }
    if (!parser->status && segment->filter_count == SEGMENT_NODES)
        fail_at(parser, at, KAI_LIMIT, "the rule has more than %d filters", SEGMENT_NODES);
    if (!parser->status) segment->filters[segment->filter_count++] = filter;
}

/* The first argument of sum and distinct is a field. */
static int32_t parse_field(struct parser *parser, int wants_text) {
    int32_t field = parser->token.kind == TOKEN_WORD ? field_of(parser->token.text) : -1;
    int is_good = wants_text ? field >= 0 && field < SEGMENT_FIELD_TEXTS
                             : field == SEGMENT_FIELD_VALUE || field == SEGMENT_FIELD_QUANTITY;
    if (!is_good)
        fail(parser, wants_text ? "one of type, item, item.category, channel, campaign"
                                : "value or quantity");
    else
        advance(parser);
    return field;
}

/* count(...), sum(value, ...), last(...), distinct(item, ...) behind "(" */
static int32_t parse_call(struct parser *parser, enum segment_op op) {
    struct segment_node node = {.op = op,
                                .kind = SEGMENT_NUMBER,
                                .left = -1,
                                .right = -1,
                                .filter = parser->segment->filter_count};
    int has_field = op == SEGMENT_OP_SUM || op == SEGMENT_OP_DISTINCT;
    if (has_field) node.field = parse_field(parser, op == SEGMENT_OP_DISTINCT);
    int has_more = has_field ? take_sign(parser, ",") : !is_sign(parser, ")");
    while (has_more && !parser->status) {
        parse_filter(parser);
        has_more = take_sign(parser, ",");
    }
    expect_sign(parser, ")", "',' or ')'");
    node.filter_count = parser->segment->filter_count - node.filter;
    return add_node(parser, node);
}

static int32_t parse_missing(struct parser *parser) {
    size_t at = parser->token.at;
    int32_t left = parse_rule(parser);
    if (!parser->status && node_at(parser, left)->kind == SEGMENT_TRUTH)
        fail_at(parser, at, KAI_INVALID, "a condition is never missing");
    expect_sign(parser, ")", "')'");
    return add_node(
        parser, (struct segment_node){
                    .op = SEGMENT_OP_MISSING, .kind = SEGMENT_TRUTH, .left = left, .right = -1});
}

static void fail_unknown(struct parser *parser, struct slice word, size_t at) {
    char names[4096] = "", nearest[64] = "", text[64] = "";
    size_t used = 0;
    for (int32_t i = 0; i < CUSTOMER_NUMBERS + CUSTOMER_TEXTS; i++) {
        const char *name = i < CUSTOMER_NUMBERS ? customer_number_name(i)
                                                : customer_text_name(i - CUSTOMER_NUMBERS);
        used += (size_t)snprintf(names + used, sizeof names - used, "%s%s", used ? "|" : "", name);
    }
    memcpy(text, word.data, word.size < sizeof text - 1 ? word.size : sizeof text - 1);
    if (options_nearest(text, names, nearest, sizeof nearest))
        fail_at(parser, at, KAI_INVALID, "unknown trait '%s': did you mean '%s'?", text, nearest);
    else
        fail_at(parser, at, KAI_INVALID, "unknown trait '%s'", text);
}

/* A trait, or a call. */
static int32_t parse_word(struct parser *parser) {
    static const struct {
        const char *name;
        enum segment_op op;
    } CALLS[] = {{"count", SEGMENT_OP_COUNT},
                 {"sum", SEGMENT_OP_SUM},
                 {"last", SEGMENT_OP_LAST},
                 {"distinct", SEGMENT_OP_DISTINCT}};
    struct slice word = parser->token.text;
    size_t at = parser->token.at;
    advance(parser);
    if (slice_equal_text(word, "true") || slice_equal_text(word, "false"))
        return add_node(parser, (struct segment_node){.op = SEGMENT_OP_TRUTH,
                                                      .kind = SEGMENT_TRUTH,
                                                      .value = word.size == 4,
                                                      .left = -1,
                                                      .right = -1});
    if (take_sign(parser, "(")) {
        if (slice_equal_text(word, "missing")) return parse_missing(parser);
        for (size_t i = 0; i < sizeof CALLS / sizeof *CALLS; i++)
            if (slice_equal_text(word, CALLS[i].name)) return parse_call(parser, CALLS[i].op);
        fail_at(parser, at, KAI_INVALID, "'%.*s': expected count, sum, last, distinct or missing",
                (int)(word.size < 40 ? word.size : 40), word.data);
        return 0;
    }
    int32_t number = customer_number_find(word), text = customer_text_find(word);
    if (number < 0 && text < 0) {
        fail_unknown(parser, word, at);
        return 0;
    }
    return add_node(
        parser, (struct segment_node){.op = number >= 0 ? SEGMENT_OP_TRAIT : SEGMENT_OP_TEXT_TRAIT,
                                      .kind = number >= 0 ? SEGMENT_NUMBER : SEGMENT_TEXT,
                                      .literal = number >= 0 ? number : text,
                                      .left = -1,
                                      .right = -1});
}

static int32_t parse_factor(struct parser *parser);

static int32_t parse_negative(struct parser *parser) {
    size_t at = parser->token.at;
    int32_t left = parse_factor(parser);
    require_kind(parser, left, SEGMENT_NUMBER, at);
    return add_node(
        parser, (struct segment_node){
                    .op = SEGMENT_OP_NEGATE, .kind = SEGMENT_NUMBER, .left = left, .right = -1});
}

static int32_t parse_plain_factor(struct parser *parser) {
    struct token token = parser->token;
    struct segment_node node = {.left = -1, .right = -1};
    if (take_sign(parser, "(")) {
        int32_t inner = parse_rule(parser);
        expect_sign(parser, ")", "')'");
        return inner;
    }
    if (take_sign(parser, "-")) return parse_negative(parser);
    if (token.kind == TOKEN_WORD) return parse_word(parser);
    if (token.kind == TOKEN_NUMBER) {
        node.op = SEGMENT_OP_NUMBER;
        node.kind = SEGMENT_NUMBER;
        node.value = token.number;
    } else if (token.kind == TOKEN_TEXT) {
        node.op = SEGMENT_OP_TEXT;
        node.kind = SEGMENT_TEXT;
        node.literal = add_literal(parser, token.text);
        node.literal_count = 1;
    } else {
        fail(parser, "a trait, a number, a text, a call or '('");
        return 0;
    }
    advance(parser);
    return add_node(parser, node);
}

static int32_t parse_factor(struct parser *parser) {
    if (parser->status) return 0;
    if (++parser->depth > SEGMENT_DEPTH) {
        fail_at(parser, parser->token.at, KAI_LIMIT, "nested deeper than %d", SEGMENT_DEPTH);
        return 0;
    }
    int32_t index = parse_plain_factor(parser);
    parser->depth--;
    return index;
}

static int32_t add_pair(struct parser *parser, enum segment_op op, enum segment_kind kind,
                        int32_t left, int32_t right) {
    return add_node(parser,
                    (struct segment_node){.op = op, .kind = kind, .left = left, .right = right});
}

/* operand { sign operand } of numbers; `signs` are the operations of one level */
static int32_t parse_numbers(struct parser *parser, const char *const signs[2],
                             const enum segment_op ops[2], int32_t (*operand)(struct parser *)) {
    size_t at = parser->token.at;
    int32_t left = operand(parser);
    while (!parser->status && (is_sign(parser, signs[0]) || is_sign(parser, signs[1]))) {
        enum segment_op op = is_sign(parser, signs[0]) ? ops[0] : ops[1];
        require_kind(parser, left, SEGMENT_NUMBER, at);
        advance(parser);
        at = parser->token.at;
        int32_t right = operand(parser);
        require_kind(parser, right, SEGMENT_NUMBER, at);
        left = add_pair(parser, op, SEGMENT_NUMBER, left, right);
    }
    return left;
}

static int32_t parse_product(struct parser *parser) {
    static const char *const SIGNS[] = {"*", "/"};
    static const enum segment_op OPS[] = {SEGMENT_OP_MULTIPLY, SEGMENT_OP_DIVIDE};
    return parse_numbers(parser, SIGNS, OPS, parse_factor);
}

static int32_t parse_sum(struct parser *parser) {
    static const char *const SIGNS[] = {"+", "-"};
    static const enum segment_op OPS[] = {SEGMENT_OP_ADD, SEGMENT_OP_SUBTRACT};
    return parse_numbers(parser, SIGNS, OPS, parse_product);
}

/* text in (...) */
static int32_t parse_in(struct parser *parser, int32_t left, size_t at) {
    struct segment_node node = {
        .op = SEGMENT_OP_IN, .kind = SEGMENT_TRUTH, .left = left, .right = -1};
    require_kind(parser, left, SEGMENT_TEXT, at);
    parse_list(parser, &node.literal, &node.literal_count);
    return add_node(parser, node);
}

static int32_t parse_compare(struct parser *parser) {
    size_t at = parser->token.at;
    int32_t left = parse_sum(parser);
    if (take_word(parser, "in")) return parse_in(parser, left, at);
    enum segment_op op = compare_of(parser);
    if (parser->status || op == SEGMENT_OP_NUMBER) return left;
    size_t sign_at = parser->token.at;
    advance(parser);
    size_t right_at = parser->token.at;
    int32_t right = parse_sum(parser);
    if (parser->status) return 0;
    enum segment_kind kind = node_at(parser, left)->kind;
    if (kind == SEGMENT_TRUTH) fail_at(parser, at, KAI_INVALID, "a condition cannot be compared");
    require_kind(parser, right, kind, right_at);
    if (kind == SEGMENT_TEXT && op != SEGMENT_OP_EQUAL && op != SEGMENT_OP_NOT_EQUAL)
        fail_at(parser, sign_at, KAI_INVALID, "texts are compared by '=', '!=' or 'in'");
    return add_pair(parser, op, SEGMENT_TRUTH, left, right);
}

static int32_t parse_not(struct parser *parser) {
    int is_not = 0;
    while (take_word(parser, "not")) is_not = !is_not;
    size_t at = parser->token.at;
    int32_t left = parse_compare(parser);
    if (!is_not) return left;
    require_kind(parser, left, SEGMENT_TRUTH, at);
    return add_pair(parser, SEGMENT_OP_NOT, SEGMENT_TRUTH, left, -1);
}

/* operand { word operand } of conditions */
static int32_t parse_conditions(struct parser *parser, const char *word, enum segment_op op,
                                int32_t (*operand)(struct parser *)) {
    size_t at = parser->token.at;
    int32_t left = operand(parser);
    while (!parser->status && is_word(parser, word)) {
        require_kind(parser, left, SEGMENT_TRUTH, at);
        advance(parser);
        at = parser->token.at;
        int32_t right = operand(parser);
        require_kind(parser, right, SEGMENT_TRUTH, at);
        left = add_pair(parser, op, SEGMENT_TRUTH, left, right);
    }
    return left;
}

static int32_t parse_all(struct parser *parser) {
    return parse_conditions(parser, "and", SEGMENT_OP_AND, parse_not);
}

static int32_t parse_rule(struct parser *parser) {
    return parse_conditions(parser, "or", SEGMENT_OP_OR, parse_all);
}

static void parse_whole(struct parser *parser) {
    advance(parser);
    size_t at = parser->token.at;
    parser->segment->root = parse_rule(parser);
    if (!parser->status && parser->token.kind != TOKEN_END) fail(parser, "'and', 'or' or the end");
    require_kind(parser, parser->segment->root, SEGMENT_TRUTH, at);
}

kai_status segment_parse(const char *name, struct slice text, struct segment **ret_segment,
                         kai_err *err) {
    if (text.size > SEGMENT_TEXT_BYTES)
        return err_set(err, KAI_LIMIT, "segment '%.64s' has more than %d bytes", name,
                       SEGMENT_TEXT_BYTES);
    struct segment *segment = mem_zero(1, sizeof *segment);
    if (!segment) return err_memory(err, sizeof *segment);
    struct parser parser = {.segment = segment, .text = text, .err = err};
    arena_init(&segment->arena);
    segment->name = mem_string(name);
    segment->nodes = arena_alloc(&segment->arena, SEGMENT_NODES, sizeof *segment->nodes);
    segment->filters = arena_alloc(&segment->arena, SEGMENT_NODES, sizeof *segment->filters);
    segment->literals = arena_alloc(&segment->arena, SEGMENT_NODES, sizeof *segment->literals);
    if (!segment->name || !segment->nodes || !segment->filters || !segment->literals)
        fail_memory(&parser);
    if (!parser.status) parse_whole(&parser);
    if (parser.status) {
        segment_free(segment);
        return parser.status;
    }
    *ret_segment = segment;
    return KAI_OK;
}

void segment_free(struct segment *segment) {
    if (!segment) return;
    arena_release(&segment->arena);
    mem_free(segment->name);
    mem_free(segment);
}
