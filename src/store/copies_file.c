#include "store/copies_file.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "store/copies_layout.h"
#include "store/packed.h"

const char COPIES_MAGIC[8] = {'K', 'A', 'I', 'C', 'O', 'P', 'Y', '1'};

uint64_t copies_header_hash(const struct copies_header *header) {
    return hash_bytes(header, offsetof(struct copies_header, own), 1);
}

/* Codes ascend, starts never go back and end where the entries do. */
static int is_ordered(const struct copies_file *file) {
    int is = file->starts[0] == 0 && file->starts[file->persons] == file->entry_bytes;
    for (int64_t p = 0; p < file->persons; p++)
        is &= file->starts[p] <= file->starts[p + 1] &&
              (p == 0 || file->codes[p - 1] < file->codes[p]);
    return is;
}

static int point(struct copies_file *file) {
    struct copies_header header;
    size_t size = file->mapped.size;
    if (size < sizeof header) return 0;
    memcpy(&header, file->mapped.bytes, sizeof header);
    if (memcmp(header.magic, COPIES_MAGIC, sizeof COPIES_MAGIC) != 0 ||
        header.own != copies_header_hash(&header) || header.persons < 0 ||
        header.persons > UINT32_MAX || header.first > header.last)
        return 0;
    size_t starts = (size_t)header.persons * sizeof(uint32_t);
    starts = sizeof header + (starts + 7) / 8 * 8;
    size_t entries = starts + ((size_t)header.persons + 1) * sizeof(uint64_t);
    if (size < entries || size - entries != header.entry_bytes) return 0;
    file->codes = (const uint32_t *)(const void *)(file->mapped.bytes + sizeof header);
    file->starts = (const uint64_t *)(const void *)(file->mapped.bytes + starts);
    file->entries = file->mapped.bytes + entries;
    file->entry_bytes = header.entry_bytes;
    file->persons = header.persons;
    file->first = header.first;
    file->last = header.last;
    return header.checksum ==
               hash_bytes(file->mapped.bytes + sizeof header, entries - sizeof header, 2) &&
           is_ordered(file);
}

kai_status copies_file_open(const char *path, struct copies_file **ret_file, kai_err *err) {
    struct mapped mapped = {0};
    *ret_file = NULL;
    if (mapped_open(path, &mapped, NULL)) return KAI_OK;
    struct copies_file *file = mem_zero(1, sizeof *file);
    char *name = mem_string(path);
    if (!file || !name) {
        mapped_close(&mapped);
        mem_free(file);
        mem_free(name);
        return err_memory(err, sizeof *file);
    }
    file->path = name;
    file->mapped = mapped;
    atomic_init(&file->holders, 1);
    if (point(file))
        *ret_file = file;
    else
        copies_file_let_go(file);
    return KAI_OK;
}

void copies_file_hold(struct copies_file *file) { atomic_fetch_add(&file->holders, 1); }

void copies_file_let_go(struct copies_file *file) {
    if (atomic_fetch_sub(&file->holders, 1) > 1) return;
    if (file->is_doomed) (void)unlink(file->path); /* one that stays is removed at open */
    mapped_close(&file->mapped);
    mem_free(file->path);
    mem_free(file);
}

void copies_file_range(const struct copies_file *file, int64_t code, uint64_t *ret_begin,
                       uint64_t *ret_end) {
    int64_t low = 0, high = file->persons;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (file->codes[middle] < code)
            low = middle + 1;
        else
            high = middle;
    }
    int is_there = low < file->persons && file->codes[low] == code;
    *ret_begin = is_there ? file->starts[low] : 0;
    *ret_end = is_there ? file->starts[low + 1] : 0;
}

/* Bytes of the entries become zero, but for the size of the first where it is to be kept. */
static kai_status zero(int descriptor, const struct copies_file *file, const unsigned char *from,
                       size_t bytes, int keeps_size, kai_err *err) {
    unsigned char *zeros = mem_zero(bytes, 1);
    if (!zeros) return err_memory(err, (int64_t)bytes);
    if (keeps_size) memcpy(zeros + 4, from + 4, 4);
    ssize_t done = pwrite(descriptor, zeros, bytes, (off_t)(from - file->mapped.bytes));
    mem_free(zeros);
    return done == (ssize_t)bytes ? KAI_OK
                                  : err_set(err, KAI_IO, "'%s' could not be written", file->path);
}

/* Where damage hides where the next entry begins, all that is left goes. */
static kai_status zero_entries(int descriptor, const struct copies_file *file, uint64_t at,
                               uint64_t end, kai_err *err) {
    const unsigned char *entry = NULL;
    kai_status st = KAI_OK;
    for (size_t bytes; !st && (bytes = packed_next(file->entries, &at, end, &entry));)
        st = zero(descriptor, file, entry, bytes, 1, err);
    if (!st && at < end)
        st = zero(descriptor, file, file->entries + at, (size_t)(end - at), 0, err);
    return st;
}

kai_status copies_file_scrub(struct copies_file *file, int64_t code, kai_err *err) {
    uint64_t begin = 0, end = 0;
    copies_file_range(file, code, &begin, &end);
    if (begin == end) return KAI_OK;
    int descriptor = open(file->path, O_RDWR | O_CLOEXEC);
    if (descriptor < 0) return err_set(err, KAI_IO, "'%s' could not be opened", file->path);
    kai_status st = zero_entries(descriptor, file, begin, end, err);
    if (!st && fdatasync(descriptor))
        st = err_set(err, KAI_IO, "'%s' could not be written", file->path);
    (void)close(descriptor); /* what was written is on the disk */
    return st;
}

kai_status copies_file_verify(const struct copies_file *file, kai_err *err) {
    for (int64_t p = 0; p < file->persons; p++) {
        const unsigned char *entry = NULL;
        uint64_t at = file->starts[p], end = file->starts[p + 1];
        struct coded coded;
        int is_whole = 1;
        for (size_t bytes; is_whole && (bytes = packed_next(file->entries, &at, end, &entry));)
            is_whole = packed_get(entry, bytes, &coded) != PACKED_DAMAGED;
        if (!is_whole || at < end)
            return err_set(err, KAI_CORRUPT,
                           "'%s' is damaged: remove it, it is built again while the store is "
                           "written",
                           file->path);
    }
    return KAI_OK;
}
