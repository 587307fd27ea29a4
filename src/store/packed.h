/* A stored event as bytes, for the copies that lie together by person. Private to store/.
 * hash (4), size (4), then the fields: whole numbers as LEB128, the rest as they are. */
#ifndef KAIROS_STORE_PACKED_H
#define KAIROS_STORE_PACKED_H

#include "base/buf.h"
#include "store/sqlite.h"

enum { PACKED_HEAD_BYTES = 8 };

KAI_MUST_CHECK kai_status packed_put(struct buf *out, const struct coded *coded, kai_err *err);
/* The entries of bytes[*at .. end), one after the other: its size, head too, and *ret_entry; *at
 * goes behind it. 0 at the end, and where nothing tells any more where the next begins: then *at
 * stays before the end. */
size_t packed_next(const unsigned char *bytes, uint64_t *at, uint64_t end,
                   const unsigned char **ret_entry);
enum packed_state { PACKED_WHOLE, PACKED_SCRUBBED, PACKED_DAMAGED };
/* The texts point into `bytes`. */
enum packed_state packed_get(const unsigned char *bytes, size_t size, struct coded *ret_coded);

#endif
