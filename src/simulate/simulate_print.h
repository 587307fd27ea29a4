/* Rows as text, fast: each call writes at `at` and returns the place behind it; the caller knows
 * that there is room. Private to simulate. */
#ifndef KAIROS_SIMULATE_SIMULATE_PRINT_H
#define KAIROS_SIMULATE_SIMULATE_PRINT_H

#include <stdint.h>

char *simulate_put_text(char *at, const char *text);
char *simulate_put_count(char *at, int64_t value); /* 0 or more */
/* A number with `decimals` (0 to 6) places; NaN is an empty field. */
char *simulate_put_fixed(char *at, double value, int decimals);
/* The same, and a comma. */
char *simulate_put_field(char *at, double value, int decimals);
char *simulate_put_name(char *at, const char *text);

#endif
