#include "decide/bandit.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "decide/belief.h"
#include "decide/explore.h"
#include "kernel/cholesky.h"
#include "kit/check.h"

enum { ACTIONS = 4, FEATURES = 5 };

static struct bandit *make(struct bandit_options options) {
    struct bandit *bandit = NULL;
    kai_err err = {0};
    CHECK_OK(bandit_new(&options, &bandit, &err), &err);
    return bandit;
}

static struct bandit_options options_of(enum bandit_method method) {
    struct bandit_options options;
    bandit_options_init(&options);
    options.method = method;
    options.actions = ACTIONS;
    options.features = FEATURES;
    return options;
}

static void draw_context(struct rng *rng, double *ret_context, int32_t features) {
    ret_context[0] = 1;
    for (int32_t f = 1; f < features; f++) ret_context[f] = rng_normal(rng);
}

/* A linear world: action a returns x'truth[a] plus noise. */
struct world {
    double truth[ACTIONS][FEATURES];
};

static void world_init(struct world *world, uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed, "world", 0);
    for (int a = 0; a < ACTIONS; a++)
        for (int f = 0; f < FEATURES; f++) world->truth[a][f] = 0.4 * rng_normal(&rng);
}

static double mean_of(const struct world *world, const double *x, int32_t action) {
    double sum = 0;
    for (int f = 0; f < FEATURES; f++) sum += world->truth[action][f] * x[f];
    return sum;
}

/* Regret of rounds [from, to); the bandit goes on learning. */
static double play(struct bandit *bandit, const struct world *world, int64_t from, int64_t to) {
    double regret = 0, x[FEATURES];
    kai_err err = {0};
    for (int64_t t = from; t < to; t++) {
        struct rng rng;
        rng_init(&rng, 7, "round", (uint64_t)t);
        draw_context(&rng, x, FEATURES);
        double best = -INFINITY;
        for (int a = 0; a < ACTIONS; a++) best = fmax(best, mean_of(world, x, a));
        struct bandit_decision decision;
        CHECK_OK(bandit_draw(bandit, &(struct bandit_request){.context = x}, &decision, NULL, &err),
                 &err);
        double mean = mean_of(world, x, decision.action);
        regret += best - mean;
        CHECK_OK(bandit_update(bandit, x, decision.action, mean + rng_normal(&rng), decision.number,
                               &err),
                 &err);
    }
    return regret;
}

/* The belief after any number of updates and removals is ridge regression on what is left. */
static void test_belief__equals_ridge_regression(void **state) {
    (void)state;
    enum { N = 200, D = 6 };
    double x[N][D], y[N], scratch[D + D * D], h[D] = {0}, gram[D * D] = {0};
    double *numbers = mem_array((size_t)belief_numbers(D), sizeof *numbers);
    struct belief belief;
    struct rng rng;
    rng_init(&rng, 3, "ridge", 0);
    belief_init(&belief, D, 0.5, numbers);
    for (int i = 0; i < N; i++) {
        draw_context(&rng, x[i], D);
        y[i] = rng_normal(&rng);
        belief_add(&belief, x[i], (struct belief_term){2, y[i]}, scratch);
    }
    for (int i = 0; i < N / 2; i++)
        belief_remove(&belief, x[i], (struct belief_term){2, y[i]}, scratch);
    for (int f = 0; f < D; f++) gram[f * D + f] = 0.5;
    for (int i = N / 2; i < N; i++)
        for (int f = 0; f < D; f++) {
            h[f] += 2 * x[i][f] * y[i];
            for (int g = 0; g < D; g++) gram[f * D + g] += 2 * x[i][f] * x[i][g];
        }
    assert_int_equal(cholesky_factor_f64(D, gram, 0), D);
    cholesky_solve_f64(D, gram, h);
    double probe[D], spread[D], variance = 0, expected = 0, expected_mean = 0;
    draw_context(&rng, probe, D);
    memcpy(spread, probe, sizeof spread);
    cholesky_solve_f64(D, gram, spread);
    for (int f = 0; f < D; f++) {
        expected += probe[f] * spread[f];
        expected_mean += probe[f] * h[f];
    }
    CHECK_NEAR(belief_predict(&belief, probe, &variance), expected_mean, 1e-9);
    CHECK_NEAR(variance, expected, 1e-9);
    mem_free(numbers);
}

/* P(best) by the grid against a million draws of the scores. */
static void test_explore__matches_probabilities_of_being_best(void **state) {
    (void)state;
    enum { K = 5, DRAWS = 1000000 };
    const double mean[K] = {0.1, 0.3, 0.25, -0.5, 0.29}, sd[K] = {0.3, 0.1, 0.001, 1.2, 0.02};
    const uint8_t is_allowed[K] = {1, 1, 1, 1, 1};
    double normal[EXPLORE_NORMALS], scratch[3 * K + EXPLORE_NODES], p[K], wins[K] = {0};
    explore_normals(normal);
    struct explore how = {.method = BANDIT_THOMPSON, .width = 1, .normal = normal};
    explore_probabilities(&how, K, mean, sd, is_allowed, scratch, p);
    struct rng rng;
    rng_init(&rng, 5, "match", 0);
    for (int i = 0; i < DRAWS; i++) {
        int best = 0;
        double most = -INFINITY;
        for (int a = 0; a < K; a++) {
            double z = mean[a] + sd[a] * rng_normal(&rng);
            if (z > most) most = z, best = a;
        }
        wins[best] += 1.0 / DRAWS;
    }
    double sum = 0;
    for (int a = 0; a < K; a++) {
        CHECK_NEAR(p[a], wins[a], 0.02); /* the grid's error; what is logged is what acts */
        sum += p[a];
    }
    CHECK_NEAR(sum, 1, 1e-12);
}

static void test_explore__shares_ties_and_keeps_the_floor(void **state) {
    (void)state;
    const double mean[3] = {1, 1, 0}, sd[3] = {0, 0, 0};
    double normal[EXPLORE_NORMALS], scratch[9 + EXPLORE_NODES], p[3];
    explore_normals(normal);
    for (int m = 0; m < BANDIT_METHODS; m++) {
        struct explore how = {
            .method = (enum bandit_method)m, .width = 1, .gamma = 1e12, .normal = normal};
        explore_probabilities(&how, 3, mean, sd, (const uint8_t[]){1, 1, 1}, scratch, p);
        CHECK_NEAR(p[0], 0.5, 1e-9);
        CHECK_NEAR(p[1], 0.5, 1e-9);
        how.floor = 0.1;
        explore_probabilities(&how, 3, mean, sd, (const uint8_t[]){0, 1, 1}, scratch, p);
        CHECK_NEAR(p[0], 0, 0);
        CHECK_NEAR(p[2], 0.1, 1e-9);
        CHECK_NEAR(p[1], 0.9, 1e-9);
    }
}

/* Pearson's statistic of the drawn actions against the logged probabilities, over decisions that
 * differ: each decision is its own experiment, so the counts are compared with summed expectations
 * and summed variances. |z| < 4.5 for each of 16 cells. */
static void test_bandit__logs_the_probability_that_acted(void **state) {
    (void)state;
    enum { DRAWS = 62500 };
    for (int m = 0; m < BANDIT_METHODS; m++)
        for (int kind = 0; kind < 4; kind++) {
            struct bandit_options options = options_of((enum bandit_method)m);
            options.floor = kind == 1 ? 0.05 : 0;
            options.budget = kind == 3 ? 900 : INFINITY;
            options.horizon = DRAWS;
            options.seed = 100 + (uint64_t)kind;
            struct bandit *bandit = make(options);
            struct world world;
            world_init(&world, 1);
            double count[ACTIONS] = {0}, expected[ACTIONS] = {0}, variance[ACTIONS] = {0};
            kai_err err = {0};
            for (int64_t t = 0; t < DRAWS; t++) {
                struct rng rng;
                double x[FEATURES], p[ACTIONS];
                const double cost[ACTIONS] = {0, 0.02, 0.03, 0.05};
                const uint8_t capped[ACTIONS] = {1, (uint8_t)(t % 2), 1, 1};
                rng_init(&rng, 9, "chi", (uint64_t)t);
                draw_context(&rng, x, FEATURES);
                struct bandit_request request = {.context = x,
                                                 .cost = kind == 3 ? cost : NULL,
                                                 .is_allowed = kind == 2 ? capped : NULL};
                struct bandit_decision decision;
                CHECK_OK(bandit_draw(bandit, &request, &decision, p, &err), &err);
                assert_true(decision.propensity == p[decision.action]);
                assert_true(kind != 2 || capped[decision.action]);
                count[decision.action]++;
                for (int a = 0; a < ACTIONS; a++) {
                    expected[a] += p[a];
                    variance[a] += p[a] * (1 - p[a]);
                }
                if (t % 50 == 0)
                    CHECK_OK(bandit_update(bandit, x, decision.action,
                                           mean_of(&world, x, decision.action) + rng_normal(&rng),
                                           t, &err),
                             &err);
            }
            for (int a = 0; a < ACTIONS; a++) {
                double z = variance[a] > 1e-9 ? (count[a] - expected[a]) / sqrt(variance[a])
                                              : count[a] - expected[a];
                assert_true(fabs(z) < 4.5);
            }
            assert_true(bandit_spent(bandit) <= options.budget);
            bandit_free(bandit);
        }
}

static void test_bandit__learns_with_sublinear_regret(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 2);
    struct bandit_options uniform = options_of(BANDIT_GREEDY);
    uniform.epsilon = 1;
    struct bandit *nobody = make(uniform);
    double linear = play(nobody, &world, 0, 8000);
    bandit_free(nobody);
    for (int m = 0; m < BANDIT_METHODS; m++) {
        struct bandit_options options = options_of((enum bandit_method)m);
        options.epsilon = 0.05;
        options.gamma = 4;
        struct bandit *bandit = make(options);
        double early = play(bandit, &world, 0, 2000), late = play(bandit, &world, 2000, 8000);
        assert_true(early + late < 0.2 * linear);
        assert_true(late / 6000 < 0.7 * early / 2000);
        bandit_free(bandit);
    }
}

static int is_above(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

static void test_bandit__paces_the_budget(void **state) {
    (void)state;
    enum { ROUNDS = 20000 };
    struct bandit_options options = options_of(BANDIT_THOMPSON);
    options.budget = 2000;
    options.horizon = ROUNDS;
    options.noise = 0.3;
    struct bandit *bandit = make(options);
    const double cost[ACTIONS] = {0, 1, 1, 1}, value[ACTIONS] = {1, 3, 3, 3};
    struct world world;
    world_init(&world, 4);
    static double best[ROUNDS]; /* what the best paid action of each round would truly net */
    double half = 0, earned = 0, most = 0;
    kai_err err = {0};
    for (int64_t t = 0; t < ROUNDS; t++) {
        struct rng rng;
        double x[FEATURES];
        rng_init(&rng, 11, "pace", (uint64_t)t);
        draw_context(&rng, x, FEATURES);
        struct bandit_request request = {.context = x, .cost = cost, .value = value};
        struct bandit_decision decision;
        CHECK_OK(bandit_draw(bandit, &request, &decision, NULL, &err), &err);
        double mean = decision.action ? mean_of(&world, x, decision.action) : 0;
        earned += value[decision.action] * mean - cost[decision.action];
        best[t] = -INFINITY;
        for (int a = 1; a < ACTIONS; a++)
            best[t] = fmax(best[t], value[a] * mean_of(&world, x, a) - cost[a]);
        CHECK_OK(bandit_update(bandit, x, decision.action,
                               mean + (decision.action ? 0.3 * rng_normal(&rng) : 0), t, &err),
                 &err);
        if (t != ROUNDS / 2) continue;
        half = bandit_spent(bandit);
        assert_true(bandit_price(bandit) > 0);
    }
    assert_true(bandit_spent(bandit) <= 2000 && bandit_spent(bandit) >= 0.97 * 2000);
    assert_true(half > 0.35 * 2000 && half < 0.65 * 2000);
    qsort(best, ROUNDS, sizeof *best, is_above); /* who knew all would take the 2000 best rounds */
    for (int i = 0; i < 2000; i++) most += best[i];
    assert_true(earned > 0.85 * most);
    bandit_free(bandit);
}

static void test_bandit__resumes_and_merges(void **state) {
    (void)state;
    kai_err err = {0};
    struct world world;
    world_init(&world, 3);
    struct bandit_options options = options_of(BANDIT_THOMPSON);
    struct bandit *a = make(options), *b = NULL, *c = make(options), *d = make(options);
    (void)play(a, &world, 0, 500);
    struct buf bytes;
    buf_init(&bytes, 1 << 24);
    CHECK_OK(bandit_print(a, &bytes, &err), &err);
    CHECK_OK(bandit_parse(bytes.data, bytes.size, &b, &err), &err);
    assert_true(play(a, &world, 500, 900) == play(b, &world, 500, 900));
    bytes.data[bytes.size / 2] ^= 1;
    struct bandit *none = NULL;
    CHECK_FAILS(bandit_parse(bytes.data, bytes.size, &none, &err), &err, KAI_CORRUPT, "bandit");
    assert_null(none);
    /* the same observations, in one bandit and in two that are merged */
    struct bandit *whole = make(options);
    for (int i = 0; i < 300; i++) {
        struct rng rng;
        double x[FEATURES];
        rng_init(&rng, 13, "merge", (uint64_t)i);
        draw_context(&rng, x, FEATURES);
        double reward = rng_normal(&rng);
        CHECK_OK(bandit_update(i % 2 ? c : d, x, i % ACTIONS, reward, i, &err), &err);
        CHECK_OK(bandit_update(whole, x, i % ACTIONS, reward, i, &err), &err);
    }
    CHECK_OK(bandit_merge(c, d, &err), &err);
    const double probe[FEATURES] = {1, 0.3, -0.2, 0.9, -1};
    for (int action = 0; action < ACTIONS; action++) {
        double mean[2], sd[2];
        bandit_predict(c, probe, action, &mean[0], &sd[0]);
        bandit_predict(whole, probe, action, &mean[1], &sd[1]);
        CHECK_NEAR(mean[0], mean[1], 1e-10);
        CHECK_NEAR(sd[0], sd[1], 1e-10);
    }
    buf_release(&bytes);
    bandit_free(a);
    bandit_free(b);
    bandit_free(c);
    bandit_free(d);
    bandit_free(whole);
}

/* The world turns over; a bandit that forgets recovers, one that does not lags behind. */
static void test_bandit__follows_a_world_that_changes(void **state) {
    (void)state;
    struct world before, after;
    world_init(&before, 5);
    world_init(&after, 6);
    double regret[3];
    for (int kind = 0; kind < 3; kind++) {
        struct bandit_options options = options_of(BANDIT_THOMPSON);
        options.discount = kind == 1 ? 0.998 : 1;
        options.window = kind == 2 ? 1000 : 0;
        struct bandit *bandit = make(options);
        (void)play(bandit, &before, 0, 6000);
        regret[kind] = play(bandit, &after, 6000, 9000);
        bandit_free(bandit);
    }
    assert_true(regret[1] < 0.6 * regret[0]);
    assert_true(regret[2] < 0.6 * regret[0]);
}

static void test_bandit__learns_chances(void **state) {
    (void)state;
    struct bandit_options options = options_of(BANDIT_UCB);
    options.model = BANDIT_LOGISTIC;
    options.is_shared = 1;
    struct bandit *bandit = make(options);
    const double weight[FEATURES] = {-1, 0.8, -0.5, 0, 0.3};
    kai_err err = {0};
    for (int i = 0; i < 20000; i++) {
        struct rng rng;
        double x[FEATURES], z = 0;
        rng_init(&rng, 17, "chance", (uint64_t)i);
        draw_context(&rng, x, FEATURES);
        for (int f = 0; f < FEATURES; f++) z += weight[f] * x[f];
        double reward = rng_unit(&rng) < 1 / (1 + exp(-z));
        CHECK_OK(bandit_update(bandit, x, 0, reward, i, &err), &err);
    }
    const double probe[FEATURES] = {1, 1, 0, 0, 1};
    double mean = 0, sd = 0;
    bandit_predict(bandit, probe, 2, &mean, &sd);
    CHECK_NEAR(mean, 1 / (1 + exp(-0.1)), 0.02);
    assert_true(sd > 0 && sd < 0.02);
    bandit_free(bandit);
}

static void test_bandit__allocates_nothing_as_it_acts(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 3);
    check_alloc_fail(0, 0);
    struct bandit *bandit = make(options_of(BANDIT_THOMPSON));
    int64_t before = check_alloc_count();
    assert_true(before > 0);
    (void)play(bandit, &world, 0, 100);
    assert_int_equal(check_alloc_count(), before);
    bandit_free(bandit);
    assert_int_equal(check_alloc_live(), 0);
    check_alloc_reset();
}

static void test_bandit__refuses_what_is_no_number(void **state) {
    (void)state;
    kai_err err = {0};
    struct bandit *bandit = NULL;
    struct bandit_options options = options_of(BANDIT_UCB);
    options.floor = 0.3;
    CHECK_FAILS(bandit_new(&options, &bandit, &err), &err, KAI_INVALID, "floor");
    assert_null(bandit);
    options.floor = 0;
    options.budget = 1;
    bandit = make(options);
    double x[FEATURES] = {1, NAN};
    const double dear[ACTIONS] = {5, 5, 5, 5}, bad[ACTIONS] = {0, -1, 0, 0};
    struct bandit_decision decision;
    CHECK_FAILS(bandit_draw(bandit, &(struct bandit_request){.context = x}, &decision, NULL, &err),
                &err, KAI_INVALID, "context");
    x[1] = 0;
    CHECK_FAILS(bandit_draw(bandit, &(struct bandit_request){.context = x, .cost = dear}, &decision,
                            NULL, &err),
                &err, KAI_INFEASIBLE, "payable");
    CHECK_FAILS(bandit_draw(bandit, &(struct bandit_request){.context = x, .cost = bad}, &decision,
                            NULL, &err),
                &err, KAI_INVALID, "action 1");
    CHECK_FAILS(bandit_update(bandit, x, ACTIONS, 1, 0, &err), &err, KAI_INVALID, "action 4");
    CHECK_FAILS(bandit_update(bandit, x, 0, INFINITY, 0, &err), &err, KAI_INVALID, "reward");
    assert_int_equal(bandit_decisions(bandit), 0);
    bandit_free(bandit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_belief__equals_ridge_regression),
        cmocka_unit_test(test_explore__matches_probabilities_of_being_best),
        cmocka_unit_test(test_explore__shares_ties_and_keeps_the_floor),
        cmocka_unit_test(test_bandit__logs_the_probability_that_acted),
        cmocka_unit_test(test_bandit__learns_with_sublinear_regret),
        cmocka_unit_test(test_bandit__paces_the_budget),
        cmocka_unit_test(test_bandit__resumes_and_merges),
        cmocka_unit_test(test_bandit__follows_a_world_that_changes),
        cmocka_unit_test(test_bandit__learns_chances),
        cmocka_unit_test(test_bandit__allocates_nothing_as_it_acts),
        cmocka_unit_test(test_bandit__refuses_what_is_no_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
