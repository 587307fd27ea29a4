#include "kit/columns.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "prepare/recipe.h"

enum { MIXED_ROWS = 600, LEARN_ROWS = 450 };

static struct clean *clean_all(const struct table *table, uint32_t keep, int64_t learn_rows) {
    static const enum prepare_role FEATURES[32];
    struct clean_options options;
    clean_options_init(&options);
    options.keep = keep;
    struct clean *clean = NULL;
    kai_err err;
    CHECK_OK(clean_find(&options, table, FEATURES, NULL, learn_rows, NULL, NULL, &clean, &err),
             &err);
    return clean;
}

static int32_t find_feature(const struct matrix *matrix, const char *name) {
    for (int32_t c = 0; c < matrix->columns; c++)
        if (strcmp(matrix->info[c].name, name) == 0) return c;
    print_error("no feature '%s'\n", name);
    fail();
    return -1;
}

static float value_at(const struct matrix *matrix, const char *name, int64_t row) {
    return matrix_column(matrix, find_feature(matrix, name))[row];
}

/* Every kind of column, with holes; a level (city) of 60 values; target in `ret_target`. */
static struct table *mixed_table(double *ret_target) {
    struct table *table = new_table("test.csv", MIXED_ROWS);
    double amount[MIXED_ROWS];
    int64_t visits[MIXED_ROWS], from[MIXED_ROWS], to[MIXED_ROWS];
    struct column *flag = add_column(table, "flag", COLUMN_BOOL);
    struct column *job = add_column(table, "job", COLUMN_CATEGORY);
    struct column *city = add_column(table, "city", COLUMN_CATEGORY);
    static const char *const JOBS[] = {"clerk", "nurse", "none", "pilot"};
    for (int64_t i = 0; i < MIXED_ROWS; i++) {
        struct rng rng;
        rng_init(&rng, 11, "mixed", (uint64_t)i);
        char name[16];
        uint64_t town = rng_below(&rng, 60);
        (void)snprintf(name, sizeof name, "town %d", (int)town);
        amount[i] = rng_unit(&rng) < 0.1 ? (double)NAN : exp(2 * rng_normal(&rng));
        visits[i] = (int64_t)rng_below(&rng, 20);
        from[i] = (int64_t)(17000 * 86400 + (int64_t)rng_below(&rng, 400 * 86400)) * 1000000;
        to[i] = rng_unit(&rng) < 0.1
                    ? INT64_MIN
                    : (from[i] / 86400000000 + (int64_t)rng_below(&rng, 40)) * 86400000000;
        flag->as.flags[i] = rng_unit(&rng) < 0.3;
        flag->valid[i] = i % 50 != 3;
        if (!flag->valid[i]) flag->as.flags[i] = 0;
        set_level(job, i, i % 40 == 7 ? NULL : JOBS[rng_below(&rng, 4)]);
        set_level(city, i, name);
        ret_target[i] = rng_unit(&rng) < (double)town / 60;
    }
    add_numbers(table, "amount", amount);
    add_wholes(table, "visits", COLUMN_I64, visits);
    add_wholes(table, "from", COLUMN_TIME, from);
    add_wholes(table, "to", COLUMN_TIME, to);
    return table;
}

struct fitted {
    struct table *table;
    struct clean *clean;
    struct recipe *recipe;
    struct matrix *matrix; /* of all rows, out of fold */
    struct recipe_report report;
    double target[MIXED_ROWS];
};

static void fit_mixed(enum recipe_view view, struct pool *pool, struct fitted *ret_fitted) {
    struct fitted *fitted = ret_fitted;
    fitted->table = mixed_table(fitted->target);
    fitted->clean = clean_all(fitted->table, 0, LEARN_ROWS);
    struct recipe_options options;
    recipe_options_init(&options, view, 42);
    struct recipe_data data = {.table = fitted->table,
                               .clean = fitted->clean,
                               .row_count = LEARN_ROWS,
                               .target = fitted->target,
                               .task = RECIPE_BINARY};
    kai_err err;
    CHECK_OK(recipe_fit_apply(&options, &data, pool, &fitted->recipe, &fitted->matrix,
                              &fitted->report, &err),
             &err);
}

static void release_fitted(struct fitted *fitted) {
    matrix_free(fitted->matrix);
    recipe_free(fitted->recipe);
    clean_free(fitted->clean);
    table_free(fitted->table);
}

static void check_same(const struct matrix *a, const struct matrix *b) {
    assert_int_equal(a->rows, b->rows);
    assert_int_equal(a->columns, b->columns);
    for (int32_t c = 0; c < a->columns; c++) {
        assert_string_equal(a->info[c].name, b->info[c].name);
        assert_int_equal(a->info[c].cardinality, b->info[c].cardinality);
    }
    assert_memory_equal(a->values, b->values,
                        (size_t)a->rows * (size_t)a->columns * sizeof *a->values);
}

/* ---- the views, by hand ---- */

static void test_recipe__gives_trees_raw_numbers_and_ranked_levels(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 10);
    static const double X[] = {1, NAN, 3, 4, 5, 6, 7, 8, 9, 1e300};
    static const char *const JOB[] = {"a", "a", "b", "b", "c", "c", "d", NULL, "new", "d"};
    static const double TARGET[] = {1, 1, 0, 0, 1, 0, 1, 1, 0, 0};
    add_numbers(table, "x", X);
    add_levels(table, "job", JOB);
    struct clean *clean = clean_all(table, 0, 8);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    options.smoothing = 1;
    struct recipe_data data = {
        .table = table, .clean = clean, .row_count = 8, .target = TARGET, .task = RECIPE_BINARY};
    struct recipe *recipe;
    struct matrix *matrix;
    struct recipe_report report;
    kai_err err;
    CHECK_OK(recipe_fit_apply(&options, &data, NULL, &recipe, &matrix, &report, &err), &err);
    assert_int_equal(matrix->columns, 2);
    assert_true(value_at(matrix, "x", 2) == 3 && isnan(value_at(matrix, "x", 1)));
    assert_true(isfinite(value_at(matrix, "x", 9)));
    /* prior 5/8; a (2 + p)/3 = .875, b p/3 = .208, c (1 + p)/3 = .542, rare d (1 + p)/2 = .8125 */
    static const float RANKS[] = {3, 3, 0, 0, 1, 1, 2, NAN, 2, 2};
    for (int i = 0; i < 10; i++) {
        float rank = value_at(matrix, "job", i);
        assert_true(rank == RANKS[i] || (isnan(rank) && isnan(RANKS[i])));
    }
    assert_int_equal(report.unseen, 1);
    assert_int_equal(report.missing, 2);
    matrix_free(matrix);
    recipe_free(recipe);

    data.target = NULL; /* by frequency; equal ones by text */
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, 10, NULL, &matrix, NULL, &err), &err);
    assert_true(value_at(matrix, "job", 0) == 0 && value_at(matrix, "job", 4) == 2 &&
                value_at(matrix, "job", 6) == 3);
    matrix_free(matrix);
    recipe_free(recipe);
    options.onehot = 1;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, 10, NULL, &matrix, NULL, &err), &err);
    assert_int_equal(matrix->columns, 6); /* x, other, a, b, c, absent */
    assert_true(value_at(matrix, "job=b", 2) == 1 && value_at(matrix, "job=b", 0) == 0);
    assert_true(value_at(matrix, "job=(other)", 8) == 1 && value_at(matrix, "job absent", 7) == 1);
    matrix_free(matrix);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

static void test_recipe__gives_trees_three_columns_for_many_levels(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 10);
    static const char *const JOB[] = {"c", "c", "c", "a", "a", "b", "b", "z", "new", NULL};
    static const double TARGET[] = {1, 1, 0, 0, 0, 1, 0, 1, 0, 0};
    add_levels(table, "job", JOB);
    struct clean *clean = clean_all(table, 0, 8);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    options.smoothing = 2;
    options.ordered_max = 3;
    struct recipe_data data = {.table = table, .clean = clean, .row_count = 8, .target = TARGET};
    struct recipe *recipe;
    struct matrix *matrix;
    kai_err err;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, 10, NULL, &matrix, NULL, &err), &err);
    static const struct {
        int row;
        double mean, order, share;
    } EXPECTED[] = {{0, (2 + 1) / 5.0, 3, 3 / 8.0}, /* c; prior 4 / 8 */
                    {3, (0 + 1) / 4.0, 1, 2 / 8.0},
                    {5, (1 + 1) / 4.0, 2, 2 / 8.0},
                    {7, (1 + 1) / 3.0, 0, 1 / 8.0}, /* rare */
                    {8, (1 + 1) / 3.0, 0, 1 / 8.0}};
    for (size_t e = 0; e < sizeof EXPECTED / sizeof *EXPECTED; e++) {
        CHECK_NEAR(value_at(matrix, "job mean", EXPECTED[e].row), EXPECTED[e].mean, 1e-7);
        CHECK_NEAR(value_at(matrix, "job order", EXPECTED[e].row), EXPECTED[e].order, 0);
        CHECK_NEAR(value_at(matrix, "job share", EXPECTED[e].row), EXPECTED[e].share, 1e-7);
    }
    assert_true(isnan(value_at(matrix, "job order", 9)));
    matrix_free(matrix);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

static void test_recipe__gives_networks_finite_standardised_numbers(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 9);
    static const double X[] = {2, 4, NAN, 6, 8, 10, 12, NAN, 1e9};
    static const char *const JOB[] = {"a", "a", "b", "b", "a", NULL, NULL, NULL, "new"};
    add_numbers(table, "x", X);
    add_levels(table, "job", JOB);
    struct clean *clean = clean_all(table, 0, 7);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_DENSE, 1);
    struct recipe_data data = {.table = table, .clean = clean, .row_count = 7};
    struct recipe *recipe;
    struct matrix *matrix;
    kai_err err;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, 9, NULL, &matrix, NULL, &err), &err);
    assert_int_equal(matrix->columns, 3);
    double deviation = sqrt(35.0 / 3); /* of 2 4 6 8 10 12, mean 7, median 7 */
    CHECK_NEAR(value_at(matrix, "x", 0), -5 / deviation, 1e-6);
    CHECK_NEAR(value_at(matrix, "x", 2), 0, 1e-6);
    CHECK_NEAR(value_at(matrix, "x", 8), 8, 0); /* clipped */
    assert_true(value_at(matrix, "x absent", 2) == 1 && value_at(matrix, "x absent", 3) == 0);
    int32_t job = find_feature(matrix, "job");
    assert_int_equal(matrix->info[job].cardinality, 4);       /* rare, a, b, missing */
    static const float CODES[] = {1, 1, 2, 2, 1, 3, 3, 3, 1}; /* the unseen is the most frequent */
    assert_memory_equal(matrix_column(matrix, job), CODES, sizeof CODES);
    matrix_free(matrix);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

static void test_recipe__compresses_heavy_tails_only(void **state) {
    (void)state;
    enum { MANY = 4000 };
    struct table *table = new_table("test.csv", MANY);
    static double normal[MANY], wild[MANY];
    struct rng rng;
    rng_init(&rng, 5, "tails", 0);
    for (int i = 0; i < MANY; i++) {
        normal[i] = 100 + 15 * rng_normal(&rng);
        wild[i] = exp(3 + 1.5 * rng_normal(&rng));
    }
    add_numbers(table, "normal", normal);
    add_numbers(table, "wild", wild);
    struct clean *clean = clean_all(table, 0, MANY);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_DENSE, 1);
    struct recipe_data data = {.table = table, .clean = clean, .row_count = MANY};
    struct recipe *recipe;
    struct matrix *matrix;
    kai_err err;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, MANY, NULL, &matrix, NULL, &err), &err);
    for (int32_t c = 0; c < 2; c++) {
        double sum = 0, squares = 0, fourth = 0;
        for (int i = 0; i < MANY; i++) sum += matrix_column(matrix, c)[i];
        for (int i = 0; i < MANY; i++) {
            double z = matrix_column(matrix, c)[i];
            squares += z * z;
            fourth += z * z * z * z;
        }
        CHECK_NEAR(sum / MANY, 0, 1e-4);
        CHECK_NEAR(squares / MANY, 1, 1e-4);
        assert_true(fourth / MANY < 6); /* raw, the lognormal's is in the thousands */
    }
    /* a straight line for the normal column: equal steps give equal steps */
    const float *z = matrix_column(matrix, find_feature(matrix, "normal"));
    double slope = (z[1] - z[0]) / (normal[1] - normal[0]);
    CHECK_NEAR((z[3] - z[2]) / (normal[3] - normal[2]), slope, 1e-5);
    matrix_free(matrix);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

static void test_recipe__takes_dates_apart(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 4);
    /* 2016-04-29T18:38:08 (a Friday), 2016-04-29T16:08:27, 1969-12-31T23:00 (a Wednesday) */
    static const int64_t MADE[] = {1461955088000000, 1461946107000000, -3600000000, INT64_MIN};
    /* 2016-04-29, 2016-05-03, 1970-01-01, 2016-05-03 */
    static const int64_t MET[] = {1461888000000000, 1462233600000000, 0, 1462233600000000};
    add_wholes(table, "made", COLUMN_TIME, MADE);
    add_wholes(table, "met", COLUMN_TIME, MET);
    struct clean *clean = clean_all(table, 0, 4);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    struct recipe_data data = {.table = table, .clean = clean, .row_count = 4};
    struct recipe *recipe;
    struct matrix *matrix;
    kai_err err;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, 4, NULL, &matrix, NULL, &err), &err);
    static const struct {
        const char *name;
        float values[3];
    } EXPECTED[] = {{"made year", {2016, 2016, 1969}},   {"made month", {4, 4, 12}},
                    {"made day of month", {29, 29, 31}}, {"made weekday", {5, 5, 3}},
                    {"made hour", {18, 16, 23}},         {"made days", {16920, 16920, -1}},
                    {"met weekday", {5, 2, 4}},          {"met minus made", {0, 4, 1}}};
    for (size_t e = 0; e < sizeof EXPECTED / sizeof *EXPECTED; e++)
        for (int i = 0; i < 3; i++)
            CHECK_NEAR(value_at(matrix, EXPECTED[e].name, i), EXPECTED[e].values[i], 0);
    assert_true(isnan(value_at(matrix, "made year", 3)));
    assert_true(isnan(value_at(matrix, "met minus made", 3)));
    for (int32_t c = 0; c < matrix->columns; c++) /* all meetings are at midnight */
        assert_string_not_equal(matrix->info[c].name, "met hour");
    matrix_free(matrix);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

/* ---- what was promised ---- */

static void test_recipe__applies_what_it_fitted(void **state) {
    (void)state;
    for (int view = RECIPE_TREE; view <= RECIPE_DENSE; view++) {
        struct fitted fitted;
        fit_mixed((enum recipe_view)view, NULL, &fitted);
        struct matrix *again;
        int64_t ids[MIXED_ROWS];
        for (int64_t i = 0; i < MIXED_ROWS; i++) ids[i] = MIXED_ROWS - 1 - i;
        kai_err err;
        CHECK_OK(
            recipe_apply(fitted.recipe, fitted.table, ids, MIXED_ROWS, NULL, &again, NULL, &err),
            &err);
        int64_t differ = 0;
        for (int32_t c = 0; c < again->columns; c++)
            for (int64_t i = 0; i < MIXED_ROWS; i++) {
                float a = matrix_column(again, c)[MIXED_ROWS - 1 - i];
                float b = matrix_column(fitted.matrix, c)[i];
                if (view == RECIPE_DENSE) assert_true(isfinite(a));
                if (a == b || (isnan(a) && isnan(b))) continue;
                assert_true(i < LEARN_ROWS); /* out of fold */
                assert_string_equal(again->info[c].name, "city mean");
                differ++;
            }
        assert_true(view == RECIPE_TREE ? differ > LEARN_ROWS / 2 : differ == 0);
        matrix_free(again);
        release_fitted(&fitted);
    }
}

static void test_recipe__is_the_same_for_any_number_of_threads(void **state) {
    (void)state;
    struct pool *pool;
    kai_err err;
    CHECK_OK(pool_new(4, &pool, &err), &err);
    for (int view = RECIPE_TREE; view <= RECIPE_DENSE; view++) {
        struct fitted one, four;
        fit_mixed((enum recipe_view)view, NULL, &one);
        fit_mixed((enum recipe_view)view, pool, &four);
        check_same(one.matrix, four.matrix);
        assert_memory_equal(&one.report, &four.report, sizeof one.report);
        release_fitted(&one);
        release_fitted(&four);
    }
    pool_free(pool);
}

static void save(const struct recipe *recipe, struct buf *out) {
    struct bytes_writer writer;
    kai_err err;
    buf_init(out, 1 << 22);
    bytes_write(&writer, out);
    recipe_save(recipe, &writer);
    CHECK_OK(bytes_written(&writer, &err), &err);
}

static void test_recipe__comes_back_from_its_bytes(void **state) {
    (void)state;
    for (int view = RECIPE_TREE; view <= RECIPE_DENSE; view++) {
        struct fitted fitted;
        fit_mixed((enum recipe_view)view, NULL, &fitted);
        struct buf bytes, bytes_again;
        save(fitted.recipe, &bytes);
        struct bytes_reader reader;
        bytes_read(&reader, bytes.data, bytes.size, "recipe");
        struct recipe *loaded;
        kai_err err;
        CHECK_OK(recipe_load(&reader, &loaded, &err), &err);
        assert_int_equal(reader.at, bytes.size);
        save(loaded, &bytes_again);
        assert_int_equal(bytes.size, bytes_again.size);
        assert_memory_equal(bytes.data, bytes_again.data, bytes.size);
        struct matrix *a, *b;
        CHECK_OK(recipe_apply(fitted.recipe, fitted.table, NULL, MIXED_ROWS, NULL, &a, NULL, &err),
                 &err);
        CHECK_OK(recipe_apply(loaded, fitted.table, NULL, MIXED_ROWS, NULL, &b, NULL, &err), &err);
        check_same(a, b);
        matrix_free(a);
        matrix_free(b);
        recipe_free(loaded);
        buf_release(&bytes);
        buf_release(&bytes_again);
        release_fitted(&fitted);
    }
}

static void test_recipe__refuses_damaged_bytes(void **state) {
    (void)state;
    struct fitted fitted;
    fit_mixed(RECIPE_TREE, NULL, &fitted);
    struct buf bytes;
    save(fitted.recipe, &bytes);
    struct bytes_reader reader;
    struct recipe *loaded = NULL;
    kai_err err;
    for (size_t n = 0; n < bytes.size; n += 1 + n / 50) {
        bytes_read(&reader, bytes.data, n, "recipe");
        CHECK_FAILS(recipe_load(&reader, &loaded, &err), &err, KAI_CORRUPT, "recipe: damaged");
    }
    for (size_t at = 0; at < bytes.size; at++) { /* never a crash, and what loads can be used */
        char before = bytes.data[at];
        bytes.data[at] = (char)(before ^ (at % 2 ? 0xff : 0x04));
        bytes_read(&reader, bytes.data, bytes.size, "recipe");
        struct matrix *matrix = NULL;
        if (!recipe_load(&reader, &loaded, &err)) {
            if (!recipe_apply(loaded, fitted.table, NULL, 20, NULL, &matrix, NULL, &err))
                matrix_free(matrix);
            recipe_free(loaded);
        }
        bytes.data[at] = before;
    }
    buf_release(&bytes);
    release_fitted(&fitted);
}

/* Chance that a random positive row has the higher value, ties half. */
static double area(const float *values, const double *target, int64_t count) {
    double wins = 0, pairs = 0;
    for (int64_t i = 0; i < count; i++)
        for (int64_t j = 0; j < count; j++) {
            if (target[i] != 1 || target[j] != 0) continue;
            wins += values[i] > values[j] ? 1 : values[i] == values[j] ? 0.5 : 0;
            pairs += 1;
        }
    return wins / pairs;
}

static void test_recipe__does_not_leak_the_target(void **state) {
    (void)state;
    enum { MANY = 2000, LEVELS = 300 };
    struct table *table = new_table("test.csv", MANY);
    struct column *noise = add_column(table, "noise", COLUMN_CATEGORY);
    static double target[MANY];
    struct rng rng;
    rng_init(&rng, 3, "leak", 0);
    for (int64_t i = 0; i < MANY; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "%d", (int)rng_below(&rng, LEVELS));
        set_level(noise, i, name);
        target[i] = rng_unit(&rng) < 0.5;
    }
    struct clean *clean = clean_all(table, CLEAN_KEEP_RARE, MANY);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    options.smoothing = 5;
    struct recipe_data data = {
        .table = table, .clean = clean, .row_count = MANY, .target = target, .task = RECIPE_BINARY};
    struct recipe *recipe;
    struct matrix *out_of_fold, *whole;
    kai_err err;
    CHECK_OK(recipe_fit_apply(&options, &data, NULL, &recipe, &out_of_fold, NULL, &err), &err);
    CHECK_OK(recipe_apply(recipe, table, NULL, MANY, NULL, &whole, NULL, &err), &err);
    int32_t mean = find_feature(whole, "noise mean");
    assert_true(area(matrix_column(whole, mean), target, MANY) > 0.65);
    CHECK_NEAR(area(matrix_column(out_of_fold, mean), target, MANY), 0.5, 0.05); /* 4 se */
    matrix_free(out_of_fold);
    matrix_free(whole);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

static void test_recipe__keeps_given_folds_together(void **state) {
    (void)state;
    struct fitted fitted;
    fit_mixed(RECIPE_TREE, NULL, &fitted);
    int32_t folds[MIXED_ROWS];
    double other[MIXED_ROWS];
    for (int i = 0; i < MIXED_ROWS; i++) {
        folds[i] = i % 3;
        other[i] = folds[i] == 1 ? 1 - fitted.target[i] : fitted.target[i];
    }
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    options.smoothing = 3;
    struct recipe_data data = {.table = fitted.table,
                               .clean = fitted.clean,
                               .row_count = LEARN_ROWS,
                               .target = fitted.target,
                               .folds = folds};
    struct recipe *recipes[2];
    struct matrix *matrices[2];
    kai_err err;
    for (int t = 0; t < 2; t++) {
        data.target = t ? other : fitted.target;
        CHECK_OK(recipe_fit_apply(&options, &data, NULL, &recipes[t], &matrices[t], NULL, &err),
                 &err);
    }
    int32_t mean = find_feature(matrices[0], "city mean");
    for (int i = 0; i < LEARN_ROWS; i++)
        if (folds[i] == 1)
            assert_true(matrix_column(matrices[0], mean)[i] == matrix_column(matrices[1], mean)[i]);
    for (int t = 0; t < 2; t++) {
        matrix_free(matrices[t]);
        recipe_free(recipes[t]);
    }
    release_fitted(&fitted);
}

static void test_recipe__hashes_very_many_levels(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 1000);
    struct column *many = add_column(table, "many", COLUMN_CATEGORY);
    for (int64_t i = 0; i < 1000; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "v%d", (int)i % 50);
        set_level(many, i, name);
    }
    struct clean *clean = clean_all(table, 0, 1000);
    for (int view = RECIPE_TREE; view <= RECIPE_DENSE; view++) {
        struct recipe_options options;
        recipe_options_init(&options, (enum recipe_view)view, 1);
        options.hash_min = 40;
        options.hash_buckets = 32;
        struct recipe_data data = {.table = table, .clean = clean, .row_count = 1000};
        struct recipe *recipe;
        struct matrix *matrix;
        struct recipe_report report;
        kai_err err;
        CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
        CHECK_OK(recipe_apply(recipe, table, NULL, 1000, NULL, &matrix, &report, &err), &err);
        assert_int_equal(report.unseen, 0);
        const float *column = matrix_column(matrix, 0);
        for (int i = 50; i < 1000; i++) assert_true(column[i] == column[i - 50]);
        if (view == RECIPE_DENSE) assert_int_equal(matrix->info[0].cardinality, 33);
        double share = 0;
        for (int i = 0; i < 50; i++) share += column[i];
        if (view == RECIPE_TREE) assert_true(share >= 1); /* collisions add shares up */
        matrix_free(matrix);
        recipe_free(recipe);
    }
    clean_free(clean);
    table_free(table);
}

static void test_recipe__encodes_each_class(void **state) {
    (void)state;
    struct fitted fitted;
    fit_mixed(RECIPE_TREE, NULL, &fitted);
    for (int i = 0; i < MIXED_ROWS; i++) fitted.target[i] = i % 3;
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    struct recipe_data data = {.table = fitted.table,
                               .clean = fitted.clean,
                               .row_count = LEARN_ROWS,
                               .target = fitted.target,
                               .task = RECIPE_MULTICLASS,
                               .classes = 3};
    struct recipe *recipe;
    struct matrix *matrix;
    kai_err err;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, fitted.table, NULL, 10, NULL, &matrix, NULL, &err), &err);
    options.smoothing = 4;
    recipe_free(recipe);
    matrix_free(matrix);
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
    CHECK_OK(recipe_apply(recipe, fitted.table, NULL, 10, NULL, &matrix, NULL, &err), &err);
    for (int i = 0; i < 10; i++) /* equal smoothing: the classes' shares add up to one */
        CHECK_NEAR(value_at(matrix, "city mean of class 0", i) +
                       value_at(matrix, "city mean of class 1", i) +
                       value_at(matrix, "city mean of class 2", i),
                   1, 1e-6);
    data.classes = 2;
    struct recipe *none;
    CHECK_FAILS(recipe_fit(&options, &data, NULL, &none, &err), &err, KAI_INVALID, "row 3");
    matrix_free(matrix);
    recipe_free(recipe);
    release_fitted(&fitted);
}

/* ---- tables that come later ---- */

static void test_recipe__reads_columns_that_changed_their_kind(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 6);
    static const double NUMBER[] = {1, 2, 3, 4, 5, 6};
    static const char *const STARS[] = {"1", "2", "1", "2", "1", "2"};
    static const char *const CONSENT[] = {"yes", "no", "yes", "no", "unknown", "unknown"};
    add_numbers(table, "number", NUMBER);
    add_levels(table, "stars", STARS);
    add_levels(table, "consent", CONSENT);
    struct column *flag = add_column(table, "flag", COLUMN_BOOL);
    for (int i = 0; i < 6; i++) flag->valid[i] = 1, flag->as.flags[i] = i % 2 != 0;
    struct clean *clean = clean_all(table, 0, 6);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    struct recipe_data data = {.table = table, .clean = clean, .row_count = 6};
    struct recipe *recipe;
    kai_err err;
    CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);

    struct table *later = new_table("test.csv", 3);
    static const char *const TEXT_NUMBER[] = {" 2.5", "many", NULL};
    static const double DOUBLE_STARS[] = {2, 1, 3};
    static const char *const TEXT_FLAG[] = {"TRUE", "no", "perhaps"};
    add_levels(later, "number", TEXT_NUMBER);
    add_numbers(later, "stars", DOUBLE_STARS);
    add_levels(later, "flag", TEXT_FLAG);
    struct column *consent = add_column(later, "consent", COLUMN_BOOL);
    for (int i = 0; i < 3; i++) consent->valid[i] = 1, consent->as.flags[i] = i == 0;
    struct matrix *before, *after;
    struct recipe_report report;
    CHECK_OK(recipe_apply(recipe, table, NULL, 6, NULL, &before, NULL, &err), &err);
    CHECK_OK(recipe_apply(recipe, later, NULL, 3, NULL, &after, &report, &err), &err);
    CHECK_NEAR(value_at(after, "number", 0), 2.5, 0);
    assert_true(isnan(value_at(after, "number", 1)));
    CHECK_NEAR(value_at(after, "stars", 0), value_at(before, "stars", 1), 0);
    CHECK_NEAR(value_at(after, "stars", 1), value_at(before, "stars", 0), 0);
    CHECK_NEAR(value_at(after, "consent", 0), value_at(before, "consent", 0), 0);
    CHECK_NEAR(value_at(after, "consent", 1), value_at(before, "consent", 1), 0);
    CHECK_NEAR(value_at(after, "flag", 0), 1, 0);
    CHECK_NEAR(value_at(after, "flag", 1), 0, 0);
    assert_int_equal(report.unreadable, 2);
    assert_int_equal(report.unseen, 1);
    assert_int_equal(report.missing, 3);
    matrix_free(before);
    matrix_free(after);
    table_drop(later, table_find(later, "stars"));
    CHECK_FAILS(recipe_apply(recipe, later, NULL, 3, NULL, &after, NULL, &err), &err, KAI_NOT_FOUND,
                "'stars'");
    static const int64_t DATES[] = {0, 0, 0};
    table_drop(later, table_find(later, "number"));
    add_wholes(later, "number", COLUMN_TIME, DATES);
    add_numbers(later, "stars", DOUBLE_STARS);
    CHECK_FAILS(recipe_apply(recipe, later, NULL, 3, NULL, &after, NULL, &err), &err, KAI_INVALID,
                "column 'number': expected number, found date");
    table_free(later);
    recipe_free(recipe);
    clean_free(clean);
    table_free(table);
}

static void test_recipe__matches_levels_by_text_not_code(void **state) {
    (void)state;
    struct fitted fitted;
    fit_mixed(RECIPE_DENSE, NULL, &fitted);
    double target[MIXED_ROWS];
    struct table *turned = mixed_table(target); /* the same, its dictionaries in another order */
    struct column *job = turned->columns[table_find(turned, "job")];
    const struct column *old = fitted.table->columns[table_find(fitted.table, "job")];
    dict_release(job->dict);
    dict_init(job->dict);
    for (int64_t i = MIXED_ROWS - 1; i >= 0; i--)
        if (old->valid[i]) set_level(job, i, dict_text(old->dict, old->as.codes[i]));
    assert_memory_not_equal(job->as.codes, old->as.codes, MIXED_ROWS * sizeof *old->as.codes);
    struct matrix *matrix;
    kai_err err;
    CHECK_OK(recipe_apply(fitted.recipe, turned, NULL, MIXED_ROWS, NULL, &matrix, NULL, &err),
             &err);
    check_same(matrix, fitted.matrix);
    matrix_free(matrix);
    table_free(turned);
    release_fitted(&fitted);
}

static void test_recipe__winsorises_by_option(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 13);
    static const double X[13] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 500};
    add_numbers(table, "x", X);
    static const enum prepare_role FEATURES[1];
    for (int wins = 0; wins < 2; wins++) {
        struct clean_options clean_options;
        clean_options_init(&clean_options);
        clean_options.winsorise = wins;
        struct clean *clean;
        struct recipe_options options;
        recipe_options_init(&options, RECIPE_TREE, 1);
        struct recipe *recipe;
        struct matrix *matrix;
        struct recipe_report report;
        kai_err err;
        CHECK_OK(clean_find(&clean_options, table, FEATURES, NULL, 13, NULL, NULL, &clean, &err),
                 &err);
        struct recipe_data data = {.table = table, .clean = clean, .row_count = 13};
        CHECK_OK(recipe_fit(&options, &data, NULL, &recipe, &err), &err);
        CHECK_OK(recipe_apply(recipe, table, NULL, 13, NULL, &matrix, &report, &err), &err);
        CHECK_NEAR(value_at(matrix, "x", 12), wins ? 7 + 3.5 * 1.4826 * 3 : 500, 1e-5);
        assert_int_equal(report.clipped, wins);
        CHECK_NEAR(table->columns[0]->as.f64[12], 500, 0); /* the table stays */
        matrix_free(matrix);
        recipe_free(recipe);
        clean_free(clean);
    }
    table_free(table);
}

static void test_recipe__refuses_bad_input(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 3);
    static const double ONE[] = {1, 1, 1}, TARGET[] = {0, 1, NAN};
    add_numbers(table, "one", ONE);
    struct clean *clean = clean_all(table, 0, 3);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 1);
    struct recipe_data data = {.table = table, .clean = clean, .row_count = 3};
    struct recipe *recipe;
    kai_err err;
    CHECK_FAILS(recipe_fit(&options, &data, NULL, &recipe, &err), &err, KAI_INVALID, "no feature");
    data.target = TARGET;
    CHECK_FAILS(recipe_fit(&options, &data, NULL, &recipe, &err), &err, KAI_INVALID, "row 3");
    options.folds = 1;
    CHECK_FAILS(recipe_fit(&options, &data, NULL, &recipe, &err), &err, KAI_INVALID, "'folds'");
    clean_free(clean);
    table_free(table);
}

static void test_recipe__survives_any_failing_allocation(void **state) {
    (void)state;
    struct fitted fitted;
    fit_mixed(RECIPE_TREE, NULL, &fitted);
    struct recipe_options options;
    recipe_options_init(&options, RECIPE_TREE, 42);
    struct recipe_data data = {.table = fitted.table,
                               .clean = fitted.clean,
                               .row_count = LEARN_ROWS,
                               .target = fitted.target};
    struct recipe *recipe;
    struct matrix *matrix;
    kai_status st = KAI_NO_MEMORY;
    for (int64_t n = 1; st; n += 1 + n / 20) {
        check_alloc_fail(n, 0);
        st = recipe_fit_apply(&options, &data, NULL, &recipe, &matrix, NULL, NULL);
        check_alloc_reset();
        if (st) assert_int_equal(st, KAI_NO_MEMORY);
    }
    struct buf bytes;
    save(recipe, &bytes);
    recipe_free(recipe);
    st = KAI_NO_MEMORY;
    for (int64_t n = 1; st; n += 1 + n / 20) {
        struct bytes_reader reader;
        bytes_read(&reader, bytes.data, bytes.size, "recipe");
        check_alloc_fail(n, 0);
        st = recipe_load(&reader, &recipe, NULL);
        check_alloc_reset();
        if (st) assert_int_equal(st, KAI_NO_MEMORY);
    }
    buf_release(&bytes);
    matrix_free(matrix);
    recipe_free(recipe);
    release_fitted(&fitted);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_recipe__gives_trees_raw_numbers_and_ranked_levels),
        cmocka_unit_test(test_recipe__gives_trees_three_columns_for_many_levels),
        cmocka_unit_test(test_recipe__gives_networks_finite_standardised_numbers),
        cmocka_unit_test(test_recipe__compresses_heavy_tails_only),
        cmocka_unit_test(test_recipe__takes_dates_apart),
        cmocka_unit_test(test_recipe__applies_what_it_fitted),
        cmocka_unit_test(test_recipe__is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_recipe__comes_back_from_its_bytes),
        cmocka_unit_test(test_recipe__refuses_damaged_bytes),
        cmocka_unit_test(test_recipe__does_not_leak_the_target),
        cmocka_unit_test(test_recipe__keeps_given_folds_together),
        cmocka_unit_test(test_recipe__hashes_very_many_levels),
        cmocka_unit_test(test_recipe__encodes_each_class),
        cmocka_unit_test(test_recipe__reads_columns_that_changed_their_kind),
        cmocka_unit_test(test_recipe__matches_levels_by_text_not_code),
        cmocka_unit_test(test_recipe__winsorises_by_option),
        cmocka_unit_test(test_recipe__refuses_bad_input),
        cmocka_unit_test(test_recipe__survives_any_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
