#include "govern/access.h"

#include <string.h>

#include "kit/check.h"

enum { SECOND_US = 1000000 };

static struct access *open_one(double rate, double burst, uint32_t scopes,
                               char token[ACCESS_TOKEN_BYTES]) {
    struct access_key key;
    struct access *access = NULL;
    kai_err err = {0};
    CHECK_OK(access_key_make("shop", scopes, rate, burst, 1, &key, token, &err), &err);
    CHECK_OK(access_new(&key, 1, &access, &err), &err);
    return access;
}

static void test_access__scopes_hold(void **state) {
    (void)state;
    char token[ACCESS_TOKEN_BYTES];
    const char *name = NULL;
    kai_err err = {0};
    struct access *access = open_one(0, 0, ACCESS_WRITE, token);
    CHECK_OK(access_check(access, slice_of(token), ACCESS_WRITE, 1, &name, NULL, &err), &err);
    assert_string_equal(name, "shop");
    CHECK_FAILS(access_check(access, slice_of(token), ACCESS_READ, 1, NULL, NULL, &err), &err,
                KAI_DENIED, "'shop' may not");
    token[ACCESS_TOKEN_BYTES - 2] ^= 1;
    CHECK_FAILS(access_check(access, slice_of(token), ACCESS_WRITE, 1, NULL, NULL, &err), &err,
                KAI_DENIED, "not known");
    CHECK_FAILS(access_check(access, slice_of("kai_"), ACCESS_WRITE, 1, NULL, NULL, &err), &err,
                KAI_DENIED, "not known");
    access_free(access);
    access = open_one(0, 0, ACCESS_ADMIN, token);
    CHECK_OK(access_check(access, slice_of(token), ACCESS_DECIDE, 1, NULL, NULL, &err), &err);
    access_free(access);
}

static void test_access__limits_the_rate(void **state) {
    (void)state;
    char token[ACCESS_TOKEN_BYTES];
    struct access *access = open_one(10, 5, ACCESS_WRITE, token);
    int64_t now = SECOND_US, taken = 0, wait_us = 0;
    kai_err err = {0};
    for (int i = 0; i < 20; i++)
        taken += !access_check(access, slice_of(token), ACCESS_WRITE, now, NULL, &wait_us, &err);
    assert_int_equal(taken, 5);
    CHECK_FAILS(access_check(access, slice_of(token), ACCESS_WRITE, now, NULL, &wait_us, &err),
                &err, KAI_LIMIT, "10 requests a second");
    assert_int_equal(wait_us, SECOND_US / 10);
    CHECK_OK(access_check(access, slice_of(token), ACCESS_WRITE, now + wait_us, NULL, NULL, &err),
             &err);
    /* over ten seconds of steady asking: the rate, and never more than the burst at once */
    taken = 0;
    now += 100 * SECOND_US;
    for (int i = 0; i < 10000; i++)
        taken +=
            !access_check(access, slice_of(token), ACCESS_WRITE, now + i * 1000, NULL, NULL, &err);
    assert_true(taken >= 104 && taken <= 105);
    access_free(access);
}

static void test_access__keeps_only_a_hash(void **state) {
    (void)state;
    char token[ACCESS_TOKEN_BYTES];
    struct access_key key, read;
    struct access *access = NULL;
    struct buf out;
    kai_err err = {0};
    buf_init(&out, 1 << 16);
    CHECK_OK(access_key_make("店", ACCESS_READ | ACCESS_DECIDE, 2, 0, 1772353805250000, &key, token,
                             &err),
             &err);
    CHECK_OK(access_key_print(&key, &out, &err), &err);
    assert_null(strstr(out.data, token + 4 + ACCESS_ID_BYTES));
    CHECK_OK(access_key_parse((struct slice){out.data, out.size}, &read, &err), &err);
    assert_string_equal(read.name, "店");
    assert_int_equal(read.scopes, ACCESS_READ | ACCESS_DECIDE);
    CHECK_NEAR(read.burst, 4, 0);
    read.revoked_us = 1772353805250001;
    CHECK_OK(access_new(&read, 1, &access, &err), &err);
    CHECK_FAILS(access_check(access, slice_of(token), ACCESS_READ, 1, NULL, NULL, &err), &err,
                KAI_DENIED, "revoked");
    access_free(access);
    CHECK_FAILS(access_key_parse(slice_of("{\"id\":\"x\"}"), &read, &err), &err, KAI_CORRUPT, NULL);
    buf_release(&out);
}

static void test_access__refuses_wrong_terms(void **state) {
    (void)state;
    char token[ACCESS_TOKEN_BYTES];
    uint32_t scopes = 0;
    struct access_key key;
    kai_err err = {0};
    CHECK_FAILS(access_scopes_parse("write,rite", &scopes, &err), &err, KAI_INVALID, "'rite'");
    CHECK_FAILS(access_scopes_parse("", &scopes, &err), &err, KAI_INVALID, "at least one");
    CHECK_OK(access_scopes_parse("read, write", &scopes, &err), &err);
    assert_int_equal(scopes, ACCESS_READ | ACCESS_WRITE);
    CHECK_FAILS(access_key_make("", 1, 0, 0, 1, &key, token, &err), &err, KAI_INVALID, "name");
    CHECK_FAILS(access_key_make("a", 1, -1, 0, 1, &key, token, &err), &err, KAI_INVALID, "rate");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_access__scopes_hold),
        cmocka_unit_test(test_access__limits_the_rate),
        cmocka_unit_test(test_access__keeps_only_a_hash),
        cmocka_unit_test(test_access__refuses_wrong_terms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
