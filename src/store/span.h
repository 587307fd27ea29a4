/* Files that cover a span of seqs each, named <first seq>-<last seq>. Private to store/. */
#ifndef KAIROS_STORE_SPAN_H
#define KAIROS_STORE_SPAN_H

#include <stdint.h>

#include "base/buf.h"

struct span {
    int64_t first, last;
};

KAI_MUST_CHECK kai_status span_path(const char *folder, struct span span, struct buf *out,
                                    kai_err *err);
/* Open the file of a span. Gives: *ret_last, the last seq that it covers; 0 where it is damaged or
 * gone. */
typedef kai_status (*span_open_fn)(void *user, const char *path, int64_t *ret_last, kai_err *err);
/* Open the files of a folder that follow on each other from seq 1 without a gap, at most `most`; of
 * those that begin together the longest, which covers the others. A writer makes the folder where
 * it is missing and removes what is not opened. */
KAI_MUST_CHECK kai_status span_load(const char *folder, int is_reader, int32_t most,
                                    span_open_fn open, void *user, kai_err *err);

#endif
