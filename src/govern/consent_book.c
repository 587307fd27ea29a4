#include "govern/consent_book.h"

#include <string.h>

#include "base/alloc.h"

void consent_book_init(struct consent_book *book) {
    *book = (struct consent_book){0};
    dict_init(&book->pseudonyms);
}

void consent_book_release(struct consent_book *book) {
    dict_release(&book->pseudonyms);
    mem_free(book->consents);
    *book = (struct consent_book){0};
}

kai_status consent_book_add(struct consent_book *book, struct slice pseudonym,
                            const struct consent_record *record, kai_err *err) {
    int32_t before = book->pseudonyms.count, code = 0;
    if (before == book->capacity) {
        int32_t capacity = book->capacity ? 2 * book->capacity : 256;
        struct consent *consents = mem_resize(book->consents, (size_t)capacity, sizeof *consents);
        if (!consents) return err_memory(err, capacity * (int64_t)sizeof *consents);
        book->consents = consents;
        book->capacity = capacity;
    }
    kai_status st = dict_add(&book->pseudonyms, pseudonym, &code, err);
    if (st) return st;
    if (code == before) book->consents[code] = (struct consent){0};
    consent_add(&book->consents[code], record);
    return KAI_OK;
}

void consent_book_fold(const struct consent_book *book, struct slice pseudonym,
                       struct consent *consent) {
    int32_t code = book->pseudonyms.count ? dict_find(&book->pseudonyms, pseudonym) : -1;
    if (code < 0) return;
    const struct consent *said = &book->consents[code];
    for (int p = 0; p < CONSENT_KINDS; p++) {
        struct consent_record record = {.purpose = (enum consent_purpose)p,
                                        .answer = said->answers[p],
                                        .time_us = said->times_us[p]};
        consent_add(consent, &record);
    }
}
