/* Grow one tree. Private to src/learn/forest*.c. */
#ifndef KAIROS_LEARN_FOREST_GROW_H
#define KAIROS_LEARN_FOREST_GROW_H

#include "learn/forest_criterion.h"
#include "learn/forest_tree.h"

/* What all trees of a fit share; read only while they grow. */
struct forest_ground {
    const struct forest_criterion *criterion;
    const struct forest_bins *bins;
    enum learn_task task;
    int32_t classes; /* values of a leaf where > 1, else 1 */
    int32_t depth_max;
    int32_t leaf_rows_min;
    int32_t columns_tried; /* at a node */
    int64_t draws;         /* of a bag */
    int is_with_replacement;
    uint64_t seed;
    double offset; /* taken off every target, so that sums cancel less; back in the leaves */
    const double *numbers;  /* (rows) target less offset; binary: 0/1 */
    const uint16_t *labels; /* (rows) class, binary too; NULL for numbers */
    const double *weights;  /* (rows) or NULL */
};

/* Scratch of one worker, made once. */
struct forest_room;
KAI_MUST_CHECK kai_status forest_room_new(const struct forest_ground *ground,
                                          struct forest_room **ret_room, kai_err *err);
void forest_room_free(struct forest_room *room);

/* Grow tree `index`. Adds to gain (columns) the impurity that its splits removed; sets in `bag`
 * (NULL = not wanted) the bits of the rows that were drawn. */
KAI_MUST_CHECK kai_status forest_grow(const struct forest_ground *ground, struct forest_room *room,
                                      int64_t index, struct forest_tree *ret_tree, double *gain,
                                      uint64_t *bag, kai_err *err);
void forest_tree_release(struct forest_tree *tree);

#endif
