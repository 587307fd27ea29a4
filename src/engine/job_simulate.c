/* kairos simulate: make a market whose truth is known, or judge a plan by that truth. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "decide/decide.h"
#include "engine/campaign.h"
#include "engine/engine.h"
#include "engine/problem.h"
#include "simulate/simulate.h"

static void describe_arm(const struct simulate_arm *arm, struct json_writer *json) {
    json_key(json, arm->name);
    json_object(json);
    json_key_text(json, "channel", arm->channel);
    json_key_f64(json, "cost", arm->cost);
    json_key_i64(json, "customers", arm->customers);
    json_key_f64(json, "outcome_mean", arm->outcome_mean);
    json_key_f64(json, "effect_mean", arm->effect_mean);
    json_key_f64(json, "effect_sd", arm->effect_sd);
    json_key_f64(json, "harmed_share", arm->harmed_share);
    json_end(json);
}

static kai_status describe_market(const struct simulate_summary *summary, const char *dir,
                                  struct timing *timing, struct buf *out, kai_err *err) {
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_text(&json, "out", dir);
    json_key_i64(&json, "customers", summary->customers);
    json_key_f64(&json, "noise_sd", summary->noise_sd);
    json_key_f64(&json, "effect_sd", summary->effect_sd);
    json_key_f64(&json, "margin", summary->margin);
    json_key_f64(&json, "budget", summary->budget);
    json_key(&json, "arms");
    json_object(&json);
    for (int32_t a = 0; a < summary->arms; a++) describe_arm(&summary->arm[a], &json);
    json_end(&json);
    timing_describe(timing, &json);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status print_market(const struct simulate_summary *summary, const char *dir,
                               struct buf *out, kai_err *err) {
    kai_status st = buf_printf(out, err, "%lld customers, %d offers, effect sd / noise sd = %.3g\n",
                               (long long)summary->customers, summary->arms - 1,
                               summary->effect_sd / summary->noise_sd);
    for (int32_t a = 1; !st && a < summary->arms; a++)
        st = buf_printf(
            out, err, "  %-16s true mean effect %+.4f, harms %.1f %% of the customers\n",
            summary->arm[a].name, summary->arm[a].effect_mean, 100 * summary->arm[a].harmed_share);
    return st ? st
              : buf_printf(out, err, "campaign: %s/campaign.yaml\ntruth:    %s/truth/\n", dir, dir);
}

static kai_status make_market(kai_engine *engine, const kai_simulate_options *options,
                              int wants_json, struct buf *out, kai_err *err) {
    struct simulate_options simulate;
    struct simulate_summary summary;
    struct timing timing;
    timing_start(&timing);
    timing_enter(&timing, "simulate");
    simulate_options_init(&simulate);
    simulate.customers = options->customers;
    simulate.offers = (int32_t)options->offers;
    simulate.seed = (uint64_t)options->common.seed;
    if (!simulate_parse_noise(options->level, &simulate.noise) ||
        !simulate_parse_propensity(options->propensity, &simulate.propensity))
        return err_set(err, KAI_INVALID, "level '%s', propensity '%s': not known", options->level,
                       options->propensity);
    kai_status st =
        simulate_campaign(&simulate, options->out, engine->pool, &engine->progress, &summary, err);
    if (st) return st;
    if (wants_json) return describe_market(&summary, options->out, &timing, out, err);
    return print_market(&summary, options->out, out, err);
}

/* The best plan that the truth allows, under the campaign's own limits and the plan's hold-out. */
static kai_status solve_truth(kai_engine *engine, const struct campaign *campaign,
                              const struct simulate_truth *truth, const uint8_t *is_held_out,
                              double *ret_profit, double *ret_bound, kai_err *err) {
    struct problem problem = {0};
    struct decide_plan *plan = NULL;
    int64_t cells = truth->customers * truth->offers;
    double *objective = mem_array((size_t)cells, sizeof *objective);
    if (!objective) return err_memory(err, cells * (int64_t)sizeof *objective);
    for (int64_t i = 0; i < cells; i++)
        objective[i] =
            is_held_out[i / truth->offers] ? NAN : truth->value[i] - truth->cost[i % truth->offers];
    kai_status st = problem_new(campaign, truth->customers, objective, &problem, err);
    if (!st) st = decide_solve(&problem.decide, engine->pool, &engine->progress, &plan, err);
    if (!st) {
        *ret_profit = plan->value;
        *ret_bound = plan->bound;
    }
    decide_plan_free(plan);
    problem_release(&problem);
    mem_free(objective);
    return st;
}

static kai_status read_estimate(const char *plan_path, double *ret_estimate, kai_err *err) {
    struct buf path, text;
    struct json_value *report = NULL;
    buf_init(&path, 1 << 16);
    buf_init(&text, (size_t)CAPS_TEXT_FILE_BYTES);
    *ret_estimate = 0;
    kai_status st = file_join(&path, plan_path, "report.json", err);
    if (!st && file_exists(path.data)) {
        st = file_read_all(path.data, (size_t)CAPS_TEXT_FILE_BYTES, &text, err);
        if (!st) st = json_parse(text.data, text.size, &report, err);
        if (!st) *ret_estimate = json_as_f64(json_get(json_get(report, "plan"), "value"), 0);
    }
    json_free(report);
    buf_release(&path);
    buf_release(&text);
    return st;
}

struct judgement {
    struct simulate_profit plan;
    double estimate, best, bound;
};

static kai_status print_judgement(const struct judgement *judgement, int wants_json,
                                  struct buf *out, kai_err *err) {
    double share = judgement->best > 0 ? judgement->plan.profit / judgement->best : 0;
    if (!wants_json)
        return buf_printf(out, err,
                          "true profit of the plan      %12.2f  (%lld customers treated)\n"
                          "its own estimate             %12.2f\n"
                          "best possible plan           %12.2f  (nobody can do better than %.2f)\n"
                          "share of the best possible   %11.1f %%\n",
                          judgement->plan.profit, (long long)judgement->plan.treated,
                          judgement->estimate, judgement->best, judgement->bound, 100 * share);
    struct json_writer json;
    json_init(&json, out, 1);
    json_object(&json);
    json_key_i64(&json, "treated", judgement->plan.treated);
    json_key_f64(&json, "true_value", judgement->plan.value);
    json_key_f64(&json, "cost", judgement->plan.cost);
    json_key_f64(&json, "true_profit", judgement->plan.profit);
    json_key_f64(&json, "estimated_profit", judgement->estimate);
    json_key_f64(&json, "best_profit", judgement->best);
    json_key_f64(&json, "best_bound", judgement->bound);
    json_key_f64(&json, "share_of_best", share);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    return st ? st : buf_puts(out, "\n", err);
}

static kai_status judge_plan(kai_engine *engine, const kai_simulate_options *options,
                             int wants_json, struct buf *out, kai_err *err) {
    struct simulate_truth *truth = NULL;
    struct campaign campaign = {0};
    struct judgement judgement = {0};
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/campaign.yaml", options->out);
    if (!st) st = campaign_load(path.data, &campaign, err);
    if (!st) st = simulate_truth_read(options->out, &truth, err);
    uint8_t *is_held_out = st ? NULL : mem_zero((size_t)truth->customers, 1);
    if (!st && !is_held_out) st = err_memory(err, truth->customers);
    if (!st) st = simulate_plan_profit(truth, options->plan, is_held_out, &judgement.plan, err);
    if (!st) st = read_estimate(options->plan, &judgement.estimate, err);
    if (!st)
        st = solve_truth(engine, &campaign, truth, is_held_out, &judgement.best, &judgement.bound,
                         err);
    if (!st) st = print_judgement(&judgement, wants_json, out, err);
    mem_free(is_held_out);
    simulate_truth_free(truth);
    campaign_release(&campaign);
    buf_release(&path);
    return st;
}

int32_t kai_engine_simulate(kai_engine *engine, const kai_simulate_options *options,
                            kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct buf out;
    buf_init(&out, (size_t)CAPS_BUF_BYTES);
    if (options->plan)
        st = judge_plan(engine, options, ret_json != NULL, &out, err);
    else
        st = make_market(engine, options, ret_json != NULL, &out, err);
    if (!st) result_give(&out, ret_json ? ret_json : ret_text);
    buf_release(&out);
    return st;
}
