/* What one field of a CSV file says: a number, a time, a marker for "no value". Private to
 * collect/.
 */
#ifndef KAIROS_COLLECT_CSV_VALUE_H
#define KAIROS_COLLECT_CSV_VALUE_H

#include <stdint.h>

#include "base/options.h"
#include "base/text.h"

enum csv_number_kind { CSV_NO_NUMBER, CSV_INTEGER, CSV_DECIMAL };

struct csv_number {
    enum csv_number_kind kind;
    int is_code; /* digits that a number would lose: a leading zero, or more than an int64 holds */
    int64_t integer; /* INTEGER */
    double decimal;  /* DECIMAL: the nearest double */
};

/* The whole text is one number: sign, digits, point, exponent. */
struct csv_number csv_parse_number(struct slice text);

/* The common numbers, without a branch that depends on their digits: a sign, up to 8 digits, maybe
 * a point and more. Reads up to 40 bytes from `text.data`, whatever the size. What it does not take
 * (also codes) is answered CSV_NO_NUMBER and may still be a number. */
enum csv_number_kind csv_quick_number(struct slice text, int64_t *ret_integer, double *ret_decimal);

/* `YYYY-MM-DD` or `YYYY/MM/DD`, then maybe `T` or a blank and `hh:mm[:ss[.ffffff]]`, then maybe `Z`
 * or an offset; without one it is UTC. In microseconds since 1970; 1 on success. */
int csv_parse_time(struct slice text, int64_t *ret_us);

/* The text is one of `markers`, or, where that list is empty, one of the default ones. */
int csv_is_marker(struct slice text, const struct option_list *markers);
/* '?', '-', 'unknown' and the like: missing in a column of numbers or dates, a value elsewhere. */
int csv_is_weak_marker(struct slice text);

#endif
