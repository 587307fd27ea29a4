/* A value, its interval and its sample: the vocabulary of this room.
 *
 * `low` and `high` bound the value at the confidence that the caller asked for. A value that does
 * not exist (a mean of nothing) is NaN with n = 0; JSON prints it as null. */
#ifndef KAIROS_EVALUATE_ESTIMATE_H
#define KAIROS_EVALUATE_ESTIMATE_H

#include <stdint.h>

struct estimate {
    double value;
    double low;
    double high;
    int64_t n;          /* rows that went into it */
    const char *method; /* static: "mean", "wilson", "welch", "dr" ... */
};

/* Running moments: count, mean and the sum of squared deviations (Welford; merging by Chan, Golub
 * and LeVeque 1983). */
struct moments {
    int64_t n;
    double mean;
    double squares;
};

void moments_add(struct moments *moments, double value);
/* Add `other` after `moments`, as if its values had come next. */
void moments_merge(struct moments *moments, const struct moments *other);
/* squares / (n - 1); NaN below 2 values. */
double moments_variance(const struct moments *moments);

/* {NaN, NaN, NaN, 0, method} */
struct estimate estimate_none(const char *method);
/* value +- t(confidence, freedom) x error. An error of 0 gives zero width; freedom < 1 counts as 1,
 * infinite is the normal. */
struct estimate estimate_around(double value, double error, double freedom, double confidence,
                                int64_t n, const char *method);
/* A mean with Student's interval, "mean". */
struct estimate estimate_mean(const struct moments *moments, double confidence);
/* hits of n with Wilson's score interval (Wilson 1927), "wilson"; hits may be a sum of
 * probabilities. */
struct estimate estimate_proportion(double hits, int64_t n, double confidence);
/* mean(a) - mean(b) with Welch's interval (Welch 1947), "welch". */
struct estimate estimate_difference(const struct moments *a, const struct moments *b,
                                    double confidence);
/* value, low and high times a factor (totals: factor = rows). A negative factor swaps the ends. */
struct estimate estimate_scale(struct estimate estimate, double factor);

#endif
