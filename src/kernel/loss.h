/* Losses of a row, their slopes by the logits, and the probabilities that belong to them. In
 * double inside, so that one body serves all: a row costs one exp against thousands of
 * multiply-adds. */
#ifndef KAIROS_KERNEL_LOSS_H
#define KAIROS_KERNEL_LOSS_H

#include <stdint.h>

/* 1 / (1 + e^-z), without overflow. */
double sigmoid_f64(double z);
/* probability(c) = e^z(c) / sum e^z; outputs may alias logits' copy; classes >= 1. */
void softmax_f64(int32_t classes, const float *logits, double *ret_probability);

/* -target log p - (1 - target) log (1 - p) with p = sigmoid(logit); target in [0, 1].
 * *ret_slope = p - target. */
double sigmoid_cross_entropy_f32(float logit, double target, double *ret_slope);
/* -log softmax(logits)[label]; ret_slope: (classes). */
double softmax_cross_entropy_f32(int32_t classes, const float *logits, int32_t label,
                                 double *ret_slope);
/* (value - target)^2; slope 2 (value - target). */
double squared_error_f32(float value, double target, double *ret_slope);

#endif
