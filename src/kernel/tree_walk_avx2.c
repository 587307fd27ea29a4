/* Eight rows at a time: a walk waits for its own loads, so several are under way at once. A row
 * that has reached its leaf stays there. Vector gathers were tried and take twice as long. */
#include <string.h>

#include "kernel/variants.h"

enum { LANES = 8, STEPS = 3 };

_Static_assert(sizeof(struct tree_walk_node) == sizeof(uint64_t), "a node is one load");

/* The node after `at`: `left` in the low half, then column, then bin. */
static inline uint32_t step(const struct tree_walk_node *node, const uint8_t *code, uint32_t at) {
    uint64_t word;
    memcpy(&word, &node[at], sizeof word);
    uint32_t column = (uint32_t)(word >> 32) & 0xffff, bin = (uint32_t)(word >> 48);
    return (uint32_t)word + (code[column] > bin);
}

static void walk_lanes(const struct tree_walk *walk, int64_t begin, int32_t *ret_leaf) {
    const uint8_t *code[LANES];
    uint32_t at[LANES] = {0}, before[LANES], moved;
    for (int k = 0; k < LANES; k++)
        code[k] = walk->codes + (walk->row ? walk->row[begin + k] : begin + k) * walk->stride;
    do {
        moved = 0;
        for (int k = 0; k < LANES; k++) before[k] = at[k];
        for (int s = 0; s < STEPS; s++)
            for (int k = 0; k < LANES; k++) at[k] = step(walk->node, code[k], at[k]);
        for (int k = 0; k < LANES; k++) moved |= at[k] ^ before[k];
    } while (moved);
    for (int k = 0; k < LANES; k++) ret_leaf[begin + k] = (int32_t)at[k];
}

void tree_walk_u8_avx2(const struct tree_walk *walk, int32_t *ret_leaf) {
    int64_t begin = 0;
    for (; begin + LANES <= walk->count; begin += LANES) walk_lanes(walk, begin, ret_leaf);
    struct tree_walk rest = *walk;
    rest.count -= begin;
    if (walk->row)
        rest.row += begin;
    else
        rest.codes += begin * walk->stride;
    tree_walk_u8_ref(&rest, ret_leaf + begin);
}
