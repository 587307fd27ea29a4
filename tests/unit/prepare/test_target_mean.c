#include "kit/check.h"

#include <math.h>

#include "base/rng.h"
#include "prepare/target_mean.h"

static const int32_t GROUPS[6] = {0, 0, 0, 1, 1, -1};
static const double TARGET[6] = {1, 0, 1, 0, 0, 1};

static void test_target_mean__is_the_m_estimate(void **state) {
    (void)state;
    struct target_rows rows = {GROUPS, TARGET, 6, 3, -1};
    double means[3];
    kai_err err;
    CHECK_OK(target_means(&rows, 2, means, &err), &err);
    CHECK_NEAR(means[0], (2 + 2 * 0.5) / 5, 1e-15);
    CHECK_NEAR(means[1], (0 + 2 * 0.5) / 4, 1e-15);
    CHECK_NEAR(means[2], 0.5, 1e-15); /* an empty group is the prior */
    CHECK_OK(target_means(&rows, 0, means, &err), &err);
    CHECK_NEAR(means[0], 2.0 / 3, 1e-15);
    CHECK_NEAR(means[2], 0.5, 1e-15);
}

static void test_target_mean__out_of_fold_never_sees_its_own_fold(void **state) {
    (void)state;
    struct target_rows rows = {GROUPS, TARGET, 6, 3, -1};
    static const int32_t FOLDS[6] = {0, 1, 0, 1, 0, 1};
    double values[6], changed[6];
    kai_err err;
    CHECK_OK(target_means_out_of_fold(&rows, 2, FOLDS, 2, values, &err), &err);
    /* fold 0 sees rows 1, 3, 5: targets 0 0 1, prior 1/3; fold 1 sees rows 0, 2, 4: prior 2/3 */
    CHECK_NEAR(values[0], (0 + 2.0 / 3) / 3, 1e-15);
    CHECK_NEAR(values[1], (2 + 4.0 / 3) / 4, 1e-15);
    CHECK_NEAR(values[3], (0 + 4.0 / 3) / 3, 1e-15);
    CHECK_NEAR(values[4], (0 + 2.0 / 3) / 3, 1e-15);
    assert_true(isnan(values[5]));
    double other[6];
    for (int i = 0; i < 6; i++) other[i] = FOLDS[i] == 0 ? 1e9 * (i + 1) + 0.1 : TARGET[i];
    rows.target = other;
    CHECK_OK(target_means_out_of_fold(&rows, 2, FOLDS, 2, changed, &err), &err);
    for (int i = 0; i < 6; i++)
        if (FOLDS[i] == 0) assert_true(changed[i] == values[i]); /* to the last bit */
}

static void test_target_mean__smooths_by_the_ratio_of_variances(void **state) {
    (void)state;
    enum { LEVELS = 400, EACH = 25, COUNT = LEVELS * EACH };
    static int32_t groups[COUNT];
    static double target[COUNT];
    for (int noise_only = 0; noise_only < 2; noise_only++) {
        for (int32_t i = 0; i < COUNT; i++) {
            struct rng of_group, of_row;
            groups[i] = i % LEVELS;
            rng_init(&of_group, 7, "group", (uint64_t)groups[i]);
            rng_init(&of_row, 7, "row", (uint64_t)i);
            double shift = noise_only ? 0 : 0.5 * rng_normal(&of_group);
            target[i] = 3 + shift + 2 * rng_normal(&of_row); /* m = 4 / 0.25 = 16 */
        }
        struct target_rows rows = {groups, target, COUNT, LEVELS, -1};
        double smoothing = 0;
        kai_err err;
        CHECK_OK(target_smoothing(&rows, &smoothing, &err), &err);
        if (noise_only)
            assert_true(smoothing > 160);
        else
            CHECK_NEAR(smoothing, 16, 4);
    }
}

static void test_target_mean__counts_one_class(void **state) {
    (void)state;
    static const double CLASSES[6] = {2, 0, 2, 1, 2, 0};
    struct target_rows rows = {GROUPS, CLASSES, 6, 2, 2};
    double means[2];
    kai_err err;
    CHECK_OK(target_means(&rows, 0, means, &err), &err);
    CHECK_NEAR(means[0], 2.0 / 3, 1e-15);
    CHECK_NEAR(means[1], 0.5, 1e-15);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_target_mean__is_the_m_estimate),
        cmocka_unit_test(test_target_mean__out_of_fold_never_sees_its_own_fold),
        cmocka_unit_test(test_target_mean__smooths_by_the_ratio_of_variances),
        cmocka_unit_test(test_target_mean__counts_one_class),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
