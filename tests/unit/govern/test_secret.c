#include "govern/secret.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "kit/check.h"

static struct secret_keys *keys_of(unsigned char first) {
    unsigned char master[SECRET_MASTER_BYTES] = {first};
    struct secret_keys *keys = NULL;
    kai_err err = {0};
    CHECK_OK(secret_keys_new(master, &keys, &err), &err);
    return keys;
}

static void test_secret__hashes_as_published(void **state) {
    (void)state;
    char hash[SECRET_HASH_BYTES];
    /* BLAKE2b-256 of "" and "abc": b2sum -l 256 */
    secret_hash("", 0, hash);
    assert_string_equal(hash, "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
    secret_hash("abc", 3, hash);
    assert_string_equal(hash, "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319");
}

static void test_secret__pseudonyms_tell_apart_and_need_the_key(void **state) {
    (void)state;
    struct secret_keys *a = keys_of(1), *b = keys_of(2);
    char one[SECRET_PSEUDONYM_BYTES], same[SECRET_PSEUDONYM_BYTES], other[SECRET_PSEUDONYM_BYTES];
    secret_pseudonym(a, "person", slice_of("u1"), one);
    secret_pseudonym(a, "person", slice_of("u1"), same);
    assert_string_equal(one, same);
    assert_true(secret_is_pseudonym(slice_of(one)));
    secret_pseudonym(a, "person", slice_of("u2"), other);
    assert_string_not_equal(one, other);
    secret_pseudonym(a, "ip", slice_of("u1"), other);
    assert_string_not_equal(one, other);
    secret_pseudonym(b, "person", slice_of("u1"), other);
    assert_string_not_equal(one, other);
    assert_false(secret_is_pseudonym(slice_of("p_short")));
    secret_keys_free(a);
    secret_keys_free(b);
}

static void test_secret__seals_open_with_their_key_only(void **state) {
    (void)state;
    struct secret_keys *a = keys_of(1), *b = keys_of(2);
    static const char *const TEXTS[] = {"", "x", "anna@example.com", "王小明 13812345678"};
    kai_err err = {0};
    struct buf seal, plain;
    buf_init(&seal, 1 << 20);
    buf_init(&plain, 1 << 20);
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) {
        buf_reset(&seal);
        buf_reset(&plain);
        CHECK_OK(secret_seal(a, slice_of(TEXTS[i]), &seal, &err), &err);
        if (*TEXTS[i]) assert_null(strstr(seal.data, TEXTS[i]));
        CHECK_OK(secret_open(a, (struct slice){seal.data, seal.size}, &plain, &err), &err);
        assert_string_equal(plain.data, TEXTS[i]);
        CHECK_FAILS(secret_open(b, (struct slice){seal.data, seal.size}, &plain, &err), &err,
                    KAI_CORRUPT, "another key");
        for (size_t at = 0; at < seal.size; at += 7) {
            seal.data[at] = seal.data[at] == 'A' ? 'B' : 'A';
            kai_status st = secret_open(a, (struct slice){seal.data, seal.size}, &plain, &err);
            assert_int_equal(st, KAI_CORRUPT);
            buf_reset(&seal);
            CHECK_OK(secret_seal(a, slice_of(TEXTS[i]), &seal, &err), &err);
        }
    }
    buf_release(&seal);
    buf_release(&plain);
    secret_keys_free(a);
    secret_keys_free(b);
}

static void test_secret__signatures_bind_bytes_and_key(void **state) {
    (void)state;
    struct secret_keys *a = keys_of(1), *b = keys_of(2);
    char signature[SECRET_SIGNATURE_BYTES];
    secret_sign(a, "what was said", 13, signature);
    struct slice sign = slice_of(signature), key = slice_of(secret_public(a));
    assert_true(secret_verify(key, "what was said", 13, sign));
    assert_false(secret_verify(key, "what was sayd", 13, sign));
    assert_false(secret_verify(slice_of(secret_public(b)), "what was said", 13, sign));
    assert_false(secret_verify(key, "what was said", 13, (struct slice){signature, 126}));
    secret_keys_free(a);
    secret_keys_free(b);
}

static void test_secret__key_files_are_for_their_owner(void **state) {
    (void)state;
    const char *path = check_temp_path("master.key");
    struct secret_keys *keys = NULL, *again = NULL;
    kai_err err = {0};
    (void)remove(path);
    CHECK_FAILS(secret_file_load(path, &keys, &err), &err, KAI_NOT_FOUND, "master.key");
    CHECK_OK(secret_file_create(path, &err), &err);
    CHECK_FAILS(secret_file_create(path, &err), &err, KAI_EXISTS, "master.key");
    CHECK_OK(secret_file_load(path, &keys, &err), &err);
    CHECK_OK(secret_file_load(path, &again, &err), &err);
    assert_string_equal(secret_fingerprint(keys), secret_fingerprint(again));
    secret_keys_free(keys);
    secret_keys_free(again);
    assert_int_equal(chmod(path, 0640), 0);
    CHECK_FAILS(secret_file_load(path, &keys, &err), &err, KAI_DENIED, "chmod 600");
    path = check_write("short.key", "abc\n");
    assert_int_equal(chmod(path, 0600), 0);
    CHECK_FAILS(secret_file_load(path, &keys, &err), &err, KAI_INVALID, "64 hexadecimal");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_secret__hashes_as_published),
        cmocka_unit_test(test_secret__pseudonyms_tell_apart_and_need_the_key),
        cmocka_unit_test(test_secret__seals_open_with_their_key_only),
        cmocka_unit_test(test_secret__signatures_bind_bytes_and_key),
        cmocka_unit_test(test_secret__key_files_are_for_their_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
