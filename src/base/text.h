/* Text: UTF-8 strings with a length, and numbers in words that are the same in every locale. */
#ifndef KAIROS_BASE_TEXT_H
#define KAIROS_BASE_TEXT_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* Borrowed text: not NUL-terminated. */
struct slice {
    const char *data;
    size_t size;
};

struct slice slice_of(const char *text);
struct slice slice_trim(struct slice text); /* without blanks and tabs at both ends */
int slice_equal(struct slice a, struct slice b);
int slice_equal_text(struct slice a, const char *text);
/* ASCII letters compare without case. */
int slice_equal_case(struct slice a, const char *text);

/* The whole slice is one number (decimal, exponent; no hex, no "nan", no "inf"); 1 on success. */
int text_parse_f64(struct slice text, double *ret_value);
/* The whole slice is one decimal integer within int64; 1 on success. */
int text_parse_i64(struct slice text, int64_t *ret_value);
/* 1/0, true/false, yes/no, on/off, y/n, t/f without case; 1 on success. */
int text_parse_flag(struct slice text, int *ret_value);

enum { TEXT_NUMBER_BYTES = 32 };
/* The shortest decimal that reads back as the same double ("0.1", "1e-9", "12"); NaN and infinities
 * give "null". Returns the length. */
int text_print_f64(double value, char ret_text[TEXT_NUMBER_BYTES]);

/* Offset of the first byte that is not valid UTF-8 (RFC 3629), or n. */
size_t text_utf8_valid(const char *bytes, size_t n);

/* Days since 1970-01-01 of a proleptic Gregorian date; 1 on success (month and day in range). */
int text_days_from_date(int year, int month, int day, int64_t *ret_days);
/* The date of a day count. */
void text_date_from_days(int64_t days, int *ret_year, int *ret_month, int *ret_day);

#endif
