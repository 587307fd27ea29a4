/* Rows in the order of a value: a stable radix sort, O(rows). */
#ifndef KAIROS_EVALUATE_ORDER_H
#define KAIROS_EVALUATE_ORDER_H

#include <stdint.h>

#include "base/err.h"

/* values: (rows) without NaN. ret_order: (rows) row numbers from the lowest value to the highest,
 * or from the highest where `is_falling`; equal values keep their order either way. Fails:
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status order_rows(const double *values, int64_t rows, int is_falling,
                                     int64_t *ret_order, kai_err *err);

#endif
