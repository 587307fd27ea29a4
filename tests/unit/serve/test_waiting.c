/* The bounded queue: order, its limit, and its end. */
#include <pthread.h>

#include "kit/check.h"
#include "serve/waiting.h"

enum { CAPACITY = 3, SENDERS = 4, EACH = 5000 };

static struct waiting *make(int64_t capacity) {
    struct waiting *waiting = NULL;
    kai_err err = {0};
    CHECK_OK(waiting_new(capacity, &waiting, &err), &err);
    return waiting;
}

static void test_waiting__keeps_the_order_and_its_limit(void **state) {
    static struct exchange exchanges[CAPACITY + 1];
    struct exchange *taken[CAPACITY];
    struct waiting *waiting = make(CAPACITY);
    (void)state;
    for (int i = 0; i < CAPACITY; i++) assert_int_equal(waiting_push(waiting, &exchanges[i]), 1);
    assert_int_equal(waiting_push(waiting, &exchanges[CAPACITY]), 0);
    assert_int_equal(waiting_count(waiting), CAPACITY);
    assert_int_equal(waiting_take(waiting, taken, 2), 2);
    assert_ptr_equal(taken[0], &exchanges[0]);
    assert_ptr_equal(taken[1], &exchanges[1]);
    assert_int_equal(waiting_push(waiting, &exchanges[CAPACITY]), 1);
    assert_int_equal(waiting_take(waiting, taken, CAPACITY), 2);
    assert_ptr_equal(taken[0], &exchanges[2]);
    assert_ptr_equal(taken[1], &exchanges[CAPACITY]);
    waiting_close(waiting);
    assert_int_equal(waiting_push(waiting, &exchanges[0]), 0);
    assert_int_equal(waiting_take(waiting, taken, CAPACITY), 0);
    waiting_free(waiting);
}

struct sender {
    struct waiting *waiting;
    struct exchange exchanges[EACH];
    pthread_t thread;
};

static void *send_all(void *argument) {
    struct sender *sender = argument;
    for (int i = 0; i < EACH; i++) {
        sender->exchanges[i].request.body_bytes = i;
        while (!waiting_push(sender->waiting, &sender->exchanges[i])) {
        }
    }
    return NULL;
}

static void test_waiting__gives_each_exchange_once(void **state) {
    static struct sender senders[SENDERS];
    struct waiting *waiting = make(16);
    int64_t got = 0, next[SENDERS] = {0};
    (void)state;
    for (int s = 0; s < SENDERS; s++) {
        senders[s].waiting = waiting;
        assert_int_equal(pthread_create(&senders[s].thread, NULL, send_all, &senders[s]), 0);
    }
    while (got < SENDERS * EACH) {
        struct exchange *taken[8];
        int64_t count = waiting_take(waiting, taken, 8);
        for (int64_t i = 0; i < count; i++)
            for (int s = 0; s < SENDERS; s++)
                if (taken[i] >= senders[s].exchanges && taken[i] < senders[s].exchanges + EACH)
                    assert_int_equal(taken[i]->request.body_bytes, next[s]++);
        got += count;
    }
    for (int s = 0; s < SENDERS; s++) {
        assert_int_equal(pthread_join(senders[s].thread, NULL), 0);
        assert_int_equal(next[s], EACH);
    }
    assert_int_equal(waiting_count(waiting), 0);
    waiting_free(waiting);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_waiting__keeps_the_order_and_its_limit),
        cmocka_unit_test(test_waiting__gives_each_exchange_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
