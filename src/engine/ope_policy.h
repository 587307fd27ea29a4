/* A policy as a table: row (from 1; without it the same for all rows), position (optional), action,
 * probability. What is not listed has probability 0. */
#ifndef KAIROS_ENGINE_OPE_POLICY_H
#define KAIROS_ENGINE_OPE_POLICY_H

#include "base/dict.h"
#include "evaluate/ope.h"
#include "table/table.h"

struct ope_table {
    struct ope_log log;
    const struct dict *actions;
    const struct dict *positions; /* NULL: none */
    const int32_t *position;      /* (rows) or NULL */
    const double *means;          /* (folds, positions, actions) of ope_fit_means, or NULL */
    int32_t folds;
};

/* ret_chosen: (rows) chance of the logged action; ret_model: (rows) sum of chances x predicted
 * reward, where there are means. Fails: KAI_INVALID "FILE: row 7: ..." for a row or a
 * probability that cannot be, probabilities of a row that do not add up to 1, an action that stands
 * twice for all rows; KAI_NOT_FOUND (columns); KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status ope_policy_read(const struct table *table, const struct ope_table *logged,
                                          double *ret_chosen, double *ret_model, kai_err *err);

#endif
