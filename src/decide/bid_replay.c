/* A log played again under another bidder, and the parameter that plays best. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "decide/bid.h"

enum { TUNE_STEPS = 30, RESAMPLES = 1000 };

void bid_replay(struct bidder *bidder, const struct bid_log *log, int64_t auctions, int64_t budget,
                uint8_t *ret_won, struct bid_result *ret_result) {
    struct bid_result result = {0};
    for (int64_t i = 0; i < log->auctions; i++) {
        if (i % auctions == 0) {
            int64_t rest = log->auctions - i;
            int64_t share = rest < auctions ? budget * rest / auctions : budget;
            bid_restart(bidder, share);
            result.budget += share;
        }
        int32_t bid = bid_next(bidder, log->value[i], 0, 0);
        int is_won = bid > 0 && bid >= log->price[i];
        bid_settle(bidder, is_won ? log->price[i] : 0);
        if (ret_won) ret_won[i] = (uint8_t)is_won;
        result.bids += bid > 0;
        if (!is_won) continue;
        result.impressions++;
        result.outcomes += log->outcome[i] != 0;
        result.spent += log->price[i];
        result.value += log->value[i];
    }
    *ret_result = result;
}

static int is_below(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

kai_status bid_interval(const struct bid_log *log, const uint8_t *won, int64_t auctions,
                        uint64_t seed, double *ret_low, double *ret_high, kai_err *err) {
    int64_t episodes = (log->auctions + auctions - 1) / auctions;
    double *each = mem_zero((size_t)episodes, sizeof *each), total[RESAMPLES];
    if (!each) return err_memory(err, episodes * (int64_t)sizeof *each);
    for (int64_t i = 0; i < log->auctions; i++) each[i / auctions] += won[i] && log->outcome[i];
    for (int32_t r = 0; r < RESAMPLES; r++) {
        struct rng rng;
        rng_init(&rng, seed, "bid interval", (uint64_t)r);
        total[r] = 0;
        for (int64_t e = 0; e < episodes; e++)
            total[r] += each[rng_below(&rng, (uint64_t)episodes)];
    }
    qsort(total, RESAMPLES, sizeof *total, is_below);
    *ret_low = total[RESAMPLES / 40];
    *ret_high = total[RESAMPLES - 1 - RESAMPLES / 40];
    mem_free(each);
    return KAI_OK;
}

static int is_better(const struct bid_result *a, const struct bid_result *b) {
    if (a->outcomes >= 50 || b->outcomes >= 50)
        if (a->outcomes != b->outcomes) return a->outcomes > b->outcomes;
    return a->value > b->value;
}

static double *parameter_of(struct bid_options *options) {
    return options->method == BID_ORTB ? &options->lambda : &options->base;
}

/* Try values of the parameter in equal steps of its logarithm, and keep the best. */
static kai_status try_all(struct bid_options *options, const struct bid_log *log, int64_t auctions,
                          int64_t budget, double low, double high, kai_err *err) {
    double *parameter = parameter_of(options), best = low;
    struct bid_result best_result = {0};
    kai_status st = KAI_OK;
    for (int step = 0; !st && step <= TUNE_STEPS; step++) {
        struct bidder *bidder = NULL;
        struct bid_result result;
        *parameter = low * pow(high / low, (double)step / TUNE_STEPS);
        st = bid_new(options, NULL, &bidder, err);
        if (st) break;
        bid_replay(bidder, log, auctions, budget, NULL, &result);
        bid_free(bidder);
        if (step > 0 && !is_better(&result, &best_result)) continue;
        best = *parameter;
        best_result = result;
    }
    *parameter = best;
    return st;
}

/* Over the whole range, then between the neighbours of the best. */
static kai_status refine(struct bid_options *options, const struct bid_log *log, int64_t auctions,
                         int64_t budget, double low, double high, kai_err *err) {
    kai_status st = try_all(options, log, auctions, budget, low, high, err);
    double best = *parameter_of(options), step = pow(high / low, 1.0 / TUNE_STEPS);
    return st ? st : try_all(options, log, auctions, budget, best / step, best * step, err);
}

kai_status bid_tune(struct bid_options *options, const struct bid_log *log, int64_t auctions,
                    int64_t budget, kai_err *err) {
    if (options->method == BID_MDP) return KAI_OK; /* has no parameter to set */
    if (auctions < 1 || log->auctions < 1)
        return err_set(err, KAI_INVALID, "bid: a log and episodes of 1 auction at least");
    if (options->method != BID_ORTB)
        return refine(options, log, auctions, budget, 1, BID_PRICE_MAX, err);
    double sum = 0;
    for (int64_t i = 0; i < log->auctions; i++) sum += log->value[i];
    double mean = sum > 0 ? sum / (double)log->auctions : 1;
    /* a mean value bid up to the highest price, or down to less than one unit */
    double low = mean / BID_PRICE_MAX / 4, high = mean * 2;
    return refine(options, log, auctions, budget, low / 100, high, err);
}
