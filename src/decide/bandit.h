/* Learn while acting: a contextual bandit over the offers of a campaign.
 *
 * In: for each decision what is known of the customer, and what each action is worth and costs.
 * Out: one action, with the exact probability with which it was drawn; later, what came of it. The
 * state is a belief for each action (or one for all, over action features), updated in O(d^2); it
 * can be saved, resumed to the same decisions, and merged with the state of another server.
 *
 *   score of an action = value x expected reward - cost - price x cost
 *
 * where `price` is what a unit of the budget is worth elsewhere (0 without a budget): it rises
 * while spending runs ahead of the budget's pace and falls while it lags (dual descent: Balseiro,
 * Lu, Mirrokni, "The Best of Many Worlds", Operations Research 2023). An action that the rest of
 * the budget cannot pay is not allowed. Mathematics: docs/methods/bandits.md.
 *
 * Feedback may come late, in batches, and in any order: an update carries its own context.
 * Threads: one at a time for a bandit. Drawing and updating allocate nothing.
 */
#ifndef KAIROS_DECIDE_BANDIT_H
#define KAIROS_DECIDE_BANDIT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"

enum bandit_method {
    BANDIT_GREEDY,   /* epsilon-greedy */
    BANDIT_UCB,      /* LinUCB: mean + width x sd */
    BANDIT_THOMPSON, /* the probability of being the best */
    BANDIT_SQUARE,   /* SquareCB: inverse gap weighting */
    BANDIT_METHODS
};
enum bandit_model {
    BANDIT_LINEAR,   /* reward = x'w + noise */
    BANDIT_LOGISTIC, /* P(reward = 1) = 1 / (1 + exp(-x'w)); rewards in [0, 1] */
    BANDIT_MODELS
};

struct bandit_options {
    enum bandit_method method;
    enum bandit_model model;
    int32_t actions;   /* 1 .. 512; "no action" is one of them, with cost 0 */
    int32_t features;  /* of a context (a constant is a feature of the caller's), 1 .. 4096 */
    int32_t is_shared; /* one belief for all actions, contexts are (actions, features) */
    double epsilon;    /* GREEDY: 0.1 */
    double width;      /* UCB, THOMPSON: 1 */
    double gamma;      /* SQUARE: gamma of decision t is gamma x sqrt(actions x t / features); 1 */
    double ridge;      /* prior precision of a weight, > 0; 1 */
    double noise;      /* LINEAR: sd of a reward, > 0; 1 */
    double discount;   /* of what is known, for each decision that passes, 0 < discount <= 1; 1 */
    int64_t window;    /* only the last so many updates count; 0 = all */
    double floor;    /* least probability of each allowed action, so that proof stays possible; 0 */
    double budget;   /* INFINITY: none */
    int64_t horizon; /* decisions that the budget is for; 0: no pace, spent as it comes */
    uint64_t seed;   /* 42 */
};

/* The defaults above; actions and features are the caller's. */
void bandit_options_init(struct bandit_options *options);
/* "greedy", "ucb", "thompson", "square"; NULL where out of range. */
const char *bandit_method_text(enum bandit_method method);
/* 1 where the text names one. */
int bandit_parse_method(const char *text, enum bandit_method *ret_method);

struct bandit;

/* Fails: KAI_INVALID (an option out of range, which one), KAI_LIMIT (memory above 4 GiB),
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status bandit_new(const struct bandit_options *options,
                                     struct bandit **ret_bandit, kai_err *err);
void bandit_free(struct bandit *bandit);

struct bandit_request {
    const double *context;     /* (features), or (actions, features) where shared; finite */
    const double *value;       /* (actions) money of a unit of reward; NULL = 1 */
    const double *cost;        /* (actions) money, >= 0; NULL = 0 */
    const uint8_t *is_allowed; /* (actions) caps and consent; NULL = all */
};

struct bandit_decision {
    int64_t number; /* of the decision, from 0; names its random stream */
    int32_t action;
    double propensity; /* the probability with which `action` was drawn */
    double score;      /* expected, by what is believed now */
    double price;      /* of a unit of the budget, at this decision */
};

/* Draw one action. ret_probability: (actions) all probabilities, or NULL.
 * Fails: KAI_INVALID (a number that is not finite, a negative cost), KAI_INFEASIBLE (no action is
 * allowed, or none can be paid). */
KAI_MUST_CHECK kai_status bandit_draw(struct bandit *bandit, const struct bandit_request *request,
                                      struct bandit_decision *ret_decision, double *ret_probability,
                                      kai_err *err);

/* What came of an action: `context` is (features), the action's own row where shared. `tick` is the
 * number of the decision that it belongs to (only the discount asks).
 * Fails: KAI_INVALID (an action out of range, a reward that is not finite, or outside of [0, 1] for
 * a logistic model). */
KAI_MUST_CHECK kai_status bandit_update(struct bandit *bandit, const double *context,
                                        int32_t action, double reward, int64_t tick, kai_err *err);

/* Expected reward of an action and its standard deviation, as believed now. */
void bandit_predict(const struct bandit *bandit, const double *context, int32_t action,
                    double *ret_mean, double *ret_sd);
/* Money spent so far; decisions taken so far; the price of the budget. */
double bandit_spent(const struct bandit *bandit);
int64_t bandit_decisions(const struct bandit *bandit);
double bandit_price(const struct bandit *bandit);

/* Add what another bandit of the same options has learned and spent since it was new. A window's
 * terms are not merged. Fails: KAI_INVALID (other options), KAI_UNSUPPORTED (a window). */
KAI_MUST_CHECK kai_status bandit_merge(struct bandit *bandit, const struct bandit *other,
                                       kai_err *err);
/* The whole state as one checked document (docs/formats/bandit.md), appended to `out`. */
KAI_MUST_CHECK kai_status bandit_print(const struct bandit *bandit, struct buf *out, kai_err *err);
/* Fails: KAI_CORRUPT, KAI_UNSUPPORTED (newer), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status bandit_parse(const void *bytes, size_t size, struct bandit **ret_bandit,
                                       kai_err *err);

#endif
