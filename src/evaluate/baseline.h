/* The policies that a plan must beat: nobody, everybody, random within the limits, and the greedy
 * marketer who sends to those who are most likely to buy anyway. */
#ifndef KAIROS_EVALUATE_BASELINE_H
#define KAIROS_EVALUATE_BASELINE_H

#include <stdint.h>

#include "base/err.h"

/* Limits over `rows` customers. Limits stated for another number of customers are scaled by the
 * caller. Borrowed. */
struct baseline_limits {
    int32_t arms;                   /* with control */
    const double *cost;             /* (arms), >= 0 */
    double budget;                  /* money; INFINITY = none */
    const double *capacity;         /* (arms) rows; INFINITY = none; NULL = none at all */
    int32_t channels;               /* 0 = none */
    const int32_t *channel;         /* (arms) in [0, channels), or -1 = no channel; NULL = none */
    const double *channel_capacity; /* (channels) rows */
};

/* Arm `offer` for everybody, whatever the limits; 0 is nobody. ret_constant: (arms). */
void baseline_everybody(int32_t arms, int32_t offer, double *ret_constant);
/* Each offer with the same probability, cut by its capacities, then all scaled into the budget, so
 * that every limit holds in expectation. ret_constant: (arms), for struct policy.constant. */
void baseline_random(const struct baseline_limits *limits, int64_t rows, double *ret_constant);
/* For each row the offer with the highest predicted outcome (ties: the lower arm); rows served from
 * the highest prediction down (ties: input order) while the limits allow; a row whose offer does
 * not fit gets arm 0. predicted: (rows, arms); ret_choice: (rows). Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status baseline_response(const struct baseline_limits *limits,
                                            const double *predicted, int64_t rows,
                                            int32_t *ret_choice, kai_err *err);
/* The filling alone: rows in order of falling score, each with its wished arm (0 = none).
 * score, wish: (rows); ret_choice: (rows). Fails: KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status baseline_fill(const struct baseline_limits *limits, const double *score,
                                        const int32_t *wish, int64_t rows, int32_t *ret_choice,
                                        kai_err *err);

#endif
