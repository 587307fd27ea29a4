/* Evaluate the program of a segment for one customer at one moment. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "prepare/segment_parts.h"

struct segment_bound {
    const struct segment *segment;
    const struct touch_book *book;
    int32_t *codes;   /* owned; (fields of text, literals) the code of a literal, or -2 */
    uint32_t *stamps; /* owned; (stamp_count) by code: the last call of distinct that met it */
    int32_t stamp_count;
    uint32_t stamp;
};

/* One customer. */
struct look {
    struct segment_bound *bound;
    const struct customer *customer;
    const struct touch *touches;
    int64_t count; /* before the moment */
    int64_t at_us;
};

const struct dict *segment_dict(const struct touch_book *book, int32_t field) {
    switch (field) {
    case SEGMENT_FIELD_TYPE: return &book->types;
    case SEGMENT_FIELD_ITEM: return &book->items;
    case SEGMENT_FIELD_CATEGORY: return &book->categories;
    case SEGMENT_FIELD_CHANNEL: return &book->channels;
    default: return &book->campaigns;
    }
}

int32_t segment_trait_field(int32_t text) {
    switch (text) {
    case CUSTOMER_FAVOURITE_ITEM: return SEGMENT_FIELD_ITEM;
    case CUSTOMER_FAVOURITE_CATEGORY: return SEGMENT_FIELD_CATEGORY;
    case CUSTOMER_FIRST_CAMPAIGN:
    case CUSTOMER_LAST_CAMPAIGN: return SEGMENT_FIELD_CAMPAIGN;
    default: return SEGMENT_FIELD_CHANNEL;
    }
}

kai_status segment_bind(const struct segment *segment, const struct touch_book *book,
                        struct segment_bound **ret_bound, kai_err *err) {
    struct segment_bound *bound = mem_zero(1, sizeof *bound);
    size_t count = (size_t)segment->literal_count;
    if (!bound) return err_memory(err, sizeof *bound);
    bound->segment = segment;
    bound->book = book;
    bound->codes = mem_array(count * SEGMENT_FIELD_TEXTS + 1, sizeof *bound->codes);
    for (int32_t field = 0; field < SEGMENT_FIELD_TEXTS; field++)
        if (segment_dict(book, field)->count > bound->stamp_count)
            bound->stamp_count = segment_dict(book, field)->count;
    bound->stamps = mem_zero((size_t)bound->stamp_count + 1, sizeof *bound->stamps);
    if (!bound->codes || !bound->stamps) {
        segment_bound_free(bound);
        return err_memory(err, (int64_t)(count * SEGMENT_FIELD_TEXTS * sizeof(int32_t)));
    }
    for (int32_t field = 0; field < SEGMENT_FIELD_TEXTS; field++)
        for (size_t i = 0; i < count; i++) {
            int32_t code = dict_find(segment_dict(book, field), segment->literals[i]);
            bound->codes[(size_t)field * count + i] = code < 0 ? -2 : code;
        }
    *ret_bound = bound;
    return KAI_OK;
}

void segment_bound_free(struct segment_bound *bound) {
    if (!bound) return;
    mem_free(bound->codes);
    mem_free(bound->stamps);
    mem_free(bound);
}

/* Is a code one of the literals? */
static int is_among(const struct segment_bound *bound, int32_t field, int32_t code, int32_t literal,
                    int32_t count) {
    const int32_t *codes = bound->codes + (int64_t)field * bound->segment->literal_count + literal;
    for (int32_t i = 0; i < count; i++)
        if (codes[i] == code) return 1;
    return 0;
}

static int compare_numbers(enum segment_op op, double a, double b) {
    if (isnan(a) || isnan(b)) return 0;
    switch (op) {
    case SEGMENT_OP_LESS: return a < b;
    case SEGMENT_OP_LESS_EQUAL: return a <= b;
    case SEGMENT_OP_GREATER: return a > b;
    case SEGMENT_OP_GREATER_EQUAL: return a >= b;
    case SEGMENT_OP_EQUAL: return a == b;
    default: return a != b;
    }
}

static int32_t code_of(const struct touch *touch, int32_t field) {
    switch (field) {
    case SEGMENT_FIELD_TYPE: return touch->type;
    case SEGMENT_FIELD_ITEM: return touch->item;
    case SEGMENT_FIELD_CATEGORY: return touch->category;
    case SEGMENT_FIELD_CHANNEL: return touch->channel;
    default: return touch->campaign;
    }
}

static double number_of(const struct touch *touch, int32_t field) {
    return field == SEGMENT_FIELD_VALUE ? touch->value : touch->quantity;
}

static int passes(const struct look *look, const struct touch *touch,
                  const struct segment_filter *filter) {
    if (filter->field == SEGMENT_FIELD_DAYS)
        return (double)(look->at_us - touch->time_us) <= filter->value * (double)INSTANT_DAY_US;
    if (filter->field >= SEGMENT_FIELD_TEXTS)
        return compare_numbers(filter->op, number_of(touch, filter->field), filter->value);
    int32_t code = code_of(touch, filter->field);
    if (code < 0) return 0; /* missing compares with nothing */
    int is_in = is_among(look->bound, filter->field, code, filter->literal, filter->literal_count);
    return filter->op == SEGMENT_OP_NOT_EQUAL ? !is_in : is_in;
}

static int passes_all(const struct look *look, const struct touch *touch,
                      const struct segment_node *node) {
    for (int32_t f = 0; f < node->filter_count; f++)
        if (!passes(look, touch, &look->bound->segment->filters[node->filter + f])) return 0;
    return 1;
}

/* Different codes among the touches that pass. Codes that the book got after the binding are not
 * counted. */
static double count_distinct(const struct look *look, const struct segment_node *node) {
    struct segment_bound *bound = look->bound;
    double distinct = 0;
    bound->stamp++;
    for (int64_t i = 0; i < look->count; i++) {
        int32_t code = code_of(&look->touches[i], node->field);
        if (code < 0 || code >= bound->stamp_count || bound->stamps[code] == bound->stamp) continue;
        if (!passes_all(look, &look->touches[i], node)) continue;
        bound->stamps[code] = bound->stamp;
        distinct++;
    }
    return distinct;
}

static double call(const struct look *look, const struct segment_node *node) {
    double total = 0;
    if (node->op == SEGMENT_OP_DISTINCT) return count_distinct(look, node);
    for (int64_t i = look->count - 1; i >= 0; i--) {
        const struct touch *touch = &look->touches[i];
        if (!passes_all(look, touch, node)) continue;
        double value = node->op == SEGMENT_OP_SUM ? number_of(touch, node->field) : 1;
        if (node->op == SEGMENT_OP_LAST)
            return (double)(look->at_us - touch->time_us) / (double)INSTANT_DAY_US;
        if (!isnan(value)) total += value;
    }
    return node->op == SEGMENT_OP_LAST ? NAN : total;
}

static int truth_of(const struct look *look, int32_t index);

static const struct segment_node *node_of(const struct look *look, int32_t index) {
    return &look->bound->segment->nodes[index];
}

static double value_of(const struct look *look, int32_t index) {
    const struct segment_node *node = node_of(look, index);
    switch (node->op) {
    case SEGMENT_OP_NUMBER: return node->value;
    case SEGMENT_OP_TRAIT: return look->customer->numbers[node->literal];
    case SEGMENT_OP_NEGATE: return -value_of(look, node->left);
    case SEGMENT_OP_ADD: return value_of(look, node->left) + value_of(look, node->right);
    case SEGMENT_OP_SUBTRACT: return value_of(look, node->left) - value_of(look, node->right);
    case SEGMENT_OP_MULTIPLY: return value_of(look, node->left) * value_of(look, node->right);
    case SEGMENT_OP_DIVIDE: {
        double below = value_of(look, node->right);
        return below == 0 ? NAN : value_of(look, node->left) / below;
    }
    default: return call(look, node);
    }
}

/* The text of a node as a slice; empty = missing. */
static struct slice text_of(const struct look *look, const struct segment_node *node) {
    if (node->op == SEGMENT_OP_TEXT) return look->bound->segment->literals[node->literal];
    int32_t code = look->customer->texts[node->literal];
    return slice_of(customer_text_value(look->bound->book, node->literal, code));
}

static int is_missing(const struct look *look, int32_t index) {
    const struct segment_node *node = node_of(look, index);
    if (node->kind == SEGMENT_NUMBER) return isnan(value_of(look, index));
    return text_of(look, node).size == 0;
}

static int compare(const struct look *look, const struct segment_node *node) {
    const struct segment_node *left = node_of(look, node->left);
    if (left->kind == SEGMENT_NUMBER)
        return compare_numbers(node->op, value_of(look, node->left), value_of(look, node->right));
    struct slice a = text_of(look, left), b = text_of(look, node_of(look, node->right));
    if (!a.size || !b.size) return 0;
    return slice_equal(a, b) == (node->op == SEGMENT_OP_EQUAL);
}

static int is_in_list(const struct look *look, const struct segment_node *node) {
    const struct segment *segment = look->bound->segment;
    struct slice text = text_of(look, node_of(look, node->left));
    for (int32_t i = 0; text.size && i < node->literal_count; i++)
        if (slice_equal(text, segment->literals[node->literal + i])) return 1;
    return 0;
}

static int truth_of(const struct look *look, int32_t index) {
    const struct segment_node *node = node_of(look, index);
    switch (node->op) {
    case SEGMENT_OP_TRUTH: return node->value != 0;
    case SEGMENT_OP_NOT: return !truth_of(look, node->left);
    case SEGMENT_OP_AND: return truth_of(look, node->left) && truth_of(look, node->right);
    case SEGMENT_OP_OR: return truth_of(look, node->left) || truth_of(look, node->right);
    case SEGMENT_OP_MISSING: return is_missing(look, node->left);
    case SEGMENT_OP_IN: return is_in_list(look, node);
    default: return compare(look, node);
    }
}

int segment_holds(struct segment_bound *bound, const struct customer *customer,
                  const struct touch *touches, int64_t count, int64_t at_us) {
    const struct look look = {bound, customer, touches, touch_before(touches, count, at_us), at_us};
    return truth_of(&look, bound->segment->root);
}
