/* Erasure: what was forgotten, proven by a signature, and kept forgotten.
 *
 * A certificate is one line of JSON, {"certificate":{...},"public_key":..,"signature":..}, signed
 * with Ed25519 over the bytes of its first member; it names the person by pseudonym only.
 */
#ifndef KAIROS_GOVERN_ERASURE_H
#define KAIROS_GOVERN_ERASURE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/dict.h"
#include "base/err.h"
#include "govern/secret.h"

struct erasure_count {
    const char *what; /* "events", "identities", "consents", "receipts" ... */
    int64_t count;
};

struct erasure {
    const char *const *subjects; /* pseudonyms of the person */
    int64_t subject_count;
    int64_t time_us;
    const struct erasure_count *erased;
    int64_t erased_count;
    const char *const *models; /* what still holds the person: trained before, not yet again */
    int64_t model_count;
    const char *const *rewritten; /* run folders that were rewritten */
    int64_t rewritten_count;
    const char *audit_head; /* mac of the audit line about it */
};

KAI_MUST_CHECK kai_status erasure_certify(const struct secret_keys *keys,
                                          const struct erasure *erasure, struct buf *out,
                                          kai_err *err);
/* Is this a certificate, unchanged? `public_key` (may be NULL): whose it must be. Fails:
 * KAI_CORRUPT "<name>: ...". */
KAI_MUST_CHECK kai_status erasure_verify(const char *name, struct slice text,
                                         const char *public_key, kai_err *err);

/* Pseudonyms that must not come back. */
struct suppression {
    struct dict pseudonyms;
};
void suppression_init(struct suppression *suppression);
void suppression_release(struct suppression *suppression);
KAI_MUST_CHECK kai_status suppression_add(struct suppression *suppression, struct slice pseudonym,
                                          kai_err *err);
int suppression_has(const struct suppression *suppression, struct slice pseudonym);

#endif
