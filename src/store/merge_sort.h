/* External merge sort of snapshot events: portions that fit in memory are sorted, kept in files
 * without a name, and merged. By customer, then time, then the order in which they were added.
 * Private to store/. Threads: one. */
#ifndef KAIROS_STORE_MERGE_SORT_H
#define KAIROS_STORE_MERGE_SORT_H

#include "table/snapshot.h"

struct runs;

/* `beside`: a path in the folder that has room. */
KAI_MUST_CHECK kai_status runs_new(const char *beside, int64_t memory_bytes, struct runs **ret_runs,
                                   kai_err *err);
/* Fails: KAI_IO, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status runs_add(struct runs *runs, const struct snapshot_event *event,
                                   kai_err *err);
/* No more is added; what is in memory is sorted. Gives the number of portions. */
KAI_MUST_CHECK kai_status runs_finish(struct runs *runs, int64_t *ret_runs, kai_err *err);
/* The next event in order; *ret_event NULL at the end. Good until the next call. */
KAI_MUST_CHECK kai_status runs_next(struct runs *runs, const struct snapshot_event **ret_event,
                                    kai_err *err);
void runs_free(struct runs *runs);

#endif
