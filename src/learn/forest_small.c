/* Few rows of an unweighted binary target. Each row's bin is a candidate, and its left sums are
 * counted by comparing it with every other row, 16 or 32 bytes at a time: no histogram to clear or
 * walk, and no branch on the data. Most nodes of a tree that is grown until pure are this small.
 */
#include <string.h>

#include "learn/forest_kinds.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { SMALL_ROWS = 32, SMALL_HALF = 16, SMALL_DRAWS = 255, QUAD = 4 };

/* Vectors of the compiler, the size of the baseline's registers. */
typedef uint8_t bytes16 __attribute__((vector_size(SMALL_HALF)));
typedef float quad __attribute__((vector_size(QUAD * sizeof(float))));
typedef int32_t quad_mask __attribute__((vector_size(QUAD * sizeof(int32_t))));

struct small {
    _Alignas(SMALL_HALF) uint8_t bin[SMALL_ROWS];
    _Alignas(SMALL_HALF) uint8_t left_rows[SMALL_ROWS];
    _Alignas(SMALL_HALF) uint8_t left_positives[SMALL_ROWS];
    _Alignas(SMALL_HALF) float score[SMALL_ROWS];
    uint8_t rows[SMALL_ROWS];      /* draws of each row */
    uint8_t positives[SMALL_ROWS]; /* of class 1 among them */
    int32_t count;
    float total_rows, total_positives, rows_min;
};

int forest_small_fits(const struct forest_view *view) {
    return view->count <= SMALL_ROWS && view->sums.rows <= SMALL_DRAWS;
}

ALWAYS_INLINE void count_left(struct small *small, int width) {
    enum { PARTS_MAX = SMALL_ROWS / SMALL_HALF };
    const bytes16 *bins = (const bytes16 *)(const void *)small->bin;
    bytes16 left_rows[PARTS_MAX] = {{0}}, left_positives[PARTS_MAX] = {{0}};
    for (int32_t j = 0; j < small->count; j++) {
        bytes16 bin = small->bin[j] - (bytes16){0};
        bytes16 rows = small->rows[j] - (bytes16){0};
        bytes16 positives = small->positives[j] - (bytes16){0};
        for (int part = 0; part < width / SMALL_HALF; part++) {
            bytes16 is_left = (bytes16)(bin <= bins[part]);
            left_rows[part] += rows & is_left;
            left_positives[part] += positives & is_left;
        }
    }
    memcpy(small->left_rows, left_rows, (size_t)width);
    memcpy(small->left_positives, left_positives, (size_t)width);
}

/* As the search of the histogram, exact in float but for the square and the quotient. Vectors,
 * because the compiler turns a choice after a division into a branch. */
static void score_left(struct small *small, int width) {
    _Alignas(SMALL_HALF) float rows[SMALL_ROWS], positives[SMALL_ROWS];
    for (int i = 0; i < width; i++) rows[i] = small->left_rows[i];
    for (int i = 0; i < width; i++) positives[i] = small->left_positives[i];
    const float rows_min = small->rows_min, total = small->total_rows;
    for (int i = 0; i < width; i += QUAD) {
        quad left = *(const quad *)(const void *)(rows + i), right = total - left;
        quad apart =
            *(const quad *)(const void *)(positives + i) * total - left * small->total_positives;
        quad_mask is_valid = (left >= rows_min) & (right >= rows_min);
        quad_mask score = ((quad_mask)(apart * apart / (left * right)) & is_valid) |
                          ((quad_mask)(quad){-1, -1, -1, -1} & ~is_valid);
        memcpy(small->score + i, &score, sizeof score);
    }
}

static void score_small(struct small *small) {
    int width = small->count <= SMALL_HALF ? SMALL_HALF : SMALL_ROWS;
    if (width == SMALL_HALF)
        count_left(small, SMALL_HALF);
    else
        count_left(small, SMALL_ROWS);
    score_left(small, (small->count + QUAD - 1) / QUAD * QUAD);
}

static float best_of(const struct small *small, int width) {
    quad best = {-1, -1, -1, -1};
    for (int i = 0; i < width; i += QUAD) {
        quad score = *(const quad *)(const void *)(small->score + i);
        quad_mask is_better = score > best;
        best = (quad)(((quad_mask)score & is_better) | ((quad_mask)best & ~is_better));
    }
    float low = best[0] > best[1] ? best[0] : best[1];
    float high = best[2] > best[3] ? best[2] : best[3];
    return low > high ? low : high;
}

/* `shift` 1: the bins were raised by one, so that missing values, now 0, go left. */
static int take_best(const struct small *small, int32_t column, uint8_t shift,
                     struct forest_split *best) {
    float score = best_of(small, (small->count + QUAD - 1) / QUAD * QUAD);
    if (!(score > (float)best->score)) return 0;
    int32_t at = 0;
    while (small->score[at] < score) at++;
    double left = small->left_rows[at];
    best->score = (double)score;
    best->column = column;
    best->bin = (uint8_t)(small->bin[at] - shift);
    best->missing_left = shift;
    best->left = (struct forest_sums){left, left, (double)small->left_positives[at]};
    return 1;
}

/* The lowest bin right of the split, missing being the highest where it goes right. */
static void find_next(const struct forest_view *view, struct forest_split *best) {
    const uint8_t *codes = view->bins->codes + best->column;
    int64_t stride = view->bins->stride;
    uint8_t next = FOREST_BIN_MISSING;
    for (int64_t i = 0; i < view->count; i++) {
        uint8_t bin = codes[forest_sample_row(view->samples[i]) * stride];
        if (bin > best->bin && bin < next) next = bin;
    }
    best->next = next;
}

static int search_column(struct small *small, const struct forest_view *view, int32_t column,
                         struct forest_split *best) {
    const uint8_t *codes = view->bins->codes + column;
    int64_t stride = view->bins->stride;
    uint8_t first = codes[forest_sample_row(view->samples[0]) * stride];
    int is_mixed = 0, has_missing = 0;
    for (int32_t i = 0; i < small->count; i++) {
        uint8_t bin = codes[forest_sample_row(view->samples[i]) * stride];
        small->bin[i] = bin;
        is_mixed |= bin != first;
        has_missing |= bin == FOREST_BIN_MISSING;
    }
    if (!is_mixed) return 0;
    score_small(small);
    int is_better = take_best(small, column, 0, best);
    if (has_missing) {
        for (int32_t i = 0; i < small->count; i++) small->bin[i]++;
        score_small(small);
        (void)take_best(small, column, 1, best);
    } else if (is_better) {
        best->missing_left = 2 * best->left.weight >= view->sums.weight;
    }
    return 1;
}

uint32_t forest_small_search(const struct forest_view *view, const int32_t *columns, int32_t count,
                             struct forest_scan *scan, struct forest_split *best) {
    struct small small;
    memset(small.bin, 0xff, sizeof small.bin);
    small.count = (int32_t)view->count;
    small.total_rows = (float)view->sums.rows;
    small.total_positives = (float)view->sums.sum;
    small.rows_min = (float)scan->rows_min;
    for (int32_t i = 0; i < small.count; i++) {
        uint32_t meta = forest_sample_meta(view->samples[i]);
        small.rows[i] = (uint8_t)(meta >> 16);
        small.positives[i] = (uint8_t)meta;
    }
    uint32_t constant = 0;
    double before = best->score;
    for (int32_t k = 0; k < count; k++) {
        if (!search_column(&small, view, columns[k], best)) constant |= 1u << k;
    }
    if (best->score > before) find_next(view, best);
    return constant;
}
