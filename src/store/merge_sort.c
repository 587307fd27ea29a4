#include "store/merge_sort.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/stable_sort.h"

enum {
    BLOCK_EVENTS = 1 << 15, /* 1 MiB */
    FIRST_CAPACITY = 1 << 16,
    CELL_BYTES = sizeof(struct snapshot_event) + 2 * sizeof(uint32_t), /* an event in memory */
};

/* A sorted portion, and how far it was read. */
struct run {
    int64_t first, count;         /* events of the file */
    int64_t read;                 /* of them, in a block already */
    struct snapshot_event *block; /* owned; (BLOCK_EVENTS) */
    int64_t at, filled;           /* in the block */
};

struct runs {
    int file;                      /* descriptor; -1 = none was needed */
    char *beside;                  /* owned */
    struct snapshot_event *events; /* owned; (capacity); the portion in memory */
    uint32_t *order, *scratch;     /* owned; (capacity) */
    int64_t count, capacity, capacity_max;
    int32_t customer_count; /* of this portion: largest code + 1 */
    struct run *list;       /* owned; (run_count) */
    int64_t run_count, run_capacity;
    int64_t *heap; /* owned; (run_count); runs, the one with the least event first */
    int64_t heap_count;
    int64_t written; /* events in the file */
    int64_t given;   /* of a single portion that stayed in memory */
};

kai_status runs_new(const char *beside, int64_t memory_bytes, struct runs **ret_runs,
                    kai_err *err) {
    struct runs *runs = mem_zero(1, sizeof *runs);
    if (!runs) return err_memory(err, sizeof *runs);
    runs->file = -1;
    runs->beside = mem_string(beside);
    if (!runs->beside) {
        mem_free(runs);
        return err_memory(err, (int64_t)strlen(beside));
    }
    int64_t fit = memory_bytes / CELL_BYTES;
    runs->capacity_max = fit < 2 ? 2 : fit > INT32_MAX ? INT32_MAX : fit;
    *ret_runs = runs;
    return KAI_OK;
}

void runs_free(struct runs *runs) {
    if (!runs) return;
    if (runs->file >= 0) (void)close(runs->file); /* its bytes go with it */
    for (int64_t r = 0; r < runs->run_count; r++) mem_free(runs->list[r].block);
    mem_free(runs->list);
    mem_free(runs->heap);
    mem_free(runs->events);
    mem_free(runs->order);
    mem_free(runs->scratch);
    mem_free(runs->beside);
    mem_free(runs);
}

/* ---- one portion ---- */

static kai_status grow(struct runs *runs, kai_err *err) {
    int64_t capacity = runs->capacity ? 2 * runs->capacity : FIRST_CAPACITY;
    if (capacity > runs->capacity_max) capacity = runs->capacity_max;
    struct snapshot_event *events = mem_resize(runs->events, (size_t)capacity, sizeof *events);
    if (events) runs->events = events;
    uint32_t *order = mem_resize(runs->order, (size_t)capacity, sizeof *order);
    if (order) runs->order = order;
    uint32_t *scratch = mem_resize(runs->scratch, (size_t)capacity, sizeof *scratch);
    if (scratch) runs->scratch = scratch;
    if (!events || !order || !scratch) return err_memory(err, capacity * CELL_BYTES);
    runs->capacity = capacity;
    return KAI_OK;
}

/* By customer, in the order they came: a counting sort. `ends`: (customers), where the events of
 * each end. */
static void group(struct runs *runs, uint32_t *ends) {
    for (int64_t i = 0; i < runs->count; i++) ends[runs->events[i].customer]++;
    uint32_t sum = 0;
    for (int32_t c = 0; c < runs->customer_count; c++) {
        uint32_t count = ends[c];
        ends[c] = sum;
        sum += count;
    }
    for (int64_t i = 0; i < runs->count; i++)
        runs->order[ends[runs->events[i].customer]++] = (uint32_t)i;
}

/* Of two places in the portion. */
static int is_not_later(const void *user, const void *a, const void *b) {
    const struct snapshot_event *events = user;
    return events[*(const uint32_t *)a].time_us <= events[*(const uint32_t *)b].time_us;
}

static kai_status sort_portion(struct runs *runs, kai_err *err) {
    uint32_t *ends = mem_zero((size_t)runs->customer_count + 1, sizeof *ends), begin = 0;
    if (!ends) return err_memory(err, runs->customer_count * (int64_t)sizeof *ends);
    group(runs, ends);
    for (int32_t c = 0; c < runs->customer_count; c++) {
        stable_sort(runs->order + begin, runs->scratch + begin, (int64_t)ends[c] - begin,
                    sizeof *runs->order, is_not_later, runs->events);
        begin = ends[c];
    }
    mem_free(ends);
    return KAI_OK;
}

/* ---- portions in a file ---- */

static kai_status open_file(struct runs *runs, kai_err *err) {
    char name[4096];
    int size = snprintf(name, sizeof name, "%s.sort-%ld", runs->beside, (long)getpid());
    if (size < 0 || size >= (int)sizeof name)
        return err_set(err, KAI_INVALID, "'%.80s...': the path is too long", runs->beside);
    runs->file = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (runs->file < 0) return err_set(err, KAI_IO, "'%s': cannot be made", name);
    (void)unlink(name); /* nobody else sees it, and a crash leaves nothing */
    return KAI_OK;
}

static kai_status move_bytes(struct runs *runs, int is_write, void *bytes, int64_t first,
                             int64_t count, kai_err *err) {
    char *at = bytes;
    off_t offset = (off_t)(first * (int64_t)sizeof(struct snapshot_event));
    size_t left = (size_t)count * sizeof(struct snapshot_event);
    while (left > 0) {
        ssize_t done =
            is_write ? pwrite(runs->file, at, left, offset) : pread(runs->file, at, left, offset);
        if (done < 0 && errno == EINTR) continue;
        if (done <= 0)
            return err_set(err, KAI_IO, "sorting beside '%s': %s", runs->beside,
                           done < 0 && errno == ENOSPC ? "no space left" : "i/o error");
        at += done;
        offset += done;
        left -= (size_t)done;
    }
    return KAI_OK;
}

static kai_status note_run(struct runs *runs, kai_err *err) {
    if (runs->run_count == runs->run_capacity) {
        int64_t capacity = runs->run_capacity ? 2 * runs->run_capacity : 8;
        struct run *grown = mem_resize(runs->list, (size_t)capacity, sizeof *grown);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
        runs->list = grown;
        runs->run_capacity = capacity;
    }
    struct run *run = &runs->list[runs->run_count];
    *run = (struct run){.first = runs->written, .count = runs->count};
    run->block = mem_array(BLOCK_EVENTS, sizeof *run->block);
    if (!run->block) return err_memory(err, BLOCK_EVENTS * (int64_t)sizeof *run->block);
    runs->run_count++;
    return KAI_OK;
}

/* The portion, in order, behind the others. */
static kai_status write_portion(struct runs *runs, kai_err *err) {
    kai_status st = runs->file < 0 ? open_file(runs, err) : KAI_OK;
    if (!st) st = note_run(runs, err);
    if (!st) st = sort_portion(runs, err);
    struct snapshot_event *block = st ? NULL : runs->list[runs->run_count - 1].block;
    for (int64_t i = 0; !st && i < runs->count; i += BLOCK_EVENTS) {
        int64_t count = runs->count - i < BLOCK_EVENTS ? runs->count - i : BLOCK_EVENTS;
        for (int64_t k = 0; k < count; k++) block[k] = runs->events[runs->order[i + k]];
        st = move_bytes(runs, 1, block, runs->written, count, err);
        runs->written += count;
    }
    runs->count = 0;
    runs->customer_count = 0;
    return st;
}

kai_status runs_add(struct runs *runs, const struct snapshot_event *event, kai_err *err) {
    kai_status st = KAI_OK;
    if (runs->count == runs->capacity)
        st = runs->capacity < runs->capacity_max ? grow(runs, err) : write_portion(runs, err);
    if (st) return st;
    runs->events[runs->count++] = *event;
    if (event->customer >= runs->customer_count) runs->customer_count = event->customer + 1;
    return KAI_OK;
}

/* ---- merging ---- */

static const struct snapshot_event *head_of(const struct runs *runs, int64_t run) {
    return &runs->list[run].block[runs->list[run].at];
}

static int is_before(const struct runs *runs, int64_t x, int64_t y) {
    const struct snapshot_event *a = head_of(runs, x), *b = head_of(runs, y);
    if (a->customer != b->customer) return a->customer < b->customer;
    if (a->time_us != b->time_us) return a->time_us < b->time_us;
    return x < y;
}

static void sift_down(struct runs *runs, int64_t at) {
    int64_t *heap = runs->heap;
    for (;;) {
        int64_t least = 2 * at + 1;
        if (least >= runs->heap_count) return;
        if (least + 1 < runs->heap_count && is_before(runs, heap[least + 1], heap[least])) least++;
        if (!is_before(runs, heap[least], heap[at])) return;
        int64_t held = heap[at];
        heap[at] = heap[least];
        heap[least] = held;
        at = least;
    }
}

static kai_status fill_block(struct runs *runs, struct run *run, kai_err *err) {
    int64_t left = run->count - run->read, count = left < BLOCK_EVENTS ? left : BLOCK_EVENTS;
    run->at = 0;
    run->filled = count;
    kai_status st = move_bytes(runs, 0, run->block, run->first + run->read, count, err);
    run->read += count;
    return st;
}

kai_status runs_finish(struct runs *runs, int64_t *ret_runs, kai_err *err) {
    *ret_runs = 1;
    if (runs->file < 0) return sort_portion(runs, err); /* it never left memory */
    kai_status st = runs->count ? write_portion(runs, err) : KAI_OK;
    mem_free(runs->events);
    mem_free(runs->order);
    mem_free(runs->scratch);
    runs->events = NULL;
    runs->order = runs->scratch = NULL;
    *ret_runs = runs->run_count;
    runs->heap = mem_array((size_t)runs->run_count, sizeof *runs->heap);
    if (!st && !runs->heap) st = err_memory(err, runs->run_count * (int64_t)sizeof *runs->heap);
    for (int64_t r = 0; !st && r < runs->run_count; r++) {
        runs->heap[runs->heap_count++] = r;
        st = fill_block(runs, &runs->list[r], err);
    }
    for (int64_t i = runs->heap_count / 2; !st && i-- > 0;) sift_down(runs, i);
    return st;
}

/* The event that was given last is passed over; its run may have no other. */
static kai_status pass_over(struct runs *runs, kai_err *err) {
    struct run *run = &runs->list[runs->heap[0]];
    kai_status st = KAI_OK;
    if (++run->at == run->filled) {
        if (run->read < run->count)
            st = fill_block(runs, run, err);
        else
            runs->heap[0] = runs->heap[--runs->heap_count];
    }
    if (!st) sift_down(runs, 0);
    return st;
}

kai_status runs_next(struct runs *runs, const struct snapshot_event **ret_event, kai_err *err) {
    *ret_event = NULL;
    if (runs->file < 0) {
        if (runs->given < runs->count) *ret_event = &runs->events[runs->order[runs->given++]];
        return KAI_OK;
    }
    kai_status st = runs->given++ ? pass_over(runs, err) : KAI_OK;
    if (!st && runs->heap_count) *ret_event = head_of(runs, runs->heap[0]);
    return st;
}
