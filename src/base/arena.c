#include "base/arena.h"

#include <string.h>

#include "base/alloc.h"

enum { BLOCK_BYTES = 64 << 10, ARENA_ALIGNMENT = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size_bytes;
    _Alignas(ARENA_ALIGNMENT) char bytes[];
};

void arena_init(struct arena *arena) { *arena = (struct arena){0}; }

void *arena_alloc(struct arena *arena, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) return NULL;
    if (total > SIZE_MAX / 2) return NULL;
    total = (total + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (!arena->blocks || arena->used_bytes + total > arena->blocks->size_bytes) {
        size_t size = total > BLOCK_BYTES ? total : BLOCK_BYTES;
        struct arena_block *block = mem_alloc(sizeof *block + size);
        if (!block) return NULL;
        block->next = arena->blocks;
        block->size_bytes = size;
        arena->blocks = block;
        arena->used_bytes = 0;
    }
    void *memory = arena->blocks->bytes + arena->used_bytes;
    arena->used_bytes += total;
    return memset(memory, 0, total);
}

char *arena_string_n(struct arena *arena, const char *text, size_t n) {
    char *copy = arena_alloc(arena, n + 1, 1);
    if (copy) memcpy(copy, text, n);
    return copy;
}

char *arena_string(struct arena *arena, const char *text) {
    return arena_string_n(arena, text, strlen(text));
}

void arena_release(struct arena *arena) {
    while (arena->blocks) {
        struct arena_block *block = arena->blocks;
        arena->blocks = block->next;
        mem_free(block);
    }
    arena->used_bytes = 0;
}
