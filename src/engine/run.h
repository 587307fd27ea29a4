/* The working state of `kairos run`, filled step by step:
 *
 *   run_load      tables, arms, outcomes, propensities
 *   run_features  which columns the models may see; the feature matrices
 *   run_effects   what each offer changes for each customer, cross-fitted
 *   run_plan      market factors, hold-out, limits, the optimal plan, the budget curve
 *   run_proof     policies off-policy, uplift curves, calibration, fairness
 *   run_reasons   why, for each treated customer
 *   run_write     plan.csv and receipts.jsonl.gz
 *   run_describe  report.json and the summary for people
 *
 * Rows: a *used* row is a row of the history with a known arm and a value outcome; `used` lists
 * them. Arrays named history_* go over used rows, arrays named customer_* over the customers.
 */
#ifndef KAIROS_ENGINE_RUN_H
#define KAIROS_ENGINE_RUN_H

#include "collect/collect.h"
#include "decide/decide.h"
#include "engine/campaign.h"
#include "engine/engine.h"
#include "engine/problem.h"
#include "evaluate/arms.h"
#include "evaluate/baseline.h"
#include "evaluate/fairness.h"
#include "evaluate/leaks.h"
#include "evaluate/policy.h"
#include "evaluate/reliability.h"
#include "evaluate/shift.h"
#include "evaluate/trial.h"
#include "evaluate/uplift.h"
#include "learn/effect.h"
#include "market/market.h"
#include "prepare/clean.h"
#include "prepare/recipe.h"
#include "table/table.h"

enum { RUN_FRONTIER_POINTS = 20, RUN_REASONS = 3, RUN_WARNINGS_MAX = 64 };

/* One table with its report. */
struct run_table {
    struct table *table; /* owned, except where history shares the customers' */
    struct collect_report report;
    const char *file; /* as the campaign writes it */
};

struct run_left_out {
    const char *column, *reason; /* in the run's arena */
};

/* A policy on history with what was found. */
struct run_policies {
    int32_t count;
    struct policy *items;        /* owned; (count) */
    struct policy_value *values; /* owned; (count) */
};

struct run_offer_proof {
    struct uplift_curve curve;
    struct reliability reliability;
};

struct run_audit {
    const char *column;
    struct fairness_groups *groups; /* owned */
    struct fairness_audit *audit;   /* owned */
};

struct run {
    kai_engine *engine;
    const kai_run_options *options;
    struct timing timing;
    struct campaign campaign;
    struct arena arena;
    uint64_t seed;
    int32_t offers, arms; /* arms = offers + 1 */
    const char *warnings[RUN_WARNINGS_MAX];
    int32_t warning_count;

    struct run_table customers, history, market;
    int is_same_table; /* history is the customers' table */
    const char *goal_column;
    double worth;     /* money (or outcome) of a unit of the goal's column */
    double *cost;     /* owned; (offers) cost that the goal counts */
    double *arm_cost; /* owned; (arms) the same with control first */
    int32_t *row_arm; /* owned; (history rows), -1 = unknown */
    int64_t *used;    /* owned; (used_count) rows of the history */
    int64_t used_count;
    int64_t *used_of_row;             /* owned; (history rows) index into used, or -1 */
    int32_t *history_arm;             /* owned */
    double *history_outcome;          /* owned; units of the goal's column */
    double *history_propensity;       /* owned; NULL = uniform */
    struct arm_outcome *arm_outcomes; /* owned; (outcomes, arms) */

    enum prepare_role *roles;      /* owned; (history columns) */
    struct run_left_out *left_out; /* owned */
    int32_t left_out_count;
    struct clean *clean;            /* owned */
    struct recipe *recipe;          /* owned */
    struct matrix *history_matrix;  /* owned; all rows of the history */
    struct matrix *customer_matrix; /* owned, except where the tables are the same */
    struct shift *shifts;           /* owned */
    int32_t shift_count;

    int32_t *fold;                /* owned; (history rows) -1 = not used */
    struct effect_model **models; /* owned; (folds) */
    struct effect_model *full;    /* owned; of the whole history, NULL = not needed */
    uint64_t model_hash;
    int is_rotated;         /* folds' errors of the proof do not correlate (evaluate/rotation.h) */
    int is_apart;           /* the proof has models of its own beside the plan's */
    double *plan_effect;    /* owned; (used, offers) out of fold; NULL = history_effect */
    double *history_effect; /* owned; (used, offers) out of fold, for the proof */
    double *history_predicted; /* owned; (used, arms) out of fold, for the proof */
    double *customer_effect;   /* owned; (customers, offers) */

    struct market_factors factors; /* values NULL = no market */
    uint8_t *has_consent;          /* owned; (customers) */
    uint8_t *is_held_out;          /* owned; (customers) */
    uint8_t *is_refused;           /* owned; (customers, offers) by the workspace; NULL = none */
    int64_t consent_missing, held_out, eligible;
    int64_t refused_pairs;
    int32_t *fair_group;                 /* owned; (customers) or NULL */
    struct fairness_groups *fair_groups; /* owned */
    double *objective;                   /* owned; (customers, offers) */
    struct problem problem;
    struct decide_plan *plan; /* owned */
    int32_t *proof_choice;    /* owned; (customers) offer or -1 of the plan that the proof's models
                                 make; NULL = the plan's own */
    struct decide_point frontier[RUN_FRONTIER_POINTS];
    int32_t frontier_count;

    int64_t *trial_rows; /* owned; (trial.rows) index into used */
    struct trial trial;
    int32_t *trial_arm;       /* owned */
    double *trial_outcome;    /* owned; in the goal's unit */
    double *trial_propensity; /* owned or NULL */
    double *trial_predicted;  /* owned; (rows, arms) in the goal's unit */
    int32_t *trial_choice;    /* owned; the plan's arm */
    int32_t *response_choice; /* owned */
    double *constants;        /* owned; (offers + 2, arms) constant policies */
    struct run_policies policies;
    struct run_offer_proof *proofs; /* owned; (offers) */
    struct run_audit *audits;       /* owned */
    int32_t audit_count;

    char **reasons;            /* owned; (customers x RUN_REASONS), NULL = none */
    double *column_effect;     /* owned; (source columns) mean |share| */
    const char **column_names; /* owned; (source columns) */
    int32_t column_count;
    double surrogate_r2;
    const char *reason_method;
};

KAI_MUST_CHECK kai_status run_load(struct run *run, kai_err *err);
/* Market factors of every customer and offer; part of run_load, so that a missing key is said
 * before the models are fitted. */
KAI_MUST_CHECK kai_status run_join_market(struct run *run, kai_err *err);
/* Propensities by a model of the features, where the campaign asks; after the folds are drawn. */
KAI_MUST_CHECK kai_status run_estimate_propensity(struct run *run, kai_err *err);
KAI_MUST_CHECK kai_status run_features(struct run *run, kai_err *err);
KAI_MUST_CHECK kai_status run_effects(struct run *run, kai_err *err);
/* What the workspace knows of the campaign's customers: who was forgotten or wants nothing
 * personalised loses `has_consent`, who refused a channel is refused its offers. Statements only:
 * where nothing was said, the campaign's own column decides. */
KAI_MUST_CHECK kai_status run_ask_workspace(struct run *run, kai_err *err);
KAI_MUST_CHECK kai_status run_plan(struct run *run, kai_err *err);
KAI_MUST_CHECK kai_status run_proof(struct run *run, kai_err *err);
KAI_MUST_CHECK kai_status run_reasons(struct run *run, kai_err *err);
KAI_MUST_CHECK kai_status run_write(struct run *run, const char *dir, kai_err *err);
/* The document of report.json; `timing` NULL leaves it out. */
KAI_MUST_CHECK kai_status run_describe(struct run *run, struct timing *timing, struct buf *out,
                                       kai_err *err);
KAI_MUST_CHECK kai_status run_summarise(const struct run *run, const char *dir, struct buf *out,
                                        kai_err *err);

/* Keep a warning for the report; the text is formatted into the run's arena. */
void run_warn(struct run *run, const char *format, ...) ERR_PRINTF(2, 3);
/* The name of a customer, as the id column or the row number says it, into buf (reset first). */
KAI_MUST_CHECK kai_status run_customer_name(const struct run *run, int64_t customer,
                                            struct buf *buf, kai_err *err);
/* What an offer costs a customer's row in plan.csv, whatever the goal. */
double run_offer_cost(const struct run *run, int32_t offer);

#endif
