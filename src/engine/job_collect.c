/* kairos collect: events from files, through the doorway. */
#include <kairos/event.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/instant.h"
#include "engine/answer.h"
#include "engine/doorway.h"
#include "engine/mapping.h"
#include "engine/reading.h"

enum { BATCH = 10000, BAD_MAX = 20, READ_BYTES = 1 << 20, EARLIEST_DAY = 7305 /* 1990-01-01 */ };

struct bad {
    const char *file;
    int64_t row; /* of a table, or line of JSON, from 1 */
    enum mapping_reason reason;
};

struct collecting {
    kai_engine *engine;
    const kai_collect_options *options;
    struct arena arena;
    struct mapping mapping;
    struct doorway *door;
    struct event_batch batch;
    struct mapping_texts texts;
    struct answer answer;
    int64_t now_us;
    int64_t rows, unreadable, impossible, refused[MAPPING_REASONS];
    struct bad bad[BAD_MAX];
    int32_t bad_count;
};

static kai_status flush(struct collecting *job, kai_err *err) {
    kai_status st = job->batch.count ? doorway_pass(job->door, &job->batch, err) : KAI_OK;
    event_batch_reset(&job->batch);
    return st;
}

static int is_impossible(const struct collecting *job, const struct event *event) {
    return event->time_us < EARLIEST_DAY * INSTANT_DAY_US ||
           event->time_us > job->now_us + INSTANT_DAY_US || event->quantity < 0;
}

static kai_status take(struct collecting *job, const char *file, int64_t row,
                       const struct event *event, enum mapping_reason reason, kai_err *err) {
    job->rows++;
    if (reason != MAPPING_OK) {
        job->refused[reason]++;
        if (job->bad_count < BAD_MAX) job->bad[job->bad_count++] = (struct bad){file, row, reason};
        return KAI_OK;
    }
    struct event kept = *event;
    char id[SECRET_PSEUDONYM_BYTES];
    if (kept.id.data == job->texts.id) {
        doorway_hide_id(job->door, kept.id, id);
        kept.id = slice_of(id);
    }
    if (is_impossible(job, &kept)) kept.flags |= EVENT_IMPOSSIBLE;
    job->impossible += (kept.flags & EVENT_IMPOSSIBLE) != 0;
    kai_status st = event_batch_append(&job->batch, &kept, err);
    return st || job->batch.count < BATCH ? st : flush(job, err);
}

static kai_status read_table_file(struct collecting *job, const char *file, kai_err *err) {
    struct table *table = NULL;
    struct collect_report report = {0};
    const struct column *columns[MAPPING_COLUMNS];
    kai_status st = reading_table(job->engine, file, &job->mapping.reading, &table, &report, err);
    if (!st) st = mapping_columns(&job->mapping, table, columns, err);
    for (int64_t row = 0; !st && row < table->rows; row++) {
        struct event event;
        enum mapping_reason reason = MAPPING_OK;
        st = mapping_row(&job->mapping, columns, row, &job->texts, &event, &reason, err);
        if (!st) st = take(job, file, row + 1, &event, reason, err);
        if (!st && row % (1 << 16) == 0)
            st = progress_tell(&job->engine->progress, "events", row, table->rows, err);
    }
    job->unreadable += report.rows_bad;
    table_free(table);
    collect_report_release(&report);
    return st;
}

static kai_status read_line(struct collecting *job, const char *file, int64_t number,
                            const struct buf *line, kai_err *err) {
    struct event event;
    enum mapping_reason reason = MAPPING_OK;
    if (!slice_trim((struct slice){line->data ? line->data : "", line->size}).size) return KAI_OK;
    kai_status st = mapping_line(line->data, line->size, number, &job->texts, &event, &reason, err);
    return st ? st : take(job, file, number, &event, reason, err);
}

static kai_status read_lines(struct collecting *job, const char *file, kai_err *err) {
    struct file_reader *reader = NULL;
    struct buf line;
    static const size_t CAPACITY = READ_BYTES;
    char *bytes = arena_alloc(&job->arena, CAPACITY, 1);
    int64_t number = 0;
    size_t size = 0;
    buf_init(&line, (size_t)CAPS_LINE_BYTES);
    kai_status st = bytes ? file_open(file, &reader, err) : err_memory(err, READ_BYTES);
    if (!st) st = file_read(reader, bytes, CAPACITY, &size, err);
    while (!st && size) {
        for (size_t at = 0; !st && at < size;) {
            const char *end = memchr(bytes + at, '\n', size - at);
            size_t length = end ? (size_t)(end - bytes) - at : size - at;
            st = buf_append(&line, bytes + at, length, err);
            if (st) st = err_wrap(err, st, "%s:%lld", file, (long long)number + 1);
            at += length + (end != NULL);
            if (st || !end) continue;
            st = read_line(job, file, ++number, &line, err);
            buf_reset(&line);
        }
        if (!st) st = progress_tell(&job->engine->progress, "events", job->rows, 0, err);
        if (!st) st = file_read(reader, bytes, CAPACITY, &size, err);
    }
    if (!st && line.size) st = read_line(job, file, ++number, &line, err);
    file_close(reader);
    buf_release(&line);
    return st;
}

static void describe_refused(struct collecting *job, struct json_writer *json) {
    json_key(json, "refused");
    json_object(json);
    for (int32_t r = 1; r < MAPPING_REASONS; r++)
        if (job->refused[r])
            json_key_i64(json, mapping_reason_text((enum mapping_reason)r), job->refused[r]);
    json_end(json);
    json_key(json, "first_refused");
    json_array(json);
    for (int32_t b = 0; b < job->bad_count; b++) {
        json_object(json);
        json_key_text(json, "file", job->bad[b].file);
        json_key_i64(json, "row", job->bad[b].row);
        json_key_text(json, "reason", mapping_reason_text(job->bad[b].reason));
        json_end(json);
    }
    json_end(json);
}

static kai_status report(struct collecting *job, int64_t before, int64_t after, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    struct buf *text = &job->answer.text;
    json_key_i64(json, "rows", job->rows);
    json_key_i64(json, "unreadable", job->unreadable);
    json_key_i64(json, "impossible", job->impossible);
    json_key_i64(json, "added", after - before);
    json_key_i64(json, "events", after);
    describe_refused(job, json);
    doorway_describe(job->door, json);
    kai_status st = buf_printf(text, err, "%lld rows: %lld events added, %lld in all\n",
                               (long long)job->rows, (long long)(after - before), (long long)after);
    if (!st && job->unreadable)
        st = buf_printf(text, err, "%lld rows could not be read\n", (long long)job->unreadable);
    if (!st && job->impossible)
        st = buf_printf(text, err, "%lld events are impossible: kept and flagged\n",
                        (long long)job->impossible);
    for (int32_t r = 1; !st && r < MAPPING_REASONS; r++)
        if (job->refused[r])
            st = buf_printf(text, err, "%lld rows are no events: %s\n", (long long)job->refused[r],
                            mapping_reason_text((enum mapping_reason)r));
    for (int32_t b = 0; !st && b < job->bad_count && b < 3; b++)
        st = buf_printf(text, err, "  %s, row %lld: %s\n", job->bad[b].file,
                        (long long)job->bad[b].row, mapping_reason_text(job->bad[b].reason));
    return st;
}

int32_t kai_engine_collect(kai_engine *engine, const kai_collect_options *options,
                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct collecting job = {.engine = engine, .options = options, .now_us = clock_wall_us()};
    int64_t before = 0, after = 0;
    arena_init(&job.arena);
    event_batch_init(&job.batch);
    mapping_texts_init(&job.texts);
    answer_begin(&job.answer);
    if (options->mapping) st = mapping_load(options->mapping, &job.arena, &job.mapping, err);
    if (!st) st = doorway_open(options->common.workspace, STORE_WRITE, &job.door, err);
    if (!st) before = store_event_count(doorway_store(job.door));
    timing_enter(&job.answer.timing, "collect");
    for (int64_t f = 0; !st && f < options->arguments.count; f++) {
        const char *file = options->arguments.items[f];
        st = options->mapping ? read_table_file(&job, file, err) : read_lines(&job, file, err);
    }
    if (!st) st = flush(&job, err);
    timing_enter(&job.answer.timing, "commit");
    if (!st) st = doorway_commit(job.door, err);
    if (!st) after = store_event_count(doorway_store(job.door));
    if (!st) st = report(&job, before, after, err);
    st = answer_end(&job.answer, st, ret_json, ret_text, err);
    doorway_close(job.door);
    mapping_texts_release(&job.texts);
    event_batch_release(&job.batch);
    arena_release(&job.arena);
    return st;
}
