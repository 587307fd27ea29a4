/* Histories of customers from columns: who, what, in which order, and when.
 *
 * In go a column of customers and one of items (categories), and a column that orders them, or
 * times, or both, or neither (then the order of the rows counts). Events of one customer that tie
 * keep the order of the rows. Items and customers keep the codes of their columns.
 */
#ifndef KAIROS_BEHAVE_INTERACTIONS_H
#define KAIROS_BEHAVE_INTERACTIONS_H

#include "base/err.h"
#include "behave/behave.h"
#include "table/snapshot.h"
#include "table/table.h"

/* Histories that own their arrays; behave.h says what they mean. */
struct histories {
    int64_t count;
    int64_t *offsets; /* owned; (count + 1) */
    int32_t *items;   /* owned */
    int64_t *times;   /* owned; NULL where no time is known */
};

/* Room for `count` histories of `events` events in all; offsets are zero. */
KAI_MUST_CHECK kai_status histories_init(struct histories *histories, int64_t count, int64_t events,
                                         int has_times, kai_err *err);
void histories_release(struct histories *histories);
/* The same, borrowed. */
struct behave_sequences histories_view(const struct histories *histories);

struct interactions {
    struct histories histories; /* by customer code; a customer whose rows were all set aside has an
                                   empty one */
    int32_t item_count;         /* entries of the items' dictionary */
    int64_t rows_missing;       /* set aside: no customer, no item, or no place in the order */
};

struct interactions_columns {
    const struct column *customer, *item; /* categories */
    const struct column *order;           /* numbers or dates, or NULL */
    const struct column *time; /* dates, or numbers: seconds since 1970, milliseconds where they are
                                  above 1e11; or NULL */
};

/* With an order, times may be missing (BEHAVE_TIME_UNKNOWN before a customer's first known one, the
 * last known one after it) but may not go back along it; without one, times order the events.
 * Fails: KAI_INVALID (a column of the wrong kind; a time that goes back; no event is left),
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status interactions_init(struct interactions *ret_interactions,
                                            const struct interactions_columns *columns,
                                            kai_err *err);
/* The same from a training snapshot that was checked; times are its microseconds, cut to seconds.
 * Events without an item are set aside. Fails: KAI_INVALID (no event is left), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status interactions_init_snapshot(struct interactions *ret_interactions,
                                                     const struct snapshot *snapshot, kai_err *err);
void interactions_release(struct interactions *interactions);

#endif
