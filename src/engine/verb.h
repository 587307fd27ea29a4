/* How a file of this folder describes one verb: its option table and its job.
 *
 * A verb is verb_<name>.c with one `const struct kai_verb VERB_<NAME>`, and a line in verbs.c. A
 * name of two words ("evaluate ab") is a verb of a group; the command lists the group by its first
 * word. Verbs of a group that share their options may share a file (verb_consent.c).
 */
#ifndef KAIROS_ENGINE_VERB_H
#define KAIROS_ENGINE_VERB_H

#include <kairos/engine.h>
#include <stddef.h>

#include "base/options.h"

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

/* A job takes its own option struct; the table stores it behind one signature. */
#define JOB(verb)                                                                         \
    static int32_t run_##verb(kai_engine *engine, const void *options, kai_buf *ret_json, \
                              kai_buf *ret_text, kai_err *err) {                          \
        return kai_engine_##verb(engine, options, ret_json, ret_text, err);               \
    }
#define OPTIONS(list) .options = (list), .count = (int32_t)(sizeof(list) / sizeof *(list))
#define STRUCT(type, verb)                                                           \
    .options_bytes = (int64_t)sizeof(type), .common_offset = offsetof(type, common), \
    .run = run_##verb

extern const struct kai_verb VERB_ALLOCATE;
extern const struct kai_verb VERB_AUDIT_VERIFY;
extern const struct kai_verb VERB_COLLECT;
extern const struct kai_verb VERB_CONSENT_SET;
extern const struct kai_verb VERB_CONSENT_SHOW;
extern const struct kai_verb VERB_CONSENT_WITHDRAW;
extern const struct kai_verb VERB_EVALUATE_AB;
extern const struct kai_verb VERB_EVALUATE_ATTRIBUTION;
extern const struct kai_verb VERB_EVALUATE_LEDGER;
extern const struct kai_verb VERB_EVALUATE_OPE;
extern const struct kai_verb VERB_EVALUATE_POWER;
extern const struct kai_verb VERB_EVALUATE_UPLIFT;
extern const struct kai_verb VERB_BACKTEST;
extern const struct kai_verb VERB_EVENTS;
extern const struct kai_verb VERB_EXPLAIN;
extern const struct kai_verb VERB_EXPORT;
extern const struct kai_verb VERB_FEATURES;
extern const struct kai_verb VERB_FIT;
extern const struct kai_verb VERB_FORGET;
extern const struct kai_verb VERB_IDENTITY_MERGE;
extern const struct kai_verb VERB_IDENTITY_SHOW;
extern const struct kai_verb VERB_IDENTITY_UNDO;
extern const struct kai_verb VERB_INIT;
extern const struct kai_verb VERB_KEY_LIST;
extern const struct kai_verb VERB_KEY_NEW;
extern const struct kai_verb VERB_KEY_REVOKE;
extern const struct kai_verb VERB_PREDICT;
extern const struct kai_verb VERB_PROFILE;
extern const struct kai_verb VERB_CATALOGUE_SET;
extern const struct kai_verb VERB_CATALOGUE_SHOW;
extern const struct kai_verb VERB_QUARANTINE_LIST;
extern const struct kai_verb VERB_QUARANTINE_REPLAY;
extern const struct kai_verb VERB_QUARANTINE_DROP;
extern const struct kai_verb VERB_RECOMMEND;
extern const struct kai_verb VERB_RUN;
extern const struct kai_verb VERB_SEGMENT_EXPORT;
extern const struct kai_verb VERB_SEGMENT_LIST;
extern const struct kai_verb VERB_SEGMENT_SHOW;
extern const struct kai_verb VERB_SERVE;
extern const struct kai_verb VERB_SIMULATE_AUCTION;
extern const struct kai_verb VERB_SIMULATE_BANDIT;
extern const struct kai_verb VERB_SIMULATE_CAMPAIGN;
extern const struct kai_verb VERB_SIMULATE_EVENTS;
extern const struct kai_verb VERB_STORE_BACKUP;
extern const struct kai_verb VERB_STORE_VERIFY;
extern const struct kai_verb VERB_TRAIN;

#endif
