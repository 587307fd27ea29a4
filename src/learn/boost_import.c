/* UBJSON (ubjson.org, draft 12) as XGBoost 1.7 writes it: objects '{' key value ... '}' with keys
 * 'L' length bytes; arrays '[' '#' count values, or '[' '$' type '#' count and the bare numbers;
 * strings 'S'; numbers big-endian. The cursor's failure sticks, like that of base/bytes.h. */
#include "learn/boost_import.h"

#include <string.h>

#include "base/alloc.h"

enum { UBJSON_DEPTH_MAX = 32 };

struct cursor {
    const unsigned char *data;
    size_t size;
    size_t at;
    int is_broken;
};

static unsigned char take_byte(struct cursor *cursor) {
    if (cursor->at >= cursor->size) cursor->is_broken = 1;
    return cursor->is_broken ? 0 : cursor->data[cursor->at++];
}

static uint64_t take_big(struct cursor *cursor, int bytes) {
    uint64_t value = 0;
    for (int i = 0; i < bytes; ++i) value = value << 8 | take_byte(cursor);
    return value;
}

static int width_of(unsigned char type) {
    switch (type) {
    case 'i':
    case 'U':
    case 'C': return 1;
    case 'I': return 2;
    case 'l':
    case 'd': return 4;
    case 'L':
    case 'D': return 8;
    default: return 0;
    }
}

/* A length: its type and its value, never more than what follows. */
static size_t take_length(struct cursor *cursor) {
    int width = width_of(take_byte(cursor));
    uint64_t length = width ? take_big(cursor, width) : UINT64_MAX;
    if (length > cursor->size - cursor->at) cursor->is_broken = 1;
    return cursor->is_broken ? 0 : (size_t)length;
}

static const unsigned char *take_bytes(struct cursor *cursor, size_t n) {
    if (n > cursor->size - cursor->at) cursor->is_broken = 1;
    if (cursor->is_broken) return NULL;
    cursor->at += n;
    return cursor->data + cursor->at - n;
}

static int peek_is(const struct cursor *cursor, unsigned char byte) {
    return !cursor->is_broken && cursor->at < cursor->size && cursor->data[cursor->at] == byte;
}

static void skip_value(struct cursor *cursor, int depth);

static void skip_array(struct cursor *cursor, int depth) {
    if (peek_is(cursor, '$')) {
        cursor->at++;
        size_t width = (size_t)width_of(take_byte(cursor));
        if (take_byte(cursor) != '#' || !width) cursor->is_broken = 1;
        size_t count = take_length(cursor);
        if (width && count > (cursor->size - cursor->at) / width) cursor->is_broken = 1;
        (void)take_bytes(cursor, count * width); /* a failure sticks */
    } else if (peek_is(cursor, '#')) {
        cursor->at++;
        size_t count = take_length(cursor);
        for (size_t i = 0; i < count && !cursor->is_broken; ++i) skip_value(cursor, depth + 1);
    } else {
        while (!cursor->is_broken && !peek_is(cursor, ']')) skip_value(cursor, depth + 1);
        (void)take_byte(cursor); /* the bracket */
    }
}

static void skip_value(struct cursor *cursor, int depth) {
    if (depth > UBJSON_DEPTH_MAX) cursor->is_broken = 1;
    unsigned char type = take_byte(cursor);
    if (cursor->is_broken || type == 'T' || type == 'F' || type == 'Z') return;
    if (type == '[') {
        skip_array(cursor, depth);
    } else if (type == '{') {
        while (!cursor->is_broken && !peek_is(cursor, '}')) {
            (void)take_bytes(cursor, take_length(cursor)); /* the key */
            skip_value(cursor, depth + 1);
        }
        (void)take_byte(cursor); /* the brace */
    } else if (type == 'S') {
        (void)take_bytes(cursor, take_length(cursor)); /* a failure sticks */
    } else if (width_of(type)) {
        (void)take_bytes(cursor, (size_t)width_of(type)); /* a failure sticks */
    } else {
        cursor->is_broken = 1;
    }
}

/* From before an object's brace to the value under `key` in it. */
static void enter_key(struct cursor *cursor, const char *key) {
    if (take_byte(cursor) != '{') cursor->is_broken = 1;
    while (!cursor->is_broken && !peek_is(cursor, '}')) {
        size_t length = take_length(cursor);
        const unsigned char *name = take_bytes(cursor, length);
        if (name && length == strlen(key) && memcmp(name, key, length) == 0) return;
        skip_value(cursor, 0);
    }
    cursor->is_broken = 1;
}

/* The typed arrays of one tree, still big-endian. */
enum tree_field { LEFT, RIGHT, FEATURE, CONDITION, DEFAULT_LEFT, HESSIAN, LOSS_CHANGE, FIELDS };
static const struct {
    const char *key;
    unsigned char type;
} TREE_FIELDS[FIELDS] = {
    [LEFT] = {"left_children", 'l'},        [RIGHT] = {"right_children", 'l'},
    [FEATURE] = {"split_indices", 'l'},     [CONDITION] = {"split_conditions", 'd'},
    [DEFAULT_LEFT] = {"default_left", 'U'}, [HESSIAN] = {"sum_hessian", 'd'},
    [LOSS_CHANGE] = {"loss_changes", 'd'},
};

struct tree_arrays {
    const unsigned char *data[FIELDS];
    size_t nodes;
};

static uint32_t word_at(const struct tree_arrays *tree, enum tree_field field, size_t node) {
    const unsigned char *p = tree->data[field] + 4 * node;
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | (uint32_t)p[3];
}

static int32_t int_at(const struct tree_arrays *tree, enum tree_field field, size_t node) {
    uint32_t word = word_at(tree, field, node);
    int32_t value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static float float_at(const struct tree_arrays *tree, enum tree_field field, size_t node) {
    uint32_t word = word_at(tree, field, node);
    float value;
    memcpy(&value, &word, sizeof value);
    return value;
}

static void take_field(struct cursor *cursor, enum tree_field field, struct tree_arrays *tree) {
    unsigned char type = TREE_FIELDS[field].type;
    const unsigned char head[] = {'[', '$', type, '#'};
    for (size_t i = 0; i < sizeof head; ++i)
        if (take_byte(cursor) != head[i]) cursor->is_broken = 1;
    size_t count = take_length(cursor);
    size_t width = (size_t)width_of(type);
    if (tree->nodes == 0) tree->nodes = count;
    if (count == 0 || count != tree->nodes || count > BOOST_NODES_MAX) cursor->is_broken = 1;
    tree->data[field] = take_bytes(cursor, cursor->is_broken ? 0 : count * width);
}

static void take_tree(struct cursor *cursor, struct tree_arrays *ret_tree) {
    struct tree_arrays tree = {0};
    if (take_byte(cursor) != '{') cursor->is_broken = 1;
    while (!cursor->is_broken && !peek_is(cursor, '}')) {
        size_t length = take_length(cursor);
        const unsigned char *name = take_bytes(cursor, length);
        int field = 0;
        while (name && field < FIELDS &&
               (strlen(TREE_FIELDS[field].key) != length ||
                memcmp(name, TREE_FIELDS[field].key, length) != 0))
            field++;
        if (name && field < FIELDS)
            take_field(cursor, (enum tree_field)field, &tree);
        else
            skip_value(cursor, 0);
    }
    (void)take_byte(cursor); /* the brace */
    for (int f = 0; f < FIELDS; ++f) cursor->is_broken |= tree.data[f] == NULL;
    *ret_tree = tree;
}

/* Nodes that the root reaches, breadth first, into `nodes` (room for tree->nodes); `source` keeps
 * the old number of each. Returns how many, or 0 where it is no tree. */
static int64_t renumber(const struct tree_arrays *tree, struct boost_node *nodes, int32_t *source) {
    size_t count = 1;
    source[0] = 0;
    for (size_t at = 0; at < count; ++at) {
        size_t old = (size_t)source[at];
        int32_t left = int_at(tree, LEFT, old), right = int_at(tree, RIGHT, old);
        struct boost_node *node = &nodes[at];
        *node = (struct boost_node){.value = float_at(tree, CONDITION, old),
                                    .feature = -1,
                                    .cover = float_at(tree, HESSIAN, old)};
        if (left == -1) continue;
        if (left < 0 || right < 0 || (size_t)left >= tree->nodes || (size_t)right >= tree->nodes ||
            count + 2 > tree->nodes)
            return 0;
        node->feature = int_at(tree, FEATURE, old);
        node->left = (int32_t)count;
        node->gain = float_at(tree, LOSS_CHANGE, old);
        node->missing_left = tree->data[DEFAULT_LEFT][old] != 0;
        source[count++] = left;
        source[count++] = right;
    }
    return (int64_t)count;
}

/* Read the trees at `cursor` twice: first for the room, then into it. */
static kai_status copy_trees(struct cursor cursor, int32_t trees, struct boost *boost,
                             kai_err *err) {
    struct cursor first = cursor;
    size_t room = 0, largest = 0;
    for (int32_t t = 0; t < trees && !first.is_broken; ++t) {
        struct tree_arrays tree;
        take_tree(&first, &tree);
        room += tree.nodes;
        if (tree.nodes > largest) largest = tree.nodes;
    }
    if (first.is_broken) return err_set(err, KAI_CORRUPT, "boost: cannot read xgboost's trees");
    struct boost_node *nodes = mem_array(room, sizeof *nodes);
    int64_t *offsets = mem_zero((size_t)trees + 1, sizeof *offsets);
    int32_t *source = mem_array(largest, sizeof *source);
    kai_status st = KAI_OK;
    if (!nodes || !offsets || !source) st = err_memory(err, (int64_t)(room * sizeof *nodes));
    for (int32_t t = 0; t < trees && !st; ++t) {
        struct tree_arrays tree;
        take_tree(&cursor, &tree);
        int64_t count = renumber(&tree, nodes + offsets[t], source);
        if (count == 0) st = err_set(err, KAI_CORRUPT, "boost: tree %d of xgboost is no tree", t);
        offsets[t + 1] = offsets[t] + count;
    }
    mem_free(source);
    if (st) {
        mem_free(nodes);
        mem_free(offsets);
        return st;
    }
    boost->nodes = nodes;
    boost->offsets = offsets;
    boost->trees = trees;
    return KAI_OK;
}

kai_status boost_import(const void *bytes, size_t size, int32_t trees, struct boost *boost,
                        kai_err *err) {
    struct cursor cursor = {.data = bytes, .size = size};
    static const char *const PATH[] = {"learner", "gradient_booster", "model", "trees"};
    for (size_t i = 0; i < sizeof PATH / sizeof *PATH; ++i) enter_key(&cursor, PATH[i]);
    if (take_byte(&cursor) != '[') cursor.is_broken = 1;
    size_t count = 0;
    if (peek_is(&cursor, '#')) {
        cursor.at++;
        count = take_length(&cursor);
    } else if (peek_is(&cursor, ']')) {
        count = 0; /* no trees at all */
    }
    if (cursor.is_broken || count < (size_t)trees)
        return err_set(err, KAI_CORRUPT, "boost: cannot find %d trees in xgboost's model", trees);
    return copy_trees(cursor, trees, boost, err);
}
