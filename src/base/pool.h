/* A fixed set of threads that share the items of a loop.
 *
 * Items are taken in order; which thread takes which is not fixed, so an item must write only what
 * belongs to it, and sums over items are added afterwards in index order. That makes results equal
 * for any number of threads.
 * A NULL pool is one thread: the caller's. Work inside an item passes NULL down, never the pool.
 */
#ifndef KAIROS_BASE_POOL_H
#define KAIROS_BASE_POOL_H

#include <stdint.h>

#include "base/err.h"
#include "base/progress.h"

struct pool;

/* One item of a loop. `worker` is in [0, pool_threads) and may index scratch memory. */
typedef kai_status (*pool_fn)(void *user, int64_t item, int32_t worker, kai_err *err);

/* threads 0 = one for each core this process may use. */
KAI_MUST_CHECK kai_status pool_new(int32_t threads, struct pool **ret_pool, kai_err *err);
void pool_free(struct pool *pool);
int32_t pool_threads(const struct pool *pool);

/* Run fn for items 0..count-1 and wait. Fails: with the failure of the lowest failing item; items
 * after a failure may not run. The caller's thread works too. Threads: one loop at a time. */
KAI_MUST_CHECK kai_status pool_run(struct pool *pool, int64_t count, pool_fn fn, void *user,
                                   kai_err *err);
/* The same, and tells progress about finished items from the caller's thread. */
KAI_MUST_CHECK kai_status pool_run_telling(struct pool *pool, int64_t count, pool_fn fn, void *user,
                                           const struct progress *progress, const char *stage,
                                           kai_err *err);

#endif
