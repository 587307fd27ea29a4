#include "table/snapshot.h"

#include <stddef.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "table/snapshot_layout.h"

const char SNAPSHOT_MAGIC[8] = {'K', 'A', 'I', 'S', 'N', 'A', 'P', '\0'};

/* Of one event, by part. */
static const int64_t CELL_BYTES[SNAPSHOT_NAMES] = {0, 8, 4, 4, 4, 2, 2, 2};

int64_t snapshot_part_bytes(const struct snapshot_header *header, enum snapshot_part part) {
    if (part == SNAPSHOT_OFFSETS) return 8 * (header->counts[SNAPSHOT_CUSTOMER] + 1);
    if (part < SNAPSHOT_NAMES) return CELL_BYTES[part] * header->events;
    int which = (int)(part - SNAPSHOT_NAMES);
    return which % 2 ? -1 : 8 * (header->counts[which / 2] + 1);
}

uint64_t snapshot_header_hash(const struct snapshot_header *header) {
    return hash_bytes(header, offsetof(struct snapshot_header, own), SNAPSHOT_VERSION);
}

uint64_t snapshot_chain(uint64_t before, const void *block, size_t bytes) {
    return hash_bytes(block, bytes, before);
}

int snapshot_is(const char *path) {
    struct mapped mapped = {0};
    if (mapped_open(path, &mapped, NULL)) return 0;
    int is = mapped.size >= sizeof SNAPSHOT_MAGIC &&
             memcmp(mapped.bytes, SNAPSHOT_MAGIC, sizeof SNAPSHOT_MAGIC) == 0;
    mapped_close(&mapped);
    return is;
}

/* ---- open ---- */

static kai_status refuse(const char *path, const char *reason, kai_err *err) {
    return err_set(err, KAI_CORRUPT, "'%s': %s", path, reason);
}

/* Counts are small enough that no size below overflows. */
static int is_sane(const struct snapshot_header *header) {
    int is = header->events >= 0 && header->events <= INT64_MAX >> 8;
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++)
        is &= header->counts[d] >= 0 && header->counts[d] <= INT32_MAX;
    for (int d = SNAPSHOT_TYPE; d < SNAPSHOT_DICTIONARIES; d++)
        is &= header->counts[d] <= SNAPSHOT_SHORT_MAX;
    return is;
}

static kai_status check_places(const struct snapshot_header *header, size_t size, const char *path,
                               kai_err *err) {
    for (int p = 0; p < SNAPSHOT_PARTS; p++) {
        const struct snapshot_place *place = &header->parts[p];
        int64_t expected = snapshot_part_bytes(header, (enum snapshot_part)p);
        if (place->offset < (int64_t)sizeof *header || place->offset % SNAPSHOT_ALIGN ||
            place->bytes < 0 || place->offset > (int64_t)size ||
            place->bytes > (int64_t)size - place->offset)
            return refuse(path, "the snapshot is cut", err);
        if (expected >= 0 && place->bytes != expected)
            return refuse(path, "a part of the snapshot has another size than its counts say", err);
    }
    return KAI_OK;
}

static kai_status read_header(const void *bytes, size_t size, struct snapshot_header *header,
                              const char *path, kai_err *err) {
    if (size < sizeof *header || memcmp(bytes, SNAPSHOT_MAGIC, sizeof SNAPSHOT_MAGIC) != 0)
        return refuse(path, "not a snapshot, or a cut one", err);
    memcpy(header, bytes, sizeof *header);
    if (header->version > SNAPSHOT_VERSION)
        return err_set(err, KAI_UNSUPPORTED, "'%s': version %lld; this program reads up to %d",
                       path, (long long)header->version, SNAPSHOT_VERSION);
    if (header->version < 1 || header->own != snapshot_header_hash(header) || !is_sane(header))
        return refuse(path, "the header of the snapshot is damaged", err);
    return check_places(header, size, path, err);
}

static void point(struct snapshot *snapshot, const struct snapshot_header *header) {
    const void *at[SNAPSHOT_PARTS];
    for (int p = 0; p < SNAPSHOT_PARTS; p++) at[p] = snapshot->bytes + header->parts[p].offset;
    snapshot->event_count = header->events;
    snapshot->customer_count = header->counts[SNAPSHOT_CUSTOMER];
    snapshot->offsets = at[SNAPSHOT_OFFSETS];
    snapshot->times_us = at[SNAPSHOT_TIMES];
    snapshot->items = at[SNAPSHOT_ITEMS];
    snapshot->values = at[SNAPSHOT_VALUES];
    snapshot->quantities = at[SNAPSHOT_QUANTITIES];
    snapshot->types = at[SNAPSHOT_TYPES];
    snapshot->channels = at[SNAPSHOT_CHANNELS];
    snapshot->currencies = at[SNAPSHOT_CURRENCIES];
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++)
        snapshot->names[d] = (struct snapshot_names){header->counts[d], at[SNAPSHOT_NAMES + 2 * d],
                                                     at[SNAPSHOT_NAMES + 2 * d + 1]};
}

kai_status snapshot_parse(const char *name, const void *bytes, size_t size,
                          struct snapshot *ret_snapshot, kai_err *err) {
    struct snapshot_header header;
    kai_status st = read_header(bytes, size, &header, name, err);
    if (st) return st;
    *ret_snapshot = (struct snapshot){.bytes = bytes};
    point(ret_snapshot, &header);
    return KAI_OK;
}

kai_status snapshot_open(const char *path, struct snapshot *ret_snapshot, kai_err *err) {
    struct mapped mapped = {0};
    kai_status st = mapped_open(path, &mapped, err);
    if (!st) st = snapshot_parse(path, mapped.bytes, mapped.size, ret_snapshot, err);
    if (st)
        mapped_close(&mapped);
    else
        ret_snapshot->mapped = mapped;
    return st;
}

struct slice snapshot_name(const struct snapshot *snapshot, enum snapshot_dictionary which,
                           int64_t code) {
    const struct snapshot_names *names = &snapshot->names[which];
    KAI_ASSERT(code >= 0 && code < names->count);
    int64_t begin = names->offsets[code];
    return (struct slice){names->texts + begin, (size_t)(names->offsets[code + 1] - begin)};
}

void snapshot_close(struct snapshot *snapshot) {
    mapped_close(&snapshot->mapped);
    *snapshot = (struct snapshot){0};
}

/* ---- check ---- */

static kai_status check_sums(const struct snapshot *snapshot, const struct snapshot_header *header,
                             const char *path, kai_err *err) {
    for (int p = 0; p < SNAPSHOT_PARTS; p++) {
        const struct snapshot_place *place = &header->parts[p];
        uint64_t sum = 0;
        for (int64_t at = 0; at < place->bytes; at += SNAPSHOT_BLOCK_BYTES) {
            int64_t left = place->bytes - at;
            size_t bytes = (size_t)(left < SNAPSHOT_BLOCK_BYTES ? left : SNAPSHOT_BLOCK_BYTES);
            sum = snapshot_chain(sum, snapshot->bytes + place->offset + at, bytes);
        }
        if (sum != place->checksum) return refuse(path, "the snapshot is damaged", err);
    }
    return KAI_OK;
}

/* From 0, never back, to `end`. */
static int is_ascending(const int64_t *offsets, int64_t count, int64_t end) {
    int is = offsets[0] == 0 && offsets[count] == end;
    for (int64_t i = 0; i < count; i++) is &= offsets[i] <= offsets[i + 1];
    return is;
}

static int are_short_codes(const uint16_t *codes, int64_t events, int64_t count, int may_be_none) {
    int are = 1;
    for (int64_t i = 0; i < events; i++)
        are &= codes[i] < count || (may_be_none && codes[i] == SNAPSHOT_SHORT_MAX);
    return are;
}

static int are_codes_known(const struct snapshot *snapshot) {
    int64_t events = snapshot->event_count, items = snapshot->names[SNAPSHOT_ITEM].count;
    int are = 1;
    for (int64_t i = 0; i < events; i++)
        are &= snapshot->items[i] >= -1 && snapshot->items[i] < items;
    are &= are_short_codes(snapshot->types, events, snapshot->names[SNAPSHOT_TYPE].count, 0);
    are &= are_short_codes(snapshot->channels, events, snapshot->names[SNAPSHOT_CHANNEL].count, 1);
    return are & are_short_codes(snapshot->currencies, events,
                                 snapshot->names[SNAPSHOT_CURRENCY].count, 1);
}

static int are_times_ordered(const struct snapshot *snapshot) {
    int are = 1;
    for (int64_t c = 0; c < snapshot->customer_count; c++)
        for (int64_t i = snapshot->offsets[c] + 1; i < snapshot->offsets[c + 1]; i++)
            are &= snapshot->times_us[i - 1] <= snapshot->times_us[i];
    return are;
}

kai_status snapshot_check(const struct snapshot *snapshot, const char *path, kai_err *err) {
    struct snapshot_header header;
    memcpy(&header, snapshot->bytes, sizeof header);
    kai_status st = check_sums(snapshot, &header, path, err);
    if (st) return st;
    if (!is_ascending(snapshot->offsets, snapshot->customer_count, snapshot->event_count))
        return refuse(path, "the offsets of the snapshot's customers are damaged", err);
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++)
        if (!is_ascending(snapshot->names[d].offsets, snapshot->names[d].count,
                          header.parts[SNAPSHOT_NAMES + 2 * d + 1].bytes))
            return refuse(path, "a dictionary of the snapshot is damaged", err);
    if (!are_codes_known(snapshot))
        return refuse(path, "the snapshot holds a code that no dictionary has", err);
    if (!are_times_ordered(snapshot))
        return refuse(path, "the times of a customer go back in the snapshot", err);
    return KAI_OK;
}
