#include "evaluate/order.h"

#include <string.h>

#include "base/alloc.h"

enum { DIGIT_BITS = 11, DIGITS = 6, DIGIT_VALUES = 1 << DIGIT_BITS };

struct keyed {
    uint64_t key;
    int64_t row;
};

/* Bits that compare as the doubles do: flip all of a negative, the sign of a positive. */
static uint64_t key_of(double value, int is_falling) {
    double plain = value == 0 ? 0.0 : value; /* -0 equals 0 */
    uint64_t bits;
    memcpy(&bits, &plain, sizeof bits);
    bits ^= (bits >> 63) ? UINT64_MAX : UINT64_C(1) << 63;
    return is_falling ? ~bits : bits;
}

static void sort_digit(const struct keyed *from, struct keyed *to, int64_t rows, int shift,
                       const int64_t *counts) {
    int64_t starts[DIGIT_VALUES], at = 0;
    for (int v = 0; v < DIGIT_VALUES; v++) {
        starts[v] = at;
        at += counts[v];
    }
    for (int64_t i = 0; i < rows; i++)
        to[starts[(from[i].key >> shift) & (DIGIT_VALUES - 1)]++] = from[i];
}

kai_status order_rows(const double *values, int64_t rows, int is_falling, int64_t *ret_order,
                      kai_err *err) {
    kai_status st = KAI_OK;
    struct keyed *a = mem_array((size_t)rows, sizeof *a);
    struct keyed *b = mem_array((size_t)rows, sizeof *b);
    int64_t(*counts)[DIGIT_VALUES] = mem_zero(DIGITS, sizeof *counts);
    if (!a || !b || !counts) {
        st = err_memory(err, rows * (int64_t)sizeof *a);
        goto out;
    }
    for (int64_t i = 0; i < rows; i++) {
        a[i] = (struct keyed){key_of(values[i], is_falling), i};
        for (int d = 0; d < DIGITS; d++)
            counts[d][(a[i].key >> (d * DIGIT_BITS)) & (DIGIT_VALUES - 1)]++;
    }
    struct keyed *from = a, *to = b;
    for (int d = 0; d < DIGITS && rows > 0; d++) {
        if (counts[d][(a[0].key >> (d * DIGIT_BITS)) & (DIGIT_VALUES - 1)] == rows) continue;
        sort_digit(from, to, rows, d * DIGIT_BITS, counts[d]);
        struct keyed *swap = from;
        from = to;
        to = swap;
    }
    for (int64_t i = 0; i < rows; i++) ret_order[i] = from[i].row;
out:
    mem_free(a);
    mem_free(b);
    mem_free(counts);
    return st;
}
