/* kairos collect: events from files, through the doorway. */
#include <kairos/event.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/answer.h"
#include "engine/doorway.h"
#include "engine/mapping.h"
#include "engine/quarantine.h"
#include "engine/reading.h"

enum { BATCH = 10000, BAD_MAX = 20, READ_BYTES = 1 << 20 };

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
    int64_t rows, unreadable, impossible, quarantined, refused[MAPPING_REASONS];
    int64_t kept[MAPPING_REASONS]; /* set aside of this file */
    int64_t quarantine_rows;       /* all that are set aside, once is_counted */
    int is_counted;
    struct bad bad[BAD_MAX];
    int32_t bad_count;
};

static kai_status flush(struct collecting *job, kai_err *err) {
    kai_status st = job->batch.count ? doorway_pass(job->door, &job->batch, err) : KAI_OK;
    event_batch_reset(&job->batch);
    return st;
}

/* Keep what is no event until somebody mends it; beyond the room for it, it is only counted. */
static kai_status set_aside(struct collecting *job, const char *place, const char *reason,
                            struct slice raw, kai_err *err) {
    int is_new = 0;
    kai_status st = KAI_OK;
    if (!job->is_counted) st = quarantine_count(job->door, &job->quarantine_rows, err);
    job->is_counted = 1;
    if (st || job->quarantine_rows >= QUARANTINE_ROWS_MAX) return st;
    st = quarantine_keep_row(job->door, place, reason, raw, job->now_us, &is_new, err);
    job->quarantine_rows += is_new;
    job->quarantined += is_new;
    return st;
}

/* Where a row stands: the file's name without its folder. */
static kai_status print_place(const char *file, const char *what, int64_t number, struct buf *out,
                              kai_err *err) {
    const char *slash = strrchr(file, '/');
    buf_reset(out);
    return buf_printf(out, err, "%.200s, %s %lld", slash ? slash + 1 : file, what,
                      (long long)number);
}

/* `line`: what stands there, or empty: a row of a table. */
static kai_status refuse(struct collecting *job, const char *file, int64_t row, struct slice line,
                         const struct event *event, enum mapping_reason reason, kai_err *err) {
    struct buf place, raw;
    job->refused[reason]++;
    if (job->bad_count < BAD_MAX) job->bad[job->bad_count++] = (struct bad){file, row, reason};
    if (job->kept[reason]++ >= QUARANTINE_FILE_ROWS_MAX) return KAI_OK;
    buf_init(&place, 1 << 10);
    buf_init(&raw, (size_t)CAPS_FIELD_BYTES);
    kai_status st = print_place(file, line.data ? "line" : "row", row, &place, err);
    if (!st && !line.data) {
        st = mapping_print(event, reason, &raw, err);
        line = (struct slice){raw.data, raw.size};
    }
    if (!st) st = set_aside(job, place.data, mapping_reason_text(reason), line, err);
    buf_release(&raw);
    buf_release(&place);
    return st;
}

/* Rows that are not even rows of the table. */
static kai_status keep_unreadable(struct collecting *job, const char *file,
                                  const struct collect_report *report, kai_err *err) {
    struct buf place;
    kai_status st = KAI_OK;
    buf_init(&place, 1 << 10);
    for (int32_t b = 0; !st && b < report->bad_count; b++) {
        const struct collect_bad_row *bad = &report->bad[b];
        st = print_place(file, "line", bad->line, &place, err);
        if (!st) st = set_aside(job, place.data, bad->message, slice_of(bad->raw), err);
    }
    buf_release(&place);
    return st;
}

static kai_status take(struct collecting *job, const struct event *event, kai_err *err) {
    struct event kept = *event;
    char id[SECRET_PSEUDONYM_BYTES];
    mapping_hide_id(&job->texts, job->door, &kept, id);
    event_flag_impossible(&kept, job->now_us);
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
        job->rows += !st;
        if (!st)
            st = reason == MAPPING_OK
                     ? take(job, &event, err)
                     : refuse(job, file, row + 1, (struct slice){NULL, 0}, &event, reason, err);
        if (!st && row % (1 << 16) == 0)
            st = progress_tell(&job->engine->progress, "events", row, table->rows, err);
    }
    job->unreadable += report.rows_bad;
    if (!st) st = keep_unreadable(job, file, &report, err);
    table_free(table);
    collect_report_release(&report);
    return st;
}

static kai_status read_line(struct collecting *job, const char *file, int64_t number,
                            const struct buf *line, kai_err *err) {
    struct event event;
    enum mapping_reason reason = MAPPING_OK;
    const struct slice said = {line->data ? line->data : "", line->size};
    if (!slice_trim(said).size) return KAI_OK;
    kai_status st = mapping_line(said.data, said.size, number, &job->texts, &event, &reason, err);
    if (st) return st;
    job->rows++;
    return reason == MAPPING_OK ? take(job, &event, err)
                                : refuse(job, file, number, said, &event, reason, err);
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
    json_key_i64(json, "quarantined", job->quarantined);
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
    if (!st && job->quarantined)
        st = buf_printf(text, err, "%lld rows were set aside: see 'kairos quarantine list'\n",
                        (long long)job->quarantined);
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
        memset(job.kept, 0, sizeof job.kept);
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
