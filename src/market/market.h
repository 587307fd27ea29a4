/* Say what the market does to value: factors from a market table, for each customer and offer.
 *
 * In go the customers, a market table and the columns on which they meet; out comes one positive
 * factor for each customer and offer, by which value is multiplied. Single customers' behaviour is
 * not this room's business.
 *
 * A join column is looked up among the customers' columns first; the names `offer` and `channel`
 * that are no customer column are the offer's name and channel. Keys are equal when their texts
 * are. A join column that holds dates in the market table is met by the latest date that is not
 * after the customer's (as of).
 */
#ifndef KAIROS_MARKET_MARKET_H
#define KAIROS_MARKET_MARKET_H

#include <math.h>
#include <stdint.h>

#include "base/err.h"
#include "table/table.h"

enum { MARKET_JOIN_MAX = 8, MARKET_FACTOR_MAX = 16 };

struct market_offer {
    const char *name;
    const char *channel; /* NULL = none */
};

struct market_options {
    const char *const *join;
    int32_t join_count; /* 1 .. MARKET_JOIN_MAX */
    const char *const *factors;
    int32_t factor_count; /* 1 .. MARKET_FACTOR_MAX; several are multiplied */
    double fallback;      /* the factor of a key that the market table lacks; NaN = an error */
    int64_t date_us;      /* the customers' date where they have no such column; INT64_MIN = none */
};

void market_options_init(struct market_options *options);

/* The factor of customer i and offer j is values[i * row_step + j * offer_step]; a step is 0 where
 * the factor does not depend on it. */
struct market_factors {
    double *values; /* owned */
    int64_t rows;
    int32_t offers;
    int64_t row_step;
    int64_t offer_step;
    int64_t fallbacks; /* pairs of customer and offer that took the fallback */
    double low, high;  /* of all pairs */
};

static inline double market_factor(const struct market_factors *factors, int64_t row,
                                   int32_t offer) {
    return factors->values[row * factors->row_step + offer * factors->offer_step];
}

/* Fails: KAI_NOT_FOUND (a join column that is in neither table, a key that the market table lacks:
 * named with its customer row and offer), KAI_EXISTS (two market rows with one key, named with
 * their lines), KAI_INVALID (a factor that is not a positive number, named with its line; an option
 * out of range), KAI_NO_MEMORY. Lines count the header as 1. */
KAI_MUST_CHECK kai_status market_join(const struct market_options *options,
                                      const struct table *market, const struct table *customers,
                                      const struct market_offer *offers, int32_t offer_count,
                                      struct market_factors *ret_factors, kai_err *err);
void market_factors_release(struct market_factors *factors);

#endif
