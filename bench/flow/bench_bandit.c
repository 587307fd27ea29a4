/* One decision and one update of a bandit (10 offers, 50 features, costs, a budget and caps), on
 * one core; and the on-line learner on a stream of 39 hashed features. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "decide/bandit.h"
#include "decide/online.h"
#include "kit/bench.h"

enum { ACTIONS = 10, FEATURES = 50, CONTEXTS = 1000, FIELDS = 39, EXAMPLES = 200000 };

static double context[CONTEXTS][FEATURES];
static uint8_t is_allowed[CONTEXTS][ACTIONS];
static uint32_t feature[EXAMPLES][FIELDS];
static uint8_t label[EXAMPLES];

static void fill(void) {
    for (int i = 0; i < CONTEXTS; i++) {
        struct rng rng;
        rng_init(&rng, 1, "context", (uint64_t)i);
        for (int f = 0; f < FEATURES; f++) context[i][f] = rng_normal(&rng);
        for (int a = 0; a < ACTIONS; a++) is_allowed[i][a] = a == 0 || rng_unit(&rng) < 0.9;
    }
    for (int i = 0; i < EXAMPLES; i++) {
        struct rng rng;
        rng_init(&rng, 2, "example", (uint64_t)i);
        double logit = -3;
        for (uint32_t f = 0; f < FIELDS; f++) { /* a long tail of levels in every field */
            uint32_t level = (uint32_t)(1000 * pow(rng_unit(&rng), 4));
            feature[i][f] = online_hash(f, &level, sizeof level);
            logit += ((double)(feature[i][f] % 1000) / 1000 - 0.5) * (f % 4 == 0);
        }
        label[i] = rng_unit(&rng) < 1 / (1 + exp(-logit));
    }
}

static void decide(void *user) {
    static const double cost[ACTIONS] = {0, 1, 1, 1, 2, 2, 2, 3, 3, 3};
    struct bandit *bandit = user;
    for (int i = 0; i < CONTEXTS; i++) {
        struct bandit_decision decision;
        struct bandit_request request = {
            .context = context[i], .cost = cost, .is_allowed = is_allowed[i]};
        if (bandit_draw(bandit, &request, &decision, NULL, NULL)) exit(1);
    }
}

static void update(void *user) {
    struct bandit *bandit = user;
    for (int i = 0; i < CONTEXTS; i++)
        if (bandit_update(bandit, context[i], i % ACTIONS, context[i][0], i, NULL)) exit(1);
}

static void learn(void *user) {
    for (int i = 0; i < EXAMPLES; i++) {
        struct online_row row = {.feature = feature[i], .count = FIELDS};
        if (online_update(user, &row, label[i], 1, NULL, NULL)) exit(1);
    }
}

int main(void) {
    fill();
    for (int m = 0; m < BANDIT_METHODS; m++) {
        struct bandit_options options;
        struct bandit *bandit = NULL;
        char name[64];
        bandit_options_init(&options);
        options.method = (enum bandit_method)m;
        options.actions = ACTIONS;
        options.features = FEATURES;
        options.budget = 1e12;
        options.horizon = 1000000;
        if (bandit_new(&options, &bandit, NULL)) return 1;
        (void)snprintf(name, sizeof name, "bandit.update.%s", bandit_method_text(options.method));
        bench_run(name, CONTEXTS, 15, CONTEXTS, update, bandit);
        (void)snprintf(name, sizeof name, "bandit.draw.%s", bandit_method_text(options.method));
        bench_run(name, CONTEXTS, 15, CONTEXTS, decide, bandit);
        bandit_free(bandit);
    }
    for (int m = 0; m < ONLINE_METHODS; m++) {
        struct online_options options;
        struct online *online = NULL;
        online_options_init(&options);
        options.method = (enum online_method)m;
        if (online_new(&options, &online, NULL)) return 1;
        bench_run(m ? "online.adagrad" : "online.ftrl", EXAMPLES, 7, EXAMPLES, learn, online);
        online_free(online);
    }
    return 0;
}
