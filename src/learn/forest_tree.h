/* What a grown forest is made of. Private to src/learn/forest*.c. */
#ifndef KAIROS_LEARN_FOREST_TREE_H
#define KAIROS_LEARN_FOREST_TREE_H

#include <stdint.h>
#include <string.h>

#include "learn/forest.h"

enum {
    FOREST_DEPTH_MAX = 256,       /* a chain this deep has learned noise; bounds every recursion */
    FOREST_TREES_MAX = 1 << 20,   /* a forest this large is a mistake in the options */
    FOREST_COLUMNS_MAX = 1 << 20, /* fits the column field, and no table is this wide */
    FOREST_CLASSES_MAX = 65536,   /* the class rides in 16 bits of a sample */
};

#define FOREST_MISSING_LEFT 0x80000000u
#define FOREST_COLUMN_MASK 0x7fffffffu

/* 16 bytes, four to a cache line; the children of a node stand side by side, after it. */
struct forest_node {
    float threshold; /* inner: value <= threshold goes left; leaf: its value, or the bits of the
                        index of its class shares */
    uint32_t child;  /* left; right is child + 1; 0 = leaf */
    uint32_t column; /* | FOREST_MISSING_LEFT; leaf: 0, so that a walk may read it */
    float cover;     /* training weight that came by */
};

struct forest_tree {
    struct forest_node *nodes; /* owned */
    float *shares;             /* owned; (leaf_count, outputs) where outputs > 1, else NULL */
    uint32_t node_count;
    uint32_t leaf_count;
    int32_t depth;
};

struct forest {
    enum learn_task task;
    int32_t outputs;
    int32_t columns;
    int32_t tree_count;
    struct forest_tree *trees; /* owned */
    double *gain;              /* owned; (columns) impurity removed, not normalised */
    double *out_of_bag;        /* owned, may be NULL; (training rows, outputs) */
};

/* 1 where the value goes to the right child. */
static inline uint32_t forest_goes_right(const struct forest_node *node, float value) {
    uint32_t is_missing = value != value;
    uint32_t missing_right = (node->column >> 31) ^ 1u;
    return (uint32_t)(value > node->threshold) | (is_missing & missing_right);
}

static inline uint32_t forest_share_index(const struct forest_node *leaf) {
    uint32_t index;
    memcpy(&index, &leaf->threshold, sizeof index);
    return index;
}

static inline double forest_leaf_value(const struct forest *forest, const struct forest_tree *tree,
                                       const struct forest_node *leaf, int32_t output) {
    if (forest->outputs == 1) return leaf->threshold;
    return tree
        ->shares[(size_t)forest_share_index(leaf) * (size_t)forest->outputs + (size_t)output];
}

/* Mean over the trees whose bag does not hold the row; see forest_out_of_bag. `bags` holds one bit
 * a (tree, row), `bag_words` words a tree. */
KAI_MUST_CHECK kai_status forest_predict_out_of_bag(const struct forest *forest,
                                                    const struct matrix *features,
                                                    const int64_t *row_ids, int64_t row_count,
                                                    const uint64_t *bags, int64_t bag_words,
                                                    struct pool *pool, double *ret_scores,
                                                    kai_err *err);

#endif
