/* A file of named sections, each with a checksum: what a saved model is made of.
 *
 *   offset  bytes  content
 *        0      8  "KAIROS" and two zero bytes
 *        8      4  version of the bundle format, 1
 *       12      4  number of sections
 *       16      8  hash of the section table
 *       24    ...  section table: name (16 bytes, zero padded), offset (8), size (8), hash (8)
 *      ...    ...  sections
 *
 * All numbers little-endian; hashes are hash_bytes(.., seed 0) of base/hash.h.
 */
#ifndef KAIROS_BASE_BUNDLE_H
#define KAIROS_BASE_BUNDLE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

enum { BUNDLE_NAME_BYTES = 16, BUNDLE_SECTIONS_MAX = 64 };

struct bundle_section {
    const char *name; /* at most 15 bytes */
    const void *data; /* borrowed */
    size_t size;
};

/* Lay the sections out as one file, appended to `out`. */
KAI_MUST_CHECK kai_status bundle_print(const struct bundle_section *sections, int32_t count,
                                       struct buf *out, kai_err *err);
/* Do the bytes begin as a bundle does? So that a file which is none need not be read whole. */
int bundle_begins(const void *bytes, size_t size);
/* Check magic, version, bounds and every checksum, and point into `bytes`.
 * Fails: KAI_CORRUPT "<name>: ..." with the reason, KAI_UNSUPPORTED for a newer version. */
KAI_MUST_CHECK kai_status bundle_parse(const char *name, const void *bytes, size_t size,
                                       struct bundle_section ret_sections[BUNDLE_SECTIONS_MAX],
                                       char ret_names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES],
                                       int32_t *ret_count, kai_err *err);
/* The section of that name, or NULL. */
const struct bundle_section *bundle_find(const struct bundle_section *sections, int32_t count,
                                         const char *name);

#endif
