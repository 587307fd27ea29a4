/* Consent by purpose: what a person allowed or refused, when, and the proof of it.
 *
 * A record is one statement and is never changed; the state of a person is the fold of the records
 * in the order of their times. Of two statements at the same moment refusal counts. What holds
 * where a person said nothing is a rule of the workspace, a purpose each (opt-in: no; opt-out:
 * yes).
 *
 * "not-personalised" is the switch of PIPL art. 24: while it is on, nothing may be chosen by the
 * person's traits, whatever was consented to.
 */
#ifndef KAIROS_GOVERN_CONSENT_H
#define KAIROS_GOVERN_CONSENT_H

#include <stdint.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/text.h"

enum consent_purpose {
    CONSENT_ANALYTICS,
    CONSENT_PERSONALISATION,
    CONSENT_EMAIL,
    CONSENT_SMS,
    CONSENT_ADS,
    CONSENT_SHARING,
    CONSENT_PURPOSES, /* above: purposes; below: the switch */
    CONSENT_NOT_PERSONALISED = CONSENT_PURPOSES,
    CONSENT_KINDS
};

enum consent_answer { CONSENT_UNKNOWN, CONSENT_GRANTED, CONSENT_WITHDRAWN };

struct consent_record {
    enum consent_purpose purpose;
    enum consent_answer answer; /* of the switch: granted = on */
    int64_t time_us;
    const char *proof;  /* what shows it: the sentence agreed to, a form, a call; may be "" */
    const char *source; /* who wrote it down: "cli", "sdk", an API key's name */
};

struct consent {
    enum consent_answer answers[CONSENT_KINDS];
    int64_t times_us[CONSENT_KINDS];
};

/* What holds without an answer. */
struct consent_rules {
    int is_opt_out[CONSENT_PURPOSES];
};

/* What may be done for a person in a channel. */
enum consent_verdict { CONSENT_DENY, CONSENT_GENERIC, CONSENT_PERSONAL };

/* "analytics", "personalisation", "marketing-email", "marketing-sms", "marketing-ads", "sharing",
 * "not-personalised" */
const char *consent_purpose_text(enum consent_purpose purpose);
/* Fails: KAI_INVALID naming the purposes there are, and the nearest. */
KAI_MUST_CHECK kai_status consent_purpose_parse(const char *text, enum consent_purpose *ret_purpose,
                                                kai_err *err);
/* "unknown", "granted", "withdrawn" */
const char *consent_answer_text(enum consent_answer answer);

/* Analytics and personalisation are opt-out, the others opt-in. */
struct consent_rules consent_rules_default(void);
/* Add one statement to the state; any order gives the same. */
void consent_add(struct consent *consent, const struct consent_record *record);
int consent_allows(const struct consent_rules *rules, const struct consent *consent,
                   enum consent_purpose purpose);
/* At decision time: `channel` "email", "sms", "ads" (and "push", which counts as "sms") need their
 * marketing purpose, every other channel (a page, a till) needs none. *ret_reason, a static text,
 * says which word decided. */
enum consent_verdict consent_decide(const struct consent_rules *rules,
                                    const struct consent *consent, const char *channel,
                                    const char **ret_reason);

/* One record as one line of JSON: {"purpose":..,"answer":..,"time":..,"proof":..,"source":..} */
KAI_MUST_CHECK kai_status consent_print(const struct consent_record *record, struct buf *out,
                                        kai_err *err);
/* The same, read; texts go into the arena. `time_us` is taken where the record has none. Fails:
 * KAI_INVALID naming the key. */
KAI_MUST_CHECK kai_status consent_parse(struct slice text, int64_t time_us, struct arena *arena,
                                        struct consent_record *ret_record, kai_err *err);

#endif
