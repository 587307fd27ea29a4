/* One file of copies. Private to store/copies*.c. */
#ifndef KAIROS_STORE_COPIES_FILE_H
#define KAIROS_STORE_COPIES_FILE_H

#include <stdatomic.h>

#include "base/buf.h"
#include "base/mapped.h"
#include "store/copies.h"

enum { COPIES_FILES_MAX = 64, COPIES_FAN = 8 };

struct copies_file {
    char *path; /* owned */
    struct mapped mapped;
    const uint32_t *codes;  /* (persons), ascending */
    const uint64_t *starts; /* (persons + 1); in `entries` */
    const unsigned char *entries;
    uint64_t entry_bytes;
    int64_t persons;
    int64_t first, last; /* seqs that it covers */
    atomic_int holders;
    int is_doomed; /* unlinked by whoever lets it go last */
};

/* NULL where the file is damaged or gone. */
KAI_MUST_CHECK kai_status copies_file_open(const char *path, struct copies_file **ret_file,
                                           kai_err *err);
/* It is held once when it is opened. */
void copies_file_hold(struct copies_file *file);
void copies_file_let_go(struct copies_file *file);
/* The entries of a person: [*ret_begin, *ret_end) of file->entries; empty where there is none. */
void copies_file_range(const struct copies_file *file, int64_t code, uint64_t *ret_begin,
                       uint64_t *ret_end);
KAI_MUST_CHECK kai_status copies_file_scrub(struct copies_file *file, int64_t code, kai_err *err);
KAI_MUST_CHECK kai_status copies_file_verify(const struct copies_file *file, kai_err *err);

/* A portion of the table, in memory. */
struct copies_portion {
    struct buf bytes; /* entries, by seq */
    struct copies_place {
        uint32_t code;
        uint32_t size;
        uint64_t offset;
    } * places; /* owned */
    int64_t count, capacity;
};
KAI_MUST_CHECK kai_status copies_portion_add(struct copies_portion *portion,
                                             const struct coded *coded, kai_err *err);
void copies_portion_release(struct copies_portion *portion);
KAI_MUST_CHECK kai_status copies_file_write(const char *folder, struct copies_portion *portion,
                                            int64_t first, int64_t last,
                                            struct copies_file **ret_file, kai_err *err);
/* One of several that follow on each other; what was scrubbed stays behind. */
KAI_MUST_CHECK kai_status copies_file_merge(const char *folder, struct copies_file *const *files,
                                            int32_t count, const atomic_int *is_ending,
                                            struct copies_file **ret_file, kai_err *err);

#endif
