#include "engine/person.h"

#include "base/clock.h"
#include "base/instant.h"

kai_status person_find(struct doorway *door, const char *user,
                       char ret_pseudonym[SECRET_PSEUDONYM_BYTES], kai_err *err) {
    int knows = 0;
    doorway_pseudonym(door, user, ret_pseudonym);
    kai_status st = doorway_knows(door, slice_of(ret_pseudonym), &knows, err);
    if (!st && !knows) st = err_set(err, KAI_NOT_FOUND, "nothing is known of this user");
    return st;
}

void person_json_time(struct json_writer *json, const char *key, int64_t time_us) {
    char text[INSTANT_TEXT_BYTES];
    instant_print(time_us, text);
    json_key_text(json, key, text);
}

void person_describe_consent(const struct doorway *door, const struct consent *consent,
                             struct json_writer *json) {
    const struct consent_rules *rules = &doorway_settings(door)->rules.consent;
    json_key(json, "consent");
    json_object(json);
    for (int p = 0; p < CONSENT_KINDS; p++) {
        enum consent_purpose purpose = (enum consent_purpose)p;
        int is_switch = purpose == CONSENT_NOT_PERSONALISED;
        json_key(json, consent_purpose_text(purpose));
        json_object(json);
        json_key_text(json, "answer", consent_answer_text(consent->answers[p]));
        if (consent->answers[p] == CONSENT_UNKNOWN)
            json_key_text(json, "time", NULL);
        else
            person_json_time(json, "time", consent->times_us[p]);
        if (is_switch)
            json_key_bool(json, "on", consent->answers[p] == CONSENT_GRANTED);
        else
            json_key_bool(json, "allowed", consent_allows(rules, consent, purpose));
        json_end(json);
    }
    json_end(json);
}

kai_status person_time(const char *option, const char *text, int64_t *ret_time_us, kai_err *err) {
    if (!text) {
        *ret_time_us = clock_wall_us();
        return KAI_OK;
    }
    if (instant_parse(slice_of(text), ret_time_us)) return KAI_OK;
    return err_set(err, KAI_INVALID, "option '--%s': expected a time such as 2026-03-01T08:30Z",
                   option);
}
