/* What one action is believed to return: a Gaussian over the weights of a linear or logistic model.
 * Private to this room.
 *
 * The belief is kept in its natural parameters, H (precision) and h = H w, so that beliefs add up
 * (merging), shrink (discounting) and forget single observations (a sliding window). An observation
 * (x, target, weight) adds weight x x' to H and weight target x to h. A linear model observes the
 * reward with weight 1 / noise^2; a logistic one makes one Newton step at z = x'w: weight
 * p (1 - p), target z + (y - p) / weight (Laplace approximation, on-line).
 * The covariance H^-1 follows by the rank-one formula in O(d^2) and is computed anew from H every
 * d updates, which removes rounding and lets the prior return under a discount.
 * Source: Bishop, "Pattern Recognition and Machine Learning", 3.3 and 4.5; Sherman, Morrison, 1950.
 */
#ifndef KAIROS_DECIDE_BELIEF_H
#define KAIROS_DECIDE_BELIEF_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"

struct belief {
    int32_t features;
    double ridge;       /* prior precision of each weight */
    double *precision;  /* packed lower triangle of H: row i holds columns 0..i */
    double *covariance; /* packed lower triangle of H^-1 */
    double *moment;     /* (features) h */
    double *weight;     /* (features) H^-1 h */
    int64_t updates;
    int32_t stale;     /* updates since the covariance was computed from H */
    int64_t last_tick; /* of the discount's clock */
};

/* One observation as it was added, so that it can be taken out again. */
struct belief_term {
    double weight, target;
};

/* Numbers that a belief of so many features holds. */
int64_t belief_numbers(int32_t features);
/* Lay a belief over `numbers` (belief_numbers of them) and start from the prior. */
void belief_init(struct belief *belief, int32_t features, double ridge, double *numbers);
/* x'w, and x'H^-1x (the variance of x'w) in *ret_variance. */
double belief_predict(const struct belief *belief, const double *x, double *ret_variance);
/* Shrink what is known towards the prior: H <- f H + (1 - f) ridge I, h <- f h; 0 < f <= 1. */
void belief_discount(struct belief *belief, double factor);
/* Add an observation; `scratch` holds (features + features^2) numbers. */
void belief_add(struct belief *belief, const double *x, struct belief_term term, double *scratch);
/* Take one out that was added before. */
void belief_remove(struct belief *belief, const double *x, struct belief_term term,
                   double *scratch);
/* Add what another belief has learned beyond the same prior. */
void belief_merge(struct belief *belief, const struct belief *other, double *scratch);
void belief_print(const struct belief *belief, struct bytes_writer *out);
/* Refuses numbers that no belief has (not finite, not positive definite). */
void belief_parse(struct belief *belief, struct bytes_reader *in, double *scratch);

#endif
