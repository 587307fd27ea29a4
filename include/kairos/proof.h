/* Prove effects from logs: experiments, off-policy values, attribution, and the ledger. */
#ifndef KAIROS_PROOF_H
#define KAIROS_PROOF_H

#include <kairos/engine.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_evaluate_ab_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one table */
    kai_table_options table;
    const char *arm;
    const char *control;
    kai_list metrics;      /* COL[:mean|proportion|ratio/DEN|qNN] */
    kai_list guards;       /* of the metrics, by column */
    kai_list lower_better; /* of the metrics, by column */
    kai_list shares;       /* ARM=SHARE as planned; none = equal */
    const char *cluster;
    const char *before;
    const char *adjust; /* "cuped", "regression" */
    const char *weight;
    const char *segment;
    const char *correct; /* "holm", "bh", "none" */
    const char *decide;  /* "anytime", "fixed" */
    kai_list bounds;     /* low, high */
    double srm;
    double winsorise;
    double margin;
    double confidence;
    double horizon;
    double prior_error;
    double power;
    int32_t bayes;
} kai_evaluate_ab_options;

typedef struct kai_evaluate_power_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* none */
    kai_table_options table;
    const char *history; /* a table; or baseline, or sd with mean */
    const char *metric;
    const char *unit;
    const char *before;
    const char *correct; /* "holm", "bonferroni", "none" */
    const char *formula; /* "pooled", "arcsine" */
    kai_list shares;     /* of the arms, control first; none = equal */
    double baseline;
    double mean;
    double sd;
    double effect;   /* absolute; 0 = none */
    double relative; /* share of control's level; 0 = none */
    double units;    /* of all arms; 0 = none */
    double alpha;
    double power;
    double daily;
    double horizon;
    int64_t arms;
    int32_t anytime;
} kai_evaluate_power_options;

typedef struct kai_evaluate_attribution_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one table: customer, time, channel, converted, value */
    kai_table_options table;
    kai_list models;
    kai_list lifts; /* CHANNEL=N[:LOW:HIGH] from experiments */
    double half_life;
    double confidence;
    int64_t permutations;
} kai_evaluate_attribution_options;

typedef struct kai_evaluate_ope_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one log */
    kai_table_options table;
    const char *action;
    const char *reward;
    const char *propensity;
    const char *position;
    const char *slate;
    const char *embedding;
    kai_list policies; /* files: row, action, probability */
    double reward_max;
    double threshold;
    double shrinkage;
    double confidence;
    int64_t folds;
} kai_evaluate_ope_options;

typedef struct kai_evaluate_ledger_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* run folders; none = all of the workspace */
    kai_table_options table;
    const char *campaign;
    const char *outcomes; /* a table */
    const char *id;
    const char *outcome;
    const char *period;
    const char *out;
    double margin;
    double confidence;
} kai_evaluate_ledger_options;

/* What an experiment says about its metrics, and who wins. */
KAI_API int32_t kai_engine_evaluate_ab(kai_engine *engine, const kai_evaluate_ab_options *options,
                                       kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* How large an experiment must be, how small an effect it finds, or how surely. */
KAI_API int32_t kai_engine_evaluate_power(kai_engine *engine,
                                          const kai_evaluate_power_options *options,
                                          kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Share conversions out among the channels that were touched before them. */
KAI_API int32_t kai_engine_evaluate_attribution(kai_engine *engine,
                                                const kai_evaluate_attribution_options *options,
                                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* What other policies would have earned, from a log with propensities. */
KAI_API int32_t kai_engine_evaluate_ope(kai_engine *engine, const kai_evaluate_ope_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* What each campaign and offer earned, and on what evidence. */
KAI_API int32_t kai_engine_evaluate_ledger(kai_engine *engine,
                                           const kai_evaluate_ledger_options *options,
                                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
