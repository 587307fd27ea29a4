/* The criteria that have files of their own; forest_criterion_of chooses. Private to
 * src/learn/forest*.c. */
#ifndef KAIROS_LEARN_FOREST_KINDS_H
#define KAIROS_LEARN_FOREST_KINDS_H

#include "learn/forest_criterion.h"

/* Gini impurity of two and more classes. */
const struct forest_criterion *forest_criterion_classes(int is_weighted);

/* The search of few packed rows (see forest_small.c): at most 32 of at most 255 draws. */
int forest_small_fits(const struct forest_view *view);
uint32_t forest_small_search(const struct forest_view *view, const int32_t *columns, int32_t count,
                             struct forest_scan *scan, struct forest_split *best);

#endif
