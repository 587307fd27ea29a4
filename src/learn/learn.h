/* Fit a tabular model to a feature matrix; score rows with it. A fitted model never changes.
 *
 * Three models behind one door: `forest` (histogram random forest, ours), `boost` (XGBoost's C
 * library) and `mlp` (dense network over BLAS, ours). What goes in is a matrix, a target and the
 * ids of the rows to learn from; what comes out is immutable and may be shared by threads. Choosing
 * actions is not this room's business.
 *
 * Further doors of this room: learn/metric.h (how good), learn/importance.h (permutation),
 * learn/calibrate.h (probabilities that mean what they say), learn/tune.h (successive halving),
 * learn/surrogate.h (reasons for any model), learn/effect.h (what an action changes),
 * learn/causal.h (the same with an interval, by an honest causal forest).
 */
#ifndef KAIROS_LEARN_LEARN_H
#define KAIROS_LEARN_LEARN_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/json.h"
#include "base/pool.h"
#include "base/progress.h"
#include "table/matrix.h"

enum learn_task { LEARN_BINARY, LEARN_MULTICLASS, LEARN_REGRESSION };
enum learn_kind { LEARN_FOREST, LEARN_BOOST, LEARN_MLP, LEARN_KINDS };

/* "forest", "boost", "mlp" */
const char *learn_kind_text(enum learn_kind kind);
/* "binary", "multiclass", "regression" */
const char *learn_task_text(enum learn_task task);

/* What to learn. Borrowed for the call. */
struct learn_data {
    const struct matrix *features;
    const double *target;   /* (features->rows); binary 0/1, class index, or a number; never NaN in
                               the rows used */
    const double *weight;   /* (features->rows), >= 0, or NULL = 1 */
    const int64_t *row_ids; /* (row_count) rows to learn from, in the order to use, or NULL = all */
    int64_t row_count;
    const uint8_t *is_validation; /* (features->rows) 1 = of the rows above, hold back for early
                                     stopping and the best epoch; NULL = each model draws its share.
                                     A forest needs none and learns from all rows */
    enum learn_task task;
    int32_t classes; /* MULTICLASS: >= 2 */
};

/* Settings; learn_options_init gives the published defaults, zero means default everywhere. */
struct forest_options {
    int32_t trees;         /* 100 */
    int32_t depth_max;     /* 0 = until pure */
    int32_t leaf_rows_min; /* 1 */
    double feature_share;  /* of the columns tried at a node; 0 = sqrt (classes), 1/3 (numbers) */
    double sample_share;   /* bootstrap draws as a share of the rows; 0 = 1 */
    int32_t without_replacement;
    int32_t bins_max;         /* 255 */
    int32_t wants_out_of_bag; /* compute the out-of-bag predictions */
};

struct boost_options {
    int32_t rounds;          /* 500 at most, see patience */
    int32_t depth_max;       /* 6 */
    double learning_rate;    /* 0.1 */
    double row_share;        /* 1 */
    double column_share;     /* 1 */
    double lambda;           /* 1 */
    double child_weight_min; /* 1 */
    double validation_share; /* 0.1 of the training rows for early stopping; < 0 = none */
    int32_t patience;        /* 20 rounds without gain; then the best round is kept */
};

struct mlp_options {
    int32_t hidden[8];       /* {64, 32}; 0 ends */
    int32_t epochs;          /* 10 */
    int32_t batch_rows;      /* 32 */
    double learning_rate;    /* 0.001 */
    double dropout;          /* 0 */
    double validation_share; /* 0.2 */
    int32_t patience;        /* 0 = run every epoch and keep the best */
    int32_t embedding_max; /* 16: a category with more values than this is embedded, else one-hot */
    int32_t cosine_schedule; /* 0 = constant rate */
};

struct learn_options {
    enum learn_kind kind;
    uint64_t seed;
    struct forest_options forest;
    struct boost_options boost;
    struct mlp_options mlp;
};

void learn_options_init(struct learn_options *options, enum learn_kind kind, uint64_t seed);
/* Kind and settings of that kind as JSON members, into an open object. */
void learn_options_describe(const struct learn_options *options, struct json_writer *json);

struct model; /* fitted; immutable */

/* Fit one model. The result is the same bytes for any number of threads.
 * Fails: KAI_INVALID (no rows or columns, a row outside the matrix, one class only, a target that
 * is not a number or no class, a negative weight or no positive one, an option out of range),
 * KAI_NO_MEMORY, KAI_CANCELLED, KAI_DIVERGED (loss not finite). Threads: uses the pool (NULL = the
 * caller's). */
KAI_MUST_CHECK kai_status learn_fit(const struct learn_options *options,
                                    const struct learn_data *data, struct pool *pool,
                                    const struct progress *progress, struct model **ret_model,
                                    kai_err *err);
void model_free(struct model *model);
enum learn_kind model_kind(const struct model *model);
enum learn_task model_task(const struct model *model);
/* Values for one row: 1 (probability of class 1, or the number) or `classes` probabilities. */
int32_t model_outputs(const struct model *model);
int32_t model_columns(const struct model *model);
/* ret_scores: (row_count, outputs). row_ids NULL = all rows. Fails: KAI_INVALID where the columns
 * are not those of training. Threads: any number may share the model. */
KAI_MUST_CHECK kai_status model_predict(const struct model *model, const struct matrix *features,
                                        const int64_t *row_ids, int64_t row_count,
                                        struct pool *pool, double *ret_scores, kai_err *err);
/* Gain of each column, summing to 1 (forest, boost); all zero for mlp. ret_gain: (columns) */
void model_importance(const struct model *model, double *ret_gain);
/* Out-of-bag scores of a forest that was asked for them: (row_count, outputs) in the order of
 * data.row_ids, NaN for rows in every bag; NULL otherwise. */
const double *model_out_of_bag(const struct model *model);
/* Training curve and settings as JSON members, into an open object. */
void model_describe(const struct model *model, struct json_writer *json);

/* Exact Shapley values (TreeSHAP, Lundberg et al. 2018) of a tree model, output in its margin for
 * boost and in its value for forest: ret_values (row_count, columns + 1), the last is the base
 * value; they sum to the model's (margin) output. `output` selects the class. Fails:
 * KAI_UNSUPPORTED for mlp. */
KAI_MUST_CHECK kai_status model_shapley(const struct model *model, const struct matrix *features,
                                        const int64_t *row_ids, int64_t row_count, int32_t output,
                                        struct pool *pool, double *ret_values, kai_err *err);

/* The bytes of a model (docs/formats/model.md) and back. Fails: KAI_CORRUPT. */
KAI_MUST_CHECK kai_status model_save(const struct model *model, struct buf *out, kai_err *err);
KAI_MUST_CHECK kai_status model_load(const void *bytes, size_t size, struct model **ret_model,
                                     kai_err *err);

#endif
