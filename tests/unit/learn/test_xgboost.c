#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"
#include "learn/boost.h"
#include "learn/trees_xgboost.h"

enum { ROWS = 400, COLUMNS = 4 };

/* The data of the reference script: X[i][k] = hash of (i, k) / 97, some missing; a number with an
 * interaction, two classes of it, three classes of it, weights 1 to 3. */
struct sample {
    struct matrix *features;
    double number[ROWS], binary[ROWS], classes[ROWS], weight[ROWS];
};

static void make_sample(struct sample *sample) {
    kai_err err;
    CHECK_OK(matrix_new(ROWS, COLUMNS, &sample->features, &err), &err);
    for (int i = 0; i < ROWS; ++i) {
        for (int k = 0; k < COLUMNS; ++k)
            matrix_column(sample->features, k)[i] =
                (float)(((i * 37 + 11 * k * k + 7 * k * i + (i * i * (k + 3)) % 101) % 97) / 97.0);
        if (i % 13 == 0) matrix_column(sample->features, 1)[i] = NAN;
        float x0 = matrix_column(sample->features, 0)[i],
              x1 = matrix_column(sample->features, 1)[i];
        float x2 = matrix_column(sample->features, 2)[i];
        float base = x0 + 2 * x0 * (isnan(x1) ? 0.9f : x1) - x2;
        sample->number[i] = (double)base + 0.3 * ((i * 29) % 17) / 17;
        sample->binary[i] = sample->number[i] > 0.6;
        sample->classes[i] = sample->number[i] < 0.2 ? 0 : sample->number[i] < 0.9 ? 1 : 2;
        sample->weight[i] = 1 + i % 3;
    }
}

static struct learn_data data_of(const struct sample *sample, enum learn_task task) {
    const double *target = task == LEARN_BINARY       ? sample->binary
                           : task == LEARN_MULTICLASS ? sample->classes
                                                      : sample->number;
    return (struct learn_data){.features = sample->features,
                               .target = target,
                               .row_count = ROWS,
                               .task = task,
                               .classes = task == LEARN_MULTICLASS ? 3 : 0};
}

static const struct boost_options TEN_ROUNDS = {
    .rounds = 10, .depth_max = 3, .learning_rate = 0.3, .validation_share = -1};
static const int64_t LOOKED_AT[] = {0, 13, 77, 200, 399};

/* Reference values: xgboost 1.7.4's Python package, xgb.train with tree_method hist, max_depth 3,
 * eta 0.3, 10 rounds on this sample; base_score the (weighted) mean of the target; multiclass with
 * base_margin the log shares; rows 0, 13, 77, 200, 399. */
static void check_against(const struct learn_data *data, const double *expected, int32_t outputs) {
    kai_err err;
    struct boost *boost = NULL;
    CHECK_OK(xgboost_fit(&TEN_ROUNDS, 1, data, NULL, NULL, &boost, &err), &err);
    assert_int_equal(boost->trees, 10 * outputs);
    double scores[5 * 3];
    CHECK_OK(boost_predict(boost, data->features, LOOKED_AT, 5, NULL, scores, &err), &err);
    for (int i = 0; i < 5 * outputs; ++i) CHECK_NEAR(scores[i], expected[i], 2e-5);
    boost_free(boost);
}

static void test_xgboost__agrees_with_the_python_package(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    static const double BINARY[] = {0.0990901366, 0.967903435, 0.928207994, 0.0592659712,
                                    0.78256321};
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    check_against(&data, BINARY, 1);
    static const double WEIGHTED[] = {0.0577122904, 0.967900991, 0.912895441, 0.0541709326,
                                      0.887821019};
    data.weight = sample.weight;
    check_against(&data, WEIGHTED, 1);
    static const double REGRESSION[] = {-0.134373039, 2.08914161, 0.876817942, -0.0311106946,
                                        0.803133011};
    data = data_of(&sample, LEARN_REGRESSION);
    check_against(&data, REGRESSION, 1);
    static const double MULTI[] = {0.918612957,  0.0500754043, 0.0313116983, 0.02626165,
                                   0.0377547033, 0.935983598,  0.0405629501, 0.307944387,
                                   0.651492655,  0.784882903,  0.184083402,  0.0310337208,
                                   0.119178742,  0.334334314,  0.546486974};
    data = data_of(&sample, LEARN_MULTICLASS);
    check_against(&data, MULTI, 3);
    matrix_free(sample.features);
}

static void test_xgboost__explains_as_the_python_package(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    kai_err err;
    struct boost *boost = NULL;
    CHECK_OK(xgboost_fit(&TEN_ROUNDS, 1, &data, NULL, NULL, &boost, &err), &err);
    static const double CONTRIBUTIONS[] = {
        -3.34967065,  0.886904061, 0.353328288,  0, -0.097937271,
        2.57146835,   1.26517665,  -0.332324862, 0, -0.097937271,
        0.978205562,  1.3885814,   0.290632099,  0, -0.097937271,
        0.0182343498, -1.78539371, -0.899528742, 0, -0.097937271,
        2.67863941,   -1.39285719, 0.0928218588, 0, -0.097937271};
    double values[5 * (COLUMNS + 1)];
    CHECK_OK(boost_shapley(boost, data.features, LOOKED_AT, 5, 0, NULL, values, &err), &err);
    for (int i = 0; i < 25; ++i) CHECK_NEAR(values[i], CONTRIBUTIONS[i], 2e-4);
    static const double GAIN[] = {0.634355705, 0.239298092, 0.126346204, 0};
    double gain[COLUMNS];
    boost_importance(boost, gain);
    for (int k = 0; k < COLUMNS; ++k) CHECK_NEAR(gain[k], GAIN[k], 1e-4);
    boost_free(boost);
    matrix_free(sample.features);
}

/* The value of a set of known columns by its definition: walk both ways where the column is
 * unknown, weighted by cover. */
static double expected_value(const struct boost_node *tree, int32_t at, const float *row,
                             uint32_t known) {
    const struct boost_node *node = &tree[at];
    if (node->feature < 0) return (double)node->value;
    const struct boost_node *left = &tree[node->left], *right = left + 1;
    if (known >> node->feature & 1) {
        float value = row[node->feature];
        int goes_left = isnan(value) ? node->missing_left : value < node->value;
        return expected_value(tree, node->left + !goes_left, row, known);
    }
    double whole = (double)left->cover + (double)right->cover;
    return ((double)left->cover * expected_value(tree, node->left, row, known) +
            (double)right->cover * expected_value(tree, node->left + 1, row, known)) /
           whole;
}

static double game(const struct boost *boost, const float *row, uint32_t known) {
    double sum = boost->start[0];
    for (int32_t t = 0; t < boost->trees; ++t)
        sum += boost->scale * expected_value(boost->nodes + boost->offsets[t], 0, row, known);
    return sum;
}

static void test_shapley__is_the_sum_over_all_subsets(void **state) {
    (void)state;
    enum { WIDE = 10 };
    kai_err err;
    struct matrix *features = NULL;
    double target[300];
    CHECK_OK(matrix_new(300, WIDE, &features, &err), &err);
    struct rng rng;
    rng_init(&rng, 7, "test", 0);
    for (int i = 0; i < 300; ++i) {
        target[i] = 0;
        for (int k = 0; k < WIDE; ++k) {
            float value = (float)rng_normal(&rng);
            matrix_column(features, k)[i] = rng_unit(&rng) < 0.1 ? NAN : value;
            target[i] += (k % 2 ? 1 : -1) * (double)value * (1 + 0.1 * k);
        }
    }
    struct learn_data data = {
        .features = features, .target = target, .row_count = 300, .task = LEARN_REGRESSION};
    /* deep paths, so that both ways of attribution are met */
    struct boost_options options = {.rounds = 3, .depth_max = 12, .validation_share = -1};
    struct boost *boost = NULL;
    CHECK_OK(xgboost_fit(&options, 1, &data, NULL, NULL, &boost, &err), &err);
    assert_true(boost->depth > 9);
    int64_t row_ids[] = {3, 150, 299};
    double values[3 * (WIDE + 1)], margins[3];
    CHECK_OK(boost_shapley(boost, features, row_ids, 3, 0, NULL, values, &err), &err);
    CHECK_OK(boost_margins(boost, features, row_ids, 3, NULL, margins, &err), &err);
    for (int r = 0; r < 3; ++r) {
        float row[WIDE];
        for (int k = 0; k < WIDE; ++k) row[k] = matrix_column(features, k)[row_ids[r]];
        double games[1 << WIDE], sum = values[r * (WIDE + 1) + WIDE];
        for (uint32_t s = 0; s < 1u << WIDE; ++s) games[s] = game(boost, row, s);
        CHECK_NEAR(sum, games[0], 1e-5);
        for (int k = 0; k < WIDE; ++k) {
            double phi = 0;
            for (uint32_t s = 0; s < 1u << WIDE; ++s) {
                if (s >> k & 1) continue;
                int size = __builtin_popcount(s);
                double weight = tgamma(size + 1) * tgamma(WIDE - size) / tgamma(WIDE + 1);
                phi += weight * (games[s | 1u << k] - games[s]);
            }
            CHECK_NEAR(values[r * (WIDE + 1) + k], phi, 1e-5);
            sum += values[r * (WIDE + 1) + k];
        }
        CHECK_NEAR(sum, margins[r], 1e-9);
    }
    boost_free(boost);
    matrix_free(features);
}

static void make_noisy(int64_t rows, int32_t columns, struct matrix **ret_features, double *target,
                       double *classes) {
    kai_err err;
    CHECK_OK(matrix_new(rows, columns, ret_features, &err), &err);
    for (int64_t i = 0; i < rows; ++i) {
        struct rng rng;
        rng_init(&rng, 11, "noisy", (uint64_t)i);
        double sum = 0;
        for (int32_t k = 0; k < columns; ++k) {
            float value = (float)rng_normal(&rng);
            matrix_column(*ret_features, k)[i] = rng_unit(&rng) < 0.05 ? NAN : value;
            if (k < 3) sum += (double)value;
        }
        target[i] = 1000 + 50 * (sum + rng_normal(&rng));
        classes[i] = sum + rng_normal(&rng) > 0 ? 1 : 0;
    }
}

static void save_boost(const struct boost *boost, struct buf *out) {
    kai_err err;
    struct bytes_writer writer;
    buf_init(out, 1 << 24);
    bytes_write(&writer, out);
    boost_save(boost, &writer);
    CHECK_OK(bytes_written(&writer, &err), &err);
}

static void test_xgboost__gives_the_same_bytes_for_any_threads(void **state) {
    (void)state;
    enum { MANY = 9000, FEW = 8 };
    struct matrix *features = NULL;
    double *target = mem_array(MANY, sizeof *target), *classes = mem_array(MANY, sizeof *classes);
    make_noisy(MANY, FEW, &features, target, classes);
    kai_err err;
    static const enum learn_task TASKS[] = {LEARN_REGRESSION, LEARN_BINARY, LEARN_MULTICLASS};
    for (int task = 0; task < 3; ++task) {
        struct learn_data data = {.features = features,
                                  .target = task == 0 ? target : classes,
                                  .row_count = MANY,
                                  .task = TASKS[task],
                                  .classes = 2};
        struct boost_options options = {
            .rounds = 3, .depth_max = 6, .row_share = 0.7, .column_share = 0.7};
        struct buf first = {0};
        for (int32_t threads = 1; threads <= 4; threads += threads == 1 ? 1 : 2) {
            struct pool *pool = NULL;
            struct boost *boost = NULL;
            struct buf bytes;
            CHECK_OK(pool_new(threads, &pool, &err), &err);
            CHECK_OK(xgboost_fit_threads(&options, 5, &data, threads, pool, NULL, &boost, &err),
                     &err);
            save_boost(boost, threads == 1 ? &first : &bytes);
            if (threads > 1) {
                assert_int_equal(bytes.size, first.size);
                assert_memory_equal(bytes.data, first.data, first.size);
                buf_release(&bytes);
            }
            boost_free(boost);
            pool_free(pool);
        }
        buf_release(&first);
    }
    mem_free(target);
    mem_free(classes);
    matrix_free(features);
}

static void test_xgboost__stops_early_and_keeps_the_best_round(void **state) {
    (void)state;
    enum { MANY = 2000, FEW = 5 };
    struct matrix *features = NULL;
    double target[MANY], classes[MANY];
    make_noisy(MANY, FEW, &features, target, classes);
    kai_err err;
    struct learn_data data = {
        .features = features, .target = classes, .row_count = MANY, .task = LEARN_BINARY};
    struct boost_options options = {.rounds = 400, .learning_rate = 0.3, .patience = 5};
    struct boost *boost = NULL;
    CHECK_OK(xgboost_fit(&options, 2, &data, NULL, NULL, &boost, &err), &err);
    assert_true(boost->best_round >= 1);
    assert_true(boost->rounds_run < 400);
    assert_int_equal(boost->rounds_run, boost->best_round + 5);
    assert_int_equal(boost->trees, boost->best_round);
    assert_int_equal(boost->curve_count, boost->rounds_run);
    for (int32_t i = 0; i < boost->curve_count; ++i)
        assert_true(boost->curve[i] >= boost->curve[boost->best_round - 1]);
    boost_free(boost);
    matrix_free(features);
}

static void test_xgboost__leaves_out_rows_without_weight(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    int64_t row_ids[ROWS];
    int64_t count = 0;
    for (int i = 0; i < ROWS; ++i) {
        sample.weight[i] = i % 4 != 0;
        if (i % 4 != 0) row_ids[count++] = i;
    }
    struct boost *weighted = NULL, *chosen = NULL;
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    data.weight = sample.weight;
    CHECK_OK(xgboost_fit(&TEN_ROUNDS, 1, &data, NULL, NULL, &weighted, &err), &err);
    data.weight = NULL;
    data.row_ids = row_ids;
    data.row_count = count;
    CHECK_OK(xgboost_fit(&TEN_ROUNDS, 1, &data, NULL, NULL, &chosen, &err), &err);
    struct buf a, b;
    save_boost(weighted, &a);
    save_boost(chosen, &b);
    assert_int_equal(a.size, b.size);
    assert_memory_equal(a.data, b.data, a.size);
    buf_release(&a);
    buf_release(&b);
    boost_free(weighted);
    boost_free(chosen);
    matrix_free(sample.features);
}

static int stop_at_three(void *user, const char *stage, int64_t done, int64_t total) {
    (void)user;
    assert_string_equal(stage, "boost");
    assert_int_equal(total, 10);
    return done == 3;
}

static void test_xgboost__stops_where_it_is_told(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    struct progress progress = {.call = stop_at_three};
    struct boost *boost = NULL;
    kai_err err;
    CHECK_FAILS(xgboost_fit(&TEN_ROUNDS, 1, &data, NULL, &progress, &boost, &err), &err,
                KAI_CANCELLED, NULL);
    assert_null(boost);
    matrix_free(sample.features);
}

static void test_xgboost__refuses_options_out_of_range(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    static const struct {
        struct boost_options options;
        const char *part;
    } CASES[] = {
        {{.rounds = -1}, "rounds"},
        {{.depth_max = 17}, "depth_max"},
        {{.learning_rate = 2}, "learning_rate"},
        {{.row_share = NAN}, "shares"},
        {{.column_share = 1.5}, "shares"},
        {{.lambda = -1}, "lambda"},
        {{.validation_share = 1}, "validation_share"},
        {{.patience = -4}, "patience"},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; ++i) {
        struct boost *boost = NULL;
        kai_err err;
        CHECK_FAILS(xgboost_fit(&CASES[i].options, 1, &data, NULL, NULL, &boost, &err), &err,
                    KAI_INVALID, CASES[i].part);
        assert_null(boost);
    }
    matrix_free(sample.features);
}

static void test_xgboost__fits_a_constant_target_and_a_missing_column(void **state) {
    (void)state;
    kai_err err;
    struct matrix *features = NULL;
    CHECK_OK(matrix_new(50, 2, &features, &err), &err); /* all missing */
    double target[50], binary[50], scores[50];
    for (int i = 0; i < 50; ++i) target[i] = 3.25, binary[i] = i < 10;
    struct learn_data data = {
        .features = features, .target = target, .row_count = 50, .task = LEARN_REGRESSION};
    struct boost_options options = {0};
    struct boost *boost = NULL;
    CHECK_OK(xgboost_fit(&options, 1, &data, NULL, NULL, &boost, &err), &err);
    CHECK_OK(boost_predict(boost, features, NULL, 50, NULL, scores, &err), &err);
    for (int i = 0; i < 50; ++i) CHECK_NEAR(scores[i], 3.25, 0);
    boost_free(boost);
    boost = NULL;
    data.target = binary;
    data.task = LEARN_BINARY;
    CHECK_OK(xgboost_fit(&options, 1, &data, NULL, NULL, &boost, &err), &err);
    CHECK_OK(boost_predict(boost, features, NULL, 50, NULL, scores, &err), &err);
    for (int i = 0; i < 50; ++i) CHECK_NEAR(scores[i], 0.2, 1e-6);
    boost_free(boost);
    matrix_free(features);
}

static void test_xgboost__fits_targets_of_any_size(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    double small[ROWS], large[ROWS], a[ROWS], b[ROWS];
    for (int i = 0; i < ROWS; ++i) {
        small[i] = 1e-9 * sample.number[i];
        large[i] = 1e12 + 1e9 * sample.number[i];
    }
    struct learn_data data = data_of(&sample, LEARN_REGRESSION);
    struct boost *boost = NULL;
    data.target = small;
    CHECK_OK(xgboost_fit(&TEN_ROUNDS, 1, &data, NULL, NULL, &boost, &err), &err);
    CHECK_OK(boost_predict(boost, data.features, NULL, ROWS, NULL, a, &err), &err);
    boost_free(boost);
    data.target = large;
    CHECK_OK(xgboost_fit(&TEN_ROUNDS, 1, &data, NULL, NULL, &boost, &err), &err);
    CHECK_OK(boost_predict(boost, data.features, NULL, ROWS, NULL, b, &err), &err);
    boost_free(boost);
    for (int i = 0; i < ROWS; ++i) CHECK_NEAR(1e9 * a[i], (b[i] - 1e12) / 1e9, 1e-4);
    matrix_free(sample.features);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_xgboost__agrees_with_the_python_package),
        cmocka_unit_test(test_xgboost__explains_as_the_python_package),
        cmocka_unit_test(test_shapley__is_the_sum_over_all_subsets),
        cmocka_unit_test(test_xgboost__gives_the_same_bytes_for_any_threads),
        cmocka_unit_test(test_xgboost__stops_early_and_keeps_the_best_round),
        cmocka_unit_test(test_xgboost__leaves_out_rows_without_weight),
        cmocka_unit_test(test_xgboost__stops_where_it_is_told),
        cmocka_unit_test(test_xgboost__refuses_options_out_of_range),
        cmocka_unit_test(test_xgboost__fits_a_constant_target_and_a_missing_column),
        cmocka_unit_test(test_xgboost__fits_targets_of_any_size),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
