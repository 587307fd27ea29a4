/* kairos train: train the behaviour model, hold it against the yardsticks, and save it where it
 * wins. */
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "engine/backtest.h"
#include "engine/recommender_file.h"
#include "engine/workspace_snapshot.h"
#include "evaluate/describe.h"

struct train {
    kai_engine *engine;
    const kai_train_options *options;
    struct buf path;
    struct buf snapshot;        /* path; made where no file is named */
    const char *input;          /* what is read */
    kai_backtest_options asked; /* the backtest that decides */
    struct backtest backtest;
    int32_t model;              /* index of what is to be promoted */
    int32_t rival;              /* index of the best yardstick; -1 where a yardstick is promoted */
    struct estimate difference; /* model minus rival */
};

/* Without a file the workspace's events are read. */
static kai_status find_input(struct train *train, kai_err *err) {
    const kai_train_options *options = train->options;
    struct store_snapshot_report report;
    struct doorway *door = NULL;
    if (options->arguments.count) {
        train->input = options->arguments.items[0];
        if (!options->events.count) return KAI_OK;
        return err_set(err, KAI_INVALID, "--events chooses from the workspace: name no file");
    }
    kai_status st = workspace_snapshot_path(options->common.workspace, &train->snapshot, err);
    if (!st) st = doorway_open(options->common.workspace, STORE_READ, &door, err);
    if (!st) st = file_make_parent(train->snapshot.data, err);
    if (!st)
        st = workspace_snapshot(door, &options->events, train->snapshot.data,
                                &train->engine->progress, &report, err);
    doorway_close(door);
    train->input = train->snapshot.data;
    return st;
}

/* What decides: a time split where times are known, else the last event of each customer. */
static kai_status hold_against_yardsticks(struct train *train, kai_err *err) {
    static const char *const MODELS[] = {"popular", "recent-popular", "item-knn", "ials",
                                         "transformer"};
    static const char *const METRICS[] = {"ndcg@10", "hr@10", "coverage@10"};
    const kai_train_options *options = train->options;
    int is_transformer = strcmp(options->model, "transformer") == 0;
    int has_times = options->input.time || snapshot_is(train->input);
    train->asked = (kai_backtest_options){.struct_size = sizeof train->asked,
                                          .common = options->common,
                                          .arguments = {&train->input, 1},
                                          .input = options->input,
                                          .protocol = has_times ? "time-split" : "leave-one-out",
                                          .test_share = options->test_share,
                                          .models = {MODELS, YARDSTICK_KINDS + is_transformer},
                                          .transformer = options->transformer,
                                          .metrics = {METRICS, 3},
                                          .seen = "exclude",
                                          .confidence = 0.95};
    train->backtest = (struct backtest){.engine = train->engine, .options = &train->asked};
    return backtest_run(&train->backtest, err);
}

static kai_status decide(struct train *train, kai_err *err) {
    const struct backtest *backtest = &train->backtest;
    const struct estimate *estimates = backtest->result.estimates;
    int32_t stride = backtest->metric_count;
    train->rival = -1;
    for (int32_t m = 0; m < backtest->model_count; m++)
        if (strcmp(backtest->models[m].name, train->options->model) == 0) train->model = m;
    if (backtest->models[train->model].kind != RECOMMENDER_TRANSFORMER) return KAI_OK;
    train->rival = 0;
    for (int32_t m = 1; m < YARDSTICK_KINDS; m++)
        if (estimates[m * stride].value > estimates[train->rival * stride].value) train->rival = m;
    train->difference =
        ranking_difference(&backtest->result, &backtest->metrics[0], 0, train->model, train->rival);
    if (train->difference.low > 0 || train->options->force) return KAI_OK;
    return err_set(err, KAI_DENIED,
                   "not promoted: ndcg@10 of transformer is %.4f, of %s %.4f (difference %+.4f, "
                   "%+.4f to %+.4f); '--model %s' saves that one, '--force' this one",
                   estimates[train->model * stride].value, backtest->models[train->rival].name,
                   estimates[train->rival * stride].value, train->difference.value,
                   train->difference.low, train->difference.high,
                   backtest->models[train->rival].name);
}

/* What serves has learned from everything. */
static kai_status fit_again(struct train *train, kai_err *err) {
    struct backtest *backtest = &train->backtest;
    const struct history_input *input = &backtest->input;
    struct recommender_file file = {.kind = backtest->models[train->model].kind};
    struct behave_sequences all = histories_view(&input->interactions.histories);
    struct behave_options options = backtest->transformer;
    struct behave_watch watch = {.progress = &train->engine->progress};
    options.item_count = input->interactions.item_count;
    timing_enter(&backtest->timing, "fit");
    kai_status st = KAI_OK;
    if (file.kind == RECOMMENDER_TRANSFORMER)
        st = behave_fit(&options, (uint64_t)train->options->common.seed, &all, train->engine->pool,
                        &watch, &file.transformer, err);
    file.customers = *input->customers; /* borrowed, as are the histories */
    file.items = *input->items;
    file.histories = input->interactions.histories;
    timing_enter(&backtest->timing, "save");
    if (!st && !train->options->save) {
        struct buf folder;
        buf_init(&folder, 1 << 16);
        st = buf_printf(&folder, err, "%s/models", train->options->common.workspace);
        if (!st) st = file_make_dir(folder.data, err);
        buf_release(&folder);
    }
    if (!st) st = recommender_file_save(train->path.data, &file, err);
    behave_free(file.transformer);
    return st;
}

static kai_status describe(struct train *train, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_text(&json, "promoted", train->backtest.models[train->model].name);
    json_key_bool(&json, "is_forced", train->rival >= 0 && !(train->difference.low > 0));
    json_key(&json, "best_yardstick");
    json_text(&json, train->rival >= 0 ? train->backtest.models[train->rival].name : NULL);
    if (train->rival >= 0) estimate_describe(&json, "difference", &train->difference);
    json_key_text(&json, "saved", train->path.data);
    backtest_describe_members(&train->backtest, &json);
    timing_describe(&train->backtest.timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print(struct train *train, struct buf *out, kai_err *err) {
    kai_status st = backtest_print(&train->backtest, out, err);
    if (!st && train->rival >= 0)
        st = buf_printf(out, err, "transformer minus %s in ndcg@10: %+.4f (%+.4f..%+.4f)\n",
                        train->backtest.models[train->rival].name, train->difference.value,
                        train->difference.low, train->difference.high);
    return st ? st : buf_printf(out, err, "saved: %s\n", train->path.data);
}

int32_t kai_engine_train(kai_engine *engine, const kai_train_options *options, kai_buf *ret_json,
                         kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct train train = {.engine = engine, .options = options};
    struct buf out;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    buf_init(&train.path, 1 << 16);
    buf_init(&train.snapshot, 1 << 16);
    st = recommender_file_path(options->save, options->common.workspace, &train.path, err);
    if (!st) st = find_input(&train, err);
    if (!st) st = hold_against_yardsticks(&train, err);
    if (!st) st = decide(&train, err);
    if (!st) st = fit_again(&train, err);
    if (!st) st = ret_json ? describe(&train, &out, err) : print(&train, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    backtest_release(&train.backtest);
    buf_release(&train.path);
    buf_release(&train.snapshot);
    buf_release(&out);
    return st;
}
