/* kairos evaluate ledger: run folders joined with what customers did afterwards. */
#include <kairos/proof.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "collect/csv_write.h"
#include "engine/answer.h"
#include "engine/proof_columns.h"
#include "engine/reading.h"
#include "engine/run_folders.h"
#include "evaluate/ledger.h"

enum { RUNS_MAX = 1000, REPORT_BYTES_MAX = 256 << 20 };

/* What customers did afterwards, by customer; NULL arrays without a table of outcomes. */
struct outcomes {
    struct table *table; /* owned */
    struct dict customers, periods;
    int32_t *customer, *period; /* owned; (rows) */
    double *value;              /* owned; (rows) */
};

/* One run folder while it is read. */
struct campaign_run {
    const char *folder;
    struct json_value *report; /* owned */
    struct table *plan;        /* owned */
    int8_t *group;             /* owned; (customers) */
    int32_t *code;             /* owned; (customers) in the outcomes, -1 = none */
    double *outcome;           /* owned; (customers) scratch */
    int64_t customers, held_out, without_outcome;
};

struct ledger_job {
    kai_engine *engine;
    const kai_evaluate_ledger_options *options;
    struct arena arena;
    const char **folders;
    int64_t folder_count;
    struct outcomes outcomes;
    struct ledger_entry *entries; /* owned; (folder_count) */
    int32_t count;
    struct csv_writer *csv; /* owned; NULL without --out */
    struct answer answer;
};

static kai_status join(struct ledger_job *job, const char *folder, const char *name,
                       const char **ret_path, kai_err *err) {
    struct buf path;
    buf_init(&path, (size_t)CAPS_BUF_BYTES);
    kai_status st = buf_printf(&path, err, "%s/%s", folder, name);
    if (!st) {
        *ret_path = arena_string(&job->arena, path.data);
        if (!*ret_path) st = err_memory(err, (int64_t)path.size);
    }
    buf_release(&path);
    return st;
}

/* The folders that were named, or all runs of the workspace. */
static kai_status find_folders(struct ledger_job *job, kai_err *err) {
    const kai_list *named = &job->options->arguments;
    const char *runs = NULL, **names = NULL;
    kai_status st = KAI_OK;
    if (named->count) {
        job->folders = arena_alloc(&job->arena, (size_t)named->count, sizeof *job->folders);
        if (!job->folders) return err_memory(err, named->count * 8);
        for (int64_t i = 0; i < named->count; i++)
            job->folders[job->folder_count++] = named->items[i];
        return KAI_OK;
    }
    st = join(job, job->options->common.workspace, "runs", &runs, err);
    if (!st) st = run_folders_list(&job->arena, runs, &names, &job->folder_count, err);
    for (int64_t i = 0; !st && i < job->folder_count; i++)
        st = join(job, runs, names[i], &names[i], err);
    if (!st && job->folder_count == 0)
        st = err_set(err, KAI_NOT_FOUND, "'%s' holds no run: name run folders, or give -C DIR",
                     runs);
    if (!st && job->folder_count > RUNS_MAX)
        st = err_set(err, KAI_LIMIT, "'%s' holds more than %d runs", runs, RUNS_MAX);
    job->folders = names;
    return st;
}

static kai_status read_outcomes(struct ledger_job *job, kai_err *err) {
    const kai_evaluate_ledger_options *options = job->options;
    struct outcomes *outcomes = &job->outcomes;
    if (!options->outcomes) return KAI_OK;
    kai_status st =
        reading_table(job->engine, options->outcomes, &options->table, &outcomes->table, NULL, err);
    if (!st)
        st = proof_names(outcomes->table, options->id, &outcomes->customers, &outcomes->customer,
                         err);
    if (!st) st = proof_numbers_all(outcomes->table, options->outcome, &outcomes->value, err);
    if (!st && options->period)
        st = proof_names(outcomes->table, options->period, &outcomes->periods, &outcomes->period,
                         err);
    return st;
}

static kai_status read_report(struct ledger_job *job, struct campaign_run *run, kai_err *err) {
    const char *path = NULL;
    struct buf text;
    buf_init(&text, REPORT_BYTES_MAX);
    kai_status st = join(job, run->folder, "report.json", &path, err);
    if (!st) st = file_read_all(path, REPORT_BYTES_MAX, &text, err);
    if (!st) {
        st = json_parse(text.data, text.size, &run->report, err);
        if (st) st = err_wrap(err, st, "%s", path);
    }
    if (!st && (!json_as_text(json_get(run->report, "campaign"), NULL) ||
                !isfinite(json_as_f64(json_get(json_get(run->report, "plan"), "cost"), NAN))))
        st = err_set(err, KAI_INVALID,
                     "%s: no report of a run: 'campaign' or 'plan.cost' is missing", path);
    buf_release(&text);
    return st;
}

/* Customers of a plan stand in groups of rows; one that could not be drawn has propensity 1. */
static kai_status read_plan(struct ledger_job *job, struct campaign_run *run, kai_err *err) {
    static const char *const TYPES[] = {"customer=id"};
    const kai_table_options reading = {.types = {TYPES, 1}};
    const char *path = NULL;
    struct dict names;
    int32_t *customer = NULL;
    double *held = NULL, *propensity = NULL;
    dict_init(&names);
    kai_status st = join(job, run->folder, "plan.csv", &path, err);
    if (!st) st = reading_table(job->engine, path, &reading, &run->plan, NULL, err);
    if (!st) st = proof_names(run->plan, "customer", &names, &customer, err);
    if (!st) st = proof_numbers_all(run->plan, "hold_out", &held, err);
    if (!st) st = proof_numbers_all(run->plan, "propensity", &propensity, err);
    size_t room = st ? 0 : (size_t)names.count;
    run->group = mem_array(room, sizeof *run->group);
    run->code = mem_array(room, sizeof *run->code);
    run->outcome = mem_array(room, sizeof *run->outcome);
    if (!st && !(run->group && run->code && run->outcome)) st = err_memory(err, (int64_t)room * 13);
    for (int64_t i = 0; !st && i < run->plan->rows; i++) {
        if (customer[i] != run->customers) continue; /* another offer of the same customer */
        int is_out = held[i] == 0 && propensity[i] >= 1;
        run->group[run->customers] = (int8_t)(is_out         ? LEDGER_OUTSIDE
                                              : held[i] == 1 ? LEDGER_HELD_OUT
                                                             : LEDGER_ADDRESSED);
        run->held_out += held[i] == 1;
        run->code[run->customers] =
            dict_find(&job->outcomes.customers, slice_of(dict_text(&names, customer[i])));
        run->without_outcome += run->code[run->customers] < 0;
        run->customers++;
    }
    dict_release(&names);
    mem_free(customer);
    mem_free(held);
    mem_free(propensity);
    return st;
}

/* The outcome of each customer of the plan in a period (-1: in all); who has no row did nothing. */
static kai_status sum_outcomes(struct ledger_job *job, struct campaign_run *run, int32_t period,
                               kai_err *err) {
    const struct outcomes *outcomes = &job->outcomes;
    double *sums = mem_zero((size_t)outcomes->customers.count + 1, sizeof *sums);
    if (!sums) return err_memory(err, outcomes->customers.count * (int64_t)sizeof *sums);
    for (int64_t i = 0; i < outcomes->table->rows; i++)
        if (outcomes->customer[i] >= 0 && (period < 0 || outcomes->period[i] == period))
            sums[outcomes->customer[i]] += outcomes->value[i];
    for (int64_t c = 0; c < run->customers; c++)
        run->outcome[c] = run->code[c] < 0 ? 0 : sums[run->code[c]];
    mem_free(sums);
    return KAI_OK;
}

static kai_status measure(struct ledger_job *job, struct campaign_run *run, int32_t period,
                          double spend, struct ledger_entry *entry, kai_err *err) {
    struct ledger_customers customers = {run->customers, run->group, run->outcome};
    kai_status st = sum_outcomes(job, run, period, err);
    if (!st)
        st = ledger_from_hold_out(&customers, spend, job->options->margin, job->options->confidence,
                                  entry, err);
    return st ? err_wrap(err, st, "%s", run->folder) : KAI_OK;
}

/* The plan's own profit as the run's off-policy estimate saw it, for all customers. */
static int read_off_policy(const struct campaign_run *run, struct estimate *ret_profit) {
    const struct json_value *policies = json_get(run->report, "policies");
    for (int64_t p = 0; p < json_count(policies); p++) {
        const struct json_value *policy = json_at(policies, p);
        const struct json_value *dr = json_get(json_get(policy, "estimates"), "dr");
        if (strcmp(json_as_text(json_get(policy, "name"), ""), "plan") != 0) continue;
        double n = json_as_f64(json_get(dr, "n"), NAN);
        struct estimate each = {json_as_f64(json_get(dr, "value"), NAN),
                                json_as_f64(json_get(dr, "low"), NAN),
                                json_as_f64(json_get(dr, "high"), NAN), 0, "dr"};
        if (!isfinite(each.value) || !(n > 0) || n > 9e15) continue;
        *ret_profit = estimate_scale(each, n);
        ret_profit->n = (int64_t)n;
        return 1;
    }
    return 0;
}

static kai_status settle(struct ledger_job *job, struct campaign_run *run,
                         struct ledger_entry *entry, kai_err *err) {
    const struct json_value *plan = json_get(run->report, "plan");
    double spend = json_as_f64(json_get(plan, "cost"), 0);
    struct estimate profit;
    if (job->outcomes.table && run->held_out > 0) return measure(job, run, -1, spend, entry, err);
    int is_profit = strcmp(json_as_text(json_get(run->report, "goal"), ""), "profit") == 0;
    if (is_profit && read_off_policy(run, &profit)) {
        *entry = ledger_from_profit(profit, spend, "off-policy");
        return KAI_OK;
    }
    /* a model has no interval of its own */
    profit = (struct estimate){json_as_f64(json_get(plan, "value"), NAN), NAN, NAN,
                               (int64_t)json_as_f64(json_get(plan, "treated"), 0), "model"};
    *entry = ledger_from_profit(profit, spend, is_profit ? "model" : "model, in units of the goal");
    return KAI_OK;
}

static void write_name(struct csv_writer *csv, const char *name) {
    if (*name)
        csv_write_string(csv, name);
    else
        csv_write_missing(csv);
}

static void write_line(struct ledger_job *job, const struct campaign_run *run, const char *offer,
                       const char *period, const struct ledger_entry *entry) {
    const struct estimate *all[] = {&entry->conversions, &entry->revenue, &entry->profit,
                                    &entry->roi};
    if (!job->csv) return;
    csv_write_string(job->csv, run ? json_as_text(json_get(run->report, "campaign"), "") : "total");
    write_name(job->csv, run ? run->folder : "");
    write_name(job->csv, offer);
    write_name(job->csv, period);
    csv_write_string(job->csv, entry->evidence);
    csv_write_f64(job->csv, entry->spend);
    for (int e = 0; e < 4; e++) {
        csv_write_f64(job->csv, all[e]->value);
        csv_write_f64(job->csv, all[e]->low);
        csv_write_f64(job->csv, all[e]->high);
    }
}

static kai_status end_line(struct ledger_job *job, kai_err *err) {
    return job->csv ? csv_write_row(job->csv, err) : KAI_OK;
}

/* Offers share the campaign's figure by what the plan expected of them: only the hold-out was
 * drawn, so an offer has no comparison of its own. */
static kai_status describe_offers(struct ledger_job *job, struct campaign_run *run,
                                  const struct ledger_entry *entry, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    const struct json_value *offers = json_get(json_get(run->report, "plan"), "offers");
    double expected = 0;
    kai_status st = KAI_OK;
    for (int64_t o = 0; o < json_count(offers); o++)
        expected += json_as_f64(json_get(json_at(offers, o), "value"), 0);
    json_key(json, "offers");
    json_object(json);
    for (int64_t o = 0; !st && expected > 0 && o < json_count(offers); o++) {
        const struct json_value *offer = json_at(offers, o);
        double share = json_as_f64(json_get(offer, "value"), 0) / expected;
        struct ledger_entry part = ledger_part(
            entry, share, json_as_f64(json_get(offer, "cost"), 0), "model's share of the campaign");
        json_key(json, json_key_at(offers, o));
        json_object(json);
        json_key_f64(json, "share", share);
        ledger_describe(json, &part);
        json_end(json);
        write_line(job, run, json_key_at(offers, o), "", &part);
        st = end_line(job, err);
    }
    json_end(json);
    return st;
}

static kai_status describe_periods(struct ledger_job *job, struct campaign_run *run, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    kai_status st = KAI_OK;
    if (!job->outcomes.period || run->held_out == 0) return KAI_OK;
    json_key(json, "periods");
    json_object(json);
    for (int32_t p = 0; !st && p < job->outcomes.periods.count; p++) {
        struct ledger_entry entry;
        st = measure(job, run, p, 0, &entry, err);
        if (st) break;
        json_key(json, dict_text(&job->outcomes.periods, p));
        json_object(json);
        ledger_describe(json, &entry);
        json_end(json);
        write_line(job, run, "", dict_text(&job->outcomes.periods, p), &entry);
        st = end_line(job, err);
    }
    json_end(json);
    return st;
}

static kai_status tell(struct ledger_job *job, const char *name, const struct ledger_entry *entry,
                       kai_err *err) {
    return buf_printf(&job->answer.text, err,
                      "%-28s spend %12.2f  profit %12.2f [%.2f, %.2f]  roi %8.3g  (%s)\n", name,
                      entry->spend, entry->profit.value, entry->profit.low, entry->profit.high,
                      entry->roi.value, entry->evidence);
}

static kai_status describe_run(struct ledger_job *job, struct campaign_run *run,
                               const struct ledger_entry *entry, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    const char *name = json_as_text(json_get(run->report, "campaign"), "");
    json_object(json);
    json_key_text(json, "campaign", name);
    json_key_text(json, "run", run->folder);
    json_key_i64(json, "customers", run->customers);
    json_key_i64(json, "held_out", run->held_out);
    if (job->outcomes.table) json_key_i64(json, "without_outcome", run->without_outcome);
    ledger_describe(json, entry);
    write_line(job, run, "", "", entry);
    kai_status st = end_line(job, err);
    if (!st) st = describe_offers(job, run, entry, err);
    if (!st) st = describe_periods(job, run, err);
    json_end(json);
    return st ? st : tell(job, name, entry, err);
}

static kai_status read_run(struct ledger_job *job, const char *folder, kai_err *err) {
    struct campaign_run run = {.folder = folder};
    const char *wanted = job->options->campaign;
    kai_status st = read_report(job, &run, err);
    int is_wanted =
        !st && (!wanted || strcmp(wanted, json_as_text(json_get(run.report, "campaign"), "")) == 0);
    if (is_wanted) {
        struct ledger_entry *entry = &job->entries[job->count];
        st = read_plan(job, &run, err);
        if (!st) st = settle(job, &run, entry, err);
        if (!st) st = describe_run(job, &run, entry, err);
        if (!st) job->count++;
    }
    json_free(run.report);
    table_free(run.plan);
    mem_free(run.group);
    mem_free(run.code);
    mem_free(run.outcome);
    return st;
}

static kai_status write_header(struct ledger_job *job, kai_err *err) {
    static const char *const NAMES[] = {
        "campaign",    "run",          "offer",           "period",           "evidence",
        "spend",       "conversions",  "conversions_low", "conversions_high", "revenue",
        "revenue_low", "revenue_high", "profit",          "profit_low",       "profit_high",
        "roi",         "roi_low",      "roi_high"};
    if (!job->options->out) return KAI_OK;
    kai_status st = csv_write_open(job->options->out, &job->csv, err);
    for (size_t i = 0; !st && i < sizeof NAMES / sizeof *NAMES; i++)
        csv_write_string(job->csv, NAMES[i]);
    return st ? st : csv_write_row(job->csv, err);
}

static kai_status write_total(struct ledger_job *job, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    if (job->count == 0)
        return err_set(err, KAI_NOT_FOUND, "there is no run of campaign '%s'",
                       job->options->campaign);
    struct ledger_entry total = ledger_total(job->entries, job->count);
    json_key(json, "total");
    json_object(json);
    ledger_describe(json, &total);
    json_end(json);
    write_line(job, NULL, "", "", &total);
    kai_status st = end_line(job, err);
    if (!st) st = tell(job, "total", &total, err);
    if (!st && job->csv) {
        st = csv_write_close(job->csv, err);
        job->csv = NULL;
    }
    return st;
}

static void release(struct ledger_job *job) {
    struct outcomes *outcomes = &job->outcomes;
    csv_write_abandon(job->csv);
    dict_release(&outcomes->customers);
    dict_release(&outcomes->periods);
    mem_free(outcomes->customer);
    mem_free(outcomes->period);
    mem_free(outcomes->value);
    table_free(outcomes->table);
    mem_free(job->entries);
    arena_release(&job->arena);
}

int32_t kai_engine_evaluate_ledger(kai_engine *engine, const kai_evaluate_ledger_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    struct ledger_job job = {.engine = engine, .options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    arena_init(&job.arena);
    dict_init(&job.outcomes.customers);
    dict_init(&job.outcomes.periods);
    answer_begin(&job.answer);
    timing_enter(&job.answer.timing, "read");
    if (options->period && !options->outcomes)
        st = err_set(err, KAI_INVALID, "option '--period' needs --outcomes");
    if (!st) st = find_folders(&job, err);
    if (!st) st = read_outcomes(&job, err);
    if (!st) {
        job.entries = mem_zero((size_t)job.folder_count, sizeof *job.entries);
        if (!job.entries) st = err_memory(err, job.folder_count * (int64_t)sizeof *job.entries);
    }
    if (!st) st = write_header(&job, err);
    timing_enter(&job.answer.timing, "runs");
    json_key(&job.answer.json, "campaigns");
    json_array(&job.answer.json);
    for (int64_t i = 0; !st && i < job.folder_count; i++) st = read_run(&job, job.folders[i], err);
    json_end(&job.answer.json);
    if (!st) st = write_total(&job, err);
    st = answer_end(&job.answer, st, ret_json, ret_text, err);
    release(&job);
    return st;
}
