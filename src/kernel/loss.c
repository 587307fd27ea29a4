#include "kernel/loss.h"

#include <math.h>

double sigmoid_f64(double z) {
    double e = exp(-fabs(z));
    return z >= 0 ? 1 / (1 + e) : e / (1 + e);
}

/* Returns log of the sum of e^z. */
static double softmax(int32_t classes, const float *logits, double *ret_probability) {
    double top = (double)logits[0];
    for (int32_t c = 1; c < classes; c++) top = fmax(top, (double)logits[c]);
    double sum = 0;
    for (int32_t c = 0; c < classes; c++) {
        ret_probability[c] = exp((double)logits[c] - top);
        sum += ret_probability[c];
    }
    for (int32_t c = 0; c < classes; c++) ret_probability[c] /= sum;
    return top + log(sum);
}

void softmax_f64(int32_t classes, const float *logits, double *ret_probability) {
    (void)softmax(classes, logits, ret_probability); /* only the loss needs the logarithm */
}

double sigmoid_cross_entropy_f32(float logit, double target, double *ret_slope) {
    double z = (double)logit, e = exp(-fabs(z));
    *ret_slope = (z >= 0 ? 1 / (1 + e) : e / (1 + e)) - target;
    return fmax(z, 0) - z * target + log1p(e);
}

double softmax_cross_entropy_f32(int32_t classes, const float *logits, int32_t label,
                                 double *ret_slope) {
    double log_sum = softmax(classes, logits, ret_slope);
    ret_slope[label] -= 1;
    return log_sum - (double)logits[label];
}

double squared_error_f32(float value, double target, double *ret_slope) {
    double error = (double)value - target;
    *ret_slope = 2 * error;
    return error * error;
}
