/* Every verb with its options: the one table behind the command line, help, schema and docs. */
#include <kairos/engine.h>
#include <stddef.h>
#include <string.h>

#include "base/options.h"
#include "engine/reading.h"

_Static_assert(sizeof(kai_list) == sizeof(struct option_list), "a public list is an option list");
_Static_assert(offsetof(kai_list, count) == offsetof(struct option_list, count), "same fields");

typedef int32_t (*job_fn)(kai_engine *engine, const void *options, kai_buf *ret_json,
                          kai_buf *ret_text, kai_err *err);

struct kai_verb {
    const struct kai_option_table table;
    int64_t options_bytes;
    size_t common_offset;
    job_fn run;
};

#define COMMON(type)                                                                          \
    {.name = "json",                                                                          \
     .kind = OPTION_FLAG,                                                                     \
     .offset = offsetof(type, common.json),                                                   \
     .help = "print exactly one JSON document on stdout"},                                    \
        {.name = "quiet",                                                                     \
         .kind = OPTION_FLAG,                                                                 \
         .offset = offsetof(type, common.quiet),                                              \
         .help = "no progress on stderr"},                                                    \
        {.name = "seed",                                                                      \
         .kind = OPTION_INT,                                                                  \
         .offset = offsetof(type, common.seed),                                               \
         .fallback = "42",                                                                    \
         .low = 0,                                                                            \
         .high = 9e15,                                                                        \
         .value = "N",                                                                        \
         .help = "seed of every random choice"},                                              \
        {.name = "threads",                                                                   \
         .kind = OPTION_INT,                                                                  \
         .offset = offsetof(type, common.threads),                                            \
         .fallback = "0",                                                                     \
         .low = 0,                                                                            \
         .high = 256,                                                                         \
         .value = "N",                                                                        \
         .help = "threads; 0 takes all cores, the result is the same for any number"},        \
    {                                                                                         \
        .name = "workspace", .kind = OPTION_TEXT, .offset = offsetof(type, common.workspace), \
        .fallback = ".", .value = "DIR", .help = "workspace (short: -C DIR)"                  \
    }

static const struct kai_option FIT_OPTIONS[] = {
    {.name = "label",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, label),
     .value = "COL",
     .help = "the column to predict"},
    {.name = "models",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_fit_options, models),
     .fallback = "forest,boost,mlp",
     .value = "a,b",
     .help = "of forest, boost, mlp"},
    {.name = "test",
     .kind = OPTION_NUMBER,
     .offset = offsetof(kai_fit_options, test),
     .fallback = "0.2",
     .low = 0.0001,
     .high = 0.95,
     .value = "SHARE",
     .help = "share of the rows that is held out and judged on"},
    {.name = "task",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_fit_options, task),
     .fallback = "auto",
     .choices = "auto|binary|multiclass|regression",
     .help = "what kind of label it is"},
    {.name = "drop",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_fit_options, drop),
     .value = "COL,...",
     .help = "columns that are never features"},
    {.name = "id",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, id),
     .value = "COL",
     .help = "key of a row; rows that repeat a key are dropped"},
    {.name = "group",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, group),
     .value = "COL",
     .help = "rows of a group stay on one side of the split"},
    {.name = "time",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, time),
     .value = "COL",
     .help = "split by time: the latest rows are held out"},
    {.name = "test-column",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, test_column),
     .value = "COL",
     .help = "fixed split: 1 = test, 0 = train; never a feature"},
    {.name = "positive",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, positive),
     .value = "V",
     .help = "the positive class; else 1/yes/true, else the rarer one"},
    {.name = "tune",
     .kind = OPTION_INT,
     .offset = offsetof(kai_fit_options, tune),
     .fallback = "0",
     .low = 0,
     .high = 10000,
     .value = "N",
     .help = "try N configurations a model by successive halving on training folds"},
    {.name = "calibrate",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_fit_options, calibrate),
     .fallback = "none",
     .choices = "none|isotonic|platt",
     .help = "calibrate probabilities on validation rows"},
    {.name = "save",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_fit_options, save),
     .value = "NAME",
     .help = "save the models: a path, or a name in the workspace"},
    {.name = "trees",
     .kind = OPTION_INT,
     .offset = offsetof(kai_fit_options, trees),
     .fallback = "100",
     .low = 1,
     .high = 100000,
     .value = "N",
     .help = "trees of the forest"},
    {.name = "rounds",
     .kind = OPTION_INT,
     .offset = offsetof(kai_fit_options, rounds),
     .fallback = "500",
     .low = 1,
     .high = 100000,
     .value = "N",
     .help = "boosting rounds at most; validation rows stop earlier"},
    {.name = "epochs",
     .kind = OPTION_INT,
     .offset = offsetof(kai_fit_options, epochs),
     .fallback = "10",
     .low = 1,
     .high = 100000,
     .value = "N",
     .help = "epochs of the network"},
    {.name = "batch",
     .kind = OPTION_INT,
     .offset = offsetof(kai_fit_options, batch),
     .fallback = "32",
     .low = 1,
     .high = 1000000,
     .value = "ROWS",
     .help = "rows of a mini-batch"},
    {.name = "hidden",
     .kind = OPTION_LIST,
     .offset = offsetof(kai_fit_options, hidden),
     .fallback = "64,32",
     .value = "N,...",
     .help = "widths of the network's hidden layers"},
    {.name = "patience",
     .kind = OPTION_INT,
     .offset = offsetof(kai_fit_options, patience),
     .fallback = "0",
     .low = 0,
     .high = 100000,
     .value = "EPOCHS",
     .help = "stop the network after so many epochs without gain; 0 runs all and keeps the best"},
    {.name = "drop-duplicates",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_fit_options, drop_duplicates),
     .help = "drop training rows that equal an earlier one in every column"},
    {.name = "winsorise",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_fit_options, winsorise),
     .help = "pull outliers in to the robust bounds"},
    {.name = "keep-constant",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_fit_options, keep_constant),
     .help = "keep columns of one value"},
    {.name = "keep-ids",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_fit_options, keep_ids),
     .help = "keep columns that look like identifiers"},
    {.name = "permutation",
     .kind = OPTION_FLAG,
     .offset = offsetof(kai_fit_options, permutation),
     .help = "permutation importance of each column too"},
    READING_OPTIONS(kai_fit_options, table),
    COMMON(kai_fit_options),
};

static const struct kai_option PREDICT_OPTIONS[] = {
    {.name = "model",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_predict_options, model),
     .choices = "forest|boost|mlp",
     .help = "which model of the file; the best by default"},
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_predict_options, out),
     .fallback = "-",
     .value = "FILE",
     .help = "where the scores go, as CSV"},
    READING_OPTIONS(kai_predict_options, table),
    COMMON(kai_predict_options),
};

static const struct kai_option RUN_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_run_options, out),
     .value = "DIR",
     .help = "where the plan and the report go; ./<campaign>-<seed> by default"},
    {.name = "lang",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_run_options, lang),
     .fallback = "auto",
     .choices = "auto|en|zh",
     .help = "language of report.html"},
    COMMON(kai_run_options),
};

static const struct kai_option SIMULATE_OPTIONS[] = {
    {.name = "out",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_simulate_options, out),
     .fallback = "market",
     .value = "DIR",
     .help = "where the market goes"},
    {.name = "customers",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_options, customers),
     .fallback = "100000",
     .low = 10,
     .high = 10000000,
     .value = "N",
     .help = "customers"},
    {.name = "offers",
     .kind = OPTION_INT,
     .offset = offsetof(kai_simulate_options, offers),
     .fallback = "3",
     .low = 1,
     .high = 16,
     .value = "N",
     .help = "offers beside no action"},
    {.name = "level",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_simulate_options, level),
     .fallback = "easy",
     .choices = "easy|medium|hard",
     .help = "noise of the outcome against the spread of the effects"},
    {.name = "propensity",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_simulate_options, propensity),
     .fallback = "uniform",
     .choices = "uniform|features",
     .help = "how the past actions were drawn"},
    {.name = "plan",
     .kind = OPTION_TEXT,
     .offset = offsetof(kai_simulate_options, plan),
     .value = "PLAN.csv",
     .help = "judge this plan by the truth in --out, and simulate nothing"},
    COMMON(kai_simulate_options),
};

static const struct kai_option EXPLAIN_OPTIONS[] = {
    {.name = "row",
     .kind = OPTION_INT,
     .offset = offsetof(kai_explain_options, row),
     .fallback = "1",
     .low = 1,
     .high = 9e15,
     .value = "N",
     .help = "data row of the table, from 1"},
    {.name = "model",
     .kind = OPTION_CHOICE,
     .offset = offsetof(kai_explain_options, model),
     .choices = "forest|boost|mlp",
     .help = "which model of the file; the best by default"},
    READING_OPTIONS(kai_explain_options, table),
    COMMON(kai_explain_options),
};

static const struct kai_option INIT_OPTIONS[] = {COMMON(kai_init_options)};

/* A job takes its own option struct; the table stores it behind one signature. */
#define JOB(verb)                                                                         \
    static int32_t run_##verb(kai_engine *engine, const void *options, kai_buf *ret_json, \
                              kai_buf *ret_text, kai_err *err) {                          \
        return kai_engine_##verb(engine, options, ret_json, ret_text, err);               \
    }
JOB(init)
JOB(fit)
JOB(predict)
JOB(run)
JOB(simulate)
JOB(explain)

#define OPTIONS(list) .options = (list), .count = (int32_t)(sizeof(list) / sizeof *(list))
#define STRUCT(type, verb)                                                           \
    .options_bytes = (int64_t)sizeof(type), .common_offset = offsetof(type, common), \
    .run = run_##verb

static const struct kai_verb VERBS[] = {
    {.table = {.name = "init",
               .summary = "make a workspace",
               .usage = "init DIR",
               OPTIONS(INIT_OPTIONS),
               .arguments_min = 1,
               .arguments_max = 1,
               .arguments_offset = offsetof(kai_init_options, arguments),
               .example = "kairos init shop"},
     STRUCT(kai_init_options, init)},
    {.table = {.name = "fit",
               .summary = "fit tabular models to a table and judge them on held-out rows",
               .usage = "fit TABLE --label COL",
               OPTIONS(FIT_OPTIONS),
               .arguments_min = 1,
               .arguments_max = 1,
               .arguments_offset = offsetof(kai_fit_options, arguments),
               .example = "kairos fit user_data.csv --label churned --save churn.kai"},
     STRUCT(kai_fit_options, fit)},
    {.table = {.name = "predict",
               .summary = "score the rows of a table with a saved model",
               .usage = "predict MODEL TABLE",
               OPTIONS(PREDICT_OPTIONS),
               .arguments_min = 2,
               .arguments_max = 2,
               .arguments_offset = offsetof(kai_predict_options, arguments),
               .example = "kairos predict churn.kai customers.csv --out scores.csv"},
     STRUCT(kai_predict_options, predict)},
    {.table = {.name = "run",
               .summary = "one campaign, from a raw table to a proven plan",
               .usage = "run CAMPAIGN.yaml",
               OPTIONS(RUN_OPTIONS),
               .arguments_min = 1,
               .arguments_max = 1,
               .arguments_offset = offsetof(kai_run_options, arguments),
               .example = "kairos run spring.yaml --out spring"},
     STRUCT(kai_run_options, run)},
    {.table = {.name = "simulate",
               .summary = "make a market whose truth is known",
               .usage = "simulate campaign --out DIR",
               OPTIONS(SIMULATE_OPTIONS),
               .arguments_min = 1,
               .arguments_max = 1,
               .arguments_offset = offsetof(kai_simulate_options, arguments),
               .example = "kairos simulate campaign --customers 100000 --out market"},
     STRUCT(kai_simulate_options, simulate)},
    {.table = {.name = "explain",
               .summary = "say why: a score by its features, a decision by its receipt",
               .usage = "explain (score MODEL TABLE --row N | decision RECEIPTS ID)",
               OPTIONS(EXPLAIN_OPTIONS),
               .arguments_min = 3,
               .arguments_max = 3,
               .arguments_offset = offsetof(kai_explain_options, arguments),
               .example = "kairos explain decision spring/receipts.jsonl.gz 1017"},
     STRUCT(kai_explain_options, explain)},
};

int32_t kai_verb_count(void) { return (int32_t)(sizeof VERBS / sizeof *VERBS); }

const kai_verb *kai_verb_at(int32_t index) {
    return index >= 0 && index < kai_verb_count() ? &VERBS[index] : NULL;
}

const char *kai_verb_name(const kai_verb *verb) { return verb->table.name; }

const kai_option_table *kai_verb_table(const kai_verb *verb) { return &verb->table; }

int64_t kai_verb_options_bytes(const kai_verb *verb) { return verb->options_bytes; }

const kai_common_options *kai_verb_common(const kai_verb *verb, const void *options) {
    return (const kai_common_options *)((const char *)options + verb->common_offset);
}

int32_t kai_verb_run(const kai_verb *verb, kai_engine *engine, const void *options,
                     kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    return verb->run(engine, options, ret_json, ret_text, err);
}
