/* Files of copies: from a portion of the table, and from other files. */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/hash.h"
#include "store/copies_file.h"
#include "store/copies_layout.h"
#include "store/packed.h"
#include "store/span.h"

enum { BLOCK_BYTES = 1 << 20 };

/* The codes and starts are gathered, the entries go to the disk. */
struct writing {
    struct file_writer *file; /* owned */
    uint32_t *codes;          /* owned; (persons_max) */
    uint64_t *starts;         /* owned; (persons_max + 1) */
    int64_t persons, persons_max;
    int64_t entries_at;   /* where in the file, if there were persons_max */
    unsigned char *block; /* owned */
    size_t used;
    uint64_t written; /* bytes of entries, those in the block too */
};

static int64_t starts_at(int64_t persons) {
    return (int64_t)sizeof(struct copies_header) + (persons * 4 + 7) / 8 * 8;
}

static void release(struct writing *writing) {
    file_abandon(writing->file);
    mem_free(writing->codes);
    mem_free(writing->starts);
    mem_free(writing->block);
}

/* `persons`: as many as there will be, exactly. */
static kai_status begin(struct writing *writing, const char *path, int64_t persons, kai_err *err) {
    *writing = (struct writing){.persons_max = persons};
    writing->codes = mem_zero((size_t)persons + 2, sizeof *writing->codes);
    writing->starts = mem_array((size_t)persons + 1, sizeof *writing->starts);
    writing->block = mem_alloc(BLOCK_BYTES);
    writing->entries_at = starts_at(persons) + (persons + 1) * 8;
    if (!writing->codes || !writing->starts || !writing->block)
        return err_memory(err, persons * 12);
    return file_create(path, &writing->file, err);
}

static kai_status flush_block(struct writing *writing, kai_err *err) {
    int64_t at = writing->entries_at + (int64_t)writing->written - (int64_t)writing->used;
    kai_status st = file_write_at(writing->file, at, writing->block, writing->used, err);
    writing->used = 0;
    return st;
}

static kai_status put(struct writing *writing, const unsigned char *bytes, size_t n, kai_err *err) {
    kai_status st = KAI_OK;
    while (!st && n) {
        size_t room = BLOCK_BYTES - writing->used, portion = n < room ? n : room;
        memcpy(writing->block + writing->used, bytes, portion);
        writing->used += portion;
        writing->written += portion;
        bytes += portion;
        n -= portion;
        if (writing->used == BLOCK_BYTES) st = flush_block(writing, err);
    }
    return st;
}

static void begin_person(struct writing *writing, uint32_t code) {
    KAI_ASSERT(writing->persons < writing->persons_max);
    writing->codes[writing->persons] = code;
    writing->starts[writing->persons++] = writing->written;
}

/* Header, codes and starts; then it has a name. */
static kai_status finish(struct writing *writing, int64_t first, int64_t last, kai_err *err) {
    int64_t persons = writing->persons, codes_bytes = starts_at(persons) - starts_at(0);
    struct copies_header header = {
        .persons = persons, .first = first, .last = last, .entry_bytes = writing->written};
    KAI_ASSERT(persons == writing->persons_max);
    writing->starts[persons] = writing->written;
    kai_status st = flush_block(writing, err);
    size_t head = (size_t)(writing->entries_at - (int64_t)sizeof header);
    unsigned char *bytes = mem_alloc(head);
    if (!bytes) return err_memory(err, (int64_t)head);
    memcpy(bytes, writing->codes, (size_t)codes_bytes);
    memcpy(bytes + codes_bytes, writing->starts, ((size_t)persons + 1) * 8);
    memcpy(header.magic, COPIES_MAGIC, sizeof header.magic);
    header.checksum = hash_bytes(bytes, head, 2);
    header.own = copies_header_hash(&header);
    if (!st) st = file_write_at(writing->file, sizeof header, bytes, head, err);
    if (!st) st = file_write_at(writing->file, 0, &header, sizeof header, err);
    mem_free(bytes);
    if (st) return st;
    st = file_commit(writing->file, err);
    writing->file = NULL;
    return st;
}

static kai_status open_again(const char *path, struct copies_file **ret_file, kai_err *err) {
    kai_status st = copies_file_open(path, ret_file, err);
    if (!st && !*ret_file) st = err_set(err, KAI_IO, "'%s' could not be read again", path);
    return st;
}

/* ---- a portion ---- */

kai_status copies_portion_add(struct copies_portion *portion, const struct coded *coded,
                              kai_err *err) {
    if (portion->count == portion->capacity) {
        int64_t capacity = portion->capacity ? 2 * portion->capacity : 1024;
        struct copies_place *grown =
            mem_resize(portion->places, (size_t)capacity, sizeof *portion->places);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
        portion->places = grown;
        portion->capacity = capacity;
    }
    int64_t code =
        coded->codes[CODED_CUSTOMER] ? coded->codes[CODED_CUSTOMER] : coded->codes[CODED_ANONYMOUS];
    struct copies_place place = {.code = (uint32_t)code, .offset = portion->bytes.size};
    if (!code) return KAI_OK; /* nobody's history */
    kai_status st = packed_put(&portion->bytes, coded, err);
    place.size = (uint32_t)(portion->bytes.size - place.offset);
    if (!st) portion->places[portion->count++] = place;
    return st;
}

void copies_portion_release(struct copies_portion *portion) {
    buf_release(&portion->bytes);
    mem_free(portion->places);
    *portion = (struct copies_portion){0};
}

static int by_code(const void *a, const void *b) {
    const struct copies_place *x = a, *y = b;
    if (x->code != y->code) return x->code < y->code ? -1 : 1;
    return (x->offset > y->offset) - (x->offset < y->offset);
}

static int64_t count_persons(const struct copies_portion *portion) {
    int64_t persons = 0;
    for (int64_t i = 0; i < portion->count; i++)
        persons += i == 0 || portion->places[i].code != portion->places[i - 1].code;
    return persons;
}

kai_status copies_file_write(const char *folder, struct copies_portion *portion, int64_t first,
                             int64_t last, struct copies_file **ret_file, kai_err *err) {
    struct writing writing = {0};
    struct buf path;
    const struct copies_place *places = portion->places;
    buf_init(&path, 1 << 16);
    if (portion->count) qsort(portion->places, (size_t)portion->count, sizeof *places, by_code);
    kai_status st = span_path(folder, (struct span){first, last}, &path, err);
    if (!st) st = begin(&writing, path.data, count_persons(portion), err);
    for (int64_t i = 0; !st && i < portion->count; i++) {
        if (i == 0 || places[i].code != places[i - 1].code) begin_person(&writing, places[i].code);
        st = put(&writing, (const unsigned char *)portion->bytes.data + places[i].offset,
                 places[i].size, err);
    }
    if (!st) st = finish(&writing, first, last, err);
    if (!st) st = open_again(path.data, ret_file, err);
    release(&writing);
    buf_release(&path);
    return st;
}

/* ---- a merge ---- */

/* The least code that files[f]->codes[at[f]] are; 0 = all are through. */
static int64_t least_code(struct copies_file *const *files, int32_t count, const int64_t *at) {
    int64_t least = 0;
    for (int32_t f = 0; f < count; f++) {
        if (at[f] == files[f]->persons) continue;
        int64_t code = files[f]->codes[at[f]];
        if (!least || code < least) least = code;
    }
    return least;
}

static int64_t count_merged(struct copies_file *const *files, int32_t count) {
    int64_t at[COPIES_FAN] = {0}, persons = 0;
    for (int64_t code; (code = least_code(files, count, at)); persons++)
        for (int32_t f = 0; f < count; f++)
            at[f] += at[f] < files[f]->persons && files[f]->codes[at[f]] == code;
    return persons;
}

/* What is whole; what is damaged or scrubbed is read from the table. */
static kai_status put_entries(struct writing *writing, const struct copies_file *file, int64_t p,
                              kai_err *err) {
    const unsigned char *entry = NULL;
    uint64_t at = file->starts[p], end = file->starts[p + 1];
    kai_status st = KAI_OK;
    struct coded coded;
    for (size_t bytes; !st && (bytes = packed_next(file->entries, &at, end, &entry));)
        if (packed_get(entry, bytes, &coded) == PACKED_WHOLE) st = put(writing, entry, bytes, err);
    return st;
}

kai_status copies_file_merge(const char *folder, struct copies_file *const *files, int32_t count,
                             const atomic_int *is_ending, struct copies_file **ret_file,
                             kai_err *err) {
    int64_t at[COPIES_FAN] = {0}, first = files[0]->first, last = files[count - 1]->last;
    struct writing writing = {0};
    struct buf path;
    buf_init(&path, 1 << 16);
    KAI_ASSERT(count <= COPIES_FAN);
    kai_status st = span_path(folder, (struct span){first, last}, &path, err);
    if (!st) st = begin(&writing, path.data, count_merged(files, count), err);
    for (int64_t code; !st && (code = least_code(files, count, at));) {
        begin_person(&writing, (uint32_t)code);
        if (atomic_load(is_ending)) st = err_set(err, KAI_CANCELLED, "the store is being closed");
        for (int32_t f = 0; !st && f < count; f++) {
            if (at[f] == files[f]->persons || files[f]->codes[at[f]] != code) continue;
            st = put_entries(&writing, files[f], at[f]++, err);
        }
    }
    if (!st) st = finish(&writing, first, last, err);
    if (!st) st = open_again(path.data, ret_file, err);
    release(&writing);
    buf_release(&path);
    return st;
}
