#include "store/sorted.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/hash.h"
#include "store/sorted_file.h"
#include "store/span.h"

enum {
    FILES_MAX = 64,
    MERGE = 4,            /* files of like size become one ... */
    MERGED_MAX = 1 << 24, /* ... of at most so many records: it is made in memory */
    CHAIN_BITS = 17,
};

/* Records that are in memory, in the order they came, and chains to find them by key. */
struct tail {
    unsigned char *records; /* owned; (count, SORTED_RECORD_BYTES) */
    uint32_t *next;         /* owned; (count); index + 1 of an earlier record of the same chain */
    uint32_t *heads;        /* owned; (1 << CHAIN_BITS) */
    int64_t count, capacity;
    int64_t first, last; /* seqs */
};

struct sorted {
    char *folder; /* owned */
    pthread_mutex_t lock;
    struct tail open;                     /* the writer adds here */
    struct tail sealed;                   /* nobody adds here; count 0 = none */
    struct sorted_file *files[FILES_MAX]; /* owned; by seq */
    int32_t file_count;
};

static uint32_t chain_of(uint64_t key) { return (uint32_t)(hash_mix(key) >> (64 - CHAIN_BITS)); }

static kai_status tail_init(struct tail *tail, kai_err *err) {
    *tail = (struct tail){0};
    tail->heads = mem_zero((size_t)1 << CHAIN_BITS, sizeof *tail->heads);
    return tail->heads ? KAI_OK : err_memory(err, sizeof *tail->heads << CHAIN_BITS);
}

static void tail_reset(struct tail *tail) {
    tail->count = 0;
    tail->first = tail->last = 0;
    memset(tail->heads, 0, sizeof *tail->heads << CHAIN_BITS);
}

static void tail_release(struct tail *tail) {
    mem_free(tail->records);
    mem_free(tail->next);
    mem_free(tail->heads);
    *tail = (struct tail){0};
}

static kai_status tail_grow(struct tail *tail, kai_err *err) {
    if (tail->count < tail->capacity) return KAI_OK;
    int64_t capacity = tail->capacity ? 2 * tail->capacity : 1024;
    unsigned char *records = mem_resize(tail->records, (size_t)capacity, SORTED_RECORD_BYTES);
    if (records) tail->records = records;
    uint32_t *next = mem_resize(tail->next, (size_t)capacity, sizeof *next);
    if (next) tail->next = next;
    if (!records || !next) return err_memory(err, capacity * SORTED_RECORD_BYTES);
    tail->capacity = capacity;
    return KAI_OK;
}

static kai_status tail_add(struct tail *tail, uint64_t key, int64_t seq, kai_err *err) {
    kai_status st = tail_grow(tail, err);
    if (st) return st;
    uint32_t *head = &tail->heads[chain_of(key)];
    sorted_record_put(tail->records + tail->count * SORTED_RECORD_BYTES, key, seq);
    tail->next[tail->count] = *head;
    *head = (uint32_t)++tail->count;
    if (!tail->first) tail->first = seq;
    tail->last = seq;
    return KAI_OK;
}

static kai_status tail_find(const struct tail *tail, uint64_t key, sorted_fn call, void *user,
                            int *stop, kai_err *err) {
    kai_status st = KAI_OK;
    if (!tail->count) return KAI_OK;
    for (uint32_t at = tail->heads[chain_of(key)]; !st && !*stop && at; at = tail->next[at - 1]) {
        const unsigned char *record = tail->records + (size_t)(at - 1) * SORTED_RECORD_BYTES;
        if (sorted_record_key(record) == key) st = call(user, sorted_record_seq(record), stop, err);
    }
    return st;
}

/* ---- open ---- */

static kai_status open_one(void *user, const char *path, int64_t *ret_last, kai_err *err) {
    struct sorted *sorted = user;
    struct sorted_file *file = NULL;
    kai_status st = sorted_file_open(path, &file, err);
    if (!file) return st;
    sorted->files[sorted->file_count++] = file;
    *ret_last = file->last;
    return st;
}

kai_status sorted_open(const char *folder, int is_reader, struct sorted **ret_sorted,
                       int64_t *ret_covered, kai_err *err) {
    struct sorted *sorted = mem_zero(1, sizeof *sorted);
    if (!sorted) return err_memory(err, sizeof *sorted);
    (void)pthread_mutex_init(&sorted->lock, NULL); /* default attributes cannot fail on Linux */
    sorted->folder = mem_string(folder);
    kai_status st = sorted->folder ? KAI_OK : err_memory(err, 1);
    if (!st) st = tail_init(&sorted->open, err);
    if (!st) st = tail_init(&sorted->sealed, err);
    if (!st) st = span_load(folder, is_reader, FILES_MAX, open_one, sorted, err);
    if (st) {
        sorted_close(sorted);
        return st;
    }
    *ret_covered = sorted->file_count ? sorted->files[sorted->file_count - 1]->last : 0;
    *ret_sorted = sorted;
    return KAI_OK;
}

void sorted_close(struct sorted *sorted) {
    if (!sorted) return;
    for (int32_t i = 0; i < sorted->file_count; i++) sorted_file_close(sorted->files[i]);
    tail_release(&sorted->open);
    tail_release(&sorted->sealed);
    (void)pthread_mutex_destroy(&sorted->lock);
    mem_free(sorted->folder);
    mem_free(sorted);
}

/* ---- write ---- */

kai_status sorted_add(struct sorted *sorted, uint64_t key, int64_t seq, kai_err *err) {
    if (seq > UINT32_MAX)
        return err_set(err, KAI_LIMIT, "the store holds 2^32 events: begin another one");
    (void)pthread_mutex_lock(&sorted->lock);
    kai_status st = tail_add(&sorted->open, key, seq, err);
    (void)pthread_mutex_unlock(&sorted->lock);
    return st;
}

void sorted_seal(struct sorted *sorted, int64_t last) {
    (void)pthread_mutex_lock(&sorted->lock);
    if (!sorted->sealed.count && sorted->open.count >= CAPS_STORE_TAIL &&
        sorted->file_count < FILES_MAX) {
        struct tail empty = sorted->sealed;
        sorted->sealed = sorted->open;
        if (sorted->sealed.last < last) sorted->sealed.last = last;
        sorted->open = empty;
    }
    (void)pthread_mutex_unlock(&sorted->lock);
}

/* The first seq that a new file covers: files leave no gap. */
static int64_t next_first(const struct sorted *sorted) {
    return sorted->file_count ? sorted->files[sorted->file_count - 1]->last + 1 : 1;
}

int64_t sorted_covered(struct sorted *sorted) {
    (void)pthread_mutex_lock(&sorted->lock);
    int64_t covered = next_first(sorted) - 1;
    if (sorted->sealed.count) covered = sorted->sealed.last;
    (void)pthread_mutex_unlock(&sorted->lock);
    return covered;
}

void sorted_forget(struct sorted *sorted) {
    (void)pthread_mutex_lock(&sorted->lock);
    tail_reset(&sorted->open);
    (void)pthread_mutex_unlock(&sorted->lock);
}

static kai_status settle_sealed(struct sorted *sorted, kai_err *err) {
    struct sorted_file *file = NULL;
    const struct tail *tail = &sorted->sealed;
    kai_status st = sorted_file_write(sorted->folder, tail->records, tail->count,
                                      next_first(sorted), tail->last, &file, err);
    if (st) return st;
    (void)pthread_mutex_lock(&sorted->lock);
    sorted->files[sorted->file_count++] = file;
    tail_reset(&sorted->sealed);
    (void)pthread_mutex_unlock(&sorted->lock);
    return KAI_OK;
}

/* The first of MERGE files of like size that stand together; -1 where there are none. */
static int32_t find_like(const struct sorted *sorted) {
    for (int32_t i = sorted->file_count - MERGE; i >= 0; i--) {
        int64_t least = sorted->files[i]->count, most = least, sum = least;
        for (int32_t k = i + 1; k < i + MERGE; k++) {
            int64_t count = sorted->files[k]->count;
            if (count < least) least = count;
            if (count > most) most = count;
            sum += count;
        }
        int is_like = most < MERGE * least && sum <= MERGED_MAX;
        if (is_like || sorted->file_count > FILES_MAX / 2) return i;
    }
    return -1;
}

static kai_status merge_at(struct sorted *sorted, int32_t at, kai_err *err) {
    struct sorted_file *merged = NULL, *old[MERGE];
    kai_status st = sorted_file_merge(sorted->folder, &sorted->files[at], MERGE, &merged, err);
    if (st) return st;
    (void)pthread_mutex_lock(&sorted->lock);
    memcpy(old, &sorted->files[at], sizeof old);
    sorted->files[at] = merged;
    int32_t behind = sorted->file_count - at - MERGE;
    memmove(&sorted->files[at + 1], &sorted->files[at + MERGE],
            (size_t)behind * sizeof *sorted->files);
    sorted->file_count -= MERGE - 1;
    (void)pthread_mutex_unlock(&sorted->lock);
    for (int k = 0; k < MERGE; k++) sorted_file_drop(old[k]);
    return KAI_OK;
}

kai_status sorted_settle(struct sorted *sorted, kai_err *err) {
    (void)pthread_mutex_lock(&sorted->lock); /* the writer may seal right now */
    int is_sealed = sorted->sealed.count > 0;
    (void)pthread_mutex_unlock(&sorted->lock);
    kai_status st = is_sealed ? settle_sealed(sorted, err) : KAI_OK;
    for (int32_t at; !st && (at = find_like(sorted)) >= 0;) st = merge_at(sorted, at, err);
    return st;
}

/* ---- find ---- */

kai_status sorted_find(struct sorted *sorted, uint64_t key, sorted_fn call, void *user,
                       kai_err *err) {
    int stop = 0;
    kai_status st = KAI_OK;
    (void)pthread_mutex_lock(&sorted->lock);
    for (int32_t i = 0; !st && !stop && i < sorted->file_count; i++)
        st = sorted_file_find(sorted->files[i], key, call, user, &stop, err);
    if (!st && !stop) st = tail_find(&sorted->sealed, key, call, user, &stop, err);
    if (!st && !stop) st = tail_find(&sorted->open, key, call, user, &stop, err);
    (void)pthread_mutex_unlock(&sorted->lock);
    return st;
}

kai_status sorted_verify(struct sorted *sorted, int64_t *ret_files, int64_t *ret_bytes,
                         kai_err *err) {
    kai_status st = KAI_OK;
    *ret_files = *ret_bytes = 0;
    (void)pthread_mutex_lock(&sorted->lock);
    for (int32_t i = 0; !st && i < sorted->file_count; i++) {
        st = sorted_file_verify(sorted->files[i], err);
        *ret_files += 1;
        *ret_bytes += (int64_t)sorted->files[i]->mapped.size;
    }
    (void)pthread_mutex_unlock(&sorted->lock);
    return st;
}
