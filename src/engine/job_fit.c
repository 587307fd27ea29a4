/* kairos fit: read, split, clean, prepare, fit each model, judge each on the test rows.
 *
 * Test rows are looked at once, at the end. What needs unseen rows before that (the network's best
 * epoch, boosting's best round, the choice of the best model, calibration) uses a fifth of the
 * training rows; a forest is judged there by its out-of-bag scores.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/fit.h"
#include "learn/importance.h"

static const double VALIDATION_SHARE = 0.2;

static kai_status read_table(struct fit *fit, kai_err *err) {
    const kai_fit_options *options = fit->options;
    if (!options->label)
        return err_set(err, KAI_INVALID,
                       "option '--label' is missing: which column shall be learned");
    timing_enter(&fit->timing, "read");
    return reading_table(fit->engine, options->arguments.items[0], &options->table, &fit->table,
                         &fit->report, err);
}

/* Give the column of that name a role. name NULL: nothing to do. */
static kai_status set_role(struct fit *fit, const char *name, enum prepare_role role,
                           kai_err *err) {
    if (!name) return KAI_OK;
    const struct column *column;
    kai_status st = table_column(fit->table, name, &column, err);
    if (st) return st;
    int32_t index = table_find(fit->table, name);
    if (fit->roles[index] != PREPARE_FEATURE && fit->roles[index] != role)
        return err_set(err, KAI_INVALID, "column '%s' cannot be %s and %s", name,
                       prepare_role_text(fit->roles[index]), prepare_role_text(role));
    fit->roles[index] = role;
    return KAI_OK;
}

static kai_status set_roles(struct fit *fit, kai_err *err) {
    const kai_fit_options *options = fit->options;
    fit->roles = mem_zero((size_t)fit->table->count, sizeof *fit->roles);
    if (!fit->roles) return err_memory(err, fit->table->count);
    kai_status st = set_role(fit, options->label, PREPARE_LABEL, err);
    if (!st) st = set_role(fit, options->test_column, PREPARE_TEST, err);
    if (!st) st = set_role(fit, options->id, PREPARE_ID, err);
    if (!st) st = set_role(fit, options->group, PREPARE_GROUP, err);
    if (!st) st = set_role(fit, options->time, PREPARE_TIME, err);
    for (int64_t i = 0; !st && i < options->drop.count; i++)
        st = set_role(fit, options->drop.items[i], PREPARE_DROPPED, err);
    for (int32_t c = 0; !st && c < fit->report.column_count && c < fit->table->count; c++)
        if (fit->report.columns[c].is_id && fit->roles[c] == PREPARE_FEATURE)
            fit->roles[c] = PREPARE_DROPPED;
    return st;
}

/* Rows that have a label, ascending. */
static kai_status labelled_rows(const struct fit *fit, int64_t **ret_rows, int64_t *ret_count,
                                kai_err *err) {
    int64_t *rows = mem_array((size_t)fit->table->rows, sizeof *rows), count = 0;
    if (!rows) return err_memory(err, fit->table->rows * (int64_t)sizeof *rows);
    for (int64_t i = 0; i < fit->table->rows; i++)
        if (fit->target->strata[i] >= 0) rows[count++] = i;
    *ret_rows = rows;
    *ret_count = count;
    return KAI_OK;
}

static kai_status split_table(struct fit *fit, kai_err *err) {
    const kai_fit_options *options = fit->options;
    int ways = (options->group != NULL) + (options->time != NULL) + (options->test_column != NULL);
    if (ways > 1)
        return err_set(err, KAI_INVALID, "only one of --group, --time and --test-column can split");
    const struct column *column = NULL;
    const char *name = options->group  ? options->group
                       : options->time ? options->time
                                       : options->test_column;
    kai_status st = name ? table_column(fit->table, name, &column, err) : KAI_OK;
    if (!st && options->group) {
        int32_t count;
        fit->groups = mem_array((size_t)fit->table->rows, sizeof *fit->groups);
        st = fit->groups ? split_codes(column, fit->groups, &count, err)
                         : err_memory(err, fit->table->rows);
    }
    struct split_data data = {.strata = fit->target->strata, .groups = fit->groups};
    int64_t *rows = NULL;
    if (!st) st = labelled_rows(fit, &rows, &data.row_count, err);
    data.row_ids = rows;
    uint64_t seed = (uint64_t)options->common.seed;
    if (!st && options->time)
        st = split_time(options->test, &data, column, &fit->split, err);
    else if (!st && options->test_column)
        st = split_column(&data, column, &fit->split, err);
    else if (!st)
        st = split_share(seed, options->test, &data, &fit->split, err);
    mem_free(rows);
    return st;
}

static kai_status clean_table(struct fit *fit, kai_err *err) {
    const kai_fit_options *options = fit->options;
    size_t rows = (size_t)fit->table->rows;
    fit->is_test = mem_zero(rows, 1);
    fit->train = mem_array((size_t)fit->split.train_count, sizeof *fit->train);
    if (!fit->is_test || !fit->train) return err_memory(err, (int64_t)rows);
    for (int64_t i = 0; i < fit->split.test_count; i++) fit->is_test[fit->split.test[i]] = 1;
    struct clean_options clean;
    clean_options_init(&clean);
    clean.keep = (options->keep_constant ? (uint32_t)CLEAN_KEEP_CONSTANTS : 0) |
                 (options->keep_ids ? (uint32_t)CLEAN_KEEP_IDS : 0);
    clean.winsorise = options->winsorise;
    clean.drop_duplicates = options->drop_duplicates;
    kai_status st =
        clean_find(&clean, fit->table, fit->roles, fit->split.train, fit->split.train_count,
                   fit->is_test, fit->engine->pool, &fit->clean, err);
    if (!st)
        fit->train_count =
            clean_rows(fit->clean, fit->split.train, fit->split.train_count, fit->train);
    return st;
}

/* A fifth of the training rows, and half of those; by chance within classes, groups together. */
static kai_status mark_validation(struct fit *fit, kai_err *err) {
    size_t rows = (size_t)fit->table->rows;
    fit->is_validation = mem_zero(rows, 1);
    fit->is_stop = mem_zero(rows, 1);
    if (!fit->is_validation || !fit->is_stop) return err_memory(err, (int64_t)rows);
    uint64_t seed = (uint64_t)fit->options->common.seed + 1;
    struct split_data data = {.row_ids = fit->train,
                              .row_count = fit->train_count,
                              .strata = fit->target->strata,
                              .groups = fit->groups};
    struct split outer = {0}, inner = {0};
    if (fit->train_count < 20) return KAI_OK; /* too few to hold any back */
    kai_status st = split_share(seed, VALIDATION_SHARE, &data, &outer, err);
    for (int64_t i = 0; !st && i < outer.test_count; i++) fit->is_validation[outer.test[i]] = 1;
    data.row_ids = outer.test;
    data.row_count = outer.test_count;
    kai_status half =
        st || outer.test_count < 4 ? KAI_INVALID : split_share(seed, 0.5, &data, &inner, NULL);
    if (!st && half == KAI_NO_MEMORY) st = err_memory(err, (int64_t)rows);
    if (!st && half) memcpy(fit->is_stop, fit->is_validation, rows); /* too few to halve */
    for (int64_t i = 0; !st && i < inner.test_count; i++) fit->is_stop[inner.test[i]] = 1;
    split_release(&inner);
    split_release(&outer);
    return st;
}

static kai_status make_views(struct fit *fit, kai_err *err) {
    struct recipe_data data = {.table = fit->table,
                               .clean = fit->clean,
                               .row_ids = fit->train,
                               .row_count = fit->train_count,
                               .target = fit->target->values,
                               .task = fit->target->task,
                               .classes = fit->target->classes,
                               .folds = NULL};
    kai_status st = KAI_OK;
    for (int v = 0; !st && v < 2; v++) {
        int is_needed = 0;
        for (int k = 0; k < LEARN_KINDS; k++)
            is_needed = is_needed || (fit->models[k].is_wanted &&
                                      saved_view((enum learn_kind)k) == (enum recipe_view)v);
        if (!is_needed) continue;
        struct recipe_options options;
        recipe_options_init(&options, (enum recipe_view)v, (uint64_t)fit->options->common.seed);
        st = recipe_fit_apply(&options, &data, fit->engine->pool, &fit->saved.recipes[v],
                              &fit->views[v], &fit->recipe_report, err);
    }
    return st;
}

static kai_status choose_models(struct fit *fit, kai_err *err) {
    kai_list names = fit->options->models;
    for (int64_t i = 0; i < names.count; i++) {
        int kind = 0;
        while (kind < LEARN_KINDS &&
               strcmp(learn_kind_text((enum learn_kind)kind), names.items[i]) != 0)
            kind++;
        if (kind == LEARN_KINDS)
            return err_set(err, KAI_INVALID,
                           "option '--models': '%s' is none of forest, boost, mlp", names.items[i]);
        fit->models[kind].is_wanted = 1;
    }
    return names.count ? KAI_OK : err_set(err, KAI_INVALID, "option '--models' is empty");
}

static kai_status prepare(struct fit *fit, kai_err *err) {
    timing_enter(&fit->timing, "prepare");
    const struct column *label = NULL;
    kai_status st = table_column(fit->table, fit->options->label, &label, err);
    if (!st) st = set_roles(fit, err);
    if (!st) st = target_new(label, fit->options->task, fit->options->positive, &fit->target, err);
    if (!st) st = split_table(fit, err);
    if (!st) st = clean_table(fit, err);
    if (!st) st = mark_validation(fit, err);
    return st ? st : make_views(fit, err);
}

static kai_status model_options(const struct fit *fit, enum learn_kind kind,
                                struct learn_options *ret_options, kai_err *err) {
    const kai_fit_options *options = fit->options;
    learn_options_init(ret_options, kind, (uint64_t)options->common.seed);
    ret_options->forest.trees = (int32_t)options->trees;
    ret_options->forest.wants_out_of_bag = 1;
    ret_options->boost.rounds = (int32_t)options->rounds;
    ret_options->mlp.epochs = (int32_t)options->epochs;
    ret_options->mlp.batch_rows = (int32_t)options->batch;
    ret_options->mlp.patience = (int32_t)options->patience;
    int32_t layers = (int32_t)(sizeof ret_options->mlp.hidden / sizeof *ret_options->mlp.hidden);
    memset(ret_options->mlp.hidden, 0, sizeof ret_options->mlp.hidden);
    for (int64_t i = 0; i < options->hidden.count; i++) {
        int64_t width;
        if (i == layers || !text_parse_i64(slice_of(options->hidden.items[i]), &width) ||
            width < 1 || width > 4096)
            return err_set(err, KAI_INVALID,
                           "option '--hidden': expected at most %d widths of 1 to 4096, got '%s'",
                           layers, options->hidden.items[i]);
        ret_options->mlp.hidden[i] = (int32_t)width;
    }
    return KAI_OK;
}

static struct learn_data learning_data(const struct fit *fit, enum learn_kind kind) {
    return (struct learn_data){
        .features = fit->views[saved_view(kind)],
        .target = fit->target->values,
        .row_ids = fit->train,
        .row_count = fit->train_count,
        .is_validation = kind == LEARN_MLP ? fit->is_validation : fit->is_stop,
        .task = (enum learn_task)fit->target->task,
        .classes = fit->target->classes};
}

static kai_status tune_model(struct fit *fit, enum learn_kind kind, const struct learn_data *data,
                             struct learn_options *options, kai_err *err) {
    if (fit->options->tune == 0) return KAI_OK;
    int32_t *folds = NULL;
    struct tune_options tune = {.seed = (uint64_t)fit->options->common.seed,
                                .configurations = (int32_t)fit->options->tune,
                                .folds = 3};
    kai_status st = KAI_OK;
    if (fit->groups) {
        struct split_data rows = {.row_ids = fit->train,
                                  .row_count = fit->train_count,
                                  .strata = fit->target->strata,
                                  .groups = fit->groups};
        folds = mem_array((size_t)fit->table->rows, sizeof *folds);
        st = folds ? split_folds(tune.seed, tune.folds, &rows, fit->table->rows, folds, err)
                   : err_memory(err, fit->table->rows);
        for (int64_t i = 0; !st && i < fit->train_count; i++) folds[i] = folds[fit->train[i]];
        tune.fold_of_row = folds;
    }
    struct learn_data folds_data = *data;
    folds_data.is_validation = NULL; /* each fold draws its own */
    if (!st)
        st = tune_fit(&tune, options, &folds_data, fit->engine->pool, &fit->engine->progress,
                      &fit->models[kind].tuning, err);
    if (!st) *options = *tune_best(fit->models[kind].tuning);
    if (!st && kind == LEARN_FOREST) options->forest.wants_out_of_bag = 1;
    mem_free(folds);
    return st;
}

/* Scores of rows that the model did not learn from, with their targets: those of is_stop. A forest
 * is asked for its out-of-bag scores. */
static kai_status unseen_scores(const struct fit *fit, enum learn_kind kind, int64_t *rows,
                                double *scores, double *target, int64_t *ret_count, kai_err *err) {
    const struct model *model = fit->saved.models[kind];
    int32_t outputs = model_outputs(model);
    const double *bagged = model_out_of_bag(model);
    int64_t count = 0;
    for (int64_t i = 0; i < fit->train_count; i++) {
        int64_t row = fit->train[i];
        if (!fit->is_stop[row] || (bagged && isnan(bagged[i * outputs]))) continue;
        if (bagged)
            memcpy(scores + count * outputs, bagged + i * outputs,
                   (size_t)outputs * sizeof *scores);
        rows[count] = row;
        target[count++] = fit->target->values[row];
    }
    *ret_count = count;
    if (bagged || count == 0) return KAI_OK;
    return model_predict(model, fit->views[saved_view(kind)], rows, count, fit->engine->pool,
                         scores, err);
}

/* The loss on unseen rows, and the calibrator where one is asked for. */
static kai_status judge_unseen(struct fit *fit, enum learn_kind kind, kai_err *err) {
    enum learn_task task = (enum learn_task)fit->target->task;
    int32_t outputs = model_outputs(fit->saved.models[kind]);
    size_t rows_max = (size_t)fit->train_count;
    int64_t *rows = mem_array(rows_max, sizeof *rows), count = 0;
    double *scores = mem_array(rows_max * (size_t)outputs, sizeof *scores);
    double *target = mem_array(rows_max, sizeof *target);
    kai_status st = rows && scores && target ? KAI_OK : err_memory(err, (int64_t)rows_max * 24);
    if (!st) st = unseen_scores(fit, kind, rows, scores, target, &count, err);
    fit->models[kind].validation_loss = INFINITY;
    if (!st && count > 0)
        st = metric_loss(task, fit->target->classes, scores, target, NULL, count,
                         &fit->models[kind].validation_loss, err);
    if (!st && strcmp(fit->options->calibrate, "none") != 0 && task != LEARN_REGRESSION) {
        enum calibrate_kind how =
            strcmp(fit->options->calibrate, "platt") == 0 ? CALIBRATE_PLATT : CALIBRATE_ISOTONIC;
        st = calibrate_fit(how, outputs, scores, target, NULL, count, &fit->saved.calibrators[kind],
                           err);
    }
    mem_free(rows);
    mem_free(scores);
    mem_free(target);
    return st;
}

static kai_status measure(struct fit *fit, enum learn_kind kind, const int64_t *rows, int64_t count,
                          struct metric_set *ret_set, kai_err *err) {
    int32_t outputs = model_outputs(fit->saved.models[kind]);
    double *scores = mem_array((size_t)count * (size_t)outputs, sizeof *scores);
    double *target = mem_array((size_t)count, sizeof *target);
    kai_status st = scores && target ? KAI_OK : err_memory(err, count * outputs * 8);
    for (int64_t i = 0; !st && i < count; i++) target[i] = fit->target->values[rows[i]];
    if (!st)
        st = saved_score(&fit->saved, kind, fit->views[saved_view(kind)], rows, count,
                         fit->engine->pool, scores, err);
    if (!st)
        st = metric_compute((enum learn_task)fit->target->task, fit->target->classes, scores,
                            target, NULL, count, ret_set, err);
    mem_free(scores);
    mem_free(target);
    return st;
}

static kai_status permute_model(struct fit *fit, enum learn_kind kind, kai_err *err) {
    struct fit_model *state = &fit->models[kind];
    struct learn_data data = learning_data(fit, kind);
    data.row_ids = fit->split.test;
    data.row_count = fit->split.test_count;
    struct importance_options options = {.seed = (uint64_t)fit->options->common.seed};
    state->growth = mem_zero((size_t)data.features->columns, sizeof *state->growth);
    if (!state->growth) return err_memory(err, data.features->columns);
    return importance_of_model(&options, fit->saved.models[kind], &data, fit->engine->pool,
                               &fit->engine->progress, state->growth, NULL, err);
}

static kai_status fit_model(struct fit *fit, enum learn_kind kind, kai_err *err) {
    static const char *const FIT[] = {"forest.fit", "boost.fit", "mlp.fit"};
    static const char *const PREDICT[] = {"forest.predict", "boost.predict", "mlp.predict"};
    struct learn_data data = learning_data(fit, kind);
    struct learn_options options;
    timing_enter(&fit->timing, FIT[kind]);
    kai_status st = model_options(fit, kind, &options, err);
    if (!st) st = tune_model(fit, kind, &data, &options, err);
    if (!st)
        st = learn_fit(&options, &data, fit->engine->pool, &fit->engine->progress,
                       &fit->saved.models[kind], err);
    timing_enter(&fit->timing, PREDICT[kind]);
    if (!st) st = judge_unseen(fit, kind, err);
    if (!st) st = measure(fit, kind, fit->train, fit->train_count, &fit->models[kind].train, err);
    if (!st)
        st = measure(fit, kind, fit->split.test, fit->split.test_count, &fit->models[kind].test,
                     err);
    if (!st && fit->options->permutation) st = permute_model(fit, kind, err);
    return st ? err_wrap(err, st, "model '%s'", learn_kind_text(kind)) : KAI_OK;
}

static kai_status fit_models(struct fit *fit, kai_err *err) {
    kai_status st = KAI_OK;
    int best = -1;
    for (int k = 0; !st && k < LEARN_KINDS; k++) {
        if (!fit->models[k].is_wanted) continue;
        st = fit_model(fit, (enum learn_kind)k, err);
        if (best < 0 || fit->models[k].validation_loss < fit->models[best].validation_loss)
            best = k;
    }
    if (!st) fit->saved.best = (enum learn_kind)best;
    return st;
}

/* A name without a slash belongs into the workspace, where there is one; all else is a path. */
static kai_status choose_path(const struct fit *fit, struct buf *path, kai_err *err) {
    const char *name = fit->options->save, *workspace = fit->options->common.workspace;
    kai_status st = buf_printf(path, err, "%s/kairos.yaml", workspace);
    if (st) return st;
    int is_workspace = file_exists(path->data);
    buf_reset(path);
    if (!name && !is_workspace) return KAI_OK;
    if (!is_workspace || (name && (strchr(name, '/') || strstr(name, ".kai"))))
        return buf_puts(path, name, err);
    st = buf_printf(path, err, "%s/models", workspace);
    if (!st) st = file_make_dir(path->data, err);
    return st ? st : buf_printf(path, err, "/%s.kai", name ? name : fit->options->label);
}

static kai_status save(struct fit *fit, kai_err *err) {
    timing_enter(&fit->timing, "save");
    struct saved *saved = &fit->saved;
    saved->task = (enum learn_task)fit->target->task;
    saved->label = mem_string(fit->options->label);
    saved->names = fit->target->names;
    saved->classes = fit->target->classes;
    fit->target->names = NULL;
    if (!saved->label) return err_memory(err, 1);
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = choose_path(fit, &path, err);
    if (!st && path.size) {
        st = saved_save(saved, path.data, err);
        if (!st && !(fit->saved_path = mem_string(path.data))) st = err_memory(err, 1);
    }
    buf_release(&path);
    return st;
}

static void release_fit(struct fit *fit) {
    for (int k = 0; k < LEARN_KINDS; k++) {
        tune_free(fit->models[k].tuning);
        mem_free(fit->models[k].growth);
    }
    saved_release(&fit->saved);
    matrix_free(fit->views[0]);
    matrix_free(fit->views[1]);
    clean_free(fit->clean);
    split_release(&fit->split);
    target_free(fit->target);
    table_free(fit->table);
    collect_report_release(&fit->report);
    mem_free(fit->saved_path);
    mem_free(fit->roles);
    mem_free(fit->groups);
    mem_free(fit->train);
    mem_free(fit->is_test);
    mem_free(fit->is_validation);
    mem_free(fit->is_stop);
}

int32_t kai_engine_fit(kai_engine *engine, const kai_fit_options *options, kai_buf *ret_json,
                       kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct fit fit = {.engine = engine, .options = options};
    timing_start(&fit.timing);
    st = choose_models(&fit, err);
    if (!st) st = read_table(&fit, err);
    if (!st) st = prepare(&fit, err);
    if (!st) st = fit_models(&fit, err);
    if (!st) st = save(&fit, err);
    if (!st) st = fit_describe(&fit, ret_json, ret_text, err);
    release_fit(&fit);
    return st;
}
