/* Few rows of an unweighted binary target. Each row's bin is a candidate, and its left sums are
 * counted by comparing it with every other row, 16 or 32 bytes at a time: no histogram to clear or
 * walk, and no branch on the data. Most nodes of a tree that is grown until pure are this small.
 */
#include <string.h>

#include "learn/forest_kinds.h"

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { SMALL_ROWS = 32, SMALL_HALF = 16, SMALL_DRAWS = 255 };

struct small {
    uint8_t rows[SMALL_ROWS];      /* draws of each row */
    uint8_t positives[SMALL_ROWS]; /* of class 1 among them */
    uint8_t bin[SMALL_ROWS];
    uint8_t left_rows[SMALL_ROWS];
    uint8_t left_positives[SMALL_ROWS];
    float score[SMALL_ROWS];
    int32_t count;
    float total_rows, total_positives, rows_min;
};

int forest_small_fits(const struct forest_view *view) {
    return view->count <= SMALL_ROWS && view->sums.rows <= SMALL_DRAWS;
}

ALWAYS_INLINE void count_left(struct small *small, int width) {
    uint8_t left_rows[SMALL_ROWS] = {0}, left_positives[SMALL_ROWS] = {0};
    for (int32_t j = 0; j < small->count; j++) {
        uint8_t bin = small->bin[j], rows = small->rows[j], positives = small->positives[j];
        for (int i = 0; i < width; i++) {
            uint8_t is_left = bin <= small->bin[i] ? 0xff : 0;
            left_rows[i] = (uint8_t)(left_rows[i] + (rows & is_left));
            left_positives[i] = (uint8_t)(left_positives[i] + (positives & is_left));
        }
    }
    memcpy(small->left_rows, left_rows, (size_t)width);
    memcpy(small->left_positives, left_positives, (size_t)width);
}

/* As the search of the histogram; all of it but the last quotient is exact in float. */
ALWAYS_INLINE void score_left(struct small *small, int width) {
    float total = small->total_rows, positives = small->total_positives;
    float rows_min = small->rows_min;
    for (int i = 0; i < width; i++) {
        float left = (float)small->left_rows[i], right = total - left;
        float apart = (float)small->left_positives[i] * total - positives * left;
        float product = left * right;
        int is_valid = (left >= rows_min) & (right >= rows_min);
        small->score[i] = is_valid ? apart * apart / product : -1.0f;
    }
}

static void score_rows(struct small *small) {
    if (small->count <= SMALL_HALF) {
        count_left(small, SMALL_HALF);
        score_left(small, SMALL_HALF);
    } else {
        count_left(small, SMALL_ROWS);
        score_left(small, SMALL_ROWS);
    }
}

/* The lowest of the bins above `bin`. */
static uint8_t bin_above(const struct small *small, uint8_t bin) {
    uint8_t above = 0xff;
    for (int32_t i = 0; i < small->count; i++) {
        if (small->bin[i] > bin && small->bin[i] < above) above = small->bin[i];
    }
    return above;
}

/* `shift` 1: the bins were raised by one, so that missing values, now 0, go left. */
static void take_best(const struct small *small, int32_t column, uint8_t shift,
                      struct forest_split *best) {
    float best_score = (float)best->score;
    int32_t at = -1;
    for (int32_t i = 0; i < small->count; i++) {
        if (small->score[i] <= best_score) continue;
        best_score = small->score[i];
        at = i;
    }
    if (at < 0) return;
    uint8_t bin = small->bin[at];
    double left = small->left_rows[at];
    best->score = (double)best_score;
    best->column = column;
    best->bin = (uint8_t)(bin - shift);
    best->next = (uint8_t)(bin_above(small, bin) - shift);
    best->missing_left = shift;
    best->left = (struct forest_sums){left, left, (double)small->left_positives[at]};
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
    double before = best->score;
    score_rows(small);
    take_best(small, column, 0, best);
    if (has_missing) {
        for (int32_t i = 0; i < small->count; i++) small->bin[i]++;
        score_rows(small);
        take_best(small, column, 1, best);
    } else if (best->score > before) {
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
    for (int32_t k = 0; k < count; k++) {
        if (!search_column(&small, view, columns[k], best)) constant |= 1u << k;
    }
    return constant;
}
