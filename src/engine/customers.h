/* Everybody in the store with her history, as the stages read it: one run of touches a person, all
 * her pseudonyms together. */
#ifndef KAIROS_ENGINE_CUSTOMERS_H
#define KAIROS_ENGINE_CUSTOMERS_H

#include "base/dict.h"
#include "engine/doorway.h"
#include "prepare/customer.h"

struct customers {
    struct touch_book book;
    struct dict names; /* canonical pseudonyms, a code each, in the order of their first event */
    struct touch *touches; /* owned; (touch_count) by customer, then time */
    int64_t *starts;       /* owned; (count + 1) where a customer's touches begin */
    int64_t count, touch_count;
    int64_t first_us, last_us; /* of all touches */
    int64_t excluded;          /* events that are no touches: bots, impossible times */
};

KAI_MUST_CHECK kai_status customers_load(struct doorway *door, struct customers *ret_customers,
                                         kai_err *err);
/* One person only. Gives: a list of one, or of none where there are no events. */
KAI_MUST_CHECK kai_status customers_load_one(struct doorway *door, struct slice pseudonym,
                                             struct customers *ret_customers, kai_err *err);
void customers_release(struct customers *customers);
static inline const struct touch *customers_touches(const struct customers *customers,
                                                    int64_t index) {
    return customers->touches + customers->starts[index];
}
static inline int64_t customers_touch_count(const struct customers *customers, int64_t index) {
    return customers->starts[index + 1] - customers->starts[index];
}

#endif
