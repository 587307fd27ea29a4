/* Market factors, consent, hold-out, limits, the optimal plan and the budget curve. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/run.h"
#include "prepare/split.h"

enum { FRONTIER_ROWS_MAX = 200000 };
static const double GROUP_ROWS_MIN = FAIRNESS_ROWS_MIN;

kai_status run_join_market(struct run *run, kai_err *err) {
    const struct campaign_market *market = &run->campaign.market;
    if (!market->table) return KAI_OK;
    struct market_offer *offers = mem_zero((size_t)run->offers, sizeof *offers);
    const char **join = mem_zero((size_t)market->join.count + 1, sizeof *join);
    kai_status st = offers && join ? KAI_OK : err_memory(err, run->offers);
    for (int32_t j = 0; !st && j < run->offers; j++)
        offers[j] =
            (struct market_offer){run->campaign.offers[j].name, run->campaign.offers[j].channel};
    int32_t count = 0;
    for (int64_t k = 0; !st && k < market->join.count; k++) join[count++] = market->join.items[k];
    if (!st && market->date) join[count++] = market->date;
    struct market_options options;
    market_options_init(&options);
    options.join = join;
    options.join_count = count;
    options.factors = &market->factor;
    options.factor_count = 1;
    options.fallback = market->fallback;
    if (!st)
        st = market_join(&options, run->market.table, run->customers.table, offers, run->offers,
                         &run->factors, err);
    if (!st && run->factors.fallbacks)
        run_warn(run, "%lld pairs of customer and offer have no market factor and take the default",
                 (long long)run->factors.fallbacks);
    mem_free(offers);
    mem_free(join);
    return st;
}

/* Opt-in: only a yes is a yes. */
static kai_status read_consent(struct run *run, kai_err *err) {
    int64_t customers = run->customers.table->rows;
    const char *name = run->campaign.customers.consent;
    run->has_consent = mem_array((size_t)customers, 1);
    if (!run->has_consent) return err_memory(err, customers);
    memset(run->has_consent, 1, (size_t)customers);
    if (!name) return KAI_OK;
    const struct column *column;
    struct buf text;
    buf_init(&text, 1 << 20);
    kai_status st = table_column(run->customers.table, name, &column, err);
    for (int64_t i = 0; !st && i < customers; i++) {
        int flag = 0;
        st = column_print(column, i, &text, err);
        run->has_consent[i] = !st && column_is_valid(column, i) &&
                              text_parse_flag(slice_of(text.data), &flag) && flag;
        run->consent_missing += !run->has_consent[i];
    }
    buf_release(&text);
    return st;
}

/* Groups of the fairness limit; groups that are too small to compare take no part. */
static kai_status read_groups(struct run *run, kai_err *err) {
    const char *name = run->campaign.limits.fairness_column;
    if (!name) return KAI_OK;
    int64_t customers = run->customers.table->rows;
    const struct column *column;
    run->fair_group = mem_array((size_t)customers, sizeof *run->fair_group);
    if (!run->fair_group) return err_memory(err, customers * 4);
    kai_status st = table_column(run->customers.table, name, &column, err);
    if (!st) st = fairness_groups_new(column, &run->fair_groups, err);
    return st ? st : fairness_groups_apply(run->fair_groups, column, run->fair_group, err);
}

/* A random share of the customers who could be treated, the same in each fairness group. */
static kai_status draw_hold_out(struct run *run, kai_err *err) {
    int64_t customers = run->customers.table->rows;
    run->is_held_out = mem_zero((size_t)customers, 1);
    int64_t *rows = mem_array((size_t)customers, sizeof *rows), count = 0;
    int32_t *strata = mem_zero((size_t)customers, sizeof *strata);
    struct split split = {0};
    kai_status st = run->is_held_out && rows && strata ? KAI_OK : err_memory(err, customers * 12);
    for (int64_t i = 0; !st && i < customers; i++) {
        if (run->fair_group) strata[i] = run->fair_group[i] + 1;
        if (run->has_consent[i]) rows[count++] = i;
    }
    struct split_data data = {.row_ids = rows, .row_count = count, .strata = strata};
    int64_t wanted = (int64_t)llround(run->campaign.hold_out * (double)count);
    if (!st && wanted > 0 && wanted < count)
        st = split_share(run->seed + 7, run->campaign.hold_out, &data, &split, err);
    for (int64_t i = 0; !st && i < split.test_count; i++) run->is_held_out[split.test[i]] = 1;
    run->held_out = split.test_count;
    run->eligible = count - split.test_count;
    split_release(&split);
    mem_free(rows);
    mem_free(strata);
    return st;
}

/* Small groups and customers who cannot be treated count in no share. */
static kai_status settle_groups(struct run *run, kai_err *err) {
    if (!run->fair_group) return KAI_OK;
    int64_t *sizes = mem_zero((size_t)run->fair_groups->count, sizeof *sizes);
    if (!sizes) return err_memory(err, run->fair_groups->count);
    int64_t customers = run->customers.table->rows;
    for (int64_t i = 0; i < customers; i++) {
        if (!run->has_consent[i] || run->is_held_out[i]) run->fair_group[i] = -1;
        if (run->fair_group[i] >= 0) sizes[run->fair_group[i]]++;
    }
    for (int32_t g = 0; g < run->fair_groups->count; g++)
        if (sizes[g] > 0 && (double)sizes[g] < GROUP_ROWS_MIN)
            run_warn(run, "group '%s' of '%s' has %lld customers: too few for the fairness limit",
                     run->fair_groups->names[g], run->campaign.limits.fairness_column,
                     (long long)sizes[g]);
    for (int64_t i = 0; i < customers; i++)
        if (run->fair_group[i] >= 0 && (double)sizes[run->fair_group[i]] < GROUP_ROWS_MIN)
            run->fair_group[i] = -1;
    mem_free(sizes);
    return KAI_OK;
}

/* objective = market factor x worth x effect - cost; NaN where the customer cannot be treated.
 * `proof`: by the effects of the proof's models, where there are such for the customer. */
static kai_status make_objective(const struct run *run, int is_proof, double **ret_objective,
                                 kai_err *err) {
    int64_t customers = run->customers.table->rows;
    double *objective = mem_array((size_t)(customers * run->offers), sizeof *objective);
    if (!objective) return err_memory(err, customers * run->offers * 8);
    int is_money = run->goal_column == run->campaign.history.value_column;
    for (int64_t i = 0; i < customers; i++) {
        int is_eligible = run->has_consent[i] && !run->is_held_out[i];
        int64_t u = is_proof ? run->used_of_row[i] : -1;
        const double *effect =
            u >= 0 ? run->history_effect + u * run->offers : run->customer_effect + i * run->offers;
        for (int32_t j = 0; j < run->offers; j++) {
            double factor =
                run->factors.values && is_money ? market_factor(&run->factors, i, j) : 1;
            double value = factor * run->worth * effect[j];
            int is_refused = run->is_refused && run->is_refused[i * run->offers + j];
            objective[i * run->offers + j] =
                is_eligible && !is_refused ? value - run->cost[j] : NAN;
        }
    }
    *ret_objective = objective;
    return KAI_OK;
}

/* The plan as the proof's models make it under the same limits: what is judged on history. */
static kai_status plan_proof(struct run *run, kai_err *err) {
    if (!run->is_apart) return KAI_OK;
    int64_t customers = run->customers.table->rows;
    double *objective = NULL;
    struct decide_plan *plan = NULL;
    run->proof_choice = mem_array((size_t)customers, sizeof *run->proof_choice);
    if (!run->proof_choice) return err_memory(err, customers * 4);
    kai_status st = make_objective(run, 1, &objective, err);
    struct decide_problem problem = run->problem.decide;
    problem.objective = objective;
    if (!st) st = decide_solve(&problem, run->engine->pool, &run->engine->progress, &plan, err);
    for (int64_t i = 0; !st && i < customers; i++)
        run->proof_choice[i] = plan->chosen[i * plan->per_customer];
    decide_plan_free(plan);
    mem_free(objective);
    return st;
}

static void add_fairness(const struct run *run, struct decide_problem *problem,
                         const int32_t *group) {
    if (!run->fair_group) return;
    problem->group = group;
    problem->groups = run->fair_groups->count;
    problem->max_gap = run->campaign.limits.max_gap;
}

/* Every step-th eligible customer, for a curve that need not look at all of them. */
struct sample {
    double *objective; /* owned */
    int32_t *group;    /* owned */
    int64_t count, step;
};

static kai_status draw_sample(const struct run *run, struct sample *sample, kai_err *err) {
    sample->step = (run->eligible + FRONTIER_ROWS_MAX - 1) / FRONTIER_ROWS_MAX;
    if (sample->step < 1) sample->step = 1;
    int64_t room = run->eligible / sample->step + 1, seen = 0;
    sample->objective = mem_array((size_t)(room * run->offers), sizeof *sample->objective);
    sample->group = mem_array((size_t)room, sizeof *sample->group);
    if (!sample->objective || !sample->group) return err_memory(err, room * run->offers * 8);
    for (int64_t i = 0; i < run->customers.table->rows; i++) {
        if (!run->has_consent[i] || run->is_held_out[i] || seen++ % sample->step) continue;
        memcpy(sample->objective + sample->count * run->offers, run->objective + i * run->offers,
               (size_t)run->offers * sizeof *sample->objective);
        sample->group[sample->count++] = run->fair_group ? run->fair_group[i] : -1;
    }
    return KAI_OK;
}

/* Twenty budgets from a tenth to twice today's; without a budget: up to what the plan costs. */
static kai_status draw_frontier(struct run *run, kai_err *err) {
    struct sample sample = {0};
    struct problem problem = {0};
    if (run->problem.budget_index < 0 || run->eligible == 0) return KAI_OK;
    kai_status st = draw_sample(run, &sample, err);
    if (!st) st = problem_new(&run->campaign, sample.count, sample.objective, &problem, err);
    double scale = (double)run->eligible / (double)(sample.count ? sample.count : 1);
    for (int32_t k = 0; !st && k < problem.decide.limit_count; k++) {
        problem.limits[k].limit /= scale;
        problem.limits[k].least = 0; /* small budgets cannot meet what is promised for this one */
    }
    for (int p = 0; !st && p < RUN_FRONTIER_POINTS; p++)
        run->frontier[p].limit = run->campaign.limits.budget * (p + 1) / 10 / scale;
    if (!st) add_fairness(run, &problem.decide, sample.group);
    if (!st)
        st = decide_frontier(&problem.decide, problem.budget_index, run->frontier,
                             RUN_FRONTIER_POINTS, run->engine->pool, &run->engine->progress, err);
    for (int p = 0; !st && p < RUN_FRONTIER_POINTS; p++) {
        struct decide_point *point = &run->frontier[p];
        point->limit *= scale;
        point->value *= scale;
        point->bound *= scale;
        point->used *= scale;
        point->treated = (int64_t)llround((double)point->treated * scale);
    }
    if (!st) run->frontier_count = RUN_FRONTIER_POINTS;
    problem_release(&problem);
    mem_free(sample.objective);
    mem_free(sample.group);
    return st;
}

kai_status run_plan(struct run *run, kai_err *err) {
    kai_status st = read_consent(run, err);
    if (!st) st = run_ask_workspace(run, err);
    if (!st) st = read_groups(run, err);
    if (!st) st = draw_hold_out(run, err);
    if (!st) st = settle_groups(run, err);
    if (!st) st = make_objective(run, 0, &run->objective, err);
    if (!st)
        st = problem_new(&run->campaign, run->customers.table->rows, run->objective, &run->problem,
                         err);
    if (!st) add_fairness(run, &run->problem.decide, run->fair_group);
    if (!st)
        st = decide_solve(&run->problem.decide, run->engine->pool, &run->engine->progress,
                          &run->plan, err);
    if (!st) st = plan_proof(run, err);
    timing_enter(&run->timing, "frontier");
    return st ? st : draw_frontier(run, err);
}
