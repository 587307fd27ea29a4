/* What a model loses when a column is shuffled: permutation importance.
 *
 * Source: Breiman, "Random Forests", 2001, section 10; Fisher, Rudin, Dominici, "All Models are
 * Wrong, but Many are Useful", JMLR 2019 (model reliance, on rows that the model did not see).
 * Shuffling moves the values of one column between the given rows; the figure is the mean growth of
 * metric_loss over the repeats. Columns that repeat each other share their importance.
 */
#ifndef KAIROS_LEARN_IMPORTANCE_H
#define KAIROS_LEARN_IMPORTANCE_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"
#include "learn/learn.h"

/* Scores of all rows of `features` into ret_scores: (rows, outputs). Called from pool threads. */
typedef kai_status (*importance_fn)(void *user, const struct matrix *features, double *ret_scores,
                                    kai_err *err);

struct importance_options {
    uint64_t seed;
    int32_t repeats;  /* shuffles a column; 0 = 3 */
    int64_t rows_max; /* rows that are looked at, drawn at random; 0 = 10000 */
};

/* `data`: the held-out rows; its task and classes name the loss. ret_growth, ret_error: (columns)
 * mean and standard error over the repeats (ret_error may be NULL). Deterministic for any number of
 * threads. Fails: KAI_INVALID (no rows, options), KAI_NO_MEMORY, KAI_CANCELLED, or as `score`. */
KAI_MUST_CHECK kai_status importance_permute(const struct importance_options *options,
                                             importance_fn score, void *user,
                                             const struct learn_data *data, struct pool *pool,
                                             const struct progress *progress, double *ret_growth,
                                             double *ret_error, kai_err *err);
/* The same for a model of learn.h. */
KAI_MUST_CHECK kai_status importance_of_model(const struct importance_options *options,
                                              const struct model *model,
                                              const struct learn_data *data, struct pool *pool,
                                              const struct progress *progress, double *ret_growth,
                                              double *ret_error, kai_err *err);

#endif
