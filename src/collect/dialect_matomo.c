/* Matomo's tracking API: a query, or a JSON list of them. */
#include <string.h>

#include "base/instant.h"
#include "collect/dialect_parts.h"

/* The products of an order stand in a text: [["sku","name","category",price,quantity],...] */
static kai_status print_items(struct slice items, struct buf *out, kai_err *err) {
    static const char *const NAMES[] = {"product_id", "name", "category", "price", "quantity"};
    struct fast_json *json = NULL;
    struct fast_value root;
    kai_status st = fast_json_new(&json, err);
    if (!st) st = fast_json_parse(json, items.data, items.size, &root, err);
    struct fast_walk walk = {0};
    if (!st) walk = fast_begin(root);
    if (!st) st = buf_puts(out, ",\"products\":[", err);
    for (int count = 0; !st && fast_next(&walk); count++) {
        struct fast_walk parts = fast_begin(walk.value);
        st = buf_puts(out, count ? ",{" : "{", err);
        for (size_t i = 0; !st && i < sizeof NAMES / sizeof *NAMES && fast_next(&parts); i++) {
            st = buf_printf(out, err, "%s\"%s\":", i ? "," : "", NAMES[i]);
            if (!st) st = fast_print(parts.value, out, err);
        }
        if (!st) st = buf_puts(out, "}", err);
    }
    if (!st) st = buf_puts(out, "]", err);
    fast_json_free(json);
    return st;
}

/* The query as an object; `ec_items` unfolded. What is no JSON there stays a text. */
static kai_status print_query(struct reading *reading, struct slice query, struct buf *out,
                              kai_err *err) {
    struct query_walk walk = {.rest = query};
    int is_one = 0;
    kai_status st = query_print(query, &reading->reader->arena, out, err);
    if (!st) st = query_next(&walk, &reading->reader->arena, &is_one, err);
    while (!st && is_one && !slice_equal_text(walk.name, "ec_items"))
        st = query_next(&walk, &reading->reader->arena, &is_one, err);
    if (st || !is_one) return st;
    size_t before = --out->size; /* without the brace */
    st = print_items(walk.value, out, err);
    if (st == KAI_INVALID) {
        out->size = before;
        st = KAI_OK;
    }
    return st ? st : buf_puts(out, "}", err);
}

static struct slice type_of(struct fast_value hit) {
    struct slice goal = text_at(hit, "idgoal");
    if (slice_equal_text(goal, "0"))
        return text_at(hit, "ec_id").size ? slice_of("order") : slice_of("cart-view");
    if (goal.size) return slice_of("goal");
    if (text_at(hit, "e_a").size) return text_at(hit, "e_a");
    if (text_at(hit, "search").size) return slice_of("search");
    if (text_at(hit, "link").size) return slice_of("outlink");
    if (text_at(hit, "download").size) return slice_of("download");
    if (text_at(hit, "_pkp").size || text_at(hit, "_pks").size) return slice_of("view");
    return slice_of("page");
}

static kai_status take_hit(struct reading *reading, struct fast_value hit, kai_err *err) {
    struct said said = {.raw = hit, .properties = hit, .type = type_of(hit)};
    said.url = text_at(hit, "url");
    said.referrer = text_at(hit, "urlref");
    said.agent = text_at(hit, "ua");
    if (!said.agent.size) said.agent = reading_header(reading, "user-agent");
    said.campaign = text_at(hit, "_rcn");
    said.customer = text_at(hit, "uid");
    (void)moment_of(fast_get(hit, "cdt"), &said.time_us);
    said.anonymous = text_at(hit, "cid");
    if (!said.anonymous.size) said.anonymous = text_at(hit, "_id");
    /* without either, Matomo tells visitors by address and browser: no event of ours */
    return said_take(reading, &said, err);
}

static kai_status take_query(struct reading *reading, struct slice query, kai_err *err) {
    struct buf text;
    struct fast_value root;
    buf_init(&text, CAPS_HTTP_BODY_BYTES);
    if (query.size && *query.data == '?') query = (struct slice){query.data + 1, query.size - 1};
    kai_status st = print_query(reading, query, &text, err);
    if (!st) st = reading_parse(reading, (struct slice){text.data, text.size}, &root, err);
    if (!st) reading_key(reading, text_at(root, "token_auth"));
    if (!st) st = take_hit(reading, root, err);
    buf_release(&text);
    return st;
}

/* {"requests":["?idsite=1&url=...", ...],"token_auth":"..."}: the queries are copied first, for
 * each becomes a document of its own. */
static kai_status read_bulk(struct reading *reading, kai_err *err) {
    struct fast_value root;
    kai_status st = reading_body(reading, CAPS_HTTP_BODY_BYTES, &root, err);
    if (st) return st;
    struct fast_value list = fast_get(root, "requests");
    int64_t count = fast_count(list), at = 0;
    if (fast_kind(list) != FAST_ARRAY)
        return err_set(err, KAI_INVALID, "the array 'requests' is missing");
    reading_key(reading, text_at(root, "token_auth"));
    struct slice *queries =
        arena_alloc(&reading->reader->arena, (size_t)count + 1, sizeof *queries);
    if (!queries) return err_memory(err, count);
    for (struct fast_walk walk = fast_begin(list); fast_next(&walk);) {
        struct slice text = fast_text(walk.value);
        char *copy = arena_string_n(&reading->reader->arena, text.data, text.size);
        if (!copy) return err_memory(err, (int64_t)text.size);
        queries[at++] = (struct slice){copy, text.size};
    }
    for (int64_t i = 0; !st && i < count; i++) st = take_query(reading, queries[i], err);
    if (st) return st;
    return buf_printf(&reading->reply->body, err,
                      "{\"status\":\"success\",\"tracked\":%lld,\"invalid\":%lld}",
                      (long long)reading->reply->events, (long long)reading->reply->refused);
}

kai_status read_matomo(struct reading *reading, kai_err *err) {
    struct slice body = slice_trim(reading->request->body);
    if (body.size && *body.data == '{') return read_bulk(reading, err);
    kai_status st = take_query(reading, body.size ? body : reading->request->query, err);
    return st ? st : reading_reply_gif(reading, err);
}
