/* kairos evaluate power: how large an experiment must be. */
#include <kairos/proof.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/answer.h"
#include "engine/proof_columns.h"
#include "engine/reading.h"
#include "evaluate/power.h"
#include "evaluate/power_history.h"

struct planning {
    const kai_evaluate_power_options *options;
    struct collect_report report;
    struct power_history history;
    double level; /* control's; NAN where unknown */
    double shares[POWER_ARMS];
    struct power_plan plan;
    struct power_answer found;
    struct answer answer;
};

static kai_status read_columns(struct planning *job, const struct table *table, kai_err *err) {
    const kai_evaluate_power_options *options = job->options;
    double *value = NULL, *before = NULL;
    int32_t *unit = NULL;
    struct dict units;
    dict_init(&units);
    kai_status st = proof_numbers(table, options->metric, &value, err);
    if (!st && options->before) st = proof_numbers(table, options->before, &before, err);
    if (!st && options->unit) st = proof_names(table, options->unit, &units, &unit, err);
    kai_err why = {0};
    if (!st) {
        st = power_history_measure(table->rows, value, before, unit, units.count, &job->history,
                                   &why);
        if (st)
            st = err_set(err, st, "'%s': column '%s': %s", table->name, options->metric,
                         why.message);
    }
    mem_free(value);
    mem_free(before);
    mem_free(unit);
    dict_release(&units);
    return st;
}

static kai_status read_history(kai_engine *engine, struct planning *job, kai_err *err) {
    const kai_evaluate_power_options *options = job->options;
    struct table *table = NULL;
    if (!options->metric)
        return err_set(err, KAI_INVALID, "option '--metric' is missing: a column of the history");
    kai_status st =
        reading_table(engine, options->history, &options->table, &table, &job->report, err);
    if (!st) st = read_columns(job, table, err);
    table_free(table);
    if (st) return st;
    /* with a value from before the test is that of the linearised value, a mean */
    int is_rate = job->history.is_binary && !options->before;
    double kept = isnan(job->history.explained) ? 1 : 1 - job->history.explained;
    job->plan.metric = is_rate ? POWER_PROPORTION : POWER_MEAN;
    job->plan.baseline = job->level = job->history.mean;
    job->plan.sd = job->history.sd * sqrt(kept);
    if (job->plan.sd > 0) return KAI_OK;
    return err_set(err, KAI_INVALID, "option '--before': it tells the metric exactly");
}

static kai_status read_metric(kai_engine *engine, struct planning *job, kai_err *err) {
    const kai_evaluate_power_options *options = job->options;
    int is_mean = options->sd != 0, is_rate = options->baseline != 0;
    if (is_mean + is_rate + (options->history != NULL) != 1)
        return err_set(err, KAI_INVALID,
                       "expected one of '--baseline' (a rate above 0), '--sd' (above 0; with "
                       "'--mean' for '--relative') and '--history'");
    if (!options->history && (options->metric || options->unit || options->before))
        return err_set(err, KAI_INVALID,
                       "options '--metric', '--unit' and '--before' need '--history'");
    if (options->history) return read_history(engine, job, err);
    job->plan.metric = is_mean ? POWER_MEAN : POWER_PROPORTION;
    job->plan.baseline = options->baseline;
    job->plan.sd = options->sd;
    job->level = is_rate ? options->baseline : options->mean;
    return KAI_OK;
}

static kai_status read_shares(struct planning *job, kai_err *err) {
    const kai_list *list = &job->options->shares;
    if (list->count == 0) return KAI_OK;
    if (list->count != job->options->arms)
        return err_set(err, KAI_INVALID, "option '--share': %lld shares for %lld arms",
                       (long long)list->count, (long long)job->options->arms);
    for (int64_t a = 0; a < list->count; a++)
        if (!text_parse_f64(slice_of(list->items[a]), &job->shares[a]))
            return err_set(err, KAI_INVALID, "option '--share': expected a number, got '%s'",
                           list->items[a]);
    job->plan.share = job->shares;
    return KAI_OK;
}

static kai_status read_goal(struct planning *job, kai_err *err) {
    const kai_evaluate_power_options *options = job->options;
    struct power_plan *plan = &job->plan;
    if (options->effect != 0 && options->relative != 0)
        return err_set(err, KAI_INVALID, "only one of '--effect' and '--relative' can be");
    if (options->effect == 0 && options->relative == 0 && options->units == 0)
        return err_set(err, KAI_INVALID,
                       "expected '--effect' or '--relative' (not 0), '--units', or both");
    if (options->relative != 0 && !(job->level != 0))
        return err_set(err, KAI_INVALID,
                       "option '--relative': control's level must be known and not 0 ('--mean')");
    plan->effect = options->effect != 0     ? options->effect
                   : options->relative != 0 ? options->relative * job->level
                                            : NAN;
    plan->units = options->units != 0 ? options->units : NAN;
    plan->power = isnan(plan->units) || isnan(plan->effect) ? options->power : NAN;
    plan->alpha = options->alpha;
    plan->arms = (int32_t)options->arms;
    plan->formula = strcmp(options->formula, "arcsine") == 0 ? POWER_ARCSINE : POWER_POOLED;
    plan->is_corrected = strcmp(options->correct, "none") != 0;
    plan->is_anytime = options->anytime;
    plan->horizon = options->horizon;
    plan->daily = options->daily;
    plan->seed = (uint64_t)options->common.seed;
    return read_shares(job, err);
}

static const char *solved(const struct power_plan *plan) {
    return isnan(plan->units) ? "units" : isnan(plan->effect) ? "effect" : "power";
}

static const char *method(const struct power_plan *plan) {
    if (plan->is_anytime) return "anytime, simulated";
    if (plan->metric == POWER_MEAN) return "t-test, non-central t";
    return plan->formula == POWER_ARCSINE ? "arcsine effect size" : "pooled z-test";
}

static void describe_history(struct planning *job) {
    struct json_writer *json = &job->answer.json;
    if (!job->options->history) return;
    json_key(json, "history");
    json_object(json);
    json_key_i64(json, "units", job->history.units);
    json_key_i64(json, "missing", job->history.missing);
    json_key_f64(json, "mean", job->history.mean);
    json_key_f64(json, "sd", job->history.sd);
    json_key_f64(json, "explained", job->history.explained);
    json_end(json);
    reading_describe(json, "read", &job->report);
}

static void describe(struct planning *job) {
    struct json_writer *json = &job->answer.json;
    const struct power_plan *plan = &job->plan;
    const struct power_answer *found = &job->found;
    int is_rate = plan->metric == POWER_PROPORTION;
    json_key_text(json, "metric", is_rate ? "proportion" : "mean");
    json_key_text(json, "solved", solved(plan));
    json_key_text(json, "method", method(plan));
    json_key_f64(json, "level", job->level);
    json_key_f64(json, "sd", is_rate ? NAN : plan->sd);
    json_key_f64(json, "effect", found->effect);
    json_key_f64(json, "relative", job->level != 0 ? found->effect / job->level : NAN);
    json_key_f64(json, "alpha", plan->alpha);
    json_key_f64(json, "alpha_comparison", found->level);
    json_key_text(json, "correction", plan->arms > 2 ? job->options->correct : NULL);
    json_key_f64(json, "power", found->power);
    json_key_f64(json, "units", found->units);
    json_key(json, "arms");
    json_array(json);
    for (int32_t a = 0; a < plan->arms; a++) json_f64(json, found->arm_units[a]);
    json_end(json);
    json_key_f64(json, "days", found->days);
    json_key_f64(json, "horizon", found->horizon);
    json_key_f64(json, "expected_units", found->expected);
    json_key_f64(json, "one_look_units", found->one_look);
    describe_history(job);
}

static kai_status tell(struct planning *job, kai_err *err) {
    struct buf *text = &job->answer.text;
    const struct power_plan *plan = &job->plan;
    const struct power_answer *found = &job->found;
    kai_status st =
        buf_printf(text, err,
                   "%.0f units find an effect of %+.6g with power %.4f (alpha %.4g, "
                   "%s)\narms:",
                   found->units, found->effect, found->power, found->level, method(plan));
    for (int32_t a = 0; !st && a < plan->arms; a++)
        st = buf_printf(text, err, " %.0f", found->arm_units[a]);
    if (!st) st = buf_puts(text, "\n", err);
    if (!st && !isnan(job->history.explained) && job->options->before)
        st = buf_printf(text, err, "'%s' takes %.1f %% of the variance away\n",
                        job->options->before, 100 * job->history.explained);
    if (!st && plan->is_anytime)
        st = buf_printf(text, err,
                        "stops after %.0f units on average; one look would need %.0f; give "
                        "evaluate ab --horizon %.0f\n",
                        found->expected, ceil(found->one_look), found->horizon);
    if (!st && !isnan(found->days)) st = buf_printf(text, err, "days: %.0f\n", found->days);
    return st;
}

int32_t kai_engine_evaluate_power(kai_engine *engine, const kai_evaluate_power_options *options,
                                  kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct planning job = {.options = options, .level = NAN, .history = {.explained = NAN}};
    answer_begin(&job.answer);
    timing_enter(&job.answer.timing, "read");
    st = read_metric(engine, &job, err);
    if (!st) st = read_goal(&job, err);
    timing_enter(&job.answer.timing, "solve");
    if (!st) st = power_solve(&job.plan, &job.found, err);
    if (!st) describe(&job);
    if (!st) st = tell(&job, err);
    st = answer_end(&job.answer, st, ret_json, ret_text, err);
    collect_report_release(&job.report);
    return st;
}
