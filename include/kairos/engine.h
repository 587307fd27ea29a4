/* Own a workspace; run jobs. The whole public promise of this release: open an engine, fill an
 * option struct, run a job, read one JSON document.
 *
 * Option structs start with `struct_size`, which the caller sets to sizeof; the defaults of the
 * others stand in the verb's table. Every text is UTF-8. A JSON result is a kai_buf that the caller releases. The tables
 * behind kai_verb_at() describe every option once; the command line, the campaign file's keys, help
 * and docs come from them.
 */
#ifndef KAIROS_ENGINE_H
#define KAIROS_ENGINE_H

#include <kairos/status.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct kai_engine kai_engine;

/* Bytes that a call made; `data` is NUL-terminated at data[size]. */
typedef struct kai_buf {
    char *data; /* owned by the caller */
    int64_t size;
} kai_buf;

/* A list of texts. */
typedef struct kai_list {
    const char *const *items;
    int64_t count;
} kai_list;

/* What each stage of a long job says; a return other than 0 cancels. Called from the thread that
 * runs the job, with no lock held. total 0 = unknown. */
typedef int (*kai_progress_fn)(void *user, const char *stage, int64_t done, int64_t total);

typedef struct kai_engine_options {
    uint32_t struct_size;
    int32_t threads;          /* 0 = all cores */
    kai_progress_fn progress; /* may be NULL */
    void *progress_user;
} kai_engine_options;

/* Options that every verb has. */
typedef struct kai_common_options {
    int32_t json;          /* print one JSON document */
    int32_t quiet;         /* no progress */
    int64_t seed;          /* 42 */
    int64_t threads;       /* 0 = all cores */
    const char *workspace; /* "." */
} kai_common_options;

/* How a table is read. */
typedef struct kai_table_options {
    const char *delimiter; /* "auto", ",", ";", "|", "tab" */
    int32_t no_header;
    kai_list columns;     /* names where there is no header */
    kai_list missing;     /* texts that mean missing, beside the empty one */
    kai_list types;       /* "COL=KIND" */
    const char *encoding;   /* "auto", "utf-8", "gb18030" */
    const char *quarantine; /* CSV of the rows that were set aside; NULL = only counted */
} kai_table_options;

typedef struct kai_fit_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one table */
    kai_table_options table;
    const char *label;
    kai_list models; /* forest, boost, mlp */
    double test;     /* share of rows held out */
    const char *task;
    kai_list drop;
    const char *id;
    const char *group;
    const char *time;
    const char *test_column;
    const char *positive;
    int64_t tune;
    const char *save;
    const char *calibrate;
    int64_t trees;
    int64_t epochs;
    int64_t batch;
    int64_t patience;
    int64_t rounds;
    kai_list hidden;
    int32_t drop_duplicates;
    int32_t winsorise;
    int32_t keep_constant;
    int32_t keep_ids;
    int32_t permutation;
} kai_fit_options;

typedef struct kai_predict_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* model, table */
    kai_table_options table;
    const char *model; /* which model of the file; NULL = the best */
    const char *out;   /* "-" = stdout */
} kai_predict_options;

typedef struct kai_run_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one campaign file */
    const char *out;    /* NULL = ./<campaign>-<seed> */
    const char *lang;   /* "en", "zh" */
} kai_run_options;

typedef struct kai_simulate_options {
    uint32_t struct_size;
    kai_common_options common;
    const char *out;
    int64_t customers;
    int64_t offers;
    const char *level;      /* "easy", "medium", "hard" */
    const char *propensity; /* "uniform", "features" */
    const char *plan;       /* judge this plan.csv by the truth in `out` instead of simulating */
} kai_simulate_options;

typedef struct kai_explain_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* score MODEL TABLE | decision RECEIPTS ID */
    kai_table_options table;
    int64_t row;
    const char *model;
} kai_explain_options;

typedef struct kai_init_options {
    uint32_t struct_size;
    kai_common_options common;
    kai_list arguments; /* one directory */
} kai_init_options;

/* The version of the library ("0.1.0"). Threads: any. */
KAI_API const char *kai_version(void);

/* Fails: KAI_INVALID, KAI_NO_MEMORY, KAI_LIMIT (threads). */
KAI_API int32_t kai_engine_open(const kai_engine_options *options, kai_engine **ret_engine,
                                kai_err *err);
/* Accepts NULL. */
KAI_API void kai_engine_close(kai_engine *engine);
/* Release a result. Accepts NULL and an empty buffer. */
KAI_API void kai_buf_release(kai_buf *buf);

/* One table of options, described by base/options.h; opaque outside of the command. */
typedef struct kai_option_table kai_option_table;
/* A verb of the command: its table, and the job that takes its option struct. */
typedef struct kai_verb kai_verb;
KAI_API int32_t kai_verb_count(void);
/* Gives: a static verb; NULL outside of 0 .. count-1. */
KAI_API const kai_verb *kai_verb_at(int32_t index);
KAI_API const char *kai_verb_name(const kai_verb *verb);
KAI_API const kai_option_table *kai_verb_table(const kai_verb *verb);
/* The bytes of the verb's option struct. */
KAI_API int64_t kai_verb_options_bytes(const kai_verb *verb);
/* Where kai_common_options lies within the verb's option struct. */
KAI_API const kai_common_options *kai_verb_common(const kai_verb *verb, const void *options);
/* Run a verb with its option struct.
 * Gives:    *ret_json, the result with `timing`; *ret_text, the same for people. Either may be
 * NULL. Fails:    as the job does. Threads:  one job at a time for an engine. */
KAI_API int32_t kai_verb_run(const kai_verb *verb, kai_engine *engine, const void *options,
                             kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

/* Clean, prepare and fit the tabular models to a table, evaluate each on held-out rows. */
KAI_API int32_t kai_engine_fit(kai_engine *engine, const kai_fit_options *options,
                               kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Score rows with a saved model. Writes CSV to options->out. */
KAI_API int32_t kai_engine_predict(kai_engine *engine, const kai_predict_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* The whole loop for one campaign. */
KAI_API int32_t kai_engine_run(kai_engine *engine, const kai_run_options *options,
                               kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Make a market whose truth is known. */
KAI_API int32_t kai_engine_simulate(kai_engine *engine, const kai_simulate_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Why a score, why a decision. */
KAI_API int32_t kai_engine_explain(kai_engine *engine, const kai_explain_options *options,
                                   kai_buf *ret_json, kai_buf *ret_text, kai_err *err);
/* Make a workspace. */
KAI_API int32_t kai_engine_init(kai_engine *engine, const kai_init_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err);

#ifdef __cplusplus
}
#endif
#endif
