#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/pool.h"
#include "kit/check.h"

enum { ITEMS = 5000 };

struct sums {
    uint64_t hashes[ITEMS];
    atomic_int times[ITEMS];
    int32_t workers_max;
    int64_t fails_from; /* items from here on fail where their number ends in 7 */
};

static kai_status work(void *user, int64_t item, int32_t worker, kai_err *err) {
    struct sums *sums = user;
    if (worker < 0 || worker >= sums->workers_max) return err_set(err, KAI_STATE, "worker");
    uint64_t hash = (uint64_t)item;
    for (int i = 0; i < 50; i++) hash = hash_mix(hash);
    sums->hashes[item] = hash;
    atomic_fetch_add(&sums->times[item], 1);
    if (item >= sums->fails_from && item % 10 == 7)
        return err_set(err, KAI_DIVERGED, "item %lld", (long long)item);
    return KAI_OK;
}

static struct pool *open_pool(int32_t threads) {
    struct pool *pool = NULL;
    kai_err err;
    CHECK_OK(pool_new(threads, &pool, &err), &err);
    return pool;
}

static void test_pool__every_item_runs_once_for_any_threads(void **state) {
    (void)state;
    static struct sums one, many;
    one.workers_max = 1;
    one.fails_from = many.fails_from = ITEMS;
    kai_err err;
    CHECK_OK(pool_run(NULL, ITEMS, work, &one, &err), &err);
    static const int32_t THREADS[] = {1, 2, 3, 8, 33};
    for (size_t i = 0; i < sizeof THREADS / sizeof *THREADS; i++) {
        memset(many.hashes, 0, sizeof many.hashes);
        for (int k = 0; k < ITEMS; k++) atomic_store(&many.times[k], 0);
        struct pool *pool = open_pool(THREADS[i]);
        many.workers_max = pool_threads(pool);
        assert_int_equal(many.workers_max, THREADS[i]);
        CHECK_OK(pool_run(pool, ITEMS, work, &many, &err), &err);
        pool_free(pool);
        assert_memory_equal(one.hashes, many.hashes, sizeof one.hashes);
        for (int k = 0; k < ITEMS; k++) assert_int_equal(atomic_load(&many.times[k]), 1);
    }
}

static void test_pool__the_lowest_failure_is_reported(void **state) {
    (void)state;
    static struct sums sums;
    struct pool *pool = open_pool(4);
    sums.workers_max = 4;
    for (int round = 0; round < 200; round++) {
        sums.fails_from = round * 3;
        int64_t lowest = (sums.fails_from + 2) / 10 * 10 + 7;
        if (lowest < sums.fails_from) lowest += 10;
        kai_err err, expected;
        (void)err_set(&expected, KAI_DIVERGED, "item %lld", (long long)lowest);
        CHECK_FAILS(pool_run(pool, ITEMS, work, &sums, &err), &err, KAI_DIVERGED, expected.message);
        assert_string_equal(err.message, expected.message);
        assert_int_equal(pool_run(pool, ITEMS, work, &sums, NULL), KAI_DIVERGED);
    }
    pool_free(pool);
}

static kai_status count_up(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)item, (void)worker, (void)err;
    atomic_fetch_add((atomic_llong *)user, 1);
    return KAI_OK;
}

static void test_pool__survives_many_short_loops(void **state) {
    (void)state;
    struct pool *pool = open_pool(3);
    atomic_llong count;
    atomic_init(&count, 0);
    int64_t expected = 0;
    for (int64_t round = 0; round < 5000; round++) {
        kai_err err;
        CHECK_OK(pool_run(pool, round % 5, count_up, &count, &err), &err);
        expected += round % 5;
        assert_int_equal(atomic_load(&count), expected); /* all are done when the call returns */
    }
    pool_free(pool);
}

struct watcher {
    int64_t calls, last, cancels_at;
};

static int watch(void *user, const char *stage, int64_t done, int64_t total) {
    struct watcher *watcher = user;
    assert_string_equal(stage, "counting");
    assert_int_equal(total, ITEMS);
    assert_true(done > watcher->last && done <= total);
    watcher->last = done;
    watcher->calls++;
    return done >= watcher->cancels_at;
}

static void test_pool__tells_progress_and_can_be_cancelled(void **state) {
    (void)state;
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        struct pool *pool = open_pool(threads);
        atomic_llong count;
        atomic_init(&count, 0);
        struct watcher watcher = {.cancels_at = ITEMS + 1};
        struct progress progress = {watch, &watcher};
        kai_err err;
        CHECK_OK(pool_run_telling(pool, ITEMS, count_up, &count, &progress, "counting", &err),
                 &err);
        assert_int_equal(atomic_load(&count), ITEMS);
        if (threads == 1) assert_int_equal(watcher.calls, ITEMS);
        atomic_store(&count, 0);
        watcher = (struct watcher){.cancels_at = 1};
        kai_status st =
            pool_run_telling(pool, ITEMS, count_up, &count, &progress, "counting", &err);
        /* with helpers the caller may find nothing left to do, and then nobody asks it */
        if (threads == 1 || watcher.calls > 0) {
            CHECK_FAILS(st, &err, KAI_CANCELLED, "cancelled during 'counting'");
            assert_int_equal(watcher.calls, 1);
        }
        if (threads == 1) assert_int_equal(atomic_load(&count), 1);
        pool_free(pool);
    }
}

static void test_pool__nothing_to_do_is_fine(void **state) {
    (void)state;
    kai_err err;
    CHECK_OK(pool_run(NULL, 0, count_up, NULL, &err), &err);
    CHECK_OK(pool_run(NULL, -1, count_up, NULL, &err), &err);
    assert_int_equal(pool_threads(NULL), 1);
    pool_free(NULL);
}

static void test_pool__refuses_impossible_sizes(void **state) {
    (void)state;
    struct pool *pool = NULL;
    kai_err err;
    CHECK_FAILS(pool_new(-1, &pool, &err), &err, KAI_INVALID, "threads -1: expected 0 to 256");
    CHECK_FAILS(pool_new(CAPS_THREADS + 1, &pool, &err), &err, KAI_INVALID, "257");
    assert_null(pool);
    pool = open_pool(0);
    assert_true(pool_threads(pool) >= 1);
    pool_free(pool);
}

static void test_clock__goes_forward(void **state) {
    (void)state;
    double before = clock_seconds();
    for (int i = 0; i < 1000; i++) {
        double now = clock_seconds();
        assert_true(now >= before);
        before = now;
    }
    assert_true(clock_wall_us() > 1700000000000000); /* after November 2023 */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool__every_item_runs_once_for_any_threads),
        cmocka_unit_test(test_pool__the_lowest_failure_is_reported),
        cmocka_unit_test(test_pool__survives_many_short_loops),
        cmocka_unit_test(test_pool__tells_progress_and_can_be_cancelled),
        cmocka_unit_test(test_pool__nothing_to_do_is_fine),
        cmocka_unit_test(test_pool__refuses_impossible_sizes),
        cmocka_unit_test(test_clock__goes_forward),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
