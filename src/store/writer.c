/* The only writer: what came in while one transaction was under way is the next. */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/hash.h"
#include "store/store_parts.h"

/* Mutexes and conditions are valid and of the default kind: their calls cannot fail. */

static const char COUNT_SPACE[] = "store", COUNT_KEY[] = "events";

uint64_t store_id_key(struct slice id) {
    return hash_mix(hash_bytes(id.data, id.size, 0x6b61)) >> 16; /* 48 bits */
}

void item_free(struct item *item) {
    if (!item) return;
    event_batch_release(&item->batch);
    buf_release(&item->key);
    buf_release(&item->value);
    mem_free(item->table);
    mem_free(item);
}

/* ---- one event ---- */

struct looking {
    struct sqlite *sqlite;
    struct slice id;
    int is_there;
};

static kai_status look(void *user, int64_t seq, int *ret_stop, kai_err *err) {
    struct looking *looking = user;
    kai_status st = sqlite_has_id(looking->sqlite, seq, looking->id, &looking->is_there, err);
    *ret_stop = looking->is_there;
    return st;
}

static kai_status encode(struct store *store, const struct event *event, struct coded *ret_coded,
                         kai_err *err) {
    const struct slice texts[CODED_TEXTS] = {
        [CODED_CUSTOMER] = event->customer, [CODED_ANONYMOUS] = event->anonymous,
        [CODED_TYPE] = event->type,         [CODED_ITEM] = event->item,
        [CODED_CURRENCY] = event->currency, [CODED_CHANNEL] = event->channel,
        [CODED_CAMPAIGN] = event->campaign};
    kai_status st = KAI_OK;
    *ret_coded = (struct coded){.seq = store->seq + 1,
                                .id = event->id,
                                .session = event->session,
                                .properties = event->properties,
                                .time_us = event->time_us,
                                .received_us = event->received_us,
                                .value = event->value,
                                .quantity = event->quantity,
                                .flags = event->flags};
    for (int t = 0; !st && t < CODED_TEXTS; t++)
        st = words_code(&store->words, texts[t], &ret_coded->codes[t], err);
    return st;
}

static kai_status index_event(struct store *store, const struct coded *coded, kai_err *err) {
    int64_t customer = coded->codes[CODED_CUSTOMER], device = coded->codes[CODED_ANONYMOUS];
    kai_status st = sorted_add(store->ids, store_id_key(coded->id), coded->seq, err);
    if (!st && customer) st = sorted_add(store->people, (uint64_t)customer, coded->seq, err);
    if (!st && device) st = sorted_add(store->people, (uint64_t)device, coded->seq, err);
    return st;
}

static kai_status write_event(struct store *store, const struct event *event, int64_t *added,
                              kai_err *err) {
    struct looking looking = {.sqlite = store->writing, .id = event->id};
    struct coded coded;
    kai_status st = sorted_find(store->ids, store_id_key(event->id), look, &looking, err);
    if (st || looking.is_there) return st;
    st = encode(store, event, &coded, err);
    if (!st) st = sqlite_insert(store->writing, &coded, err);
    if (!st) st = index_event(store, &coded, err);
    if (st) return st;
    store->seq = coded.seq;
    ++*added;
    return KAI_OK;
}

/* ---- one transaction ---- */

static kai_status write_item(struct store *store, struct item *item, int64_t *added, kai_err *err) {
    const struct slice key = {item->key.data ? item->key.data : "", item->key.size};
    const struct slice value = {item->value.data ? item->value.data : "", item->value.size};
    kai_status st = KAI_OK;
    if (item->kind == ITEM_PUT) return sqlite_put(store->writing, item->table, key, value, err);
    if (item->kind == ITEM_DROP) return sqlite_drop(store->writing, item->table, key, err);
    for (int64_t i = 0; !st && i < item->batch.count; i++)
        st = write_event(store, &item->batch.events[i], added, err);
    return st;
}

static kai_status write_count(struct store *store, int64_t count, kai_err *err) {
    char digits[24];
    int size = snprintf(digits, sizeof digits, "%lld", (long long)count);
    return sqlite_put(store->writing, COUNT_SPACE, slice_of(COUNT_KEY),
                      (struct slice){digits, (size_t)size}, err);
}

/* What the failed transaction put into memory is taken out; its words are written with the next. */
static void take_back(struct store *store) {
    sqlite_rollback(store->writing);
    sorted_forget(store->ids);
    sorted_forget(store->people);
    kai_status st = store_catch_up(store, store->writing, 0, NULL);
    store->is_behind = st != KAI_OK; /* a file that cannot be read: before the next group, again */
}

static kai_status write_group(struct store *store, struct item *first, kai_err *err) {
    int64_t added = 0, events = atomic_load(&store->events);
    kai_status st = sqlite_begin(store->writing, err);
    for (struct item *item = first; !st && item; item = item->next)
        st = write_item(store, item, &added, err);
    if (!st) st = words_write(&store->words, store->writing, err);
    if (!st && added) st = write_count(store, events + added, err);
    if (!st) st = sqlite_commit(store->writing, err);
    if (st) {
        take_back(store);
        return st;
    }
    words_wrote(&store->words);
    atomic_store(&store->events, events + added);
    return KAI_OK;
}

static kai_status write_all(struct store *store, struct item *first, kai_err *err) {
    if (store->is_behind) {
        kai_status st = store_catch_up(store, store->writing, 0, err);
        if (st) return st;
        store->is_behind = 0;
    }
    if (first->kind != ITEM_ERASE) return write_group(store, first, err);
    kai_status st = store_erase_item(store, first, err);
    if (st) take_back(store);
    return st;
}

/* ---- the loop ---- */

/* Take what waits: all up to an erasure, which has a transaction of its own. */
static struct item *take_group(struct store *store) {
    struct item *first = store->first, *last = first;
    if (!first) return NULL;
    if (first->kind != ITEM_ERASE)
        while (last->next && last->next->kind != ITEM_ERASE) last = last->next;
    store->first = last->next;
    if (!store->first) store->last = NULL;
    last->next = NULL;
    return first;
}

/* Puts that wait go with the transaction that begins; those behind an erasure stay seen as well. */
static void move_pending(struct store *store) {
    struct pending empty = store->in_flight;
    store->in_flight = store->waiting;
    store->waiting = empty;
}

/* is_all: nothing was left in the queue, so that all that was seen before it was written is. */
static void settle(struct store *store, struct item *first, int is_all, kai_status st,
                   const kai_err *err) {
    int64_t from = first->ticket, to = from;
    for (const struct item *item = first; item; item = item->next) {
        to = item->ticket;
        store->queued -= item->batch.count;
    }
    if (st)
        store->failures[store->failure_count++ % STORE_FAILURES] =
            (struct failure){from, to, st, *err};
    store->settled = to;
    if (is_all) pending_release(&store->in_flight);
    (void)pthread_cond_broadcast(&store->done);
}

static void wake_keeper(struct store *store) {
    sorted_seal(store->ids, store->seq);
    sorted_seal(store->people, store->seq);
    (void)pthread_mutex_lock(&store->keep_lock);
    store->is_due = 1;
    (void)pthread_cond_signal(&store->keep_due);
    (void)pthread_mutex_unlock(&store->keep_lock);
}

enum {
    LOG_PAGES_MAX = 16384, /* 64 MiB: whoever reads a page looks for it in all of the log first */
};

/* The keeper moves the log into the file, but never to its end while transactions go on, and only
 * then is it begun anew: where it has grown, the keeper leaves it alone and the rest is moved here,
 * between two transactions. */
static void make_room(struct store *store) {
    int is_grown = sqlite_log_pages(store->writing) > LOG_PAGES_MAX;
    atomic_store(&store->wants_room, is_grown);
    kai_status st = is_grown ? sqlite_checkpoint(store->writing, NULL) : KAI_OK;
    (void)st; /* the keeper was at it, or a reader needs it: tried again after the next */
}

void *store_write_loop(void *user) {
    struct store *store = user;
    (void)pthread_mutex_lock(&store->lock);
    for (;;) {
        while (!store->first && !store->is_closing)
            (void)pthread_cond_wait(&store->filled, &store->lock);
        if (!store->first) break;
        if (!store->in_flight.places.count) move_pending(store);
        struct item *first = take_group(store);
        int is_all = !store->first;
        (void)pthread_mutex_unlock(&store->lock);
        kai_err err = {0};
        int is_erasure = first->kind == ITEM_ERASE; /* its caller frees it, once it is settled */
        kai_status st = write_all(store, first, &err);
        (void)pthread_mutex_lock(&store->lock);
        settle(store, first, is_all, st, &err);
        (void)pthread_mutex_unlock(&store->lock);
        while (first && !is_erasure) {
            struct item *next = first->next;
            item_free(first);
            first = next;
        }
        make_room(store);
        wake_keeper(store);
        (void)pthread_mutex_lock(&store->lock);
    }
    (void)pthread_mutex_unlock(&store->lock);
    return NULL;
}
