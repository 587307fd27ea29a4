/* What history says about a metric before an experiment: its level, its spread between units, and
 * how much of that a value from before would take away. */
#ifndef KAIROS_EVALUATE_POWER_HISTORY_H
#define KAIROS_EVALUATE_POWER_HISTORY_H

#include <stdint.h>

#include "base/err.h"

struct power_history {
    int64_t units;    /* that have a value */
    int64_t missing;  /* rows without one */
    double mean, sd;  /* of a unit's value (n - 1); a unit of several rows: their sum */
    int is_binary;    /* every unit's value is 0 or 1 */
    double explained; /* share of the variance that `before` takes away; NAN without */
};

/* value, before (or NULL): (rows), NaN = missing; a row without either is left out. unit: (rows) in
 * [0, units), -1 = missing, or NULL: a row is a unit. Fails: KAI_INVALID for fewer than two units,
 * a value that is infinite, or one that never varies; KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status power_history_measure(int64_t rows, const double *value,
                                                const double *before, const int32_t *unit,
                                                int32_t units, struct power_history *ret_history,
                                                kai_err *err);

#endif
