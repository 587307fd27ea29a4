/* Gini and variance are one formula. For a target y, weights w and a split into L and R, the sum of
 * squares that the split explains is, times W,
 *
 *     (S_L W - S W_L)^2 / (W_L W_R),        W = sum w, S = sum w y,
 *
 * and with y in {0, 1} it is half the Gini impurity that the split removes, times W. So binary and
 * regression differ only in how a bin's sums are kept: counts of rows and of positives packed into
 * one 64-bit word (one addition a row and column), or two or three doubles. Several classes need
 * their own sums and search.
 *
 * A search first packs the bins that hold rows, with the sums up to and including each, then scores
 * all of them in a loop without branches, then takes the first best.
 */
#include "learn/forest_criterion.h"

#include <string.h>

#include "learn/forest_fill.h"
#include "learn/forest_kinds.h"

/* ---- the search over one number, shared by binary and regression ---- */

/* Two at a time, in the size of the baseline's registers. The compiler turns a choice after a
 * division into a branch, so that it must be written as vectors. */
typedef double pair __attribute__((vector_size(16)));
typedef int64_t pair_mask __attribute__((vector_size(16)));

ALWAYS_INLINE pair both(double value) { return (pair){value, value}; }

/* Score every present bin as the last of the left side; `extra` (the missing) goes left too.
 * Returns the best score. */
ALWAYS_INLINE double score_bins(struct forest_scan *scan, int32_t present, double *rows,
                                struct forest_sums total, struct forest_sums extra) {
    const pair rows_min = both(scan->rows_min), none = both(-1);
    const pair total_rows = both(total.rows), total_weight = both(total.weight);
    pair best = none;
    rows[present] = total.rows; /* an odd one out: all on the left, which is not allowed */
    for (int32_t i = 0; i < present; i += 2) {
        pair left_rows = *(const pair *)(const void *)(rows + i) + extra.rows;
        pair left = *(const pair *)(const void *)(scan->weight + i) + extra.weight;
        pair left_sum = *(const pair *)(const void *)(scan->sum + i) + extra.sum;
        pair right = total_weight - left;
        pair apart = left_sum * total_weight - left * total.sum, product = left * right;
        pair_mask is_valid =
            (left_rows >= rows_min) & (total_rows - left_rows >= rows_min) & (product > both(0));
        pair_mask score =
            ((pair_mask)(apart * apart / product) & is_valid) | ((pair_mask)none & ~is_valid);
        memcpy(scan->score + i, &score, sizeof score);
        pair_mask is_better = (pair)score > best;
        best = (pair)((score & is_better) | ((pair_mask)best & ~is_better));
    }
    return best[0] > best[1] ? best[0] : best[1];
}

ALWAYS_INLINE void take_bin(const struct forest_scan *scan, int32_t present, const double *rows,
                            double score, struct forest_sums extra, int32_t column,
                            uint8_t missing_left, struct forest_split *best) {
    int32_t at = 0;
    while (scan->score[at] < score) at++;
    best->score = score;
    best->column = column;
    best->bin = scan->bin[at];
    best->next = at + 1 < present ? scan->bin[at + 1] : FOREST_BIN_MISSING;
    best->missing_left = missing_left;
    best->left = (struct forest_sums){rows[at] + extra.rows, scan->weight[at] + extra.weight,
                                      scan->sum[at] + extra.sum};
}

/* `missing` are the sums of the missing values. A split that had none sends them later to the
 * heavier side. */
ALWAYS_INLINE void search_bins(struct forest_scan *scan, int32_t present, double *rows,
                               struct forest_sums total, struct forest_sums missing, int32_t column,
                               struct forest_split *best) {
    const struct forest_sums none = {0};
    double score = score_bins(scan, present, rows, total, none);
    int is_better = score > best->score;
    if (is_better) take_bin(scan, present, rows, score, none, column, 0, best);
    if (missing.rows > 0) {
        score = score_bins(scan, present, rows, total, missing);
        if (score > best->score) take_bin(scan, present, rows, score, missing, column, 1, best);
    } else if (is_better) {
        best->missing_left = 2 * best->left.weight >= total.weight;
    }
}

/* ---- binary, unweighted: rows in the high half of a word, positives in the low ---- */

static int32_t width_packed(int32_t classes) {
    (void)classes;
    return 1;
}

ALWAYS_INLINE uint64_t spread(uint64_t word) {
    uint64_t meta = word >> 32;
    return (meta >> 16) << 32 | (meta & 0xffff);
}

ALWAYS_INLINE struct fill_item read_packed(const uint64_t *sample) {
    return (struct fill_item){.packed = spread(sample[0])};
}

ALWAYS_INLINE void add_packed(void *cells, int64_t cell, struct fill_item item, int32_t classes) {
    (void)classes;
    ((uint64_t *)cells)[cell] += item.packed;
}

static void fill_packed(const struct forest_view *view, const int32_t *columns, int32_t count,
                        struct forest_scan *scan) {
    fill_any(view, columns, count, scan, 1, read_packed, add_packed);
}

ALWAYS_INLINE struct forest_sums unpack(uint64_t packed) {
    double rows = (double)(uint32_t)(packed >> 32);
    return (struct forest_sums){rows, rows, (double)(uint32_t)packed};
}

static struct forest_sums total_packed(const uint64_t *samples, int64_t count) {
    uint64_t total = 0;
    for (int64_t i = 0; i < count; i++) total += spread(samples[i]);
    return unpack(total);
}

static int is_pure_packed(const uint64_t *samples, int64_t count) {
    int first = (samples[0] >> 32 & 0xffff) != 0;
    for (int64_t i = 1; i < count; i++) {
        if (((samples[i] >> 32 & 0xffff) != 0) != first) return 0;
    }
    return 1;
}

static int scan_packed(const struct forest_view *view, int32_t column, int32_t slot,
                       struct forest_scan *scan, struct forest_split *best) {
    uint64_t *cells = (uint64_t *)(void *)scan->cells + slot * FOREST_CELLS;
    int32_t count = view->bins->counts[column], present = 0;
    uint64_t running = 0;
    for (int32_t b = 0; b < count; b++) {
        uint64_t cell = cells[b];
        running += cell;
        scan->bin[present] = (uint8_t)b;
        scan->packed[present] = running;
        present += cell != 0;
    }
    for (int32_t i = 0; i < present; i++) {
        scan->weight[i] = (double)(int32_t)(scan->packed[i] >> 32);
        scan->sum[i] = (double)(int32_t)scan->packed[i];
    }
    struct forest_sums missing = unpack(cells[FOREST_BIN_MISSING]);
    memset(cells, 0, (size_t)count * sizeof *cells);
    cells[FOREST_BIN_MISSING] = 0;
    if (present + (missing.rows > 0) < 2) return 0;
    search_bins(scan, present, scan->weight, view->sums, missing, column, best);
    return 1;
}

static void leaf_packed(const struct forest_view *view, double offset, struct forest_scan *scan,
                        float *ret_values) {
    (void)offset;
    (void)scan;
    ret_values[0] = (float)(view->sums.sum / view->sums.weight);
}

/* ---- regression, unweighted: cells of rows, sum ---- */

static int32_t width_pair(int32_t classes) {
    (void)classes;
    return 2;
}

ALWAYS_INLINE struct fill_item read_pair(const uint64_t *sample) {
    double rows = (double)(int32_t)forest_sample_meta(sample[0]);
    return (struct fill_item){.rows = rows, .sum = rows * number_of(sample[1])};
}

ALWAYS_INLINE void add_pair(void *cells, int64_t cell, struct fill_item item, int32_t classes) {
    (void)classes;
    double *at = (double *)cells + 2 * cell;
    at[0] += item.rows;
    at[1] += item.sum;
}

static void fill_pair(const struct forest_view *view, const int32_t *columns, int32_t count,
                      struct forest_scan *scan) {
    fill_any(view, columns, count, scan, 2, read_pair, add_pair);
}

static struct forest_sums total_pair(const uint64_t *samples, int64_t count) {
    double rows = 0, sum = 0;
    for (int64_t i = 0; i < count; i++) {
        double draws = (double)(int32_t)forest_sample_meta(samples[2 * i]);
        rows += draws;
        sum += draws * number_of(samples[2 * i + 1]);
    }
    return (struct forest_sums){rows, rows, sum};
}

static int is_pure_pair(const uint64_t *samples, int64_t count) {
    for (int64_t i = 1; i < count; i++) {
        if (samples[2 * i + 1] != samples[1]) return 0;
    }
    return 1;
}

static int scan_pair(const struct forest_view *view, int32_t column, int32_t slot,
                     struct forest_scan *scan, struct forest_split *best) {
    double *cells = scan->cells + slot * FOREST_CELLS * 2;
    int32_t count = view->bins->counts[column], present = 0;
    double rows = 0, sum = 0;
    for (int32_t b = 0; b < count; b++) {
        double in_cell = cells[2 * b];
        rows += in_cell;
        sum += cells[2 * b + 1];
        scan->bin[present] = (uint8_t)b;
        scan->weight[present] = rows;
        scan->sum[present] = sum;
        present += in_cell > 0;
    }
    double *last = cells + 2 * FOREST_BIN_MISSING;
    struct forest_sums missing = {last[0], last[0], last[1]};
    memset(cells, 0, (size_t)count * 2 * sizeof *cells);
    memset(last, 0, 2 * sizeof *last);
    if (present + (missing.rows > 0) < 2) return 0;
    search_bins(scan, present, scan->weight, view->sums, missing, column, best);
    return 1;
}

static void leaf_pair(const struct forest_view *view, double offset, struct forest_scan *scan,
                      float *ret_values) {
    (void)scan;
    struct forest_sums sums = total_pair(view->samples, view->count);
    ret_values[0] = (float)(offset + sums.sum / sums.weight);
}

/* ---- weighted, binary or regression: cells of rows, weight, sum and a pad ---- */

static int32_t width_weighted(int32_t classes) {
    (void)classes;
    return 4;
}

ALWAYS_INLINE struct fill_item read_weighted(const uint64_t *sample) {
    double weight = number_of(sample[1]);
    return (struct fill_item){.rows = (double)(int32_t)forest_sample_meta(sample[0]),
                              .weight = weight,
                              .sum = weight * number_of(sample[2])};
}

ALWAYS_INLINE void add_weighted(void *cells, int64_t cell, struct fill_item item, int32_t classes) {
    (void)classes;
    double *at = (double *)cells + 4 * cell;
    at[0] += item.rows;
    at[1] += item.weight;
    at[2] += item.sum;
}

static void fill_weighted(const struct forest_view *view, const int32_t *columns, int32_t count,
                          struct forest_scan *scan) {
    fill_any(view, columns, count, scan, 3, read_weighted, add_weighted);
}

static struct forest_sums total_weighted(const uint64_t *samples, int64_t count) {
    struct forest_sums total = {0};
    for (int64_t i = 0; i < count; i++) {
        const uint64_t *sample = samples + 3 * i;
        double weight = number_of(sample[1]);
        total.rows += (double)(int32_t)forest_sample_meta(sample[0]);
        total.weight += weight;
        total.sum += weight * number_of(sample[2]);
    }
    return total;
}

static int is_pure_weighted(const uint64_t *samples, int64_t count) {
    for (int64_t i = 1; i < count; i++) {
        if (samples[3 * i + 2] != samples[2]) return 0;
    }
    return 1;
}

static int scan_weighted(const struct forest_view *view, int32_t column, int32_t slot,
                         struct forest_scan *scan, struct forest_split *best) {
    double *cells = scan->cells + slot * FOREST_CELLS * 4;
    int32_t count = view->bins->counts[column], present = 0;
    struct forest_sums running = {0};
    for (int32_t b = 0; b < count; b++) {
        const double *cell = cells + 4 * b;
        running.rows += cell[0];
        running.weight += cell[1];
        running.sum += cell[2];
        scan->bin[present] = (uint8_t)b;
        scan->rows[present] = running.rows;
        scan->weight[present] = running.weight;
        scan->sum[present] = running.sum;
        present += cell[0] > 0;
    }
    double *last = cells + 4 * FOREST_BIN_MISSING;
    struct forest_sums missing = {last[0], last[1], last[2]};
    memset(cells, 0, (size_t)count * 4 * sizeof *cells);
    memset(last, 0, 4 * sizeof *last);
    if (present + (missing.rows > 0) < 2) return 0;
    search_bins(scan, present, scan->rows, view->sums, missing, column, best);
    return 1;
}

static void leaf_weighted(const struct forest_view *view, double offset, struct forest_scan *scan,
                          float *ret_values) {
    (void)scan;
    struct forest_sums sums = total_weighted(view->samples, view->count);
    ret_values[0] = (float)(offset + sums.sum / sums.weight);
}

static const struct forest_criterion PACKED = {
    .lanes = 1,
    .cell_width = width_packed,
    .total = total_packed,
    .is_pure = is_pure_packed,
    .fill = fill_packed,
    .scan = scan_packed,
    .small_fits = forest_small_fits,
    .small = forest_small_search,
    .leaf = leaf_packed,
};

static const struct forest_criterion PAIR = {
    .lanes = 2,
    .cell_width = width_pair,
    .total = total_pair,
    .is_pure = is_pure_pair,
    .fill = fill_pair,
    .scan = scan_pair,
    .leaf = leaf_pair,
};

static const struct forest_criterion WEIGHTED = {
    .lanes = 3,
    .cell_width = width_weighted,
    .total = total_weighted,
    .is_pure = is_pure_weighted,
    .fill = fill_weighted,
    .scan = scan_weighted,
    .leaf = leaf_weighted,
};

const struct forest_criterion *forest_criterion_of(enum learn_task task, int is_weighted) {
    if (task == LEARN_MULTICLASS) return forest_criterion_classes(is_weighted);
    if (is_weighted) return &WEIGHTED;
    return task == LEARN_BINARY ? &PACKED : &PAIR;
}
