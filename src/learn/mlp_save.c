#include <math.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "learn/mlp_state.h"

enum { VERSION = 1 };

static void save_options(const struct mlp_options *options, struct bytes_writer *writer) {
    bytes_put_i32s(writer, options->hidden, MLP_HIDDEN_MAX);
    bytes_put_i32(writer, options->epochs);
    bytes_put_i32(writer, options->batch_rows);
    bytes_put_f64(writer, options->learning_rate);
    bytes_put_f64(writer, options->dropout);
    bytes_put_f64(writer, options->validation_share);
    bytes_put_i32(writer, options->patience);
    bytes_put_i32(writer, options->embedding_max);
    bytes_put_i32(writer, options->cosine_schedule);
}

void mlp_save(const struct mlp *mlp, struct bytes_writer *writer) {
    bytes_put_u8(writer, VERSION);
    bytes_put_u8(writer, (uint8_t)mlp->task);
    bytes_put_i32(writer, mlp->outputs);
    save_options(&mlp->options, writer);
    bytes_put_f64(writer, mlp->target_mean);
    bytes_put_f64(writer, mlp->target_sd);
    mlp_input_save(&mlp->input, writer);
    bytes_put_i64(writer, mlp->shape.parameters);
    bytes_put_i64(writer, mlp->input.embedding_floats);
    bytes_put_f32s(writer, mlp->parameters, mlp->shape.parameters);
    bytes_put_f32s(writer, mlp->embeddings, mlp->input.embedding_floats);
    bytes_put_i32(writer, mlp->epochs_run);
    bytes_put_i32(writer, mlp->epoch_best);
    bytes_put_f64s(writer, mlp->curve, 2 * (int64_t)mlp->epochs_run);
}

static void load_options(struct bytes_reader *reader, struct mlp_options *options) {
    bytes_get_i32s(reader, options->hidden, MLP_HIDDEN_MAX);
    options->epochs = bytes_get_i32(reader);
    options->batch_rows = bytes_get_i32(reader);
    options->learning_rate = bytes_get_f64(reader);
    options->dropout = bytes_get_f64(reader);
    options->validation_share = bytes_get_f64(reader);
    options->patience = bytes_get_i32(reader);
    options->embedding_max = bytes_get_i32(reader);
    options->cosine_schedule = bytes_get_i32(reader);
    int is_sound = options->hidden[0] > 0;
    for (int32_t l = 0; l < MLP_HIDDEN_MAX; l++)
        is_sound &= options->hidden[l] >= 0 && options->hidden[l] <= CAPS_MLP_WIDTH;
    is_sound &= options->epochs >= 1 && options->epochs <= CAPS_MLP_EPOCHS;
    if (!is_sound) bytes_refuse(reader);
}

static void load_head(struct bytes_reader *reader, struct mlp *mlp) {
    int version = bytes_get_u8(reader), task = bytes_get_u8(reader);
    mlp->outputs = bytes_get_i32(reader);
    load_options(reader, &mlp->options);
    mlp->target_mean = bytes_get_f64(reader);
    mlp->target_sd = bytes_get_f64(reader);
    int is_sound = version == VERSION && task <= LEARN_REGRESSION;
    is_sound &= task == LEARN_MULTICLASS ? mlp->outputs >= 2 && mlp->outputs <= MLP_CLASSES_MAX
                                         : mlp->outputs == 1;
    is_sound &= isfinite(mlp->target_mean) && isfinite(mlp->target_sd) && mlp->target_sd > 0;
    if (!is_sound) bytes_refuse(reader);
    mlp->task = (enum learn_task)task;
}

/* Read floats whose number is known beforehand; each must be finite. */
static void load_floats(struct bytes_reader *reader, int64_t count, float *values) {
    bytes_get_f32s(reader, values, count);
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(values[i])) bytes_refuse(reader);
}

/* The shape follows from the head and the columns; the file must agree, and hold as many bytes,
 * before memory is taken. */
static kai_status load_body(struct bytes_reader *reader, struct mlp *mlp, kai_err *err) {
    kai_status st =
        mlp_shape_init(&mlp->input, mlp->options.hidden, mlp->outputs, &mlp->shape, err);
    if (st) return err_set(err, KAI_CORRUPT, "%s: more parameters than can be", reader->what);
    int64_t parameters = bytes_get_count(reader, CAPS_MLP_PARAMETERS, sizeof(float));
    int64_t floats = bytes_get_count(reader, CAPS_MLP_PARAMETERS, sizeof(float));
    if (parameters != mlp->shape.parameters || floats != mlp->input.embedding_floats ||
        (reader->size - reader->at) / sizeof(float) < (size_t)(parameters + floats))
        bytes_refuse(reader);
    st = bytes_done(reader, err);
    if (!st) st = mlp_alloc_parameters(mlp, err);
    if (st) return st;
    load_floats(reader, parameters, mlp->parameters);
    load_floats(reader, floats, mlp->embeddings);
    mlp->epochs_run = bytes_get_i32(reader);
    mlp->epoch_best = bytes_get_i32(reader);
    if (mlp->epochs_run < 1 || mlp->epochs_run > mlp->options.epochs || mlp->epoch_best < 1 ||
        mlp->epoch_best > mlp->epochs_run)
        bytes_refuse(reader);
    st = bytes_done(reader, err);
    if (st) return st;
    bytes_get_f64s(reader, mlp->curve, 2 * (int64_t)mlp->epochs_run);
    return bytes_done(reader, err);
}

kai_status mlp_load(struct bytes_reader *reader, struct mlp **ret_mlp, kai_err *err) {
    struct mlp *mlp = mem_zero(1, sizeof *mlp);
    if (!mlp) return err_memory(err, sizeof *mlp);
    load_head(reader, mlp);
    kai_status st = bytes_done(reader, err);
    if (!st) st = mlp_input_load(reader, &mlp->input, err);
    if (!st) st = load_body(reader, mlp, err);
    if (st)
        mlp_free(mlp);
    else
        *ret_mlp = mlp;
    return st;
}
