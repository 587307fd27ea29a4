#include "learn/effect_part.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

/* ---- parts ---- */

static struct effect_boost_options boost_options(const struct effect_rows *rows,
                                                 const struct effect_task *task) {
    static const struct effect_boost_options ROLES[] = {
        [EFFECT_ROLE_BASELINE] = {0, 300, 4, 0.1, 10, 20, 0.5, 0.6, 0, 0, "effect-baseline", 0},
        [EFFECT_ROLE_ARM] = {30, 250, 3, 0.1, 40, 20, 0.5, 0.6, 0, 0, "effect-arm", 0},
        [EFFECT_ROLE_EFFECT] = {40, 400, 4, 0.05, 400, 30, 0.5, 0.5, 0, 0, "effect-effect", 0},
        [EFFECT_ROLE_JOINT] = {40, 300, 4, 0.1, 20, 20, 0.5, 0.6, 0, 0, "effect-joint", 0},
        [EFFECT_ROLE_NOISE] = {0, 200, 4, 0.1, 20, 20, 0.5, 0.6, 0, 0, "effect-noise", 0},
    };
    struct effect_boost_options options = ROLES[task->role];
    options.seed = rows->seed;
    options.index = task->index;
    return options;
}

static kai_status fit_boost(const struct effect_rows *rows, const struct effect_task *task,
                            struct effect_part *part, kai_err *err) {
    struct effect_boost_options options = boost_options(rows, task);
    struct effect_boost_data data = {.bins = rows->bins,
                                     .positions = task->positions,
                                     .count = task->count,
                                     .target = task->target,
                                     .weight = task->weight};
    if (task->role == EFFECT_ROLE_JOINT) {
        data.arm = rows->arm;
        data.arms = rows->arms - 1;
    }
    return effect_boost_fit(&options, &data, &part->boost, err);
}

static kai_status fit_forest(const struct effect_rows *rows, const struct effect_task *task,
                             struct effect_part *part, kai_err *err) {
    size_t all = (size_t)rows->data->features->rows;
    struct learn_options options;
    learn_options_init(&options, LEARN_FOREST, rows->seed + task->index);
    options.forest.trees = 60;
    options.forest.leaf_rows_min = task->role == EFFECT_ROLE_EFFECT ? 200 : 50;
    options.forest.depth_max = 8;
    options.forest.sample_share = 0.5;
    options.forest.bins_max = EFFECT_BOOST_BINS;
    double *target = mem_zero(all, sizeof *target), *weight = mem_zero(all, sizeof *weight);
    int64_t *ids = mem_array((size_t)task->count, sizeof *ids);
    kai_status st = KAI_OK;
    if (!target || !weight || !ids) st = err_memory(err, (int64_t)(all * 2 * sizeof *target));
    if (!st) {
        for (int64_t i = 0; i < task->count; i++) {
            ids[i] = rows->row[task->positions[i]];
            target[ids[i]] = (double)task->target[i];
            weight[ids[i]] = task->weight ? (double)task->weight[i] : 1;
        }
        struct learn_data data = {.features = rows->data->features,
                                  .target = target,
                                  .weight = task->weight ? weight : NULL,
                                  .row_ids = ids,
                                  .row_count = task->count,
                                  .task = LEARN_REGRESSION};
        st = learn_fit(&options, &data, NULL, NULL, &part->forest, err);
    }
    mem_free(target);
    mem_free(weight);
    mem_free(ids);
    return st;
}

kai_status effect_part_fit(const struct effect_rows *rows, const struct effect_task *task,
                           struct effect_part **ret_part, kai_err *err) {
    struct effect_part *part = mem_zero(1, sizeof *part);
    if (!part) return err_memory(err, sizeof *part);
    part->base = task->base;
    kai_status st = KAI_OK;
    if (task->base == EFFECT_BOOST)
        st = fit_boost(rows, task, part, err);
    else if (task->base == EFFECT_FOREST)
        st = fit_forest(rows, task, part, err);
    else
        st = effect_ridge_fit(&rows->design, rows->design_rows, task->positions, task->count,
                              task->target, task->weight, &part->ridge, err);
    if (st) {
        effect_part_free(part);
        return st;
    }
    *ret_part = part;
    return KAI_OK;
}

void effect_part_free(struct effect_part *part) {
    if (!part) return;
    effect_boost_free(part->boost);
    effect_ridge_free(part->ridge);
    model_free(part->forest);
    mem_free(part);
}

kai_status effect_part_at(const struct effect_rows *rows, const struct effect_part *part,
                          const int32_t *positions, int64_t count, int32_t arm, double *ret_values,
                          kai_err *err) {
    if (part->base == EFFECT_FOREST) {
        int64_t *ids = mem_array((size_t)count, sizeof *ids);
        if (!ids) return err_memory(err, count * (int64_t)sizeof *ids);
        for (int64_t i = 0; i < count; i++) ids[i] = rows->row[positions[i]];
        kai_status st =
            model_predict(part->forest, rows->data->features, ids, count, NULL, ret_values, err);
        mem_free(ids);
        return st;
    }
    for (int64_t i = 0; i < count; i++)
        ret_values[i] =
            part->base == EFFECT_BOOST
                ? effect_boost_at_bins(part->boost, rows->bins, positions[i], arm)
                : effect_ridge_value(
                      part->ridge, rows->design_rows + (int64_t)positions[i] * rows->design.count);
    return KAI_OK;
}

kai_status effect_part_predict(const struct effect_part *part, const struct matrix *features,
                               const int64_t *row_ids, int64_t count, int32_t arm,
                               double *ret_values, kai_err *err) {
    if (part->base == EFFECT_FOREST)
        return model_predict(part->forest, features, row_ids, count, NULL, ret_values, err);
    for (int64_t i = 0; i < count; i++) {
        if (part->base == EFFECT_BOOST) {
            ret_values[i] = effect_boost_at(part->boost, features, row_ids[i], arm);
        } else {
            float values[EFFECT_DESIGN_MAX];
            effect_design_row(&part->ridge->design, features, row_ids[i], values);
            ret_values[i] = effect_ridge_value(part->ridge, values);
        }
    }
    return KAI_OK;
}

void effect_part_save(const struct effect_part *part, struct bytes_writer *writer) {
    bytes_put_i32(writer, (int32_t)part->base);
    if (part->base == EFFECT_BOOST) effect_boost_save(part->boost, writer);
    if (part->base == EFFECT_RIDGE) effect_ridge_save(part->ridge, writer);
    if (part->base != EFFECT_FOREST) return;
    struct buf bytes;
    buf_init(&bytes, (size_t)1 << 32);
    if (!writer->status) writer->status = model_save(part->forest, &bytes, &writer->err);
    bytes_put_i64(writer, (int64_t)bytes.size);
    bytes_put_raw(writer, bytes.data, bytes.size);
    buf_release(&bytes);
}

kai_status effect_part_load(struct bytes_reader *reader, int32_t columns,
                            struct effect_part **ret_part, kai_err *err) {
    struct effect_part *part = mem_zero(1, sizeof *part);
    if (!part) return err_memory(err, sizeof *part);
    kai_status st = KAI_OK;
    int32_t base = bytes_get_i32(reader);
    if (base < 0 || base >= EFFECT_BASES) bytes_refuse(reader);
    st = bytes_done(reader, err);
    if (!st) part->base = (enum effect_base)base;
    if (!st && part->base == EFFECT_BOOST) st = effect_boost_load(reader, &part->boost, err);
    if (!st && part->base == EFFECT_RIDGE)
        st = effect_ridge_load(reader, columns, &part->ridge, err);
    if (!st && part->base == EFFECT_FOREST) {
        int64_t size = bytes_get_count(reader, INT64_MAX / 2, 1);
        const void *bytes = bytes_get_raw(reader, (size_t)size);
        st = bytes_done(reader, err);
        if (!st) st = model_load(bytes, (size_t)size, &part->forest, err);
        if (!st && (model_columns(part->forest) != columns || model_outputs(part->forest) != 1))
            bytes_refuse(reader);
    }
    if (!st && part->boost && part->boost->columns != columns) bytes_refuse(reader);
    if (!st) st = bytes_done(reader, err);
    if (st) {
        effect_part_free(part);
        return st;
    }
    *ret_part = part;
    return KAI_OK;
}

/* ---- the training part ---- */

static kai_status check_data(const struct effect_options *options, const struct effect_data *data,
                             int64_t count, kai_err *err) {
    if (data->offers < 1 || data->offers >= EFFECT_ARMS_MAX)
        return err_set(err, KAI_INVALID, "effects of %d offers: expected 1 to %d", data->offers,
                       EFFECT_ARMS_MAX - 1);
    if (options->folds < 3 || options->folds > EFFECT_FOLDS_MAX)
        return err_set(err, KAI_INVALID, "'folds' must be between 3 and %d, got %d",
                       EFFECT_FOLDS_MAX, options->folds);
    int64_t least = (int64_t)options->folds * (data->offers + 1) * 10;
    if (count < least)
        return err_set(err, KAI_INVALID, "effects of %d offers need at least %lld rows, got %lld",
                       data->offers, (long long)least, (long long)count);
    if (count > INT32_MAX) return err_set(err, KAI_LIMIT, "too many rows for one effect model");
    return KAI_OK;
}

static kai_status reserve(struct effect_rows *rows, kai_err *err) {
    size_t count = (size_t)rows->count;
    rows->row = mem_array(count, sizeof *rows->row);
    rows->arm = mem_array(count, sizeof *rows->arm);
    rows->outcome = mem_array(count, sizeof *rows->outcome);
    rows->propensity = mem_array(count, sizeof *rows->propensity);
    rows->fold = mem_array(count, 1);
    if (!rows->row || !rows->arm || !rows->outcome || !rows->propensity || !rows->fold)
        return err_memory(err, (int64_t)count * 21);
    for (int32_t f = 0; f < rows->folds; f++) {
        rows->mu[f] = mem_array(count, (size_t)rows->arms * sizeof(float));
        if (!rows->mu[f])
            return err_memory(err, (int64_t)(count * (size_t)rows->arms * sizeof(float)));
    }
    return KAI_OK;
}

static kai_status copy_rows(struct effect_rows *rows, int64_t *arm_counts, kai_err *err) {
    const struct effect_data *data = rows->data;
    for (int64_t p = 0; p < rows->count; p++) {
        int64_t row = data->row_ids ? data->row_ids[p] : p;
        if (row < 0 || row >= data->features->rows)
            return err_set(err, KAI_INVALID, "row %lld is outside the matrix", (long long)row);
        if (data->arm[row] < 0 || data->arm[row] > data->offers)
            return err_set(err, KAI_INVALID, "row %lld: arm %d is not between 0 and %d",
                           (long long)row, data->arm[row], data->offers);
        if (!isfinite(data->outcome[row]))
            return err_set(err, KAI_INVALID, "row %lld: the outcome is not a number",
                           (long long)row);
        if (data->propensity && !(data->propensity[row] > 0 && data->propensity[row] <= 1))
            return err_set(err, KAI_INVALID, "row %lld: propensity %g is not in (0, 1]",
                           (long long)row, data->propensity[row]);
        rows->row[p] = row;
        rows->arm[p] = data->arm[row];
        rows->outcome[p] = (float)data->outcome[row];
        rows->propensity[p] = data->propensity ? (float)data->propensity[row] : 1;
        arm_counts[data->arm[row]]++;
    }
    return KAI_OK;
}

/* Folds are balanced within each arm: the rows of an arm are dealt round after a shuffle. */
static kai_status deal_folds(struct effect_rows *rows, kai_err *err) {
    int64_t *order = mem_array((size_t)rows->count, sizeof *order);
    if (!order) return err_memory(err, rows->count * (int64_t)sizeof *order);
    struct rng rng;
    rng_init(&rng, rows->seed, "effect-folds", 0);
    for (int64_t p = 0; p < rows->count; p++) order[p] = p;
    rng_shuffle(&rng, order, rows->count);
    for (int32_t a = 0; a < rows->arms; a++) {
        int64_t dealt = 0;
        for (int64_t i = 0; i < rows->count; i++)
            if (rows->arm[order[i]] == a)
                rows->fold[order[i]] = (uint8_t)((dealt++ + a) % rows->folds);
    }
    mem_free(order);
    return KAI_OK;
}

static kai_status make_design(struct effect_rows *rows, kai_err *err) {
    effect_design_fit(rows->data->features, rows->row, rows->count, &rows->design);
    size_t each = (size_t)(rows->design.count ? rows->design.count : 1);
    rows->design_rows = mem_array((size_t)rows->count, each * sizeof(float));
    if (!rows->design_rows) return err_memory(err, rows->count * (int64_t)(each * sizeof(float)));
    for (int64_t p = 0; p < rows->count; p++)
        effect_design_row(&rows->design, rows->data->features, rows->row[p],
                          rows->design_rows + p * rows->design.count);
    return KAI_OK;
}

static kai_status check_arms(struct effect_rows *rows, const int64_t *arm_counts, kai_err *err) {
    for (int32_t a = 0; a < rows->arms; a++)
        if (arm_counts[a] < rows->folds)
            return err_set(err, KAI_INVALID, "arm '%d'%s has %lld rows: too few to learn from", a,
                           a == 0 ? " (control)" : "", (long long)arm_counts[a]);
    if (rows->data->propensity) return KAI_OK;
    for (int64_t p = 0; p < rows->count; p++)
        rows->propensity[p] = (float)((double)arm_counts[rows->arm[p]] / (double)rows->count);
    return KAI_OK;
}

kai_status effect_rows_init(const struct effect_options *options, const struct effect_data *data,
                            int wants_ridge, struct pool *pool, struct effect_rows *ret_rows,
                            kai_err *err) {
    struct effect_rows *rows = ret_rows;
    memset(rows, 0, sizeof *rows);
    int64_t count = data->row_ids ? data->row_count : data->features->rows;
    kai_status st = check_data(options, data, count, err);
    if (st) return st;
    rows->data = data;
    rows->seed = options->seed;
    rows->arms = data->offers + 1;
    rows->folds = options->folds;
    rows->count = count;
    int64_t *arm_counts = mem_zero((size_t)rows->arms, sizeof *arm_counts);
    if (!arm_counts) return err_memory(err, rows->arms * (int64_t)sizeof *arm_counts);
    st = reserve(rows, err);
    if (!st) st = copy_rows(rows, arm_counts, err);
    if (!st) st = check_arms(rows, arm_counts, err);
    mem_free(arm_counts);
    if (!st) st = deal_folds(rows, err);
    if (!st)
        st = forest_bins_new(data->features, rows->row, rows->count, EFFECT_BOOST_BINS, pool,
                             &rows->bins, err);
    if (!st && wants_ridge) st = make_design(rows, err);
    return st;
}

void effect_rows_release(struct effect_rows *rows) {
    mem_free(rows->row);
    mem_free(rows->arm);
    mem_free(rows->outcome);
    mem_free(rows->propensity);
    mem_free(rows->fold);
    if (rows->bins) forest_bins_free(rows->bins);
    mem_free(rows->design_rows);
    for (int32_t f = 0; f < EFFECT_FOLDS_MAX; f++) {
        mem_free(rows->mu[f]);
        mem_free(rows->noise[f]);
    }
}

void effect_rows_mu(const struct effect_rows *rows, int64_t position, int32_t without,
                    double *ret_mu) {
    int32_t used = 0;
    for (int32_t a = 0; a < rows->arms; a++) ret_mu[a] = 0;
    for (int32_t f = 0; f < rows->folds; f++) {
        if (f == rows->fold[position] || f == without) continue;
        const float *mu = rows->mu[f] + position * rows->arms;
        for (int32_t a = 0; a < rows->arms; a++) ret_mu[a] += (double)mu[a];
        used++;
    }
    for (int32_t a = 0; a < rows->arms; a++) ret_mu[a] /= used;
}

void effect_rows_scores(const struct effect_rows *rows, int64_t position, int32_t without,
                        double *ret_scores) {
    double mu[EFFECT_ARMS_MAX];
    effect_rows_mu(rows, position, without, mu);
    int32_t arm = rows->arm[position];
    double residual =
        ((double)rows->outcome[position] - mu[arm]) / (double)rows->propensity[position];
    for (int32_t k = 1; k < rows->arms; k++)
        ret_scores[k - 1] = mu[k] - mu[0] + (arm == k ? residual : 0) - (arm == 0 ? residual : 0);
}
