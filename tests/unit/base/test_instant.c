#include "base/instant.h"

#include "kit/check.h"

static int64_t parse(const char *text) {
    int64_t us = INT64_MIN;
    return instant_parse(slice_of(text), &us) ? us : INT64_MIN;
}

static void test_instant__reads_the_usual_forms(void **state) {
    (void)state;
    /* by `date -d ... +%s` */
    assert_int_equal(parse("1970-01-01"), 0);
    assert_int_equal(parse("2026-03-01T08:30:05Z"), 1772353805ll * 1000000);
    assert_int_equal(parse("2026-03-01 08:30:05.25+08:00"), 1772325005ll * 1000000 + 250000);
    assert_int_equal(parse("2026-03-01T08:30-0500"), 1772371800ll * 1000000);
    assert_int_equal(parse("1969-12-31T23:59:59Z"), -1000000);
}

static void test_instant__refuses_what_is_none(void **state) {
    (void)state;
    static const char *const WRONG[] = {"",
                                        "2026",
                                        "2026-13-01",
                                        "2026-02-30",
                                        "2026-03-01T",
                                        "2026-03-01T25:00",
                                        "2026-03-01T08:61",
                                        "2026-03-01T08:30:05.",
                                        "2026-03-01T08:30Zx",
                                        "26-03-01"};
    for (size_t i = 0; i < sizeof WRONG / sizeof *WRONG; i++)
        assert_int_equal(parse(WRONG[i]), INT64_MIN);
}

static void test_instant__prints_what_it_reads(void **state) {
    (void)state;
    static const int64_t MOMENTS[] = {
        0, -1, 1772353805250000, -62167219200000000, 253402300799999999, 951782400000000};
    char text[INSTANT_TEXT_BYTES];
    for (size_t i = 0; i < sizeof MOMENTS / sizeof *MOMENTS; i++) {
        instant_print(MOMENTS[i], text);
        assert_int_equal(parse(text), MOMENTS[i]);
    }
    instant_print(951782400000000, text);
    assert_string_equal(text, "2000-02-29T00:00:00Z");
    instant_print(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999999Z");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_instant__reads_the_usual_forms),
        cmocka_unit_test(test_instant__refuses_what_is_none),
        cmocka_unit_test(test_instant__prints_what_it_reads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
