/* The doorway's rule: what of a batch of events may be kept, and in what form.
 *
 * Events go in as collect made them; out come those that may be stored, with pseudonyms instead of
 * customers and devices and with properties rewritten (privacy.h), and beside them what must be
 * kept elsewhere: the sealed identifiers of persons that were not seen before, new identity edges,
 * and consents that events of the type "consent" stated. Nothing is dropped silently: every event
 * is counted as kept or under the reason why not.
 *
 *   suppressed       the person was forgotten. An event of a customer whose device was forgotten
 * with another person loses the device only without_consent  analytics was refused, or never
 * allowed where the rule is opt-in consents         events that only stated a consent
 *
 * Properties that are not JSON are dropped and counted; the event is kept.
 */
#ifndef KAIROS_GOVERN_FILTER_H
#define KAIROS_GOVERN_FILTER_H

#include "govern/consent_book.h"
#include "govern/erasure.h"
#include "govern/identity.h"
#include "govern/privacy.h"
#include "table/event.h"

struct filter_rules {
    struct consent_rules consent;
    struct privacy_rules privacy;
};

/* What the filter looks at, all borrowed; it adds edges and consents that events bring. */
struct filter_state {
    const struct secret_keys *keys;
    struct consent_book *consents;
    struct suppression *suppression;
    struct identity *identity;
};

struct filter_person {
    char pseudonym[SECRET_PSEUDONYM_BYTES];
    int is_device;
    struct slice sealed; /* the identifier, sealed */
};

struct filter_consent {
    char pseudonym[SECRET_PSEUDONYM_BYTES];
    struct consent_record record;
};

struct filter_report {
    int64_t events, kept, suppressed, without_consent, consents, damaged;
    int64_t found[RECOGNISE_KINDS]; /* identifiers in properties and texts */
};

/* The result of one batch; reset by the next. */
struct filter_result {
    struct event_batch events;
    struct filter_person *persons; /* owned */
    int64_t person_count, person_capacity;
    struct identity_edge *edges; /* owned */
    int64_t edge_count, edge_capacity;
    struct filter_consent *consents; /* owned */
    int64_t consent_count, consent_capacity;
    struct arena arena; /* the texts of persons and consents */
};

struct filter;
KAI_MUST_CHECK kai_status filter_new(const struct filter_rules *rules,
                                     const struct filter_state *state, struct filter **ret_filter,
                                     kai_err *err);
void filter_free(struct filter *filter);
void filter_result_init(struct filter_result *result);
void filter_result_release(struct filter_result *result);
/* Filter one batch; the report adds up over batches. Fails: KAI_NO_MEMORY, KAI_LIMIT; then the
 * result is not to be used. */
KAI_MUST_CHECK kai_status filter_apply(struct filter *filter, const struct event_batch *batch,
                                       struct filter_result *result, struct filter_report *report,
                                       kai_err *err);

#endif
