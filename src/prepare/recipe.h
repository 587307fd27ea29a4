/* A feature matrix out of a table: fitted on the rows to learn from, applied the same way later.
 *
 * Two views of the same table, one for each family of models:
 *   RECIPE_TREE   numbers as they are, NaN where missing. A category with few levels is one column
 *                 of ranks in the order of the smoothed target mean (Breiman et al. 1984, section
 *                 9.4: one split then finds the best subset); with more, its smoothed target mean
 *                 (out of fold for the rows learned from; D. Micci-Barreca, SIGKDD Explorations
 *                 3(1), 2001), its place in the order of the texts, and its share of rows.
 *   RECIPE_DENSE  numbers standardised, heavy tails compressed, clipped; missing is the median with
 *                 an indicator beside it where training had missing values; categories are codes
 *                 with a cardinality for the network's own one-hot or embedding; never NaN.
 * Flags are 0 and 1. Dates give parts and the days between each two dates of a row. Very many
 * levels are hashed. What cleaning decided (clean.h) is part of the recipe.
 * Mathematics: docs/methods/preparing.md; bytes: docs/formats/recipe.md.
 */
#ifndef KAIROS_PREPARE_RECIPE_H
#define KAIROS_PREPARE_RECIPE_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "prepare/clean.h"
#include "table/matrix.h"
#include "table/table.h"

enum recipe_view { RECIPE_TREE, RECIPE_DENSE };
/* The same order as enum learn_task. */
enum recipe_task { RECIPE_BINARY, RECIPE_MULTICLASS, RECIPE_REGRESSION };

struct recipe_options {
    enum recipe_view view;
    uint64_t seed;
    int32_t ordered_max;    /* 16: levels up to which a tree sees ranks */
    int32_t onehot;         /* trees see one 0/1 column a level instead of ranks */
    int32_t hash_min;       /* 1000: more levels than this are hashed */
    int32_t hash_buckets;   /* 1024 */
    int32_t folds;          /* 5: for encoding out of fold */
    double smoothing;       /* rows of prior in a target mean; 0 = empirical Bayes */
    double clip;            /* 8: standard deviations that a dense number may reach */
    int32_t date_pairs_max; /* 28 differences between dates; < 0 = none */
};

void recipe_options_init(struct recipe_options *options, enum recipe_view view, uint64_t seed);

/* What to fit to. Borrowed for the call. */
struct recipe_data {
    const struct table *table;
    const struct clean *clean; /* of the same table: its kept columns are the features */
    const int64_t *row_ids;    /* (row_count) rows to learn from, or NULL = all */
    int64_t row_count;
    const double *target; /* (table->rows), read in row_ids only; NULL = none: ranks by frequency */
    enum recipe_task task;
    int32_t classes;      /* MULTICLASS */
    const int32_t *folds; /* (table->rows) >= 0 for encoding out of fold, so that groups stay
                             together; NULL = seeded by row id */
};

struct recipe; /* fitted; immutable */

/* What an application met. */
struct recipe_report {
    int64_t unseen;     /* values of categories that training never saw */
    int64_t missing;    /* cells of features without a value, impossible ones included */
    int64_t impossible; /* read as missing */
    int64_t clipped;    /* winsorised */
    int64_t unreadable; /* text where training had numbers or flags: read as missing */
};

/* Fails: KAI_INVALID (no rows, no feature left, a target that is not a number, an option out of
 * range), KAI_LIMIT (more than CAPS_COLUMNS features), KAI_NO_MEMORY. Threads: uses the pool; the
 * same bytes for any number. */
KAI_MUST_CHECK kai_status recipe_fit(const struct recipe_options *options,
                                     const struct recipe_data *data, struct pool *pool,
                                     struct recipe **ret_recipe, kai_err *err);
/* Fit, and make the matrix of all rows of the table, with the rows learned from encoded out of
 * fold: none of their target means has seen their own target. ret_report may be NULL. */
KAI_MUST_CHECK kai_status recipe_fit_apply(const struct recipe_options *options,
                                           const struct recipe_data *data, struct pool *pool,
                                           struct recipe **ret_recipe, struct matrix **ret_matrix,
                                           struct recipe_report *ret_report, kai_err *err);
/* The matrix of rows row_ids (NULL = all) of any table that has the columns. A column may come as
 * another kind: numbers, flags and categories are read through their text. ret_report may be NULL.
 * Fails: KAI_NOT_FOUND naming a column that is missing, KAI_INVALID naming one that cannot be read
 * (a date is needed and it is none). Threads: any number may share the recipe. */
KAI_MUST_CHECK kai_status recipe_apply(const struct recipe *recipe, const struct table *table,
                                       const int64_t *row_ids, int64_t row_count, struct pool *pool,
                                       struct matrix **ret_matrix, struct recipe_report *ret_report,
                                       kai_err *err);
void recipe_free(struct recipe *recipe);

int32_t recipe_columns(const struct recipe *recipe); /* of the matrix */
enum recipe_view recipe_view(const struct recipe *recipe);
/* The table columns that are needed, in order; NULL past the last. */
const char *recipe_source(const struct recipe *recipe, int32_t index);
/* The kind that a needed column had when it was fitted. */
enum column_kind recipe_source_kind(const struct recipe *recipe, int32_t index);
/* View and features (name, source, encoding) as members of an open object. */
void recipe_describe(const struct recipe *recipe, struct json_writer *json);

/* Failures stick in the writer. */
void recipe_save(const struct recipe *recipe, struct bytes_writer *writer);
/* Everything is checked. Fails: KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status recipe_load(struct bytes_reader *reader, struct recipe **ret_recipe,
                                      kai_err *err);

#endif
