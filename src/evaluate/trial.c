#include "evaluate/trial.h"

#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "evaluate/blocks.h"
#include "evaluate/trial_parts.h"

struct check_job {
    const struct trial *trial;
    int64_t *counts; /* (blocks, arms) */
};

/* "'Mens E-Mail'", or "3" without names. `text` holds 64 bytes. */
static const char *arm_text(const struct trial *trial, int32_t arm, char *text) {
    if (trial->arm_names && trial->arm_names[arm]) return trial->arm_names[arm];
    (void)snprintf(text, 64, "%d", (int)arm); /* 64 bytes hold any int */
    return text;
}

static kai_status check_row(const struct trial *trial, int64_t row, kai_err *err) {
    char text[64];
    int32_t arm = trial->arm[row];
    if (arm < 0 || arm >= trial->arms)
        return err_set(err, KAI_INVALID, "row %lld: arm %d is not in 0 to %d", (long long)row + 1,
                       (int)arm, (int)trial->arms - 1);
    if (!isfinite(trial->outcome[row]))
        return err_set(err, KAI_INVALID, "row %lld: arm '%s': the outcome is not a number",
                       (long long)row + 1, arm_text(trial, arm, text));
    if (trial->propensity && !(trial->propensity[row] > 0 && trial->propensity[row] <= 1))
        return err_set(err, KAI_INVALID,
                       "row %lld: arm '%s': propensity %g is not above 0 and at most 1",
                       (long long)row + 1, arm_text(trial, arm, text), trial->propensity[row]);
    if (!trial->predicted) return KAI_OK;
    for (int32_t a = 0; a < trial->arms; a++) {
        if (!isfinite(trial->predicted[row * trial->arms + a]))
            return err_set(err, KAI_INVALID, "row %lld: arm '%s': the prediction is not a number",
                           (long long)row + 1, arm_text(trial, a, text));
    }
    return KAI_OK;
}

static kai_status check_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    struct check_job *job = user;
    int64_t *counts = job->counts + block * job->trial->arms;
    kai_status st = KAI_OK;
    int64_t end = blocks_end(block, job->trial->rows);
    for (int64_t row = blocks_start(block); row < end && !st; row++) {
        st = check_row(job->trial, row, err);
        if (!st) counts[job->trial->arm[row]]++;
    }
    return st;
}

kai_status trial_check(const struct trial *trial, struct pool *pool, int64_t *ret_counts,
                       kai_err *err) {
    if (trial->rows < 2 || trial->arms < 2)
        return err_set(err, KAI_INVALID, "a trial needs two rows and two arms");
    char text[64];
    int64_t blocks = blocks_count(trial->rows);
    struct check_job job = {trial, mem_zero((size_t)(blocks * trial->arms), sizeof(int64_t))};
    if (!job.counts) return err_memory(err, blocks * trial->arms * (int64_t)sizeof(int64_t));
    kai_status st = pool_run(pool, blocks, check_block, &job, err);
    for (int32_t a = 0; a < trial->arms && !st; a++) {
        for (int64_t b = 1; b < blocks; b++) job.counts[a] += job.counts[b * trial->arms + a];
        if (job.counts[a] < 2)
            st = err_set(err, KAI_INVALID, "arm '%s' has %lld rows: two are needed",
                         arm_text(trial, a, text), (long long)job.counts[a]);
    }
    for (int32_t a = 0; a < trial->arms && !st && ret_counts; a++) ret_counts[a] = job.counts[a];
    mem_free(job.counts);
    return st;
}

struct parts_job {
    const struct trial *trial;
    const int32_t *offers;
    int32_t offer;
    const int64_t *counts; /* (arms) */
    const double *means;   /* (arms); NULL: predictions */
    double *predicted;     /* (rows) out */
    double *residual;      /* (rows) out */
    double *sums;          /* (blocks, arms) scratch */
};

static kai_status sum_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct parts_job *job = user;
    double *sums = job->sums + block * job->trial->arms;
    int64_t end = blocks_end(block, job->trial->rows);
    for (int64_t row = blocks_start(block); row < end; row++)
        sums[job->trial->arm[row]] += job->trial->outcome[row];
    return KAI_OK;
}

static kai_status parts_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    struct parts_job *job = user;
    const struct trial *trial = job->trial;
    int64_t end = blocks_end(block, trial->rows);
    for (int64_t row = blocks_start(block); row < end; row++) {
        const double *mu = job->means ? job->means : trial->predicted + row * trial->arms;
        int32_t arm = trial->arm[row], offer = job->offers ? job->offers[row] : job->offer;
        if (offer < 1 || offer >= trial->arms)
            return err_set(err, KAI_INVALID, "row %lld: offer %d is not in 1 to %d",
                           (long long)row + 1, (int)offer, (int)trial->arms - 1);
        double p = trial->propensity ? trial->propensity[row]
                                     : (double)job->counts[arm] / (double)trial->rows;
        job->predicted[row] = mu[offer] - mu[0];
        job->residual[row] = 0;
        if (arm == offer) job->residual[row] = (trial->outcome[row] - mu[arm]) / p;
        if (arm == 0) job->residual[row] = -(trial->outcome[row] - mu[0]) / p;
    }
    return KAI_OK;
}

kai_status trial_parts(const struct trial *trial, const int32_t *offers, int32_t offer,
                       const int64_t *counts, struct pool *pool, double *ret_predicted,
                       double *ret_residual, kai_err *err) {
    int64_t blocks = blocks_count(trial->rows);
    struct parts_job job = {.trial = trial, .offers = offers, .offer = offer, .counts = counts};
    job.predicted = ret_predicted;
    job.residual = ret_residual;
    kai_status st = KAI_OK;
    if (!trial->predicted) {
        job.sums = mem_zero((size_t)(blocks * trial->arms), sizeof(double));
        if (!job.sums) return err_memory(err, blocks * trial->arms * (int64_t)sizeof(double));
        st = pool_run(pool, blocks, sum_block, &job, err);
        for (int32_t a = 0; a < trial->arms; a++) {
            for (int64_t b = 1; b < blocks; b++) job.sums[a] += job.sums[b * trial->arms + a];
            job.sums[a] /= (double)counts[a];
        }
        job.means = job.sums;
    }
    if (!st) st = pool_run(pool, blocks, parts_block, &job, err);
    mem_free(job.sums);
    return st;
}

kai_status trial_effects(const struct trial *trial, const int32_t *offers, int32_t offer,
                         struct pool *pool, double *ret_scores, kai_err *err) {
    if (trial->arms < 2) return trial_check(trial, pool, NULL, err);
    kai_status st = KAI_OK;
    int64_t *counts = mem_zero((size_t)trial->arms, sizeof *counts);
    double *residual = mem_array((size_t)trial->rows, sizeof *residual);
    double *predicted = mem_array((size_t)trial->rows, sizeof *predicted);
    if (!counts || !residual || !predicted)
        st = err_memory(err, 2 * trial->rows * (int64_t)sizeof(double));
    if (!st) st = trial_check(trial, pool, counts, err);
    if (!st) st = trial_parts(trial, offers, offer, counts, pool, predicted, residual, err);
    for (int64_t row = 0; row < trial->rows && !st; row++)
        ret_scores[row] = predicted[row] + residual[row];
    mem_free(counts);
    mem_free(residual);
    mem_free(predicted);
    return st;
}

void trial_logged(const double *table, const int32_t *arm, int64_t rows, int32_t arms,
                  double *ret_logged) {
    for (int64_t row = 0; row < rows; row++) ret_logged[row] = table[row * arms + arm[row]];
}
