/* What one event said, as events of ours: the one place where every dialect ends. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/instant.h"
#include "collect/commerce.h"
#include "collect/dialect_parts.h"

enum {
    SKEW_US = 10000000, /* a clock that is further off is wrong: a request takes less than that */
};

/* One event on its way. */
struct making {
    struct reading *reading;
    const struct said *said;
    struct event event;
    struct slice type;
    struct fast_value products; /* of an order or a list; none where there is no array */
    struct buf *text;           /* properties */
};

kai_status said_refuse(struct reading *reading, const char *reason, struct fast_value raw,
                       kai_err *err) {
    struct dialect_reply *reply = reading->reply;
    struct buf *text = &reading->reader->text;
    if (reply->refused == reply->bad_capacity) {
        int64_t capacity = reply->bad_capacity ? 2 * reply->bad_capacity : 8;
        struct dialect_bad *grown = mem_resize(reply->bad, (size_t)capacity, sizeof *grown);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
        reply->bad = grown;
        reply->bad_capacity = capacity;
    }
    buf_reset(text);
    kai_status st = fast_print(raw, text, err);
    const char *copy = st ? NULL : arena_string_n(&reply->arena, text->data, text->size);
    if (!st && !copy) return err_memory(err, (int64_t)text->size);
    if (!st) reply->bad[reply->refused++] = (struct dialect_bad){reason, {copy, text->size}};
    return st;
}

/* ---- time ---- */

/* When it happened, by our clock: what the client's clock was off by when it sent is taken out. */
static void set_time(struct making *making) {
    const struct said *said = making->said;
    struct event *event = &making->event;
    int64_t received = making->reading->request->received_us;
    event->received_us = received;
    event->time_us = said->time_us ? said->time_us : received;
    int64_t skew = said->sent_us ? received - said->sent_us : 0;
    if (said->time_us && (skew > SKEW_US || skew < -SKEW_US)) {
        event->time_us += skew;
        event->flags |= EVENT_SKEWED;
    }
    event_flag_impossible(event, received);
}

/* ---- channel and campaign ---- */

struct click_id {
    const char *name, *channel;
};

/* What an advertiser's link carries says which network was paid. */
static const struct click_id CLICK_IDS[] = {
    {"gclid", "paid-search"},  {"msclkid", "paid-search"}, {"bd_vid", "paid-search"},
    {"fbclid", "paid-social"}, {"ttclid", "paid-social"},  {"qz_gdt", "paid-social"},
};

static kai_status note_query(struct making *making, struct slice query, kai_err *err) {
    struct query_walk walk = {.rest = query};
    struct event *event = &making->event;
    struct slice network = {"", 0};
    int is_one = 0;
    kai_status st = query_next(&walk, &making->reading->reader->arena, &is_one, err);
    while (!st && is_one) {
        if (!event->channel.size && slice_equal_text(walk.name, "utm_medium"))
            event->channel = walk.value;
        if (!event->campaign.size && slice_equal_text(walk.name, "utm_campaign"))
            event->campaign = walk.value;
        for (size_t i = 0; i < sizeof CLICK_IDS / sizeof *CLICK_IDS; i++)
            if (walk.value.size && slice_equal_text(walk.name, CLICK_IDS[i].name))
                network = slice_of(CLICK_IDS[i].channel);
        st = query_next(&walk, &making->reading->reader->arena, &is_one, err);
    }
    if (!event->channel.size) event->channel = network;
    return st;
}

static kai_status set_channel(struct making *making, kai_err *err) {
    const struct said *said = making->said;
    struct event *event = &making->event;
    struct fast_value named = fast_get(said->context, "campaign");
    struct slice url = said->url;
    event->channel = said->channel;
    event->campaign = said->campaign;
    if (!event->channel.size) event->channel = text_at(said->properties, "channel");
    if (!event->channel.size) event->channel = text_at(said->properties, "utm_medium");
    if (!event->channel.size) event->channel = text_at(named, "medium");
    if (!event->campaign.size) event->campaign = text_at(said->properties, "utm_campaign");
    if (!event->campaign.size) event->campaign = text_at(named, "name");
    if (!event->campaign.size) event->campaign = text_at(said->properties, "campaign");
    if (!url.size) url = text_at(said->properties, "url");
    if (!url.size) url = text_at(fast_get(said->context, "page"), "url");
    const char *query = url.size ? memchr(url.data, '?', url.size) : NULL;
    if (!query) return KAI_OK;
    size_t size = url.size - (size_t)(query + 1 - url.data);
    const char *anchor = memchr(query, '#', size);
    if (anchor) size = (size_t)(anchor - query - 1);
    return note_query(making, (struct slice){query + 1, size}, err);
}

/* ---- money and items ---- */

static double price_of(struct fast_value product) {
    return number_at(product, KEYS_OF("price", "item_price", "productPrice", "$price"));
}

static double quantity_of(struct fast_value product) {
    return number_at(product, KEYS_OF("quantity", "$quantity", "qty"));
}

static double or_else(double value, double other) { return isnan(value) ? other : value; }

/* Revenue leaves shipping and tax out, total holds them. */
static double order_money(struct fast_value properties) {
    double money = number_at(properties, KEYS_OF("revenue", "$revenue"));
    double total = number_at(properties, KEYS_OF("total"));
    if (isnan(money) && !isnan(total))
        money = total - or_else(number_at(properties, KEYS_OF("shipping")), 0) -
                or_else(number_at(properties, KEYS_OF("tax")), 0);
    return or_else(money, number_at(properties, KEYS_OF("value")));
}

static void set_money(struct making *making) {
    struct event *event = &making->event;
    struct fast_value properties = making->said->properties;
    double price = price_of(properties);
    event->quantity = quantity_of(properties);
    event->value = order_money(properties);
    if (isnan(event->value)) event->value = price * or_else(event->quantity, 1);
    event->currency = text_at(properties, "currency");
    event_flag_impossible(event, event->received_us);
}

static kai_status set_item(struct making *making, struct fast_value from, kai_err *err) {
    return words_at(making->reading, from,
                    KEYS_OF("product_id", "item_id", "productId", "product", "sku", "item",
                            "content_id", "$product_id"),
                    &making->event.item, err);
}

/* ---- properties ---- */

/* Append "key":value to an object that has begun. */
static kai_status add_member(struct making *making, const char *key, struct fast_value value,
                             kai_err *err) {
    struct buf *text = making->text;
    if (fast_kind(value) <= FAST_NULL) return KAI_OK;
    if (fast_kind(value) == FAST_OBJECT && fast_count(value) == 0) return KAI_OK;
    kai_status st = buf_printf(text, err, "%s\"%s\":", text->size > 1 ? "," : "", key);
    return st ? st : fast_print(value, text, err);
}

static kai_status add_text(struct making *making, const char *key, struct slice value,
                           kai_err *err) {
    struct buf *text = making->text;
    if (!value.size) return KAI_OK;
    kai_status st = buf_printf(text, err, "%s\"%s\":", text->size > 1 ? "," : "", key);
    return st ? st : fast_quote(value, text, err);
}

/* An object without its closing brace, so that more can follow. */
static kai_status begin_object(struct making *making, struct fast_value object, kai_err *err) {
    struct buf *text = making->text;
    buf_reset(text);
    if (fast_kind(object) != FAST_OBJECT) return buf_puts(text, "{", err);
    kai_status st = fast_print(object, text, err);
    if (!st) text->data[--text->size] = '\0';
    return st;
}

static kai_status add_rest(struct making *making, kai_err *err) {
    const struct said *said = making->said;
    kai_status st = add_member(making, "context", said->context, err);
    if (!st) st = add_member(making, "traits", said->traits, err);
    if (!st) st = add_text(making, "referrer", said->referrer, err);
    if (!st && fast_kind(fast_get(said->properties, "name")) == FAST_NONE)
        st = add_text(making, "name", said->name, err);
    if (!st && fast_kind(fast_get(said->properties, "url")) == FAST_NONE)
        st = add_text(making, "url", said->url, err);
    if (!st && fast_kind(fast_get(said->properties, "previousId")) == FAST_NONE)
        st = add_text(making, "previousId", said->previous, err);
    return st;
}

static kai_status end_object(struct making *making, kai_err *err) {
    kai_status st = buf_puts(making->text, "}", err);
    if (!st) making->event.properties = (struct slice){making->text->data, making->text->size};
    if (making->text->size == 2) making->event.properties = (struct slice){"", 0};
    return st;
}

/* ---- ids ---- */

/* The client's id; else one that the same words make again. */
static kai_status set_id(struct making *making, kai_err *err) {
    struct event *event = &making->event;
    char made[64];
    event->id = making->said->id;
    if (event->id.size) return KAI_OK;
    const struct slice parts[] = {event->customer, event->anonymous, event->type, event->item,
                                  event->properties};
    uint64_t low = 1, high = 2;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        low = hash_mix(hash_bytes(parts[i].data, parts[i].size, low) + parts[i].size);
        high = hash_mix(hash_bytes(parts[i].data, parts[i].size, high) + parts[i].size);
    }
    int64_t time = making->said->time_us; /* 0: what was said at no time is said once */
    if (!time) time = making->reading->request->received_us;
    low = hash_mix(low + (uint64_t)time);
    int size = snprintf(made, sizeof made, DIALECT_MADE_ID "%016llx%016llx",
                        (unsigned long long)low, (unsigned long long)high);
    const char *copy = arena_string_n(&making->reading->reader->arena, made, (size_t)size);
    if (!copy) return err_memory(err, size);
    event->id = (struct slice){copy, (size_t)size};
    return KAI_OK;
}

/* ---- one event, or one an item ---- */

static kai_status append(struct making *making, kai_err *err) {
    kai_status st = set_id(making, err);
    return st ? st : event_batch_append(making->reading->batch, &making->event, err);
}

static kai_status append_whole(struct making *making, kai_err *err) {
    kai_status st = set_item(making, making->said->properties, err);
    if (!st) st = begin_object(making, making->said->properties, err);
    if (!st) st = add_rest(making, err);
    if (!st) st = end_object(making, err);
    return st ? st : append(making, err);
}

static double weight_of(struct fast_value product) {
    return or_else(price_of(product), 0) * or_else(quantity_of(product), 1);
}

/* Item k of several: its own properties; the first also holds the whole. */
static kai_status append_item(struct making *making, struct fast_value product, int64_t k,
                              double value, kai_err *err) {
    struct event *event = &making->event;
    struct reading *reading = making->reading;
    const struct slice id = making->said->id;
    char *numbered = NULL;
    event->value = value;
    event->quantity = or_else(quantity_of(product), 1);
    kai_status st = set_item(making, product, err);
    if (!st && !event->item.size)
        st = words_of(reading, fast_get(product, "id"), &event->item, err);
    if (!st) st = begin_object(making, product, err);
    if (!st && k == 0) st = add_member(making, "order", making->said->properties, err);
    if (!st && k == 0) st = add_rest(making, err);
    if (!st) st = add_text(making, "order_id", event->session, err);
    if (!st) st = end_object(making, err);
    if (st) return st;
    if (id.size && k > 0) { /* "<id>#1" */
        size_t room = id.size + 24;
        numbered = arena_alloc(&reading->reader->arena, room, 1);
        if (!numbered) return err_memory(err, (int64_t)room);
        int size = snprintf(numbered, room, "%.*s#%lld", (int)id.size, id.data, (long long)k);
        event->id = (struct slice){numbered, (size_t)size};
        return event_batch_append(reading->batch, event, err);
    }
    return append(making, err);
}

/* An order's money is shared out between its items by price and quantity; the last takes what
 * rounding leaves, so that the sum is exact. Elsewhere each item has its own. */
static kai_status append_items(struct making *making, int64_t count, kai_err *err) {
    double money = making->event.value, whole = 0, left;
    int is_shared =
        slice_equal_text(making->type, "order") || slice_equal_text(making->type, "refund");
    struct fast_walk walk = fast_begin(making->products);
    while (fast_next(&walk)) whole += weight_of(walk.value);
    if (isnan(money)) money = whole;
    left = money;
    kai_status st = KAI_OK;
    walk = fast_begin(making->products);
    for (int64_t k = 0; !st && fast_next(&walk); k++) {
        double own = weight_of(walk.value);
        double part = whole > 0 ? money * own / whole : money / (double)count;
        if (is_shared && k == count - 1) part = left;
        left -= part;
        st = append_item(making, walk.value, k, is_shared ? part : own, err);
    }
    return st;
}

static struct slice type_of(struct slice said) {
    const char *ours = commerce_type(said);
    return ours ? slice_of(ours) : said;
}

/* How many products an event has: 0 where it has none, a list of something else, or so many that it
 * is kept as one event. */
static int64_t find_products(struct making *making) {
    struct fast_value properties = making->said->properties;
    int64_t count = 0;
    making->products = fast_get(properties, "products");
    if (fast_kind(making->products) != FAST_ARRAY) making->products = fast_get(properties, "items");
    if (fast_kind(making->products) != FAST_ARRAY) return 0;
    struct fast_walk walk = fast_begin(making->products);
    while (fast_next(&walk)) {
        if (fast_kind(walk.value) != FAST_OBJECT) return 0;
        count++;
    }
    return count <= DIALECT_ITEMS ? count : 0;
}

static kai_status set_session(struct making *making, int64_t items, kai_err *err) {
    const struct said *said = making->said;
    making->event.session = said->session;
    if (items > 0)
        return words_at(making->reading, said->properties,
                        KEYS_OF("order_id", "orderId", "transaction_id", "checkout_id", "cart_id"),
                        &making->event.session, err);
    if (said->session.size) return KAI_OK;
    return words_at(making->reading, said->properties,
                    KEYS_OF("session_id", "sessionId", "session", "$session_id", "ga_session_id"),
                    &making->event.session, err);
}

/* Is the event too large? Its JSON without blanks counts. */
static kai_status measure(struct reading *reading, struct fast_value raw, int *ret_is_large,
                          kai_err *err) {
    buf_reset(&reading->reader->text);
    *ret_is_large = 0;
    if (reading->request->body.size <= DIALECT_EVENT_BYTES) return KAI_OK;
    kai_status st = fast_print(raw, &reading->reader->text, err);
    *ret_is_large = reading->reader->text.size > DIALECT_EVENT_BYTES;
    return st;
}

kai_status said_take(struct reading *reading, const struct said *said, kai_err *err) {
    struct making making = {.reading = reading,
                            .said = said,
                            .event = event_empty(),
                            .type = type_of(said->type),
                            .text = &reading->reader->text};
    struct event *event = &making.event;
    int64_t items = 0;
    int is_large = 0;
    if (!said->customer.size && !said->anonymous.size)
        return said_refuse(reading, "neither customer nor device", said->raw, err);
    if (!said->type.size) return said_refuse(reading, "no type", said->raw, err);
    kai_status st = measure(reading, said->raw, &is_large, err);
    if (st) return st;
    if (is_large) return said_refuse(reading, "larger than 32 KiB", said->raw, err);
    event->customer = said->customer;
    event->anonymous = said->anonymous;
    event->type = making.type;
    if (commerce_is_bot(said->agent)) event->flags |= EVENT_BOT;
    set_time(&making);
    set_money(&making);
    st = set_channel(&making, err);
    if (!st) items = find_products(&making);
    if (!st) st = set_session(&making, items, err);
    if (!st) st = items > 0 ? append_items(&making, items, err) : append_whole(&making, err);
    if (!st) reading->reply->events++;
    return st;
}
