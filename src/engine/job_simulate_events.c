/* kairos simulate events: a shop's stream of events whose truth is known. */
#include <kairos/world.h>

#include "engine/answer.h"
#include "simulate/simulate_events.h"

static void describe_cause(const struct simulate_contribution *cause, struct json_writer *json) {
    json_object(json);
    json_key_i64(json, "touches", cause->touches);
    json_key_f64(json, "sessions_expected", cause->sessions_expected);
    json_key_i64(json, "sessions", cause->sessions);
    json_key_f64(json, "orders_expected", cause->orders_expected);
    json_key_i64(json, "orders", cause->orders);
    json_key_f64(json, "value", cause->value);
    json_end(json);
}

static void describe(const struct simulate_events_summary *summary, const char *dir,
                     struct json_writer *json) {
    json_key_text(json, "out", dir);
    json_key_i64(json, "events", summary->events);
    json_key_i64(json, "customers", summary->customers);
    json_key_i64(json, "cooled", summary->cooled);
    json_key_i64(json, "left", summary->left);
    json_key(json, "causes");
    json_object(json);
    for (int c = 0; c < SIMULATE_CAUSES; c++) {
        json_key(json, SIMULATE_CAUSE_NAMES[c]);
        describe_cause(&summary->cause[c], json);
    }
    json_end(json);
}

static kai_status print(const struct simulate_events_summary *summary, const char *dir,
                        struct buf *text, kai_err *err) {
    kai_status st = buf_printf(text, err,
                               "%lld events of %lld customers, of whom %lld left\n"
                               "%-12s %10s %10s %10s %14s\n",
                               (long long)summary->events, (long long)summary->customers,
                               (long long)summary->left, "brought by", "touches", "sessions",
                               "orders", "value");
    for (int c = 0; !st && c < SIMULATE_CAUSES; c++) {
        const struct simulate_contribution *cause = &summary->cause[c];
        st = buf_printf(text, err, "%-12s %10lld %10lld %10lld %14.2f\n", SIMULATE_CAUSE_NAMES[c],
                        (long long)cause->touches, (long long)cause->sessions,
                        (long long)cause->orders, cause->value);
    }
    return st ? st
              : buf_printf(text, err, "events: %s/events.jsonl\ntruth:  %s/truth/\n", dir, dir);
}

int32_t kai_engine_simulate_events(kai_engine *engine, const kai_simulate_events_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct simulate_events_options stream = {.customers = options->customers,
                                             .days = options->days,
                                             .items = options->items,
                                             .signed_out = options->signed_out,
                                             .seed = (uint64_t)options->common.seed};
    struct simulate_events_summary summary = {0};
    struct answer answer;
    answer_begin(&answer);
    timing_enter(&answer.timing, "simulate");
    st = simulate_events(&stream, options->out, engine->pool, &engine->progress, &summary, err);
    if (!st) describe(&summary, options->out, &answer.json);
    if (!st) st = print(&summary, options->out, &answer.text, err);
    return answer_end(&answer, st, ret_json, ret_text, err);
}
