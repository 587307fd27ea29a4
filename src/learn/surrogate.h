/* Reasons for any model: one shallow boosted tree model that imitates its scores.
 *
 * What goes in: a matrix and the scores that some model gave its rows. What comes out: a model of
 * depth 6 or less fitted to the scores, how well it imitates them (R2 on a fifth of the rows that
 * it did not see), and its exact Shapley values, in the units of the scores. Reasons are as good as
 * that R2 says: print it beside them.
 */
#ifndef KAIROS_LEARN_SURROGATE_H
#define KAIROS_LEARN_SURROGATE_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"
#include "learn/learn.h"

struct surrogate; /* fitted; immutable */

/* score: (features->rows), finite in the rows used; row_ids NULL = all rows. rows_max: rows that
 * are learned from, drawn at random; 0 = 100000. Deterministic for any number of threads. Fails: as
 * learn_fit, but fewer than 10 rows or constant scores give a model without splits and an R2 of 0
 * (rows) or 1 (constant). */
KAI_MUST_CHECK kai_status surrogate_fit(const struct matrix *features, const double *score,
                                        const int64_t *row_ids, int64_t row_count, int64_t rows_max,
                                        uint64_t seed, struct pool *pool,
                                        const struct progress *progress,
                                        struct surrogate **ret_surrogate, kai_err *err);
void surrogate_free(struct surrogate *surrogate);
double surrogate_r2(const struct surrogate *surrogate);
/* The imitation itself, LEARN_REGRESSION. */
const struct model *surrogate_model(const struct surrogate *surrogate);
/* ret_values: (row_count, columns + 1), the last is the base value; as model_shapley. */
KAI_MUST_CHECK kai_status surrogate_shapley(const struct surrogate *surrogate,
                                            const struct matrix *features, const int64_t *row_ids,
                                            int64_t row_count, struct pool *pool,
                                            double *ret_values, kai_err *err);

#endif
