/* Behind the writer: side files, and the log moved into the file. */
#include "base/caps.h"
#include "store/store_parts.h"

/* One more portion of what is durable. */
static kai_status copy(struct store *store, int *ret_is_more) {
    struct copies_settling settling = {
        .sqlite = store->keeping, .portion = CAPS_STORE_PORTION, .is_ending = &store->is_ending};
    copies_hold(store->copies);
    kai_status st = sqlite_last(store->keeping, &settling.last, NULL);
    if (!st) st = copies_settle(store->copies, &settling, ret_is_more, NULL);
    copies_let_go(store->copies);
    return st;
}

/* 1 = there is more to copy: others first. */
static int keep(struct store *store) {
    int is_more = 0;
    kai_status st = sorted_settle(store->ids, NULL);
    if (!st) st = sorted_settle(store->people, NULL);
    if (!st) st = copy(store, &is_more);
    if (atomic_load(&store->wants_room)) return is_more; /* the writer does it */
    if (!st) st = sqlite_checkpoint(store->keeping, NULL);
    return st ? 0 : is_more; /* tried again after the next group: nothing of this is the truth */
}

void *store_keep_loop(void *user) {
    struct store *store = user;
    (void)pthread_mutex_lock(&store->keep_lock);
    for (;;) {
        while (!store->is_due && !atomic_load(&store->is_ending))
            (void)pthread_cond_wait(&store->keep_due, &store->keep_lock);
        if (!store->is_due) break;
        store->is_due = 0;
        (void)pthread_mutex_unlock(&store->keep_lock);
        int is_more = keep(store);
        (void)pthread_mutex_lock(&store->keep_lock);
        if (is_more && !atomic_load(&store->is_ending)) store->is_due = 1;
    }
    (void)pthread_mutex_unlock(&store->keep_lock);
    return NULL;
}

/* ---- what the side files lack ---- */

struct catching {
    struct store *store;
    int64_t ids, people; /* covered */
    int is_opening;
};

/* Side files that are all gone are made again without holding everything in memory. */
static kai_status settle_part(struct store *store, int64_t seq, kai_err *err) {
    if (seq % CAPS_STORE_TAIL) return KAI_OK;
    sorted_seal(store->ids, seq);
    sorted_seal(store->people, seq);
    kai_status st = sorted_settle(store->ids, err);
    return st ? st : sorted_settle(store->people, err);
}

static kai_status add_missing(void *user, const struct coded *event, kai_err *err) {
    const struct catching *catching = user;
    struct store *store = catching->store;
    int64_t customer = event->codes[CODED_CUSTOMER], device = event->codes[CODED_ANONYMOUS];
    kai_status st = KAI_OK;
    if (event->seq > catching->ids)
        st = sorted_add(store->ids, store_id_key(event->id), event->seq, err);
    if (event->seq <= catching->people) return st;
    if (!st && customer) st = sorted_add(store->people, (uint64_t)customer, event->seq, err);
    if (!st && device) st = sorted_add(store->people, (uint64_t)device, event->seq, err);
    return st || !catching->is_opening ? st : settle_part(store, event->seq, err);
}

kai_status store_catch_up(struct store *store, struct sqlite *sqlite, int is_opening,
                          kai_err *err) {
    struct catching catching = {.store = store,
                                .is_opening = is_opening,
                                .ids = sorted_covered(store->ids),
                                .people = sorted_covered(store->people)};
    int64_t from = catching.ids < catching.people ? catching.ids : catching.people;
    return sqlite_events(sqlite, from, INT64_MAX, add_missing, &catching, err);
}
