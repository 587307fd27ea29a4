/* Snowplow's tracker protocol v2: a JSON of flat texts, or the same as a query. */
#include <string.h>

#include "collect/dialect_parts.h"

/* "pv" is a page, "se" a structured event, "ue" one that describes itself ... */
static struct slice type_of(struct fast_value event, struct fast_value described) {
    struct slice kind = text_at(event, "e");
    struct slice schema = text_at(described, "schema");
    if (slice_equal_text(kind, "pv")) return slice_of("page");
    if (slice_equal_text(kind, "pp")) return slice_of("page-ping");
    if (slice_equal_text(kind, "tr") || slice_equal_text(kind, "ti")) return slice_of("order");
    if (slice_equal_text(kind, "se")) return text_at(event, "se_ac");
    if (!slice_equal_text(kind, "ue")) return kind;
    /* iglu:com.acme/add_to_cart/jsonschema/1-0-0 */
    for (int part = 0; part < 2 && schema.size; part++) {
        const char *slash = memchr(schema.data, '/', schema.size);
        size_t size = slash ? (size_t)(slash - schema.data) : schema.size;
        if (part == 1) return (struct slice){schema.data, size};
        schema = slash ? (struct slice){slash + 1, schema.size - size - 1} : (struct slice){"", 0};
    }
    return slice_of("self-described");
}

/* The event that describes itself comes as JSON, or as base64 of it, within a text: a second
 * document. It is spliced into the first, which is then read again. */
static kai_status splice(struct fast_value list, struct buf *out, kai_err *err) {
    struct fast_walk walk = fast_begin(list);
    int count = 0;
    kai_status st = buf_puts(out, "[", err);
    while (!st && fast_next(&walk)) {
        struct slice plain = text_at(walk.value, "ue_pr"), packed = text_at(walk.value, "ue_px");
        if (fast_kind(walk.value) != FAST_OBJECT) continue;
        if (count++) st = buf_puts(out, ",", err);
        if (!st) st = fast_print(walk.value, out, err);
        if (st || (!plain.size && !packed.size)) continue;
        struct buf inner;
        struct fast_json *json = NULL;
        struct fast_value root;
        buf_init(&inner, CAPS_HTTP_BODY_BYTES);
        st = plain.size ? buf_append(&inner, plain.data, plain.size, err)
                        : base64_read(packed, &inner, err);
        if (!st) st = fast_json_new(&json, err);
        if (!st) st = fast_json_parse(json, inner.data, inner.size, &root, err);
        if (!st) out->data[--out->size] = '\0';
        if (!st) st = buf_puts(out, ",\"described\":", err);
        if (!st) st = fast_print(fast_get(root, "data"), out, err);
        if (!st) st = buf_puts(out, "}", err);
        fast_json_free(json);
        buf_release(&inner);
        if (st == KAI_INVALID) st = KAI_OK; /* kept without what it describes */
    }
    return st ? st : buf_puts(out, "]", err);
}

static kai_status take_event(struct reading *reading, struct fast_value event, kai_err *err) {
    struct said said = {.raw = event};
    struct fast_value described = fast_get(event, "described");
    said.properties = fast_kind(described) == FAST_OBJECT ? fast_get(described, "data") : event;
    said.type = type_of(event, described);
    said.url = text_at(event, "url");
    said.referrer = text_at(event, "refr");
    said.agent = text_at(event, "ua");
    (void)moment_of(fast_get(event, "ttm"), &said.time_us);
    if (!said.time_us) (void)moment_of(fast_get(event, "dtm"), &said.time_us);
    (void)moment_of(fast_get(event, "stm"), &said.sent_us);
    kai_status st = words_at(reading, event, KEYS_OF("eid"), &said.id, err);
    if (!st) st = words_at(reading, event, KEYS_OF("uid"), &said.customer, err);
    if (!st)
        st = words_at(reading, event, KEYS_OF("duid", "nuid", "tnuid", "fp"), &said.anonymous, err);
    if (!st) st = words_at(reading, event, KEYS_OF("sid"), &said.session, err);
    return st ? st : said_take(reading, &said, err);
}

static kai_status take_list(struct reading *reading, struct fast_value list, kai_err *err) {
    struct buf whole;
    struct fast_value root;
    buf_init(&whole, CAPS_HTTP_BODY_BYTES);
    kai_status st = splice(list, &whole, err);
    if (!st) st = reading_parse(reading, (struct slice){whole.data, whole.size}, &root, err);
    struct fast_walk walk = {0};
    if (!st) walk = fast_begin(root);
    while (!st && fast_next(&walk)) st = take_event(reading, walk.value, err);
    buf_release(&whole);
    return st;
}

kai_status read_snowplow(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = reading_body(reading, CAPS_HTTP_BODY_BYTES, &root, err);
    struct fast_value list = {0};
    if (!st) list = fast_get(root, "data");
    if (!st && fast_kind(list) != FAST_ARRAY)
        st = err_set(err, KAI_INVALID, "the array 'data' is missing");
    if (!st) st = take_list(reading, list, err);
    return st ? st : reading_reply(reading, "ok", err);
}

kai_status read_snowplow_pixel(struct reading *reading, kai_err *err) {
    struct buf *text = &reading->reader->text;
    struct fast_value root;
    buf_reset(text);
    kai_status st = buf_puts(text, "[", err);
    if (!st) st = query_print(reading->request->query, &reading->reader->arena, text, err);
    if (!st) st = buf_puts(text, "]", err);
    if (!st) st = reading_parse(reading, (struct slice){text->data, text->size}, &root, err);
    if (!st) st = take_list(reading, root, err);
    return st ? st : reading_reply_gif(reading, err);
}
