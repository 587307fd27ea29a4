/* The process behind a simulated campaign: how a customer is drawn, what is expected of him under
 * each arm, and what then happens. Private to simulate; the mathematics is in
 * docs/methods/simulation.md. */
#ifndef KAIROS_SIMULATE_SIMULATE_PROCESS_H
#define KAIROS_SIMULATE_SIMULATE_PROCESS_H

#include "simulate/simulate.h"

enum {
    SIMULATE_FAVOURITES = 6,
    SIMULATE_DEVICES = 3,
    SIMULATE_TIERS = 4,
    SIMULATE_REGIONS = 4,
    SIMULATE_CITIES = 60,
    SIMULATE_ATOMS = 18,
    SIMULATE_ARMS_MAX = SIMULATE_OFFERS_MAX + 1,
};

/* What customers.csv says of one customer, rounded as it is written, so that the truth is a
 * function of the file. Missing numbers are NaN. */
struct simulate_customer {
    double age, income, tenure, recency, orders, basket, visits, discount_share, open_rate, survey;
    int newsletter, device, tier, favourite, city, region;
};

/* One offer's effect: a mean and a standardised mix of atoms. */
struct simulate_effect {
    double weight[SIMULATE_ATOMS];
    double favourite[SIMULATE_FAVOURITES];
    double mean, sd;         /* in units of the effect scale */
    double raw_mean, raw_sd; /* of the mix, over a pilot sample */
    double propensity[4];    /* score weights where the history chose by features */
};

struct simulate_process {
    struct simulate_options options;
    int32_t arms;
    double ratio; /* effect sd / noise sd that was asked for */
    double scale; /* effect sd in units of spend */
    double sigma; /* noise of a gaussian outcome */
    double margin;
    double factor[SIMULATE_FAVOURITES];
    struct simulate_effect effect[SIMULATE_OFFERS_MAX];
    struct simulate_arm arm[SIMULATE_ARMS_MAX]; /* name, channel, cost; statistics zero */
    double budget_each;                         /* budget per customer */
    char capacity_channel[SIMULATE_NAME_BYTES];
    double capacity_share; /* of the customers */
};

/* What is expected of a customer. */
struct simulate_expected {
    double mu[SIMULATE_ARMS_MAX];         /* expected spend */
    double variance[SIMULATE_ARMS_MAX];   /* of spend */
    double purchase[SIMULATE_ARMS_MAX];   /* probability of conversion */
    double propensity[SIMULATE_ARMS_MAX]; /* of the history's choice */
    double amount;                        /* mean amount of a purchase */
    double browse;                        /* probability of a visit without a purchase */
};

struct simulate_event {
    int32_t arm;
    int visit, conversion;
    double spend;
};

extern const char *const SIMULATE_FAVOURITE_NAMES[SIMULATE_FAVOURITES];
extern const char *const SIMULATE_DEVICE_NAMES[SIMULATE_DEVICES];
extern const char *const SIMULATE_TIER_NAMES[SIMULATE_TIERS];
extern const char *const SIMULATE_REGION_NAMES[SIMULATE_REGIONS];

/* Draw the process of these options: effects, costs, factors, limits. */
KAI_MUST_CHECK kai_status simulate_process_init(const struct simulate_options *options,
                                                struct simulate_process *ret_process, kai_err *err);
/* Customer `index` (0-based): his features, expectations and history. */
void simulate_draw(const struct simulate_process *process, int64_t index,
                   struct simulate_customer *ret_customer, struct simulate_expected *ret_expected,
                   struct simulate_event *ret_event);

#endif
