/* Time that only goes forward, for durations; and the date of the wall. */
#ifndef KAIROS_BASE_CLOCK_H
#define KAIROS_BASE_CLOCK_H

#include <stdint.h>

/* Seconds since some fixed point; never goes back. */
double clock_seconds(void);
/* Microseconds since 1970-01-01 UTC. */
int64_t clock_wall_us(void);

#endif
