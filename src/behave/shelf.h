/* A list under the rules of a shop, from the scores of the whole catalogue.
 *
 * Order of the rules: what is excluded never stands on the list; pinned items come first, as they
 * were named, seen or not; then the best by score plus boost, at most `per_category` of a category
 * (pinned ones count); buried items only where nothing else is left. With diversity d the next item
 * is the one of largest (1 - d) * score - d * (1 where the list has its category), the scores of
 * the candidates scaled to 0 .. 1: maximal marginal relevance (Carbonell, Goldstein, SIGIR 1998)
 * over the best 10 k candidates. Ties go to the lower item.
 */
#ifndef KAIROS_BEHAVE_SHELF_H
#define KAIROS_BEHAVE_SHELF_H

#include <stdint.h>

#include "base/err.h"

struct shelf_rules {
    int32_t k;
    const uint8_t *is_excluded; /* (items) or NULL */
    const uint8_t *is_buried;   /* (items) or NULL */
    const float *boost;         /* (items) added to the score, or NULL */
    const int32_t *pinned;      /* (pinned_count) */
    int32_t pinned_count;
    const int32_t *categories; /* (items) -1 = none; or NULL */
    int32_t per_category;      /* 0 = any number */
    double diversity;          /* 0 .. 1 */
};

struct shelf {
    int32_t *candidates;    /* owned; (items) */
    float *candidate_score; /* owned; (items) */
    int32_t *used;          /* owned; (items) entries of a category on the list */
    uint8_t *is_taken;      /* owned; (items) */
    int32_t item_count;
};

/* Room for catalogues of item_count. One thread at a time. */
KAI_MUST_CHECK kai_status shelf_init(struct shelf *shelf, int32_t item_count, kai_err *err);
void shelf_release(struct shelf *shelf);
/* scores: (items), changed; -infinity where an item cannot be shown (seen). ret_items, ret_scores:
 * (k), the scores as they came. Returns the length of the list. */
int32_t shelf_arrange(struct shelf *shelf, const struct shelf_rules *rules, float *scores,
                      int32_t *ret_items, float *ret_scores);

#endif
