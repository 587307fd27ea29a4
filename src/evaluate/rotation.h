/* Which folds may train what judges a fold: the round-robin rule that keeps fold errors apart.
 *
 * With ordinary cross-fitting fold l trains the policy of fold k, and fold k trains that of fold l.
 * The luck of both folds then multiplies in both errors with the same sign, the errors correlate,
 * and the interval of their mean, which cannot see it, is too narrow: 90 to 93 % coverage instead
 * of 95 % where effects are small beside the noise (docs/methods/off-policy.md has the figures).
 * Here fold k learns only from the (folds - 1) / 2 folds after it, round the circle. Of any two
 * folds at most one trains the other, so the errors of any two folds are exactly uncorrelated. The
 * price is that policies learn from (folds - 1) / (2 folds) of the rows; take an odd number of
 * folds. */
#ifndef KAIROS_EVALUATE_ROTATION_H
#define KAIROS_EVALUATE_ROTATION_H

#include <stdint.h>

/* 1 where rows of fold `other` may train the policy and predictions that rows of `fold` judge. */
static inline int rotation_trains(int32_t other, int32_t fold, int32_t folds) {
    int32_t ahead = (other - fold + folds) % folds;
    return ahead >= 1 && ahead <= (folds - 1) / 2;
}

#endif
