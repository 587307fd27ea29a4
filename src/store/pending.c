#include "store/pending.h"

#include <string.h>

#include "base/alloc.h"

enum { PLACE_BYTES = 512 };

void pending_init(struct pending *pending) {
    *pending = (struct pending){0};
    dict_init(&pending->places);
}

void pending_release(struct pending *pending) {
    for (int32_t i = 0; i < pending->places.count; i++) mem_free(pending->values[i].bytes);
    mem_free(pending->values);
    dict_release(&pending->places);
    pending_init(pending);
}

/* "table\0key"; longer ones in memory that the caller frees. */
static struct slice place_of(const char *table, struct slice key, char *room, char **ret_owned) {
    size_t head = strlen(table) + 1, size = head + key.size;
    char *text = size <= PLACE_BYTES ? room : mem_alloc(size);
    *ret_owned = text == room ? NULL : text;
    if (!text) return (struct slice){NULL, 0};
    memcpy(text, table, head);
    if (key.size) memcpy(text + head, key.data, key.size);
    return (struct slice){text, size};
}

static kai_status make_room(struct pending *pending, kai_err *err) {
    if (pending->places.count < pending->capacity) return KAI_OK;
    int64_t capacity = pending->capacity ? 2 * pending->capacity : 64;
    struct pending_value *grown = mem_resize(pending->values, (size_t)capacity, sizeof *grown);
    if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
    pending->values = grown;
    pending->capacity = capacity;
    return KAI_OK;
}

kai_status pending_set(struct pending *pending, const char *table, struct slice key,
                       const struct slice *value, kai_err *err) {
    char room[PLACE_BYTES], *owned = NULL;
    int32_t known = pending->places.count, code = 0;
    struct slice place = place_of(table, key, room, &owned);
    char *bytes = value ? mem_string_n(value->data, value->size) : NULL;
    kai_status st = place.data && (bytes || !value) ? make_room(pending, err)
                                                    : err_memory(err, (int64_t)key.size);
    if (!st) st = dict_add(&pending->places, place, &code, err);
    mem_free(owned);
    if (st) {
        mem_free(bytes);
        return st;
    }
    if (code < known) mem_free(pending->values[code].bytes);
    pending->values[code] = (struct pending_value){bytes, value ? value->size : 0};
    return KAI_OK;
}

const struct pending_value *pending_get(const struct pending *pending, const char *table,
                                        struct slice key) {
    char room[PLACE_BYTES], *owned = NULL;
    if (!pending->places.count) return NULL;
    struct slice place = place_of(table, key, room, &owned);
    int32_t code = place.data ? dict_find(&pending->places, place) : -1;
    mem_free(owned);
    return code < 0 ? NULL : &pending->values[code];
}
