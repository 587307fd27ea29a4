/* Who said what: the consents of everybody who said anything, by pseudonym, in memory. */
#ifndef KAIROS_GOVERN_CONSENT_BOOK_H
#define KAIROS_GOVERN_CONSENT_BOOK_H

#include "base/dict.h"
#include "govern/consent.h"

struct consent_book {
    struct dict pseudonyms;
    struct consent *consents; /* owned; by code of the pseudonym */
    int32_t capacity;
};

void consent_book_init(struct consent_book *book);
void consent_book_release(struct consent_book *book);
KAI_MUST_CHECK kai_status consent_book_add(struct consent_book *book, struct slice pseudonym,
                                           const struct consent_record *record, kai_err *err);
/* Add to `consent` what is said under a pseudonym; for a person with several, call it for each. */
void consent_book_fold(const struct consent_book *book, struct slice pseudonym,
                       struct consent *consent);

#endif
