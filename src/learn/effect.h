/* What each offer changes: effects of several offers on each customer, learned from history.
 *
 * In go features, who got which arm, what happened, and the probability with which the arm was
 * chosen; out comes an immutable model that says, for any row, the effect of each offer on the
 * outcome (against doing nothing) and the expected outcome under each arm. `effect_fit` fits one
 * learner; `effect_choose` tries several inside the given rows, by off-policy value, and fits the
 * winner on all of them. Deciding who gets what is not this header's business.
 *
 * Learners (docs/methods/effects.md), K offers, base models of learn.h or ridge regression:
 *   constant  the average effect of each offer (doubly robust mean); no personal effects
 *   S, T, X   Kuenzel, Sekhon, Bickel, Yu, PNAS 2019, sections 2 and 3
 *   DR        Kennedy, "Towards optimal doubly robust estimation of heterogeneous causal effects",
 *             2020/2023, algorithm 1
 *   blend     a weighted sum of the others, the weights at least 0, by squared error on inner rows
 *             (van der Laan, Polley, Hubbard, "Super Learner", 2007); effect_choose only
 * All second stages learn from nuisance models that never saw the row they speak about.
 */
#ifndef KAIROS_LEARN_EFFECT_H
#define KAIROS_LEARN_EFFECT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/progress.h"
#include "learn/learn.h"
#include "table/matrix.h"

enum effect_learner {
    EFFECT_CONSTANT,
    EFFECT_S,
    EFFECT_T,
    EFFECT_X,
    EFFECT_DR,
    EFFECT_BLEND,
    EFFECT_LEARNERS
};
enum effect_base { EFFECT_RIDGE, EFFECT_FOREST, EFFECT_BOOST, EFFECT_BASES };

/* "constant", "s", "t", "x", "dr", "blend"; "ridge", "forest", "boost" */
const char *effect_learner_text(enum effect_learner learner);
const char *effect_base_text(enum effect_base base);

/* History. Borrowed for the call. Arrays are indexed by the matrix's rows; only the rows of
 * row_ids are read, so that other rows may be without arm or outcome. */
struct effect_data {
    const struct matrix *features;
    const int32_t *arm;       /* (rows) 0 = control, 1..offers */
    const double *outcome;    /* (rows) */
    const double *propensity; /* (rows) probability of the row's own arm, in (0, 1]; NULL = the
                                 share of the arm in the rows (a uniform experiment) */
    const int64_t *row_ids;   /* (row_count) rows to learn from, or NULL = all */
    int64_t row_count;
    int32_t offers;
    /* What the choice between learners maximises: worth x effect - cost, under a budget. */
    const double *worth;        /* (rows) money for a unit of outcome, or NULL = 1 */
    const double *cost;         /* (offers) money, or NULL = 0 */
    double budget_per_customer; /* money; 0 = no budget */
};

struct effect_options {
    uint64_t seed;
    int32_t folds;     /* inner folds for cross-fitting and for the choice; 3; at least 3 */
    uint32_t learners; /* candidates of effect_choose: bits 1u << enum effect_learner; 0 = all */
    uint32_t bases;    /* bits 1u << enum effect_base; 0 = all */
};

void effect_options_init(struct effect_options *options, uint64_t seed);

/* One candidate of the choice. Money figures are per customer and incremental to nobody, estimated
 * doubly robustly on inner rows that the candidate had not seen. */
struct effect_score {
    enum effect_learner learner;
    enum effect_base base;
    double shrink;    /* kept share of the personal part: effect = average + shrink x (rest) */
    double value;     /* off-policy value of the greedy policy, net of cost, mean over budgets */
    double value_se;  /* its standard error */
    double behind;    /* value of the best candidate minus this one's */
    double behind_se; /* paired standard error of that */
    double loss_gain; /* squared error against doubly robust scores: gain over `constant`, share
                         of the constant's loss; positive is better */
    int32_t is_chosen;
};

struct effect_model; /* fitted; immutable */

/* Fit one learner on all rows of `data`. Fails: KAI_INVALID (an arm without rows, named; a
 * propensity outside (0, 1]; an outcome that is not a number; fewer rows than folds x arms x 10),
 * KAI_NO_MEMORY, KAI_CANCELLED. Threads: uses the pool (NULL = the caller's); the result is the
 * same for any number of threads. */
KAI_MUST_CHECK kai_status effect_fit(const struct effect_options *options,
                                     enum effect_learner learner, enum effect_base base,
                                     const struct effect_data *data, struct pool *pool,
                                     const struct progress *progress,
                                     struct effect_model **ret_model, kai_err *err);
/* Choose among the candidates of `options` inside the rows of `data`, then fit the winner on all
 * of them. Nuisance models are fitted once and shared. Fails: as effect_fit. */
KAI_MUST_CHECK kai_status effect_choose(const struct effect_options *options,
                                        const struct effect_data *data, struct pool *pool,
                                        const struct progress *progress,
                                        struct effect_model **ret_model, kai_err *err);
void effect_free(struct effect_model *model);

int32_t effect_offers(const struct effect_model *model);
enum effect_learner effect_kind(const struct effect_model *model);
enum effect_base effect_model_base(const struct effect_model *model);
/* Average effect of each offer in the training rows (doubly robust): (offers) */
const double *effect_average(const struct effect_model *model);
/* The candidates that were compared, best first; count 0 for effect_fit. */
const struct effect_score *effect_scores(const struct effect_model *model, int32_t *ret_count);
/* The one tree model whose output is the effect of `offer` (0-based) up to a factor and a constant
 * (effect = *ret_shift + *ret_scale x output), or NULL where there is none. */
const struct model *effect_tree(const struct effect_model *model, int32_t offer, double *ret_scale,
                                double *ret_shift);
/* Learner, base, average effects and candidate scores as JSON members, into an open object. */
void effect_describe(const struct effect_model *model, struct json_writer *json);

/* ret_effects: (row_count, offers). ret_outcomes: (row_count, offers + 1) expected outcome under
 * each arm, or NULL; a value for the direct method, not the effects' other side. row_ids NULL = all
 * rows. Fails: KAI_INVALID where the columns are not those of training. Threads: any number may
 * share the model. */
KAI_MUST_CHECK kai_status effect_predict(const struct effect_model *model,
                                         const struct matrix *features, const int64_t *row_ids,
                                         int64_t row_count, struct pool *pool, double *ret_effects,
                                         double *ret_outcomes, kai_err *err);

/* The bytes of a model and back. Fails: KAI_CORRUPT. */
KAI_MUST_CHECK kai_status effect_save(const struct effect_model *model, struct buf *out,
                                      kai_err *err);
KAI_MUST_CHECK kai_status effect_load(const void *bytes, size_t size,
                                      struct effect_model **ret_model, kai_err *err);

#endif
