/* Worlds for those who learn while they act: what each action would bring, round by round, and
 * auctions whose market is known. Listed as a door in simulate/simulate.h; the mathematics is in
 * docs/methods/simulation-worlds.md. */
#ifndef KAIROS_SIMULATE_SIMULATE_WORLD_H
#define KAIROS_SIMULATE_SIMULATE_WORLD_H

#include <stdint.h>

#include "base/err.h"

enum { SIMULATE_ACTIONS_MAX = 64, SIMULATE_CONTEXT_MAX = 128 };

struct simulate_world_options {
    int32_t actions;   /* 2 .. 64 */
    int32_t features;  /* with the constant, 1 .. 128 */
    int32_t is_binary; /* rewards are 0 or 1; else mean plus normal noise of sd 1 */
    int64_t change;    /* the truth is drawn anew after so many rounds; 0 = never */
    uint64_t seed;
};

struct simulate_world;

/* Fails: KAI_INVALID, KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status simulate_world_new(const struct simulate_world_options *options,
                                             struct simulate_world **ret_world, kai_err *err);
void simulate_world_free(struct simulate_world *world);
/* The context of a round and the expected reward of each action there: a function of the round
 * alone. ret_context: (features), the first is 1; ret_mean: (actions). */
void simulate_world_round(struct simulate_world *world, int64_t round, double *ret_context,
                          double *ret_mean);
/* What an action with that expected reward brings in that round; the same for everyone who asks. */
double simulate_world_reward(const struct simulate_world *world, int64_t round, int32_t action,
                             double mean);
/* The true weights of the actions in a round: (actions, features), good until the next round that
 * is asked for. */
const double *simulate_world_truth(struct simulate_world *world, int64_t round);

/* One auction: what a model says of it, what it truly is worth, what the others bid. */
struct simulate_auction {
    double predicted, chance;
    int32_t price;
    int32_t outcome; /* of showing it: 0 or 1 */
};

/* Auction `index` of a market: chances are log-normal about 0.002, predictions carry a log-normal
 * error, prices are log-normal about 60, dearer for better impressions, and drift over the day
 * (`of` auctions) by a third. */
void simulate_auction_draw(uint64_t seed, int64_t index, int64_t of,
                           struct simulate_auction *ret_auction);

#endif
