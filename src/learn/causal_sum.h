/* Little bags added up over trees: effect and variance of each row. Private to
 * src/learn/causal*.c.
 *
 * For a row let s_b be the means (wy, ww, w, y) of its leaf in tree b, m_g and d_g half the sum and
 * half the difference of the two trees of bag g, S the mean of m_g over its G bags. Then
 *   effect = (S_wy - S_w S_y) / (S_ww - S_w^2),   main = S_y - effect S_w,
 * and the influence of a tree is linear in s_b: c's_b + c0. The variance is that of c'm_g between
 * bags less that of c'd_g within (Athey, Tibshirani, Wager 2019, section 4.1), and so a quadratic
 * form in sums of m m' and d d': one pass over the trees is enough. Where noise within bags
 * outweighs the spread between them, the positive part is taken as its mean under a flat prior on
 * positive values, given the normal error of both (the objective Bayes estimate of grf).
 */
#ifndef KAIROS_LEARN_CAUSAL_SUM_H
#define KAIROS_LEARN_CAUSAL_SUM_H

#include <stdint.h>

#include "base/pool.h"
#include "learn/causal_tree.h"

/* Trees of one forest, and the rows that they speak about. */
struct causal_speech {
    const struct causal_tree *tree; /* (2 x bags) */
    int64_t bags;
    const struct forest_bins *bins;
    int is_out_of_bag; /* rows are those of the bins, and a bag is silent about its half */
    uint64_t seed;
    const struct matrix *features; /* else: of these */
    const int64_t *row_ids;        /* may be NULL */
    int64_t rows;
    double *effect, *variance; /* (rows); variance may be NULL */
};

KAI_MUST_CHECK kai_status causal_speak(const struct causal_speech *speech, struct pool *pool,
                                       const struct progress *progress, kai_err *err);

#endif
