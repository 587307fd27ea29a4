/* Everything is a mean within a group, so moments by group carry the whole audit; gaps come from
 * the intervals of two groups by the square-and-add rule (MOVER; Zou and Donner 2008), which keeps
 * Wilson's behaviour near 0 and 1. */
#include "evaluate/fairness.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/evaluate.h"

struct group_sums {
    struct moments treated, value, effect;                     /* plan */
    struct moments predicted, observed, calibration, residual; /* model */
    double value_sum, value_squares;
};

struct measure {
    const struct fairness_plan *plan;
    const struct fairness_model *model;
    int32_t count;
    double confidence, pair_confidence;
    struct group_sums *sums; /* (count) */
    int64_t plan_rows;       /* in a group */
    double value_sum, value_squares;
};

static kai_status add_plan(struct measure *m, kai_err *err) {
    const struct fairness_plan *plan = m->plan;
    for (int64_t i = 0; i < plan->rows; i++) {
        int32_t g = plan->group[i];
        if (g < -1 || g >= m->count)
            return err_set(err, KAI_INVALID, "row %lld: group %d is not in -1 to %d",
                           (long long)i + 1, (int)g, (int)m->count - 1);
        if (!(plan->treated[i] >= 0 && plan->treated[i] <= 1) || !isfinite(plan->value[i]) ||
            (plan->effect && !isfinite(plan->effect[i])))
            return err_set(err, KAI_INVALID,
                           "row %lld: treated, value or effect is not a number in range",
                           (long long)i + 1);
        if (g < 0) continue;
        struct group_sums *sums = &m->sums[g];
        moments_add(&sums->treated, plan->treated[i]);
        moments_add(&sums->value, plan->value[i]);
        if (plan->effect) moments_add(&sums->effect, plan->effect[i]);
        sums->value_sum += plan->value[i];
        sums->value_squares += plan->value[i] * plan->value[i];
        m->plan_rows++;
    }
    for (int32_t g = 0; g < m->count; g++) {
        m->value_sum += m->sums[g].value_sum;
        m->value_squares += m->sums[g].value_squares;
    }
    return KAI_OK;
}

static kai_status add_model(struct measure *m, kai_err *err) {
    const struct fairness_model *model = m->model;
    for (int64_t i = 0; i < model->rows; i++) {
        int32_t g = model->group[i];
        if (g < -1 || g >= m->count)
            return err_set(err, KAI_INVALID, "row %lld: group %d is not in -1 to %d",
                           (long long)i + 1, (int)g, (int)m->count - 1);
        if (!isfinite(model->predicted[i]) || !isfinite(model->observed[i]) ||
            (model->residual && !isfinite(model->residual[i])))
            return err_set(err, KAI_INVALID, "row %lld: an effect or residual is not a number",
                           (long long)i + 1);
        if (g < 0) continue;
        struct group_sums *sums = &m->sums[g];
        moments_add(&sums->predicted, model->predicted[i]);
        moments_add(&sums->observed, model->observed[i]);
        moments_add(&sums->calibration, model->observed[i] - model->predicted[i]);
        if (model->residual) moments_add(&sums->residual, fabs(model->residual[i]));
    }
    return KAI_OK;
}

static struct estimate share_of(const struct moments *treated, double confidence) {
    return estimate_proportion(treated->mean * (double)treated->n, treated->n, confidence);
}

/* A group's part of a total: a ratio of means, with the delta method's error. */
static struct estimate value_share(const struct measure *m, const struct group_sums *sums) {
    if (m->plan_rows < 2 || m->value_sum == 0) return estimate_none("ratio");
    double n = (double)m->plan_rows, share = sums->value_sum / m->value_sum;
    double squares = (1 - 2 * share) * sums->value_squares + share * share * m->value_squares;
    double error = sqrt(fmax(0, squares) / (n * (n - 1))) / fabs(m->value_sum / n);
    return estimate_around(share, error, n - 1, m->confidence, m->plan_rows, "ratio");
}

static void fill_group(const struct measure *m, int32_t g, struct fairness_group *ret) {
    const struct group_sums *sums = &m->sums[g];
    double confidence = m->confidence;
    ret->n = m->plan ? sums->treated.n : sums->observed.n;
    ret->row_share = m->plan_rows > 0 ? (double)sums->treated.n / (double)m->plan_rows : NAN;
    ret->treated_share = share_of(&sums->treated, confidence);
    ret->value_share = value_share(m, sums);
    ret->value_mean = estimate_mean(&sums->value, confidence);
    ret->effect_predicted =
        estimate_mean(sums->effect.n > 0 ? &sums->effect : &sums->predicted, confidence);
    ret->effect_observed = estimate_mean(&sums->observed, confidence);
    ret->calibration = estimate_mean(&sums->calibration, confidence);
    ret->error = estimate_mean(&sums->residual, confidence);
    ret->is_small = ret->n < FAIRNESS_ROWS_MIN;
    struct estimate wide =
        estimate_mean(&sums->calibration, 1 - (1 - confidence) / fmax(1, m->count));
    ret->is_miscalibrated =
        sums->calibration.n >= FAIRNESS_ROWS_MIN && (wide.low > 0 || wide.high < 0);
}

enum gap { GAP_TREATED, GAP_VALUE, GAP_ERROR, GAP_CALIBRATION };

static struct estimate gap_side(const struct group_sums *sums, enum gap gap, double confidence) {
    switch (gap) {
    case GAP_TREATED: return share_of(&sums->treated, confidence);
    case GAP_VALUE: return estimate_mean(&sums->value, confidence);
    case GAP_ERROR: return estimate_mean(&sums->residual, confidence);
    case GAP_CALIBRATION: return estimate_mean(&sums->calibration, confidence);
    }
    return estimate_none("gap");
}

/* The largest difference of two groups, with an interval that holds for all pairs at once. sides:
 * (count) scratch. */
static struct estimate gap_of(const struct measure *m, enum gap gap, struct estimate *sides) {
    int32_t used = 0;
    int64_t rows = 0;
    for (int32_t g = 0; g < m->count; g++) {
        struct estimate side = gap_side(&m->sums[g], gap, m->pair_confidence);
        if (side.n < FAIRNESS_ROWS_MIN) continue;
        sides[used++] = side;
        rows += side.n;
    }
    if (used < 2) return estimate_none("gap");
    struct estimate ret = {0, 0, 0, rows, "gap"};
    for (int32_t i = 0; i < used; i++) {
        for (int32_t j = 0; j < used; j++) {
            double difference = sides[i].value - sides[j].value;
            if (i == j || difference < 0) continue;
            double down_i = sides[i].value - sides[i].low, up_j = sides[j].high - sides[j].value;
            double up_i = sides[i].high - sides[i].value, down_j = sides[j].value - sides[j].low;
            ret.value = fmax(ret.value, difference);
            ret.low = fmax(ret.low, difference - sqrt(down_i * down_i + up_j * up_j));
            ret.high = fmax(ret.high, difference + sqrt(up_i * up_i + down_j * down_j));
        }
    }
    return ret;
}

static int32_t groups_in_gaps(const struct measure *m) {
    int32_t used = 0;
    for (int32_t g = 0; g < m->count; g++) {
        const struct group_sums *sums = &m->sums[g];
        used += sums->treated.n >= FAIRNESS_ROWS_MIN || sums->observed.n >= FAIRNESS_ROWS_MIN;
    }
    return used;
}

static void fill_parity(const struct measure *m, double gap_max, struct fairness_audit *ret) {
    double lowest = INFINITY, highest = -INFINITY;
    for (int32_t g = 0; g < m->count; g++) {
        if (m->sums[g].treated.n < FAIRNESS_ROWS_MIN) continue;
        lowest = fmin(lowest, m->sums[g].treated.mean);
        highest = fmax(highest, m->sums[g].treated.mean);
    }
    ret->treated_ratio = highest > 0 ? lowest / highest : NAN;
    ret->is_below_four_fifths = ret->treated_ratio < 0.8;
    ret->limit = gap_max > 0 ? gap_max : NAN;
    if (gap_max > 0) {
        ret->is_gap_above = ret->treated_gap.value > gap_max;
        ret->is_gap_surely_above = ret->treated_gap.low > gap_max;
    }
}

static void fill_audit(struct measure *m, const struct fairness_groups *names, double gap_max,
                       struct estimate *sides, struct fairness_audit *ret) {
    double groups = fmax(2, groups_in_gaps(m));
    m->pair_confidence = 1 - (1 - m->confidence) / (groups * (groups - 1) / 2);
    for (int32_t g = 0; g < m->count; g++) {
        fill_group(m, g, &ret->groups[g]);
        ret->groups[g].name = names ? names->names[g] : NULL;
    }
    ret->treated_gap = gap_of(m, GAP_TREATED, sides);
    ret->value_gap = gap_of(m, GAP_VALUE, sides);
    ret->error_gap = gap_of(m, GAP_ERROR, sides);
    ret->calibration_gap = gap_of(m, GAP_CALIBRATION, sides);
    fill_parity(m, gap_max, ret);
}

kai_status fairness_measure(const struct fairness_plan *plan, const struct fairness_model *model,
                            const struct fairness_groups *groups, int32_t group_count,
                            double gap_max, double confidence, struct fairness_audit **ret_audit,
                            kai_err *err) {
    if (confidence == 0) confidence = EVALUATE_CONFIDENCE;
    if (groups) group_count = groups->count;
    if (!(confidence > 0 && confidence < 1))
        return err_set(err, KAI_INVALID, "confidence %g is not between 0 and 1", confidence);
    if (group_count < 1 || group_count > FAIRNESS_GROUPS_MAX)
        return err_set(err, KAI_LIMIT, "%d groups: 1 to %d are audited", (int)group_count,
                       (int)FAIRNESS_GROUPS_MAX);
    struct measure m = {.plan = plan, .model = model, .count = group_count};
    m.confidence = confidence;
    m.sums = mem_zero((size_t)group_count, sizeof *m.sums);
    struct estimate *sides = mem_array((size_t)group_count, sizeof *sides);
    struct fairness_audit *audit = mem_zero(1, sizeof *audit);
    kai_status st = KAI_OK;
    if (audit) audit->groups = mem_zero((size_t)group_count, sizeof *audit->groups);
    if (!m.sums || !sides || !audit || !audit->groups)
        st = err_memory(err, group_count * (int64_t)sizeof *m.sums);
    if (!st && plan) st = add_plan(&m, err);
    if (!st && model) st = add_model(&m, err);
    if (!st) {
        audit->count = group_count;
        fill_audit(&m, groups, gap_max, sides, audit);
        *ret_audit = audit;
        audit = NULL;
    }
    mem_free(m.sums);
    mem_free(sides);
    fairness_audit_free(audit);
    return st;
}

void fairness_audit_free(struct fairness_audit *audit) {
    if (!audit) return;
    mem_free(audit->groups);
    mem_free(audit);
}
