/* Who is in a segment: a compressed set of customers' numbers (CRoaring).
 *
 * A customer's number is her place in some list that both sides know. Sets of one list can be
 * joined and compared; millions of members cost bits, not words.
 */
#ifndef KAIROS_PREPARE_SEGMENT_BITMAP_H
#define KAIROS_PREPARE_SEGMENT_BITMAP_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

struct segment_bitmap;

KAI_MUST_CHECK kai_status segment_bitmap_new(struct segment_bitmap **ret_bitmap, kai_err *err);
/* Accepts NULL. */
void segment_bitmap_free(struct segment_bitmap *bitmap);
void segment_bitmap_add(struct segment_bitmap *bitmap, uint32_t member);
int segment_bitmap_has(const struct segment_bitmap *bitmap, uint32_t member);
int64_t segment_bitmap_count(const struct segment_bitmap *bitmap);
/* Members of both. */
int64_t segment_bitmap_overlap(const struct segment_bitmap *a, const struct segment_bitmap *b);
/* Add all members of b to a; keep in a only those of b; take those of b from a. */
void segment_bitmap_join(struct segment_bitmap *a, const struct segment_bitmap *b);
void segment_bitmap_meet(struct segment_bitmap *a, const struct segment_bitmap *b);
void segment_bitmap_part(struct segment_bitmap *a, const struct segment_bitmap *b);
/* Members in ascending order, at most `capacity`. Returns how many. */
int64_t segment_bitmap_list(const struct segment_bitmap *bitmap, uint32_t *ret_members,
                            int64_t capacity);
/* Append the portable Roaring format (github.com/RoaringBitmap/RoaringFormatSpec), and back.
 * Fails: KAI_CORRUPT. */
KAI_MUST_CHECK kai_status segment_bitmap_save(struct segment_bitmap *bitmap, struct buf *out,
                                              kai_err *err);
KAI_MUST_CHECK kai_status segment_bitmap_load(struct slice bytes,
                                              struct segment_bitmap **ret_bitmap, kai_err *err);

#endif
