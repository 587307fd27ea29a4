/* From what is believed of each action to the probability with which each is taken. Private to this
 * room.
 *
 * A decision is always one draw from probabilities that were computed first, so the probability
 * that is logged is exactly the one that acted: under ties, caps, budgets, and a floor.
 */
#ifndef KAIROS_DECIDE_EXPLORE_H
#define KAIROS_DECIDE_EXPLORE_H

#include <stdint.h>

#include "decide/bandit.h"

struct explore {
    enum bandit_method method;
    double epsilon;       /* GREEDY: share of uniform draws */
    double width;         /* UCB, THOMPSON: standard deviations */
    double gamma;         /* SQUARE: how sharp */
    double floor;         /* least probability of an allowed action; floor x actions <= 1 */
    const double *normal; /* EXPLORE_NORMALS values, by explore_normals */
};

enum { EXPLORE_NORMALS = 2049, EXPLORE_NODES = 64 };

/* The table behind THOMPSON: the standard normal distribution function from -6 to 6. */
void explore_normals(double ret_normal[EXPLORE_NORMALS]);

/* mean, sd: (actions) of the score; is_allowed: (actions), at least one; scratch: (3 x actions +
 * EXPLORE_NODES).
 * ret_probability: (actions), adds up to 1, 0 where not allowed.
 *   GREEDY    1 - epsilon on the best, epsilon over all
 *   UCB       the best mean + width x sd
 *   THOMPSON  P(action is the best) where scores are independent normals: by the differences of
 *             the distribution functions over a grid, made to add up to 1
 *   SQUARE    1 / (allowed + gamma (best - mean)), the rest on the best
 * Equal best actions share equally. Then p <- floor + (1 - allowed x floor) p.
 * Source: Li et al., WWW 2010 (UCB); Agrawal, Goyal, ICML 2013 (Thompson); Foster, Rakhlin, ICML
 * 2020 (inverse gap weighting). */
void explore_probabilities(const struct explore *how, int32_t actions, const double *mean,
                           const double *sd, const uint8_t *is_allowed, double *scratch,
                           double *ret_probability);

#endif
