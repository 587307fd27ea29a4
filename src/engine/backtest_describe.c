#include <string.h>

#include "base/instant.h"
#include "engine/backtest.h"
#include "evaluate/describe.h"

static const char *const LEARNED[] = {
    "all events before a customer's last but one",
    "all events before the moment of the split",
    "all events of the file",
};
static const char *const ASKED[] = {
    "the last event of each customer with at least 3, after all the others",
    "each customer's first event from that moment on, after all that came before",
    "the answers of the given file, after their prefixes",
};
static const char *const VALIDATION[] = {
    "the event before the last",
    "the last training event of each customer",
    "the last training event of each customer",
};

static int64_t event_count(const struct behave_sequences *sequences) {
    return sequences->offsets[sequences->sequence_count];
}

static void describe_split(const struct protocol *protocol, struct json_writer *json) {
    char moment[INSTANT_TEXT_BYTES];
    if (protocol->kind != PROTOCOL_TIME_SPLIT) return;
    (void)instant_print(protocol->split_time * 1000000, moment); /* clamps */
    json_key_text(json, "split_at", moment);
    json_key_i64(json, "customers_without_past", protocol->customers_new);
}

static void describe_protocol(const struct backtest *backtest, struct json_writer *json) {
    const struct protocol *protocol = &backtest->protocol;
    struct behave_sequences fit = protocol_fit(protocol);
    json_key(json, "protocol");
    json_object(json);
    json_key_text(json, "name", protocol_text(protocol->kind));
    json_key_text(json, "learned_from", LEARNED[protocol->kind]);
    json_key_text(json, "asked", ASKED[protocol->kind]);
    json_key_text(json, "validation", VALIDATION[protocol->kind]);
    describe_split(protocol, json);
    json_key_text(json, "ranking", "full: every item of the catalogue, no sampled negatives");
    json_key_text(json, "seen", backtest->options->seen);
    json_key_text(json, "ties", "the item that comes first in the file");
    json_key_text(json, "ordered_by", backtest->input.ordered_by);
    json_key_i64(json, "questions", protocol->asked.count);
    json_key_i64(json, "training_events", event_count(&fit));
    json_key_i64(json, "rows_set_aside", backtest->input.interactions.rows_missing);
    json_key_i64(json, "customers_too_short", protocol->customers_short);
    json_key_i64(json, "answers_seen_before", protocol->targets_seen);
    json_key_i64(json, "answers_never_learned", protocol->targets_unknown);
    json_end(json);
}

/* Each model's estimates; beside them what it is above or below the best one. */
static void describe_models(const struct backtest *backtest, struct json_writer *json) {
    const struct ranking_result *result = &backtest->result;
    json_key(json, "models");
    json_object(json);
    for (int32_t m = 0; m < backtest->model_count; m++) {
        json_key(json, backtest->models[m].name);
        json_object(json);
        for (int32_t i = 0; i < backtest->metric_count; i++)
            estimate_describe(json, backtest->metrics[i].name,
                              &result->estimates[m * backtest->metric_count + i]);
        json_end(json);
    }
    json_end(json);
    json_key_text(json, "best", backtest->models[result->best].name);
    json_key_text(json, "best_by", backtest->metrics[result->judge].name);
    json_key(json, "minus_best");
    json_object(json);
    for (int32_t m = 0; m < backtest->model_count; m++) {
        if (m == result->best) continue;
        json_key(json, backtest->models[m].name);
        json_object(json);
        for (int32_t i = 0; i < backtest->metric_count; i++) {
            if (backtest->metrics[i].kind == RANKING_COVERAGE) continue;
            struct estimate difference =
                ranking_difference(result, &backtest->metrics[i], i, m, result->best);
            estimate_describe(json, backtest->metrics[i].name, &difference);
        }
        json_end(json);
    }
    json_end(json);
}

void backtest_describe_members(const struct backtest *backtest, struct json_writer *json) {
    const struct histories *all = &backtest->input.interactions.histories;
    describe_protocol(backtest, json);
    json_key_i64(json, "users", backtest->input.customers->count);
    json_key_i64(json, "items", backtest->protocol.item_count);
    json_key_i64(json, "events", all->offsets[all->count]);
    if (backtest->input.has_report) reading_describe(json, "read", &backtest->input.report);
    describe_models(backtest, json);
}

kai_status backtest_describe(struct backtest *backtest, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    backtest_describe_members(backtest, &json);
    timing_describe(&backtest->timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print_protocol(const struct backtest *backtest, struct buf *out, kai_err *err) {
    const struct protocol *protocol = &backtest->protocol;
    struct behave_sequences fit = protocol_fit(protocol);
    kai_status st = buf_printf(
        out, err,
        "protocol %s: learned from %s;\n  asked for %s;\n  validation %s; ranked over the whole "
        "catalogue, seen items %sd\n"
        "%lld customers, %d items, %lld training events, %lld questions\n",
        protocol_text(protocol->kind), LEARNED[protocol->kind], ASKED[protocol->kind],
        VALIDATION[protocol->kind], backtest->options->seen,
        (long long)backtest->input.customers->count, protocol->item_count,
        (long long)event_count(&fit), (long long)protocol->asked.count);
    if (!st && protocol->targets_seen)
        st = buf_printf(out, err, "%lld answers stand in the history that is shown%s\n",
                        (long long)protocol->targets_seen,
                        strcmp(backtest->options->seen, "exclude") == 0
                            ? " and cannot be found (--seen include)"
                            : "");
    if (!st && protocol->targets_unknown)
        st = buf_printf(out, err, "%lld answers occur in no training history\n",
                        (long long)protocol->targets_unknown);
    if (!st && protocol->customers_short)
        st = buf_printf(out, err, "%lld customers are too short to be asked\n",
                        (long long)protocol->customers_short);
    if (!st && protocol->customers_new)
        st = buf_printf(out, err, "%lld customers have no past at the split and are not asked\n",
                        (long long)protocol->customers_new);
    return st;
}

kai_status backtest_print(const struct backtest *backtest, struct buf *out, kai_err *err) {
    const struct ranking_result *result = &backtest->result;
    kai_status st = print_protocol(backtest, out, err);
    if (!st) st = buf_printf(out, err, "\n%-15s", "model");
    for (int32_t i = 0; !st && i < backtest->metric_count; i++)
        st = buf_printf(out, err, "  %-22s", backtest->metrics[i].name);
    for (int32_t m = 0; !st && m < backtest->model_count; m++) {
        st = buf_printf(out, err, "\n%-15s", backtest->models[m].name);
        for (int32_t i = 0; !st && i < backtest->metric_count; i++) {
            const struct estimate *e = &result->estimates[m * backtest->metric_count + i];
            int is_count = backtest->metrics[i].kind == RANKING_COVERAGE;
            st = is_count ? buf_printf(out, err, "  %-22.4f", e->value)
                          : buf_printf(out, err, "  %.4f (%.4f..%.4f)", e->value, e->low, e->high);
        }
    }
    if (!st)
        st = buf_printf(out, err, "\nbest by %s: %s\n", backtest->metrics[result->judge].name,
                        backtest->models[result->best].name);
    for (int32_t m = 0; !st && m < backtest->model_count; m++) {
        if (m == result->best) continue;
        struct estimate d = ranking_difference(result, &backtest->metrics[result->judge],
                                               result->judge, m, result->best);
        st = buf_printf(out, err, "  %-15s %+.4f (%+.4f..%+.4f)\n", backtest->models[m].name,
                        d.value, d.low, d.high);
    }
    return st;
}
