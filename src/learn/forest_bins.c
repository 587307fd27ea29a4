#include "learn/forest_bins.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

enum { ENCODE_ROWS = 256, RADIX_BITS = 11, RADIX_CELLS = 1 << RADIX_BITS, RADIX_PASSES = 3 };

struct binning {
    const struct matrix *features;
    const int64_t *row_ids;
    struct forest_bins *bins;
    int32_t bins_max;
    int64_t sample_rows;
    uint32_t *keys; /* owned; (threads, 2, sample_rows) */
};

/* Floats in the order of unsigned integers: flip the sign bit of positives, all bits of negatives.
 */
static uint32_t key_of(float value) {
    uint32_t bits;
    if (value == 0) value = 0; /* one zero */
    memcpy(&bits, &value, sizeof bits);
    return bits ^ ((bits >> 31) ? 0xffffffffu : 0x80000000u);
}

static float value_of(uint32_t key) {
    uint32_t bits = key ^ ((key >> 31) ? 0x80000000u : 0xffffffffu);
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* Least significant digit first; returns whichever buffer holds the result. */
static uint32_t *sort_keys(uint32_t *keys, uint32_t *spare, int64_t count) {
    uint32_t starts[RADIX_PASSES][RADIX_CELLS] = {{0}};
    for (int64_t i = 0; i < count; i++) {
        for (int pass = 0; pass < RADIX_PASSES; pass++)
            starts[pass][(keys[i] >> (pass * RADIX_BITS)) & (RADIX_CELLS - 1)]++;
    }
    for (int pass = 0; pass < RADIX_PASSES; pass++) {
        uint32_t at = 0, *start = starts[pass];
        for (int cell = 0; cell < RADIX_CELLS; cell++) {
            uint32_t n = start[cell];
            start[cell] = at;
            at += n;
        }
        for (int64_t i = 0; i < count; i++)
            spare[start[(keys[i] >> (pass * RADIX_BITS)) & (RADIX_CELLS - 1)]++] = keys[i];
        uint32_t *kept = keys;
        keys = spare;
        spare = kept;
    }
    return keys;
}

static int64_t run_length(const uint32_t *keys, int64_t count, int64_t at) {
    int64_t end = at + 1;
    while (end < count && keys[end] == keys[at]) end++;
    return end - at;
}

/* What is left to place: values that fill a bin alone, and the others, over the bins left. */
struct quota {
    double mean;   /* rows a bin of all rows: a run this long is heavy */
    int64_t light; /* rows in light runs not yet in a closed bin */
    int64_t bins;  /* bins left for them */
    int64_t heavy; /* heavy runs still to come */
    double light_mean;
};

static struct quota quota_of(const uint32_t *keys, int64_t count, int32_t bins_max) {
    struct quota quota = {.mean = (double)count / bins_max, .light = count, .bins = bins_max};
    for (int64_t at = 0, n; at < count; at += n) {
        n = run_length(keys, count, at);
        if ((double)n < quota.mean) continue;
        quota.light -= n;
        quota.bins--;
        quota.heavy++;
    }
    quota.light_mean = quota.bins > 0 ? (double)quota.light / (double)quota.bins : INFINITY;
    return quota;
}

static int32_t distinct_count(const uint32_t *keys, int64_t count, int32_t max) {
    int32_t distinct = 0;
    for (int64_t at = 0; at < count && distinct <= max; at += run_length(keys, count, at))
        distinct++;
    return distinct;
}

/* Walk the sorted values and close a bin where it is full; lows and highs of each. */
static int32_t place_bins(const uint32_t *keys, int64_t count, int32_t bins_max, float *lows,
                          float *highs) {
    int is_exact = distinct_count(keys, count, bins_max) <= bins_max;
    struct quota quota = is_exact ? (struct quota){0} : quota_of(keys, count, bins_max);
    int32_t bin = 0;
    int64_t in_bin = 0;
    for (int64_t at = 0, n, next_n = 0; at < count; at += n) {
        n = next_n ? next_n : run_length(keys, count, at);
        next_n = at + n < count ? run_length(keys, count, at + n) : 0;
        if (in_bin == 0) lows[bin] = value_of(keys[at]);
        highs[bin] = value_of(keys[at]);
        in_bin += n;
        if (next_n == 0) break;
        int is_heavy = (double)n >= quota.mean;
        int is_next_heavy = (double)next_n >= quota.mean;
        quota.heavy -= is_heavy;
        /* a heavy run wants a bin alone, even where that leaves the one before it light */
        int can_part = quota.bins > quota.heavy || (double)in_bin >= 0.5 * quota.light_mean;
        int is_full = is_exact || is_heavy || (double)in_bin >= quota.light_mean ||
                      (is_next_heavy && can_part);
        if (!is_full || bin == bins_max - 1) continue;
        if (!is_exact && !is_heavy) {
            quota.light -= in_bin;
            quota.bins--;
            quota.light_mean = quota.bins > 0 ? (double)quota.light / (double)quota.bins : INFINITY;
        }
        bin++;
        in_bin = 0;
    }
    return count ? bin + 1 : 1;
}

static void place_edges(const float *lows, const float *highs, int32_t count, float *edges) {
    for (int32_t bin = 0; bin < FOREST_CELLS; bin++) edges[bin] = INFINITY;
    for (int32_t bin = 0; bin + 1 < count; bin++) {
        float middle = highs[bin] + (lows[bin + 1] - highs[bin]) / 2;
        /* neighbours in float, and infinities, have nothing between them */
        edges[bin] = middle >= highs[bin] && middle < lows[bin + 1] ? middle : highs[bin];
    }
}

static int64_t row_at(const struct binning *binning, int64_t position) {
    return binning->row_ids ? binning->row_ids[position] : position;
}

static kai_status bin_column(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct binning *binning = user;
    struct forest_bins *bins = binning->bins;
    (void)err;
    int32_t column = (int32_t)item;
    const float *values = matrix_column(binning->features, column);
    uint32_t *keys = binning->keys + 2 * (int64_t)worker * binning->sample_rows;
    int64_t count = 0;
    for (int64_t i = 0; i < binning->sample_rows; i++) {
        int64_t position =
            binning->sample_rows == bins->rows
                ? i
                : (int64_t)((double)i * (double)bins->rows / (double)binning->sample_rows);
        float value = values[row_at(binning, position)];
        if (value == value) keys[count++] = key_of(value);
    }
    uint32_t *sorted = sort_keys(keys, keys + binning->sample_rows, count);
    float *lows = bins->lows + (int64_t)column * FOREST_CELLS;
    float *highs = bins->highs + (int64_t)column * FOREST_CELLS;
    bins->counts[column] = place_bins(sorted, count, binning->bins_max, lows, highs);
    place_edges(lows, highs, bins->counts[column], bins->edges + (int64_t)column * FOREST_CELLS);
    return KAI_OK;
}

/* Codes of up to ENCODE_ROWS values: how many edges lie below. The halving steps run over the whole
 * block at a time, so that the searches overlap. */
static void encode_block(const float *edges, int32_t bins, const float *values, int32_t count,
                         uint8_t *codes) {
    uint32_t at[ENCODE_ROWS] = {0};
    uint32_t step = 1;
    while ((int32_t)(2 * step) <= bins) step *= 2;
    for (; step; step /= 2) {
        for (int32_t i = 0; i < count; i++)
            at[i] += edges[(at[i] + step - 1) & (FOREST_CELLS - 1)] < values[i] ? step : 0;
    }
    for (int32_t i = 0; i < count; i++) {
        int is_missing = values[i] != values[i];
        codes[i] = is_missing ? FOREST_BIN_MISSING : (uint8_t)at[i];
    }
}

void forest_bins_encode(const struct forest_bins *bins, const struct matrix *features,
                        const int64_t *row_ids, int64_t begin, int32_t count, uint8_t *ret_codes) {
    float values[ENCODE_ROWS];
    uint8_t codes[ENCODE_ROWS];
    for (int32_t done = 0; done < count; done += ENCODE_ROWS) {
        int32_t part = count - done < ENCODE_ROWS ? count - done : ENCODE_ROWS;
        uint8_t *rowwise = ret_codes + (int64_t)done * bins->stride;
        for (int32_t column = 0; column < bins->columns; column++) {
            const float *source = matrix_column(features, column);
            for (int32_t i = 0; i < part; i++) {
                int64_t position = begin + done + i;
                values[i] = source[row_ids ? row_ids[position] : position];
            }
            encode_block(bins->edges + (int64_t)column * FOREST_CELLS, bins->counts[column], values,
                         part, codes);
            for (int32_t i = 0; i < part; i++)
                rowwise[(int64_t)i * bins->stride + column] = codes[i];
        }
    }
}

static kai_status encode_rows(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct binning *binning = user;
    const struct forest_bins *bins = binning->bins;
    (void)worker;
    (void)err;
    int64_t begin = item * ENCODE_ROWS;
    int32_t count = (int32_t)(bins->rows - begin < ENCODE_ROWS ? bins->rows - begin : ENCODE_ROWS);
    float values[ENCODE_ROWS];
    for (int32_t column = 0; column < bins->columns; column++) {
        const float *source = matrix_column(binning->features, column);
        for (int32_t i = 0; i < count; i++) values[i] = source[row_at(binning, begin + i)];
        uint8_t *codes = bins->columnwise + column * bins->rows + begin;
        uint8_t *rowwise = bins->codes + begin * bins->stride + column;
        encode_block(bins->edges + (int64_t)column * FOREST_CELLS, bins->counts[column], values,
                     count, codes);
        for (int32_t i = 0; i < count; i++) rowwise[(int64_t)i * bins->stride] = codes[i];
    }
    return KAI_OK;
}

static kai_status note_missing(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct binning *binning = user;
    struct forest_bins *bins = binning->bins;
    (void)worker;
    (void)err;
    const float *values = matrix_column(binning->features, (int32_t)item);
    uint8_t has_missing = 0;
    for (int64_t i = 0; i < bins->rows && !has_missing; i++) {
        float value = values[row_at(binning, i)];
        has_missing = value != value;
    }
    bins->has_missing[item] = has_missing;
    return KAI_OK;
}

/* A row should not straddle two cache lines where padding it costs little. */
static int32_t stride_of(int32_t columns) {
    if (columns > 64) return (columns + 15) / 16 * 16;
    if (columns > 32) return 64;
    return (columns + 3) / 4 * 4;
}

static kai_status reserve(struct forest_bins *bins, kai_err *err) {
    size_t columns = (size_t)bins->columns;
    /* one row more than there are: walks read four bytes at a time */
    bins->codes = mem_aligned((size_t)bins->rows + 1, (size_t)bins->stride);
    bins->columnwise = mem_array(columns, (size_t)bins->rows);
    bins->counts = mem_zero(columns, sizeof *bins->counts);
    bins->has_missing = mem_zero(columns, sizeof *bins->has_missing);
    bins->edges = mem_array(columns, FOREST_CELLS * sizeof *bins->edges);
    bins->lows = mem_zero(columns, FOREST_CELLS * sizeof *bins->lows);
    bins->highs = mem_zero(columns, FOREST_CELLS * sizeof *bins->highs);
    if (bins->codes && bins->columnwise && bins->counts && bins->has_missing && bins->edges &&
        bins->lows && bins->highs)
        return KAI_OK;
    return err_memory(err, bins->rows * bins->stride);
}

kai_status forest_bins_new(const struct matrix *features, const int64_t *row_ids, int64_t row_count,
                           int32_t bins_max, struct pool *pool, struct forest_bins **ret_bins,
                           kai_err *err) {
    struct forest_bins *bins = mem_zero(1, sizeof *bins);
    if (!bins) return err_memory(err, sizeof *bins);
    bins->rows = row_count;
    bins->columns = features->columns;
    bins->stride = stride_of(features->columns);
    struct binning binning = {
        .features = features,
        .row_ids = row_ids,
        .bins = bins,
        .bins_max = bins_max,
        .sample_rows = row_count < FOREST_QUANTILE_ROWS ? row_count : FOREST_QUANTILE_ROWS};
    kai_status st = reserve(bins, err);
    if (!st) {
        size_t each = 2 * (size_t)binning.sample_rows;
        binning.keys = mem_array((size_t)pool_threads(pool) * each, sizeof *binning.keys);
        if (!binning.keys) st = err_memory(err, (int64_t)(each * sizeof *binning.keys));
    }
    if (!st) st = pool_run(pool, bins->columns, bin_column, &binning, err);
    if (!st) st = pool_run(pool, bins->columns, note_missing, &binning, err);
    if (!st) {
        int64_t blocks = (row_count + ENCODE_ROWS - 1) / ENCODE_ROWS;
        st = pool_run(pool, blocks, encode_rows, &binning, err);
    }
    mem_free(binning.keys);
    if (st) {
        forest_bins_free(bins);
        return st;
    }
    *ret_bins = bins;
    return KAI_OK;
}

void forest_bins_free(struct forest_bins *bins) {
    if (!bins) return;
    mem_free_aligned(bins->codes);
    mem_free(bins->columnwise);
    mem_free(bins->counts);
    mem_free(bins->has_missing);
    mem_free(bins->edges);
    mem_free(bins->lows);
    mem_free(bins->highs);
    mem_free(bins);
}

int32_t forest_bins_cut(const struct forest_bins *bins, int32_t column, int32_t low_bin,
                        int32_t high_bin) {
    if (high_bin == low_bin + 1) return low_bin;
    const float *edges = bins->edges + (int64_t)column * FOREST_CELLS;
    float high = bins->highs[(int64_t)column * FOREST_CELLS + low_bin];
    float middle = high + (bins->lows[(int64_t)column * FOREST_CELLS + high_bin] - high) / 2;
    /* binary search: the first edge at or above the middle, then the nearer of it and its
     * predecessor */
    int32_t from = low_bin, to = high_bin - 1;
    while (from < to) {
        int32_t half = from + (to - from) / 2;
        if (edges[half] < middle)
            from = half + 1;
        else
            to = half;
    }
    if (from > low_bin && middle - edges[from - 1] < edges[from] - middle) from--;
    return from;
}
