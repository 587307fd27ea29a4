/* How long work tells where it is, and learns that it should stop.
 *
 * The caller's callback may be NULL. It is called from the thread that owns the job, never with a
 * lock held; a return other than 0 cancels. */
#ifndef KAIROS_BASE_PROGRESS_H
#define KAIROS_BASE_PROGRESS_H

#include <stdint.h>

#include "base/err.h"

/* stage: what is being done ("forest"); done of total units (total 0 = unknown). */
typedef int (*progress_fn)(void *user, const char *stage, int64_t done, int64_t total);

struct progress {
    progress_fn call; /* may be NULL */
    void *user;
};

/* KAI_CANCELLED where the callback asks for it. A NULL progress is silent. */
KAI_MUST_CHECK kai_status progress_tell(const struct progress *progress, const char *stage,
                                        int64_t done, int64_t total, kai_err *err);

#endif
