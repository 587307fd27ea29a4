#include "evaluate/posterior.h"

#include <math.h>

#include "evaluate/stat.h"

enum { QUADRATURE_POINTS = 400, BISECTIONS = 60 };

void posterior_normal(double value, double error, double prior_error, double confidence,
                      struct estimate *ret_effect, double *ret_better) {
    *ret_effect = estimate_none("posterior-normal");
    *ret_better = NAN;
    if (!(error > 0)) return;
    double weight = 1;
    if (prior_error > 0)
        weight = prior_error * prior_error / (prior_error * prior_error + error * error);
    double spread = error * sqrt(weight);
    *ret_effect =
        estimate_around(value * weight, spread, INFINITY, confidence, 0, "posterior-normal");
    *ret_better = stat_normal_tail(-value * weight / spread);
}

struct beta_law {
    double a, b, mean, deviation;
};

static struct beta_law beta_of(double hits, double n) {
    double a = 1 + hits, b = 1 + n - hits, sum = a + b;
    return (struct beta_law){a, b, a / sum, sqrt(a * b / (sum + 1)) / sum};
}

/* P(A - B > d): slices of B by its own distribution function, A's tail at their middles. */
static double chance_above(const struct beta_law *of_a, const struct beta_law *of_b, double d) {
    double from = fmax(0, of_b->mean - 9 * of_b->deviation);
    double to = fmin(1, of_b->mean + 9 * of_b->deviation), sum = 0;
    double before = stat_beta(of_b->a, of_b->b, from), first = before;
    for (int i = 0; i < QUADRATURE_POINTS; i++) {
        double left = from + (to - from) * i / QUADRATURE_POINTS;
        double right = from + (to - from) * (i + 1) / QUADRATURE_POINTS;
        double after = stat_beta(of_b->a, of_b->b, right);
        double at = fmin(1, fmax(0, (left + right) / 2 + d));
        sum += (after - before) * stat_beta(of_a->b, of_a->a, 1 - at);
        before = after;
    }
    return sum / (before - first);
}

void posterior_proportions(double hits_a, double n_a, double hits_b, double n_b, double confidence,
                           struct estimate *ret_effect, double *ret_better) {
    struct beta_law of_a = beta_of(hits_a, n_a), of_b = beta_of(hits_b, n_b);
    double spread = 10 * hypot(of_a.deviation, of_b.deviation), ends[2];
    double centre = of_a.mean - of_b.mean;
    for (int end = 0; end < 2; end++) {
        double goal = end ? (1 - confidence) / 2 : (1 + confidence) / 2;
        double low = centre - spread, high = centre + spread;
        for (int i = 0; i < BISECTIONS && high - low > 1e-12 * spread; i++) {
            double middle = (low + high) / 2;
            if (chance_above(&of_a, &of_b, middle) > goal)
                low = middle;
            else
                high = middle;
        }
        ends[end] = (low + high) / 2;
    }
    *ret_effect = (struct estimate){centre, ends[0], ends[1], 0, "posterior-beta"};
    *ret_better = chance_above(&of_a, &of_b, 0);
}
