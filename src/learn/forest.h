/* A histogram random forest: fitted trees over quantile bins, immutable once grown.
 *
 * What goes in: a feature matrix (NaN = missing; categories are ordered codes), a target and the
 * rows to learn from. What comes out: trees with raw thresholds, so that scoring needs no bins.
 * Binary: the mean over the trees of the leaf's share of class 1; multiclass: of its class shares;
 * regression: of its mean. A value <= threshold goes left; a missing value goes where the split
 * learned that it should, or, where it saw none, to the heavier child.
 *
 * Source: L. Breiman, "Random Forests", Machine Learning 45 (2001); the mathematics, the format of
 * the bytes and the known failure modes are in docs/methods/forest.md.
 * Private to src/learn: the door is learn/learn.h.
 */
#ifndef KAIROS_LEARN_FOREST_H
#define KAIROS_LEARN_FOREST_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/json.h"
#include "learn/learn.h"

struct forest; /* fitted; immutable */

/* Grow a forest. The result is the same bytes for any number of threads. A zero in the options is
 * its default (learn.h). Rows of weight 0 teach nothing.
 * Fails: KAI_INVALID (no rows, a row outside the matrix, one class only, a target or weight that is
 * not a number in range, an option out of range), KAI_LIMIT (2^31 rows, 65,536 classes, 2^20
 * columns), KAI_NO_MEMORY, KAI_CANCELLED. */
KAI_MUST_CHECK kai_status forest_fit(const struct forest_options *options, uint64_t seed,
                                     const struct learn_data *data, struct pool *pool,
                                     const struct progress *progress, struct forest **ret_forest,
                                     kai_err *err);
void forest_free(struct forest *forest);

/* ret_scores: (row_count, outputs); row_ids NULL = the first row_count rows. Fails: KAI_INVALID
 * where the number of columns is not that of training. Threads: any number may share the forest. */
KAI_MUST_CHECK kai_status forest_predict(const struct forest *forest, const struct matrix *features,
                                         const int64_t *row_ids, int64_t row_count,
                                         struct pool *pool, double *ret_scores, kai_err *err);
enum learn_task forest_task(const struct forest *forest);
int32_t forest_outputs(const struct forest *forest); /* 1, or the number of classes */
int32_t forest_columns(const struct forest *forest);

/* Impurity that the splits of each column removed, summing to 1 (all 0 where nothing was split).
 * ret_gain: (columns) */
void forest_importance(const struct forest *forest, double *ret_gain);
/* Mean over the trees that did not see the row: (row_count, outputs) in the order of the training
 * rows, NaN for rows in every bag. NULL where it was not asked for, and after a load. */
const double *forest_out_of_bag(const struct forest *forest);

/* Exact path-dependent Shapley values of one output: algorithm 2 of Lundberg, Erion, Lee,
 * "Consistent Individualized Feature Attribution for Tree Ensembles" (2018), with the training
 * weight of the nodes as cover. ret_values: (row_count, columns + 1), the last is the base value.
 * Cost: rows x trees x leaves x depth^2. Fails: KAI_INVALID. */
KAI_MUST_CHECK kai_status forest_shapley(const struct forest *forest, const struct matrix *features,
                                         const int64_t *row_ids, int64_t row_count, int32_t output,
                                         struct pool *pool, double *ret_values, kai_err *err);

/* Failures stick in the writer. */
void forest_save(const struct forest *forest, struct bytes_writer *writer);
/* Everything is checked: children point forward and once each, features are columns, numbers are
 * finite. Fails: KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status forest_load(struct bytes_reader *reader, struct forest **ret_forest,
                                      kai_err *err);

/* Trees, nodes, leaves and depths as members of the open object. */
void forest_describe(const struct forest *forest, struct json_writer *json);

#endif
