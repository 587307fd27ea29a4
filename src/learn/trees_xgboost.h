/* Gradient boosting by XGBoost's C library, and only here.
 *
 * XGBoost grows the trees; what is kept is ours: struct boost (learn/boost.h). The library never
 * sees bytes from outside, is silent, and answers the same for any number of threads
 * (docs/methods/boosting.md says how). Private to src/learn.
 */
#ifndef KAIROS_LEARN_TREES_XGBOOST_H
#define KAIROS_LEARN_TREES_XGBOOST_H

#include <stdint.h>

#include "learn/boost.h"
#include "learn/learn.h"

/* Zero options are the defaults of learn.h. XGBoost runs one thread where the pool is NULL
 * or the table is small. Data as learn_fit checked it. Fails: KAI_INVALID (an option out of range),
 * KAI_LIMIT, KAI_NO_MEMORY, KAI_CANCELLED, KAI_DIVERGED, KAI_STATE (XGBoost's own message). */
KAI_MUST_CHECK kai_status xgboost_fit(const struct boost_options *options, uint64_t seed,
                                      const struct learn_data *data, struct pool *pool,
                                      const struct progress *progress, struct boost **ret_boost,
                                      kai_err *err);
/* The same with a given number of XGBoost's threads, on which nothing in the result depends. */
KAI_MUST_CHECK kai_status xgboost_fit_threads(const struct boost_options *options, uint64_t seed,
                                              const struct learn_data *data, int32_t threads,
                                              struct pool *pool, const struct progress *progress,
                                              struct boost **ret_boost, kai_err *err);

#endif
