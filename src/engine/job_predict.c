/* kairos predict: score the rows of a table with a saved model. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "collect/csv_write.h"
#include "engine/engine.h"
#include "engine/reading.h"
#include "engine/saved.h"

struct predict {
    kai_engine *engine;
    const kai_predict_options *options;
    struct timing timing;
    struct saved saved;
    enum learn_kind kind;
    struct table *table; /* owned */
    struct collect_report report;
    struct recipe_report recipe_report;
    double *scores; /* owned; (rows, outputs) */
    int32_t outputs;
};

static kai_status score_table(struct predict *predict, kai_err *err) {
    const struct recipe *recipe = predict->saved.recipes[saved_view(predict->kind)];
    struct matrix *matrix = NULL;
    struct pool *pool = predict->engine->pool;
    timing_enter(&predict->timing, "prepare");
    kai_status st = recipe_apply(recipe, predict->table, NULL, predict->table->rows, pool, &matrix,
                                 &predict->recipe_report, err);
    timing_enter(&predict->timing, "predict");
    predict->outputs = model_outputs(predict->saved.models[predict->kind]);
    size_t cells = (size_t)predict->table->rows * (size_t)predict->outputs;
    predict->scores = mem_array(cells, sizeof *predict->scores);
    if (!st && !predict->scores) st = err_memory(err, (int64_t)(cells * sizeof(double)));
    if (!st)
        st = saved_score(&predict->saved, predict->kind, matrix, NULL, predict->table->rows, pool,
                         predict->scores, err);
    matrix_free(matrix);
    return st;
}

static void write_header(const struct predict *predict, struct csv_writer *csv) {
    csv_write_string(csv, "row");
    for (int32_t o = 0; o < predict->outputs; o++) {
        char name[256] = "score";
        if (predict->outputs > 1) /* a name that is cut is still a name */
            (void)snprintf(name, sizeof name, "score_%s", predict->saved.names[o]);
        csv_write_string(csv, name);
    }
}

static kai_status write_scores(const struct predict *predict, struct csv_writer *csv,
                               kai_err *err) {
    write_header(predict, csv);
    kai_status st = csv_write_row(csv, err);
    for (int64_t i = 0; !st && i < predict->table->rows; i++) {
        csv_write_i64(csv, i + 1);
        for (int32_t o = 0; o < predict->outputs; o++)
            csv_write_f64(csv, predict->scores[i * predict->outputs + o]);
        st = csv_write_row(csv, err);
    }
    return st;
}

static kai_status write_out(struct predict *predict, kai_buf *ret_text, kai_err *err) {
    const char *out = predict->options->out;
    int is_stdout = strcmp(out, "-") == 0;
    struct buf text;
    struct csv_writer *csv = NULL;
    timing_enter(&predict->timing, "write");
    if (is_stdout && !ret_text)
        return err_set(err, KAI_INVALID, "with --json the scores need a file: give --out");
    buf_init(&text, (size_t)CAPS_BUF_BYTES);
    kai_status st = is_stdout ? csv_write_new(&text, &csv, err) : csv_write_open(out, &csv, err);
    if (!st) st = write_scores(predict, csv, err);
    if (!st) {
        st = csv_write_close(csv, err);
        csv = NULL;
    }
    csv_write_abandon(csv);
    if (!st && !is_stdout && ret_text)
        st = buf_printf(&text, err, "%lld rows scored by '%s': %s\n",
                        (long long)predict->table->rows, learn_kind_text(predict->kind), out);
    if (!st && ret_text) result_give(&text, ret_text);
    buf_release(&text);
    return st;
}

static kai_status describe(struct predict *predict, kai_buf *ret_json, kai_err *err) {
    struct buf out;
    struct json_writer json;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    json_init(&json, &out, 1);
    json_object(&json);
    json_key_i64(&json, "rows", predict->table->rows);
    json_key_text(&json, "label", predict->saved.label);
    json_key_text(&json, "model", learn_kind_text(predict->kind));
    json_key_text(&json, "out", predict->options->out);
    reading_describe(&json, "read", &predict->report);
    json_key_i64(&json, "unseen_categories", predict->recipe_report.unseen);
    json_key_i64(&json, "missing_cells", predict->recipe_report.missing);
    json_key_i64(&json, "unreadable_cells", predict->recipe_report.unreadable);
    timing_describe(&predict->timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    if (!st) st = buf_puts(&out, "\n", err);
    if (!st) result_give(&out, ret_json);
    buf_release(&out);
    return st;
}

int32_t kai_engine_predict(kai_engine *engine, const kai_predict_options *options,
                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct predict predict = {.engine = engine, .options = options};
    timing_start(&predict.timing);
    timing_enter(&predict.timing, "read");
    st = saved_load(options->arguments.items[0], &predict.saved, err);
    if (!st) st = saved_kind(&predict.saved, options->model, &predict.kind, err);
    if (!st)
        st = reading_table(engine, options->arguments.items[1], &options->table, &predict.table,
                           &predict.report, err);
    if (!st) st = score_table(&predict, err);
    if (!st) st = write_out(&predict, ret_text, err);
    if (!st && ret_json) st = describe(&predict, ret_json, err);
    mem_free(predict.scores);
    table_free(predict.table);
    collect_report_release(&predict.report);
    saved_release(&predict.saved);
    return st;
}
