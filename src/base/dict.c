#include "base/dict.h"

#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"

enum { DICT_COUNT_MAX = 1 << 30, DICT_SLOTS_MIN = 16 };

void dict_init(struct dict *dict) { *dict = (struct dict){0}; }

static uint64_t hash_slice(struct slice text) { return hash_bytes(text.data, text.size, 0); }

/* The slot that holds the text, or the free slot where it belongs. */
static int32_t find_slot(const struct dict *dict, struct slice text, uint64_t hash) {
    KAI_ASSERT(dict->slots && dict->slot_count > dict->count);
    int32_t mask = dict->slot_count - 1;
    for (int32_t slot = (int32_t)(hash & (uint64_t)mask);; slot = (slot + 1) & mask) {
        int32_t code = dict->slots[slot] - 1;
        if (code < 0) return slot;
        KAI_ASSERT(code < dict->count && dict->hashes);
        if (dict->hashes[code] == hash && slice_equal(dict->entries[code], text)) return slot;
    }
}

static kai_status grow_slots(struct dict *dict, kai_err *err) {
    int32_t slot_count = dict->slot_count ? dict->slot_count * 2 : DICT_SLOTS_MIN;
    int32_t *slots = mem_zero((size_t)slot_count, sizeof *slots);
    if (!slots) return err_memory(err, slot_count * (int64_t)sizeof *slots);
    mem_free(dict->slots);
    dict->slots = slots;
    dict->slot_count = slot_count;
    for (int32_t code = 0; code < dict->count; code++)
        slots[find_slot(dict, dict->entries[code], dict->hashes[code])] = code + 1;
    return KAI_OK;
}

static kai_status grow_entries(struct dict *dict, kai_err *err) {
    int32_t capacity = dict->capacity ? dict->capacity * 2 : DICT_SLOTS_MIN / 2;
    struct slice *entries = mem_resize(dict->entries, (size_t)capacity, sizeof *entries);
    if (!entries) return err_memory(err, capacity * (int64_t)sizeof *entries);
    dict->entries = entries;
    uint64_t *hashes = mem_resize(dict->hashes, (size_t)capacity, sizeof *hashes);
    if (!hashes) return err_memory(err, capacity * (int64_t)sizeof *hashes);
    dict->hashes = hashes;
    dict->capacity = capacity;
    return KAI_OK;
}

kai_status dict_add(struct dict *dict, struct slice text, int32_t *ret_code, kai_err *err) {
    kai_status st = KAI_OK;
    if (dict->slot_count < 2 * (dict->count + 1)) st = grow_slots(dict, err);
    if (st) return st;
    uint64_t hash = hash_slice(text);
    int32_t slot = find_slot(dict, text, hash);
    if (dict->slots[slot]) {
        *ret_code = dict->slots[slot] - 1;
        return KAI_OK;
    }
    if (dict->count == DICT_COUNT_MAX)
        return err_set(err, KAI_LIMIT, "more than %d different texts", DICT_COUNT_MAX);
    if (dict->count == dict->capacity) st = grow_entries(dict, err);
    if (st) return st;
    char *copy = arena_string_n(&dict->texts, text.data, text.size);
    if (!copy) return err_memory(err, (int64_t)text.size);
    dict->entries[dict->count] = (struct slice){copy, text.size};
    dict->hashes[dict->count] = hash;
    dict->slots[slot] = ++dict->count;
    *ret_code = dict->count - 1;
    return KAI_OK;
}

int32_t dict_find(const struct dict *dict, struct slice text) {
    if (dict->count == 0) return -1;
    return dict->slots[find_slot(dict, text, hash_slice(text))] - 1;
}

const char *dict_text(const struct dict *dict, int32_t code) {
    KAI_ASSERT(code >= 0 && code < dict->count);
    return dict->entries[code].data;
}

kai_status dict_copy(const struct dict *dict, struct dict *ret_dict, kai_err *err) {
    struct dict copy;
    dict_init(&copy);
    for (int32_t code = 0; code < dict->count; code++) {
        int32_t same;
        kai_status st = dict_add(&copy, dict->entries[code], &same, err);
        if (st) {
            dict_release(&copy);
            return st;
        }
    }
    *ret_dict = copy;
    return KAI_OK;
}

void dict_release(struct dict *dict) {
    arena_release(&dict->texts);
    mem_free(dict->entries);
    mem_free(dict->hashes);
    mem_free(dict->slots);
    dict_init(dict);
}
