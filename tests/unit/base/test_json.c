#include <math.h>
#include <string.h>

#include "base/json.h"
#include "kit/check.h"

static void write_sample(struct json_writer *json) {
    json_object(json);
    json_key_text(json, "name", "a \"b\"\n\\ \x01 \xc3\xa9");
    json_key(json, "list");
    json_array(json);
    json_i64(json, INT64_MIN);
    json_f64(json, 0.1);
    json_f64(json, NAN);
    json_bool(json, 1);
    json_null(json);
    json_raw(json, "{\"x\":1}");
    json_end(json);
    json_key(json, "empty");
    json_object(json);
    json_end(json);
    json_key_f64(json, "n", 100);
    json_end(json);
}

static void test_json__writes_compact_and_pretty(void **state) {
    (void)state;
    static const char *const EXPECTED[] = {
        "{\"name\":\"a \\\"b\\\"\\n\\\\ \\u0001 \xc3\xa9\",\"list\":[-9223372036854775808,0.1,null,"
        "true,null,{\"x\":1}],\"empty\":{},\"n\":100}",
        "{\n  \"name\": \"a \\\"b\\\"\\n\\\\ \\u0001 \xc3\xa9\",\n  \"list\": [\n"
        "    -9223372036854775808,\n    0.1,\n    null,\n    true,\n    null,\n    {\"x\":1}\n"
        "  ],\n  \"empty\": {},\n  \"n\": 100\n}"};
    for (int is_pretty = 0; is_pretty < 2; is_pretty++) {
        struct buf buf;
        buf_init(&buf, 4096);
        struct json_writer json;
        json_init(&json, &buf, is_pretty);
        write_sample(&json);
        kai_err err;
        CHECK_OK(json_finish(&json, &err), &err);
        assert_string_equal(buf.data, EXPECTED[is_pretty]);
        buf_release(&buf);
    }
}

static void test_json__replaces_bytes_that_are_not_utf8(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 4096);
    struct json_writer json;
    json_init(&json, &buf, 0);
    json_text(&json, "a\xff\xc3(");
    kai_err err;
    CHECK_OK(json_finish(&json, &err), &err);
    assert_string_equal(buf.data, "\"a\xef\xbf\xbd\xef\xbf\xbd(\"");
    buf_release(&buf);
}

static void misuse_value_without_key(struct json_writer *json) {
    json_object(json);
    json_i64(json, 1);
    json_end(json);
}
static void misuse_key_in_array(struct json_writer *json) {
    json_array(json);
    json_key(json, "k");
    json_end(json);
}
static void misuse_two_documents(struct json_writer *json) {
    json_i64(json, 1);
    json_i64(json, 2);
}
static void misuse_open_level(struct json_writer *json) { json_object(json); }
static void misuse_key_without_value(struct json_writer *json) {
    json_object(json);
    json_key(json, "k");
    json_end(json);
}
static void misuse_end(struct json_writer *json) {
    json_i64(json, 1);
    json_end(json);
}
static void misuse_nothing(struct json_writer *json) { (void)json; }

static void test_json__writer_refuses_misuse(void **state) {
    (void)state;
    static void (*const CASES[])(struct json_writer *) = {
        misuse_value_without_key, misuse_key_in_array, misuse_two_documents, misuse_open_level,
        misuse_key_without_value, misuse_end,          misuse_nothing,
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct buf buf;
        buf_init(&buf, 4096);
        struct json_writer json;
        json_init(&json, &buf, 1);
        CASES[i](&json);
        kai_err err;
        CHECK_FAILS(json_finish(&json, &err), &err, KAI_STATE, "json:");
        buf_release(&buf);
    }
}

static void test_json__writer_failures_stick(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 8);
    struct json_writer json;
    json_init(&json, &buf, 0);
    json_array(&json);
    json_text(&json, "longer than eight");
    json_end(&json);
    kai_err err;
    CHECK_FAILS(json_finish(&json, &err), &err, KAI_LIMIT, "maximum of 8 bytes");
    buf_release(&buf);
    buf_init(&buf, 4096);
    json_init(&json, &buf, 0);
    for (int i = 0; i <= CAPS_JSON_DEPTH; i++) json_array(&json);
    CHECK_FAILS(json_finish(&json, &err), &err, KAI_LIMIT, "deep");
    buf_release(&buf);
}

static struct json_value *parse(const char *text) {
    struct json_value *value = NULL;
    kai_err err;
    CHECK_OK(json_parse(text, strlen(text), &value, &err), &err);
    return value;
}

static void test_json__reads_a_tree(void **state) {
    (void)state;
    struct json_value *value = parse(
        "\xef\xbb\xbf {\"a\": [1, -2.5e3, true, null, \"\\u00e9\\ud83d"
        "\\ude00\\/\"], \"b\": {\"c\": false}, \"a\": 2}\n");
    const struct json_value *a = json_get(value, "a");
    assert_true(json_is_object(value) && json_is_array(a) && json_count(a) == 5);
    assert_true(json_as_f64(json_at(a, 0), -1) == 1 && json_as_f64(json_at(a, 1), -1) == -2500);
    assert_int_equal(json_as_bool(json_at(a, 2), -1), 1);
    assert_true(json_is_null(json_at(a, 3)) && !json_is_null(a));
    assert_string_equal(json_as_text(json_at(a, 4), NULL), "\xc3\xa9\xf0\x9f\x98\x80/");
    assert_int_equal(json_as_bool(json_get(json_get(value, "b"), "c"), -1), 0);
    assert_int_equal(json_count(value), 3);
    assert_string_equal(json_key_at(value, 1), "b");
    assert_true(json_as_f64(json_at(value, 2), -1) == 2);
    json_free(value);
}

static void test_json__reads_the_shortest_behind_a_mark(void **state) {
    (void)state;
    struct json_value *value = parse(
        "\xef\xbb\xbf"
        "7");
    assert_true(json_as_f64(value, 0) == 7);
    json_free(value);
}

static void test_json__accessors_accept_nothing_and_wrong_kinds(void **state) {
    (void)state;
    struct json_value *value = parse("[1]");
    assert_null(json_get(NULL, "x"));
    assert_null(json_get(value, "x"));
    assert_null(json_at(NULL, 0));
    assert_null(json_at(value, 1));
    assert_null(json_at(value, -1));
    assert_int_equal(json_count(NULL), 0);
    assert_null(json_key_at(value, 0));
    assert_string_equal(json_as_text(value, "fallback"), "fallback");
    assert_true(json_as_f64(NULL, 7) == 7);
    assert_int_equal(json_as_bool(json_at(value, 0), -1), -1);
    assert_true(json_is_null(NULL) && !json_is_array(NULL) && !json_is_object(value));
    json_free(value);
    json_free(NULL);
}

static void test_json__refuses_with_line_and_column(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"", "line 1, column 1: the document ends too early"},
        {"{\"a\": 1,\n \"b\" 2}", "line 2, column 6: expected ':'"},
        {"{\"a\": 1 \"b\": 2}", "line 1, column 9: expected ',' or '}'"},
        {"[1,]", "line 1, column 4: expected a value"},
        {"{\"a\":1,}", "line 1, column 8: expected a key"},
        {"[1 2]", "line 1, column 4: expected ',' or ']'"},
        {"[\"\xc3\xa9\", x]", "line 1, column 7: expected a value"},
        {"01", "line 1, column 1: a malformed number"},
        {"[1.]", "column 2: a malformed number"},
        {"[-]", "a malformed number"},
        {"[1e+]", "a malformed number"},
        {"[1e999]", "out of range"},
        {"[NaN]", "expected a value"},
        {"\"\\u0000\"", "\\u0000"},
        {"\"\\ud800x\"", "surrogate"},
        {"\"\\udc00\"", "surrogate"},
        {"\"\\ux\"", "hexadecimal"},
        {"\"\\q\"", "unknown escape"},
        {"\"a", "not closed"},
        {"\"a\tb\"", "control character"},
        {"\"\xff\"", "not UTF-8"},
        {"1 1", "line 1, column 3: more text follows"},
        {"{\"a\":1", "expected ',' or '}'"},
        {"tru", "expected a value"},
        {"'a'", "expected a value"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct json_value *value = NULL;
        kai_err err;
        CHECK_FAILS(json_parse(CASES[i][0], strlen(CASES[i][0]), &value, &err), &err, KAI_INVALID,
                    CASES[i][1]);
        assert_null(value);
    }
}

static void test_json__bounds_depth(void **state) {
    (void)state;
    char text[2 * CAPS_JSON_DEPTH + 2];
    memset(text, '[', CAPS_JSON_DEPTH);
    memset(text + CAPS_JSON_DEPTH, ']', CAPS_JSON_DEPTH);
    struct json_value *value = NULL;
    kai_err err;
    CHECK_OK(json_parse(text, 2 * CAPS_JSON_DEPTH, &value, &err), &err);
    json_free(value);
    memset(text, '[', sizeof text);
    CHECK_FAILS(json_parse(text, sizeof text, &value, &err), &err, KAI_INVALID, "nested too deep");
}

static void test_json__long_numbers_are_refused_not_cut(void **state) {
    (void)state;
    char text[80];
    memset(text, '1', sizeof text);
    struct json_value *value = NULL;
    kai_err err;
    CHECK_OK(json_parse(text, 63, &value, &err), &err);
    assert_true(json_as_f64(value, 0) > 1e62);
    json_free(value);
    value = NULL;
    CHECK_FAILS(json_parse(text, 64, &value, &err), &err, KAI_INVALID, "too long");
    assert_null(value);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_json__writes_compact_and_pretty),
        cmocka_unit_test(test_json__replaces_bytes_that_are_not_utf8),
        cmocka_unit_test(test_json__writer_refuses_misuse),
        cmocka_unit_test(test_json__writer_failures_stick),
        cmocka_unit_test(test_json__reads_a_tree),
        cmocka_unit_test(test_json__reads_the_shortest_behind_a_mark),
        cmocka_unit_test(test_json__accessors_accept_nothing_and_wrong_kinds),
        cmocka_unit_test(test_json__refuses_with_line_and_column),
        cmocka_unit_test(test_json__bounds_depth),
        cmocka_unit_test(test_json__long_numbers_are_refused_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
