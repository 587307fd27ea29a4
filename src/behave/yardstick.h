/* Simple models of what comes next. A learned model that does not beat the best of them is not
 * worth its electricity.
 *
 *   popular         how often an item occurs in training
 *   recent-popular  how often it occurs in the 7 days before the question; without times, among the
 *                   last 5 training events of each customer
 *   item-knn        items that occur near the history's items in other histories
 *   ials            matrix factorisation of what occurred at all (implicit feedback)
 *
 * All of them score the whole catalogue; ties are the caller's to break. The mathematics is in
 * docs/methods/backtest.md. A fitted baseline is only read by yardstick_score; many threads may
 * share it.
 */
#ifndef KAIROS_BEHAVE_YARDSTICK_H
#define KAIROS_BEHAVE_YARDSTICK_H

#include "behave/behave.h"

enum yardstick_kind {
    YARDSTICK_POPULAR,
    YARDSTICK_RECENT,
    YARDSTICK_KNN,
    YARDSTICK_IALS,
    YARDSTICK_KINDS
};

/* "popular", "recent-popular", "item-knn", "ials" */
const char *yardstick_text(enum yardstick_kind kind);

/* Zero means the default. */
struct yardstick_options {
    int64_t window_s;    /* recent-popular: seconds; 7 days */
    int32_t window_last; /* recent-popular without times: events of each customer; 5 */
    int32_t neighbours;  /* item-knn: kept for each item; 200 */
    int32_t history;     /* item-knn: last distinct items of the history that vote; 20 */
    double decay;        /* item-knn: weight of a vote for each step back; 0.8 */
    int32_t factors;     /* ials: 64 */
    int32_t epochs;      /* ials: 12 */
    double unobserved;   /* ials: weight of what did not occur; 0.1 */
    double regularise;   /* ials: 0.03 n / (n + unobserved items), n the mean length of a history */
};

struct yardstick;

/* Fails: KAI_INVALID (an option out of range), KAI_LIMIT (item-knn, ials: a catalogue whose model
 * would not fit YARDSTICK_BYTES_MAX), KAI_NO_MEMORY, KAI_CANCELLED, KAI_DIVERGED. */
KAI_MUST_CHECK kai_status yardstick_fit(enum yardstick_kind kind,
                                        const struct yardstick_options *options, uint64_t seed,
                                        const struct behave_sequences *train, int32_t item_count,
                                        struct pool *pool, const struct progress *progress,
                                        struct yardstick **ret_yardstick, kai_err *err);
void yardstick_free(struct yardstick *yardstick);
enum yardstick_kind yardstick_kind(const struct yardstick *yardstick);

/* As behave_score, in one thread: ret_scores (count, item_count), larger is likelier. Times matter
 * to recent-popular only, which is quick where times of neighbouring histories are near. */
KAI_MUST_CHECK kai_status yardstick_score(const struct yardstick *yardstick,
                                          const struct behave_sequences *histories,
                                          const int64_t *request_times, int64_t first,
                                          int64_t count, float *ret_scores, kai_err *err);

/* Vectors of the items, (item_count, *ret_width), where the model has some (ials); else NULL. */
const float *yardstick_vectors(const struct yardstick *yardstick, int32_t *ret_width);

#define YARDSTICK_BYTES_MAX (8ll << 30)

#endif
