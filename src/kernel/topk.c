#include "kernel/topk.h"

#include <math.h>

/* Entries that are compared at once with the last place: a loop of comparisons and additions that
 * the compiler makes vectors of, at the portable baseline. */
enum { BLOCK = 64 };

static int32_t count_above(const float *scores, int32_t count, float threshold) {
    int32_t above = 0;
    for (int32_t i = 0; i < count; i++) above += scores[i] > threshold;
    return above;
}

int32_t topk_f32(int64_t n, const float *restrict scores, int32_t k, int32_t *restrict ret_index,
                 float *restrict ret_score) {
    int32_t count = 0;
    if (k <= 0) return 0;
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int32_t size = n - begin < BLOCK ? (int32_t)(n - begin) : BLOCK;
        float last = count == k ? ret_score[k - 1] : -INFINITY;
        if (count_above(scores + begin, size, last) == 0) continue;
        for (int64_t i = begin; i < begin + size; i++) {
            if (!(scores[i] > (count == k ? ret_score[k - 1] : -INFINITY))) continue;
            int32_t place = count < k ? count++ : k - 1;
            for (; place > 0 && scores[i] > ret_score[place - 1]; place--) {
                ret_score[place] = ret_score[place - 1];
                ret_index[place] = ret_index[place - 1];
            }
            ret_score[place] = scores[i];
            ret_index[place] = (int32_t)i;
        }
    }
    return count;
}

int64_t rank_f32(int64_t n, const float *restrict scores, int64_t index) {
    int64_t before = 0;
    float own = scores[index];
    for (int64_t begin = 0; begin < n; begin += BLOCK) {
        int32_t size = n - begin < BLOCK ? (int32_t)(n - begin) : BLOCK;
        before += count_above(scores + begin, size, own);
    }
    for (int64_t i = 0; i < index; i++) before += scores[i] == own;
    return before;
}
