/* kairos store verify, backup: keep the store of a workspace. */
#include <kairos/event.h>

#include "engine/answer.h"
#include "engine/settings.h"
#include "store/store.h"

struct store_job {
    const kai_store_options *options;
    struct store *store;
    struct answer answer;
};

static kai_status verify(struct store_job *job, kai_err *err) {
    struct store_report report;
    struct json_writer *json = &job->answer.json;
    kai_status st = store_verify(job->store, &report, err);
    if (st) return st;
    json_key_bool(json, "sound", 1);
    json_key_i64(json, "events", report.events);
    json_key_i64(json, "rows", report.rows);
    json_key_i64(json, "words", report.words);
    json_key_i64(json, "side_files", report.side_files);
    json_key_i64(json, "side_bytes", report.side_bytes);
    return buf_printf(&job->answer.text, err,
                      "sound: %lld events, %lld rows, %lld words, %lld side files\n",
                      (long long)report.events, (long long)report.rows, (long long)report.words,
                      (long long)report.side_files);
}

static kai_status backup(struct store_job *job, kai_err *err) {
    const char *path = job->options->arguments.items[0];
    kai_status st = store_backup(job->store, path, err);
    json_key_text(&job->answer.json, "backup", path);
    json_key_i64(&job->answer.json, "events", store_event_count(job->store));
    return st ? st : buf_printf(&job->answer.text, err, "backup: %s\n", path);
}

static kai_status run(const kai_store_options *options,
                      kai_status (*work)(struct store_job *, kai_err *), kai_buf *ret_json,
                      kai_buf *ret_text, kai_err *err) {
    struct store_job job = {.options = options};
    struct settings settings;
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    st = settings_load(options->common.workspace, &settings, err);
    if (!st) settings_release(&settings); /* it is a workspace */
    if (!st) st = store_open(options->common.workspace, STORE_READ, &job.store, err);
    if (!st) st = work(&job, err);
    store_close(job.store);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_store_verify(kai_engine *engine, const kai_store_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, verify, ret_json, ret_text, err);
}

int32_t kai_engine_store_backup(kai_engine *engine, const kai_store_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, backup, ret_json, ret_text, err);
}
