/* kairos identity show, merge, undo: who is who. */
#include <kairos/privacy.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "engine/person.h"

struct identity_job {
    const kai_identity_options *options;
    struct doorway *door;
    struct answer answer;
};

static void describe_edge(const struct identity_edge *edge, struct json_writer *json) {
    json_object(json);
    json_key_i64(json, "id", edge->id);
    json_key_text(json, "a", edge->a);
    json_key_text(json, "b", edge->b);
    json_key_text(json, "kind", identity_kind_text(edge->kind));
    person_json_time(json, "time", edge->time_us);
    if (edge->undone_us)
        person_json_time(json, "undone", edge->undone_us);
    else
        json_key_text(json, "undone", NULL);
    json_end(json);
}

static kai_status describe_members(struct identity_job *job, struct slice pseudonym, kai_err *err) {
    const struct slice *members = NULL;
    int64_t count = 0;
    kai_status st = doorway_members(job->door, pseudonym, &members, &count, err);
    json_key(&job->answer.json, "members");
    json_array(&job->answer.json);
    for (int64_t i = 0; !st && i < count; i++) {
        json_text(&job->answer.json, members[i].data); /* NUL-terminated */
        st = buf_printf(&job->answer.text, err, "%s%.*s\n", i ? "  " : "", (int)members[i].size,
                        members[i].data);
    }
    json_end(&job->answer.json);
    return st;
}

/* Is an edge at one of the members? They are few, so each is compared. */
static int touches_member(const struct identity_edge *edge, const struct slice *members,
                          int64_t count) {
    for (int64_t i = 0; i < count; i++)
        if (slice_equal_text(members[i], edge->a) || slice_equal_text(members[i], edge->b))
            return 1;
    return 0;
}

static kai_status show(struct identity_job *job, kai_err *err) {
    struct identity *identity = doorway_identity(job->door);
    const struct slice *members = NULL;
    char person[SECRET_PSEUDONYM_BYTES];
    int64_t count = 0;
    kai_status st = person_find(job->door, job->options->arguments.items[0], person, err);
    if (!st) st = describe_members(job, slice_of(person), err);
    if (!st) st = doorway_members(job->door, slice_of(person), &members, &count, err);
    json_key(&job->answer.json, "edges");
    json_array(&job->answer.json);
    for (int64_t i = 0; !st && i < identity_edge_count(identity); i++) {
        const struct identity_edge *edge = identity_edge_at(identity, i);
        if (!touches_member(edge, members, count)) continue;
        describe_edge(edge, &job->answer.json);
        st = buf_printf(&job->answer.text, err, "edge %lld: %s %s %s%s\n", (long long)edge->id,
                        edge->a, identity_kind_text(edge->kind), edge->b,
                        edge->undone_us ? " (undone)" : "");
    }
    json_end(&job->answer.json);
    return st;
}

static kai_status keep(struct identity_job *job, const char *action,
                       const struct identity_edge *edge, kai_err *err) {
    char detail[64];
    (void)snprintf(detail, sizeof detail, "{\"edge\":%lld}", (long long)edge->id);
    kai_status st = doorway_keep_edge(job->door, edge, err);
    if (!st) st = doorway_record(job->door, action, edge->a, detail, NULL, err);
    if (!st) st = doorway_commit(job->door, err);
    if (st) return st;
    json_key(&job->answer.json, "edge");
    describe_edge(edge, &job->answer.json);
    return buf_printf(&job->answer.text, err, "edge %lld: %s %s %s%s\n", (long long)edge->id,
                      edge->a, identity_kind_text(edge->kind), edge->b,
                      edge->undone_us ? " (undone)" : "");
}

static kai_status merge(struct identity_job *job, kai_err *err) {
    char a[SECRET_PSEUDONYM_BYTES], b[SECRET_PSEUDONYM_BYTES];
    struct identity_edge edge;
    int is_new = 0;
    if (job->options->arguments.count < 2)
        return err_set(err, KAI_INVALID, "identity merge: two users are needed");
    kai_status st = person_find(job->door, job->options->arguments.items[0], a, err);
    if (!st) st = person_find(job->door, job->options->arguments.items[1], b, err);
    if (!st)
        st = identity_link(doorway_identity(job->door), slice_of(a), slice_of(b), IDENTITY_MERGE,
                           clock_wall_us(), &edge, &is_new, err);
    if (!st && !is_new) st = err_set(err, KAI_STATE, "the two are one already");
    return st ? st : keep(job, "identity merge", &edge, err);
}

static kai_status undo(struct identity_job *job, kai_err *err) {
    struct identity_edge edge;
    int64_t id = 0;
    if (!text_parse_i64(slice_of(job->options->arguments.items[0]), &id))
        return err_set(err, KAI_INVALID, "identity undo: expected the number of an edge");
    kai_status st = identity_undo(doorway_identity(job->door), id, clock_wall_us(), &edge, err);
    return st ? st : keep(job, "identity undo", &edge, err);
}

static kai_status run(const kai_identity_options *options, enum store_mode mode,
                      kai_status (*work)(struct identity_job *, kai_err *), kai_buf *ret_json,
                      kai_buf *ret_text, kai_err *err) {
    struct identity_job job = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    st = doorway_open(options->common.workspace, mode, &job.door, err);
    if (!st) st = work(&job, err);
    doorway_close(job.door);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_identity_show(kai_engine *engine, const kai_identity_options *options,
                                 kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_READ, show, ret_json, ret_text, err);
}

int32_t kai_engine_identity_merge(kai_engine *engine, const kai_identity_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_WRITE, merge, ret_json, ret_text, err);
}

int32_t kai_engine_identity_undo(kai_engine *engine, const kai_identity_options *options,
                                 kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_WRITE, undo, ret_json, ret_text, err);
}
