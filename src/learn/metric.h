/* How good scores are: one function a figure, each with its formula.
 *
 * What goes in: scores, targets and weights of `count` rows (weight NULL = 1; rows of weight 0 are
 * as if absent). What comes out: plain numbers. NaN means "not defined on these rows" (an AUC of
 * one class), never an error. y is the target, s the score, w the weight; sums run over rows in
 * order, so that a figure depends on nothing but its input. Definitions are those of scikit-learn
 * 1.2 where it has one (docs/methods/metrics.md).
 */
#ifndef KAIROS_LEARN_METRIC_H
#define KAIROS_LEARN_METRIC_H

#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "learn/learn.h"

enum { METRIC_ECE_BINS = 15 };

/* Binary: target 0/1, score = probability of class 1; (count) each. */

/* Share of rows where (s > 0.5) == y; as argmax, a tie is class 0. */
double metric_accuracy(const double *score, const double *target, const double *weight,
                       int64_t count);
/* Area under the ROC curve = P(s+ > s-) + P(s+ = s-)/2, ties exact (Mann-Whitney; Fawcett,
 * "An introduction to ROC analysis", 2006, section 7). NaN where a class is missing. Any real
 * scores. Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status metric_auc(const double *score, const double *target,
                                     const double *weight, int64_t count, double *ret_auc,
                                     kai_err *err);
/* sum over distinct thresholds, from high to low, of (recall_k - recall_{k-1}) x precision_k; no
 * interpolation. NaN without a positive. Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status metric_average_precision(const double *score, const double *target,
                                                   const double *weight, int64_t count,
                                                   double *ret_precision, kai_err *err);
/* -mean of y log p + (1-y) log(1-p), p clipped to [2^-52, 1 - 2^-52]. */
double metric_logloss(const double *score, const double *target, const double *weight,
                      int64_t count);
/* Mean of (p - y)^2 (Brier 1950). */
double metric_brier(const double *score, const double *target, const double *weight, int64_t count);

/* A group of the calibration curve. Empty groups are left out. */
struct metric_bin {
    double low, high; /* scores: low < s <= high; the first bin holds its low end too */
    double score;     /* weighted mean */
    double target;    /* weighted mean */
    double weight;    /* sum */
    int64_t count;    /* rows */
};
/* Mean score against share of positives in `bins` (1..1000) groups: of equal width over [0, 1], or
 * of equal mass (borders at the quantiles of the scores, as close as ties let them be).
 * ret_bins: (bins). Fails: KAI_INVALID (bins), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status metric_calibration(const double *score, const double *target,
                                             const double *weight, int64_t count, int32_t bins,
                                             int has_equal_mass, struct metric_bin *ret_bins,
                                             int32_t *ret_count, kai_err *err);
/* Expected calibration error: sum over the groups of share x |mean score - share of positives|
 * (Naeini, Cooper, Hauskrecht 2015; Guo, Pleiss, Sun, Weinberger 2017, equation 3, of class 1).
 * `fit` prints it with METRIC_ECE_BINS bins of equal width. Fails: as above. */
KAI_MUST_CHECK kai_status metric_ece(const double *score, const double *target,
                                     const double *weight, int64_t count, int32_t bins,
                                     int has_equal_mass, double *ret_ece, kai_err *err);

/* Multiclass: target 0..classes-1; scores (count, classes), rows that sum to 1. */

/* The highest score wins, the lower class in a tie. */
double metric_accuracy_multi(const double *scores, const double *target, const double *weight,
                             int64_t count, int32_t classes);
/* -mean of log p[y] with p clipped as above and divided by its row's sum. */
double metric_logloss_multi(const double *scores, const double *target, const double *weight,
                            int64_t count, int32_t classes);
/* Mean over the classes that are in the target or in the predictions of 2tp / (2tp + fp + fn).
 * Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status metric_macro_f1(const double *scores, const double *target,
                                          const double *weight, int64_t count, int32_t classes,
                                          double *ret_f1, kai_err *err);

/* Regression. */

double metric_rmse(const double *score, const double *target, const double *weight, int64_t count);
double metric_mae(const double *score, const double *target, const double *weight, int64_t count);
/* 1 - sum w (y - s)^2 / sum w (y - mean)^2; where y is constant: 1 if exact, else 0. */
double metric_r2(const double *score, const double *target, const double *weight, int64_t count);

/* All figures of a task. Those of another task are NaN. */
struct metric_set {
    enum learn_task task;
    int64_t count;
    double accuracy, auc, average_precision, logloss, brier, ece; /* binary */
    double macro_f1;      /* multiclass, + accuracy, logloss */
    double rmse, mae, r2; /* regression */
};
/* scores: (count, outputs of the task); classes: of MULTICLASS. Fails: KAI_INVALID (no rows),
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status metric_compute(enum learn_task task, int32_t classes,
                                         const double *scores, const double *target,
                                         const double *weight, int64_t count,
                                         struct metric_set *ret_set, kai_err *err);
/* The members of the task into an open object. */
void metric_describe(const struct metric_set *set, struct json_writer *json);

/* The one figure by which models of a task are compared, lower is better: binary 1 - AUC (0.5 where
 * the rows have one class), multiclass logloss with p clipped to [1e-6, 1] so that one sure mistake
 * of a forest does not decide, regression RMSE. Its name: "1 - auc", "logloss", "rmse". */
KAI_MUST_CHECK kai_status metric_loss(enum learn_task task, int32_t classes, const double *scores,
                                      const double *target, const double *weight, int64_t count,
                                      double *ret_loss, kai_err *err);
const char *metric_loss_text(enum learn_task task);

#endif
