/* The inside of a fitted effect model. Private to src/learn/effect*.c. */
#ifndef KAIROS_LEARN_EFFECT_MODEL_H
#define KAIROS_LEARN_EFFECT_MODEL_H

#include "learn/effect_part.h"

enum { EFFECT_CANDIDATES_MAX = EFFECT_LEARNERS * EFFECT_BASES + 1 };

/* One learner in the model. */
struct effect_member {
    enum effect_learner learner;
    enum effect_base base;
    double weight;
    double *centre;              /* owned; (offers) mean of f_k over the training rows */
    struct effect_part *joint;   /* owned; S */
    struct effect_part **effect; /* owned; (offers); X, DR */
};

/* effect_k = average_k + sum over members of weight (f_k - centre_k), where f_k is the learner's
 * own answer: S: joint(x, k) - joint(x, 0); T: arm_k(x) - arm_0(x); X, DR: effect_k(x). Outcome
 * under arm a: baseline(x) + arm_a(x). A constant model has no members. */
struct effect_model {
    enum effect_learner learner;
    enum effect_base base;
    int32_t offers, columns;
    double *average;              /* owned; (offers) */
    struct effect_part *baseline; /* owned */
    struct effect_part **arm;     /* owned; (offers + 1) */
    int32_t member_count;
    struct effect_member members[EFFECT_CANDIDATES_MAX];
    int32_t score_count;
    struct effect_score scores[EFFECT_CANDIDATES_MAX]; /* best first */
};

/* The learner's own answers for one offer: its part, and the part to subtract, or NULL. */
struct effect_answer {
    const struct effect_part *part, *less;
};
struct effect_answer effect_answer_of(const struct effect_model *model,
                                      const struct effect_member *member, int32_t offer);
KAI_MUST_CHECK kai_status effect_model_add(struct effect_model *model, enum effect_learner learner,
                                           enum effect_base base, double weight, kai_err *err);
KAI_MUST_CHECK kai_status effect_model_new(int32_t offers, int32_t columns,
                                           struct effect_model **ret_model, kai_err *err);

/* Out-of-fold effects of candidates, and their comparison: effect_choose.c. */
struct effect_candidate {
    enum effect_learner learner;
    enum effect_base base;
    float *effects; /* owned; (positions, offers) out of fold, before shrinking; NULL = constant */
    double weight;  /* in the blend */
};

/* What a position tells the second stage of a learner about an offer: 0 where it says nothing. */
int effect_target(const struct effect_rows *rows, enum effect_learner learner, int32_t offer,
                  int64_t position, int32_t without, float *ret_target, float *ret_weight);
/* Fit the second stage of X or DR for one offer (0-based), or S's joint model, without one fold
 * (-1 = on all). */
KAI_MUST_CHECK kai_status effect_fit_stage(const struct effect_rows *rows,
                                           enum effect_learner learner, enum effect_base base,
                                           int32_t offer, int32_t without,
                                           struct effect_part **ret_part, kai_err *err);
/* Fit the candidates fold by fold, shrink and score them; ret_scores is sorted, best first. */
KAI_MUST_CHECK kai_status effect_compare(const struct effect_rows *rows,
                                         struct effect_candidate *candidates, int32_t count,
                                         const double *average, struct pool *pool,
                                         const struct progress *progress,
                                         struct effect_score *ret_scores, kai_err *err);

#endif
