/* kairos simulate auction: let bidders buy in a market whose truth is known, or on a log. */
#include <kairos/world.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "base/text.h"
#include "decide/bid.h"
#include "engine/auction_log.h"
#include "engine/engine.h"
#include "simulate/simulate_world.h"

enum { SETUPS = 3 };

struct auction_job {
    kai_engine *engine;
    const kai_simulate_auction_options *options;
    struct timing timing;
    struct auction_log log;
    int64_t first;  /* auctions that set parameters; the rest is played */
    int64_t budget; /* of an episode */
    struct bid_market market;
    struct bid_options setup[SETUPS];
    struct bid_result result[SETUPS];
    double low[SETUPS], high[SETUPS];
    double best; /* outcomes that could be expected of the same money, prices and chances known */
};

static const char *const NAMES[SETUPS] = {"linear", "ortb", "mdp"};

/* The market and the mean value of the first third, and the budget that follows from its prices. */
static kai_status study(struct auction_job *job, kai_err *err) {
    const struct bid_log *log = &job->log.view;
    double value = 0, price = 0;
    int32_t top = 1;
    job->first = log->auctions / 3;
    for (int64_t i = 0; i < job->first; i++) {
        value += log->value[i] / (double)job->first;
        price += log->price[i] / (double)job->first;
        if (log->price[i] > top) top = log->price[i];
    }
    if (top > BID_PRICE_MAX) top = BID_PRICE_MAX;
    if (!(value > 0)) return err_set(err, KAI_INVALID, "the first third of the log has no value");
    job->budget = (int64_t)(price * job->options->budget * (double)job->options->episode);
    kai_status st = bid_market_fit(log->price, NULL, NULL, job->first, top, &job->market, err);
    for (int32_t s = 0; !st && s < SETUPS; s++)
        job->setup[s] = (struct bid_options){.method = (enum bid_method)s,
                                             .base = 1,
                                             .lambda = 1,
                                             .mean_value = value,
                                             .shape = bid_market_shape(&job->market),
                                             .max_bid = top,
                                             .budget = job->budget,
                                             .auctions = job->options->episode};
    return st;
}

static kai_status play(struct auction_job *job, int32_t s, uint8_t *won, kai_err *err) {
    const struct bid_log *log = &job->log.view;
    int64_t episode = job->options->episode, rest = log->auctions - job->first;
    struct bid_log first = *log;
    struct bid_log later = {rest, log->outcome + job->first, log->price + job->first,
                            log->value + job->first};
    struct bidder *bidder = NULL;
    first.auctions = job->first;
    kai_status st = bid_tune(&job->setup[s], &first, episode, job->budget, err);
    if (!st) st = bid_new(&job->setup[s], &job->market, &bidder, err);
    if (st) return st;
    bid_replay(bidder, &later, episode, job->budget, won, &job->result[s]);
    bid_free(bidder);
    return bid_interval(&later, won, episode, (uint64_t)job->options->common.seed, &job->low[s],
                        &job->high[s], err);
}

static void describe_result(const struct auction_job *job, int32_t s, struct json_writer *json) {
    const struct bid_result *result = &job->result[s];
    json_key(json, NAMES[s]);
    json_object(json);
    json_key(json, "outcomes");
    json_object(json);
    json_key_f64(json, "value", (double)result->outcomes);
    json_key_f64(json, "low", job->low[s]);
    json_key_f64(json, "high", job->high[s]);
    json_key_i64(json, "n", job->log.view.auctions - job->first);
    json_key_text(json, "method", "bootstrap over episodes");
    json_end(json);
    json_key_f64(json, "predicted", result->value);
    json_key_i64(json, "impressions", result->impressions);
    json_key_i64(json, "bids", result->bids);
    json_key_i64(json, "spent", result->spent);
    json_key_i64(json, "budget", result->budget);
    json_end(json);
}

static kai_status describe(struct auction_job *job, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_text(&json, job->options->log ? "log" : "out",
                  job->options->log ? job->options->log : job->options->out);
    json_key_i64(&json, "auctions", job->log.view.auctions);
    json_key_i64(&json, "first", job->first);
    json_key_i64(&json, "episode", job->options->episode);
    json_key_i64(&json, "budget", job->budget);
    if (!job->options->log) json_key_f64(&json, "oracle_outcomes", job->best);
    json_key(&json, "bidders");
    json_object(&json);
    for (int32_t s = 0; s < SETUPS; s++) describe_result(job, s, &json);
    json_end(&json);
    timing_describe(&job->timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print(const struct auction_job *job, struct buf *out, kai_err *err) {
    kai_status st = buf_printf(
        out, err,
        "%lld auctions: parameters from the first %lld, the rest played in episodes of %lld with "
        "%lld each\n%-8s %10s %19s %13s %12s\n",
        (long long)job->log.view.auctions, (long long)job->first, (long long)job->options->episode,
        (long long)job->budget, "", "outcomes", "(95 % interval)", "impressions", "of budget");
    for (int32_t s = 0; !st && s < SETUPS; s++)
        st = buf_printf(out, err, "%-8s %10lld %9.0f %9.0f %13lld %10.2f %%\n", NAMES[s],
                        (long long)job->result[s].outcomes, job->low[s], job->high[s],
                        (long long)job->result[s].impressions,
                        100 * (double)job->result[s].spent / (double)job->result[s].budget);
    if (!st && !job->options->log)
        st = buf_printf(out, err, "who knew prices and chances would expect %.0f\n", job->best);
    return st;
}

int32_t kai_engine_simulate_auction(kai_engine *engine, const kai_simulate_auction_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct auction_job job = {.engine = engine, .options = options};
    struct buf out;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    timing_start(&job.timing);
    timing_enter(&job.timing, options->log ? "read" : "draw");
    st = options->log ? auction_log_read(options->log, &job.log, err)
                      : auction_log_draw(options, &job.log, err);
    uint8_t *won = st ? NULL : mem_zero((size_t)job.log.view.auctions, 1);
    if (!st && !won) st = err_memory(err, job.log.view.auctions);
    if (!st) st = study(&job, err);
    for (int32_t s = 0; !st && s < SETUPS; s++) {
        timing_enter(&job.timing, NAMES[s]);
        st = progress_tell(&engine->progress, NAMES[s], s, SETUPS, err);
        if (!st) st = play(&job, s, won, err);
    }
    if (!st && !options->log)
        st = auction_log_best(&job.log, job.first, (double)job.result[0].budget, &job.best, err);
    if (!st) st = ret_json ? describe(&job, &out, err) : print(&job, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    bid_market_release(&job.market);
    auction_log_release(&job.log);
    mem_free(won);
    return st;
}
