/* Minimise a convex, piecewise linear function of few variables, some of them non-negative: the
 * proximal bundle method (Kiwiel, "Proximity control in bundle methods", Mathematical Programming
 * 46, 1990).
 *
 * Each evaluation adds a cut, a linear function that supports the target from below. The next point
 * minimises the largest cut plus a proximity term around the best point so far (proximal.h).
 */
#ifndef KAIROS_DECIDE_BUNDLE_METHOD_H
#define KAIROS_DECIDE_BUNDLE_METHOD_H

#include <stdint.h>

#include "base/err.h"

typedef kai_status (*bundle_method_fn)(void *user, const double *x, double *ret_value,
                                       double *ret_gradient, kai_err *err);

struct bundle_method {
    int32_t size;                 /* variables */
    int32_t bounded;              /* so many are >= 0 ... */
    const int32_t *bounded_index; /* ... (bounded) these */
    const double *scale;          /* (size) typical sizes, > 0 */
    double tolerance; /* stop where the model promises less than this share of the value */
    double reach;     /* of the first step, in typical sizes: 1 from nowhere, less from near */
    int32_t evaluations_max;
};

/* Improve x (start and result). ret_value: the target at x. */
KAI_MUST_CHECK kai_status bundle_method_minimise(const struct bundle_method *method,
                                                 bundle_method_fn fn, void *user, double *x,
                                                 double *ret_value, int32_t *ret_evaluations,
                                                 kai_err *err);

#endif
