#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "kit/check.h"

/* "hello\n" as gzip(1) packs it */
static const unsigned char HELLO_GZ[] = {0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                         0x03, 0xcb, 0x48, 0xcd, 0xc9, 0xc9, 0xe7, 0x02, 0x00,
                                         0x20, 0x30, 0x3a, 0x36, 0x06, 0x00, 0x00, 0x00};

static void write_bytes(const char *path, const void *bytes, size_t n) {
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static void assert_content(const char *path, const void *bytes, size_t n) {
    struct buf buf;
    buf_init(&buf, 64 << 20);
    kai_err err;
    CHECK_OK(file_read_all(path, 32 << 20, &buf, &err), &err);
    assert_int_equal(buf.size, n);
    if (n) assert_memory_equal(buf.data, bytes, n);
    buf_release(&buf);
}

static void test_file__reads_plain_and_empty(void **state) {
    (void)state;
    assert_content(check_write("plain.txt", "a\nb"), "a\nb", 3);
    assert_content(check_write("one.txt", "\x1f"), "\x1f", 1);
    assert_content(check_write("empty.txt", ""), "", 0);
}

static void test_file__tells_gzip_by_its_bytes(void **state) {
    (void)state;
    const char *path = check_temp_path("no-suffix");
    write_bytes(path, HELLO_GZ, sizeof HELLO_GZ);
    assert_content(path, "hello\n", 6);
}

static void test_file__reads_members_end_to_end_and_padding(void **state) {
    (void)state;
    unsigned char bytes[3 * sizeof HELLO_GZ] = {0};
    memcpy(bytes, HELLO_GZ, sizeof HELLO_GZ);
    memcpy(bytes + sizeof HELLO_GZ, HELLO_GZ, sizeof HELLO_GZ);
    const char *path = check_temp_path("members.gz");
    write_bytes(path, bytes, 2 * sizeof HELLO_GZ);
    assert_content(path, "hello\nhello\n", 12);
    write_bytes(path, bytes, sizeof bytes);
    assert_content(path, "hello\nhello\n", 12);
}

static void test_file__refuses_every_cut_of_gzip(void **state) {
    (void)state;
    for (size_t n = 2; n < sizeof HELLO_GZ; n++) {
        const char *path = check_temp_path("cut.gz");
        write_bytes(path, HELLO_GZ, n);
        struct buf buf;
        buf_init(&buf, 1 << 20);
        kai_err err;
        CHECK_FAILS(file_read_all(path, 1 << 20, &buf, &err), &err, KAI_CORRUPT, "cut short");
        buf_release(&buf);
    }
}

static void test_file__refuses_damage_and_garbage_in_gzip(void **state) {
    (void)state;
    unsigned char bytes[sizeof HELLO_GZ + 3];
    for (int kind = 0; kind < 3; kind++) {
        memcpy(bytes, HELLO_GZ, sizeof HELLO_GZ);
        memcpy(bytes + sizeof HELLO_GZ, "xyz", 3);
        size_t n = sizeof HELLO_GZ;
        if (kind == 0) bytes[12] ^= 0x55;   /* data */
        if (kind == 1) bytes[n - 8] ^= 0x1; /* checksum */
        if (kind == 2) n += 3;              /* something behind */
        const char *path = check_temp_path("damaged.gz");
        write_bytes(path, bytes, n);
        struct buf buf;
        buf_init(&buf, 1 << 20);
        kai_err err;
        CHECK_FAILS(file_read_all(path, 1 << 20, &buf, &err), &err, KAI_CORRUPT, "damaged.gz");
        buf_release(&buf);
    }
}

static void test_file__names_the_path_that_cannot_be_read(void **state) {
    (void)state;
    struct file_reader *reader = NULL;
    kai_err err;
    CHECK_FAILS(file_open("/nowhere/x.csv", &reader, &err), &err, KAI_NOT_FOUND,
                "'/nowhere/x.csv': no such file or directory");
    CHECK_FAILS(file_open("/tmp", &reader, &err), &err, KAI_INVALID, "'/tmp' is a directory");
    assert_null(reader);
}

static void test_file__keeps_to_the_maximum(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    kai_err err;
    CHECK_FAILS(file_read_all(check_write("five", "12345"), 4, &buf, &err), &err, KAI_LIMIT,
                "larger than 4 bytes");
    buf_release(&buf);
    buf_init(&buf, 5); /* a buffer of exactly the size is enough */
    CHECK_OK(file_read_all(check_write("five", "12345"), 5, &buf, &err), &err);
    assert_string_equal(buf.data, "12345");
    buf_release(&buf);
}

/* Text that neither packs to nothing nor fits one block. */
static char *make_text(size_t n) {
    char *text = malloc(n);
    assert_non_null(text);
    uint32_t x = 1;
    for (size_t i = 0; i < n; i++) {
        x = x * 1664525u + 1013904223u;
        text[i] = (char)('a' + (x >> 24) % 26);
    }
    return text;
}

static void write_in_pieces(const char *path, const char *text, size_t n, size_t piece) {
    struct file_writer *writer = NULL;
    kai_err err;
    CHECK_OK(file_create(path, &writer, &err), &err);
    for (size_t at = 0; at < n; at += piece)
        CHECK_OK(file_write(writer, text + at, n - at < piece ? n - at : piece, &err), &err);
    assert_int_equal(access(path, F_OK), -1); /* nothing to see before the end */
    CHECK_OK(file_commit(writer, &err), &err);
}

static void test_file__writes_what_it_reads(void **state) {
    (void)state;
    enum { BYTES = 1000003 };
    char *text = make_text(BYTES);
    static const char *const NAMES[] = {"w.txt", "w.txt.gz"};
    for (int i = 0; i < 2; i++) {
        const char *path = check_temp_path(NAMES[i]);
        (void)unlink(path);
        write_in_pieces(path, text, BYTES, 7919);
        assert_content(path, text, BYTES);
    }
    free(text);
}

static void read_raw(const char *path, unsigned char *bytes, size_t capacity, size_t *ret_size) {
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    *ret_size = fread(bytes, 1, capacity, file);
    (void)fclose(file); /* only read */
}

static void test_file__gzip_bytes_depend_on_content_only(void **state) {
    (void)state;
    enum { BYTES = 700001 };
    char *text = make_text(BYTES);
    static unsigned char one[1 << 20], two[1 << 20];
    size_t one_size, two_size;
    (void)unlink(check_temp_path("a.gz"));
    (void)unlink(check_temp_path("other.gz"));
    write_in_pieces(check_temp_path("a.gz"), text, BYTES, 13);
    write_in_pieces(check_temp_path("other.gz"), text, BYTES, 300001);
    read_raw(check_temp_path("a.gz"), one, sizeof one, &one_size);
    read_raw(check_temp_path("other.gz"), two, sizeof two, &two_size);
    assert_int_equal(one_size, two_size);
    assert_memory_equal(one, two, one_size);
    assert_memory_equal(one, "\x1f\x8b\x08\0\0\0\0\0\0\x03", 10); /* no name, time 0 */
    free(text);
}

static void test_file__abandon_leaves_the_old_file(void **state) {
    (void)state;
    const char *path = check_write("kept.txt", "old");
    struct file_writer *writer = NULL;
    kai_err err;
    CHECK_OK(file_create(path, &writer, &err), &err);
    CHECK_OK(file_write(writer, "new", 3, &err), &err);
    file_abandon(writer);
    assert_content(path, "old", 3);
    char temporary[4200];
    (void)snprintf(temporary, sizeof temporary, "%s.tmp-%ld", path, (long)getpid());
    assert_false(file_exists(temporary));
    CHECK_OK(file_write_all(path, "newer", 5, &err), &err);
    assert_content(path, "newer", 5);
    assert_false(file_exists(temporary));
}

static void test_file__never_replaces_a_device(void **state) {
    (void)state;
    kai_err err;
    CHECK_OK(file_write_all("/dev/null", "x", 1, &err), &err);
    struct stat info;
    assert_int_equal(stat("/dev/null", &info), 0);
    assert_true(S_ISCHR(info.st_mode));
}

static void test_file__reports_a_full_disk(void **state) {
    (void)state;
    if (access("/dev/full", W_OK)) skip();
    kai_err err;
    CHECK_FAILS(file_write_all("/dev/full", "x", 1, &err), &err, KAI_IO,
                "'/dev/full': no space left on device");
}

static void test_file__refuses_targets_that_cannot_be(void **state) {
    (void)state;
    kai_err err;
    struct file_writer *writer = NULL;
    CHECK_FAILS(file_create("/tmp", &writer, &err), &err, KAI_INVALID, "is a directory");
    CHECK_FAILS(file_create("/nowhere/x", &writer, &err), &err, KAI_NOT_FOUND, "/nowhere/x");
    assert_null(writer);
}

static void test_file__makes_folders(void **state) {
    (void)state;
    kai_err err;
    const char *path = check_temp_path("a/b//c/");
    CHECK_OK(file_make_dir(path, &err), &err);
    CHECK_OK(file_make_dir(path, &err), &err);
    assert_true(file_exists(check_temp_path("a/b/c")));
    (void)check_write("file", "");
    CHECK_FAILS(file_make_dir(check_temp_path("file/x"), &err), &err, KAI_EXISTS, "file'");
}

static void test_file__joins_names_as_seen_from_a_file(void **state) {
    (void)state;
    static const char *const CASES[][3] = {
        {"dir/c.yaml", "t.csv", "dir/t.csv"}, {"c.yaml", "t.csv", "t.csv"},
        {"dir/c.yaml", "/t.csv", "/t.csv"},   {"dir/c.yaml", "-", "-"},
        {"/c.yaml", "../t.csv", "/../t.csv"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct buf buf;
        buf_init(&buf, 4096);
        kai_err err;
        CHECK_OK(file_join(&buf, CASES[i][0], CASES[i][1], &err), &err);
        assert_string_equal(buf.data, CASES[i][2]);
        buf_release(&buf);
    }
}

static void test_file__reads_stdin(void **state) {
    (void)state;
    int kept = dup(STDIN_FILENO);
    assert_non_null(freopen(check_write("in.txt", "from stdin"), "r", stdin));
    assert_content("-", "from stdin", 10);
    assert_true(kept < 0 || dup2(kept, STDIN_FILENO) >= 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_file__reads_plain_and_empty),
        cmocka_unit_test(test_file__tells_gzip_by_its_bytes),
        cmocka_unit_test(test_file__reads_members_end_to_end_and_padding),
        cmocka_unit_test(test_file__refuses_every_cut_of_gzip),
        cmocka_unit_test(test_file__refuses_damage_and_garbage_in_gzip),
        cmocka_unit_test(test_file__names_the_path_that_cannot_be_read),
        cmocka_unit_test(test_file__keeps_to_the_maximum),
        cmocka_unit_test(test_file__writes_what_it_reads),
        cmocka_unit_test(test_file__gzip_bytes_depend_on_content_only),
        cmocka_unit_test(test_file__abandon_leaves_the_old_file),
        cmocka_unit_test(test_file__never_replaces_a_device),
        cmocka_unit_test(test_file__reports_a_full_disk),
        cmocka_unit_test(test_file__refuses_targets_that_cannot_be),
        cmocka_unit_test(test_file__makes_folders),
        cmocka_unit_test(test_file__joins_names_as_seen_from_a_file),
        cmocka_unit_test(test_file__reads_stdin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
