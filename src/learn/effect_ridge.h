/* Ridge regression in closed form over a standardised design of the features: numbers winsorised
 * at 4 deviations, missing values at the mean with an indicator, small categories as indicators.
 * The penalty is chosen by generalised cross-validation (Golub, Heath, Wahba, 1979).
 * Private to src/learn/effect*.c. */
#ifndef KAIROS_LEARN_EFFECT_RIDGE_H
#define KAIROS_LEARN_EFFECT_RIDGE_H

#include <stdint.h>

#include "base/bytes.h"
#include "table/matrix.h"

enum {
    EFFECT_DESIGN_MAX = 128,   /* columns of the design; features beyond are left out */
    EFFECT_DESIGN_LEVELS = 16, /* larger categories are left out */
};

/* One column of the design: (value == level) for a category, missing for level -2, else a number.
 */
struct effect_term {
    int32_t feature;
    int32_t level; /* -1 = number, -2 = missing, else the category's code */
    float mean, deviation;
};

struct effect_design {
    int32_t count;
    struct effect_term term[EFFECT_DESIGN_MAX];
};

struct effect_ridge {
    struct effect_design design;
    double start;
    double weight[EFFECT_DESIGN_MAX];
};

/* The design of the rows (row_ids NULL = all). */
void effect_design_fit(const struct matrix *features, const int64_t *row_ids, int64_t row_count,
                       struct effect_design *ret_design);
/* ret_values: (design->count) */
void effect_design_row(const struct effect_design *design, const struct matrix *features,
                       int64_t row, float *ret_values);
/* design_rows: (positions, count) float; fits rows positions[0..count). weight may be NULL. */
KAI_MUST_CHECK kai_status effect_ridge_fit(const struct effect_design *design,
                                           const float *design_rows, const int32_t *positions,
                                           int64_t count, const float *target, const float *weight,
                                           struct effect_ridge **ret_ridge, kai_err *err);
void effect_ridge_free(struct effect_ridge *ridge);
/* values: (design.count), one row of the design */
double effect_ridge_value(const struct effect_ridge *ridge, const float *values);
void effect_ridge_save(const struct effect_ridge *ridge, struct bytes_writer *writer);
KAI_MUST_CHECK kai_status effect_ridge_load(struct bytes_reader *reader, int32_t columns,
                                            struct effect_ridge **ret_ridge, kai_err *err);

#endif
