#include "kernel/cosine_loss.h"

#include <math.h>
#include <string.h>

#include "kernel/gemm.h"
#include "kernel/pointwise.h"

enum { GROUP_ITEMS = 256 };

static int64_t panels_of(int64_t items) { return (items + COSINE_PANEL - 1) / COSINE_PANEL; }

int64_t catalogue_panel_floats(int64_t items, int64_t width) {
    return panels_of(items) * COSINE_PANEL * width;
}

void catalogue_fill(const struct catalogue *catalogue, const float *table, int64_t first,
                    int64_t last) {
    const int64_t width = catalogue->width;
    for (int64_t at = first; at < last; at += COSINE_PANEL) {
        int64_t count = last - at < COSINE_PANEL ? last - at : COSINE_PANEL;
        float *unit = catalogue->unit + at * width, *panel = catalogue->panels + at * width;
        for (int64_t i = 0; i < count; i++) {
            const float *row = table + (at + i) * width;
            double square = 0;
            for (int64_t c = 0; c < width; c++) square += (double)row[c] * (double)row[c];
            float inverse = (float)(1 / sqrt(square + 1e-12));
            catalogue->inverse[at + i] = inverse;
            for (int64_t c = 0; c < width; c++) unit[i * width + c] = row[c] * inverse;
        }
        memset(panel, 0, (size_t)(COSINE_PANEL * width) * sizeof *panel);
        transpose_f32(count, width, unit, width, panel, COSINE_PANEL);
    }
}

void cosine_scores_f32(const struct catalogue *catalogue, int64_t rows, const float *u,
                       float *ret_scores, int64_t row) {
    const int64_t width = catalogue->width;
    struct gemm gemm = {.m = rows,
                        .n = COSINE_PANEL,
                        .k = width,
                        .a = u,
                        .a_row = width,
                        .b_row = COSINE_PANEL,
                        .c_row = row};
    for (int64_t p = 0; p < panels_of(catalogue->items); p++) {
        gemm.b = catalogue->panels + p * COSINE_PANEL * width;
        gemm.c = ret_scores + p * COSINE_PANEL;
        gemm_f32(&gemm);
    }
}

/* An odd number of cache lines, so that a column of the block spreads over all sets. */
static int64_t block_row(int64_t items) { return (panels_of(items) | 1) * COSINE_PANEL; }

int64_t cosine_loss_scratch(int64_t items, int64_t width) {
    return COSINE_ROWS * (block_row(items) + width);
}

/* Slopes of one block from its exponentials p (rows, V) and the states that were divided by the
 * rows' sums. */
static void spread(const struct catalogue *catalogue, int64_t rows, const float *p, int64_t p_row,
                   const float *divided, float *du, float *de) {
    const int64_t width = catalogue->width;
    for (int64_t at = 0; at < catalogue->items; at += GROUP_ITEMS) {
        int64_t count = catalogue->items - at < GROUP_ITEMS ? catalogue->items - at : GROUP_ITEMS;
        struct gemm by_state = {.m = rows,
                                .n = width,
                                .k = count,
                                .a = p + at,
                                .a_row = p_row,
                                .b = catalogue->unit + at * width,
                                .b_row = width,
                                .c = du,
                                .c_row = width,
                                .is_added = at > 0};
        gemm_f32(&by_state);
        struct gemm by_item = {.m = count,
                               .n = width,
                               .k = rows,
                               .a = p + at,
                               .a_row = p_row,
                               .a_is_transposed = 1,
                               .b = divided,
                               .b_row = width,
                               .c = de + at * width,
                               .c_row = width,
                               .is_added = 1};
        gemm_f32(&by_item);
    }
}

static double learn_block(const struct catalogue *catalogue, const struct cosine_loss *loss,
                          int64_t first, float *du, float *de, float *scratch) {
    const int64_t width = catalogue->width, p_row = block_row(catalogue->items);
    const float by = (float)((double)loss->scale * loss->weight);
    int64_t rows = loss->rows - first < COSINE_ROWS ? loss->rows - first : COSINE_ROWS;
    float *p = scratch, *divided = scratch + COSINE_ROWS * p_row;
    const float *u = loss->u + first * width;
    double sum[COSINE_ROWS], total = 0;
    cosine_scores_f32(catalogue, rows, u, p, p_row);
    for (int64_t r = 0; r < rows; r++) {
        double cosine = (double)p[r * p_row + loss->targets[first + r]];
        sum[r] = exp_sum_f32(catalogue->items, loss->scale, loss->scale, p + r * p_row);
        total += log(sum[r]) + (double)loss->scale * (1 - cosine);
        float share = (float)((double)by / sum[r]);
        for (int64_t c = 0; c < width; c++) divided[r * width + c] = u[r * width + c] * share;
    }
    du += first * width;
    spread(catalogue, rows, p, p_row, divided, du, de);
    for (int64_t r = 0; r < rows; r++) {
        int64_t target = loss->targets[first + r];
        const float *unit = catalogue->unit + target * width;
        float share = (float)((double)by / sum[r]);
        for (int64_t c = 0; c < width; c++) {
            du[r * width + c] = share * du[r * width + c] - by * unit[c];
            de[target * width + c] -= by * u[r * width + c];
        }
    }
    return total;
}

double cosine_loss_f32(const struct catalogue *catalogue, const struct cosine_loss *loss,
                       float *restrict du, float *restrict de, float *scratch) {
    double total = 0;
    for (int64_t first = 0; first < loss->rows; first += COSINE_ROWS)
        total += learn_block(catalogue, loss, first, du, de, scratch);
    return total;
}
