#include "table/event.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/instant.h"

enum { FIRST_CAPACITY = 64, EARLIEST_DAY = 7305 /* 1990-01-01 */ };

struct event event_empty(void) {
    return (struct event){.value = NAN, .quantity = NAN};
}

void event_flag_impossible(struct event *event, int64_t now_us) {
    if (event->time_us < EARLIEST_DAY * INSTANT_DAY_US ||
        event->time_us > now_us + INSTANT_DAY_US || event->quantity < 0)
        event->flags |= EVENT_IMPOSSIBLE;
}

void event_batch_init(struct event_batch *batch) {
    *batch = (struct event_batch){0};
    arena_init(&batch->arena);
}

void event_batch_release(struct event_batch *batch) {
    arena_release(&batch->arena);
    mem_free(batch->events);
    *batch = (struct event_batch){0};
}

void event_batch_reset(struct event_batch *batch) {
    arena_release(&batch->arena);
    arena_init(&batch->arena);
    batch->count = 0;
}

static kai_status make_room(struct event_batch *batch, kai_err *err) {
    if (batch->count < batch->capacity) return KAI_OK;
    int64_t capacity = batch->capacity ? 2 * batch->capacity : FIRST_CAPACITY;
    struct event *events = mem_array((size_t)capacity, sizeof *events);
    if (!events) return err_memory(err, capacity * (int64_t)sizeof *events);
    if (batch->count) memcpy(events, batch->events, (size_t)batch->count * sizeof *events);
    mem_free(batch->events);
    batch->events = events;
    batch->capacity = capacity;
    return KAI_OK;
}

kai_status event_batch_append(struct event_batch *batch, const struct event *event, kai_err *err) {
    kai_status st = make_room(batch, err);
    if (st) return st;
    struct event copy = *event;
    struct slice *const texts[] = {&copy.id,      &copy.customer,  &copy.anonymous, &copy.type,
                                   &copy.item,    &copy.currency,  &copy.channel,   &copy.campaign,
                                   &copy.session, &copy.properties};
    size_t bytes = 0, used = 0;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) bytes += texts[i]->size;
    char *to = arena_alloc(&batch->arena, bytes + 1, 1);
    if (!to) return err_memory(err, (int64_t)bytes);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        if (texts[i]->size) memcpy(to + used, texts[i]->data, texts[i]->size);
        texts[i]->data = to + used;
        used += texts[i]->size;
    }
    batch->events[batch->count++] = copy;
    return KAI_OK;
}
