/* The bytes of a file of copies: docs/formats/store.md. Private to store/copies_file*.c. */
#ifndef KAIROS_STORE_COPIES_LAYOUT_H
#define KAIROS_STORE_COPIES_LAYOUT_H

#include <stdint.h>

/* Then codes (4 each, filled up to 8), starts (8 each), entries. */
struct copies_header {
    char magic[8];
    int64_t persons, first, last;
    uint64_t entry_bytes;
    uint64_t checksum; /* of codes and starts; each entry has its own */
    uint64_t own;      /* of the fields above */
    uint64_t unused;
};

extern const char COPIES_MAGIC[8];

uint64_t copies_header_hash(const struct copies_header *header);

#endif
