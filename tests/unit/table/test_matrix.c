#include <math.h>

#include "kit/check.h"
#include "table/matrix.h"

static void test_matrix__begins_missing_and_column_major(void **state) {
    (void)state;
    struct matrix *matrix = NULL;
    kai_err err;
    CHECK_OK(matrix_new(3, 2, &matrix, &err), &err);
    for (int i = 0; i < 6; i++) assert_true(isnan(matrix->values[i]));
    matrix_column(matrix, 1)[2] = 7;
    assert_true(matrix->values[5] == 7);
    CHECK_OK(matrix_name(matrix, 1, "job=clerk", "job", 0, &err), &err);
    CHECK_OK(matrix_name(matrix, 1, "job", "job", 12, &err), &err); /* named again */
    assert_string_equal(matrix->info[1].name, "job");
    assert_int_equal(matrix->info[1].cardinality, 12);
    assert_null(matrix->info[0].name);
    matrix_free(matrix);
    matrix_free(NULL);
}

static void test_matrix__may_be_empty(void **state) {
    (void)state;
    struct matrix *matrix = NULL;
    kai_err err;
    CHECK_OK(matrix_new(0, 3, &matrix, &err), &err);
    matrix_free(matrix);
    CHECK_OK(matrix_new(3, 0, &matrix, &err), &err);
    matrix_free(matrix);
}

static void test_matrix__a_size_that_cannot_be_is_no_memory(void **state) {
    (void)state;
    struct matrix *matrix = NULL;
    kai_err err;
    CHECK_FAILS(matrix_new(INT64_MAX, 9, &matrix, &err), &err, KAI_NO_MEMORY,
                "out of memory");
    CHECK_FAILS(matrix_new(INT64_C(1) << 62, 16, &matrix, &err), &err, KAI_NO_MEMORY,
                "out of memory");
    CHECK_FAILS(matrix_new(INT64_C(1) << 62, 3, &matrix, &err), &err, KAI_NO_MEMORY,
                "out of memory");
    assert_null(matrix);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix__begins_missing_and_column_major),
        cmocka_unit_test(test_matrix__may_be_empty),
        cmocka_unit_test(test_matrix__a_size_that_cannot_be_is_no_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
