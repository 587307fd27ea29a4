/* Two plain formats of histories, as tables: docs/formats/sequences.md.
 *
 * sequences: a line is a customer, then the items in time order, separated by blanks or tabs.
 * given:     a line is a test case: the items of a prefix, separated by blanks, TAB, the next item.
 */
#ifndef KAIROS_COLLECT_SEQUENCES_H
#define KAIROS_COLLECT_SEQUENCES_H

#include <stddef.h>

#include "base/err.h"
#include "base/progress.h"
#include "table/table.h"

enum sequences_kind {
    SEQUENCES_NAMED,     /* columns "customer", "item": one event a row, in the order of the file */
    SEQUENCES_ANONYMOUS, /* the same, but lines hold only items; the customer is the line number */
    SEQUENCES_GIVEN,     /* columns "case" (integer, from 0), "item", "is_target" (flag); the target
                            is the last row of its case */
};

/* Read `path` (gzip is told by its first bytes, "-" is stdin). Blank lines are passed over; a named
 * line may hold a customer alone.
 * Fails: KAI_NOT_FOUND, KAI_IO, KAI_CORRUPT; KAI_INVALID "path:line:column: reason" for a NUL byte,
 * bytes that are not UTF-8, a customer who comes twice, a case without TAB, prefix or target, a
 * file without rows; KAI_LIMIT for a line or a word too long, or too many rows. */
KAI_MUST_CHECK kai_status collect_read_sequences(const char *path, enum sequences_kind kind,
                                                 const struct progress *progress,
                                                 struct table **ret_table, kai_err *err);
/* The same from memory; `name` stands for the path in the messages. */
KAI_MUST_CHECK kai_status collect_read_sequences_bytes(const char *name, const char *bytes,
                                                       size_t size, enum sequences_kind kind,
                                                       struct table **ret_table, kai_err *err);

#endif
