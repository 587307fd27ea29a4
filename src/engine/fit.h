/* The working state of `kairos fit`, shared by its steps (job_fit.c) and its words
 * (fit_describe.c). */
#ifndef KAIROS_ENGINE_FIT_H
#define KAIROS_ENGINE_FIT_H

#include "engine/engine.h"
#include "engine/reading.h"
#include "engine/saved.h"
#include "learn/metric.h"
#include "learn/tune.h"
#include "prepare/clean.h"
#include "prepare/split.h"
#include "prepare/target.h"

struct fit_model {
    int is_wanted;
    struct tuning *tuning; /* owned; NULL = not tuned */
    struct metric_set train, test;
    double validation_loss; /* on the rows that no model learned from */
    double *growth;         /* owned; (columns of the view) permutation importance, or NULL */
};

struct fit {
    kai_engine *engine;             /* borrowed */
    const kai_fit_options *options; /* borrowed */
    struct timing timing;
    struct table *table; /* owned */
    struct collect_report report;
    enum prepare_role *roles; /* owned; (columns) */
    struct target *target;    /* owned */
    struct split split;
    int32_t *groups; /* owned; (rows), or NULL */
    int64_t *train;  /* owned; (train_count) rows to learn from, after cleaning */
    int64_t train_count;
    uint8_t *is_test;        /* owned; (rows) */
    uint8_t *is_validation;  /* owned; (rows) 20 % of the training rows, for the network */
    uint8_t *is_stop;        /* owned; (rows) half of those, for boosting and for the choice */
    struct clean *clean;     /* owned */
    struct matrix *views[2]; /* owned; by enum recipe_view */
    struct recipe_report recipe_report;
    struct fit_model models[LEARN_KINDS];
    struct saved saved;
    char *saved_path; /* owned; NULL = not saved */
};

/* The result as JSON (with timing) and as text. Either may be NULL. */
KAI_MUST_CHECK kai_status fit_describe(struct fit *fit, kai_buf *ret_json, kai_buf *ret_text,
                                       kai_err *err);

#endif
