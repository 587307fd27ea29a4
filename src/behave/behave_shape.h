/* Options made whole, and where each matrix lies in the one block of parameters.
 *
 *   table (V, D) | positions (length, D) | with times: waits (64, D) | block 0 | block 1 | ...
 *   block: in (D, 4D), columns gate, query, key, value | out (D, D) | up (D, 2F) | down (F, D) |
 *          bias (heads, length), backwards by distance (kernel/attention.h) | where times are
 *          learned from: gaps (heads, 64)
 */
#ifndef KAIROS_BEHAVE_BEHAVE_SHAPE_H
#define KAIROS_BEHAVE_BEHAVE_SHAPE_H

#include <stdint.h>

#include "behave/behave.h"

struct behave_shape {
    int64_t items, width, blocks, heads, hidden, length; /* V, D, -, H, F, - */
    int is_pointwise, is_timed;
    int64_t positions, waits; /* offsets in floats */
    int64_t first_block, block_floats;
    int64_t in, out, up, down, bias, gaps; /* inside a block */
    int64_t parameters;
};

/* Fails: KAI_INVALID or KAI_LIMIT, naming the option. */
KAI_MUST_CHECK kai_status behave_resolve(const struct behave_options *options,
                                         struct behave_options *ret_options, kai_err *err);
struct behave_shape behave_shape_of(const struct behave_options *resolved);
static inline int64_t behave_block_at(const struct behave_shape *shape, int64_t block) {
    return shape->first_block + block * shape->block_floats;
}
/* Random start of all parameters. */
void behave_init_parameters(const struct behave_shape *shape, uint64_t seed, float *parameters);
/* Every matrix of the blocks, transposed, at the offset of the original less first_block. */
void behave_transpose(const struct behave_shape *shape, const float *parameters, float *back);

#endif
