/* Tables, arms, outcomes and propensities of a run. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "engine/reading.h"
#include "engine/run.h"
#include "prepare/split.h"

static const double PROPENSITY_FLOOR = 0.01; /* of estimated propensities */

/* A table of the campaign; paths are seen from the campaign file. */
static kai_status load_table(struct run *run, const char *file, const kai_table_options *how,
                             struct run_table *ret_table, kai_err *err) {
    kai_table_options reading = *how;
    struct buf path, quarantine;
    buf_init(&path, 1 << 16);
    buf_init(&quarantine, 1 << 16);
    kai_status st = file_join(&path, run->campaign.file, file, err);
    if (!st && how->quarantine)
        st = file_join(&quarantine, run->campaign.file, how->quarantine, err);
    if (how->quarantine) reading.quarantine = quarantine.data;
    if (!st)
        st = reading_table(run->engine, path.data, &reading, &ret_table->table, &ret_table->report,
                           err);
    if (!st) ret_table->file = file;
    if (!st && ret_table->report.rows_bad)
        run_warn(run, "%lld rows of '%s' were set aside as unreadable",
                 (long long)ret_table->report.rows_bad, file);
    buf_release(&path);
    buf_release(&quarantine);
    return st;
}

static kai_status load_tables(struct run *run, kai_err *err) {
    const struct campaign *campaign = &run->campaign;
    kai_status st = load_table(run, campaign->customers.table, &campaign->customers.reading,
                               &run->customers, err);
    run->is_same_table =
        !campaign->history.table || strcmp(campaign->history.table, campaign->customers.table) == 0;
    if (!st && run->is_same_table)
        run->history = run->customers;
    else if (!st)
        st = load_table(run, campaign->history.table, &campaign->history.reading, &run->history,
                        err);
    kai_table_options plain = {0};
    if (!st && campaign->market.table)
        st = load_table(run, campaign->market.table, &plain, &run->market, err);
    return st;
}

/* Columns that are first read late are looked for now: an error must not wait for the models. */
static kai_status check_columns(const struct run *run, kai_err *err) {
    const struct campaign_customers *customers = &run->campaign.customers;
    const struct column *column;
    const char *names[] = {customers->id, customers->consent, run->campaign.limits.fairness_column};
    kai_status st = KAI_OK;
    for (size_t n = 0; !st && n < sizeof names / sizeof *names; n++)
        if (names[n]) st = table_column(run->customers.table, names[n], &column, err);
    for (int64_t s = 0; !st && s < customers->sensitive.count; s++)
        st = table_column(run->customers.table, customers->sensitive.items[s], &column, err);
    return st;
}

/* Each row is a customer of its own; two of one name, or of none, are worth a warning. */
static kai_status check_ids(struct run *run, kai_err *err) {
    const struct column *column;
    const char *id = run->campaign.customers.id;
    if (!id) return KAI_OK;
    kai_status st = table_column(run->customers.table, id, &column, err);
    if (st) return st;
    int64_t rows = run->customers.table->rows, known = 0;
    int32_t distinct = 0, *codes = mem_array((size_t)rows, sizeof *codes);
    if (!codes) return err_memory(err, rows * (int64_t)sizeof *codes);
    st = split_codes(column, codes, &distinct, err);
    for (int64_t i = 0; !st && i < rows; i++) known += codes[i] >= 0;
    mem_free(codes);
    if (!st && known < rows)
        run_warn(run, "%lld customers have nothing in the column '%s' that names them",
                 (long long)(rows - known), id);
    if (!st && distinct < known)
        run_warn(run, "%lld customers repeat the '%s' of an earlier row: each counts as a customer",
                 (long long)(known - distinct), id);
    return st;
}

/* What the goal counts: money of the value outcome, or units of another outcome. */
static kai_status set_goal(struct run *run, kai_err *err) {
    const struct campaign *campaign = &run->campaign;
    int is_profit = strcmp(campaign->goal, "profit") == 0;
    int is_money = is_profit || strcmp(campaign->goal, "value") == 0;
    run->offers = campaign->offer_count;
    run->arms = run->offers + 1;
    run->goal_column = is_money ? campaign->history.value_column : campaign->goal;
    run->worth = is_money ? campaign->history.margin : 1;
    run->cost = mem_zero((size_t)run->offers, sizeof *run->cost);
    run->arm_cost = mem_zero((size_t)run->arms, sizeof *run->arm_cost);
    if (!run->cost || !run->arm_cost) return err_memory(err, run->arms);
    for (int32_t j = 0; is_profit && j < run->offers; j++)
        run->cost[j] = run->arm_cost[j + 1] = campaign->offers[j].cost;
    return KAI_OK;
}

/* The arm that the text of an action names: 0 control, 1.. offers, -1 another. */
static int32_t arm_of(const struct campaign *campaign, const char *action) {
    if (strcmp(action, campaign->history.control) == 0) return 0;
    int32_t offer = campaign_find_offer(campaign, action);
    return offer < 0 ? -1 : offer + 1;
}

static kai_status read_arms(struct run *run, kai_err *err) {
    const struct table *table = run->history.table;
    const struct column *action;
    kai_status st = table_column(table, run->campaign.history.action, &action, err);
    run->row_arm = mem_array((size_t)table->rows, sizeof *run->row_arm);
    if (!st && !run->row_arm) st = err_memory(err, table->rows * (int64_t)sizeof *run->row_arm);
    struct buf text;
    buf_init(&text, 1 << 20);
    int64_t others = 0;
    for (int64_t i = 0; !st && i < table->rows; i++) {
        run->row_arm[i] = -1;
        if (!column_is_valid(action, i)) continue;
        st = column_print(action, i, &text, err);
        if (!st) run->row_arm[i] = arm_of(&run->campaign, text.data);
        others += !st && run->row_arm[i] < 0;
    }
    buf_release(&text);
    if (!st && others)
        run_warn(run, "%lld rows of the history have an action that is no offer; they are left out",
                 (long long)others);
    return st;
}

/* Numbers of a column: numbers, integers, flags; a two-valued category of yes and no. */
static kai_status read_numbers(const struct table *table, const char *name, double *ret_values,
                               kai_err *err) {
    const struct column *column;
    kai_status st = table_column(table, name, &column, err);
    if (st) return st;
    if (column->kind == COLUMN_TEXT || column->kind == COLUMN_TIME)
        return err_set(err, KAI_INVALID, "'%s', column '%s' is a %s, expected numbers", table->name,
                       name, column_kind_text(column->kind));
    for (int64_t i = 0; i < table->rows; i++) {
        ret_values[i] = column_f64(column, i);
        if (column->kind != COLUMN_CATEGORY || isnan(ret_values[i])) continue;
        int flag;
        const char *text = dict_text(column->dict, column->as.codes[i]);
        if (!text_parse_flag(slice_of(text), &flag))
            return err_set(err, KAI_INVALID, "'%s', row %lld, column '%s': '%s' is no number",
                           table->name, (long long)i + 1, name, text);
        ret_values[i] = flag;
    }
    return KAI_OK;
}

/* Means and effects of every outcome over all rows with a known arm. */
static kai_status compare_outcomes(struct run *run, double *values, kai_err *err) {
    const struct campaign_history *history = &run->campaign.history;
    int64_t outcomes = 1 + history->also.count, rows = run->history.table->rows, known = 0;
    int32_t *arm = mem_array((size_t)rows, sizeof *arm);
    run->arm_outcomes = mem_zero((size_t)outcomes * (size_t)run->arms, sizeof *run->arm_outcomes);
    kai_status st = arm && run->arm_outcomes ? KAI_OK : err_memory(err, rows);
    for (int64_t o = 0; !st && o < outcomes; o++) {
        const char *name = o ? history->also.items[o - 1] : history->value_column;
        st = read_numbers(run->history.table, name, values, err);
        known = 0;
        for (int64_t i = 0; !st && i < rows; i++) {
            if (run->row_arm[i] < 0) continue;
            arm[known] = run->row_arm[i];
            values[known++] = values[i];
        }
        if (!st)
            st = arms_compare(arm, run->arms, values, known, run->campaign.evaluate.confidence,
                              run->engine->pool, run->arm_outcomes + o * run->arms, err);
    }
    mem_free(arm);
    return st;
}

static kai_status name_empty_arm(const struct run *run, kai_err *err) {
    int64_t *counts = mem_zero((size_t)run->arms, sizeof *counts);
    if (!counts) return err_memory(err, run->arms);
    for (int64_t u = 0; u < run->used_count; u++) counts[run->history_arm[u]]++;
    kai_status st = KAI_OK;
    for (int32_t a = 0; !st && a < run->arms; a++) {
        const char *name = a ? run->campaign.offers[a - 1].name : run->campaign.history.control;
        if (counts[a] < 2)
            st = err_set(err, KAI_INVALID,
                         "arm '%s' has %lld usable rows in column '%s' of '%s': at least 2 are "
                         "needed",
                         name, (long long)counts[a], run->campaign.history.action,
                         run->history.file);
    }
    mem_free(counts);
    return st;
}

static kai_status gather_used(struct run *run, double *values, kai_err *err) {
    int64_t rows = run->history.table->rows;
    run->used = mem_array((size_t)rows, sizeof *run->used);
    run->used_of_row = mem_array((size_t)rows, sizeof *run->used_of_row);
    run->history_arm = mem_array((size_t)rows, sizeof *run->history_arm);
    run->history_outcome = mem_array((size_t)rows, sizeof *run->history_outcome);
    if (!run->used || !run->used_of_row || !run->history_arm || !run->history_outcome)
        return err_memory(err, rows * 28);
    kai_status st = read_numbers(run->history.table, run->goal_column, values, err);
    for (int64_t i = 0; !st && i < rows; i++) {
        run->used_of_row[i] = -1;
        if (run->row_arm[i] < 0 || !isfinite(values[i])) continue;
        run->used_of_row[i] = run->used_count;
        run->history_arm[run->used_count] = run->row_arm[i];
        run->history_outcome[run->used_count] = values[i];
        run->used[run->used_count++] = i;
    }
    return st ? st : name_empty_arm(run, err);
}

/* Propensities that a column says; of a binary or many-armed log: of the row's own action. */
static kai_status read_propensity(struct run *run, double *values, kai_err *err) {
    const char *name = run->campaign.history.propensity;
    if (strcmp(name, "uniform") == 0 || strcmp(name, "estimate") == 0) return KAI_OK;
    kai_status st = read_numbers(run->history.table, name, values, err);
    run->history_propensity = mem_array((size_t)run->used_count, sizeof(double));
    if (!st && !run->history_propensity) st = err_memory(err, run->used_count * 8);
    for (int64_t u = 0; !st && u < run->used_count; u++) {
        double p = values[run->used[u]];
        if (isnan(p))
            st = err_set(err, KAI_INVALID, "'%s', row %lld, column '%s': the propensity is missing",
                         run->history.file, (long long)run->used[u] + 1, name);
        else if (!(p > 0 && p <= 1))
            st = err_set(err, KAI_INVALID,
                         "'%s', row %lld, column '%s': a propensity of %g is not above 0 and at "
                         "most 1",
                         run->history.file, (long long)run->used[u] + 1, name, p);
        run->history_propensity[u] = p;
    }
    return st;
}

kai_status run_load(struct run *run, kai_err *err) {
    kai_status st = load_tables(run, err);
    if (!st) st = check_columns(run, err);
    if (!st) st = check_ids(run, err);
    if (!st) st = set_goal(run, err);
    if (!st) st = run_join_market(run, err);
    if (!st) st = read_arms(run, err);
    double *values = NULL;
    if (!st) {
        values = mem_array((size_t)run->history.table->rows, sizeof *values);
        if (!values) st = err_memory(err, run->history.table->rows * 8);
    }
    if (!st) st = gather_used(run, values, err);
    if (!st) st = read_propensity(run, values, err);
    if (!st) st = compare_outcomes(run, values, err);
    mem_free(values);
    return st;
}

/* ---- estimated propensities: a boosted multinomial model, cross-fitted ---- */

static kai_status predict_fold(struct run *run, const struct learn_data *data, int32_t fold,
                               const int64_t *test, int64_t test_count, double *scores,
                               kai_err *err) {
    struct learn_options options;
    struct model *model = NULL;
    learn_options_init(&options, LEARN_BOOST, run->seed + (uint64_t)fold);
    options.boost.depth_max = 3;
    options.boost.rounds = 200;
    kai_status st =
        learn_fit(&options, data, run->engine->pool, &run->engine->progress, &model, err);
    if (!st)
        st = model_predict(model, data->features, test, test_count, run->engine->pool, scores, err);
    int32_t outputs = st ? 0 : model_outputs(model);
    for (int64_t i = 0; !st && i < test_count; i++) {
        int64_t u = run->used_of_row[test[i]];
        int32_t arm = run->history_arm[u];
        double p = outputs > 1 ? scores[i * outputs + arm] : arm ? scores[i] : 1 - scores[i];
        run->history_propensity[u] = p < PROPENSITY_FLOOR ? PROPENSITY_FLOOR : p;
    }
    model_free(model);
    return st;
}

kai_status run_estimate_propensity(struct run *run, kai_err *err) {
    if (strcmp(run->campaign.history.propensity, "estimate") != 0) return KAI_OK;
    int64_t rows = run->history.table->rows;
    double *target = mem_zero((size_t)rows, sizeof *target);
    double *scores = mem_array((size_t)run->used_count * (size_t)run->arms, sizeof *scores);
    int64_t *train = mem_array((size_t)run->used_count, sizeof *train);
    int64_t *test = mem_array((size_t)run->used_count, sizeof *test);
    run->history_propensity = mem_array((size_t)run->used_count, sizeof(double));
    kai_status st = target && scores && train && test && run->history_propensity
                        ? KAI_OK
                        : err_memory(err, rows * 8);
    for (int64_t u = 0; !st && u < run->used_count; u++) target[run->used[u]] = run->history_arm[u];
    for (int32_t f = 0; !st && f < run->campaign.evaluate.folds; f++) {
        int64_t train_count = 0, test_count = 0;
        for (int64_t u = 0; u < run->used_count; u++) {
            if (run->fold[run->used[u]] == f)
                test[test_count++] = run->used[u];
            else
                train[train_count++] = run->used[u];
        }
        struct learn_data data = {.features = run->history_matrix,
                                  .target = target,
                                  .row_ids = train,
                                  .row_count = train_count,
                                  .task = run->arms == 2 ? LEARN_BINARY : LEARN_MULTICLASS,
                                  .classes = run->arms};
        st = predict_fold(run, &data, f, test, test_count, scores, err);
    }
    mem_free(target);
    mem_free(scores);
    mem_free(train);
    mem_free(test);
    return st ? err_wrap(err, st, "propensities") : KAI_OK;
}
