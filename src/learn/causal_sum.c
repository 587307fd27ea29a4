#include "learn/causal_sum.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/pair_moments.h"
#include "kernel/tree_walk.h"

/* A block's rows pass all trees in turn: large enough that the trees are not fetched too often,
 * small enough that the sums stay near. */
enum { BLOCK_ROWS = 4096, N = CAUSAL_STATS };

/* Scratch of one worker. */
struct desk {
    struct pair_moments sums[BLOCK_ROWS];
    int32_t row[BLOCK_ROWS], leaf[2][BLOCK_ROWS];
    uint8_t *codes; /* owned by the whole; (BLOCK_ROWS, stride) of new rows */
};

struct speaking {
    const struct causal_speech *speech;
    struct desk *desk; /* owned; (workers) */
    uint8_t *codes;    /* owned */
};

/* Rows of the block that the bag may speak about, by their place in the block. */
static int32_t list_rows(const struct causal_speech *speech, int64_t bag, int64_t begin,
                         int32_t count, int32_t *ret_row) {
    int32_t used = 0;
    if (!speech->is_out_of_bag) {
        for (int32_t i = 0; i < count; i++) ret_row[i] = i;
        return count;
    }
    for (int32_t word = 0; word * 64 < count; word++) {
        uint64_t bits = ~causal_half(speech->seed, bag, begin / 64 + word);
        if (count - word * 64 < 64) bits &= (1ull << (count - word * 64)) - 1;
        for (; bits; bits &= bits - 1) ret_row[used++] = word * 64 + __builtin_ctzll(bits);
    }
    return used;
}

static double form(double c[N], double matrix[N][N]) {
    double sum = 0;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) sum += c[i] * c[j] * matrix[i][j];
    return sum;
}

/* The mean of a variance that is known with a normal error and cannot be negative. */
static double positive_part(double estimate, double error) {
    static const double ROOT_2_PI = 2.50662827463100050242;
    if (!(error > 0)) return fmax(estimate, 0);
    double ratio = estimate / error;
    if (ratio < -30) return -error / ratio; /* the limit: both terms vanish */
    double density = exp(-ratio * ratio / 2) / ROOT_2_PI, above = erfc(-ratio / sqrt(2)) / 2;
    return estimate + error * density / above;
}

static void finish(struct pair_moments *sums, double *ret_effect, double *ret_variance) {
    double bags = sums->count, mean[N];
    if (bags < 1) {
        *ret_effect = *ret_variance = NAN;
        return;
    }
    for (int k = 0; k < N; k++) mean[k] = sums->mean[k] / bags;
    double divisor = mean[1] - mean[2] * mean[2];
    double effect = (mean[0] - mean[2] * mean[3]) / divisor;
    double level = mean[3] - effect * mean[2];
    double c[N] = {1, -effect, mean[2] * effect - level, -mean[2]}, c0 = mean[2] * level;
    for (int k = 0; k < N; k++) c[k] /= divisor;
    c0 /= divisor;
    double linear = c0;
    for (int k = 0; k < N; k++) linear += 2 * c[k] * mean[k];
    double between = form(c, sums->between) / bags + c0 * linear;
    double within = form(c, sums->within) / bags;
    *ret_effect = effect;
    *ret_variance = positive_part(between - within, fmax(between, within) * sqrt(2 / bags));
}

static void encode(const struct causal_speech *speech, int64_t begin, int32_t count,
                   uint8_t *ret_codes) {
    forest_bins_encode(speech->bins, speech->features, speech->row_ids, begin, count, ret_codes);
}

static kai_status speak_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    const struct speaking *speaking = user;
    const struct causal_speech *speech = speaking->speech;
    struct desk *desk = &speaking->desk[worker];
    int64_t begin = item * BLOCK_ROWS, left = speech->rows - begin;
    int32_t count = (int32_t)(left < BLOCK_ROWS ? left : BLOCK_ROWS), stride = speech->bins->stride;
    const uint8_t *codes = speech->bins->codes + begin * stride;
    if (!speech->is_out_of_bag) {
        encode(speech, begin, count, desk->codes);
        codes = desk->codes;
    }
    memset(desk->sums, 0, sizeof desk->sums);
    for (int64_t bag = 0; bag < speech->bags; bag++) {
        int32_t used = list_rows(speech, bag, begin, count, desk->row);
        const struct causal_tree *tree = &speech->tree[2 * bag];
        for (int k = 0; k < 2; k++)
            tree_walk_u8(&(struct tree_walk){tree[k].node, codes, stride, desk->row, used},
                         desk->leaf[k]);
        pair_moments_add_f64(used, desk->row, desk->leaf[0], tree[0].stats, desk->leaf[1],
                             tree[1].stats, desk->sums);
    }
    for (int32_t i = 0; i < count; i++) {
        double variance = 0;
        finish(&desk->sums[i], &speech->effect[begin + i], &variance);
        if (speech->variance) speech->variance[begin + i] = variance;
    }
    return KAI_OK;
}

kai_status causal_speak(const struct causal_speech *speech, struct pool *pool,
                        const struct progress *progress, kai_err *err) {
    size_t workers = (size_t)pool_threads(pool),
           each = (size_t)BLOCK_ROWS * (size_t)speech->bins->stride;
    struct speaking speaking = {.speech = speech};
    speaking.desk = mem_array(workers, sizeof *speaking.desk);
    speaking.codes = mem_zero(workers, speech->is_out_of_bag ? 1 : each + 4);
    kai_status st = KAI_OK;
    if (!speaking.desk || !speaking.codes)
        st = err_memory(err, (int64_t)(workers * sizeof *speaking.desk));
    for (size_t w = 0; !st && w < workers; w++)
        speaking.desk[w].codes = speaking.codes + (speech->is_out_of_bag ? 0 : w * (each + 4));
    int64_t blocks = (speech->rows + BLOCK_ROWS - 1) / BLOCK_ROWS;
    if (!st) st = pool_run_telling(pool, blocks, speak_block, &speaking, progress, "effects", err);
    mem_free(speaking.desk);
    mem_free(speaking.codes);
    return st;
}
