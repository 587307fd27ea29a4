/* Training snapshots: the bytes as they are; and under right checksums, so that what lies behind
 * them is reached. What passes the check is walked whole: no code and no offset may point outside.
 * The corpus: a snapshot of three events, an empty one, and cut ones. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "table/snapshot.h"
#include "table/snapshot_layout.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BOUNDARY = 64, BLOCK = SNAPSHOT_BLOCK_BYTES };

static volatile int64_t sink;

static void walk(const struct snapshot *snapshot) {
    int64_t sum = 0;
    for (int64_t c = 0; c < snapshot->customer_count; c++) {
        sum += (int64_t)snapshot_name(snapshot, SNAPSHOT_CUSTOMER, c).size;
        for (int64_t e = snapshot->offsets[c]; e < snapshot->offsets[c + 1]; e++) {
            struct slice type = snapshot_name(snapshot, SNAPSHOT_TYPE, snapshot->types[e]);
            if (type.size) sum += type.data[type.size - 1];
            if (snapshot->items[e] >= 0)
                sum += (int64_t)snapshot_name(snapshot, SNAPSHOT_ITEM, snapshot->items[e]).size;
            if (snapshot->channels[e] != SNAPSHOT_SHORT_MAX)
                sum +=
                    (int64_t)snapshot_name(snapshot, SNAPSHOT_CHANNEL, snapshot->channels[e]).size;
            sum += snapshot->values[e] > 0 || snapshot->quantities[e] > 0;
        }
    }
    sink = sum;
}

static void load(const void *bytes, size_t size) {
    struct snapshot snapshot;
    kai_err err;
    if (snapshot_parse("fuzz", bytes, size, &snapshot, &err)) return;
    if (snapshot_check(&snapshot, "fuzz", &err)) return;
    walk(&snapshot);
}

/* The checksums that the parts would have. */
static void sign(unsigned char *bytes, size_t size) {
    struct snapshot_header header;
    if (size < sizeof header) return;
    memcpy(&header, bytes, sizeof header);
    memcpy(header.magic, SNAPSHOT_MAGIC, sizeof header.magic);
    for (int p = 0; p < SNAPSHOT_PARTS; p++) {
        struct snapshot_place *place = &header.parts[p];
        if (place->offset < 0 || place->bytes < 0 || place->offset > (int64_t)size ||
            place->bytes > (int64_t)size - place->offset)
            return;
        place->checksum = 0;
        for (int64_t at = 0; at < place->bytes; at += BLOCK) {
            int64_t left = place->bytes - at;
            place->checksum = snapshot_chain(place->checksum, bytes + place->offset + at,
                                             (size_t)(left < BLOCK ? left : BLOCK));
        }
    }
    header.own = snapshot_header_hash(&header);
    memcpy(bytes, &header, sizeof header);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    size_t rounded = (size + BOUNDARY) / BOUNDARY * BOUNDARY;
    unsigned char *bytes = aligned_alloc(BOUNDARY, rounded);
    if (!bytes) abort();
    if (size) memcpy(bytes, data, size);
    load(bytes, size);
    sign(bytes, size);
    load(bytes, size);
    free(bytes);
    return 0;
}
