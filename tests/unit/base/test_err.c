#include <string.h>

#include "kit/check.h"

static void test_err__the_list_is_consistent(void **state) {
    (void)state;
    static const kai_status KINDS[] = {
#define KIND(name, number, text, exit_code, http) number,
        KAI_STATUS_LIST(KIND)
#undef KIND
    };
    int count = (int)(sizeof KINDS / sizeof *KINDS);
    for (int i = 0; i < count; i++) {
        assert_int_equal(KINDS[i], -i); /* without gaps, 0 is success */
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(kai_status_text(KINDS[i]), kai_status_text(KINDS[j]));
            assert_int_not_equal(kai_status_exit(KINDS[i]), kai_status_exit(KINDS[j]));
        }
        assert_true(kai_status_http(KINDS[i]) >= 200 && kai_status_http(KINDS[i]) < 600);
    }
    assert_int_equal(kai_status_exit(KAI_OK), 0);
    assert_int_equal(kai_status_exit(KAI_CANCELLED), 130); /* as a shell reports Ctrl-C */
    assert_int_equal(kai_status_http(KAI_NOT_FOUND), 404);
    assert_string_equal(kai_status_text(KAI_INFEASIBLE), "limits cannot be met");
}

static void test_err__unknown_numbers_are_survived(void **state) {
    (void)state;
    assert_string_equal(kai_status_text(7), "unknown status");
    assert_int_equal(kai_status_exit(-999), 1);
    assert_int_equal(kai_status_http(-999), 500);
}

static void test_err__sets_and_wraps(void **state) {
    (void)state;
    kai_err err = {0};
    assert_int_equal(err_set(&err, KAI_INVALID, "expected %s", "f64"), KAI_INVALID);
    assert_int_equal(err_wrap(&err, KAI_INVALID, "column '%s'", "amount"), KAI_INVALID);
    assert_int_equal(err_wrap(&err, KAI_IO, "prepare"), KAI_INVALID); /* the first kind stays */
    assert_int_equal(err.code, KAI_INVALID);
    assert_string_equal(err.message, "prepare: column 'amount': expected f64");
    assert_int_equal(err_memory(&err, 12), KAI_NO_MEMORY);
    assert_string_equal(err.message, "out of memory: 12 bytes were asked for");
}

static void test_err__accepts_nobody(void **state) {
    (void)state;
    assert_int_equal(err_set(NULL, KAI_IO, "x"), KAI_IO);
    assert_int_equal(err_wrap(NULL, KAI_LIMIT, "x"), KAI_LIMIT);
    assert_int_equal(err_memory(NULL, 1), KAI_NO_MEMORY);
}

static void test_err__long_messages_are_cut_inside(void **state) {
    (void)state;
    kai_err err;
    char text[2 * KAI_ERR_MESSAGE_BYTES];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    (void)err_set(&err, KAI_IO, "%s", text); /* the code is known */
    assert_int_equal(strlen(err.message), KAI_ERR_MESSAGE_BYTES - 1);
    (void)err_wrap(&err, KAI_IO, "outer");
    assert_int_equal(strlen(err.message), KAI_ERR_MESSAGE_BYTES - 1);
    assert_memory_equal(err.message, "outer: xxx", 10);
    (void)err_wrap(&err, KAI_IO, "%s", text);
    assert_int_equal(strlen(err.message), KAI_ERR_MESSAGE_BYTES - 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_err__the_list_is_consistent),
        cmocka_unit_test(test_err__unknown_numbers_are_survived),
        cmocka_unit_test(test_err__sets_and_wraps),
        cmocka_unit_test(test_err__accepts_nobody),
        cmocka_unit_test(test_err__long_messages_are_cut_inside),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
