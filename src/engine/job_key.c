/* kairos key new, list, revoke: who may use the server. */
#include <kairos/privacy.h>
#include <string.h>

#include "base/clock.h"
#include "engine/person.h"
#include "govern/access.h"

struct key_job {
    const kai_key_options *options;
    struct doorway *door;
    struct answer answer;
};

static kai_status keep_key(struct key_job *job, const struct access_key *key, const char *action,
                           kai_err *err) {
    struct buf row;
    buf_init(&row, 1 << 16);
    kai_status st = access_key_print(key, &row, err);
    if (!st)
        st = store_put(doorway_store(job->door), "key", slice_of(key->id),
                       (struct slice){row.data, row.size}, err);
    if (!st) st = doorway_record(job->door, action, key->id, NULL, NULL, err);
    if (!st) st = doorway_commit(job->door, err);
    buf_release(&row);
    return st;
}

static void describe_key(const struct access_key *key, struct json_writer *json) {
    char scopes[32];
    access_scopes_print(key->scopes, scopes);
    json_key_text(json, "id", key->id);
    json_key_text(json, "name", key->name);
    json_key_text(json, "scopes", scopes);
    json_key_f64(json, "rate", key->rate);
    json_key_f64(json, "burst", key->burst);
    person_json_time(json, "created", key->created_us);
    if (key->revoked_us)
        person_json_time(json, "revoked", key->revoked_us);
    else
        json_key_text(json, "revoked", NULL);
}

/* Join the list of scopes again: the parser of the room reads one text. */
static kai_status read_scopes(const kai_list *list, uint32_t *ret_scopes, kai_err *err) {
    struct buf text;
    buf_init(&text, 1 << 16);
    kai_status st = buf_puts(&text, "", err);
    for (int64_t i = 0; !st && i < list->count; i++)
        st = buf_printf(&text, err, "%s%s", i ? "," : "", list->items[i]);
    if (!st) st = access_scopes_parse(text.data, ret_scopes, err);
    buf_release(&text);
    return st;
}

static kai_status make_key(struct key_job *job, kai_err *err) {
    const kai_key_options *options = job->options;
    struct access_key key;
    char token[ACCESS_TOKEN_BYTES];
    uint32_t scopes = 0;
    kai_status st = options->name ? read_scopes(&options->scopes, &scopes, err)
                                  : err_set(err, KAI_INVALID, "option '--name' is missing");
    if (!st)
        st = access_key_make(options->name, scopes, options->rate, options->burst, clock_wall_us(),
                             &key, token, err);
    if (!st) st = keep_key(job, &key, "key new", err);
    if (st) return st;
    describe_key(&key, &job->answer.json);
    json_key_text(&job->answer.json, "key", token);
    return buf_printf(&job->answer.text, err, "%s\n", token);
}

static kai_status list_key(void *user, struct slice id, struct slice value, kai_err *err) {
    struct key_job *job = user;
    struct access_key key;
    char scopes[32];
    (void)id;
    kai_status st = access_key_parse(value, &key, err);
    if (st) return st;
    access_scopes_print(key.scopes, scopes);
    json_object(&job->answer.json);
    describe_key(&key, &job->answer.json);
    json_end(&job->answer.json);
    return buf_printf(&job->answer.text, err, "%s  %-24s %-24s %s\n", key.id, key.name, scopes,
                      key.revoked_us ? "revoked" : "in force");
}

static kai_status list_keys(struct key_job *job, kai_err *err) {
    json_key(&job->answer.json, "keys");
    json_array(&job->answer.json);
    kai_status st =
        store_rows(doorway_store(job->door), "key", (struct slice){"", 0}, list_key, job, err);
    json_end(&job->answer.json);
    return st;
}

static kai_status revoke_key(struct key_job *job, kai_err *err) {
    const char *id = job->options->arguments.items[0];
    struct access_key key;
    struct buf row;
    int is_there = 0;
    buf_init(&row, 1 << 16);
    kai_status st = store_get(doorway_store(job->door), "key", slice_of(id), &row, &is_there, err);
    if (!st && !is_there) st = err_set(err, KAI_NOT_FOUND, "key '%.40s' is not there", id);
    if (!st) st = access_key_parse((struct slice){row.data, row.size}, &key, err);
    if (!st && key.revoked_us) st = err_set(err, KAI_STATE, "key '%.40s' is revoked already", id);
    if (!st) key.revoked_us = clock_wall_us();
    if (!st) st = keep_key(job, &key, "key revoke", err);
    if (!st) describe_key(&key, &job->answer.json);
    if (!st)
        st = buf_printf(&job->answer.text, err, "key '%s' (%s) is revoked\n", key.id, key.name);
    buf_release(&row);
    return st;
}

static kai_status run(const kai_key_options *options, enum store_mode mode,
                      kai_status (*work)(struct key_job *, kai_err *), kai_buf *ret_json,
                      kai_buf *ret_text, kai_err *err) {
    struct key_job job = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    st = doorway_open(options->common.workspace, mode, &job.door, err);
    if (!st) st = work(&job, err);
    doorway_close(job.door);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_key_new(kai_engine *engine, const kai_key_options *options, kai_buf *ret_json,
                           kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_WRITE, make_key, ret_json, ret_text, err);
}

int32_t kai_engine_key_list(kai_engine *engine, const kai_key_options *options, kai_buf *ret_json,
                            kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_READ, list_keys, ret_json, ret_text, err);
}

int32_t kai_engine_key_revoke(kai_engine *engine, const kai_key_options *options, kai_buf *ret_json,
                              kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, STORE_WRITE, revoke_key, ret_json, ret_text, err);
}
