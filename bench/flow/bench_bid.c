/* Bidding on a log in iPinYou's format (click, market price, predicted rate a line):
 *
 *   bench_bid <dir with test.theta.txt.gz and info.json>
 *
 * 1. The published protocol at c0 = 1/32, N = 1000: market and mean value from the training counts
 *    of info.json, the whole log played. Published: Lin-Bid 71 clicks, RLB 78.
 * 2. c0 = 1/2 .. 1/64: parameters and market from the first third of the log, the rest played, with
 *    bootstrap intervals over the episodes. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/json.h"
#include "base/text.h"
#include "decide/bid.h"
#include "kit/bench.h"

enum { EPISODE = 1000, PRICE_MAX = 300 };

struct log {
    int64_t count;
    uint8_t *outcome;
    int32_t *price;
    double *value;
};

static void stop(const kai_err *err) {
    fprintf(stderr, "bench_bid: %s\n", err->message);
    exit(1);
}

static void read_log(const char *path, struct log *log) {
    struct buf text;
    kai_err err = {0};
    buf_init(&text, 1 << 28);
    if (file_read_all(path, 1 << 28, &text, &err)) stop(&err);
    for (size_t i = 0; i < text.size; i++) log->count += text.data[i] == '\n';
    log->outcome = calloc((size_t)log->count, 1);
    log->price = calloc((size_t)log->count, sizeof *log->price);
    log->value = calloc((size_t)log->count, sizeof *log->value);
    const char *at = text.data;
    for (int64_t i = 0; i < log->count; i++) {
        char *end = NULL;
        log->outcome[i] = (uint8_t)strtol(at, &end, 10);
        log->price[i] = (int32_t)strtol(end, &end, 10);
        log->value[i] = strtod(end, &end);
        at = end + 1;
    }
    buf_release(&text);
}

/* The training counts as auctions whose price was seen. */
static double read_market(const char *path, struct bid_market *market, double *ret_cpm) {
    struct buf text;
    struct json_value *info = NULL;
    kai_err err = {0};
    buf_init(&text, 1 << 20);
    if (file_read_all(path, 1 << 20, &text, &err) || json_parse(text.data, text.size, &info, &err))
        stop(&err);
    double shown = json_as_f64(json_get(info, "imp_train"), 0);
    const struct json_value *counter = json_get(info, "price_counter_train");
    int32_t *price = calloc((size_t)shown, sizeof *price);
    int64_t used = 0;
    for (int32_t p = 0; p < json_count(counter); p++)
        for (int64_t n = 0; n < (int64_t)json_as_f64(json_at(counter, p), 0); n++)
            price[used++] = p;
    if (bid_market_fit(price, NULL, NULL, used, PRICE_MAX, market, &err)) stop(&err);
    *ret_cpm = json_as_f64(json_get(info, "cost_train"), 0) / shown;
    double rate = json_as_f64(json_get(info, "clk_train"), 0) / shown;
    free(price);
    json_free(info);
    buf_release(&text);
    return rate;
}

static const char *const NAMES[] = {"linear", "ortb", "mdp"};

static void set_up(enum bid_method method, double mean, const struct bid_market *market,
                   int64_t budget, struct bid_options *ret) {
    *ret = (struct bid_options){.method = method,
                                .base = 1,
                                .mean_value = mean,
                                .shape = bid_market_shape(market),
                                .lambda = 1,
                                .max_bid = PRICE_MAX,
                                .budget = budget,
                                .auctions = EPISODE};
}

static void play(const char *what, int c0, const struct bid_options *options,
                 const struct bid_market *market, const struct log *log) {
    struct bidder *bidder = NULL;
    kai_err err = {0};
    if (bid_new(options, market, &bidder, &err)) stop(&err);
    struct bid_result result;
    struct bid_log replayed = {log->count, log->outcome, log->price, log->value};
    uint8_t *won = calloc((size_t)log->count, 1);
    double low = 0, high = 0;
    bid_replay(bidder, &replayed, EPISODE, options->budget, won, &result);
    if (bid_interval(&replayed, won, EPISODE, 42, &low, &high, &err)) stop(&err);
    printf(
        "{\"name\":\"bid.%s.%s\",\"c0\":\"1/%d\",\"auctions\":%lld,\"clicks\":%lld,"
        "\"low\":%.0f,\"high\":%.0f,\"impressions\":%lld,\"spent_share\":%.4f}\n",
        what, NAMES[options->method], c0, (long long)log->count, (long long)result.outcomes, low,
        high, (long long)result.impressions, (double)result.spent / (double)result.budget);
    free(won);
    bid_free(bidder);
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: bench_bid DIR\n");
        return 2;
    }
    char path[2][4096];
    (void)snprintf(path[0], sizeof path[0], "%s/test.theta.txt.gz", argv[1]);
    (void)snprintf(path[1], sizeof path[1], "%s/info.json", argv[1]);
    struct log log = {0};
    struct bid_market market = {0};
    double cpm = 0, rate = 0;
    kai_err err = {0};
    read_log(path[0], &log);
    rate = read_market(path[1], &market, &cpm);
    int64_t third = log.count / 3;
    struct log rest = {log.count - third, log.outcome + third, log.price + third,
                       log.value + third};
    struct bid_log first = {third, log.outcome, log.price, log.value};
    double mean = 0;
    for (int64_t i = 0; i < third; i++) mean += log.value[i] / (double)third;
    struct bid_options options;
    int64_t budget = (int64_t)(cpm / 32 * EPISODE);
    set_up(BID_MDP, rate, &market, budget, &options);
    play("published", 32, &options, &market, &log);
    for (int m = 0; m < 2; m++) {
        set_up((enum bid_method)m, mean, &market, budget, &options);
        if (bid_tune(&options, &first, EPISODE, budget, &err)) stop(&err);
        play("published", 32, &options, NULL, &log);
    }
    struct bid_market seen = {0};
    double paid = 0;
    for (int64_t i = 0; i < third; i++) paid += log.price[i] / (double)third;
    if (bid_market_fit(log.price, NULL, NULL, third, PRICE_MAX, &seen, &err)) stop(&err);
    for (int c0 = 2; c0 <= 64; c0 *= 2)
        for (int m = 0; m < 3; m++) {
            budget = (int64_t)(paid / c0 * EPISODE);
            set_up((enum bid_method)m, mean, &seen, budget, &options);
            if (bid_tune(&options, &first, EPISODE, budget, &err)) stop(&err);
            play("thirds", c0, &options, &seen, &rest);
        }
    bid_market_release(&market);
    bid_market_release(&seen);
    free(log.outcome);
    free(log.price);
    free(log.value);
    return 0;
}
