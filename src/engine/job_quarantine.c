/* kairos quarantine list, replay, drop: events that were none, and once more. */
#include <kairos/event.h>
#include <string.h>

#include "base/clock.h"
#include "base/dict.h"
#include "base/file.h"
#include "base/hash.h"
#include "engine/answer.h"
#include "engine/mapping.h"
#include "engine/quarantine.h"

struct quarantine_job {
    const kai_quarantine_options *options;
    struct doorway *door;
    struct dialect_reader *reader; /* owned */
    struct dict done;              /* ids of rows that became events */
    struct dict fixed_ids;
    struct dict fixed_raws; /* (fixed_ids.count): "<code> <raw>" keeps equal ones apart */
    int64_t rows, replayed;
    struct answer answer;
};

/* ---- list ---- */

static kai_status list_row(void *user, const struct quarantine_row *row, kai_err *err) {
    struct quarantine_job *job = user;
    struct json_writer *json = &job->answer.json;
    int is_raw = job->options->raw != 0;
    json_object(json);
    json_key_slice(json, "id", row->id);
    json_key_text(json, "time", row->time);
    json_key_text(json, "source", row->source);
    if (row->place[0]) json_key_text(json, "place", row->place);
    json_key_text(json, "reason", row->reason);
    if (is_raw) json_key_slice(json, "raw", row->raw);
    json_end(json);
    job->rows++;
    return buf_printf(&job->answer.text, err, "%.*s  %-12s %s%s%s%s%.*s\n", (int)row->id.size,
                      row->id.data, row->source, row->place, row->place[0] ? ": " : "", row->reason,
                      is_raw ? ": " : "", is_raw ? (int)row->raw.size : 0, row->raw.data);
}

static kai_status list(struct quarantine_job *job, kai_err *err) {
    json_key(&job->answer.json, "rows");
    json_array(&job->answer.json);
    kai_status st = quarantine_rows(job->door, list_row, job, err);
    json_end(&job->answer.json);
    json_key_i64(&job->answer.json, "count", job->rows);
    return st ? st
              : buf_printf(&job->answer.text, err, "%lld events are set aside\n",
                           (long long)job->rows);
}

/* ---- replay ---- */

/* One line of --fixed: {"id":"...","raw":"{...}"}, as `quarantine list --raw --json` has them. */
static kai_status take_fixed(struct quarantine_job *job, const struct json_value *line,
                             kai_err *err) {
    const char *id = json_as_text(json_get(line, "id"), NULL);
    const char *raw = json_as_text(json_get(line, "raw"), NULL);
    int32_t code = 0, ignored = 0;
    struct buf numbered;
    if (!id || !raw)
        return err_set(err, KAI_INVALID, "expected an object with the texts 'id' and 'raw'");
    buf_init(&numbered, 2 * (size_t)SECRET_TEXT_BYTES);
    kai_status st = dict_add(&job->fixed_ids, slice_of(id), &code, err);
    if (!st && code < job->fixed_raws.count)
        st = err_set(err, KAI_INVALID, "'%.60s' stands twice", id);
    if (!st) st = buf_printf(&numbered, err, "%08d %s", code, raw);
    if (!st)
        st =
            dict_add(&job->fixed_raws, (struct slice){numbered.data, numbered.size}, &ignored, err);
    buf_release(&numbered);
    return st;
}

static kai_status read_fixed(struct quarantine_job *job, kai_err *err) {
    const char *path = job->options->fixed;
    struct buf bytes;
    int64_t number = 0;
    if (!path) return KAI_OK;
    buf_init(&bytes, (size_t)CAPS_TEXT_FILE_BYTES);
    kai_status st = file_read_all(path, (size_t)CAPS_TEXT_FILE_BYTES, &bytes, err);
    for (size_t at = 0; !st && at < bytes.size;) {
        const char *end = memchr(bytes.data + at, '\n', bytes.size - at);
        size_t size = end ? (size_t)(end - bytes.data) - at : bytes.size - at;
        struct json_value *line = NULL;
        number++;
        if (slice_trim((struct slice){bytes.data + at, size}).size) {
            st = json_parse(bytes.data + at, size, &line, err);
            if (!st) st = take_fixed(job, line, err);
            if (st) st = err_wrap(err, st, "%s:%lld", path, (long long)number);
        }
        json_free(line);
        at += size + 1;
    }
    buf_release(&bytes);
    return st;
}

static int is_asked_for(const struct quarantine_job *job, const struct quarantine_row *row) {
    const kai_list *ids = &job->options->arguments;
    if (dict_find(&job->fixed_ids, row->id) >= 0) return 1;
    for (int64_t i = 0; i < ids->count; i++)
        if (slice_equal_text(row->id, ids->items[i])) return 1;
    return !ids->count && !job->options->fixed;
}

static struct slice raw_of(const struct quarantine_job *job, const struct quarantine_row *row) {
    int32_t code = dict_find(&job->fixed_ids, row->id);
    if (code < 0) return row->raw;
    struct slice numbered = job->fixed_raws.entries[code];
    return (struct slice){numbered.data + 9, numbered.size - 9};
}

/* What a row of a dialect says now. */
static kai_status read_request(struct quarantine_job *job, const struct quarantine_row *row,
                               struct event_batch *batch, int64_t *ret_refused, kai_err *err) {
    struct dialect_request request;
    struct dialect_reply reply;
    struct buf body;
    buf_init(&body, 4 * (size_t)SECRET_TEXT_BYTES);
    dialect_reply_init(&reply);
    kai_status st = dialect_wrap(slice_of(row->source), raw_of(job, row), &body, &request, err);
    if (!st) {
        request.received_us = clock_wall_us();
        const struct dialect *dialect = dialect_find(request.method, request.path);
        st = dialect_read(dialect, job->reader, &request, batch, &reply, err);
    }
    *ret_refused = reply.refused;
    dialect_reply_release(&reply);
    buf_release(&body);
    return st;
}

/* What a row of a file says now. */
static kai_status read_row(struct quarantine_job *job, const struct quarantine_row *row,
                           struct event_batch *batch, int64_t *ret_refused, kai_err *err) {
    struct slice raw = raw_of(job, row);
    int64_t place = (int64_t)(hash_bytes(row->id.data, row->id.size, 0) >> 1); /* rows differ */
    enum mapping_reason reason = MAPPING_OK;
    struct mapping_texts texts;
    struct event event;
    char id[SECRET_PSEUDONYM_BYTES];
    mapping_texts_init(&texts);
    kai_status st = mapping_line(raw.data, raw.size, place, &texts, &event, &reason, err);
    *ret_refused = reason != MAPPING_OK;
    if (!st && reason == MAPPING_OK) {
        mapping_hide_id(&texts, job->door, &event, id);
        event_flag_impossible(&event, clock_wall_us());
        st = event_batch_append(batch, &event, err);
    }
    mapping_texts_release(&texts);
    return st;
}

/* 1 where the row is an event now; it has gone through the doorway. */
static kai_status try_row(struct quarantine_job *job, const struct quarantine_row *row,
                          int *ret_is_event, kai_err *err) {
    struct event_batch batch;
    kai_err why = {0};
    int64_t refused = 0;
    int is_row = strcmp(row->source, QUARANTINE_FILE) == 0;
    *ret_is_event = 0;
    event_batch_init(&batch);
    kai_status st = (is_row ? read_row : read_request)(job, row, &batch, &refused, &why);
    if (!st && batch.count && !refused) {
        st = doorway_pass(job->door, &batch, err);
        *ret_is_event = !st;
    } else if (st == KAI_INVALID || st == KAI_UNSUPPORTED) {
        st = KAI_OK; /* stays where it is */
    } else if (st) {
        st = err_set(err, st, "%s", why.message);
    }
    event_batch_release(&batch);
    return st;
}

static kai_status replay_row(void *user, const struct quarantine_row *row, kai_err *err) {
    struct quarantine_job *job = user;
    int is_event = 0;
    int32_t code = 0;
    if (!is_asked_for(job, row)) return KAI_OK;
    job->rows++;
    kai_status st = try_row(job, row, &is_event, err);
    if (!st && is_event) st = dict_add(&job->done, row->id, &code, err);
    return st;
}

static kai_status drop_noted(struct quarantine_job *job, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < job->done.count; i++) {
        int was_there = 0;
        st = store_drop(doorway_store(job->door), "quarantine", job->done.entries[i], &was_there,
                        err);
    }
    return st ? st : doorway_commit(job->door, err);
}

static kai_status replay(struct quarantine_job *job, kai_err *err) {
    kai_status st = read_fixed(job, err);
    if (!st) st = dialect_reader_new(&job->reader, err);
    if (!st) st = quarantine_rows(job->door, replay_row, job, err);
    if (!st) st = drop_noted(job, err);
    json_key_i64(&job->answer.json, "tried", job->rows);
    json_key_i64(&job->answer.json, "replayed", job->done.count);
    return st ? st
              : buf_printf(&job->answer.text, err, "%lld events tried, %lld replayed\n",
                           (long long)job->rows, (long long)job->done.count);
}

/* ---- drop ---- */

static kai_status note_id(void *user, const struct quarantine_row *row, kai_err *err) {
    struct quarantine_job *job = user;
    int32_t code = 0;
    if (!job->options->all && !is_asked_for(job, row)) return KAI_OK;
    return dict_add(&job->done, row->id, &code, err);
}

static kai_status drop(struct quarantine_job *job, kai_err *err) {
    const kai_list *ids = &job->options->arguments;
    if (!ids->count == !job->options->all)
        return err_set(err, KAI_INVALID, "name the ids of what to drop, or say --all");
    kai_status st = quarantine_rows(job->door, note_id, job, err);
    for (int64_t i = 0; !st && i < ids->count; i++)
        if (dict_find(&job->done, slice_of(ids->items[i])) < 0)
            st = err_set(err, KAI_NOT_FOUND, "nothing is set aside as '%.60s'", ids->items[i]);
    if (!st) st = drop_noted(job, err);
    json_key_i64(&job->answer.json, "dropped", job->done.count);
    return st ? st : buf_printf(&job->answer.text, err, "%d events dropped\n", job->done.count);
}

static kai_status run(const kai_quarantine_options *options, enum store_mode mode,
                      kai_status (*work)(struct quarantine_job *, kai_err *), kai_buf *ret_json,
                      kai_buf *ret_text, kai_err *err) {
    struct quarantine_job job = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    dict_init(&job.done);
    dict_init(&job.fixed_ids);
    dict_init(&job.fixed_raws);
    answer_begin(&job.answer);
    st = doorway_open(options->common.workspace, mode, &job.door, err);
    if (!st) st = work(&job, err);
    doorway_close(job.door);
    dialect_reader_free(job.reader);
    dict_release(&job.done);
    dict_release(&job.fixed_ids);
    dict_release(&job.fixed_raws);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_quarantine_list(kai_engine *engine, const kai_quarantine_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_READ, list, ret_json, ret_text, err);
}

int32_t kai_engine_quarantine_replay(kai_engine *engine, const kai_quarantine_options *options,
                                     kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_WRITE, replay, ret_json, ret_text, err);
}

int32_t kai_engine_quarantine_drop(kai_engine *engine, const kai_quarantine_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_WRITE, drop, ret_json, ret_text, err);
}
