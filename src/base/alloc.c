#include "base/alloc.h"

#include <stdlib.h>
#include <string.h>

static void *stdlib_alloc(void *user, size_t bytes) {
    (void)user;
    return malloc(bytes);
}

static void *stdlib_resize(void *user, void *memory, size_t bytes) {
    (void)user;
    return realloc(memory, bytes);
}

static void stdlib_free(void *user, void *memory) {
    (void)user;
    free(memory);
}

static const struct alloc_table STDLIB = {stdlib_alloc, stdlib_resize, stdlib_free, NULL};
static struct alloc_table active = {stdlib_alloc, stdlib_resize, stdlib_free, NULL};

void alloc_set(const struct alloc_table *table) { active = table ? *table : STDLIB; }

void *mem_alloc(size_t bytes) { return active.alloc(active.user, bytes ? bytes : 1); }

void *mem_array(size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) return NULL;
    return mem_alloc(total);
}

void *mem_zero(size_t count, size_t bytes) {
    void *memory = mem_array(count, bytes);
    if (memory) memset(memory, 0, count * bytes);
    return memory;
}

void *mem_resize(void *memory, size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) return NULL;
    if (!memory) return mem_alloc(total);
    return active.resize(active.user, memory, total ? total : 1);
}

char *mem_string_n(const char *text, size_t n) {
    char *copy = mem_alloc(n + 1);
    if (!copy) return NULL;
    memcpy(copy, text, n);
    copy[n] = '\0';
    return copy;
}

char *mem_string(const char *text) { return mem_string_n(text, strlen(text)); }

enum { ALIGNMENT = 64 };

void *mem_aligned(size_t count, size_t bytes) {
    size_t total;
    if (__builtin_mul_overflow(count, bytes, &total)) return NULL;
    if (total > SIZE_MAX - ALIGNMENT - sizeof(void *)) return NULL;
    char *raw = mem_alloc(total + ALIGNMENT + sizeof(void *));
    if (!raw) return NULL;
    uintptr_t start =
        ((uintptr_t)raw + sizeof(void *) + ALIGNMENT - 1) & ~(uintptr_t)(ALIGNMENT - 1);
    memcpy((void *)(start - sizeof(void *)), &raw, sizeof raw);
    memset((void *)start, 0, total);
    return (void *)start;
}

void mem_free(void *memory) {
    if (memory) active.free(active.user, memory);
}

void mem_free_aligned(void *memory) {
    if (!memory) return;
    void *raw;
    memcpy(&raw, (char *)memory - sizeof raw, sizeof raw);
    mem_free(raw);
}
