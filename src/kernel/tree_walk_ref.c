#include "kernel/variants.h"

void tree_walk_u8_ref(const struct tree_walk *walk, int32_t *ret_leaf) {
    for (int64_t i = 0; i < walk->count; i++) {
        const uint8_t *code = walk->codes + (walk->row ? walk->row[i] : i) * walk->stride;
        int32_t at = 0;
        while (walk->node[at].left != at)
            at = walk->node[at].left + (code[walk->node[at].column] > walk->node[at].bin);
        ret_leaf[i] = at;
    }
}
