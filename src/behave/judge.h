/* Where the right answer stands: ranks over the whole catalogue, and the lists that would have been
 * shown. Never sampled; ties by the lower item number; the same for any number of threads. */
#ifndef KAIROS_BEHAVE_JUDGE_H
#define KAIROS_BEHAVE_JUDGE_H

#include "behave/behave.h"

/* Scores of the whole catalogue for questions first .. first+count-1, (count, item_count), in the
 * calling thread; several threads call at once. */
typedef kai_status (*judge_score_fn)(void *user, int64_t first, int64_t count, float *ret_scores,
                                     kai_err *err);

struct judge_request {
    const struct behave_sequences *asked; /* what each question shows */
    const int32_t *targets;               /* (questions) */
    int32_t item_count;
    int32_t list_length;      /* k of the lists */
    int is_seen_excluded;     /* items of the history shown are left out; where the answer is one of
                                 them, its rank is 0: it cannot be found */
    const char *stage;        /* for progress */
};

/* ret_ranks: (questions) 1 = best; ret_lists: (questions, list_length), -1 where fewer are left. */
KAI_MUST_CHECK kai_status judge_rank(const struct judge_request *request, judge_score_fn score,
                                     void *user, struct pool *pool, const struct progress *progress,
                                     int32_t *ret_ranks, int32_t *ret_lists, kai_err *err);

#endif
