/* The dense network of `learn`: embeddings and one-hot categories, ReLU layers, Adam.
 *
 * What goes in is what learn.h says: any feature matrix. Numbers are standardised with mean and
 * standard deviation of the training rows and clipped to +-8; a missing number is the mean, plus an
 * indicator where training had missing ones; a category is a row of the first layer's weights
 * (one-hot without the zeros) or, above `embedding_max` values, a learned vector. What comes out is
 * immutable. The mathematics is in docs/methods/mlp.md, the bytes in docs/formats/mlp.md.
 * Results are the same bytes for any number of threads.
 */
#ifndef KAIROS_LEARN_MLP_H
#define KAIROS_LEARN_MLP_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/json.h"
#include "learn/learn.h"

struct mlp;

/* Fit. Zero options are the defaults of learn.h; validation_share < 0 keeps no row back and then
 * the last epoch. Rows of a target that is not finite, or without a row, are the caller's fault.
 * Fails: KAI_INVALID (no rows, an option out of range), KAI_NO_MEMORY, KAI_CANCELLED, KAI_DIVERGED
 * (loss not finite). */
KAI_MUST_CHECK kai_status mlp_fit(const struct mlp_options *options, uint64_t seed,
                                  const struct learn_data *data, struct pool *pool,
                                  const struct progress *progress, struct mlp **ret_mlp,
                                  kai_err *err);
void mlp_free(struct mlp *mlp);
enum learn_task mlp_task(const struct mlp *mlp);
/* 1 (probability of class 1, or the number), or the number of classes. */
int32_t mlp_outputs(const struct mlp *mlp);
/* Columns of the matrix it was fitted on. */
int32_t mlp_columns(const struct mlp *mlp);
/* ret_scores: (row_count, outputs); row_ids NULL = the first row_count rows. Fails: KAI_INVALID
 * where the columns are not those of training, KAI_NO_MEMORY. Threads: any number may share. */
KAI_MUST_CHECK kai_status mlp_predict(const struct mlp *mlp, const struct matrix *features,
                                      const int64_t *row_ids, int64_t row_count, struct pool *pool,
                                      double *ret_scores, kai_err *err);
/* Fitted settings and the loss curve as members of an open object. */
void mlp_describe(const struct mlp *mlp, struct json_writer *json);
/* The writer's failure sticks; check bytes_written. */
void mlp_save(const struct mlp *mlp, struct bytes_writer *writer);
/* Reads what mlp_save wrote, from bytes that nobody trusts. Fails: KAI_CORRUPT, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status mlp_load(struct bytes_reader *reader, struct mlp **ret_mlp, kai_err *err);

#endif
