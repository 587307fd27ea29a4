/* The only file that knows CRoaring. */
#include "prepare/segment_bitmap.h"

#include <roaring/roaring.h>

#include "base/alloc.h"

struct segment_bitmap {
    roaring_bitmap_t *members; /* owned by the library */
};

static kai_status wrap(roaring_bitmap_t *take_members, struct segment_bitmap **ret_bitmap,
                       kai_err *err) {
    struct segment_bitmap *bitmap = take_members ? mem_zero(1, sizeof *bitmap) : NULL;
    if (!bitmap) {
        if (take_members) roaring_bitmap_free(take_members);
        return err_memory(err, sizeof *bitmap);
    }
    bitmap->members = take_members;
    *ret_bitmap = bitmap;
    return KAI_OK;
}

kai_status segment_bitmap_new(struct segment_bitmap **ret_bitmap, kai_err *err) {
    return wrap(roaring_bitmap_create(), ret_bitmap, err);
}

void segment_bitmap_free(struct segment_bitmap *bitmap) {
    if (!bitmap) return;
    roaring_bitmap_free(bitmap->members);
    mem_free(bitmap);
}

void segment_bitmap_add(struct segment_bitmap *bitmap, uint32_t member) {
    roaring_bitmap_add(bitmap->members, member);
}

int segment_bitmap_has(const struct segment_bitmap *bitmap, uint32_t member) {
    return roaring_bitmap_contains(bitmap->members, member);
}

int64_t segment_bitmap_count(const struct segment_bitmap *bitmap) {
    return (int64_t)roaring_bitmap_get_cardinality(bitmap->members);
}

int64_t segment_bitmap_overlap(const struct segment_bitmap *a, const struct segment_bitmap *b) {
    return (int64_t)roaring_bitmap_and_cardinality(a->members, b->members);
}

void segment_bitmap_join(struct segment_bitmap *a, const struct segment_bitmap *b) {
    roaring_bitmap_or_inplace(a->members, b->members);
}

void segment_bitmap_meet(struct segment_bitmap *a, const struct segment_bitmap *b) {
    roaring_bitmap_and_inplace(a->members, b->members);
}

void segment_bitmap_part(struct segment_bitmap *a, const struct segment_bitmap *b) {
    roaring_bitmap_andnot_inplace(a->members, b->members);
}

/* Where a listing stands. */
struct listing {
    uint32_t *members;
    int64_t count, capacity;
};

static bool list_one(uint32_t member, void *user) {
    struct listing *listing = user;
    if (listing->count == listing->capacity) return false;
    listing->members[listing->count++] = member;
    return true;
}

int64_t segment_bitmap_list(const struct segment_bitmap *bitmap, uint32_t *ret_members,
                            int64_t capacity) {
    struct listing listing = {ret_members, 0, capacity};
    (void)roaring_iterate(bitmap->members, list_one, &listing); /* stops where there is no room */
    return listing.count;
}

kai_status segment_bitmap_save(struct segment_bitmap *bitmap, struct buf *out, kai_err *err) {
    (void)roaring_bitmap_run_optimize(bitmap->members); /* whether anything shrank */
    size_t size = roaring_bitmap_portable_size_in_bytes(bitmap->members);
    kai_status st = buf_reserve(out, size + 1, err);
    if (st) return st;
    out->size += roaring_bitmap_portable_serialize(bitmap->members, out->data + out->size);
    out->data[out->size] = '\0';
    return KAI_OK;
}

kai_status segment_bitmap_load(struct slice bytes, struct segment_bitmap **ret_bitmap,
                               kai_err *err) {
    size_t size = roaring_bitmap_portable_deserialize_size(bytes.data, bytes.size);
    if (size == 0 || size != bytes.size)
        return err_set(err, KAI_CORRUPT, "the members of a segment are damaged");
    roaring_bitmap_t *members = roaring_bitmap_portable_deserialize_safe(bytes.data, bytes.size);
    if (!members) return err_set(err, KAI_CORRUPT, "the members of a segment are damaged");
    return wrap(members, ret_bitmap, err);
}
