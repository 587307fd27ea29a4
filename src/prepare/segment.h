/* Segments by rule: a small language over a customer's traits and history.
 *
 *   rfm.recency < 30 and count(type="view", item.category="shoes", days=7) >= 3
 *
 * In goes a text; out comes a program, or the column and the reason why it is none. Words are the
 * traits of customer.h; count, sum, last and distinct look into the history;
 * docs/formats/segments.md is the grammar. A comparison with something that is missing is false.
 * Programs never change and may be shared; a bound program serves one book.
 */
#ifndef KAIROS_PREPARE_SEGMENT_H
#define KAIROS_PREPARE_SEGMENT_H

#include "base/buf.h"
#include "prepare/customer.h"

enum {
    SEGMENT_TEXT_BYTES =
        64 << 10, /* a rule; longer ones are made by machines, and lists of people */
    SEGMENT_NODES = 4096,
    SEGMENT_DEPTH = 64, /* nesting of brackets, and of everything else */
};

struct segment;
struct segment_bound;

/* `name` begins the errors. Fails: KAI_INVALID "segment 'vip', column 12: ...", KAI_LIMIT. */
KAI_MUST_CHECK kai_status segment_parse(const char *name, struct slice text,
                                        struct segment **ret_segment, kai_err *err);
void segment_free(struct segment *segment);
/* Append the rule as it was understood, with every bracket that is needed; it parses to the same.
 */
KAI_MUST_CHECK kai_status segment_print(const struct segment *segment, struct buf *out,
                                        kai_err *err);

/* Look the program's texts up in a book that is complete. Borrows both. Threads: one at a time. */
KAI_MUST_CHECK kai_status segment_bind(const struct segment *segment, const struct touch_book *book,
                                       struct segment_bound **ret_bound, kai_err *err);
void segment_bound_free(struct segment_bound *bound);
/* Is the customer in the segment at a moment? `customer`: her traits at that moment. */
int segment_holds(struct segment_bound *bound, const struct customer *customer,
                  const struct touch *touches, int64_t count, int64_t at_us);

#endif
