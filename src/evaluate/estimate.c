#include "evaluate/estimate.h"

#include <math.h>

#include "evaluate/stat.h"

void moments_add(struct moments *moments, double value) {
    moments->n++;
    double step = value - moments->mean;
    moments->mean += step / (double)moments->n;
    moments->squares += step * (value - moments->mean);
}

void moments_merge(struct moments *moments, const struct moments *other) {
    if (other->n == 0) return;
    double a = (double)moments->n, b = (double)other->n, step = other->mean - moments->mean;
    moments->n += other->n;
    moments->mean += step * (b / (a + b));
    moments->squares += other->squares + step * step * (a * b / (a + b));
}

double moments_variance(const struct moments *moments) {
    return moments->n < 2 ? NAN : moments->squares / (double)(moments->n - 1);
}

struct estimate estimate_none(const char *method) {
    return (struct estimate){NAN, NAN, NAN, 0, method};
}

struct estimate estimate_around(double value, double error, double freedom, double confidence,
                                int64_t n, const char *method) {
    double width = 0;
    if (error != 0) width = error * stat_t_quantile(0.5 + confidence / 2, fmax(1, freedom));
    return (struct estimate){value, value - width, value + width, n, method};
}

struct estimate estimate_mean(const struct moments *moments, double confidence) {
    if (moments->n == 0) return estimate_none("mean");
    double error = sqrt(moments_variance(moments) / (double)moments->n);
    return estimate_around(moments->mean, error, (double)moments->n - 1, confidence, moments->n,
                           "mean");
}

struct estimate estimate_proportion(double hits, int64_t n, double confidence) {
    if (n <= 0) return estimate_none("wilson");
    double rows = (double)n, p = hits / rows, z = stat_normal_quantile(0.5 + confidence / 2);
    double scale = 1 / (1 + z * z / rows);
    double centre = (p + z * z / (2 * rows)) * scale;
    double width = z * scale * sqrt(fmax(0, p * (1 - p)) / rows + z * z / (4 * rows * rows));
    /* At 0 and n hits the ends are exactly 0 and 1, which rounding may miss. */
    double low = hits <= 0 ? 0 : fmax(0, centre - width);
    double high = hits >= rows ? 1 : fmin(1, centre + width);
    return (struct estimate){p, low, high, n, "wilson"};
}

struct estimate estimate_difference(const struct moments *a, const struct moments *b,
                                    double confidence) {
    if (a->n == 0 || b->n == 0) return estimate_none("welch");
    double of_a = moments_variance(a) / (double)a->n, of_b = moments_variance(b) / (double)b->n;
    double freedom = (of_a + of_b) * (of_a + of_b) /
                     (of_a * of_a / ((double)a->n - 1) + of_b * of_b / ((double)b->n - 1));
    if (isnan(freedom)) freedom = 1; /* no variation at all, or one value: the error says which */
    return estimate_around(a->mean - b->mean, sqrt(of_a + of_b), freedom, confidence, a->n + b->n,
                           "welch");
}

struct estimate estimate_scale(struct estimate estimate, double factor) {
    double low = estimate.low * factor, high = estimate.high * factor;
    estimate.value *= factor;
    estimate.low = factor < 0 ? high : low;
    estimate.high = factor < 0 ? low : high;
    return estimate;
}
