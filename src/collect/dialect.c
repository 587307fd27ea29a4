#include "collect/dialect.h"

#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "collect/dialect_parts.h"

/* A path that ends in '/' stands for all below it; the first that fits counts. */
static const struct dialect DIALECTS[] = {
    {"segment", "POST", "/v1/batch", read_segment},
    {"segment", "POST", "/v1/import", read_segment},
    {"segment", "POST", "/v1/track", read_segment},
    {"segment", "POST", "/v1/identify", read_segment},
    {"segment", "POST", "/v1/page", read_segment},
    {"segment", "POST", "/v1/screen", read_segment},
    {"segment", "POST", "/v1/group", read_segment},
    {"segment", "POST", "/v1/alias", read_segment},
    {"segment", "POST", "/v1/merge", read_segment},
    {"segment", "POST", "/v1/t", read_segment}, /* the names of the client for browsers */
    {"segment", "POST", "/v1/i", read_segment},
    {"segment", "POST", "/v1/p", read_segment},
    {"segment", "POST", "/v1/g", read_segment},
    {"segment", "POST", "/v1/a", read_segment},
    {"segment", "POST", "/v1/b", read_segment},
    {"rudderstack", "POST", "/beacon/v1/batch", read_segment},
    {"rudderstack", "GET", "/pixel/v1/track", read_segment_pixel},
    {"rudderstack", "GET", "/pixel/v1/page", read_segment_pixel},
    {"jitsu", "POST", "/api/s/", read_jitsu},
    {"posthog", "POST", "/batch/", read_posthog},
    {"posthog", "POST", "/batch", read_posthog}, /* Amplitude's too: told by the body */
    {"posthog", "POST", "/capture/", read_posthog},
    {"posthog", "POST", "/capture", read_posthog},
    {"posthog", "POST", "/e/", read_posthog},
    {"posthog", "POST", "/e", read_posthog},
    {"posthog", "POST", "/i/v0/e/", read_posthog},
    {"posthog", "POST", "/flags/", read_posthog_flags},
    {"posthog", "POST", "/flags", read_posthog_flags},
    {"posthog", "POST", "/decide/", read_posthog_flags},
    {"amplitude", "POST", "/2/httpapi", read_amplitude},
    {"ga4", "POST", "/mp/collect", read_ga4},
    {"ga4", "POST", "/debug/mp/collect", read_ga4_debug},
    {"snowplow", "POST", "/com.snowplowanalytics.snowplow/tp2", read_snowplow},
    {"snowplow", "GET", "/i", read_snowplow_pixel},
    {"matomo", "GET", "/matomo.php", read_matomo},
    {"matomo", "POST", "/matomo.php", read_matomo},
    {"matomo", "GET", "/piwik.php", read_matomo},
    {"matomo", "POST", "/piwik.php", read_matomo},
    {"cloudevents", "POST", "/cloudevents", read_cloudevents},
    {"cloudevents", "POST", "/cloudevents/", read_cloudevents},
    {"pixel", "GET", "/pixel.gif", read_pixel},
    {"beacon", "POST", "/beacon", read_beacon},
};

void dialect_reply_init(struct dialect_reply *reply) {
    *reply = (struct dialect_reply){.http_status = 200, .content_type = "application/json"};
    buf_init(&reply->body, 1 << 20);
    arena_init(&reply->arena);
}

void dialect_reply_release(struct dialect_reply *reply) {
    buf_release(&reply->body);
    mem_free(reply->bad);
    arena_release(&reply->arena);
}

kai_status dialect_reader_new(struct dialect_reader **ret_reader, kai_err *err) {
    struct dialect_reader *reader = mem_zero(1, sizeof *reader);
    if (!reader) return err_memory(err, sizeof *reader);
    arena_init(&reader->arena);
    buf_init(&reader->text, CAPS_HTTP_BODY_BYTES);
    kai_status st = fast_json_new(&reader->json, err);
    if (st)
        dialect_reader_free(reader);
    else
        *ret_reader = reader;
    return st;
}

void dialect_reader_free(struct dialect_reader *reader) {
    if (!reader) return;
    fast_json_free(reader->json);
    arena_release(&reader->arena);
    buf_release(&reader->text);
    mem_free(reader);
}

static int path_fits(struct slice path, const char *pattern) {
    size_t size = strlen(pattern);
    if (pattern[size - 1] != '/') return slice_equal_text(path, pattern);
    return path.size >= size && memcmp(path.data, pattern, size) == 0;
}

const struct dialect *dialect_find(struct slice method, struct slice path) {
    for (size_t i = 0; i < sizeof DIALECTS / sizeof *DIALECTS; i++)
        if (slice_equal_text(method, DIALECTS[i].method) && path_fits(path, DIALECTS[i].path))
            return &DIALECTS[i];
    return NULL;
}

const char *dialect_name(const struct dialect *dialect) { return dialect->name; }

/* ---- what every request has ---- */

struct slice reading_header(const struct reading *reading, const char *name) {
    for (int32_t h = 0; h < reading->request->header_count; h++)
        if (slice_equal_case(reading->request->headers[h].name, name))
            return slice_trim(reading->request->headers[h].value);
    return (struct slice){"", 0};
}

void reading_key(struct reading *reading, struct slice key) {
    char *kept = reading->reply->write_key;
    if (*kept || !key.size || key.size >= DIALECT_KEY_BYTES || memchr(key.data, '\0', key.size))
        return;
    memcpy(kept, key.data, key.size);
    kept[key.size] = '\0';
}

kai_status reading_query(struct reading *reading, const char *name, struct slice *ret_value,
                         kai_err *err) {
    struct query_walk walk = {.rest = reading->request->query};
    int is_one = 0;
    *ret_value = (struct slice){"", 0};
    kai_status st = query_next(&walk, &reading->reader->arena, &is_one, err);
    while (!st && is_one && !slice_equal_text(walk.name, name))
        st = query_next(&walk, &reading->reader->arena, &is_one, err);
    if (!st && is_one) *ret_value = walk.value;
    return st;
}

/* Jitsu's clients insist on "key:secret": the key alone counts. */
static struct slice before_colon(struct slice key) {
    const char *colon = key.size ? memchr(key.data, ':', key.size) : NULL;
    return colon ? (struct slice){key.data, (size_t)(colon - key.data)} : key;
}

/* "Basic <base64 of key:>" and "Bearer <key>". */
static kai_status take_authorization(struct reading *reading, kai_err *err) {
    struct slice header = reading_header(reading, "authorization");
    const char *blank = memchr(header.data, ' ', header.size);
    if (!blank) return KAI_OK;
    struct slice scheme = {header.data, (size_t)(blank - header.data)};
    struct slice rest = {blank + 1, header.size - scheme.size - 1};
    rest = slice_trim(rest);
    if (slice_equal_case(scheme, "bearer")) reading_key(reading, rest);
    if (!slice_equal_case(scheme, "basic")) return KAI_OK;
    struct buf *text = &reading->reader->text;
    buf_reset(text);
    kai_status st = base64_read(rest, text, err);
    if (st == KAI_INVALID) return KAI_OK; /* no key; said so where one is needed */
    if (text->data) reading_key(reading, before_colon((struct slice){text->data, text->size}));
    return st;
}

static kai_status take_keys(struct reading *reading, kai_err *err) {
    static const char *const HEADERS[] = {"x-write-key", "x-api-key"};
    static const char *const NAMES[] = {"key", "writeKey", "api_secret", "token_auth"};
    kai_status st = take_authorization(reading, err);
    for (size_t i = 0; i < sizeof HEADERS / sizeof *HEADERS; i++)
        reading_key(reading, before_colon(reading_header(reading, HEADERS[i])));
    for (size_t i = 0; !st && i < sizeof NAMES / sizeof *NAMES; i++) {
        struct slice value = {"", 0};
        if (reading->request->query.size) st = reading_query(reading, NAMES[i], &value, err);
        if (!st) reading_key(reading, value);
    }
    return st;
}

kai_status reading_parse(struct reading *reading, struct slice text, struct fast_value *ret_root,
                         kai_err *err) {
    return fast_json_parse(reading->reader->json, text.data, text.size, ret_root, err);
}

kai_status reading_body(struct reading *reading, size_t max_bytes, struct fast_value *ret_root,
                        kai_err *err) {
    struct slice body = reading->request->body;
    if (body.size > max_bytes)
        return err_set(err, KAI_INVALID, "the body has %zu bytes, at most %zu are taken", body.size,
                       max_bytes);
    if (!body.size) return err_set(err, KAI_INVALID, "the body is empty");
    return reading_parse(reading, body, ret_root, err);
}

kai_status reading_reply(struct reading *reading, const char *text, kai_err *err) {
    return buf_puts(&reading->reply->body, text, err);
}

kai_status reading_reply_gif(struct reading *reading, kai_err *err) {
    static const unsigned char PIXEL[] = {
        'G', 'I',  'F',  '8',  '9',  'a',  1, 0, 1, 0,    0x80, 0, 0,    0, 0,
        0,   0xff, 0xff, 0xff, 0x21, 0xf9, 4, 1, 0, 0,    0,    0, 0x2c, 0, 0,
        0,   0,    1,    0,    1,    0,    0, 2, 2, 0x44, 1,    0, 0x3b};
    reading->reply->content_type = "image/gif";
    return buf_append(&reading->reply->body, PIXEL, sizeof PIXEL, err);
}

kai_status dialect_read(const struct dialect *dialect, struct dialect_reader *reader,
                        const struct dialect_request *request, struct event_batch *batch,
                        struct dialect_reply *reply, kai_err *err) {
    struct reading reading = {reader, request, batch, reply};
    arena_release(&reader->arena);
    arena_init(&reader->arena);
    kai_status st = take_keys(&reading, err);
    return st ? st : dialect->read(&reading, err);
}

/* ---- once more ---- */

static const struct {
    const char *name, *path, *before, *after;
} WRAPS[] = {
    {"segment", "/v1/batch", "{\"batch\":[", "]}"},
    {"rudderstack", "/v1/batch", "{\"batch\":[", "]}"},
    {"jitsu", "/v1/batch", "{\"batch\":[", "]}"},
    {"posthog", "/batch/", "{\"batch\":[", "]}"},
    {"amplitude", "/2/httpapi", "{\"events\":[", "]}"},
    {"snowplow", "/com.snowplowanalytics.snowplow/tp2", "{\"data\":[", "]}"},
    {"cloudevents", "/cloudevents", "[", "]"},
    {"pixel", "/beacon", "[", "]"},
    {"beacon", "/beacon", "[", "]"},
};

kai_status dialect_wrap(struct slice name, struct slice raw, struct buf *body,
                        struct dialect_request *ret_request, kai_err *err) {
    static const struct dialect_header HEADER = {{"content-type", 12},
                                                 {"application/cloudevents-batch+json", 34}};
    for (size_t i = 0; i < sizeof WRAPS / sizeof *WRAPS; i++) {
        if (!slice_equal_text(name, WRAPS[i].name)) continue;
        kai_status st = buf_puts(body, WRAPS[i].before, err);
        if (!st) st = buf_append(body, raw.data, raw.size, err);
        if (!st) st = buf_puts(body, WRAPS[i].after, err);
        if (st) return st;
        *ret_request = (struct dialect_request){.method = slice_of("POST"),
                                                .path = slice_of(WRAPS[i].path),
                                                .query = {"", 0},
                                                .headers = &HEADER,
                                                .header_count = 1,
                                                .body = {body->data, body->size}};
        return KAI_OK;
    }
    return err_set(err, KAI_UNSUPPORTED,
                   "events of '%.*s' stand for nothing alone: bring them in "
                   "again, mended, with 'kairos collect'",
                   (int)name.size, name.data);
}
