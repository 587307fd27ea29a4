/* A plan and the model behind it, by the groups of a sensitive column.
 *
 * The plan's rows (customers) and the rows where effects are measured (history) may differ; both
 * are coded into the same groups. Groups below FAIRNESS_ROWS_MIN rows are reported but take no part
 * in gaps. A gap is the largest minus the smallest group value; its interval is simultaneous over
 * all pairs (Bonferroni), so it does not flatter the pair that was picked for being extreme. */
#ifndef KAIROS_EVALUATE_FAIRNESS_H
#define KAIROS_EVALUATE_FAIRNESS_H

#include <stdint.h>

#include "base/err.h"
#include "evaluate/estimate.h"
#include "table/table.h"

enum { FAIRNESS_GROUPS_MAX = 512, FAIRNESS_ROWS_MIN = 30, FAIRNESS_LEVELS_MAX = 10 };

/* The groups of a column: a level each for categories, texts and flags; each value of a number with
 * at most 10 values, else its quartiles; a last group "(missing)" where values are missing. */
struct fairness_groups {
    int32_t count;
    char **names;        /* owned; (count) */
    int32_t has_missing; /* the last group is "(missing)" */
    int32_t level_count; /* of a number with few values, rising; 0 = none */
    double levels[FAIRNESS_LEVELS_MAX];
    int32_t cut_count; /* of quartiles, upper ends; 0 = none */
    double cuts[3];
};

/* Fails: KAI_LIMIT above FAIRNESS_GROUPS_MAX groups, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status fairness_groups_new(const struct column *column,
                                              struct fairness_groups **ret_groups, kai_err *err);
void fairness_groups_free(struct fairness_groups *groups);
/* The group of each row of a column of the same kind, -1 for a level that the groups lack.
 * ret_group: (column->rows). */
KAI_MUST_CHECK kai_status fairness_groups_apply(const struct fairness_groups *groups,
                                                const struct column *column, int32_t *ret_group,
                                                kai_err *err);

/* Borrowed. Rows with group -1 are left out. */
struct fairness_plan {
    int64_t rows;
    const int32_t *group;  /* (rows) in [-1, groups) */
    const double *treated; /* (rows) 0 or 1, or a probability */
    const double *value;   /* (rows) expected value of what the row gets */
    const double *effect;  /* (rows) predicted effect of what the row gets or would get; or NULL */
};
struct fairness_model {
    int64_t rows;
    const int32_t *group;
    const double *predicted; /* (rows) effect */
    const double *observed;  /* (rows) effect score, trial_effects */
    const double *residual;  /* (rows) outcome - prediction for the logged arm, or NULL */
};

struct fairness_group {
    const char *name; /* borrowed from the groups; NULL without */
    int64_t n;        /* rows of the plan */
    double row_share;
    struct estimate treated_share;    /* Wilson */
    struct estimate value_share;      /* of the plan's total value; none where that is 0 */
    struct estimate value_mean;       /* per row of the group */
    struct estimate effect_predicted; /* plan rows where `effect` is given, else model rows */
    struct estimate effect_observed;  /* model rows */
    struct estimate calibration;      /* mean of observed - predicted */
    struct estimate error;            /* mean of |residual| */
    int is_small;                     /* below FAIRNESS_ROWS_MIN */
    int is_miscalibrated; /* the calibration interval, Bonferroni over groups, lacks 0 */
};

struct fairness_audit {
    int32_t count;
    struct fairness_group *groups; /* owned; (count) */
    struct estimate treated_gap;
    struct estimate value_gap; /* of value_mean */
    struct estimate error_gap;
    struct estimate calibration_gap;
    double treated_ratio;     /* smallest / largest treated share; NaN where none is treated */
    int is_below_four_fifths; /* treated_ratio < 0.8 */
    int is_gap_above;         /* treated_gap.value > gap_max */
    int is_gap_surely_above;  /* treated_gap.low > gap_max */
    double limit;             /* gap_max; NaN where there is none */
};

/* plan or model may be NULL: their parts are estimate_none. groups NULL = names unknown,
 * group_count counts. gap_max: largest allowed treated gap, 0 = no opinion.
 * Fails: KAI_INVALID (group out of range, not finite), KAI_LIMIT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status fairness_measure(const struct fairness_plan *plan,
                                           const struct fairness_model *model,
                                           const struct fairness_groups *groups,
                                           int32_t group_count, double gap_max, double confidence,
                                           struct fairness_audit **ret_audit, kai_err *err);
void fairness_audit_free(struct fairness_audit *audit);

#endif
