/* Rows down a binary tree, by codes of one byte. */
#ifndef KAIROS_KERNEL_TREE_WALK_H
#define KAIROS_KERNEL_TREE_WALK_H

#include <stdint.h>

/* A row goes to node `left` where its code in `column` is at most `bin`, else to `left` + 1. A leaf
 * points at itself and has bin 255. */
struct tree_walk_node {
    int32_t left;
    uint16_t column;
    uint8_t bin;
    uint8_t spare; /* 0 */
};

struct tree_walk {
    const struct tree_walk_node *node;
    const uint8_t *codes; /* (rows, stride), and 3 bytes more that may be read */
    int64_t stride;
    const int32_t *row; /* (count) rows of codes, or NULL: 0 .. count - 1 */
    int64_t count;
};

/* ret_leaf: (count) the leaf of each row. Exact; equal in all bodies. */
void tree_walk_u8(const struct tree_walk *walk, int32_t *ret_leaf);

#endif
