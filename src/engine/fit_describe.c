/* What `kairos fit` found, as JSON and for people. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "engine/fit.h"

/* Gain of a table column: the sum over the features that were made of it. */
struct column_gain {
    const char *name;
    double gain, growth;
};

static int compare_gains(const void *a, const void *b) {
    const struct column_gain *x = a, *y = b;
    double left = x->gain + x->growth, right = y->gain + y->growth;
    if (left != right) return left > right ? -1 : 1;
    return strcmp(x->name, y->name);
}

/* The fitted model that has gains: the best, else a tree model. */
static enum learn_kind gain_kind(const struct fit *fit) {
    if (fit->saved.best != LEARN_MLP) return fit->saved.best;
    if (fit->saved.models[LEARN_BOOST]) return LEARN_BOOST;
    return fit->saved.models[LEARN_FOREST] ? LEARN_FOREST : LEARN_MLP;
}

static kai_status gather_gains(const struct fit *fit, struct column_gain **ret_gains,
                               int32_t *ret_count, kai_err *err) {
    enum learn_kind kind = gain_kind(fit);
    const struct matrix *view = fit->views[saved_view(kind)];
    double *gain = mem_zero((size_t)view->columns, sizeof *gain);
    struct column_gain *gains = mem_zero((size_t)view->columns, sizeof *gains);
    if (!gain || !gains) {
        mem_free(gain);
        mem_free(gains);
        return err_memory(err, view->columns * (int64_t)sizeof *gains);
    }
    model_importance(fit->saved.models[kind], gain);
    const double *growth = fit->models[kind].growth;
    int32_t count = 0;
    for (int32_t c = 0; c < view->columns; c++) {
        int32_t at = 0;
        while (at < count && strcmp(gains[at].name, view->info[c].source) != 0) at++;
        if (at == count) gains[count++].name = view->info[c].source;
        gains[at].gain += gain[c];
        gains[at].growth += growth ? growth[c] : 0;
    }
    mem_free(gain);
    qsort(gains, (size_t)count, sizeof *gains, compare_gains);
    *ret_gains = gains;
    *ret_count = count;
    return KAI_OK;
}

static void describe_model(const struct fit *fit, enum learn_kind kind, struct json_writer *json) {
    const struct fit_model *state = &fit->models[kind];
    json_key(json, learn_kind_text(kind));
    json_object(json);
    json_key(json, "train");
    json_object(json);
    metric_describe(&state->train, json);
    json_end(json);
    json_key(json, "test");
    json_object(json);
    metric_describe(&state->test, json);
    json_end(json);
    json_key(json, "validation");
    json_object(json);
    json_key_f64(json, metric_loss_text((enum learn_task)fit->target->task),
                 state->validation_loss);
    json_end(json);
    if (fit->saved.calibrators[kind]) {
        json_key(json, "calibration");
        json_object(json);
        calibrate_describe(fit->saved.calibrators[kind], json);
        json_end(json);
    }
    if (state->tuning) {
        json_key(json, "tuning");
        json_object(json);
        tune_describe(state->tuning, json);
        json_end(json);
    }
    json_key(json, "fitted");
    json_object(json);
    model_describe(fit->saved.models[kind], json);
    json_end(json);
    json_end(json);
}

static void describe_head(const struct fit *fit, struct json_writer *json) {
    static const char *const TASKS[] = {"binary", "multiclass", "regression"};
    json_key_i64(json, "rows", fit->table->rows);
    json_key_i64(json, "columns", fit->table->count);
    json_key_text(json, "task", TASKS[fit->target->task]);
    json_key_text(json, "label", fit->options->label);
    json_key_text(json, "positive",
                  fit->target->task == RECIPE_BINARY ? fit->saved.names[1] : NULL);
    if (fit->target->task == RECIPE_MULTICLASS) {
        json_key(json, "classes");
        json_array(json);
        for (int32_t c = 0; c < fit->saved.classes; c++) json_text(json, fit->saved.names[c]);
        json_end(json);
    }
    json_key_i64(json, "train_rows", fit->train_count);
    json_key_i64(json, "test_rows", fit->split.test_count);
    json_key(json, "cleaning");
    json_object(json);
    reading_describe(json, "read", &fit->report);
    json_key_i64(json, "rows_without_label", fit->target->missing);
    clean_describe(fit->clean, json);
    json_key_i64(json, "unseen_categories", fit->recipe_report.unseen);
    json_end(json);
}

static kai_status describe_json(struct fit *fit, const struct column_gain *gains, int32_t count,
                                struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    describe_head(fit, &json);
    json_key(&json, "models");
    json_object(&json);
    for (int k = 0; k < LEARN_KINDS; k++)
        if (fit->saved.models[k]) describe_model(fit, (enum learn_kind)k, &json);
    json_end(&json);
    json_key_text(&json, "best", learn_kind_text(fit->saved.best));
    json_key(&json, "importance");
    json_array(&json);
    for (int32_t i = 0; i < count; i++) {
        json_object(&json);
        json_key_text(&json, "column", gains[i].name);
        json_key_f64(&json, "gain", gains[i].gain);
        if (fit->options->permutation) json_key_f64(&json, "permutation", gains[i].growth);
        json_end(&json);
    }
    json_end(&json);
    json_key_text(&json, "saved", fit->saved_path);
    json_key_i64(&json, "seed", fit->options->common.seed);
    json_key_text(&json, "version", kai_version());
    timing_describe(&fit->timing, &json);
    json_end(&json);
    return json_finish(&json, err);
}

static kai_status print_models(const struct fit *fit, struct buf *out, kai_err *err) {
    static const char *const HEADS[] = {
        "model    accuracy    auc      logloss  brier    ece\n",
        "model    accuracy    logloss  macro f1\n",
        "model    rmse        mae         r2\n",
    };
    kai_status st = buf_puts(out, HEADS[fit->target->task], err);
    for (int k = 0; !st && k < LEARN_KINDS; k++) {
        if (!fit->saved.models[k]) continue;
        const struct metric_set *test = &fit->models[k].test;
        const char *name = learn_kind_text((enum learn_kind)k);
        const char *mark = fit->saved.best == (enum learn_kind)k ? "  best" : "";
        if (fit->target->task == RECIPE_BINARY)
            st = buf_printf(out, err, "%-8s %.4f      %.4f   %.4f   %.4f   %.4f%s\n", name,
                            test->accuracy, test->auc, test->logloss, test->brier, test->ece, mark);
        else if (fit->target->task == RECIPE_MULTICLASS)
            st = buf_printf(out, err, "%-8s %.4f      %.4f   %.4f%s\n", name, test->accuracy,
                            test->logloss, test->macro_f1, mark);
        else
            st = buf_printf(out, err, "%-8s %-11.5g %-11.5g %.4f%s\n", name, test->rmse, test->mae,
                            test->r2, mark);
    }
    return st;
}

static kai_status describe_text(const struct fit *fit, const struct column_gain *gains,
                                int32_t count, struct buf *out, kai_err *err) {
    static const char *const TASKS[] = {"two classes", "several classes", "a number"};
    enum { STRONGEST = 5 };
    kai_status st =
        buf_printf(out, err, "%lld rows, label '%s' (%s), %lld to learn from, %lld held out\n",
                   (long long)fit->table->rows, fit->options->label, TASKS[fit->target->task],
                   (long long)fit->train_count, (long long)fit->split.test_count);
    if (!st && fit->target->task == RECIPE_BINARY)
        st = buf_printf(out, err, "positive class: '%s'\n", fit->saved.names[1]);
    if (!st && fit->report.rows_bad)
        st = buf_printf(out, err, "%lld rows were set aside; --json lists them\n",
                        (long long)fit->report.rows_bad);
    if (!st) st = buf_puts(out, "\non the held-out rows:\n", err);
    if (!st) st = print_models(fit, out, err);
    if (!st) st = buf_puts(out, "\nstrongest columns:\n", err);
    for (int32_t i = 0; !st && i < count && i < STRONGEST; i++)
        st = buf_printf(out, err, "  %-24s %5.1f %%\n", gains[i].name, 100 * gains[i].gain);
    if (!st && fit->saved_path) st = buf_printf(out, err, "\nsaved: %s\n", fit->saved_path);
    return st;
}

kai_status fit_describe(struct fit *fit, kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    struct buf json, text;
    struct column_gain *gains = NULL;
    int32_t count = 0;
    buf_init(&json, (size_t)CAPS_BUF_BYTES);
    buf_init(&text, (size_t)CAPS_BUF_BYTES);
    kai_status st = gather_gains(fit, &gains, &count, err);
    if (!st && ret_json) st = describe_json(fit, gains, count, &json, err);
    if (!st && ret_json) st = buf_puts(&json, "\n", err);
    if (!st && ret_text) st = describe_text(fit, gains, count, &text, err);
    if (!st && ret_json) result_give(&json, ret_json);
    if (!st && ret_text) result_give(&text, ret_text);
    buf_release(&json);
    buf_release(&text);
    mem_free(gains);
    return st;
}
