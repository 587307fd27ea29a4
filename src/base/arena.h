/* Memory with one lifetime: many small pieces, freed in one stroke. */
#ifndef KAIROS_BASE_ARENA_H
#define KAIROS_BASE_ARENA_H

#include <stddef.h>

struct arena {
    struct arena_block *blocks; /* owned; newest first */
    size_t used_bytes;          /* of the newest block */
};

void arena_init(struct arena *arena);
/* Zeroed, 16-byte aligned; NULL on failure. */
void *arena_alloc(struct arena *arena, size_t count, size_t bytes);
/* A copy of n bytes of text with a closing NUL; NULL on failure. */
char *arena_string_n(struct arena *arena, const char *text, size_t n);
char *arena_string(struct arena *arena, const char *text);
void arena_release(struct arena *arena);

#endif
