/* Worlds whose truth is known: options of `simulate bandit`, `simulate auction` and `simulate
 * events`. */
#ifndef KAIROS_WORLD_H
#define KAIROS_WORLD_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_simulate_bandit_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *out;
    int64_t rounds;
    int64_t actions;
    int64_t features;
    const char *reward; /* "normal", "binary" */
    kai_list methods;   /* of greedy, ucb, thompson, square */
    int64_t delay;      /* rounds until a reward is heard */
    int64_t change;     /* the truth is drawn anew after so many rounds; 0 = never */
    double discount;
    int64_t window;
    double floor;
} kai_simulate_bandit_options;

typedef struct kai_simulate_auction_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *out;
    const char *log; /* replay this log instead: outcome, price, value a line */
    int64_t auctions;
    int64_t episode; /* auctions that share a budget */
    double budget;   /* of an episode, as a share of what all its auctions cost */
} kai_simulate_auction_options;

typedef struct kai_simulate_events_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *out;
    int64_t customers;
    int64_t days;
    int64_t items;
    double signed_out; /* share of sessions that only a device tells apart */
} kai_simulate_events_options;

/* Play bandits in a world whose truth is known; writes log.csv, regret.csv and truth/ into `out`.
 */
KAI_API int32_t kai_engine_simulate_bandit(kai_engine *engine,
                                           const kai_simulate_bandit_options *options,
                                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Play bidders in a market whose truth is known, or on a log. */
KAI_API int32_t kai_engine_simulate_auction(kai_engine *engine,
                                            const kai_simulate_auction_options *options,
                                            kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Write a shop's events as JSON Lines, and apart what each channel truly added, who left and whose
 * taste moved; writes events.jsonl, items.csv, touches.csv and truth/ into `out`. */
KAI_API int32_t kai_engine_simulate_events(kai_engine *engine,
                                           const kai_simulate_events_options *options,
                                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
