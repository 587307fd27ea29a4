/* Say what may be seen, kept and learned, and leave a record that it was said.
 *
 * In go events, identifiers, consents and keys; out come the events that may be kept, verdicts, and
 * records that cannot be changed unnoticed. Where any of it is stored, and who asks, is not this
 * room's business: the engine carries it. It never logs, and what points at a person leaves it only
 * sealed or as a pseudonym.
 *
 * The doors of this room, one a noun (docs/methods/privacy.md):
 *   govern/filter.h        the doorway: what of a batch of events may be stored, and in what form
 *   govern/consent.h       what a person allowed, by purpose, and the check at decision time
 *   govern/consent_book.h  the consents of everybody
 *   govern/recognise.h     what points at a person
 *   govern/privacy.h       rewriting it by policy
 *   govern/secret.h        keys, pseudonyms, seals, signatures
 *   govern/identity.h      who is who, reversible
 *   govern/erasure.h       certificates, and the list of those who must not come back
 *   govern/audit.h         the record that only grows
 *   govern/access.h        API keys and their limits
 */
#ifndef KAIROS_GOVERN_GOVERN_H
#define KAIROS_GOVERN_GOVERN_H

#include "govern/filter.h"

/* The rules of a workspace that says nothing. */
struct filter_rules govern_rules_default(void);

#endif
