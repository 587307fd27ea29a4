/* One file of sorted records. Private to store/. */
#ifndef KAIROS_STORE_SORTED_FILE_H
#define KAIROS_STORE_SORTED_FILE_H

#include <stdint.h>

#include "base/mapped.h"
#include "store/sorted.h"

struct sorted_file {
    char *path; /* owned */
    struct mapped mapped;
    const unsigned char *records; /* (count, SORTED_RECORD_BYTES) */
    const uint64_t *filter;       /* (filter_lines, 8) */
    int64_t count, filter_lines;
    int64_t first, last; /* seqs that it covers */
};

void sorted_record_put(unsigned char *record, uint64_t key, int64_t seq);
uint64_t sorted_record_key(const unsigned char *record);
int64_t sorted_record_seq(const unsigned char *record);

/* Gives: NULL where the file is damaged or gone. */
KAI_MUST_CHECK kai_status sorted_file_open(const char *path, struct sorted_file **ret_file,
                                           kai_err *err);
/* Sort records into a new file. */
KAI_MUST_CHECK kai_status sorted_file_write(const char *folder, const unsigned char *records,
                                            int64_t count, int64_t first, int64_t last,
                                            struct sorted_file **ret_file, kai_err *err);
/* One file of several that follow on each other. */
KAI_MUST_CHECK kai_status sorted_file_merge(const char *folder, struct sorted_file *const *files,
                                            int32_t count, struct sorted_file **ret_file,
                                            kai_err *err);
KAI_MUST_CHECK kai_status sorted_file_find(const struct sorted_file *file, uint64_t key,
                                           sorted_fn call, void *user, int *stop, kai_err *err);
KAI_MUST_CHECK kai_status sorted_file_verify(const struct sorted_file *file, kai_err *err);
void sorted_file_close(struct sorted_file *file);
/* Close it, and remove it from the folder. */
void sorted_file_drop(struct sorted_file *file);

#endif
