/* Scoring: a block of rows is laid out row by row, so that a walk touches few cache lines, and
 * every tree passes over the block, so that its nodes are read once a block. Several rows walk at a
 * time, each step being independent of the others', which hides the latency of the nodes.
 */
#include <math.h>

#include "base/alloc.h"
#include "learn/forest_tree.h"

enum { BLOCK_VALUES = 1 << 16, BLOCK_ROWS_MAX = 1024, BLOCK_ROWS_MIN = 32, WALKERS = 8 };

struct scoring {
    const struct forest *forest;
    const struct matrix *features;
    const int64_t *row_ids;
    int64_t row_count;
    int64_t block_rows;
    const uint64_t *bags; /* NULL = all trees see all rows */
    int64_t bag_words;
    float *values;    /* owned; (threads, block_rows, columns) */
    int32_t *walking; /* owned; (threads, block_rows) rows of the block that a tree scores */
    double *scores;   /* (row_count, outputs) */
};

static void gather_rows(const struct scoring *scoring, int64_t begin, int64_t count,
                        float *values) {
    int32_t columns = scoring->forest->columns;
    for (int32_t c = 0; c < columns; c++) {
        const float *source = matrix_column(scoring->features, c);
        for (int64_t i = 0; i < count; i++) {
            int64_t row = scoring->row_ids ? scoring->row_ids[begin + i] : begin + i;
            values[i * columns + c] = source[row];
        }
    }
}

static inline uint32_t step(const struct forest_node *nodes, uint32_t at, const float *row,
                            uint32_t *moved) {
    const struct forest_node *node = &nodes[at];
    uint32_t next = node->child + forest_goes_right(node, row[node->column & FOREST_COLUMN_MASK]);
    *moved |= node->child;
    return node->child ? next : at;
}

static void add_leaf(const struct forest *forest, const struct forest_tree *tree, uint32_t at,
                     double *scores) {
    const struct forest_node *leaf = &tree->nodes[at];
    if (forest->outputs == 1) {
        scores[0] += leaf->threshold;
        return;
    }
    const float *shares = tree->shares + (size_t)forest_share_index(leaf) * (size_t)forest->outputs;
    for (int32_t k = 0; k < forest->outputs; k++) scores[k] += shares[k];
}

/* Add the tree's leaf values to the scores of the rows walking[0 .. count-1] of the block. */
static void walk_tree(const struct forest *forest, const struct forest_tree *tree,
                      const float *values, const int32_t *walking, int32_t count, double *scores) {
    int32_t columns = forest->columns, outputs = forest->outputs, i = 0;
    for (; i + WALKERS <= count; i += WALKERS) {
        uint32_t at[WALKERS] = {0}, moved;
        const float *rows[WALKERS];
        for (int w = 0; w < WALKERS; w++) rows[w] = values + (int64_t)walking[i + w] * columns;
        do {
            moved = 0;
            for (int w = 0; w < WALKERS; w++) at[w] = step(tree->nodes, at[w], rows[w], &moved);
        } while (moved);
        for (int w = 0; w < WALKERS; w++)
            add_leaf(forest, tree, at[w], scores + (int64_t)walking[i + w] * outputs);
    }
    for (; i < count; i++) {
        uint32_t at = 0, moved;
        do {
            moved = 0;
            at = step(tree->nodes, at, values + (int64_t)walking[i] * columns, &moved);
        } while (moved);
        add_leaf(forest, tree, at, scores + (int64_t)walking[i] * outputs);
    }
}

static int32_t list_unseen(const struct scoring *scoring, int32_t tree, int64_t begin,
                           int32_t count, int32_t *walking) {
    const uint64_t *bag = scoring->bags + tree * scoring->bag_words;
    int32_t unseen = 0;
    for (int32_t i = 0; i < count; i++) {
        int64_t row = begin + i;
        walking[unseen] = i;
        unseen += !(bag[row / 64] >> (row % 64) & 1);
    }
    return unseen;
}

static kai_status score_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct scoring *scoring = user;
    const struct forest *forest = scoring->forest;
    (void)err;
    int64_t begin = item * scoring->block_rows, left = scoring->row_count - begin;
    int32_t count = (int32_t)(left < scoring->block_rows ? left : scoring->block_rows);
    float *values = scoring->values + worker * scoring->block_rows * forest->columns;
    int32_t *walking = scoring->walking + worker * scoring->block_rows;
    double *scores = scoring->scores + begin * forest->outputs;
    int32_t seen_by[BLOCK_ROWS_MAX] = {0};
    gather_rows(scoring, begin, count, values);
    memset(scores, 0, (size_t)count * (size_t)forest->outputs * sizeof *scores);
    for (int32_t i = 0; i < count; i++) walking[i] = i;
    for (int32_t t = 0; t < forest->tree_count; t++) {
        int32_t walkers = count;
        if (scoring->bags) walkers = list_unseen(scoring, t, begin, count, walking);
        for (int32_t i = 0; i < walkers; i++) seen_by[walking[i]]++;
        walk_tree(forest, &forest->trees[t], values, walking, walkers, scores);
    }
    for (int32_t i = 0; i < count; i++) {
        for (int32_t k = 0; k < forest->outputs; k++) {
            double *score = &scores[(int64_t)i * forest->outputs + k];
            *score = seen_by[i] ? *score / seen_by[i] : (double)NAN;
        }
    }
    return KAI_OK;
}

static kai_status score_rows(struct scoring *scoring, struct pool *pool, kai_err *err) {
    const struct forest *forest = scoring->forest;
    if (scoring->features->columns != forest->columns)
        return err_set(err, KAI_INVALID, "forest: %d columns given, %d learned",
                       scoring->features->columns, forest->columns);
    int64_t block = BLOCK_VALUES / forest->columns;
    if (block < BLOCK_ROWS_MIN) block = BLOCK_ROWS_MIN;
    if (block > BLOCK_ROWS_MAX) block = BLOCK_ROWS_MAX;
    if (block > scoring->row_count) block = scoring->row_count;
    if (block == 0) return KAI_OK;
    scoring->block_rows = block;
    size_t rows = (size_t)pool_threads(pool) * (size_t)block;
    scoring->values = mem_array(rows, (size_t)forest->columns * sizeof *scoring->values);
    scoring->walking = mem_array(rows, sizeof *scoring->walking);
    kai_status st = KAI_OK;
    if (!scoring->values || !scoring->walking)
        st = err_memory(err, (int64_t)rows * forest->columns * (int64_t)sizeof(float));
    int64_t blocks = (scoring->row_count + block - 1) / block;
    if (!st) st = pool_run(pool, blocks, score_block, scoring, err);
    mem_free(scoring->values);
    mem_free(scoring->walking);
    return st;
}

kai_status forest_predict(const struct forest *forest, const struct matrix *features,
                          const int64_t *row_ids, int64_t row_count, struct pool *pool,
                          double *ret_scores, kai_err *err) {
    struct scoring scoring = {.forest = forest,
                              .features = features,
                              .row_ids = row_ids,
                              .row_count = row_count,
                              .scores = ret_scores};
    return score_rows(&scoring, pool, err);
}

kai_status forest_predict_out_of_bag(const struct forest *forest, const struct matrix *features,
                                     const int64_t *row_ids, int64_t row_count,
                                     const uint64_t *bags, int64_t bag_words, struct pool *pool,
                                     double *ret_scores, kai_err *err) {
    struct scoring scoring = {.forest = forest,
                              .features = features,
                              .row_ids = row_ids,
                              .row_count = row_count,
                              .bags = bags,
                              .bag_words = bag_words,
                              .scores = ret_scores};
    return score_rows(&scoring, pool, err);
}
