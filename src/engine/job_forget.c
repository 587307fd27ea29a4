/* kairos forget: erase a person everywhere, keep her from returning, and certify it.
 *
 * The order matters: first the list of what is hers is taken, then the suppression is made durable
 * (from here on nothing of hers comes in), then store, quarantine and run folders are cleaned, and
 * only then the certificate says so. A run that was cut short can be repeated: the person is still
 * known until her row in `person` goes, which is last.
 */
#include <kairos/privacy.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/dict.h"
#include "base/file.h"
#include "engine/person.h"
#include "engine/quarantine.h"
#include "engine/run_folders.h"
#include "engine/workspace_snapshot.h"

enum { ERASED_KINDS = 6 };

struct forget_job {
    const kai_forget_options *options;
    struct doorway *door;
    char person[SECRET_PSEUDONYM_BYTES];
    struct dict subjects;    /* her pseudonyms */
    struct dict suppressed;  /* these, and those of her addresses and numbers */
    struct dict identifiers; /* as they were */
    struct run_folders_name *names;
    struct arena arena;
    struct run_folders folders;
    int64_t events, persons, consents, edges, quarantined;
    struct buf certificate, path;
    struct answer answer;
};

static kai_status add(struct dict *dict, struct slice text, kai_err *err) {
    int32_t code = 0;
    return text.size ? dict_add(dict, text, &code, err) : KAI_OK;
}

/* Her pseudonyms, and the identifiers behind them. */
static kai_status collect_names(struct forget_job *job, kai_err *err) {
    const struct slice *members = NULL;
    struct buf text;
    int64_t count = 0;
    buf_init(&text, SECRET_TEXT_BYTES);
    kai_status st = doorway_members(job->door, slice_of(job->person), &members, &count, err);
    for (int64_t i = 0; !st && i < count; i++) {
        buf_reset(&text);
        st = add(&job->subjects, members[i], err);
        if (!st) st = add(&job->suppressed, members[i], err);
        if (!st) st = doorway_reveal(job->door, members[i], &text, err);
        if (!st && !secret_is_pseudonym((struct slice){text.data, text.size}))
            st = add(&job->identifiers, (struct slice){text.data, text.size}, err);
    }
    const char *user = job->options->arguments.items[0];
    if (!st && !secret_is_pseudonym(slice_of(user)))
        st = add(&job->identifiers, slice_of(user), err);
    buf_release(&text);
    return st;
}

/* Addresses and numbers that her own properties hold become suppressed too. */
struct scan {
    struct forget_job *job;
    struct slice member;
    struct privacy privacy;
    struct buf plain, ignored;
};

static kai_status note_found(void *user, enum recognise_kind kind, const char *pseudonym,
                             kai_err *err) {
    struct scan *scan = user;
    (void)kind;
    return add(&scan->job->suppressed, slice_of(pseudonym), err);
}

static kai_status scan_event(void *user, const struct event *event, kai_err *err) {
    struct scan *scan = user;
    struct slice counts = event->customer.size ? event->customer : event->anonymous;
    if (!slice_equal(counts, scan->member) || !slice_equal_text(event->type, "identify"))
        return KAI_OK;
    buf_reset(&scan->plain);
    buf_reset(&scan->ignored);
    if (!event->properties.size) return KAI_OK;
    kai_status st =
        privacy_reveal(doorway_keys(scan->job->door), event->properties, &scan->plain, err);
    if (!st)
        st = privacy_rewrite(&scan->privacy, (struct slice){scan->plain.data, scan->plain.size}, 1,
                             &scan->ignored, err);
    return st;
}

static kai_status collect_addresses(struct forget_job *job, kai_err *err) {
    struct scan scan = {.job = job,
                        .privacy = {.keys = doorway_keys(job->door),
                                    .rules = privacy_rules_default(),
                                    .found = note_found}};
    kai_status st = KAI_OK;
    scan.privacy.user = &scan;
    buf_init(&scan.plain, CAPS_FIELD_BYTES);
    buf_init(&scan.ignored, 4 * (size_t)CAPS_FIELD_BYTES);
    for (int32_t i = 0; !st && i < job->subjects.count; i++) {
        scan.member = job->subjects.entries[i];
        st = store_history(doorway_store(job->door), scan.member, scan_event, &scan, err);
    }
    buf_release(&scan.plain);
    buf_release(&scan.ignored);
    return st;
}

static kai_status suppress(struct forget_job *job, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < job->suppressed.count; i++)
        st = doorway_suppress(job->door, job->suppressed.entries[i], err);
    return st ? st : doorway_commit(job->door, err);
}

/* Keys of rows that are hers, taken first: a walk must not write. */
struct doomed {
    struct forget_job *job;
    struct dict keys;
    int looks_inside; /* at the value, for identifiers and pseudonyms */
};

static int holds_name(const struct forget_job *job, struct slice value) {
    const struct dict *const dicts[] = {&job->subjects, &job->identifiers};
    for (size_t d = 0; d < sizeof dicts / sizeof *dicts; d++)
        for (int32_t i = 0; i < dicts[d]->count; i++)
            if (value.size && memmem(value.data, value.size, dicts[d]->entries[i].data,
                                     dicts[d]->entries[i].size))
                return 1;
    return 0;
}

static kai_status note_row(void *user, struct slice key, struct slice value, kai_err *err) {
    struct doomed *doomed = user;
    if (doomed->looks_inside && !holds_name(doomed->job, value)) return KAI_OK;
    return add(&doomed->keys, key, err);
}

static kai_status drop_noted(struct doomed *doomed, const char *table, int64_t *count,
                             kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < doomed->keys.count; i++) {
        int was_there = 0;
        st = store_drop(doorway_store(doomed->job->door), table, doomed->keys.entries[i],
                        &was_there, err);
        *count += was_there;
    }
    dict_release(&doomed->keys);
    return st;
}

/* Rows whose values name her: identity edges. */
static kai_status drop_naming(struct forget_job *job, const char *table, int64_t *count,
                              kai_err *err) {
    struct doomed doomed = {.job = job, .looks_inside = 1};
    dict_init(&doomed.keys);
    kai_status st =
        store_rows(doorway_store(job->door), table, (struct slice){"", 0}, note_row, &doomed, err);
    if (!st) return drop_noted(&doomed, table, count, err);
    dict_release(&doomed.keys);
    return st;
}

static kai_status note_quarantined(void *user, const struct quarantine_row *row, kai_err *err) {
    struct doomed *doomed = user;
    return holds_name(doomed->job, row->raw) ? add(&doomed->keys, row->id, err) : KAI_OK;
}

/* What was set aside is sealed: it is opened to be looked at. */
static kai_status drop_quarantined(struct forget_job *job, kai_err *err) {
    struct doomed doomed = {.job = job};
    dict_init(&doomed.keys);
    kai_status st = quarantine_rows(job->door, note_quarantined, &doomed, err);
    if (!st) return drop_noted(&doomed, "quarantine", &job->quarantined, err);
    dict_release(&doomed.keys);
    return st;
}

/* Rows whose keys begin with one of her pseudonyms. */
static kai_status drop_keyed(struct forget_job *job, const char *table, int64_t *count,
                             kai_err *err) {
    struct doomed doomed = {.job = job};
    kai_status st = KAI_OK;
    dict_init(&doomed.keys);
    for (int32_t i = 0; !st && i < job->subjects.count; i++)
        st = store_rows(doorway_store(job->door), table, job->subjects.entries[i], note_row,
                        &doomed, err);
    if (!st) return drop_noted(&doomed, table, count, err);
    dict_release(&doomed.keys);
    return st;
}

static kai_status clean_store(struct forget_job *job, kai_err *err) {
    kai_status st = store_erase(doorway_store(job->door), job->subjects.entries,
                                job->subjects.count, &job->events, err);
    if (!st) st = drop_quarantined(job, err);
    if (!st) st = drop_keyed(job, "consent", &job->consents, err);
    if (!st) st = drop_naming(job, "identity", &job->edges, err);
    if (!st) st = drop_keyed(job, "person", &job->persons, err);
    return st;
}

static kai_status clean_folders(struct forget_job *job, kai_err *err) {
    int32_t count = job->identifiers.count;
    job->names = arena_alloc(&job->arena, (size_t)count + 1, sizeof *job->names);
    if (!job->names) return err_memory(err, count);
    for (int32_t i = 0; i < count; i++) {
        char *name = arena_alloc(&job->arena, SECRET_PSEUDONYM_BYTES, 1);
        if (!name) return err_memory(err, SECRET_PSEUDONYM_BYTES);
        doorway_pseudonym(job->door, job->identifiers.entries[i].data, name);
        job->names[i] = (struct run_folders_name){job->identifiers.entries[i], slice_of(name)};
    }
    const char *workspace = job->options->common.workspace;
    kai_status st = run_folders_forget(workspace, job->names, count, &job->folders, err);
    return st ? st : workspace_snapshot_drop(workspace, err);
}

static kai_status write_certificate(struct forget_job *job, const struct erasure_count *erased,
                                    kai_err *err) {
    struct audit_state state = {0};
    struct buf detail;
    struct json_writer json;
    buf_init(&detail, 1 << 16);
    json_init(&json, &detail, 0);
    json_object(&json);
    json_key_text(&json, "reason", job->options->reason);
    json_key_i64(&json, "events", job->events);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    if (!st) st = doorway_record(job->door, "forget", job->person, detail.data, &state, err);
    const char **subjects =
        arena_alloc(&job->arena, (size_t)job->subjects.count + 1, sizeof *subjects);
    if (!st && !subjects) st = err_memory(err, job->subjects.count);
    for (int32_t i = 0; !st && i < job->subjects.count; i++)
        subjects[i] = dict_text(&job->subjects, i);
    const struct erasure erasure = {.subjects = subjects,
                                    .subject_count = job->subjects.count,
                                    .time_us = clock_wall_us(),
                                    .erased = erased,
                                    .erased_count = ERASED_KINDS,
                                    .models = job->folders.models,
                                    .model_count = job->folders.model_count,
                                    .rewritten = job->folders.rewritten,
                                    .rewritten_count = job->folders.rewritten_count,
                                    .audit_head = state.head};
    if (!st) st = erasure_certify(doorway_keys(job->door), &erasure, &job->certificate, err);
    if (!st) st = doorway_path(job->door, "certificates", &job->path, err);
    if (!st) st = file_make_dir(job->path.data, err);
    if (!st)
        st = buf_printf(&job->path, err, "/%s-%lld.json", job->person, (long long)erasure.time_us);
    if (!st) st = file_write_all(job->path.data, job->certificate.data, job->certificate.size, err);
    buf_release(&detail);
    return st;
}

static kai_status tell(struct forget_job *job, const struct erasure_count *erased, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    json_key_text(json, "user", job->person);
    json_key_text(json, "certificate", job->path.data);
    json_key(json, "erased");
    json_object(json);
    for (int i = 0; i < ERASED_KINDS; i++) json_key_i64(json, erased[i].what, erased[i].count);
    json_end(json);
    json_key(json, "rewritten");
    json_array(json);
    for (int64_t i = 0; i < job->folders.rewritten_count; i++)
        json_text(json, job->folders.rewritten[i]);
    json_end(json);
    json_key(json, "models_that_still_hold_the_person");
    json_array(json);
    for (int64_t i = 0; i < job->folders.model_count; i++) json_text(json, job->folders.models[i]);
    json_end(json);
    kai_status st = buf_printf(&job->answer.text, err, "%s was forgotten\n", job->person);
    for (int i = 0; !st && i < ERASED_KINDS; i++)
        st = buf_printf(&job->answer.text, err, "  %-12s %lld\n", erased[i].what,
                        (long long)erased[i].count);
    if (!st) st = buf_printf(&job->answer.text, err, "certificate: %s\n", job->path.data);
    return st;
}

static kai_status forget(struct forget_job *job, kai_err *err) {
    kai_status st = person_find(job->door, job->options->arguments.items[0], job->person, err);
    if (!st) st = collect_names(job, err);
    if (!st) st = collect_addresses(job, err);
    if (!st) st = suppress(job, err);
    if (!st) st = clean_folders(job, err);
    if (!st) st = clean_store(job, err);
    if (!st) st = doorway_commit(job->door, err);
    const struct erasure_count erased[ERASED_KINDS] = {
        {"events", job->events},          {"identifiers", job->persons},
        {"consents", job->consents},      {"identities", job->edges},
        {"quarantine", job->quarantined}, {"run_rows", job->folders.rows}};
    if (!st) st = write_certificate(job, erased, err);
    return st ? st : tell(job, erased, err);
}

int32_t kai_engine_forget(kai_engine *engine, const kai_forget_options *options, kai_buf *ret_json,
                          kai_buf *ret_text, kai_err *err) {
    (void)engine;
    struct forget_job job = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    dict_init(&job.subjects);
    dict_init(&job.suppressed);
    dict_init(&job.identifiers);
    arena_init(&job.arena);
    run_folders_init(&job.folders);
    buf_init(&job.certificate, 64 << 20);
    buf_init(&job.path, 1 << 16);
    st = doorway_open(options->common.workspace, STORE_WRITE, &job.door, err);
    if (!st) st = forget(&job, err);
    st = answer_end(&job.answer, st, ret_json, ret_text, err);
    doorway_close(job.door);
    dict_release(&job.subjects);
    dict_release(&job.suppressed);
    dict_release(&job.identifiers);
    arena_release(&job.arena);
    run_folders_release(&job.folders);
    buf_release(&job.certificate);
    buf_release(&job.path);
    return st;
}
