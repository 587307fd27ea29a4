/* The Segment tracking API, and those who speak it: RudderStack, Jitsu. */
#include <string.h>

#include "collect/dialect_parts.h"

/* The last part of the path says what a single call is; "" in a batch. */
static struct slice call_of(struct slice path) {
    static const char *const SHORT[][2] = {{"t", "track"},    {"i", "identify"}, {"p", "page"},
                                           {"g", "group"},    {"a", "alias"},    {"b", "batch"},
                                           {"merge", "alias"}};
    while (path.size && path.data[path.size - 1] == '/') path.size--;
    size_t begin = path.size;
    while (begin && path.data[begin - 1] != '/') begin--;
    struct slice call = {path.data + begin, path.size - begin};
    for (size_t i = 0; i < sizeof SHORT / sizeof *SHORT; i++)
        if (slice_equal_text(call, SHORT[i][0])) return slice_of(SHORT[i][1]);
    return call;
}

/* A member of the call, else of the batch's `context`. */
static struct fast_value shared(struct fast_value call, struct fast_value batch, const char *key) {
    struct fast_value own = fast_get(call, key);
    return fast_kind(own) > FAST_NULL ? own : fast_get(batch, key);
}

static int first_moment(struct fast_value call, const char *const *keys, int64_t *ret_us) {
    for (; *keys; keys++)
        if (moment_of(fast_get(call, *keys), ret_us)) return 1;
    return 0;
}

static kai_status take_names(struct reading *reading, struct fast_value call, struct said *said,
                             kai_err *err) {
    kai_status st = words_at(reading, call, KEYS_OF("messageId", "message_id"), &said->id, err);
    if (!st)
        st =
            words_at(reading, call, KEYS_OF("userId", "user_id", "customer"), &said->customer, err);
    if (!st)
        st = words_at(reading, call, KEYS_OF("anonymousId", "anonymous_id", "anonymous"),
                      &said->anonymous, err);
    if (!st) st = words_at(reading, call, KEYS_OF("previousId", "from"), &said->previous, err);
    return st;
}

/* What a call says happened; empty where it does not. */
static void take_type(struct fast_value call, struct slice kind, struct said *said) {
    struct slice name = text_at(call, "event");
    said->type = kind;
    if (slice_equal_text(kind, "track")) said->type = name;
    if (!kind.size) said->type = name;
}

static kai_status take_call(struct reading *reading, struct fast_value call,
                            struct fast_value batch, struct slice kind, kai_err *err) {
    struct said said = {.raw = call};
    struct slice own = text_at(call, "type");
    if (fast_kind(call) != FAST_OBJECT) return said_refuse(reading, "not an object", call, err);
    said.properties = fast_get(call, "properties");
    said.traits = fast_get(call, "traits");
    said.context = shared(call, batch, "context");
    said.agent = text_at(said.context, "userAgent");
    said.name = text_at(call, "name");
    take_type(call, kind.size ? kind : own, &said);
    if (slice_equal_text(said.type, "identify") && fast_kind(said.properties) != FAST_OBJECT) {
        said.properties = said.traits; /* so that the top level describes the person */
        said.traits = (struct fast_value){0};
    }
    if (!said.type.size && slice_equal_text(kind.size ? kind : own, "track"))
        return said_refuse(reading, "a track call without 'event'", call, err);
    (void)first_moment(call, KEYS_OF("timestamp", "originalTimestamp", "time"), &said.time_us);
    if (!moment_of(fast_get(call, "sentAt"), &said.sent_us))
        (void)moment_of(fast_get(batch, "sentAt"), &said.sent_us);
    kai_status st = take_names(reading, call, &said, err);
    if (!st && slice_equal_text(said.type, "alias") && !said.previous.size)
        return said_refuse(reading, "an alias without 'previousId'", call, err);
    return st ? st : said_take(reading, &said, err);
}

/* One call that is none is the whole request's failure: the client shall know. */
static kai_status refuse_single(struct reading *reading, kai_err *err) {
    if (!reading->reply->refused || reading->reply->events) return KAI_OK;
    return err_set(err, KAI_INVALID, "%s", reading->reply->bad[0].reason);
}

static kai_status take_batch(struct reading *reading, struct fast_value root,
                             struct fast_value list, kai_err *err) {
    struct fast_walk walk = fast_begin(list);
    kai_status st = KAI_OK;
    while (!st && fast_next(&walk))
        st = take_call(reading, walk.value, root, (struct slice){"", 0}, err);
    return st;
}

static kai_status read_calls(struct reading *reading, struct slice call, kai_err *err) {
    struct fast_value root;
    int is_import = slice_equal_text(call, "import");
    kai_status st = reading_body(reading, is_import ? 8 * DIALECT_BATCH_BYTES : DIALECT_BATCH_BYTES,
                                 &root, err);
    if (st) return st;
    struct fast_value list = fast_get(root, "batch");
    reading_key(reading, text_at(root, "writeKey"));
    if (fast_kind(root) != FAST_OBJECT) return err_set(err, KAI_INVALID, "expected an object");
    if (fast_kind(list) == FAST_ARRAY) {
        st = take_batch(reading, root, list, err);
    } else if (slice_equal_text(call, "batch") || is_import) {
        st = err_set(err, KAI_INVALID, "the array 'batch' is missing");
    } else {
        st = take_call(reading, root, root, call, err);
        if (!st) st = refuse_single(reading, err);
    }
    return st;
}

kai_status read_segment(struct reading *reading, kai_err *err) {
    kai_status st = read_calls(reading, call_of(reading->request->path), err);
    return st ? st : reading_reply(reading, "{\"success\":true}", err);
}

/* `/api/s/track`, `/api/s/s2s/track`: a call says its type itself where the path says "event". */
kai_status read_jitsu(struct reading *reading, kai_err *err) {
    struct slice call = call_of(reading->request->path);
    if (slice_equal_text(call, "event")) call = (struct slice){"", 0};
    kai_status st = read_calls(reading, call, err);
    return st ? st : reading_reply(reading, "{\"ok\":true}", err);
}

/* RudderStack's pixel: the query is the call; "properties_x" is a property. */
kai_status read_segment_pixel(struct reading *reading, kai_err *err) {
    struct buf *text = &reading->reader->text;
    struct fast_value root;
    buf_reset(text);
    kai_status st = query_print(reading->request->query, &reading->reader->arena, text, err);
    if (!st) st = reading_parse(reading, (struct slice){text->data, text->size}, &root, err);
    if (st) return st;
    struct said said = {.raw = root, .properties = root};
    said.type = slice_equal_text(call_of(reading->request->path), "page") ? slice_of("page")
                                                                          : text_at(root, "event");
    said.agent = reading_header(reading, "user-agent");
    said.referrer = reading_header(reading, "referer");
    st = take_names(reading, root, &said, err);
    if (!st) st = said_take(reading, &said, err);
    return st ? st : reading_reply_gif(reading, err);
}
