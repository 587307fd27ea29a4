/* One honest tree of a causal forest, over binned rows. Private to src/learn/causal*.c.
 *
 * A node's pseudo-outcome for row i is, with means over the node's structure rows,
 *   rho_i = (w_i - w)(y_i - y - (w_i - w) tau),   tau = sum (w_i - w)(y_i - y) / sum (w_i - w)^2,
 * and the split maximises  (sum_left rho)^2 / n_left + (sum_right rho)^2 / n_right  (Athey,
 * Tibshirani, Wager 2019, section 2.3, up to a factor of the node). rho is rounded to whole steps
 * of max |rho| / (2^bits - 1), so that sums are exact in any order and equal splits stay equal: the
 * first column, then the lowest bin, wins. A sum and a count share one 64-bit cell.
 */
#ifndef KAIROS_LEARN_CAUSAL_TREE_H
#define KAIROS_LEARN_CAUSAL_TREE_H

#include <stdint.h>

#include "base/err.h"
#include "kernel/pair_moments.h"
#include "kernel/tree_walk.h"
#include "learn/causal.h"
#include "learn/forest_bins.h"

enum {
    CAUSAL_CELLS = 64, /* codes 0 .. 62; a missing value has 63, right of every cut */
    CAUSAL_BINS = 63,
    CAUSAL_STATS = 4,     /* of a leaf: means of wy, ww, w, y over the estimation half */
    CAUSAL_SUM_BITS = 22, /* of a rounded pseudo-outcome, at most */
    CAUSAL_ROWS_MAX = 1 << 26,
};

struct causal_tree {
    int32_t nodes;
    struct tree_walk_node *node; /* owned; (nodes) */
    struct pair_vector *stats;   /* owned; (nodes); of leaves */
};

/* Binned rows with their centred treatment and outcome. */
struct causal_rows {
    const struct forest_bins *bins;
    const float *w, *y; /* (rows) */
};

/* Is a row in the half that bag `bag` draws from? 64 rows a word. */
uint64_t causal_half(uint64_t seed, int64_t bag, int64_t word);

struct causal_grower; /* scratch of one worker */

KAI_MUST_CHECK kai_status causal_grower_new(const struct causal_options *options,
                                            const struct causal_rows *rows,
                                            struct causal_grower **ret_grower, kai_err *err);
void causal_grower_free(struct causal_grower *grower);
/* The sample of a tree, rising: ret_structure and ret_estimate point into the grower. */
void causal_grower_sample(struct causal_grower *grower, int64_t tree, const int32_t **ret_structure,
                          int32_t *ret_structure_count, const int32_t **ret_estimate,
                          int32_t *ret_estimate_count);
KAI_MUST_CHECK kai_status causal_grower_grow(struct causal_grower *grower, int64_t tree,
                                             struct causal_tree *ret_tree, kai_err *err);
void causal_tree_release(struct causal_tree *tree);

#endif
