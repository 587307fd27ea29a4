/* Honest causal forest: the effect of a treatment on each customer, with an interval.
 *
 * In go features, a treatment (0/1, or a dose), what happened, and the chance of treatment where it
 * is known. Outcome and treatment are centred by out-of-bag forests first (local centring), so that
 * trees look for effects and not for levels. A tree splits on one half of its sample and takes its
 * estimates from the other (honesty); trees come in little bags of two on one half of the rows, and
 * the spread between bags, less that within, is the variance.
 *
 *   effect(x) solves  mean over trees of the leaf means of  (W - effect W^2 ...)  - see
 *   docs/methods/causal-forest.md, which also says how this differs from grf.
 * Source: Wager, Athey, JASA 2018; Athey, Tibshirani, Wager, "Generalized Random Forests", Annals
 * of Statistics 2019, sections 2.3 (gradient splits), 4 (bootstrap of little bags), 6 (centring).
 *
 * The forest is the same bytes for any number of threads. Choosing actions is not its business.
 */
#ifndef KAIROS_LEARN_CAUSAL_H
#define KAIROS_LEARN_CAUSAL_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"
#include "table/matrix.h"

struct causal_options {
    int32_t trees;         /* 2000; even, at least 4 */
    double sample_share;   /* of the rows for one tree, at most 0.5; 0.5 up to 100,000 rows, then
                              50,000 / rows, at least 0.1 */
    int32_t leaf_rows_min; /* of a leaf's structure half; 0 = a 2,500th of a sample, 5 to 20 */
    double balance;        /* least share of a node's rows in each child; 0.05 */
    int32_t columns_tried; /* at a node; 0 = min(columns, 12 + sqrt(columns)) */
    int32_t centre_trees;  /* of each centring forest; 30 */
    uint64_t seed;         /* 42 */
};

void causal_options_init(struct causal_options *options);

/* Arrays are indexed by the matrix's rows; only the rows of row_ids are read. */
struct causal_data {
    const struct matrix *features;
    const double *treatment; /* (rows) */
    const double *outcome;   /* (rows) */
    const double *chance;    /* (rows) E[treatment | x]; NULL = estimated out of bag */
    const int64_t *row_ids;  /* (row_count), or NULL = all rows */
    int64_t row_count;
};

struct causal; /* fitted; immutable */

/* Fails: KAI_INVALID (an option out of range, which one; a number that is none, with its row; a
 * treatment or an outcome that is the same everywhere; fewer than 100 rows), KAI_LIMIT,
 * KAI_NO_MEMORY, KAI_CANCELLED. Threads: uses the pool (NULL = the caller's). */
KAI_MUST_CHECK kai_status causal_fit(const struct causal_options *options,
                                     const struct causal_data *data, struct pool *pool,
                                     const struct progress *progress, struct causal **ret_causal,
                                     kai_err *err);
void causal_free(struct causal *causal);

/* Effect and its variance for the rows that were learned from, each by the bags that did not hold
 * it: (row_count), in the order of row_ids. NaN for a row that every bag held. */
const double *causal_effect(const struct causal *causal);
const double *causal_variance(const struct causal *causal);
/* Centred outcome and treatment of those rows: (row_count). */
const double *causal_outcome(const struct causal *causal);
const double *causal_treatment(const struct causal *causal);
int64_t causal_nodes(const struct causal *causal);

/* Effect, and variance where ret_variance is not NULL, of other rows: (row_count). row_ids NULL =
 * all. Fails: KAI_INVALID where the columns are not those of training, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status causal_predict(const struct causal *causal, const struct matrix *features,
                                         const int64_t *row_ids, int64_t row_count,
                                         struct pool *pool, double *ret_effect,
                                         double *ret_variance, kai_err *err);

/* The average effect over the rows that were learned from, doubly robust: the mean of
 *   effect_i + w_i / Var(treatment | x_i) (y_i - effect_i w_i),   w, y centred
 * (Robins, Rotnitzky, Zhao 1994). For a treatment that is not 0/1 the variance is the overall one.
 */
void causal_average(const struct causal *causal, double *ret_effect, double *ret_error);

#endif
