/* Requests of tracking clients as events: each dialect's words down to the fields of ours. */
#include <math.h>
#include <string.h>

#include "collect/dialect.h"
#include "kit/check.h"

enum { RECEIVED_S = 1795784400 }; /* 2026-11-27T13:00:00Z */

struct asked {
    struct event_batch batch;
    struct dialect_reply reply;
    kai_status status;
    kai_err err;
};

static struct asked asked;

static void forget(void) {
    event_batch_release(&asked.batch);
    dialect_reply_release(&asked.reply);
}

/* One request to `path` (with a query or not); the answer stands in `asked` until the next. */
static void ask_with(const char *method, const char *path, const struct dialect_header *headers,
                     int32_t header_count, const char *body) {
    struct dialect_reader *reader = NULL;
    const char *query = strchr(path, '?');
    const struct dialect_request request = {
        .method = slice_of(method),
        .path = {path, query ? (size_t)(query - path) : strlen(path)},
        .query = slice_of(query ? query + 1 : ""),
        .headers = headers,
        .header_count = header_count,
        .body = slice_of(body),
        .received_us = RECEIVED_S * 1000000ll};
    forget();
    event_batch_init(&asked.batch);
    dialect_reply_init(&asked.reply);
    memset(&asked.err, 0, sizeof asked.err);
    const struct dialect *dialect = dialect_find(request.method, request.path);
    assert_non_null(dialect);
    CHECK_OK(dialect_reader_new(&reader, &asked.err), &asked.err);
    asked.status = dialect_read(dialect, reader, &request, &asked.batch, &asked.reply, &asked.err);
    dialect_reader_free(reader);
}

static void ask(const char *path, const char *body) { ask_with("POST", path, NULL, 0, body); }

static const struct event *event_at(int64_t index) {
    CHECK_OK(asked.status, &asked.err);
    assert_true(index < asked.batch.count);
    return &asked.batch.events[index];
}

static void check_text(struct slice text, const char *expected) {
    assert_int_equal(text.size, strlen(expected));
    assert_memory_equal(text.data, expected, text.size);
}

static void check_product(const struct event *event, const char *customer, const char *type) {
    check_text(event->customer, customer);
    check_text(event->type, type);
    check_text(event->item, "sku-7");
    check_text(event->currency, "CNY");
    CHECK_NEAR(event->value, 39.8, 1e-12);
    CHECK_NEAR(event->quantity, 2, 0);
}

#define PRODUCT "{\"product_id\":\"sku-7\",\"price\":\"19.90\",\"quantity\":2,\"currency\":\"CNY\"}"

static void test_dialect__reads_the_same_product_in_every_dialect(void **state) {
    static const struct {
        const char *path, *body;
    } cases[] = {
        {"/v1/track",
         "{\"userId\":\"张三\",\"event\":\"Product Added\",\"properties\":" PRODUCT "}"},
        {"/v1/batch",
         "{\"batch\":[{\"type\":\"track\",\"userId\":\"张三\",\"event\":\"product_added\","
         "\"properties\":" PRODUCT "}]}"},
        {"/api/s/track",
         "{\"type\":\"track\",\"userId\":\"张三\",\"event\":\"productAdded\",\"properties\":" PRODUCT
         "}"},
        {"/batch/",
         "{\"api_key\":\"k\",\"batch\":[{\"distinct_id\":\"张三\",\"event\":\"Product Added\","
         "\"properties\":" PRODUCT "}]}"},
        {"/2/httpapi",
         "{\"api_key\":\"k\",\"events\":[{\"user_id\":\"张三\",\"event_type\":\"add_to_cart\","
         "\"event_properties\":" PRODUCT "}]}"},
        {"/mp/collect",
         "{\"user_id\":\"张三\",\"events\":[{\"name\":\"add_to_cart\",\"params\":" PRODUCT "}]}"},
        {"/com.snowplowanalytics.snowplow/tp2",
         "{\"data\":[{\"e\":\"ue\",\"uid\":\"张三\",\"ue_pr\":\"{\\\"data\\\":{\\\"schema\\\":"
         "\\\"iglu:cn.shop/add_to_cart/jsonschema/1-0-0\\\",\\\"data\\\":{\\\"product_id\\\":\\\"sku-7\\\","
         "\\\"price\\\":19.9,\\\"quantity\\\":2,\\\"currency\\\":\\\"CNY\\\"}}}\"}]}"},
        {"/matomo.php?rec=1&uid=%E5%BC%A0%E4%B8%89&e_a=Product+Added&product_id=sku-7&price=19.90&quantity=2&currency=CNY",
         ""},
        {"/beacon", "{\"user\":\"张三\",\"event\":\"Product Added\",\"properties\":" PRODUCT "}"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i].path, cases[i].body);
        assert_int_equal(asked.reply.refused, 0);
        assert_int_equal(asked.batch.count, 1);
        check_product(event_at(0), "张三", "cart");
        assert_true(event_at(0)->id.size > 0);
        assert_true(event_at(0)->time_us == RECEIVED_S * 1000000ll);
    }
}

static void test_dialect__shares_an_order_out_between_its_items(void **state) {
    double sum = 0;
    (void)state;
    ask("/v1/track",
        "{\"userId\":\"a\",\"messageId\":\"m\",\"event\":\"Order Completed\",\"properties\":{\"order_id\":\"o\","
        "\"revenue\":\"10\",\"total\":99,\"products\":[{\"product_id\":\"x\",\"price\":1,\"quantity\":1},"
        "{\"product_id\":\"y\",\"price\":1,\"quantity\":1},{\"id\":\"z\",\"price\":1}]}}");
    assert_int_equal(asked.batch.count, 3);
    for (int64_t i = 0; i < 3; i++) {
        check_text(event_at(i)->type, "order");
        check_text(event_at(i)->session, "o");
        sum += event_at(i)->value;
    }
    assert_true(sum == 10);
    check_text(event_at(0)->id, "m");
    check_text(event_at(2)->id, "m#2");
    check_text(event_at(2)->item, "z");
    assert_int_equal(asked.reply.events, 1);
    ask("/v1/track",
        "{\"userId\":\"a\",\"event\":\"Order Completed\",\"properties\":{\"total\":\"30\",\"shipping\":4,\"tax\":\"1\"}}");
    assert_true(event_at(0)->value == 25); /* total holds shipping and tax, revenue does not */
}

static void test_dialect__corrects_a_wrong_clock(void **state) {
    (void)state;
    ask("/v1/track",
        "{\"userId\":\"a\",\"event\":\"x\",\"timestamp\":\"2026-11-27T10:59:50Z\",\"sentAt\":\"2026-11-27T11:00:00Z\"}");
    assert_true(event_at(0)->time_us == (RECEIVED_S - 10) * 1000000ll);
    assert_true(event_at(0)->flags & EVENT_SKEWED);
    ask("/v1/track",
        "{\"userId\":\"a\",\"event\":\"x\",\"timestamp\":\"2026-11-27T12:59:50Z\",\"sentAt\":\"2026-11-27T12:59:59Z\"}");
    assert_true(event_at(0)->time_us == (RECEIVED_S - 10) * 1000000ll);
    assert_int_equal(event_at(0)->flags, 0);
    ask("/v1/track", "{\"userId\":\"a\",\"event\":\"x\",\"timestamp\":\"1969-07-20T00:00:00Z\"}");
    assert_true(event_at(0)->flags & EVENT_IMPOSSIBLE);
}

static void test_dialect__finds_channel_campaign_and_bots(void **state) {
    (void)state;
    ask("/v1/page",
        "{\"anonymousId\":\"d\",\"name\":\"Home\",\"context\":{\"userAgent\":\"Mozilla/5.0 (compatible; Googlebot/2.1)\","
        "\"page\":{\"url\":\"https://x/?utm_medium=email&utm_campaign=%E6%98%A5#top\"}}}");
    check_text(event_at(0)->channel, "email");
    check_text(event_at(0)->campaign, "春");
    assert_true(event_at(0)->flags & EVENT_BOT);
    ask("/v1/page", "{\"anonymousId\":\"d\",\"properties\":{\"url\":\"https://x/?gclid=1\"}}");
    check_text(event_at(0)->channel, "paid-search");
    assert_int_equal(event_at(0)->flags, 0);
    ask("/v1/page",
        "{\"anonymousId\":\"d\",\"context\":{\"campaign\":{\"name\":\"n\",\"medium\":\"m\"}}}");
    check_text(event_at(0)->channel, "m");
    check_text(event_at(0)->campaign, "n");
}

static void test_dialect__sets_bad_events_aside(void **state) {
    (void)state;
    ask("/v1/batch",
        "{\"batch\":[{\"type\":\"track\",\"userId\":\"a\",\"event\":\"x\"},{\"type\":\"track\",\"event\":\"x\"},"
        "{\"type\":\"track\",\"userId\":\"a\"},3,{\"type\":\"alias\",\"userId\":\"a\"}]}");
    CHECK_OK(asked.status, &asked.err);
    assert_int_equal(asked.batch.count, 1);
    assert_int_equal(asked.reply.refused, 4);
    assert_string_equal(asked.reply.bad[0].reason, "neither customer nor device");
    assert_string_equal(asked.reply.bad[1].reason, "a track call without 'event'");
    assert_string_equal(asked.reply.bad[2].reason, "not an object");
    check_text(asked.reply.bad[2].raw, "3");
    assert_string_equal(asked.reply.bad[3].reason, "an alias without 'previousId'");
    ask("/v1/track", "{\"event\":\"x\"}"); /* alone: the client hears it */
    CHECK_FAILS(asked.status, &asked.err, KAI_INVALID, "neither customer nor device");
    ask("/v1/batch", "{\"batch\":3}");
    CHECK_FAILS(asked.status, &asked.err, KAI_INVALID, "'batch' is missing");
    ask("/2/httpapi", "{\"events\":");
    CHECK_FAILS(asked.status, &asked.err, KAI_INVALID, "not JSON");
}

static void test_dialect__answers_as_clients_expect(void **state) {
    static const struct {
        const char *path, *body, *answer;
        int status;
    } cases[] = {
        {"/v1/identify", "{\"userId\":\"a\",\"traits\":{\"plan\":\"pro\"}}", "{\"success\":true}",
         200},
        {"/2/httpapi", "{\"events\":[{\"user_id\":\"a\",\"event_type\":\"x\"}]}",
         "{\"code\":200,\"events_ingested\":1,\"payload_size_bytes\":45,\"server_upload_time\":1795784400000}",
         200},
        {"/batch/", "{\"batch\":[]}", "{\"status\":1}", 200},
        {"/mp/collect", "{\"client_id\":\"c\",\"events\":[{\"name\":\"x\"},{}]}",
         "{\"events\":1,\"validationMessages\":[{\"description\":\"no type\"}]}", 200},
        {"/matomo.php", "{\"requests\":[\"?rec=1&_id=1&url=u\",\"?rec=1\"]}",
         "{\"status\":\"success\",\"tracked\":1,\"invalid\":1}", 200},
        {"/beacon", "{\"visitor\":\"v\"}", "", 204},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        ask(cases[i].path, cases[i].body);
        CHECK_OK(asked.status, &asked.err);
        assert_int_equal(asked.reply.http_status, cases[i].status);
        assert_string_equal(asked.reply.body.data ? asked.reply.body.data : "", cases[i].answer);
    }
}

static void test_dialect__takes_keys_from_where_clients_put_them(void **state) {
    static const struct dialect_header basic = {{"Authorization", 13}, {"Basic a2V5Og==", 14}};
    static const struct dialect_header bearer = {{"authorization", 13}, {"Bearer key", 10}};
    static const struct dialect_header jitsu = {{"X-Write-Key", 11}, {"key:secret", 10}};
    const struct dialect_header *const headers[] = {&basic, &bearer, &jitsu};
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        ask_with("POST", "/v1/track", headers[i], 1,
                 "{\"userId\":\"a\",\"event\":\"x\",\"writeKey\":\"other\"}");
        assert_string_equal(asked.reply.write_key, "key");
    }
    ask("/v1/batch", "{\"writeKey\":\"key\",\"batch\":[]}");
    assert_string_equal(asked.reply.write_key, "key");
    ask("/mp/collect?measurement_id=1&api_secret=key", "{\"events\":[]}");
    assert_string_equal(asked.reply.write_key, "key");
    ask("/2/httpapi", "{\"api_key\":\"key\",\"events\":[]}");
    assert_string_equal(asked.reply.write_key, "key");
}

static void test_dialect__reads_cloudevents_in_three_modes(void **state) {
    static const struct dialect_header binary[] = {{{"ce-id", 5}, {"1", 1}},
                                                   {{"ce-source", 9}, {"/s", 2}},
                                                   {{"ce-type", 7}, {"cn.shop.product_added", 21}},
                                                   {{"ce-specversion", 14}, {"1.0", 3}},
                                                   {{"CE-UserId", 9}, {"%E5%BC%A0%E4%B8%89", 18}}};
    static const struct dialect_header whole = {{"content-type", 12},
                                                {"application/cloudevents+json", 28}};
    (void)state;
    ask_with("POST", "/cloudevents", binary, 5, PRODUCT);
    check_product(event_at(0), "张三", "cart");
    check_text(event_at(0)->id, "/s 1");
    ask_with(
        "POST", "/cloudevents", &whole, 1,
        "{\"specversion\":\"1.0\",\"id\":\"1\",\"source\":\"/s\",\"type\":\"cn.shop.product_added\",\"userid\":\"张三\","
        "\"data\":" PRODUCT "}");
    check_product(event_at(0), "张三", "cart");
    ask_with("POST", "/cloudevents", &whole, 1,
             "[{\"specversion\":\"0.3\"},{\"specversion\":\"1.0\",\"id\":\"2\",\"source\":\"/s\","
             "\"type\":\"t\",\"subject\":\"a\"}]");
    assert_int_equal(asked.batch.count, 1);
    check_text(event_at(0)->customer, "a");
    assert_string_equal(asked.reply.bad[0].reason, "not of specversion 1.0");
}

static void test_dialect__tells_visitors_from_customers_in_posthog(void **state) {
    (void)state;
    ask("/e/",
        "{\"event\":\"$pageview\",\"properties\":{\"distinct_id\":\"d\",\"$device_id\":\"d\",\"token\":\"k\"}}");
    check_text(event_at(0)->anonymous, "d");
    assert_int_equal(event_at(0)->customer.size, 0);
    check_text(event_at(0)->type, "page");
    assert_string_equal(asked.reply.write_key, "k");
    ask("/e/",
        "{\"event\":\"$identify\",\"distinct_id\":\"u\",\"properties\":{\"$anon_distinct_id\":\"d\"},\"$set\":{\"email\":\"e\"}}");
    check_text(event_at(0)->customer, "u");
    check_text(event_at(0)->anonymous, "d");
    check_text(event_at(0)->type, "identify");
}

static void test_dialect__makes_the_same_id_of_the_same_words(void **state) {
    static const char *const BODY =
        "{\"userId\":\"a\",\"event\":\"x\",\"timestamp\":1795784000,\"properties\":{\"n\":12345678901234567}}";
    char first[64];
    (void)state;
    ask("/v1/track", BODY);
    assert_true(event_at(0)->id.size < sizeof first);
    memcpy(first, event_at(0)->id.data, event_at(0)->id.size);
    first[event_at(0)->id.size] = '\0';
    assert_int_equal(strncmp(first, DIALECT_MADE_ID, strlen(DIALECT_MADE_ID)), 0);
    check_text(event_at(0)->properties, "{\"n\":12345678901234567}");
    ask("/v1/track", BODY);
    check_text(event_at(0)->id, first);
    ask("/v1/track", "{\"userId\":\"b\",\"event\":\"x\",\"timestamp\":1795784000}");
    assert_true(memcmp(event_at(0)->id.data, first, event_at(0)->id.size) != 0);
}

static void test_dialect__wraps_what_was_set_aside(void **state) {
    static const char *const NAMES[] = {"segment",  "posthog",     "amplitude",
                                        "snowplow", "cloudevents", "beacon"};
    (void)state;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        struct dialect_request request;
        struct buf body;
        kai_err err = {0};
        buf_init(&body, 1 << 16);
        CHECK_OK(dialect_wrap(slice_of(NAMES[i]), slice_of("{}"), &body, &request, &err), &err);
        assert_non_null(dialect_find(request.method, request.path));
        buf_release(&body);
    }
    struct dialect_request request;
    kai_err err = {0};
    CHECK_FAILS(dialect_wrap(slice_of("ga4"), slice_of("{}"), NULL, &request, &err), &err,
                KAI_UNSUPPORTED, "stand for nothing alone");
}

static int end(void **state) {
    (void)state;
    forget();
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dialect__reads_the_same_product_in_every_dialect),
        cmocka_unit_test(test_dialect__shares_an_order_out_between_its_items),
        cmocka_unit_test(test_dialect__corrects_a_wrong_clock),
        cmocka_unit_test(test_dialect__finds_channel_campaign_and_bots),
        cmocka_unit_test(test_dialect__sets_bad_events_aside),
        cmocka_unit_test(test_dialect__answers_as_clients_expect),
        cmocka_unit_test(test_dialect__takes_keys_from_where_clients_put_them),
        cmocka_unit_test(test_dialect__reads_cloudevents_in_three_modes),
        cmocka_unit_test(test_dialect__tells_visitors_from_customers_in_posthog),
        cmocka_unit_test(test_dialect__makes_the_same_id_of_the_same_words),
        cmocka_unit_test(test_dialect__wraps_what_was_set_aside),
    };
    return cmocka_run_group_tests(tests, NULL, end);
}
