/* The texts that repeat, and their codes: 1, 2, 3 ... in the order they were seen. Private to
 * store/. Threads: one adds, any read; texts stay where they are until release. */
#ifndef KAIROS_STORE_DICTIONARY_H
#define KAIROS_STORE_DICTIONARY_H

#include <pthread.h>
#include <stdatomic.h>

#include "base/dict.h"
#include "store/sqlite.h"

enum { WORDS_CHUNK = 1 << 16, WORDS_CHUNKS = 1 << 15 };

struct words {
    struct dict dict; /* code - 1 */
    pthread_rwlock_t lock;
    struct slice *chunks[WORDS_CHUNKS]; /* owned; (WORDS_CHUNK) each: the texts again, where no
                                           growth moves them: readers take no lock */
    atomic_llong known;                 /* codes up to here stand in the chunks */
    atomic_llong written;               /* codes up to here stand in the file */
    int64_t *dropped;                   /* owned; codes whose text was taken out of the file */
    int64_t dropped_count, dropped_capacity;
};

void words_init(struct words *words);
void words_release(struct words *words);
KAI_MUST_CHECK kai_status words_load(struct words *words, struct sqlite *sqlite, kai_err *err);
/* The code of a text, 0 for the empty one; a new one is added. Of the adding thread only. */
KAI_MUST_CHECK kai_status words_code(struct words *words, struct slice text, int64_t *ret_code,
                                     kai_err *err);
/* The code, or 0. */
int64_t words_find(struct words *words, struct slice text);
struct slice words_text(struct words *words, int64_t code);
/* Put new words into the file, within a transaction; `written` is raised by words_wrote. */
KAI_MUST_CHECK kai_status words_write(struct words *words, struct sqlite *sqlite, kai_err *err);
void words_wrote(struct words *words);
/* Take the text of a code out of the file, within a transaction. */
KAI_MUST_CHECK kai_status words_drop(struct words *words, struct sqlite *sqlite, int64_t code,
                                     kai_err *err);

#endif
