/* Distributions by the classic continued fractions and series. Log-gamma is our own because the
 * one of the C library writes a global (signgam). */
#include "evaluate/stat.h"

#include <math.h>

#include "evaluate/estimate.h"

#define FRACTION_STEPS_MAX 200000
#define FRACTION_TINY 1e-300
#define RELATIVE_END 1e-16

/* Lanczos approximation with g = 607/128, 14 terms (Numerical Recipes, 3rd edition, 6.1.5). */
static double log_gamma(double x) {
    static const double terms[14] = {
        57.1562356658629235,     -59.5979603554754912,    14.1360979747417471,
        -0.491913816097620199,   .339946499848118887e-4,  .465236289270485756e-4,
        -.983744753048795646e-4, .158088703224912494e-3,  -.210264441724104883e-3,
        .217439618115212643e-3,  -.164318106536763890e-3, .844182239838527433e-4,
        -.261908384015814087e-4, .368991826595316234e-5};
    double shifted = x + 5.24218750000000000;
    double head = (x + 0.5) * log(shifted) - shifted;
    double sum = 0.999999999999997092;
    for (int i = 0; i < 14; i++) sum += terms[i] / (x + 1 + i);
    return head + log(2.5066282746310005 * sum / x);
}

double stat_normal_tail(double z) { return 0.5 * erfc(z * 0.70710678118654752440); }

/* Acklam's rational approximation (relative error 1.15e-9), then one Halley step. */
double stat_normal_quantile(double p) {
    static const double a[] = {-3.969683028665376e+01, 2.209460984245205e+02,
                               -2.759285104469687e+02, 1.383577518672690e+02,
                               -3.066479806614716e+01, 2.506628277459239e+00};
    static const double b[] = {-5.447609879822406e+01, 1.615858368580409e+02,
                               -1.556989798598866e+02, 6.680131188771972e+01,
                               -1.328068155288572e+01};
    static const double c[] = {-7.784894002430293e-03, -3.223964580411365e-01,
                               -2.400758277161838e+00, -2.549732539343734e+00,
                               4.374664141464968e+00,  2.938163982698783e+00};
    static const double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                               3.754408661907416e+00};
    if (!(p > 0 && p < 1)) return NAN;
    if (p > 0.5) return -stat_normal_quantile(1 - p);
    double x;
    if (p < 0.02425) {
        double q = sqrt(-2 * log(p));
        x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
            ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
    } else {
        double q = p - 0.5, r = q * q;
        x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
            (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
    }
    double error = stat_normal_tail(-x) - p;
    double step = error * 2.50662827463100050242 * exp(x * x / 2);
    return x - step / (1 + x * step / 2);
}

/* The continued fraction of the incomplete beta by Lentz's method. */
static double beta_fraction(double a, double b, double x) {
    double c = 1, d = 1 - (a + b) * x / (a + 1);
    if (fabs(d) < FRACTION_TINY) d = FRACTION_TINY;
    d = 1 / d;
    double h = d;
    for (int m = 1; m <= FRACTION_STEPS_MAX; m++) {
        double even = m * (b - m) * x / ((a + 2.0 * m - 1) * (a + 2.0 * m));
        double odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1));
        double change = 1;
        for (int half = 0; half < 2; half++) {
            double term = half ? odd : even;
            d = 1 + term * d;
            if (fabs(d) < FRACTION_TINY) d = FRACTION_TINY;
            c = 1 + term / c;
            if (fabs(c) < FRACTION_TINY) c = FRACTION_TINY;
            d = 1 / d;
            change = d * c;
            h *= change;
        }
        if (fabs(change - 1) <= RELATIVE_END) break;
    }
    return h;
}

double stat_beta(double a, double b, double x) {
    if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NAN;
    if (x == 0 || x == 1) return x;
    double front = exp(log_gamma(a + b) - log_gamma(a) - log_gamma(b) + a * log(x) + b * log1p(-x));
    if (x < (a + 1) / (a + b + 2)) return front * beta_fraction(a, b, x) / a;
    return 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double stat_gamma_upper(double a, double x) {
    if (!(a > 0 && x >= 0)) return NAN;
    if (x == 0) return 1;
    if (isinf(x)) return 0;
    double front = exp(a * log(x) - x - log_gamma(a));
    if (x < a + 1) {
        double term = 1 / a, sum = term;
        for (int i = 1; i <= FRACTION_STEPS_MAX && term > sum * RELATIVE_END; i++) {
            term *= x / (a + i);
            sum += term;
        }
        return 1 - front * sum;
    }
    double b = x + 1 - a, c = 1 / FRACTION_TINY, d = 1 / b, h = d;
    for (int i = 1; i <= FRACTION_STEPS_MAX; i++) {
        double term = -i * (i - a);
        b += 2;
        d = term * d + b;
        if (fabs(d) < FRACTION_TINY) d = FRACTION_TINY;
        c = b + term / c;
        if (fabs(c) < FRACTION_TINY) c = FRACTION_TINY;
        d = 1 / d;
        h *= d * c;
        if (fabs(d * c - 1) <= RELATIVE_END) break;
    }
    return front * h;
}

double stat_t_tail(double t, double freedom) {
    if (isnan(t) || !(freedom > 0)) return NAN;
    if (isinf(freedom)) return stat_normal_tail(t);
    if (t < 0) return 1 - stat_t_tail(-t, freedom);
    if (isinf(t)) return 0;
    return 0.5 * stat_beta(freedom / 2, 0.5, freedom / (freedom + t * t));
}

static double t_density(double t, double freedom) {
    double head = log_gamma((freedom + 1) / 2) - log_gamma(freedom / 2);
    return exp(head - 0.5 * log(freedom * 3.14159265358979323846) -
               (freedom + 1) / 2 * log1p(t * t / freedom));
}

/* The Cornish-Fisher expansion (Abramowitz and Stegun 26.7.5): exact to the last digits for many
 * degrees, a start for few. */
static double t_expansion(double z, double freedom) {
    double z2 = z * z;
    double terms[4] = {
        (z2 + 1) * z / 4,
        ((5 * z2 + 16) * z2 + 3) * z / 96,
        (((3 * z2 + 19) * z2 + 17) * z2 - 15) * z / 384,
        ((((79 * z2 + 776) * z2 + 1482) * z2 - 1920) * z2 - 945) * z / 92160,
    };
    double sum = 0;
    for (int i = 3; i >= 0; i--) sum = (sum + terms[i]) / freedom;
    return z + sum;
}

/* Newton's method kept inside a bracket. */
double stat_t_quantile(double p, double freedom) {
    if (!(p > 0 && p < 1) || !(freedom > 0)) return NAN;
    if (p < 0.5) return -stat_t_quantile(1 - p, freedom);
    if (p == 0.5) return 0;
    double z = stat_normal_quantile(p), tail = 1 - p, low = 0, high = 1;
    if (isinf(freedom)) return z;
    double t = t_expansion(z, freedom);
    if (freedom > 1000) return t;
    while (stat_t_tail(high, freedom) > tail && high < 1e300) high *= 2;
    for (int i = 0; i < 200; i++) {
        if (!(t > low && t < high)) t = (low + high) / 2;
        double error = stat_t_tail(t, freedom) - tail;
        if (error > 0)
            low = t;
        else
            high = t;
        double from = t;
        t += error / t_density(t, freedom);
        if (fabs(t - from) <= 1e-13 * from) break;
    }
    return t;
}

double stat_chi_square_tail(double x, double freedom) {
    if (isnan(x) || !(freedom > 0)) return NAN;
    return x <= 0 ? 1 : stat_gamma_upper(freedom / 2, x / 2);
}

double stat_f_tail(double x, double freedom_1, double freedom_2) {
    if (isnan(x) || !(freedom_1 > 0 && freedom_2 > 0)) return NAN;
    if (x <= 0) return 1;
    return stat_beta(freedom_2 / 2, freedom_1 / 2, freedom_2 / (freedom_2 + freedom_1 * x));
}

/* Both series of the Kolmogorov distribution, each where it converges at once. */
double stat_ks_tail(double distance, double n_1, double n_2) {
    if (isnan(distance) || !(n_1 > 0 && n_2 > 0)) return NAN;
    double root = sqrt(n_1 * n_2 / (n_1 + n_2));
    double x = (root + 0.12 + 0.11 / root) * distance;
    if (x <= 0) return 1;
    if (x < 1.18) {
        double y = exp(-1.23370055013616983 / (x * x));
        return 1 - 2.50662827463100050242 / x * (y + pow(y, 9) + pow(y, 25) + pow(y, 49));
    }
    double y = exp(-2 * x * x);
    return 2 * (y - pow(y, 4) + pow(y, 9));
}
