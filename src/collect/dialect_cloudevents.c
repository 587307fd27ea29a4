/* CloudEvents 1.0 over HTTP: binary (attributes in headers), structured, and batches. */
#include <string.h>

#include "collect/commerce.h"
#include "collect/dialect_parts.h"

/* Who it was: extensions, else members of the data, else the subject. */
static kai_status take_person(struct reading *reading, struct fast_value attributes,
                              struct fast_value data, struct said *said, kai_err *err) {
    static const char *const CUSTOMER[] = {"userid", "userId", "user_id", "customer", NULL};
    static const char *const ANONYMOUS[] = {"anonymousid", "anonymousId", "anonymous_id", NULL};
    kai_status st = words_at(reading, attributes, CUSTOMER, &said->customer, err);
    if (!st && !said->customer.size) st = words_at(reading, data, CUSTOMER, &said->customer, err);
    if (!st) st = words_at(reading, attributes, ANONYMOUS, &said->anonymous, err);
    if (!st && !said->anonymous.size)
        st = words_at(reading, data, ANONYMOUS, &said->anonymous, err);
    if (!st && !said->customer.size && !said->anonymous.size)
        said->customer = text_at(attributes, "subject");
    return st;
}

/* The last part of a reverse-domain type: "com.shop.order.completed" says "completed" only, so all
 * of it is the name unless its end is a word of commerce. */
static struct slice type_of(struct slice type) {
    const char *dot = type.size ? memrchr(type.data, '.', type.size) : NULL;
    return dot && commerce_type((struct slice){dot + 1, type.size - (size_t)(dot + 1 - type.data)})
               ? (struct slice){dot + 1, type.size - (size_t)(dot + 1 - type.data)}
               : type;
}

/* The key of an event is its source and its id together (CloudEvents 1.0, section 3.1.1). */
static kai_status make_id(struct reading *reading, struct slice source, struct slice id,
                          struct slice *ret_id, kai_err *err) {
    char *joined = arena_alloc(&reading->reader->arena, source.size + id.size + 2, 1);
    *ret_id = (struct slice){"", 0};
    if (!id.size) return KAI_OK;
    if (!joined) return err_memory(err, (int64_t)id.size);
    memcpy(joined, source.data, source.size);
    joined[source.size] = ' ';
    memcpy(joined + source.size + 1, id.data, id.size);
    *ret_id = (struct slice){joined, source.size + 1 + id.size};
    return KAI_OK;
}

static kai_status take_event(struct reading *reading, struct fast_value event, kai_err *err) {
    struct said said = {.raw = event};
    struct fast_value data = fast_get(event, "data");
    struct slice id = {"", 0};
    if (fast_kind(event) != FAST_OBJECT) return said_refuse(reading, "not an object", event, err);
    if (!slice_equal_text(text_at(event, "specversion"), "1.0"))
        return said_refuse(reading, "not of specversion 1.0", event, err);
    said.type = type_of(text_at(event, "type"));
    said.properties = data;
    (void)moment_of(fast_get(event, "time"), &said.time_us);
    kai_status st = words_at(reading, event, KEYS_OF("id"), &id, err);
    if (!st) st = make_id(reading, text_at(event, "source"), id, &said.id, err);
    if (!st) st = take_person(reading, event, data, &said, err);
    return st ? st : said_take(reading, &said, err);
}

/* "ce-userid: u%201" as a member; values are percent-coded (HTTP binding, section 3.1.3.2). */
static kai_status print_attribute(struct reading *reading, const struct dialect_header *header,
                                  struct buf *out, kai_err *err) {
    struct arena *arena = &reading->reader->arena;
    struct slice value;
    char *lower = arena_string_n(arena, header->name.data + 3, header->name.size - 3);
    if (!lower) return err_memory(err, (int64_t)header->name.size);
    for (char *c = lower; *c; c++)
        if (*c >= 'A' && *c <= 'Z') *c = (char)(*c - 'A' + 'a');
    kai_status st = percent_read(slice_trim(header->value), 0, arena, &value, err);
    if (!st && out->size > 1) st = buf_puts(out, ",", err);
    if (!st) st = fast_quote(slice_of(lower), out, err);
    if (!st) st = buf_puts(out, ":", err);
    return st ? st : fast_quote(value, out, err);
}

/* Headers ce-* as members, the body as `data`. */
static kai_status read_binary(struct reading *reading, kai_err *err) {
    const struct dialect_request *request = reading->request;
    struct buf text;
    struct fast_value root;
    buf_init(&text, CAPS_HTTP_BODY_BYTES);
    kai_status st = buf_puts(&text, "{", err);
    for (int32_t h = 0; !st && h < request->header_count; h++) {
        struct slice name = request->headers[h].name;
        if (name.size > 3 && slice_equal_case((struct slice){name.data, 3}, "ce-"))
            st = print_attribute(reading, &request->headers[h], &text, err);
    }
    if (!st && request->body.size) {
        st = buf_puts(&text, text.size > 1 ? ",\"data\":" : "\"data\":", err);
        if (!st) st = buf_append(&text, request->body.data, request->body.size, err);
    }
    if (!st) st = buf_puts(&text, "}", err);
    if (!st) st = reading_parse(reading, (struct slice){text.data, text.size}, &root, err);
    if (!st) st = take_event(reading, root, err);
    buf_release(&text);
    return st;
}

static int content_is(const struct reading *reading, const char *type) {
    struct slice header = reading_header(reading, "content-type");
    size_t size = strlen(type);
    return header.size >= size && slice_equal_case((struct slice){header.data, size}, type);
}

static kai_status read_json(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = reading_body(reading, CAPS_HTTP_BODY_BYTES, &root, err);
    if (st) return st;
    if (fast_kind(root) != FAST_ARRAY) return take_event(reading, root, err);
    struct fast_walk walk = fast_begin(root);
    while (!st && fast_next(&walk)) st = take_event(reading, walk.value, err);
    return st;
}

kai_status read_cloudevents(struct reading *reading, kai_err *err) {
    kai_status st = content_is(reading, "application/cloudevents") ? read_json(reading, err)
                                                                   : read_binary(reading, err);
    if (!st && reading->reply->refused && !reading->reply->events)
        st = err_set(err, KAI_INVALID, "%s", reading->reply->bad[0].reason);
    if (!st) reading->reply->http_status = 202;
    return st ? st : reading_reply(reading, "{\"success\":true}", err);
}
