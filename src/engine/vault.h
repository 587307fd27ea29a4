/* What the jobs about persons keep in a workspace's store: rows by key, and events by customer. The
 * one place where they touch it; doorway.h stands before everything that goes in.
 *
 * Tables: "meta", "person" (pseudonym to sealed identifier: the only one that leads back to a
 * person), "consent", "identity", "suppression", "key".
 */
#ifndef KAIROS_ENGINE_VAULT_H
#define KAIROS_ENGINE_VAULT_H

#include "base/buf.h"
#include "base/text.h"
#include "table/event.h"

struct vault;

typedef kai_status (*vault_row_fn)(void *user, struct slice key, struct slice value, kai_err *err);
typedef kai_status (*vault_event_fn)(void *user, const struct event *event, kai_err *err);

/* Has the workspace a store yet? */
int vault_exists(const char *workspace);
/* Open the store of a workspace, made where it is missing. Waits while another process has it open;
 * a process may open it once at a time. */
KAI_MUST_CHECK kai_status vault_open(const char *workspace, struct vault **ret_vault, kai_err *err);
/* Accepts NULL. What was not committed is lost. */
void vault_close(struct vault *vault);
KAI_MUST_CHECK kai_status vault_put(struct vault *vault, const char *table, struct slice key,
                                    struct slice value, kai_err *err);
/* Append the value of a key; *ret_found tells whether there is one. */
KAI_MUST_CHECK kai_status vault_get(struct vault *vault, const char *table, struct slice key,
                                    struct buf *out, int *ret_found, kai_err *err);
KAI_MUST_CHECK kai_status vault_drop(struct vault *vault, const char *table, struct slice key,
                                     int *ret_was_there, kai_err *err);
/* Every row whose key begins with `prefix`, in the order of keys. The callback must not write. */
KAI_MUST_CHECK kai_status vault_rows(struct vault *vault, const char *table, struct slice prefix,
                                     vault_row_fn call, void *user, kai_err *err);
/* Events that come with an id that is there are left out and not counted. */
KAI_MUST_CHECK kai_status vault_append(struct vault *vault, const struct event_batch *batch,
                                       int64_t *ret_added, kai_err *err);
/* The events of a pseudonym, as customer or as device, in the order they came. */
KAI_MUST_CHECK kai_status vault_history(struct vault *vault, struct slice pseudonym,
                                        vault_event_fn call, void *user, kai_err *err);
KAI_MUST_CHECK kai_status vault_events(struct vault *vault, vault_event_fn call, void *user,
                                       kai_err *err);
/* Remove the events of pseudonyms so that no byte of them stays. An event of another customer on a
 * device among them loses the device only. */
KAI_MUST_CHECK kai_status vault_erase(struct vault *vault, const struct slice *pseudonyms,
                                      int64_t count, int64_t *ret_events, kai_err *err);
/* Make durable what was written. */
KAI_MUST_CHECK kai_status vault_commit(struct vault *vault, kai_err *err);

#endif
