#include "evaluate/reliability.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/evaluate.h"
#include "evaluate/order.h"

static kai_status check_values(const double *predicted, const double *observed, int64_t rows,
                               kai_err *err) {
    if (rows < 1) return err_set(err, KAI_INVALID, "reliability needs rows");
    for (int64_t row = 0; row < rows; row++) {
        if (!isfinite(predicted[row]) || !isfinite(observed[row]))
            return err_set(err, KAI_INVALID, "row %lld: the effect is not a number",
                           (long long)row + 1);
    }
    return KAI_OK;
}

/* Groups of nearly equal size that never split equal predictions. */
static void fill_bins(const double *predicted, const double *observed, const int64_t *order,
                      int64_t rows, int32_t bins, double confidence, struct reliability *ret) {
    int64_t from = 0;
    double error = 0;
    for (int32_t b = 0; b < bins && from < rows; b++) {
        int64_t to = (int64_t)(((double)b + 1) * (double)rows / bins);
        if (to <= from) continue;
        if (b == bins - 1) to = rows;
        while (to < rows && predicted[order[to]] == predicted[order[to - 1]]) to++;
        struct moments of_predicted = {0, 0, 0}, of_observed = {0, 0, 0};
        for (int64_t i = from; i < to; i++) {
            moments_add(&of_predicted, predicted[order[i]]);
            moments_add(&of_observed, observed[order[i]]);
        }
        struct reliability_bin *bin = &ret->bins[ret->count++];
        bin->predicted = of_predicted.mean;
        bin->observed = estimate_mean(&of_observed, confidence);
        error += fabs(of_predicted.mean - of_observed.mean) * (double)(to - from);
        from = to;
    }
    ret->error = error / (double)rows;
}

static struct estimate slope_of(const double *predicted, const double *observed, int64_t rows,
                                double confidence) {
    struct moments x = {0, 0, 0}, y = {0, 0, 0};
    for (int64_t i = 0; i < rows; i++) {
        moments_add(&x, predicted[i]);
        moments_add(&y, observed[i]);
    }
    if (rows < 3 || !(x.squares > 0)) return estimate_none("slope");
    double product = 0, squares = 0;
    for (int64_t i = 0; i < rows; i++) product += (predicted[i] - x.mean) * (observed[i] - y.mean);
    double slope = product / x.squares;
    for (int64_t i = 0; i < rows; i++) {
        double d = predicted[i] - x.mean, rest = observed[i] - y.mean - slope * d;
        squares += d * d * rest * rest;
    }
    double n = (double)rows, error = sqrt(squares * n / (n - 2)) / x.squares;
    return estimate_around(slope, error, n - 2, confidence, rows, "slope");
}

kai_status reliability_fit(const double *predicted, const double *observed, int64_t rows,
                           int32_t bins, double confidence, struct reliability *ret_reliability,
                           kai_err *err) {
    if (confidence == 0) confidence = EVALUATE_CONFIDENCE;
    if (bins == 0) bins = 10;
    if (!(confidence > 0 && confidence < 1) || bins < 1 || bins > RELIABILITY_BINS_MAX)
        return err_set(err, KAI_INVALID, "confidence %g or %d groups are out of range", confidence,
                       (int)bins);
    kai_status st = check_values(predicted, observed, rows, err);
    if (st) return st;
    int64_t *order = mem_array((size_t)rows, sizeof *order);
    if (!order) return err_memory(err, rows * (int64_t)sizeof *order);
    st = order_rows(predicted, rows, 0, order, err);
    if (!st) {
        struct reliability fit = {.count = 0};
        struct moments bias = {0, 0, 0};
        for (int64_t i = 0; i < rows; i++) moments_add(&bias, observed[i] - predicted[i]);
        fit.bias = estimate_mean(&bias, confidence);
        fit.slope = slope_of(predicted, observed, rows, confidence);
        fill_bins(predicted, observed, order, rows, bins, confidence, &fit);
        *ret_reliability = fit;
    }
    mem_free(order);
    return st;
}
