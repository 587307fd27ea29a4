/* The state of a bandit. Private to bandit.c and bandit_state.c. */
#ifndef KAIROS_DECIDE_BANDIT_PARTS_H
#define KAIROS_DECIDE_BANDIT_PARTS_H

#include "decide/bandit.h"
#include "decide/belief.h"
#include "decide/explore.h"

/* What has been spent, and what spending is worth. */
struct bandit_purse {
    double spent;
    double price; /* worth of a unit of the budget elsewhere, >= 0 */
    double ratio; /* running mean of the best score per unit of cost */
    double cost;  /* running mean of the allowed actions' positive costs */
};

struct bandit {
    struct bandit_options options;
    int32_t beliefs; /* actions, or 1 where shared */
    int64_t decisions, updates;
    struct bandit_purse purse;
    struct belief *belief;           /* owned; (beliefs) */
    double *numbers;                 /* owned; of the beliefs */
    double *mean, *sd, *probability; /* (actions); into `scratch` */
    double *scratch;                 /* owned */
    double *work;                    /* (features + features^2); into `scratch` */
    uint8_t *is_allowed;             /* owned; (actions) */
    /* the window: a ring of the last terms */
    int64_t held;                    /* terms in the ring */
    double *window_context;          /* owned; (window, features) */
    struct belief_term *window_term; /* owned; (window) */
    int32_t *window_belief;          /* owned; (window) */
    double normal[EXPLORE_NORMALS];
};

#endif
