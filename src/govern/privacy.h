/* Rewrite what points at a person in the properties of an event, by policy.
 *
 *   keep       as it came
 *   seal       "sealed:<kind>:<base64>": the key opens it again, for a mail that must be sent
 *   pseudonym  "p_...": told apart, never told who
 *   drop       ""
 *
 * Values are found by recognise.h: a whole value by its form or its field's name, and addresses and
 * numbers within longer texts (those are always replaced by pseudonyms unless kept). All
 * else is copied byte for byte, but for the blanks between values.
 */
#ifndef KAIROS_GOVERN_PRIVACY_H
#define KAIROS_GOVERN_PRIVACY_H

#include <stdint.h>

#include "base/buf.h"
#include "govern/recognise.h"
#include "govern/secret.h"

enum privacy_action { PRIVACY_KEEP, PRIVACY_SEAL, PRIVACY_PSEUDONYM, PRIVACY_DROP };

struct privacy_rules {
    enum privacy_action actions[RECOGNISE_KINDS];
};

struct privacy_report {
    int64_t found[RECOGNISE_KINDS];
};

/* Called with the pseudonym of each e-mail address, telephone and identity number found. */
typedef kai_status (*privacy_found_fn)(void *user, enum recognise_kind kind, const char *pseudonym,
                                       kai_err *err);

struct privacy {
    const struct secret_keys *keys; /* borrowed */
    struct privacy_rules rules;
    struct privacy_report report;
    /* The person's own identifiers: they become her pseudonym in fields whose names end in "id",
     * and anywhere where they have 8 bytes or more. */
    const struct slice *own; /* borrowed */
    int own_count;
    privacy_found_fn found; /* may be NULL */
    void *user;
};

/* E-mail addresses, telephone and identity numbers, names and postal addresses sealed; IP and
 * device addresses pseudonyms. */
struct privacy_rules privacy_rules_default(void);
/* "keep", "seal", "pseudonym", "drop". Fails: KAI_INVALID. */
KAI_MUST_CHECK kai_status privacy_action_parse(const char *text, enum privacy_action *ret_action,
                                               kai_err *err);
const char *privacy_action_text(enum privacy_action action);
/* Append the JSON document `text`, rewritten. of_person: the document's top level describes a
 * person. Fails: KAI_INVALID (not JSON, or deeper than CAPS_JSON_DEPTH). */
KAI_MUST_CHECK kai_status privacy_rewrite(struct privacy *privacy, struct slice text, int of_person,
                                          struct buf *out, kai_err *err);
/* Append a plain text with the addresses and numbers in it replaced by pseudonyms. */
KAI_MUST_CHECK kai_status privacy_mask(struct privacy *privacy, struct slice text, struct buf *out,
                                       kai_err *err);
/* Append a rewritten document with its seals opened: for the export of a person's own data. A text
 * that only looks like a seal stays. */
KAI_MUST_CHECK kai_status privacy_reveal(const struct secret_keys *keys, struct slice text,
                                         struct buf *out, kai_err *err);
/* The pseudonym of a person's identifier: of one spelling of it. */
void privacy_person(const struct secret_keys *keys, struct slice identifier,
                    char ret_pseudonym[SECRET_PSEUDONYM_BYTES]);

#endif
