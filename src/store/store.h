/* Keep batches and rows; once `commit` has returned they survive a crash.
 *
 * What goes in: events (table/event.h) and small rows (table, key, value). What comes out: the
 * same, each event once: one that comes with an id that is there is left out. Promised: what was
 * waited for is durable, whole transactions only; readers see a snapshot and wait for nobody, in
 * this process and in others. What columns mean is not this room's business.
 *
 * One SQLite file, `store.db`, in the workspace; one thread writes it and commits in groups: what
 * came in while one commit was under way is the next. Beside it, `store.ids` and `store.people`
 * hold sorted files that find events by id and by person; they are built behind the writer and can
 * be built again from the file (docs/formats/store.md).
 *
 * Threads: any, for every verb but open and close. Callbacks may not write.
 */
#ifndef KAIROS_STORE_STORE_H
#define KAIROS_STORE_STORE_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/progress.h"
#include "base/text.h"
#include "table/event.h"

struct store;

enum store_mode {
    STORE_READ,  /* beside a writer, in this process or another; what is missing is empty */
    STORE_WRITE, /* made where it is missing; waits its turn while another process writes */
    STORE_CLAIM, /* to keep and lend (store_is_wanted); refused while another process writes */
};

typedef kai_status (*store_row_fn)(void *user, struct slice key, struct slice value, kai_err *err);
typedef kai_status (*store_event_fn)(void *user, const struct event *event, kai_err *err);

/* Has the workspace a store yet? */
int store_exists(const char *workspace);
/* Fails: KAI_STATE (another process writes, for STORE_CLAIM), KAI_UNSUPPORTED (of a newer version),
 * KAI_CORRUPT, KAI_IO. */
KAI_MUST_CHECK kai_status store_open(const char *workspace, enum store_mode mode,
                                     struct store **ret_store, kai_err *err);
/* Accepts NULL. What was not committed may be lost. */
void store_close(struct store *store);
/* Of a claimed store: does another process wait for its turn? Whoever closes then, and claims anew
 * until that is no longer refused, has it back when the other is done. */
int store_is_wanted(struct store *store);

/* Put and drop are seen at once by get and rows, and durable after commit. */
KAI_MUST_CHECK kai_status store_put(struct store *store, const char *table, struct slice key,
                                    struct slice value, kai_err *err);
/* Append the value of a key; *ret_found tells whether there is one. */
KAI_MUST_CHECK kai_status store_get(struct store *store, const char *table, struct slice key,
                                    struct buf *out, int *ret_found, kai_err *err);
KAI_MUST_CHECK kai_status store_drop(struct store *store, const char *table, struct slice key,
                                     int *ret_was_there, kai_err *err);
/* Every row whose key begins with `prefix`, in the order of keys. */
KAI_MUST_CHECK kai_status store_rows(struct store *store, const char *table, struct slice prefix,
                                     store_row_fn call, void *user, kai_err *err);

/* Room in the queue for so many events more? */
int store_has_room(struct store *store, int64_t events);
/* Queue a batch; the bytes are copied. Gives: *ret_ticket for store_wait. Fails: KAI_LIMIT (the
 * queue is full: wait, or come back), KAI_IO (the last transaction failed; it is tried anew with
 * the next). */
KAI_MUST_CHECK kai_status store_append(struct store *store, const struct event_batch *batch,
                                       int64_t *ret_ticket, kai_err *err);
/* Wait until what was queued under the tickets from .. to is durable. Fails: KAI_IO, KAI_CORRUPT
 * ... of the first transaction of theirs that failed: nothing of that is kept. */
KAI_MUST_CHECK kai_status store_wait(struct store *store, int64_t from, int64_t to, kai_err *err);
/* Wait for all that was queued by anybody. */
KAI_MUST_CHECK kai_status store_commit(struct store *store, kai_err *err);
/* The ticket that was given last, for puts and drops too. */
int64_t store_ticket(struct store *store);

/* Durable events. */
int64_t store_event_count(struct store *store);
/* The durable events of a person, as customer or as device, in the order they came: waits for no
 * commit. */
KAI_MUST_CHECK kai_status store_history(struct store *store, struct slice person,
                                        store_event_fn call, void *user, kai_err *err);
/* Does the text stand in a durable event, or did it ever? From memory: asks no file. */
int store_has_seen(struct store *store, struct slice text);
/* All events, those that are queued too, in the order they came. */
KAI_MUST_CHECK kai_status store_events(struct store *store, store_event_fn call, void *user,
                                       kai_err *err);
/* Whose events are those of this customer or device? Lives as long as the store. */
typedef struct slice (*store_person_fn)(void *user, struct slice name);

struct store_snapshot_request {
    const char *const *types; /* (type_count); none = events of all types */
    int64_t type_count;
    uint32_t flags_excluded; /* events that bear one of these are left out */
    int needs_item;          /* so are events without an item */
    store_person_fn person;  /* NULL = everybody's own */
    void *user;
    int64_t memory_bytes; /* of events that are sorted at a time; 0 = 512 MiB */
    const struct progress *progress;
};
struct store_snapshot_report {
    int64_t events, customers, left_out;
    int64_t runs; /* portions that were sorted apart */
};
/* A training snapshot (table/snapshot.h) of the durable events, while others write. The same events
 * in the same order of arrival give the same bytes, whatever the memory. Sorted portions lie beside
 * `path` without a name while it runs. Fails: KAI_NOT_FOUND (no event is left), KAI_IO,
 * KAI_NO_MEMORY, KAI_LIMIT, KAI_CANCELLED. */
KAI_MUST_CHECK kai_status store_snapshot(struct store *store, const char *path,
                                         const struct store_snapshot_request *request,
                                         struct store_snapshot_report *ret_report, kai_err *err);
/* Remove the events of persons so that no byte of them stays in any file. An event of another
 * customer on a device among them loses the device only. Durable when it returns. */
KAI_MUST_CHECK kai_status store_erase(struct store *store, const struct slice *persons,
                                      int64_t count, int64_t *ret_events, kai_err *err);

struct store_report {
    int64_t events, rows, words;
    int64_t side_files, side_bytes;
};
/* Walk everything: pages, codes, order, side files. Fails: KAI_CORRUPT naming the first fault. */
KAI_MUST_CHECK kai_status store_verify(struct store *store, struct store_report *ret_report,
                                       kai_err *err);
/* A copy as of now, while others write: one file that opens as a store. Fails: KAI_EXISTS. */
KAI_MUST_CHECK kai_status store_backup(struct store *store, const char *path, kai_err *err);

#endif
