#include "kernel/variants.h"

enum { WIDTH = PAIR_MOMENTS_WIDTH };

void pair_moments_add_f64_ref(int64_t count, const int32_t *restrict row,
                              const int32_t *restrict at_a,
                              const struct pair_vector *restrict table_a,
                              const int32_t *restrict at_b,
                              const struct pair_vector *restrict table_b,
                              struct pair_moments *restrict sums) {
    for (int64_t n = 0; n < count; n++) {
        const double *a = table_a[at_a[n]].x, *b = table_b[at_b[n]].x;
        struct pair_moments *sum = &sums[row[n]];
        for (int i = 0; i < WIDTH; i++) {
            double m = (a[i] + b[i]) / 2, d = (a[i] - b[i]) / 2;
            sum->mean[i] += m;
            for (int j = 0; j < WIDTH; j++) {
                sum->between[i][j] += m * ((a[j] + b[j]) / 2);
                sum->within[i][j] += d * ((a[j] - b[j]) / 2);
            }
        }
        sum->count++;
    }
}
