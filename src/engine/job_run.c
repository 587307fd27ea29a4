/* kairos run: one campaign from a raw table to a proven plan. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/file.h"
#include "engine/run.h"
#include "report/report.h"

void run_warn(struct run *run, const char *format, ...) {
    char text[512];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args); /* a cut warning is still one */
    va_end(args);
    if (run->warning_count == RUN_WARNINGS_MAX) return;
    const char *kept = arena_string(&run->arena, text);
    if (kept) run->warnings[run->warning_count++] = kept;
}

kai_status run_customer_name(const struct run *run, int64_t customer, struct buf *buf,
                             kai_err *err) {
    const char *id = run->campaign.customers.id;
    if (!id) {
        buf_reset(buf);
        return buf_printf(buf, err, "%lld", (long long)customer + 1);
    }
    const struct column *column;
    kai_status st = table_column(run->customers.table, id, &column, err);
    return st ? st : column_print(column, customer, buf, err);
}

double run_offer_cost(const struct run *run, int32_t offer) {
    return run->campaign.offers[offer].cost;
}

static void release_proof(struct run *run) {
    for (int32_t a = 0; a < run->audit_count; a++) {
        fairness_audit_free(run->audits[a].audit);
        fairness_groups_free(run->audits[a].groups);
    }
    mem_free(run->audits);
    mem_free(run->proofs);
    mem_free(run->policies.items);
    mem_free(run->policies.values);
    mem_free(run->constants);
    mem_free(run->response_choice);
    mem_free(run->trial_choice);
    mem_free(run->trial_predicted);
    mem_free(run->trial_propensity);
    mem_free(run->trial_outcome);
    mem_free(run->trial_arm);
    mem_free(run->trial_rows);
}

static void release_plan(struct run *run) {
    decide_plan_free(run->plan);
    problem_release(&run->problem);
    mem_free(run->objective);
    fairness_groups_free(run->fair_groups);
    mem_free(run->fair_group);
    mem_free(run->is_held_out);
    mem_free(run->has_consent);
    mem_free(run->is_refused);
    market_factors_release(&run->factors);
}

static void release_models(struct run *run) {
    mem_free(run->customer_effect);
    mem_free(run->history_predicted);
    mem_free(run->history_effect);
    mem_free(run->plan_effect);
    mem_free(run->proof_choice);
    effect_free(run->full);
    for (int64_t f = 0; run->models && f < run->campaign.evaluate.folds; f++)
        effect_free(run->models[f]);
    mem_free(run->models);
    mem_free(run->fold);
    mem_free(run->shifts);
    if (run->customer_matrix != run->history_matrix) matrix_free(run->customer_matrix);
    matrix_free(run->history_matrix);
    recipe_free(run->recipe);
    clean_free(run->clean);
    mem_free(run->left_out);
    mem_free(run->roles);
}

static void release_table(struct run_table *table) {
    table_free(table->table);
    collect_report_release(&table->report);
}

static void release_run(struct run *run) {
    for (int64_t i = 0; run->reasons && i < run->customers.table->rows * RUN_REASONS; i++)
        mem_free(run->reasons[i]);
    mem_free(run->reasons);
    mem_free(run->column_effect);
    mem_free(run->column_names);
    release_proof(run);
    release_plan(run);
    release_models(run);
    mem_free(run->arm_outcomes);
    mem_free(run->history_propensity);
    mem_free(run->history_outcome);
    mem_free(run->history_arm);
    mem_free(run->used_of_row);
    mem_free(run->used);
    mem_free(run->row_arm);
    mem_free(run->arm_cost);
    mem_free(run->cost);
    release_table(&run->market);
    if (!run->is_same_table) release_table(&run->history);
    release_table(&run->customers);
    arena_release(&run->arena);
    campaign_release(&run->campaign);
}

/* --out; else <workspace>/runs/<campaign>-<seed> in a workspace; else ./<campaign>-<seed>. */
static kai_status choose_dir(const struct run *run, struct buf *dir, kai_err *err) {
    if (run->options->out) return buf_puts(dir, run->options->out, err);
    const char *workspace = run->options->common.workspace;
    kai_status st = buf_printf(dir, err, "%s/kairos.yaml", workspace);
    if (st) return st;
    int is_workspace = file_exists(dir->data);
    buf_reset(dir);
    if (is_workspace) st = buf_printf(dir, err, "%s/runs/", workspace);
    for (const char *c = run->campaign.name; !st && *c; c++) {
        char safe = *c == ' ' || *c == '/' ? '-' : *c;
        st = buf_append(dir, &safe, 1, err);
    }
    return st ? st : buf_printf(dir, err, "-%lld", (long long)run->options->common.seed);
}

/* "auto" follows the user's locale, as the environment names it. */
static const char *choose_language(const char *lang) {
    static const char *const NAMES[] = {"LC_ALL", "LC_MESSAGES", "LANG"};
    if (strcmp(lang, "auto") != 0) return lang;
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const char *locale = getenv(NAMES[i]);
        if (locale && locale[0]) return strncmp(locale, "zh", 2) == 0 ? "zh" : "en";
    }
    return "en";
}

static kai_status make_dir(const struct run *run, struct buf *dir, kai_err *err) {
    kai_status st = choose_dir(run, dir, err);
    return st ? st : file_make_dir(dir->data, err);
}

static kai_status write_file(const char *dir, const char *name, const struct buf *bytes,
                             kai_err *err) {
    struct buf path;
    buf_init(&path, 1 << 16);
    kai_status st = buf_printf(&path, err, "%s/%s", dir, name);
    if (!st) st = file_write_all(path.data, bytes->data, bytes->size, err);
    buf_release(&path);
    return st;
}

static kai_status write_reports(struct run *run, const char *dir, kai_err *err) {
    struct buf json, html;
    buf_init(&json, (size_t)CAPS_BUF_BYTES);
    buf_init(&html, (size_t)CAPS_BUF_BYTES);
    kai_status st = run_describe(run, NULL, &json, err);
    if (!st) st = write_file(dir, "report.json", &json, err);
    if (!st)
        st = report_write_html(json.data, json.size, choose_language(run->options->lang), &html,
                               err);
    if (!st) st = write_file(dir, "report.html", &html, err);
    buf_release(&json);
    buf_release(&html);
    return st;
}

static kai_status run_campaign(struct run *run, struct buf *dir, kai_err *err) {
    static const struct {
        const char *stage;
        kai_status (*step)(struct run *run, kai_err *err);
    } STEPS[] = {{"read", run_load}, {"prepare", run_features}, {"effects", run_effects},
                 {"plan", run_plan}, {"proof", run_proof},      {"reasons", run_reasons}};
    timing_enter(&run->timing, "read");
    kai_status st = campaign_load(run->options->arguments.items[0], &run->campaign, err);
    for (size_t s = 0; !st && s < sizeof STEPS / sizeof *STEPS; s++) {
        timing_enter(&run->timing, STEPS[s].stage);
        st = STEPS[s].step(run, err);
        if (s == 1 && !st) st = make_dir(run, dir, err); /* before the long work, not after it */
    }
    timing_enter(&run->timing, "write");
    if (!st) st = run_write(run, dir->data, err);
    return st ? st : write_reports(run, dir->data, err);
}

int32_t kai_engine_run(kai_engine *engine, const kai_run_options *options, kai_buf *ret_json,
                       kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct run *run = mem_zero(1, sizeof *run);
    if (!run) return err_memory(err, sizeof *run);
    struct buf dir, json, text;
    buf_init(&dir, 1 << 16);
    buf_init(&json, (size_t)CAPS_BUF_BYTES);
    buf_init(&text, (size_t)CAPS_BUF_BYTES);
    run->engine = engine;
    run->options = options;
    run->seed = (uint64_t)options->common.seed;
    arena_init(&run->arena);
    arena_init(&run->campaign.arena);
    timing_start(&run->timing);
    st = run_campaign(run, &dir, err);
    if (!st && ret_json) st = run_describe(run, &run->timing, &json, err);
    if (!st && ret_text) st = run_summarise(run, dir.data, &text, err);
    if (!st && ret_json) result_give(&json, ret_json);
    if (!st && ret_text) result_give(&text, ret_text);
    buf_release(&text);
    buf_release(&json);
    buf_release(&dir);
    release_run(run);
    mem_free(run);
    return st;
}
