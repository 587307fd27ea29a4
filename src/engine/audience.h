/* Segments over everybody: rules bound to the customers, and who is in them. */
#ifndef KAIROS_ENGINE_AUDIENCE_H
#define KAIROS_ENGINE_AUDIENCE_H

#include "engine/customers.h"
#include "prepare/cluster.h"
#include "prepare/segment.h"
#include "prepare/segment_bitmap.h"

/* Everybody at a moment. */
struct audience {
    struct customers customers;
    struct customer *traits; /* owned; (customers.count) */
    int64_t at_us;
};

/* `at`: a time, "last" = just after the last event, NULL = now. */
KAI_MUST_CHECK kai_status audience_open(struct doorway *door, const char *at,
                                        const struct progress *progress,
                                        struct audience *ret_audience, kai_err *err);
void audience_release(struct audience *audience);
/* Who is in the segment of that name in kairos.yaml; or, where `rule` is given, in that one. Those
 * without an event before the moment are in none. Fails: KAI_NOT_FOUND naming the nearest,
 * KAI_INVALID. */
KAI_MUST_CHECK kai_status audience_members(const struct audience *audience,
                                           const struct doorway *door, const char *name,
                                           const char *rule, struct segment_bitmap **ret_members,
                                           kai_err *err);
/* The text of a rule in kairos.yaml. Fails: KAI_NOT_FOUND. */
KAI_MUST_CHECK kai_status audience_rule(const struct doorway *door, const char *name,
                                        const char **ret_rule, kai_err *err);

#endif
