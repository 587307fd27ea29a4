/* The program of a segment, between its parser, printer and evaluator. Private to src/prepare. */
#ifndef KAIROS_PREPARE_SEGMENT_PARTS_H
#define KAIROS_PREPARE_SEGMENT_PARTS_H

#include "prepare/segment.h"

enum segment_kind { SEGMENT_NUMBER, SEGMENT_TEXT, SEGMENT_TRUTH };

enum segment_op {
    SEGMENT_OP_NUMBER,     /* value */
    SEGMENT_OP_TEXT,       /* literal */
    SEGMENT_OP_TRUTH,      /* value 0 or 1 */
    SEGMENT_OP_TRAIT,      /* literal: index of a customer_number */
    SEGMENT_OP_TEXT_TRAIT, /* literal: index of a customer_text */
    SEGMENT_OP_COUNT,
    SEGMENT_OP_SUM,      /* field: value or quantity */
    SEGMENT_OP_LAST,     /* days since the last touch that passes */
    SEGMENT_OP_DISTINCT, /* field: item, category, channel ... */
    SEGMENT_OP_MISSING,  /* left */
    SEGMENT_OP_NEGATE,
    SEGMENT_OP_NOT,
    SEGMENT_OP_AND,
    SEGMENT_OP_OR,
    SEGMENT_OP_ADD,
    SEGMENT_OP_SUBTRACT,
    SEGMENT_OP_MULTIPLY,
    SEGMENT_OP_DIVIDE,
    SEGMENT_OP_LESS,
    SEGMENT_OP_LESS_EQUAL,
    SEGMENT_OP_GREATER,
    SEGMENT_OP_GREATER_EQUAL,
    SEGMENT_OP_EQUAL,
    SEGMENT_OP_NOT_EQUAL,
    SEGMENT_OP_IN, /* left, and literals */
};

/* Fields of a touch. */
enum segment_field {
    SEGMENT_FIELD_TYPE,
    SEGMENT_FIELD_ITEM,
    SEGMENT_FIELD_CATEGORY,
    SEGMENT_FIELD_CHANNEL,
    SEGMENT_FIELD_CAMPAIGN,
    SEGMENT_FIELD_TEXTS,                       /* above: texts */
    SEGMENT_FIELD_VALUE = SEGMENT_FIELD_TEXTS, /* below: numbers */
    SEGMENT_FIELD_QUANTITY,
    SEGMENT_FIELD_DAYS, /* only of filters: within so many days */
    SEGMENT_FIELDS
};

struct segment_node {
    enum segment_op op;
    enum segment_kind kind;
    double value;
    int32_t literal;       /* first */
    int32_t literal_count; /* of IN */
    int32_t left, right;   /* nodes, or -1 */
    int32_t field;         /* of SUM and DISTINCT */
    int32_t filter, filter_count;
};

/* type = "view", value > 10, item in ("a", "b"), days = 7 */
struct segment_filter {
    int32_t field; /* enum segment_field */
    enum segment_op op;
    double value;
    int32_t literal, literal_count;
};

struct segment {
    char *name;                 /* owned */
    struct arena arena;         /* what follows lives in it */
    struct segment_node *nodes; /* (count) */
    int32_t count;
    struct segment_filter *filters;
    int32_t filter_count;
    struct slice *literals;
    int32_t literal_count;
    int32_t root;
};

/* The dictionary of a text field. */
const struct dict *segment_dict(const struct touch_book *book, int32_t field);
/* The field that a text trait is of. */
int32_t segment_trait_field(int32_t text);
/* "type", "item", "item.category", "channel", "campaign", "value", "quantity", "days" */
const char *segment_field_name(int32_t field);

#endif
