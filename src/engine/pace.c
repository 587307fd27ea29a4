#include "engine/pace.h"

#include "base/hash.h"

static const int64_t MINUTE_US = 60000000;

static int is_by_hand(struct slice type) {
    static const char *const TYPES[] = {"page", "screen", "view", "click", "search", "list"};
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (slice_equal_text(type, TYPES[i])) return 1;
    return 0;
}

static uint64_t visitor_of(const struct event *event) {
    struct slice name = event->anonymous.size ? event->anonymous : event->customer;
    return hash_mix(hash_bytes(name.data, name.size, 0x7061)) | 1;
}

int64_t pace_flag(struct pace *pace, struct event_batch *batch) {
    int64_t flagged = 0;
    for (int64_t i = 0; i < batch->count; i++) {
        struct event *event = &batch->events[i];
        if (!is_by_hand(event->type)) continue;
        uint64_t visitor = visitor_of(event);
        int64_t minute = event->time_us / MINUTE_US;
        int32_t place = (int32_t)(visitor >> 32) & (PACE_PLACES - 1);
        if (pace->places[place].visitor != visitor || pace->places[place].minute != minute) {
            pace->places[place].visitor = visitor;
            pace->places[place].minute = minute;
            pace->places[place].count = 0;
        }
        if (++pace->places[place].count <= PACE_MAX) continue;
        event->flags |= EVENT_BOT;
        flagged++;
    }
    return flagged;
}
