#include "serve/waiting.h"

#include <pthread.h>

#include "base/alloc.h"
#include "base/err.h"

struct waiting {
    pthread_mutex_t lock;
    pthread_cond_t filled;
    struct exchange *first, *last; /* borrowed, linked by `next` */
    int64_t count, capacity;
    int is_closed;
};

/* A valid default mutex or condition cannot fail: results of pthread calls are not looked at. */

kai_status waiting_new(int64_t capacity, struct waiting **ret_waiting, kai_err *err) {
    struct waiting *waiting = mem_zero(1, sizeof *waiting);
    if (!waiting) return err_memory(err, sizeof *waiting);
    (void)pthread_mutex_init(&waiting->lock, NULL);
    (void)pthread_cond_init(&waiting->filled, NULL);
    waiting->capacity = capacity;
    *ret_waiting = waiting;
    return KAI_OK;
}

void waiting_free(struct waiting *waiting) {
    if (!waiting) return;
    KAI_ASSERT(waiting->count == 0);
    (void)pthread_cond_destroy(&waiting->filled);
    (void)pthread_mutex_destroy(&waiting->lock);
    mem_free(waiting);
}

int waiting_push(struct waiting *waiting, struct exchange *exchange) {
    (void)pthread_mutex_lock(&waiting->lock);
    int has_room = !waiting->is_closed && waiting->count < waiting->capacity;
    if (has_room) {
        exchange->next = NULL;
        if (waiting->last)
            waiting->last->next = exchange;
        else
            waiting->first = exchange;
        waiting->last = exchange;
        waiting->count++;
        (void)pthread_cond_signal(&waiting->filled);
    }
    (void)pthread_mutex_unlock(&waiting->lock);
    return has_room;
}

int64_t waiting_take(struct waiting *waiting, struct exchange **ret_exchanges, int64_t capacity) {
    int64_t taken = 0;
    (void)pthread_mutex_lock(&waiting->lock);
    while (!waiting->first && !waiting->is_closed)
        (void)pthread_cond_wait(&waiting->filled, &waiting->lock);
    while (waiting->first && taken < capacity) {
        ret_exchanges[taken++] = waiting->first;
        waiting->first = waiting->first->next;
    }
    if (!waiting->first) waiting->last = NULL;
    waiting->count -= taken;
    (void)pthread_mutex_unlock(&waiting->lock);
    return taken;
}

void waiting_close(struct waiting *waiting) {
    (void)pthread_mutex_lock(&waiting->lock);
    waiting->is_closed = 1;
    (void)pthread_cond_broadcast(&waiting->filled);
    (void)pthread_mutex_unlock(&waiting->lock);
}

int64_t waiting_count(struct waiting *waiting) {
    (void)pthread_mutex_lock(&waiting->lock);
    int64_t count = waiting->count;
    (void)pthread_mutex_unlock(&waiting->lock);
    return count;
}
