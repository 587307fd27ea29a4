/* Out of the store: rows, events, one person's, and all of it checked. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "store/store_parts.h"

/* What this thread queued is read, too. */
static kai_status flush(struct store *store, kai_err *err) {
    return store->is_reader ? KAI_OK : store_commit(store, err);
}

kai_status store_rows(struct store *store, const char *table, struct slice prefix,
                      store_row_fn call, void *user, kai_err *err) {
    kai_status st = flush(store, err);
    if (st || !store->reading) return st;
    (void)pthread_mutex_lock(&store->read_lock);
    st = sqlite_rows(store->reading, table, prefix, call, user, err);
    (void)pthread_mutex_unlock(&store->read_lock);
    return st;
}

struct event store_decode(struct store *store, const struct coded *coded) {
    struct words *words = &store->words;
    return (struct event){.id = coded->id,
                          .customer = words_text(words, coded->codes[CODED_CUSTOMER]),
                          .anonymous = words_text(words, coded->codes[CODED_ANONYMOUS]),
                          .time_us = coded->time_us,
                          .received_us = coded->received_us,
                          .type = words_text(words, coded->codes[CODED_TYPE]),
                          .item = words_text(words, coded->codes[CODED_ITEM]),
                          .value = coded->value,
                          .currency = words_text(words, coded->codes[CODED_CURRENCY]),
                          .quantity = coded->quantity,
                          .channel = words_text(words, coded->codes[CODED_CHANNEL]),
                          .campaign = words_text(words, coded->codes[CODED_CAMPAIGN]),
                          .session = coded->session,
                          .properties = coded->properties,
                          .flags = coded->flags};
}

struct telling {
    struct store *store;
    store_event_fn call;
    void *user;
    int64_t person; /* a code; 0 = anybody */
};

static kai_status tell(void *user, const struct coded *coded, kai_err *err) {
    const struct telling *telling = user;
    int64_t person = telling->person;
    if (person && coded->codes[CODED_CUSTOMER] != person && coded->codes[CODED_ANONYMOUS] != person)
        return KAI_OK; /* of a device that was taken off it */
    const struct event event = store_decode(telling->store, coded);
    return telling->call(telling->user, &event, err);
}

/* Beside a writer on a connection of its own: a long walk keeps nobody. */
kai_status store_events(struct store *store, store_event_fn call, void *user, kai_err *err) {
    struct telling telling = {.store = store, .call = call, .user = user};
    struct sqlite *sqlite = NULL;
    kai_status st = flush(store, err);
    if (st || !store->reading) return st;
    if (store->is_reader) return sqlite_events(store->reading, 0, INT64_MAX, tell, &telling, err);
    st = sqlite_open(store->path.data, SQLITE_WALK_MODE, &sqlite, err);
    if (!st) st = sqlite_events(sqlite, 0, INT64_MAX, tell, &telling, err);
    sqlite_close(sqlite);
    return st;
}

int store_has_seen(struct store *store, struct slice text) {
    int64_t code = words_find(&store->words, text);
    return code > 0 && code <= atomic_load(&store->words.written);
}

/* ---- one person's ---- */

enum { PORTION = 256 };

struct seqs {
    int64_t *list; /* owned */
    int64_t count, capacity;
};

static kai_status note_seq(void *user, int64_t seq, int *ret_stop, kai_err *err) {
    struct seqs *seqs = user;
    (void)ret_stop;
    if (seqs->count == seqs->capacity) {
        int64_t capacity = seqs->capacity ? 2 * seqs->capacity : 64;
        int64_t *grown = mem_resize(seqs->list, (size_t)capacity, sizeof *grown);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
        seqs->list = grown;
        seqs->capacity = capacity;
    }
    seqs->list[seqs->count++] = seq;
    return KAI_OK;
}

static int by_seq(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

kai_status store_seqs(struct store *store, int64_t code, int64_t **ret_seqs, int64_t *ret_count,
                      kai_err *err) {
    struct seqs seqs = {0};
    int64_t kept = 0;
    kai_status st = sorted_find(store->people, (uint64_t)code, note_seq, &seqs, err);
    if (st) {
        mem_free(seqs.list);
        return st;
    }
    if (seqs.count) qsort(seqs.list, (size_t)seqs.count, sizeof *seqs.list, by_seq);
    for (int64_t i = 0; i < seqs.count; i++)
        if (!kept || seqs.list[kept - 1] != seqs.list[i]) seqs.list[kept++] = seqs.list[i];
    *ret_seqs = seqs.list;
    *ret_count = kept;
    return KAI_OK;
}

/* Events of the table within one state of the file; then others may read. */
static kai_status tell_rows(struct telling *telling, const int64_t *seqs, int64_t count,
                            kai_err *err) {
    struct store *store = telling->store;
    int is_there = 0;
    if (!count) return KAI_OK;
    (void)pthread_mutex_lock(&store->read_lock);
    kai_status st = sqlite_hold(store->reading, err);
    if (!st) {
        for (int64_t i = 0; !st && i < count; i++)
            st = sqlite_event(store->reading, seqs[i], tell, telling, &is_there, err);
        sqlite_let_go(store->reading);
    }
    (void)pthread_mutex_unlock(&store->read_lock);
    return st;
}

/* Both ascend: what is copied is told from the copy, what is not from the table. */
static kai_status tell_all(struct telling *telling, const int64_t *seqs, int64_t count,
                           const struct copies_found *found, kai_err *err) {
    int64_t rows = 0, copy = 0;
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < count; i++) {
        while (copy < found->count && found->list[copy].seq < seqs[i]) copy++;
        int is_copied = copy < found->count && found->list[copy].seq == seqs[i];
        if (is_copied || i - rows == PORTION) {
            st = tell_rows(telling, seqs + rows, i - rows, err);
            rows = i + is_copied;
        }
        if (!st && is_copied) st = tell(telling, &found->list[copy], err);
    }
    return st ? st : tell_rows(telling, seqs + rows, count - rows, err);
}

kai_status store_history(struct store *store, struct slice person, store_event_fn call, void *user,
                         kai_err *err) {
    int64_t *seqs = NULL, count = 0;
    struct copies_found found = {0};
    if (!store->reading) return KAI_OK;
    struct telling telling = {
        .store = store, .call = call, .user = user, .person = words_find(&store->words, person)};
    if (!telling.person) return KAI_OK;
    kai_status st = store_seqs(store, telling.person, &seqs, &count, err);
    if (!st) st = copies_find(store->copies, telling.person, &found, err);
    if (!st && store->is_reader) /* of the moment it was opened */
        while (count && seqs[count - 1] > store->seq) count--;
    if (!st) st = tell_all(&telling, seqs, count, &found, err);
    copies_drop(&found);
    mem_free(seqs);
    return st;
}

/* ---- erase: on the writer's thread ---- */

struct erasing {
    struct store *store;
    int64_t person;
    int64_t erased;
};

/* An event counts for its customer; on somebody else's event the device goes. */
static kai_status erase_event(void *user, const struct coded *coded, kai_err *err) {
    struct erasing *erasing = user;
    struct sqlite *sqlite = erasing->store->writing;
    int64_t customer = coded->codes[CODED_CUSTOMER], device = coded->codes[CODED_ANONYMOUS];
    if (customer == erasing->person || (!customer && device == erasing->person)) {
        erasing->erased++;
        return sqlite_delete(sqlite, coded->seq, err);
    }
    return device == erasing->person ? sqlite_drop_device(sqlite, coded->seq, err) : KAI_OK;
}

static kai_status erase_person(struct store *store, struct slice person, int64_t *erased,
                               kai_err *err) {
    struct erasing erasing = {.store = store, .person = words_find(&store->words, person)};
    int64_t *seqs = NULL, count = 0;
    if (!erasing.person) return KAI_OK;
    kai_status st = copies_scrub(store->copies, erasing.person, err);
    if (!st) st = store_seqs(store, erasing.person, &seqs, &count, err);
    for (int64_t i = 0; !st && i < count; i++) {
        int is_there = 0;
        st = sqlite_event(store->writing, seqs[i], erase_event, &erasing, &is_there, err);
    }
    mem_free(seqs);
    if (!st) st = words_drop(&store->words, store->writing, erasing.person, err);
    *erased += erasing.erased;
    return st;
}

static kai_status erase_all(struct store *store, struct item *item, kai_err *err) {
    char digits[24];
    kai_status st = sqlite_begin(store->writing, err);
    for (int64_t i = 0; !st && i < item->person_count; i++)
        st = erase_person(store, item->persons[i], &item->erased, err);
    int64_t events = atomic_load(&store->events) - item->erased;
    int size = snprintf(digits, sizeof digits, "%lld", (long long)events);
    if (!st)
        st = sqlite_put(store->writing, "store", slice_of("events"),
                        (struct slice){digits, (size_t)size}, err);
    if (!st) st = sqlite_commit(store->writing, err);
    if (!st) atomic_store(&store->events, events);
    return st;
}

/* Nothing is copied between the scrubbing and the commit. */
kai_status store_erase_item(struct store *store, struct item *item, kai_err *err) {
    copies_hold(store->copies);
    kai_status st = erase_all(store, item, err);
    copies_let_go(store->copies);
    return st ? st
              : sqlite_truncate(store->writing, err); /* older pages of the log held her, too */
}

/* ---- verify, backup ---- */

struct walking {
    struct store *store;
    int64_t events, last;
};

static kai_status check_event(void *user, const struct coded *coded, kai_err *err) {
    struct walking *walking = user;
    walking->events++;
    walking->last = coded->seq;
    for (int t = 0; t < CODED_TEXTS; t++) {
        int64_t code = coded->codes[t];
        if (code < 0 || (code && !words_text(&walking->store->words, code).size))
            return err_set(err, KAI_CORRUPT, "event %lld: word %lld is missing",
                           (long long)coded->seq, (long long)code);
    }
    if (!coded->id.size)
        return err_set(err, KAI_CORRUPT, "event %lld has no id", (long long)coded->seq);
    return KAI_OK;
}

struct doubling {
    struct sqlite *sqlite;
    struct slice id;
    int64_t seq;
    int is_found, is_twice;
};

static kai_status check_id(void *user, int64_t seq, int *ret_stop, kai_err *err) {
    struct doubling *doubling = user;
    int is_same = 0;
    (void)ret_stop;
    kai_status st = sqlite_has_id(doubling->sqlite, seq, doubling->id, &is_same, err);
    if (is_same && seq == doubling->seq) doubling->is_found = 1;
    if (is_same && seq != doubling->seq) doubling->is_twice = 1;
    return st;
}

struct verifying {
    struct store *store;
    struct sqlite *second; /* a callback reads on */
    struct walking walking;
};

static kai_status verify_event(void *user, const struct coded *coded, kai_err *err) {
    struct verifying *verifying = user;
    struct doubling doubling = {.sqlite = verifying->second, .id = coded->id, .seq = coded->seq};
    kai_status st = check_event(&verifying->walking, coded, err);
    if (!st)
        st = sorted_find(verifying->store->ids, store_id_key(coded->id), check_id, &doubling, err);
    if (!st && doubling.is_twice)
        st = err_set(err, KAI_CORRUPT, "event %lld is there twice", (long long)coded->seq);
    if (!st && !doubling.is_found)
        st = err_set(err, KAI_CORRUPT, "event %lld is not found by its id: remove 'store.ids'",
                     (long long)coded->seq);
    return st;
}

static kai_status verify_sides(struct store *store, struct store_report *report, kai_err *err) {
    int64_t files = 0, bytes = 0;
    kai_status st = sorted_verify(store->ids, &report->side_files, &report->side_bytes, err);
    if (!st) st = sorted_verify(store->people, &files, &bytes, err);
    report->side_files += files;
    report->side_bytes += bytes;
    if (!st) st = copies_verify(store->copies, &files, &bytes, err);
    report->side_files += files;
    report->side_bytes += bytes;
    return st;
}

/* The number that is written down, and the events, of one moment. */
static kai_status verify_count(struct store *store, struct sqlite *sqlite,
                               struct verifying *verifying, struct store_report *report,
                               kai_err *err) {
    struct buf text;
    int64_t counted = 0;
    int is_there = 0;
    buf_init(&text, 1 << 10);
    kai_status st = sqlite_get(sqlite, "store", slice_of("events"), &text, &is_there, err);
    if (!st && is_there && !text_parse_i64((struct slice){text.data, text.size}, &counted))
        st = err_set(err, KAI_CORRUPT, "the store's number of events is damaged");
    buf_release(&text);
    if (!st) st = sqlite_count(sqlite, &report->events, &report->rows, err);
    if (!st) st = verify_sides(store, report, err);
    if (!st) st = sqlite_events(sqlite, 0, INT64_MAX, verify_event, verifying, err);
    if (!st && report->events != counted)
        st = err_set(err, KAI_CORRUPT, "%lld events are there, %lld were counted",
                     (long long)report->events, (long long)counted);
    return st;
}

kai_status store_verify(struct store *store, struct store_report *ret_report, kai_err *err) {
    struct verifying verifying = {.store = store, .walking = {.store = store}};
    struct store_report report = {0};
    struct sqlite *sqlite = NULL;
    kai_status st = flush(store, err);
    if (!st && !store->reading) {
        *ret_report = report;
        return KAI_OK;
    }
    if (!st) st = sqlite_open(store->path.data, SQLITE_WALK_MODE, &sqlite, err);
    if (!st) st = sqlite_open(store->path.data, SQLITE_READ_MODE, &verifying.second, err);
    if (!st) st = sqlite_check(sqlite, err);
    if (!st) st = sqlite_hold(sqlite, err);
    if (!st) {
        st = verify_count(store, sqlite, &verifying, &report, err);
        sqlite_let_go(sqlite);
    }
    report.words = store->words.dict.count;
    sqlite_close(verifying.second);
    sqlite_close(sqlite);
    if (!st) *ret_report = report;
    return st;
}

kai_status store_backup(struct store *store, const char *path, kai_err *err) {
    struct sqlite *sqlite = NULL;
    kai_status st = flush(store, err);
    if (!st && !store->reading) st = err_set(err, KAI_NOT_FOUND, "there is no store yet");
    if (!st) st = sqlite_open(store->path.data, SQLITE_WALK_MODE, &sqlite, err);
    if (!st) st = sqlite_copy(sqlite, path, err);
    sqlite_close(sqlite);
    return st;
}
