/* Reading one item of a recipe from a table. Private to src/prepare. */
#ifndef KAIROS_PREPARE_RECIPE_WORK_H
#define KAIROS_PREPARE_RECIPE_WORK_H

#include "prepare/recipe_parts.h"

/* What an item reads: numbers (dates in microseconds), or the groups of a category. */
struct recipe_reading {
    double *numbers; /* owned; (rows) or NULL */
    int32_t *groups; /* owned; (rows) or NULL */
};

KAI_MUST_CHECK kai_status recipe_read_item(const struct recipe *recipe,
                                           const struct recipe_item *item,
                                           const struct table *table, struct recipe_rows rows,
                                           struct recipe_reading *ret_reading,
                                           struct recipe_report *report, kai_err *err);
void recipe_reading_release(struct recipe_reading *reading);

/* The target of the rows to learn from, in their order; the caller frees it with mem_free. */
KAI_MUST_CHECK kai_status recipe_take_target(const struct recipe_data *data, double **ret_target,
                                             kai_err *err);

#endif
