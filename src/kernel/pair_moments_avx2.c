#include <immintrin.h>

#include "kernel/variants.h"

enum { WIDTH = PAIR_MOMENTS_WIDTH, AHEAD = 8 };

static inline void add_to(double *sum, __m256d factor, __m256d value) {
    _mm256_storeu_pd(sum, _mm256_fmadd_pd(factor, value, _mm256_loadu_pd(sum)));
}

/* sum[i] += x[i] x' */
static inline void add_square(double (*sum)[WIDTH], __m256d x) {
    add_to(sum[0], _mm256_permute4x64_pd(x, 0x00), x);
    add_to(sum[1], _mm256_permute4x64_pd(x, 0x55), x);
    add_to(sum[2], _mm256_permute4x64_pd(x, 0xaa), x);
    add_to(sum[3], _mm256_permute4x64_pd(x, 0xff), x);
}

void pair_moments_add_f64_avx2(int64_t count, const int32_t *restrict row,
                               const int32_t *restrict at_a,
                               const struct pair_vector *restrict table_a,
                               const int32_t *restrict at_b,
                               const struct pair_vector *restrict table_b,
                               struct pair_moments *restrict sums) {
    __m256d half = _mm256_set1_pd(0.5);
    for (int64_t n = 0; n < count; n++) {
        if (n + AHEAD < count) { /* leaves come in no order */
            _mm_prefetch((const char *)&table_a[at_a[n + AHEAD]], _MM_HINT_T0);
            _mm_prefetch((const char *)&table_b[at_b[n + AHEAD]], _MM_HINT_T0);
        }
        __m256d a = _mm256_loadu_pd(table_a[at_a[n]].x), b = _mm256_loadu_pd(table_b[at_b[n]].x);
        __m256d m = _mm256_mul_pd(_mm256_add_pd(a, b), half);
        __m256d d = _mm256_mul_pd(_mm256_sub_pd(a, b), half);
        struct pair_moments *sum = &sums[row[n]];
        _mm256_storeu_pd(sum->mean, _mm256_add_pd(_mm256_loadu_pd(sum->mean), m));
        add_square(sum->between, m);
        add_square(sum->within, d);
        sum->count++;
    }
}
