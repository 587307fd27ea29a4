/* kairos export: everything that is held about a person, as one document for her. */
#include <kairos/privacy.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "engine/person.h"

struct export_job {
    const kai_export_options *options;
    struct doorway *door;
    char person[SECRET_PSEUDONYM_BYTES];
    const struct slice *members;
    int64_t member_count;
    int64_t events;
    int64_t member; /* the one at hand */
    struct buf text;
    struct answer answer;
    struct buf document;
    struct json_writer json;
};

static kai_status write_identifiers(struct export_job *job, kai_err *err) {
    kai_status st = KAI_OK;
    json_key(&job->json, "identifiers");
    json_array(&job->json);
    for (int64_t i = 0; !st && i < job->member_count; i++) {
        buf_reset(&job->text);
        st = doorway_reveal(job->door, job->members[i], &job->text, err);
        if (st) break;
        json_object(&job->json);
        json_key_text(&job->json, "pseudonym", job->members[i].data);
        json_key_text(&job->json, "identifier", job->text.data);
        json_end(&job->json);
    }
    json_end(&job->json);
    return st;
}

static kai_status write_statement(void *user, struct slice key, struct slice value, kai_err *err) {
    struct export_job *job = user;
    (void)key;
    buf_reset(&job->text);
    kai_status st = buf_append(&job->text, value.data, value.size, err);
    if (!st) json_raw(&job->json, job->text.data);
    return st;
}

static kai_status write_statements(struct export_job *job, kai_err *err) {
    kai_status st = KAI_OK;
    json_key(&job->json, "statements");
    json_array(&job->json);
    for (int64_t i = 0; !st && i < job->member_count; i++)
        st = store_rows(doorway_store(job->door), "consent", job->members[i], write_statement, job,
                        err);
    json_end(&job->json);
    return st;
}

static kai_status write_text(struct export_job *job, const char *key, struct slice text,
                             kai_err *err) {
    if (!text.size) return KAI_OK;
    buf_reset(&job->text);
    kai_status st = buf_append(&job->text, text.data, text.size, err);
    if (!st) json_key_text(&job->json, key, job->text.data);
    return st;
}

/* An event of hers: not one of another customer on her device. */
static kai_status write_event(void *user, const struct event *event, kai_err *err) {
    struct export_job *job = user;
    struct slice counts = event->customer.size ? event->customer : event->anonymous;
    const struct {
        const char *key;
        struct slice text;
    } texts[] = {
        {"id", event->id},           {"customer", event->customer}, {"anonymous", event->anonymous},
        {"type", event->type},       {"item", event->item},         {"currency", event->currency},
        {"channel", event->channel}, {"campaign", event->campaign}, {"session", event->session}};
    kai_status st = KAI_OK;
    if (!slice_equal(counts, job->members[job->member])) return KAI_OK;
    job->events++;
    json_object(&job->json);
    person_json_time(&job->json, "time", event->time_us);
    person_json_time(&job->json, "received", event->received_us);
    for (size_t i = 0; !st && i < sizeof texts / sizeof *texts; i++)
        st = write_text(job, texts[i].key, texts[i].text, err);
    if (!isnan(event->value)) json_key_f64(&job->json, "value", event->value);
    if (!isnan(event->quantity)) json_key_f64(&job->json, "quantity", event->quantity);
    buf_reset(&job->text);
    if (!st && event->properties.size)
        st = privacy_reveal(doorway_keys(job->door), event->properties, &job->text, err);
    if (!st && event->properties.size) {
        json_key(&job->json, "properties");
        json_raw(&job->json, job->text.data);
    }
    json_end(&job->json);
    return st;
}

static kai_status write_events(struct export_job *job, kai_err *err) {
    kai_status st = KAI_OK;
    json_key(&job->json, "events");
    json_array(&job->json);
    for (job->member = 0; !st && job->member < job->member_count; job->member++)
        st = store_history(doorway_store(job->door), job->members[job->member], write_event, job,
                           err);
    json_end(&job->json);
    return st;
}

static kai_status write_document(struct export_job *job, kai_err *err) {
    struct consent consent = {0};
    kai_status st = doorway_consent(job->door, slice_of(job->person), &consent, err);
    if (!st)
        st = doorway_members(job->door, slice_of(job->person), &job->members, &job->member_count,
                             err);
    if (st) return st;
    json_object(&job->json);
    json_key_text(&job->json, "user", job->members[0].data);
    st = write_identifiers(job, err);
    if (!st) person_describe_consent(job->door, &consent, &job->json);
    if (!st) st = write_statements(job, err);
    if (!st) st = write_events(job, err);
    json_end(&job->json);
    if (!st) st = json_finish(&job->json, err);
    return st ? st : buf_puts(&job->document, "\n", err);
}

/* To stdout, or into a file with a word about it. */
static kai_status give(struct export_job *job, int wants_json, kai_err *err) {
    const char *out = job->options->out;
    struct slice document = {job->document.data, job->document.size};
    if (strcmp(out, "-") == 0)
        return buf_append(&job->answer.text, document.data, document.size, err);
    kai_status st = file_write_all(out, document.data, document.size, err);
    if (st || !wants_json)
        return st ? st
                  : buf_printf(&job->answer.text, err, "%lld events: %s\n", (long long)job->events,
                               out);
    json_key_text(&job->answer.json, "user", job->members[0].data);
    json_key_i64(&job->answer.json, "events", job->events);
    json_key_text(&job->answer.json, "out", out);
    return KAI_OK;
}

int32_t kai_engine_export(kai_engine *engine, const kai_export_options *options, kai_buf *ret_json,
                          kai_buf *ret_text, kai_err *err) {
    (void)engine;
    struct export_job job = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    buf_init(&job.text, (size_t)CAPS_FIELD_BYTES);
    buf_init(&job.document, (size_t)CAPS_BUF_BYTES);
    json_init(&job.json, &job.document, 1);
    if (ret_json && strcmp(options->out, "-") == 0)
        st = err_set(err, KAI_INVALID, "with --json the document needs a file: give --out");
    if (!st) st = doorway_open(options->common.workspace, STORE_READ, &job.door, err);
    if (!st) st = person_find(job.door, options->arguments.items[0], job.person, err);
    if (!st) st = write_document(&job, err);
    if (!st) st = doorway_record(job.door, "export", job.person, NULL, NULL, err);
    if (!st) st = give(&job, ret_json != NULL, err);
    buf_release(&job.text);
    buf_release(&job.document);
    doorway_close(job.door);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}
