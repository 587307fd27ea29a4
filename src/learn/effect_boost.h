/* Gradient boosting for weak signals: many shallow trees of small steps on half of the rows each,
 * over bins that all fits of a training part share.
 *
 * Effects are small beside the outcome's noise, and a choice between learners fits dozens of small
 * models to the same features; so the bins are made once, the trees have depth 4 or less in one
 * flat array, leaves are shrunk toward zero by a ridge worth hundreds of rows, and the number of
 * rounds comes from the rows that each tree did not see.
 * Source: Friedman, "Stochastic Gradient Boosting", 2002; out-of-bag rounds: Ridgeway,
 * "Generalized Boosted Models", 2007, section 3.3. Private to src/learn/effect*.c.
 */
#ifndef KAIROS_LEARN_EFFECT_BOOST_H
#define KAIROS_LEARN_EFFECT_BOOST_H

#include <stdint.h>

#include "base/bytes.h"
#include "learn/forest_bins.h"
#include "table/matrix.h"

enum {
    EFFECT_BOOST_DEPTH_MAX = 4,
    EFFECT_BOOST_SPLITS = (1 << EFFECT_BOOST_DEPTH_MAX) - 1,
    EFFECT_BOOST_LEAVES = 1 << EFFECT_BOOST_DEPTH_MAX,
    EFFECT_BOOST_BINS = 63, /* code 255 (missing) falls into cell 63 of 64 */
    EFFECT_BOOST_ROUNDS_MAX = 10000,
};

/* A complete tree in heap order: children of i are 2i+1 (value <= threshold) and 2i+2. */
struct effect_tree_node {
    float threshold;
    int32_t feature; /* -1 = everything goes left; columns + j: row's arm is j + 1 */
    uint8_t bin;     /* the same threshold in bins; not saved */
    uint8_t missing_left;
};
struct effect_boost_tree {
    struct effect_tree_node split[EFFECT_BOOST_SPLITS];
    float leaf[EFFECT_BOOST_LEAVES];
};

struct effect_boost {
    int32_t columns;
    int32_t arms; /* indicator columns after the features: offers of an S-learner, else 0 */
    int32_t depth;
    int32_t trees;
    double start;
    struct effect_boost_tree *tree; /* owned */
};

struct effect_boost_options {
    int32_t rounds_min, rounds_max;
    int32_t depth;
    double rate;
    double lambda; /* weight of rows at zero in each leaf, for rows of mean weight 1 */
    double leaf_rows_min;
    double row_share, column_share;
    double gain_min; /* of a split, in residual variances: what chance alone would give */
    uint64_t seed;
    const char *purpose; /* of the random stream */
    uint64_t index;
};

/* What to learn: positions are rows of the bins. */
struct effect_boost_data {
    const struct forest_bins *bins;
    const int32_t *arm; /* (bins rows) for indicator columns, or NULL */
    int32_t arms;       /* indicator columns */
    const int32_t *positions;
    int64_t count;
    const float *target; /* (count) */
    const float *weight; /* (count), >= 0, or NULL = 1 */
};

KAI_MUST_CHECK kai_status effect_boost_fit(const struct effect_boost_options *options,
                                           const struct effect_boost_data *data,
                                           struct effect_boost **ret_boost, kai_err *err);
void effect_boost_free(struct effect_boost *boost);
/* Value at a row of the bins, for indicator columns of `arm`. */
double effect_boost_at_bins(const struct effect_boost *boost, const struct forest_bins *bins,
                            int64_t position, int32_t arm);
/* Value at a row of a matrix of the same columns. */
double effect_boost_at(const struct effect_boost *boost, const struct matrix *features, int64_t row,
                       int32_t arm);
void effect_boost_save(const struct effect_boost *boost, struct bytes_writer *writer);
KAI_MUST_CHECK kai_status effect_boost_load(struct bytes_reader *reader,
                                            struct effect_boost **ret_boost, kai_err *err);

#endif
