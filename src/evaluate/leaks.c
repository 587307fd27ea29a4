#include "evaluate/leaks.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/estimate.h"
#include "evaluate/order.h"
#include "evaluate/stat.h"

#define DEFAULT_ALPHA 0.001

struct leak_job {
    const struct table *table;
    const int32_t *columns; /* NULL = all */
    const int32_t *arm;
    int32_t arms;
    struct leak *leaks;
};

/* The tests of one column so far: the smallest p-value and how many were made. */
struct verdict {
    const char *test;
    double statistic, p;
    int32_t tests;
};

static void judge(struct verdict *verdict, const char *name, double statistic, double p) {
    verdict->tests++;
    if (verdict->test && p >= verdict->p) return;
    verdict->test = name;
    verdict->statistic = statistic;
    verdict->p = p;
}

static int is_missing(const struct column *column, int64_t row) {
    return !column_is_valid(column, row) ||
           (column->kind == COLUMN_F64 && isnan(column->as.f64[row]));
}

/* Missing values by arm; says nothing where none or all are missing. */
static kai_status test_missing(const struct leak_job *job, const struct column *column,
                               struct verdict *verdict, kai_err *err) {
    double scratch[4];
    double *counts = mem_zero((size_t)job->arms, 2 * sizeof *counts);
    if (!counts) return err_memory(err, job->arms * 2 * (int64_t)sizeof *counts);
    double missing = 0;
    for (int64_t row = 0; row < column->rows; row++) {
        if (job->arm[row] < 0) continue;
        int gone = is_missing(column, row);
        counts[job->arm[row] * 2 + gone]++;
        missing += gone;
    }
    struct stat_test test = stat_chi_square(counts, job->arms, 2, scratch);
    if (missing > 0) judge(verdict, "missing", test.statistic, test.p);
    mem_free(counts);
    return KAI_OK;
}

static kai_status test_levels(const struct leak_job *job, const struct column *column,
                              struct verdict *verdict, kai_err *err) {
    int32_t levels = column->kind == COLUMN_BOOL ? 2 : column->dict->count;
    if (levels < 1) return KAI_OK;
    double *counts = mem_zero((size_t)job->arms + 2, (size_t)levels * sizeof *counts);
    if (!counts) return err_memory(err, ((int64_t)job->arms + 2) * levels * 8);
    for (int64_t row = 0; row < column->rows; row++) {
        if (job->arm[row] < 0 || is_missing(column, row)) continue;
        int32_t level =
            column->kind == COLUMN_BOOL ? column->as.flags[row] != 0 : column->as.codes[row];
        counts[(int64_t)job->arm[row] * levels + level]++;
    }
    struct stat_test test =
        stat_chi_square(counts, job->arms, levels, counts + (int64_t)job->arms * levels);
    judge(verdict, test.name, test.statistic, test.p);
    mem_free(counts);
    return KAI_OK;
}

/* Distances of all arms to arm 0 in one walk over the pooled order. seen, distances: (arms). */
static void walk_distances(const double *values, const int32_t *arm, const int64_t *order,
                           int64_t count, const struct moments *groups, int32_t arms, double *seen,
                           double *distances) {
    for (int64_t i = 0; i < count; i++) {
        seen[arm[order[i]]]++;
        if (i + 1 < count && values[order[i + 1]] == values[order[i]]) continue;
        for (int32_t a = 1; a < arms; a++) {
            if (groups[a].n == 0 || groups[0].n == 0) continue;
            double apart = fabs(seen[a] / (double)groups[a].n - seen[0] / (double)groups[0].n);
            distances[a] = fmax(distances[a], apart);
        }
    }
}

static kai_status test_number(const struct leak_job *job, const struct column *column,
                              struct verdict *verdict, kai_err *err) {
    size_t rows = (size_t)column->rows, arms = (size_t)job->arms;
    double *values = mem_array(rows, sizeof *values);
    int32_t *arm = mem_array(rows, sizeof *arm);
    int64_t *order = mem_array(rows, sizeof *order);
    struct moments *groups = mem_zero(arms, sizeof *groups);
    double *seen = mem_zero(2 * arms, sizeof *seen);
    kai_status st = KAI_OK;
    if (!values || !arm || !order || !groups || !seen)
        st = err_memory(err, column->rows * (int64_t)sizeof *values);
    int64_t count = 0;
    for (int64_t row = 0; row < column->rows && !st; row++) {
        double value = column_f64(column, row);
        if (job->arm[row] < 0 || isnan(value)) continue;
        values[count] = value;
        arm[count++] = job->arm[row];
        if (isfinite(value)) moments_add(&groups[job->arm[row]], value);
    }
    if (!st) st = order_rows(values, count, 0, order, err);
    if (!st) {
        struct stat_test anova = stat_welch_anova(groups, job->arms);
        judge(verdict, anova.name, anova.statistic, anova.p);
        walk_distances(values, arm, order, count, groups, job->arms, seen, seen + arms);
        for (int32_t a = 1; a < job->arms; a++) {
            double apart = seen[arms + (size_t)a];
            double p = stat_ks_tail(apart, (double)groups[0].n, (double)groups[a].n);
            if (groups[0].n > 0 && groups[a].n > 0) judge(verdict, "ks", apart, p);
        }
    }
    mem_free(values);
    mem_free(arm);
    mem_free(order);
    mem_free(groups);
    mem_free(seen);
    return st;
}

static kai_status test_column(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct leak_job *job = user;
    int32_t index = job->columns ? job->columns[item] : (int32_t)item;
    const struct column *column = job->table->columns[index];
    struct verdict verdict = {.test = NULL, .p = 1};
    kai_status st = test_missing(job, column, &verdict, err);
    switch (column->kind) {
    case COLUMN_F64:
    case COLUMN_I64:
    case COLUMN_TIME:
        if (!st) st = test_number(job, column, &verdict, err);
        break;
    case COLUMN_BOOL:
    case COLUMN_CATEGORY:
        if (!st) st = test_levels(job, column, &verdict, err);
        break;
    case COLUMN_TEXT: break;
    }
    if (st) return st;
    job->leaks[item] = (struct leak){.column = column->name,
                                     .index = index,
                                     .test = verdict.test,
                                     .statistic = verdict.statistic,
                                     .p = fmin(1, verdict.p * verdict.tests)};
    if (!verdict.test) job->leaks[item].p = 1;
    return KAI_OK;
}

static kai_status check_arms(const int32_t *arm, int64_t rows, int32_t arms, kai_err *err) {
    int32_t first = -1, has_two = 0;
    for (int64_t row = 0; row < rows; row++) {
        if (arm[row] < -1 || arm[row] >= arms)
            return err_set(err, KAI_INVALID, "row %lld: arm %d is not in -1 to %d",
                           (long long)row + 1, (int)arm[row], (int)arms - 1);
        if (arm[row] < 0) continue;
        if (first < 0) first = arm[row];
        has_two |= arm[row] != first;
    }
    return has_two ? KAI_OK : err_set(err, KAI_INVALID, "two arms with rows are needed");
}

kai_status leaks_find(const struct table *table, const int32_t *columns, int32_t count,
                      const int32_t *arm, int32_t arms, double alpha, struct pool *pool,
                      struct leak *ret_leaks, kai_err *err) {
    if (alpha == 0) alpha = DEFAULT_ALPHA;
    kai_status st = check_arms(arm, table->rows, arms, err);
    if (st || count < 1) return st;
    struct leak_job job = {table, columns, arm, arms, NULL};
    job.leaks = mem_zero((size_t)count, sizeof *job.leaks);
    double *p = mem_zero((size_t)count, 2 * sizeof *p);
    int32_t *order = mem_array((size_t)count, sizeof *order);
    if (!job.leaks || !p || !order) st = err_memory(err, count * (int64_t)sizeof *job.leaks);
    if (!st) st = pool_run(pool, count, test_column, &job, err);
    if (!st) {
        for (int32_t i = 0; i < count; i++) p[i] = job.leaks[i].p;
        stat_holm(p, count, order, p + count);
        for (int32_t i = 0; i < count; i++) {
            ret_leaks[i] = job.leaks[i];
            ret_leaks[i].p_adjusted = p[count + i];
            ret_leaks[i].is_leak = ret_leaks[i].test && p[count + i] <= alpha;
        }
    }
    mem_free(job.leaks);
    mem_free(p);
    mem_free(order);
    return st;
}
