/* The small quadratic problem of a bundle step:
 *
 *   minimise  max_i (level_i + slope_i . y)  +  |y - centre|^2 / (2 step),   y_k >= 0 for some k
 *
 * Solved by a primal-dual interior point method with a corrector (Mehrotra, SIAM Journal on
 * Optimization 2, 1992): a dozen or two Newton steps over size + 1 unknowns, to nearly the last
 * bit, however many cuts press from different sides. Private to decide/.
 */
#ifndef KAIROS_DECIDE_PROXIMAL_H
#define KAIROS_DECIDE_PROXIMAL_H

#include <stdint.h>

struct proximal {
    int32_t size, bounded, cuts;
    const int32_t *bounded_index; /* (bounded) which k */
    const double *slope;          /* (cuts, size) */
    const double *level;          /* (cuts) */
    const double *centre;         /* (size) */
    double step;                  /* > 0 */
};

/* Doubles of scratch for proximal_solve. */
int64_t proximal_scratch(int32_t size, int32_t bounded, int32_t cuts_max);
/* ret_point: (size), within its bounds; ret_weight: (cuts) >= 0, sum 1, 0 where a cut does not
 * press. Returns the largest cut at the point. */
double proximal_solve(const struct proximal *model, double *scratch, double *ret_point,
                      double *ret_weight);

#endif
