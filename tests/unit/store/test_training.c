/* Training snapshots of a store: sorted, filtered, the same bytes whatever the memory. */
#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/rng.h"
#include "kit/check.h"
#include "store/store.h"
#include "table/snapshot.h"

enum { EVENTS = 3000, CUSTOMERS = 40 };

static struct event event_of(const char *id, const char *customer, const char *type, int64_t time) {
    struct event event = event_empty();
    event.id = slice_of(id);
    event.customer = slice_of(customer);
    event.type = slice_of(type);
    event.item = slice_of("shoe");
    event.time_us = time;
    return event;
}

static struct store *open_store(const char *name) {
    const char *folder = check_temp_path(name);
    struct store *store = NULL;
    kai_err err = {0};
    CHECK_OK(file_make_dir(folder, &err), &err);
    CHECK_OK(store_open(folder, STORE_WRITE, &store, &err), &err);
    return store;
}

static void append(struct store *store, const struct event *events, int64_t count) {
    struct event_batch batch;
    int64_t ticket = 0;
    kai_err err = {0};
    event_batch_init(&batch);
    for (int64_t i = 0; i < count; i++)
        CHECK_OK(event_batch_append(&batch, &events[i], &err), &err);
    CHECK_OK(store_append(store, &batch, &ticket, &err), &err);
    event_batch_release(&batch);
}

static struct store_snapshot_report take(struct store *store, const char *path,
                                         const struct store_snapshot_request *request,
                                         struct snapshot *ret_snapshot) {
    struct store_snapshot_report report = {0};
    kai_err err = {0};
    CHECK_OK(store_snapshot(store, path, request, &report, &err), &err);
    CHECK_OK(snapshot_open(path, ret_snapshot, &err), &err);
    CHECK_OK(snapshot_check(ret_snapshot, path, &err), &err);
    assert_int_equal(report.events, ret_snapshot->event_count);
    assert_int_equal(report.customers, ret_snapshot->customer_count);
    return report;
}

/* The numbers in the channels tell the events apart. */
static void check_channels(const struct snapshot *snapshot, const char *expected) {
    char said[256] = "";
    for (int64_t c = 0; c < snapshot->customer_count; c++) {
        struct slice name = snapshot_name(snapshot, SNAPSHOT_CUSTOMER, c);
        size_t used = strlen(said);
        (void)snprintf(said + used, sizeof said - used, "%.*s:", (int)name.size, name.data);
        for (int64_t e = snapshot->offsets[c]; e < snapshot->offsets[c + 1]; e++) {
            struct slice channel = snapshot_name(snapshot, SNAPSHOT_CHANNEL, snapshot->channels[e]);
            used = strlen(said);
            (void)snprintf(said + used, sizeof said - used, "%.*s", (int)channel.size,
                           channel.data);
        }
        used = strlen(said);
        (void)snprintf(said + used, sizeof said - used, " ");
    }
    assert_string_equal(said, expected);
}

static struct slice merged(void *user, struct slice name) {
    ++*(int *)user;
    return slice_equal_text(name, "device") ? slice_of("ann") : name;
}

static struct store *small_store(void) {
    struct store *store = open_store("small");
    struct event events[] = {
        event_of("e0", "bob", "view", 30),  event_of("e1", "ann", "view", 20),
        event_of("e2", "ann", "order", 10), event_of("e3", "ann", "view", 20),
        event_of("e4", "bob", "cart", 30),  event_of("e5", "", "view", 15),
        event_of("e6", "robot", "view", 1), event_of("e7", "ann", "page", 5),
    };
    static const char *const CHANNELS[] = {"0", "1", "2", "3", "4", "5", "6", "7"};
    for (int i = 0; i < 8; i++) events[i].channel = slice_of(CHANNELS[i]);
    events[5].anonymous = slice_of("device");
    events[6].flags = EVENT_BOT;
    events[7].item = slice_of("");
    append(store, events, 8);
    return store;
}

static void test_training__sorts_by_customer_time_and_arrival(void **state) {
    struct store *store = small_store();
    struct snapshot snapshot;
    const struct store_snapshot_request all = {0};
    (void)state;
    struct store_snapshot_report report = take(store, check_temp_path("a"), &all, &snapshot);
    check_channels(&snapshot, "bob:04 ann:7213 device:5 robot:6 ");
    assert_int_equal(report.left_out, 0);
    snapshot_close(&snapshot);
    store_close(store);
}

static void test_training__leaves_out_what_is_not_asked_for(void **state) {
    static const char *const TYPES[] = {"view", "order"};
    struct store *store = small_store();
    struct snapshot snapshot;
    int asked = 0;
    const struct store_snapshot_request request = {.types = TYPES,
                                                   .type_count = 2,
                                                   .flags_excluded = EVENT_BOT,
                                                   .needs_item = 1,
                                                   .person = merged,
                                                   .user = &asked};
    (void)state;
    struct store_snapshot_report report = take(store, check_temp_path("b"), &request, &snapshot);
    check_channels(&snapshot, "bob:0 ann:2513 ");
    assert_int_equal(report.left_out, 3);
    assert_int_equal(asked, 3); /* once a name */
    assert_int_equal(snapshot.names[SNAPSHOT_TYPE].count, 2);
    snapshot_close(&snapshot);
    store_close(store);
}

static void fill(struct store *store, int64_t first, int64_t count) {
    for (int64_t i = first; i < first + count; i++) {
        char id[32], customer[32], item[32];
        struct rng rng;
        rng_init(&rng, 3, "training", (uint64_t)i);
        (void)snprintf(id, sizeof id, "id-%lld", (long long)i);
        (void)snprintf(customer, sizeof customer, "c%d", (int)(rng_unit(&rng) * CUSTOMERS));
        (void)snprintf(item, sizeof item, "i%d", (int)(rng_unit(&rng) * 30));
        struct event event = event_of(id, customer, "view", (int64_t)(rng_unit(&rng) * 500));
        event.item = slice_of(item);
        event.value = (double)i;
        append(store, &event, 1);
    }
}

static void read_file(const char *path, struct buf *out) {
    kai_err err = {0};
    buf_init(out, 1 << 24);
    CHECK_OK(file_read_all(path, 1 << 24, out, &err), &err);
}

/* In one portion, in many, by a reader, and again. */
static void test_training__gives_the_same_bytes_for_any_memory(void **state) {
    struct store *store = open_store("large"), *reader = NULL;
    struct store_snapshot_request request = {0};
    struct snapshot snapshot;
    struct buf one, other;
    char path[4][256];
    kai_err err = {0};
    (void)state;
    fill(store, 0, EVENTS);
    for (int i = 0; i < 4; i++)
        (void)snprintf(path[i], sizeof path[i], "%s%d", check_temp_path("c"), i);
    assert_int_equal(take(store, path[0], &request, &snapshot).runs, 1);
    assert_int_equal(snapshot.event_count, EVENTS);
    assert_int_equal(snapshot.customer_count, CUSTOMERS);
    for (int64_t e = 1; e < snapshot.offsets[1]; e++) /* ties stand as they came */
        assert_true(snapshot.times_us[e - 1] < snapshot.times_us[e] ||
                    snapshot.values[e - 1] < snapshot.values[e]);
    snapshot_close(&snapshot);
    request.memory_bytes = 4000;
    assert_true(take(store, path[1], &request, &snapshot).runs > 20);
    snapshot_close(&snapshot);
    request.memory_bytes = 1;
    assert_true(take(store, path[2], &request, &snapshot).runs > 1000);
    snapshot_close(&snapshot);
    CHECK_OK(store_open(check_temp_path("large"), STORE_READ, &reader, &err), &err);
    request.memory_bytes = 0;
    (void)take(reader, path[3], &request, &snapshot);
    snapshot_close(&snapshot);
    store_close(reader);
    read_file(path[0], &one);
    for (int i = 1; i < 4; i++) {
        read_file(path[i], &other);
        assert_int_equal(one.size, other.size);
        assert_memory_equal(one.data, other.data, one.size);
        buf_release(&other);
    }
    buf_release(&one);
    store_close(store);
}

static void test_training__says_why_there_is_none(void **state) {
    static const char *const TYPES[] = {"refund"};
    struct store *store = small_store(), *empty = open_store("empty");
    struct store_snapshot_report report;
    struct store_snapshot_request request = {.types = TYPES, .type_count = 1};
    const char *path = check_temp_path("none");
    kai_err err = {0};
    (void)state;
    CHECK_FAILS(store_snapshot(store, path, &request, &report, &err), &err, KAI_NOT_FOUND,
                "no event of a customer");
    CHECK_FAILS(store_snapshot(empty, path, &request, &report, &err), &err, KAI_NOT_FOUND,
                "no event");
    assert_false(file_exists(path));
    request.type_count = 0;
    CHECK_FAILS(store_snapshot(store, "/nowhere/x", &request, &report, &err), &err, KAI_NOT_FOUND,
                "nowhere");
    request.memory_bytes = 1;
    CHECK_FAILS(store_snapshot(store, "/nowhere/x", &request, &report, &err), &err, KAI_IO,
                "nowhere");
    store_close(empty);
    store_close(store);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_training__sorts_by_customer_time_and_arrival),
        cmocka_unit_test(test_training__leaves_out_what_is_not_asked_for),
        cmocka_unit_test(test_training__gives_the_same_bytes_for_any_memory),
        cmocka_unit_test(test_training__says_why_there_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
