/* A stable merge sort of things of any size, into the caller's scratch. What is in order already
 * costs one look. */
#ifndef KAIROS_BASE_STABLE_SORT_H
#define KAIROS_BASE_STABLE_SORT_H

#include <stddef.h>
#include <stdint.h>

/* May `a` stand before `b`? Equal ones may: then they keep their order. */
typedef int (*stable_sort_fn)(const void *user, const void *a, const void *b);

int stable_is_sorted(const void *items, int64_t count, size_t bytes, stable_sort_fn may_precede,
                     const void *user);
/* items, scratch: (count) of `bytes` each. */
void stable_sort(void *items, void *scratch, int64_t count, size_t bytes,
                 stable_sort_fn may_precede, const void *user);

#endif
