#include "learn/holdout.h"

#include <string.h>

#include "kit/check.h"

enum { ROWS = 100 };

/* Rows 0, 5, 10 .. are of class 1; row 3 has no weight. */
struct sample {
    struct matrix *features;
    double target[ROWS], weight[ROWS];
    struct learn_data data;
};

static void make_sample(struct sample *sample) {
    kai_err err;
    CHECK_OK(matrix_new(ROWS, 1, &sample->features, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        sample->target[i] = i % 5 == 0;
        sample->weight[i] = i != 3;
    }
    sample->data = (struct learn_data){.features = sample->features,
                                       .target = sample->target,
                                       .weight = sample->weight,
                                       .task = LEARN_BINARY};
}

/* Every row that weighs stands once, each part in rising order. */
static void check_partition(const struct holdout *holdout) {
    uint8_t seen[ROWS] = {0};
    assert_int_equal(holdout->teaching + holdout->kept_back, ROWS - 1);
    for (int64_t i = 0; i < ROWS - 1; i++) {
        assert_int_equal(seen[holdout->row_ids[i]]++, 0);
        if (i > 0 && i != holdout->teaching)
            assert_true(holdout->row_ids[i - 1] < holdout->row_ids[i]);
    }
    assert_int_equal(seen[3], 0);
}

static void test_holdout__keeps_back_the_share_of_each_class(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    for (uint64_t seed = 0; seed < 20; seed++) {
        struct holdout holdout;
        CHECK_OK(holdout_draw(&sample.data, 0.19, 1, seed, "test", &holdout, &err), &err);
        check_partition(&holdout);
        int ones = 0;
        for (int64_t i = 0; i < holdout.kept_back; i++)
            ones += sample.target[holdout.row_ids[holdout.teaching + i]] > 0;
        assert_int_equal(ones, 3);                      /* of 20 */
        assert_int_equal(holdout.kept_back - ones, 15); /* of 79 */
        holdout_release(&holdout);
    }
    matrix_free(sample.features);
}

static void test_holdout__keeps_back_the_rows_that_are_named(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    uint8_t is_validation[ROWS] = {0};
    is_validation[3] = is_validation[7] = is_validation[90] = 1;
    sample.data.is_validation = is_validation;
    kai_err err;
    struct holdout holdout;
    CHECK_OK(holdout_draw(&sample.data, 0.5, 2, 1, "test", &holdout, &err), &err);
    check_partition(&holdout);
    assert_int_equal(holdout.kept_back, 2); /* row 3 weighs nothing */
    assert_int_equal(holdout.row_ids[holdout.teaching], 7);
    assert_int_equal(holdout.row_ids[holdout.teaching + 1], 90);
    holdout_release(&holdout);
    matrix_free(sample.features);
}

static void test_holdout__lets_all_teach_where_few_remain(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    uint8_t is_validation[ROWS];
    memset(is_validation, 1, sizeof is_validation);
    kai_err err;
    struct holdout holdout;
    CHECK_OK(holdout_draw(&sample.data, 0.1, 9, 1, "test", &holdout, &err), &err);
    assert_int_equal(holdout.kept_back, 9); /* 2 + 7 */
    holdout_release(&holdout);
    CHECK_OK(holdout_draw(&sample.data, 0.1, 10, 1, "test", &holdout, &err), &err);
    assert_int_equal(holdout.kept_back, 0);
    holdout_release(&holdout);
    CHECK_OK(holdout_draw(&sample.data, -1, 1, 1, "test", &holdout, &err), &err);
    assert_int_equal(holdout.kept_back, 0);
    holdout_release(&holdout);
    sample.data.is_validation = is_validation;
    CHECK_OK(holdout_draw(&sample.data, 0.1, 1, 1, "test", &holdout, &err), &err);
    check_partition(&holdout);
    assert_int_equal(holdout.kept_back, 0);
    holdout_release(&holdout);
    matrix_free(sample.features);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_holdout__keeps_back_the_share_of_each_class),
        cmocka_unit_test(test_holdout__keeps_back_the_rows_that_are_named),
        cmocka_unit_test(test_holdout__lets_all_teach_where_few_remain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
