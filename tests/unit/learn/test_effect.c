#include "kit/check.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "learn/effect.h"

/* A world with two offers, four features and one category; its effects are known. */
enum world_kind { WORLD_LINEAR, WORLD_STEP, WORLD_CONSTANT, WORLD_CONFOUNDED };

struct world {
    int64_t rows;
    struct matrix *features;
    int32_t *arm;
    double *outcome, *propensity, *truth; /* truth: (rows, 2) */
};

static void true_effects(enum world_kind kind, const float *x, double *ret) {
    ret[0] = 1;
    ret[1] = -0.5;
    if (kind == WORLD_LINEAR || kind == WORLD_CONFOUNDED) {
        ret[0] += (double)x[0];
        ret[1] += 0.5 * (double)x[1];
    } else if (kind == WORLD_STEP) {
        ret[0] = x[0] > 0.3f ? 2 : 0;
        ret[1] = x[1] > -0.3f ? 1 : -1;
    }
}

static void world_new(struct world *world, enum world_kind kind, int64_t rows, double noise,
                      uint64_t seed) {
    kai_err err;
    size_t n = (size_t)rows;
    memset(world, 0, sizeof *world);
    world->rows = rows;
    CHECK_OK(matrix_new(rows, 4, &world->features, &err), &err);
    for (int32_t c = 0; c < 4; c++)
        CHECK_OK(matrix_name(world->features, c, "x", "x", c == 3 ? 3 : 0, &err), &err);
    world->arm = mem_array(n, sizeof *world->arm);
    world->outcome = mem_array(n, sizeof *world->outcome);
    world->propensity = mem_array(n, sizeof *world->propensity);
    world->truth = mem_array(n * 2, sizeof *world->truth);
    for (int64_t i = 0; i < rows; i++) {
        struct rng rng;
        float x[4];
        double e[3] = {1.0 / 3, 1.0 / 3, 1.0 / 3}, effect[3] = {0, 0, 0};
        rng_init(&rng, seed, "world", (uint64_t)i);
        for (int c = 0; c < 3; c++) x[c] = (float)rng_normal(&rng);
        x[3] = (float)rng_below(&rng, 3);
        for (int c = 0; c < 4; c++) matrix_column(world->features, c)[i] = x[c];
        if (i % 10 == 0) matrix_column(world->features, 3)[i] = NAN;
        if (kind == WORLD_CONFOUNDED) {
            e[1] = 0.05 + 0.65 / (1 + exp(-2.0 * (double)x[2]));
            e[2] = e[0] = (1 - e[1]) / 2;
        }
        true_effects(kind, x, effect + 1);
        double u = rng_unit(&rng);
        world->arm[i] = u < e[0] ? 0 : u < e[0] + e[1] ? 1 : 2;
        world->propensity[i] = e[world->arm[i]];
        double level = kind == WORLD_CONFOUNDED ? 3 * (double)x[2] : (double)x[2];
        world->outcome[i] = level + effect[world->arm[i]] + noise * rng_normal(&rng);
        memcpy(world->truth + 2 * i, effect + 1, 2 * sizeof(double));
    }
}

static void world_free(struct world *world) {
    matrix_free(world->features);
    mem_free(world->arm);
    mem_free(world->outcome);
    mem_free(world->propensity);
    mem_free(world->truth);
}

static struct effect_data data_of(const struct world *world) {
    return (struct effect_data){.features = world->features,
                                .arm = world->arm,
                                .outcome = world->outcome,
                                .propensity = world->propensity,
                                .offers = 2};
}

static struct effect_model *fit(const struct world *world, enum effect_learner learner,
                                enum effect_base base) {
    struct effect_options options;
    struct effect_data data = data_of(world);
    struct effect_model *model = NULL;
    kai_err err;
    effect_options_init(&options, 7);
    CHECK_OK(effect_fit(&options, learner, base, &data, NULL, NULL, &model, &err), &err);
    return model;
}

/* Root mean square error of the effects as a share of the truth's own deviation from the mean. */
static double relative_error(const struct effect_model *model, const struct world *world) {
    double *effects = mem_array((size_t)world->rows * 2, sizeof *effects), error = 0, spread = 0;
    double mean[2] = {0, 0};
    kai_err err;
    CHECK_OK(effect_predict(model, world->features, NULL, 0, NULL, effects, NULL, &err), &err);
    for (int64_t i = 0; i < 2 * world->rows; i++)
        mean[i % 2] += world->truth[i] / (double)world->rows;
    for (int64_t i = 0; i < 2 * world->rows; i++) {
        error += pow(effects[i] - world->truth[i], 2);
        spread += pow(world->truth[i] - mean[i % 2], 2);
    }
    mem_free(effects);
    return sqrt(error / spread);
}

static void test_effect__finds_linear_effects(void **state) {
    (void)state;
    struct world world;
    world_new(&world, WORLD_LINEAR, 3000, 0.5, 1);
    struct effect_model *dr = fit(&world, EFFECT_DR, EFFECT_RIDGE);
    struct effect_model *x = fit(&world, EFFECT_X, EFFECT_RIDGE);
    struct effect_model *t = fit(&world, EFFECT_T, EFFECT_RIDGE);
    assert_true(relative_error(dr, &world) < 0.15);
    assert_true(relative_error(x, &world) < 0.15);
    assert_true(relative_error(t, &world) < 0.15);
    effect_free(dr);
    effect_free(x);
    effect_free(t);
    world_free(&world);
}

static void test_effect__finds_steps(void **state) {
    (void)state;
    static const struct {
        enum effect_learner learner;
        enum effect_base base;
        double error_max;
    } CASES[] = {{EFFECT_DR, EFFECT_BOOST, 0.5},  {EFFECT_X, EFFECT_BOOST, 0.5},
                 {EFFECT_T, EFFECT_BOOST, 0.6},   {EFFECT_S, EFFECT_BOOST, 0.6},
                 {EFFECT_DR, EFFECT_FOREST, 0.6}, {EFFECT_CONSTANT, EFFECT_BOOST, 1.05}};
    struct world world;
    world_new(&world, WORLD_STEP, 3000, 0.5, 2);
    for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
        struct effect_model *model = fit(&world, CASES[i].learner, CASES[i].base);
        assert_true(relative_error(model, &world) < CASES[i].error_max);
        effect_free(model);
    }
    world_free(&world);
}

/* History gave offer 1 to customers who spend more anyway: arm means mislead, DR and X do not. */
static void test_effect__removes_confounding(void **state) {
    (void)state;
    struct world world;
    world_new(&world, WORLD_CONFOUNDED, 4000, 0.5, 3);
    double sum[3] = {0}, count[3] = {0};
    for (int64_t i = 0; i < world.rows; i++) {
        sum[world.arm[i]] += world.outcome[i];
        count[world.arm[i]] += 1;
    }
    assert_true(fabs(sum[1] / count[1] - sum[0] / count[0] - 1) > 1);
    for (int learner = EFFECT_X; learner <= EFFECT_DR; learner++) {
        struct effect_model *model = fit(&world, (enum effect_learner)learner, EFFECT_BOOST);
        CHECK_NEAR(effect_average(model)[0], 1, 0.15);
        CHECK_NEAR(effect_average(model)[1], -0.5, 0.15);
        assert_true(relative_error(model, &world) < 0.7);
        effect_free(model);
    }
    world_free(&world);
}

/* Personal effects that are not there win at most now and then, by one standard error. */
static void test_effect__chooses_constant_effects_where_they_are(void **state) {
    (void)state;
    int constant = 0;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct world world;
        struct effect_options options;
        struct effect_model *model = NULL;
        kai_err err;
        world_new(&world, WORLD_CONSTANT, 1500, 2, seed);
        struct effect_data data = data_of(&world);
        effect_options_init(&options, 7);
        CHECK_OK(effect_choose(&options, &data, NULL, NULL, &model, &err), &err);
        double *effects = mem_array((size_t)world.rows * 2, sizeof *effects), square = 0;
        CHECK_OK(effect_predict(model, world.features, NULL, 0, NULL, effects, NULL, &err), &err);
        for (int64_t i = 0; i < 2 * world.rows; i++)
            square += pow(effects[i] - effect_average(model)[i % 2], 2);
        constant += sqrt(square / (2.0 * (double)world.rows)) < 0.1;
        CHECK_NEAR(effect_average(model)[0], 1, 0.6);
        CHECK_NEAR(effect_average(model)[1], -0.5, 0.6);
        mem_free(effects);
        effect_free(model);
        world_free(&world);
    }
    assert_true(constant >= 3);
}

static void test_effect__chooses_personal_effects_where_they_pay(void **state) {
    (void)state;
    static const double COST[] = {1, 0.4};
    struct world world;
    struct effect_options options;
    struct effect_model *model = NULL;
    kai_err err;
    int32_t count = 0, chosen = 0;
    world_new(&world, WORLD_STEP, 3000, 1, 5);
    struct effect_data data = data_of(&world);
    data.cost = COST;
    data.budget_per_customer = 0.3;
    effect_options_init(&options, 7);
    CHECK_OK(effect_choose(&options, &data, NULL, NULL, &model, &err), &err);
    const struct effect_score *scores = effect_scores(model, &count);
    assert_true(count >= 5);
    for (int32_t c = 0; c < count; c++) {
        chosen += scores[c].is_chosen;
        assert_true(scores[c].behind >= 0);
        if (scores[c].learner == EFFECT_CONSTANT) assert_true(scores[c].value < scores[0].value);
    }
    assert_int_equal(chosen, 1);
    assert_true(scores[0].is_chosen);
    assert_int_not_equal(effect_kind(model), EFFECT_CONSTANT);
    assert_true(relative_error(model, &world) < 0.5);
    effect_free(model);
    world_free(&world);
}

/* The bytes of a chosen model: made by any number of threads, and back from a file. */
static void test_effect__keeps_its_bytes(void **state) {
    (void)state;
    struct world world;
    struct effect_options options;
    struct buf first, second;
    kai_err err;
    world_new(&world, WORLD_STEP, 1500, 1, 6);
    struct effect_data data = data_of(&world);
    effect_options_init(&options, 7);
    options.bases = 7;
    buf_init(&first, 1 << 26);
    buf_init(&second, 1 << 26);
    double *effects[2];
    for (int threads = 1; threads <= 3; threads += 2) {
        struct pool *pool = NULL;
        struct effect_model *model = NULL;
        CHECK_OK(pool_new(threads, &pool, &err), &err);
        CHECK_OK(effect_choose(&options, &data, pool, NULL, &model, &err), &err);
        CHECK_OK(effect_save(model, threads == 1 ? &first : &second, &err), &err);
        effects[threads / 2] = mem_array((size_t)world.rows * 5, sizeof(double));
        CHECK_OK(effect_predict(model, world.features, NULL, 0, pool, effects[threads / 2],
                                effects[threads / 2] + 2 * world.rows, &err),
                 &err);
        effect_free(model);
        pool_free(pool);
    }
    assert_int_equal(first.size, second.size);
    assert_memory_equal(first.data, second.data, first.size);
    assert_memory_equal(effects[0], effects[1], (size_t)world.rows * 5 * sizeof(double));
    struct effect_model *back = NULL;
    CHECK_OK(effect_load(first.data, first.size, &back, &err), &err);
    CHECK_OK(effect_predict(back, world.features, NULL, 0, NULL, effects[1],
                            effects[1] + 2 * world.rows, &err),
             &err);
    assert_memory_equal(effects[0], effects[1], (size_t)world.rows * 5 * sizeof(double));
    effect_free(back);
    mem_free(effects[0]);
    mem_free(effects[1]);
    buf_release(&first);
    buf_release(&second);
    world_free(&world);
}

static void test_effect__refuses_damaged_bytes(void **state) {
    (void)state;
    struct world world;
    struct buf bytes;
    kai_err err;
    world_new(&world, WORLD_STEP, 300, 1, 8);
    static const struct {
        enum effect_learner learner;
        enum effect_base base;
    } CASES[] = {{EFFECT_S, EFFECT_BOOST}, {EFFECT_DR, EFFECT_RIDGE}};
    for (size_t k = 0; k < 2; k++) {
        struct effect_model *model = fit(&world, CASES[k].learner, CASES[k].base);
        buf_init(&bytes, 1 << 26);
        CHECK_OK(effect_save(model, &bytes, &err), &err);
        effect_free(model);
        for (size_t size = 0; size < bytes.size; size += 1 + bytes.size / 200)
            CHECK_FAILS(effect_load(bytes.data, size, &model, &err), &err, KAI_CORRUPT, NULL);
        for (size_t at = 0; at < bytes.size; at += 1 + bytes.size / 500) {
            struct effect_model *other = NULL;
            char kept = bytes.data[at];
            bytes.data[at] = (char)(kept ^ 0x5a);
            kai_status st = effect_load(bytes.data, bytes.size, &other, &err);
            assert_true(st == KAI_OK || st == KAI_CORRUPT || st == KAI_NO_MEMORY);
            if (!st && effect_offers(other) == 2) {
                double effects[600];
                st = effect_predict(other, world.features, NULL, 0, NULL, effects, NULL, &err);
                assert_true(st == KAI_OK || st == KAI_INVALID);
            }
            if (other) effect_free(other);
            bytes.data[at] = kept;
        }
        buf_release(&bytes);
    }
    world_free(&world);
}

static void test_effect__names_what_is_wrong(void **state) {
    (void)state;
    struct world world;
    struct effect_options options;
    struct effect_model *model = NULL;
    kai_err err;
    world_new(&world, WORLD_STEP, 300, 1, 9);
    struct effect_data data = data_of(&world);
    effect_options_init(&options, 7);
    for (int64_t i = 0; i < world.rows; i++)
        if (world.arm[i] == 2) world.arm[i] = 1;
    CHECK_FAILS(effect_choose(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "arm '2'");
    world.outcome[17] = NAN;
    CHECK_FAILS(effect_choose(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "row 17");
    world.outcome[17] = 0;
    world.propensity[5] = 0;
    CHECK_FAILS(effect_fit(&options, EFFECT_T, EFFECT_RIDGE, &data, NULL, NULL, &model, &err), &err,
                KAI_INVALID, "propensity");
    world.propensity[5] = 0.5;
    CHECK_FAILS(effect_fit(&options, EFFECT_S, EFFECT_RIDGE, &data, NULL, NULL, &model, &err), &err,
                KAI_INVALID, "boost");
    data.row_ids = (const int64_t[]){0, 1, 2};
    data.row_count = 3;
    CHECK_FAILS(effect_choose(&options, &data, NULL, NULL, &model, &err), &err, KAI_INVALID,
                "rows");
    world_free(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effect__finds_linear_effects),
        cmocka_unit_test(test_effect__finds_steps),
        cmocka_unit_test(test_effect__removes_confounding),
        cmocka_unit_test(test_effect__chooses_constant_effects_where_they_are),
        cmocka_unit_test(test_effect__chooses_personal_effects_where_they_pay),
        cmocka_unit_test(test_effect__keeps_its_bytes),
        cmocka_unit_test(test_effect__refuses_damaged_bytes),
        cmocka_unit_test(test_effect__names_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
