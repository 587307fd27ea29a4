/* Who is who: pseudonyms of one person, joined by edges that can be undone.
 *
 * An edge is a fact with a time and a source, and is never deleted: undoing marks it. Persons are
 * the connected components of the edges in force (union-find), and are only looked up when read:
 * events keep the pseudonym they came with, so an undone edge parts the histories again.
 *
 *   known   a device was used by a customer who told who she is. Only the first customer of a
 *           device is joined; a second makes an edge `shared`, which joins nothing, so that a
 *           family's tablet does not make one person of a family
 *   alias   the source says that two ids are one (Segment's alias)
 *   merge   an operator says so
 *
 * A component has one canonical pseudonym: the customer that was seen first, or, where there is
 * none, the device that was seen first. A component never grows past IDENTITY_MEMBERS_MAX: an edge
 * that would do it is kept as `shared` (a call centre's machine is no person).
 */
#ifndef KAIROS_GOVERN_IDENTITY_H
#define KAIROS_GOVERN_IDENTITY_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"
#include "govern/secret.h"

enum identity_kind { IDENTITY_KNOWN, IDENTITY_ALIAS, IDENTITY_MERGE, IDENTITY_SHARED };
enum { IDENTITY_MEMBERS_MAX = 1000 };

struct identity_edge {
    int64_t id; /* from 1, in the order of recording */
    char a[SECRET_PSEUDONYM_BYTES];
    char b[SECRET_PSEUDONYM_BYTES]; /* of a known or shared edge: the customer; a: the device */
    enum identity_kind kind;
    int64_t time_us;
    int64_t undone_us; /* 0 = in force */
};

struct identity;

KAI_MUST_CHECK kai_status identity_new(struct identity **ret_identity, kai_err *err);
void identity_free(struct identity *identity);
/* Put back an edge that was recorded, in the order of ids. Fails: KAI_INVALID (out of order). */
KAI_MUST_CHECK kai_status identity_restore(struct identity *identity,
                                           const struct identity_edge *edge, kai_err *err);
/* Record that two pseudonyms belong together. Gives: *ret_edge where something is new, and
 * *ret_is_new. The kind may come back as `shared`. */
KAI_MUST_CHECK kai_status identity_link(struct identity *identity, struct slice a, struct slice b,
                                        enum identity_kind kind, int64_t time_us,
                                        struct identity_edge *ret_edge, int *ret_is_new,
                                        kai_err *err);
/* Undo an edge. Gives: the edge as it now is. Fails: KAI_NOT_FOUND, KAI_STATE (undone already). */
KAI_MUST_CHECK kai_status identity_undo(struct identity *identity, int64_t edge_id, int64_t time_us,
                                        struct identity_edge *ret_edge, kai_err *err);
/* The canonical pseudonym; of an unknown one: itself. Lives until the next change, or as long as
 * the argument. */
struct slice identity_root(struct identity *identity, struct slice pseudonym);
/* Every pseudonym of the component, the canonical first; *ret_count at least 1. Borrowed until the
 * next call. */
KAI_MUST_CHECK kai_status identity_members(struct identity *identity, struct slice pseudonym,
                                           const struct slice **ret_members, int64_t *ret_count,
                                           kai_err *err);
int64_t identity_edge_count(const struct identity *identity);
const struct identity_edge *identity_edge_at(const struct identity *identity, int64_t index);

/* "known", "alias", "merge", "shared" */
const char *identity_kind_text(enum identity_kind kind);
/* One edge as one line of JSON, and back. Fails: KAI_CORRUPT. */
KAI_MUST_CHECK kai_status identity_print(const struct identity_edge *edge, struct buf *out,
                                         kai_err *err);
KAI_MUST_CHECK kai_status identity_parse(struct slice text, struct identity_edge *ret_edge,
                                         kai_err *err);

#endif
