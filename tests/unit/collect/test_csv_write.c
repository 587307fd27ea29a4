#include <math.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "collect/csv_write.h"
#include "csv_kit.h"

static void test_csv_write__quotes_what_needs_it(void **state) {
    (void)state;
    struct buf out;
    struct csv_writer *writer = NULL;
    buf_init(&out, 1 << 20);
    CHECK_OK(csv_write_new(&out, &writer, NULL), NULL);
    static const char *const TEXTS[] = {"plain",  "a,b", "say \"so\"", "two\nlines",
                                        " blank", "",    "x y"};
    for (size_t i = 0; i < sizeof TEXTS / sizeof *TEXTS; i++) csv_write_string(writer, TEXTS[i]);
    CHECK_OK(csv_write_row(writer, NULL), NULL);
    csv_write_f64(writer, 0.1);
    csv_write_f64(writer, NAN);
    csv_write_i64(writer, INT64_MIN);
    csv_write_i64(writer, 0);
    csv_write_missing(writer);
    CHECK_OK(csv_write_row(writer, NULL), NULL);
    CHECK_OK(csv_write_close(writer, NULL), NULL);
    assert_string_equal(out.data,
                        "plain,\"a,b\",\"say \"\"so\"\"\",\"two\nlines\",\" blank\",\"\",x y\n"
                        "0.1,,-9223372036854775808,0,\n");
    buf_release(&out);
}

static void test_csv_write__what_was_written_is_read(void **state) {
    (void)state;
    struct read first, second = {0};
    read_ok(
        &first,
        "n,i,w,d,t\n0.1,5,\"a \"\"b\"\"\",2020-01-01T10:00:00.5Z,\" x\"\n1e-300,,\"\",,\"y\n\"\n"
        ",-7,c,1969-01-01,z\n",
        NULL);
    const char *path = check_temp_path("written.csv.gz");
    struct csv_writer *writer = NULL;
    CHECK_OK(csv_write_open(path, &writer, NULL), NULL);
    CHECK_OK(csv_write_table(writer, first.table, NULL), NULL);
    CHECK_OK(csv_write_close(writer, NULL), NULL);
    CHECK_OK(collect_read_csv(path, NULL, NULL, NULL, &second.table, &second.report, &second.err),
             &second.err);
    for (int32_t i = 0; i < first.table->count; i++) {
        assert_int_equal(first.table->columns[i]->kind, second.table->columns[i]->kind);
        for (int64_t row = 0; row < first.table->rows; row++) {
            char *before = mem_string(cell(&first, i, row));
            assert_string_equal(before, cell(&second, i, row));
            mem_free(before);
        }
    }
    read_release(&first);
    read_release(&second);
}

static void test_csv_write__failures_stick(void **state) {
    (void)state;
    struct buf out;
    struct csv_writer *writer = NULL;
    kai_err err = {0};
    buf_init(&out, 8);
    CHECK_OK(csv_write_new(&out, &writer, NULL), NULL);
    csv_write_string(writer, "more than eight bytes");
    kai_status st = csv_write_row(writer, &err);
    assert_int_not_equal(st, KAI_OK);
    csv_write_i64(writer, 1);
    assert_int_equal(csv_write_row(writer, &err), st);
    assert_int_equal(csv_write_close(writer, &err), st);
    buf_release(&out);

    const char *path = check_temp_path("abandoned.csv");
    CHECK_OK(csv_write_open(path, &writer, &err), &err);
    csv_write_i64(writer, 1);
    csv_write_abandon(writer);
    assert_false(file_exists(path));
    csv_write_abandon(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_csv_write__quotes_what_needs_it),
        cmocka_unit_test(test_csv_write__what_was_written_is_read),
        cmocka_unit_test(test_csv_write__failures_stick),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
