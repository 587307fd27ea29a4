/* The proof stage at a million rows and six arms: seven policies, a Qini curve, leaks of a column.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/pool.h"
#include "base/rng.h"
#include "evaluate/policy.h"
#include "evaluate/uplift.h"
#include "kit/bench.h"

enum { ROWS = 1000000, ARMS = 6, POLICIES = 7 };

struct load {
    struct trial trial;
    struct policy policies[POLICIES];
    struct pool *pool;
    const double *score;
};

static void stop_if(kai_status st, const kai_err *err) {
    if (!st) return;
    (void)fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static void compare(void *user) {
    struct load *load = user;
    struct policy_value values[POLICIES];
    kai_err err;
    stop_if(policy_compare(&load->trial, load->policies, POLICIES, NULL, NULL, load->pool, values,
                           &err),
            &err);
}

static void rank(void *user) {
    struct load *load = user;
    struct uplift_curve curve;
    kai_err err;
    stop_if(uplift_rank(&load->trial, NULL, 1, load->score, 50, 0.95, load->pool, &curve, &err),
            &err);
}

int main(void) {
    static const double soft[ARMS] = {0.5, 0.1, 0.1, 0.1, 0.1, 0.1};
    double *outcome = calloc(ROWS, sizeof *outcome), *score = calloc(ROWS, sizeof *score);
    double *predicted = calloc((size_t)ROWS * ARMS, sizeof *predicted);
    int32_t *arm = calloc(ROWS, sizeof *arm), *choice = calloc(ROWS, sizeof *choice);
    struct load load = {.score = score};
    kai_err err;
    if (!outcome || !score || !predicted || !arm || !choice) return 1;
    struct rng rng;
    rng_init(&rng, 1, "bench", 0);
    for (int64_t i = 0; i < ROWS; i++) {
        arm[i] = (int32_t)rng_below(&rng, ARMS);
        choice[i] = (int32_t)rng_below(&rng, ARMS);
        score[i] = rng_normal(&rng);
        outcome[i] = rng_unit(&rng) + 0.1 * arm[i] * score[i];
        for (int a = 0; a < ARMS; a++) predicted[i * ARMS + a] = 0.5 + 0.1 * a * score[i];
    }
    load.trial = (struct trial){
        .rows = ROWS, .arms = ARMS, .arm = arm, .outcome = outcome, .predicted = predicted};
    for (int k = 0; k < POLICIES; k++)
        load.policies[k] = k < 4 ? (struct policy){.name = "choice", .choice = choice}
                                 : (struct policy){.name = "soft", .constant = soft};
    stop_if(pool_new(2, &load.pool, &err), &err);
    bench_run("evaluate/policy_compare 7 policies x 6 arms", ROWS, 5, ROWS, compare, &load);
    bench_run("evaluate/uplift_rank 50 points", ROWS, 5, ROWS, rank, &load);
    pool_free(load.pool);
    free(outcome);
    free(score);
    free(predicted);
    free(arm);
    free(choice);
    return 0;
}
