/* What a campaign earned: spend, incremental conversions and money, return on investment, with the
 * evidence that each figure rests on.
 *
 * An entry has one source, the strongest there is: a hold-out, else an off-policy estimate, else
 * the model. Parts (offers) share their campaign's figure out and add up to it exactly; totals add
 * entries, and add the widths of their intervals, which holds whatever the campaigns share. */
#ifndef KAIROS_EVALUATE_LEDGER_H
#define KAIROS_EVALUATE_LEDGER_H

#include <stdint.h>

#include "base/err.h"
#include "base/json.h"
#include "evaluate/estimate.h"

enum ledger_group { LEDGER_OUTSIDE = -1, LEDGER_HELD_OUT = 0, LEDGER_ADDRESSED = 1 };

/* Customers of one campaign; borrowed. */
struct ledger_customers {
    int64_t rows;
    const int8_t *group;   /* enum ledger_group; outside: could not be drawn into the hold-out */
    const double *outcome; /* money that came afterwards; a conversion is any above 0 */
};

struct ledger_entry {
    const char *evidence; /* static: "hold-out", "off-policy", "model", ... */
    double spend;
    struct estimate conversions; /* all incremental; estimate_none where not known */
    struct estimate revenue;     /* money before spend */
    struct estimate profit;      /* revenue - spend */
    struct estimate roi;         /* profit / spend; estimate_none where nothing was spent */
};

/* The mean of the addressed less that of the held out (Welch), times the addressed.
 * `margin`: money that a unit of the outcome is worth. Fails: KAI_INVALID for fewer than 2
 * customers in a group or an outcome that is not finite. */
KAI_MUST_CHECK kai_status ledger_from_hold_out(const struct ledger_customers *customers,
                                               double spend, double margin, double confidence,
                                               struct ledger_entry *ret_entry, kai_err *err);
/* An entry from what is known otherwise about the profit. */
struct ledger_entry ledger_from_profit(struct estimate profit, double spend, const char *evidence);
/* The part of an entry that belongs to an offer, by its share of what was expected. */
struct ledger_entry ledger_part(const struct ledger_entry *entry, double share, double spend,
                                const char *evidence);
struct ledger_entry ledger_total(const struct ledger_entry *entries, int32_t count);
/* Members of the open object: evidence, spend, incremental_conversions, incremental_revenue,
 * incremental_profit, roi. */
void ledger_describe(struct json_writer *json, const struct ledger_entry *entry);

#endif
