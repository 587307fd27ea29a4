#include "evaluate/ledger.h"

#include <math.h>

#include "evaluate/describe.h"

static struct estimate shift(struct estimate estimate, double by) {
    estimate.value += by;
    estimate.low += by;
    estimate.high += by;
    return estimate;
}

/* Profit and return follow from revenue and spend. */
static void settle(struct ledger_entry *entry) {
    entry->profit = shift(entry->revenue, -entry->spend);
    entry->roi = entry->spend > 0 ? estimate_scale(entry->profit, 1 / entry->spend)
                                  : estimate_none(entry->revenue.method);
}

kai_status ledger_from_hold_out(const struct ledger_customers *customers, double spend,
                                double margin, double confidence, struct ledger_entry *ret_entry,
                                kai_err *err) {
    struct moments outcome[2] = {{0}}, converted[2] = {{0}};
    struct ledger_entry entry = {.evidence = "hold-out", .spend = spend};
    for (int64_t i = 0; i < customers->rows; i++) {
        int8_t group = customers->group[i];
        if (group == LEDGER_OUTSIDE) continue;
        if (!isfinite(customers->outcome[i]))
            return err_set(err, KAI_INVALID, "customer %lld: the outcome is not finite",
                           (long long)i + 1);
        moments_add(&outcome[group], customers->outcome[i]);
        moments_add(&converted[group], customers->outcome[i] > 0);
    }
    if (outcome[0].n < 2 || outcome[1].n < 2)
        return err_set(err, KAI_INVALID,
                       "%lld customers were addressed and %lld held out: at least 2 of each are "
                       "needed",
                       (long long)outcome[1].n, (long long)outcome[0].n);
    double addressed = (double)outcome[1].n;
    entry.revenue = estimate_scale(estimate_difference(&outcome[1], &outcome[0], confidence),
                                   addressed * margin);
    entry.conversions =
        estimate_scale(estimate_difference(&converted[1], &converted[0], confidence), addressed);
    settle(&entry);
    *ret_entry = entry;
    return KAI_OK;
}

struct ledger_entry ledger_from_profit(struct estimate profit, double spend, const char *evidence) {
    struct ledger_entry entry = {.evidence = evidence,
                                 .spend = spend,
                                 .conversions = estimate_none(profit.method),
                                 .revenue = shift(profit, spend)};
    settle(&entry);
    return entry;
}

struct ledger_entry ledger_part(const struct ledger_entry *entry, double share, double spend,
                                const char *evidence) {
    struct ledger_entry part = {.evidence = evidence,
                                .spend = spend,
                                .conversions = estimate_scale(entry->conversions, share),
                                .revenue = estimate_scale(entry->revenue, share)};
    settle(&part);
    return part;
}

static struct estimate add(struct estimate sum, const struct estimate *one) {
    if (one->n == 0 && isnan(one->value)) return sum;
    sum.value += one->value;
    sum.low += one->low;
    sum.high += one->high;
    sum.n += one->n;
    return sum;
}

struct ledger_entry ledger_total(const struct ledger_entry *entries, int32_t count) {
    const struct estimate zero = {0, 0, 0, 0, "sum"};
    struct ledger_entry total = {.evidence = "sum", .conversions = zero, .revenue = zero};
    for (int32_t i = 0; i < count; i++) {
        total.spend += entries[i].spend;
        total.conversions = add(total.conversions, &entries[i].conversions);
        total.revenue = add(total.revenue, &entries[i].revenue);
    }
    settle(&total);
    return total;
}

void ledger_describe(struct json_writer *json, const struct ledger_entry *entry) {
    json_key_text(json, "evidence", entry->evidence);
    json_key_f64(json, "spend", entry->spend);
    estimate_describe(json, "incremental_conversions", &entry->conversions);
    estimate_describe(json, "incremental_revenue", &entry->revenue);
    estimate_describe(json, "incremental_profit", &entry->profit);
    estimate_describe(json, "roi", &entry->roi);
}
