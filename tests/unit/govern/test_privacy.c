#include "govern/privacy.h"

#include <string.h>

#include "base/json.h"
#include "kit/check.h"

static struct secret_keys *new_keys(void) {
    unsigned char master[SECRET_MASTER_BYTES] = {7};
    struct secret_keys *keys = NULL;
    kai_err err = {0};
    CHECK_OK(secret_keys_new(master, &keys, &err), &err);
    return keys;
}

static enum recognise_kind kind_of(const char *key, const char *value, int of_person) {
    return recognise_value(slice_of(key), slice_of(value), of_person);
}

static void test_recognise__knows_forms(void **state) {
    (void)state;
    assert_int_equal(kind_of("x", "anna@example.com", 0), RECOGNISE_EMAIL);
    assert_int_equal(kind_of("x", " Anna.B+shop@mail.example.co.uk ", 0), RECOGNISE_EMAIL);
    assert_int_equal(kind_of("x", "anna@localhost", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("x", "@example.com", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("x", "13812345678", 0), RECOGNISE_PHONE);
    assert_int_equal(kind_of("x", "+86 138-1234-5678", 0), RECOGNISE_PHONE);
    assert_int_equal(kind_of("x", "008613812345678", 0), RECOGNISE_PHONE);
    assert_int_equal(kind_of("x", "+44 (20) 7946 0958", 0), RECOGNISE_PHONE);
    assert_int_equal(kind_of("x", "12812345678", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("x", "1543536000", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("phone_number", "020 7946 0958", 0), RECOGNISE_PHONE);
    /* the example of GB 11643-1999 */
    assert_int_equal(kind_of("x", "11010519491231002X", 0), RECOGNISE_ID_NUMBER);
    assert_int_equal(kind_of("x", "110105194912310021", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("x", "440524188001010014", 0), RECOGNISE_ID_NUMBER);
    assert_int_equal(kind_of("x", "192.168.0.1", 0), RECOGNISE_IP);
    assert_int_equal(kind_of("x", "192.168.0.256", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("x", "2001:db8::ff00:42:8329", 0), RECOGNISE_IP);
    assert_int_equal(kind_of("x", "::ffff:192.0.2.128", 0), RECOGNISE_IP);
    assert_int_equal(kind_of("x", "12:30:45", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("x", "00:1A:2B:3C:4D:5E", 0), RECOGNISE_DEVICE);
}

static void test_recognise__knows_fields(void **state) {
    (void)state;
    assert_int_equal(kind_of("firstName", "Anna", 0), RECOGNISE_NAME);
    assert_int_equal(kind_of("name", "Anna", 1), RECOGNISE_NAME);
    assert_int_equal(kind_of("name", "Red shoe", 0), RECOGNISE_NONE);
    assert_int_equal(kind_of("姓名", "王小明", 0), RECOGNISE_NAME);
    assert_int_equal(kind_of("device_id", "abc-123", 0), RECOGNISE_DEVICE);
    assert_int_equal(kind_of("$ip", "x", 0), RECOGNISE_IP);
    assert_true(recognise_is_person(slice_of("user_properties")));
    assert_false(recognise_is_person(slice_of("product")));
}

static void test_recognise__gives_one_spelling(void **state) {
    (void)state;
    struct secret_keys *keys = new_keys();
    static const char *const SAME[][2] = {{"Anna@Example.COM ", "anna@example.com"},
                                          {"+86 138 1234 5678", "13812345678"},
                                          {"008613812345678", "13812345678"},
                                          {" u1 ", "u1"}};
    for (size_t i = 0; i < sizeof SAME / sizeof *SAME; i++) {
        char a[SECRET_PSEUDONYM_BYTES], b[SECRET_PSEUDONYM_BYTES];
        privacy_person(keys, slice_of(SAME[i][0]), a);
        privacy_person(keys, slice_of(SAME[i][1]), b);
        assert_string_equal(a, b);
    }
    secret_keys_free(keys);
}

static const char DOCUMENT[] =
    "{ \"email\" : \"anna@example.com\", \"price\":12.50,\"tel\":13812345678, "
    "\"note\":\"call anna\\u0040example.com or 13912345678, id 11010519491231002X!\","
    "\"traits\":{\"name\":\"Anna \\\"A\\\" B\",\"vip\":true},\"product\":{\"name\":\"Shoe\"},"
    "\"url\":\"https://s.example/?e=anna%40example.com&x=1\",\"ips\":[\"10.0.0.1\",\"no\"],"
    "\"bob@example.com\":null,\"userId\":\"u1\"}";

static void test_privacy__rewrites_what_points_at_a_person(void **state) {
    (void)state;
    struct secret_keys *keys = new_keys();
    const struct slice own[] = {slice_of("u1")};
    struct privacy privacy = {
        .keys = keys, .rules = privacy_rules_default(), .own = own, .own_count = 1};
    static const char *const GONE[] = {"anna", "1381", "1391", "1101", "Anna", "10.0", "bob", "u1"};
    struct buf out, plain;
    kai_err err = {0};
    buf_init(&out, 1 << 20);
    buf_init(&plain, 1 << 20);
    CHECK_OK(privacy_rewrite(&privacy, slice_of(DOCUMENT), 0, &out, &err), &err);
    for (size_t i = 0; i < sizeof GONE / sizeof *GONE; i++) assert_null(strstr(out.data, GONE[i]));
    assert_non_null(strstr(out.data, "\"price\":12.50"));
    assert_non_null(strstr(out.data, "\"product\":{\"name\":\"Shoe\"}"));
    assert_non_null(strstr(out.data, "\"vip\":true"));
    assert_non_null(strstr(out.data, "\"ips\":[\"p_"));
    assert_int_equal(privacy.report.found[RECOGNISE_EMAIL], 4);
    assert_int_equal(privacy.report.found[RECOGNISE_PHONE], 2);
    assert_int_equal(privacy.report.found[RECOGNISE_ID_NUMBER], 1);
    struct json_value *tree = NULL;
    CHECK_OK(json_parse(out.data, out.size, &tree, &err), &err);
    json_free(tree);
    CHECK_OK(privacy_reveal(keys, (struct slice){out.data, out.size}, &plain, &err), &err);
    CHECK_OK(json_parse(plain.data, plain.size, &tree, &err), &err);
    assert_string_equal(json_as_text(json_get(tree, "email"), ""), "anna@example.com");
    assert_string_equal(json_as_text(json_get(json_get(tree, "traits"), "name"), ""),
                        "Anna \"A\" B");
    json_free(tree);
    buf_release(&out);
    buf_release(&plain);
    secret_keys_free(keys);
}

static void test_privacy__obeys_the_policy(void **state) {
    (void)state;
    struct secret_keys *keys = new_keys();
    struct privacy privacy = {.keys = keys, .rules = privacy_rules_default()};
    struct buf out;
    kai_err err = {0};
    buf_init(&out, 1 << 20);
    privacy.rules.actions[RECOGNISE_EMAIL] = PRIVACY_DROP;
    privacy.rules.actions[RECOGNISE_PHONE] = PRIVACY_KEEP;
    privacy.rules.actions[RECOGNISE_NAME] = PRIVACY_PSEUDONYM;
    CHECK_OK(
        privacy_rewrite(&privacy,
                        slice_of("{\"a\":\"x@example.com\",\"b\":\"13812345678\",\"name\":\"A\"}"),
                        1, &out, &err),
        &err);
    assert_non_null(strstr(out.data, "\"a\":\"\",\"b\":\"13812345678\",\"name\":\"p_"));
    buf_release(&out);
    secret_keys_free(keys);
}

static void test_privacy__leaves_the_rest_byte_for_byte(void **state) {
    (void)state;
    struct secret_keys *keys = new_keys();
    struct privacy privacy = {.keys = keys, .rules = privacy_rules_default()};
    static const char SAME[] =
        " { \"a\" : [1, -2.5e3 ,true,null, {}, [ ] ],\"q\":\"\\u4e2d\\n\\/\"} ";
    struct buf out;
    kai_err err = {0};
    buf_init(&out, 1 << 20);
    CHECK_OK(privacy_rewrite(&privacy, slice_of(SAME), 0, &out, &err), &err);
    assert_string_equal(out.data, "{\"a\":[1,-2.5e3,true,null,{},[]],\"q\":\"\\u4e2d\\n\\/\"}");
    buf_release(&out);
    secret_keys_free(keys);
}

static void test_privacy__refuses_what_is_no_json(void **state) {
    (void)state;
    struct secret_keys *keys = new_keys();
    struct privacy privacy = {.keys = keys, .rules = privacy_rules_default()};
    static const char *const WRONG[] = {"",
                                        "{",
                                        "{\"a\"}",
                                        "{\"a\":}",
                                        "[1,]x",
                                        "\"a",
                                        "{\"a\":1 2}",
                                        "{\"a\":\"\\ud800\"}",
                                        "{\"a\":\"\\x\"}",
                                        "[1] []"};
    struct buf out;
    buf_init(&out, 1 << 20);
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++) {
        kai_err err = {0};
        CHECK_FAILS(privacy_rewrite(&privacy, slice_of(WRONG[i]), 0, &out, &err), &err, KAI_INVALID,
                    "not a JSON document");
        assert_int_equal(out.size, 0);
    }
    char deep[400];
    memset(deep, '[', sizeof deep - 1);
    deep[sizeof deep - 1] = '\0';
    kai_err err = {0};
    CHECK_FAILS(privacy_rewrite(&privacy, slice_of(deep), 0, &out, &err), &err, KAI_INVALID, NULL);
    buf_release(&out);
    secret_keys_free(keys);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recognise__knows_forms),
        cmocka_unit_test(test_recognise__knows_fields),
        cmocka_unit_test(test_recognise__gives_one_spelling),
        cmocka_unit_test(test_privacy__rewrites_what_points_at_a_person),
        cmocka_unit_test(test_privacy__obeys_the_policy),
        cmocka_unit_test(test_privacy__leaves_the_rest_byte_for_byte),
        cmocka_unit_test(test_privacy__refuses_what_is_no_json),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
