/* A file as memory: read only, shared with every process that maps it, resident where it is looked
 * at. Whoever cuts the file while it is mapped stops the reader (SIGBUS): map what is published by
 * rename and never written again. */
#ifndef KAIROS_BASE_MAPPED_H
#define KAIROS_BASE_MAPPED_H

#include <stddef.h>

#include "base/err.h"

struct mapped {
    const unsigned char *bytes; /* NULL where size is 0 */
    size_t size;
};

/* Fails: KAI_NOT_FOUND, KAI_INVALID (not a regular file), KAI_IO; each names the path. */
KAI_MUST_CHECK kai_status mapped_open(const char *path, struct mapped *ret_mapped, kai_err *err);
/* Accepts what was never opened, all zero. */
void mapped_close(struct mapped *mapped);

#endif
