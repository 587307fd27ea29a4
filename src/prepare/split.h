/* Which rows teach and which rows test.
 *
 * Seeded and deterministic: the same rows, options and seed give the same split on every machine.
 * A split is by exactly one of: chance within strata, groups, time, a column of the table.
 *
 *   chance  round(share x rows) test rows; each stratum gets its share, by largest remainder, so
 *           that each is within one row of exact
 *   groups  a group is never cut; groups, largest first, go to the side that lacks most of what
 *           they hold, stratum by stratum
 *   time    the latest rows test; rows of one instant stay together, so the share is the nearest
 *           that times allow; rows without a time teach
 *   column  1 = test, 0 = train
 */
#ifndef KAIROS_PREPARE_SPLIT_H
#define KAIROS_PREPARE_SPLIT_H

#include <stdint.h>

#include "base/err.h"
#include "table/table.h"

/* The rows to split. Arrays are indexed by the table's rows. Borrowed. */
struct split_data {
    const int64_t *row_ids; /* (row_count) or NULL = 0 .. row_count-1 */
    int64_t row_count;
    const int32_t *strata; /* (rows) >= 0, such as the class; NULL = one stratum */
    const int32_t *groups; /* (rows) >= 0; -1 = a group of its own; NULL = no groups */
};

struct split {
    int64_t *train; /* owned; (train_count) row ids, ascending */
    int64_t train_count;
    int64_t *test; /* owned; (test_count) row ids, ascending */
    int64_t test_count;
};

/* By chance and groups. Fails: KAI_INVALID where share is not inside (0, 1), a code is out of range
 * or a side would be empty; KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status split_share(uint64_t seed, double test_share,
                                      const struct split_data *data, struct split *ret_split,
                                      kai_err *err);
/* By time: a column of dates or numbers. Fails: KAI_INVALID (another kind; a side would be empty).
 */
KAI_MUST_CHECK kai_status split_time(double test_share, const struct split_data *data,
                                     const struct column *time, struct split *ret_split,
                                     kai_err *err);
/* By a column of 0 and 1. Fails: KAI_INVALID, naming the row, where a value is neither. */
KAI_MUST_CHECK kai_status split_column(const struct split_data *data, const struct column *test,
                                       struct split *ret_split, kai_err *err);
void split_release(struct split *split);

/* Folds 0 .. folds-1 for the rows of `data`; other rows keep -1. Sizes differ by at most one, in
 * each stratum too (with groups: as near as groups allow). ret_folds: (rows), rows the highest id
 * + 1 at least. Fails: KAI_INVALID (fewer rows or groups than folds, folds < 2). */
KAI_MUST_CHECK kai_status split_folds(uint64_t seed, int32_t folds, const struct split_data *data,
                                      int64_t rows, int32_t *ret_folds, kai_err *err);

/* Codes of equal values of a column, in order of first appearance; -1 where missing. For strata and
 * groups. ret_codes: (column->rows). */
KAI_MUST_CHECK kai_status split_codes(const struct column *column, int32_t *ret_codes,
                                      int32_t *ret_count, kai_err *err);

#endif
