/* Why an item is recommended: what each part of the history adds to its score, by leaving it out.
 *
 * The history is cut into parts: each of its last REASONS_ITEMS distinct items (all events of it),
 * and what came before. A part's share is the mean of what the score loses when the part is left
 * out in two orders: newest part first, and oldest part first. In each order the losses add up to
 * score(history) - score(nothing), so the shares do, exactly but for rounding.
 */
#ifndef KAIROS_BEHAVE_REASONS_H
#define KAIROS_BEHAVE_REASONS_H

#include "behave/judge.h"

enum { REASONS_ITEMS = 8, REASONS_PARTS = REASONS_ITEMS + 1 };

/* Scores of the catalogue after one history, (item_count). */
typedef kai_status (*reasons_score_fn)(void *user, const struct behave_sequences *history,
                                       float *ret_scores, kai_err *err);

struct reasons {
    int32_t part_count;
    int32_t parts[REASONS_PARTS]; /* items, newest first; -1 = what came before them */
};

/* ret_shares: (item_count of `items`, REASONS_PARTS), by part. history: one sequence. */
KAI_MUST_CHECK kai_status reasons_attribute(reasons_score_fn score, void *user,
                                            const struct behave_sequences *history,
                                            int32_t catalogue, const int32_t *items, int32_t count,
                                            struct reasons *ret_reasons, double *ret_shares,
                                            kai_err *err);

#endif
