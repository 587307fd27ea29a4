/* One file of rows and events, read whole, and written anew on commit. */
#include "engine/vault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bytes.h"
#include "base/caps.h"
#include "base/dict.h"
#include "base/file.h"

#define MAGIC "KAIVAULT1"
enum { EVENT_TEXTS = 10 };

struct row {
    char *table; /* owned; NULL = dropped */
    struct buf key, value;
};

struct vault {
    struct buf path;
    int lock;         /* descriptor of the lock file; -1 = a workspace that cannot be written */
    struct row *rows; /* owned; by code of `places` */
    int64_t count, capacity;
    struct dict places;       /* table, NUL, key */
    struct buf place;         /* scratch */
    const struct row **order; /* owned; the rows that are there, by table and key */
    int64_t ordered;
    int is_ordered;
    struct event_batch events;
    struct dict ids;
};

static struct slice text_of(const struct buf *buf) {
    return (struct slice){buf->data ? buf->data : "", buf->size};
}

static int compare_slices(struct slice a, struct slice b) {
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static int compare_row(const struct row *row, const char *table, struct slice key) {
    int order = strcmp(row->table, table);
    return order ? order : compare_slices(text_of(&row->key), key);
}

static int compare_rows(const void *a, const void *b) {
    const struct row *const *x = a, *const *y = b;
    return compare_row(*x, (*y)->table, text_of(&(*y)->key));
}

static kai_status order_rows(struct vault *vault, kai_err *err) {
    if (vault->is_ordered) return KAI_OK;
    const struct row **order = mem_resize(vault->order, (size_t)vault->count + 1, sizeof *order);
    if (!order) return err_memory(err, vault->count * (int64_t)sizeof *order);
    vault->order = order;
    vault->ordered = 0;
    for (int64_t i = 0; i < vault->count; i++)
        if (vault->rows[i].table) order[vault->ordered++] = &vault->rows[i];
    qsort(order, (size_t)vault->ordered, sizeof *order, compare_rows);
    vault->is_ordered = 1;
    return KAI_OK;
}

static void release_row(struct row *row) {
    mem_free(row->table);
    buf_release(&row->key);
    buf_release(&row->value);
}

/* The first of the ordered rows that is not before table and key. */
static int64_t find_first(const struct vault *vault, const char *table, struct slice key) {
    int64_t low = 0, high = vault->ordered;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (compare_row(vault->order[middle], table, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static kai_status name_place(struct vault *vault, const char *table, struct slice key,
                             kai_err *err) {
    buf_reset(&vault->place);
    kai_status st = buf_append(&vault->place, table, strlen(table) + 1, err);
    return st ? st : buf_append(&vault->place, key.data, key.size, err);
}

/* ret_row: NULL where there is none. */
static kai_status find_row(struct vault *vault, const char *table, struct slice key,
                           struct row **ret_row, kai_err *err) {
    *ret_row = NULL;
    kai_status st = name_place(vault, table, key, err);
    if (st) return st;
    int32_t code = dict_find(&vault->places, text_of(&vault->place));
    if (code >= 0 && code < vault->count && vault->rows[code].table) *ret_row = &vault->rows[code];
    return KAI_OK;
}

static kai_status make_row(const char *table, struct slice key, struct slice value,
                           struct row *ret_row, kai_err *err) {
    struct row row = {.table = mem_string(table)};
    buf_init(&row.key, CAPS_FIELD_BYTES);
    buf_init(&row.value, CAPS_FIELD_BYTES);
    kai_status st = row.table ? KAI_OK : err_memory(err, 1);
    if (!st) st = buf_append(&row.key, key.data, key.size, err);
    if (!st) st = buf_append(&row.value, value.data, value.size, err);
    if (st)
        release_row(&row);
    else
        *ret_row = row;
    return st;
}

/* Room for one row more; the order points at rows, so it goes when they move. */
static kai_status grow_rows(struct vault *vault, kai_err *err) {
    if (vault->count < vault->capacity) return KAI_OK;
    int64_t capacity = vault->capacity ? 2 * vault->capacity : 64;
    struct row *rows = mem_resize(vault->rows, (size_t)capacity, sizeof *rows);
    if (!rows) return err_memory(err, capacity * (int64_t)sizeof *rows);
    vault->rows = rows;
    vault->capacity = capacity;
    vault->is_ordered = 0;
    return KAI_OK;
}

kai_status vault_put(struct vault *vault, const char *table, struct slice key, struct slice value,
                     kai_err *err) {
    struct row row = {0};
    int32_t code = 0;
    kai_status st = name_place(vault, table, key, err);
    if (!st) st = grow_rows(vault, err);
    if (!st) st = make_row(table, key, value, &row, err);
    if (st) return st;
    st = dict_add(&vault->places, text_of(&vault->place), &code, err);
    if (st) {
        release_row(&row);
        return st;
    }
    if (code < vault->count)
        release_row(&vault->rows[code]);
    else
        vault->count = (int64_t)code + 1;
    vault->rows[code] = row;
    vault->is_ordered = 0;
    return KAI_OK;
}

kai_status vault_get(struct vault *vault, const char *table, struct slice key, struct buf *out,
                     int *ret_found, kai_err *err) {
    struct row *row = NULL;
    kai_status st = find_row(vault, table, key, &row, err);
    *ret_found = row != NULL;
    return row ? buf_append(out, text_of(&row->value).data, row->value.size, err) : st;
}

kai_status vault_drop(struct vault *vault, const char *table, struct slice key, int *ret_was_there,
                      kai_err *err) {
    struct row *row = NULL;
    kai_status st = find_row(vault, table, key, &row, err);
    *ret_was_there = row != NULL;
    if (!row) return st;
    release_row(row);
    *row = (struct row){0};
    vault->is_ordered = 0;
    return KAI_OK;
}

kai_status vault_rows(struct vault *vault, const char *table, struct slice prefix,
                      vault_row_fn call, void *user, kai_err *err) {
    kai_status st = order_rows(vault, err);
    if (st) return st;
    for (int64_t i = find_first(vault, table, prefix); !st && i < vault->ordered; i++) {
        const struct row *row = vault->order[i];
        struct slice key = text_of(&row->key);
        if (strcmp(row->table, table) != 0) break;
        if (key.size < prefix.size || memcmp(key.data, prefix.data, prefix.size) != 0) break;
        st = call(user, key, text_of(&row->value), err);
    }
    return st;
}

kai_status vault_append(struct vault *vault, const struct event_batch *batch, int64_t *ret_added,
                        kai_err *err) {
    kai_status st = KAI_OK;
    *ret_added = 0;
    for (int64_t i = 0; !st && i < batch->count; i++) {
        int32_t before = vault->ids.count, code = 0;
        st = dict_add(&vault->ids, batch->events[i].id, &code, err);
        if (st || code != before) continue;
        st = event_batch_append(&vault->events, &batch->events[i], err);
        if (!st) ++*ret_added;
    }
    return st;
}

kai_status vault_history(struct vault *vault, struct slice pseudonym, vault_event_fn call,
                         void *user, kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < vault->events.count; i++) {
        const struct event *event = &vault->events.events[i];
        if (slice_equal(event->customer, pseudonym) || slice_equal(event->anonymous, pseudonym))
            st = call(user, event, err);
    }
    return st;
}

kai_status vault_events(struct vault *vault, vault_event_fn call, void *user, kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < vault->events.count; i++)
        st = call(user, &vault->events.events[i], err);
    return st;
}

static int is_among(struct slice pseudonym, const struct slice *pseudonyms, int64_t count) {
    for (int64_t p = 0; pseudonym.size && p < count; p++)
        if (slice_equal(pseudonym, pseudonyms[p])) return 1;
    return 0;
}

kai_status vault_erase(struct vault *vault, const struct slice *pseudonyms, int64_t count,
                       int64_t *ret_events, kai_err *err) {
    struct event_batch kept;
    kai_status st = KAI_OK;
    *ret_events = 0;
    event_batch_init(&kept);
    for (int64_t i = 0; !st && i < vault->events.count; i++) {
        struct event event = vault->events.events[i];
        struct slice counts = event.customer.size ? event.customer : event.anonymous;
        int is_gone = is_among(counts, pseudonyms, count);
        *ret_events += is_gone;
        if (is_gone) continue;
        if (is_among(event.anonymous, pseudonyms, count)) event.anonymous = (struct slice){"", 0};
        st = event_batch_append(&kept, &event, err);
    }
    if (st) {
        event_batch_release(&kept);
        return st;
    }
    event_batch_release(&vault->events);
    vault->events = kept;
    return KAI_OK;
}

static void put_slice(struct bytes_writer *writer, struct slice text) {
    bytes_put_i64(writer, (int64_t)text.size);
    if (text.size) bytes_put_raw(writer, text.data, text.size);
}

static struct slice get_slice(struct bytes_reader *reader) {
    int64_t size = bytes_get_count(reader, CAPS_FIELD_BYTES, 1);
    const char *data = size ? bytes_get_raw(reader, (size_t)size) : "";
    return (struct slice){data ? data : "", data ? (size_t)size : 0};
}

static void put_event(struct bytes_writer *writer, const struct event *event) {
    const struct slice texts[EVENT_TEXTS] = {
        event->id,       event->customer, event->anonymous, event->type,    event->item,
        event->currency, event->channel,  event->campaign,  event->session, event->properties};
    for (int t = 0; t < EVENT_TEXTS; t++) put_slice(writer, texts[t]);
    bytes_put_i64(writer, event->time_us);
    bytes_put_i64(writer, event->received_us);
    bytes_put_f64(writer, event->value);
    bytes_put_f64(writer, event->quantity);
    bytes_put_i32(writer, (int32_t)event->flags);
}

static struct event get_event(struct bytes_reader *reader) {
    struct event event = event_empty();
    struct slice *const texts[EVENT_TEXTS] = {
        &event.id,       &event.customer, &event.anonymous, &event.type,    &event.item,
        &event.currency, &event.channel,  &event.campaign,  &event.session, &event.properties};
    for (int t = 0; t < EVENT_TEXTS; t++) *texts[t] = get_slice(reader);
    event.time_us = bytes_get_i64(reader);
    event.received_us = bytes_get_i64(reader);
    event.value = bytes_get_f64(reader);
    event.quantity = bytes_get_f64(reader);
    event.flags = (uint32_t)bytes_get_i32(reader);
    return event;
}

kai_status vault_commit(struct vault *vault, kai_err *err) {
    struct buf out;
    struct bytes_writer writer;
    kai_status st = order_rows(vault, err);
    if (st) return st;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    bytes_write(&writer, &out);
    bytes_put_text(&writer, MAGIC);
    bytes_put_i64(&writer, vault->ordered);
    for (int64_t i = 0; i < vault->ordered; i++) {
        bytes_put_text(&writer, vault->order[i]->table);
        put_slice(&writer, text_of(&vault->order[i]->key));
        put_slice(&writer, text_of(&vault->order[i]->value));
    }
    bytes_put_i64(&writer, vault->events.count);
    for (int64_t i = 0; i < vault->events.count; i++) put_event(&writer, &vault->events.events[i]);
    st = bytes_written(&writer, err);
    if (!st) st = file_write_all(vault->path.data, out.data, out.size, err);
    buf_release(&out);
    return st;
}

static kai_status read_rows(struct vault *vault, struct bytes_reader *reader, kai_err *err) {
    int64_t count = bytes_get_count(reader, INT64_MAX, 1);
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < count && !reader->is_short; i++) {
        char *table = bytes_get_text(reader);
        struct slice key = get_slice(reader), value = get_slice(reader);
        if (table && !reader->is_short) st = vault_put(vault, table, key, value, err);
        mem_free(table);
    }
    return st;
}

static kai_status read_file(struct vault *vault, struct slice bytes, kai_err *err) {
    struct bytes_reader reader;
    bytes_read(&reader, bytes.data, bytes.size, "vault");
    char *magic = bytes_get_text(&reader);
    if (!magic || strcmp(magic, MAGIC) != 0) bytes_refuse(&reader);
    mem_free(magic);
    kai_status st = read_rows(vault, &reader, err);
    int64_t count = bytes_get_count(&reader, INT64_MAX, 1);
    for (int64_t i = 0; !st && i < count && !reader.is_short; i++) {
        struct event event = get_event(&reader);
        int32_t code = 0;
        if (reader.is_short) break;
        st = event_batch_append(&vault->events, &event, err);
        if (!st) st = dict_add(&vault->ids, event.id, &code, err);
    }
    return st ? st : bytes_done(&reader, err);
}

int vault_exists(const char *workspace) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, NULL, "%s/vault.bin", workspace);
    int is_there = !st && file_exists(path.data);
    buf_release(&path);
    return is_there;
}

/* Wait until no other process holds the workspace: what is read, changed and written back as a
 * whole may have one holder. */
static kai_status take_lock(const char *workspace, struct vault *vault, kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/vault.lock", workspace);
    if (!st) {
        vault->lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, S_IRUSR | S_IWUSR);
        int is_read_only = vault->lock < 0 && (errno == EROFS || errno == EACCES);
        if (!is_read_only && (vault->lock < 0 || flock(vault->lock, LOCK_EX) != 0))
            st = err_set(err, KAI_IO, "'%s' could not be locked", path.data);
    }
    buf_release(&path);
    return st;
}

kai_status vault_open(const char *workspace, struct vault **ret_vault, kai_err *err) {
    struct vault *vault = mem_zero(1, sizeof *vault);
    struct buf bytes;
    if (!vault) return err_memory(err, sizeof *vault);
    buf_init(&bytes, (size_t)CAPS_BUF_BYTES);
    buf_init(&vault->path, 1 << 16);
    buf_init(&vault->place, CAPS_FIELD_BYTES);
    vault->lock = -1;
    event_batch_init(&vault->events);
    dict_init(&vault->ids);
    dict_init(&vault->places);
    kai_status st = buf_printf(&vault->path, err, "%s/vault.bin", workspace);
    if (!st) st = take_lock(workspace, vault, err);
    if (!st && file_exists(vault->path.data)) {
        st = file_read_all(vault->path.data, (size_t)CAPS_BUF_BYTES, &bytes, err);
        if (!st) st = read_file(vault, text_of(&bytes), err);
    }
    buf_release(&bytes);
    if (st)
        vault_close(vault);
    else
        *ret_vault = vault;
    return st;
}

void vault_close(struct vault *vault) {
    if (!vault) return;
    for (int64_t i = 0; i < vault->count; i++) release_row(&vault->rows[i]);
    mem_free(vault->rows);
    mem_free(vault->order);
    dict_release(&vault->places);
    buf_release(&vault->place);
    if (vault->lock >= 0) (void)close(vault->lock); /* gives the lock back */
    event_batch_release(&vault->events);
    dict_release(&vault->ids);
    buf_release(&vault->path);
    mem_free(vault);
}
