/* What is wrong with a table, and what the recipe shall do about it.
 *
 * Decisions (which columns are left out, which values count as impossible, where outliers begin,
 * which categories are rare) are made from the rows to learn from only; the counts that are
 * reported are of all rows of the table. Nothing in the table is changed. Every step can be
 * switched off by a bit of `keep`.
 *
 *   constant    a feature with one value (or none) in the rows to learn from is left out
 *   identifier  a feature that names its row is left out: text or categories that are almost all
 *               distinct; integers that are all distinct and either strictly monotone, a
 *               permutation of row numbers, or codes of one width of seven digits or more; and any
 *               column whose name ends in the word "id" with many distinct values. A measurement
 *               whose values are all distinct is no identifier.
 *   text        free text is left out
 *   impossible  infinite numbers and dates outside 1900 .. 2100 are read as missing; by option also
 *               the negative numbers of a column of whole numbers in which they are exceptions
 *   outlier     |x - median| > z x scale, scale = 1.4826 x median absolute deviation (where that is
 *               0: 1.2533 x mean absolute deviation), z = 3.5: B. Iglewicz, D. Hoaglin, "How to
 *               Detect and Handle Outliers", 1993, chapter 3. Counted; clipped only by option.
 *   rare        categories with few rows are put together
 *   duplicates  rows with equal keys (role PREPARE_ID) are dropped but for the first; rows that are
 *               equal in everything are counted, and dropped only by option. Test rows are never
 *               dropped; where a key has test rows, it keeps those and no other.
 */
#ifndef KAIROS_PREPARE_CLEAN_H
#define KAIROS_PREPARE_CLEAN_H

#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "prepare/prepare.h"
#include "table/table.h"

enum clean_keep_flags {
    CLEAN_KEEP_CONSTANTS = 1 << 0,
    CLEAN_KEEP_IDS = 1 << 1,
    CLEAN_KEEP_IMPOSSIBLE = 1 << 2,
    CLEAN_KEEP_RARE = 1 << 3,       /* rare categories stay apart */
    CLEAN_KEEP_DUPLICATES = 1 << 4, /* equal keys stay */
};

struct clean_options {
    uint32_t keep;           /* enum clean_keep_flags */
    double outlier_z;        /* 3.5 */
    int32_t winsorise;       /* clip outliers to the bounds */
    int32_t drop_duplicates; /* equal rows too */
    int32_t negatives;       /* negative whole numbers, where at most 0.1 % are, are impossible */
    double id_share;         /* 0.9: of distinct values, from which a category is an identifier */
    int64_t rare_rows_min;   /* categories with fewer rows are rare; 0 = a thousandth of the rows,
                                at least 2 and at most 10 */
};

void clean_options_init(struct clean_options *options);

enum clean_reason {
    CLEAN_KEPT,
    CLEAN_ROLE, /* not a feature */
    CLEAN_EMPTY,
    CLEAN_CONSTANT,
    CLEAN_IDENTIFIER,
    CLEAN_TEXT,
};

/* "kept", "role", "empty", "constant", "identifier", "text" */
const char *clean_reason_text(enum clean_reason reason);

struct clean_column {
    char *name; /* owned */
    enum prepare_role role;
    enum clean_reason reason;
    int64_t missing;      /* of all rows, before cleaning */
    int64_t impossible;   /* of all rows */
    int64_t outliers;     /* of all rows */
    int64_t rare_levels;  /* categories that are put together */
    int64_t rare_rows;    /* of all rows, in those */
    int64_t learn_levels; /* distinct values in the rows to learn from */
    double low, high;     /* what is possible; outside it is missing */
    double outlier_low, outlier_high;
};

struct clean {
    struct clean_options options; /* with the defaults filled in */
    int64_t rows;
    int64_t learn_rows;
    int32_t columns;
    struct clean_column *items; /* owned; (columns), in the table's order */
    int64_t equal_rows;         /* rows that equal an earlier one in everything */
    int64_t equal_keys;         /* rows whose key stood before */
    int64_t dropped;
    uint8_t *is_dropped; /* owned; (rows) 1 = neither learn from it nor test on it */
};

/* Look at a table. roles: (table->count). row_ids: (row_count) rows to learn from, NULL = all.
 * is_test: (rows) 1 = must not be dropped, or NULL. A key is a value of the column with role
 * PREPARE_ID (several such columns: together); rows without a key are never dropped.
 * Gives: *ret_clean, free with clean_free. Fails: KAI_INVALID (an option out of range, a row
 * outside the table), KAI_NO_MEMORY. Threads: uses the pool; same result for any number. */
KAI_MUST_CHECK kai_status clean_find(const struct clean_options *options, const struct table *table,
                                     const enum prepare_role *roles, const int64_t *row_ids,
                                     int64_t row_count, const uint8_t *is_test, struct pool *pool,
                                     struct clean **ret_clean, kai_err *err);
void clean_free(struct clean *clean);
/* The ids of row_ids (NULL = all rows) that are not dropped; at most row_count.
 * ret_ids: (row_count). Returns how many. */
int64_t clean_rows(const struct clean *clean, const int64_t *row_ids, int64_t row_count,
                   int64_t *ret_ids);
/* The object `cleaning` of `fit` and `run`: counts of each step and what was left out why, as
 * members of an open object. */
void clean_describe(const struct clean *clean, struct json_writer *json);

#endif
