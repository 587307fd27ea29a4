#include "evaluate/toc.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "evaluate/evaluate.h"
#include "evaluate/order.h"
#include "evaluate/stat.h"
#include "kernel/cholesky.h"

/* Rank weights over rows in falling order: the best has sum_{k>=1} 1/k - 1, the i-th sum_{k>=i} 1/k
 * - 1 (up to n). Ties share their mean. */
static void weigh_ranks(const double *score, const int64_t *order, int64_t rows,
                        double *ret_weight) {
    double tail = 0;
    for (int64_t i = rows - 1; i >= 0; i--) {
        tail += 1 / (double)(i + 1);
        ret_weight[i] = tail - 1;
    }
    for (int64_t from = 0, to; from < rows; from = to) {
        double sum = 0;
        for (to = from; to < rows && score[order[to]] == score[order[from]]; to++)
            sum += ret_weight[to];
        for (int64_t i = from; i < to; i++) ret_weight[i] = sum / (double)(to - from);
    }
}

/* Row i moves the rank share u_j of every row j below it (ties: half): by the chain rule through
 * w(u) = -1 - ln u its influence is psi_i w_i - value - (mean of psi_j / u_j over those at or below
 * i) + mean psi. */
static double error_of(const double *psi, const double *score, const int64_t *order, int64_t rows,
                       const double *weight, double value) {
    double n = (double)rows, mean = 0, below = 0, squares = 0;
    for (int64_t i = 0; i < rows; i++) mean += psi[i] / n;
    for (int64_t to = rows, from; to > 0; to = from) {
        double group = 0;
        for (from = to; from > 0 && score[order[from - 1]] == score[order[to - 1]]; from--)
            group += psi[order[from - 1]] / ((double)from / n) / n;
        for (int64_t i = from; i < to; i++) {
            double influence = psi[order[i]] * weight[i] - value - (below + group / 2) + mean;
            squares += influence * influence;
        }
        below += group;
    }
    return sqrt(squares / (n * (n - 1)));
}

kai_status toc_autoc(const double *score, const double *psi, int64_t rows, double confidence,
                     struct estimate *ret_autoc, kai_err *err) {
    if (rows < 2) return err_set(err, KAI_INVALID, "a ranking needs 2 rows at least");
    for (int64_t i = 0; i < rows; i++)
        if (!isfinite(score[i]) || !isfinite(psi[i]))
            return err_set(err, KAI_INVALID, "row %lld: score or effect is no number",
                           (long long)i + 1);
    int64_t *order = mem_array((size_t)rows, sizeof *order);
    double *weight = mem_array((size_t)rows, sizeof *weight), value = 0;
    kai_status st =
        order && weight ? order_rows(score, rows, 1, order, err) : err_memory(err, rows * 16);
    if (!st) {
        weigh_ranks(score, order, rows, weight);
        for (int64_t i = 0; i < rows; i++) value += psi[order[i]] * weight[i] / (double)rows;
        double error = error_of(psi, score, order, rows, weight, value);
        *ret_autoc =
            estimate_around(value, error, (double)rows - 1,
                            confidence == 0 ? EVALUATE_CONFIDENCE : confidence, rows, "autoc");
    }
    mem_free(order);
    mem_free(weight);
    return st;
}

/* One regression at work: column 0 is the constant, column k + 1 the k-th feature. */
struct regression {
    const float *const *columns;
    int32_t count;
    int64_t rows;
    double *mean, *inverse_sd; /* (count) */
    int32_t *place;            /* (count) column of the design, or -1 */
    int32_t width;
    double *gram, *meat, *slope, *x; /* (width, width) twice, (width) twice */
};

static void standardise(struct regression *r) {
    for (int32_t c = 0; c < r->count; c++) {
        double sum = 0, squares = 0;
        int64_t seen = 0;
        for (int64_t i = 0; i < r->rows; i++) {
            double v = r->columns[c][i];
            if (isnan(v)) continue;
            sum += v;
            seen++;
        }
        r->mean[c] = seen ? sum / (double)seen : 0;
        for (int64_t i = 0; i < r->rows; i++) {
            double d = r->columns[c][i] - r->mean[c];
            if (!isnan(d)) squares += d * d;
        }
        r->inverse_sd[c] = squares > 0 ? 1 / sqrt(squares / (double)r->rows) : 0;
    }
}

static void fill_row(const struct regression *r, int64_t i, double *x) {
    x[0] = 1;
    for (int32_t c = 0; c < r->count; c++) {
        if (r->place[c] < 0) continue;
        double d = (r->columns[c][i] - r->mean[c]) * r->inverse_sd[c];
        x[r->place[c]] = isnan(d) ? 0 : d;
    }
}

static void add_gram(const struct regression *r, double *gram, const double *x, double weight) {
    for (int32_t a = 0; a < r->width; a++)
        for (int32_t b = 0; b <= a; b++) gram[a * r->width + b] += weight * x[a] * x[b];
}

/* Take the columns that are constant, or a combination of earlier ones, out of the design. */
static void choose_columns(struct regression *r) {
    static const double TOLERANCE = 1e-9;
    r->width = 1;
    for (int32_t c = 0; c < r->count; c++) r->place[c] = r->inverse_sd[c] > 0 ? r->width++ : -1;
    for (;;) {
        memset(r->gram, 0, (size_t)r->width * (size_t)r->width * sizeof *r->gram);
        for (int64_t i = 0; i < r->rows; i++) {
            fill_row(r, i, r->x);
            add_gram(r, r->gram, r->x, 1);
        }
        int64_t bad = cholesky_factor_f64(r->width, r->gram, TOLERANCE);
        if (bad == r->width) return;
        r->width = 1;
        for (int32_t c = 0; c < r->count; c++) {
            if (r->place[c] == bad) r->place[c] = -1;
            if (r->place[c] >= 0) r->place[c] = r->width++;
        }
    }
}

static void solve(struct regression *r, const double *psi) {
    memset(r->slope, 0, (size_t)r->width * sizeof *r->slope);
    memset(r->meat, 0, (size_t)r->width * (size_t)r->width * sizeof *r->meat);
    for (int64_t i = 0; i < r->rows; i++) {
        fill_row(r, i, r->x);
        for (int32_t a = 0; a < r->width; a++) r->slope[a] += r->x[a] * psi[i];
    }
    cholesky_solve_f64(r->width, r->gram, r->slope);
    for (int64_t i = 0; i < r->rows; i++) {
        double miss = psi[i];
        fill_row(r, i, r->x);
        for (int32_t a = 0; a < r->width; a++) miss -= r->slope[a] * r->x[a];
        add_gram(r, r->meat, r->x, miss * miss);
    }
}

/* HC1: the a-th diagonal of A^-1 M A^-1. */
static double error_at(struct regression *r, int32_t a) {
    double sum = 0;
    memset(r->x, 0, (size_t)r->width * sizeof *r->x);
    r->x[a] = 1;
    cholesky_solve_f64(r->width, r->gram, r->x);
    for (int32_t i = 0; i < r->width; i++)
        for (int32_t j = 0; j < r->width; j++) {
            int32_t low = i > j ? j : i, high = i > j ? i : j;
            sum += r->x[i] * r->x[j] * r->meat[high * r->width + low];
        }
    return sqrt(sum * (double)r->rows / (double)(r->rows - r->width));
}

static kai_status take_memory(struct regression *r, kai_err *err) {
    size_t count = (size_t)r->count, width = count + 1;
    r->mean = mem_zero(count + 1, sizeof *r->mean);
    r->inverse_sd = mem_zero(count + 1, sizeof *r->inverse_sd);
    r->place = mem_zero(count + 1, sizeof *r->place);
    r->gram = mem_zero(width * width, sizeof *r->gram);
    r->meat = mem_zero(width * width, sizeof *r->meat);
    r->slope = mem_zero(width, sizeof *r->slope);
    r->x = mem_zero(width, sizeof *r->x);
    if (r->mean && r->inverse_sd && r->place && r->gram && r->meat && r->slope && r->x)
        return KAI_OK;
    return err_memory(err, (int64_t)(width * width * 16));
}

kai_status toc_project(const float *const *columns, int32_t count, const double *psi, int64_t rows,
                       double confidence, struct toc_projection *ret, kai_err *err) {
    if (count > TOC_COLUMNS_MAX)
        return err_set(err, KAI_LIMIT, "a projection on %d columns, at most %d", count,
                       TOC_COLUMNS_MAX);
    if (rows <= count + 1)
        return err_set(err, KAI_INVALID, "a projection on %d columns needs more than %lld rows",
                       count, (long long)rows);
    struct regression r = {.columns = columns, .count = count, .rows = rows};
    double *p = mem_array((size_t)count + 1, sizeof *p);
    int32_t *order = mem_array((size_t)count + 1, sizeof *order);
    kai_status st = take_memory(&r, err);
    if (!st && (!p || !order)) st = err_memory(err, count * 12);
    if (!st) {
        standardise(&r);
        choose_columns(&r);
        solve(&r, psi);
        for (int32_t c = 0; c < count; c++) {
            ret[c] = (struct toc_projection){.slope = estimate_none("hc1"), .p = 1};
            p[c] = 1;
            if (r.place[c] < 0) continue;
            double slope = r.slope[r.place[c]], error = error_at(&r, r.place[c]);
            double freedom = (double)(rows - r.width);
            ret[c].is_used = 1;
            ret[c].slope =
                estimate_around(slope, error, freedom,
                                confidence == 0 ? EVALUATE_CONFIDENCE : confidence, rows, "hc1");
            if (error > 0) p[c] = 2 * stat_t_tail(fabs(slope) / error, freedom);
        }
        double *adjusted = r.mean; /* done with */
        stat_holm(p, count, order, adjusted);
        for (int32_t c = 0; c < count; c++) ret[c].p = adjusted[c];
    }
    void *const owned[] = {p, order, r.mean, r.inverse_sd, r.place, r.gram, r.meat, r.slope, r.x};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) mem_free(owned[i]);
    return st;
}
