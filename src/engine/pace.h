/* Who looks faster than a person can: events of one visitor within a minute are counted, and those
 * beyond PACE_MAX are flagged as a robot's. Only what a person does by hand counts (pages, views,
 * clicks, searches): an order of a thousand lines is one deed.
 *
 * A table of fixed size: two visitors in one place push each other out, so that under a flood some
 * robots begin anew; nobody is counted for somebody else. Threads: one at a time.
 */
#ifndef KAIROS_ENGINE_PACE_H
#define KAIROS_ENGINE_PACE_H

#include "table/event.h"

enum { PACE_MAX = 300, PACE_PLACES = 1 << 14 }; /* five a second, a whole minute long */

struct pace {
    struct {
        uint64_t visitor; /* a hash; 0 = free */
        int64_t minute;
        int32_t count;
    } places[PACE_PLACES];
};

/* Count the events of a batch, and flag. Returns how many it flagged. */
int64_t pace_flag(struct pace *pace, struct event_batch *batch);

#endif
