#include "kernel/tree_walk.h"

#include "kernel/dispatch.h"

void tree_walk_u8(const struct tree_walk *walk, int32_t *ret_leaf) {
    kernel_table()->tree_walk_u8(walk, ret_leaf);
}
