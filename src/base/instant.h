/* Moments as text: RFC 3339 out, and the usual subset of ISO 8601 in. */
#ifndef KAIROS_BASE_INSTANT_H
#define KAIROS_BASE_INSTANT_H

#include <stdint.h>

#include "base/text.h"

enum { INSTANT_TEXT_BYTES = 32 };
#define INSTANT_DAY_US (86400ll * 1000000)

/* "2026-03-01T08:30:00Z", with six decimals where the microseconds are not zero. Years 0 to 9999;
 * another moment is clamped to them. Returns the length. */
int instant_print(int64_t time_us, char ret_text[INSTANT_TEXT_BYTES]);
/* "2026-03-01", "2026-03-01T08:30", "2026-03-01 08:30:05.25+08:00", "...Z"; without an offset it
 * is UTC. 1 on success. */
int instant_parse(struct slice text, int64_t *ret_time_us);

#endif
