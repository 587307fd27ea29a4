/* kill -9 at any moment: every event that was acknowledged is there, once, and none that was not
 * sent. KAIROS_CRASH_ROUNDS says how often (40). */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "kit/check.h"
#include "store/store.h"

enum { ROUNDS = 40, BATCH_MAX = 400 };

static char folder[512];

static void fill_batch(struct event_batch *batch, int64_t first, int64_t count) {
    kai_err err = {0};
    event_batch_reset(batch);
    for (int64_t i = first; i < first + count; i++) {
        char id[32], customer[32];
        struct event event = event_empty();
        (void)snprintf(id, sizeof id, "id-%lld", (long long)i);
        (void)snprintf(customer, sizeof customer, "c%lld", (long long)(i % 50));
        event.id = slice_of(id);
        event.customer = slice_of(customer);
        event.type = slice_of("view");
        event.time_us = event.received_us = i;
        if (event_batch_append(batch, &event, &err)) _exit(1);
    }
}

/* Write batches, some events twice, and tell the parent after each commit how far it came. */
static void write_until_killed(int out, int64_t first, uint64_t round) {
    struct store *store = NULL;
    struct event_batch batch;
    struct rng rng;
    kai_err err = {0};
    rng_init(&rng, 1, "kill", round);
    event_batch_init(&batch);
    if (store_open(folder, STORE_WRITE, &store, &err)) _exit(2);
    for (;;) {
        int64_t count = 1 + (int64_t)(rng_unit(&rng) * BATCH_MAX), ticket = 0;
        int64_t again = first > 10 ? 10 : 0;
        fill_batch(&batch, first - again, count + again);
        if (store_append(store, &batch, &ticket, &err) || store_wait(store, ticket, ticket, &err))
            _exit(3);
        first += count;
        if (write(out, &first, sizeof first) != (ssize_t)sizeof first) _exit(4);
    }
}

/* The writer of one round, killed after a while. Returns how far it said that it came. */
static int64_t run_round(uint64_t round, int64_t first) {
    int pipes[2];
    int64_t said = 0, last = first;
    struct rng rng;
    rng_init(&rng, 2, "moment", round);
    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (!child) {
        (void)close(pipes[0]);
        write_until_killed(pipes[1], first, round);
    }
    (void)close(pipes[1]);
    const struct timespec nap = {0, (long)(rng_unit(&rng) * 120e6)};
    (void)nanosleep(&nap, NULL);
    assert_int_equal(kill(child, SIGKILL), 0);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status)); /* it did not end by itself */
    while (read(pipes[0], &said, sizeof said) == (ssize_t)sizeof said) last = said;
    (void)close(pipes[0]);
    return last;
}

struct counted {
    int64_t next, wrong;
};

static kai_status count(void *user, const struct event *event, kai_err *err) {
    struct counted *counted = user;
    (void)err;
    counted->wrong += event->time_us != counted->next;
    counted->next++;
    return KAI_OK;
}

static void test_store_kill__keeps_what_was_acknowledged(void **state) {
    const char *asked = getenv("KAIROS_CRASH_ROUNDS");
    int rounds = asked ? atoi(asked) : ROUNDS;
    int64_t first = 0, acknowledged = 0;
    kai_err err = {0};
    (void)state;
    (void)snprintf(folder, sizeof folder, "%s", check_temp_path("killed"));
    CHECK_OK(file_make_dir(folder, &err), &err);
    for (int round = 0; round < rounds; round++) {
        struct store *store = NULL;
        struct counted counted = {0};
        int64_t said = run_round((uint64_t)round, first);
        CHECK_OK(store_open(folder, STORE_WRITE, &store, &err), &err);
        CHECK_OK(store_events(store, count, &counted, &err), &err);
        assert_int_equal(counted.wrong, 0); /* none twice, none missing, none in between */
        assert_true(counted.next >= said);
        assert_true(counted.next <= said + BATCH_MAX); /* at most the one under way */
        assert_int_equal(store_event_count(store), counted.next);
        if (round % 10 == 9) {
            struct store_report report;
            CHECK_OK(store_verify(store, &report, &err), &err);
        }
        store_close(store);
        acknowledged += said - first;
        first = counted.next;
    }
    assert_true(acknowledged > rounds); /* it was at work when it was killed */
    print_message("%d rounds, %lld events acknowledged\n", rounds, (long long)acknowledged);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_store_kill__keeps_what_was_acknowledged),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
