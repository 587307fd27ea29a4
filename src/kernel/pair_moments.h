/* First and second moments of pairs of four-vectors, added row by row. */
#ifndef KAIROS_KERNEL_PAIR_MOMENTS_H
#define KAIROS_KERNEL_PAIR_MOMENTS_H

#include <stdint.h>

enum { PAIR_MOMENTS_WIDTH = 4 };

struct pair_vector {
    double x[PAIR_MOMENTS_WIDTH];
};

struct pair_moments {
    double mean[PAIR_MOMENTS_WIDTH];                        /* sum of m */
    double between[PAIR_MOMENTS_WIDTH][PAIR_MOMENTS_WIDTH]; /* sum of m m' */
    double within[PAIR_MOMENTS_WIDTH][PAIR_MOMENTS_WIDTH];  /* sum of d d' */
    double count;
};

/* For i in 0 .. count - 1, with a = table_a[at_a[i]], b = table_b[at_b[i]], m = (a + b) / 2 and d =
 * (a - b) / 2: add to sums[row[i]]. Rows are distinct. Tolerance between bodies: 4 rounding errors
 * of the largest term. */
void pair_moments_add_f64(int64_t count, const int32_t *restrict row, const int32_t *restrict at_a,
                          const struct pair_vector *restrict table_a, const int32_t *restrict at_b,
                          const struct pair_vector *restrict table_b,
                          struct pair_moments *restrict sums);

#endif
