#include "evaluate/arms.h"

#include <math.h>

#include "unit/evaluate/hillstrom.h"

static void test_arms__gives_hillstroms_means(void **state) {
    (void)state;
    struct hillstrom *data = hillstrom_read();
    if (!data) {
        print_message("skipped\n");
        return;
    }
    const double visit[] = {.106167, .182757, .151400}, spend[] = {0.65279, 1.42262, 1.07720};
    struct arm_outcome got[3];
    struct pool *pool;
    const struct column *column;
    kai_err err;
    CHECK_OK(pool_new(2, &pool, &err), &err);
    CHECK_OK(table_column(data->table, "visit", &column, &err), &err);
    CHECK_OK(arms_compare(data->arm, 3, column->as.f64, column->rows, 0.95, pool, got, &err), &err);
    for (int a = 0; a < 3; a++) {
        CHECK_NEAR(got[a].mean.value, visit[a], 5e-7);
        assert_string_equal(got[a].mean.method, "wilson");
    }
    assert_true(got[0].mean.n == 21306 && got[1].mean.n == 21307 && got[2].mean.n == 21387);
    CHECK_OK(table_column(data->table, "spend", &column, &err), &err);
    CHECK_OK(arms_compare(data->arm, 3, column->as.f64, column->rows, 0.95, pool, got, &err), &err);
    for (int a = 0; a < 3; a++) CHECK_NEAR(got[a].mean.value, spend[a], 5e-6);
    /* SciPy: ttest_ind(equal_var=False) of the two columns gives 0.7698271558945367, p = 1.16381e-7
     */
    CHECK_NEAR(got[1].effect.value, 0.7698271558945367, 1e-12);
    CHECK_NEAR(got[1].p / 1.1638149682254859e-07, 1, 1e-6);
    pool_free(pool);
    hillstrom_free(data);
}

static void test_arms__leave_missing_values_out(void **state) {
    (void)state;
    const int32_t arm[] = {0, 0, 0, 1, 1, 1, 2};
    const double outcome[] = {1, 3, NAN, 5, 9, 7, NAN};
    struct arm_outcome got[3];
    kai_err err;
    CHECK_OK(arms_compare(arm, 3, outcome, 7, 0.95, NULL, got, &err), &err);
    assert_true(got[0].mean.value == 2 && got[0].mean.n == 2 && got[0].missing == 1);
    assert_true(got[0].effect.value == 0 && got[0].effect.high == 0 && got[0].p == 1);
    assert_true(got[1].effect.value == 5 && got[1].deviation == 2);
    assert_true(isnan(got[2].mean.value) && got[2].mean.n == 0 && isnan(got[2].effect.low));
    const int32_t wrong[] = {0, 3};
    CHECK_FAILS(arms_compare(wrong, 3, outcome, 2, 0.95, NULL, got, &err), &err, KAI_INVALID,
                "row 2: arm 3");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arms__gives_hillstroms_means),
        cmocka_unit_test(test_arms__leave_missing_values_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
