/* Make markets whose truth is known.
 *
 * `simulate_campaign` writes the history of an experiment on customers who do not exist, the
 * campaign file that goes with it, and, apart from both, what each offer truly does to each
 * customer. A plan made from the first can then be judged by the second. The process is documented
 * in docs/methods/simulation.md; it is smooth, stepped and interacting, and belongs to no learner
 * of ours. Being realistic about everything is not this room's business.
 *
 * Further doors of this room: simulate/simulate_world.h (worlds for bandits and bidders),
 * simulate/simulate_events.h (a stream of events).
 *
 * Files of `simulate_campaign`, below out_dir:
 *   customers.csv        customer (1..n), features, region (sensitive), action, [propensity],
 *                        visit, conversion, spend
 *   market.csv           favourite, demand_index: the market factor of each favourite category
 *   campaign.yaml        a complete campaign file with limits that bind
 *   truth/effects.csv    customer, factor, mu_<arm>... (expected spend under control and each
 *                        offer), value_<offer>... (money that the offer truly adds: factor x margin
 *                        x (mu_offer - mu_control), before its cost)
 *   truth/summary.json   the process in numbers
 */
#ifndef KAIROS_SIMULATE_SIMULATE_H
#define KAIROS_SIMULATE_SIMULATE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/pool.h"
#include "base/progress.h"

enum {
    SIMULATE_OFFERS_MAX = 16,
    SIMULATE_NAME_BYTES = 32,
};
#define SIMULATE_CUSTOMERS_MAX 10000000ll

/* Effect sd over customers as a share of the outcome's noise sd. */
enum simulate_noise {
    SIMULATE_EASY,   /* 1/5 */
    SIMULATE_MEDIUM, /* 1/10 */
    SIMULATE_HARD,   /* 1/20 */
    SIMULATE_NOISES
};
enum simulate_propensity {
    SIMULATE_UNIFORM,  /* each arm with the same probability */
    SIMULATE_FEATURES, /* by features, known, at least 0.3 / arms; written as a column */
    SIMULATE_PROPENSITIES
};
enum simulate_outcome {
    SIMULATE_SPEND,    /* zero for most, else a skewed positive amount */
    SIMULATE_GAUSSIAN, /* expected spend plus normal noise; may be negative (returns) */
    SIMULATE_OUTCOMES
};

struct simulate_options {
    int64_t customers; /* 1 .. 10 million; default 100,000 */
    int32_t offers;    /* 1 .. 16; default 3 */
    uint64_t seed;     /* 42 */
    enum simulate_noise noise;
    enum simulate_propensity propensity;
    enum simulate_outcome outcome;
};

void simulate_options_init(struct simulate_options *options);
/* "easy", "medium", "hard"; "uniform", "features"; "spend", "gaussian". 1 where the text names one.
 */
int simulate_parse_noise(const char *text, enum simulate_noise *ret_noise);
int simulate_parse_propensity(const char *text, enum simulate_propensity *ret_propensity);
int simulate_parse_outcome(const char *text, enum simulate_outcome *ret_outcome);

/* One arm; arm 0 is the control. */
struct simulate_arm {
    char name[SIMULATE_NAME_BYTES];
    char channel[SIMULATE_NAME_BYTES]; /* "" for the control */
    double cost;
    int64_t customers;    /* who got it */
    double outcome_mean;  /* of those, as it happened */
    double expected_mean; /* of all customers, expected spend under this arm */
    double effect_mean;   /* of all customers, expected spend minus control's */
    double effect_sd;
    double harmed_share; /* of all customers with a negative effect */
};

struct simulate_summary {
    int64_t customers;
    int32_t arms;     /* offers + 1 */
    double noise_sd;  /* root mean variance of spend given features and arm */
    double effect_sd; /* root mean variance over the offers */
    double margin;
    double budget;
    struct simulate_arm arm[SIMULATE_OFFERS_MAX + 1];
};

/* Write a campaign into out_dir (made where missing). The bytes depend on the options only, not on
 * the threads; memory does not grow with the customers. pool and progress may be NULL.
 * Fails: KAI_INVALID (an option out of range), KAI_IO, KAI_NO_MEMORY, KAI_CANCELLED. */
KAI_MUST_CHECK kai_status simulate_campaign(const struct simulate_options *options,
                                            const char *out_dir, struct pool *pool,
                                            const struct progress *progress,
                                            struct simulate_summary *ret_summary, kai_err *err);

/* The truth of a campaign, in memory. */
struct simulate_truth {
    int64_t customers;
    int32_t offers;
    char name[SIMULATE_OFFERS_MAX][SIMULATE_NAME_BYTES];
    char channel[SIMULATE_OFFERS_MAX][SIMULATE_NAME_BYTES];
    double cost[SIMULATE_OFFERS_MAX];
    double margin;
    double *factor; /* owned; (customers) */
    double *mu;     /* owned; (customers, offers + 1) expected spend */
    double *value;  /* owned; (customers, offers) money an offer adds, before its cost */
};

/* Read <dir>/truth/. Fails: KAI_NOT_FOUND, KAI_CORRUPT (file and line). */
KAI_MUST_CHECK kai_status simulate_truth_read(const char *dir, struct simulate_truth **ret_truth,
                                              kai_err *err);
void simulate_truth_free(struct simulate_truth *truth);

struct simulate_profit {
    int64_t treated; /* rows of the plan that carry an offer and are not held out */
    double value;    /* money those truly add */
    double cost;
    double profit; /* value - cost, incremental to treating nobody */
};

/* The true profit of an assignment: offer[i] in 1..offers, 0 = none, for customers 0..customers-1.
 */
void simulate_truth_profit(const struct simulate_truth *truth, const int32_t *offer,
                           struct simulate_profit *ret_profit);
/* The true profit of a plan.csv (columns customer, offer and, if there, hold_out; rows held out do
 * not count). ret_held_out: (customers) 1 where the plan holds the customer out, or NULL.
 * Fails: KAI_NOT_FOUND, KAI_INVALID (a customer or offer that the truth lacks). */
KAI_MUST_CHECK kai_status simulate_plan_profit(const struct simulate_truth *truth,
                                               const char *plan_path, uint8_t *ret_held_out,
                                               struct simulate_profit *ret_profit, kai_err *err);

#endif
