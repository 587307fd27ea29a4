/* Cut histories into what is learned from and what is asked: the protocol of a backtest.
 *
 *   leave-one-out  of a customer with at least 3 events the last is asked for, the one before it is
 *                  the validation, training sees all before that; the question shows all but the
 *                  last. Customers with fewer events are only learned from.
 *   time-split     training sees what happened before one moment; asked for is each customer's
 *                  first event from that moment on, after all that came before it. Customers
 *                  without a past are not asked.
 *   given          training sees everything; the questions come from a file.
 *
 * docs/methods/backtest.md says what each of them can and cannot tell.
 */
#ifndef KAIROS_BEHAVE_PROTOCOL_H
#define KAIROS_BEHAVE_PROTOCOL_H

#include "behave/interactions.h"

enum protocol_kind { PROTOCOL_LEAVE_ONE_OUT, PROTOCOL_TIME_SPLIT, PROTOCOL_GIVEN, PROTOCOL_KINDS };

/* "leave-one-out", "time-split", "given" */
const char *protocol_text(enum protocol_kind kind);

struct protocol_options {
    enum protocol_kind kind;
    double test_share;      /* time-split: the latest share of the events with a time; 0 = 0.1 */
    int64_t split_time;     /* time-split: the moment itself; BEHAVE_TIME_UNKNOWN = by the share */
    int64_t questions_max;  /* ask at most so many, spread evenly over the customers; 0 = all */
};

struct protocol {
    enum protocol_kind kind;
    int32_t item_count;
    struct histories train;  /* owned; all that may be learned from; where has_validation, the last
                                event of each history of 2 or more is the validation position */
    struct histories fit;    /* owned; train without the validation position; empty where
                                has_validation is 0 */
    int has_validation;
    struct histories asked;  /* owned; the history that each question shows */
    int32_t *targets;        /* owned; (asked.count) what came next */
    int64_t *target_times;   /* owned; (asked.count); NULL where no time is known */
    int64_t *customers;      /* owned; (asked.count) customer code, or the case of a file */
    int64_t customers_short; /* leave-one-out: fewer than 3 events */
    int64_t customers_new;   /* time-split: no event before the moment */
    int64_t split_time;      /* time-split */
    int64_t targets_seen;    /* questions whose answer stands in the history shown */
    int64_t targets_unknown; /* questions whose answer no training history holds */
};

/* leave-one-out and time-split. Questions are ordered by the time of their answer where times are
 * known, else by customer.
 * Fails: KAI_INVALID (nobody can be asked; time-split without times), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status protocol_init(struct protocol *ret_protocol,
                                        const struct interactions *interactions,
                                        const struct protocol_options *options, kai_err *err);

/* given: rows of (case, item, is the target), cases together and their target last. Items are codes
 * of `item_count` entries, which may be more than the interactions have. */
struct protocol_questions {
    int64_t rows;
    const int64_t *cases;
    const int32_t *items;
    const uint8_t *is_target;
    int32_t item_count;
};
KAI_MUST_CHECK kai_status protocol_init_given(struct protocol *ret_protocol,
                                              const struct interactions *interactions,
                                              const struct protocol_questions *questions,
                                              kai_err *err);
void protocol_release(struct protocol *protocol);

/* What baselines learn from: fit where there is a validation position, else train. */
struct behave_sequences protocol_fit(const struct protocol *protocol);

#endif
