/* What a recipe is made of. Private to src/prepare.
 *
 * A source is a table column as training saw it. An item reads one source (or two: the days between
 * two dates) into one value a row, a number or the group of a category; its features turn that
 * value into matrix columns. Fitting reads through the same functions as applying, so that both see
 * the same values.
 */
#ifndef KAIROS_PREPARE_RECIPE_PARTS_H
#define KAIROS_PREPARE_RECIPE_PARTS_H

#include "base/dict.h"
#include "prepare/recipe.h"

/* Groups of a category: 0 = rare and unseen levels, 1 .. = levels by falling frequency (or hash
 * buckets), and, where missing values have a group, that is the last. */
struct recipe_levels {
    struct dict dict;  /* texts by falling frequency; empty where hashed */
    int32_t *group_of; /* owned; (dict.count) 0 = rare */
    int32_t count;     /* groups; 0 = the source is no category */
    int64_t *rows;     /* owned; (count) training rows */
    int32_t buckets;   /* groups 1 .. buckets are of hashes; 0 = of the dictionary */
    int32_t missing;   /* group of missing values; -1 = none, NaN */
    int32_t other;     /* group that rare and unseen values are read as */
};

enum recipe_item_kind { ITEM_NUMBER, ITEM_FLAG, ITEM_LEVELS, ITEM_DATE, ITEM_GAP, ITEM_KINDS };

struct recipe_source {
    char *name; /* owned */
    enum column_kind kind;
    double low, high;           /* outside: missing */
    double clip_low, clip_high; /* winsorising bounds */
    struct recipe_levels levels;
};

enum recipe_encoding {
    ENCODE_NUMBER, /* the value */
    ENCODE_ABSENT, /* 1 where it is missing */
    ENCODE_RANK,   /* values[group] */
    ENCODE_MEAN,   /* values[group], out of fold for training rows; part = class */
    ENCODE_SHARE,  /* values[group] */
    ENCODE_CODE,   /* the group */
    ENCODE_ONEHOT, /* 1 where the group is `part` */
    ENCODE_YEAR,
    ENCODE_MONTH, /* 1 .. 12 */
    ENCODE_DAY,
    ENCODE_WEEKDAY, /* 1 = Monday .. 7 */
    ENCODE_HOUR,
    ENCODE_DAYS, /* since 1970-01-01 */
    ENCODE_KINDS
};

/* out = (f(x) - mean) / deviation, clipped, where f(x) = asinh((x - center) / spread) or, where
 * spread is 0, x; a missing x is `fill`. */
struct recipe_scale {
    int32_t is_on;
    double fill, center, spread, mean, deviation, clip;
};

struct recipe_feature {
    char *name; /* owned */
    enum recipe_encoding encoding;
    int32_t cardinality;
    int32_t part;
    struct recipe_scale scale;
    double smoothing; /* of ENCODE_MEAN */
    double *values;   /* owned; (value_count) by group */
    int32_t value_count;
};

struct recipe_item {
    enum recipe_item_kind kind;
    int32_t source;
    int32_t other_source; /* ITEM_GAP: days from this to `source`; else -1 */
    int32_t is_fine;      /* ITEM_GAP: both have times of day */
    int32_t first;        /* matrix column of the first feature */
    int32_t count;
    struct recipe_feature *features; /* owned; (count) */
};

struct recipe {
    enum recipe_view view;
    int32_t columns;
    int32_t source_count;
    struct recipe_source *sources; /* owned */
    int32_t item_count;
    struct recipe_item *items; /* owned */
};

/* Rows of a table column, read the way that its source was: row_ids NULL = the first rows. */
struct recipe_rows {
    const int64_t *ids;
    int64_t count;
};

/* recipe_read.c. ret_values: (rows.count) NaN where missing; dates in microseconds. */
KAI_MUST_CHECK kai_status recipe_read_numbers(const struct recipe_source *source,
                                              const struct column *column, struct recipe_rows rows,
                                              double *ret_values, struct recipe_report *report,
                                              kai_err *err);
/* ret_values: days from `before` to `after`; both in microseconds, NaN where missing. */
void recipe_gap(const double *after, const double *before, int64_t count, int is_fine,
                double *ret_values);
/* ret_groups: (rows.count) -1 where missing has no group. */
KAI_MUST_CHECK kai_status recipe_read_groups(const struct recipe_source *source,
                                             const struct column *column, struct recipe_rows rows,
                                             int32_t *ret_groups, struct recipe_report *report,
                                             kai_err *err);

/* recipe_levels.c. Levels with fewer than rare_rows_min training rows are rare. */
KAI_MUST_CHECK kai_status recipe_levels_fit(const struct recipe_options *options,
                                            int64_t rare_rows_min, const struct column *column,
                                            struct recipe_rows rows,
                                            struct recipe_levels *ret_levels, kai_err *err);
void recipe_levels_release(struct recipe_levels *levels);

/* recipe_scale.c. values: NaN where missing. scratch: (2 * count) */
struct recipe_scale recipe_scale_fit(const double *values, int64_t count, double clip,
                                     double *scratch);
/* A finite number for any x, NaN and infinities included. */
double recipe_scale_apply(const struct recipe_scale *scale, double x);

/* recipe_emit.c. One feature of an item, from its numbers or its groups, into a matrix column. */
void recipe_emit(const struct recipe_feature *feature, const double *numbers, const int32_t *groups,
                 int64_t count, float *ret_column);
double recipe_date_part(enum recipe_encoding part, double us);

/* recipe_item.c. Fit the features of one item; sources and levels of the item are fitted already.
 * numbers or groups: (rows.count) what was read in the rows to learn from; target: the same rows,
 * or NULL. */
struct recipe_learned {
    const double *numbers;
    const int32_t *groups;
    const double *target;
    int64_t count;
    enum recipe_task task;
    int32_t classes;
};
KAI_MUST_CHECK kai_status recipe_item_fit(const struct recipe_options *options,
                                          const struct recipe_source *sources,
                                          const struct recipe_learned *learned,
                                          struct recipe_item *item, kai_err *err);
void recipe_item_release(struct recipe_item *item);

/* recipe_fit.c */
/* Columns, names and cardinalities of the matrix; all rows NaN. */
KAI_MUST_CHECK kai_status recipe_matrix(const struct recipe *recipe, int64_t rows,
                                        struct matrix **ret_matrix, kai_err *err);

/* Texts for describe. */
const char *recipe_encoding_text(enum recipe_encoding encoding);

#endif
