/* Into the queue, and the wait for what became of it. */
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "store/store_parts.h"

static kai_status check_writer(const struct store *store, kai_err *err) {
    if (!store->is_reader) return KAI_OK;
    return err_set(err, KAI_STATE, "the store was opened for reading");
}

static kai_status item_new(enum item_kind kind, struct item **ret_item, kai_err *err) {
    struct item *item = mem_zero(1, sizeof *item);
    if (!item) return err_memory(err, sizeof *item);
    item->kind = kind;
    event_batch_init(&item->batch);
    buf_init(&item->key, CAPS_FIELD_BYTES);
    buf_init(&item->value, 2 * (size_t)CAPS_FIELD_BYTES);
    *ret_item = item;
    return KAI_OK;
}

/* With the lock held. */
static int64_t enqueue(struct store *store, struct item *item) {
    item->ticket = ++store->ticket;
    store->queued += item->batch.count;
    if (store->last)
        store->last->next = item;
    else
        store->first = item;
    store->last = item;
    (void)pthread_cond_signal(&store->filled);
    return item->ticket;
}

int store_has_room(struct store *store, int64_t events) {
    (void)pthread_mutex_lock(&store->lock);
    int has_room = !store->queued || store->queued + events <= CAPS_STORE_QUEUE;
    (void)pthread_mutex_unlock(&store->lock);
    return has_room;
}

kai_status store_append(struct store *store, const struct event_batch *batch, int64_t *ret_ticket,
                        kai_err *err) {
    struct item *item = NULL;
    kai_status st = check_writer(store, err);
    if (!st && !store_has_room(store, batch->count))
        st = err_set(err, KAI_LIMIT, "the store is behind by %lld events: come back",
                     (long long)CAPS_STORE_QUEUE);
    if (!st) st = item_new(ITEM_EVENTS, &item, err);
    for (int64_t i = 0; !st && i < batch->count; i++)
        st = event_batch_append(&item->batch, &batch->events[i], err);
    if (st) {
        item_free(item);
        return st;
    }
    (void)pthread_mutex_lock(&store->lock);
    *ret_ticket = enqueue(store, item);
    (void)pthread_mutex_unlock(&store->lock);
    return KAI_OK;
}

/* value NULL: drop. */
static kai_status queue_row(struct store *store, const char *table, struct slice key,
                            const struct slice *value, kai_err *err) {
    struct item *item = NULL;
    kai_status st = check_writer(store, err);
    if (!st) st = item_new(value ? ITEM_PUT : ITEM_DROP, &item, err);
    if (!st) {
        item->table = mem_string(table);
        if (!item->table) st = err_memory(err, 1);
    }
    if (!st) st = buf_append(&item->key, key.data, key.size, err);
    if (!st && value) st = buf_append(&item->value, value->data, value->size, err);
    if (!st) {
        (void)pthread_mutex_lock(&store->lock);
        st = pending_set(&store->waiting, table, key, value, err);
        if (!st) (void)enqueue(store, item);
        (void)pthread_mutex_unlock(&store->lock);
    }
    if (st) item_free(item);
    return st;
}

kai_status store_put(struct store *store, const char *table, struct slice key, struct slice value,
                     kai_err *err) {
    return queue_row(store, table, key, &value, err);
}

kai_status store_drop(struct store *store, const char *table, struct slice key, int *ret_was_there,
                      kai_err *err) {
    struct buf ignored;
    buf_init(&ignored, 2 * (size_t)CAPS_FIELD_BYTES);
    kai_status st = store_get(store, table, key, &ignored, ret_was_there, err);
    buf_release(&ignored);
    return st || !*ret_was_there ? st : queue_row(store, table, key, NULL, err);
}

/* 1 where it is known without the file. */
static int get_pending(struct store *store, const char *table, struct slice key, struct buf *out,
                       int *ret_found, kai_status *ret_st, kai_err *err) {
    (void)pthread_mutex_lock(&store->lock);
    const struct pending_value *value = pending_get(&store->waiting, table, key);
    if (!value) value = pending_get(&store->in_flight, table, key);
    if (value) {
        *ret_found = value->bytes != NULL;
        *ret_st = value->bytes ? buf_append(out, value->bytes, value->size, err) : KAI_OK;
    }
    (void)pthread_mutex_unlock(&store->lock);
    return value != NULL;
}

kai_status store_get(struct store *store, const char *table, struct slice key, struct buf *out,
                     int *ret_found, kai_err *err) {
    kai_status st = KAI_OK;
    *ret_found = 0;
    if (get_pending(store, table, key, out, ret_found, &st, err) || !store->reading) return st;
    (void)pthread_mutex_lock(&store->read_lock);
    st = sqlite_get(store->reading, table, key, out, ret_found, err);
    (void)pthread_mutex_unlock(&store->read_lock);
    return st;
}

/* ---- wait ---- */

/* With the lock held: did any ticket from..to fail? */
static kai_status outcome(const struct store *store, int64_t from, int64_t to, kai_err *err) {
    int64_t kept = store->failure_count < STORE_FAILURES ? store->failure_count : STORE_FAILURES;
    for (int64_t i = store->failure_count - kept; i < store->failure_count; i++) {
        const struct failure *failure = &store->failures[i % STORE_FAILURES];
        if (failure->from <= to && failure->to >= from)
            return err_set(err, failure->status, "%s", failure->err.message);
    }
    return KAI_OK;
}

int64_t store_ticket(struct store *store) {
    (void)pthread_mutex_lock(&store->lock);
    int64_t ticket = store->ticket;
    (void)pthread_mutex_unlock(&store->lock);
    return ticket;
}

static kai_status wait_for(struct store *store, int64_t from, int64_t to, kai_err *err) {
    while (store->settled < to) (void)pthread_cond_wait(&store->done, &store->lock);
    return outcome(store, from, to, err);
}

kai_status store_wait(struct store *store, int64_t from, int64_t to, kai_err *err) {
    (void)pthread_mutex_lock(&store->lock);
    kai_status st = wait_for(store, from, to, err);
    (void)pthread_mutex_unlock(&store->lock);
    return st;
}

kai_status store_commit(struct store *store, kai_err *err) {
    if (store->is_reader) return KAI_OK;
    (void)pthread_mutex_lock(&store->lock);
    int64_t from = store->committed + 1, to = store->ticket;
    kai_status st = wait_for(store, from, to, err);
    if (store->committed < to) store->committed = to;
    (void)pthread_mutex_unlock(&store->lock);
    return st;
}

/* ---- erase ---- */

kai_status store_erase(struct store *store, const struct slice *persons, int64_t count,
                       int64_t *ret_events, kai_err *err) {
    struct item *item = NULL;
    kai_status st = check_writer(store, err);
    if (!st) st = item_new(ITEM_ERASE, &item, err);
    if (st) return st;
    item->persons = persons;
    item->person_count = count;
    (void)pthread_mutex_lock(&store->lock);
    int64_t ticket = enqueue(store, item);
    st = wait_for(store, ticket, ticket, err);
    (void)pthread_mutex_unlock(&store->lock);
    if (!st) *ret_events = item->erased;
    item_free(item);
    return st;
}
