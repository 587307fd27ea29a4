/* One step of Adam over a block of parameters.
 * Source: Kingma, Ba, "Adam: A Method for Stochastic Optimization", ICLR 2015, algorithm 1, in the
 * form that divides the root of the corrected square:
 *   mean = b1 mean + (1 - b1) g,  square = b2 square + (1 - b2) g^2,
 *   parameter -= rate / (1 - b1^t) * mean / (sqrt(square / (1 - b2^t)) + epsilon)
 * Tolerance against the reference: 8 units in the last place of mean and square; of the parameter,
 * 1e-6 of the rate more.
 */
#ifndef KAIROS_KERNEL_ADAM_H
#define KAIROS_KERNEL_ADAM_H

#include <stdint.h>

struct adam {
    float beta_mean, beta_square, epsilon;
    float step;         /* rate / (1 - b1^t) */
    float inverse_root; /* 1 / sqrt(1 - b2^t) */
};

/* Constants of step t = 1, 2, ... with b1 = 0.9, b2 = 0.999, epsilon = 1e-8. */
struct adam adam_at(double rate, int64_t t);
void adam_step_f32(const struct adam *adam, int64_t count, const float *restrict gradient,
                   float *restrict parameter, float *restrict mean, float *restrict square);

#endif
