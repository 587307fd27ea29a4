/* Copies by person: the same as the table's rows, in any number of files, until they are scrubbed.
 */
#include "store/copies.h"

#include <dirent.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "kit/check.h"
#include "store/copies_file.h"
#include "store/packed.h"

enum { EVENTS = 3000, PERSONS = 37, PORTION = 25 };

static int folders;
static const atomic_int never;

static struct coded event_of(int64_t seq) {
    static char properties[64];
    struct rng rng;
    rng_init(&rng, 7, "copies", (uint64_t)seq);
    (void)snprintf(properties, sizeof properties, "{\"secret\":\"s%lld\"}", (long long)seq);
    struct coded coded = {.seq = seq,
                          .id = slice_of("some-id"),
                          .session = slice_of(seq % 3 ? "" : "session"),
                          .properties = slice_of(properties),
                          .time_us = (int64_t)(rng_unit(&rng) * 1e15) - 1000,
                          .received_us = seq * 1000,
                          .value = seq % 2 ? 1.5 * (double)seq : NAN,
                          .quantity = seq % 5 ? NAN : -3,
                          .flags = (uint32_t)(seq % 16)};
    int64_t person = 1 + (int64_t)(rng_unit(&rng) * PERSONS);
    coded.codes[CODED_CUSTOMER] = seq % 4 ? person : 0;
    coded.codes[CODED_ANONYMOUS] = seq % 4 == 0 ? person : seq % 3 ? 0 : 1000;
    if (seq % 101 == 0) coded.codes[CODED_CUSTOMER] = coded.codes[CODED_ANONYMOUS] = 0;
    coded.codes[CODED_TYPE] = 2;
    coded.codes[CODED_ITEM] = seq * 1000003 % 100000;
    return coded;
}

static int64_t person_of(const struct coded *coded) {
    return coded->codes[CODED_CUSTOMER] ? coded->codes[CODED_CUSTOMER]
                                        : coded->codes[CODED_ANONYMOUS];
}

static void check_slice(struct slice a, struct slice b) {
    assert_int_equal(a.size, b.size);
    if (a.size) assert_memory_equal(a.data, b.data, a.size);
}

static void check_f64(double a, double b) { assert_true((isnan(a) && isnan(b)) || a == b); }

static void check_same(const struct coded *a, const struct coded *b) {
    assert_int_equal(a->seq, b->seq);
    assert_memory_equal(a->codes, b->codes, sizeof a->codes);
    check_slice(a->id, b->id);
    check_slice(a->session, b->session);
    check_slice(a->properties, b->properties);
    assert_int_equal(a->time_us, b->time_us);
    assert_int_equal(a->received_us, b->received_us);
    check_f64(a->value, b->value);
    check_f64(a->quantity, b->quantity);
    assert_int_equal(a->flags, b->flags);
}

static void test_packed__gives_back_every_field(void **state) {
    struct buf out;
    kai_err err = {0};
    (void)state;
    buf_init(&out, 1 << 20);
    const struct coded extreme = {.seq = INT64_MAX,
                                  .codes = {INT32_MAX, 1, 127, 128, 0, 16384, 5},
                                  .time_us = INT64_MIN,
                                  .received_us = INT64_MAX,
                                  .value = -INFINITY,
                                  .quantity = 0,
                                  .flags = UINT32_MAX};
    for (int64_t seq = 0; seq < 200; seq++) {
        const struct coded event = seq ? event_of(seq) : extreme;
        struct coded got;
        buf_reset(&out);
        CHECK_OK(packed_put(&out, &event, &err), &err);
        const unsigned char *bytes = (const unsigned char *)out.data;
        const unsigned char *entry = NULL;
        uint64_t at = 0;
        assert_int_equal(packed_next(bytes, &at, out.size, &entry), out.size);
        assert_true(entry == bytes && at == out.size);
        assert_int_equal(packed_next(bytes, &at, out.size, &entry), 0);
        assert_int_equal(packed_get(bytes, out.size, &got), PACKED_WHOLE);
        check_same(&got, &event);
        for (size_t i = PACKED_HEAD_BYTES; i < out.size; i++) {
            out.data[i] ^= 1;
            assert_int_equal(packed_get(bytes, out.size, &got), PACKED_DAMAGED);
            out.data[i] ^= 1;
        }
        at = 0;
        assert_int_equal(packed_next(bytes, &at, out.size - 1, &entry), 0);
        assert_int_equal(packed_next(bytes, &at, 7, &entry), 0);
        assert_int_equal(at, 0);
    }
    buf_release(&out);
}

struct shop {
    char folder[300], path[320];
    struct sqlite *sqlite;
    struct copies *copies;
};

static void open_shop(struct shop *shop, int64_t events) {
    char name[32];
    kai_err err = {0};
    (void)snprintf(name, sizeof name, "shop-%d", ++folders);
    (void)snprintf(shop->folder, sizeof shop->folder, "%s", check_temp_path(name));
    CHECK_OK(file_make_dir(shop->folder, &err), &err);
    (void)snprintf(shop->path, sizeof shop->path, "%s/store.db", shop->folder);
    (void)snprintf(shop->folder + strlen(shop->folder), 20, "/copies");
    CHECK_OK(sqlite_open(shop->path, SQLITE_WRITE_MODE, &shop->sqlite, &err), &err);
    CHECK_OK(sqlite_begin(shop->sqlite, &err), &err);
    for (int64_t seq = 1; seq <= events; seq++) {
        const struct coded event = event_of(seq);
        CHECK_OK(sqlite_insert(shop->sqlite, &event, &err), &err);
    }
    CHECK_OK(sqlite_commit(shop->sqlite, &err), &err);
    CHECK_OK(copies_open(shop->folder, 0, &shop->copies, &err), &err);
}

static void close_shop(struct shop *shop) {
    copies_close(shop->copies);
    sqlite_close(shop->sqlite);
}

static void open_again(struct shop *shop) {
    kai_err err = {0};
    copies_close(shop->copies);
    CHECK_OK(copies_open(shop->folder, 0, &shop->copies, &err), &err);
}

static void settle(struct shop *shop, int64_t last) {
    const struct copies_settling settling = {
        .sqlite = shop->sqlite, .last = last, .portion = PORTION, .is_ending = &never};
    kai_err err = {0};
    for (int is_more = 1; is_more;)
        CHECK_OK(copies_settle(shop->copies, &settling, &is_more, &err), &err);
}

/* A person's copies are her rows up to what is covered. */
static void check_person(struct shop *shop, int64_t person) {
    struct copies_found found;
    kai_err err = {0};
    int64_t at = 0;
    CHECK_OK(copies_find(shop->copies, person, &found, &err), &err);
    for (int64_t seq = 1; seq <= copies_covered(shop->copies); seq++) {
        const struct coded event = event_of(seq);
        if (person_of(&event) != person) continue;
        assert_true(at < found.count);
        check_same(&found.list[at++], &event);
    }
    assert_int_equal(at, found.count);
    copies_drop(&found);
}

static int64_t count_files(const struct shop *shop) {
    int64_t files = 0, bytes = 0;
    kai_err err = {0};
    CHECK_OK(copies_verify(shop->copies, &files, &bytes, &err), &err);
    return files;
}

static void test_copies__are_the_rows_of_a_person(void **state) {
    struct shop shop;
    (void)state;
    open_shop(&shop, EVENTS);
    settle(&shop, 5);
    assert_int_equal(copies_covered(shop.copies), 0);
    settle(&shop, EVENTS / 2);
    assert_int_equal(copies_covered(shop.copies), EVENTS / 2);
    for (int64_t person = 1; person <= PERSONS + 1; person++) check_person(&shop, person);
    settle(&shop, EVENTS);
    open_again(&shop);
    assert_int_equal(copies_covered(shop.copies), EVENTS);
    assert_in_range(count_files(&shop), 2, 3 * 8);
    for (int64_t person = 1; person <= PERSONS + 1; person++) check_person(&shop, person);
    check_person(&shop, 1000);
    close_shop(&shop);
}

static int folder_holds(const struct shop *shop, const char *text) {
    DIR *directory = opendir(shop->folder);
    char path[700];
    int holds = 0;
    assert_non_null(directory);
    for (struct dirent *entry; (entry = readdir(directory));) {
        struct buf bytes;
        if (entry->d_name[0] == '.') continue;
        buf_init(&bytes, 1 << 26);
        (void)snprintf(path, sizeof path, "%s/%s", shop->folder, entry->d_name);
        assert_int_equal(file_read_all(path, 1 << 26, &bytes, NULL), KAI_OK);
        holds |= memmem(bytes.data, bytes.size, text, strlen(text)) != NULL;
        buf_release(&bytes);
    }
    (void)closedir(directory);
    return holds;
}

static void test_copies__forget_every_byte_of_a_person(void **state) {
    struct shop shop;
    struct copies_found found;
    char secret[64];
    kai_err err = {0};
    const struct coded first = event_of(1), other = event_of(2);
    (void)state;
    assert_int_not_equal(person_of(&first), person_of(&other));
    (void)snprintf(secret, sizeof secret, "\"s1\"");
    open_shop(&shop, EVENTS);
    settle(&shop, 10 * PORTION);
    assert_true(folder_holds(&shop, secret));
    copies_hold(shop.copies);
    CHECK_OK(copies_scrub(shop.copies, person_of(&first), &err), &err);
    copies_let_go(shop.copies);
    assert_false(folder_holds(&shop, secret));
    CHECK_OK(copies_find(shop.copies, person_of(&first), &found, &err), &err);
    assert_int_equal(found.count, 0);
    copies_drop(&found);
    check_person(&shop, person_of(&other));
    assert_true(count_files(&shop) > 0);
    settle(&shop, EVENTS); /* merged: the others stay, what is new of hers is there */
    check_person(&shop, person_of(&other));
    CHECK_OK(copies_find(shop.copies, person_of(&first), &found, &err), &err);
    assert_true(found.count > 0 && found.list[0].seq > 10 * PORTION);
    copies_drop(&found);
    close_shop(&shop);
}

/* Change one byte of the only file. */
static void damage(const struct shop *shop, int64_t at, int from_end) {
    char path[700];
    unsigned char byte = 0;
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%010d-%010d", shop->folder, 1, PORTION);
    int file = open(path, O_RDWR);
    assert_true(file >= 0 && fstat(file, &info) == 0);
    off_t offset = from_end ? info.st_size - at : at;
    assert_int_equal(pread(file, &byte, 1, offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(file, &byte, 1, offset), 1);
    (void)close(file);
}

static void test_copies__are_left_to_the_table_where_they_are_damaged(void **state) {
    kai_err err = {0};
    (void)state;
    for (int64_t at = 0; at < 200; at += 3) { /* header, codes, starts: made again */
        struct shop shop;
        open_shop(&shop, PORTION);
        settle(&shop, PORTION);
        damage(&shop, at, 0);
        open_again(&shop);
        int64_t covered = copies_covered(shop.copies);
        assert_true(covered == 0 || (covered == PORTION && at >= 56 && at < 64));
        settle(&shop, PORTION);
        for (int64_t person = 1; person <= PERSONS; person++) check_person(&shop, person);
        close_shop(&shop);
    }
    struct shop shop; /* an entry: it alone */
    int64_t files, bytes, found_all = 0;
    open_shop(&shop, PORTION);
    settle(&shop, PORTION);
    damage(&shop, 3, 1);
    open_again(&shop);
    assert_int_equal(copies_covered(shop.copies), PORTION);
    for (int64_t person = 1; person <= PERSONS; person++) {
        struct copies_found found;
        CHECK_OK(copies_find(shop.copies, person, &found, &err), &err);
        found_all += found.count;
        copies_drop(&found);
    }
    assert_int_equal(found_all, PORTION - 1);
    CHECK_FAILS(copies_verify(shop.copies, &files, &bytes, &err), &err, KAI_CORRUPT, "is damaged");
    close_shop(&shop);
}

/* Make the size of a person's first entry impossible. */
static void hide_entries(const char *path, int64_t person) {
    struct copies_file *file = NULL;
    uint64_t begin = 0, end = 0;
    kai_err err = {0};
    CHECK_OK(copies_file_open(path, &file, &err), &err);
    assert_non_null(file);
    copies_file_range(file, person, &begin, &end);
    assert_true(begin < end);
    off_t at = (off_t)(file->entries - file->mapped.bytes) + (off_t)begin + 4;
    copies_file_let_go(file);
    int descriptor = open(path, O_RDWR);
    assert_int_equal(pwrite(descriptor, "\xff\xff\xff\x7f", 4, at), 4);
    (void)close(descriptor);
}

/* Nothing tells where the entries behind it begin: they are forgotten all the same. */
static void test_copies__forget_what_damage_hides(void **state) {
    enum { COVERED = 8 * PORTION };
    struct shop shop;
    struct copies_found found;
    char path[700], last[64];
    kai_err err = {0};
    const struct coded first = event_of(1);
    (void)state;
    open_shop(&shop, COVERED);
    settle(&shop, COVERED); /* one file */
    CHECK_OK(copies_find(shop.copies, person_of(&first), &found, &err), &err);
    assert_true(found.count > 1);
    (void)snprintf(last, sizeof last, "\"s%lld\"", (long long)found.list[found.count - 1].seq);
    copies_drop(&found);
    (void)snprintf(path, sizeof path, "%s/%010d-%010d", shop.folder, 1, COVERED);
    hide_entries(path, person_of(&first));
    assert_true(folder_holds(&shop, "\"s1\"") && folder_holds(&shop, last));
    copies_hold(shop.copies);
    CHECK_OK(copies_scrub(shop.copies, person_of(&first), &err), &err);
    copies_let_go(shop.copies);
    assert_false(folder_holds(&shop, "\"s1\"") || folder_holds(&shop, last));
    close_shop(&shop);
}

static void test_copies__stop_a_merge_when_the_store_is_closed(void **state) {
    static const atomic_int ending = 1;
    struct shop shop;
    const struct copies_settling settling = {
        .last = EVENTS, .portion = PORTION, .is_ending = &ending};
    struct copies_settling with = settling;
    kai_err err = {0};
    kai_status st = KAI_OK;
    (void)state;
    open_shop(&shop, EVENTS);
    with.sqlite = shop.sqlite;
    for (int is_more = 1; !st && is_more;) st = copies_settle(shop.copies, &with, &is_more, &err);
    CHECK_FAILS(st, &err, KAI_CANCELLED, "being closed");
    open_again(&shop);
    assert_int_equal(copies_covered(shop.copies), 8 * PORTION);
    for (int64_t person = 1; person <= PERSONS; person++) check_person(&shop, person);
    close_shop(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_packed__gives_back_every_field),
        cmocka_unit_test(test_copies__are_the_rows_of_a_person),
        cmocka_unit_test(test_copies__forget_every_byte_of_a_person),
        cmocka_unit_test(test_copies__are_left_to_the_table_where_they_are_damaged),
        cmocka_unit_test(test_copies__forget_what_damage_hides),
        cmocka_unit_test(test_copies__stop_a_merge_when_the_store_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
