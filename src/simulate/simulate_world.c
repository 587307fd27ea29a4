#include "simulate/simulate_world.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"

struct simulate_world {
    struct simulate_world_options options;
    int64_t age;    /* of the weights: how often the truth was drawn anew */
    double *weight; /* owned; (actions, features) */
};

kai_status simulate_world_new(const struct simulate_world_options *options,
                              struct simulate_world **ret_world, kai_err *err) {
    if (options->actions < 2 || options->actions > SIMULATE_ACTIONS_MAX || options->features < 1 ||
        options->features > SIMULATE_CONTEXT_MAX || options->change < 0)
        return err_set(err, KAI_INVALID, "a world has 2 to %d actions and 1 to %d features",
                       SIMULATE_ACTIONS_MAX, SIMULATE_CONTEXT_MAX);
    size_t weights = (size_t)options->actions * (size_t)options->features;
    struct simulate_world *world = mem_zero(1, sizeof *world);
    if (world) world->weight = mem_array(weights, sizeof *world->weight);
    if (!world || !world->weight) {
        simulate_world_free(world);
        return err_memory(err, (int64_t)(weights * sizeof(double)));
    }
    world->options = *options;
    world->age = -1;
    *ret_world = world;
    return KAI_OK;
}

void simulate_world_free(struct simulate_world *world) {
    if (!world) return;
    mem_free(world->weight);
    mem_free(world);
}

/* The constant's weight is the base rate, the others have length 1 together. */
static double draw_weight(const struct simulate_world_options *o, struct rng *rng, int32_t f) {
    double z = rng_normal(rng);
    if (f == 0) return o->is_binary ? -2 + 0.3 * z : 0.2 * z;
    return z / sqrt((double)(o->features - 1));
}

static void draw_weights(struct simulate_world *world, int64_t age) {
    const struct simulate_world_options *o = &world->options;
    for (int32_t a = 0; a < o->actions; a++) {
        struct rng rng;
        rng_init(&rng, o->seed, "world weights",
                 (uint64_t)age * SIMULATE_ACTIONS_MAX + (uint64_t)a);
        for (int32_t f = 0; f < o->features; f++)
            world->weight[(int64_t)a * o->features + f] = draw_weight(o, &rng, f);
    }
    world->age = age;
}

const double *simulate_world_truth(struct simulate_world *world, int64_t round) {
    int64_t age = world->options.change ? round / world->options.change : 0;
    if (age != world->age) draw_weights(world, age);
    return world->weight;
}

void simulate_world_round(struct simulate_world *world, int64_t round, double *ret_context,
                          double *ret_mean) {
    const struct simulate_world_options *o = &world->options;
    const double *weight = simulate_world_truth(world, round);
    struct rng rng;
    rng_init(&rng, o->seed, "world context", (uint64_t)round);
    for (int32_t f = 0; f < o->features; f++) ret_context[f] = f ? rng_normal(&rng) : 1;
    for (int32_t a = 0; a < o->actions; a++, weight += o->features) {
        double sum = 0;
        for (int32_t f = 0; f < o->features; f++) sum += weight[f] * ret_context[f];
        ret_mean[a] = o->is_binary ? 1 / (1 + exp(-sum)) : sum;
    }
}

double simulate_world_reward(const struct simulate_world *world, int64_t round, int32_t action,
                             double mean) {
    struct rng rng;
    rng_init(&rng, world->options.seed, "world reward",
             (uint64_t)round * SIMULATE_ACTIONS_MAX + (uint64_t)action);
    return world->options.is_binary ? rng_unit(&rng) < mean : mean + rng_normal(&rng);
}

void simulate_auction_draw(uint64_t seed, int64_t index, int64_t of,
                           struct simulate_auction *ret_auction) {
    static const double RATE = 0.002, PRICE = 60, PI = 3.14159265358979323846;
    struct rng rng;
    rng_init(&rng, seed, "auction", (uint64_t)index);
    double quality = rng_normal(&rng);
    double chance = RATE * exp(0.8 * quality - 0.32);
    double predicted = chance * exp(0.4 * rng_normal(&rng) - 0.08);
    double day = 1 + sin(2 * PI * (double)index / (double)(of > 0 ? of : 1)) / 3;
    double price = PRICE * day * exp(0.25 * quality + 0.7 * rng_normal(&rng) - 0.25);
    *ret_auction = (struct simulate_auction){.predicted = fmin(predicted, 1),
                                             .chance = fmin(chance, 1),
                                             .price = (int32_t)fmin(fmax(price, 1), 300)};
    ret_auction->outcome = rng_unit(&rng) < ret_auction->chance;
}
