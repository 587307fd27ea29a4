#include "kernel/attention.h"

#include <string.h>

#include "kernel/gemm.h"

static int64_t padded(int64_t count) { return (count + 15) / 16 * 16; }

/* Rows of scores in the first cache do not share its sets: an odd number of lines apart. */
static int64_t score_row(int64_t length) { return padded(length) | 16; }

int64_t attention_scratch(int64_t length, int64_t width) {
    return 2 * width * padded(length) + (2 * ATTENTION_ROWS + 1) * score_row(length);
}

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }

/* What one head sees: its own columns of everything, and the scratch. */
struct head {
    const struct attention *all;
    const float *q, *k, *v, *bias, *gap_bias;
    float *k_back, *v_back; /* (D, T) at rows of `span` */
    int64_t span;
    float *s, *ds; /* (ATTENTION_ROWS, T) at rows of `row` */
    int64_t row;
    float *both; /* (T) the biases of one query, where there are gaps */
};

static struct head head_of(const struct attention *all, int64_t h, float *scratch) {
    int64_t at = h * all->width, span = padded(all->length), row = score_row(all->length);
    struct head head = {.all = all,
                        .q = all->q + at,
                        .k = all->k + at,
                        .v = all->v + at,
                        .bias = all->bias ? all->bias + h * all->span : NULL,
                        .gap_bias = all->gaps ? all->gap_bias + h * ATTENTION_GAPS : NULL,
                        .k_back = scratch,
                        .v_back = scratch + all->width * span,
                        .span = span,
                        .row = row};
    head.s = head.v_back + all->width * span;
    head.ds = head.s + ATTENTION_ROWS * row;
    head.both = head.ds + ATTENTION_ROWS * row;
    return head;
}

/* ret(r, j) = left(r) . right(j) for `rows` queries and the first `keys` keys */
static void score(const struct head *head, const float *left, int64_t left_row, const float *back,
                  int64_t rows, int64_t keys, float *ret) {
    struct gemm gemm = {.m = rows,
                        .n = keys,
                        .k = head->all->width,
                        .a = left,
                        .a_row = left_row,
                        .b = back,
                        .b_row = head->span,
                        .c = ret,
                        .c_row = head->row};
    gemm_f32(&gemm);
}

/* c (+)= W b, W the weights or their slopes; transposed: c(j) += sum over r of W(r, j) b(r) */
static void mix(const struct head *head, const float *weights, int is_transposed, int64_t rows,
                int64_t keys, const float *b, int64_t b_row, float *c, int64_t c_row) {
    struct gemm gemm = {.m = is_transposed ? keys : rows,
                        .n = head->all->width,
                        .k = is_transposed ? rows : keys,
                        .a = weights,
                        .a_row = head->row,
                        .a_is_transposed = is_transposed,
                        .b = b,
                        .b_row = b_row,
                        .c = c,
                        .c_row = c_row,
                        .is_added = is_transposed};
    gemm_f32(&gemm);
}

static const float *bias_row(const struct head *head, int64_t i) {
    const float *bias = head->bias ? head->bias + head->all->span - 1 - i : NULL;
    if (!head->gap_bias) return bias;
    const uint8_t *gaps = head->all->gaps + i * head->all->length;
    for (int64_t j = 0; j <= i; j++) head->both[j] = head->gap_bias[gaps[j]] + (bias ? bias[j] : 0);
    return head->both;
}

void attention_forward_f32(const struct attention *all, float *o, int64_t o_row, float *scratch) {
    for (int64_t h = 0; h < all->heads; h++) {
        struct head head = head_of(all, h, scratch);
        transpose_f32(all->length, all->width, head.k, all->row, head.k_back, head.span);
        for (int64_t at = 0; at < all->length; at += ATTENTION_ROWS) {
            int64_t rows = least(ATTENTION_ROWS, all->length - at), keys = at + rows;
            score(&head, head.q + at * all->row, all->row, head.k_back, rows, keys, head.s);
            for (int64_t r = 0; r < rows; r++) {
                float *s = head.s + r * head.row;
                int64_t seen = at + r + 1;
                weigh_forward_f32(all->kind, seen, all->gain, bias_row(&head, at + r), s);
                memset(s + seen, 0, (size_t)(keys - seen) * sizeof *s);
            }
            mix(&head, head.s, 0, rows, keys, head.v, all->row, o + at * o_row + h * all->width,
                o_row);
        }
    }
}

/* Weights and score slopes of a block of queries, in place of scores and weight slopes. */
static void weigh_back(const struct head *head, int64_t at, int64_t rows, float *dbias,
                       float *dgap) {
    const struct attention *all = head->all;
    int64_t keys = at + rows;
    for (int64_t r = 0; r < rows; r++) {
        float *s = head->s + r * head->row, *ds = head->ds + r * head->row;
        int64_t seen = at + r + 1;
        size_t hidden_bytes = (size_t)(keys - seen) * sizeof *s;
        weigh_backward_f32(all->kind, seen, all->gain, bias_row(head, at + r), s, ds);
        if (dbias) add_f32(seen, ds, dbias + all->span - seen);
        const uint8_t *gaps = dgap ? all->gaps + (at + r) * all->length : NULL;
        for (int64_t j = 0; dgap && j < seen; j++) dgap[gaps[j]] += ds[j];
        memset(s + seen, 0, hidden_bytes);
        memset(ds + seen, 0, hidden_bytes);
        for (int64_t j = 0; all->kind == WEIGH_SOFTMAX && j < seen; j++) ds[j] *= all->gain;
    }
}

static void clear_head(const struct attention *all, float *rows, int64_t row) {
    for (int64_t i = 0; i < all->length; i++)
        memset(rows + i * row, 0, (size_t)all->width * sizeof *rows);
}

void attention_backward_f32(const struct attention *all, const struct attention_slopes *slopes,
                            float *scratch) {
    for (int64_t h = 0; h < all->heads; h++) {
        struct head head = head_of(all, h, scratch);
        int64_t column = h * all->width;
        const float *o = slopes->o + column;
        float *q = slopes->q + column, *k = slopes->k + column, *v = slopes->v + column;
        clear_head(all, k, slopes->row);
        clear_head(all, v, slopes->row);
        transpose_f32(all->length, all->width, head.k, all->row, head.k_back, head.span);
        transpose_f32(all->length, all->width, head.v, all->row, head.v_back, head.span);
        for (int64_t at = 0; at < all->length; at += ATTENTION_ROWS) {
            int64_t rows = least(ATTENTION_ROWS, all->length - at), keys = at + rows;
            const float *q_block = head.q + at * all->row, *o_block = o + at * slopes->o_row;
            score(&head, q_block, all->row, head.k_back, rows, keys, head.s);
            score(&head, o_block, slopes->o_row, head.v_back, rows, keys, head.ds);
            weigh_back(&head, at, rows, slopes->bias ? slopes->bias + h * all->span : NULL,
                       all->gaps ? slopes->gap_bias + h * ATTENTION_GAPS : NULL);
            mix(&head, head.s, 1, rows, keys, o_block, slopes->o_row, v, slopes->row);
            mix(&head, head.ds, 1, rows, keys, q_block, all->row, k, slopes->row);
            mix(&head, head.ds, 0, rows, keys, head.k, all->row, q + at * slopes->row, slopes->row);
        }
    }
}
