/* Intervals that hold at every look (confidence sequences), and p-values that may be looked at any
 * number of times.
 *
 * Asymptotic confidence sequence of Robbins' normal mixture (Waudby-Smith, Arbour, Sinha, Kennedy,
 * Ramdas 2024, Annals of Statistics 52(6); the p-value is the mixture SPRT of Johari, Pekelis,
 * Walsh 2015): after t units an estimate with standard error s is within
 *   s sqrt( (t + v)/t  log( (t + v) / (v alpha^2) ) )
 * of the truth at all t at once, with chance 1 - alpha. v is fixed before the first look: it makes
 * the interval tightest near a chosen `horizon`.
 *
 * For values that are bounded for certain: the predictable plug-in empirical-Bernstein sequence
 * (Waudby-Smith, Ramdas 2024, JRSS B 86(1), theorem 2), exact at any size. It reads the values in
 * the order in which they came. */
#ifndef KAIROS_EVALUATE_SEQUENTIAL_H
#define KAIROS_EVALUATE_SEQUENTIAL_H

#include <stdint.h>

#include "evaluate/estimate.h"

/* v for an interval that is tightest at about `horizon` units. */
double sequential_mixture(double horizon, double alpha);
/* Half of the width in standard errors. */
double sequential_width(double units, double mixture, double alpha);
/* The smallest alpha at which 0 is outside, for an estimate of z standard errors; at most 1. */
double sequential_p(double z, double units, double mixture);

/* A running empirical-Bernstein sequence of values within [0, 1]. */
struct bernstein {
    int64_t n;
    double alpha;
    double sum;        /* of the values */
    double spread;     /* of (x - running mean)^2 */
    double bets;       /* sum of lambda */
    double bets_value; /* sum of lambda x */
    double penalty;    /* sum of v psi(lambda) */
    double low, high;  /* of all looks so far: they may be intersected */
};

void bernstein_init(struct bernstein *bernstein, double alpha);
void bernstein_add(struct bernstein *bernstein, double value);

#endif
