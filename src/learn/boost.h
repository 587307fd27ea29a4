/* Boosted trees, fitted: sums of leaf values over trees, one group of trees an output.
 *
 * A value < threshold goes left, a missing value where the node says; the margin of an output is
 * its start plus the leaves that the row falls into, times a scale. Binary: the probability is
 * 1/(1+exp(-margin)); multiclass: softmax of the margins; regression: the margin itself. Immutable;
 * any number of threads may share it. Private to src/learn: the door is learn/learn.h.
 */
#ifndef KAIROS_LEARN_BOOST_H
#define KAIROS_LEARN_BOOST_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/json.h"
#include "learn/learn.h"

enum {
    BOOST_DEPTH_MAX = 16,      /* Shapley values go over 2^depth leaves */
    BOOST_TREES_MAX = 1 << 20, /* rounds x classes */
    BOOST_NODES_MAX = 1 << 18, /* of one tree: 2^(depth + 1) and room */
};

struct boost_node {
    float value;     /* threshold of a split, or the value of a leaf */
    int32_t feature; /* of a split; -1 = leaf */
    int32_t left;    /* child of a split in the tree; the right child is left + 1 */
    float cover;     /* sum of second derivatives of the training rows; >= 0 */
    float gain;      /* of a split */
    int32_t missing_left;
};

struct boost {
    enum learn_task task;
    int32_t outputs; /* groups of trees */
    int32_t columns;
    int32_t trees;            /* rounds x outputs; tree t belongs to output t % outputs */
    int32_t best_round;       /* rounds kept */
    int32_t rounds_run;       /* rounds grown before it stopped */
    double scale;             /* of the leaves: 1, or the deviation of a regression's target */
    double *start;            /* owned; (outputs) margin before the first tree */
    int64_t *offsets;         /* owned; (trees + 1) into nodes */
    struct boost_node *nodes; /* owned */
    int32_t curve_count;      /* rounds that were validated */
    double *curve;            /* owned; (curve_count) validation loss; not saved */
    struct boost_options options;
    int32_t depth; /* of the deepest leaf */
};

/* Empty, zeroed. */
KAI_MUST_CHECK kai_status boost_new(struct boost **ret_boost, kai_err *err);
void boost_free(struct boost *boost);
/* Nodes stand in breadth-first order (so that the shape is that of a tree), features are columns,
 * numbers are finite, leaves are no deeper than BOOST_DEPTH_MAX; sets `depth`. Fails: KAI_CORRUPT.
 */
KAI_MUST_CHECK kai_status boost_check(struct boost *boost, kai_err *err);

/* ret_scores: (row_count, outputs) */
KAI_MUST_CHECK kai_status boost_predict(const struct boost *boost, const struct matrix *features,
                                        const int64_t *row_ids, int64_t row_count,
                                        struct pool *pool, double *ret_scores, kai_err *err);
/* The same before sigmoid or softmax. */
KAI_MUST_CHECK kai_status boost_margins(const struct boost *boost, const struct matrix *features,
                                        const int64_t *row_ids, int64_t row_count,
                                        struct pool *pool, double *ret_margins, kai_err *err);
/* ret_gain: (columns), summing to 1, or all 0 */
void boost_importance(const struct boost *boost, double *ret_gain);
/* ret_values: (row_count, columns + 1), in the margin of `output`. The method is in the first
 * comment of boost_shapley.c. */
KAI_MUST_CHECK kai_status boost_shapley(const struct boost *boost, const struct matrix *features,
                                        const int64_t *row_ids, int64_t row_count, int32_t output,
                                        struct pool *pool, double *ret_values, kai_err *err);
void boost_describe(const struct boost *boost, struct json_writer *json);
/* Failures stick in the writer. */
void boost_save(const struct boost *boost, struct bytes_writer *writer);
/* Fails: KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status boost_load(struct bytes_reader *reader, struct boost **ret_boost,
                                     kai_err *err);

#endif
