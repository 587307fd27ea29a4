/* Puts and drops that are not in the file yet, to be seen at once. Private to store/. */
#ifndef KAIROS_STORE_PENDING_H
#define KAIROS_STORE_PENDING_H

#include "base/buf.h"
#include "base/dict.h"

struct pending_value {
    char *bytes; /* owned; NULL = dropped */
    size_t size;
};

struct pending {
    struct dict places;           /* table, NUL, key */
    struct pending_value *values; /* owned; by code */
    int64_t capacity;
};

void pending_init(struct pending *pending);
void pending_release(struct pending *pending);
/* value NULL: dropped. */
KAI_MUST_CHECK kai_status pending_set(struct pending *pending, const char *table, struct slice key,
                                      const struct slice *value, kai_err *err);
/* NULL where nothing is known of the key. */
const struct pending_value *pending_get(const struct pending *pending, const char *table,
                                        struct slice key);

#endif
