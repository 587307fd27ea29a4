/* What is believed about an effect after the data: a normal effect under a normal prior, and the
 * difference of two proportions under uniform priors. */
#ifndef KAIROS_EVALUATE_POSTERIOR_H
#define KAIROS_EVALUATE_POSTERIOR_H

#include "evaluate/estimate.h"

/* Estimate and error, prior N(0, prior_error^2) (0: flat). ret_better: chance of an effect above
 * 0. An error of 0 or NaN gives estimate_none and NaN. */
void posterior_normal(double value, double error, double prior_error, double confidence,
                      struct estimate *ret_effect, double *ret_better);
/* p_a - p_b, each Beta(1 + hits, 1 + n - hits); the interval has equal tails. By quadrature. */
void posterior_proportions(double hits_a, double n_a, double hits_b, double n_b, double confidence,
                           struct estimate *ret_effect, double *ret_better);

#endif
