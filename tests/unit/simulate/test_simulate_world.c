#include "simulate/simulate_world.h"

#include <math.h>
#include <string.h>

#include "kit/check.h"

enum { ACTIONS = 3, FEATURES = 4, ROUNDS = 40000 };

static struct simulate_world *make(int is_binary, int64_t change) {
    struct simulate_world_options options = {ACTIONS, FEATURES, is_binary, change, 42};
    struct simulate_world *world = NULL;
    kai_err err = {0};
    CHECK_OK(simulate_world_new(&options, &world, &err), &err);
    return world;
}

/* Rewards are what the means say, and the means are what the weights say. */
static void test_simulate_world__keeps_its_word(void **state) {
    (void)state;
    for (int is_binary = 0; is_binary < 2; is_binary++) {
        struct simulate_world *world = make(is_binary, 0);
        double weight[ACTIONS * FEATURES], miss = 0, square = 0;
        memcpy(weight, simulate_world_truth(world, 0), sizeof weight);
        for (int64_t t = 0; t < ROUNDS; t++) {
            double x[FEATURES], mean[ACTIONS], sum = 0;
            simulate_world_round(world, t, x, mean);
            for (int f = 0; f < FEATURES; f++) sum += weight[FEATURES + f] * x[f];
            CHECK_NEAR(mean[1], is_binary ? 1 / (1 + exp(-sum)) : sum, 1e-12);
            double reward = simulate_world_reward(world, t, 1, mean[1]);
            assert_true(reward == simulate_world_reward(world, t, 1, mean[1]));
            miss += reward - mean[1];
            square += (reward - mean[1]) * (reward - mean[1]);
        }
        assert_true(fabs(miss) < 4 * sqrt(square));
        if (!is_binary) CHECK_NEAR(square / ROUNDS, 1, 0.03);
        simulate_world_free(world);
    }
}

static void test_simulate_world__turns_when_told(void **state) {
    (void)state;
    struct simulate_world *world = make(0, 100);
    double first[2];
    first[0] = simulate_world_truth(world, 0)[1];
    assert_true(simulate_world_truth(world, 99)[1] == first[0]);
    first[1] = simulate_world_truth(world, 100)[1];
    assert_true(first[1] != first[0]);
    assert_true(simulate_world_truth(world, 5)[1] == first[0]);
    simulate_world_free(world);
    struct simulate_world_options options = {1, 4, 0, 0, 42};
    kai_err err = {0};
    CHECK_FAILS(simulate_world_new(&options, &world, &err), &err, KAI_INVALID, "2 to 64 actions");
}

static void test_simulate_auction__predicts_without_bias(void **state) {
    (void)state;
    double predicted = 0, chance = 0, outcomes = 0, morning = 0, evening = 0;
    for (int64_t i = 0; i < ROUNDS; i++) {
        struct simulate_auction auction;
        simulate_auction_draw(1, i, ROUNDS, &auction);
        assert_true(auction.price >= 1 && auction.price <= 300);
        predicted += auction.predicted / ROUNDS;
        chance += auction.chance / ROUNDS;
        outcomes += auction.outcome;
        *(i < ROUNDS / 2 ? &morning : &evening) += auction.price;
    }
    CHECK_NEAR(predicted / chance, 1, 0.03);
    CHECK_NEAR(outcomes, chance * ROUNDS, 4 * sqrt(chance * ROUNDS));
    assert_true(morning > 1.2 * evening);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulate_world__keeps_its_word),
        cmocka_unit_test(test_simulate_world__turns_when_told),
        cmocka_unit_test(test_simulate_auction__predicts_without_bias),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
