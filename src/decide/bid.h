/* What to bid for an impression: from its value, what the market pays, and what is left to spend.
 *
 * Auctions are second-price: the winner pays the market price (the highest other bid); a bid wins
 * when it is at least the market price and the floor. Money is in whole units (such as fen per
 * mille), value in the goal's unit (a click). Mathematics and failure modes:
 * docs/methods/bidding.md.
 *
 *   LINEAR  bid = base x value / mean value
 *   ORTB    bid = sqrt(c value / lambda + c^2) - c, from the win rate b / (c + b):
 *           Zhang, Yuan, Wang, KDD 2014
 *   MDP     the bid that dynamic programming over (auctions left, budget left) finds, under the
 *           market's price distribution and the mean value: Cai et al., "Real-Time Bidding by
 *           Reinforcement Learning in Display Advertising", WSDM 2017, algorithm 1
 *   LIFT    as LINEAR, over what the impression changes instead of what it is worth: the caller
 *           passes the lift as the value; a lift of 0 or less bids nothing (Xu et al., AAAI 2016)
 *
 * Threads: a bidder belongs to one thread at a time. bid_next and bid_settle allocate nothing.
 */
#ifndef KAIROS_DECIDE_BID_H
#define KAIROS_DECIDE_BID_H

#include <stdint.h>

#include "base/err.h"

enum bid_method { BID_LINEAR, BID_ORTB, BID_MDP, BID_LIFT, BID_METHODS };
enum { BID_PRICE_MAX = 4096 }; /* largest price of a distribution */

/* ---- the market ---- */

/* The distribution of the market price: chance[p] = P(price = p), p = 0 .. max; what is above `max`
 * is the rest to 1. */
struct bid_market {
    int32_t max;
    double *chance; /* owned; (max + 1) */
    double *below;  /* owned; (max + 1) P(price <= p): the win rate of a bid p */
};

/* From auctions seen in full (`won` NULL: the price is known of each) or censored: of a lost one it
 * is only known that the price was above our bid. Kaplan-Meier product limit over whole prices
 * (Kaplan, Meier, JASA 1958). max: 1 .. BID_PRICE_MAX; prices above count as above.
 * Fails: KAI_INVALID (no auction, a negative price or bid), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status bid_market_fit(const int32_t *price, const int32_t *bid,
                                         const uint8_t *won, int64_t auctions, int32_t max,
                                         struct bid_market *ret_market, kai_err *err);
void bid_market_release(struct bid_market *market);
/* The c of the win rate b / (c + b) that is nearest to `below` in squares, weighted by chance. */
double bid_market_shape(const struct bid_market *market);
/* Mean price of what a bid wins. */
double bid_market_cost(const struct bid_market *market, int32_t bid);

/* ---- the bidder ---- */

struct bid_options {
    enum bid_method method;
    double base;       /* LINEAR, LIFT: bid for a mean value */
    double mean_value; /* LINEAR, LIFT, MDP: > 0 */
    double shape;      /* ORTB: c */
    double lambda;     /* ORTB: value of a unit of money, > 0 */
    int32_t max_bid;   /* 1 .. BID_PRICE_MAX */
    int64_t budget;    /* for the next `auctions` auctions */
    int64_t auctions;  /* MDP: 1 .. 10000 */
    double pace; /* 0: none. Else the step of the dual control that spends evenly: bids shrink by
                    1 / (1 + mu), mu <- max(0, mu + pace (spent / due - 1)) each auction */
    int32_t cap; /* impressions at most for one customer; 0: none */
};

struct bidder;

/* MDP needs the market (borrowed while it lives); others may pass NULL.
 * Fails: KAI_INVALID, KAI_LIMIT (an MDP table above 1 GiB), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status bid_new(const struct bid_options *options,
                                  const struct bid_market *market, struct bidder **ret_bidder,
                                  kai_err *err);
void bid_free(struct bidder *bidder);
/* Start again with a budget for as many auctions; what was learned of the pace stays. */
void bid_restart(struct bidder *bidder, int64_t budget);
/* The bid for the next auction: 0 = none. `seen`: impressions that this customer has had. Never
 * above what is left of the budget. */
int32_t bid_next(const struct bidder *bidder, double value, int32_t floor_price, int32_t seen);
/* What came of it: `paid` money, 0 where lost. Called once for each auction. */
void bid_settle(struct bidder *bidder, int32_t paid);
int64_t bid_left(const struct bidder *bidder);

/* ---- the replay of a log ---- */

/* One auction of a log that knows the market price whoever won. */
struct bid_log {
    int64_t auctions;
    const uint8_t *outcome; /* click or conversion, where shown */
    const int32_t *price;
    const double *value; /* what a model says of it beforehand */
};
struct bid_result {
    int64_t bids, impressions, outcomes, spent, budget;
    double value; /* of the impressions, as predicted */
};

/* Play the log in episodes of `auctions`, each with `budget`; a shorter last one has its share.
 * ret_won: (log auctions) 1 where shown, or NULL. */
void bid_replay(struct bidder *bidder, const struct bid_log *log, int64_t auctions, int64_t budget,
                uint8_t *ret_won, struct bid_result *ret_result);
/* The 95 % interval of the outcomes of a replay: percentiles of 1,000 bootstrap samples of whole
 * episodes, because the auctions of an episode share their money. Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status bid_interval(const struct bid_log *log, const uint8_t *won,
                                       int64_t auctions, uint64_t seed, double *ret_low,
                                       double *ret_high, kai_err *err);
/* The `base` (LINEAR, LIFT) or `lambda` (ORTB) with the most outcomes, then the most predicted
 * value, on a log: by value, not by outcomes, where outcomes are fewer than 50.
 * Fails as bid_new does. */
KAI_MUST_CHECK kai_status bid_tune(struct bid_options *options, const struct bid_log *log,
                                   int64_t auctions, int64_t budget, kai_err *err);

#endif
