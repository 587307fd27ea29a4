#include "engine/doorway.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/instant.h"

enum { CONSENT_KEY_BYTES = SECRET_PSEUDONYM_BYTES + 64, EDGE_KEY_BYTES = 24 };

struct doorway {
    char *workspace; /* owned */
    struct settings settings;
    struct secret_keys *keys; /* owned */
    enum store_mode mode;
    struct store *store; /* owned */
    struct consent_book consents;
    struct suppression suppression;
    struct identity *identity; /* owned */
    struct filter *filter;     /* owned */
    struct filter_result result;
    struct filter_report report;
    struct buf scratch;
    int asks_for_persons; /* the store, one by one: a transaction failed */
};

static kai_status load_consent(void *user, struct slice key, struct slice value, kai_err *err) {
    struct doorway *door = user;
    struct arena arena;
    struct consent_record record;
    if (key.size < SECRET_PSEUDONYM_BYTES) return err_set(err, KAI_CORRUPT, "a consent is damaged");
    arena_init(&arena);
    kai_status st = consent_parse(value, 0, &arena, &record, err);
    if (!st)
        st = consent_book_add(&door->consents, (struct slice){key.data, SECRET_PSEUDONYM_BYTES - 1},
                              &record, err);
    arena_release(&arena);
    return st;
}

static kai_status load_suppression(void *user, struct slice key, struct slice value, kai_err *err) {
    (void)value;
    return suppression_add(&((struct doorway *)user)->suppression, key, err);
}

static kai_status load_edge(void *user, struct slice key, struct slice value, kai_err *err) {
    struct identity_edge edge;
    (void)key;
    kai_status st = identity_parse(value, &edge, err);
    return st ? st : identity_restore(((struct doorway *)user)->identity, &edge, err);
}

static kai_status load_rows(struct doorway *door, kai_err *err) {
    const struct slice all = {"", 0};
    kai_status st = store_rows(door->store, "consent", all, load_consent, door, err);
    if (!st) st = store_rows(door->store, "suppression", all, load_suppression, door, err);
    if (!st) st = store_rows(door->store, "identity", all, load_edge, door, err);
    return st;
}

/* The key that this store was written with: made where neither exists, refused where they differ.
 */
static kai_status load_keys(struct doorway *door, kai_err *err) {
    const char *path = door->settings.key_file.data;
    struct buf known;
    int is_known = 0;
    buf_init(&known, 256);
    kai_status st = store_get(door->store, "meta", slice_of("key"), &known, &is_known, err);
    if (!st && !is_known && !file_exists(path)) st = secret_file_create(path, err);
    if (!st) st = secret_file_load(path, &door->keys, err);
    if (!st && is_known && strcmp(known.data, secret_fingerprint(door->keys)) != 0)
        st = err_set(err, KAI_DENIED, "key file '%s' is not the key of this workspace", path);
    if (!st && !is_known && door->mode != STORE_READ) {
        st = store_put(door->store, "meta", slice_of("key"),
                       slice_of(secret_fingerprint(door->keys)), err);
        if (!st) st = store_commit(door->store, err);
    }
    buf_release(&known);
    return st;
}

static kai_status make_filter(struct doorway *door, kai_err *err) {
    const struct filter_state state = {door->keys, &door->consents, &door->suppression,
                                       door->identity};
    return filter_new(&door->settings.rules, &state, &door->filter, err);
}

/* ---- what is known of persons, in memory ---- */

static void init_memory(struct doorway *door) {
    consent_book_init(&door->consents);
    suppression_init(&door->suppression);
}

static kai_status load_memory(struct doorway *door, kai_err *err) {
    kai_status st = identity_new(&door->identity, err);
    if (!st) st = load_rows(door, err);
    return st ? st : make_filter(door, err);
}

static void release_memory(struct doorway *door) {
    filter_free(door->filter);
    identity_free(door->identity);
    suppression_release(&door->suppression);
    consent_book_release(&door->consents);
    door->filter = NULL;
    door->identity = NULL;
}

kai_status doorway_reload(struct doorway *door, kai_err *err) {
    door->asks_for_persons = 1;
    release_memory(door);
    init_memory(door);
    return load_memory(door, err);
}

/* ---- open ---- */

/* Whoever only reads a workspace that has no store yet makes an empty one. */
static enum store_mode mode_for(const char *workspace, enum store_mode mode) {
    return mode == STORE_READ && !store_exists(workspace) ? STORE_WRITE : mode;
}

kai_status doorway_open(const char *workspace, enum store_mode mode, struct doorway **ret_door,
                        kai_err *err) {
    struct doorway *door = mem_zero(1, sizeof *door);
    if (!door) return err_memory(err, sizeof *door);
    door->mode = mode_for(workspace, mode);
    init_memory(door);
    filter_result_init(&door->result);
    buf_init(&door->scratch, (size_t)CAPS_FIELD_BYTES);
    door->workspace = mem_string(workspace);
    kai_status st = door->workspace ? KAI_OK : err_memory(err, 1);
    if (!st) st = settings_load(workspace, &door->settings, err);
    if (!st) st = store_open(workspace, door->mode, &door->store, err);
    if (!st) st = load_keys(door, err);
    if (!st) st = load_memory(door, err);
    if (st)
        doorway_close(door);
    else
        *ret_door = door;
    return st;
}

void doorway_close(struct doorway *door) {
    if (!door) return;
    release_memory(door);
    filter_result_release(&door->result);
    store_close(door->store);
    secret_keys_free(door->keys);
    settings_release(&door->settings);
    buf_release(&door->scratch);
    mem_free(door->workspace);
    mem_free(door);
}

static struct slice text_of(const struct buf *buf) {
    return (struct slice){buf->data ? buf->data : "", buf->size};
}

/* Whose events are durable has a row: it was written with the first of them, or before. Only a
 * transaction that failed can have lost it. */
static kai_status is_kept(struct doorway *door, struct slice pseudonym, int *ret_is, kai_err *err) {
    buf_reset(&door->scratch);
    if (door->asks_for_persons)
        return store_get(door->store, "person", pseudonym, &door->scratch, ret_is, err);
    *ret_is = store_has_seen(door->store, pseudonym);
    return KAI_OK;
}

/* {"kind":"customer","sealed":".."} under the pseudonym; put twice, it says the same. */
static kai_status keep_person(struct doorway *door, const struct filter_person *person,
                              kai_err *err) {
    int is_there = 0;
    kai_status st = is_kept(door, slice_of(person->pseudonym), &is_there, err);
    if (st || is_there) return st;
    buf_reset(&door->scratch);
    st = buf_printf(&door->scratch, err, "{\"kind\":\"%s\",\"sealed\":\"%.*s\"}",
                    person->is_device ? "device" : "customer", (int)person->sealed.size,
                    person->sealed.data);
    if (!st)
        st = store_put(door->store, "person", slice_of(person->pseudonym), text_of(&door->scratch),
                       err);
    return st;
}

kai_status doorway_keep_edge(struct doorway *door, const struct identity_edge *edge, kai_err *err) {
    char key[EDGE_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%019lld", (long long)edge->id); /* sorts as a number */
    buf_reset(&door->scratch);
    kai_status st = identity_print(edge, &door->scratch, err);
    return st ? st
              : store_put(door->store, "identity", slice_of(key), text_of(&door->scratch), err);
}

/* Statements are never changed: each has a key of its own, by person, purpose and time. */
static kai_status keep_consent(struct doorway *door, const char *pseudonym,
                               const struct consent_record *record, kai_err *err) {
    char key[CONSENT_KEY_BYTES];
    (void)snprintf(key, sizeof key, "%s/%s/%019lld", pseudonym,
                   consent_purpose_text(record->purpose), (long long)record->time_us);
    buf_reset(&door->scratch);
    kai_status st = consent_print(record, &door->scratch, err);
    return st ? st : store_put(door->store, "consent", slice_of(key), text_of(&door->scratch), err);
}

kai_status doorway_filter(struct doorway *door, const struct event_batch *batch,
                          const struct event_batch **ret_events, kai_err *err) {
    struct filter_result *result = &door->result;
    kai_status st = filter_apply(door->filter, batch, result, &door->report, err);
    for (int64_t i = 0; !st && i < result->person_count; i++)
        st = keep_person(door, &result->persons[i], err);
    for (int64_t i = 0; !st && i < result->edge_count; i++)
        st = doorway_keep_edge(door, &result->edges[i], err);
    for (int64_t i = 0; !st && i < result->consent_count; i++)
        st = keep_consent(door, result->consents[i].pseudonym, &result->consents[i].record, err);
    if (!st) *ret_events = &result->events;
    return st;
}

kai_status doorway_pass(struct doorway *door, const struct event_batch *batch, kai_err *err) {
    const struct event_batch *events = NULL;
    int64_t ticket = 0;
    if (!door->filter) {
        kai_status st = doorway_reload(door, err);
        if (st) return st;
    }
    if (!store_has_room(door->store, batch->count)) {
        kai_status st = store_commit(door->store, err);
        if (st) return st;
    }
    kai_status st = doorway_filter(door, batch, &events, err);
    return st || !events->count ? st : store_append(door->store, events, &ticket, err);
}

kai_status doorway_commit(struct doorway *door, kai_err *err) {
    return store_commit(door->store, err);
}

void doorway_describe(const struct doorway *door, struct json_writer *json) {
    const struct filter_report *report = &door->report;
    json_key(json, "privacy");
    json_object(json);
    json_key_i64(json, "events", report->events);
    json_key_i64(json, "kept", report->kept);
    json_key_i64(json, "suppressed", report->suppressed);
    json_key_i64(json, "without_consent", report->without_consent);
    json_key_i64(json, "consents", report->consents);
    json_key_i64(json, "damaged", report->damaged);
    json_key(json, "found");
    json_object(json);
    for (int k = RECOGNISE_NONE + 1; k < RECOGNISE_KINDS; k++)
        if (report->found[k])
            json_key_i64(json, recognise_kind_text((enum recognise_kind)k), report->found[k]);
    json_end(json);
    json_end(json);
}

const struct filter_report *doorway_report(const struct doorway *door) { return &door->report; }

struct store *doorway_store(struct doorway *door) {
    return door->store;
}

const struct settings *doorway_settings(const struct doorway *door) { return &door->settings; }

const struct secret_keys *doorway_keys(const struct doorway *door) { return door->keys; }

struct identity *doorway_identity(struct doorway *door) {
    return door->identity;
}

void doorway_pseudonym(const struct doorway *door, const char *user,
                       char ret_pseudonym[SECRET_PSEUDONYM_BYTES]) {
    if (secret_is_pseudonym(slice_of(user)))
        memcpy(ret_pseudonym, user, SECRET_PSEUDONYM_BYTES);
    else
        privacy_person(door->keys, slice_of(user), ret_pseudonym);
}

void doorway_hide_id(const struct doorway *door, struct slice id,
                     char ret_id[SECRET_PSEUDONYM_BYTES]) {
    secret_pseudonym(door->keys, "event", id, ret_id);
    ret_id[0] = 'e';
}

kai_status doorway_members(struct doorway *door, struct slice pseudonym,
                           const struct slice **ret_members, int64_t *ret_count, kai_err *err) {
    return identity_members(door->identity, pseudonym, ret_members, ret_count, err);
}

kai_status doorway_reveal(struct doorway *door, struct slice pseudonym, struct buf *out,
                          kai_err *err) {
    struct json_value *row = NULL;
    int is_there = 0;
    buf_reset(&door->scratch);
    kai_status st = store_get(door->store, "person", pseudonym, &door->scratch, &is_there, err);
    if (st) return st;
    if (!is_there) return buf_append(out, pseudonym.data, pseudonym.size, err);
    st = json_parse(door->scratch.data, door->scratch.size, &row, err);
    if (!st)
        st = secret_open(door->keys, slice_of(json_as_text(json_get(row, "sealed"), "")), out, err);
    json_free(row);
    return st;
}

static kai_status note_event(void *user, const struct event *event, kai_err *err) {
    (void)event;
    *(int *)user = 1;
    return err_set(err, KAI_CANCELLED, "one is enough");
}

kai_status doorway_knows(struct doorway *door, struct slice pseudonym, int *ret_knows,
                         kai_err *err) {
    kai_err ignored = {0};
    int knows = 0;
    buf_reset(&door->scratch);
    kai_status st = store_get(door->store, "person", pseudonym, &door->scratch, &knows, err);
    if (st) return st;
    knows = knows || dict_find(&door->consents.pseudonyms, pseudonym) >= 0;
    if (!knows) {
        st = store_history(door->store, pseudonym, note_event, &knows, &ignored);
        if (st && !knows) return err_set(err, st, "%s", ignored.message);
    }
    *ret_knows = knows;
    return KAI_OK;
}

kai_status doorway_consent(struct doorway *door, struct slice pseudonym,
                           struct consent *ret_consent, kai_err *err) {
    const struct slice *members = NULL;
    struct consent consent = {0};
    int64_t count = 0;
    kai_status st = identity_members(door->identity, pseudonym, &members, &count, err);
    for (int64_t i = 0; !st && i < count; i++)
        consent_book_fold(&door->consents, members[i], &consent);
    if (!st) *ret_consent = consent;
    return st;
}

kai_status doorway_state(struct doorway *door, struct slice pseudonym,
                         const struct consent_record *record, kai_err *err) {
    char name[SECRET_PSEUDONYM_BYTES] = "";
    memcpy(name, pseudonym.data,
           pseudonym.size < sizeof name - 1 ? pseudonym.size : sizeof name - 1);
    kai_status st = consent_book_add(&door->consents, pseudonym, record, err);
    return st ? st : keep_consent(door, name, record, err);
}

int doorway_is_suppressed(const struct doorway *door, struct slice pseudonym) {
    return suppression_has(&door->suppression, pseudonym);
}

kai_status doorway_suppress(struct doorway *door, struct slice pseudonym, kai_err *err) {
    char time[INSTANT_TEXT_BYTES];
    instant_print(clock_wall_us(), time);
    kai_status st = suppression_add(&door->suppression, pseudonym, err);
    return st ? st : store_put(door->store, "suppression", pseudonym, slice_of(time), err);
}

kai_status doorway_path(const struct doorway *door, const char *name, struct buf *out,
                        kai_err *err) {
    return buf_printf(out, err, "%s/%s", door->workspace, name);
}

kai_status doorway_record(struct doorway *door, const char *action, const char *subject,
                          const char *detail, struct audit_state *ret_state, kai_err *err) {
    const struct audit_entry entry = {clock_wall_us(), "cli", action, subject, detail};
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = doorway_path(door, "audit.jsonl", &path, err);
    if (!st) st = audit_append(door->keys, path.data, &entry, ret_state, err);
    buf_release(&path);
    return st;
}
