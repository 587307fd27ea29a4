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
/* The spans of a folder by first seq, of those that begin together the longest first: it covers the
 * others. The folder is made where it is missing, not for a reader. */
KAI_MUST_CHECK kai_status span_list(const char *folder, int is_reader, struct span *ret_spans,
                                    int32_t capacity, int32_t *ret_count, kai_err *err);

#endif
