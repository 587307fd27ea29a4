/* Reference values: mpmath at 30 digits (quantiles of t, where SciPy 1.10 has ten), SciPy (the
 * rest: norm, t, chi2, f, kolmogorov, chi2_contingency). */
#include "evaluate/stat.h"

#include <math.h>

#include "evaluate/estimate.h"
#include "kit/check.h"

#define CHECK_RATIO(a, b) CHECK_NEAR((a) / (b), 1, 1e-12)

static void test_stat__normal_matches_published_values(void **state) {
    (void)state;
    CHECK_RATIO(stat_normal_quantile(0.975), 1.959963984540054);
    CHECK_RATIO(stat_normal_quantile(0.999), 3.090232306167813);
    CHECK_RATIO(stat_normal_quantile(1e-10), -6.361340902404056);
    CHECK_RATIO(stat_normal_quantile(0.6), 0.2533471031357997);
    CHECK_RATIO(stat_normal_tail(8), 6.22096057427174e-16);
    CHECK_RATIO(stat_normal_tail(-1), 0.8413447460685429);
    assert_true(isnan(stat_normal_quantile(0)) && isnan(stat_normal_quantile(1)));
}

static void test_stat__t_matches_published_values(void **state) {
    (void)state;
    const double freedom[] = {1, 2, 3.5, 10, 30, 1000, 2e5};
    const double quantile[] = {12.7062047361747046, 4.302652729749464,   2.94008863798272979,
                               2.22813885198627475, 2.04227245630123831, 1.96233908082640848,
                               1.95997584596676851};
    for (int i = 0; i < 7; i++) {
        CHECK_NEAR(stat_t_quantile(0.975, freedom[i]) / quantile[i], 1, 1e-13);
        CHECK_NEAR(stat_t_quantile(0.025, freedom[i]) / -quantile[i], 1, 1e-13);
    }
    CHECK_NEAR(stat_t_quantile(0.9999, 4), 13.0336717208964562, 1e-11);
    CHECK_NEAR(stat_t_quantile(0.975, INFINITY), 1.959963984540054, 1e-12);
    CHECK_RATIO(stat_t_tail(2, 5), 0.05096973941492914);
    CHECK_RATIO(stat_t_tail(10, 3), 0.0010641995292070747);
    CHECK_RATIO(stat_t_tail(-1, 7.5), 0.8257619871846243);
    CHECK_NEAR(stat_t_tail(5, 1e6) / 2.8669989354453655e-07, 1, 1e-7);
}

static void test_stat__tails_match_published_values(void **state) {
    (void)state;
    CHECK_RATIO(stat_chi_square_tail(3.841458820694124, 1), 0.05);
    CHECK_RATIO(stat_chi_square_tail(50, 10), 2.669083424904495e-07);
    CHECK_RATIO(stat_chi_square_tail(2, 7), 0.9598403687301016);
    CHECK_NEAR(stat_chi_square_tail(1000, 500) / 1.2085183611328796e-35, 1, 1e-10);
    CHECK_RATIO(stat_chi_square_tail(200, 3), 4.218541107192018e-43);
    CHECK_RATIO(stat_f_tail(3, 2, 10), 0.095367431640625);
    CHECK_RATIO(stat_f_tail(1, 5, 7.3), 0.47920097992051836);
    CHECK_NEAR(stat_f_tail(30, 2, 60000) / 9.498950410126199e-14, 1, 1e-9);
    CHECK_RATIO(stat_f_tail(0.2, 4, 9), 0.9320788953175302);
}

static void test_stat__ks_follows_kolmogorov(void **state) {
    (void)state;
    const double x[] = {0.5, 1.0, 1.2, 1.36, 2.5};
    const double tail[] = {0.9639452436648751, 0.26999967167735456, 0.11224966667072497,
                           0.049485876755377876, 7.453306344157342e-06};
    double n = 1e12, root = sqrt(n / 2); /* Stephens' correction vanishes */
    for (int i = 0; i < 5; i++) CHECK_NEAR(stat_ks_tail(x[i] / root, n, n) / tail[i], 1, 1e-5);
}

static void test_stat__chi_square_matches_a_contingency_table(void **state) {
    (void)state;
    const double counts[] = {30, 20, 10, 20, 40, 30};
    double scratch[6];
    struct stat_test test = stat_chi_square(counts, 2, 3, scratch);
    CHECK_NEAR(test.statistic, 13.194444444444445, 1e-12);
    CHECK_RATIO(test.p, 0.001364152090848616);
    assert_true(test.freedom_1 == 2);
}

static void test_stat__chi_square_pools_thin_columns(void **state) {
    (void)state;
    /* columns 3 and 4 expect below 5; together 8: one pooled column */
    const double thin[] = {30, 20, 3, 5, 20, 40, 4, 4};
    const double pooled[] = {30, 20, 8, 20, 40, 8};
    double scratch[8];
    struct stat_test a = stat_chi_square(thin, 2, 4, scratch);
    struct stat_test b = stat_chi_square(pooled, 2, 3, scratch);
    CHECK_NEAR(a.statistic, b.statistic, 1e-12);
    assert_true(a.freedom_1 == 2);
    const double alone[] = {10, 0, 12, 0};
    assert_true(stat_chi_square(alone, 2, 2, scratch).p == 1);
}

static void test_stat__welch_anova_matches_its_formula(void **state) {
    (void)state;
    const double a[] = {1, 2, 3, 4, 10}, b[] = {2, 2, 5}, c[] = {7, 9, 8, 12};
    struct moments groups[3] = {{0, 0, 0}, {0, 0, 0}, {0, 0, 0}};
    for (int i = 0; i < 5; i++) moments_add(&groups[0], a[i]);
    for (int i = 0; i < 3; i++) moments_add(&groups[1], b[i]);
    for (int i = 0; i < 4; i++) moments_add(&groups[2], c[i]);
    struct stat_test test = stat_welch_anova(groups, 3);
    CHECK_NEAR(test.statistic, 7.92598879036055, 1e-10);
    CHECK_NEAR(test.freedom_2, 5.892078477651572, 1e-10);
    CHECK_NEAR(test.p, 0.021349294572461205, 1e-10);
    struct moments pair[2] = {groups[0], groups[2]};
    CHECK_NEAR(stat_welch_anova(pair, 2).p, 0.03638941569379395, 1e-10);
}

static void test_stat__holm_steps_down(void **state) {
    (void)state;
    const double p[] = {0.01, 0.04, 0.03, 0.005, NAN};
    double adjusted[5];
    int32_t order[5];
    stat_holm(p, 5, order, adjusted);
    CHECK_NEAR(adjusted[3], 0.025, 1e-15);
    CHECK_NEAR(adjusted[0], 0.04, 1e-15);
    CHECK_NEAR(adjusted[2], 0.09, 1e-15);
    CHECK_NEAR(adjusted[1], 0.09, 1e-15);
    assert_true(adjusted[4] == 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stat__normal_matches_published_values),
        cmocka_unit_test(test_stat__t_matches_published_values),
        cmocka_unit_test(test_stat__tails_match_published_values),
        cmocka_unit_test(test_stat__ks_follows_kolmogorov),
        cmocka_unit_test(test_stat__chi_square_matches_a_contingency_table),
        cmocka_unit_test(test_stat__chi_square_pools_thin_columns),
        cmocka_unit_test(test_stat__welch_anova_matches_its_formula),
        cmocka_unit_test(test_stat__holm_steps_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
