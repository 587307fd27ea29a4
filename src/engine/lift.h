/* The working state of `kairos evaluate uplift`: lift_load (rows, arms, features), lift_learn
 * (scores out of fold), lift_describe (words). Private to this folder.
 *
 * `used` rows have an arm and an outcome; arrays go over them. */
#ifndef KAIROS_ENGINE_LIFT_H
#define KAIROS_ENGINE_LIFT_H

#include <kairos/lift.h>

#include "base/arena.h"
#include "collect/collect.h"
#include "engine/engine.h"
#include "evaluate/leaks.h"
#include "evaluate/reliability.h"
#include "evaluate/toc.h"
#include "evaluate/trial.h"
#include "evaluate/uplift.h"
#include "prepare/clean.h"
#include "table/matrix.h"
#include "table/table.h"

enum lift_learner {
    LIFT_CONSTANT,
    LIFT_S,
    LIFT_T,
    LIFT_X,
    LIFT_DR,
    LIFT_CAUSAL,
    LIFT_NOISE,
    LIFT_SCORE, /* a column of the table */
    LIFT_LEARNERS
};

/* One learner's ranking for one offer, judged. */
struct lift_proof {
    struct uplift_curve curve;
    struct reliability reliability;
    struct estimate autoc;
    double risk; /* mean of (psi - prediction)^2 less that of the constant effect, over the latter;
                    below 0 = better than one effect for all; NaN for a ranking */
    double slope_p; /* one-sided: the effects differ as predicted */
};

struct lift {
    kai_engine *engine;
    const kai_evaluate_uplift_options *options;
    struct timing timing;
    struct arena arena;
    struct table *table; /* owned */
    struct collect_report report;
    enum prepare_role *roles; /* owned; (columns) */
    struct leak *leaks;       /* owned */
    int32_t leak_count;
    struct clean *clean;   /* owned */
    struct matrix *matrix; /* owned; all rows of the table */
    int32_t arms, offers;
    const char **arm_names; /* (arms) in the arena; control first */
    int64_t used_count;
    int64_t *used;                        /* owned; rows of the table */
    int32_t *row_arm;                     /* owned; (rows) -1 = unknown */
    double *row_outcome, *row_propensity; /* owned; (rows); the second NULL = uniform */
    int32_t *fold;                        /* owned; (rows) */
    int32_t *arm;                         /* owned; (used) */
    double *outcome, *propensity;         /* owned; (used) */
    double *predicted;                    /* owned; (used, arms) out of fold, or NULL */
    int32_t learner_count;
    enum lift_learner learners[LIFT_LEARNERS];
    double *effect[LIFT_LEARNERS];     /* owned; (used, offers) out of fold */
    double *psi;                       /* owned; (offers, used) */
    struct lift_proof *proofs;         /* owned; (learners, offers) */
    struct toc_projection *projection; /* owned; (offers, matrix columns) */
};

const char *lift_learner_text(enum lift_learner learner);
KAI_MUST_CHECK kai_status lift_load(struct lift *lift, kai_err *err);
KAI_MUST_CHECK kai_status lift_learn(struct lift *lift, kai_err *err);
KAI_MUST_CHECK kai_status lift_describe(struct lift *lift, struct buf *out, kai_err *err);
KAI_MUST_CHECK kai_status lift_print(const struct lift *lift, struct buf *out, kai_err *err);

#endif
