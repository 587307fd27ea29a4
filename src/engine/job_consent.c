/* kairos consent show, set, withdraw: what a person allows. */
#include <kairos/privacy.h>

#include "engine/person.h"

struct consent_job {
    const kai_consent_options *options;
    struct doorway *door;
    char person[SECRET_PSEUDONYM_BYTES];
    struct answer answer;
};

static kai_status write_answer(struct consent_job *job, kai_err *err) {
    struct json_writer *json = &job->answer.json;
    const struct consent_rules *rules = &doorway_settings(job->door)->rules.consent;
    struct consent consent = {0};
    kai_status st = doorway_consent(job->door, slice_of(job->person), &consent, err);
    if (st) return st;
    json_key_text(json, "user", job->person);
    person_describe_consent(job->door, &consent, json);
    st = buf_printf(&job->answer.text, err, "%s\n", job->person);
    for (int p = 0; !st && p < CONSENT_PURPOSES; p++) {
        enum consent_purpose purpose = (enum consent_purpose)p;
        st = buf_printf(&job->answer.text, err, "  %-17s %-9s %s\n", consent_purpose_text(purpose),
                        consent_answer_text(consent.answers[p]),
                        consent_allows(rules, &consent, purpose) ? "allowed" : "not allowed");
    }
    int is_on = consent.answers[CONSENT_NOT_PERSONALISED] == CONSENT_GRANTED;
    if (!st)
        st = buf_printf(&job->answer.text, err, "  %-17s %s\n",
                        consent_purpose_text(CONSENT_NOT_PERSONALISED), is_on ? "on" : "off");
    return st;
}

static kai_status keep_statement(struct consent_job *job, const char *name,
                                 enum consent_answer answer, kai_err *err) {
    const kai_consent_options *options = job->options;
    struct consent_record record = {
        .answer = answer, .proof = options->proof, .source = options->source};
    struct buf detail;
    buf_init(&detail, 1 << 20);
    kai_status st = consent_purpose_parse(name, &record.purpose, err);
    if (!st) st = person_time("time", options->time, &record.time_us, err);
    if (!st) st = doorway_state(job->door, slice_of(job->person), &record, err);
    /* the proof stays with the consent: it may name the person */
    record.proof = *record.proof ? "kept with the consent" : "";
    if (!st) st = consent_print(&record, &detail, err);
    if (!st) st = doorway_record(job->door, "consent", job->person, detail.data, NULL, err);
    buf_release(&detail);
    return st;
}

static kai_status run(const kai_consent_options *options, enum consent_answer answer,
                      kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    struct consent_job job = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&job.answer);
    if (answer != CONSENT_UNKNOWN && options->purposes.count == 0)
        st = err_set(err, KAI_INVALID, "option '--purpose' is missing");
    if (!st)
        st = doorway_open(options->common.workspace,
                          answer == CONSENT_UNKNOWN ? STORE_READ : STORE_WRITE, &job.door, err);
    if (!st) doorway_pseudonym(job.door, options->arguments.items[0], job.person);
    if (!st && doorway_is_suppressed(job.door, slice_of(job.person)))
        st = err_set(err, KAI_STATE, "this user was forgotten");
    for (int64_t i = 0; !st && answer != CONSENT_UNKNOWN && i < options->purposes.count; i++)
        st = keep_statement(&job, options->purposes.items[i], answer, err);
    if (!st && answer != CONSENT_UNKNOWN) st = doorway_commit(job.door, err);
    if (!st) st = write_answer(&job, err);
    doorway_close(job.door);
    return answer_end(&job.answer, st, ret_json, ret_text, err);
}

int32_t kai_engine_consent_show(kai_engine *engine, const kai_consent_options *options,
                                kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, CONSENT_UNKNOWN, ret_json, ret_text, err);
}

int32_t kai_engine_consent_set(kai_engine *engine, const kai_consent_options *options,
                               kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, CONSENT_GRANTED, ret_json, ret_text, err);
}

int32_t kai_engine_consent_withdraw(kai_engine *engine, const kai_consent_options *options,
                                    kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    return run(options, CONSENT_WITHDRAWN, ret_json, ret_text, err);
}
