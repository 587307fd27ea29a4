#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/caps.h"
#include "learn/boost.h"
#include "learn/forest.h"
#include "learn/learn.h"
#include "learn/mlp.h"
#include "learn/trees_xgboost.h"

enum {
    MODEL_MAGIC = 0x4c444d4b, /* "KMDL" in the file */
    MODEL_VERSION = 1,
    CLASSES_MAX = 1 << 16,
};

struct model {
    enum learn_kind kind;
    enum learn_task task;
    int32_t outputs;
    int32_t columns;
    struct forest *forest; /* owned; the one that `kind` names */
    struct boost *boost;   /* owned */
    struct mlp *mlp;       /* owned */
};

const char *learn_kind_text(enum learn_kind kind) {
    switch (kind) {
    case LEARN_FOREST: return "forest";
    case LEARN_BOOST: return "boost";
    case LEARN_MLP: return "mlp";
    default: return "unknown";
    }
}

const char *learn_task_text(enum learn_task task) {
    switch (task) {
    case LEARN_BINARY: return "binary";
    case LEARN_MULTICLASS: return "multiclass";
    case LEARN_REGRESSION: return "regression";
    default: return "unknown";
    }
}

void learn_options_init(struct learn_options *options, enum learn_kind kind, uint64_t seed) {
    *options = (struct learn_options){
        .kind = kind,
        .seed = seed,
        .forest = {.trees = 100, .leaf_rows_min = 1, .bins_max = 255},
        .boost = {.rounds = 500,
                  .depth_max = 6,
                  .learning_rate = 0.1,
                  .row_share = 1,
                  .column_share = 1,
                  .lambda = 1,
                  .child_weight_min = 1,
                  .validation_share = 0.1,
                  .patience = 20},
        .mlp = {.hidden = {64, 32},
                .epochs = 10,
                .batch_rows = 32,
                .learning_rate = 0.001,
                .validation_share = 0.2,
                .embedding_max = 16},
    };
}

static void describe_forest_options(const struct forest_options *forest, struct json_writer *json) {
    json_key_i64(json, "trees", forest->trees);
    json_key_i64(json, "depth_max", forest->depth_max);
    json_key_i64(json, "leaf_rows_min", forest->leaf_rows_min);
    json_key_f64(json, "feature_share", forest->feature_share);
    json_key_f64(json, "sample_share", forest->sample_share);
}

static void describe_boost_options(const struct boost_options *boost, struct json_writer *json) {
    json_key_i64(json, "rounds_max", boost->rounds);
    json_key_i64(json, "depth_max", boost->depth_max);
    json_key_f64(json, "learning_rate", boost->learning_rate);
    json_key_f64(json, "row_share", boost->row_share);
    json_key_f64(json, "column_share", boost->column_share);
    json_key_f64(json, "lambda", boost->lambda);
    json_key_f64(json, "child_weight_min", boost->child_weight_min);
    json_key_f64(json, "validation_share", boost->validation_share);
    json_key_i64(json, "patience", boost->patience);
}

static void describe_mlp_options(const struct mlp_options *mlp, struct json_writer *json) {
    json_key(json, "hidden");
    json_array(json);
    for (size_t i = 0; i < sizeof mlp->hidden / sizeof *mlp->hidden && mlp->hidden[i]; ++i)
        json_i64(json, mlp->hidden[i]);
    json_end(json);
    json_key_i64(json, "epochs", mlp->epochs);
    json_key_i64(json, "batch_rows", mlp->batch_rows);
    json_key_f64(json, "learning_rate", mlp->learning_rate);
    json_key_f64(json, "dropout", mlp->dropout);
    json_key_f64(json, "validation_share", mlp->validation_share);
    json_key_i64(json, "patience", mlp->patience);
    json_key_bool(json, "cosine_schedule", mlp->cosine_schedule);
}

void learn_options_describe(const struct learn_options *options, struct json_writer *json) {
    json_key_text(json, "kind", learn_kind_text(options->kind));
    if (options->kind == LEARN_FOREST) describe_forest_options(&options->forest, json);
    if (options->kind == LEARN_BOOST) describe_boost_options(&options->boost, json);
    if (options->kind == LEARN_MLP) describe_mlp_options(&options->mlp, json);
}

/* One row of the data; *ret_weight is its weight. */
static kai_status check_row(const struct learn_data *data, int32_t classes, int64_t row,
                            double *ret_weight, kai_err *err) {
    if (row < 0 || row >= data->features->rows)
        return err_set(err, KAI_INVALID, "row %lld is outside the matrix of %lld rows",
                       (long long)row, (long long)data->features->rows);
    double target = data->target[row], weight = data->weight ? data->weight[row] : 1;
    if (!isfinite(target))
        return err_set(err, KAI_INVALID, "row %lld: the target is not a number", (long long)row);
    if (!(weight >= 0) || !isfinite(weight))
        return err_set(err, KAI_INVALID, "row %lld: the weight is not a number of 0 or more",
                       (long long)row);
    if (classes > 0 && !(target >= 0 && target < classes && target == floor(target)))
        return err_set(err, KAI_INVALID, "row %lld: the target %g is no class of %d",
                       (long long)row, target, classes);
    *ret_weight = weight;
    return KAI_OK;
}

static kai_status check_shape(const struct learn_data *data, kai_err *err) {
    if (data->task != LEARN_BINARY && data->task != LEARN_MULTICLASS &&
        data->task != LEARN_REGRESSION)
        return err_set(err, KAI_INVALID, "unknown task %d", (int)data->task);
    if (data->task == LEARN_MULTICLASS && (data->classes < 2 || data->classes > CLASSES_MAX))
        return err_set(err, KAI_INVALID, "a task of %d classes: expected 2 to %d", data->classes,
                       CLASSES_MAX);
    if (data->features->columns < 1) return err_set(err, KAI_INVALID, "no features to learn from");
    int64_t count = data->row_ids ? data->row_count : data->features->rows;
    if (count < 1) return err_set(err, KAI_INVALID, "no rows to learn from");
    if (count > CAPS_ROWS) return err_set(err, KAI_LIMIT, "more than %lld rows", CAPS_ROWS);
    return KAI_OK;
}

static kai_status check_data(const struct learn_data *data, kai_err *err) {
    kai_status st = check_shape(data, err);
    if (st) return st;
    int64_t count = data->row_ids ? data->row_count : data->features->rows;
    int32_t classes = data->task == LEARN_REGRESSION ? 0
                      : data->task == LEARN_BINARY   ? 2
                                                     : data->classes;
    double weights = 0, first = NAN;
    int has_two = 0;
    for (int64_t i = 0; i < count; ++i) {
        double weight = 0;
        int64_t row = data->row_ids ? data->row_ids[i] : i;
        st = check_row(data, classes, row, &weight, err);
        if (st) return st;
        weights += weight;
        if (weight == 0) continue;
        if (isnan(first)) first = data->target[row];
        has_two |= data->target[row] != first;
    }
    if (weights <= 0) return err_set(err, KAI_INVALID, "no row has a weight above 0");
    if (!isfinite(weights)) return err_set(err, KAI_INVALID, "the sum of the weights overflows");
    if (classes > 0 && !has_two)
        return err_set(err, KAI_INVALID, "the target has one class only: %g", first);
    return KAI_OK;
}

kai_status learn_fit(const struct learn_options *options, const struct learn_data *data,
                     struct pool *pool, const struct progress *progress, struct model **ret_model,
                     kai_err *err) {
    kai_status st = check_data(data, err);
    if (st) return st;
    struct model *model = mem_zero(1, sizeof *model);
    if (!model) return err_memory(err, (int64_t)sizeof *model);
    /* The parts read row_count where row_ids is NULL, too. */
    struct learn_data whole = *data;
    if (!whole.row_ids) whole.row_count = whole.features->rows;
    model->kind = options->kind;
    model->task = data->task;
    model->outputs = data->task == LEARN_MULTICLASS ? data->classes : 1;
    model->columns = data->features->columns;
    uint64_t seed = options->seed;
    switch (options->kind) {
    case LEARN_FOREST:
        st = forest_fit(&options->forest, seed, &whole, pool, progress, &model->forest, err);
        break;
    case LEARN_BOOST:
        st = xgboost_fit(&options->boost, seed, &whole, pool, progress, &model->boost, err);
        break;
    case LEARN_MLP:
        st = mlp_fit(&options->mlp, seed, &whole, pool, progress, &model->mlp, err);
        break;
    default: st = err_set(err, KAI_INVALID, "unknown kind of model %d", (int)options->kind);
    }
    if (st) {
        model_free(model);
        return st;
    }
    *ret_model = model;
    return KAI_OK;
}

void model_free(struct model *model) {
    if (!model) return;
    forest_free(model->forest);
    boost_free(model->boost);
    mlp_free(model->mlp);
    mem_free(model);
}

enum learn_kind model_kind(const struct model *model) { return model->kind; }
enum learn_task model_task(const struct model *model) { return model->task; }
int32_t model_outputs(const struct model *model) { return model->outputs; }
int32_t model_columns(const struct model *model) { return model->columns; }

static kai_status check_rows(const struct model *model, const struct matrix *features,
                             const int64_t *row_ids, int64_t row_count, kai_err *err) {
    if (features->columns != model->columns)
        return err_set(err, KAI_INVALID, "the %s was fitted to %d columns, got %d",
                       learn_kind_text(model->kind), model->columns, features->columns);
    for (int64_t i = 0; row_ids && i < row_count; ++i)
        if (row_ids[i] < 0 || row_ids[i] >= features->rows)
            return err_set(err, KAI_INVALID, "row %lld is outside the matrix of %lld rows",
                           (long long)row_ids[i], (long long)features->rows);
    return KAI_OK;
}

kai_status model_predict(const struct model *model, const struct matrix *features,
                         const int64_t *row_ids, int64_t row_count, struct pool *pool,
                         double *ret_scores, kai_err *err) {
    kai_status st = check_rows(model, features, row_ids, row_count, err);
    if (st) return st;
    if (!row_ids) row_count = features->rows;
    if (row_count == 0) return KAI_OK;
    if (model->kind == LEARN_FOREST)
        return forest_predict(model->forest, features, row_ids, row_count, pool, ret_scores, err);
    if (model->kind == LEARN_BOOST)
        return boost_predict(model->boost, features, row_ids, row_count, pool, ret_scores, err);
    return mlp_predict(model->mlp, features, row_ids, row_count, pool, ret_scores, err);
}

void model_importance(const struct model *model, double *ret_gain) {
    if (model->kind == LEARN_FOREST)
        forest_importance(model->forest, ret_gain);
    else if (model->kind == LEARN_BOOST)
        boost_importance(model->boost, ret_gain);
    else
        memset(ret_gain, 0, (size_t)model->columns * sizeof *ret_gain);
}

const double *model_out_of_bag(const struct model *model) {
    return model->kind == LEARN_FOREST ? forest_out_of_bag(model->forest) : NULL;
}

void model_describe(const struct model *model, struct json_writer *json) {
    json_key_text(json, "kind", learn_kind_text(model->kind));
    json_key_text(json, "task", learn_task_text(model->task));
    json_key_i64(json, "columns", model->columns);
    if (model->kind == LEARN_FOREST) forest_describe(model->forest, json);
    if (model->kind == LEARN_BOOST) boost_describe(model->boost, json);
    if (model->kind == LEARN_MLP) mlp_describe(model->mlp, json);
}

kai_status model_shapley(const struct model *model, const struct matrix *features,
                         const int64_t *row_ids, int64_t row_count, int32_t output,
                         struct pool *pool, double *ret_values, kai_err *err) {
    kai_status st = check_rows(model, features, row_ids, row_count, err);
    if (st) return st;
    if (output < 0 || output >= model->outputs)
        return err_set(err, KAI_INVALID, "the model has no output %d", output);
    if (!row_ids) row_count = features->rows;
    if (model->kind == LEARN_FOREST)
        return forest_shapley(model->forest, features, row_ids, row_count, output, pool, ret_values,
                              err);
    if (model->kind == LEARN_BOOST)
        return boost_shapley(model->boost, features, row_ids, row_count, output, pool, ret_values,
                             err);
    return err_set(err, KAI_UNSUPPORTED, "shapley values of an mlp: fit a surrogate");
}

kai_status model_save(const struct model *model, struct buf *out, kai_err *err) {
    struct bytes_writer writer;
    bytes_write(&writer, out);
    bytes_put_i32(&writer, MODEL_MAGIC);
    bytes_put_i32(&writer, MODEL_VERSION);
    bytes_put_i32(&writer, (int32_t)model->kind);
    bytes_put_i32(&writer, (int32_t)model->task);
    bytes_put_i32(&writer, model->outputs);
    bytes_put_i32(&writer, model->columns);
    if (model->kind == LEARN_FOREST) forest_save(model->forest, &writer);
    if (model->kind == LEARN_BOOST) boost_save(model->boost, &writer);
    if (model->kind == LEARN_MLP) mlp_save(model->mlp, &writer);
    return bytes_written(&writer, err);
}

/* Task, outputs and columns of the part under the header. */
static void part_shape(const struct model *model, struct model *ret_shape) {
    if (model->kind == LEARN_FOREST) {
        ret_shape->task = forest_task(model->forest);
        ret_shape->outputs = forest_outputs(model->forest);
        ret_shape->columns = forest_columns(model->forest);
    } else if (model->kind == LEARN_BOOST) {
        ret_shape->task = model->boost->task;
        ret_shape->outputs = model->boost->outputs;
        ret_shape->columns = model->boost->columns;
    } else {
        ret_shape->task = mlp_task(model->mlp);
        ret_shape->outputs = mlp_outputs(model->mlp);
        ret_shape->columns = mlp_columns(model->mlp);
    }
}

static kai_status load_part(struct bytes_reader *reader, struct model *model, kai_err *err) {
    kai_status st = KAI_OK;
    if (model->kind == LEARN_FOREST) {
        reader->what = "forest";
        st = forest_load(reader, &model->forest, err);
    } else if (model->kind == LEARN_BOOST) {
        reader->what = "boost";
        st = boost_load(reader, &model->boost, err);
    } else {
        reader->what = "mlp";
        st = mlp_load(reader, &model->mlp, err);
    }
    if (st) return st;
    struct model shape = {0};
    part_shape(model, &shape);
    if (shape.task != model->task || shape.outputs != model->outputs ||
        shape.columns != model->columns)
        return err_set(err, KAI_CORRUPT, "model: the header and the %s disagree", reader->what);
    if (reader->at != reader->size)
        return err_set(err, KAI_CORRUPT, "model: %zu bytes after its end",
                       reader->size - reader->at);
    return KAI_OK;
}

kai_status model_load(const void *bytes, size_t size, struct model **ret_model, kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, bytes, size, "model");
    int32_t magic = bytes_get_i32(&reader), version = bytes_get_i32(&reader);
    int32_t kind = bytes_get_i32(&reader), task = bytes_get_i32(&reader);
    struct model header = {.outputs = bytes_get_i32(&reader)};
    header.columns = bytes_get_i32(&reader);
    kai_status st = bytes_done(&reader, err);
    if (st) return st;
    if (magic != MODEL_MAGIC) return err_set(err, KAI_CORRUPT, "model: these bytes are no model");
    if (version != MODEL_VERSION)
        return err_set(err, KAI_UNSUPPORTED, "model: version %d, this program reads %d", version,
                       MODEL_VERSION);
    if (kind < 0 || kind >= LEARN_KINDS || task < LEARN_BINARY || task > LEARN_REGRESSION)
        return err_set(err, KAI_CORRUPT, "model: unknown kind or task");
    struct model *model = mem_zero(1, sizeof *model);
    if (!model) return err_memory(err, (int64_t)sizeof *model);
    *model = header;
    model->kind = (enum learn_kind)kind;
    model->task = (enum learn_task)task;
    st = load_part(&reader, model, err);
    if (st) {
        model_free(model);
        return st;
    }
    *ret_model = model;
    return KAI_OK;
}
