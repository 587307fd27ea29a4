/* kairos evaluate ope: a log, and what other policies would have earned on it. */
#include <kairos/proof.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/answer.h"
#include "engine/ope_policy.h"
#include "engine/proof_columns.h"
#include "engine/reading.h"
#include "evaluate/describe.h"
#include "evaluate/ope.h"

enum { POLICIES_MAX = 100 };

struct ope_job {
    kai_engine *engine;
    const kai_evaluate_ope_options *options;
    struct table *table; /* owned */
    struct collect_report report;
    struct dict actions, positions, embeddings, slate_names;
    int32_t *action, *position, *embedding, *slate; /* owned; (rows) */
    double *reward, *propensity, *predicted;        /* owned; (rows) */
    double *means;                                  /* owned; (folds, positions, actions) */
    double *chosen, *model;                         /* owned; (rows) scratch */
    double *check_means, *check_p;                  /* owned; (actions) */
    int64_t *slates;                                /* owned */
    struct ope_table logged;
    int32_t count;
    struct ope_value values[POLICIES_MAX];
    struct answer answer;
};

static kai_status check_options(const kai_evaluate_ope_options *options, kai_err *err) {
    const char *missing = NULL;
    if (!options->action) missing = "action";
    if (!options->reward) missing = "reward";
    if (!options->propensity) missing = "propensity";
    if (options->policies.count == 0) missing = "policy";
    if (missing) return err_set(err, KAI_INVALID, "option '--%s' is missing", missing);
    if (options->policies.count > POLICIES_MAX)
        return err_set(err, KAI_LIMIT, "option '--policy': at most %d policies", POLICIES_MAX);
    return KAI_OK;
}

static kai_status check_codes(const int32_t *codes, int64_t rows, const char *column,
                              kai_err *err) {
    for (int64_t i = 0; codes && i < rows; i++)
        if (codes[i] < 0)
            return err_set(err, KAI_INVALID, "column '%s': row %lld has no value", column,
                           (long long)i + 1);
    return KAI_OK;
}

/* Rows of a slate stand together, in the order of their positions. */
static kai_status find_slates(struct ope_job *job, kai_err *err) {
    int64_t rows = job->table->rows, count = 0;
    int32_t highest = -1;
    job->slates = mem_array((size_t)rows + 1, sizeof *job->slates);
    if (!job->slates) return err_memory(err, rows * (int64_t)sizeof *job->slates);
    for (int64_t i = 0; i < rows; i++) {
        if (i > 0 && job->slate[i] == job->slate[i - 1]) continue;
        if (job->slate[i] <= highest)
            return err_set(err, KAI_INVALID,
                           "column '%s': row %lld: the rows of a slate must stand together",
                           job->options->slate, (long long)i + 1);
        highest = job->slate[i];
        job->slates[count++] = i;
    }
    job->slates[count] = rows;
    job->logged.log.slates = job->slates;
    job->logged.log.slate_count = count;
    return KAI_OK;
}

static kai_status read_names(struct ope_job *job, const char *column, struct dict *names,
                             int32_t **ret_codes, kai_err *err) {
    if (!column) return KAI_OK;
    kai_status st = proof_names(job->table, column, names, ret_codes, err);
    return st ? st : check_codes(*ret_codes, job->table->rows, column, err);
}

static kai_status read_columns(struct ope_job *job, kai_err *err) {
    const kai_evaluate_ope_options *options = job->options;
    struct ope_log *log = &job->logged.log;
    kai_status st = read_names(job, options->action, &job->actions, &job->action, err);
    if (!st) st = proof_numbers_all(job->table, options->reward, &job->reward, err);
    if (!st) st = proof_numbers_all(job->table, options->propensity, &job->propensity, err);
    if (!st) st = read_names(job, options->position, &job->positions, &job->position, err);
    if (!st) st = read_names(job, options->embedding, &job->embeddings, &job->embedding, err);
    if (!st) st = read_names(job, options->slate, &job->slate_names, &job->slate, err);
    for (int64_t i = 0; !st && i < job->table->rows; i++)
        if (!(job->propensity[i] > 0 && job->propensity[i] <= 1))
            st = err_set(err, KAI_INVALID,
                         "column '%s': row %lld: the propensity is not above 0 and at most 1",
                         options->propensity, (long long)i + 1);
    if (st) return st;
    log->rows = job->table->rows;
    log->reward = job->reward;
    log->propensity = job->propensity;
    log->action = job->action;
    log->actions = job->actions.count;
    log->embedding = job->embedding;
    log->embeddings = job->embeddings.count;
    job->logged.actions = &job->actions;
    job->logged.position = job->position;
    job->logged.positions = job->position ? &job->positions : NULL;
    return job->slate ? find_slates(job, err) : KAI_OK;
}

static kai_status fit_model(struct ope_job *job, kai_err *err) {
    struct ope_log *log = &job->logged.log;
    int32_t folds = (int32_t)job->options->folds;
    int32_t positions = job->position ? job->positions.count : 1;
    size_t cells = (size_t)folds * (size_t)positions * (size_t)log->actions;
    size_t rows = (size_t)log->rows, actions = (size_t)log->actions;
    job->means = mem_array(cells, sizeof *job->means);
    job->predicted = mem_array(rows, sizeof *job->predicted);
    job->chosen = mem_array(rows, sizeof *job->chosen);
    job->model = mem_array(rows, sizeof *job->model);
    job->check_means = mem_array(actions, sizeof *job->check_means);
    job->check_p = mem_array(actions, sizeof *job->check_p);
    if (!job->means || !job->predicted || !job->chosen || !job->model || !job->check_means ||
        !job->check_p)
        return err_memory(err, (int64_t)((cells + 3 * rows + 2 * actions) * sizeof(double)));
    kai_status st = ope_fit_means(log, job->position, positions, folds, 1, job->means, err);
    if (!st) st = ope_check_propensity(log, job->check_means, job->check_p, err);
    for (int64_t i = 0; !st && i < log->rows; i++) {
        int64_t place = job->position ? job->position[i] : 0;
        int64_t cell = (i % folds * positions + place) * log->actions + job->action[i];
        job->predicted[i] = job->means[cell];
    }
    log->predicted = job->predicted;
    job->logged.means = job->means;
    job->logged.folds = folds;
    return st;
}

static kai_status judge(struct ope_job *job, const char *path, kai_err *err) {
    struct table *table = NULL;
    const kai_table_options plain = {0};
    struct ope_policy policy = {path, job->chosen, job->model};
    struct ope_options options = {job->options->confidence, job->options->reward_max,
                                  job->options->threshold, job->options->shrinkage};
    kai_status st = reading_table(job->engine, path, &plain, &table, NULL, err);
    if (!st) st = ope_policy_read(table, &job->logged, job->chosen, job->model, err);
    if (!st) st = ope_evaluate(&job->logged.log, &policy, &options, &job->values[job->count], err);
    if (!st) job->count++;
    table_free(table);
    return st;
}

static void describe_overlap(struct json_writer *json, const struct ope_value *value,
                             int64_t rows) {
    double share = value->effective_sample / (double)rows;
    json_key_f64(json, "effective_sample", value->effective_sample);
    json_key(json, "overlap");
    json_object(json);
    json_key_f64(json, "effective_share", share);
    json_key_f64(json, "weight_mean", value->weight_mean);
    json_key_f64(json, "weight_mean_p", value->weight_p);
    json_key_f64(json, "weight_max", value->weight_max);
    json_key_f64(json, "weight_top_share", value->weight_top_share);
    json_end(json);
    json_key(json, "agreement");
    json_object(json);
    json_key_f64(json, "low", value->agree_low);
    json_key_f64(json, "high", value->agree_high);
    json_key_bool(json, "agrees", value->agree_low <= value->agree_high);
    json_end(json);
    json_key(json, "warnings");
    json_array(json);
    if (value->weight_p < 1e-4) json_text(json, "the mean weight is not 1: wrong propensities");
    if (value->effective_sample < 100) json_text(json, "effective sample below 100");
    if (share < 0.05) json_text(json, "effective sample below 5 % of the rows");
    if (value->agree_low > value->agree_high) json_text(json, "the estimators disagree");
    json_end(json);
}

static void describe_policy(struct json_writer *json, const struct ope_value *value, int64_t rows) {
    json_object(json);
    json_key_text(json, "name", value->name);
    json_key(json, "estimates");
    json_object(json);
    for (int e = 0; e < OPE_ESTIMATORS; e++)
        if (value->value[e].n > 0)
            estimate_describe(json, ope_estimator_text((enum ope_estimator)e), &value->value[e]);
    json_end(json);
    json_key_f64(json, "lower_bound", value->lower);
    json_key_f64(json, "switch", value->threshold);
    json_key_f64(json, "shrinkage", value->shrinkage);
    describe_overlap(json, value, rows);
    json_end(json);
}

static kai_status describe(struct ope_job *job, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    double worst = 1;
    int32_t suspicious = 0;
    kai_status st = KAI_OK;
    for (int32_t a = 0; a < job->logged.log.actions; a++) {
        worst = fmin(worst, job->check_p[a]);
        suspicious += job->check_p[a] < 0.01;
    }
    json_key_i64(json, "rows", job->table->rows);
    reading_describe(json, "read", &job->report);
    json_key_i64(json, "actions", job->logged.log.actions);
    if (job->slates) json_key_i64(json, "slates", job->logged.log.slate_count);
    json_key(json, "propensity");
    json_object(json);
    json_key_f64(json, "p_min", worst);
    json_key_i64(json, "actions_off", suspicious);
    json_end(json);
    json_key(json, "policies");
    json_array(json);
    for (int32_t p = 0; p < job->count; p++)
        describe_policy(json, &job->values[p], job->table->rows);
    json_end(json);
    for (int32_t p = 0; !st && p < job->count; p++) {
        st = buf_printf(&job->answer.text, err, "%s (effective sample %.0f)\n", job->values[p].name,
                        job->values[p].effective_sample);
        for (int e = 0; !st && e < OPE_ESTIMATORS; e++) {
            const struct estimate *one = &job->values[p].value[e];
            if (one->n > 0)
                st = buf_printf(&job->answer.text, err, "  %-12s %12.6g [%.6g, %.6g]\n",
                                one->method, one->value, one->low, one->high);
        }
    }
    if (!st && suspicious)
        st = buf_printf(&job->answer.text, err,
                        "warning: %d actions were taken more or less often than the propensities "
                        "say\n",
                        (int)suspicious);
    return st;
}

static void release(struct ope_job *job) {
    dict_release(&job->actions);
    dict_release(&job->positions);
    dict_release(&job->embeddings);
    dict_release(&job->slate_names);
    mem_free(job->action);
    mem_free(job->position);
    mem_free(job->embedding);
    mem_free(job->slate);
    mem_free(job->reward);
    mem_free(job->propensity);
    mem_free(job->predicted);
    mem_free(job->means);
    mem_free(job->chosen);
    mem_free(job->model);
    mem_free(job->check_means);
    mem_free(job->check_p);
    mem_free(job->slates);
    table_free(job->table);
    collect_report_release(&job->report);
    mem_free(job);
}

int32_t kai_engine_evaluate_ope(kai_engine *engine, const kai_evaluate_ope_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (!st) st = check_options(options, err);
    if (st) return st;
    struct ope_job *job = mem_zero(1, sizeof *job);
    if (!job) return err_memory(err, (int64_t)sizeof *job);
    job->engine = engine;
    job->options = options;
    dict_init(&job->actions);
    dict_init(&job->positions);
    dict_init(&job->embeddings);
    dict_init(&job->slate_names);
    answer_begin(&job->answer);
    timing_enter(&job->answer.timing, "read");
    st = reading_table(engine, options->arguments.items[0], &options->table, &job->table,
                       &job->report, err);
    if (!st) st = read_columns(job, err);
    timing_enter(&job->answer.timing, "evaluate");
    if (!st) st = fit_model(job, err);
    for (int64_t p = 0; !st && p < options->policies.count; p++)
        st = judge(job, options->policies.items[p], err);
    if (!st) st = describe(job, err);
    st = answer_end(&job->answer, st, ret_json, ret_text, err);
    release(job);
    return st;
}
