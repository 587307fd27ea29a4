/* What the plan and the baselines are worth on history, how well effects are ranked and calibrated,
 * and how the groups of the sensitive columns fare.
 *
 * The trial is made of the used rows whose customers could be treated; where the customers are
 * another table, of all used rows, on which the plan's prices act as a rule.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/run.h"

/* Is the used row part of the trial? */
static int is_in_trial(const struct run *run, int64_t u) {
    int64_t row = run->used[u];
    return !run->is_same_table || (run->has_consent[row] && !run->is_held_out[row]);
}

static kai_status gather_trial(struct run *run, kai_err *err) {
    size_t used = (size_t)run->used_count, arms = (size_t)run->arms;
    run->trial_rows = mem_array(used, sizeof *run->trial_rows);
    run->trial_arm = mem_array(used, sizeof *run->trial_arm);
    run->trial_outcome = mem_array(used, sizeof *run->trial_outcome);
    run->trial_predicted = mem_array(used * arms, sizeof *run->trial_predicted);
    run->trial_choice = mem_zero(used, sizeof *run->trial_choice);
    run->response_choice = mem_zero(used, sizeof *run->response_choice);
    if (run->history_propensity) run->trial_propensity = mem_array(used, sizeof(double));
    if (!run->trial_rows || !run->trial_arm || !run->trial_outcome || !run->trial_predicted ||
        !run->trial_choice || !run->response_choice ||
        (run->history_propensity && !run->trial_propensity))
        return err_memory(err, (int64_t)(used * (arms + 5) * 8));
    int64_t rows = 0;
    for (int64_t u = 0; u < run->used_count; u++) {
        if (!is_in_trial(run, u)) continue;
        run->trial_rows[rows] = u;
        run->trial_arm[rows] = run->history_arm[u];
        run->trial_outcome[rows] = run->worth * run->history_outcome[u];
        if (run->history_propensity) run->trial_propensity[rows] = run->history_propensity[u];
        for (int32_t a = 0; a < run->arms; a++)
            run->trial_predicted[rows * run->arms + a] =
                run->worth * run->history_predicted[u * run->arms + a];
        rows++;
    }
    const char **names = arena_alloc(&run->arena, arms, sizeof *names);
    if (!names) return err_memory(err, run->arms);
    for (int32_t a = 0; a < run->arms; a++)
        names[a] = a ? run->campaign.offers[a - 1].name : run->campaign.history.control;
    run->trial = (struct trial){.rows = rows,
                                .arms = run->arms,
                                .arm = run->trial_arm,
                                .outcome = run->trial_outcome,
                                .propensity = run->trial_propensity,
                                .predicted = run->trial_predicted,
                                .arm_names = names};
    return KAI_OK;
}

/* Where the customers are the history: the plan's own choice, or that of the proof's models. */
static void copy_choice(struct run *run) {
    for (int64_t t = 0; t < run->trial.rows; t++) {
        int64_t row = run->used[run->trial_rows[t]];
        run->trial_choice[t] =
            1 + (run->proof_choice ? run->proof_choice[row]
                                   : run->plan->chosen[row * run->plan->per_customer]);
    }
}

/* The plan's prices as a rule on history. */
static kai_status apply_rule(struct run *run, kai_err *err) {
    int64_t rows = run->trial.rows;
    int32_t width = run->plan->per_customer;
    double *objective = mem_array((size_t)(rows * run->offers), sizeof *objective);
    int32_t *chosen = mem_array((size_t)(rows * width), sizeof *chosen);
    kai_status st = objective && chosen ? KAI_OK : err_memory(err, rows * run->offers * 8);
    for (int64_t t = 0; !st && t < rows; t++)
        for (int32_t j = 0; j < run->offers; j++)
            objective[t * run->offers + j] =
                run->worth * run->history_effect[run->trial_rows[t] * run->offers + j] -
                run->cost[j];
    if (!st) decide_rule(run->plan, objective, NULL, rows, run->offers, chosen);
    for (int64_t t = 0; !st && t < rows; t++) run->trial_choice[t] = chosen[t * width] + 1;
    mem_free(objective);
    mem_free(chosen);
    return st;
}

/* The campaign's limits as the baselines take them, scaled to the rows of the trial. */
struct scaled_limits {
    struct baseline_limits limits;
    double *cost, *capacity, *channel_capacity; /* owned */
    int32_t *channel;                           /* owned */
};

static void free_limits(struct scaled_limits *scaled) {
    mem_free(scaled->cost);
    mem_free(scaled->capacity);
    mem_free(scaled->channel_capacity);
    mem_free(scaled->channel);
}

static void place_capacity(const struct run *run, const struct campaign_capacity *capacity,
                           double limit, struct scaled_limits *scaled) {
    if (!capacity->is_channel) {
        scaled->capacity[campaign_find_offer(&run->campaign, capacity->name) + 1] = limit;
        return;
    }
    int32_t channel = scaled->limits.channels++;
    scaled->channel_capacity[channel] = limit;
    for (int32_t j = 0; j < run->offers; j++)
        if (strcmp(run->campaign.offers[j].channel, capacity->name) == 0)
            scaled->channel[j + 1] = channel;
}

static kai_status scale_limits(const struct run *run, struct scaled_limits *scaled, kai_err *err) {
    const struct campaign *campaign = &run->campaign;
    size_t arms = (size_t)run->arms;
    scaled->cost = mem_zero(arms, sizeof(double));
    scaled->capacity = mem_array(arms, sizeof(double));
    scaled->channel = mem_array(arms, sizeof *scaled->channel);
    scaled->channel_capacity = mem_zero((size_t)campaign->capacity_count + 1, sizeof(double));
    if (!scaled->cost || !scaled->capacity || !scaled->channel || !scaled->channel_capacity)
        return err_memory(err, run->arms * 24);
    double scale = run->eligible ? (double)run->trial.rows / (double)run->eligible : 1;
    for (int32_t a = 0; a < run->arms; a++) {
        scaled->cost[a] = a ? campaign->offers[a - 1].cost : 0;
        scaled->capacity[a] = INFINITY;
        scaled->channel[a] = -1;
    }
    for (int32_t c = 0; c < campaign->capacity_count; c++)
        place_capacity(run, &campaign->capacities[c], campaign->capacities[c].limit * scale,
                       scaled);
    double budget = campaign->limits.budget;
    scaled->limits.arms = run->arms;
    scaled->limits.cost = scaled->cost;
    scaled->limits.budget = isnan(budget) ? INFINITY : budget * scale;
    scaled->limits.capacity = scaled->capacity;
    scaled->limits.channel = scaled->channel;
    scaled->limits.channel_capacity = scaled->channel_capacity;
    return KAI_OK;
}

static const char *everybody_name(struct run *run, int32_t offer) {
    char name[256];
    (void)snprintf(name, sizeof name, "everybody: %s", run->campaign.offers[offer].name);
    const char *kept = arena_string(&run->arena, name);
    return kept ? kept : "everybody";
}

/* plan, nobody, everybody with each offer, random, best predicted response */
static kai_status list_policies(struct run *run, kai_err *err) {
    struct scaled_limits scaled = {0};
    int32_t count = run->offers + 4, c = 0, p = 0;
    run->policies.items = mem_zero((size_t)count, sizeof *run->policies.items);
    run->policies.values = mem_zero((size_t)count, sizeof *run->policies.values);
    run->constants =
        mem_zero(((size_t)run->offers + 2) * (size_t)run->arms, sizeof *run->constants);
    if (!run->policies.items || !run->policies.values || !run->constants)
        return err_memory(err, count * run->arms * 8);
    kai_status st = scale_limits(run, &scaled, err);
    if (!st)
        st = baseline_response(&scaled.limits, run->trial_predicted, run->trial.rows,
                               run->response_choice, err);
    if (!st) {
        struct policy *items = run->policies.items;
        items[p++] = (struct policy){.name = "plan", .choice = run->trial_choice};
        for (int32_t a = 0; a < run->arms; a++, c++) {
            double *constant = run->constants + c * run->arms;
            baseline_everybody(run->arms, a, constant);
            items[p++] = (struct policy){.name = a ? everybody_name(run, a - 1) : "nobody",
                                         .constant = constant};
        }
        double *random = run->constants + c * run->arms;
        baseline_random(&scaled.limits, run->trial.rows, random);
        items[p++] = (struct policy){.name = "random within budget", .constant = random};
        items[p++] = (struct policy){.name = "best offer by predicted response",
                                     .choice = run->response_choice};
        run->policies.count = p;
    }
    free_limits(&scaled);
    return st;
}

static kai_status compare_policies(struct run *run, kai_err *err) {
    kai_status st = list_policies(run, err);
    struct policy_options options = {.confidence = run->campaign.evaluate.confidence,
                                     .cost = run->arm_cost};
    if (!st)
        st = policy_compare(&run->trial, run->policies.items, run->policies.count, NULL, &options,
                            run->engine->pool, run->policies.values, err);
    if (!st && run->policies.values[0].warnings &
                   (POLICY_WARN_TOP | POLICY_WARN_EFFECTIVE | POLICY_WARN_PROPENSITY))
        run_warn(run, "overlap is poor: the plan's value rests on %.0f effective rows of %lld",
                 run->policies.values[0].effective_sample, (long long)run->trial.rows);
    if (!st && run->policies.values[0].warnings & POLICY_WARN_WEIGHT)
        run_warn(run, "the propensities look wrong: the plan's weights average %.3f instead of 1",
                 run->policies.values[0].weight_mean);
    if (!st && run->plan->per_customer > 1)
        run_warn(run,
                 "history holds one action a customer: only the best offer of each customer "
                 "is evaluated");
    return st;
}

static kai_status prove_offers(struct run *run, kai_err *err) {
    int64_t rows = run->trial.rows;
    double *score = mem_array((size_t)rows, sizeof *score);
    double *observed = mem_array((size_t)rows, sizeof *observed);
    run->proofs = mem_zero((size_t)run->offers, sizeof *run->proofs);
    kai_status st = score && observed && run->proofs ? KAI_OK : err_memory(err, rows * 16);
    double confidence = run->campaign.evaluate.confidence;
    for (int32_t j = 0; !st && j < run->offers; j++) {
        for (int64_t t = 0; t < rows; t++)
            score[t] = run->worth * run->history_effect[run->trial_rows[t] * run->offers + j];
        st = uplift_rank(&run->trial, NULL, j + 1, score, 0, confidence, run->engine->pool,
                         &run->proofs[j].curve, err);
        if (!st) st = trial_effects(&run->trial, NULL, j + 1, run->engine->pool, observed, err);
        if (!st)
            st = reliability_fit(score, observed, rows, 0, confidence, &run->proofs[j].reliability,
                                 err);
    }
    mem_free(score);
    mem_free(observed);
    return st;
}

/* ---- fairness ---- */

struct audit_arrays {
    double *treated, *value, *effect;              /* owned; (customers) */
    double *predicted, *observed, *residual;       /* owned; (trial rows) */
    int32_t *plan_group, *model_group, *row_group; /* owned; customers, trial rows, history rows */
    int32_t *best;                                 /* owned; (trial rows) offer in 1.. */
};

static void free_audit_arrays(struct audit_arrays *arrays) {
    mem_free(arrays->treated);
    mem_free(arrays->value);
    mem_free(arrays->effect);
    mem_free(arrays->predicted);
    mem_free(arrays->observed);
    mem_free(arrays->residual);
    mem_free(arrays->plan_group);
    mem_free(arrays->model_group);
    mem_free(arrays->row_group);
    mem_free(arrays->best);
}

/* The offer that does most for a row, by net value. */
static int32_t best_offer(const struct run *run, const double *effects) {
    int32_t best = 0;
    for (int32_t j = 1; j < run->offers; j++)
        if (run->worth * effects[j] - run->cost[j] > run->worth * effects[best] - run->cost[best])
            best = j;
    return best;
}

static void fill_plan_side(const struct run *run, struct audit_arrays *arrays) {
    for (int64_t i = 0; i < run->customers.table->rows; i++) {
        int32_t offer = run->plan->chosen[i * run->plan->per_customer];
        const double *effects = run->customer_effect + i * run->offers;
        int32_t shown = offer >= 0 ? offer : best_offer(run, effects);
        arrays->treated[i] = offer >= 0;
        arrays->value[i] = offer >= 0 ? run->objective[i * run->offers + offer] : 0;
        arrays->effect[i] = run->worth * effects[shown];
    }
}

static kai_status fill_model_side(const struct run *run, struct audit_arrays *arrays,
                                  kai_err *err) {
    for (int64_t t = 0; t < run->trial.rows; t++) {
        const double *effects = run->history_effect + run->trial_rows[t] * run->offers;
        int32_t best = best_offer(run, effects);
        arrays->best[t] = best + 1;
        arrays->predicted[t] = run->worth * effects[best];
        arrays->residual[t] =
            run->trial_outcome[t] - run->trial_predicted[t * run->arms + run->trial_arm[t]];
    }
    return trial_effects(&run->trial, arrays->best, 0, run->engine->pool, arrays->observed, err);
}

static kai_status new_audit_arrays(const struct run *run, struct audit_arrays *arrays,
                                   kai_err *err) {
    size_t customers = (size_t)run->customers.table->rows, rows = (size_t)run->trial.rows;
    arrays->treated = mem_array(customers, sizeof(double));
    arrays->value = mem_array(customers, sizeof(double));
    arrays->effect = mem_array(customers, sizeof(double));
    arrays->plan_group = mem_array(customers, sizeof(int32_t));
    arrays->predicted = mem_array(rows, sizeof(double));
    arrays->observed = mem_array(rows, sizeof(double));
    arrays->residual = mem_array(rows, sizeof(double));
    arrays->model_group = mem_array(rows, sizeof(int32_t));
    arrays->best = mem_array(rows, sizeof(int32_t));
    arrays->row_group = mem_array((size_t)run->history.table->rows, sizeof(int32_t));
    if (arrays->treated && arrays->value && arrays->effect && arrays->plan_group &&
        arrays->predicted && arrays->observed && arrays->residual && arrays->model_group &&
        arrays->best && arrays->row_group)
        return KAI_OK;
    return err_memory(err, (int64_t)(customers + rows) * 40);
}

static kai_status audit_column(struct run *run, const char *name, struct audit_arrays *arrays,
                               struct run_audit *ret_audit, kai_err *err) {
    const struct column *column, *past = NULL;
    struct fairness_groups *groups = NULL;
    kai_status st = table_column(run->customers.table, name, &column, err);
    if (!st) st = fairness_groups_new(column, &groups, err);
    if (!st) st = fairness_groups_apply(groups, column, arrays->plan_group, err);
    for (int64_t i = 0; !st && i < run->customers.table->rows; i++)
        if (!run->has_consent[i] || run->is_held_out[i]) arrays->plan_group[i] = -1;
    int has_past = table_find(run->history.table, name) >= 0;
    if (!st && has_past) st = table_column(run->history.table, name, &past, err);
    if (!st && has_past) st = fairness_groups_apply(groups, past, arrays->row_group, err);
    for (int64_t t = 0; !st && has_past && t < run->trial.rows; t++)
        arrays->model_group[t] = arrays->row_group[run->used[run->trial_rows[t]]];
    struct fairness_plan plan = {.rows = run->customers.table->rows,
                                 .group = arrays->plan_group,
                                 .treated = arrays->treated,
                                 .value = arrays->value,
                                 .effect = arrays->effect};
    struct fairness_model model = {.rows = run->trial.rows,
                                   .group = arrays->model_group,
                                   .predicted = arrays->predicted,
                                   .observed = arrays->observed,
                                   .residual = arrays->residual};
    const char *limited = run->campaign.limits.fairness_column;
    double gap = limited && strcmp(limited, name) == 0 ? run->campaign.limits.max_gap : 0;
    struct fairness_audit *audit = NULL;
    if (!st)
        st = fairness_measure(&plan, has_past ? &model : NULL, groups, groups->count, gap,
                              run->campaign.evaluate.confidence, &audit, err);
    if (st) {
        fairness_groups_free(groups);
        return err_wrap(err, st, "fairness of '%s'", name);
    }
    *ret_audit = (struct run_audit){name, groups, audit};
    return KAI_OK;
}

static kai_status audit_fairness(struct run *run, kai_err *err) {
    struct option_list sensitive = run->campaign.customers.sensitive;
    const char *limited = run->campaign.limits.fairness_column;
    struct audit_arrays arrays = {0};
    run->audits = mem_zero((size_t)sensitive.count + 1, sizeof *run->audits);
    kai_status st = run->audits ? new_audit_arrays(run, &arrays, err) : err_memory(err, 1);
    if (!st) fill_plan_side(run, &arrays);
    if (!st) st = fill_model_side(run, &arrays, err);
    for (int64_t s = 0; !st && s < sensitive.count; s++) {
        if (limited && strcmp(limited, sensitive.items[s]) == 0) limited = NULL;
        st = audit_column(run, sensitive.items[s], &arrays, &run->audits[run->audit_count], err);
        run->audit_count += !st;
    }
    if (!st && limited) {
        st = audit_column(run, limited, &arrays, &run->audits[run->audit_count], err);
        run->audit_count += !st;
    }
    free_audit_arrays(&arrays);
    return st;
}

kai_status run_proof(struct run *run, kai_err *err) {
    kai_status st = gather_trial(run, err);
    if (!st && run->is_same_table)
        copy_choice(run);
    else if (!st)
        st = apply_rule(run, err);
    if (!st) st = compare_policies(run, err);
    if (!st) st = prove_offers(run, err);
    return st ? st : audit_fairness(run, err);
}
