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

/* One curve at work. All row arrays are in the order of the ranking, best first. */
struct ranking {
    const struct trial *trial;
    const int64_t *counts; /* (arms) */
    double confidence;
    double freedom;
    double *score;
    double *model;     /* predicted half of psi */
    double *residual;  /* residual half */
    double *influence; /* of the row on the average effect */
    double *rank;      /* F */
    double *above;     /* H */
    int32_t *arm;
    double effect; /* mean psi */
    const double *shares;
    double *scratch; /* (workers, arms) */
    struct uplift_point *points;
};

/* The centre of a residual sum by arm: its mean over the arm where shares serve as propensities,
 * the mean over all rows otherwise. sums: (arms) in, centres out; gives their mean over rows. */
static double centre_arms(const struct ranking *r, double *sums) {
    double n = (double)r->trial->rows, all = 0;
    for (int32_t a = 0; a < r->trial->arms; a++) all += sums[a] / n;
    for (int32_t a = 0; a < r->trial->arms; a++)
        sums[a] = r->trial->propensity ? all : sums[a] / (double)r->counts[a];
    return all;
}

static int64_t tie_end(const struct ranking *r, int64_t from) {
    int64_t to = from + 1;
    while (to < r->trial->rows && r->score[to] == r->score[from]) to++;
    return to;
}

/* F, H, the mean effect and each row's influence on it. */
static void rank_rows(struct ranking *r) {
    double n = (double)r->trial->rows, total = 0;
    for (int64_t from = 0; from < r->trial->rows;) {
        int64_t to = tie_end(r, from);
        double group = 0, middle = (double)(from + to) / 2;
        for (int64_t i = from; i < to; i++) group += r->model[i] + r->residual[i];
        for (int64_t i = from; i < to; i++) {
            r->rank[i] = (n - middle) / n;
            r->above[i] = (total + group / 2) / n;
        }
        total += group;
        from = to;
    }
    r->effect = total / n;
    for (int32_t a = 0; a < r->trial->arms; a++) r->scratch[a] = 0;
    for (int64_t i = 0; i < r->trial->rows; i++) r->scratch[r->arm[i]] += r->residual[i];
    double mean = centre_arms(r, r->scratch);
    for (int64_t i = 0; i < r->trial->rows; i++)
        r->influence[i] = r->model[i] + r->residual[i] - r->effect - r->scratch[r->arm[i]] + mean;
}

static struct estimate effect_of(const struct ranking *r) {
    double n = (double)r->trial->rows, squares = 0;
    for (int64_t i = 0; i < r->trial->rows; i++) squares += r->influence[i] * r->influence[i];
    return estimate_around(r->effect, sqrt(squares / (n * (n - 1))), r->freedom, r->confidence,
                           r->trial->rows, "aipw");
}

/* The mean of psi (F - shift). */
static struct estimate area_of(const struct ranking *r, double shift, const char *method) {
    double n = (double)r->trial->rows, value = 0, above = 0, squares = 0;
    for (int32_t a = 0; a < r->trial->arms; a++) r->scratch[a] = 0;
    for (int64_t i = 0; i < r->trial->rows; i++) {
        double k = r->rank[i] - shift;
        value += (r->model[i] + r->residual[i]) * k / n;
        above += r->above[i] / n;
        r->scratch[r->arm[i]] += r->residual[i] * k;
    }
    double mean = centre_arms(r, r->scratch);
    for (int64_t i = 0; i < r->trial->rows; i++) {
        double influence = (r->model[i] + r->residual[i]) * (r->rank[i] - shift) - value -
                           r->scratch[r->arm[i]] + mean + r->above[i] - above;
        squares += influence * influence;
    }
    return estimate_around(value, sqrt(squares / (n * (n - 1))), r->freedom, r->confidence,
                           r->trial->rows, method);
}

/* The rows whose outcome says something about the offer, by Kish's rule. */
static double freedom_of(const struct trial *trial, const int64_t *counts, const int32_t *offers,
                         int32_t offer) {
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < trial->rows; i++) {
        int32_t arm = trial->arm[i];
        if (arm != 0 && arm != (offers ? offers[i] : offer)) continue;
        double w = trial->propensity ? 1 / trial->propensity[i]
                                     : (double)trial->rows / (double)counts[arm];
        sum += w;
        squares += w * w;
    }
    return squares > 0 ? sum * sum / squares - 1 : 1;
}

/* How much of each row the cut-off takes: all before `from`, `part` of the ties up to `to`. */
struct cut {
    int64_t from, to;
    double part;
};

static struct cut cut_at(const struct ranking *r, double share) {
    double rows = share * (double)r->trial->rows;
    int64_t last = (int64_t)ceil(rows) - 1;
    if (last < 0) last = 0;
    if (last >= r->trial->rows) last = r->trial->rows - 1;
    struct cut cut = {.from = last, .to = tie_end(r, last)};
    while (cut.from > 0 && r->score[cut.from - 1] == r->score[last]) cut.from--;
    cut.part = (rows - (double)cut.from) / (double)(cut.to - cut.from);
    return cut;
}

static inline double taken(const struct cut *cut, int64_t i) {
    return i < cut->from ? 1 : i < cut->to ? cut->part : 0;
}

/* One point of both curves: sums first, then squares of the influence. */
static kai_status fill_point(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct ranking *r = user;
    double n = (double)r->trial->rows, share = r->shares[item], sum = 0;
    double *centres = r->scratch + (int64_t)worker * r->trial->arms;
    struct cut cut = cut_at(r, share);
    for (int32_t a = 0; a < r->trial->arms; a++) centres[a] = 0;
    for (int64_t i = 0; i < cut.to; i++) {
        double v = taken(&cut, i);
        sum += v * (r->model[i] + r->residual[i]);
        centres[r->arm[i]] += v * r->residual[i];
    }
    double mean = centre_arms(r, centres), own = sum / (share * n), gain = 0, excess = 0;
    for (int64_t i = 0; i < r->trial->rows; i++) {
        double v = taken(&cut, i);
        double influence = v * (r->model[i] + r->residual[i] - own) - centres[r->arm[i]] + mean;
        double above = influence - share * r->influence[i];
        gain += influence * influence;
        excess += above * above;
    }
    struct uplift_point *point = &r->points[item];
    point->share = share;
    point->gain = estimate_around(sum / n, sqrt(gain / (n * (n - 1))), r->freedom * share,
                                  r->confidence, r->trial->rows, "gain");
    point->excess = estimate_around(sum / n - share * r->effect, sqrt(excess / (n * (n - 1))),
                                    r->freedom, r->confidence, r->trial->rows, "excess");
    if (share >= 1) point->excess = (struct estimate){0, 0, 0, r->trial->rows, "excess"};
    return KAI_OK;
}

static kai_status fill_curve(struct ranking *r, int32_t count, struct pool *pool,
                             struct uplift_curve *ret, kai_err *err) {
    static const double tops[UPLIFT_TOPS] = {0.1, 0.2, 0.3};
    double shares[UPLIFT_POINTS_MAX + UPLIFT_TOPS];
    struct uplift_point points[UPLIFT_POINTS_MAX + UPLIFT_TOPS];
    for (int32_t i = 0; i < count; i++) shares[i] = (double)(i + 1) / count;
    for (int32_t i = 0; i < UPLIFT_TOPS; i++) shares[count + i] = tops[i];
    rank_rows(r);
    ret->effect = effect_of(r);
    ret->auuc = area_of(r, 0, "auuc");
    ret->qini = area_of(r, 0.5, "qini");
    ret->count = count;
    r->shares = shares;
    r->points = points;
    kai_status st = pool_run(pool, count + UPLIFT_TOPS, fill_point, r, err);
    if (st) return st;
    for (int32_t i = 0; i < count; i++) ret->points[i] = points[i];
    for (int32_t i = 0; i < UPLIFT_TOPS; i++) {
        ret->top[i] = estimate_scale(points[count + i].gain, 1 / tops[i]);
        ret->top[i].n = (int64_t)(tops[i] * (double)r->trial->rows);
        ret->top[i].method = "top";
    }
    return KAI_OK;
}

/* Both halves of psi, and the arms, in the order of the score. */
static kai_status sort_rows(const struct trial *trial, const int32_t *offers, int32_t offer,
                            const double *score, struct ranking *r, struct pool *pool,
                            kai_err *err) {
    for (int64_t row = 0; row < trial->rows; row++) {
        if (!isfinite(score[row]))
            return err_set(err, KAI_INVALID, "row %lld: the score is not a number",
                           (long long)row + 1);
    }
    /* rank and above hold the halves until they are in order */
    kai_status st = trial_parts(trial, offers, offer, r->counts, pool, r->rank, r->above, err);
    if (st) return st;
    int64_t *order = mem_array((size_t)trial->rows, sizeof *order);
    if (!order) return err_memory(err, trial->rows * (int64_t)sizeof *order);
    st = order_rows(score, trial->rows, 1, order, err);
    for (int64_t i = 0; i < trial->rows && !st; i++) {
        r->score[i] = score[order[i]];
        r->model[i] = r->rank[order[i]];
        r->residual[i] = r->above[order[i]];
        r->arm[i] = trial->arm[order[i]];
    }
    mem_free(order);
    return st;
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
    size_t rows = (size_t)trial->rows, arms = (size_t)trial->arms;
    struct ranking r = {.trial = trial, .confidence = confidence};
    int64_t *counts = mem_zero(arms, sizeof *counts);
    double *values = mem_array(rows, 6 * sizeof *values);
    r.arm = mem_array(rows, sizeof *r.arm);
    r.scratch = mem_zero((size_t)pool_threads(pool) * arms, sizeof *r.scratch);
    kai_status st = KAI_OK;
    if (!counts || !values || !r.arm || !r.scratch)
        st = err_memory(err, 7 * trial->rows * (int64_t)sizeof(double));
    if (!st) st = trial_check(trial, pool, counts, err);
    if (!st) {
        double **parts[] = {&r.score, &r.model, &r.residual, &r.influence, &r.rank, &r.above};
        for (size_t i = 0; i < 6; i++) *parts[i] = values + i * rows;
        r.counts = counts;
        st = sort_rows(trial, offers, offer, score, &r, pool, err);
    }
    if (!st) {
        r.freedom = freedom_of(trial, counts, offers, offer);
        st = fill_curve(&r, points, pool, ret_curve, err);
    }
    mem_free(counts);
    mem_free(values);
    mem_free(r.arm);
    mem_free(r.scratch);
    return st;
}
