/* What `fit` makes and `predict` uses: recipes, models and calibrators of one label, as one file.
 *
 * A bundle (base/bundle.h) with the sections `meta` (JSON), `recipe.tree`, `recipe.dense`,
 * `model.<kind>` and `calib.<kind>`; docs/formats/model.md.
 */
#ifndef KAIROS_ENGINE_SAVED_H
#define KAIROS_ENGINE_SAVED_H

#include "engine/engine.h"
#include "learn/calibrate.h"
#include "learn/learn.h"
#include "prepare/recipe.h"
#include "table/table.h"

struct saved {
    char *label; /* owned */
    enum learn_task task;
    int32_t classes; /* 0 for regression */
    char **names;    /* owned; (classes) */
    enum learn_kind best;
    struct recipe *recipes[2];                   /* owned; by enum recipe_view; NULL = not needed */
    struct model *models[LEARN_KINDS];           /* owned; NULL = not fitted */
    struct calibrator *calibrators[LEARN_KINDS]; /* owned; NULL = none */
};

/* The view of a table that a kind of model reads. */
enum recipe_view saved_view(enum learn_kind kind);
void saved_release(struct saved *saved);
KAI_MUST_CHECK kai_status saved_save(const struct saved *saved, const char *path, kai_err *err);
/* Fails: KAI_NOT_FOUND, KAI_CORRUPT with the reason, KAI_UNSUPPORTED. */
KAI_MUST_CHECK kai_status saved_load(const char *path, struct saved *ret_saved, kai_err *err);
/* The same from bytes; `name` is what errors call them. */
KAI_MUST_CHECK kai_status saved_parse(const char *name, const void *bytes, size_t size,
                                      struct saved *ret_saved, kai_err *err);
/* The kind that a text names, the best where it is NULL. Fails: KAI_NOT_FOUND where that model was
 * not fitted. */
KAI_MUST_CHECK kai_status saved_kind(const struct saved *saved, const char *text,
                                     enum learn_kind *ret_kind, kai_err *err);
/* Calibrated scores of the rows of a feature matrix of the right view: (row_count, outputs). */
KAI_MUST_CHECK kai_status saved_score(const struct saved *saved, enum learn_kind kind,
                                      const struct matrix *matrix, const int64_t *row_ids,
                                      int64_t row_count, struct pool *pool, double *ret_scores,
                                      kai_err *err);

#endif
