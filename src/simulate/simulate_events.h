/* A shop's stream of events whose truth is known: who would have come anyway, what each channel
 * added, whose taste moved where, who left and when. Listed as a door in simulate/simulate.h; the
 * mathematics is in docs/methods/simulation-events.md.
 *
 * Files of `simulate_events`, below out_dir:
 *   events.jsonl         JSON Lines of docs/formats/events.md, in order of time
 *   items.csv            item, category, price
 *   touches.csv          customer, time, channel, converted, value: what `evaluate attribution`
 *                        reads
 *   truth/orders.csv     customer, time, session, cause, value: each order and what brought it
 *   truth/channels.csv   what each cause brought, expected and drawn
 *   truth/customers.csv  arrival, cooling, leaving, rates, tastes on the first and the last day
 */
#ifndef KAIROS_SIMULATE_SIMULATE_EVENTS_H
#define KAIROS_SIMULATE_SIMULATE_EVENTS_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"

/* What brings a session: the customer's own wish, or a touch of a channel. */
enum simulate_cause {
    SIMULATE_OWN,
    SIMULATE_EMAIL,
    SIMULATE_PUSH,
    SIMULATE_SOCIAL,
    SIMULATE_RETARGETING,
    SIMULATE_SMS,
    SIMULATE_CAUSES
};
extern const char *const SIMULATE_CAUSE_NAMES[SIMULATE_CAUSES];

struct simulate_events_options {
    int64_t customers; /* 1 .. 10 million */
    int64_t days;      /* 1 .. 3650; the last one ends where 2025-07-01 begins */
    int64_t items;     /* 8 .. 1 million */
    double signed_out; /* share of sessions that only a device tells apart; 0 .. 1 */
    uint64_t seed;
};

struct simulate_contribution {
    int64_t touches, sessions, orders;
    double sessions_expected, orders_expected; /* given who was there and what was sent */
    double value;
};

struct simulate_events_summary {
    int64_t events;
    int64_t customers, cooled, left;
    double coolings_expected, leavings_expected;         /* given who was there each day */
    struct simulate_contribution cause[SIMULATE_CAUSES]; /* orders and value add up to all */
};

/* Write a stream into out_dir (made where missing). The bytes depend on the options only, not on
 * the threads; memory grows with the customers (about 200 bytes each) and the events of a day, not
 * with the days. pool and progress may be NULL.
 * Fails: KAI_INVALID (an option out of range), KAI_IO, KAI_NO_MEMORY, KAI_CANCELLED. */
KAI_MUST_CHECK kai_status simulate_events(const struct simulate_events_options *options,
                                          const char *out_dir, struct pool *pool,
                                          const struct progress *progress,
                                          struct simulate_events_summary *ret_summary,
                                          kai_err *err);

#endif
