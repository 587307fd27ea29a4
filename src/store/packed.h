/* A stored event as bytes, for the copies that lie together by person. Private to store/.
 * hash (4), size (4), then the fields: whole numbers as LEB128, the rest as they are. */
#ifndef KAIROS_STORE_PACKED_H
#define KAIROS_STORE_PACKED_H

#include "base/buf.h"
#include "store/sqlite.h"

enum { PACKED_HEAD_BYTES = 8 };

KAI_MUST_CHECK kai_status packed_put(struct buf *out, const struct coded *coded, kai_err *err);
/* Bytes of the entry at `bytes`, its head too; 0 where `left` holds none. */
size_t packed_bytes(const unsigned char *bytes, size_t left);
enum packed_state { PACKED_WHOLE, PACKED_SCRUBBED, PACKED_DAMAGED };
/* The texts point into `bytes`. */
enum packed_state packed_get(const unsigned char *bytes, size_t size, struct coded *ret_coded);

#endif
