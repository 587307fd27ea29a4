#include <immintrin.h>

#include "kernel/variants.h"

enum { LANES = 8 };

void adam_step_f32_avx2(const struct adam *adam, int64_t count, const float *restrict gradient,
                        float *restrict parameter, float *restrict mean, float *restrict square) {
    __m256 keep_mean = _mm256_set1_ps(adam->beta_mean);
    __m256 keep_square = _mm256_set1_ps(adam->beta_square);
    __m256 fresh_mean = _mm256_set1_ps(1.0f - adam->beta_mean);
    __m256 fresh_square = _mm256_set1_ps(1.0f - adam->beta_square);
    __m256 epsilon = _mm256_set1_ps(adam->epsilon), step = _mm256_set1_ps(adam->step);
    __m256 inverse_root = _mm256_set1_ps(adam->inverse_root);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        __m256 g = _mm256_loadu_ps(gradient + i);
        __m256 m =
            _mm256_fmadd_ps(keep_mean, _mm256_loadu_ps(mean + i), _mm256_mul_ps(fresh_mean, g));
        __m256 v = _mm256_fmadd_ps(keep_square, _mm256_loadu_ps(square + i),
                                   _mm256_mul_ps(fresh_square, _mm256_mul_ps(g, g)));
        _mm256_storeu_ps(mean + i, m);
        _mm256_storeu_ps(square + i, v);
        __m256 root = _mm256_fmadd_ps(_mm256_sqrt_ps(v), inverse_root, epsilon);
        __m256 move = _mm256_div_ps(_mm256_mul_ps(step, m), root);
        _mm256_storeu_ps(parameter + i, _mm256_sub_ps(_mm256_loadu_ps(parameter + i), move));
    }
    adam_step_f32_ref(adam, count - i, gradient + i, parameter + i, mean + i, square + i);
}
