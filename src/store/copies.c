#include "store/copies.h"

#include <pthread.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "store/copies_file.h"
#include "store/packed.h"
#include "store/span.h"

struct copies {
    char *folder;                                /* owned */
    pthread_mutex_t lock;                        /* of the list */
    pthread_mutex_t holding;                     /* settle, scrub */
    struct copies_file *files[COPIES_FILES_MAX]; /* held; by seq */
    int32_t file_count;
};

/* ---- open ---- */

static kai_status open_one(void *user, const char *path, int64_t *ret_last, kai_err *err) {
    struct copies *copies = user;
    struct copies_file *file = NULL;
    kai_status st = copies_file_open(path, &file, err);
    if (!file) return st;
    copies->files[copies->file_count++] = file;
    *ret_last = file->last;
    return st;
}

kai_status copies_open(const char *folder, int is_reader, struct copies **ret_copies,
                       kai_err *err) {
    struct copies *copies = mem_zero(1, sizeof *copies);
    if (!copies) return err_memory(err, sizeof *copies);
    (void)pthread_mutex_init(&copies->lock, NULL); /* default attributes cannot fail on Linux */
    (void)pthread_mutex_init(&copies->holding, NULL);
    copies->folder = mem_string(folder);
    kai_status st = copies->folder
                        ? span_load(folder, is_reader, COPIES_FILES_MAX, open_one, copies, err)
                        : err_memory(err, 1);
    if (st)
        copies_close(copies);
    else
        *ret_copies = copies;
    return st;
}

void copies_close(struct copies *copies) {
    if (!copies) return;
    for (int32_t f = 0; f < copies->file_count; f++) copies_file_let_go(copies->files[f]);
    (void)pthread_mutex_destroy(&copies->holding);
    (void)pthread_mutex_destroy(&copies->lock);
    mem_free(copies->folder);
    mem_free(copies);
}

int64_t copies_covered(struct copies *copies) {
    (void)pthread_mutex_lock(&copies->lock);
    int64_t covered = copies->file_count ? copies->files[copies->file_count - 1]->last : 0;
    (void)pthread_mutex_unlock(&copies->lock);
    return covered;
}

void copies_hold(struct copies *copies) { (void)pthread_mutex_lock(&copies->holding); }

void copies_let_go(struct copies *copies) { (void)pthread_mutex_unlock(&copies->holding); }

/* ---- settle ---- */

static kai_status take(void *user, const struct coded *coded, kai_err *err) {
    return copies_portion_add(user, coded, err);
}

static kai_status copy_portion(struct copies *copies, struct sqlite *sqlite, int64_t first,
                               int64_t last, kai_err *err) {
    struct copies_portion portion = {0};
    struct copies_file *file = NULL;
    buf_init(&portion.bytes, (size_t)CAPS_BUF_BYTES);
    kai_status st = sqlite_events(sqlite, first - 1, last, take, &portion, err);
    if (!st) st = copies_file_write(copies->folder, &portion, first, last, &file, err);
    copies_portion_release(&portion);
    if (st) return st;
    (void)pthread_mutex_lock(&copies->lock);
    copies->files[copies->file_count++] = file;
    (void)pthread_mutex_unlock(&copies->lock);
    return KAI_OK;
}

static int64_t span_of(const struct copies_file *file) { return file->last - file->first + 1; }

/* The first of COPIES_FAN files of like size that stand together; -1 where there are none. */
static int32_t find_like(const struct copies *copies) {
    for (int32_t i = copies->file_count - COPIES_FAN; i >= 0; i--) {
        int64_t least = INT64_MAX, most = 0;
        for (int32_t f = i; f < i + COPIES_FAN; f++) {
            int64_t span = span_of(copies->files[f]);
            if (span < least) least = span;
            if (span > most) most = span;
        }
        if (most < COPIES_FAN * least || copies->file_count > COPIES_FILES_MAX / 2) return i;
    }
    return -1;
}

static kai_status merge_at(struct copies *copies, int32_t at, const atomic_int *is_ending,
                           kai_err *err) {
    struct copies_file *merged = NULL, *old[COPIES_FAN];
    kai_status st =
        copies_file_merge(copies->folder, &copies->files[at], COPIES_FAN, is_ending, &merged, err);
    if (st) return st;
    (void)pthread_mutex_lock(&copies->lock);
    memcpy(old, &copies->files[at], sizeof old);
    copies->files[at] = merged;
    int32_t behind = copies->file_count - at - COPIES_FAN;
    memmove(&copies->files[at + 1], &copies->files[at + COPIES_FAN],
            (size_t)behind * sizeof *copies->files);
    copies->file_count -= COPIES_FAN - 1;
    for (int f = 0; f < COPIES_FAN; f++) old[f]->is_doomed = 1;
    (void)pthread_mutex_unlock(&copies->lock);
    for (int f = 0; f < COPIES_FAN; f++) copies_file_let_go(old[f]);
    return KAI_OK;
}

kai_status copies_settle(struct copies *copies, const struct copies_settling *settling,
                         int *ret_is_more, kai_err *err) {
    int64_t first = copies_covered(copies) + 1, portion = settling->portion;
    *ret_is_more = 0;
    if (settling->last - first + 1 < portion || copies->file_count == COPIES_FILES_MAX)
        return KAI_OK;
    kai_status st = copy_portion(copies, settling->sqlite, first, first + portion - 1, err);
    int32_t at = st ? -1 : find_like(copies);
    if (at >= 0) st = merge_at(copies, at, settling->is_ending, err);
    *ret_is_more = !st && settling->last - copies_covered(copies) >= portion;
    return st;
}

/* ---- find ---- */

static kai_status add(struct copies_found *found, const struct coded *coded, kai_err *err) {
    if (found->count == found->capacity) {
        int64_t capacity = found->capacity ? 2 * found->capacity : 64;
        struct coded *grown = mem_resize(found->list, (size_t)capacity, sizeof *grown);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
        found->list = grown;
        found->capacity = capacity;
    }
    found->list[found->count++] = *coded;
    return KAI_OK;
}

/* Damaged and scrubbed ones are left to the table. */
static kai_status find_in(const struct copies_file *file, int64_t code, struct copies_found *found,
                          kai_err *err) {
    const unsigned char *entry = NULL;
    uint64_t at = 0, end = 0;
    kai_status st = KAI_OK;
    copies_file_range(file, code, &at, &end);
    for (size_t bytes; !st && (bytes = packed_next(file->entries, &at, end, &entry));) {
        struct coded coded;
        if (packed_get(entry, bytes, &coded) == PACKED_WHOLE) st = add(found, &coded, err);
    }
    return st;
}

kai_status copies_find(struct copies *copies, int64_t code, struct copies_found *ret_found,
                       kai_err *err) {
    struct copies_found found = {0};
    kai_status st = KAI_OK;
    (void)pthread_mutex_lock(&copies->lock);
    found.file_count = copies->file_count;
    memcpy(found.files, copies->files, sizeof found.files);
    for (int32_t f = 0; f < found.file_count; f++) copies_file_hold(found.files[f]);
    (void)pthread_mutex_unlock(&copies->lock);
    for (int32_t f = 0; !st && f < found.file_count; f++)
        st = find_in(found.files[f], code, &found, err);
    if (st)
        copies_drop(&found);
    else
        *ret_found = found;
    return st;
}

void copies_drop(struct copies_found *found) {
    for (int32_t f = 0; f < found->file_count; f++) copies_file_let_go(found->files[f]);
    mem_free(found->list);
    *found = (struct copies_found){0};
}

/* ---- scrub, verify ---- */

kai_status copies_scrub(struct copies *copies, int64_t code, kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t f = 0; !st && f < copies->file_count; f++)
        st = copies_file_scrub(copies->files[f], code, err);
    return st;
}

kai_status copies_verify(struct copies *copies, int64_t *ret_files, int64_t *ret_bytes,
                         kai_err *err) {
    kai_status st = KAI_OK;
    *ret_files = *ret_bytes = 0;
    copies_hold(copies);
    for (int32_t f = 0; !st && f < copies->file_count; f++) {
        st = copies_file_verify(copies->files[f], err);
        *ret_files += 1;
        *ret_bytes += (int64_t)copies->files[f]->mapped.size;
    }
    copies_let_go(copies);
    return st;
}
