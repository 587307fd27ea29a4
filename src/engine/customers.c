#include "engine/customers.h"

#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "engine/catalogue.h"

/* Touches as they come from the store, each with its customer. */
struct loading {
    struct doorway *door;
    struct customers *customers;
    struct touch *touches; /* owned */
    int32_t *owners;       /* owned */
    int64_t count, capacity;
    int has_catalogue;
    struct buf category; /* of the item at hand */
};

static kai_status grow(struct loading *loading, kai_err *err) {
    int64_t capacity = loading->capacity ? 2 * loading->capacity : 1024;
    struct touch *touches = mem_resize(loading->touches, (size_t)capacity, sizeof *touches);
    if (!touches) return err_memory(err, capacity * (int64_t)sizeof *touches);
    loading->touches = touches;
    int32_t *owners = mem_resize(loading->owners, (size_t)capacity, sizeof *owners);
    if (!owners) return err_memory(err, capacity * (int64_t)sizeof *owners);
    loading->owners = owners;
    loading->capacity = capacity;
    return KAI_OK;
}

/* An item that comes for the first time: its category in the workspace's catalogue. */
static kai_status categorise(struct loading *loading, struct slice item, kai_err *err) {
    struct touch_book *book = &loading->customers->book;
    if (!item.size || dict_find(&book->items, item) >= 0) return KAI_OK;
    buf_reset(&loading->category);
    kai_status st = catalogue_category(loading->door, item, &loading->category, err);
    if (st || !loading->category.size) return st;
    return touch_book_categorise(
        book, item, (struct slice){loading->category.data, loading->category.size}, err);
}

static kai_status take_event(void *user, const struct event *event, kai_err *err) {
    struct loading *loading = user;
    struct customers *customers = loading->customers;
    if (!touch_is(event)) {
        customers->excluded++;
        return KAI_OK;
    }
    struct slice name = event->customer.size ? event->customer : event->anonymous;
    name = identity_root(doorway_identity(loading->door), name);
    kai_status st = loading->count == loading->capacity ? grow(loading, err) : KAI_OK;
    if (!st && loading->has_catalogue) st = categorise(loading, event->item, err);
    if (!st) st = dict_add(&customers->names, name, &loading->owners[loading->count], err);
    if (!st) st = touch_from_event(&customers->book, event, &loading->touches[loading->count], err);
    if (st) return st;
    int64_t time_us = event->time_us;
    if (!loading->count || time_us < customers->first_us) customers->first_us = time_us;
    if (!loading->count || time_us > customers->last_us) customers->last_us = time_us;
    loading->count++;
    return KAI_OK;
}

/* Counting sort by customer, then each history by time. */
static kai_status sort_by_customer(struct loading *loading, kai_err *err) {
    struct customers *customers = loading->customers;
    customers->count = customers->names.count;
    customers->touch_count = loading->count;
    customers->touches = mem_array((size_t)loading->count + 1, sizeof *customers->touches);
    customers->starts = mem_zero((size_t)customers->count + 2, sizeof *customers->starts);
    if (!customers->touches || !customers->starts)
        return err_memory(err, loading->count * (int64_t)sizeof *customers->touches);
    /* starts[c + 2] counts c; then starts[c + 1] is where c's next touch goes, and ends at its end
     */
    int64_t *starts = customers->starts;
    for (int64_t i = 0; i < loading->count; i++)
        if (loading->owners[i] + 2 <= customers->count) starts[loading->owners[i] + 2]++;
    for (int64_t c = 2; c <= customers->count; c++) starts[c] += starts[c - 1];
    for (int64_t i = 0; i < loading->count; i++)
        customers->touches[starts[loading->owners[i] + 1]++] = loading->touches[i];
    kai_status st = KAI_OK;
    for (int64_t c = 0; !st && c < customers->count; c++)
        st = touch_sort(customers->touches + starts[c], starts[c + 1] - starts[c], err);
    return st;
}

static kai_status finish(struct loading *loading, kai_status st, kai_err *err) {
    if (!st) st = sort_by_customer(loading, err);
    mem_free(loading->touches);
    mem_free(loading->owners);
    buf_release(&loading->category);
    if (st) customers_release(loading->customers);
    return st;
}

kai_status customers_load(struct doorway *door, struct customers *ret_customers, kai_err *err) {
    *ret_customers = (struct customers){0};
    dict_init(&ret_customers->names);
    struct loading loading = {.door = door, .customers = ret_customers};
    buf_init(&loading.category, (size_t)CAPS_FIELD_BYTES);
    kai_status st = touch_book_init(&ret_customers->book, err);
    if (!st) st = catalogue_exists(door, &loading.has_catalogue, err);
    if (!st) st = store_events(doorway_store(door), take_event, &loading, err);
    return finish(&loading, st, err);
}

/* Events of a person's device that name another customer are hers no longer, and an event that
 * names both of her pseudonyms comes twice: both are told by the pseudonym that counts. */
struct own_events {
    struct loading *loading;
    struct slice member;
};

static kai_status take_own_event(void *user, const struct event *event, kai_err *err) {
    struct own_events *own = user;
    struct slice counts = event->customer.size ? event->customer : event->anonymous;
    return slice_equal(counts, own->member) ? take_event(own->loading, event, err) : KAI_OK;
}

kai_status customers_load_one(struct doorway *door, struct slice pseudonym,
                              struct customers *ret_customers, kai_err *err) {
    const struct slice *members = NULL;
    int64_t count = 0;
    *ret_customers = (struct customers){0};
    dict_init(&ret_customers->names);
    struct loading loading = {.door = door, .customers = ret_customers};
    buf_init(&loading.category, (size_t)CAPS_FIELD_BYTES);
    kai_status st = touch_book_init(&ret_customers->book, err);
    if (!st) st = catalogue_exists(door, &loading.has_catalogue, err);
    if (!st) st = doorway_members(door, pseudonym, &members, &count, err);
    for (int64_t i = 0; !st && i < count; i++) {
        struct own_events own = {&loading, members[i]};
        st = store_history(doorway_store(door), members[i], take_own_event, &own, err);
    }
    return finish(&loading, st, err);
}

void customers_release(struct customers *customers) {
    touch_book_release(&customers->book);
    dict_release(&customers->names);
    mem_free(customers->touches);
    mem_free(customers->starts);
    *customers = (struct customers){0};
}
