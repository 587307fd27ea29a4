/* What a fitted network holds, and how its files share the work: mlp.c (fit, predict, describe),
 * mlp_train.c (epochs), mlp_save.c (bytes). */
#ifndef KAIROS_LEARN_MLP_STATE_H
#define KAIROS_LEARN_MLP_STATE_H

#include <stdint.h>

#include "learn/mlp.h"
#include "learn/mlp_net.h"

enum { MLP_CLASSES_MAX = 65536 /* outputs; more classes are a ranking problem */ };

struct mlp {
    enum learn_task task;
    int32_t outputs;
    struct mlp_options options; /* no zeros left but those that mean off */
    struct mlp_input input;     /* owned */
    struct mlp_shape shape;
    float *parameters;              /* owned; (shape.parameters) */
    float *embeddings;              /* owned; (input.embedding_floats) */
    double target_mean, target_sd;  /* regression learns (target - mean) / sd */
    int32_t epochs_run, epoch_best; /* the epoch that was kept, from 1 */
    double *curve;                  /* owned; (options.epochs, 2) loss of training, of validation
                                       (NaN = no rows were kept back) */
};

/* Rows to train or check on, encoded. */
struct mlp_set {
    int64_t rows;
    struct mlp_rows data; /* owned; numbers_row = input.numbers */
    double *target;       /* owned; standardised for regression */
    double *weight;       /* owned; mean 1, or all 0 */
};

/* Parameters, embeddings and curve of `mlp` hold memory already. Fails: KAI_NO_MEMORY,
 * KAI_CANCELLED, KAI_DIVERGED. */
KAI_MUST_CHECK kai_status mlp_train(struct mlp *mlp, uint64_t seed, const struct mlp_set *fit,
                                    const struct mlp_set *check, struct pool *pool,
                                    const struct progress *progress, kai_err *err);

/* Memory for what mlp->shape and mlp->options say, zeroed. */
KAI_MUST_CHECK kai_status mlp_alloc_parameters(struct mlp *mlp, kai_err *err);

#endif
