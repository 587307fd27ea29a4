#include "evaluate/power_history.h"

#include <math.h>

#include "base/alloc.h"

struct sums {
    double value, before;
    int is_there;
};

static kai_status gather(int64_t rows, const double *value, const double *before,
                         const int32_t *unit, struct sums *sums, int64_t *ret_missing,
                         kai_err *err) {
    int64_t missing = 0;
    for (int64_t i = 0; i < rows; i++) {
        if (isinf(value[i]) || (before && isinf(before[i])))
            return err_set(err, KAI_INVALID, "row %lld: the value is infinite", (long long)i + 1);
        int64_t to = unit ? unit[i] : i;
        if (to < 0 || isnan(value[i]) || (before && isnan(before[i]))) {
            missing++;
            continue;
        }
        sums[to].value += value[i];
        sums[to].before += before ? before[i] : 0;
        sums[to].is_there = 1;
    }
    *ret_missing = missing;
    return KAI_OK;
}

/* Two passes: means, then squares around them. */
static void measure(const struct sums *sums, int64_t count, int has_before,
                    struct power_history *history) {
    double n = 0, mean = 0, mean_before = 0, square = 0, square_before = 0, product = 0;
    history->is_binary = 1;
    for (int64_t u = 0; u < count; u++) {
        if (!sums[u].is_there) continue;
        n++;
        mean += sums[u].value;
        mean_before += sums[u].before;
        history->is_binary &= sums[u].value == 0 || sums[u].value == 1;
    }
    mean /= n;
    mean_before /= n;
    for (int64_t u = 0; u < count; u++) {
        if (!sums[u].is_there) continue;
        double y = sums[u].value - mean, x = sums[u].before - mean_before;
        square += y * y;
        square_before += x * x;
        product += x * y;
    }
    history->units = (int64_t)n;
    history->mean = mean;
    history->sd = sqrt(square / (n - 1));
    history->explained = NAN;
    if (has_before)
        history->explained =
            square_before > 0 ? fmin(1, product * product / (square * square_before)) : 0;
}

kai_status power_history_measure(int64_t rows, const double *value, const double *before,
                                 const int32_t *unit, int32_t units,
                                 struct power_history *ret_history, kai_err *err) {
    int64_t count = unit ? units : rows;
    struct power_history history = {0};
    struct sums *sums = mem_zero((size_t)count + 1, sizeof *sums);
    if (!sums) return err_memory(err, count * (int64_t)sizeof *sums);
    kai_status st = gather(rows, value, before, unit, sums, &history.missing, err);
    if (!st) measure(sums, count, before != NULL, &history);
    mem_free(sums);
    if (st) return st;
    if (history.units < 2)
        return err_set(err, KAI_INVALID, "%lld units have a value: at least 2 are needed",
                       (long long)history.units);
    if (!(history.sd > 0) || isinf(history.sd))
        return err_set(err, KAI_INVALID, "the value does not vary: nothing can be planned from it");
    *ret_history = history;
    return KAI_OK;
}
