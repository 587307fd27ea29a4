/* The Measurement Protocol of Google Analytics 4. Google answers 2xx and drops what it does not
 * like in silence; here the reasons are told (docs/formats/dialects.md). */
#include <stdio.h>

#include "collect/dialect_parts.h"

enum { EVENTS_MAX = 25, BODY_BYTES = 130 << 10 };

/* Answers of the member `consent`, as consents of ours. */
static kai_status take_consent(struct reading *reading, struct fast_value root,
                               const struct said *person, kai_err *err) {
    static const char *const NAMES[][2] = {{"ad_user_data", "marketing-ads"},
                                           {"ad_personalization", "personalisation"},
                                           {"analytics_storage", "analytics"}};
    struct fast_value consent = fast_get(root, "consent");
    kai_status st = KAI_OK;
    if (!person->customer.size && !person->anonymous.size) return KAI_OK; /* nobody's */
    for (size_t i = 0; !st && i < sizeof NAMES / sizeof *NAMES; i++) {
        struct slice answer = text_at(consent, NAMES[i][0]);
        char text[128];
        int is_granted = slice_equal_case(answer, "granted");
        if (!is_granted && !slice_equal_case(answer, "denied")) continue;
        struct event event = event_empty();
        int size =
            snprintf(text, sizeof text, "{\"purpose\":\"%s\",\"answer\":\"%s\",\"source\":\"ga4\"}",
                     NAMES[i][1], is_granted ? "granted" : "withdrawn");
        event.id = slice_of(DIALECT_MADE_ID "consent");
        event.type = slice_of("consent");
        event.customer = person->customer;
        event.anonymous = person->anonymous;
        event.time_us = person->time_us ? person->time_us : reading->request->received_us;
        event.received_us = reading->request->received_us;
        event.properties = (struct slice){text, (size_t)size};
        st = event_batch_append(reading->batch, &event, err);
    }
    return st;
}

static kai_status take_event(struct reading *reading, struct fast_value event,
                             const struct said *person, kai_err *err) {
    struct said said = *person;
    said.raw = event;
    if (fast_kind(event) != FAST_OBJECT) return said_refuse(reading, "not an object", event, err);
    said.type = text_at(event, "name");
    said.properties = fast_get(event, "params");
    said.url = text_at(said.properties, "page_location");
    said.referrer = text_at(said.properties, "page_referrer");
    (void)moment_of(fast_get(event, "timestamp_micros"), &said.time_us);
    kai_status st =
        words_at(reading, said.properties, KEYS_OF("event_id", "message_id"), &said.id, err);
    return st ? st : said_take(reading, &said, err);
}

static kai_status read_all(struct reading *reading, kai_err *err) {
    struct fast_value root;
    struct said person = {0};
    kai_status st = reading_body(reading, BODY_BYTES, &root, err);
    if (st) return st;
    struct fast_value list = fast_get(root, "events");
    int64_t count = 0;
    if (fast_kind(list) != FAST_ARRAY)
        return err_set(err, KAI_INVALID, "the array 'events' is missing");
    (void)moment_of(fast_get(root, "timestamp_micros"), &person.time_us);
    st = words_at(reading, root, KEYS_OF("client_id", "app_instance_id"), &person.anonymous, err);
    if (!st) st = words_at(reading, root, KEYS_OF("user_id"), &person.customer, err);
    if (!st) st = take_consent(reading, root, &person, err);
    person.traits = fast_get(root, "user_properties");
    struct fast_walk walk = fast_begin(list);
    while (!st && fast_next(&walk))
        st = ++count > EVENTS_MAX
                 ? said_refuse(reading, "more than 25 events in one request", walk.value, err)
                 : take_event(reading, walk.value, &person, err);
    return st;
}

/* {"events":2,"validationMessages":[{"description":"..."}]} */
static kai_status describe(struct reading *reading, kai_err *err) {
    struct dialect_reply *reply = reading->reply;
    kai_status st = buf_printf(&reply->body, err, "{\"events\":%lld,\"validationMessages\":[",
                               (long long)reply->events);
    for (int64_t i = 0; !st && i < reply->refused; i++) {
        st = buf_puts(&reply->body, i ? ",{\"description\":" : "{\"description\":", err);
        if (!st) st = fast_quote(slice_of(reply->bad[i].reason), &reply->body, err);
        if (!st) st = buf_puts(&reply->body, "}", err);
    }
    return st ? st : buf_puts(&reply->body, "]}", err);
}

kai_status read_ga4(struct reading *reading, kai_err *err) {
    kai_status st = read_all(reading, err);
    return st ? st : describe(reading, err);
}

/* The same, and nothing is kept. */
kai_status read_ga4_debug(struct reading *reading, kai_err *err) {
    kai_status st = read_all(reading, err);
    if (!st) st = describe(reading, err);
    event_batch_reset(reading->batch);
    reading->reply->events = reading->reply->refused = 0;
    return st;
}
