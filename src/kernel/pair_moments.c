#include "kernel/pair_moments.h"

#include "kernel/dispatch.h"

void pair_moments_add_f64(int64_t count, const int32_t *restrict row, const int32_t *restrict at_a,
                          const struct pair_vector *restrict table_a, const int32_t *restrict at_b,
                          const struct pair_vector *restrict table_b,
                          struct pair_moments *restrict sums) {
    kernel_table()->pair_moments_add_f64(count, row, at_a, table_a, at_b, table_b, sums);
}
