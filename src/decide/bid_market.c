/* What the market pays, from auctions that were won and lost. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "decide/bid.h"

void bid_market_release(struct bid_market *market) {
    mem_free(market->chance);
    mem_free(market->below);
    *market = (struct bid_market){0};
}

/* died[p]: prices of p that were seen; left[p]: auctions whose price is known to be at least p. */
static kai_status count(const int32_t *price, const int32_t *bid, const uint8_t *won,
                        int64_t auctions, int32_t max, double *died, double *gone, kai_err *err) {
    for (int64_t i = 0; i < auctions; i++) {
        int is_seen = !won || won[i];
        int32_t at = is_seen ? price[i] : bid[i];
        if (at < 0)
            return err_set(err, KAI_INVALID, "auction %lld: a negative %s", (long long)i + 1,
                           is_seen ? "price" : "bid");
        if (is_seen && at <= max) died[at]++;
        /* a lost auction leaves the risk behind our bid: its price is above */
        gone[at < max ? at + 1 : max + 1]++;
    }
    return KAI_OK;
}

kai_status bid_market_fit(const int32_t *price, const int32_t *bid, const uint8_t *won,
                          int64_t auctions, int32_t max, struct bid_market *ret_market,
                          kai_err *err) {
    if (auctions < 1 || max < 1 || max > BID_PRICE_MAX)
        return err_set(err, KAI_INVALID, "a market needs auctions, and prices up to 1 .. %d",
                       BID_PRICE_MAX);
    struct bid_market market = {.max = max};
    double *died = mem_zero((size_t)max + 2, sizeof *died);
    double *gone = mem_zero((size_t)max + 2, sizeof *gone);
    market.chance = mem_zero((size_t)max + 1, sizeof *market.chance);
    market.below = mem_zero((size_t)max + 1, sizeof *market.below);
    kai_status st = died && gone && market.chance && market.below
                        ? count(price, bid, won, auctions, max, died, gone, err)
                        : err_memory(err, 4 * (int64_t)(max + 2) * 8);
    double at_risk = (double)auctions, survive = 1;
    for (int32_t p = 0; !st && p <= max; p++) {
        at_risk -= gone[p];
        double share = at_risk > 0 ? died[p] / at_risk : 0;
        market.chance[p] = survive * share;
        survive *= 1 - share;
        market.below[p] = 1 - survive;
    }
    mem_free(died);
    mem_free(gone);
    if (st)
        bid_market_release(&market);
    else
        *ret_market = market;
    return st;
}

static double misfit(const struct bid_market *market, double shape) {
    double sum = 0;
    for (int32_t p = 1; p <= market->max; p++) {
        double miss = p / (shape + p) - market->below[p];
        sum += market->chance[p] * miss * miss;
    }
    return sum;
}

double bid_market_shape(const struct bid_market *market) {
    static const double GOLDEN = 0.6180339887498949;
    double low = log(1e-3), high = log(1e6);
    for (int step = 0; step < 80; step++) {
        double a = high - GOLDEN * (high - low), b = low + GOLDEN * (high - low);
        if (misfit(market, exp(a)) < misfit(market, exp(b)))
            high = b;
        else
            low = a;
    }
    return exp((low + high) / 2);
}

double bid_market_cost(const struct bid_market *market, int32_t bid) {
    double paid = 0, won = 0;
    for (int32_t p = 0; p <= market->max && p <= bid; p++) {
        paid += p * market->chance[p];
        won += market->chance[p];
    }
    return won > 0 ? paid / won : 0;
}
