#include "base/text.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct slice slice_of(const char *text) {
    return (struct slice){text, strlen(text)};
}

static int is_blank(char c) { return c == ' ' || c == '\t'; }

struct slice slice_trim(struct slice text) {
    while (text.size && is_blank(text.data[0])) text.data++, text.size--;
    while (text.size && is_blank(text.data[text.size - 1])) text.size--;
    return text;
}

int slice_equal(struct slice a, struct slice b) {
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

int slice_equal_text(struct slice a, const char *text) { return slice_equal(a, slice_of(text)); }

static char lower(char c) { return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c; }

int slice_equal_case(struct slice a, const char *text) {
    for (size_t i = 0; i < a.size; i++, text++)
        if (!*text || lower(a.data[i]) != lower(*text)) return 0;
    return *text == '\0';
}

static int is_digit(char c) { return c >= '0' && c <= '9'; }

/* Sign, digits with at most one point and at least one digit, exponent. */
static int looks_like_number(struct slice text) {
    size_t i = 0;
    if (i < text.size && (text.data[i] == '-' || text.data[i] == '+')) i++;
    size_t digits = 0, points = 0;
    for (; i < text.size && (is_digit(text.data[i]) || text.data[i] == '.'); i++) {
        if (text.data[i] == '.')
            points++;
        else
            digits++;
    }
    if (digits == 0 || points > 1) return 0;
    if (i == text.size) return 1;
    if (text.data[i] != 'e' && text.data[i] != 'E') return 0;
    i++;
    if (i < text.size && (text.data[i] == '-' || text.data[i] == '+')) i++;
    size_t first = i;
    while (i < text.size && is_digit(text.data[i])) i++;
    return i == text.size && i > first;
}

/* Up to 15 digits and a small power of ten are exact in double arithmetic (Clinger 1990), which
 * covers nearly every field of a table; the rest goes to strtod. */
static int parse_short_decimal(struct slice text, double *ret_value) {
    static const double POWERS[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
    size_t i = 0;
    int is_negative = 0;
    if (text.size && (text.data[0] == '-' || text.data[0] == '+'))
        is_negative = text.data[i++] == '-';
    if (text.size - i > 16) return 0;
    uint64_t digits = 0;
    int count = 0, decimals = 0, has_point = 0;
    for (; i < text.size; i++) {
        char c = text.data[i];
        if (c == '.' && !has_point) {
            has_point = 1;
        } else if (is_digit(c)) {
            digits = digits * 10 + (uint64_t)(c - '0');
            count++;
            decimals += has_point;
        } else {
            return 0;
        }
    }
    if (count == 0 || count > 15) return 0;
    double value = (double)digits / POWERS[decimals];
    *ret_value = is_negative ? -value : value;
    return 1;
}

/* strtod reads the decimal point of the locale; the C locale is asked for by name. */
static double read_c_locale(const char *text) {
    locale_t c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    if (!c_locale) return strtod(text, NULL);
    locale_t before = uselocale(c_locale);
    double value = strtod(text, NULL);
    (void)uselocale(before);
    freelocale(c_locale);
    return value;
}

int text_parse_f64(struct slice text, double *ret_value) {
    if (parse_short_decimal(text, ret_value)) return 1;
    char copy[400]; /* longer digits strings are not numbers that people write */
    if (text.size >= sizeof copy || !looks_like_number(text)) return 0;
    memcpy(copy, text.data, text.size);
    copy[text.size] = '\0';
    double value = read_c_locale(copy);
    if (!isfinite(value)) return 0;
    *ret_value = value;
    return 1;
}

int text_parse_i64(struct slice text, int64_t *ret_value) {
    size_t i = 0;
    int is_negative = 0;
    if (text.size && (text.data[0] == '-' || text.data[0] == '+'))
        is_negative = text.data[i++] == '-';
    if (i == text.size) return 0;
    int64_t value = 0;
    for (; i < text.size; i++) {
        if (!is_digit(text.data[i])) return 0;
        int digit = text.data[i] - '0';
        if (__builtin_mul_overflow(value, (int64_t)10, &value)) return 0;
        if (__builtin_sub_overflow(value, (int64_t)digit, &value)) return 0;
    }
    /* gathered as a negative number, which reaches one further */
    if (!is_negative && value == INT64_MIN) return 0;
    *ret_value = is_negative ? value : -value;
    return 1;
}

int text_parse_flag(struct slice text, int *ret_value) {
    static const char *const YES[] = {"1", "true", "yes", "on", "y", "t"};
    static const char *const NO[] = {"0", "false", "no", "off", "n", "f"};
    for (size_t i = 0; i < sizeof YES / sizeof *YES; i++) {
        if (slice_equal_case(text, YES[i])) return *ret_value = 1, 1;
        if (slice_equal_case(text, NO[i])) return *ret_value = 0, 1;
    }
    return 0;
}

/* Digits with at most `decimals` (trailing zeros dropped) behind the point. */
static int print_fixed(int64_t scaled, int is_negative, int decimals, char *ret_text) {
    char digits[24];
    int n = 0, length = 0;
    while (decimals > 0 && scaled % 10 == 0) scaled /= 10, decimals--;
    for (; scaled > 0 || n <= decimals; scaled /= 10) digits[n++] = (char)('0' + scaled % 10);
    if (is_negative) ret_text[length++] = '-';
    while (n > 0) {
        if (n == decimals) ret_text[length++] = '.';
        ret_text[length++] = digits[--n];
    }
    ret_text[length] = '\0';
    return length;
}

/* "1e-09" and a locale's "1,5" as "1e-9" and "1.5". */
static int tidy_number(char *text) {
    int length = 0;
    for (const char *at = text; *at; at++) {
        int is_digit_or_sign = is_digit(*at) || *at == '-';
        text[length++] = is_digit_or_sign || *at == 'e' ? *at : '.';
        if (*at != 'e') continue;
        if (at[1] == '-') text[length++] = '-';
        at += at[1] == '-' || at[1] == '+';
        while (at[1] == '0' && at[2]) at++;
    }
    text[length] = '\0';
    return length;
}

int text_print_f64(double value, char ret_text[TEXT_NUMBER_BYTES]) {
    if (!isfinite(value)) return snprintf(ret_text, TEXT_NUMBER_BYTES, "null");
    if (value == 0) return snprintf(ret_text, TEXT_NUMBER_BYTES, "0"); /* no "-0" */
    /* Most numbers are whole or have few decimals. At most 15 digits that read back equal are the
     * shortest, because two decimals of 15 digits never share a double. */
    double size = fabs(value);
    if (size < 1e15 && size == floor(size))
        return print_fixed((int64_t)size, value < 0, 0, ret_text);
    if (size >= 1e-3 && size < 1e9) {
        double scaled = nearbyint(size * 1e6);
        if (scaled / 1e6 == size) return print_fixed((int64_t)scaled, value < 0, 6, ret_text);
    }
    for (int digits = 15; digits <= 17; digits++) { /* %g cuts the zeros of a shorter one */
        (void)snprintf(ret_text, TEXT_NUMBER_BYTES, "%.*g", digits, value); /* 24 at most */
        if (strtod(ret_text, NULL) == value) break;
    }
    return tidy_number(ret_text);
}

/* Length of the valid sequence at bytes, or 0. */
static size_t utf8_sequence(const unsigned char *bytes, size_t n) {
    unsigned char first = bytes[0];
    if (first < 0x80) return 1;
    size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || n < length) return 0;
    unsigned char low = 0x80, high = 0xbf; /* of the second byte: no overlong form, no surrogate */
    if (first == 0xe0) low = 0xa0;
    if (first == 0xed) high = 0x9f;
    if (first == 0xf0) low = 0x90;
    if (first == 0xf4) high = 0x8f;
    if (bytes[1] < low || bytes[1] > high) return 0;
    for (size_t i = 2; i < length; i++)
        if (bytes[i] < 0x80 || bytes[i] > 0xbf) return 0;
    return length;
}

size_t text_utf8_valid(const char *bytes, size_t n) {
    size_t at = 0;
    while (at < n) {
        size_t length = utf8_sequence((const unsigned char *)bytes + at, n - at);
        if (length == 0) return at;
        at += length;
    }
    return n;
}

/* Hinnant, "chrono-Compatible Low-Level Date Algorithms": years begin in March, eras of 400. */
int text_days_from_date(int year, int month, int day, int64_t *ret_days) {
    static const int LENGTHS[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (month < 1 || month > 12 || day < 1 || day > LENGTHS[month - 1]) return 0;
    int is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (month == 2 && day == 29 && !is_leap) return 0;
    int64_t y = month <= 2 ? (int64_t)year - 1 : year;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t year_of_era = y - era * 400;
    int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    *ret_days = era * 146097 + day_of_era - 719468;
    return 1;
}

void text_date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t day_of_era = days - era * 146097;
    int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    int64_t day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    int64_t shifted = (5 * day_of_year + 2) / 153;
    *ret_day = (int)(day_of_year - (153 * shifted + 2) / 5 + 1);
    *ret_month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
    *ret_year = (int)(year_of_era + era * 400 + (*ret_month <= 2));
}
