/* report.json (docs/formats/report.md) and the summary for people. */
#include <math.h>
#include <string.h>

#include "base/caps.h"
#include "engine/reading.h"
#include "engine/run.h"
#include "evaluate/describe.h"

static void describe_input(const char *key, const struct run_table *table,
                           struct json_writer *json) {
    if (!table->table) return;
    json_key(json, key);
    json_object(json);
    json_key_text(json, "file", table->file);
    json_key_i64(json, "rows", table->table->rows);
    json_key_i64(json, "columns", table->table->count);
    json_end(json);
}

static void describe_head(const struct run *run, struct json_writer *json) {
    json_key_text(json, "campaign", run->campaign.name);
    json_key_i64(json, "rows", run->customers.table->rows);
    json_key_text(json, "goal", run->campaign.goal);
    json_key_f64(json, "confidence", run->campaign.evaluate.confidence);
    json_key(json, "inputs");
    json_object(json);
    describe_input("customers", &run->customers, json);
    describe_input("history", &run->history, json);
    describe_input("market", &run->market, json);
    json_end(json);
    json_key(json, "cleaning");
    json_object(json);
    reading_describe(json, "read", &run->customers.report);
    if (!run->is_same_table) reading_describe(json, "read_history", &run->history.report);
    json_key_i64(json, "history_rows_used", run->used_count);
    clean_describe(run->clean, json);
    json_end(json);
}

/* mean, low, high and n, and `value` as every estimate has it; with the effect against control. */
static void describe_outcome(const char *key, const struct arm_outcome *outcome, int is_control,
                             struct json_writer *json) {
    json_key(json, key);
    json_object(json);
    json_key_f64(json, "mean", outcome->mean.value);
    json_key_f64(json, "value", outcome->mean.value);
    json_key_f64(json, "low", outcome->mean.low);
    json_key_f64(json, "high", outcome->mean.high);
    json_key_i64(json, "n", outcome->mean.n);
    json_key_text(json, "method", outcome->mean.method);
    json_key_f64(json, "deviation", outcome->deviation);
    json_key_i64(json, "missing", outcome->missing);
    if (!is_control) {
        estimate_describe(json, "effect", &outcome->effect);
        json_key_f64(json, "p", outcome->p);
    }
    json_end(json);
}

static void describe_arms(const struct run *run, struct json_writer *json) {
    const struct campaign_history *history = &run->campaign.history;
    json_key(json, "arms");
    json_object(json);
    for (int32_t a = 0; a < run->arms; a++) {
        const struct arm_outcome *value = &run->arm_outcomes[a];
        json_key(json, run->trial.arm_names[a]);
        json_object(json);
        json_key_i64(json, "n", value->mean.n + value->missing);
        describe_outcome(history->value_column, value, a == 0, json);
        for (int64_t o = 0; o < history->also.count; o++)
            describe_outcome(history->also.items[o], &run->arm_outcomes[(o + 1) * run->arms + a],
                             a == 0, json);
        json_end(json);
    }
    json_end(json);
}

static void describe_fold(const struct effect_model *model, int64_t fold,
                          struct json_writer *json) {
    json_object(json);
    json_key_i64(json, "fold", fold);
    effect_describe(model, json);
    json_end(json);
}

static void describe_models(const struct run *run, struct json_writer *json) {
    json_key(json, "models");
    json_object(json);
    json_key(json, "features");
    json_array(json);
    for (int32_t c = 0; c < run->column_count; c++) json_text(json, run->column_names[c]);
    json_end(json);
    json_key(json, "left_out");
    json_array(json);
    for (int32_t l = 0; l < run->left_out_count; l++) {
        json_object(json);
        json_key_text(json, "column", run->left_out[l].column);
        json_key_text(json, "reason", run->left_out[l].reason);
        json_end(json);
    }
    json_end(json);
    json_key_text(json, "propensity", run->campaign.history.propensity);
    json_key_text(json, "crossing", run->campaign.evaluate.crossing);
    json_key(json, "folds");
    json_array(json);
    for (int64_t f = 0; f < run->campaign.evaluate.folds; f++)
        describe_fold(run->models[f], f, json);
    json_end(json);
    if (run->full) {
        json_key(json, "whole_history");
        json_object(json);
        effect_describe(run->full, json);
        json_end(json);
    }
    if (run->shift_count) shift_describe(json, "shift", run->shifts, run->shift_count);
    json_end(json);
}

/* What a group of offers does in the plan. */
struct share {
    int64_t customers;
    double cost, value;
};

static struct share add_share(const struct run *run, int32_t offer) {
    struct share share = {0};
    int32_t width = run->plan->per_customer;
    for (int64_t i = 0; i < run->customers.table->rows * width; i++) {
        if (run->plan->chosen[i] != offer) continue;
        share.customers++;
        share.value += run->objective[i / width * run->offers + offer];
    }
    share.cost = (double)share.customers * run_offer_cost(run, offer);
    return share;
}

static void describe_share(const char *key, struct share share, const char *channel,
                           struct json_writer *json) {
    json_key(json, key);
    json_object(json);
    if (channel) json_key_text(json, "channel", channel);
    json_key_i64(json, "customers", share.customers);
    json_key_f64(json, "cost", share.cost);
    json_key_f64(json, "value", share.value);
    json_end(json);
}

static void describe_channels(const struct run *run, const struct share *shares,
                              struct json_writer *json) {
    json_key(json, "channels");
    json_object(json);
    for (int32_t j = 0; j < run->offers; j++) {
        const char *channel = run->campaign.offers[j].channel;
        int is_first = 1;
        for (int32_t k = 0; k < j; k++)
            is_first = is_first && strcmp(run->campaign.offers[k].channel, channel) != 0;
        if (!is_first || !channel[0]) continue;
        struct share sum = {0};
        for (int32_t k = j; k < run->offers; k++) {
            if (strcmp(run->campaign.offers[k].channel, channel) != 0) continue;
            sum.customers += shares[k].customers;
            sum.cost += shares[k].cost;
            sum.value += shares[k].value;
        }
        describe_share(channel, sum, NULL, json);
    }
    json_end(json);
}

static void describe_limits(const struct decide_plan *plan, struct json_writer *json) {
    json_key(json, "limits");
    json_array(json);
    for (int32_t k = 0; k < plan->limit_count; k++) {
        json_object(json);
        json_key_text(json, "name", plan->limits[k].name);
        json_key_f64(json, "used", plan->limits[k].used);
        json_key_f64(json, "limit", plan->limits[k].limit);
        json_key_f64(json, "shadow_price", plan->limits[k].shadow_price);
        json_end(json);
    }
    json_end(json);
}

static int64_t count_treated(const struct run *run) {
    int64_t treated = 0;
    for (int64_t i = 0; i < run->plan->rows; i++)
        treated += run->plan->chosen[i * run->plan->per_customer] >= 0;
    return treated;
}

static double plan_cost(const struct run *run) {
    double cost = 0;
    for (int32_t j = 0; j < run->offers; j++) cost += add_share(run, j).cost;
    return cost;
}

static void describe_plan(const struct run *run, struct json_writer *json) {
    const struct decide_plan *plan = run->plan;
    struct share shares[CAPS_OFFERS];
    for (int32_t j = 0; j < run->offers; j++) shares[j] = add_share(run, j);
    json_key(json, "plan");
    json_object(json);
    json_key_i64(json, "treated", count_treated(run));
    json_key_i64(json, "eligible", run->eligible);
    json_key_i64(json, "held_out", run->held_out);
    json_key_i64(json, "no_consent", run->consent_missing);
    json_key(json, "offers");
    json_object(json);
    for (int32_t j = 0; j < run->offers; j++)
        describe_share(run->campaign.offers[j].name, shares[j], run->campaign.offers[j].channel,
                       json);
    json_end(json);
    describe_channels(run, shares, json);
    json_key_f64(json, "cost", plan_cost(run));
    json_key_f64(json, "value", plan->value);
    json_key_f64(json, "bound", plan->bound);
    json_key_f64(json, "gap", plan->gap);
    json_key_i64(json, "iterations", plan->iterations);
    describe_limits(plan, json);
    json_end(json);
}

static void describe_frontier(const struct run *run, struct json_writer *json) {
    json_key(json, "frontier");
    json_array(json);
    for (int32_t p = 0; p < run->frontier_count; p++) {
        const struct decide_point *point = &run->frontier[p];
        json_object(json);
        json_key_f64(json, "limit", point->limit);
        json_key_f64(json, "value", point->value);
        json_key_f64(json, "bound", point->bound);
        json_key_f64(json, "cost", point->used);
        json_key_i64(json, "treated", point->treated);
        json_end(json);
    }
    json_end(json);
}

static void describe_points(const struct uplift_curve *curve, struct json_writer *json) {
    json_array(json);
    for (int32_t p = 0; p < curve->count; p++) {
        const struct uplift_point *point = &curve->points[p];
        json_object(json);
        json_key_f64(json, "share", point->share);
        json_key_f64(json, "gain", point->gain.value);
        json_key_f64(json, "low", point->gain.low);
        json_key_f64(json, "high", point->gain.high);
        json_key_f64(json, "random", curve->effect.value * point->share);
        json_end(json);
    }
    json_end(json);
}

static void describe_proof(const struct run *run, struct json_writer *json) {
    json_key(json, "policies");
    json_array(json);
    for (int32_t p = 0; p < run->policies.count; p++)
        policy_describe(json, NULL, &run->policies.values[p], run->eligible);
    json_end(json);
    json_key(json, "uplift");
    json_object(json);
    static const char *const PARTS[] = {"qini", "auuc", "effect", "curves", "calibration"};
    for (int part = 0; part < 5; part++) {
        json_key(json, PARTS[part]);
        json_object(json);
        for (int32_t j = 0; j < run->offers; j++) {
            const struct run_offer_proof *proof = &run->proofs[j];
            const char *name = run->campaign.offers[j].name;
            if (part == 0) estimate_describe(json, name, &proof->curve.qini);
            if (part == 1) estimate_describe(json, name, &proof->curve.auuc);
            if (part == 2) estimate_describe(json, name, &proof->curve.effect);
            if (part == 3) json_key(json, name), describe_points(&proof->curve, json);
            if (part == 4) reliability_describe(json, name, &proof->reliability);
        }
        json_end(json);
    }
    json_end(json);
    json_key(json, "fairness");
    json_object(json);
    for (int32_t a = 0; a < run->audit_count; a++)
        fairness_describe(json, run->audits[a].column, run->audits[a].audit);
    json_end(json);
}

static void describe_reasons(const struct run *run, struct json_writer *json) {
    json_key(json, "reasons");
    json_object(json);
    json_key_text(json, "method", run->reason_method);
    json_key_f64(json, "r2", run->reason_method ? run->surrogate_r2 : NAN);
    json_key(json, "strongest");
    json_array(json);
    uint8_t is_told[CAPS_COLUMNS] = {0};
    for (int32_t k = 0; k < run->column_count; k++) {
        int32_t best = -1;
        for (int32_t c = 0; c < run->column_count; c++)
            if (!is_told[c] && (best < 0 || run->column_effect[c] > run->column_effect[best]))
                best = c;
        is_told[best] = 1;
        json_object(json);
        json_key_text(json, "column", run->column_names[best]);
        json_key_f64(json, "mean_effect", run->column_effect[best]);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

kai_status run_describe(struct run *run, struct timing *timing, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    describe_head(run, &json);
    describe_arms(run, &json);
    describe_models(run, &json);
    describe_plan(run, &json);
    describe_frontier(run, &json);
    describe_proof(run, &json);
    describe_reasons(run, &json);
    json_key(&json, "warnings");
    json_array(&json);
    for (int32_t w = 0; w < run->warning_count; w++) json_text(&json, run->warnings[w]);
    json_end(&json);
    json_key_i64(&json, "seed", (int64_t)run->seed);
    json_key_text(&json, "version", kai_version());
    if (timing) timing_describe(timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status summarise_policies(const struct run *run, struct buf *out, kai_err *err) {
    kai_status st =
        buf_printf(out, err, "\non history, doubly robust, against nobody (%g %% interval):\n",
                   100 * run->campaign.evaluate.confidence);
    for (int32_t p = 0; !st && p < run->policies.count; p++) {
        const struct policy_value *value = &run->policies.values[p];
        const struct estimate *gain = &value->gain[POLICY_DR];
        double rows = (double)run->eligible;
        st = buf_printf(out, err, "  %-34s %12.2f  (%.2f to %.2f)\n", value->name,
                        gain->value * rows, gain->low * rows, gain->high * rows);
    }
    return st;
}

kai_status run_summarise(const struct run *run, const char *dir, struct buf *out, kai_err *err) {
    const struct decide_plan *plan = run->plan;
    kai_status st = buf_printf(
        out, err,
        "%s: %lld customers, %lld can be treated, %lld held out\n"
        "plan: %lld treated, cost %.2f, expected %s %.2f (at most %.2f is possible, gap %.4f %%)\n",
        run->campaign.name, (long long)run->customers.table->rows, (long long)run->eligible,
        (long long)run->held_out, (long long)count_treated(run), plan_cost(run), run->campaign.goal,
        plan->value, plan->bound, 100 * plan->gap);
    for (int32_t j = 0; !st && j < run->offers; j++) {
        struct share share = add_share(run, j);
        st = buf_printf(out, err, "  %-24s %8lld customers, cost %.2f, %s %.2f\n",
                        run->campaign.offers[j].name, (long long)share.customers, share.cost,
                        run->campaign.goal, share.value);
    }
    for (int32_t k = 0; !st && k < plan->limit_count; k++) {
        /* a gap between shares is told in percentage points */
        int is_gap = run->fair_group && k == plan->limit_count - 1;
        st = buf_printf(out, err, "limit %s: %.6g of %.6g used; one more %searns %.4g\n",
                        plan->limits[k].name, plan->limits[k].used, plan->limits[k].limit,
                        is_gap ? "percentage point " : "",
                        plan->limits[k].shadow_price / (is_gap ? 100 : 1));
    }
    if (!st) st = summarise_policies(run, out, err);
    for (int32_t w = 0; !st && w < run->warning_count; w++)
        st = buf_printf(out, err, "warning: %s\n", run->warnings[w]);
    return st ? st
              : buf_printf(out, err, "\nplan: %s/plan.csv\nreport: %s/report.html\n", dir, dir);
}
