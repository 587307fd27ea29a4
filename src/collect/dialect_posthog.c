/* PostHog's capture API: one event or a batch; and the question for flags, which has no answers
 * yet. */
#include "collect/dialect_parts.h"

/* PostHog's own events begin with '$'. */
static struct slice type_of(struct slice event) {
    static const char *const NAMES[][2] = {{"$pageview", "page"},       {"$screen", "screen"},
                                           {"$identify", "identify"},   {"$create_alias", "alias"},
                                           {"$groupidentify", "group"}, {"$set", "identify"}};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
        if (slice_equal_text(event, NAMES[i][0])) return slice_of(NAMES[i][1]);
    return event;
}

/* A visitor who was not identified has the device's id for a name. */
static int is_anonymous(struct fast_value properties, struct slice name, struct slice device) {
    if (fast_bool(fast_get(properties, "$is_identified")) == 0) return 1;
    return device.size && slice_equal(name, device) &&
           fast_kind(fast_get(properties, "$user_id")) <= FAST_NULL;
}

static kai_status take_names(struct reading *reading, struct fast_value event, struct said *said,
                             kai_err *err) {
    struct slice name = {"", 0}, device = {"", 0}, before = {"", 0};
    kai_status st = words_at(reading, event, KEYS_OF("distinct_id", "$distinct_id"), &name, err);
    if (!st && !name.size)
        st = words_at(reading, said->properties, KEYS_OF("distinct_id"), &name, err);
    if (!st) st = words_at(reading, said->properties, KEYS_OF("$device_id"), &device, err);
    if (!st) st = words_at(reading, said->properties, KEYS_OF("$anon_distinct_id"), &before, err);
    if (!st) st = words_at(reading, event, KEYS_OF("uuid", "$insert_id"), &said->id, err);
    if (!st && !said->id.size)
        st = words_at(reading, said->properties, KEYS_OF("$insert_id"), &said->id, err);
    if (!st) st = words_at(reading, said->properties, KEYS_OF("alias"), &said->previous, err);
    if (is_anonymous(said->properties, name, device)) {
        said->anonymous = name;
    } else {
        said->customer = name;
        said->anonymous = before.size ? before : device;
        if (slice_equal(said->anonymous, name)) said->anonymous = (struct slice){"", 0};
    }
    return st;
}

static kai_status take_event(struct reading *reading, struct fast_value event,
                             struct fast_value root, kai_err *err) {
    struct said said = {.raw = event};
    if (fast_kind(event) != FAST_OBJECT) return said_refuse(reading, "not an object", event, err);
    said.properties = fast_get(event, "properties");
    said.type = type_of(text_at(event, "event"));
    said.traits = fast_get(event, "$set");
    if (fast_kind(said.traits) == FAST_NONE) said.traits = fast_get(said.properties, "$set");
    said.agent = text_at(said.properties, "$raw_user_agent");
    if (!said.agent.size) said.agent = text_at(said.properties, "$user_agent");
    said.url = text_at(said.properties, "$current_url");
    said.session = text_at(said.properties, "$session_id");
    (void)moment_of(fast_get(event, "timestamp"), &said.time_us);
    (void)moment_of(fast_get(root, "sent_at"), &said.sent_us);
    if (slice_equal_text(said.type, "alias")) said.traits = (struct fast_value){0};
    kai_status st = take_names(reading, event, &said, err);
    if (!st && slice_equal_text(said.type, "alias") && !said.previous.size)
        return said_refuse(reading, "an alias without 'alias'", event, err);
    return st ? st : said_take(reading, &said, err);
}

static kai_status take_list(struct reading *reading, struct fast_value list, struct fast_value root,
                            kai_err *err) {
    struct fast_walk walk = fast_begin(list);
    kai_status st = KAI_OK;
    while (!st && fast_next(&walk)) st = take_event(reading, walk.value, root, err);
    return st;
}

/* Clients for browsers may send `data=<base64 or JSON>` as a form. */
static kai_status read_body(struct reading *reading, struct fast_value *ret_root, kai_err *err) {
    struct slice body = reading->request->body;
    struct query_walk walk = {.rest = body};
    struct buf *text = &reading->reader->text;
    int is_one = 0;
    if (!body.size || body.data[0] == '{' || body.data[0] == '[')
        return reading_body(reading, CAPS_HTTP_BODY_BYTES, ret_root, err);
    kai_status st = query_next(&walk, &reading->reader->arena, &is_one, err);
    while (!st && is_one && !slice_equal_text(walk.name, "data"))
        st = query_next(&walk, &reading->reader->arena, &is_one, err);
    if (st || !is_one) return st ? st : err_set(err, KAI_INVALID, "no JSON and no 'data='");
    buf_reset(text);
    if (walk.value.size && walk.value.data[0] == '{')
        return reading_parse(reading, walk.value, ret_root, err);
    st = base64_read(walk.value, text, err);
    if (!st)
        st = reading_parse(reading, (struct slice){text->data ? text->data : "", text->size},
                           ret_root, err);
    return st;
}

kai_status read_posthog(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = read_body(reading, &root, err);
    if (st) return st;
    struct fast_value list = fast_get(root, "batch");
    if (fast_kind(fast_get(root, "events")) == FAST_ARRAY)
        return read_amplitude(reading, err); /* its batch stands under the same path */
    reading_key(reading, text_at(root, "api_key"));
    reading_key(reading, text_at(root, "token"));
    reading_key(reading, text_at(fast_get(root, "properties"), "token"));
    if (fast_kind(root) == FAST_ARRAY) list = root;
    if (fast_kind(list) == FAST_ARRAY)
        st = take_list(reading, list, root, err);
    else
        st = take_event(reading, root, root, err);
    if (!st && fast_kind(list) != FAST_ARRAY && reading->reply->refused)
        st = err_set(err, KAI_INVALID, "%s", reading->reply->bad[0].reason);
    return st ? st : reading_reply(reading, "{\"status\":1}", err);
}

/* There are no flags in this version: an answer that clients understand, without any. */
kai_status read_posthog_flags(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = read_body(reading, &root, err);
    if (st) return st;
    reading_key(reading, text_at(root, "token"));
    reading_key(reading, text_at(root, "api_key"));
    return reading_reply(reading,
                         "{\"errorsWhileComputingFlags\":false,\"flags\":{},\"featureFlags\":{},"
                         "\"featureFlagPayloads\":{}}",
                         err);
}
