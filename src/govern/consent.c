#include "govern/consent.h"

#include <string.h>

#include "base/instant.h"
#include "base/json.h"
#include "base/options.h"

static const char *const PURPOSES[CONSENT_KINDS] = {
    "analytics",     "personalisation", "marketing-email",  "marketing-sms",
    "marketing-ads", "sharing",         "not-personalised",
};
#define PURPOSE_LIST                                                                          \
    "analytics|personalisation|marketing-email|marketing-sms|marketing-ads|sharing|not-perso" \
    "nalised"
static const char *const ANSWERS[] = {"unknown", "granted", "withdrawn"};

const char *consent_purpose_text(enum consent_purpose purpose) { return PURPOSES[purpose]; }

const char *consent_answer_text(enum consent_answer answer) { return ANSWERS[answer]; }

kai_status consent_purpose_parse(const char *text, enum consent_purpose *ret_purpose,
                                 kai_err *err) {
    char nearest[64] = "";
    for (int i = 0; i < CONSENT_KINDS; i++) {
        if (strcmp(text, PURPOSES[i]) != 0) continue;
        *ret_purpose = (enum consent_purpose)i;
        return KAI_OK;
    }
    if (options_nearest(text, PURPOSE_LIST, nearest, sizeof nearest))
        return err_set(err, KAI_INVALID, "purpose '%.64s': did you mean '%s'?", text, nearest);
    return err_set(err, KAI_INVALID, "purpose '%.64s': expected one of " PURPOSE_LIST, text);
}

struct consent_rules consent_rules_default(void) {
    return (struct consent_rules){
        .is_opt_out = {[CONSENT_ANALYTICS] = 1, [CONSENT_PERSONALISATION] = 1}};
}

/* Is refusal what this answer says? Of the switch, being on refuses. */
static int is_refusal(const struct consent_record *record) {
    int is_granted = record->answer == CONSENT_GRANTED;
    return record->purpose == CONSENT_NOT_PERSONALISED ? is_granted : !is_granted;
}

void consent_add(struct consent *consent, const struct consent_record *record) {
    enum consent_purpose p = record->purpose;
    if (record->answer == CONSENT_UNKNOWN) return;
    if (consent->answers[p] != CONSENT_UNKNOWN) {
        if (record->time_us < consent->times_us[p]) return;
        if (record->time_us == consent->times_us[p] && !is_refusal(record)) return;
    }
    consent->answers[p] = record->answer;
    consent->times_us[p] = record->time_us;
}

int consent_allows(const struct consent_rules *rules, const struct consent *consent,
                   enum consent_purpose purpose) {
    if (purpose >= CONSENT_PURPOSES) return 0;
    if (purpose == CONSENT_PERSONALISATION &&
        consent->answers[CONSENT_NOT_PERSONALISED] == CONSENT_GRANTED)
        return 0;
    if (consent->answers[purpose] == CONSENT_UNKNOWN) return rules->is_opt_out[purpose];
    return consent->answers[purpose] == CONSENT_GRANTED;
}

/* The marketing purpose of a channel, or CONSENT_PURPOSES. */
static enum consent_purpose purpose_of_channel(const char *channel) {
    static const struct {
        const char *channel;
        enum consent_purpose purpose;
    } CHANNELS[] = {{"email", CONSENT_EMAIL}, {"e-mail", CONSENT_EMAIL}, {"sms", CONSENT_SMS},
                    {"push", CONSENT_SMS},    {"whatsapp", CONSENT_SMS}, {"wechat", CONSENT_SMS},
                    {"ads", CONSENT_ADS},     {"ad", CONSENT_ADS},       {"display", CONSENT_ADS},
                    {"search", CONSENT_ADS},  {"social", CONSENT_ADS}};
    for (size_t i = 0; i < sizeof CHANNELS / sizeof *CHANNELS; i++)
        if (slice_equal_case(slice_of(channel), CHANNELS[i].channel)) return CHANNELS[i].purpose;
    return CONSENT_PURPOSES;
}

enum consent_verdict consent_decide(const struct consent_rules *rules,
                                    const struct consent *consent, const char *channel,
                                    const char **ret_reason) {
    enum consent_purpose purpose = purpose_of_channel(channel);
    if (purpose < CONSENT_PURPOSES && !consent_allows(rules, consent, purpose)) {
        *ret_reason = PURPOSES[purpose];
        return CONSENT_DENY;
    }
    if (consent->answers[CONSENT_NOT_PERSONALISED] == CONSENT_GRANTED) {
        *ret_reason = PURPOSES[CONSENT_NOT_PERSONALISED];
        return CONSENT_GENERIC;
    }
    *ret_reason = PURPOSES[CONSENT_PERSONALISATION];
    return consent_allows(rules, consent, CONSENT_PERSONALISATION) ? CONSENT_PERSONAL
                                                                   : CONSENT_GENERIC;
}

kai_status consent_print(const struct consent_record *record, struct buf *out, kai_err *err) {
    struct json_writer json;
    char time[INSTANT_TEXT_BYTES];
    instant_print(record->time_us, time);
    json_init(&json, out, 0);
    json_object(&json);
    json_key_text(&json, "purpose", consent_purpose_text(record->purpose));
    json_key_text(&json, "answer", consent_answer_text(record->answer));
    json_key_text(&json, "time", time);
    json_key_text(&json, "proof", record->proof);
    json_key_text(&json, "source", record->source);
    json_end(&json);
    return json_finish(&json, err);
}

static kai_status parse_answer(const char *text, enum consent_answer *ret_answer, kai_err *err) {
    if (strcmp(text, "granted") == 0 || strcmp(text, "on") == 0)
        *ret_answer = CONSENT_GRANTED;
    else if (strcmp(text, "withdrawn") == 0 || strcmp(text, "off") == 0)
        *ret_answer = CONSENT_WITHDRAWN;
    else
        return err_set(err, KAI_INVALID,
                       "consent: 'answer' is '%.40s', expected 'granted' or 'withdrawn'", text);
    return KAI_OK;
}

static kai_status copy_text(const struct json_value *object, const char *key, struct arena *arena,
                            const char **ret_text, kai_err *err) {
    const struct json_value *value = json_get(object, key);
    const char *text = json_as_text(value, NULL);
    if (!text && !json_is_null(value))
        return err_set(err, KAI_INVALID, "consent: '%s' is not a text", key);
    *ret_text = arena_string(arena, text ? text : "");
    return *ret_text ? KAI_OK : err_memory(err, 0);
}

static kai_status read_record(const struct json_value *object, int64_t time_us, struct arena *arena,
                              struct consent_record *record, kai_err *err) {
    const char *purpose = json_as_text(json_get(object, "purpose"), NULL);
    const char *answer = json_as_text(json_get(object, "answer"), NULL);
    const struct json_value *time = json_get(object, "time");
    if (!purpose) return err_set(err, KAI_INVALID, "consent: 'purpose' is missing");
    if (!answer) return err_set(err, KAI_INVALID, "consent: 'answer' is missing");
    record->time_us = time_us;
    if (!json_is_null(time) && !instant_parse(slice_of(json_as_text(time, "")), &record->time_us))
        return err_set(err, KAI_INVALID, "consent: 'time' is not a time such as 2026-03-01T08:30Z");
    kai_status st = consent_purpose_parse(purpose, &record->purpose, err);
    if (st) return err_wrap(err, st, "consent");
    st = parse_answer(answer, &record->answer, err);
    if (!st) st = copy_text(object, "proof", arena, &record->proof, err);
    if (!st) st = copy_text(object, "source", arena, &record->source, err);
    return st;
}

kai_status consent_parse(struct slice text, int64_t time_us, struct arena *arena,
                         struct consent_record *ret_record, kai_err *err) {
    struct json_value *object = NULL;
    struct consent_record record = {0};
    kai_status st = json_parse(text.data, text.size, &object, err);
    if (st) return err_wrap(err, st, "consent");
    if (!json_is_object(object)) st = err_set(err, KAI_INVALID, "consent: expected a JSON object");
    if (!st) st = read_record(object, time_us, arena, &record, err);
    json_free(object);
    if (!st) *ret_record = record;
    return st;
}
