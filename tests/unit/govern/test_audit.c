#include "govern/audit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "kit/check.h"

enum { LINES = 5 };

struct record {
    struct secret_keys *keys;
    char path[512], head_path[520];
    struct buf text, head;
};

static struct record write_record(const char *name) {
    struct record record = {0};
    unsigned char master[SECRET_MASTER_BYTES] = {3};
    kai_err err = {0};
    CHECK_OK(secret_keys_new(master, &record.keys, &err), &err);
    (void)snprintf(record.path, sizeof record.path, "%s", check_temp_path(name));
    (void)snprintf(record.head_path, sizeof record.head_path, "%s.head", record.path);
    (void)remove(record.path);
    (void)remove(record.head_path);
    for (int i = 0; i < LINES; i++) {
        const struct audit_entry entry = {1772353805250000 + i, "cli", "consent set", "p_x",
                                          "{\"purpose\":\"analytics\"}"};
        struct audit_state state;
        CHECK_OK(audit_append(record.keys, record.path, &entry, &state, &err), &err);
        assert_int_equal(state.count, i + 1);
    }
    buf_init(&record.text, 1 << 20);
    buf_init(&record.head, 1 << 20);
    CHECK_OK(file_read_all(record.path, 1 << 20, &record.text, &err), &err);
    CHECK_OK(file_read_all(record.head_path, 1 << 20, &record.head, &err), &err);
    return record;
}

static void release(struct record *record) {
    secret_keys_free(record->keys);
    buf_release(&record->text);
    buf_release(&record->head);
}

static kai_status check(const struct record *record, struct slice text, kai_err *err) {
    struct audit_state state;
    return audit_check(record->keys, "audit", text,
                       (struct slice){record->head.data, record->head.size}, NULL, &state, err);
}

static void test_audit__accepts_what_it_wrote(void **state) {
    (void)state;
    struct record record = write_record("audit_whole");
    struct audit_state found = {0};
    kai_err err = {0};
    CHECK_OK(audit_verify(record.keys, record.path, NULL, &found, &err), &err);
    assert_int_equal(found.count, LINES);
    CHECK_OK(audit_verify(record.keys, record.path, found.head, &found, &err), &err);
    CHECK_FAILS(audit_verify(record.keys, record.path, "feed", &found, &err), &err, KAI_CORRUPT,
                "is not in it");
    release(&record);
}

static void test_audit__finds_a_change_of_any_byte(void **state) {
    (void)state;
    struct record record = write_record("audit_bytes");
    for (size_t at = 0; at < record.text.size; at++) {
        kai_err err = {0};
        record.text.data[at] ^= 1;
        assert_int_equal(check(&record, (struct slice){record.text.data, record.text.size}, &err),
                         KAI_CORRUPT);
        record.text.data[at] ^= 1;
    }
    for (size_t at = 0; at < record.head.size; at++) {
        kai_err err = {0};
        record.head.data[at] ^= 1;
        assert_int_equal(check(&record, (struct slice){record.text.data, record.text.size}, &err),
                         KAI_CORRUPT);
        record.head.data[at] ^= 1;
    }
    release(&record);
}

/* Offsets of the lines, and of the end. */
static void find_lines(const struct record *record, size_t starts[LINES + 1]) {
    starts[0] = 0;
    for (int i = 1; i <= LINES; i++) {
        const char *end = strchr(record->text.data + starts[i - 1], '\n');
        starts[i] = (size_t)(end + 1 - record->text.data);
    }
}

static void test_audit__finds_lines_removed_moved_and_cut(void **state) {
    (void)state;
    struct record record = write_record("audit_lines");
    size_t starts[LINES + 1];
    char *changed = malloc(2 * record.text.size);
    assert_non_null(changed);
    find_lines(&record, starts);
    for (int gone = 0; gone < LINES; gone++) {
        kai_err err = {0};
        size_t rest = record.text.size - starts[gone + 1];
        memcpy(changed, record.text.data, starts[gone]);
        memcpy(changed + starts[gone], record.text.data + starts[gone + 1], rest);
        assert_int_equal(check(&record, (struct slice){changed, starts[gone] + rest}, &err),
                         KAI_CORRUPT);
        CHECK_FAILS(check(&record, (struct slice){record.text.data, starts[gone]}, &err), &err,
                    KAI_CORRUPT, "missing at its end");
    }
    for (int twice = 0; twice < LINES; twice++) {
        kai_err err = {0};
        size_t size = starts[twice + 1] - starts[twice];
        memcpy(changed, record.text.data, record.text.size);
        memcpy(changed + record.text.size, record.text.data + starts[twice], size);
        assert_int_equal(check(&record, (struct slice){changed, record.text.size + size}, &err),
                         KAI_CORRUPT);
    }
    free(changed);
    release(&record);
}

static void test_audit__goes_on_after_a_crash(void **state) {
    (void)state;
    struct record record = write_record("audit_crash");
    const struct audit_entry entry = {1, "cli", "forget", "p_y", NULL};
    struct audit_state found;
    kai_err err = {0};
    /* between line and head: the old head stands beside a record of one line more */
    CHECK_OK(audit_append(record.keys, record.path, &entry, NULL, &err), &err);
    CHECK_OK(file_write_all(record.head_path, record.head.data, record.head.size, &err), &err);
    CHECK_OK(audit_verify(record.keys, record.path, NULL, &found, &err), &err);
    assert_int_equal(found.count, LINES + 1);
    CHECK_OK(audit_append(record.keys, record.path, &entry, &found, &err), &err);
    assert_int_equal(found.count, LINES + 2);
    /* within a line */
    FILE *file = fopen(record.path, "a");
    assert_non_null(file);
    (void)fputs("{\"seq\":8,\"ti", file);
    assert_int_equal(fclose(file), 0);
    CHECK_OK(audit_append(record.keys, record.path, &entry, &found, &err), &err);
    assert_int_equal(found.count, LINES + 3);
    CHECK_OK(audit_verify(record.keys, record.path, NULL, &found, &err), &err);
    assert_int_equal(found.count, LINES + 3);
    release(&record);
}

static void test_audit__refuses_to_go_on_after_a_cut(void **state) {
    (void)state;
    struct record record = write_record("audit_cut");
    const struct audit_entry entry = {1, "cli", "forget", "p_y", NULL};
    size_t starts[LINES + 1];
    kai_err err = {0};
    find_lines(&record, starts);
    assert_int_equal(truncate(record.path, (off_t)starts[LINES - 1]), 0);
    CHECK_FAILS(audit_append(record.keys, record.path, &entry, NULL, &err), &err, KAI_CORRUPT,
                "its end is not what its head says");
    assert_int_equal(remove(record.path), 0);
    CHECK_FAILS(audit_append(record.keys, record.path, &entry, NULL, &err), &err, KAI_CORRUPT,
                "missing");
    release(&record);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_audit__accepts_what_it_wrote),
        cmocka_unit_test(test_audit__finds_a_change_of_any_byte),
        cmocka_unit_test(test_audit__finds_lines_removed_moved_and_cut),
        cmocka_unit_test(test_audit__goes_on_after_a_crash),
        cmocka_unit_test(test_audit__refuses_to_go_on_after_a_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
