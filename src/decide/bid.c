#include "decide/bid.h"

#include <math.h>

#include "base/alloc.h"

static const double MDP_BYTES_MAX = 1 << 30;

struct bidder {
    struct bid_options options;
    int64_t left;    /* budget */
    int64_t to_come; /* auctions */
    int64_t budget;  /* at the start of the episode */
    double mu;       /* of the pace */
    float *worth;    /* owned; MDP: (auctions + 1, width) value of what follows */
    int64_t width;   /* budget + 1 */
};

static kai_status check(const struct bid_options *o, const struct bid_market *market,
                        kai_err *err) {
    const char *wrong = NULL;
    if ((uint32_t)o->method >= BID_METHODS) wrong = "method";
    if (o->method != BID_ORTB && !(o->mean_value > 0)) wrong = "mean_value: expected above 0";
    if ((o->method == BID_LINEAR || o->method == BID_LIFT) && !(o->base >= 0)) wrong = "base";
    if (o->method == BID_ORTB && (!(o->shape > 0) || !(o->lambda > 0))) wrong = "shape, lambda";
    if (o->method == BID_MDP && (!market || o->auctions < 1 || o->auctions > 10000))
        wrong = "the MDP needs a market, and 1 to 10000 auctions";
    if (o->max_bid < 1 || o->max_bid > BID_PRICE_MAX) wrong = "max_bid: expected 1 to 4096";
    if (o->budget < 0 || o->auctions < 0) wrong = "budget, auctions: expected 0 or more";
    if (!(o->pace >= 0) || o->cap < 0) wrong = "pace, cap: expected 0 or more";
    return wrong ? err_set(err, KAI_INVALID, "bid: %s", wrong) : KAI_OK;
}

/* worth[t][b]: expected value of t more auctions with b to spend, each worth its mean. An auction
 * won at price p leaves worth[t-1][b-p]: it is wanted as long as mean + that >= worth[t-1][b]. */
static void plan(struct bidder *bidder, const struct bid_market *market) {
    int64_t width = bidder->width;
    double mean = bidder->options.mean_value;
    int32_t max = bidder->options.max_bid < market->max ? bidder->options.max_bid : market->max;
    for (int64_t t = 1; t <= bidder->options.auctions; t++) {
        const float *before = bidder->worth + (t - 1) * width;
        float *now = bidder->worth + t * width;
        for (int64_t b = 0; b < width; b++) {
            double gain = 0, keep = before[b];
            for (int32_t p = 0; p <= max && p <= b; p++) {
                double more = mean + before[b - p] - keep;
                if (more < 0) break; /* and less for every higher price */
                gain += market->chance[p] * more;
            }
            now[b] = (float)(keep + gain);
        }
    }
}

kai_status bid_new(const struct bid_options *options, const struct bid_market *market,
                   struct bidder **ret_bidder, kai_err *err) {
    kai_status st = check(options, market, err);
    if (st) return st;
    struct bidder *bidder = mem_zero(1, sizeof *bidder);
    if (!bidder) return err_memory(err, sizeof *bidder);
    bidder->options = *options;
    bid_restart(bidder, options->budget);
    if (options->method == BID_MDP) {
        /* more than every auction at the highest price cannot be spent */
        double most = (double)options->auctions * options->max_bid;
        bidder->width = (int64_t)fmin((double)options->budget, most) + 1;
        double bytes = (double)(options->auctions + 1) * (double)bidder->width * sizeof(float);
        if (bytes > MDP_BYTES_MAX)
            st = err_set(err, KAI_LIMIT,
                         "bid: the MDP's table takes %.1f GiB, at most 1: fewer "
                         "auctions an episode, or money in larger units",
                         bytes / MDP_BYTES_MAX);
        if (!st) bidder->worth = mem_zero((size_t)bytes / sizeof(float), sizeof(float));
        if (!st && !bidder->worth) st = err_memory(err, (int64_t)bytes);
        if (!st) plan(bidder, market);
    }
    if (st) {
        bid_free(bidder);
        return st;
    }
    *ret_bidder = bidder;
    return KAI_OK;
}

void bid_free(struct bidder *bidder) {
    if (!bidder) return;
    mem_free(bidder->worth);
    mem_free(bidder);
}

void bid_restart(struct bidder *bidder, int64_t budget) {
    bidder->budget = bidder->left = budget;
    bidder->to_come = bidder->options.auctions;
}

int64_t bid_left(const struct bidder *bidder) { return bidder->left; }

/* The largest price at which winning is not worse than passing. */
static int32_t bid_by_plan(const struct bidder *bidder, double value) {
    int64_t t = bidder->to_come > 0 ? bidder->to_come - 1 : 0;
    int64_t b = bidder->left < bidder->width ? bidder->left : bidder->width - 1;
    const float *after = bidder->worth + t * bidder->width;
    int64_t low = -1, high = b < bidder->options.max_bid ? b : bidder->options.max_bid;
    while (low < high) { /* worth rises with the budget, so the gain falls with the price */
        int64_t middle = low + (high - low + 1) / 2;
        if (value + after[b - middle] - after[b] >= 0)
            low = middle;
        else
            high = middle - 1;
    }
    return (int32_t)(low < 0 ? 0 : low);
}

int32_t bid_next(const struct bidder *bidder, double value, int32_t floor_price, int32_t seen) {
    const struct bid_options *o = &bidder->options;
    double bid = 0;
    if (!(value > 0) || !isfinite(value) || bidder->left <= 0 || (o->cap && seen >= o->cap))
        return 0;
    switch (o->method) {
    case BID_LINEAR:
    case BID_LIFT: bid = o->base * value / o->mean_value; break;
    case BID_ORTB: bid = sqrt(o->shape * value / o->lambda + o->shape * o->shape) - o->shape; break;
    case BID_MDP: bid = bid_by_plan(bidder, value); break;
    case BID_METHODS: break;
    }
    bid /= 1 + bidder->mu;
    double most = fmin((double)o->max_bid, (double)bidder->left);
    int32_t whole = (int32_t)fmin(bid, most);
    return whole >= floor_price ? whole : 0;
}

void bid_settle(struct bidder *bidder, int32_t paid) {
    const struct bid_options *o = &bidder->options;
    KAI_ASSERT(paid >= 0 && paid <= bidder->left);
    if (o->pace > 0 && bidder->to_come > 0) {
        double due = (double)bidder->left / (double)bidder->to_come;
        double ahead = due > 0 ? paid / due - 1 : 0;
        bidder->mu = fmax(0, bidder->mu + o->pace * ahead);
    }
    bidder->left -= paid;
    if (bidder->to_come > 0) bidder->to_come--;
}
