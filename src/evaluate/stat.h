/* Distributions and corrections that tests and intervals need. All arguments are plain numbers;
 * nothing fails: an argument outside the domain gives NaN. Tails are computed directly, so that
 * tiny p-values keep their digits. */
#ifndef KAIROS_EVALUATE_STAT_H
#define KAIROS_EVALUATE_STAT_H

#include <stdint.h>

/* P(Z > z) of the standard normal. */
double stat_normal_tail(double z);
/* z with P(Z <= z) = p; p in (0, 1). */
double stat_normal_quantile(double p);
/* P(T > t) of Student's t; freedom > 0, may be infinite or a fraction. */
double stat_t_tail(double t, double freedom);
/* t with P(T <= t) = p. */
double stat_t_quantile(double p, double freedom);
/* P(X > x) of chi-square. */
double stat_chi_square_tail(double x, double freedom);
/* P(X > x) of F. */
double stat_f_tail(double x, double freedom_1, double freedom_2);
/* P(D > d) of the two-sample Kolmogorov-Smirnov distance, asymptotic, with Stephens' correction for
 * small samples; conservative where values repeat. */
double stat_ks_tail(double distance, double n_1, double n_2);
/* Regularised incomplete beta I_x(a, b) and upper incomplete gamma Q(a, x) (Numerical Recipes,
 * 3rd edition, sections 6.2 and 6.4). */
double stat_beta(double a, double b, double x);
double stat_gamma_upper(double a, double x);

/* A comparison of `groups` samples: test statistic, degrees of freedom, p-value. A comparison that
 * cannot be made (one group, no variation) has p = 1 and statistic 0. */
struct stat_test {
    const char *name; /* static: "chi-square", "welch-anova", "ks" */
    double statistic;
    double freedom_1;
    double freedom_2; /* 0 where the test has one */
    double p;
};

/* Independence of rows and columns of a table of counts (Pearson 1900). counts: (rows, columns).
 * Columns whose smallest expected count is below 5 are pooled into one, and that one into the
 * smallest column left where it still is below; empty rows are left out. `scratch`: (2 x columns).
 */
struct stat_test stat_chi_square(const double *counts, int32_t rows, int32_t columns,
                                 double *scratch);
struct moments;
/* Equality of means with unequal variances (Welch 1951); groups below 2 values are left out. */
struct stat_test stat_welch_anova(const struct moments *groups, int32_t count);

/* Holm's step-down adjusted p-values (Holm 1979): ret_adjusted[i] <= alpha rejects test i with the
 * chance of any false rejection at most alpha. `order` is scratch (count); NaN counts as 1. */
void stat_holm(const double *p, int32_t count, int32_t *order, double *ret_adjusted);
/* The same for the expected share of false rejections among all (Benjamini, Hochberg 1995). */
void stat_benjamini_hochberg(const double *p, int32_t count, int32_t *order, double *ret_adjusted);

#endif
