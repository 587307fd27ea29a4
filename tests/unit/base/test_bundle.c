#include <string.h>

#include "base/bundle.h"
#include "kit/check.h"

static const struct bundle_section SECTIONS[] = {
    {"meta", "{\"a\":1}", 7}, {"fifteen-letters", "", 0}, {"trees", "\0\1\2\3\4\5\6\7\10", 9}};

struct parsed {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count;
};

static kai_status parse(const char *bytes, size_t size, struct parsed *parsed, kai_err *err) {
    return bundle_parse("m.kai", bytes, size, parsed->sections, parsed->names, &parsed->count, err);
}

static void print_sample(struct buf *buf) {
    kai_err err;
    buf_init(buf, 4096);
    CHECK_OK(bundle_print(SECTIONS, 3, buf, &err), &err);
}

static void test_bundle__lays_out_what_the_header_says(void **state) {
    (void)state;
    struct buf buf;
    print_sample(&buf);
    assert_int_equal(buf.size, 24 + 3 * 40 + 7 + 9);
    assert_memory_equal(buf.data, "KAIROS\0\0\1\0\0\0\3\0\0\0", 16);
    assert_memory_equal(buf.data + 24, "meta\0\0\0\0\0\0\0\0\0\0\0\0\x90\0\0\0\0\0\0\0\7\0", 26);
    assert_memory_equal(buf.data + 144, "{\"a\":1}", 7);
    buf_release(&buf);
}

static void test_bundle__reads_back(void **state) {
    (void)state;
    struct buf buf;
    print_sample(&buf);
    struct parsed parsed;
    kai_err err;
    CHECK_OK(parse(buf.data, buf.size, &parsed, &err), &err);
    assert_int_equal(parsed.count, 3);
    for (int i = 0; i < 3; i++) {
        const struct bundle_section *section =
            bundle_find(parsed.sections, parsed.count, SECTIONS[i].name);
        assert_non_null(section);
        assert_int_equal(section->size, SECTIONS[i].size);
        assert_memory_equal(section->data, SECTIONS[i].data, section->size);
    }
    assert_null(bundle_find(parsed.sections, parsed.count, "other"));
    buf_release(&buf);
}

static void test_bundle__every_flipped_bit_is_found(void **state) {
    (void)state;
    struct buf buf;
    print_sample(&buf);
    for (size_t bit = 0; bit < 8 * buf.size; bit++) {
        buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ 1 << bit % 8);
        struct parsed parsed;
        kai_err err = {0};
        kai_status st = parse(buf.data, buf.size, &parsed, &err);
        int is_version = bit / 8 >= 8 && bit / 8 < 12;
        assert_true(st == KAI_CORRUPT || (is_version && st == KAI_UNSUPPORTED));
        assert_memory_equal(err.message, "m.kai: ", 7);
        buf.data[bit / 8] = (char)(buf.data[bit / 8] ^ 1 << bit % 8);
    }
    buf_release(&buf);
}

static void test_bundle__every_cut_and_every_tail_is_found(void **state) {
    (void)state;
    struct buf buf;
    print_sample(&buf);
    struct parsed parsed;
    kai_err err;
    for (size_t n = 0; n < buf.size; n++)
        CHECK_FAILS(parse(buf.data, n, &parsed, &err), &err, KAI_CORRUPT, "m.kai: ");
    CHECK_OK(buf_append(&buf, "x", 1, &err), &err);
    CHECK_FAILS(parse(buf.data, buf.size, &parsed, &err), &err, KAI_CORRUPT, "1 bytes too many");
    buf_release(&buf);
}

static void test_bundle__a_newer_version_is_told_apart(void **state) {
    (void)state;
    struct buf buf;
    print_sample(&buf);
    buf.data[8] = 2;
    struct parsed parsed;
    kai_err err;
    CHECK_FAILS(parse(buf.data, buf.size, &parsed, &err), &err, KAI_UNSUPPORTED, "format 2");
    buf_release(&buf);
}

static void test_bundle__refuses_bad_names(void **state) {
    (void)state;
    static const struct bundle_section LONG[] = {{"sixteen-letters!", "", 0}};
    static const struct bundle_section NONE[] = {{"", "", 0}};
    static const struct bundle_section TWICE[] = {{"a", "", 0}, {"a", "", 0}};
    struct buf buf;
    buf_init(&buf, 4096);
    kai_err err;
    CHECK_FAILS(bundle_print(LONG, 1, &buf, &err), &err, KAI_INVALID, "sixteen-letters!");
    CHECK_FAILS(bundle_print(NONE, 1, &buf, &err), &err, KAI_INVALID, "section name");
    CHECK_FAILS(bundle_print(TWICE, 2, &buf, &err), &err, KAI_EXISTS, "'a' stands twice");
    CHECK_FAILS(bundle_print(TWICE, 65, &buf, &err), &err, KAI_LIMIT, "64");
    assert_int_equal(buf.size, 0);
    CHECK_OK(bundle_print(TWICE, 0, &buf, &err), &err);
    struct parsed parsed;
    CHECK_OK(parse(buf.data, buf.size, &parsed, &err), &err);
    assert_int_equal(parsed.count, 0);
    buf_release(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bundle__lays_out_what_the_header_says),
        cmocka_unit_test(test_bundle__reads_back),
        cmocka_unit_test(test_bundle__every_flipped_bit_is_found),
        cmocka_unit_test(test_bundle__every_cut_and_every_tail_is_found),
        cmocka_unit_test(test_bundle__a_newer_version_is_told_apart),
        cmocka_unit_test(test_bundle__refuses_bad_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
