/* Copies of events that lie together by person, so that a history is read from few places instead
 * of one for each event. Private to store/.
 *
 * Files named <first seq>-<last seq>, made behind the writer from portions of the table and merged,
 * eight of like size at a time; together they cover 1 .. copies_covered without a gap. An event is
 * copied once: under its customer, else its device. Nothing here is the truth: what lacks, is
 * damaged or was scrubbed is read from the table. Bytes: docs/formats/store.md.
 *
 * Threads: one settles or scrubs at a time (copies_hold), any find.
 */
#ifndef KAIROS_STORE_COPIES_H
#define KAIROS_STORE_COPIES_H

#include <stdatomic.h>

#include "store/sqlite.h"

struct copies;

/* A reader makes no folder and removes nothing. */
KAI_MUST_CHECK kai_status copies_open(const char *folder, int is_reader, struct copies **ret_copies,
                                      kai_err *err);
void copies_close(struct copies *copies);
int64_t copies_covered(struct copies *copies);
/* Around settle, and around scrub with the transaction that it belongs to. */
void copies_hold(struct copies *copies);
void copies_let_go(struct copies *copies);
/* Copy one more portion of the table, of so many seqs, where there is one up to `last`; merge.
 * *ret_is_more: call again. Fails: KAI_CANCELLED (nothing is left of what was begun). */
struct copies_settling {
    struct sqlite *sqlite;
    int64_t last, portion;
    const atomic_int *is_ending; /* a merge stops where it is set */
};
KAI_MUST_CHECK kai_status copies_settle(struct copies *copies,
                                        const struct copies_settling *settling, int *ret_is_more,
                                        kai_err *err);

/* One person's copies, ascending by seq; the bytes they point at live until copies_drop. */
struct copies_found {
    struct coded *list; /* owned */
    int64_t count, capacity;
    struct copies_file *files[64]; /* held */
    int32_t file_count;
};
KAI_MUST_CHECK kai_status copies_find(struct copies *copies, int64_t code,
                                      struct copies_found *ret_found, kai_err *err);
void copies_drop(struct copies_found *found);

/* Zero the copies of a person, durably. Fails: KAI_IO. */
KAI_MUST_CHECK kai_status copies_scrub(struct copies *copies, int64_t code, kai_err *err);
/* Walk every copy. Fails: KAI_CORRUPT naming the file. */
KAI_MUST_CHECK kai_status copies_verify(struct copies *copies, int64_t *ret_files,
                                        int64_t *ret_bytes, kai_err *err);

#endif
