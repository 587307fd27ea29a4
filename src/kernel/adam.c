#include "kernel/adam.h"

#include <math.h>

#include "kernel/dispatch.h"

struct adam adam_at(double rate, int64_t t) {
    const double beta_mean = 0.9, beta_square = 0.999;
    return (struct adam){
        .beta_mean = (float)beta_mean,
        .beta_square = (float)beta_square,
        .epsilon = 1e-8f,
        .step = (float)(rate / (1 - pow(beta_mean, (double)t))),
        .inverse_root = (float)(1 / sqrt(1 - pow(beta_square, (double)t))),
    };
}

void adam_step_f32(const struct adam *adam, int64_t count, const float *restrict gradient,
                   float *restrict parameter, float *restrict mean, float *restrict square) {
    kernel_table()->adam_step_f32(adam, count, gradient, parameter, mean, square);
}
