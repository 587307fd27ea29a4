/* The k largest of many, best first; ties by the lower index. Exact. */
#ifndef KAIROS_KERNEL_TOPK_H
#define KAIROS_KERNEL_TOPK_H

#include <stdint.h>

/* Write the indices and values of the k largest scores, best first; a score of -infinity or NaN is
 * never taken. Returns how many were written: fewer than k only where fewer can be taken.
 * Cost: one pass; n comparisons, and k moves for each of about k ln(n / k) entries in any order. */
int32_t topk_f32(int64_t n, const float *restrict scores, int32_t k, int32_t *restrict ret_index,
                 float *restrict ret_score);
/* How many come before entry `index`: larger ones, and equal ones of a lower index. */
int64_t rank_f32(int64_t n, const float *restrict scores, int64_t index);

#endif
