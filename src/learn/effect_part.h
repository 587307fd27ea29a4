/* One regression inside an effect model, over any base; and the training part that all of them
 * share: binned features, ridge design, arms, folds. Private to src/learn/effect*.c. */
#ifndef KAIROS_LEARN_EFFECT_PART_H
#define KAIROS_LEARN_EFFECT_PART_H

#include "learn/effect.h"
#include "learn/effect_boost.h"
#include "learn/effect_ridge.h"

enum {
    EFFECT_FOLDS_MAX = 10,
    EFFECT_ARMS_MAX = 513, /* CAPS_OFFERS and the control */
    EFFECT_NOISE_LEVELS = 32,
};

struct effect_part {
    enum effect_base base;
    struct effect_boost *boost; /* owned; BOOST */
    struct effect_ridge *ridge; /* owned; RIDGE */
    struct model *forest;       /* owned; FOREST */
};

/* The training rows, by position 0..count-1. */
struct effect_rows {
    const struct effect_data *data;
    uint64_t seed;
    int32_t arms, folds;
    int64_t count;
    int64_t *row;                /* owned; the matrix row of a position */
    int32_t *arm;                /* owned */
    float *outcome;              /* owned */
    float *propensity;           /* owned; of the row's own arm */
    uint8_t *fold;               /* owned */
    struct forest_bins *bins;    /* owned */
    struct effect_design design; /* count 0 where ridge is not wanted */
    float *design_rows;          /* owned; (count, design.count) */
    float *mu[EFFECT_FOLDS_MAX]; /* owned; (count, arms) by the models of one fold */
    /* how much a row's outcome varies around what is expected: effect_noise.c */
    float *noise[EFFECT_FOLDS_MAX]; /* owned; (count) by the model of one fold; NULL = alike */
    int32_t noise_levels;           /* 0 = all rows are alike */
    float noise_above[EFFECT_NOISE_LEVELS];  /* lowest score of a level */
    float noise_weight[EFFECT_NOISE_LEVELS]; /* inverse variance there; mean 1 over the rows */
};

/* What a part is for: it sets how much the boosted trees may learn. */
enum effect_role {
    EFFECT_ROLE_BASELINE,
    EFFECT_ROLE_ARM,
    EFFECT_ROLE_EFFECT,
    EFFECT_ROLE_JOINT,
    EFFECT_ROLE_NOISE
};

struct effect_task {
    enum effect_base base;
    enum effect_role role;
    uint64_t index; /* of the random stream */
    const int32_t *positions;
    int64_t count;
    const float *target; /* (count) */
    const float *weight; /* (count) or NULL */
};

KAI_MUST_CHECK kai_status effect_part_fit(const struct effect_rows *rows,
                                          const struct effect_task *task,
                                          struct effect_part **ret_part, kai_err *err);
void effect_part_free(struct effect_part *part);
/* Values at training positions, for indicator columns of `arm`: ret_values (count). */
KAI_MUST_CHECK kai_status effect_part_at(const struct effect_rows *rows,
                                         const struct effect_part *part, const int32_t *positions,
                                         int64_t count, int32_t arm, double *ret_values,
                                         kai_err *err);
/* Values at matrix rows row_ids[0..count). */
KAI_MUST_CHECK kai_status effect_part_predict(const struct effect_part *part,
                                              const struct matrix *features, const int64_t *row_ids,
                                              int64_t count, int32_t arm, double *ret_values,
                                              kai_err *err);
void effect_part_save(const struct effect_part *part, struct bytes_writer *writer);
KAI_MUST_CHECK kai_status effect_part_load(struct bytes_reader *reader, int32_t columns,
                                           struct effect_part **ret_part, kai_err *err);

/* Check the data and lay out the training part. wants_ridge: make the design. */
KAI_MUST_CHECK kai_status effect_rows_init(const struct effect_options *options,
                                           const struct effect_data *data, int wants_ridge,
                                           struct pool *pool, struct effect_rows *ret_rows,
                                           kai_err *err);
void effect_rows_release(struct effect_rows *rows);
/* Expected outcomes of a position under each arm, by models that saw neither its fold nor the fold
 * `without` (-1 = none): ret_mu (arms). */
void effect_rows_mu(const struct effect_rows *rows, int64_t position, int32_t without,
                    double *ret_mu);
/* Doubly robust scores of the offers' effects at a position: ret_scores (arms - 1). */
void effect_rows_scores(const struct effect_rows *rows, int64_t position, int32_t without,
                        double *ret_scores);

/* Learn how much outcomes vary, from the expected ones (mu must be there). */
KAI_MUST_CHECK kai_status effect_noise_fit(struct effect_rows *rows, enum effect_base base,
                                           struct pool *pool, const struct progress *progress,
                                           kai_err *err);
/* The weight of a position by its noise, from models of folds other than its own and `without` (-1
 * = none); 1 before effect_noise_fit. */
double effect_noise_weight(const struct effect_rows *rows, int64_t position, int32_t without);
/* The same by the model of one fold alone. */
double effect_noise_weight_by(const struct effect_rows *rows, int64_t position, int32_t fold);

#endif
