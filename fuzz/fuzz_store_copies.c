/* Files of copies: the bytes as they are, and under right checksums. What opens is walked whole.
 * The corpus: a file of three persons, an empty one, a cut one. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/hash.h"
#include "store/copies_file.h"
#include "store/copies_layout.h"
#include "store/packed.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static volatile int64_t sink;

static void walk(const struct copies_file *file) {
    for (int64_t p = 0; p < file->persons; p++) {
        const unsigned char *entry = NULL;
        uint64_t at = 0, end = 0;
        copies_file_range(file, file->codes[p], &at, &end);
        for (size_t bytes; (bytes = packed_next(file->entries, &at, end, &entry));) {
            struct coded coded;
            if (packed_get(entry, bytes, &coded) == PACKED_WHOLE)
                sink += coded.seq + (coded.properties.size ? coded.properties.data[0] : 0);
        }
    }
}

static void load(const void *bytes, size_t size) {
    char path[64];
    struct copies_file *file = NULL;
    int descriptor = memfd_create("copies", MFD_CLOEXEC);
    if (descriptor < 0) abort();
    if (size && write(descriptor, bytes, size) != (ssize_t)size) abort();
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", descriptor);
    kai_status st = copies_file_open(path, &file, NULL);
    if (!st && file) {
        walk(file);
        st = copies_file_verify(file, NULL); /* entries may be damaged: nothing else is promised */
        copies_file_let_go(file);
    }
    if (st && st != KAI_CORRUPT && st != KAI_NO_MEMORY) abort();
    (void)close(descriptor);
}

/* The checksums that head and entries would have. */
static void sign(unsigned char *bytes, size_t size) {
    struct copies_header header;
    if (size < sizeof header) return;
    memcpy(&header, bytes, sizeof header);
    memcpy(header.magic, COPIES_MAGIC, sizeof header.magic);
    uint64_t persons = (uint64_t)header.persons % 64;
    size_t head = sizeof header + (persons * 4 + 7) / 8 * 8 + (persons + 1) * 8;
    if (size < head) return;
    header.persons = (int64_t)persons;
    header.entry_bytes = size - head;
    header.checksum = hash_bytes(bytes + sizeof header, head - sizeof header, 2);
    header.own = copies_header_hash(&header);
    memcpy(bytes, &header, sizeof header);
    const unsigned char *found = NULL;
    uint64_t at = head;
    for (size_t entry; (entry = packed_next(bytes, &at, size, &found));) {
        uint32_t hash = (uint32_t)hash_bytes(found + 8, entry - 8, 3);
        memcpy(bytes + (found - bytes), &hash, sizeof hash);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    unsigned char *bytes = malloc(size + 1);
    if (!bytes) abort();
    if (size) memcpy(bytes, data, size);
    load(bytes, size);
    sign(bytes, size);
    load(bytes, size);
    free(bytes);
    return 0;
}
