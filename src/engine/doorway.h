/* The doorway between collect and store, and what a workspace knows of persons: everything that
 * carries events in goes through doorway_pass, and every job that names a person asks here.
 *
 *     struct doorway *door = NULL;
 *     st = doorway_open(workspace, STORE_WRITE, &door, err);
 *     while (...) {                                       batches as collect made them
 *         st = doorway_pass(door, &batch, err);           filtered and stored
 *     }
 *     st = doorway_commit(door, err);
 *     doorway_describe(door, &json);                      counted, with reasons
 *     doorway_close(door);
 *
 * Customers and devices are pseudonyms behind it (docs/methods/privacy.md). doorway_filter does all
 * but append the events, for callers that have a writer of their own.
 *
 * Threads: one at a time.
 */
#ifndef KAIROS_ENGINE_DOORWAY_H
#define KAIROS_ENGINE_DOORWAY_H

#include "base/json.h"
#include "engine/settings.h"
#include "govern/audit.h"
#include "govern/govern.h"
#include "store/store.h"

struct doorway;

/* Open a workspace: its settings, key, consents, suppressions and identities. The first time a key
 * file is made. Fails: KAI_NOT_FOUND (no workspace; the key file of a store that has one),
 * KAI_DENIED (another key than the store was written with), KAI_CORRUPT. */
KAI_MUST_CHECK kai_status doorway_open(const char *workspace, enum store_mode mode,
                                       struct doorway **ret_door, kai_err *err);
void doorway_close(struct doorway *door);
/* Filter a batch and keep persons, identities and consents that it brings. Gives: the events that
 * may be stored, until the next call. */
KAI_MUST_CHECK kai_status doorway_filter(struct doorway *door, const struct event_batch *batch,
                                         const struct event_batch **ret_events, kai_err *err);
/* The same, and append the events; waits where the store is behind. */
KAI_MUST_CHECK kai_status doorway_pass(struct doorway *door, const struct event_batch *batch,
                                       kai_err *err);
KAI_MUST_CHECK kai_status doorway_commit(struct doorway *door, kai_err *err);
/* Read consents, suppressions and identities again from the store, after a commit failed. */
KAI_MUST_CHECK kai_status doorway_reload(struct doorway *door, kai_err *err);
/* "privacy":
 * {"events":..,"kept":..,"suppressed":..,"without_consent":..,"consents":..,"damaged":..,
 * "found":{"email":..}} as a member. */
void doorway_describe(const struct doorway *door, struct json_writer *json);
const struct filter_report *doorway_report(const struct doorway *door);

struct store *doorway_store(struct doorway *door);
const struct settings *doorway_settings(const struct doorway *door);
const struct secret_keys *doorway_keys(const struct doorway *door);
struct identity *doorway_identity(struct doorway *door);

/* The pseudonym of USER as people write it: an identifier, or a pseudonym itself. */
void doorway_pseudonym(const struct doorway *door, const char *user,
                       char ret_pseudonym[SECRET_PSEUDONYM_BYTES]);
/* An id that was made of what an event says would tell it to whoever can guess: not without the
 * key. Gives: "e_..." */
void doorway_hide_id(const struct doorway *door, struct slice id,
                     char ret_id[SECRET_PSEUDONYM_BYTES]);
/* All pseudonyms of the same person, the canonical one first. Borrowed until the next call. */
KAI_MUST_CHECK kai_status doorway_members(struct doorway *door, struct slice pseudonym,
                                          const struct slice **ret_members, int64_t *ret_count,
                                          kai_err *err);
/* Append the identifier behind a pseudonym, or the pseudonym where none is known. */
KAI_MUST_CHECK kai_status doorway_reveal(struct doorway *door, struct slice pseudonym,
                                         struct buf *out, kai_err *err);
/* Is anything known of this pseudonym: an identifier, events, a consent? */
KAI_MUST_CHECK kai_status doorway_knows(struct doorway *door, struct slice pseudonym,
                                        int *ret_knows, kai_err *err);
/* What the person said, under all her pseudonyms. */
KAI_MUST_CHECK kai_status doorway_consent(struct doorway *door, struct slice pseudonym,
                                          struct consent *ret_consent, kai_err *err);
/* Keep one more statement. */
KAI_MUST_CHECK kai_status doorway_state(struct doorway *door, struct slice pseudonym,
                                        const struct consent_record *record, kai_err *err);
int doorway_is_suppressed(const struct doorway *door, struct slice pseudonym);
KAI_MUST_CHECK kai_status doorway_suppress(struct doorway *door, struct slice pseudonym,
                                           kai_err *err);
/* Keep an edge that was made or undone. */
KAI_MUST_CHECK kai_status doorway_keep_edge(struct doorway *door, const struct identity_edge *edge,
                                            kai_err *err);
/* Write one line into the audit record; `subject` "" = nobody, `detail` JSON or NULL. */
KAI_MUST_CHECK kai_status doorway_record(struct doorway *door, const char *action,
                                         const char *subject, const char *detail,
                                         struct audit_state *ret_state, kai_err *err);
/* "<workspace>/<name>", appended. */
KAI_MUST_CHECK kai_status doorway_path(const struct doorway *door, const char *name,
                                       struct buf *out, kai_err *err);

#endif
