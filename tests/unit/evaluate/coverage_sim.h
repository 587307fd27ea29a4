/* Small experiments whose truth is known exactly: how often do intervals cover it?
 *
 * Four features take five levels each, independently, so the superpopulation value of any policy is
 * a sum over 625 cells. Rows are split into five folds; ridge regressions of each arm on the folds
 * that rotation.h allows (or, to show why, on all others) predict a fold's outcomes and choose its
 * policy, so policies and predictions are fixed for the rows that judge them. The truth of a run is
 * the mean over rows of the true value of their fold's policy. The regressions are wrong on purpose
 * (the truth has interactions).
 */
#ifndef KAIROS_TESTS_COVERAGE_SIM_H
#define KAIROS_TESTS_COVERAGE_SIM_H

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "evaluate/policy.h"
#include "evaluate/rotation.h"
#include "kit/check.h"

enum { SIM_FEATURES = 4, SIM_LEVELS = 5, SIM_CELLS = 625, SIM_ARMS = 3, SIM_FOLDS = 5 };
enum { SIM_TERMS = SIM_FEATURES + 1, SIM_ROWS_MAX = 4000 };

enum sim_noise { SIM_NORMAL, SIM_BINARY, SIM_SPEND };

struct sim_setup {
    int64_t rows;
    enum sim_noise noise;
    int has_known_propensity; /* depends on the features; else uniform, shares are used */
    int trains_on_all_others; /* ordinary cross-fitting instead of rotation */
};

struct sim_run {
    double features[SIM_ROWS_MAX][SIM_FEATURES];
    double outcome[SIM_ROWS_MAX], propensity[SIM_ROWS_MAX];
    double predicted[SIM_ROWS_MAX * SIM_ARMS];
    int32_t arm[SIM_ROWS_MAX], choice[SIM_ROWS_MAX];
};

static const double sim_cost[SIM_ARMS] = {0, 0.05, 0.1};

static double sim_level(int cell, int feature) {
    for (int f = 0; f < feature; f++) cell /= SIM_LEVELS;
    return cell % SIM_LEVELS - 2;
}

/* The linear index of an arm at x. */
static double sim_index(const double *x, int arm) {
    double base = 0.5 * x[0] + 0.3 * x[1] * x[2];
    if (arm == 1) base += 0.1 + 0.25 * x[0];
    if (arm == 2) base += 0.15 + 0.2 * x[1] + 0.15 * x[2] * x[3];
    return base;
}

static double sim_share(double index) { return 1 / (1 + exp(1 - index)); }

/* The true mean outcome. Spend: a purchase with a log-normal amount (sd of the log 1). */
static double sim_mean(const struct sim_setup *setup, const double *x, int arm) {
    double index = sim_index(x, arm);
    if (setup->noise == SIM_NORMAL) return index;
    return sim_share(index) * (setup->noise == SIM_SPEND ? exp(0.5) : 1);
}

static double sim_draw(const struct sim_setup *setup, const double *x, int arm, struct rng *rng) {
    double index = sim_index(x, arm);
    if (setup->noise == SIM_NORMAL) return index + 2 * rng_normal(rng);
    int has_bought = rng_unit(rng) < sim_share(index);
    return setup->noise == SIM_SPEND ? has_bought * exp(rng_normal(rng)) : has_bought;
}

/* Probabilities of the arms: 1/3 each, or a softmax of features between about 0.1 and 0.7. */
static void sim_propensities(const struct sim_setup *setup, const double *x, double *ret) {
    double sum = 0;
    for (int a = 0; a < SIM_ARMS; a++) {
        ret[a] = setup->has_known_propensity ? exp(0.3 * x[a]) : 1;
        sum += ret[a];
    }
    for (int a = 0; a < SIM_ARMS; a++) ret[a] /= sum;
}

static void sim_experiment(const struct sim_setup *setup, uint64_t index, struct sim_run *run) {
    struct rng rng;
    rng_init(&rng, 42, "coverage", index);
    for (int64_t i = 0; i < setup->rows; i++) {
        double p[SIM_ARMS], u;
        int cell = (int)rng_below(&rng, SIM_CELLS), arm = 0;
        for (int f = 0; f < SIM_FEATURES; f++) run->features[i][f] = sim_level(cell, f);
        sim_propensities(setup, run->features[i], p);
        for (u = rng_unit(&rng); arm < SIM_ARMS - 1 && u >= p[arm]; arm++) u -= p[arm];
        run->arm[i] = arm;
        run->propensity[i] = p[arm];
        run->outcome[i] = sim_draw(setup, run->features[i], arm, &rng);
    }
}

static double sim_term(const double *x, int term) { return term == 0 ? 1 : x[term - 1]; }

/* Ridge regression by Gauss elimination of the normal equations (positive definite). */
static void sim_fit(const struct sim_setup *setup, const struct sim_run *run, int fold, int arm,
                    double *ret_weights) {
    double a[SIM_TERMS][SIM_TERMS + 1];
    memset(a, 0, sizeof a);
    for (int t = 0; t < SIM_TERMS; t++) a[t][t] = 1;
    for (int64_t i = 0; i < setup->rows; i++) {
        int of_row = (int)(i % SIM_FOLDS);
        int is_used =
            setup->trains_on_all_others ? of_row != fold : rotation_trains(of_row, fold, SIM_FOLDS);
        if (!is_used || run->arm[i] != arm) continue;
        for (int t = 0; t < SIM_TERMS; t++) {
            double left = sim_term(run->features[i], t);
            for (int u = 0; u < SIM_TERMS; u++) a[t][u] += left * sim_term(run->features[i], u);
            a[t][SIM_TERMS] += left * run->outcome[i];
        }
    }
    for (int t = 0; t < SIM_TERMS; t++)
        for (int r = t + 1; r < SIM_TERMS; r++) {
            double factor = a[r][t] / a[t][t];
            for (int c = t; c <= SIM_TERMS; c++) a[r][c] -= factor * a[t][c];
        }
    for (int t = SIM_TERMS - 1; t >= 0; t--) {
        ret_weights[t] = a[t][SIM_TERMS];
        for (int c = t + 1; c < SIM_TERMS; c++) ret_weights[t] -= a[t][c] * ret_weights[c];
        ret_weights[t] /= a[t][t];
    }
}

static int sim_choose(double weights[SIM_ARMS][SIM_TERMS], const double *x, double *ret_predicted) {
    int best = 0;
    for (int a = 0; a < SIM_ARMS; a++) {
        ret_predicted[a] = 0;
        for (int t = 0; t < SIM_TERMS; t++) ret_predicted[a] += weights[a][t] * sim_term(x, t);
        if (ret_predicted[a] - sim_cost[a] > ret_predicted[best] - sim_cost[best]) best = a;
    }
    return best;
}

/* Fit, predict and choose; gives the true value and gain of the policies. */
static void sim_cross_fit(const struct sim_setup *setup, struct sim_run *run, double *ret_value,
                          double *ret_gain) {
    *ret_value = *ret_gain = 0;
    for (int fold = 0; fold < SIM_FOLDS; fold++) {
        double weights[SIM_ARMS][SIM_TERMS], scratch[SIM_ARMS], value = 0, gain = 0;
        for (int a = 0; a < SIM_ARMS; a++) sim_fit(setup, run, fold, a, weights[a]);
        for (int cell = 0; cell < SIM_CELLS; cell++) {
            double x[SIM_FEATURES];
            for (int f = 0; f < SIM_FEATURES; f++) x[f] = sim_level(cell, f);
            int arm = sim_choose(weights, x, scratch);
            double earned = sim_mean(setup, x, arm) - sim_cost[arm];
            value += earned / SIM_CELLS;
            gain += (earned - sim_mean(setup, x, 0)) / SIM_CELLS;
        }
        int64_t rows = 0;
        for (int64_t i = fold; i < setup->rows; i += SIM_FOLDS, rows++)
            run->choice[i] = sim_choose(weights, run->features[i], run->predicted + i * SIM_ARMS);
        *ret_value += value * (double)rows / (double)setup->rows;
        *ret_gain += gain * (double)rows / (double)setup->rows;
    }
}

/* Shares of `runs` whose interval covers: of the value and of the gain, by estimator. */
struct sim_coverage {
    double value[POLICY_ESTIMATORS], gain[POLICY_ESTIMATORS];
};

static struct sim_coverage sim_measure(const struct sim_setup *setup, int64_t runs) {
    struct sim_coverage ret;
    memset(&ret, 0, sizeof ret);
    struct sim_run *run = calloc(1, sizeof *run);
    assert_non_null(run);
    for (int64_t r = 0; r < runs; r++) {
        double value, gain;
        kai_err err;
        struct policy_value got;
        sim_experiment(setup, (uint64_t)r, run);
        sim_cross_fit(setup, run, &value, &gain);
        struct trial trial = {.rows = setup->rows,
                              .arms = SIM_ARMS,
                              .arm = run->arm,
                              .outcome = run->outcome,
                              .predicted = run->predicted};
        if (setup->has_known_propensity) trial.propensity = run->propensity;
        struct policy plan = {.name = "plan", .choice = run->choice};
        struct policy_options options = {.confidence = 0.95, .cost = sim_cost};
        CHECK_OK(policy_compare(&trial, &plan, 1, NULL, &options, NULL, &got, &err), &err);
        for (int e = 0; e < POLICY_ESTIMATORS; e++) {
            ret.value[e] += got.value[e].low <= value && value <= got.value[e].high;
            ret.gain[e] += got.gain[e].low <= gain && gain <= got.gain[e].high;
        }
    }
    for (int e = 0; e < POLICY_ESTIMATORS; e++) {
        ret.value[e] /= (double)runs;
        ret.gain[e] /= (double)runs;
    }
    free(run);
    return ret;
}

static inline void sim_print(const char *name, const struct sim_coverage *coverage) {
    for (int e = 0; e < POLICY_ESTIMATORS; e++)
        print_message("%s %s: value %.2f %%, gain %.2f %%\n", name,
                      policy_estimator_text((enum policy_estimator)e), 100 * coverage->value[e],
                      100 * coverage->gain[e]);
}

#endif
