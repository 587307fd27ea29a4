/* Off-policy evaluation in two passes over fixed blocks of rows.
 *
 * The first pass adds up, for each policy, what the point estimates need; the second adds up the
 * squares of the influence functions, centred at those estimates. With
 *   w_i = pi(a_i|x_i) / p_i,  d_i = sum_a pi(a|x_i) mu(a|x_i),  e_i = y_i - mu(a_i|x_i),
 *   c_i = sum_a pi(a|x_i) cost(a),
 * every estimator is a mean of  d_i (or 0)  +  a weighted residual u_i  -  c_i:
 *   dm    u = 0                       dr    u = w e
 *   ipw   u = w y                     sndr  u = w (e - E) / W,  E = sum w e / sum w
 *   snipw u = w (y - S) / W,  S = sum w y / sum w,  W = mean w   (as an influence function)
 * With known propensities u is centred at its mean. With shares of the arms as propensities the
 * weighted mean of u is a sum of arm means, so u is centred within its arm; that is the projection
 * which estimating the shares adds to the influence function. A gain is the mean of the difference
 * of two influence functions, taken row by row.
 */
#include "evaluate/policy.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/blocks.h"
#include "evaluate/policy_row.h"

#define PROPENSITY_LOW 0.01
#define DISTRIBUTION_SLACK 1e-6

/* What the first pass adds up for one policy; then wy, we, w by logged arm follow: 3 x arms. */
enum sum {
    SUM_DM,
    SUM_COST,
    SUM_TREATED,
    SUM_W2,
    SUM_DIFFERENCE,  /* |w - w of the base| */
    SUM_DIFFERENCE2, /* its square */
    SUM_MATCHED,
    SUM_W_MAX, /* a maximum, not a sum */
    SUM_ARMS
};

/* Point estimates and centres of one policy, ready for the second pass. */
struct centre {
    double mean_dm, mean_cost, mean_w;
    double sn, sn_residual; /* S and E above */
    double value[POLICY_ESTIMATORS];
    const double *by_arm; /* (POLICY_ESTIMATORS, arms) */
};

struct compare_job {
    const struct trial *trial;
    const struct policy *policies; /* the base is policies[count] */
    int32_t count;
    const double *cost;  /* (arms) */
    const double *share; /* (arms) propensity by arm; NULL: trial->propensity */
    int32_t stride;      /* sums of one policy */
    double *sums;        /* (blocks, count + 1, stride) */
    struct centre *centres;
    const double *adjust; /* (arms) degrees-of-freedom factor of a residual */
    double *squares;      /* (blocks, count, 2, POLICY_ESTIMATORS) */
    double *weights;      /* (workers, rows) scratch of weight_top */
    double *tops;         /* (count) */
};

const char *policy_estimator_text(enum policy_estimator estimator) {
    static const char *const texts[POLICY_ESTIMATORS] = {"dm", "ipw", "snipw", "dr", "sndr"};
    return (int)estimator >= 0 && estimator < POLICY_ESTIMATORS ? texts[estimator] : "";
}

static inline double propensity_of(const struct compare_job *job, int64_t row) {
    return job->share ? job->share[job->trial->arm[row]] : job->trial->propensity[row];
}

static inline struct policy_row row_of(const struct compare_job *job, const struct policy *policy,
                                       int64_t row) {
    return policy_row(job->trial, policy, job->cost, row, propensity_of(job, row));
}

static kai_status check_policy_row(const struct trial *trial, const struct policy *policy,
                                   int64_t row, kai_err *err) {
    const char *name = policy->name ? policy->name : "";
    if (policy->choice) {
        if (policy->choice[row] >= 0 && policy->choice[row] < trial->arms) return KAI_OK;
        return err_set(err, KAI_INVALID, "policy '%s': row %lld: arm %d is not in 0 to %d", name,
                       (long long)row + 1, (int)policy->choice[row], (int)trial->arms - 1);
    }
    if (policy->constant && row > 0) return KAI_OK;
    const double *pi =
        policy->constant ? policy->constant : policy->probability + row * trial->arms;
    double sum = 0, lowest = 0;
    for (int32_t a = 0; a < trial->arms; a++) {
        sum += pi[a];
        if (!(pi[a] >= lowest)) lowest = pi[a];
    }
    if (lowest >= 0 && fabs(sum - 1) <= DISTRIBUTION_SLACK) return KAI_OK;
    return err_set(err, KAI_INVALID,
                   "policy '%s': row %lld: the probabilities are not a distribution (sum %g)", name,
                   (long long)row + 1, sum);
}

static void add_row(const struct compare_job *job, int64_t row, const struct policy_row *terms,
                    const struct policy_row *base, double *sums) {
    int32_t arms = job->trial->arms, arm = job->trial->arm[row];
    double w = terms->weight, difference = fabs(w - base->weight);
    sums[SUM_DM] += terms->dm;
    sums[SUM_COST] += terms->cost;
    sums[SUM_TREATED] += terms->treated;
    sums[SUM_W2] += w * w;
    sums[SUM_DIFFERENCE] += difference;
    sums[SUM_DIFFERENCE2] += difference * difference;
    sums[SUM_MATCHED] += w > 0;
    sums[SUM_W_MAX] = fmax(sums[SUM_W_MAX], w);
    sums[SUM_ARMS + arm] += w * job->trial->outcome[row];
    sums[SUM_ARMS + arms + arm] += w * terms->residual;
    sums[SUM_ARMS + 2 * arms + arm] += w;
}

static kai_status sum_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    struct compare_job *job = user;
    double *sums = job->sums + block * (job->count + 1) * job->stride;
    int64_t end = blocks_end(block, job->trial->rows);
    kai_status st = KAI_OK;
    for (int64_t row = blocks_start(block); row < end && !st; row++) {
        st = check_policy_row(job->trial, &job->policies[job->count], row, err);
        if (st) break;
        struct policy_row base = row_of(job, &job->policies[job->count], row);
        add_row(job, row, &base, &base, sums + (int64_t)job->count * job->stride);
        for (int32_t k = 0; k < job->count && !st; k++) {
            st = check_policy_row(job->trial, &job->policies[k], row, err);
            if (st) break;
            struct policy_row terms = row_of(job, &job->policies[k], row);
            add_row(job, row, &terms, &base, sums + (int64_t)k * job->stride);
        }
    }
    return st;
}

/* Add the blocks in index order into the first. */
static void add_blocks(double *values, int64_t blocks, int64_t width, int64_t max_at,
                       int64_t stride) {
    for (int64_t b = 1; b < blocks; b++) {
        for (int64_t i = 0; i < width; i++) {
            double value = values[b * width + i];
            values[i] = i % stride == max_at ? fmax(values[i], value) : values[i] + value;
        }
    }
}

/* Point estimates of one policy, and the centres of its residuals by arm. */
static void centre_policy(const struct trial *trial, const int64_t *counts, const double *sums,
                          double *by_arm, struct centre *ret) {
    int32_t arms = trial->arms;
    double n = (double)trial->rows, wy = 0, we = 0, w = 0;
    const double *arm_wy = sums + SUM_ARMS, *arm_we = arm_wy + arms, *arm_w = arm_we + arms;
    for (int32_t a = 0; a < arms; a++) {
        wy += arm_wy[a];
        we += arm_we[a];
        w += arm_w[a];
    }
    struct centre c = {.by_arm = by_arm, .mean_w = w / n};
    c.mean_dm = sums[SUM_DM] / n;
    c.mean_cost = sums[SUM_COST] / n;
    c.sn = w > 0 ? wy / w : NAN;
    c.sn_residual = w > 0 ? we / w : NAN;
    c.value[POLICY_DM] = c.mean_dm - c.mean_cost;
    c.value[POLICY_IPW] = wy / n - c.mean_cost;
    c.value[POLICY_SNIPW] = c.sn - c.mean_cost;
    c.value[POLICY_DR] = c.mean_dm + we / n - c.mean_cost;
    c.value[POLICY_SNDR] = c.mean_dm + c.sn_residual - c.mean_cost;
    for (int32_t a = 0; a < arms; a++) {
        int is_shared = trial->propensity == NULL;
        double rows = is_shared ? (double)counts[a] : n;
        double y = is_shared ? arm_wy[a] : wy, e = is_shared ? arm_we[a] : we;
        double at = is_shared ? arm_w[a] : w;
        by_arm[POLICY_DM * arms + a] = 0;
        by_arm[POLICY_IPW * arms + a] = y / rows;
        by_arm[POLICY_SNIPW * arms + a] = (y - c.sn * at) / (rows * c.mean_w);
        by_arm[POLICY_DR * arms + a] = e / rows;
        by_arm[POLICY_SNDR * arms + a] = (e - c.sn_residual * at) / (rows * c.mean_w);
    }
    *ret = c;
}

/* The influence of one row on each estimator of one policy. */
static inline void influence(const struct compare_job *job, const struct centre *c, int64_t row,
                             const struct policy_row *terms, double *ret) {
    int32_t arms = job->trial->arms, arm = job->trial->arm[row];
    double y = job->trial->outcome[row], w = terms->weight, e = terms->residual;
    double dm = terms->dm - c->mean_dm, cost = terms->cost - c->mean_cost;
    double adjust = job->adjust[arm];
    const double *at = c->by_arm + arm;
    ret[POLICY_DM] = dm - cost;
    ret[POLICY_IPW] = adjust * (w * y - at[POLICY_IPW * arms]) - cost;
    ret[POLICY_SNIPW] = adjust * (w * (y - c->sn) / c->mean_w - at[POLICY_SNIPW * arms]) - cost;
    ret[POLICY_DR] = dm + adjust * (w * e - at[POLICY_DR * arms]) - cost;
    ret[POLICY_SNDR] =
        dm + adjust * (w * (e - c->sn_residual) / c->mean_w - at[POLICY_SNDR * arms]) - cost;
}

static kai_status square_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct compare_job *job = user;
    double *squares = job->squares + block * job->count * 2 * POLICY_ESTIMATORS;
    int64_t end = blocks_end(block, job->trial->rows);
    for (int64_t row = blocks_start(block); row < end; row++) {
        double of_base[POLICY_ESTIMATORS], own[POLICY_ESTIMATORS];
        struct policy_row terms = row_of(job, &job->policies[job->count], row);
        influence(job, &job->centres[job->count], row, &terms, of_base);
        for (int32_t k = 0; k < job->count; k++) {
            terms = row_of(job, &job->policies[k], row);
            influence(job, &job->centres[k], row, &terms, own);
            double *into = squares + (int64_t)k * 2 * POLICY_ESTIMATORS;
            for (int e = 0; e < POLICY_ESTIMATORS; e++) {
                double gain = own[e] - of_base[e];
                into[e] += own[e] * own[e];
                into[POLICY_ESTIMATORS + e] += gain * gain;
            }
        }
    }
    return KAI_OK;
}

/* The share of all weight that the 1 % largest weights of matched rows hold. */
static kai_status weight_top(void *user, int64_t k, int32_t worker, kai_err *err) {
    (void)err;
    struct compare_job *job = user;
    double *weights = job->weights + worker * job->trial->rows;
    int64_t matched = 0;
    for (int64_t row = 0; row < job->trial->rows; row++) {
        double w = row_of(job, &job->policies[k], row).weight;
        if (w > 0) weights[matched++] = w;
    }
    job->tops[k] = policy_top_share(weights, matched, (matched + 99) / 100);
    return KAI_OK;
}

static uint32_t warnings_of(const struct compare_job *job, const struct policy_value *value,
                            double w2) {
    double n = (double)job->trial->rows;
    uint32_t warnings = 0;
    if (value->propensity_low_share > 0.01) warnings |= POLICY_WARN_PROPENSITY;
    if (value->weight_top_share > 0.1) warnings |= POLICY_WARN_TOP;
    if (value->effective_share < 0.05 || value->effective_sample < 100)
        warnings |= POLICY_WARN_EFFECTIVE;
    double error = sqrt(fmax(0, w2 / n - value->weight_mean * value->weight_mean) / n);
    if (job->trial->propensity && fabs(value->weight_mean - 1) > 4 * error + 1e-9)
        warnings |= POLICY_WARN_WEIGHT;
    return warnings;
}

static int is_usable(const struct trial *trial, int estimator, double weight) {
    int needs_model = estimator == POLICY_DM || estimator == POLICY_DR || estimator == POLICY_SNDR;
    if (needs_model && !trial->predicted) return 0;
    return estimator == POLICY_DM || weight > 0;
}

static void finish_policy(const struct compare_job *job, int32_t k, double confidence,
                          double propensity_min, double low_share, struct policy_value *ret) {
    const struct trial *trial = job->trial;
    const double *sums = job->sums + (int64_t)k * job->stride;
    const struct centre *own = &job->centres[k], *base = &job->centres[job->count];
    const double *squares = job->squares + (int64_t)k * 2 * POLICY_ESTIMATORS;
    double n = (double)trial->rows, w = own->mean_w * n;
    double sample = sums[SUM_W2] > 0 ? w * w / sums[SUM_W2] : 0;
    double gain_sample = sums[SUM_DIFFERENCE2] > 0
                             ? sums[SUM_DIFFERENCE] * sums[SUM_DIFFERENCE] / sums[SUM_DIFFERENCE2]
                             : 0;
    struct policy_value v = {.name = job->policies[k].name};
    for (int e = 0; e < POLICY_ESTIMATORS; e++) {
        const char *text = policy_estimator_text((enum policy_estimator)e);
        v.value[e] = v.gain[e] = estimate_none(text);
        if (!is_usable(trial, e, w)) continue;
        double error = sqrt(squares[e] / (n * (n - 1)));
        double freedom = (e == POLICY_DM ? n : sample) - 1;
        v.value[e] = estimate_around(own->value[e], error, freedom, confidence, trial->rows, text);
        if (!is_usable(trial, e, base->mean_w)) continue;
        error = sqrt(squares[POLICY_ESTIMATORS + e] / (n * (n - 1)));
        freedom = (e == POLICY_DM ? n : gain_sample) - 1;
        v.gain[e] = estimate_around(own->value[e] - base->value[e], error, freedom, confidence,
                                    trial->rows, text);
    }
    v.cost = own->mean_cost;
    v.treated_share = sums[SUM_TREATED] / n;
    v.effective_sample = sample;
    v.effective_share = sample / n;
    v.weight_mean = own->mean_w;
    v.weight_max = sums[SUM_W_MAX];
    v.weight_top_share = job->tops[k];
    v.propensity_min = propensity_min;
    v.propensity_low_share = low_share;
    v.matched = (int64_t)sums[SUM_MATCHED];
    v.warnings = warnings_of(job, &v, sums[SUM_W2]);
    *ret = v;
}

static void finish(const struct compare_job *job, double confidence,
                   struct policy_value *ret_values) {
    int64_t low = 0;
    double lowest = 1;
    for (int64_t row = 0; row < job->trial->rows; row++) {
        double p = propensity_of(job, row);
        low += p < PROPENSITY_LOW;
        lowest = fmin(lowest, p);
    }
    for (int32_t k = 0; k < job->count; k++)
        finish_policy(job, k, confidence, lowest, (double)low / (double)job->trial->rows,
                      &ret_values[k]);
}

/* The degrees of freedom that centring takes, as a factor on residuals: the final division is by
 * n (n - 1), an arm's own mean takes one of its rows. */
static void fill_factors(const struct trial *trial, const int64_t *counts, double *ret_share,
                         double *ret_adjust) {
    double n = (double)trial->rows;
    for (int32_t a = 0; a < trial->arms; a++) {
        double rows = (double)counts[a];
        ret_share[a] = rows / n;
        ret_adjust[a] = trial->propensity ? 1 : sqrt(rows / (rows - 1) * ((n - 1) / n));
    }
}

static kai_status run_passes(struct compare_job *job, const int64_t *counts, double *by_arm,
                             struct pool *pool, kai_err *err) {
    const struct trial *trial = job->trial;
    int64_t blocks = blocks_count(trial->rows);
    kai_status st = pool_run(pool, blocks, sum_block, job, err);
    if (st) return st;
    add_blocks(job->sums, blocks, (int64_t)(job->count + 1) * job->stride, SUM_W_MAX, job->stride);
    for (int32_t k = 0; k <= job->count; k++)
        centre_policy(trial, counts, job->sums + (int64_t)k * job->stride,
                      by_arm + (int64_t)k * POLICY_ESTIMATORS * trial->arms, &job->centres[k]);
    st = pool_run(pool, blocks, square_block, job, err);
    if (st) return st;
    int64_t width = (int64_t)job->count * 2 * POLICY_ESTIMATORS;
    add_blocks(job->squares, blocks, width, -1, width);
    return pool_run(pool, job->count, weight_top, job, err);
}

kai_status policy_compare(const struct trial *trial, const struct policy *policies, int32_t count,
                          const struct policy *base, const struct policy_options *options,
                          struct pool *pool, struct policy_value *ret_values, kai_err *err) {
    if (trial->arms < 2 || count < 1) return trial_check(trial, pool, NULL, err);
    double confidence =
        options && options->confidence > 0 ? options->confidence : EVALUATE_CONFIDENCE;
    if (!(confidence < 1))
        return err_set(err, KAI_INVALID, "confidence %g is not below 1", confidence);
    size_t arms = (size_t)trial->arms, all = (size_t)count + 1;
    int64_t blocks = blocks_count(trial->rows);
    struct compare_job job = {.trial = trial, .count = count, .stride = SUM_ARMS + 3 * trial->arms};
    struct policy *list = mem_array(all, sizeof *list);
    int64_t *counts = mem_zero(arms, sizeof *counts);
    double *factors = mem_zero(3 * arms + 1, sizeof *factors); /* share, adjust, nobody */
    double *costs = mem_zero(arms, sizeof *costs);
    double *by_arm = mem_zero(all * POLICY_ESTIMATORS * arms, sizeof *by_arm);
    job.sums = mem_zero((size_t)blocks * all * (size_t)job.stride, sizeof(double));
    job.squares = mem_zero((size_t)blocks * all * 2 * POLICY_ESTIMATORS, sizeof(double));
    job.centres = mem_zero(all, sizeof *job.centres);
    job.weights = mem_array((size_t)pool_threads(pool) * (size_t)trial->rows, sizeof(double));
    job.tops = mem_zero(all, sizeof(double));
    kai_status st = KAI_OK;
    if (!list || !counts || !factors || !costs || !by_arm || !job.sums || !job.squares ||
        !job.centres || !job.weights || !job.tops)
        st = err_memory(err, trial->rows * (int64_t)sizeof(double));
    if (!st) st = trial_check(trial, pool, counts, err);
    if (!st) {
        for (int32_t k = 0; k < count; k++) list[k] = policies[k];
        factors[2 * arms] = 1;
        list[count] =
            base ? *base : (struct policy){.name = "nobody", .constant = factors + 2 * arms};
        fill_factors(trial, counts, factors, factors + arms);
        job.policies = list;
        job.share = trial->propensity ? NULL : factors;
        job.adjust = factors + arms;
        job.cost = options && options->cost ? options->cost : costs;
        st = run_passes(&job, counts, by_arm, pool, err);
    }
    if (!st) finish(&job, confidence, ret_values);
    mem_free(list);
    mem_free(counts);
    mem_free(factors);
    mem_free(costs);
    mem_free(by_arm);
    mem_free(job.sums);
    mem_free(job.squares);
    mem_free(job.centres);
    mem_free(job.weights);
    mem_free(job.tops);
    return st;
}
