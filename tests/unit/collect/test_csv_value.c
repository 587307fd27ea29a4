#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "collect/csv_value.h"
#include "kit/check.h"

static double as_double(struct csv_number number) {
    return number.kind == CSV_INTEGER ? (double)number.integer : number.decimal;
}

static void test_csv_value__numbers_are_the_nearest_doubles(void **state) {
    (void)state;
    struct rng rng;
    int taken = 0;
    rng_init(&rng, 7, "csv value", 0);
    for (int i = 0; i < 100000; i++) {
        char text[128] = "";
        uint64_t bits = rng_u64(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (i % 2) value = (double)(int64_t)bits * pow(10, -(double)(rng_below(&rng, 30)));
        if (!isfinite(value)) continue;
        int digits = (int)rng_below(&rng, 20), size = 0;
        switch (rng_below(&rng, 3)) {
        case 0: size = snprintf(text, sizeof text, "%.*g", digits, value); break;
        case 1: size = snprintf(text, sizeof text, "%.*f", digits, value); break;
        default: size = snprintf(text, sizeof text, "%.*e", digits, value); break;
        }
        if (size < 0 || (size_t)size >= sizeof text / 2) continue;
        struct csv_number number = csv_parse_number(slice_of(text));
        if (!isfinite(strtod(text, NULL))) continue;
        assert_int_not_equal(number.kind, CSV_NO_NUMBER);
        assert_true(as_double(number) == strtod(text, NULL));
        struct csv_number quick = {.is_code = 0};
        quick.kind = csv_quick_number(slice_of(text), &quick.integer, &quick.decimal);
        taken += quick.kind != CSV_NO_NUMBER;
        if (quick.kind == CSV_NO_NUMBER) continue;
        assert_int_equal(quick.kind, number.kind);
        assert_true(as_double(quick) == as_double(number));
    }
    assert_true(taken > 10000);
}

static void test_csv_value__halfway_cases_round_to_even(void **state) {
    (void)state;
    static const char *const TEXTS[] = {"9007199254740993",
                                        "9007199254740993.0",
                                        "900719925474099.35",
                                        "0.5000000000000001110",
                                        "4503599627370496.5",
                                        "4503599627370497.5",
                                        "1.7976931348623157e308",
                                        "5e-324",
                                        "123456789012345678e-5",
                                        "18446744073709551615.5",
                                        "0.0000000000000000001",
                                        "1e22",
                                        "1e23"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++)
        assert_true(as_double(csv_parse_number(slice_of(TEXTS[i]))) == strtod(TEXTS[i], NULL));
}

static void test_csv_value__integers_and_codes(void **state) {
    (void)state;
    struct csv_number number = csv_parse_number(slice_of("-9223372036854775808"));
    assert_int_equal(number.kind, CSV_INTEGER);
    assert_true(number.integer == INT64_MIN && !number.is_code);
    number = csv_parse_number(slice_of("9223372036854775808"));
    assert_int_equal(number.kind, CSV_DECIMAL);
    assert_true(number.is_code);
    number = csv_parse_number(slice_of("00501"));
    assert_true(number.kind == CSV_INTEGER && number.is_code && number.integer == 501);
    assert_false(csv_parse_number(slice_of("0")).is_code);
    assert_false(csv_parse_number(slice_of("0.5")).is_code);
    assert_int_equal(csv_parse_number(slice_of("+7")).integer, 7);
    assert_int_equal(csv_parse_number(slice_of("7.")).kind, CSV_DECIMAL);
    static const char *const BAD[] = {"",     "-",     ".",   "+.",  "1e",   "1e+",
                                      "0x1",  "nan",   "inf", "1 2", "1,5",  "--1",
                                      "1e9e", "1.2.3", "$5",  "5%",  "1e999"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(csv_parse_number(slice_of(BAD[i])).kind, CSV_NO_NUMBER);
}

static void test_csv_value__quick_takes_only_numbers(void **state) {
    (void)state;
    static const char *const BAD[] = {"",          "-",    ".",         "5x",  "00501", "1.2.3",
                                      "1.2x",      "--1",  "1,5",       "1 2", "1-2",   "1e5",
                                      "123456789", "+5",   "12:3",      "1/2", ".5",    "1.+5",
                                      "-.5",       "1.2:", "2020-01-01"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        char text[64] = "";
        int64_t integer;
        double decimal;
        (void)snprintf(text, sizeof text, "%s", BAD[i]);
        assert_int_equal(csv_quick_number(slice_of(text), &integer, &decimal), CSV_NO_NUMBER);
        (void)snprintf(text, sizeof text, "%s999", "7"); /* what follows a field is not of it */
        assert_int_equal(csv_quick_number((struct slice){text, 1}, &integer, &decimal),
                         CSV_NO_NUMBER);
    }
}

static void test_csv_value__times(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int64_t us;
    } GOOD[] = {{"1970-01-01", 0},
                {"1970/1/2", 86400000000},
                {"2016-04-29T18:38:08Z", 1461955088000000},
                {"2016-04-29 18:38:08", 1461955088000000},
                {"2016-04-29T20:38:08+02:00", 1461955088000000},
                {"2016-04-29T16:08:08-0230", 1461955088000000},
                {"2016-04-29T18:38:08.25Z", 1461955088250000},
                {"2016-04-29T18:38:08.1234567", 1461955088123456},
                {"2015/1/5 8:05", 1420445100000000},
                {"1969-12-31T23:59:59Z", -1000000}};
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        int64_t us = 1;
        assert_true(csv_parse_time(slice_of(GOOD[i].text), &us));
        assert_int_equal(us, GOOD[i].us);
    }
    static const char *const BAD[] = {"2016-02-30",
                                      "2016-13-01",
                                      "20160429",
                                      "2016-04/29",
                                      "2016-4-29",
                                      "2016-04-29T",
                                      "2016-04-29x",
                                      "2016-04-29T24:00",
                                      "2016-04-29T10:60",
                                      "0000-01-01",
                                      "2016-04-29T10:00+99:00",
                                      "9999-12-31T23:00-02:00",
                                      "2016-04-29T10:00:00.",
                                      "04/29/2016"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++) {
        int64_t us;
        assert_false(csv_parse_time(slice_of(BAD[i]), &us));
    }
}

static void test_csv_value__markers(void **state) {
    (void)state;
    struct option_list defaults = {0};
    assert_true(csv_is_marker(slice_of("N/A"), &defaults));
    assert_false(csv_is_marker(slice_of("?"), &defaults));
    const char *const OWN[] = {"?"};
    struct option_list own = {OWN, 1};
    assert_true(csv_is_marker(slice_of("?"), &own));
    assert_false(csv_is_marker(slice_of("NA"), &own));
    assert_true(csv_is_weak_marker(slice_of("Unknown")));
    assert_true(csv_is_weak_marker(slice_of("未知")));
    assert_false(csv_is_weak_marker(slice_of("no")));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_value__numbers_are_the_nearest_doubles),
        cmocka_unit_test(test_csv_value__halfway_cases_round_to_even),
        cmocka_unit_test(test_csv_value__integers_and_codes),
        cmocka_unit_test(test_csv_value__quick_takes_only_numbers),
        cmocka_unit_test(test_csv_value__times),
        cmocka_unit_test(test_csv_value__markers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
