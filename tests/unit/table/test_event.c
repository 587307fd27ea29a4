#include "table/event.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "kit/check.h"

static void test_event__batch_owns_its_bytes(void **state) {
    (void)state;
    struct event_batch batch;
    event_batch_init(&batch);
    kai_err err = {0};
    for (int i = 0; i < 1000; i++) {
        char id[32], item[32];
        (void)snprintf(id, sizeof id, "m%d", i);
        (void)snprintf(item, sizeof item, "shoe-%d", i);
        struct event event = event_empty();
        event.id = slice_of(id);
        event.item = slice_of(item);
        event.time_us = i;
        CHECK_OK(event_batch_append(&batch, &event, &err), &err);
    }
    assert_int_equal(batch.count, 1000);
    const struct event *last = &batch.events[999];
    assert_true(slice_equal_text(last->id, "m999"));
    assert_true(slice_equal_text(last->item, "shoe-999"));
    assert_int_equal(last->customer.size, 0);
    assert_true(isnan(last->value) && isnan(last->quantity));
    event_batch_reset(&batch);
    assert_int_equal(batch.count, 0);
    event_batch_release(&batch);
}

static void test_event__survives_hunger(void **state) {
    (void)state;
    struct event event = event_empty();
    event.id = slice_of("m1");
    for (int64_t nth = 1;; nth++) {
        struct event_batch batch;
        event_batch_init(&batch);
        kai_err err = {0};
        check_alloc_fail(nth, 0);
        kai_status st = event_batch_append(&batch, &event, &err);
        check_alloc_fail(0, 0);
        assert_int_equal(batch.count, st ? 0 : 1);
        event_batch_release(&batch);
        if (!st) break;
        assert_int_equal(st, KAI_NO_MEMORY);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_event__batch_owns_its_bytes),
        cmocka_unit_test(test_event__survives_hunger),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
