#include "base/caps.h"
#include "base/json.h"
#include "unit/learn/forest_kit.h"

static void check_same_bytes(const struct forest *a, const struct forest *b) {
    struct buf first = save_forest(a), second = save_forest(b);
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    buf_release(&first);
    buf_release(&second);
}

static const enum learn_task TASKS[] = {LEARN_BINARY, LEARN_MULTICLASS, LEARN_REGRESSION};

/* Grown until pure, a tree of all rows knows them by heart. */
static void test_forest__remembers_what_one_full_tree_saw(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++) {
        struct forest_case c = case_noisy(400, 4, TASKS[t], 5, 0.1, 3);
        struct forest_options options = tree_options();
        struct forest *forest = case_fit(&c, &options);
        double *scores = case_predict(&c, forest);
        int32_t outputs = forest_outputs(forest);
        for (int64_t i = 0; i < 400; i++) {
            if (outputs == 1)
                CHECK_NEAR(scores[i], c.target[i], 1e-6);
            else
                CHECK_NEAR(scores[i * outputs + (int64_t)c.target[i]], 1, 1e-6);
        }
        mem_free(scores);
        forest_free(forest);
        case_free(&c);
    }
}

static void test_forest__is_the_same_for_any_number_of_threads(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++) {
        struct forest_case c = case_noisy(1500, 7, TASKS[t], 3, 0.1, 4);
        struct forest_options options = {.trees = 12, .wants_out_of_bag = 1};
        struct pool *pool = NULL;
        kai_err err = {0};
        CHECK_OK(pool_new(3, &pool, &err), &err);
        struct forest *one = case_fit(&c, &options), *three = NULL;
        CHECK_OK(forest_fit(&options, 7, &c.data, pool, NULL, &three, &err), &err);
        check_same_bytes(one, three);
        size_t values = 1500 * (size_t)forest_outputs(one);
        assert_memory_equal(forest_out_of_bag(one), forest_out_of_bag(three),
                            values * sizeof(double));
        double *alone = case_predict(&c, one), *together = mem_zero(values, sizeof *together);
        CHECK_OK(forest_predict(three, c.features, NULL, 1500, pool, together, &err), &err);
        assert_memory_equal(alone, together, values * sizeof *alone);
        mem_free(alone);
        mem_free(together);
        forest_free(one);
        forest_free(three);
        pool_free(pool);
        case_free(&c);
    }
}

/* A whole weight is as many rows (of columns with a bin a value: quantiles count rows). */
static void test_forest__weighs_a_row_like_its_copies(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++) {
        struct forest_case weighted = case_noisy(200, 4, TASKS[t], 3, 0.1, 5);
        double *weight = case_weigh(&weighted);
        int64_t row_ids[600], count = 0;
        for (int64_t i = 0; i < 200; i++) {
            weight[i] = (double)(i % 4);
            for (int64_t k = 0; k < i % 4; k++) row_ids[count++] = i;
        }
        struct forest_options options = tree_options();
        options.depth_max = TASKS[t] == LEARN_REGRESSION ? 8 : 3; /* classes tie in small nodes */
        struct forest *by_weight = case_fit(&weighted, &options);
        struct forest_case copies = weighted;
        copies.data.weight = NULL;
        copies.data.row_ids = row_ids;
        copies.data.row_count = count;
        struct forest *by_copies = case_fit(&copies, &options);
        double *a = case_predict(&weighted, by_weight), *b = case_predict(&weighted, by_copies);
        int32_t outputs = forest_outputs(by_weight);
        for (int64_t i = 0; i < 200 * outputs; i++) {
            if (weight[i / outputs] > 0) CHECK_NEAR(a[i], b[i], 1e-6);
        }
        mem_free(a);
        mem_free(b);
        forest_free(by_weight);
        forest_free(by_copies);
        case_free(&weighted);
    }
}

static double square(double x) { return x * x; }

static void test_forest__fits_a_curve(void **state) {
    (void)state;
    struct forest_case c = case_new(3000, 3, LEARN_REGRESSION, 0);
    struct rng rng;
    rng_init(&rng, 6, "curve", 0);
    for (int64_t i = 0; i < 3000; i++) {
        for (int32_t k = 0; k < 3; k++) *case_value(&c, i, k) = (float)(4 * rng_unit(&rng) - 2);
        c.target[i] = 1e6 + sin(2.0 * *case_value(&c, i, 0)) + *case_value(&c, i, 1);
    }
    c.data.row_count = 2000;
    struct forest_options options = {.trees = 40, .feature_share = 1};
    struct forest *forest = case_fit(&c, &options);
    double *scores = case_predict(&c, forest), mean = 0, left = 0, all = 0;
    for (int64_t i = 2000; i < 3000; i++) mean += c.target[i] / 1000;
    for (int64_t i = 2000; i < 3000; i++) {
        left += square(scores[i] - c.target[i]);
        all += square(c.target[i] - mean);
    }
    assert_true(1 - left / all > 0.95);
    mem_free(scores);
    double gain[3];
    forest_importance(forest, gain);
    CHECK_NEAR(gain[0] + gain[1] + gain[2], 1, 1e-12);
    assert_true(gain[2] < 0.05);
    forest_free(forest);
    case_free(&c);
}

/* Every third tree or so misses a row; its out-of-bag score is the mean over just those trees,
 * which fits of a single tree each recompute. */
static void test_forest__scores_out_of_bag_by_the_trees_that_missed_the_row(void **state) {
    (void)state;
    struct forest_case c = case_noisy(200, 3, LEARN_REGRESSION, 0, 0, 8);
    struct forest_options options = {.trees = 30, .wants_out_of_bag = 1};
    struct forest *forest = case_fit(&c, &options);
    const double *out_of_bag = forest_out_of_bag(forest);
    double *inside = case_predict(&c, forest);
    double out_error = 0, in_error = 0, mean_error = 0, mean = 0;
    for (int64_t i = 0; i < 200; i++) mean += c.target[i] / 200;
    for (int64_t i = 0; i < 200; i++) {
        assert_true(isfinite(out_of_bag[i]));
        out_error += square(out_of_bag[i] - c.target[i]);
        in_error += square(inside[i] - c.target[i]);
        mean_error += square(mean - c.target[i]);
    }
    assert_true(in_error < 0.5 * out_error);
    assert_true(out_error < 0.8 * mean_error);
    forest_free(forest);
    mem_free(inside);

    /* one tree: a row is in its bag, or scored as predict does */
    options.trees = 1;
    forest = case_fit(&c, &options);
    inside = case_predict(&c, forest);
    int64_t unseen = 0;
    for (int64_t i = 0; i < 200; i++) {
        double score = forest_out_of_bag(forest)[i];
        if (isnan(score)) {
            CHECK_NEAR(inside[i], c.target[i], 1e-6); /* full tree: seen rows are known by heart */
            continue;
        }
        unseen++;
        CHECK_NEAR(score, inside[i], 1e-12);
    }
    assert_true(unseen > 50 && unseen < 100); /* e^-1 of 200 = 74 */
    forest_free(forest);
    mem_free(inside);
    case_free(&c);
}

static void test_forest__respects_depth_and_leaf_size(void **state) {
    (void)state;
    struct forest_case c = case_noisy(2000, 5, LEARN_BINARY, 0, 0.05, 9);
    struct forest_options options = {.trees = 5, .depth_max = 4, .leaf_rows_min = 30};
    options.without_replacement = 1;
    struct forest *forest = case_fit(&c, &options);
    for (int32_t t = 0; t < 5; t++) {
        const struct forest_tree *tree = &forest->trees[t];
        assert_true(tree->depth <= 4 && tree->leaf_count <= 16 && tree->leaf_count > 4);
        for (uint32_t i = 0; i < tree->node_count; i++) assert_true(tree->nodes[i].cover >= 30);
    }
    forest_free(forest);
    case_free(&c);
}

/* Two columns of twelve carry something; drawing goes on past constant columns. */
static void test_forest__skips_constant_columns(void **state) {
    (void)state;
    struct forest_case c = case_new(300, 12, LEARN_BINARY, 0);
    struct rng rng;
    rng_init(&rng, 10, "constant", 0);
    for (int64_t i = 0; i < 300; i++) {
        for (int32_t k = 0; k < 12; k++) *case_value(&c, i, k) = 3;
        *case_value(&c, i, 4) = (float)rng_unit(&rng);
        *case_value(&c, i, 9) = (float)rng_unit(&rng);
        c.target[i] = *case_value(&c, i, 4) + *case_value(&c, i, 9) > 1;
    }
    struct forest_options options = {.trees = 20, .without_replacement = 1};
    struct forest *forest = case_fit(&c, &options);
    double *scores = case_predict(&c, forest);
    for (int64_t i = 0; i < 300; i++) CHECK_NEAR(scores[i], c.target[i], 0);
    double gain[12];
    forest_importance(forest, gain);
    CHECK_NEAR(gain[4] + gain[9], 1, 1e-12);
    mem_free(scores);
    forest_free(forest);
    case_free(&c);
}

/* More distinct values than bins, heavy ones, and infinities. */
static void test_forest__bins_wide_columns(void **state) {
    (void)state;
    struct forest_case c = case_new(4000, 1, LEARN_BINARY, 0);
    struct rng rng;
    rng_init(&rng, 11, "wide", 0);
    for (int64_t i = 0; i < 4000; i++) {
        float value = i % 3 == 0 ? 0 : (float)rng_normal(&rng);
        if (i == 1) value = INFINITY;
        if (i == 2) value = -INFINITY;
        *case_value(&c, i, 0) = value;
        c.target[i] = value == 0;
    }
    struct forest_options options = tree_options();
    options.bins_max = 64;
    struct forest *forest = case_fit(&c, &options);
    double *scores = case_predict(&c, forest), wrong = 0;
    for (int64_t i = 0; i < 4000; i++) wrong += fabs(scores[i] - c.target[i]);
    assert_true(wrong < 1e-6); /* the heavy value has its own bin */
    mem_free(scores);
    forest_free(forest);
    case_free(&c);
}

static void test_forest__refuses_what_it_cannot_learn(void **state) {
    (void)state;
    kai_err err = {0};
    struct forest *forest = NULL;
    struct forest_case c = case_noisy(20, 2, LEARN_BINARY, 0, 0, 12);
    struct forest_options options = {.trees = 2};
    struct learn_data data = c.data;
    data.row_count = 0;
    CHECK_FAILS(forest_fit(&options, 1, &data, NULL, NULL, &forest, &err), &err, KAI_INVALID,
                "nothing to learn");
    int64_t outside[] = {0, 20};
    data = c.data;
    data.row_ids = outside;
    data.row_count = 2;
    CHECK_FAILS(forest_fit(&options, 1, &data, NULL, NULL, &forest, &err), &err, KAI_INVALID,
                "row 20");
    options.feature_share = 1.5;
    CHECK_FAILS(forest_fit(&options, 1, &c.data, NULL, NULL, &forest, &err), &err, KAI_INVALID,
                "feature_share");
    options.feature_share = 0;
    c.target[3] = 2;
    CHECK_FAILS(forest_fit(&options, 1, &c.data, NULL, NULL, &forest, &err), &err, KAI_INVALID,
                "target 2");
    for (int64_t i = 0; i < 20; i++) c.target[i] = 1;
    CHECK_FAILS(forest_fit(&options, 1, &c.data, NULL, NULL, &forest, &err), &err, KAI_INVALID,
                "class 1");
    assert_null(forest);
    case_free(&c);
}

static int stop_at_three(void *user, const char *stage, int64_t done, int64_t total) {
    (void)user;
    assert_string_equal(stage, "forest");
    assert_int_equal(total, 50);
    return done >= 3;
}

static void test_forest__stops_when_asked(void **state) {
    (void)state;
    kai_err err = {0};
    struct forest *forest = NULL;
    struct forest_case c = case_noisy(100, 2, LEARN_BINARY, 0, 0, 13);
    struct forest_options options = {.trees = 50};
    struct progress progress = {.call = stop_at_three};
    CHECK_FAILS(forest_fit(&options, 1, &c.data, NULL, &progress, &forest, &err), &err,
                KAI_CANCELLED, NULL);
    case_free(&c);
}

static void test_forest__survives_failing_allocations(void **state) {
    (void)state;
    struct forest_case c = case_noisy(60, 3, LEARN_MULTICLASS, 3, 0.1, 14);
    struct forest_options options = {.trees = 3, .wants_out_of_bag = 1};
    int64_t nth = 1;
    for (kai_status st = KAI_NO_MEMORY; st; nth++) {
        struct forest *forest = NULL;
        kai_err err = {0};
        check_alloc_fail(nth, 0);
        st = forest_fit(&options, 1, &c.data, NULL, NULL, &forest, &err);
        forest_free(forest);
        check_alloc_reset();
        assert_true(st == KAI_OK || st == KAI_NO_MEMORY);
        assert_int_equal(check_alloc_live(), 0);
    }
    assert_true(nth > 10);
    case_free(&c);
}

static void test_forest__comes_back_from_its_bytes(void **state) {
    (void)state;
    for (int t = 0; t < 3; t++) {
        struct forest_case c = case_noisy(200, 4, TASKS[t], 3, 0.1, 15);
        struct forest_options options = {.trees = 5};
        struct forest *forest = case_fit(&c, &options), *loaded = NULL;
        struct buf bytes = save_forest(forest);
        struct bytes_reader reader;
        kai_err err = {0};
        bytes_read(&reader, bytes.data, bytes.size, "forest");
        CHECK_OK(forest_load(&reader, &loaded, &err), &err);
        assert_int_equal(reader.at, bytes.size);
        check_same_bytes(forest, loaded);
        assert_int_equal(forest_task(loaded), TASKS[t]);
        assert_int_equal(loaded->trees[2].depth, forest->trees[2].depth);
        double *a = case_predict(&c, forest), *b = case_predict(&c, loaded);
        assert_memory_equal(a, b, 200 * (size_t)forest_outputs(forest) * sizeof *a);
        mem_free(a);
        mem_free(b);
        buf_release(&bytes);
        forest_free(forest);
        forest_free(loaded);
        case_free(&c);
    }
}

/* Cut anywhere: refused. A byte changed anywhere: refused, or a forest that can be used. */
static void test_forest__refuses_damaged_bytes(void **state) {
    (void)state;
    struct forest_case c = case_noisy(60, 3, LEARN_MULTICLASS, 3, 0.1, 16);
    struct forest_options options = {.trees = 2};
    struct forest *forest = case_fit(&c, &options);
    struct buf bytes = save_forest(forest);
    int64_t refused = 0;
    for (size_t at = 0; at < bytes.size; at++) {
        struct bytes_reader reader;
        struct forest *loaded = NULL;
        kai_err err = {0};
        bytes_read(&reader, bytes.data, at, "forest");
        CHECK_FAILS(forest_load(&reader, &loaded, &err), &err, KAI_CORRUPT, "forest");
        bytes.data[at] ^= (char)(1 << (at % 8));
        bytes_read(&reader, bytes.data, bytes.size, "forest");
        if (forest_load(&reader, &loaded, &err)) {
            refused++;
        } else if (forest_columns(loaded) == 3) {
            double scores[60 * 4];
            if (forest_outputs(loaded) <= 4)
                CHECK_OK(forest_predict(loaded, c.features, NULL, 60, NULL, scores, &err), &err);
        }
        forest_free(loaded);
        bytes.data[at] ^= (char)(1 << (at % 8));
    }
    assert_true(refused > 100);
    buf_release(&bytes);
    forest_free(forest);
    case_free(&c);
}

static void test_forest__describes_its_trees(void **state) {
    (void)state;
    struct forest_case c = case_noisy(100, 3, LEARN_BINARY, 0, 0, 17);
    struct forest_options options = {.trees = 4, .depth_max = 1};
    struct forest *forest = case_fit(&c, &options);
    struct buf out;
    struct json_writer json;
    kai_err err = {0};
    buf_init(&out, 4096);
    json_init(&json, &out, 0);
    json_object(&json);
    forest_describe(forest, &json);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *value = NULL;
    CHECK_OK(json_parse(out.data, out.size, &value, &err), &err);
    CHECK_NEAR(json_as_f64(json_get(value, "trees"), 0), 4, 0);
    CHECK_NEAR(json_as_f64(json_get(value, "nodes"), 0), 12, 0);
    CHECK_NEAR(json_as_f64(json_get(value, "leaves"), 0), 8, 0);
    CHECK_NEAR(json_as_f64(json_get(value, "depth_max"), 0), 1, 0);
    json_free(value);
    buf_release(&out);
    forest_free(forest);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forest__remembers_what_one_full_tree_saw),
        cmocka_unit_test(test_forest__is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_forest__weighs_a_row_like_its_copies),
        cmocka_unit_test(test_forest__fits_a_curve),
        cmocka_unit_test(test_forest__scores_out_of_bag_by_the_trees_that_missed_the_row),
        cmocka_unit_test(test_forest__respects_depth_and_leaf_size),
        cmocka_unit_test(test_forest__skips_constant_columns),
        cmocka_unit_test(test_forest__bins_wide_columns),
        cmocka_unit_test(test_forest__refuses_what_it_cannot_learn),
        cmocka_unit_test(test_forest__stops_when_asked),
        cmocka_unit_test(test_forest__survives_failing_allocations),
        cmocka_unit_test(test_forest__comes_back_from_its_bytes),
        cmocka_unit_test(test_forest__refuses_damaged_bytes),
        cmocka_unit_test(test_forest__describes_its_trees),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
