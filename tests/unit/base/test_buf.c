#include <string.h>

#include "base/buf.h"
#include "kit/check.h"

static void test_buf__grows_to_its_maximum_and_no_further(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1000);
    kai_err err;
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(buf_append(&buf, "x", 1, &err), &err);
        assert_int_equal(buf.data[buf.size], '\0');
    }
    CHECK_FAILS(buf_append(&buf, "y", 1, &err), &err, KAI_LIMIT, "1000 bytes");
    CHECK_FAILS(buf_printf(&buf, &err, "%d", 1), &err, KAI_LIMIT, "1000 bytes");
    assert_int_equal(buf.size, 1000);
    assert_int_equal(strspn(buf.data, "x"), 1000); /* kept what it had */
    CHECK_OK(buf_append(&buf, NULL, 0, &err), &err);
    buf_reset(&buf);
    assert_string_equal(buf.data, "");
    CHECK_FAILS(buf_append(&buf, "", SIZE_MAX, &err), &err, KAI_LIMIT, NULL);
    buf_release(&buf);
    assert_int_equal(buf.max, 1000);
}

static void test_buf__prints(void **state) {
    (void)state;
    struct buf buf;
    buf_init(&buf, 1 << 20);
    kai_err err;
    CHECK_OK(buf_puts(&buf, "a=", &err), &err);
    CHECK_OK(buf_printf(&buf, &err, "%d,%0500d", 1, 2), &err);
    assert_int_equal(buf.size, 504);
    assert_memory_equal(buf.data, "a=1,00", 6);
    assert_int_equal(buf.data[503], '2');
    buf_release(&buf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_buf__grows_to_its_maximum_and_no_further),
        cmocka_unit_test(test_buf__prints),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
