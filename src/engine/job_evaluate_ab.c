/* kairos evaluate ab: what an experiment says, and who wins. */
#include <kairos/proof.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/answer.h"
#include "engine/proof_columns.h"
#include "engine/reading.h"
#include "evaluate/decision.h"
#include "evaluate/describe.h"
#include "evaluate/experiment.h"
#include "evaluate/metric_spec.h"

enum { METRICS_MAX = 64, SEGMENTS_MAX = 200 };

struct trial_metric {
    struct metric_spec spec;
    const char *name;
    double *value, *per;              /* owned */
    struct experiment_result *result; /* owned */
    int is_guard, is_lower_better;
};

struct trial_table {
    const kai_evaluate_ab_options *options;
    struct table *table; /* owned */
    struct collect_report report;
    struct dict arm_names, cluster_names, segment_names;
    int32_t *arm, *cluster, *segment; /* owned; (rows) */
    double *weight, *before;          /* owned; (rows) or NULL */
    double shares[EXPERIMENT_ARMS];
    const char *names[EXPERIMENT_ARMS];
    int64_t unassigned;
    struct experiment experiment;
    struct experiment_options measure;
    struct experiment_srm srm;
    int32_t count;
    struct trial_metric metrics[METRICS_MAX];
    struct decision decision;
    struct answer answer;
};

static kai_status need(const char *value, const char *name, const char *what, kai_err *err) {
    if (value && *value) return KAI_OK;
    return err_set(err, KAI_INVALID, "option '--%s' is missing: %s", name, what);
}

/* Control is arm 0; the others come in the order of the table. */
static kai_status read_arms(struct trial_table *trial, kai_err *err) {
    const kai_evaluate_ab_options *options = trial->options;
    int32_t control;
    kai_status st = dict_add(&trial->arm_names, slice_of(options->control), &control, err);
    if (!st) st = proof_names(trial->table, options->arm, &trial->arm_names, &trial->arm, err);
    int is_there = 0;
    for (int64_t i = 0; !st && i < trial->table->rows; i++) {
        is_there |= trial->arm[i] == 0;
        trial->unassigned += trial->arm[i] < 0;
    }
    if (!st && !is_there)
        st = err_set(err, KAI_INVALID, "column '%s': no row is in the control arm '%s'",
                     options->arm, options->control);
    if (!st && (trial->arm_names.count < 2 || trial->arm_names.count > EXPERIMENT_ARMS))
        st = err_set(err, KAI_INVALID, "column '%s' has %d arms: expected 2 to %d", options->arm,
                     (int)trial->arm_names.count, EXPERIMENT_ARMS);
    for (int32_t a = 0; !st && a < trial->arm_names.count; a++)
        trial->names[a] = dict_text(&trial->arm_names, a);
    return st;
}

static kai_status read_shares(struct trial_table *trial, kai_err *err) {
    const kai_list *list = &trial->options->shares;
    double sum = 0;
    for (int32_t a = 0; a < trial->arm_names.count; a++) trial->shares[a] = 0;
    for (int64_t i = 0; i < list->count; i++) {
        const char *equal = strrchr(list->items[i], '=');
        struct slice name = slice_of(list->items[i]);
        if (equal) name.size = (size_t)(equal - list->items[i]);
        int32_t arm = dict_find(&trial->arm_names, name);
        double share = 0;
        if (!equal || arm < 0 || !text_parse_f64(slice_of(equal + 1), &share) || !(share > 0))
            return err_set(err, KAI_INVALID,
                           "option '--shares': expected ARM=SHARE of an arm, got '%s'",
                           list->items[i]);
        trial->shares[arm] = share;
    }
    for (int32_t a = 0; a < trial->arm_names.count; a++) {
        if (!(trial->shares[a] > 0))
            return err_set(err, KAI_INVALID, "option '--shares': arm '%s' has none",
                           trial->names[a]);
        sum += trial->shares[a];
    }
    for (int32_t a = 0; a < trial->arm_names.count; a++) trial->shares[a] /= sum;
    trial->experiment.share = trial->shares;
    return KAI_OK;
}

static int is_listed(const kai_list *list, const struct trial_metric *metric) {
    for (int64_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], metric->spec.column) == 0 ||
            strcmp(list->items[i], metric->name) == 0)
            return 1;
    return 0;
}

/* A name that no metric bears is a mistake. */
static kai_status check_listed(const struct trial_table *trial, const kai_list *list,
                               const char *option, kai_err *err) {
    for (int64_t i = 0; i < list->count; i++) {
        kai_list one = {&list->items[i], 1};
        int is_known = 0;
        for (int32_t m = 0; m < trial->count; m++) is_known |= is_listed(&one, &trial->metrics[m]);
        if (!is_known)
            return err_set(err, KAI_INVALID, "option '--%s': '%s' is none of the metrics", option,
                           list->items[i]);
    }
    return KAI_OK;
}

static int is_binary(const double *values, int64_t rows) {
    for (int64_t i = 0; i < rows; i++)
        if (!isnan(values[i]) && values[i] != 0 && values[i] != 1) return 0;
    return 1;
}

static kai_status read_metric(struct trial_table *trial, const char *text,
                              struct trial_metric *metric, kai_err *err) {
    kai_status st = metric_spec_parse(slice_of(text), &metric->spec, err);
    metric->name = text;
    if (!st) st = proof_numbers(trial->table, metric->spec.column, &metric->value, err);
    if (!st && metric->spec.kind == METRIC_RATIO)
        st = proof_numbers(trial->table, metric->spec.per, &metric->per, err);
    if (st) return st;
    if (metric->spec.kind == METRIC_AUTO)
        metric->spec.kind =
            is_binary(metric->value, trial->table->rows) ? METRIC_PROPORTION : METRIC_MEAN;
    metric->is_guard = is_listed(&trial->options->guards, metric);
    metric->is_lower_better = is_listed(&trial->options->lower_better, metric);
    metric->result = mem_zero(1, sizeof *metric->result);
    return metric->result ? KAI_OK : err_memory(err, (int64_t)sizeof *metric->result);
}

static kai_status read_metrics(struct trial_table *trial, kai_err *err) {
    const kai_evaluate_ab_options *options = trial->options;
    int32_t mains = 0;
    kai_status st = KAI_OK;
    if (options->metrics.count < 1 || options->metrics.count > METRICS_MAX)
        return err_set(err, KAI_INVALID, "option '--metric': expected 1 to %d metrics",
                       METRICS_MAX);
    for (int64_t m = 0; !st && m < options->metrics.count; m++) {
        st = read_metric(trial, options->metrics.items[m], &trial->metrics[trial->count++], err);
        mains += !trial->metrics[m].is_guard;
    }
    if (!st) st = check_listed(trial, &options->guards, "guard", err);
    if (!st) st = check_listed(trial, &options->lower_better, "lower-better", err);
    if (!st && mains == 0)
        st = err_set(err, KAI_INVALID, "every metric is a guard-rail: none is left to decide by");
    return st;
}

static kai_status read_measure(struct trial_table *trial, kai_err *err) {
    const kai_evaluate_ab_options *options = trial->options;
    struct experiment_options *measure = &trial->measure;
    *measure = (struct experiment_options){.confidence = options->confidence,
                                           .horizon = options->horizon,
                                           .adjust = EXPERIMENT_CUPED,
                                           .is_bayes = options->bayes,
                                           .prior_error = options->prior_error,
                                           .power = options->power};
    if (strcmp(options->adjust, "regression") == 0) measure->adjust = EXPERIMENT_REGRESSION;
    if (options->bounds.count == 0) return KAI_OK;
    measure->is_bounded = 1;
    if (options->bounds.count != 2 ||
        !text_parse_f64(slice_of(options->bounds.items[0]), &measure->low) ||
        !text_parse_f64(slice_of(options->bounds.items[1]), &measure->high) ||
        !(measure->low < measure->high))
        return err_set(err, KAI_INVALID,
                       "option '--bounds': expected LOW,HIGH, two numbers with LOW below HIGH");
    return KAI_OK;
}

static kai_status read_columns(struct trial_table *trial, kai_err *err) {
    const kai_evaluate_ab_options *options = trial->options;
    const struct table *table = trial->table;
    kai_status st = read_arms(trial, err);
    if (!st && options->cluster)
        st = proof_names(table, options->cluster, &trial->cluster_names, &trial->cluster, err);
    for (int64_t i = 0; !st && trial->cluster && i < table->rows; i++)
        if (trial->cluster[i] < 0)
            st = err_set(err, KAI_INVALID, "column '%s': row %lld has no cluster", options->cluster,
                         (long long)i + 1);
    if (!st && options->segment)
        st = proof_names(table, options->segment, &trial->segment_names, &trial->segment, err);
    if (!st && trial->segment_names.count > SEGMENTS_MAX)
        st = err_set(err, KAI_LIMIT, "column '%s' has more than %d segments", options->segment,
                     SEGMENTS_MAX);
    if (!st && options->weight) st = proof_numbers_all(table, options->weight, &trial->weight, err);
    if (!st && options->before) st = proof_numbers(table, options->before, &trial->before, err);
    if (st) return st;
    trial->experiment = (struct experiment){.rows = table->rows,
                                            .arms = trial->arm_names.count,
                                            .arm = trial->arm,
                                            .cluster = trial->cluster,
                                            .clusters = trial->cluster_names.count,
                                            .weight = trial->weight,
                                            .arm_names = trial->names};
    if (options->shares.count) st = read_shares(trial, err);
    if (!st) st = read_measure(trial, err);
    return st ? st : read_metrics(trial, err);
}

static struct experiment_metric metric_of(const struct trial_table *trial,
                                          const struct trial_metric *metric) {
    int is_sum = metric->spec.kind != METRIC_QUANTILE;
    int is_capped = metric->spec.kind == METRIC_MEAN || metric->spec.kind == METRIC_RATIO;
    return (struct experiment_metric){
        .name = metric->name,
        .kind = metric->spec.kind,
        .value = metric->value,
        .per = metric->per,
        .before = is_sum ? trial->before : NULL,
        .quantile = metric->spec.quantile,
        .winsorise = is_capped ? trial->options->winsorise : 0,
    };
}

static kai_status measure_all(struct trial_table *trial, kai_err *err) {
    struct decision_metric listed[METRICS_MAX];
    const kai_evaluate_ab_options *options = trial->options;
    struct decision_options rules = {.confidence = options->confidence,
                                     .is_anytime = strcmp(options->decide, "anytime") == 0,
                                     .margin = options->margin,
                                     .srm = options->srm,
                                     .srm_warning = fmin(1, options->srm * 10)};
    rules.correction = strcmp(options->correct, "holm") == 0 ? DECISION_HOLM
                       : strcmp(options->correct, "bh") == 0 ? DECISION_BH
                                                             : DECISION_UNCORRECTED;
    kai_status st = experiment_check_ratio(&trial->experiment, &trial->srm, err);
    for (int32_t m = 0; !st && m < trial->count; m++) {
        struct trial_metric *metric = &trial->metrics[m];
        struct experiment_metric asked = metric_of(trial, metric);
        st = experiment_measure(&trial->experiment, &asked, &trial->measure, metric->result, err);
        listed[m] =
            (struct decision_metric){metric->result, metric->is_guard, metric->is_lower_better};
    }
    if (!st) st = decision_make(listed, trial->count, &trial->srm, &rules, &trial->decision, err);
    return st;
}

static const char *srm_status(const struct trial_table *trial) {
    if (trial->decision.is_srm_broken) return "mismatch";
    return trial->decision.is_srm_warning ? "warning" : "ok";
}

static void describe_srm(struct trial_table *trial) {
    struct json_writer *json = &trial->answer.json;
    json_key(json, "srm");
    json_object(json);
    json_key_text(json, "status", srm_status(trial));
    json_key_f64(json, "p", trial->srm.p);
    json_key_f64(json, "statistic", trial->srm.statistic);
    json_key_f64(json, "freedom", trial->srm.freedom);
    json_key_f64(json, "threshold", trial->options->srm);
    json_key(json, "arms");
    json_object(json);
    for (int32_t a = 0; a < trial->experiment.arms; a++) {
        json_key(json, trial->names[a]);
        json_object(json);
        json_key_f64(json, "n", trial->srm.units[a]);
        json_key_f64(json, "expected", trial->srm.expected[a]);
        json_end(json);
    }
    json_end(json);
    json_end(json);
}

/* The corrected p-values and the guard-rails of one metric. */
static void describe_verdict(struct trial_table *trial, int32_t m) {
    struct json_writer *json = &trial->answer.json;
    int32_t arms = trial->experiment.arms;
    int is_guard = trial->metrics[m].is_guard;
    json_key_text(json, "role", is_guard ? "guard" : "main");
    json_key_text(json, "better", trial->metrics[m].is_lower_better ? "lower" : "higher");
    json_key(json, is_guard ? "guard" : "p_corrected");
    json_object(json);
    for (int32_t a = 1; a < arms; a++) {
        if (is_guard)
            json_key_text(json, trial->names[a],
                          decision_guard_text(trial->decision.guards[m * arms + a]));
        else
            json_key_f64(json, trial->names[a], trial->decision.adjusted[m * arms + a]);
    }
    json_end(json);
}

static void describe_decision(struct trial_table *trial) {
    struct json_writer *json = &trial->answer.json;
    int32_t winner = trial->decision.winner;
    json_key(json, "decision");
    json_object(json);
    json_key_text(json, "winner", winner < 0 ? NULL : trial->names[winner]);
    json_key_text(json, "reason", trial->decision.reason);
    json_key_text(json, "by", trial->options->decide);
    json_key_text(json, "correction", trial->options->correct);
    json_key(json, "warnings");
    json_array(json);
    if (trial->decision.is_srm_broken) json_text(json, "sample ratio mismatch");
    if (trial->decision.is_srm_warning)
        json_text(json, "the arms' sizes are suspicious: look for a broken assignment first");
    json_end(json);
    json_end(json);
}

/* The arms of the rows of one segment; others are out of the experiment. */
static kai_status describe_segment(struct trial_table *trial, int32_t segment, int32_t *arm,
                                   kai_err *err) {
    struct json_writer *json = &trial->answer.json;
    struct experiment part = trial->experiment;
    struct experiment_result *result = mem_zero(1, sizeof *result);
    if (!result) return err_memory(err, (int64_t)sizeof *result);
    for (int64_t i = 0; i < part.rows; i++)
        arm[i] = trial->segment[i] == segment ? trial->arm[i] : -1;
    part.arm = arm;
    json_key(json, dict_text(&trial->segment_names, segment));
    json_array(json);
    kai_status st = KAI_OK;
    for (int32_t m = 0; !st && m < trial->count; m++) {
        struct experiment_metric asked = metric_of(trial, &trial->metrics[m]);
        kai_err why = {0};
        kai_status one = experiment_measure(&part, &asked, &trial->measure, result, &why);
        json_object(json);
        if (one == KAI_OK) {
            experiment_describe(json, &part, result,
                                strcmp(trial->options->decide, "anytime") == 0);
        } else if (one == KAI_INVALID) { /* a segment without rows of an arm says so itself */
            json_key_text(json, "name", asked.name);
            json_key_text(json, "not_measured", why.message);
        } else {
            st = err_set(err, one, "%s", why.message);
        }
        json_end(json);
    }
    json_end(json);
    mem_free(result);
    return st;
}

static kai_status describe_segments(struct trial_table *trial, kai_err *err) {
    struct json_writer *json = &trial->answer.json;
    int32_t *arm = mem_array((size_t)trial->experiment.rows, sizeof *arm);
    if (!arm) return err_memory(err, trial->experiment.rows * (int64_t)sizeof *arm);
    kai_status st = KAI_OK;
    json_key(json, "segments");
    json_object(json);
    for (int32_t s = 0; !st && s < trial->segment_names.count; s++)
        st = describe_segment(trial, s, arm, err);
    json_end(json);
    mem_free(arm);
    return st;
}

/* "[low, high], p 0.01", or that there is no interval yet. */
static kai_status tell_interval(struct buf *text, const struct estimate *estimate, double p,
                                kai_err *err) {
    if (isnan(estimate->low)) return buf_puts(text, "no interval at this size", err);
    if (isnan(p)) return buf_printf(text, err, "[%.6g, %.6g]", estimate->low, estimate->high);
    return buf_printf(text, err, "[%.6g, %.6g], p %.4g", estimate->low, estimate->high, p);
}

static kai_status tell_metric(struct trial_table *trial, int32_t m, kai_err *err) {
    struct buf *text = &trial->answer.text;
    const struct trial_metric *metric = &trial->metrics[m];
    kai_status st =
        buf_printf(text, err, "%s (%s%s)\n  %-20s %12.6g\n", metric->name,
                   metric_kind_text(metric->spec.kind), metric->is_guard ? ", guard-rail" : "",
                   trial->names[0], metric->result->arm[0].level.value);
    for (int32_t a = 1; !st && a < trial->experiment.arms; a++) {
        const struct experiment_effect *effect = &metric->result->arm[a];
        st = buf_printf(text, err, "  %-20s %12.6g  effect %+.6g; every look: ", trial->names[a],
                        effect->level.value, effect->fixed.value);
        if (!st) st = tell_interval(text, &effect->anytime, effect->p_anytime, err);
        if (!st) st = buf_puts(text, "; one look: ", err);
        if (!st) st = tell_interval(text, &effect->fixed, effect->p_fixed, err);
        if (!st) st = buf_puts(text, "\n", err);
    }
    return st;
}

static kai_status tell(struct trial_table *trial, kai_err *err) {
    struct buf *text = &trial->answer.text;
    int32_t winner = trial->decision.winner;
    kai_status st = buf_printf(text, err, "%lld rows, %d arms; sample ratio: p %.4g (%s)\n",
                               (long long)trial->table->rows, (int)trial->experiment.arms,
                               trial->srm.p, srm_status(trial));
    for (int32_t m = 0; !st && m < trial->count; m++) st = tell_metric(trial, m, err);
    if (!st)
        st = buf_printf(text, err, "winner: %s (%s)\n", winner < 0 ? "none" : trial->names[winner],
                        trial->decision.reason);
    if (!st && trial->decision.is_srm_warning)
        st = buf_puts(text, "warning: the arms' sizes are suspicious\n", err);
    return st;
}

static kai_status describe(struct trial_table *trial, kai_err *err) {
    struct json_writer *json = &trial->answer.json;
    json_key_i64(json, "rows", trial->table->rows);
    json_key_i64(json, "unassigned", trial->unassigned);
    reading_describe(json, "read", &trial->report);
    describe_srm(trial);
    json_key(json, "metrics");
    json_array(json);
    for (int32_t m = 0; m < trial->count; m++) {
        json_object(json);
        experiment_describe(json, &trial->experiment, trial->metrics[m].result,
                            strcmp(trial->options->decide, "anytime") == 0);
        describe_verdict(trial, m);
        json_end(json);
    }
    json_end(json);
    describe_decision(trial);
    kai_status st = trial->segment ? describe_segments(trial, err) : KAI_OK;
    return st ? st : tell(trial, err);
}

static void release(struct trial_table *trial) {
    for (int32_t m = 0; m < trial->count; m++) {
        mem_free(trial->metrics[m].value);
        mem_free(trial->metrics[m].per);
        mem_free(trial->metrics[m].result);
    }
    decision_release(&trial->decision);
    dict_release(&trial->arm_names);
    dict_release(&trial->cluster_names);
    dict_release(&trial->segment_names);
    mem_free(trial->arm);
    mem_free(trial->cluster);
    mem_free(trial->segment);
    mem_free(trial->weight);
    mem_free(trial->before);
    table_free(trial->table);
    collect_report_release(&trial->report);
    mem_free(trial);
}

int32_t kai_engine_evaluate_ab(kai_engine *engine, const kai_evaluate_ab_options *options,
                               kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (!st) st = need(options->arm, "arm", "the column that says which arm a row was in", err);
    if (!st) st = need(options->control, "control", "the arm to compare with", err);
    if (st) return st;
    struct trial_table *trial = mem_zero(1, sizeof *trial);
    if (!trial) return err_memory(err, (int64_t)sizeof *trial);
    trial->options = options;
    dict_init(&trial->arm_names);
    dict_init(&trial->cluster_names);
    dict_init(&trial->segment_names);
    answer_begin(&trial->answer);
    timing_enter(&trial->answer.timing, "read");
    st = reading_table(engine, options->arguments.items[0], &options->table, &trial->table,
                       &trial->report, err);
    if (!st) st = read_columns(trial, err);
    timing_enter(&trial->answer.timing, "measure");
    if (!st) st = measure_all(trial, err);
    if (!st) st = describe(trial, err);
    st = answer_end(&trial->answer, st, ret_json, ret_text, err);
    release(trial);
    return st;
}
