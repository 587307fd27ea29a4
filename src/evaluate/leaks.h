/* Columns that differ between randomised arms beyond chance: they were written after the treatment
 * (an outcome, a consequence) and must not be features. Only meaningful where the arms were drawn
 * uniformly; elsewhere features differ between arms by design.
 *
 * Per column: numbers and dates by Welch's analysis of variance and by the Kolmogorov-Smirnov
 * distance of each offer to control; categories and flags by chi-square; any column also by the
 * chi-square of its missing values. The smallest p-value, times the number of tests of the column,
 * is the column's; Holm's correction runs over the columns. Texts and ids: missing values only. */
#ifndef KAIROS_EVALUATE_LEAKS_H
#define KAIROS_EVALUATE_LEAKS_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "table/table.h"

struct leak {
    const char *column; /* borrowed from the table */
    const char *test; /* static: "welch-anova", "ks", "chi-square", "missing"; NULL = not tested */
    double statistic; /* of that test */
    double p;         /* of the column, before Holm */
    double p_adjusted;
    int32_t index; /* of the column in the table */
    int is_leak;   /* p_adjusted <= alpha */
};

/* columns: (count) indices into the table to test; NULL = all. arm: (table->rows) in [-1, arms); -1
 * leaves the row out. alpha 0 = 0.001. ret_leaks: (count), in the order of `columns`.
 * Fails: KAI_INVALID (arm out of range, fewer than two arms with rows), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status leaks_find(const struct table *table, const int32_t *columns,
                                     int32_t count, const int32_t *arm, int32_t arms, double alpha,
                                     struct pool *pool, struct leak *ret_leaks, kai_err *err);

#endif
