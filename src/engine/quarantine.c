#include "engine/quarantine.h"

#include <stdio.h>

#include "base/hash.h"
#include "base/instant.h"
#include "base/json.h"

static const char TABLE[] = "quarantine";
enum { KEY_BYTES = 48, PLAIN_BYTES = SECRET_TEXT_BYTES };

/* What is written of a row. */
struct keeping {
    const char *source, *place, *reason;
    struct slice raw;
    int64_t received_us;
};

static kai_status print_row(struct doorway *door, const struct keeping *keeping, struct buf *out,
                            kai_err *err) {
    char time[INSTANT_TEXT_BYTES];
    struct buf sealed;
    struct json_writer json;
    buf_init(&sealed, 2 * (size_t)SECRET_TEXT_BYTES);
    (void)instant_print(keeping->received_us, time);
    kai_status st = secret_seal(doorway_keys(door), keeping->raw, &sealed, err);
    json_init(&json, out, 0);
    json_object(&json);
    json_key_text(&json, "time", time);
    json_key_text(&json, "source", keeping->source);
    if (keeping->place) json_key_text(&json, "place", keeping->place);
    json_key_text(&json, "reason", keeping->reason);
    json_key_text(&json, "raw", sealed.data);
    json_end(&json);
    if (!st) st = json_finish(&json, err);
    buf_release(&sealed);
    return st;
}

static kai_status put_row(struct doorway *door, struct slice key, struct keeping keeping,
                          kai_err *err) {
    struct buf row;
    buf_init(&row, 4 * (size_t)SECRET_TEXT_BYTES);
    /* what is larger than a seal may be is kept as its first part: it is not to be replayed */
    if (keeping.raw.size > SECRET_TEXT_BYTES) keeping.raw.size = SECRET_TEXT_BYTES;
    kai_status st = print_row(door, &keeping, &row, err);
    if (!st)
        st = store_put(doorway_store(door), TABLE, key, (struct slice){row.data, row.size}, err);
    buf_release(&row);
    return st;
}

kai_status quarantine_keep(struct doorway *door, const char *source,
                           const struct dialect_reply *reply, int64_t received_us, int64_t *rows,
                           kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < reply->refused && *rows < QUARANTINE_ROWS_MAX; i++) {
        const struct dialect_bad *bad = &reply->bad[i];
        char key[KEY_BYTES];
        uint64_t hash = hash_bytes(bad->raw.data, bad->raw.size, (uint64_t)i);
        int size = snprintf(key, sizeof key, "%019lld-%016llx", (long long)received_us,
                            (unsigned long long)hash);
        st = put_row(door, (struct slice){key, (size_t)size},
                     (struct keeping){source, NULL, bad->reason, bad->raw, received_us}, err);
        *rows += !st;
    }
    return st;
}

kai_status quarantine_keep_row(struct doorway *door, const char *place, const char *reason,
                               struct slice raw, int64_t received_us, int *ret_is_new,
                               kai_err *err) {
    char key[SECRET_PSEUDONYM_BYTES];
    struct buf known;
    int is_known = 0;
    buf_init(&known, 4 * (size_t)SECRET_TEXT_BYTES);
    kai_status st = buf_printf(&known, err, "%s: %s: ", place, reason);
    if (!st)
        st = buf_append(&known, raw.data, raw.size < PLAIN_BYTES ? raw.size : PLAIN_BYTES, err);
    /* a name made of what the row says must not tell it: it needs the key */
    if (!st) doorway_hide_id(door, (struct slice){known.data, known.size}, key);
    key[0] = 'f';
    buf_reset(&known);
    if (!st) st = store_get(doorway_store(door), TABLE, slice_of(key), &known, &is_known, err);
    if (!st && !is_known)
        st = put_row(door, slice_of(key),
                     (struct keeping){QUARANTINE_FILE, place, reason, raw, received_us}, err);
    buf_release(&known);
    if (!st) *ret_is_new = !is_known;
    return st;
}

static kai_status count_row(void *user, struct slice key, struct slice value, kai_err *err) {
    (void)key;
    (void)value;
    (void)err;
    ++*(int64_t *)user;
    return KAI_OK;
}

kai_status quarantine_count(struct doorway *door, int64_t *ret_rows, kai_err *err) {
    *ret_rows = 0;
    return store_rows(doorway_store(door), TABLE, (struct slice){"", 0}, count_row, ret_rows, err);
}

struct walk {
    struct doorway *door;
    quarantine_fn call;
    void *user;
    struct buf raw;
};

static kai_status take_row(void *user, struct slice key, struct slice value, kai_err *err) {
    struct walk *walk = user;
    struct json_value *row = NULL;
    kai_status st = json_parse(value.data, value.size, &row, err);
    buf_reset(&walk->raw);
    if (!st)
        st = secret_open(doorway_keys(walk->door), slice_of(json_as_text(json_get(row, "raw"), "")),
                         &walk->raw, err);
    if (!st) {
        const struct quarantine_row out = {
            .id = key,
            .source = json_as_text(json_get(row, "source"), ""),
            .place = json_as_text(json_get(row, "place"), ""),
            .reason = json_as_text(json_get(row, "reason"), ""),
            .time = json_as_text(json_get(row, "time"), ""),
            .raw = {walk->raw.data ? walk->raw.data : "", walk->raw.size}};
        st = walk->call(walk->user, &out, err);
    }
    json_free(row);
    return st;
}

kai_status quarantine_rows(struct doorway *door, quarantine_fn call, void *user, kai_err *err) {
    struct walk walk = {.door = door, .call = call, .user = user};
    buf_init(&walk.raw, 2 * (size_t)SECRET_TEXT_BYTES);
    kai_status st =
        store_rows(doorway_store(door), TABLE, (struct slice){"", 0}, take_row, &walk, err);
    buf_release(&walk.raw);
    return st;
}
