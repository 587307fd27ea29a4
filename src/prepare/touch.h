/* A customer's history in the form that features, segments and labels read: events as small rows of
 * codes, in the order of their times.
 *
 * The book holds the texts behind the codes. Flagged events that were no behaviour of a customer
 * (bots, impossible times) are no touches. The category of an item comes from the catalogue
 * (touch_book_categorise), else from a property "category" of the event.
 */
#ifndef KAIROS_PREPARE_TOUCH_H
#define KAIROS_PREPARE_TOUCH_H

#include "base/dict.h"
#include "base/err.h"
#include "table/event.h"

struct touch {
    int64_t time_us;
    double value;    /* NaN = none */
    double quantity; /* NaN = none */
    int32_t type;
    int32_t item, category, channel, campaign, session; /* -1 = none */
};

struct touch_book {
    struct dict types, items, categories, channels, campaigns, sessions;
    int32_t *item_categories; /* owned; by code of the item; -1 = not known */
    int32_t item_capacity;
    int32_t view, cart, order, refund; /* codes of the types that features know */
};

/* The types "view", "cart", "order", "refund" get their codes at once. */
KAI_MUST_CHECK kai_status touch_book_init(struct touch_book *book, kai_err *err);
void touch_book_release(struct touch_book *book);
KAI_MUST_CHECK kai_status touch_book_categorise(struct touch_book *book, struct slice item,
                                                struct slice category, kai_err *err);
/* Is this event a touch at all? */
int touch_is(const struct event *event);

enum { TOUCH_FLAGS_EXCLUDED = EVENT_BOT | EVENT_IMPOSSIBLE };
KAI_MUST_CHECK kai_status touch_from_event(struct touch_book *book, const struct event *event,
                                           struct touch *ret_touch, kai_err *err);
/* Put touches into the order of their times; equal times keep their order. */
KAI_MUST_CHECK kai_status touch_sort(struct touch *touches, int64_t count, kai_err *err);
/* How many of the sorted touches happened before a moment. */
int64_t touch_before(const struct touch *touches, int64_t count, int64_t at_us);

#endif
