#include "simulate/simulate_print.h"

#include <math.h>

char *simulate_put_text(char *at, const char *text) {
    while (*text) *at++ = *text++;
    return at;
}

char *simulate_put_count(char *at, int64_t value) {
    char digits[20];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    while (n > 0) *at++ = digits[--n];
    return at;
}

char *simulate_put_fixed(char *at, double value, int decimals) {
    static const double UNITS[] = {1, 10, 100, 1000, 10000, 100000, 1000000};
    if (isnan(value)) return at;
    int64_t scaled = llround(value * UNITS[decimals]);
    int64_t unit = (int64_t)UNITS[decimals];
    if (scaled < 0) {
        *at++ = '-';
        scaled = -scaled;
    }
    at = simulate_put_count(at, scaled / unit);
    if (decimals == 0) return at;
    *at++ = '.';
    int64_t rest = scaled % unit;
    for (int i = decimals - 1; i >= 0; i--) {
        at[i] = (char)('0' + rest % 10);
        rest /= 10;
    }
    return at + decimals;
}

char *simulate_put_field(char *at, double value, int decimals) {
    at = simulate_put_fixed(at, value, decimals);
    *at++ = ',';
    return at;
}

char *simulate_put_name(char *at, const char *text) {
    at = simulate_put_text(at, text);
    *at++ = ',';
    return at;
}
