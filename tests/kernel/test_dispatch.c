#include <stdlib.h>
#include <string.h>

#include "kernel/dispatch.h"
#include "kit/check.h"

static void test_dispatch__wish_selects_reference(void **state) {
    (void)state;
    assert_string_equal(kernel_table()->name, "ref");
    (void)unsetenv("KAIROS_KERNELS"); /* too late: the choice is made once */
    assert_ptr_equal(kernel_table(), kernel_table());
}

static void test_dispatch__tables_are_complete(void **state) {
    (void)state;
    assert_null(kernel_table_named("abacus"));
    static const char *const names[] = {"ref", "avx2"};
    for (int i = 0; i < 2; i++) {
        const struct kernel_table *table = kernel_table_named(names[i]);
        if (!table) continue;
        assert_string_equal(table->name, names[i]);
        assert_true(table->gemm_f32 && table->transpose_f32 && table->lookup_forward_f32 &&
                    table->lookup_backward_f32 && table->adam_step_f32);
    }
}

int main(void) {
    (void)setenv("KAIROS_KERNELS", "ref", 1); /* before the first choice; room is always there */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dispatch__wish_selects_reference),
        cmocka_unit_test(test_dispatch__tables_are_complete),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
