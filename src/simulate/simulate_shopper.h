/* The process behind a simulated stream: one customer, one day at a time. Private to simulate; the
 * mathematics is in docs/methods/simulation-events.md. */
#ifndef KAIROS_SIMULATE_SIMULATE_SHOPPER_H
#define KAIROS_SIMULATE_SIMULATE_SHOPPER_H

#include "simulate/simulate_events.h"

enum { SIMULATE_CATEGORIES = 8, SIMULATE_DAY_SECONDS = 86400 };

enum shopper_phase { SHOPPER_ACTIVE, SHOPPER_COOLING, SHOPPER_GONE };

/* One customer as she is today. */
struct shopper {
    double taste[SIMULATE_CATEGORIES]; /* log odds; drifts by week */
    double carry[SIMULATE_CAUSES];     /* touches, discounted by their age */
    double rate;                       /* sessions a day that are her own wish, in the mean */
    double chance;                     /* of an order, in a session */
    double response;                   /* to touches; 1 in the mean */
    double hazard;                     /* of cooling, a day */
    double intent;                     /* of this week; 1 in the mean */
    double hour;                       /* about which she comes, from the shop's opening */
    int32_t customer;                  /* from 0 */
    int32_t arrived, cooled, left;     /* days; -1 = not yet */
    int32_t sessions, happenings;      /* so far */
    uint8_t phase, has_email, has_app, has_sms;
};

enum happening_type {
    HAPPENING_TOUCH,
    HAPPENING_VIEW,
    HAPPENING_CART,
    HAPPENING_ORDER,
    HAPPENING_REFUND
};

/* How somebody came, as the shop sees it: a channel of enum simulate_cause, or one of these. */
enum { ARRIVAL_DIRECT = SIMULATE_OWN, ARRIVAL_SEARCH = SIMULATE_CAUSES, ARRIVALS };
extern const char *const SIMULATE_ARRIVAL_NAMES[ARRIVALS];
extern const char *const SIMULATE_CATEGORY_NAMES[SIMULATE_CATEGORIES];

struct happening {
    int64_t time_s;
    double value; /* of the line; 0 for touches and views */
    double total; /* of the order, at its first line; else 0 */
    int32_t customer, number;
    int32_t item;    /* -1 = none */
    int32_t session; /* of the customer, from 1; 0 = none */
    int32_t week;    /* of the stream */
    uint8_t type, arrival, cause, quantity, is_signed_out;
};

/* What happened, and what was to be expected. */
struct happenings {
    struct happening *items; /* owned */
    int64_t count, capacity;
    int is_starved; /* memory ran out: the rest is not there */
    int64_t coolings, leavings;
    double coolings_expected, leavings_expected;
    struct simulate_contribution cause[SIMULATE_CAUSES]; /* orders and value stay 0 */
};

/* The second at which the stream begins. */
int64_t simulate_events_begin(const struct simulate_events_options *options);
/* Price of an item, and how its name is made: category - rank. */
double simulate_item_price(const struct simulate_events_options *options, int64_t item);
/* The number that the browser of a customer is known by; it says nothing about her. */
uint64_t simulate_shopper_device(const struct simulate_events_options *options, int64_t customer);
/* Shares of the categories in what a customer looks at. */
void simulate_shopper_shares(const struct shopper *shopper, double ret_shares[SIMULATE_CATEGORIES]);
/* A customer as she is before the first day. */
void simulate_shopper_start(const struct simulate_events_options *options, int64_t customer,
                            struct shopper *ret_shopper);
/* Let her live through the next day; days come in order, from 0. What happens is appended to
 * `into`, refunds of later days too. */
void simulate_shopper_day(const struct simulate_events_options *options, int32_t day,
                          struct shopper *shopper, struct happenings *into);

#endif
