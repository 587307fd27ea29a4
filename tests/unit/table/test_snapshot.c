/* Training snapshots: what was written is there, and no damage goes unseen. */
#include "table/snapshot.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/file.h"
#include "kit/check.h"

static void add(struct dict *dict, const char *text) {
    int32_t code = 0;
    assert_int_equal(dict_add(dict, slice_of(text), &code, NULL), KAI_OK);
}

struct names {
    struct dict dicts[SNAPSHOT_DICTIONARIES];
    const struct dict *list[SNAPSHOT_DICTIONARIES];
};

static void make_names(struct names *names) {
    static const char *const TEXTS[SNAPSHOT_DICTIONARIES][3] = {
        {"ann", "bob", "顾客"}, {"鞋", "sku-2"}, {"view", "order"}, {"web"}, {"EUR"}};
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++) {
        dict_init(&names->dicts[d]);
        names->list[d] = &names->dicts[d];
        for (int i = 0; i < 3 && TEXTS[d][i]; i++) add(&names->dicts[d], TEXTS[d][i]);
    }
}

static void release_names(struct names *names) {
    for (int d = 0; d < SNAPSHOT_DICTIONARIES; d++) dict_release(&names->dicts[d]);
}

/* ann has two events, bob none, the third one. */
static const struct snapshot_event EVENTS[] = {
    {.time_us = 5, .customer = 0, .item = 1, .value = 2.5f, .quantity = NAN, .type = 1},
    {.time_us = 5, .customer = 0, .item = -1, .value = NAN, .quantity = 3, .channel = 65535},
    {.time_us = -7, .customer = 2, .item = 0, .value = 1, .quantity = 1, .currency = 65535},
};

static kai_status write_named(const char *path, const struct names *names, int64_t said,
                              int64_t given, kai_err *err) {
    struct snapshot_writer *writer = NULL;
    kai_status st = snapshot_create(path, said, names->list, &writer, err);
    for (int64_t i = 0; !st && i < given; i++) st = snapshot_append(writer, &EVENTS[i], err);
    if (!st) return snapshot_commit(writer, err);
    snapshot_abandon(writer);
    return st;
}

static kai_status write_events(const char *path, int64_t said, int64_t given, kai_err *err) {
    struct names names;
    make_names(&names);
    kai_status st = write_named(path, &names, said, given, err);
    release_names(&names);
    return st;
}

static const char *written(void) {
    const char *path = check_temp_path("events.snapshot");
    kai_err err = {0};
    CHECK_OK(write_events(path, 3, 3, &err), &err);
    return path;
}

static void check_name(const struct snapshot *snapshot, enum snapshot_dictionary which,
                       int64_t code, const char *expected) {
    assert_true(slice_equal_text(snapshot_name(snapshot, which, code), expected));
}

static void test_snapshot__gives_back_what_was_written(void **state) {
    const char *path = written();
    struct snapshot snapshot;
    kai_err err = {0};
    (void)state;
    assert_true(snapshot_is(path));
    CHECK_OK(snapshot_open(path, &snapshot, &err), &err);
    CHECK_OK(snapshot_check(&snapshot, path, &err), &err);
    assert_int_equal(snapshot.event_count, 3);
    assert_int_equal(snapshot.customer_count, 3);
    const int64_t offsets[] = {0, 2, 2, 3};
    assert_memory_equal(snapshot.offsets, offsets, sizeof offsets);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(snapshot.times_us[i], EVENTS[i].time_us);
        assert_int_equal(snapshot.items[i], EVENTS[i].item);
        assert_int_equal(snapshot.types[i], EVENTS[i].type);
        assert_int_equal(snapshot.channels[i], EVENTS[i].channel);
        assert_int_equal(snapshot.currencies[i], EVENTS[i].currency);
        assert_memory_equal(&snapshot.values[i], &EVENTS[i].value, sizeof(float));
        assert_memory_equal(&snapshot.quantities[i], &EVENTS[i].quantity, sizeof(float));
    }
    check_name(&snapshot, SNAPSHOT_CUSTOMER, 2, "顾客");
    check_name(&snapshot, SNAPSHOT_ITEM, 0, "鞋");
    check_name(&snapshot, SNAPSHOT_TYPE, 1, "order");
    check_name(&snapshot, SNAPSHOT_CURRENCY, 0, "EUR");
    snapshot_close(&snapshot);
}

static void test_snapshot__refuses_another_number_of_events(void **state) {
    const char *path = check_temp_path("few.snapshot");
    kai_err err = {0};
    (void)state;
    CHECK_FAILS(write_events(path, 3, 2, &err), &err, KAI_STATE, "3 events was given 2");
    assert_false(file_exists(path));
}

static void test_snapshot__refuses_what_is_none(void **state) {
    struct snapshot snapshot;
    kai_err err = {0};
    (void)state;
    CHECK_FAILS(snapshot_open(check_temp_path("nowhere"), &snapshot, &err), &err, KAI_NOT_FOUND,
                "no such file");
    CHECK_FAILS(snapshot_open(check_write("empty", ""), &snapshot, &err), &err, KAI_CORRUPT,
                "not a snapshot");
    CHECK_FAILS(snapshot_open(check_write("other", "user,item\nann,1\n"), &snapshot, &err), &err,
                KAI_CORRUPT, "not a snapshot");
    CHECK_FAILS(snapshot_open("/", &snapshot, &err), &err, KAI_INVALID, "not a regular file");
    assert_false(snapshot_is(check_temp_path("nowhere")));
    const char *pipe = check_temp_path("pipe"); /* to open it would wait for a writer */
    assert_int_equal(mkfifo(pipe, 0600), 0);
    assert_false(snapshot_is(pipe));
}

static kai_status parse_and_check(const struct buf *whole, size_t size, kai_err *err) {
    struct snapshot snapshot;
    kai_status st = snapshot_parse("it", whole->data, size, &snapshot, err);
    return st ? st : snapshot_check(&snapshot, "it", err);
}

/* Every byte that means something is under a checksum. */
static void test_snapshot__sees_every_damage(void **state) {
    struct buf whole;
    kai_err err = {0};
    int64_t unseen = 0;
    (void)state;
    buf_init(&whole, 1 << 20);
    CHECK_OK(file_read_all(written(), 1 << 20, &whole, &err), &err);
    CHECK_OK(parse_and_check(&whole, whole.size, &err), &err);
    for (size_t at = 0; at < whole.size; at++) {
        whole.data[at] ^= 0x10;
        kai_status st = parse_and_check(&whole, whole.size, &err);
        assert_true(st == KAI_OK || st == KAI_CORRUPT || st == KAI_UNSUPPORTED);
        unseen += st == KAI_OK; /* between two parts */
        whole.data[at] ^= 0x10;
    }
    assert_in_range(unseen, 1, 20 * 64);
    for (size_t size = 0; size < whole.size - 1; size++)
        CHECK_FAILS(parse_and_check(&whole, size, &err), &err, KAI_CORRUPT, "cut");
    buf_release(&whole);
}

static struct names exhausting_names;

static kai_status exhausting(kai_err *err) {
    return write_named(check_temp_path("oom.snapshot"), &exhausting_names, 3, 3, err);
}

static void test_snapshot__survives_a_lack_of_memory(void **state) {
    (void)state;
    make_names(&exhausting_names);
    check_exhaust(exhausting);
    release_names(&exhausting_names);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_snapshot__gives_back_what_was_written),
        cmocka_unit_test(test_snapshot__refuses_another_number_of_events),
        cmocka_unit_test(test_snapshot__refuses_what_is_none),
        cmocka_unit_test(test_snapshot__sees_every_damage),
        cmocka_unit_test(test_snapshot__survives_a_lack_of_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
