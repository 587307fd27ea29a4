#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kit/check.h"
#include "learn/tune.h"

enum { ROWS = 1200, COLUMNS = 5 };

struct sample {
    struct matrix *features;
    double binary[ROWS], number[ROWS];
};

static void make_sample(struct sample *sample) {
    kai_err err;
    CHECK_OK(matrix_new(ROWS, COLUMNS, &sample->features, &err), &err);
    struct rng rng;
    rng_init(&rng, 21, "test", 0);
    for (int i = 0; i < ROWS; ++i) {
        double sum = 0;
        for (int k = 0; k < COLUMNS; ++k) {
            double value = rng_normal(&rng);
            matrix_column(sample->features, k)[i] = (float)value;
            if (k < 3) sum += value;
        }
        sample->number[i] = sum + rng_normal(&rng);
        sample->binary[i] = sum + 2 * rng_normal(&rng) > 1;
    }
}

static void fast_options(struct learn_options *options, enum learn_kind kind) {
    learn_options_init(options, kind, 3);
    options->forest.trees = 5;
    options->boost.rounds = 20;
    options->mlp.epochs = 1;
}

static void test_tune__halves_until_all_rows_are_used(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_options base;
    fast_options(&base, LEARN_BOOST);
    struct tune_options options = {.seed = 1, .configurations = 10, .rows_first = 80};
    struct learn_data data = {
        .features = sample.features, .target = sample.binary, .task = LEARN_BINARY};
    kai_err err;
    struct tuning *tuning = NULL;
    CHECK_OK(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err);
    int32_t count, rungs[3] = {0};
    const struct tune_trial *trials = tune_trials(tuning, &count);
    assert_int_equal(count, 10);
    assert_int_equal(tune_folds(tuning), 3);
    for (int32_t i = 0; i < count; ++i) {
        assert_in_range(trials[i].rung, 0, 2);
        rungs[trials[i].rung]++;
        CHECK_NEAR(trials[i].rows_share, pow(3, trials[i].rung - 2), 1e-12);
        CHECK_NEAR(trials[i].loss,
                   (trials[i].folds[0] + trials[i].folds[1] + trials[i].folds[2]) / 3, 1e-12);
        assert_int_equal(trials[i].is_best, i == 0);
        assert_true(trials[i].loss <= 0.5);
        if (i == 0) continue;
        assert_true(trials[i].rung < trials[i - 1].rung ||
                    (trials[i].rung == trials[i - 1].rung && trials[i].loss >= trials[i - 1].loss));
    }
    /* ten start, four go on, two finish */
    assert_int_equal(rungs[0], 6);
    assert_int_equal(rungs[1], 2);
    assert_int_equal(rungs[2], 2);
    assert_memory_equal(tune_best(tuning), &trials[0].options, sizeof trials[0].options);
    tune_free(tuning);
    matrix_free(sample.features);
}

static void test_tune__is_the_same_for_any_threads(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_options base;
    struct tune_options options = {.seed = 5, .configurations = 3, .folds = 2, .rows_first = 50};
    int64_t row_ids[300];
    for (int i = 0; i < 300; ++i) row_ids[i] = 4 * i;
    kai_err err;
    for (int kind = 0; kind < LEARN_KINDS; ++kind) {
        fast_options(&base, (enum learn_kind)kind);
        struct learn_data data = {.features = sample.features,
                                  .target = sample.number,
                                  .row_ids = row_ids,
                                  .row_count = 300,
                                  .task = LEARN_REGRESSION};
        struct tuning *one = NULL, *many = NULL;
        struct pool *pool = NULL;
        CHECK_OK(pool_new(3, &pool, &err), &err);
        CHECK_OK(tune_fit(&options, &base, &data, NULL, NULL, &one, &err), &err);
        CHECK_OK(tune_fit(&options, &base, &data, pool, NULL, &many, &err), &err);
        int32_t count, others;
        const struct tune_trial *a = tune_trials(one, &count);
        const struct tune_trial *b = tune_trials(many, &others);
        assert_int_equal(count, others);
        for (int32_t i = 0; i < count; ++i) {
            CHECK_NEAR(a[i].loss, b[i].loss, 0);
            assert_int_equal(a[i].rung, b[i].rung);
            assert_int_equal(a[i].options.kind, kind);
        }
        tune_free(one);
        tune_free(many);
        pool_free(pool);
    }
    matrix_free(sample.features);
}

static void test_tune__finds_better_settings_than_bad_ones(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_options base;
    fast_options(&base, LEARN_BOOST);
    base.boost.rounds = 40;
    base.boost.child_weight_min = 300; /* hardly a split */
    struct tune_options options = {.seed = 1, .configurations = 6, .rows_first = 5000};
    struct learn_data data = {
        .features = sample.features, .target = sample.number, .task = LEARN_REGRESSION};
    kai_err err;
    struct tuning *tuning = NULL;
    CHECK_OK(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err);
    int32_t count;
    const struct tune_trial *trials = tune_trials(tuning, &count);
    double of_base = NAN;
    for (int32_t i = 0; i < count; ++i) {
        assert_int_equal(trials[i].rung, 0); /* few rows: one rung with all of them */
        CHECK_NEAR(trials[i].rows_share, 1, 0);
        if (trials[i].options.boost.child_weight_min == 300) of_base = trials[i].loss;
    }
    assert_true(trials[0].loss < 0.9 * of_base);
    tune_free(tuning);
    matrix_free(sample.features);
}

static void test_tune__takes_given_folds(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    /* fold 1 has another target: a model of fold 0 must fail on it, and the other way round */
    int32_t folds[ROWS];
    for (int i = 0; i < ROWS; ++i) {
        folds[i] = i % 2;
        if (folds[i]) sample.number[i] = -sample.number[i];
    }
    struct learn_options base;
    fast_options(&base, LEARN_BOOST);
    struct tune_options options = {
        .seed = 1, .configurations = 1, .folds = 2, .fold_of_row = folds};
    struct learn_data data = {
        .features = sample.features, .target = sample.number, .task = LEARN_REGRESSION};
    kai_err err;
    struct tuning *tuning = NULL;
    CHECK_OK(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err);
    int32_t count;
    assert_true(tune_trials(tuning, &count)[0].loss > 2.5); /* the deviation is 2 */
    tune_free(tuning);
    folds[7] = 2;
    CHECK_FAILS(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err, KAI_INVALID,
                "fold 2 of 2");
    for (int i = 0; i < ROWS; ++i) folds[i] = 0;
    CHECK_FAILS(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err, KAI_INVALID,
                "fold 0 has no rows, or all");
    matrix_free(sample.features);
}

static void test_tune__keeps_rare_classes_in_every_rung(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    for (int i = 0; i < ROWS; ++i) sample.binary[i] = i % 100 == 0; /* twelve */
    struct learn_options base;
    fast_options(&base, LEARN_BOOST);
    struct tune_options options = {.seed = 1, .configurations = 9, .rows_first = 80};
    struct learn_data data = {
        .features = sample.features, .target = sample.binary, .task = LEARN_BINARY};
    kai_err err;
    struct tuning *tuning = NULL;
    CHECK_OK(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err);
    tune_free(tuning);
    matrix_free(sample.features);
}

static int stop(void *user, const char *stage, int64_t done, int64_t total) {
    (void)user;
    (void)done;
    (void)total;
    return strcmp(stage, "tune") == 0;
}

static void test_tune__names_what_is_wrong_and_stops_when_told(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_options base;
    fast_options(&base, LEARN_BOOST);
    struct learn_data data = {
        .features = sample.features, .target = sample.binary, .task = LEARN_BINARY};
    kai_err err;
    struct tuning *tuning = NULL;
    struct tune_options options = {.configurations = 0};
    CHECK_FAILS(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err, KAI_INVALID,
                "configurations");
    options = (struct tune_options){.configurations = 2, .folds = 11};
    CHECK_FAILS(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err, KAI_INVALID,
                "folds");
    options.folds = 3;
    struct progress progress = {.call = stop};
    CHECK_FAILS(tune_fit(&options, &base, &data, NULL, &progress, &tuning, &err), &err,
                KAI_CANCELLED, NULL);
    sample.binary[3] = NAN;
    CHECK_FAILS(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err, KAI_INVALID,
                "no class");
    assert_null(tuning);
    matrix_free(sample.features);
}

static void test_tune__prints_what_was_tried(void **state) {
    (void)state;
    struct sample sample;
    make_sample(&sample);
    struct learn_options base;
    fast_options(&base, LEARN_MLP);
    struct tune_options options = {.seed = 2, .configurations = 3, .folds = 2};
    int64_t row_ids[200];
    for (int i = 0; i < 200; ++i) row_ids[i] = i;
    struct learn_data data = {.features = sample.features,
                              .target = sample.binary,
                              .row_ids = row_ids,
                              .row_count = 200,
                              .task = LEARN_BINARY};
    kai_err err;
    struct tuning *tuning = NULL;
    CHECK_OK(tune_fit(&options, &base, &data, NULL, NULL, &tuning, &err), &err);
    struct buf out;
    buf_init(&out, 1 << 20);
    struct json_writer json;
    json_init(&json, &out, 0);
    json_object(&json);
    tune_describe(tuning, &json);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *value;
    CHECK_OK(json_parse(out.data, out.size, &value, &err), &err);
    assert_string_equal(json_as_text(json_get(value, "loss"), ""), "1 - auc");
    const struct json_value *trials = json_get(value, "trials");
    assert_int_equal(json_count(trials), 3);
    assert_int_equal(json_count(json_get(json_at(trials, 2), "folds")), 2);
    json_free(value);
    buf_release(&out);
    tune_free(tuning);
    matrix_free(sample.features);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tune__halves_until_all_rows_are_used),
        cmocka_unit_test(test_tune__is_the_same_for_any_threads),
        cmocka_unit_test(test_tune__finds_better_settings_than_bad_ones),
        cmocka_unit_test(test_tune__takes_given_folds),
        cmocka_unit_test(test_tune__keeps_rare_classes_in_every_rung),
        cmocka_unit_test(test_tune__names_what_is_wrong_and_stops_when_told),
        cmocka_unit_test(test_tune__prints_what_was_tried),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
