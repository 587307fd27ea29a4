/* Comparisons of groups, and Holm's correction. */
#include <math.h>

#include "evaluate/estimate.h"
#include "evaluate/stat.h"

#define EXPECTED_MIN 5.0

/* Mark the columns that must be pooled: totals[c] of column c, smallest row total `row_min`. Gives
 * the number of columns that stay apart, and whether the pool holds anything. */
static int32_t choose_pool(const double *totals, int32_t columns, double row_min, double all,
                           double *ret_pooled, int *ret_has_pool) {
    int32_t kept = 0, smallest = -1;
    double pool = 0;
    for (int32_t c = 0; c < columns; c++) {
        ret_pooled[c] = totals[c] * row_min < EXPECTED_MIN * all;
        if (ret_pooled[c] != 0) {
            pool += totals[c];
        } else {
            kept++;
            if (smallest < 0 || totals[c] < totals[smallest]) smallest = c;
        }
    }
    if (pool > 0 && pool * row_min < EXPECTED_MIN * all && smallest >= 0) {
        ret_pooled[smallest] = 1;
        kept--;
    }
    *ret_has_pool = pool > 0;
    return kept;
}

static double cell_term(double observed, double row, double column, double all) {
    double expected = row * column / all;
    return expected > 0 ? (observed - expected) * (observed - expected) / expected : 0;
}

struct stat_test stat_chi_square(const double *counts, int32_t rows, int32_t columns,
                                 double *scratch) {
    struct stat_test test = {.name = "chi-square", .p = 1};
    double *totals = scratch, *pooled = scratch + columns;
    double all = 0, row_min = INFINITY, pool_total = 0;
    int32_t row_count = 0;
    for (int32_t c = 0; c < columns; c++) totals[c] = 0;
    for (int32_t r = 0; r < rows; r++) {
        double row = 0;
        for (int32_t c = 0; c < columns; c++) {
            row += counts[(int64_t)r * columns + c];
            totals[c] += counts[(int64_t)r * columns + c];
        }
        all += row;
        if (row > 0) row_count++;
        if (row > 0 && row < row_min) row_min = row;
    }
    if (row_count < 2) return test;
    int has_pool;
    int32_t kept = choose_pool(totals, columns, row_min, all, pooled, &has_pool) + has_pool;
    if (kept < 2) return test;
    for (int32_t c = 0; c < columns; c++)
        if (pooled[c] != 0) pool_total += totals[c];
    for (int32_t r = 0; r < rows; r++) {
        double row = 0, in_pool = 0;
        for (int32_t c = 0; c < columns; c++) row += counts[(int64_t)r * columns + c];
        for (int32_t c = 0; c < columns; c++) {
            double observed = counts[(int64_t)r * columns + c];
            if (pooled[c] != 0)
                in_pool += observed;
            else
                test.statistic += cell_term(observed, row, totals[c], all);
        }
        if (has_pool) test.statistic += cell_term(in_pool, row, pool_total, all);
    }
    test.freedom_1 = (double)(row_count - 1) * (kept - 1);
    test.p = stat_chi_square_tail(test.statistic, test.freedom_1);
    return test;
}

struct stat_test stat_welch_anova(const struct moments *groups, int32_t count) {
    struct stat_test test = {.name = "welch-anova", .p = 1};
    double weights = 0, mean = 0;
    int32_t used = 0, still = 0;
    for (int32_t g = 0; g < count; g++) {
        if (groups[g].n < 2) continue;
        used++;
        double variance = moments_variance(&groups[g]);
        if (!(variance > 0)) {
            still++;
            continue;
        }
        double weight = (double)groups[g].n / variance;
        weights += weight;
        mean += weight * groups[g].mean;
    }
    /* A group without variation has infinite weight: only the other tests of a column can tell. */
    if (used < 2 || still > 0) return test;
    mean /= weights;
    double between = 0, lambda = 0;
    for (int32_t g = 0; g < count; g++) {
        if (groups[g].n < 2) continue;
        double weight = (double)groups[g].n / moments_variance(&groups[g]);
        double rest = 1 - weight / weights;
        between += weight * (groups[g].mean - mean) * (groups[g].mean - mean);
        lambda += rest * rest / ((double)groups[g].n - 1);
    }
    double k = used;
    test.freedom_1 = k - 1;
    test.freedom_2 = (k * k - 1) / (3 * lambda);
    test.statistic = between / (k - 1) / (1 + 2 * (k - 2) / (k * k - 1) * lambda);
    test.p = stat_f_tail(test.statistic, test.freedom_1, test.freedom_2);
    return test;
}

/* Shell sort with Ciura's gaps: short arrays, no memory. */
static void sort_by_p(const double *p, int32_t *order, int32_t count) {
    static const int32_t gaps[] = {8861, 3938, 1750, 701, 301, 132, 57, 23, 10, 4, 1};
    for (int g = 0; g < 11; g++) {
        for (int32_t i = gaps[g]; i < count; i++) {
            int32_t item = order[i], j = i;
            for (; j >= gaps[g]; j -= gaps[g]) {
                int32_t other = order[j - gaps[g]];
                if (p[other] < p[item] || (p[other] == p[item] && other < item)) break;
                order[j] = other;
            }
            order[j] = item;
        }
    }
}

void stat_holm(const double *p, int32_t count, int32_t *order, double *ret_adjusted) {
    for (int32_t i = 0; i < count; i++) {
        order[i] = i;
        ret_adjusted[i] = isnan(p[i]) ? 1 : p[i];
    }
    sort_by_p(ret_adjusted, order, count);
    double so_far = 0;
    for (int32_t i = 0; i < count; i++) {
        double adjusted = fmin(1, ret_adjusted[order[i]] * (count - i));
        so_far = fmax(so_far, adjusted);
        ret_adjusted[order[i]] = so_far;
    }
}

void stat_benjamini_hochberg(const double *p, int32_t count, int32_t *order, double *ret_adjusted) {
    for (int32_t i = 0; i < count; i++) {
        order[i] = i;
        ret_adjusted[i] = isnan(p[i]) ? 1 : p[i];
    }
    sort_by_p(ret_adjusted, order, count);
    double so_far = 1;
    for (int32_t i = count - 1; i >= 0; i--) {
        so_far = fmin(so_far, ret_adjusted[order[i]] * count / (i + 1));
        ret_adjusted[order[i]] = so_far;
    }
}
