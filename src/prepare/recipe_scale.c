#include <math.h>

#include "prepare/recipe_parts.h"
#include "prepare/robust.h"

/* A tail is heavy where its thousandth lies more than this many scales from the median: a normal
 * distribution reaches 3, an exponential 9, a lognormal of deviation 1 some 25. */
static const double HEAVY_TAIL = 10;

static double compress(const struct recipe_scale *scale, double x) {
    return scale->spread > 0 ? asinh((x - scale->center) / scale->spread) : x;
}

struct recipe_scale recipe_scale_fit(const double *values, int64_t count, double clip,
                                     double *scratch) {
    struct recipe_scale scale = {.is_on = 1, .deviation = 1, .clip = clip};
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++)
        if (!isnan(values[i])) scratch[n++] = values[i];
    if (n == 0) return scale;
    struct robust robust = robust_measure(scratch, n, scratch + n);
    double low = robust_quantile(scratch, n, 0.001), high = robust_quantile(scratch, n, 0.999);
    scale.fill = scale.center = robust.median;
    double reach = fmax(high - robust.median, robust.median - low);
    if (robust.scale > 0 && isfinite(robust.scale) && reach > HEAVY_TAIL * robust.scale)
        scale.spread = robust.scale;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < count; i++)
        if (!isnan(values[i])) sum += compress(&scale, values[i]) / (double)n;
    for (int64_t i = 0; i < count; i++) {
        if (isnan(values[i])) continue;
        double rest = compress(&scale, values[i]) - sum;
        squares += rest * rest / (double)n;
    }
    if (!isfinite(sum) || !isfinite(squares)) { /* nothing that doubles can hold a spread of */
        scale.spread = 1;
        return scale;
    }
    scale.mean = sum;
    if (squares > 0) scale.deviation = sqrt(squares);
    return scale;
}

double recipe_scale_apply(const struct recipe_scale *scale, double x) {
    if (isnan(x)) x = scale->fill;
    double z = (compress(scale, x) - scale->mean) / scale->deviation;
    return z > scale->clip ? scale->clip : z < -scale->clip ? -scale->clip : isnan(z) ? 0 : z;
}
