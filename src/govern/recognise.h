/* What points at a person: recognised by the name of a field and by the form of its value.
 *
 * By form, anywhere: e-mail addresses, telephone numbers (international with '+', Chinese mobile
 * numbers), Chinese identity numbers (GB 11643: a date that exists and the ISO 7064 check digit),
 * IPv4 and IPv6 addresses, MAC addresses. By name: names of people, addresses, devices, and forms
 * that prove nothing alone (a telephone number without '+').
 */
#ifndef KAIROS_GOVERN_RECOGNISE_H
#define KAIROS_GOVERN_RECOGNISE_H

#include "base/text.h"

enum recognise_kind {
    RECOGNISE_NONE,
    RECOGNISE_EMAIL,
    RECOGNISE_PHONE,
    RECOGNISE_NAME,
    RECOGNISE_ADDRESS,
    RECOGNISE_IP,
    RECOGNISE_DEVICE,
    RECOGNISE_ID_NUMBER,
    RECOGNISE_KINDS
};

/* "none", "email", "phone", "name", "address", "ip", "device", "id_number" */
const char *recognise_kind_text(enum recognise_kind kind);
/* The kind of a whole value in a field. `of_person`: the field's object describes a person (traits
 * of an identify call), so that a bare "name" is a person's. */
enum recognise_kind recognise_value(struct slice key, struct slice value, int of_person);
/* Does an object of this name describe a person? ("traits", "user", "customer" ...) */
int recognise_is_person(struct slice key);
/* The first e-mail address, Chinese mobile or identity number within a longer text, from offset
 * `from`; RECOGNISE_NONE where there is none. "%40" counts as '@'. */
enum recognise_kind recognise_find(struct slice text, size_t from, struct slice *ret_found);

int recognise_is_email(struct slice text);
int recognise_is_phone(struct slice text);
int recognise_is_id_number(struct slice text);
int recognise_is_ip(struct slice text);

enum { RECOGNISE_PLAIN_BYTES = 512 };
/* One spelling for one identifier, so that the same person has one pseudonym: trimmed; e-mail
 * addresses in lower case; telephone numbers as digits, Chinese ones with 86 in front. A text of
 * more than RECOGNISE_PLAIN_BYTES is given as it is. */
struct slice recognise_plain(struct slice text, char ret_text[RECOGNISE_PLAIN_BYTES]);

#endif
