#include "kit/check.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "prepare/split.h"

enum { ROWS = 1003 };

/* 1003 rows, class 1 in every seventh. */
static void fill_classes(int32_t *classes) {
    for (int32_t i = 0; i < ROWS; i++) classes[i] = i % 7 == 0;
}

static void test_split__gives_each_stratum_its_share(void **state) {
    (void)state;
    int32_t classes[ROWS];
    fill_classes(classes);
    struct split_data data = {.row_count = ROWS, .strata = classes};
    struct split split;
    kai_err err;
    CHECK_OK(split_share(42, 0.2, &data, &split, &err), &err);
    assert_int_equal(split.test_count, 201); /* round(200.6) */
    assert_int_equal(split.train_count, 802);
    int64_t ones = 0;
    uint8_t seen[ROWS] = {0};
    for (int64_t i = 0; i < split.test_count; i++) {
        ones += classes[split.test[i]];
        seen[split.test[i]]++;
        if (i) assert_true(split.test[i] > split.test[i - 1]);
    }
    for (int64_t i = 0; i < split.train_count; i++) seen[split.train[i]]++;
    for (int i = 0; i < ROWS; i++) assert_int_equal(seen[i], 1);
    assert_int_equal(ones, 29); /* of 144: 28.8, and 171.8 of 859 */
    split_release(&split);
}

static void test_split__depends_on_the_seed_only(void **state) {
    (void)state;
    struct split_data data = {.row_count = ROWS};
    struct split a, b, c;
    kai_err err;
    CHECK_OK(split_share(42, 0.3, &data, &a, &err), &err);
    CHECK_OK(split_share(42, 0.3, &data, &b, &err), &err);
    CHECK_OK(split_share(43, 0.3, &data, &c, &err), &err);
    size_t bytes = (size_t)a.test_count * sizeof *a.test;
    assert_memory_equal(a.test, b.test, bytes);
    assert_memory_not_equal(a.test, c.test, bytes);
    int64_t sum = 0;
    for (int64_t i = 0; i < a.test_count; i++) sum += a.test[i];
    /* mean 501, standard error 290 / sqrt(301) = 16.7 */
    CHECK_NEAR((double)sum / (double)a.test_count, 501, 67);
    split_release(&a);
    split_release(&b);
    split_release(&c);
}

static void test_split__keeps_groups_whole(void **state) {
    (void)state;
    int32_t classes[ROWS], groups[ROWS];
    fill_classes(classes);
    for (int32_t i = 0; i < ROWS; i++) groups[i] = (i * i) % 151; /* sizes differ */
    groups[5] = -1;
    struct split_data data = {.row_count = ROWS, .strata = classes, .groups = groups};
    struct split split;
    kai_err err;
    CHECK_OK(split_share(1, 0.25, &data, &split, &err), &err);
    uint8_t sides[151] = {0};
    int64_t ones = 0;
    for (int64_t i = 0; i < split.train_count; i++)
        if (split.train[i] != 5) sides[groups[split.train[i]]] |= 1;
    for (int64_t i = 0; i < split.test_count; i++) {
        if (split.test[i] != 5) sides[groups[split.test[i]]] |= 2;
        ones += classes[split.test[i]];
    }
    for (int g = 0; g < 151; g++) assert_int_not_equal(sides[g], 3);
    CHECK_NEAR((double)split.test_count, 0.25 * ROWS, 15);
    CHECK_NEAR((double)ones, 36, 6);
    split_release(&split);

    int32_t folds[ROWS], fold_of[151], rows_of[5] = {0};
    memset(fold_of, -1, sizeof fold_of);
    CHECK_OK(split_folds(1, 5, &data, ROWS, folds, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        rows_of[folds[i]]++;
        if (groups[i] < 0) continue;
        if (fold_of[groups[i]] >= 0) assert_int_equal(fold_of[groups[i]], folds[i]);
        fold_of[groups[i]] = folds[i];
    }
    for (int f = 0; f < 5; f++) CHECK_NEAR(rows_of[f], ROWS / 5.0, 15);
    data.row_count = 3;
    for (int i = 0; i < 3; i++) groups[i] = 1;
    CHECK_FAILS(split_share(1, 0.5, &data, &split, &err), &err, KAI_INVALID, "groups");
}

static void test_split__deals_even_folds(void **state) {
    (void)state;
    int32_t classes[ROWS], folds[ROWS + 1], rows_of[10] = {0}, ones_of[10] = {0};
    fill_classes(classes);
    int64_t ids[ROWS];
    for (int64_t i = 0; i < ROWS; i++) ids[i] = ROWS - i; /* row 0 is not in */
    classes[0] = 0;
    int32_t more[ROWS + 1] = {0};
    memcpy(more, classes, sizeof classes);
    struct split_data data = {.row_ids = ids, .row_count = ROWS, .strata = more};
    kai_err err;
    CHECK_OK(split_folds(9, 10, &data, ROWS + 1, folds, &err), &err);
    assert_int_equal(folds[0], -1);
    for (int i = 1; i <= ROWS; i++) {
        rows_of[folds[i]]++;
        ones_of[folds[i]] += more[i];
    }
    for (int f = 0; f < 10; f++) {
        assert_in_range(rows_of[f], 100, 101);
        assert_in_range(ones_of[f], 14, 15); /* 143 ones */
    }
    CHECK_FAILS(split_folds(9, 1, &data, ROWS + 1, folds, &err), &err, KAI_INVALID, "folds");
}

static void test_split__tests_on_the_latest_and_never_cuts_an_instant(void **state) {
    (void)state;
    struct column *time = NULL;
    kai_err err;
    CHECK_OK(column_new("day", COLUMN_TIME, 10, &time, &err), &err);
    static const int64_t DAYS[10] = {5, 1, 9, 7, 7, 7, 3, 2, 8, 0};
    for (int i = 0; i < 10; i++) {
        time->as.i64[i] = DAYS[i] * 86400000000ll;
        time->valid[i] = i != 9;
    }
    struct split_data data = {.row_count = 10};
    struct split split;
    /* 9 times 1 2 3 5 7 7 7 8 9; 4 of 10 rows would cut the sevens: 5 test rows are nearer than 2
     */
    CHECK_OK(split_time(0.4, &data, time, &split, &err), &err);
    assert_int_equal(split.test_count, 5);
    static const int64_t EXPECTED[5] = {2, 3, 4, 5, 8};
    assert_memory_equal(split.test, EXPECTED, sizeof EXPECTED);
    split_release(&split);
    for (int i = 0; i < 9; i++) time->as.i64[i] = 1;
    time->valid[9] = 1, time->as.i64[9] = 1;
    CHECK_FAILS(split_time(0.4, &data, time, &split, &err), &err, KAI_INVALID, "leaves no");
    column_free(time);
}

static void test_split__obeys_a_test_column(void **state) {
    (void)state;
    struct column *test = NULL;
    kai_err err;
    CHECK_OK(column_new("is_test", COLUMN_I64, 4, &test, &err), &err);
    for (int i = 0; i < 4; i++) test->valid[i] = 1, test->as.i64[i] = i == 2;
    struct split_data data = {.row_count = 4};
    struct split split;
    CHECK_OK(split_column(&data, test, &split, &err), &err);
    assert_int_equal(split.test_count, 1);
    assert_int_equal(split.test[0], 2);
    split_release(&split);
    test->as.i64[1] = 7;
    CHECK_FAILS(split_column(&data, test, &split, &err), &err, KAI_INVALID, "row 2");
    column_free(test);
}

static void test_split__codes_equal_values(void **state) {
    (void)state;
    struct column *column = NULL;
    kai_err err;
    CHECK_OK(column_new("x", COLUMN_F64, 5, &column, &err), &err);
    static const double VALUES[5] = {2.5, 1, 2.5, 0, 1};
    for (int i = 0; i < 5; i++) column->valid[i] = i != 3, column->as.f64[i] = VALUES[i];
    int32_t codes[5], count = 0;
    CHECK_OK(split_codes(column, codes, &count, &err), &err);
    static const int32_t EXPECTED[5] = {0, 1, 0, -1, 1};
    assert_memory_equal(codes, EXPECTED, sizeof EXPECTED);
    assert_int_equal(count, 2);
    column_free(column);
}

static void test_split__refuses_bad_shares(void **state) {
    (void)state;
    struct split_data data = {.row_count = 10};
    struct split split;
    kai_err err;
    CHECK_FAILS(split_share(1, 0, &data, &split, &err), &err, KAI_INVALID, "share");
    CHECK_FAILS(split_share(1, NAN, &data, &split, &err), &err, KAI_INVALID, "share");
    CHECK_FAILS(split_share(1, 0.01, &data, &split, &err), &err, KAI_INVALID, "no test");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_split__gives_each_stratum_its_share),
        cmocka_unit_test(test_split__depends_on_the_seed_only),
        cmocka_unit_test(test_split__keeps_groups_whole),
        cmocka_unit_test(test_split__deals_even_folds),
        cmocka_unit_test(test_split__tests_on_the_latest_and_never_cuts_an_instant),
        cmocka_unit_test(test_split__obeys_a_test_column),
        cmocka_unit_test(test_split__codes_equal_values),
        cmocka_unit_test(test_split__refuses_bad_shares),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
