#include "store/sorted_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/hash.h"
#include "store/span.h"

static const char MAGIC[8] = {'K', 'A', 'I', 'S', 'O', 'R', 'T', '1'};

enum {
    LINE_WORDS = 8,   /* of the filter: 512 bits, one cache line */
    KEYS_A_LINE = 48, /* 10.7 bits a key */
    PROBES = 6,       /* bits a key sets */
    HEADER_BYTES = 64,
    RADIX_BITS = 16,
    FAN_MAX = 8,
};

/* All of it but the bytes that follow. */
struct header {
    char magic[8];
    int64_t count, first, last, filter_lines;
    uint64_t checksum; /* of records and filter */
    uint64_t own;      /* of the fields above */
    uint64_t unused;
};

void sorted_record_put(unsigned char *record, uint64_t key, int64_t seq) {
    for (int i = 0; i < SORTED_KEY_BYTES; i++)
        record[i] = (unsigned char)(key >> (8 * (SORTED_KEY_BYTES - 1 - i)));
    for (int i = 0; i < 4; i++)
        record[SORTED_KEY_BYTES + i] = (unsigned char)(seq >> (8 * (3 - i)));
}

uint64_t sorted_record_key(const unsigned char *record) {
    uint64_t key = 0;
    for (int i = 0; i < SORTED_KEY_BYTES; i++) key = key << 8 | record[i];
    return key;
}

int64_t sorted_record_seq(const unsigned char *record) {
    int64_t seq = 0;
    for (int i = SORTED_KEY_BYTES; i < SORTED_RECORD_BYTES; i++) seq = seq << 8 | record[i];
    return seq;
}

/* ---- the filter ---- */

static int64_t lines_for(int64_t count) { return count / KEYS_A_LINE + 1; }

static int may_hold(const struct sorted_file *file, uint64_t key) {
    uint64_t hash = hash_mix(key);
    const uint64_t *line = file->filter + hash % (uint64_t)file->filter_lines * LINE_WORDS;
    uint64_t bits = hash_mix(hash);
    for (int p = 0; p < PROBES; p++, bits >>= 9)
        if (!(line[bits >> 6 & 7] >> (bits & 63) & 1)) return 0;
    return 1;
}

static void note(uint64_t *filter, int64_t lines, uint64_t key) {
    uint64_t hash = hash_mix(key);
    uint64_t *line = filter + hash % (uint64_t)lines * LINE_WORDS;
    uint64_t bits = hash_mix(hash);
    for (int p = 0; p < PROBES; p++, bits >>= 9) line[bits >> 6 & 7] |= 1ull << (bits & 63);
}

/* ---- open ---- */

static uint64_t own_checksum(const struct header *header) {
    return hash_bytes(header, offsetof(struct header, own), 1);
}

static int is_whole(const struct header *header, size_t bytes) {
    if (memcmp(header->magic, MAGIC, sizeof MAGIC) != 0 || header->own != own_checksum(header))
        return 0;
    if (header->count < 0 || header->filter_lines < 1 || header->first > header->last) return 0;
    size_t filter = (size_t)header->filter_lines * LINE_WORDS * sizeof(uint64_t);
    return bytes == HEADER_BYTES + filter + (size_t)header->count * SORTED_RECORD_BYTES;
}

kai_status sorted_file_open(const char *path, struct sorted_file **ret_file, kai_err *err) {
    struct header header;
    struct mapped mapped = {0};
    *ret_file = NULL;
    if (mapped_open(path, &mapped, NULL)) return KAI_OK;
    if (mapped.size >= HEADER_BYTES) memcpy(&header, mapped.bytes, sizeof header);
    struct sorted_file *file = mem_zero(1, sizeof *file);
    char *name = mem_string(path);
    if (!file || !name || mapped.size < HEADER_BYTES || !is_whole(&header, mapped.size)) {
        mapped_close(&mapped);
        kai_status st = file && name ? KAI_OK : err_memory(err, sizeof *file);
        mem_free(file);
        mem_free(name);
        return st;
    }
    size_t filter = (size_t)header.filter_lines * LINE_WORDS * sizeof(uint64_t);
    *file = (struct sorted_file){.path = name,
                                 .mapped = mapped,
                                 .records = mapped.bytes + HEADER_BYTES + filter,
                                 .filter = (const uint64_t *)(mapped.bytes + HEADER_BYTES),
                                 .count = header.count,
                                 .filter_lines = header.filter_lines,
                                 .first = header.first,
                                 .last = header.last};
    *ret_file = file;
    return KAI_OK;
}

void sorted_file_close(struct sorted_file *file) {
    if (!file) return;
    mapped_close(&file->mapped);
    mem_free(file->path);
    mem_free(file);
}

void sorted_file_drop(struct sorted_file *file) {
    (void)unlink(file->path); /* one that stays is found to be covered, and removed, at open */
    sorted_file_close(file);
}

/* ---- write ---- */

/* Stable counting sort by 16 bits of the key, from the lowest: records of one key stay in the order
 * of seq, in which they came. */
static void sort_by(const unsigned char *from, unsigned char *to, int64_t count, int at,
                    uint32_t *places) {
    memset(places, 0, sizeof *places << RADIX_BITS);
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *record = from + i * SORTED_RECORD_BYTES;
        places[record[at] << 8 | record[at + 1]]++;
    }
    for (uint32_t d = 0, sum = 0; d < 1u << RADIX_BITS; d++) {
        uint32_t here = places[d];
        places[d] = sum;
        sum += here;
    }
    for (int64_t i = 0; i < count; i++) {
        const unsigned char *record = from + i * SORTED_RECORD_BYTES;
        memcpy(to + (size_t)places[record[at] << 8 | record[at + 1]]++ * SORTED_RECORD_BYTES,
               record, SORTED_RECORD_BYTES);
    }
}

/* Filter and records stand; write them under a header, and map them. */
static kai_status publish(const char *folder, unsigned char *whole, size_t bytes,
                          struct header header, struct sorted_file **ret_file, kai_err *err) {
    struct buf path;
    struct sorted_file *file = NULL;
    buf_init(&path, 1 << 16);
    memcpy(header.magic, MAGIC, sizeof MAGIC);
    header.checksum = hash_bytes(whole + HEADER_BYTES, bytes - HEADER_BYTES, 2);
    header.own = own_checksum(&header);
    memcpy(whole, &header, sizeof header);
    kai_status st = span_path(folder, (struct span){header.first, header.last}, &path, err);
    if (!st) st = file_write_all(path.data, whole, bytes, err);
    if (!st) st = sorted_file_open(path.data, &file, err);
    if (!st && !file) st = err_set(err, KAI_IO, "'%s' could not be read again", path.data);
    buf_release(&path);
    if (!st) *ret_file = file;
    return st;
}

/* Room for a whole file of `count` records. */
static kai_status make_room(int64_t count, struct header *header, unsigned char **ret_whole,
                            size_t *ret_bytes, kai_err *err) {
    header->count = count;
    header->filter_lines = lines_for(count);
    *ret_bytes = HEADER_BYTES + (size_t)header->filter_lines * LINE_WORDS * sizeof(uint64_t) +
                 (size_t)count * SORTED_RECORD_BYTES;
    *ret_whole = mem_zero(*ret_bytes, 1);
    return *ret_whole ? KAI_OK : err_memory(err, (int64_t)*ret_bytes);
}

static unsigned char *records_of(unsigned char *whole, const struct header *header) {
    return whole + HEADER_BYTES + (size_t)header->filter_lines * LINE_WORDS * sizeof(uint64_t);
}

static void fill_filter(unsigned char *whole, const struct header *header) {
    const unsigned char *records = records_of(whole, header);
    uint64_t *filter = (uint64_t *)(void *)(whole + HEADER_BYTES);
    for (int64_t i = 0; i < header->count; i++)
        note(filter, header->filter_lines, sorted_record_key(records + i * SORTED_RECORD_BYTES));
}

kai_status sorted_file_write(const char *folder, const unsigned char *records, int64_t count,
                             int64_t first, int64_t last, struct sorted_file **ret_file,
                             kai_err *err) {
    struct header header = {.first = first, .last = last};
    unsigned char *whole = NULL, *spare = mem_alloc((size_t)count * SORTED_RECORD_BYTES + 1);
    uint32_t *places = mem_array((size_t)1 << RADIX_BITS, sizeof *places);
    size_t bytes = 0;
    kai_status st = spare && places ? make_room(count, &header, &whole, &bytes, err)
                                    : err_memory(err, count * SORTED_RECORD_BYTES);
    if (!st) {
        unsigned char *sorted = records_of(whole, &header);
        sort_by(records, sorted, count, 4, places);
        sort_by(sorted, spare, count, 2, places);
        sort_by(spare, sorted, count, 0, places);
        fill_filter(whole, &header);
        st = publish(folder, whole, bytes, header, ret_file, err);
    }
    mem_free(whole);
    mem_free(spare);
    mem_free(places);
    return st;
}

kai_status sorted_file_merge(const char *folder, struct sorted_file *const *files, int32_t count,
                             struct sorted_file **ret_file, kai_err *err) {
    struct header header = {.first = files[0]->first, .last = files[count - 1]->last};
    int64_t at[FAN_MAX] = {0}, total = 0;
    unsigned char *whole = NULL;
    size_t bytes = 0;
    KAI_ASSERT(count <= FAN_MAX);
    for (int32_t f = 0; f < count; f++) total += files[f]->count;
    kai_status st = make_room(total, &header, &whole, &bytes, err);
    if (st) return st;
    unsigned char *out = records_of(whole, &header);
    for (int64_t i = 0; i < total; i++, out += SORTED_RECORD_BYTES) {
        const unsigned char *least = NULL;
        int32_t from = 0;
        for (int32_t f = 0; f < count; f++) {
            const unsigned char *record = files[f]->records + at[f] * SORTED_RECORD_BYTES;
            if (at[f] == files[f]->count) continue;
            if (least && memcmp(record, least, SORTED_RECORD_BYTES) >= 0) continue;
            least = record;
            from = f;
        }
        memcpy(out, least, SORTED_RECORD_BYTES);
        at[from]++;
    }
    fill_filter(whole, &header);
    st = publish(folder, whole, bytes, header, ret_file, err);
    mem_free(whole);
    return st;
}

/* ---- find ---- */

/* The first record whose key is not below `key`. */
static int64_t lower_bound(const struct sorted_file *file, uint64_t key) {
    int64_t low = 0, high = file->count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (sorted_record_key(file->records + middle * SORTED_RECORD_BYTES) < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

kai_status sorted_file_find(const struct sorted_file *file, uint64_t key, sorted_fn call,
                            void *user, int *stop, kai_err *err) {
    kai_status st = KAI_OK;
    if (!may_hold(file, key)) return KAI_OK;
    for (int64_t i = lower_bound(file, key); !st && !*stop && i < file->count; i++) {
        const unsigned char *record = file->records + i * SORTED_RECORD_BYTES;
        if (sorted_record_key(record) != key) break;
        st = call(user, sorted_record_seq(record), stop, err);
    }
    return st;
}

kai_status sorted_file_verify(const struct sorted_file *file, kai_err *err) {
    struct header header;
    memcpy(&header, file->mapped.bytes, sizeof header);
    if (header.checksum !=
        hash_bytes(file->mapped.bytes + HEADER_BYTES, file->mapped.size - HEADER_BYTES, 2))
        return err_set(err, KAI_CORRUPT,
                       "'%s' is damaged: remove it, it is built again when the store is opened",
                       file->path);
    return KAI_OK;
}
