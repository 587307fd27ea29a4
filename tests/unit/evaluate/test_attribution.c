/* Against sums by hand, the matrix solution, and Shapley's definition over all orders. */
#include "evaluate/attribution.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kit/check.h"

enum { PATHS = 5000, CHANNELS = 6, ALL = (1 << ATTRIBUTION_MODELS) - 1 };

struct drawn {
    int64_t starts[PATHS + 1];
    int32_t channel[PATHS * 6];
    double age[PATHS * 6], value[PATHS];
    uint8_t is_converted[PATHS];
    struct attribution_paths paths;
};

/* Paths of 0 to 5 touches; channel c helps by c / 20. */
static void draw(struct drawn *drawn, int32_t channels) {
    struct rng rng;
    int64_t touch = 0;
    rng_init(&rng, 3, "paths", 0);
    drawn->starts[0] = 0;
    for (int64_t p = 0; p < PATHS; p++) {
        int64_t count = (int64_t)rng_below(&rng, 6);
        double chance = 0.02;
        for (int64_t t = 0; t < count; t++) {
            int32_t channel = (int32_t)rng_below(&rng, (uint64_t)channels);
            drawn->channel[touch] = channel;
            drawn->age[touch++] = (double)(count - t);
            chance += 0.3 * channel / channels / 3;
        }
        drawn->starts[p + 1] = touch;
        drawn->is_converted[p] = rng_unit(&rng) < chance;
        drawn->value[p] = drawn->is_converted[p] ? 1 + rng_unit(&rng) : 0;
    }
    drawn->paths = (struct attribution_paths){PATHS,          channels,   drawn->starts,
                                              drawn->channel, drawn->age, drawn->is_converted,
                                              drawn->value};
}

static struct attribution fit(const struct attribution_paths *paths, struct pool *pool) {
    struct attribution attribution;
    kai_err err = {0};
    CHECK_OK(attribution_fit(paths, ALL, &(struct attribution_options){.seed = 42}, pool,
                             &attribution, &err),
             &err);
    return attribution;
}

static double credit_of(const struct attribution *attribution, int model, int channel) {
    return attribution->credit[model * attribution->channels + channel].conversions.value;
}

static void test_attribution__shares_one_path_as_the_models_say(void **state) {
    (void)state;
    const int64_t starts[] = {0, 4};
    const int32_t channel[] = {0, 1, 1, 2};
    const double age[] = {14, 7, 7, 0}, value[] = {10};
    const uint8_t is_converted[] = {1};
    const struct attribution_paths paths = {1, 3, starts, channel, age, is_converted, value};
    struct attribution got = fit(&paths, NULL);
    const double wanted[6][3] = {{1, 0, 0},         {0, 0, 1},
                                 {0.25, 0.5, 0.25}, {0.25 / 2.25, 1 / 2.25, 1 / 2.25},
                                 {0.4, 0.2, 0.4},   {1 / 3.0, 1 / 3.0, 1 / 3.0}};
    for (int m = 0; m < 6; m++)
        for (int c = 0; c < 3; c++) {
            CHECK_NEAR(credit_of(&got, m, c), wanted[m][c], 1e-12);
            CHECK_NEAR(got.credit[m * 3 + c].value.value, 10 * wanted[m][c], 1e-11);
        }
    /* without any of the three nobody comes through */
    for (int c = 0; c < 3; c++) CHECK_NEAR(credit_of(&got, ATTRIBUTION_MARKOV, c), 1 / 3.0, 1e-12);
    attribution_release(&got);
}

static void test_attribution__every_model_adds_up_to_the_total(void **state) {
    (void)state;
    static struct drawn drawn;
    const int32_t sizes[] = {CHANNELS, ATTRIBUTION_EXACT, 20};
    for (int s = 0; s < 3; s++) {
        draw(&drawn, sizes[s]);
        struct attribution got = fit(&drawn.paths, NULL);
        assert_true(got.conversions > 100 && got.unattributed > 0);
        for (int m = 0; m < ATTRIBUTION_MODELS; m++) {
            double sum = 0, value = 0;
            for (int c = 0; c < sizes[s]; c++) {
                sum += credit_of(&got, m, c);
                value += got.credit[m * sizes[s] + c].value.value;
            }
            CHECK_NEAR(sum / got.conversions, 1, 1e-12);
            CHECK_NEAR(value / got.value, 1, 1e-12);
        }
        attribution_release(&got);
    }
}

/* The value of a set of channels: conversions of the paths that stay within it. */
static double worth_of(const struct drawn *drawn, uint32_t set) {
    double worth = 0;
    for (int64_t p = 0; p < PATHS; p++) {
        int is_within = drawn->is_converted[p] && drawn->starts[p + 1] > drawn->starts[p];
        for (int64_t t = drawn->starts[p]; is_within && t < drawn->starts[p + 1]; t++)
            is_within = (int)((set >> drawn->channel[t]) & 1U);
        worth += is_within;
    }
    return worth;
}

static double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

static void test_attribution__shapley_is_its_definition(void **state) {
    (void)state;
    static struct drawn drawn;
    double worth[1 << CHANNELS];
    draw(&drawn, CHANNELS);
    for (uint32_t set = 0; set < 1U << CHANNELS; set++) worth[set] = worth_of(&drawn, set);
    struct attribution got = fit(&drawn.paths, NULL);
    for (int c = 0; c < CHANNELS; c++) {
        double sum = 0;
        for (uint32_t set = 0; set < 1U << CHANNELS; set++) {
            int size = 0;
            if ((set >> c) & 1) continue;
            for (int k = 0; k < CHANNELS; k++) size += (int)((set >> k) & 1U);
            sum += factorial(size) * factorial(CHANNELS - size - 1) / factorial(CHANNELS) *
                   (worth[set | 1U << c] - worth[set]);
        }
        CHECK_NEAR(credit_of(&got, ATTRIBUTION_SHAPLEY, c) / sum, 1, 1e-12);
    }
    attribution_release(&got);
}

/* The chance of a conversion by walking the chain until nobody is left. */
static double walk(const double *counts, int32_t channels, int32_t without) {
    double at[CHANNELS + 1] = {1}, next[CHANNELS + 1], converted = 0;
    int32_t wide = channels + 2;
    for (int step = 0; step < 2000; step++) {
        memset(next, 0, sizeof next);
        for (int32_t i = 0; i <= channels; i++) {
            double sum = 0;
            for (int32_t j = 0; j < wide; j++) sum += counts[i * wide + j];
            if (sum == 0) continue;
            converted += at[i] * counts[i * wide + channels] / sum;
            for (int32_t j = 0; j < channels; j++)
                if (j != without) next[j + 1] += at[i] * counts[i * wide + j] / sum;
        }
        memcpy(at, next, sizeof at);
    }
    return converted;
}

static void test_attribution__removal_equals_the_chain_walked(void **state) {
    (void)state;
    static struct drawn drawn;
    double counts[(CHANNELS + 1) * (CHANNELS + 2)] = {0}, work[CHANNELS * (CHANNELS + 1)];
    double effect[CHANNELS], sum = 0;
    draw(&drawn, CHANNELS);
    for (int64_t p = 0; p < PATHS; p++) {
        int32_t from = 0;
        if (drawn.starts[p + 1] == drawn.starts[p]) continue;
        for (int64_t t = drawn.starts[p]; t < drawn.starts[p + 1]; t++) {
            counts[from * (CHANNELS + 2) + drawn.channel[t]]++;
            from = drawn.channel[t] + 1;
        }
        counts[from * (CHANNELS + 2) + CHANNELS + !drawn.is_converted[p]]++;
    }
    double all = walk(counts, CHANNELS, -1);
    CHECK_NEAR(attribution_chain(counts, CHANNELS, NULL, work), all, 1e-12);
    for (int c = 0; c < CHANNELS; c++) sum += effect[c] = 1 - walk(counts, CHANNELS, c) / all;
    struct attribution got = fit(&drawn.paths, NULL);
    for (int c = 0; c < CHANNELS; c++)
        CHECK_NEAR(credit_of(&got, ATTRIBUTION_MARKOV, c), effect[c] / sum * got.conversions, 1e-9);
    attribution_release(&got);
}

static void test_attribution__permutations_approach_the_exact_game(void **state) {
    (void)state;
    static struct drawn drawn;
    draw(&drawn, ATTRIBUTION_EXACT + 1); /* the last channel is left out: 12 are drawn */
    for (int64_t t = 0; t < drawn.starts[PATHS]; t++) drawn.channel[t] %= ATTRIBUTION_EXACT;
    struct attribution sampled = fit(&drawn.paths, NULL);
    drawn.paths.channels = ATTRIBUTION_EXACT;
    struct attribution exact = fit(&drawn.paths, NULL);
    for (int c = 0; c < ATTRIBUTION_EXACT; c++) {
        double error =
            sampled.credit[ATTRIBUTION_GAME * (ATTRIBUTION_EXACT + 1) + c].sampling_error;
        assert_true(error > 0);
        CHECK_NEAR(credit_of(&sampled, ATTRIBUTION_GAME, c), credit_of(&exact, ATTRIBUTION_GAME, c),
                   5 * error);
    }
    attribution_release(&sampled);
    attribution_release(&exact);
}

static void test_attribution__any_number_of_threads_gives_the_same_bytes(void **state) {
    (void)state;
    static struct drawn drawn;
    struct pool *pool = NULL;
    kai_err err = {0};
    draw(&drawn, CHANNELS);
    CHECK_OK(pool_new(3, &pool, &err), &err);
    struct attribution one = fit(&drawn.paths, NULL), three = fit(&drawn.paths, pool);
    assert_memory_equal(one.credit, three.credit,
                        ATTRIBUTION_MODELS * CHANNELS * sizeof *one.credit);
    attribution_release(&one);
    attribution_release(&three);
    pool_free(pool);
}

static void test_attribution__measured_lift_rules(void **state) {
    (void)state;
    static struct drawn drawn;
    double factors[CHANNELS];
    draw(&drawn, CHANNELS);
    struct attribution got = fit(&drawn.paths, NULL);
    double credit = credit_of(&got, ATTRIBUTION_LAST, 2);
    struct attribution_lift lift = {2, {credit / 4, 0, credit / 2, 0, "experiment"}};
    CHECK_NEAR(attribution_reconcile(&got, ATTRIBUTION_LAST, &lift, 1, factors), 0.25, 1e-12);
    for (int c = 0; c < CHANNELS; c++) CHECK_NEAR(factors[c], 0.25, 1e-12);
    attribution_release(&got);
}

static void test_attribution__bad_input_is_named(void **state) {
    (void)state;
    static struct drawn drawn;
    struct attribution got;
    kai_err err = {0};
    struct attribution_options options = {0};
    draw(&drawn, CHANNELS);
    drawn.channel[0] = CHANNELS;
    CHECK_FAILS(attribution_fit(&drawn.paths, ALL, &options, NULL, &got, &err), &err, KAI_INVALID,
                "a channel is not in 0 to 5");
    draw(&drawn, CHANNELS);
    drawn.is_converted[9] = 1;
    drawn.value[9] = INFINITY;
    CHECK_FAILS(attribution_fit(&drawn.paths, ALL, &options, NULL, &got, &err), &err, KAI_INVALID,
                "path 10: its value is negative or not finite");
    drawn.paths.count = 0;
    CHECK_FAILS(attribution_fit(&drawn.paths, ALL, &options, NULL, &got, &err), &err, KAI_INVALID,
                "there are no paths");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attribution__shares_one_path_as_the_models_say),
        cmocka_unit_test(test_attribution__every_model_adds_up_to_the_total),
        cmocka_unit_test(test_attribution__shapley_is_its_definition),
        cmocka_unit_test(test_attribution__removal_equals_the_chain_walked),
        cmocka_unit_test(test_attribution__permutations_approach_the_exact_game),
        cmocka_unit_test(test_attribution__any_number_of_threads_gives_the_same_bytes),
        cmocka_unit_test(test_attribution__measured_lift_rules),
        cmocka_unit_test(test_attribution__bad_input_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
