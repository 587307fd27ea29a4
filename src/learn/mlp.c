#include "learn/mlp.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "kernel/loss.h"
#include "learn/holdout.h"
#include "learn/mlp_state.h"

enum { ENCODE_ROWS = 4096, PREDICT_ROWS = 1024 };

static kai_status check_option(int is_good, const char *name, const char *expected, kai_err *err) {
    if (is_good) return KAI_OK;
    return err_set(err, KAI_INVALID, "mlp: option '%s': expected %s", name, expected);
}

static kai_status resolve_options(const struct mlp_options *from, struct mlp_options *to,
                                  kai_err *err) {
    *to = *from;
    if (to->hidden[0] == 0) to->hidden[0] = 64, to->hidden[1] = 32, to->hidden[2] = 0;
    if (to->epochs == 0) to->epochs = 10;
    if (to->batch_rows == 0) to->batch_rows = 32;
    if (!(to->learning_rate > 0 || to->learning_rate < 0)) to->learning_rate = 0.001;
    if (!(to->validation_share > 0 || to->validation_share < 0)) to->validation_share = 0.2;
    if (to->embedding_max == 0) to->embedding_max = 16;
    int are_layers_good = 1;
    for (int32_t l = 0; l < MLP_HIDDEN_MAX && to->hidden[l]; l++)
        are_layers_good &= to->hidden[l] >= 1 && to->hidden[l] <= CAPS_MLP_WIDTH;
    kai_status st = check_option(are_layers_good, "hidden", "1 to 8192 units a layer", err);
    if (!st)
        st = check_option(to->epochs >= 1 && to->epochs <= CAPS_MLP_EPOCHS, "epochs", "1 to 100000",
                          err);
    if (!st)
        st = check_option(to->batch_rows >= 1 && to->batch_rows <= CAPS_MLP_BATCH, "batch_rows",
                          "1 to 1048576", err);
    if (!st)
        st = check_option(to->learning_rate > 0 && isfinite(to->learning_rate), "learning_rate",
                          "a positive number", err);
    if (!st) st = check_option(to->dropout >= 0 && to->dropout < 1, "dropout", "0 to below 1", err);
    if (!st) st = check_option(to->validation_share < 1, "validation_share", "below 1", err);
    if (!st) st = check_option(to->patience >= 0, "patience", "0 or more", err);
    if (!st) st = check_option(to->embedding_max >= 1, "embedding_max", "1 or more", err);
    return st;
}

static kai_status check_data(const struct learn_data *data, kai_err *err) {
    if (data->row_count < 1) return err_set(err, KAI_INVALID, "mlp: no rows");
    if (data->task == LEARN_MULTICLASS && (data->classes < 2 || data->classes > MLP_CLASSES_MAX))
        return err_set(err, KAI_INVALID, "mlp: %d classes: expected 2 to %d", data->classes,
                       MLP_CLASSES_MAX);
    for (int64_t i = 0; i < data->row_count; i++) {
        int64_t row = data->row_ids ? data->row_ids[i] : i;
        double target = data->target[row], weight = data->weight ? data->weight[row] : 1;
        int is_good = isfinite(target);
        if (data->task == LEARN_BINARY) is_good = target >= 0 && target <= 1;
        if (data->task == LEARN_MULTICLASS) is_good = target >= 0 && target < data->classes;
        if (!is_good)
            return err_set(err, KAI_INVALID, "mlp: row %lld: target %g", (long long)row, target);
        if (!(weight >= 0) || !isfinite(weight))
            return err_set(err, KAI_INVALID, "mlp: row %lld: weight %g", (long long)row, weight);
    }
    return KAI_OK;
}

static void set_release(struct mlp_set *set) {
    mem_free(set->weight);
    mem_free(set->target);
    mem_free(set->data.codes);
    mem_free(set->data.slots);
    mem_free_aligned(set->data.numbers);
}

struct encoding {
    const struct mlp_input *input;
    const struct matrix *matrix;
    const int64_t *ids;
    struct mlp_set *set;
};

static kai_status encode_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker, (void)err;
    const struct encoding *encoding = user;
    const struct mlp_input *input = encoding->input;
    struct mlp_rows out = encoding->set->data;
    int64_t first = item * ENCODE_ROWS, rows = encoding->set->rows - first;
    if (rows > ENCODE_ROWS) rows = ENCODE_ROWS;
    out.numbers += first * out.numbers_row;
    out.slots += first * input->one_hots;
    out.codes += first * input->embeddings;
    mlp_input_encode(input, encoding->matrix, encoding->ids + first, 0, rows, &out);
    return KAI_OK;
}

/* Scale weights to a mean of 1. */
static void scale_weights(struct mlp_set *set) {
    double sum = 0;
    for (int64_t i = 0; i < set->rows; i++) sum += set->weight[i];
    double scale = sum > 0 ? (double)set->rows / sum : 0;
    for (int64_t i = 0; i < set->rows; i++) set->weight[i] *= scale;
}

static kai_status set_init(const struct mlp *mlp, const struct learn_data *data, const int64_t *ids,
                           int64_t rows, struct pool *pool, struct mlp_set *set, kai_err *err) {
    const struct mlp_input *input = &mlp->input;
    set->rows = rows;
    set->data.numbers_row = input->numbers;
    set->data.numbers = mem_aligned((size_t)rows * (size_t)input->numbers, sizeof(float));
    set->data.slots = mem_array((size_t)rows * (size_t)input->one_hots, sizeof(int32_t));
    set->data.codes = mem_array((size_t)rows * (size_t)input->embeddings, sizeof(int32_t));
    set->target = mem_array((size_t)rows, sizeof *set->target);
    set->weight = mem_array((size_t)rows, sizeof *set->weight);
    if (!set->data.numbers || !set->data.slots || !set->data.codes || !set->target || !set->weight)
        return err_memory(err, rows * 4 * (input->numbers + input->one_hots + 4));
    for (int64_t i = 0; i < rows; i++) {
        set->target[i] = (data->target[ids[i]] - mlp->target_mean) / mlp->target_sd;
        set->weight[i] = data->weight ? data->weight[ids[i]] : 1;
    }
    struct encoding encoding = {input, data->features, ids, set};
    int64_t blocks = (rows + ENCODE_ROWS - 1) / ENCODE_ROWS;
    kai_status st = pool_run(pool, blocks, encode_block, &encoding, err);
    if (!st) scale_weights(set);
    return st;
}

/* Regression learns a target of mean 0 and sd 1. */
static void standardise_target(struct mlp *mlp, const struct learn_data *data, const int64_t *ids,
                               int64_t rows) {
    mlp->target_mean = 0;
    mlp->target_sd = 1;
    if (mlp->task != LEARN_REGRESSION) return;
    double sum = 0, squares = 0, weights = 0;
    for (int64_t i = 0; i < rows; i++) {
        double weight = data->weight ? data->weight[ids[i]] : 1;
        sum += weight * data->target[ids[i]];
        weights += weight;
    }
    double mean = weights > 0 ? sum / weights : 0;
    for (int64_t i = 0; i < rows; i++) {
        double error = data->target[ids[i]] - mean;
        squares += (data->weight ? data->weight[ids[i]] : 1) * error * error;
    }
    double sd = weights > 0 ? sqrt(squares / weights) : 0;
    mlp->target_mean = mean;
    mlp->target_sd = sd > 0 && isfinite(sd) ? sd : 1;
}

kai_status mlp_alloc_parameters(struct mlp *mlp, kai_err *err) {
    size_t tables = (size_t)mlp->input.embedding_floats;
    mlp->parameters = mem_aligned((size_t)mlp->shape.parameters, sizeof *mlp->parameters);
    mlp->embeddings = mem_aligned(tables ? tables : 1, sizeof *mlp->embeddings);
    mlp->curve = mem_zero(2 * (size_t)mlp->options.epochs, sizeof *mlp->curve);
    if (mlp->parameters && mlp->embeddings && mlp->curve) return KAI_OK;
    return err_memory(err, (mlp->shape.parameters + (int64_t)tables) * 4);
}

static kai_status prepare_sets(struct mlp *mlp, const struct learn_data *data,
                               const struct holdout *rows, struct pool *pool, struct mlp_set *fit,
                               struct mlp_set *check, kai_err *err) {
    if (rows->teaching == 0) return err_set(err, KAI_INVALID, "mlp: all weights are 0");
    standardise_target(mlp, data, rows->row_ids, rows->teaching);
    kai_status st = mlp_input_fit(data->features, rows->row_ids, rows->teaching,
                                  mlp->options.embedding_max, pool, &mlp->input, err);
    if (!st) st = mlp_shape_init(&mlp->input, mlp->options.hidden, mlp->outputs, &mlp->shape, err);
    if (!st) st = mlp_alloc_parameters(mlp, err);
    if (!st) st = set_init(mlp, data, rows->row_ids, rows->teaching, pool, fit, err);
    if (!st)
        st = set_init(mlp, data, rows->row_ids + rows->teaching, rows->kept_back, pool, check, err);
    return st;
}

kai_status mlp_fit(const struct mlp_options *options, uint64_t seed, const struct learn_data *data,
                   struct pool *pool, const struct progress *progress, struct mlp **ret_mlp,
                   kai_err *err) {
    struct holdout rows = {0};
    struct mlp_set fit = {0}, check = {0};
    struct mlp *mlp = mem_zero(1, sizeof *mlp);
    if (!mlp) return err_memory(err, sizeof *mlp);
    mlp->task = data->task;
    mlp->outputs = data->task == LEARN_MULTICLASS ? data->classes : 1;
    kai_status st = resolve_options(options, &mlp->options, err);
    if (!st) st = check_data(data, err);
    if (!st)
        st = holdout_draw(data, mlp->options.validation_share, 1, seed, "mlp-validation", &rows,
                          err);
    if (!st) st = prepare_sets(mlp, data, &rows, pool, &fit, &check, err);
    if (!st) st = mlp_train(mlp, seed, &fit, &check, pool, progress, err);
    set_release(&check);
    set_release(&fit);
    holdout_release(&rows);
    if (st)
        mlp_free(mlp);
    else
        *ret_mlp = mlp;
    return st;
}

void mlp_free(struct mlp *mlp) {
    if (!mlp) return;
    mem_free(mlp->curve);
    mem_free_aligned(mlp->embeddings);
    mem_free_aligned(mlp->parameters);
    mlp_input_release(&mlp->input);
    mem_free(mlp);
}

enum learn_task mlp_task(const struct mlp *mlp) { return mlp->task; }

int32_t mlp_outputs(const struct mlp *mlp) { return mlp->outputs; }

int32_t mlp_columns(const struct mlp *mlp) { return mlp->input.columns; }

struct prediction {
    const struct mlp *mlp;
    const struct matrix *features;
    const int64_t *row_ids;
    int64_t rows;
    struct mlp_chunk *chunks; /* one a worker */
    double *scores;
};

static void write_scores(const struct mlp *mlp, const struct mlp_chunk *chunk, double *scores) {
    int32_t last = mlp->shape.layers - 1, outputs = mlp->outputs;
    const float *logits = chunk->activation[last];
    for (int64_t r = 0; r < chunk->rows; r++, logits += mlp->shape.layer[last].width) {
        if (mlp->task == LEARN_MULTICLASS)
            softmax_f64(outputs, logits, scores + r * outputs);
        else if (mlp->task == LEARN_BINARY)
            scores[r] = sigmoid_f64((double)logits[0]);
        else
            scores[r] = mlp->target_mean + mlp->target_sd * (double)logits[0];
    }
}

static kai_status predict_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    const struct prediction *job = user;
    const struct mlp *mlp = job->mlp;
    struct mlp_chunk *chunk = &job->chunks[worker];
    struct mlp_rows rows = {chunk->x, mlp->shape.layer[0].inputs, chunk->slots, chunk->codes};
    int64_t end = (item + 1) * PREDICT_ROWS;
    if (end > job->rows) end = job->rows;
    for (int64_t at = item * PREDICT_ROWS; at < end; at += MLP_CHUNK_ROWS) {
        chunk->rows = end - at < MLP_CHUNK_ROWS ? end - at : MLP_CHUNK_ROWS;
        mlp_input_encode(&mlp->input, job->features, job->row_ids ? job->row_ids + at : NULL, at,
                         chunk->rows, &rows);
        mlp_embed(&mlp->input, mlp->embeddings, chunk);
        mlp_forward(&mlp->shape, mlp->parameters, chunk, NULL, 0);
        write_scores(mlp, chunk, job->scores + at * mlp->outputs);
    }
    return KAI_OK;
}

kai_status mlp_predict(const struct mlp *mlp, const struct matrix *features, const int64_t *row_ids,
                       int64_t row_count, struct pool *pool, double *ret_scores, kai_err *err) {
    kai_status st = mlp_input_check(&mlp->input, features, err);
    if (st) return st;
    int64_t blocks = (row_count + PREDICT_ROWS - 1) / PREDICT_ROWS;
    int32_t workers = blocks > 1 ? pool_threads(pool) : 1, ready = 0;
    struct prediction job = {mlp, features, row_ids, row_count, NULL, ret_scores};
    job.chunks = mem_zero((size_t)workers, sizeof *job.chunks);
    if (!job.chunks) return err_memory(err, workers * (int64_t)sizeof *job.chunks);
    for (; !st && ready < workers; ready += !st)
        st = mlp_chunk_init(&mlp->shape, mlp->input.embeddings, &job.chunks[ready], err);
    if (!st) st = pool_run(pool, blocks, predict_block, &job, err);
    for (int32_t i = 0; i < ready; i++) mlp_chunk_release(&job.chunks[i]);
    mem_free(job.chunks);
    return st;
}

void mlp_describe(const struct mlp *mlp, struct json_writer *json) {
    const struct mlp_options *options = &mlp->options;
    json_key(json, "layers");
    json_array(json);
    for (int32_t l = 0; l < mlp->shape.layers; l++) json_i64(json, mlp->shape.layer[l].outputs);
    json_end(json);
    json_key_i64(json, "inputs", mlp->shape.layer[0].inputs + mlp->shape.slots);
    json_key_i64(json, "batch_rows", options->batch_rows);
    json_key_f64(json, "learning_rate", options->learning_rate);
    json_key_f64(json, "dropout", options->dropout);
    json_key_i64(json, "epochs", mlp->epochs_run);
    json_key_i64(json, "epoch_best", mlp->epoch_best);
    json_key(json, "curve");
    json_array(json);
    for (int32_t e = 0; e < mlp->epochs_run; e++) {
        json_object(json);
        json_key_f64(json, "train", mlp->curve[2 * (int64_t)e]);
        json_key_f64(json, "validation", mlp->curve[2 * (int64_t)e + 1]);
        json_end(json);
    }
    json_end(json);
}
