/* A label column as numbers to learn: which task it is, and which value is which class.
 *
 *   auto        two values: binary; categories or texts, or whole numbers with at most ten values:
 *               multiclass; other numbers: regression
 *   positive    the value that is asked for; else the one of 1/yes/true where the other is its
 *               opposite; else the rarer one (in a tie the later of the alphabet)
 * Rows without a label have no target (NaN).
 */
#ifndef KAIROS_PREPARE_TARGET_H
#define KAIROS_PREPARE_TARGET_H

#include <stdint.h>

#include "base/err.h"
#include "prepare/recipe.h"
#include "table/table.h"

struct target {
    enum recipe_task task;
    int64_t rows;
    int64_t missing; /* rows without a label */
    double *values;  /* owned; (rows) 0/1, class index, or the number; NaN where missing */
    int32_t *strata; /* owned; (rows) class, or 0; -1 where missing */
    int32_t classes; /* 2 for binary, 0 for regression */
    char **names;    /* owned; (classes) as they are written; binary: negative, positive */
};

/* task: "auto", "binary", "multiclass", "regression". positive may be NULL.
 * Fails: KAI_INVALID (one value only, a positive class that is no value, a regression label that is
 * not a number, too many classes), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status target_new(const struct column *label, const char *task,
                                     const char *positive, struct target **ret_target,
                                     kai_err *err);
void target_free(struct target *target);

#endif
