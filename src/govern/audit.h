/* The audit record: what was done to whom, by whom and when, in a file that only grows.
 *
 * Each line is a JSON object that holds the mac of the line before it and ends with its own
 * (keyed BLAKE2b): a line that is changed, removed, added or moved breaks the chain. A second file,
 * `<path>.head`, holds number and mac of the newest line, so that lines cut from the end are missed
 * too. Subjects are pseudonyms. What one key holder could do, undo both files to an older state, is
 * found by comparing with a head that was written down elsewhere (docs/formats/audit.md).
 */
#ifndef KAIROS_GOVERN_AUDIT_H
#define KAIROS_GOVERN_AUDIT_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "govern/secret.h"

struct audit_entry {
    int64_t time_us;
    const char *actor;   /* "cli", or an API key's name */
    const char *action;  /* "forget", "consent set", "key new" ... */
    const char *subject; /* a pseudonym, a key's id; "" = none */
    const char *detail;  /* a JSON document; NULL = none */
};

struct audit_state {
    int64_t count;                /* lines */
    char head[SECRET_HASH_BYTES]; /* mac of the newest; of an empty record: zeros */
};

/* Add one line and make it durable. Several processes may do so. A line that was cut by a crash,
 * and so never answered for, is removed first. Fails: KAI_CORRUPT (the record's end is not what the
 * head says), KAI_IO. */
KAI_MUST_CHECK kai_status audit_append(const struct secret_keys *keys, const char *path,
                                       const struct audit_entry *entry,
                                       struct audit_state *ret_state, kai_err *err);
/* Walk the whole record; a record that never was is empty. `head` (may be NULL): a mac that must
 * stand in it. Fails: KAI_CORRUPT "<path>, line 7: ..." naming the first line that is wrong. */
KAI_MUST_CHECK kai_status audit_verify(const struct secret_keys *keys, const char *path,
                                       const char *head, struct audit_state *ret_state,
                                       kai_err *err);
/* The same for the bytes of a record and its head. Exposed for tests and fuzzing. */
KAI_MUST_CHECK kai_status audit_check(const struct secret_keys *keys, const char *name,
                                      struct slice record, struct slice head_file, const char *head,
                                      struct audit_state *ret_state, kai_err *err);

#endif
