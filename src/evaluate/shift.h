/* Covariate shift: columns whose values among the customers differ from those in the history that
 * the models learned from.
 *
 * Magnitude is the population stability index over ten quantile bins of the history (numbers) or
 * the levels (categories), with missing values as a bin of their own: below 0.1 small, from 0.25
 * large, by the usage of the credit industry. A column is shifted only where the difference is also
 * beyond chance (Kolmogorov-Smirnov or chi-square, Holm over the columns). */
#ifndef KAIROS_EVALUATE_SHIFT_H
#define KAIROS_EVALUATE_SHIFT_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "table/table.h"

enum shift_size { SHIFT_NONE, SHIFT_MODERATE, SHIFT_LARGE };

struct shift {
    const char *column; /* borrowed from the history table */
    const char *test;   /* static: "ks", "chi-square"; NULL = not compared (texts, other kinds) */
    double psi;
    double distance; /* KS distance, or half the sum of absolute share differences */
    double p;
    double p_adjusted;
    double mean_history; /* numbers; NaN for others */
    double mean_customers;
    double missing_history; /* shares */
    double missing_customers;
    double unseen_share; /* customers with a level that the history lacks */
    enum shift_size size;
};

/* names: (count) columns that both tables have. alpha 0 = 0.001. ret_shifts: (count).
 * Fails: KAI_NOT_FOUND (naming the column and the table), KAI_INVALID (a table without rows),
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status shift_find(const struct table *history, const struct table *customers,
                                     const char *const *names, int32_t count, double alpha,
                                     struct pool *pool, struct shift *ret_shifts, kai_err *err);
/* "none", "moderate", "large" */
const char *shift_size_text(enum shift_size size);

#endif
