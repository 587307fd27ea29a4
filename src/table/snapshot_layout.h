/* The bytes of a snapshot: docs/formats/snapshot.md. Private to table/snapshot*.c. */
#ifndef KAIROS_TABLE_SNAPSHOT_LAYOUT_H
#define KAIROS_TABLE_SNAPSHOT_LAYOUT_H

#include "table/snapshot.h"

enum snapshot_part {
    SNAPSHOT_OFFSETS,
    SNAPSHOT_TIMES,
    SNAPSHOT_ITEMS,
    SNAPSHOT_VALUES,
    SNAPSHOT_QUANTITIES,
    SNAPSHOT_TYPES,
    SNAPSHOT_CHANNELS,
    SNAPSHOT_CURRENCIES,
    SNAPSHOT_NAMES, /* offsets, then texts; of the first dictionary, then of the others */
    SNAPSHOT_PARTS = SNAPSHOT_NAMES + 2 * SNAPSHOT_DICTIONARIES
};

enum {
    SNAPSHOT_ALIGN = 64,
    SNAPSHOT_BLOCK_BYTES = 1 << 20, /* a checksum chains the hashes of blocks of this size */
    SNAPSHOT_VERSION = 1,
};

struct snapshot_place {
    int64_t offset, bytes;
    uint64_t checksum;
};

struct snapshot_header {
    char magic[8]; /* KAISNAP, NUL */
    int64_t version, events;
    int64_t counts[SNAPSHOT_DICTIONARIES];
    struct snapshot_place parts[SNAPSHOT_PARTS];
    uint64_t own; /* hash of the fields above */
};

extern const char SNAPSHOT_MAGIC[8];

/* Bytes of a part; of texts -1: only the offsets tell. */
int64_t snapshot_part_bytes(const struct snapshot_header *header, enum snapshot_part part);
uint64_t snapshot_header_hash(const struct snapshot_header *header);
/* Chain one block to the hash of those before it, 0 at first. */
uint64_t snapshot_chain(uint64_t before, const void *block, size_t bytes);

#endif
