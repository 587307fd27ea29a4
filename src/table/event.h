/* Events as they pass from collect through govern to store: one behaviour of one customer a row.
 *
 * A batch owns the bytes that its events point at. Where a text is empty or a number NaN, the
 * source said nothing. Times are microseconds since 1970-01-01 UTC.
 */
#ifndef KAIROS_TABLE_EVENT_H
#define KAIROS_TABLE_EVENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

/* What cleaning found; a flagged event is kept, counted, and left out by rule. */
enum event_flags {
    EVENT_BOT = 1 << 0,        /* a known agent, or an inhuman rate */
    EVENT_SKEWED = 1 << 1,     /* the client's clock was wrong; `time_us` is corrected */
    EVENT_IMPOSSIBLE = 1 << 2, /* a time before 1990 or in the future, a negative quantity ... */
    EVENT_OUTLIER = 1 << 3,    /* a value far outside of its type's usual range */
};

struct event {
    struct slice id;        /* message id: the key of de-duplication; never empty behind collect */
    struct slice customer;  /* the known customer */
    struct slice anonymous; /* a device or visitor before it was known; one of the two is there */
    int64_t time_us;        /* when it happened, by the corrected clock */
    int64_t received_us;    /* when we took it */
    struct slice type;      /* "view", "cart", "order", "page", "identify", or the source's name */
    struct slice item;
    double value;          /* money of the whole event, in `currency` */
    struct slice currency; /* ISO 4217 */
    double quantity;
    struct slice channel;
    struct slice campaign;
    struct slice session;
    struct slice properties; /* a JSON object, or empty */
    uint32_t flags;          /* enum event_flags */
};

struct event_batch {
    struct arena arena;   /* the bytes */
    struct event *events; /* owned */
    int64_t count;
    int64_t capacity;
};

void event_batch_init(struct event_batch *batch);
void event_batch_release(struct event_batch *batch);
/* Forget the events, and give their bytes back. */
void event_batch_reset(struct event_batch *batch);
/* A copy of the event and of every byte that it points at. Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status event_batch_append(struct event_batch *batch, const struct event *event,
                                             kai_err *err);
/* Flag a time before 1990 or more than a day after `now_us`, and a negative quantity. */
void event_flag_impossible(struct event *event, int64_t now_us);
/* Without customer, item, value ...: every text empty, numbers NaN, times 0. */
struct event event_empty(void);

#endif
