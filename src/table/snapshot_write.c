/* A snapshot into its file: every column is written where it belongs, a block at a time. */
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "table/snapshot_layout.h"

/* The block of a part that is being filled. */
struct filling {
    unsigned char *block; /* SNAPSHOT_BLOCK_BYTES of the writer's room */
    size_t used;
    int64_t written;
};

struct snapshot_writer {
    struct file_writer *file; /* owned */
    struct snapshot_header header;
    unsigned char *room; /* owned; a block for each part up to SNAPSHOT_NAMES, and one more */
    struct filling fillings[SNAPSHOT_PARTS];
    int64_t event_count;
    int64_t customer_count; /* whose offset is written */
};

static kai_status write_block(struct snapshot_writer *writer, enum snapshot_part part,
                              kai_err *err) {
    struct filling *filling = &writer->fillings[part];
    struct snapshot_place *place = &writer->header.parts[part];
    if (!filling->used) return KAI_OK;
    place->checksum = snapshot_chain(place->checksum, filling->block, filling->used);
    kai_status st = file_write_at(writer->file, place->offset + filling->written, filling->block,
                                  filling->used, err);
    filling->written += (int64_t)filling->used;
    filling->used = 0;
    return st;
}

static kai_status put(struct snapshot_writer *writer, enum snapshot_part part, const void *bytes,
                      size_t n, kai_err *err) {
    struct filling *filling = &writer->fillings[part];
    const unsigned char *from = bytes;
    while (n > 0) {
        size_t room = SNAPSHOT_BLOCK_BYTES - filling->used, portion = n < room ? n : room;
        memcpy(filling->block + filling->used, from, portion);
        filling->used += portion;
        from += portion;
        n -= portion;
        if (filling->used < SNAPSHOT_BLOCK_BYTES) continue;
        kai_status st = write_block(writer, part, err);
        if (st) return st;
    }
    return KAI_OK;
}

static kai_status put_names(struct snapshot_writer *writer, const struct dict *names, int which,
                            kai_err *err) {
    enum snapshot_part offsets = (enum snapshot_part)(SNAPSHOT_NAMES + 2 * which);
    enum snapshot_part texts = (enum snapshot_part)(offsets + 1);
    int64_t offset = 0;
    kai_status st = put(writer, offsets, &offset, sizeof offset, err);
    for (int32_t i = 0; !st && i < names->count; i++) {
        struct slice text = names->entries[i];
        offset += (int64_t)text.size;
        st = put(writer, texts, text.data, text.size, err);
        if (!st) st = put(writer, offsets, &offset, sizeof offset, err);
    }
    if (!st) st = write_block(writer, offsets, err);
    return st ? st : write_block(writer, texts, err);
}

/* Where every part lies follows from the counts and the texts. */
static void lay_out(struct snapshot_header *header,
                    const struct dict *const names[SNAPSHOT_DICTIONARIES]) {
    int64_t at = (int64_t)sizeof *header;
    for (int p = 0; p < SNAPSHOT_PARTS; p++) {
        int64_t bytes = snapshot_part_bytes(header, (enum snapshot_part)p);
        const struct dict *dict = bytes < 0 ? names[(p - SNAPSHOT_NAMES) / 2] : NULL;
        if (dict) bytes = 0;
        for (int32_t i = 0; dict && i < dict->count; i++) bytes += (int64_t)dict->entries[i].size;
        at = (at + SNAPSHOT_ALIGN - 1) / SNAPSHOT_ALIGN * SNAPSHOT_ALIGN;
        header->parts[p] = (struct snapshot_place){.offset = at, .bytes = bytes};
        at += bytes;
    }
}

static kai_status check_counts(const struct dict *const names[SNAPSHOT_DICTIONARIES],
                               kai_err *err) {
    static const char *const WHAT[] = {"customers", "items", "types", "channels", "currencies"};
    for (int d = SNAPSHOT_TYPE; d < SNAPSHOT_DICTIONARIES; d++)
        if (names[d]->count > SNAPSHOT_SHORT_MAX)
            return err_set(err, KAI_LIMIT, "%d %s: a snapshot holds %d", names[d]->count, WHAT[d],
                           SNAPSHOT_SHORT_MAX);
    return KAI_OK;
}

kai_status snapshot_create(const char *path, int64_t events,
                           const struct dict *const names[SNAPSHOT_DICTIONARIES],
                           struct snapshot_writer **ret_writer, kai_err *err) {
    enum { BLOCKS = SNAPSHOT_NAMES + 2 };
    kai_status st = check_counts(names, err);
    if (st) return st;
    struct snapshot_writer *writer = mem_zero(1, sizeof *writer);
    if (!writer) return err_memory(err, sizeof *writer);
    writer->header.version = SNAPSHOT_VERSION;
    writer->header.events = events;
    memcpy(writer->header.magic, SNAPSHOT_MAGIC, sizeof SNAPSHOT_MAGIC);
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++) writer->header.counts[d] = names[d]->count;
    lay_out(&writer->header, names);
    writer->room = mem_array(BLOCKS, SNAPSHOT_BLOCK_BYTES);
    if (!writer->room) st = err_memory(err, (int64_t)BLOCKS * SNAPSHOT_BLOCK_BYTES);
    for (int p = 0; p < SNAPSHOT_PARTS && !st; p++) { /* names share two blocks: one at a time */
        int block = p < SNAPSHOT_NAMES ? p : SNAPSHOT_NAMES + (p - SNAPSHOT_NAMES) % 2;
        writer->fillings[p].block = writer->room + (ptrdiff_t)block * SNAPSHOT_BLOCK_BYTES;
    }
    if (!st) st = file_create(path, &writer->file, err);
    for (int d = 0; !st && d < SNAPSHOT_DICTIONARIES; d++) st = put_names(writer, names[d], d, err);
    if (st) {
        snapshot_abandon(writer);
        return st;
    }
    *ret_writer = writer;
    return KAI_OK;
}

/* Offsets of the customers up to `customer`, who begins here. */
static kai_status begin_customers(struct snapshot_writer *writer, int64_t customer, kai_err *err) {
    kai_status st = KAI_OK;
    for (; !st && writer->customer_count <= customer; writer->customer_count++)
        st = put(writer, SNAPSHOT_OFFSETS, &writer->event_count, sizeof writer->event_count, err);
    return st;
}

kai_status snapshot_append(struct snapshot_writer *writer, const struct snapshot_event *event,
                           kai_err *err) {
    KAI_ASSERT(event->customer + 1 >= writer->customer_count);
    kai_status st = begin_customers(writer, event->customer, err);
    if (!st) st = put(writer, SNAPSHOT_TIMES, &event->time_us, sizeof event->time_us, err);
    if (!st) st = put(writer, SNAPSHOT_ITEMS, &event->item, sizeof event->item, err);
    if (!st) st = put(writer, SNAPSHOT_VALUES, &event->value, sizeof event->value, err);
    if (!st) st = put(writer, SNAPSHOT_QUANTITIES, &event->quantity, sizeof event->quantity, err);
    if (!st) st = put(writer, SNAPSHOT_TYPES, &event->type, sizeof event->type, err);
    if (!st) st = put(writer, SNAPSHOT_CHANNELS, &event->channel, sizeof event->channel, err);
    if (!st) st = put(writer, SNAPSHOT_CURRENCIES, &event->currency, sizeof event->currency, err);
    writer->event_count++;
    return st;
}

kai_status snapshot_commit(struct snapshot_writer *take_writer, kai_err *err) {
    struct snapshot_writer *writer = take_writer;
    struct snapshot_header *header = &writer->header;
    const struct snapshot_place *last = &header->parts[SNAPSHOT_PARTS - 1];
    kai_status st = begin_customers(writer, header->counts[SNAPSHOT_CUSTOMER], err);
    for (int p = 0; !st && p < SNAPSHOT_NAMES; p++)
        st = write_block(writer, (enum snapshot_part)p, err);
    if (!st && writer->event_count != header->events)
        st = err_set(err, KAI_STATE, "a snapshot of %lld events was given %lld",
                     (long long)header->events, (long long)writer->event_count);
    header->own = snapshot_header_hash(header);
    if (!st) st = file_write_at(writer->file, 0, header, sizeof *header, err);
    if (!st && !last->bytes) /* the file reaches its last part */
        st = file_write_at(writer->file, last->offset, "", 1, err);
    if (!st) {
        st = file_commit(writer->file, err);
        writer->file = NULL;
    }
    snapshot_abandon(writer);
    return st;
}

void snapshot_abandon(struct snapshot_writer *take_writer) {
    if (!take_writer) return;
    file_abandon(take_writer->file);
    mem_free(take_writer->room);
    mem_free(take_writer);
}
