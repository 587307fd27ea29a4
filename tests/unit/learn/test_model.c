#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kit/check.h"
#include "learn/importance.h"
#include "learn/learn.h"
#include "learn/metric.h"
#include "learn/surrogate.h"

enum { ROWS = 600, COLUMNS = 4 };

/* Column 0 rules, column 1 helps, column 2 is a category, column 3 is noise. */
struct sample {
    struct matrix *features;
    double target[3][ROWS]; /* by task */
};

static void make_sample(struct sample *sample) {
    kai_err err;
    CHECK_OK(matrix_new(ROWS, COLUMNS, &sample->features, &err), &err);
    for (int k = 0; k < COLUMNS; ++k)
        CHECK_OK(matrix_name(sample->features, k, "x", "x", k == 2 ? 3 : 0, &err), &err);
    struct rng rng;
    rng_init(&rng, 9, "test", 0);
    for (int i = 0; i < ROWS; ++i) {
        float *values = sample->features->values;
        double a = rng_normal(&rng), b = rng_normal(&rng), noise = rng_normal(&rng);
        int code = (int)rng_below(&rng, 3);
        values[i] = (float)a;
        values[ROWS + i] = i % 10 ? (float)b : NAN;
        values[2 * ROWS + i] = (float)code;
        values[3 * ROWS + i] = (float)noise;
        double sum = 3 * a + b + (code == 1) + 0.3 * rng_normal(&rng);
        sample->target[LEARN_REGRESSION][i] = sum;
        sample->target[LEARN_BINARY][i] = sum > 0;
        sample->target[LEARN_MULTICLASS][i] = sum < -1.5 ? 0 : sum < 1.5 ? 1 : 2;
    }
}

static struct learn_data data_of(const struct sample *sample, enum learn_task task) {
    return (struct learn_data){.features = sample->features,
                               .target = sample->target[task],
                               .task = task,
                               .classes = task == LEARN_MULTICLASS ? 3 : 0};
}

static void fast_options(struct learn_options *options, enum learn_kind kind) {
    learn_options_init(options, kind, 3);
    options->forest.trees = 10;
    options->boost.rounds = 25;
    options->mlp.epochs = 15;
    options->mlp.learning_rate = 0.01;
}

static void test_model__learns_each_task_with_each_kind(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    for (int kind = 0; kind < LEARN_KINDS; ++kind) {
        for (int task = 0; task < 3; ++task) {
            struct learn_options options;
            fast_options(&options, (enum learn_kind)kind);
            struct learn_data data = data_of(&sample, (enum learn_task)task);
            struct model *model = NULL;
            CHECK_OK(learn_fit(&options, &data, NULL, NULL, &model, &err), &err);
            assert_int_equal(model_kind(model), kind);
            assert_int_equal(model_task(model), task);
            assert_int_equal(model_columns(model), COLUMNS);
            assert_int_equal(model_outputs(model), task == LEARN_MULTICLASS ? 3 : 1);
            double scores[ROWS * 3];
            CHECK_OK(model_predict(model, sample.features, NULL, ROWS, NULL, scores, &err), &err);
            struct metric_set set;
            CHECK_OK(metric_compute(data.task, 3, scores, data.target, NULL, ROWS, &set, &err),
                     &err);
            if (task == LEARN_REGRESSION)
                assert_true(set.r2 > 0.8);
            else
                assert_true(set.accuracy > 0.8);
            model_free(model);
        }
    }
    matrix_free(sample.features);
}

static void test_model__survives_a_round_trip(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    for (int kind = 0; kind < LEARN_KINDS; ++kind) {
        for (int task = 0; task < 3; ++task) {
            struct learn_options options;
            fast_options(&options, (enum learn_kind)kind);
            struct learn_data data = data_of(&sample, (enum learn_task)task);
            struct model *model = NULL, *again = NULL;
            CHECK_OK(learn_fit(&options, &data, NULL, NULL, &model, &err), &err);
            struct buf bytes, more;
            buf_init(&bytes, 1 << 24);
            buf_init(&more, 1 << 24);
            CHECK_OK(model_save(model, &bytes, &err), &err);
            CHECK_OK(model_load(bytes.data, bytes.size, &again, &err), &err);
            CHECK_OK(model_save(again, &more, &err), &err);
            assert_int_equal(bytes.size, more.size);
            assert_memory_equal(bytes.data, more.data, bytes.size);
            double a[ROWS * 3], b[ROWS * 3];
            size_t cells = (size_t)ROWS * (size_t)model_outputs(model);
            CHECK_OK(model_predict(model, sample.features, NULL, ROWS, NULL, a, &err), &err);
            CHECK_OK(model_predict(again, sample.features, NULL, ROWS, NULL, b, &err), &err);
            assert_memory_equal(a, b, cells * sizeof *a);
            buf_release(&bytes);
            buf_release(&more);
            model_free(model);
            model_free(again);
        }
    }
    matrix_free(sample.features);
}

/* Score and explain two rows, whatever comes out; frees the model. */
static void use(struct model *model, const struct sample *sample) {
    static const int64_t ROW_IDS[] = {1, 2};
    double values[2 * (COLUMNS + 1)];
    kai_err err;
    kai_status st = KAI_OK;
    if (model_outputs(model) <= 3)
        st = model_predict(model, sample->features, ROW_IDS, 2, NULL, values, &err);
    assert_true(st == KAI_OK || st == KAI_INVALID);
    st = model_shapley(model, sample->features, ROW_IDS, 2, 0, NULL, values, &err);
    assert_true(st == KAI_OK || st == KAI_INVALID || st == KAI_UNSUPPORTED);
    model_free(model);
}

/* Every cut, and one changed bit at each of many places: a clean status or a model that can be
 * used, never a crash. */
static void test_model__refuses_damaged_bytes(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    for (int kind = 0; kind < LEARN_KINDS; ++kind) {
        struct learn_options options;
        fast_options(&options, (enum learn_kind)kind);
        options.forest.trees = options.boost.rounds = 2;
        options.forest.depth_max = 3;
        options.boost.depth_max = 2;
        options.mlp.epochs = 1;
        memset(options.mlp.hidden, 0, sizeof options.mlp.hidden);
        options.mlp.hidden[0] = 2;
        struct learn_data data = data_of(&sample, LEARN_BINARY);
        struct model *model = NULL, *again = NULL;
        CHECK_OK(learn_fit(&options, &data, NULL, NULL, &model, &err), &err);
        struct buf bytes;
        buf_init(&bytes, 1 << 20);
        CHECK_OK(model_save(model, &bytes, &err), &err);
        for (size_t cut = 0; cut < bytes.size; ++cut)
            CHECK_FAILS(model_load(bytes.data, cut, &again, &err), &err, KAI_CORRUPT, NULL);
        for (size_t bit = 0; bit < 8 * bytes.size; ++bit) {
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
            if (model_load(bytes.data, bytes.size, &again, &err) == KAI_OK) use(again, &sample);
            bytes.data[bit / 8] = (char)(bytes.data[bit / 8] ^ 1 << bit % 8);
        }
        assert_int_equal(buf_append(&bytes, "x", 1, &err), KAI_OK);
        CHECK_FAILS(model_load(bytes.data, bytes.size, &again, &err), &err, KAI_CORRUPT, "after");
        bytes.data[4] = 2;
        CHECK_FAILS(model_load(bytes.data, bytes.size, &again, &err), &err, KAI_UNSUPPORTED,
                    "version 2");
        CHECK_FAILS(model_load("not a model, but long enough", 28, &again, &err), &err, KAI_CORRUPT,
                    "no model");
        buf_release(&bytes);
        model_free(model);
    }
    matrix_free(sample.features);
}

static void test_model__names_what_is_wrong_with_the_data(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    struct learn_options options;
    fast_options(&options, LEARN_BOOST);
    struct model *model = NULL;
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    int64_t outside = ROWS;
    data.row_ids = &outside;
    data.row_count = 0;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID, "no rows");
    data.row_count = 1;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID, "outside");
    data = data_of(&sample, LEARN_BINARY);
    sample.target[LEARN_BINARY][17] = NAN;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "row 17: the target is not a number");
    sample.target[LEARN_BINARY][17] = 2;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "no class of 2");
    for (int i = 0; i < ROWS; ++i) sample.target[LEARN_BINARY][i] = 1;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "one class");
    double weight[ROWS] = {0};
    sample.target[LEARN_BINARY][17] = 0;
    data.weight = weight;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID, "weight");
    weight[5] = -1;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "row 5: the weight");
    data = data_of(&sample, LEARN_MULTICLASS);
    data.classes = 1;
    CHECK_FAILS(learn_fit(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "1 classes");
    assert_null(model);
    matrix_free(sample.features);
}

static void test_model__refuses_other_columns_and_rows(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    struct matrix *narrow;
    CHECK_OK(matrix_new(5, COLUMNS - 1, &narrow, &err), &err);
    for (int kind = 0; kind < LEARN_KINDS; ++kind) {
        struct learn_options options;
        fast_options(&options, (enum learn_kind)kind);
        struct learn_data data = data_of(&sample, LEARN_BINARY);
        struct model *model = NULL;
        CHECK_OK(learn_fit(&options, &data, NULL, NULL, &model, &err), &err);
        double values[8 * (COLUMNS + 1)];
        CHECK_FAILS(model_predict(model, narrow, NULL, 5, NULL, values, &err), &err, KAI_INVALID,
                    "4 columns, got 3");
        int64_t outside = -1;
        CHECK_FAILS(model_predict(model, sample.features, &outside, 1, NULL, values, &err), &err,
                    KAI_INVALID, "outside");
        int64_t rows[] = {1, 2};
        if (kind == LEARN_MLP)
            CHECK_FAILS(model_shapley(model, sample.features, rows, 2, 0, NULL, values, &err), &err,
                        KAI_UNSUPPORTED, "mlp");
        else
            CHECK_OK(model_shapley(model, sample.features, rows, 2, 0, NULL, values, &err), &err);
        double gain[COLUMNS], sum = 0;
        model_importance(model, gain);
        for (int k = 0; k < COLUMNS; ++k) sum += gain[k];
        CHECK_NEAR(sum, kind == LEARN_MLP ? 0 : 1, 1e-9);
        model_free(model);
    }
    matrix_free(narrow);
    matrix_free(sample.features);
}

static void test_importance__finds_what_the_model_uses(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    struct learn_options options;
    fast_options(&options, LEARN_BOOST);
    struct learn_data data = data_of(&sample, LEARN_BINARY);
    struct model *model = NULL;
    CHECK_OK(learn_fit(&options, &data, NULL, NULL, &model, &err), &err);
    struct importance_options asked = {.seed = 1, .repeats = 4, .rows_max = 400};
    double growth[COLUMNS], error[COLUMNS], again[COLUMNS];
    CHECK_OK(importance_of_model(&asked, model, &data, NULL, NULL, growth, error, &err), &err);
    assert_true(growth[0] > 0.2);
    assert_true(growth[0] > growth[1] && growth[1] > growth[3]);
    CHECK_NEAR(growth[3], 0, 0.01);
    for (int k = 0; k < COLUMNS; ++k) assert_true(error[k] >= 0 && error[k] < 0.05);
    struct pool *pool = NULL;
    CHECK_OK(pool_new(3, &pool, &err), &err);
    CHECK_OK(importance_of_model(&asked, model, &data, pool, NULL, again, NULL, &err), &err);
    assert_memory_equal(growth, again, sizeof growth);
    pool_free(pool);
    data.task = LEARN_REGRESSION;
    CHECK_FAILS(importance_of_model(&asked, model, &data, NULL, NULL, growth, NULL, &err), &err,
                KAI_INVALID, "another task");
    model_free(model);
    matrix_free(sample.features);
}

static void test_surrogate__imitates_and_explains(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    double score[ROWS], values[ROWS * (COLUMNS + 1)], given[ROWS];
    for (int i = 0; i < ROWS; ++i) score[i] = 0.01 * (double)sample.features->values[i] + 0.5;
    struct surrogate *surrogate = NULL;
    CHECK_OK(surrogate_fit(sample.features, score, NULL, 0, 0, 1, NULL, NULL, &surrogate, &err),
             &err);
    assert_true(surrogate_r2(surrogate) > 0.97 && surrogate_r2(surrogate) < 1);
    CHECK_OK(surrogate_shapley(surrogate, sample.features, NULL, ROWS, NULL, values, &err), &err);
    CHECK_OK(
        model_predict(surrogate_model(surrogate), sample.features, NULL, ROWS, NULL, given, &err),
        &err);
    double ruling = 0, noise = 0;
    for (int i = 0; i < ROWS; ++i) {
        double sum = 0;
        for (int k = 0; k <= COLUMNS; ++k) sum += values[i * (COLUMNS + 1) + k];
        CHECK_NEAR(sum, given[i], 1e-9);
        ruling += fabs(values[i * (COLUMNS + 1)]);
        noise += fabs(values[i * (COLUMNS + 1) + 3]);
    }
    assert_true(noise < 0.1 * ruling);
    surrogate_free(surrogate);
    for (int i = 0; i < ROWS; ++i) score[i] = 0.1;
    CHECK_OK(surrogate_fit(sample.features, score, NULL, 0, 0, 1, NULL, NULL, &surrogate, &err),
             &err);
    CHECK_NEAR(surrogate_r2(surrogate), 1, 0);
    surrogate_free(surrogate);
    int64_t few[] = {1, 2, 3};
    for (int i = 0; i < ROWS; ++i) score[i] = i;
    CHECK_OK(surrogate_fit(sample.features, score, few, 3, 0, 1, NULL, NULL, &surrogate, &err),
             &err);
    CHECK_NEAR(surrogate_r2(surrogate), 0, 0);
    surrogate_free(surrogate);
    score[2] = NAN;
    CHECK_FAILS(surrogate_fit(sample.features, score, few, 3, 0, 1, NULL, NULL, &surrogate, &err),
                &err, KAI_INVALID, "row 2");
    matrix_free(sample.features);
}

static void test_model__describes_itself(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    kai_err err;
    for (int kind = 0; kind < LEARN_KINDS; ++kind) {
        struct learn_options options;
        fast_options(&options, (enum learn_kind)kind);
        struct learn_data data = data_of(&sample, LEARN_BINARY);
        struct model *model = NULL;
        CHECK_OK(learn_fit(&options, &data, NULL, NULL, &model, &err), &err);
        struct buf out;
        buf_init(&out, 1 << 20);
        struct json_writer json;
        json_init(&json, &out, 0);
        json_object(&json);
        model_describe(model, &json);
        json_key(&json, "options");
        json_object(&json);
        learn_options_describe(&options, &json);
        json_end(&json);
        json_end(&json);
        CHECK_OK(json_finish(&json, &err), &err);
        struct json_value *value;
        CHECK_OK(json_parse(out.data, out.size, &value, &err), &err);
        assert_string_equal(json_as_text(json_get(value, "kind"), ""),
                            learn_kind_text((enum learn_kind)kind));
        assert_string_equal(json_as_text(json_get(json_get(value, "options"), "kind"), ""),
                            learn_kind_text((enum learn_kind)kind));
        json_free(value);
        buf_release(&out);
        model_free(model);
    }
    matrix_free(sample.features);
}

/* Allocation 1, 2, 3 ... fails until one succeeds: the right status, and nothing is lost. */
static void test_model__survives_a_full_memory(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_options options;
    fast_options(&options, LEARN_BOOST);
    options.boost.rounds = 2;
    struct learn_data data = data_of(&sample, LEARN_MULTICLASS);
    int is_done = 0;
    for (int64_t nth = 1; nth < 500 && !is_done; ++nth) {
        kai_err err;
        struct model *model = NULL;
        check_alloc_fail(nth, 0);
        kai_status st = learn_fit(&options, &data, NULL, NULL, &model, &err);
        if (st) assert_int_equal(st, KAI_NO_MEMORY);
        is_done = st == KAI_OK;
        model_free(model);
        assert_int_equal(check_alloc_live(), 0);
    }
    check_alloc_reset();
    assert_true(is_done);
    matrix_free(sample.features);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_model__learns_each_task_with_each_kind),
        cmocka_unit_test(test_model__survives_a_round_trip),
        cmocka_unit_test(test_model__refuses_damaged_bytes),
        cmocka_unit_test(test_model__names_what_is_wrong_with_the_data),
        cmocka_unit_test(test_model__refuses_other_columns_and_rows),
        cmocka_unit_test(test_importance__finds_what_the_model_uses),
        cmocka_unit_test(test_surrogate__imitates_and_explains),
        cmocka_unit_test(test_model__describes_itself),
        cmocka_unit_test(test_model__survives_a_full_memory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
