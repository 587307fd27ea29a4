/* The program of a segment as text that parses to the same program. */
#include <string.h>

#include "prepare/segment_parts.h"

struct printer {
    const struct segment *segment;
    struct buf *out;
    kai_status status;
    kai_err *err;
};

static void put(struct printer *printer, const char *text) {
    if (!printer->status) printer->status = buf_puts(printer->out, text, printer->err);
}

static void put_number(struct printer *printer, double value) {
    char text[TEXT_NUMBER_BYTES];
    (void)text_print_f64(value, text);
    put(printer, text);
}

static void put_text(struct printer *printer, struct slice text) {
    put(printer, "\"");
    for (size_t i = 0; !printer->status && i < text.size; i++) {
        int is_mark = text.data[i] == '"' || text.data[i] == '\\';
        if (is_mark) put(printer, "\\");
        if (!printer->status)
            printer->status = buf_append(printer->out, text.data + i, 1, printer->err);
    }
    put(printer, "\"");
}

static void put_list(struct printer *printer, int32_t literal, int32_t count) {
    put(printer, " in (");
    for (int32_t i = 0; i < count; i++) {
        if (i) put(printer, ", ");
        put_text(printer, printer->segment->literals[literal + i]);
    }
    put(printer, ")");
}

static const char *sign_of(enum segment_op op) {
    switch (op) {
    case SEGMENT_OP_AND: return " and ";
    case SEGMENT_OP_OR: return " or ";
    case SEGMENT_OP_ADD: return " + ";
    case SEGMENT_OP_SUBTRACT: return " - ";
    case SEGMENT_OP_MULTIPLY: return " * ";
    case SEGMENT_OP_DIVIDE: return " / ";
    case SEGMENT_OP_LESS: return " < ";
    case SEGMENT_OP_LESS_EQUAL: return " <= ";
    case SEGMENT_OP_GREATER: return " > ";
    case SEGMENT_OP_GREATER_EQUAL: return " >= ";
    case SEGMENT_OP_EQUAL: return " = ";
    default: return " != ";
    }
}

static void put_filter(struct printer *printer, const struct segment_filter *filter) {
    put(printer, segment_field_name(filter->field));
    if (filter->op == SEGMENT_OP_IN) {
        put_list(printer, filter->literal, filter->literal_count);
        return;
    }
    put(printer, sign_of(filter->op));
    if (filter->field < SEGMENT_FIELD_TEXTS)
        put_text(printer, printer->segment->literals[filter->literal]);
    else
        put_number(printer, filter->value);
}

static void put_call(struct printer *printer, const struct segment_node *node) {
    int has_field = node->op == SEGMENT_OP_SUM || node->op == SEGMENT_OP_DISTINCT;
    put(printer, node->op == SEGMENT_OP_COUNT  ? "count("
                 : node->op == SEGMENT_OP_SUM  ? "sum("
                 : node->op == SEGMENT_OP_LAST ? "last("
                                               : "distinct(");
    if (has_field) put(printer, segment_field_name(node->field));
    for (int32_t f = 0; f < node->filter_count; f++) {
        if (f || has_field) put(printer, ", ");
        put_filter(printer, &printer->segment->filters[node->filter + f]);
    }
    put(printer, ")");
}

/* How strongly an operation binds: or 1, and 2, not 3, comparison 4, + 5, * 6, - of one 7, leaf 8
 */
static int strength_of(enum segment_op op) {
    switch (op) {
    case SEGMENT_OP_OR: return 1;
    case SEGMENT_OP_AND: return 2;
    case SEGMENT_OP_NOT: return 3;
    case SEGMENT_OP_ADD:
    case SEGMENT_OP_SUBTRACT: return 5;
    case SEGMENT_OP_MULTIPLY:
    case SEGMENT_OP_DIVIDE: return 6;
    case SEGMENT_OP_NEGATE: return 7;
    default: return op >= SEGMENT_OP_LESS ? 4 : 8;
    }
}

static void put_node(struct printer *printer, int32_t index, int strength_min);

static void put_bare(struct printer *printer, const struct segment_node *node, int strength) {
    switch (node->op) {
    case SEGMENT_OP_NUMBER: put_number(printer, node->value); return;
    case SEGMENT_OP_TEXT: put_text(printer, printer->segment->literals[node->literal]); return;
    case SEGMENT_OP_TRUTH: put(printer, node->value != 0 ? "true" : "false"); return;
    case SEGMENT_OP_TRAIT: put(printer, customer_number_name(node->literal)); return;
    case SEGMENT_OP_TEXT_TRAIT: put(printer, customer_text_name(node->literal)); return;
    case SEGMENT_OP_MISSING:
        put(printer, "missing(");
        put_node(printer, node->left, 0);
        put(printer, ")");
        return;
    case SEGMENT_OP_NEGATE:
    case SEGMENT_OP_NOT:
        put(printer, node->op == SEGMENT_OP_NOT ? "not " : "-");
        put_node(printer, node->left, strength + (node->op == SEGMENT_OP_NOT));
        return;
    case SEGMENT_OP_IN:
        put_node(printer, node->left, strength + 1);
        put_list(printer, node->literal, node->literal_count);
        return;
    case SEGMENT_OP_COUNT:
    case SEGMENT_OP_SUM:
    case SEGMENT_OP_LAST:
    case SEGMENT_OP_DISTINCT: put_call(printer, node); return;
    default: break;
    }
    /* left to right, but a comparison does not continue */
    put_node(printer, node->left, strength == 4 ? 5 : strength);
    put(printer, sign_of(node->op));
    put_node(printer, node->right, strength + 1);
}

static void put_node(struct printer *printer, int32_t index, int strength_min) {
    const struct segment_node *node = &printer->segment->nodes[index];
    int strength = strength_of(node->op), is_weak = strength < strength_min;
    if (printer->status) return;
    if (is_weak) put(printer, "(");
    put_bare(printer, node, strength);
    if (is_weak) put(printer, ")");
}

kai_status segment_print(const struct segment *segment, struct buf *out, kai_err *err) {
    struct printer printer = {.segment = segment, .out = out, .err = err};
    put_node(&printer, segment->root, 0);
    return printer.status;
}
