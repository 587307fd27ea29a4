/* The only door to the heap. Library code never calls malloc, so that a test can fail any
 * allocation and a host can bring its own allocator. */
#ifndef KAIROS_BASE_ALLOC_H
#define KAIROS_BASE_ALLOC_H

#include <stddef.h>
#include <stdint.h>

struct alloc_table {
    void *(*alloc)(void *user, size_t bytes);
    void *(*resize)(void *user, void *memory, size_t bytes);
    void (*free)(void *user, void *memory);
    void *user;
};

/* Replace the allocator; NULL restores stdlib. Only while nothing is allocated and one thread runs.
 */
void alloc_set(const struct alloc_table *table);

/* NULL on failure; 0 bytes gives a valid pointer. */
void *mem_alloc(size_t bytes);
/* count x bytes, zeroed; NULL on failure or overflow. */
void *mem_zero(size_t count, size_t bytes);
/* count x bytes, not cleared; NULL on failure or overflow. */
void *mem_array(size_t count, size_t bytes);
/* As realloc: on failure NULL, and the old memory stays. */
void *mem_resize(void *memory, size_t count, size_t bytes);
/* A copy of the string, or NULL. */
char *mem_string(const char *text);
/* n bytes and a closing NUL. */
char *mem_string_n(const char *text, size_t n);
/* Zeroed memory at a 64-byte boundary, for kernels; free with mem_free_aligned. */
void *mem_aligned(size_t count, size_t bytes);
void mem_free(void *memory);
void mem_free_aligned(void *memory);

#endif
