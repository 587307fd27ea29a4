/* Amplitude's HTTP API v2, whose clients read the answer's body. */
#include "collect/dialect_parts.h"

static struct slice type_of(struct slice type) {
    static const char *const NAMES[][2] = {{"$identify", "identify"},
                                           {"$groupidentify", "group"},
                                           {"[Amplitude] Page Viewed", "page"},
                                           {"revenue_amount", "order"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (slice_equal_text(type, NAMES[i][0])) return slice_of(NAMES[i][1]);
    return type;
}

static kai_status take_event(struct reading *reading, struct fast_value event, kai_err *err) {
    struct said said = {.raw = event};
    if (fast_kind(event) != FAST_OBJECT) return said_refuse(reading, "not an object", event, err);
    said.type = type_of(text_at(event, "event_type"));
    said.properties = fast_get(event, "event_properties");
    said.traits = fast_get(event, "user_properties");
    if (slice_equal_text(said.type, "identify")) {
        said.properties = said.traits;
        said.traits = (struct fast_value){0};
    }
    said.url = text_at(said.properties, "[Amplitude] Page URL");
    said.agent = text_at(event, "user_agent");
    (void)moment_of(fast_get(event, "time"), &said.time_us);
    kai_status st = words_at(reading, event, KEYS_OF("insert_id"), &said.id, err);
    if (!st) st = words_at(reading, event, KEYS_OF("user_id"), &said.customer, err);
    if (!st) st = words_at(reading, event, KEYS_OF("device_id"), &said.anonymous, err);
    if (!st) st = words_at(reading, event, KEYS_OF("session_id"), &said.session, err);
    if (slice_equal_text(said.session, "-1")) said.session = (struct slice){"", 0};
    return st ? st : said_take(reading, &said, err);
}

kai_status read_amplitude(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = reading_body(reading, CAPS_HTTP_BODY_BYTES, &root, err);
    if (st) return st;
    struct fast_value list = fast_get(root, "events");
    reading_key(reading, text_at(root, "api_key"));
    if (fast_kind(list) != FAST_ARRAY)
        return err_set(err, KAI_INVALID, "the array 'events' is missing");
    struct fast_walk walk = fast_begin(list);
    while (!st && fast_next(&walk)) st = take_event(reading, walk.value, err);
    if (st) return st;
    return buf_printf(&reading->reply->body, err,
                      "{\"code\":200,\"events_ingested\":%lld,\"payload_size_bytes\":%zu,"
                      "\"server_upload_time\":%lld}",
                      (long long)reading->reply->events, reading->request->body.size,
                      (long long)(reading->request->received_us / 1000));
}
