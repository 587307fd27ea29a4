/* The steps of clean.h, one table or column at a time. Private to src/prepare. */
#ifndef KAIROS_PREPARE_CLEAN_PARTS_H
#define KAIROS_PREPARE_CLEAN_PARTS_H

#include "prepare/clean.h"

/* Judge one feature: fills everything of `ret_item` but name and role. `learn` are the rows to
 * learn from (NULL = the first learn_rows). */
KAI_MUST_CHECK kai_status clean_judge(const struct clean_options *options,
                                      const struct column *column, const int64_t *learn,
                                      int64_t learn_rows, struct clean_column *ret_item,
                                      kai_err *err);
/* Find equal rows and equal keys; fills the counts and is_dropped of `clean`. */
KAI_MUST_CHECK kai_status clean_duplicates(struct clean *clean, const struct table *table,
                                           const uint8_t *is_test, kai_err *err);

#endif
