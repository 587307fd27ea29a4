#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"
#include "learn/forest_bins.h"

static struct matrix *column_new(int64_t rows) {
    struct matrix *features = NULL;
    kai_err err = {0};
    CHECK_OK(matrix_new(rows, 1, &features, &err), &err);
    return features;
}

static struct forest_bins *bin(const struct matrix *features, int32_t bins_max) {
    struct forest_bins *bins = NULL;
    kai_err err = {0};
    CHECK_OK(forest_bins_new(features, NULL, features->rows, bins_max, NULL, &bins, &err), &err);
    return bins;
}

/* Each code says between which edges its value lies, by row and by column. */
static void check_codes(const struct matrix *features, const struct forest_bins *bins) {
    for (int64_t i = 0; i < features->rows; i++) {
        float value = features->values[i];
        int code = bins->codes[i * bins->stride];
        assert_int_equal(code, bins->columnwise[i]);
        if (isnan(value)) {
            assert_int_equal(code, FOREST_BIN_MISSING);
            continue;
        }
        assert_true(code < bins->counts[0]);
        assert_true(value <= bins->edges[code]);
        assert_true(code == 0 || value > bins->edges[code - 1]);
    }
}

static void test_forest_bins__few_values_have_a_bin_each(void **state) {
    (void)state;
    static const float values[] = {3, -1, NAN, 3, 7.5f, -1, 0, -0.0f};
    static const int codes[] = {2, 0, 255, 2, 3, 0, 1, 1};
    struct matrix *features = column_new(8);
    for (int i = 0; i < 8; i++) features->values[i] = values[i];
    struct forest_bins *bins = bin(features, 255);
    assert_int_equal(bins->counts[0], 4);
    assert_int_equal(bins->has_missing[0], 1);
    for (int i = 0; i < 8; i++) assert_int_equal(bins->columnwise[i], codes[i]);
    assert_true(bins->edges[0] == -0.5f && bins->edges[1] == 1.5f && bins->edges[2] == 5.25f);
    assert_true(isinf(bins->edges[3]));
    check_codes(features, bins);
    forest_bins_free(bins);
    matrix_free(features);
}

/* Also where the quantiles come of a sample of the rows. */
static void test_forest_bins__many_values_share_bins_evenly(void **state) {
    (void)state;
    static const int64_t sizes[] = {5000, FOREST_QUANTILE_ROWS + 60000};
    for (int s = 0; s < 2; s++) {
        struct matrix *features = column_new(sizes[s]);
        struct rng rng;
        rng_init(&rng, 1, "bins", 0);
        for (int64_t i = 0; i < sizes[s]; i++)
            features->values[i] = (float)exp(3 * rng_normal(&rng));
        struct forest_bins *bins = bin(features, 50);
        int64_t counts[FOREST_CELLS] = {0};
        assert_int_equal(bins->counts[0], 50);
        check_codes(features, bins);
        for (int64_t i = 0; i < sizes[s]; i++) counts[bins->columnwise[i]]++;
        double even = (double)sizes[s] / 50;
        for (int b = 0; b < 50; b++) CHECK_NEAR((double)counts[b], even, even * 0.15);
        forest_bins_free(bins);
        matrix_free(features);
    }
}

/* Half of the rows are 0: they fill one bin, and the others still get most of the bins. */
static void test_forest_bins__heavy_values_stand_alone(void **state) {
    (void)state;
    struct matrix *features = column_new(4000);
    struct rng rng;
    rng_init(&rng, 2, "bins", 0);
    for (int64_t i = 0; i < 4000; i++)
        features->values[i] = i % 2 ? 0 : (float)(rng_unit(&rng) - 0.5);
    struct forest_bins *bins = bin(features, 32);
    int zero = bins->columnwise[1];
    assert_true(bins->counts[0] > 28 && bins->counts[0] <= 32);
    assert_true(bins->lows[zero] == 0 && bins->highs[zero] == 0);
    check_codes(features, bins);
    forest_bins_free(bins);
    matrix_free(features);
}

static void test_forest_bins__take_what_floats_can_be(void **state) {
    (void)state;
    struct matrix *features = column_new(6);
    features->values[0] = -INFINITY;
    features->values[1] = INFINITY;
    features->values[2] = 1;
    features->values[3] = nextafterf(1, 2);
    features->values[4] = 3e38f;
    features->values[5] = -3e38f;
    struct forest_bins *bins = bin(features, 255);
    assert_int_equal(bins->counts[0], 6);
    check_codes(features, bins);
    forest_bins_free(bins);
    for (int i = 0; i < 6; i++) features->values[i] = NAN;
    bins = bin(features, 255);
    assert_int_equal(bins->counts[0], 1);
    check_codes(features, bins);
    forest_bins_free(bins);
    matrix_free(features);
}

/* values 0 1 2 3 10 11: between the bins of 1 and 11 the middle is 6, and its nearest edge is that
 * between 3 and 10 */
static void test_forest_bins__cut_near_the_middle(void **state) {
    (void)state;
    static const float values[] = {0, 1, 2, 3, 10, 11};
    struct matrix *features = column_new(6);
    for (int i = 0; i < 6; i++) features->values[i] = values[i];
    struct forest_bins *bins = bin(features, 255);
    assert_int_equal(forest_bins_cut(bins, 0, 1, 5), 3);
    assert_int_equal(forest_bins_cut(bins, 0, 1, 2), 1);
    assert_int_equal(forest_bins_cut(bins, 0, 0, 3), 1);
    forest_bins_free(bins);
    matrix_free(features);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forest_bins__few_values_have_a_bin_each),
        cmocka_unit_test(test_forest_bins__many_values_share_bins_evenly),
        cmocka_unit_test(test_forest_bins__heavy_values_stand_alone),
        cmocka_unit_test(test_forest_bins__take_what_floats_can_be),
        cmocka_unit_test(test_forest_bins__cut_near_the_middle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
