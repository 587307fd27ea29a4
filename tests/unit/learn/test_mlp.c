#include "learn/mlp.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

/* A small world: numbers, then categories; the truth is set by each test. */
struct world {
    struct matrix *matrix;
    double *target;
    struct learn_data data;
};

static struct world make_world(int64_t rows, int32_t numbers, const int32_t *cardinalities,
                               int32_t categories, enum learn_task task) {
    struct world world = {0};
    kai_err err;
    CHECK_OK(matrix_new(rows, numbers + categories, &world.matrix, &err), &err);
    for (int32_t j = 0; j < numbers + categories; j++) {
        int32_t cardinality = j < numbers ? 0 : cardinalities[j - numbers];
        CHECK_OK(matrix_name(world.matrix, j, "x", "x", cardinality, &err), &err);
        struct rng rng;
        rng_init(&rng, 11, "test.world", (uint64_t)j);
        float *values = matrix_column(world.matrix, j);
        for (int64_t i = 0; i < rows; i++)
            values[i] = cardinality ? (float)rng_below(&rng, (uint64_t)cardinality)
                                    : (float)rng_normal(&rng);
    }
    world.target = mem_zero((size_t)rows, sizeof *world.target);
    world.data = (struct learn_data){.features = world.matrix,
                                     .target = world.target,
                                     .row_count = rows,
                                     .task = task,
                                     .classes = 3};
    return world;
}

static void free_world(struct world *world) {
    matrix_free(world->matrix);
    mem_free(world->target);
}

static double value(const struct world *world, int64_t row, int32_t column) {
    return (double)matrix_column(world->matrix, column)[row];
}

static struct mlp *fit(const struct world *world, const struct mlp_options *options,
                       struct pool *pool) {
    struct mlp *mlp = NULL;
    kai_err err;
    CHECK_OK(mlp_fit(options, 5, &world->data, pool, NULL, &mlp, &err), &err);
    return mlp;
}

static double *predict(const struct world *world, const struct mlp *mlp, struct pool *pool) {
    int64_t rows = world->matrix->rows;
    double *scores = mem_zero((size_t)rows * (size_t)mlp_outputs(mlp), sizeof *scores);
    kai_err err;
    CHECK_OK(mlp_predict(mlp, world->matrix, NULL, rows, pool, scores, &err), &err);
    return scores;
}

static double share_right(const struct world *world, const double *scores) {
    int64_t right = 0;
    for (int64_t i = 0; i < world->matrix->rows; i++)
        right += (scores[i] > 0.5) == (world->target[i] > 0.5);
    return (double)right / (double)world->matrix->rows;
}

static void save(const struct mlp *mlp, struct buf *out) {
    struct bytes_writer writer;
    kai_err err;
    buf_init(out, 1 << 24);
    bytes_write(&writer, out);
    mlp_save(mlp, &writer);
    CHECK_OK(bytes_written(&writer, &err), &err);
}

static struct world make_xor(void) {
    struct world world = make_world(2000, 2, NULL, 0, LEARN_BINARY);
    for (int64_t i = 0; i < 2000; i++)
        world.target[i] = (value(&world, i, 0) > 0) != (value(&world, i, 1) > 0);
    return world;
}

static void test_mlp__learns_xor(void **state) {
    (void)state;
    struct world world = make_xor();
    struct mlp_options options = {.epochs = 30};
    struct mlp *mlp = fit(&world, &options, NULL);
    double *scores = predict(&world, mlp, NULL);
    assert_true(share_right(&world, scores) > 0.95); /* a linear model has 0.5 */
    mem_free(scores);
    mlp_free(mlp);
    free_world(&world);
}

/* y = 3 + 5 x0 x1 + effect of a category: scale and shift must come back. */
static void test_mlp__learns_a_known_regression(void **state) {
    (void)state;
    const int32_t cardinality = 4;
    struct world world = make_world(4000, 2, &cardinality, 1, LEARN_REGRESSION);
    for (int64_t i = 0; i < 4000; i++)
        world.target[i] = 1000 + 50 * value(&world, i, 0) * value(&world, i, 1) +
                          100 * (value(&world, i, 2) - 1.5);
    struct mlp_options options = {.epochs = 20};
    struct mlp *mlp = fit(&world, &options, NULL);
    double *scores = predict(&world, mlp, NULL), error = 0, spread = 0;
    for (int64_t i = 0; i < 4000; i++) {
        error += pow(scores[i] - world.target[i], 2);
        spread += pow(world.target[i] - 1000, 2);
    }
    assert_true(error < 0.03 * spread);
    mem_free(scores);
    mlp_free(mlp);
    free_world(&world);
}

/* 40 values of a category decide the class: an embedding must separate them. */
static void test_mlp__learns_classes_through_an_embedding(void **state) {
    (void)state;
    const int32_t cardinality = 40;
    struct world world = make_world(3000, 1, &cardinality, 1, LEARN_MULTICLASS);
    for (int64_t i = 0; i < 3000; i++)
        world.target[i] = (double)(((int)value(&world, i, 1) * 7) % 3);
    struct mlp_options options = {.epochs = 30};
    struct mlp *mlp = fit(&world, &options, NULL);
    assert_int_equal(mlp_outputs(mlp), 3);
    double *scores = predict(&world, mlp, NULL);
    int64_t right = 0;
    for (int64_t i = 0; i < 3000; i++) {
        const double *row = scores + 3 * i;
        CHECK_NEAR(row[0] + row[1] + row[2], 1, 1e-9);
        right += row[(int)world.target[i]] > 0.5;
    }
    assert_true(right > 2900);
    mem_free(scores);
    mlp_free(mlp);
    free_world(&world);
}

static void check_threads(int32_t batch_rows, double dropout) {
    const int32_t cardinalities[] = {5, 30};
    struct world world = make_world(6000, 3, cardinalities, 2, LEARN_BINARY);
    for (int64_t i = 0; i < 6000; i++) world.target[i] = value(&world, i, 0) > 0.3;
    struct mlp_options options = {.epochs = 2, .batch_rows = batch_rows, .dropout = dropout};
    struct pool *pool;
    kai_err err;
    CHECK_OK(pool_new(3, &pool, &err), &err);
    struct mlp *one = fit(&world, &options, NULL), *three = fit(&world, &options, pool);
    struct buf one_bytes, three_bytes;
    save(one, &one_bytes);
    save(three, &three_bytes);
    assert_int_equal(one_bytes.size, three_bytes.size);
    assert_memory_equal(one_bytes.data, three_bytes.data, one_bytes.size);
    double *alone = predict(&world, one, NULL), *shared = predict(&world, one, pool);
    assert_memory_equal(alone, shared, 6000 * sizeof *alone);
    mem_free(alone);
    mem_free(shared);
    buf_release(&one_bytes);
    buf_release(&three_bytes);
    mlp_free(one);
    mlp_free(three);
    pool_free(pool);
    free_world(&world);
}

static void test_mlp__same_bytes_for_any_number_of_threads(void **state) {
    (void)state;
    check_threads(32, 0);
    check_threads(3000, 0.2);
}

static void test_mlp__loads_what_it_saved(void **state) {
    (void)state;
    const int32_t cardinalities[] = {3, 20};
    struct world world = make_world(500, 2, cardinalities, 2, LEARN_REGRESSION);
    for (int64_t i = 0; i < 500; i++) world.target[i] = 7 * value(&world, i, 0);
    matrix_column(world.matrix, 1)[3] = NAN;
    struct mlp_options options = {.hidden = {10, 5, 3}, .epochs = 2};
    struct mlp *mlp = fit(&world, &options, NULL), *again = NULL;
    struct buf bytes, bytes_again;
    save(mlp, &bytes);
    struct bytes_reader reader;
    kai_err err;
    bytes_read(&reader, bytes.data, bytes.size, "mlp");
    CHECK_OK(mlp_load(&reader, &again, &err), &err);
    assert_int_equal(reader.at, bytes.size);
    save(again, &bytes_again);
    assert_int_equal(bytes.size, bytes_again.size);
    assert_memory_equal(bytes.data, bytes_again.data, bytes.size);
    assert_int_equal(mlp_task(again), LEARN_REGRESSION);
    assert_int_equal(mlp_columns(again), 4);
    double *first = predict(&world, mlp, NULL), *second = predict(&world, again, NULL);
    assert_memory_equal(first, second, 500 * sizeof *first);
    mem_free(first);
    mem_free(second);
    buf_release(&bytes);
    buf_release(&bytes_again);
    mlp_free(mlp);
    mlp_free(again);
    free_world(&world);
}

/* Whatever is done to the bytes, loading answers a status or a model that can score. */
static void test_mlp__damaged_bytes_are_refused_or_harmless(void **state) {
    (void)state;
    const int32_t cardinalities[] = {3, 20};
    struct world world = make_world(60, 1, cardinalities, 2, LEARN_BINARY);
    for (int64_t i = 0; i < 60; i++) world.target[i] = (double)(i % 2);
    struct mlp_options options = {.hidden = {4}, .epochs = 1};
    struct mlp *mlp = fit(&world, &options, NULL);
    struct buf bytes;
    save(mlp, &bytes);
    mlp_free(mlp);
    int64_t refused = 0;
    for (size_t at = 0; at < bytes.size; at++) {
        for (int flip = 1; flip < 256; flip += 0x55) {
            struct bytes_reader reader;
            kai_err err;
            bytes.data[at] = (char)(bytes.data[at] ^ flip);
            bytes_read(&reader, bytes.data, bytes.size, "mlp");
            struct mlp *loaded = NULL;
            kai_status st = mlp_load(&reader, &loaded, &err);
            bytes.data[at] = (char)(bytes.data[at] ^ flip);
            if (st) {
                CHECK_FAILS(st, &err, KAI_CORRUPT, "mlp");
                assert_null(loaded);
                refused++;
                continue;
            }
            double scores[60 * 8];
            if (mlp_outputs(loaded) <= 8)
                st = mlp_predict(loaded, world.matrix, NULL, 60, NULL, scores, &err);
            assert_true(st == KAI_OK || st == KAI_INVALID);
            mlp_free(loaded);
        }
    }
    assert_true(refused > 100);
    for (size_t size = 0; size < bytes.size; size += 7) {
        struct bytes_reader reader;
        kai_err err;
        struct mlp *loaded = NULL;
        bytes_read(&reader, bytes.data, size, "mlp");
        CHECK_FAILS(mlp_load(&reader, &loaded, &err), &err, KAI_CORRUPT, "mlp");
    }
    buf_release(&bytes);
    free_world(&world);
}

/* Missing decides the label: only an indicator can know. Also, missing categories and infinite
 * numbers score without a NaN. */
static void test_mlp__missing_is_information(void **state) {
    (void)state;
    const int32_t cardinality = 3;
    struct world world = make_world(2000, 1, &cardinality, 1, LEARN_BINARY);
    float *number = matrix_column(world.matrix, 0), *category = matrix_column(world.matrix, 1);
    for (int64_t i = 0; i < 2000; i++) {
        if (i % 3 == 0) number[i] = NAN;
        if (i % 5 == 0) category[i] = NAN;
        world.target[i] = (i % 3 == 0) != (i % 5 == 0);
    }
    struct mlp_options options = {.epochs = 20};
    struct mlp *mlp = fit(&world, &options, NULL);
    double *scores = predict(&world, mlp, NULL);
    assert_true(share_right(&world, scores) > 0.99);
    number[1] = INFINITY;
    number[2] = -3e38f;
    category[4] = 17; /* not a category of training */
    mem_free(scores);
    scores = predict(&world, mlp, NULL);
    for (int64_t i = 0; i < 2000; i++) assert_true(scores[i] >= 0 && scores[i] <= 1);
    mem_free(scores);
    mlp_free(mlp);
    free_world(&world);
}

/* Labels are noise, so training on overfits: the validation loss that is kept is the least. */
static void test_mlp__keeps_the_best_epoch_and_stops_early(void **state) {
    (void)state;
    struct world world = make_world(400, 5, NULL, 0, LEARN_BINARY);
    struct rng rng;
    rng_init(&rng, 3, "test.noise", 0);
    for (int64_t i = 0; i < 400; i++) world.target[i] = (double)rng_below(&rng, 2);
    struct mlp_options options = {.epochs = 60, .learning_rate = 0.01, .patience = 3};
    struct mlp *mlp = fit(&world, &options, NULL);
    struct buf text;
    struct json_writer json;
    kai_err err;
    buf_init(&text, 1 << 20);
    json_init(&json, &text, 0);
    json_object(&json);
    mlp_describe(mlp, &json);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *root;
    CHECK_OK(json_parse(text.data, text.size, &root, &err), &err);
    const struct json_value *curve = json_get(root, "curve");
    int64_t epochs = json_count(curve), best = 0;
    for (int64_t e = 1; e < epochs; e++) {
        double here = json_as_f64(json_get(json_at(curve, e), "validation"), 9);
        if (here < json_as_f64(json_get(json_at(curve, best), "validation"), 9)) best = e;
    }
    CHECK_NEAR(json_as_f64(json_get(root, "epoch_best"), 0), (double)(best + 1), 0);
    CHECK_NEAR(json_as_f64(json_get(root, "epochs"), 0), (double)epochs, 0);
    assert_int_equal(epochs, best + 1 + 3);
    assert_true(epochs < 60);
    json_free(root);
    buf_release(&text);

    /* the same training that ends at the best epoch holds the same parameters */
    options.epochs = (int32_t)best + 1;
    struct mlp *shorter = fit(&world, &options, NULL);
    double *kept = predict(&world, mlp, NULL), *ended = predict(&world, shorter, NULL);
    assert_memory_equal(kept, ended, 400 * sizeof *kept);
    mem_free(kept);
    mem_free(ended);
    mlp_free(mlp);
    mlp_free(shorter);
    free_world(&world);
}

static void test_mlp__weight_zero_rows_teach_nothing(void **state) {
    (void)state;
    struct world world = make_xor();
    double *weight = mem_zero(2000, sizeof *weight);
    for (int64_t i = 0; i < 2000; i++) {
        weight[i] = i % 4 == 0 ? 0 : 2;
        if (i % 4 == 0) world.target[i] = 1 - world.target[i]; /* wrong labels */
    }
    world.data.weight = weight;
    struct mlp_options options = {.epochs = 30};
    struct mlp *mlp = fit(&world, &options, NULL);
    double *scores = predict(&world, mlp, NULL);
    int64_t right = 0;
    for (int64_t i = 0; i < 2000; i++)
        right += i % 4 != 0 && (scores[i] > 0.5) == (world.target[i] > 0.5);
    assert_true(right > 1400); /* of 1500 */
    memset(weight, 0, 2000 * sizeof *weight);
    kai_err err;
    struct mlp *none = NULL;
    CHECK_FAILS(mlp_fit(&options, 5, &world.data, NULL, NULL, &none, &err), &err, KAI_INVALID,
                "weights");
    mem_free(scores);
    mem_free(weight);
    mlp_free(mlp);
    free_world(&world);
}

static int stop_at_once(void *user, const char *stage, int64_t done, int64_t total) {
    (void)stage, (void)total;
    (*(int *)user)++;
    return done > 0;
}

static void test_mlp__failures_are_named(void **state) {
    (void)state;
    struct world world = make_xor();
    struct mlp *mlp = NULL;
    kai_err err;
    struct mlp_options diverging = {.learning_rate = 1e30, .epochs = 3};
    CHECK_FAILS(mlp_fit(&diverging, 5, &world.data, NULL, NULL, &mlp, &err), &err, KAI_DIVERGED,
                "not finite");
    struct mlp_options wrong = {.dropout = 1};
    CHECK_FAILS(mlp_fit(&wrong, 5, &world.data, NULL, NULL, &mlp, &err), &err, KAI_INVALID,
                "'dropout'");
    struct mlp_options options = {0};
    int calls = 0;
    struct progress progress = {stop_at_once, &calls};
    CHECK_FAILS(mlp_fit(&options, 5, &world.data, NULL, &progress, &mlp, &err), &err, KAI_CANCELLED,
                NULL);
    assert_int_equal(calls, 2);
    world.target[7] = 2;
    CHECK_FAILS(mlp_fit(&options, 5, &world.data, NULL, NULL, &mlp, &err), &err, KAI_INVALID,
                "row 7");
    world.data.row_count = 0;
    CHECK_FAILS(mlp_fit(&options, 5, &world.data, NULL, NULL, &mlp, &err), &err, KAI_INVALID,
                "no rows");
    assert_null(mlp);
    free_world(&world);
}

static void test_mlp__refuses_other_columns(void **state) {
    (void)state;
    const int32_t cardinality = 3, other = 4;
    struct world world = make_world(50, 1, &cardinality, 1, LEARN_REGRESSION);
    struct world narrow = make_world(50, 1, NULL, 0, LEARN_REGRESSION);
    struct world wide = make_world(50, 1, &other, 1, LEARN_REGRESSION);
    struct mlp_options options = {.epochs = 1};
    struct mlp *mlp = fit(&world, &options, NULL);
    double scores[50];
    kai_err err;
    CHECK_FAILS(mlp_predict(mlp, narrow.matrix, NULL, 50, NULL, scores, &err), &err, KAI_INVALID,
                "1 columns");
    CHECK_FAILS(mlp_predict(mlp, wide.matrix, NULL, 50, NULL, scores, &err), &err, KAI_INVALID,
                "categories");
    mlp_free(mlp);
    free_world(&world);
    free_world(&narrow);
    free_world(&wide);
}

/* Rows may be named in any order, and one row or constant columns are enough. */
static void test_mlp__edges_of_the_data(void **state) {
    (void)state;
    struct world world = make_world(40, 2, NULL, 0, LEARN_BINARY);
    for (int64_t i = 0; i < 40; i++) {
        world.target[i] = (double)(i % 2);
        matrix_column(world.matrix, 0)[i] = 12345.678f;
    }
    const int64_t ids[] = {39, 3, 8, 3, 20}, only = 17;
    struct mlp_options options = {.epochs = 1};
    double all[40], some[5];
    kai_err err;
    struct mlp *mlp = fit(&world, &options, NULL);
    CHECK_OK(mlp_predict(mlp, world.matrix, NULL, 40, NULL, all, &err), &err);
    CHECK_OK(mlp_predict(mlp, world.matrix, ids, 5, NULL, some, &err), &err);
    for (int i = 0; i < 5; i++) CHECK_NEAR(some[i], all[ids[i]], 1e-7);
    CHECK_OK(mlp_predict(mlp, world.matrix, ids, 0, NULL, some, &err), &err);
    mlp_free(mlp);
    world.data.row_ids = &only;
    world.data.row_count = 1;
    mlp = fit(&world, &options, NULL);
    CHECK_OK(mlp_predict(mlp, world.matrix, NULL, 40, NULL, all, &err), &err);
    for (int i = 0; i < 40; i++) assert_true(isfinite(all[i]));
    mlp_free(mlp);
    free_world(&world);
}

static void test_mlp__survives_any_failed_allocation(void **state) {
    (void)state;
    const int32_t cardinalities[] = {3, 20};
    struct world world = make_world(60, 1, cardinalities, 2, LEARN_BINARY);
    for (int64_t i = 0; i < 60; i++) world.target[i] = (double)(i % 2);
    struct mlp_options options = {.hidden = {4}, .epochs = 1};
    kai_status st = KAI_NO_MEMORY;
    for (int64_t nth = 1; st && nth < 200; nth++) {
        struct mlp *mlp = NULL;
        kai_err err;
        check_alloc_fail(nth, 0);
        st = mlp_fit(&options, 5, &world.data, NULL, NULL, &mlp, &err);
        if (!st) {
            assert_true(nth > 20);
            mlp_free(mlp);
        } else {
            assert_int_equal(st, KAI_NO_MEMORY);
        }
        assert_int_equal(check_alloc_live(), 0);
        check_alloc_reset();
    }
    assert_int_equal(st, KAI_OK);
    free_world(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_mlp__learns_xor),
        cmocka_unit_test(test_mlp__learns_a_known_regression),
        cmocka_unit_test(test_mlp__learns_classes_through_an_embedding),
        cmocka_unit_test(test_mlp__same_bytes_for_any_number_of_threads),
        cmocka_unit_test(test_mlp__loads_what_it_saved),
        cmocka_unit_test(test_mlp__damaged_bytes_are_refused_or_harmless),
        cmocka_unit_test(test_mlp__missing_is_information),
        cmocka_unit_test(test_mlp__keeps_the_best_epoch_and_stops_early),
        cmocka_unit_test(test_mlp__weight_zero_rows_teach_nothing),
        cmocka_unit_test(test_mlp__failures_are_named),
        cmocka_unit_test(test_mlp__refuses_other_columns),
        cmocka_unit_test(test_mlp__edges_of_the_data),
        cmocka_unit_test(test_mlp__survives_any_failed_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
