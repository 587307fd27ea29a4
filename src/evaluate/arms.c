#include "evaluate/arms.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/blocks.h"
#include "evaluate/stat.h"

struct arm_sums {
    struct moments moments;
    double sum;
    int64_t missing;
    int64_t other; /* values that are neither 0 nor 1 */
};

struct arms_job {
    const int32_t *arm;
    const double *outcome;
    int64_t rows;
    int32_t arms;
    struct arm_sums *sums; /* (blocks, arms) */
};

static kai_status sum_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    struct arms_job *job = user;
    struct arm_sums *sums = job->sums + block * job->arms;
    int64_t end = blocks_end(block, job->rows);
    for (int64_t row = blocks_start(block); row < end; row++) {
        int32_t arm = job->arm[row];
        double value = job->outcome[row];
        if (arm < 0 || arm >= job->arms)
            return err_set(err, KAI_INVALID, "row %lld: arm %d is not in 0 to %d",
                           (long long)row + 1, (int)arm, (int)job->arms - 1);
        if (isnan(value)) {
            sums[arm].missing++;
            continue;
        }
        moments_add(&sums[arm].moments, value);
        sums[arm].sum += value;
        if (value != 0 && value != 1) sums[arm].other++;
    }
    return KAI_OK;
}

static struct estimate mean_of(const struct arm_sums *sums, int is_share, double confidence) {
    struct moments moments = sums->moments;
    if (is_share) return estimate_proportion(sums->sum, moments.n, confidence);
    if (moments.n > 0) moments.mean = sums->sum / (double)moments.n; /* the textbook's digits */
    return estimate_mean(&moments, confidence);
}

static void compare_to_control(const struct arm_sums *arm, const struct arm_sums *control,
                               double confidence, struct arm_outcome *ret) {
    ret->effect = estimate_difference(&arm->moments, &control->moments, confidence);
    struct moments pair[2] = {arm->moments, control->moments};
    ret->p = stat_welch_anova(pair, 2).p; /* with two groups this is Welch's t, squared */
}

kai_status arms_compare(const int32_t *arm, int32_t arms, const double *outcome, int64_t rows,
                        double confidence, struct pool *pool, struct arm_outcome *ret_outcomes,
                        kai_err *err) {
    if (arms < 1 || !(confidence > 0 && confidence < 1))
        return err_set(err, KAI_INVALID, "confidence %g is not between 0 and 1", confidence);
    int64_t blocks = blocks_count(rows);
    struct arms_job job = {arm, outcome, rows, arms, NULL};
    job.sums = mem_zero((size_t)((blocks + 1) * arms), sizeof *job.sums);
    if (!job.sums) return err_memory(err, (blocks + 1) * arms * (int64_t)sizeof *job.sums);
    struct arm_sums *all = job.sums + blocks * arms;
    kai_status st = pool_run(pool, blocks, sum_block, &job, err);
    int64_t other = 0;
    for (int64_t i = 0; i < blocks * arms && !st; i++) {
        struct arm_sums *into = &all[i % arms];
        moments_merge(&into->moments, &job.sums[i].moments);
        into->sum += job.sums[i].sum;
        into->missing += job.sums[i].missing;
        other += job.sums[i].other;
    }
    for (int32_t a = 0; a < arms && !st; a++) {
        struct arm_outcome *ret = &ret_outcomes[a];
        ret->mean = mean_of(&all[a], other == 0, confidence);
        ret->effect = (struct estimate){0, 0, 0, all[0].moments.n, "welch"};
        ret->p = 1;
        ret->deviation = sqrt(moments_variance(&all[a].moments));
        ret->missing = all[a].missing;
        if (a > 0) compare_to_control(&all[a], &all[0], confidence, ret);
    }
    mem_free(job.sums);
    return st;
}
