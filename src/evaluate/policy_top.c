#include "evaluate/policy_row.h"

static void exchange(double *a, double *b) {
    double held = *a;
    *a = *b;
    *b = held;
}

/* Hoare's selection with the median of three as pivot: afterwards the `top` largest come first. */
static void select_largest(double *weights, int64_t count, int64_t top) {
    int64_t low = 0, high = count - 1, target = top - 1;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (weights[middle] > weights[low]) exchange(&weights[middle], &weights[low]);
        if (weights[high] > weights[low]) exchange(&weights[high], &weights[low]);
        if (weights[high] > weights[middle]) exchange(&weights[high], &weights[middle]);
        double pivot = weights[middle];
        int64_t i = low, j = high;
        while (i <= j) {
            while (weights[i] > pivot) i++;
            while (weights[j] < pivot) j--;
            if (i > j) break;
            exchange(&weights[i++], &weights[j--]);
        }
        if (target <= j)
            high = j;
        else if (target >= i)
            low = i;
        else
            return;
    }
}

double policy_top_share(double *weights, int64_t count, int64_t top) {
    if (count < 1 || top < 1) return 0;
    if (top > count) top = count;
    select_largest(weights, count, top);
    double held = 0, rest = 0;
    for (int64_t i = 0; i < count; i++) {
        if (i < top)
            held += weights[i];
        else
            rest += weights[i];
    }
    return held + rest > 0 ? held / (held + rest) : 0;
}
