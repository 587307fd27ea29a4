#include "prepare/robust.h"

#include <math.h>

#include "base/hash.h"

static void swap(double *a, double *b) {
    double held = *a;
    *a = *b;
    *b = held;
}

/* Hoare's selection with pivots drawn by a fixed hash, so that no input order is slow by design and
 * every run is the same. */
static double select_at(double *values, int64_t count, int64_t k) {
    int64_t low = 0, high = count - 1;
    for (uint64_t turn = 0; low < high; turn++) {
        uint64_t span = (uint64_t)(high - low) + 1;
        double pivot = values[low + (int64_t)(hash_mix(turn) % span)];
        int64_t i = low, j = high;
        while (i <= j) {
            while (values[i] < pivot) i++;
            while (values[j] > pivot) j--;
            if (i <= j) swap(&values[i++], &values[j--]);
        }
        if (k <= j)
            high = j;
        else if (k >= i)
            low = i;
        else
            return values[k];
    }
    return values[k];
}

double robust_quantile(double *values, int64_t count, double share) {
    return select_at(values, count, (int64_t)(share * (double)(count - 1)));
}

static double find_median(double *values, int64_t count) {
    double upper = select_at(values, count, count / 2);
    if (count % 2) return upper;
    double lower = values[0]; /* everything before count / 2 is not above it */
    for (int64_t i = 1; i < count / 2; i++)
        if (values[i] > lower) lower = values[i];
    return lower + (upper - lower) / 2;
}

struct robust robust_measure(double *values, int64_t count, double *scratch) {
    struct robust found = {.median = find_median(values, count)};
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        scratch[i] = fabs(values[i] - found.median);
        sum += scratch[i];
    }
    found.scale = 1.4826 * find_median(scratch, count);
    if (found.scale == 0) found.scale = 1.2533 * sum / (double)count;
    return found;
}
