/* Columns of a table as the arrays that proofs take: names as codes, numbers as doubles. */
#ifndef KAIROS_ENGINE_PROOF_COLUMNS_H
#define KAIROS_ENGINE_PROOF_COLUMNS_H

#include "base/dict.h"
#include "table/table.h"

/* A column as codes of its printed values. ret_codes: (rows), owned by the caller, -1 where
 * missing; new names are added to `names`. Fails: KAI_NOT_FOUND, KAI_NO_MEMORY, KAI_LIMIT. */
KAI_MUST_CHECK kai_status proof_names(const struct table *table, const char *column,
                                      struct dict *names, int32_t **ret_codes, kai_err *err);
/* A column as numbers. ret_values: (rows), owned by the caller; NaN where missing;
 * words for yes and no are 1 and 0. Fails:
 * KAI_NOT_FOUND, KAI_INVALID for a column of texts, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status proof_numbers(const struct table *table, const char *column,
                                        double **ret_values, kai_err *err);
/* The same, where every row must have a value. */
KAI_MUST_CHECK kai_status proof_numbers_all(const struct table *table, const char *column,
                                            double **ret_values, kai_err *err);

#endif
