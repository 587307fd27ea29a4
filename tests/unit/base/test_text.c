#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/rng.h"
#include "base/text.h"
#include "kit/check.h"

static void test_text__slices(void **state) {
    (void)state;
    assert_true(slice_equal_text(slice_trim(slice_of(" \t a b\t ")), "a b"));
    assert_int_equal(slice_trim(slice_of(" \t ")).size, 0);
    assert_true(slice_equal((struct slice){NULL, 0}, slice_of("")));
    assert_false(slice_equal_text(slice_of("ab"), "abc"));
    assert_true(slice_equal_case(slice_of("YeS"), "yes"));
    assert_false(slice_equal_case(slice_of("ye"), "yes"));
    assert_false(slice_equal_case(slice_of("yes"), "ye"));
}

static void test_text__numbers_are_strict(void **state) {
    (void)state;
    static const char *const BAD[] = {"",      "-",    ".",   "+.",    "1e", "1e+",
                                      "0x10",  "nan",  "inf", "1 ",    " 1", "1,5",
                                      "1.2.3", "1e5x", "--1", "1e999", "e5", "1_0"};
    static const struct {
        const char *text;
        double value;
    } GOOD[] = {{"0", 0},
                {"-0", 0},
                {"1.", 1},
                {".5", 0.5},
                {"+7", 7},
                {"1e3", 1e3},
                {"1E-2", 0.01},
                {"007", 7},
                {"-12.75", -12.75},
                {"0.1", 0.1},
                {"123456789012345678", 123456789012345678.0},
                {"1e-400", 0}};
    double value;
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(text_parse_f64(slice_of(BAD[i]), &value), 0);
    for (size_t i = 0; i < sizeof GOOD / sizeof *GOOD; i++) {
        assert_int_equal(text_parse_f64(slice_of(GOOD[i].text), &value), 1);
        assert_true(value == GOOD[i].value);
    }
    assert_int_equal(text_parse_f64((struct slice){"12x", 2}, &value), 1); /* not terminated */
    assert_true(value == 12);
}

/* Short decimals take a path of their own; strtod is the truth. */
static void test_text__numbers_equal_strtod(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, "decimals", 0);
    for (int i = 0; i < 100000; i++) {
        char text[64];
        int decimals = (int)rng_below(&rng, 16);
        double scale = pow(10, (double)rng_below(&rng, 15) - 7);
        (void)snprintf(text, sizeof text, "%.*f", decimals, rng_normal(&rng) * scale);
        double value = NAN;
        assert_int_equal(text_parse_f64(slice_of(text), &value), 1);
        assert_true(value == strtod(text, NULL));
    }
}

static void test_text__integers_reach_both_ends(void **state) {
    (void)state;
    int64_t value;
    assert_int_equal(text_parse_i64(slice_of("9223372036854775807"), &value), 1);
    assert_true(value == INT64_MAX);
    assert_int_equal(text_parse_i64(slice_of("-9223372036854775808"), &value), 1);
    assert_true(value == INT64_MIN);
    static const char *const BAD[] = {
        "9223372036854775808", "-9223372036854775809", "", "+", "1.0", "1e3",
        "99999999999999999999"};
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        assert_int_equal(text_parse_i64(slice_of(BAD[i]), &value), 0);
}

static void test_text__flags(void **state) {
    (void)state;
    int value;
    assert_true(text_parse_flag(slice_of("Yes"), &value) && value == 1);
    assert_true(text_parse_flag(slice_of("F"), &value) && value == 0);
    assert_false(text_parse_flag(slice_of("2"), &value));
    assert_false(text_parse_flag(slice_of(""), &value));
}

static int significant_digits(const char *text) {
    char digits[40];
    int n = 0;
    for (const char *at = text; *at && *at != 'e'; at++)
        if (*at >= '0' && *at <= '9' && (n > 0 || *at != '0')) digits[n++] = *at;
    while (n > 0 && digits[n - 1] == '0') n--;
    return n;
}

static void check_shortest(double value) {
    char text[TEXT_NUMBER_BYTES], trial[40];
    int n = text_print_f64(value, text);
    assert_int_equal(n, strlen(text));
    assert_true(n < TEXT_NUMBER_BYTES);
    assert_true(strtod(text, NULL) == value);
    int digits = 1;
    for (; digits < 17; digits++) {
        (void)snprintf(trial, sizeof trial, "%.*e", digits - 1, value);
        if (strtod(trial, NULL) == value) break;
    }
    assert_true(significant_digits(text) <= digits || fabs(value) < 1e-300);
    double again = NAN;
    assert_int_equal(text_parse_f64(slice_of(text), &again), 1);
    assert_true(again == value);
}

static void test_text__prints_the_shortest_that_reads_back(void **state) {
    (void)state;
    static const struct {
        double value;
        const char *text;
    } CASES[] = {{0.1, "0.1"},
                 {1e-9, "1e-9"},
                 {12, "12"},
                 {10, "10"},
                 {-0.0, "0"},
                 {-2500, "-2500"},
                 {1e6, "1000000"},
                 {1e21, "1e21"},
                 {1.5e-5, "1.5e-5"},
                 {0.08, "0.08"},
                 {-0.000125, "-0.000125"},
                 {1.0 / 3, "0.3333333333333333"},
                 {123456.789, "123456.789"},
                 {NAN, "null"},
                 {INFINITY, "null"},
                 {1e-3, "0.001"},
                 {1e15, "1e15"}};
    char text[TEXT_NUMBER_BYTES];
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        (void)text_print_f64(CASES[i].value, text); /* length is checked below */
        assert_string_equal(text, CASES[i].text);
    }
    struct rng rng;
    rng_init(&rng, 2, "bits", 0);
    for (int i = 0; i < 30000; i++) {
        uint64_t bits = rng_u64(&rng);
        double value;
        memcpy(&value, &bits, sizeof value);
        if (isfinite(value)) check_shortest(value);
        check_shortest(rng_normal(&rng) * 1000);
        check_shortest(round(rng_normal(&rng) * 1e5) / 100);
        check_shortest(round(rng_normal(&rng) * 1e9) / 1e6);
    }
}

static void test_text__no_locale_changes_numbers(void **state) {
    (void)state;
    static const char *const NAMES[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "de_DE", "ru_RU.UTF-8"};
    const char *found = NULL;
    for (size_t i = 0; !found && i < sizeof NAMES / sizeof *NAMES; i++)
        found = setlocale(LC_NUMERIC, NAMES[i]);
    if (!found) skip(); /* no such locale on this machine */
    char text[TEXT_NUMBER_BYTES];
    (void)text_print_f64(1.0 / 3, text); /* length is not needed */
    assert_string_equal(text, "0.3333333333333333");
    double value = 0;
    assert_int_equal(text_parse_f64(slice_of("0.33333333333333331"), &value), 1);
    assert_true(value == 1.0 / 3);
    (void)setlocale(LC_NUMERIC, "C");
}

/* RFC 3629 by decoding: length from the first byte, then the value must need that length. */
static int is_valid_by_decoding(const unsigned char *bytes, size_t n) {
    static const uint32_t LOWEST[] = {0, 0, 0x80, 0x800, 0x10000};
    size_t length = bytes[0] < 0x80       ? 1
                    : bytes[0] >> 5 == 6  ? 2
                    : bytes[0] >> 4 == 14 ? 3
                    : bytes[0] >> 3 == 30 ? 4
                                          : 0;
    if (length == 0 || length != n) return 0;
    uint32_t value = length == 1 ? bytes[0] : bytes[0] & (0x7fu >> length);
    for (size_t i = 1; i < length; i++) {
        if (bytes[i] >> 6 != 2) return 0;
        value = value << 6 | (bytes[i] & 63);
    }
    return value >= LOWEST[length] && value <= 0x10ffff && !(value >= 0xd800 && value <= 0xdfff);
}

static void test_text__utf8_equals_decoding(void **state) {
    (void)state;
    for (uint32_t i = 0; i < 1u << 24; i += i < 1u << 16 ? 1 : 7) {
        unsigned char bytes[4] = {(unsigned char)(i >> 16), (unsigned char)(i >> 8),
                                  (unsigned char)i};
        if (bytes[0] < 0xe0 || bytes[0] >= 0xf0) continue;
        assert_int_equal(text_utf8_valid((const char *)bytes, 3) == 3,
                         is_valid_by_decoding(bytes, 3));
    }
    for (uint32_t i = 0; i < 1u << 16; i++) {
        unsigned char two[2] = {(unsigned char)(i >> 8), (unsigned char)i};
        unsigned char four[4] = {(unsigned char)(0xf0 + (i >> 12) % 16), (unsigned char)(i >> 4),
                                 (unsigned char)(0x80 | (i & 15)), 0xbf};
        int are_two = two[0] < 0x80 ? two[1] < 0x80 : is_valid_by_decoding(two, 2);
        assert_int_equal(text_utf8_valid((const char *)two, 2) == 2, are_two);
        assert_int_equal(text_utf8_valid((const char *)four, 4) == 4,
                         is_valid_by_decoding(four, 4));
    }
}

static void test_text__utf8_names_the_first_bad_byte(void **state) {
    (void)state;
    assert_int_equal(text_utf8_valid("ab\xc3\xa9", 4), 4);
    assert_int_equal(text_utf8_valid("ab\xc3\xa9", 3), 2); /* cut */
    assert_int_equal(text_utf8_valid("a\xffz", 3), 1);
    assert_int_equal(text_utf8_valid("", 0), 0);
}

static void test_text__dates_equal_the_c_library(void **state) {
    (void)state;
    for (int64_t days = -800000; days < 800000; days += 97) {
        time_t seconds = (time_t)(days * 86400);
        struct tm tm;
        assert_non_null(gmtime_r(&seconds, &tm));
        int year, month, day;
        text_date_from_days(days, &year, &month, &day);
        assert_int_equal(year, tm.tm_year + 1900);
        assert_int_equal(month, tm.tm_mon + 1);
        assert_int_equal(day, tm.tm_mday);
        int64_t back;
        assert_int_equal(text_days_from_date(year, month, day, &back), 1);
        assert_int_equal(back, days);
    }
}

static void test_text__dates_that_are_none(void **state) {
    (void)state;
    static const int CASES[][3] = {{2023, 2, 29}, {1900, 2, 29}, {2024, 13, 1}, {2024, 0, 1},
                                   {2024, 4, 31}, {2024, 1, 0},  {2024, 1, 32}};
    int64_t days = 0;
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++)
        assert_int_equal(text_days_from_date(CASES[i][0], CASES[i][1], CASES[i][2], &days), 0);
    assert_int_equal(text_days_from_date(2000, 2, 29, &days), 1);
    assert_int_equal(days, 11016);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text__slices),
        cmocka_unit_test(test_text__numbers_are_strict),
        cmocka_unit_test(test_text__numbers_equal_strtod),
        cmocka_unit_test(test_text__integers_reach_both_ends),
        cmocka_unit_test(test_text__flags),
        cmocka_unit_test(test_text__prints_the_shortest_that_reads_back),
        cmocka_unit_test(test_text__no_locale_changes_numbers),
        cmocka_unit_test(test_text__utf8_equals_decoding),
        cmocka_unit_test(test_text__utf8_names_the_first_bad_byte),
        cmocka_unit_test(test_text__dates_equal_the_c_library),
        cmocka_unit_test(test_text__dates_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
