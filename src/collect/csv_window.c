#include "collect/csv_window.h"

#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"

/* A window and its fields stay in the second-level cache; a chunk is work enough for a thread. */
enum { WINDOW_BYTES = 1 << 20, CHUNK_BYTES = 128 << 10 };

static kai_status reserve(struct csv_window *window, size_t size, kai_err *err) {
    size_t need = size + CSV_PADDING + 1; /* the line end of csv_window_end */
    if (need <= window->capacity) return KAI_OK;
    char *text = mem_resize(window->text, need, 1);
    if (!text) return err_memory(err, (int64_t)need);
    window->text = text;
    window->capacity = need;
    return KAI_OK;
}

kai_status csv_window_fill(struct csv_window *window, struct csv_source *source, kai_err *err) {
    size_t goal = window->size + (window->fill_bytes ? window->fill_bytes : WINDOW_BYTES);
    kai_status st = reserve(window, goal, err);
    while (!st && !window->is_last && goal - window->size >= CSV_FILL_MIN) {
        size_t got = 0;
        st = csv_source_fill(source, window->text + window->size, goal - window->size, &got, err);
        window->size += got;
        window->is_last = !st && got == 0;
    }
    if (!st) memset(window->text + window->size, 0, CSV_PADDING);
    return st;
}

void csv_window_end(struct csv_window *window, char newline) {
    if (!window->is_last || window->size == window->begin) return;
    if (window->text[window->size - 1] == newline) return;
    KAI_ASSERT(window->size + CSV_PADDING < window->capacity);
    window->text[window->size++] = newline;
}

struct scan {
    struct csv_window *window;
    const struct csv_dialect *dialect;
    int32_t columns;
};

static kai_status scan_chunk(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct scan *scan = user;
    struct csv_window *window = scan->window;
    int is_last = window->is_last && item == window->chunk_count - 1;
    (void)worker;
    return csv_scan_chunk(scan->dialect, window->text, scan->columns, is_last,
                          &window->chunks[item], err);
}

static size_t chunk_bytes(const struct csv_window *window) {
    return window->chunk_bytes ? window->chunk_bytes : CHUNK_BYTES;
}

static kai_status reserve_chunks(struct csv_window *window, size_t size, kai_err *err) {
    int32_t need = (int32_t)(size / chunk_bytes(window)) + 1;
    if (need <= window->chunk_capacity) return KAI_OK;
    struct csv_chunk *chunks = mem_resize(window->chunks, (size_t)need, sizeof *chunks);
    if (!chunks) return err_memory(err, need * (int64_t)sizeof *chunks);
    memset(chunks + window->chunk_capacity, 0,
           (size_t)(need - window->chunk_capacity) * sizeof *chunks);
    window->chunks = chunks;
    window->chunk_capacity = need;
    return KAI_OK;
}

/* Cut text[begin..end) behind line ends. */
static kai_status cut_chunks(struct csv_window *window, char newline, kai_err *err) {
    size_t end = window->size, at = window->begin;
    while (end > at && window->text[end - 1] != newline) end--;
    kai_status st = reserve_chunks(window, end - at, err);
    window->chunk_count = 0;
    while (!st && at < end) {
        size_t to = end;
        if (end - at > chunk_bytes(window)) {
            const char *from = window->text + at + chunk_bytes(window) - 1;
            const char *found = memchr(from, newline, (size_t)(window->text + end - from));
            to = found ? (size_t)(found - window->text) + 1 : end;
        }
        struct csv_chunk *chunk = &window->chunks[window->chunk_count++];
        chunk->from = at;
        chunk->to = to;
        at = to;
    }
    return st;
}

kai_status csv_window_scan(struct csv_window *window, const struct csv_dialect *dialect,
                           int32_t columns, struct pool *pool, size_t *ret_rest, kai_err *err) {
    struct scan scan = {window, dialect, columns};
    kai_status st = cut_chunks(window, dialect->newline, err);
    if (!st) st = pool_run(pool, window->chunk_count, scan_chunk, &scan, err);
    size_t at = window->begin;
    for (int32_t i = 0; !st && i < window->chunk_count; i++) {
        struct csv_chunk *chunk = &window->chunks[i];
        if (chunk->from != at) {
            chunk->from = at;
            st = scan_chunk(&scan, i, 0, err);
        }
        at = chunk->end;
    }
    if (!st) *ret_rest = at;
    return st;
}

kai_status csv_window_carry(const struct csv_window *window, size_t rest, struct csv_window *next,
                            kai_err *err) {
    next->size = window->size - rest;
    next->begin = 0;
    next->is_last = 0;
    next->lines = window->lines;
    for (int32_t i = 0; i < window->chunk_count; i++) next->lines += window->chunks[i].lines;
    kai_status st = reserve(next, next->size, err);
    if (!st && next->size) memcpy(next->text, window->text + rest, next->size);
    return st;
}

void csv_window_release(struct csv_window *window) {
    for (int32_t i = 0; i < window->chunk_capacity; i++) csv_chunk_release(&window->chunks[i]);
    mem_free(window->chunks);
    mem_free(window->text);
    *window = (struct csv_window){0};
}
