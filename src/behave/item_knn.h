/* Neighbours of items by what histories hold together.
 *
 *   similarity(i, j) = sum over histories of 1 / steps(i, j)  /  sqrt(n_i n_j)
 *   score(j) = sum over the last distinct items i of the history of decay^(steps from its end) *
 *              similarity(i, j)
 *
 * steps is the distance of the nearest two events of i and j, at most KNN_REACH, so that an item is
 * near itself where it is repeated; n counts histories. Without
 * the distance this is the cosine of Sarwar et al. (WWW 2001); with it, near co-visits count more,
 * which is what session-kNN methods gain from (Ludewig, Jannach, UMUAI 2018). Private to behave/.
 */
#ifndef KAIROS_BEHAVE_ITEM_KNN_H
#define KAIROS_BEHAVE_ITEM_KNN_H

#include "behave/yardstick.h"

enum { KNN_REACH = 50, KNN_EVENTS_MAX = 2000 };

struct item_knn {
    int32_t item_count, history;
    double decay;
    int64_t *offsets; /* owned; (item_count + 1) */
    int32_t *items;   /* owned; neighbours, best first */
    float *weights;   /* owned */
};

KAI_MUST_CHECK kai_status item_knn_init(struct item_knn *knn, const struct yardstick_options *options,
                                        const struct behave_sequences *train, int32_t item_count,
                                        struct pool *pool, const struct progress *progress,
                                        kai_err *err);
void item_knn_release(struct item_knn *knn);
/* ret_scores: (item_count) */
void item_knn_score(const struct item_knn *knn, const int32_t *history, int64_t length,
                    float *ret_scores);

#endif
