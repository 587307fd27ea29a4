/* For pages without any client: a picture whose address is the event, and a beacon. */
#include "collect/dialect_parts.h"

/* GET /pixel.gif?key=..&event=..&user=..&anonymous=..&item=..&value=..&quantity=.. */
static kai_status take_flat(struct reading *reading, struct fast_value flat, kai_err *err) {
    struct said said = {.raw = flat, .properties = flat};
    said.agent = reading_header(reading, "user-agent");
    said.url = text_at(flat, "url");
    if (!said.url.size) said.url = reading_header(reading, "referer");
    said.referrer = text_at(flat, "referrer");
    said.context = fast_get(flat, "context");
    (void)moment_of(fast_get(flat, "time"), &said.time_us);
    if (fast_kind(fast_get(flat, "properties")) == FAST_OBJECT)
        said.properties = fast_get(flat, "properties");
    kai_status st = words_at(reading, flat, KEYS_OF("event", "type"), &said.type, err);
    if (!st) st = words_at(reading, flat, KEYS_OF("id", "messageId"), &said.id, err);
    if (!st)
        st = words_at(reading, flat, KEYS_OF("user", "userId", "customer"), &said.customer, err);
    if (!st)
        st = words_at(reading, flat, KEYS_OF("anonymous", "anonymousId", "visitor"),
                      &said.anonymous, err);
    if (!said.type.size) said.type = slice_of("page");
    return st ? st : said_take(reading, &said, err);
}

kai_status read_pixel(struct reading *reading, kai_err *err) {
    struct buf *text = &reading->reader->text;
    struct fast_value root;
    buf_reset(text);
    kai_status st = query_print(reading->request->query, &reading->reader->arena, text, err);
    if (!st) st = reading_parse(reading, (struct slice){text->data, text->size}, &root, err);
    if (!st) st = take_flat(reading, root, err);
    return st ? st : reading_reply_gif(reading, err); /* a page shows it, whatever it said */
}

/* navigator.sendBeacon sends text/plain: one object, or a list. */
kai_status read_beacon(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = reading_body(reading, DIALECT_BATCH_BYTES, &root, err);
    if (st) return st;
    reading_key(reading, text_at(root, "key"));
    reading_key(reading, text_at(root, "writeKey"));
    struct fast_walk walk = fast_begin(root);
    if (fast_kind(root) != FAST_ARRAY) {
        st = take_flat(reading, root, err);
        if (!st && reading->reply->refused)
            st = err_set(err, KAI_INVALID, "%s", reading->reply->bad[0].reason);
    } else {
        while (!st && fast_next(&walk)) st = take_flat(reading, walk.value, err);
    }
    reading->reply->http_status = 204;
    return st;
}
