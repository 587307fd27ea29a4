/* The training snapshot: events of the file, sorted, under codes of their own. */
#include <string.h>

#include "base/alloc.h"
#include "store/merge_sort.h"
#include "store/store_parts.h"

enum { TELL_EVENTS = 1 << 20 };
#define MEMORY_BYTES (512ll << 20)

/* Codes of a snapshot's dictionary by the store's words: 0 = not asked yet, else code + 1. */
struct role {
    struct dict names;
    int32_t *codes; /* owned; (capacity) */
    int64_t capacity;
};

enum { IS_WANTED = 1, IS_NOT_WANTED = 2 };

struct making {
    struct store *store;
    const struct store_snapshot_request *request;
    struct role roles[SNAPSHOT_DICTIONARIES];
    unsigned char *wanted; /* owned; (wanted_capacity); by word of the type */
    int64_t wanted_capacity;
    struct runs *runs; /* owned */
    int64_t seen, total, last_seq;
    struct store_snapshot_report report;
};

/* Room for index `at`; what is new is zero. */
static kai_status make_room(void **array, int64_t *capacity, int64_t at, size_t bytes,
                            kai_err *err) {
    if (at < *capacity) return KAI_OK;
    int64_t grown_capacity = 2 * at + 64;
    unsigned char *grown = mem_resize(*array, (size_t)grown_capacity, bytes);
    if (!grown) return err_memory(err, grown_capacity * (int64_t)bytes);
    memset(grown + (size_t)*capacity * bytes, 0, (size_t)(grown_capacity - *capacity) * bytes);
    *array = grown;
    *capacity = grown_capacity;
    return KAI_OK;
}

/* The code of a word in a dictionary of the snapshot. */
static kai_status code_of(struct making *making, enum snapshot_dictionary which, int64_t word,
                          int32_t *ret_code, kai_err *err) {
    struct role *role = &making->roles[which];
    void *codes = role->codes;
    kai_status st = make_room(&codes, &role->capacity, word, sizeof *role->codes, err);
    role->codes = codes;
    if (st) return st;
    if (!role->codes[word]) {
        const struct store_snapshot_request *request = making->request;
        struct slice text = words_text(&making->store->words, word);
        if (which == SNAPSHOT_CUSTOMER && request->person)
            text = request->person(request->user, text);
        st = dict_add(&role->names, text, &role->codes[word], err);
        if (st) return st;
        role->codes[word]++;
    }
    *ret_code = role->codes[word] - 1;
    return KAI_OK;
}

/* The same, where none at all is SNAPSHOT_SHORT_MAX. */
static kai_status short_code_of(struct making *making, enum snapshot_dictionary which, int64_t word,
                                uint16_t *ret_code, kai_err *err) {
    int32_t code = SNAPSHOT_SHORT_MAX;
    kai_status st = word ? code_of(making, which, word, &code, err) : KAI_OK;
    if (st) return st;
    if (word && code >= SNAPSHOT_SHORT_MAX)
        return err_set(err, KAI_LIMIT, "more than %d %s: a snapshot holds no more",
                       SNAPSHOT_SHORT_MAX,
                       which == SNAPSHOT_TYPE      ? "types of events"
                       : which == SNAPSHOT_CHANNEL ? "channels"
                                                   : "currencies");
    *ret_code = (uint16_t)code;
    return KAI_OK;
}

static int is_named(const struct store_snapshot_request *request, struct slice type) {
    for (int64_t i = 0; i < request->type_count; i++)
        if (slice_equal_text(type, request->types[i])) return 1;
    return request->type_count == 0;
}

static kai_status is_wanted(struct making *making, const struct coded *coded, int *ret_is,
                            kai_err *err) {
    int64_t type = coded->codes[CODED_TYPE];
    void *wanted = making->wanted;
    *ret_is = 0;
    if (!type || coded->flags & making->request->flags_excluded) return KAI_OK;
    if (making->request->needs_item && !coded->codes[CODED_ITEM]) return KAI_OK;
    kai_status st = make_room(&wanted, &making->wanted_capacity, type, 1, err);
    making->wanted = wanted;
    if (st) return st;
    if (!making->wanted[type])
        making->wanted[type] = is_named(making->request, words_text(&making->store->words, type))
                                   ? IS_WANTED
                                   : IS_NOT_WANTED;
    *ret_is = making->wanted[type] == IS_WANTED;
    return KAI_OK;
}

static kai_status take_event(void *user, const struct coded *coded, kai_err *err) {
    struct making *making = user;
    const int64_t *codes = coded->codes;
    struct snapshot_event event = {.time_us = coded->time_us,
                                   .item = -1,
                                   .value = (float)coded->value,
                                   .quantity = (float)coded->quantity};
    int64_t person = codes[CODED_CUSTOMER] ? codes[CODED_CUSTOMER] : codes[CODED_ANONYMOUS];
    int is = 0;
    kai_status st = is_wanted(making, coded, &is, err);
    if (making->seen++ % TELL_EVENTS == 0 && !st)
        st = progress_tell(making->request->progress, "events", making->seen, making->total, err);
    if (st || !is || !person) {
        making->report.left_out++;
        return st;
    }
    st = code_of(making, SNAPSHOT_CUSTOMER, person, &event.customer, err);
    if (!st && codes[CODED_ITEM])
        st = code_of(making, SNAPSHOT_ITEM, codes[CODED_ITEM], &event.item, err);
    if (!st) st = short_code_of(making, SNAPSHOT_TYPE, codes[CODED_TYPE], &event.type, err);
    if (!st)
        st = short_code_of(making, SNAPSHOT_CHANNEL, codes[CODED_CHANNEL], &event.channel, err);
    if (!st)
        st = short_code_of(making, SNAPSHOT_CURRENCY, codes[CODED_CURRENCY], &event.currency, err);
    if (!st) st = runs_add(making->runs, &event, err);
    making->report.events++;
    return st;
}

/* Merged portions into the file. */
static kai_status write_file(struct making *making, const char *path, kai_err *err) {
    const struct dict *names[SNAPSHOT_DICTIONARIES];
    const struct snapshot_event *event = NULL;
    struct snapshot_writer *writer = NULL;
    int64_t written = 0;
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++) names[d] = &making->roles[d].names;
    kai_status st = runs_finish(making->runs, &making->report.runs, err);
    if (!st) st = snapshot_create(path, making->report.events, names, &writer, err);
    if (!st) st = runs_next(making->runs, &event, err);
    while (!st && event) {
        st = snapshot_append(writer, event, err);
        if (!st && written++ % TELL_EVENTS == 0)
            st = progress_tell(making->request->progress, "snapshot", written,
                               making->report.events, err);
        if (!st) st = runs_next(making->runs, &event, err);
    }
    if (!st) return snapshot_commit(writer, err);
    snapshot_abandon(writer);
    return st;
}

static kai_status make(struct making *making, struct sqlite *sqlite, const char *path,
                       kai_err *err) {
    int64_t memory = making->request->memory_bytes;
    kai_status st = runs_new(path, memory > 0 ? memory : MEMORY_BYTES, &making->runs, err);
    if (!st) st = sqlite_events(sqlite, 0, making->last_seq, take_event, making, err);
    if (!st && !making->report.events)
        st = err_set(err, KAI_NOT_FOUND, "no event of a customer%s is left for a snapshot",
                     making->request->needs_item ? " with an item" : "");
    return st ? st : write_file(making, path, err);
}

/* On a connection of its own: others write, and a walk over everything is not to fill memory with
 * what it maps. A reader knows words and events up to the moment it was opened. */
static kai_status open_walk(struct making *making, struct sqlite **ret_sqlite, kai_err *err) {
    struct store *store = making->store;
    kai_status st = KAI_OK;
    making->last_seq = INT64_MAX;
    if (store->is_reader) st = sqlite_last(store->reading, &making->last_seq, err);
    return st ? st : sqlite_open(store->path.data, SQLITE_WALK_MODE, ret_sqlite, err);
}

kai_status store_snapshot(struct store *store, const char *path,
                          const struct store_snapshot_request *request,
                          struct store_snapshot_report *ret_report, kai_err *err) {
    struct making making = {.store = store, .request = request, .total = store_event_count(store)};
    struct sqlite *sqlite = NULL;
    kai_status st = store->is_reader ? KAI_OK : store_commit(store, err);
    if (!st && !store->reading) st = err_set(err, KAI_NOT_FOUND, "there is no store yet");
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++) dict_init(&making.roles[d].names);
    if (!st) st = open_walk(&making, &sqlite, err);
    if (!st) st = make(&making, sqlite, path, err);
    making.report.customers = making.roles[SNAPSHOT_CUSTOMER].names.count;
    sqlite_close(sqlite);
    runs_free(making.runs);
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++) {
        dict_release(&making.roles[d].names);
        mem_free(making.roles[d].codes);
    }
    mem_free(making.wanted);
    if (!st) *ret_report = making.report;
    return st;
}
