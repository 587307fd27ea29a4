/* Find events by a key without an index in the table: records of key and seq, the newest in memory,
 * older ones in sorted files that are mapped. Private to store/.
 *
 * The writer adds records; once enough are durable they are sealed; sorted_settle, on another
 * thread, sorts them into a file and merges files of like size, four at a time, while the writer
 * goes on. Nothing here is the truth: a record may name an event that is gone, and whoever asks
 * looks at the event. What is missing is added again from the table.
 *
 * A file is named <first seq>-<last seq>; a header, then records (key, seq), big-endian, in
 * ascending order; a filter of bits (Putze, Sanders, Singler 2009: one cache line a key) follows.
 *
 * Threads: one adds and seals, one settles, any find.
 */
#ifndef KAIROS_STORE_SORTED_H
#define KAIROS_STORE_SORTED_H

#include "base/buf.h"
#include "base/err.h"

enum {
    SORTED_KEY_BYTES = 6, /* of a hash or a number */
    SORTED_RECORD_BYTES = 10,
};

struct sorted;

/* A seq to look at; *ret_stop 1 ends the search. */
typedef kai_status (*sorted_fn)(void *user, int64_t seq, int *ret_stop, kai_err *err);

/* Open the files of a folder, made where it is missing (not for readers). Files that are damaged or
 * leave a gap are forgotten, with all behind them. Gives: *ret_covered, the last seq that files
 * hold. */
KAI_MUST_CHECK kai_status sorted_open(const char *folder, int is_reader, struct sorted **ret_sorted,
                                      int64_t *ret_covered, kai_err *err);
void sorted_close(struct sorted *sorted);
/* `key`: 48 bits. Fails: KAI_NO_MEMORY, KAI_LIMIT (a seq beyond 2^32). */
KAI_MUST_CHECK kai_status sorted_add(struct sorted *sorted, uint64_t key, int64_t seq,
                                     kai_err *err);
/* Everything added so far is durable, up to `last`: hand it to sorted_settle where it is much and
 * the last portion is settled. */
void sorted_seal(struct sorted *sorted, int64_t last);
KAI_MUST_CHECK kai_status sorted_settle(struct sorted *sorted, kai_err *err);
/* The last seq that is sealed. */
int64_t sorted_covered(struct sorted *sorted);
/* Forget what was added and not sealed: the transaction was rolled back. */
void sorted_forget(struct sorted *sorted);
/* Every seq of a key, ascending within each part. */
KAI_MUST_CHECK kai_status sorted_find(struct sorted *sorted, uint64_t key, sorted_fn call,
                                      void *user, kai_err *err);
/* Walk the files: order, checksums. */
KAI_MUST_CHECK kai_status sorted_verify(struct sorted *sorted, int64_t *ret_files,
                                        int64_t *ret_bytes, kai_err *err);

#endif
