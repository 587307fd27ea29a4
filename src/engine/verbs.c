/* Every verb with its options: the one table behind the command line, help, schema and docs. */
#include "engine/verb.h"

_Static_assert(sizeof(kai_list) == sizeof(struct option_list), "a public list is an option list");
_Static_assert(offsetof(kai_list, count) == offsetof(struct option_list, count), "same fields");

static const struct kai_verb *const VERBS[] = {
    &VERB_INIT,
    &VERB_FIT,
    &VERB_PREDICT,
    &VERB_RUN,
    &VERB_SIMULATE_CAMPAIGN,
    &VERB_SIMULATE_BANDIT,
    &VERB_SIMULATE_AUCTION,
    &VERB_SIMULATE_EVENTS,
    &VERB_EVALUATE_AB,
    &VERB_EVALUATE_POWER,
    &VERB_EVALUATE_ATTRIBUTION,
    &VERB_EVALUATE_OPE,
    &VERB_EVALUATE_LEDGER,
    &VERB_EVALUATE_UPLIFT,
    &VERB_BACKTEST,
    &VERB_TRAIN,
    &VERB_RECOMMEND,
    &VERB_ALLOCATE,
    &VERB_EXPLAIN,
    &VERB_COLLECT,
    &VERB_EVENTS,
    &VERB_CATALOGUE_SET,
    &VERB_CATALOGUE_SHOW,
    &VERB_QUARANTINE_LIST,
    &VERB_QUARANTINE_REPLAY,
    &VERB_QUARANTINE_DROP,
    &VERB_PROFILE,
    &VERB_SEGMENT_LIST,
    &VERB_SEGMENT_SHOW,
    &VERB_SEGMENT_EXPORT,
    &VERB_FEATURES,
    &VERB_CONSENT_SHOW,
    &VERB_CONSENT_SET,
    &VERB_CONSENT_WITHDRAW,
    &VERB_FORGET,
    &VERB_EXPORT,
    &VERB_IDENTITY_SHOW,
    &VERB_IDENTITY_MERGE,
    &VERB_IDENTITY_UNDO,
    &VERB_AUDIT_VERIFY,
    &VERB_KEY_NEW,
    &VERB_KEY_LIST,
    &VERB_KEY_REVOKE,
    &VERB_STORE_VERIFY,
    &VERB_STORE_BACKUP,
    &VERB_SERVE,
};

int32_t kai_verb_count(void) { return (int32_t)(sizeof VERBS / sizeof *VERBS); }

const kai_verb *kai_verb_at(int32_t index) {
    return index >= 0 && index < kai_verb_count() ? VERBS[index] : NULL;
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
