#include "base/pool.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/caps.h"

struct loop {
    pool_fn fn;
    void *user;
    int64_t count;
    atomic_llong next;     /* first item that nobody has taken */
    atomic_llong finished; /* items done */
    atomic_llong failed;   /* lowest failing item, or count */
    pthread_mutex_t failure_lock;
    kai_status failure; /* of item `failed` */
    kai_err failure_err;
};

struct worker {
    struct pool *pool;
    int32_t index;
    pthread_t thread;
};

struct pool {
    int32_t threads;
    int32_t started;        /* workers beside the caller */
    struct worker *workers; /* owned */
    pthread_mutex_t lock;
    pthread_cond_t work, idle;
    struct loop *loop;   /* NULL = nothing to do */
    uint64_t generation; /* counts loops */
    int32_t busy;        /* workers inside the loop */
    int is_closing;
};

static void note_failure(struct loop *loop, int64_t item, kai_status st, const kai_err *err) {
    (void)pthread_mutex_lock(&loop->failure_lock); /* a valid default mutex cannot fail */
    if (item < atomic_load(&loop->failed)) {
        atomic_store(&loop->failed, item);
        loop->failure = st;
        loop->failure_err = *err;
    }
    (void)pthread_mutex_unlock(&loop->failure_lock);
}

/* Take items until none is left. Items below a failing one still run, so that the failure that is
 * reported does not depend on timing. */
static void work_on(struct loop *loop, int32_t worker, const struct progress *progress,
                    const char *stage) {
    for (;;) {
        int64_t item = atomic_fetch_add(&loop->next, 1);
        if (item >= loop->count || item > atomic_load(&loop->failed)) return;
        kai_err err = {0};
        kai_status st = loop->fn(loop->user, item, worker, &err);
        int64_t finished = atomic_fetch_add(&loop->finished, 1) + 1;
        if (!st) st = progress_tell(progress, stage, finished, loop->count, &err);
        if (st) note_failure(loop, item, st, &err);
    }
}

static void *run_worker(void *argument) {
    struct worker *worker = argument;
    struct pool *pool = worker->pool;
    uint64_t seen = 0;
    (void)pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->is_closing && (pool->generation == seen || !pool->loop))
            (void)pthread_cond_wait(&pool->work, &pool->lock);
        if (pool->is_closing) break;
        seen = pool->generation;
        struct loop *loop = pool->loop;
        pool->busy++;
        (void)pthread_mutex_unlock(&pool->lock);
        work_on(loop, worker->index, NULL, "");
        (void)pthread_mutex_lock(&pool->lock);
        if (--pool->busy == 0) (void)pthread_cond_signal(&pool->idle);
    }
    (void)pthread_mutex_unlock(&pool->lock);
    return NULL;
}

static int32_t usable_cores(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set)) return 1;
    int cores = CPU_COUNT(&set);
    return cores < 1 ? 1 : cores > CAPS_THREADS ? CAPS_THREADS : cores;
}

kai_status pool_new(int32_t threads, struct pool **ret_pool, kai_err *err) {
    if (threads < 0 || threads > CAPS_THREADS)
        return err_set(err, KAI_INVALID, "threads %d: expected 0 to %d", threads, CAPS_THREADS);
    if (threads == 0) threads = usable_cores();
    struct pool *pool = mem_zero(1, sizeof *pool);
    if (!pool) return err_memory(err, sizeof *pool);
    pool->threads = threads;
    (void)pthread_mutex_init(&pool->lock, NULL); /* default attributes cannot fail on Linux */
    (void)pthread_cond_init(&pool->work, NULL);
    (void)pthread_cond_init(&pool->idle, NULL);
    pool->workers = mem_zero((size_t)threads, sizeof *pool->workers);
    if (!pool->workers) {
        pool_free(pool);
        return err_memory(err, threads * (int64_t)sizeof *pool->workers);
    }
    for (int32_t i = 1; i < threads; i++) {
        struct worker *worker = &pool->workers[pool->started];
        *worker = (struct worker){.pool = pool, .index = i};
        if (pthread_create(&worker->thread, NULL, run_worker, worker)) {
            pool_free(pool);
            return err_set(err, KAI_LIMIT, "thread %d of %d could not be started", i + 1, threads);
        }
        pool->started++;
    }
    *ret_pool = pool;
    return KAI_OK;
}

void pool_free(struct pool *pool) {
    if (!pool) return;
    (void)pthread_mutex_lock(&pool->lock);
    pool->is_closing = 1;
    (void)pthread_cond_broadcast(&pool->work);
    (void)pthread_mutex_unlock(&pool->lock);
    for (int32_t i = 0; i < pool->started; i++) (void)pthread_join(pool->workers[i].thread, NULL);
    (void)pthread_cond_destroy(&pool->idle);
    (void)pthread_cond_destroy(&pool->work);
    (void)pthread_mutex_destroy(&pool->lock);
    mem_free(pool->workers);
    mem_free(pool);
}

int32_t pool_threads(const struct pool *pool) { return pool ? pool->threads : 1; }

kai_status pool_run(struct pool *pool, int64_t count, pool_fn fn, void *user, kai_err *err) {
    return pool_run_telling(pool, count, fn, user, NULL, "", err);
}

kai_status pool_run_telling(struct pool *pool, int64_t count, pool_fn fn, void *user,
                            const struct progress *progress, const char *stage, kai_err *err) {
    if (count <= 0) return KAI_OK;
    struct loop loop = {.fn = fn, .user = user, .count = count};
    atomic_init(&loop.next, 0);
    atomic_init(&loop.finished, 0);
    atomic_init(&loop.failed, count);
    (void)pthread_mutex_init(&loop.failure_lock,
                             NULL); /* default attributes cannot fail on Linux */
    int has_helpers = pool && pool->started > 0 && count > 1;
    if (has_helpers) {
        (void)pthread_mutex_lock(&pool->lock);
        pool->loop = &loop;
        pool->generation++;
        (void)pthread_cond_broadcast(&pool->work);
        (void)pthread_mutex_unlock(&pool->lock);
    }
    work_on(&loop, 0, progress, stage);
    if (has_helpers) {
        (void)pthread_mutex_lock(&pool->lock);
        pool->loop = NULL; /* nobody may join a loop that is about to end */
        while (pool->busy > 0) (void)pthread_cond_wait(&pool->idle, &pool->lock);
        (void)pthread_mutex_unlock(&pool->lock);
    }
    (void)pthread_mutex_destroy(&loop.failure_lock);
    if (loop.failure && err) *err = loop.failure_err;
    return loop.failure;
}
