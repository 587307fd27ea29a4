#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kit/check.h"
#include "table/table.h"

enum { ROWS = 4 };

static struct column *new_column(const char *name, enum column_kind kind, int64_t rows) {
    struct column *column = NULL;
    kai_err err;
    CHECK_OK(column_new(name, kind, rows, &column, &err), &err);
    return column;
}

static void append(struct table *table, struct column *take_column) {
    kai_err err;
    CHECK_OK(table_append(table, take_column, &err), &err);
}

static void fill_text(struct column *column) {
    static const int64_t OFFSETS[] = {0, 3, 8, 8, 12};
    char *bytes = mem_resize(column->as.bytes, 12, 1);
    assert_non_null(bytes);
    column->as.bytes = memcpy(bytes, "onethreefour", 12);
    memcpy(column->offsets, OFFSETS, sizeof OFFSETS);
}

static void fill_value(struct column *column, int64_t row) {
    static const char *const CATEGORIES[] = {"red", "blue", "", "red"};
    kai_err err;
    column->valid[row] = 1;
    switch (column->kind) {
    case COLUMN_F64: column->as.f64[row] = (double)row + 0.5; break;
    case COLUMN_I64: column->as.i64[row] = row - 10; break;
    case COLUMN_BOOL: column->as.flags[row] = row == 1; break;
    case COLUMN_TIME: column->as.i64[row] = row * 86400000000 - (row > 0) * 1500000; break;
    case COLUMN_CATEGORY:
        CHECK_OK(dict_add(column->dict, slice_of(CATEGORIES[row]), &column->as.codes[row], &err),
                 &err);
        break;
    case COLUMN_TEXT: break;
    }
}

/* One column of each kind; row 2 is missing in all. */
static struct table *sample(void) {
    struct table *table = NULL;
    kai_err err;
    CHECK_OK(table_new("t.csv", ROWS, &table, &err), &err);
    static const char *const NAMES[] = {"spend", "age", "newbie", "day", "colour", "note"};
    for (int kind = COLUMN_F64; kind <= COLUMN_TEXT; kind++) {
        struct column *column = new_column(NAMES[kind], (enum column_kind)kind, ROWS);
        for (int64_t row = 0; row < ROWS; row++)
            if (row != 2) fill_value(column, row);
        if (kind == COLUMN_TEXT) fill_text(column);
        append(table, column);
    }
    return table;
}

static void assert_prints(const struct column *column, int64_t row, const char *expected) {
    struct buf buf;
    buf_init(&buf, 256);
    kai_err err;
    CHECK_OK(column_print(column, row, &buf, &err), &err);
    assert_string_equal(buf.data, expected);
    buf_release(&buf);
}

static void test_table__a_new_column_is_missing_everywhere(void **state) {
    (void)state;
    for (int kind = COLUMN_F64; kind <= COLUMN_TEXT; kind++) {
        struct column *column = new_column("x", (enum column_kind)kind, ROWS);
        for (int64_t row = 0; row < ROWS; row++) {
            assert_false(column_is_valid(column, row));
            assert_true(isnan(column_f64(column, row)));
            assert_prints(column, row, "");
        }
        column_free(column);
        column_free(new_column("empty", (enum column_kind)kind, 0));
    }
    column_free(NULL);
    assert_string_equal(column_kind_text(COLUMN_TIME), "date");
}

static void test_table__prints_and_counts_each_kind(void **state) {
    (void)state;
    struct table *table = sample();
    static const char *const PRINTED[6][ROWS] = {
        {"0.5", "1.5", "", "3.5"},
        {"-10", "-9", "", "-7"},
        {"0", "1", "", "0"},
        {"1970-01-01", "1970-01-01T23:59:58.500000Z", "", "1970-01-03T23:59:58.500000Z"},
        {"red", "blue", "", "red"},
        {"one", "three", "", "four"},
    };
    static const double NUMBERS[6][ROWS] = {
        {0.5, 1.5, 0, 3.5}, {-10, -9, 0, -7},   {0, 1, 0, 0}, {0, 86398500000, 0, 259198500000},
        {0, 1, 0, 0},       {NAN, NAN, 0, NAN},
    };
    for (int32_t i = 0; i < table->count; i++)
        for (int64_t row = 0; row < ROWS; row++) {
            assert_prints(table->columns[i], row, PRINTED[i][row]);
            double value = column_f64(table->columns[i], row);
            double expected = row == 2 ? NAN : NUMBERS[i][row];
            assert_true(isnan(expected) ? isnan(value) : value == expected);
        }
    table_free(table);
    table_free(NULL);
}

static void test_table__prints_times_before_1970(void **state) {
    (void)state;
    struct column *column = new_column("t", COLUMN_TIME, 3);
    static const int64_t TIMES[] = {-1, -86400000000, -62135596800000000};
    for (int64_t row = 0; row < 3; row++) {
        column->as.i64[row] = TIMES[row];
        column->valid[row] = 1;
    }
    assert_prints(column, 0, "1969-12-31T23:59:59.999999Z");
    assert_prints(column, 1, "1969-12-31");
    assert_prints(column, 2, "0001-01-01");
    column_free(column);
}

static void test_table__takes_rows_in_any_order(void **state) {
    (void)state;
    struct table *table = sample(), *taken = NULL;
    static const int64_t IDS[] = {3, 2, 0, 3, 1};
    kai_err err;
    CHECK_OK(table_take(table, IDS, 5, &taken, &err), &err);
    assert_int_equal(taken->rows, 5);
    assert_string_equal(taken->name, "t.csv");
    for (int32_t i = 0; i < table->count; i++)
        for (int64_t row = 0; row < 5; row++) {
            struct buf buf;
            buf_init(&buf, 256);
            CHECK_OK(column_print(table->columns[i], IDS[row], &buf, &err), &err);
            assert_prints(taken->columns[i], row, buf.data);
            buf_release(&buf);
        }
    table_free(table); /* the copy stands alone */
    assert_prints(taken->columns[4], 4, "blue");
    struct table *none = NULL;
    CHECK_OK(table_take(taken, NULL, 0, &none, &err), &err);
    assert_int_equal(none->rows, 0);
    assert_int_equal(none->count, 6);
    table_free(none);
    table_free(taken);
}

static void test_table__a_column_without_marks_is_all_valid(void **state) {
    (void)state;
    struct column *column = new_column("x", COLUMN_I64, 2), *taken = NULL;
    mem_free(column->valid);
    column->valid = NULL;
    column->as.i64[1] = 5;
    assert_true(column_is_valid(column, 0));
    static const int64_t IDS[] = {1};
    kai_err err;
    CHECK_OK(column_take(column, IDS, 1, &taken, &err), &err);
    assert_true(column_f64(taken, 0) == 5);
    column_free(taken);
    column_free(column);
}

static void test_table__finds_drops_and_suggests(void **state) {
    (void)state;
    struct table *table = sample();
    const struct column *column = NULL;
    kai_err err;
    CHECK_OK(table_column(table, "day", &column, &err), &err);
    assert_ptr_equal(column, table->columns[3]);
    table_drop(table, 0);
    assert_int_equal(table->count, 5);
    assert_int_equal(table_find(table, "spend"), -1);
    assert_int_equal(table_find(table, "note"), 4);
    CHECK_FAILS(table_column(table, "color", &column, &err), &err, KAI_NOT_FOUND,
                "column 'color' is not in 't.csv': did you mean 'colour'?");
    CHECK_FAILS(table_column(table, "zzzzz", &column, &err), &err, KAI_NOT_FOUND,
                "column 'zzzzz' is not in 't.csv'");
    table_free(table);
}

static void test_table__refuses_columns_that_do_not_fit(void **state) {
    (void)state;
    struct table *table = sample();
    kai_err err;
    struct column *column = new_column("long", COLUMN_F64, ROWS + 1);
    CHECK_FAILS(table_append(table, column, &err), &err, KAI_INVALID, "5 rows, the table 4");
    column_free(column);
    column = new_column("age", COLUMN_F64, ROWS);
    CHECK_FAILS(table_append(table, column, &err), &err, KAI_EXISTS, "'age' stands twice");
    column_free(column);
    assert_int_equal(table->count, 6);
    table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_table__a_new_column_is_missing_everywhere),
        cmocka_unit_test(test_table__prints_and_counts_each_kind),
        cmocka_unit_test(test_table__prints_times_before_1970),
        cmocka_unit_test(test_table__takes_rows_in_any_order),
        cmocka_unit_test(test_table__a_column_without_marks_is_all_valid),
        cmocka_unit_test(test_table__finds_drops_and_suggests),
        cmocka_unit_test(test_table__refuses_columns_that_do_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
