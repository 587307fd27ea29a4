/* A training snapshot: events sorted by customer and time, as columns in one mapped file.
 *
 * What sequence models read. Customers, items, types, channels and currencies are codes of the
 * file's own dictionaries, in the order in which the store first saw them; the events of customer
 * c are offsets[c] .. offsets[c + 1] - 1, by time, then in the order they came. A file is
 * published whole and never changes. The bytes: docs/formats/snapshot.md.
 *
 *     struct snapshot snapshot;
 *     st = snapshot_open(path, &snapshot, err);      header and sizes
 *     st = snapshot_check(&snapshot, path, err);     every byte, before codes are trusted
 *     ... snapshot.items[event], snapshot_name(&snapshot, SNAPSHOT_ITEM, code) ...
 *     snapshot_close(&snapshot);
 *
 * Threads: many may read one.
 */
#ifndef KAIROS_TABLE_SNAPSHOT_H
#define KAIROS_TABLE_SNAPSHOT_H

#include <stdint.h>

#include "base/dict.h"
#include "base/mapped.h"
#include "base/text.h"

enum snapshot_dictionary {
    SNAPSHOT_CUSTOMER, /* as the store has them: pseudonyms */
    SNAPSHOT_ITEM,
    SNAPSHOT_TYPE,
    SNAPSHOT_CHANNEL,
    SNAPSHOT_CURRENCY,
    SNAPSHOT_DICTIONARIES
};

enum { SNAPSHOT_SHORT_MAX = 65535 }; /* types, channels, currencies: their codes are short */

struct snapshot_names {
    int64_t count;
    const int64_t *offsets; /* (count + 1) */
    const char *texts;      /* (offsets[count]) bytes */
};

struct snapshot {
    struct mapped mapped; /* nothing where it was parsed */
    const unsigned char *bytes;
    int64_t event_count, customer_count;
    const int64_t *offsets;     /* (customer_count + 1) */
    const int64_t *times_us;    /* (event_count); not decreasing within a customer */
    const int32_t *items;       /* (event_count); -1 = none */
    const float *values;        /* (event_count); money in the event's currency; NaN = not said */
    const float *quantities;    /* (event_count); NaN = not said */
    const uint16_t *types;      /* (event_count) */
    const uint16_t *channels;   /* (event_count); SNAPSHOT_SHORT_MAX = none */
    const uint16_t *currencies; /* (event_count); SNAPSHOT_SHORT_MAX = none */
    struct snapshot_names names[SNAPSHOT_DICTIONARIES];
};

/* Does the file begin as a snapshot does? 0 also where it cannot be read. */
int snapshot_is(const char *path);
/* Map the file; looks at its header and at the sizes of its parts.
 * Fails: KAI_NOT_FOUND, KAI_IO, KAI_CORRUPT, KAI_UNSUPPORTED (a newer version). */
KAI_MUST_CHECK kai_status snapshot_open(const char *path, struct snapshot *ret_snapshot,
                                        kai_err *err);
/* The same of bytes that somebody else maps, at a 64-byte boundary; `name` stands in messages. */
KAI_MUST_CHECK kai_status snapshot_parse(const char *name, const void *bytes, size_t size,
                                         struct snapshot *ret_snapshot, kai_err *err);
/* Walk it all: checksums, offsets, codes, order of times. Fails: KAI_CORRUPT. */
KAI_MUST_CHECK kai_status snapshot_check(const struct snapshot *snapshot, const char *path,
                                         kai_err *err);
/* The text of a code; lives as long as the snapshot is open. */
struct slice snapshot_name(const struct snapshot *snapshot, enum snapshot_dictionary which,
                           int64_t code);
void snapshot_close(struct snapshot *snapshot);

/* One event on its way into a file. */
struct snapshot_event {
    int64_t time_us;
    int32_t customer, item;
    float value, quantity;
    uint16_t type, channel, currency;
};

struct snapshot_writer;

/* A file of `events` events, published at `path` by commit; customers, items ... are the entries of
 * the dictionaries, which are read now. Fails: KAI_IO, KAI_NO_MEMORY, KAI_LIMIT (more than
 * SNAPSHOT_SHORT_MAX types, channels or currencies). */
KAI_MUST_CHECK kai_status snapshot_create(const char *path, int64_t events,
                                          const struct dict *const names[SNAPSHOT_DICTIONARIES],
                                          struct snapshot_writer **ret_writer, kai_err *err);
/* The next event, by customer, then by time. Fails: KAI_IO. */
KAI_MUST_CHECK kai_status snapshot_append(struct snapshot_writer *writer,
                                          const struct snapshot_event *event, kai_err *err);
/* Fails: KAI_IO; KAI_STATE where it is not as many events as were said. Frees the writer. */
KAI_MUST_CHECK kai_status snapshot_commit(struct snapshot_writer *take_writer, kai_err *err);
/* Accepts NULL. */
void snapshot_abandon(struct snapshot_writer *take_writer);

#endif
