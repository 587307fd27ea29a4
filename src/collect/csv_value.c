#include "collect/csv_value.h"

#include <string.h>

/* Digits. A field is gathered as an integer of at most 19 digits and a power of ten.
 * m < 2^53 and |power| <= 22: both are exact doubles and one operation rounds once (Clinger 1990).
 * m < 2^64 and -19 <= power < 0: one division of 128 by 64 bits gives at least 62 bits of the
 * quotient, the remainder tells whether anything follows them, and the conversion to double rounds
 * once. That covers what "%.17g" writes; the rest goes to base/text.h. */

__extension__ typedef unsigned __int128 wide;

enum { DIGITS_MAX = 19, POWER_MAX = 19, EXACT_POWER_MAX = 22 };

static const uint64_t POWERS[POWER_MAX + 1] = {1ull,
                                               10ull,
                                               100ull,
                                               1000ull,
                                               10000ull,
                                               100000ull,
                                               1000000ull,
                                               10000000ull,
                                               100000000ull,
                                               1000000000ull,
                                               10000000000ull,
                                               100000000000ull,
                                               1000000000000ull,
                                               10000000000000ull,
                                               100000000000000ull,
                                               1000000000000000ull,
                                               10000000000000000ull,
                                               100000000000000000ull,
                                               1000000000000000000ull,
                                               10000000000000000000ull};

static const double EXACT_POWERS[EXACT_POWER_MAX + 1] = {
    1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
    1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

static double power_of_two(int exponent) {
    uint64_t bits = (uint64_t)(1023 + exponent) << 52;
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* digits / 10^power, rounded once. */
static double divide(uint64_t digits, int power) {
    int shift_digits = __builtin_clzll(digits);
    int shift_power = __builtin_clzll(POWERS[power]);
    wide numerator = (wide)(digits << shift_digits) << 63;
    uint64_t divisor = POWERS[power] << shift_power;
    uint64_t quotient = (uint64_t)(numerator / divisor);
    quotient |= numerator % divisor != 0;
    return (double)quotient * power_of_two(shift_power - shift_digits - 63);
}

/* 1 where the value is exact to the last bit. */
static int scale(uint64_t digits, int power, double *ret_value) {
    if (digits < (1ull << 53) && power >= -EXACT_POWER_MAX && power <= EXACT_POWER_MAX) {
        double value = (double)digits;
        *ret_value = power < 0 ? value / EXACT_POWERS[-power] : value * EXACT_POWERS[power];
        return 1;
    }
    if (power >= 0 || power < -POWER_MAX) return 0;
    *ret_value = divide(digits, -power);
    return 1;
}

static int is_digit(char c) { return (unsigned char)(c - '0') < 10; }

/* What a text of digits gathers to. */
struct digits {
    uint64_t value;
    int significant; /* after leading zeros */
    int decimals;
    int power; /* of the written exponent */
};

/* The rest of a number from its point or exponent on; 1 where it is one. */
static int gather_rest(const char *at, const char *end, int has_digits, struct digits *digits) {
    if (at < end && *at == '.') {
        for (at++; at < end && is_digit(*at); at++) {
            digits->value = digits->value * 10 + (uint64_t)(*at - '0');
            digits->significant += digits->significant > 0 || *at != '0';
            digits->decimals++;
            has_digits = 1;
        }
    }
    if (!has_digits) return 0;
    if (at == end) return 1;
    if (*at != 'e' && *at != 'E') return 0;
    at++;
    int is_negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    if (at == end) return 0;
    for (; at < end && is_digit(*at); at++)
        if (digits->power < 10000) digits->power = digits->power * 10 + (*at - '0');
    if (is_negative) digits->power = -digits->power;
    return at == end;
}

static struct csv_number parse_decimal(struct slice text, const char *at, int is_negative,
                                       int has_digits, struct digits digits) {
    struct csv_number number = {.kind = CSV_NO_NUMBER};
    if (!gather_rest(at, text.data + text.size, has_digits, &digits)) return number;
    double value;
    int power = digits.power - digits.decimals;
    if (digits.significant <= DIGITS_MAX && scale(digits.value, power, &value))
        number.decimal = is_negative ? -value : value;
    else if (!text_parse_f64(text, &number.decimal))
        return number;
    number.kind = CSV_DECIMAL;
    return number;
}

struct csv_number csv_parse_number(struct slice text) {
    struct csv_number number = {.kind = CSV_NO_NUMBER};
    const char *at = text.data, *end = text.data + text.size;
    int is_negative = at < end && *at == '-';
    at += at < end && (*at == '-' || *at == '+');
    const char *first = at;
    struct digits digits = {0};
    for (; at < end && is_digit(*at); at++) {
        digits.value = digits.value * 10 + (uint64_t)(*at - '0');
        digits.significant += digits.significant > 0 || *at != '0';
    }
    int count = (int)(at - first);
    if (at < end) return parse_decimal(text, at, is_negative, count > 0, digits);
    if (count == 0) return number;
    number.is_code = count > 1 && *first == '0';
    if (digits.significant < DIGITS_MAX) {
        number.integer = is_negative ? -(int64_t)digits.value : (int64_t)digits.value;
        number.kind = CSV_INTEGER;
    } else if (text_parse_i64(text, &number.integer)) {
        number.kind = CSV_INTEGER;
    } else if (text_parse_f64(text, &number.decimal)) {
        number.kind = CSV_DECIMAL;
        number.is_code = 1;
    }
    return number;
}

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__

/* How many of the eight bytes at `at` are digits before the first other, and their value: the
 * digits are moved up so that zeros precede them, then added in pairs, fours and eights (the
 * multiplication trick of Lemire, "Quickly parsing eight digits", 2018). */
static unsigned take_eight(const char *at, uint64_t *ret_value) {
    uint64_t word;
    memcpy(&word, at, sizeof word);
    word ^= 0x3030303030303030ull;
    uint64_t other = ((word + 0x7676767676767676ull) | word) & 0x8080808080808080ull;
    unsigned count = other ? (unsigned)__builtin_ctzll(other) >> 3 : 8;
    word = count ? word << (64 - 8 * count) : 0;
    word = word * 10 + (word >> 8);
    *ret_value = ((word & 0x000000ff000000ffull) * 0x000f424000000064ull +
                  ((word >> 16) & 0x000000ff000000ffull) * 0x0000271000000001ull) >>
                 32;
    return count;
}

enum csv_number_kind csv_quick_number(struct slice text, int64_t *ret_integer,
                                      double *ret_decimal) {
    enum { QUICK_BYTES = 24 };
    const char *at = text.data, *end = at + text.size;
    uint64_t digits, more;
    if (text.size == 0 || text.size > QUICK_BYTES) return CSV_NO_NUMBER;
    int is_negative = *at == '-';
    at += is_negative;
    unsigned whole = take_eight(at, &digits);
    if (whole == 0 || (whole > 1 && *at == '0')) return CSV_NO_NUMBER;
    at += whole;
    if (at == end) {
        *ret_integer = is_negative ? -(int64_t)digits : (int64_t)digits;
        return CSV_INTEGER;
    }
    if (*at++ != '.') return CSV_NO_NUMBER;
    int decimals = 0;
    for (unsigned count = 8; count == 8 && at < end; at += count, decimals += (int)count) {
        count = take_eight(at, &more);
        if (__builtin_mul_overflow(digits, POWERS[count], &digits) ||
            __builtin_add_overflow(digits, more, &digits))
            return CSV_NO_NUMBER;
    }
    if (at != end || !scale(digits, -decimals, ret_decimal)) return CSV_NO_NUMBER;
    if (is_negative) *ret_decimal = -*ret_decimal;
    return CSV_DECIMAL;
}

#else

enum csv_number_kind csv_quick_number(struct slice text, int64_t *ret_integer,
                                      double *ret_decimal) {
    (void)text, (void)ret_integer, (void)ret_decimal;
    return CSV_NO_NUMBER;
}

#endif

/* `count_min` to `count_max` digits; moves *at past them; -1 where there are fewer. */
static int take_digits(const char **at, const char *end, int count_min, int count_max) {
    int value = 0, count = 0;
    while (count < count_max && *at < end && is_digit(**at)) {
        value = value * 10 + (**at - '0');
        (*at)++;
        count++;
    }
    return count >= count_min ? value : -1;
}

static int take_char(const char **at, const char *end, char c) {
    if (*at == end || **at != c) return 0;
    (*at)++;
    return 1;
}

static int take_fraction(const char **at, const char *end) {
    int us = 0, count = 0;
    for (; *at < end && is_digit(**at); (*at)++, count++)
        if (count < 6) us = us * 10 + (**at - '0');
    for (int i = count; i < 6; i++) us *= 10;
    return count ? us : -1;
}

/* hh:mm[:ss[.f]], moves *at past it; microseconds, or -1. */
static int64_t take_clock(const char **at, const char *end) {
    int hour = take_digits(at, end, 1, 2), second = 0, us = 0;
    if (hour < 0 || hour > 23 || !take_char(at, end, ':')) return -1;
    int minute = take_digits(at, end, 2, 2);
    if (minute < 0 || minute > 59) return -1;
    if (take_char(at, end, ':')) {
        second = take_digits(at, end, 2, 2);
        if (second < 0 || second > 59) return -1;
        if (take_char(at, end, '.')) us = take_fraction(at, end);
        if (us < 0) return -1;
    }
    return ((hour * 60 + minute) * 60ll + second) * 1000000 + us;
}

/* Z, or an offset as +hh, +hhmm, +hh:mm; 1 where it is one or nothing is left. */
static int take_offset(const char **at, const char *end, int64_t *ret_minutes) {
    *ret_minutes = 0;
    if (*at == end || take_char(at, end, 'Z') || take_char(at, end, 'z')) return 1;
    int is_negative = **at == '-';
    if (!take_char(at, end, '+') && !take_char(at, end, '-')) return 0;
    int hours = take_digits(at, end, 2, 2), minutes = 0;
    if (hours < 0 || hours > 14) return 0;
    if (take_char(at, end, ':') || *at < end) minutes = take_digits(at, end, 2, 2);
    if (minutes < 0 || minutes > 59) return 0;
    *ret_minutes = (is_negative ? -1 : 1) * (hours * 60 + minutes);
    return 1;
}

int csv_parse_time(struct slice text, int64_t *ret_us) {
    enum { SHORTEST = 8, LONGEST = 40 };
    static const int64_t DAY_US = 86400ll * 1000000;
    static const int64_t LOW_DAY = -719162, HIGH_DAY = 2932896; /* 0001-01-01, 9999-12-31 */
    if (text.size < SHORTEST || text.size > LONGEST) return 0;
    const char *at = text.data, *end = text.data + text.size;
    if (at[4] != '-' && at[4] != '/') return 0;
    char separator = at[4];
    int digits_min = separator == '/' ? 1 : 2;
    int year = take_digits(&at, end, 4, 4);
    if (year < 0 || !take_char(&at, end, separator)) return 0;
    int month = take_digits(&at, end, digits_min, 2);
    if (month < 0 || !take_char(&at, end, separator)) return 0;
    int day = take_digits(&at, end, digits_min, 2);
    int64_t days, clock = 0, offset = 0;
    if (day < 0 || !text_days_from_date(year, month, day, &days)) return 0;
    if (take_char(&at, end, 'T') || take_char(&at, end, ' ')) {
        clock = take_clock(&at, end);
        if (clock < 0 || !take_offset(&at, end, &offset)) return 0;
    }
    if (at != end) return 0;
    int64_t us = days * DAY_US + clock - offset * 60 * 1000000;
    if (us < LOW_DAY * DAY_US || us >= (HIGH_DAY + 1) * DAY_US) return 0;
    *ret_us = us;
    return 1;
}

int csv_is_marker(struct slice text, const struct option_list *markers) {
    static const char *const DEFAULTS[] = {"NA", "N/A", "NULL", "null", "NaN", "nan"};
    static const struct option_list DEFAULT_LIST = {DEFAULTS, sizeof DEFAULTS / sizeof *DEFAULTS};
    if (markers->count == 0) markers = &DEFAULT_LIST;
    for (int64_t i = 0; i < markers->count; i++)
        if (slice_equal_text(text, markers->items[i])) return 1;
    return 0;
}

int csv_is_weak_marker(struct slice text) {
    static const char *const WEAK[] = {"?",    "-",    "--",   ".",    "unknown", "missing",
                                       "n.a.", "#n/a", "未知", "缺失", "无"};
    for (size_t i = 0; i < sizeof WEAK / sizeof *WEAK; i++)
        if (slice_equal_case(text, WEAK[i])) return 1;
    return 0;
}
