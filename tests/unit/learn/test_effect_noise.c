#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"
#include "learn/effect_part.h"

enum { ROWS = 6000, COLUMNS = 3 };

struct world {
    struct matrix *x;
    int32_t arm[ROWS];
    double outcome[ROWS];
};

/* Outcomes are loud (sd 10) where x0 > 0.5 and quiet (sd 1) elsewhere; the effect is 1 + x1. */
static void world_init(struct world *world, double loud) {
    kai_err err = {0};
    CHECK_OK(matrix_new(ROWS, COLUMNS, &world->x, &err), &err);
    for (int i = 0; i < ROWS; i++) {
        struct rng rng;
        rng_init(&rng, 4, "noise world", (uint64_t)i);
        for (int c = 0; c < COLUMNS; c++) matrix_column(world->x, c)[i] = (float)rng_unit(&rng);
        world->arm[i] = (int32_t)rng_below(&rng, 2);
        double sd = matrix_column(world->x, 0)[i] > 0.5f ? loud : 1;
        world->outcome[i] =
            world->arm[i] * (1.0 + (double)matrix_column(world->x, 1)[i]) + sd * rng_normal(&rng);
    }
}

static struct effect_data data_of(const struct world *world) {
    return (struct effect_data){.features = world->x,
                                .arm = world->arm,
                                .outcome = world->outcome,
                                .row_count = ROWS,
                                .offers = 1};
}

/* Mean weights of quiet and of loud rows. */
static void weigh(const struct world *world, double *ret_quiet, double *ret_loud) {
    struct effect_options options;
    struct effect_rows rows;
    struct effect_data data = data_of(world);
    kai_err err = {0};
    effect_options_init(&options, 1);
    CHECK_OK(effect_rows_init(&options, &data, 0, NULL, &rows, &err), &err);
    for (int32_t f = 0; f < rows.folds; f++)
        memset(rows.mu[f], 0, (size_t)(ROWS * rows.arms) * sizeof(float));
    CHECK_NEAR(effect_noise_weight(&rows, 0, -1), 1, 0); /* before it is learned */
    CHECK_OK(effect_noise_fit(&rows, EFFECT_BOOST, NULL, NULL, &err), &err);
    double sum[2] = {0}, count[2] = {0}, all = 0;
    for (int i = 0; i < ROWS; i++) {
        int is_loud = matrix_column(world->x, 0)[i] > 0.5f;
        double weight = effect_noise_weight(&rows, i, -1);
        assert_true(weight > 0 && isfinite(weight));
        assert_true(effect_noise_weight_by(&rows, i, 0) > 0);
        sum[is_loud] += weight;
        count[is_loud]++;
        all += weight / ROWS;
    }
    CHECK_NEAR(all, 1, 1e-3);
    *ret_quiet = sum[0] / count[0];
    *ret_loud = sum[1] / count[1];
    effect_rows_release(&rows);
}

static void test_effect_noise__weighs_by_inverse_variance(void **state) {
    (void)state;
    static struct world world;
    double quiet = 0, loud = 0;
    world_init(&world, 10);
    weigh(&world, &quiet, &loud);
    /* (1 + effects unexplained) against 100: a factor of about 30 to 60, rows at the border aside
     */
    assert_true(quiet / loud > 10);
    matrix_free(world.x);
    world_init(&world, 1);
    weigh(&world, &quiet, &loud);
    assert_true(quiet / loud > 0.8 && quiet / loud < 1.25);
    matrix_free(world.x);
}

/* What the weights are for: the error of the effects, loud rows included, on the same data as seen
 * by an experimenter who knows that all are alike (the loud half made quiet) is hardly better. */
static void test_effect_noise__finds_effects_through_loud_rows(void **state) {
    (void)state;
    static struct world world;
    kai_err err = {0};
    double error[2] = {0};
    for (int is_loud = 0; is_loud < 2; is_loud++) {
        struct effect_options options;
        struct effect_model *model = NULL;
        static double effect[ROWS];
        world_init(&world, is_loud ? 10 : 1);
        struct effect_data data = data_of(&world);
        effect_options_init(&options, 1);
        CHECK_OK(effect_fit(&options, EFFECT_X, EFFECT_RIDGE, &data, NULL, NULL, &model, &err),
                 &err);
        CHECK_OK(effect_predict(model, world.x, NULL, ROWS, NULL, effect, NULL, &err), &err);
        double mean = 0;
        for (int i = 0; i < ROWS; i++)
            mean += (effect[i] - 1 - (double)matrix_column(world.x, 1)[i]) / ROWS;
        for (int i = 0; i < ROWS; i++) { /* of the personal part; the average is not weighted */
            double miss = effect[i] - 1 - (double)matrix_column(world.x, 1)[i] - mean;
            error[is_loud] += miss * miss / ROWS;
        }
        effect_free(model);
        matrix_free(world.x);
    }
    assert_true(error[1] < 0.02);                /* the effect's own variance is 1/12 */
    assert_true(error[1] < 8 * error[0] + 1e-3); /* unweighted it would be about 50 times */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_effect_noise__weighs_by_inverse_variance),
        cmocka_unit_test(test_effect_noise__finds_effects_through_loud_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
