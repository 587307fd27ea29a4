#include <math.h>

#include "kernel/variants.h"

void adam_step_f32_ref(const struct adam *adam, int64_t count, const float *restrict gradient,
                       float *restrict parameter, float *restrict mean, float *restrict square) {
    float fresh_mean = 1.0f - adam->beta_mean, fresh_square = 1.0f - adam->beta_square;
    for (int64_t i = 0; i < count; i++) {
        float g = gradient[i];
        mean[i] = adam->beta_mean * mean[i] + fresh_mean * g;
        square[i] = adam->beta_square * square[i] + fresh_square * (g * g);
        float root = sqrtf(square[i]) * adam->inverse_root + adam->epsilon;
        parameter[i] -= adam->step * mean[i] / root;
    }
}
