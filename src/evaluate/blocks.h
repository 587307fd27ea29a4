/* Fixed blocks of rows, the unit of work and of summation. Private to this room. */
#ifndef KAIROS_EVALUATE_BLOCKS_H
#define KAIROS_EVALUATE_BLOCKS_H

#include <stdint.h>

#include "evaluate/evaluate.h"

static inline int64_t blocks_count(int64_t rows) {
    return (rows + EVALUATE_BLOCK_ROWS - 1) / EVALUATE_BLOCK_ROWS;
}
static inline int64_t blocks_start(int64_t block) { return block * EVALUATE_BLOCK_ROWS; }
static inline int64_t blocks_end(int64_t block, int64_t rows) {
    int64_t end = (block + 1) * EVALUATE_BLOCK_ROWS;
    return end < rows ? end : rows;
}

#endif
