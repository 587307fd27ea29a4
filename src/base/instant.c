#include "base/instant.h"

#include <stdio.h>

enum { SECOND_US = 1000000 };

int instant_print(int64_t time_us, char ret_text[INSTANT_TEXT_BYTES]) {
    const int64_t low = -719528ll * INSTANT_DAY_US, high = 2932897ll * INSTANT_DAY_US - 1;
    if (time_us < low) time_us = low;
    if (time_us > high) time_us = high;
    int64_t days = time_us / INSTANT_DAY_US, rest = time_us % INSTANT_DAY_US;
    if (rest < 0) {
        rest += INSTANT_DAY_US;
        days--;
    }
    int year = 0, month = 0, day = 0;
    text_date_from_days(days, &year, &month, &day);
    int second = (int)(rest / SECOND_US), us = (int)(rest % SECOND_US);
    char fraction[16] = "";
    if (us) (void)snprintf(fraction, sizeof fraction, ".%06d", us); /* fits: 7 bytes */
    return snprintf(ret_text, INSTANT_TEXT_BYTES, "%04u-%02u-%02uT%02u:%02u:%02u%sZ",
                    (unsigned)year % 10000u, (unsigned)month % 100u, (unsigned)day % 100u,
                    (unsigned)second / 3600u % 100u, (unsigned)second / 60u % 60u,
                    (unsigned)second % 60u, fraction);
}

/* `digits` digits as a number, or -1; *text moves behind them. */
static int take_number(struct slice *text, size_t digits) {
    int value = 0;
    if (text->size < digits) return -1;
    for (size_t i = 0; i < digits; i++) {
        if (text->data[i] < '0' || text->data[i] > '9') return -1;
        value = 10 * value + (text->data[i] - '0');
    }
    *text = (struct slice){text->data + digits, text->size - digits};
    return value;
}

static int take_mark(struct slice *text, char mark) {
    if (!text->size || text->data[0] != mark) return 0;
    *text = (struct slice){text->data + 1, text->size - 1};
    return 1;
}

/* Decimals of a second; what is finer than a microsecond is cut. */
static int take_fraction(struct slice *text, int64_t *us) {
    int scale = SECOND_US / 10, count = 0;
    for (int digit; (digit = take_number(text, 1)) >= 0; scale /= 10, count++)
        *us += (int64_t)digit * scale;
    return count > 0;
}

static int take_clock(struct slice *text, int64_t *us) {
    int hour = take_number(text, 2);
    if (hour < 0 || hour > 23 || !take_mark(text, ':')) return 0;
    int minute = take_number(text, 2), second = 0;
    if (minute < 0 || minute > 59) return 0;
    if (take_mark(text, ':')) {
        second = take_number(text, 2);
        if (second < 0 || second > 60) return 0; /* 60: a leap second */
    }
    *us = ((int64_t)hour * 3600 + (int64_t)minute * 60 + second) * SECOND_US;
    return take_mark(text, '.') ? take_fraction(text, us) : 1;
}

static int take_offset(struct slice *text, int64_t *us) {
    if (take_mark(text, 'Z') || take_mark(text, 'z')) return 1;
    int sign = take_mark(text, '+') ? 1 : take_mark(text, '-') ? -1 : 0;
    if (!sign) return 1;
    int hour = take_number(text, 2);
    (void)take_mark(text, ':'); /* both forms are usual */
    int minute = take_number(text, 2);
    if (hour < 0 || hour > 23 || minute < 0 || minute > 59) return 0;
    *us = sign * ((int64_t)hour * 3600 + (int64_t)minute * 60) * SECOND_US;
    return 1;
}

int instant_parse(struct slice text, int64_t *ret_time_us) {
    int64_t days = 0, clock = 0, offset = 0;
    int year = take_number(&text, 4);
    if (year < 0 || !take_mark(&text, '-')) return 0;
    int month = take_number(&text, 2);
    if (month < 0 || !take_mark(&text, '-')) return 0;
    int day = take_number(&text, 2);
    if (day < 0 || !text_days_from_date(year, month, day, &days)) return 0;
    if (take_mark(&text, 'T') || take_mark(&text, ' ') || take_mark(&text, 't'))
        if (!take_clock(&text, &clock) || !take_offset(&text, &offset)) return 0;
    if (text.size) return 0;
    *ret_time_us = days * INSTANT_DAY_US + clock - offset;
    return 1;
}
