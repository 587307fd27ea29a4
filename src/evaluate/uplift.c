/* Gain and Qini curves of a ranking, in closed form.
 *
 * auuc = mean of psi_i F_i is a U-statistic of order two: F_i itself is a mean over rows. Its
 * influence function (Hajek's projection) is
 *   psi_i F_i + H_i - 2 auuc,   H_i = mean over j of psi_j [s_j > s_i] (ties count half):
 * the first half for the effect of row i, the second for its place in the ranks of all others. For
 * qini F becomes F - 1/2, which has mean 0, and H is centred at its mean, which is auuc.
 * Where arm shares serve as propensities, the residual half of psi is centred within arms, as in
 * policy.c.
 */
#include "evaluate/uplift.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/evaluate.h"
#include "evaluate/order.h"
#include "evaluate/trial_parts.h"

struct ranking {
    const struct trial *trial;
    const int64_t *counts; /* (arms) */
    const double *score;
    double confidence;
    double *model;    /* (rows) predicted half of psi */
    double *residual; /* (rows) residual half */
    double *rank;     /* (rows) F */
    double *above;    /* (rows) H */
    int64_t *order;   /* (rows) from the highest score */
    double *arm_mean; /* (arms) scratch */
    double effect;    /* mean psi */
    double freedom;
};

static inline double psi_of(const struct ranking *r, int64_t row) {
    return r->model[row] + r->residual[row];
}

static int64_t tie_end(const struct ranking *r, int64_t from) {
    int64_t to = from + 1;
    while (to < r->trial->rows && r->score[r->order[to]] == r->score[r->order[from]]) to++;
    return to;
}

/* F, H and the mean effect. */
static void rank_rows(struct ranking *r) {
    double n = (double)r->trial->rows, total = 0;
    for (int64_t from = 0; from < r->trial->rows;) {
        int64_t to = tie_end(r, from);
        double group = 0, middle = (double)(from + to) / 2;
        for (int64_t i = from; i < to; i++) group += psi_of(r, r->order[i]);
        for (int64_t i = from; i < to; i++) {
            r->rank[r->order[i]] = (n - middle) / n;
            r->above[r->order[i]] = (total + group / 2) / n;
        }
        total += group;
        from = to;
    }
    r->effect = total / n;
}

/* The mean of psi x (F - shift), or of psi alone without ranks, with its interval. */
static struct estimate weighted_mean(const struct ranking *r, int has_rank, double shift,
                                     const char *method) {
    const struct trial *trial = r->trial;
    double n = (double)trial->rows, model = 0, residual = 0, above = 0, squares = 0;
    for (int32_t a = 0; a < trial->arms; a++) r->arm_mean[a] = 0;
    for (int64_t i = 0; i < trial->rows; i++) {
        double k = has_rank ? r->rank[i] - shift : 1;
        model += r->model[i] * k;
        residual += r->residual[i] * k;
        above += has_rank ? r->above[i] : 0;
        r->arm_mean[trial->arm[i]] += r->residual[i] * k;
    }
    for (int32_t a = 0; a < trial->arms; a++)
        r->arm_mean[a] = trial->propensity ? residual / n : r->arm_mean[a] / (double)r->counts[a];
    for (int64_t i = 0; i < trial->rows; i++) {
        double k = has_rank ? r->rank[i] - shift : 1;
        double influence = r->model[i] * k - model / n + r->residual[i] * k -
                           r->arm_mean[trial->arm[i]] + (has_rank ? r->above[i] - above / n : 0);
        squares += influence * influence;
    }
    double error = sqrt(squares / (n * (n - 1)));
    return estimate_around((model + residual) / n, error, r->freedom, r->confidence, trial->rows,
                           method);
}

/* The rows whose outcome says something about the offer, by Kish's rule. */
static double freedom_of(const struct ranking *r, const int32_t *offers, int32_t offer) {
    const struct trial *trial = r->trial;
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < trial->rows; i++) {
        int32_t arm = trial->arm[i];
        if (arm != 0 && arm != (offers ? offers[i] : offer)) continue;
        double w = trial->propensity ? 1 / trial->propensity[i]
                                     : (double)trial->rows / (double)r->counts[arm];
        sum += w;
        squares += w * w;
    }
    return squares > 0 ? sum * sum / squares - 1 : 1;
}

/* Sums over the highest scored `share` of rows: of psi - effect and of its square. A group of ties
 * that the cut-off splits counts in part. */
struct top {
    double share, rows, sum, squares;
};

static void sum_tops(const struct ranking *r, struct top *tops, int32_t count) {
    double n = (double)r->trial->rows, sum = 0, squares = 0;
    int32_t at = 0;
    for (int64_t from = 0; from < r->trial->rows && at < count;) {
        int64_t to = tie_end(r, from);
        double group = 0, group_squares = 0;
        for (int64_t i = from; i < to; i++) {
            double d = psi_of(r, r->order[i]) - r->effect;
            group += d;
            group_squares += d * d;
        }
        for (; at < count && (tops[at].share * n <= (double)to || to == r->trial->rows); at++) {
            double part = (tops[at].share * n - (double)from) / (double)(to - from);
            tops[at].rows = tops[at].share * n;
            tops[at].sum = sum + part * group;
            tops[at].squares = squares + part * group_squares;
        }
        sum += group;
        squares += group_squares;
        from = to;
    }
}

/* Squared deviations from the top's own mean. */
static double own_squares(const struct top *top) {
    return fmax(0, top->squares - top->sum * top->sum / top->rows);
}

static void fill_point(const struct ranking *r, const struct top *top, double all_squares,
                       struct uplift_point *ret) {
    double n = (double)r->trial->rows, s = top->share, own = own_squares(top);
    double freedom = r->freedom * s;
    ret->share = s;
    ret->gain = estimate_around(top->sum / n + s * r->effect, sqrt(own / (n * (n - 1))), freedom,
                                r->confidence, r->trial->rows, "gain");
    double squares = fmax(0, own * (1 - 2 * s) + s * s * all_squares);
    ret->excess = estimate_around(top->sum / n, sqrt(squares / (n * (n - 1))), r->freedom,
                                  r->confidence, r->trial->rows, "excess");
    if (s >= 1) ret->excess = (struct estimate){0, 0, 0, r->trial->rows, "excess"};
}

static void fill_curve(const struct ranking *r, int32_t points, struct uplift_curve *ret) {
    static const double shares[UPLIFT_TOPS] = {0.1, 0.2, 0.3};
    struct top tops[UPLIFT_POINTS_MAX];
    ret->effect = weighted_mean(r, 0, 0, "aipw");
    ret->auuc = weighted_mean(r, 1, 0, "auuc");
    ret->qini = weighted_mean(r, 1, 0.5, "qini");
    for (int32_t i = 0; i < UPLIFT_TOPS; i++) tops[i].share = shares[i];
    sum_tops(r, tops, UPLIFT_TOPS);
    for (int32_t i = 0; i < UPLIFT_TOPS; i++) {
        double rows = tops[i].rows;
        double error = rows > 1 ? sqrt(own_squares(&tops[i]) / (rows * (rows - 1))) : NAN;
        ret->top[i] = estimate_around(r->effect + tops[i].sum / rows, error, r->freedom * shares[i],
                                      r->confidence, (int64_t)rows, "top");
    }
    for (int32_t i = 0; i < points; i++) tops[i].share = (double)(i + 1) / points;
    sum_tops(r, tops, points);
    ret->count = points;
    for (int32_t i = 0; i < points; i++)
        fill_point(r, &tops[i], own_squares(&tops[points - 1]), &ret->points[i]);
}

static kai_status check_scores(const double *score, int64_t rows, kai_err *err) {
    for (int64_t row = 0; row < rows; row++) {
        if (!isfinite(score[row]))
            return err_set(err, KAI_INVALID, "row %lld: the score is not a number",
                           (long long)row + 1);
    }
    return KAI_OK;
}

kai_status uplift_rank(const struct trial *trial, const int32_t *offers, int32_t offer,
                       const double *score, int32_t points, double confidence, struct pool *pool,
                       struct uplift_curve *ret_curve, kai_err *err) {
    if (confidence == 0) confidence = EVALUATE_CONFIDENCE;
    if (points == 0) points = 50;
    if (!(confidence > 0 && confidence < 1) || points < 1 || points > UPLIFT_POINTS_MAX)
        return err_set(err, KAI_INVALID, "confidence %g or %d points are out of range", confidence,
                       (int)points);
    if (trial->rows < 2 || trial->arms < 2) return trial_check(trial, pool, NULL, err);
    size_t rows = (size_t)trial->rows;
    struct ranking r = {.trial = trial, .score = score, .confidence = confidence};
    int64_t *counts = mem_zero((size_t)trial->arms, sizeof *counts);
    double *values = mem_array(rows, 4 * sizeof *values);
    r.counts = counts;
    r.order = mem_array(rows, sizeof *r.order);
    r.arm_mean = mem_zero((size_t)trial->arms, sizeof *r.arm_mean);
    kai_status st = KAI_OK;
    if (!counts || !values || !r.order || !r.arm_mean)
        st = err_memory(err, 5 * trial->rows * (int64_t)sizeof(double));
    if (!st) st = trial_check(trial, pool, counts, err);
    if (!st) st = check_scores(score, trial->rows, err);
    if (!st) {
        r.model = values;
        r.residual = values + rows;
        r.rank = values + 2 * rows;
        r.above = values + 3 * rows;
        st = trial_parts(trial, offers, offer, counts, pool, r.model, r.residual, err);
    }
    if (!st) st = order_rows(score, trial->rows, 1, r.order, err);
    if (!st) {
        r.freedom = freedom_of(&r, offers, offer);
        rank_rows(&r);
        fill_curve(&r, points, ret_curve);
    }
    mem_free(counts);
    mem_free(values);
    mem_free(r.order);
    mem_free(r.arm_mean);
    return st;
}
