/* A log whose truth is known: five actions, rewards of 0 or 1, weights up to 6.
 */
#ifndef KAIROS_TESTS_LOGGED_WORLD_H
#define KAIROS_TESTS_LOGGED_WORLD_H

#include "base/rng.h"
#include "evaluate/ope.h"
#include "kit/check.h"

enum { WORLD_ROWS = 1000, WORLD_ACTIONS = 5 };

static struct ope_value evaluate(const struct ope_log *log,
                                 const struct ope_policy *policy,
                                 struct ope_options options) {
  struct ope_value value;
  kai_err err = {0};
  CHECK_OK(ope_evaluate(log, policy, &options, &value, &err), &err);
  return value;
}

/* Rewards depend on the action; the log and the policy prefer different ones.
 */
struct world {
  double reward[WORLD_ROWS], propensity[WORLD_ROWS], chosen[WORLD_ROWS],
      model[WORLD_ROWS];
  double predicted[WORLD_ROWS], means[3 * WORLD_ACTIONS];
  int32_t action[WORLD_ROWS];
  double truth;
  struct ope_log log;
  struct ope_policy policy;
};

static void draw(struct world *world, uint64_t run) {
  static const double logged[] = {0.4, 0.3, 0.15, 0.1, 0.05},
                      asked[] = {0.1, 0.1, 0.2, 0.3, 0.3};
  static const double rate[] = {0.1, 0.2, 0.3, 0.25, 0.4};
  struct rng rng;
  kai_err err = {0};
  rng_init(&rng, 17, "world", run);
  world->truth = 0;
  for (int a = 0; a < WORLD_ACTIONS; a++)
    world->truth += asked[a] * rate[a];
  for (int i = 0; i < WORLD_ROWS; i++) {
    double at = rng_unit(&rng);
    int a = 0;
    while (a < WORLD_ACTIONS - 1 && at >= logged[a])
      at -= logged[a++];
    world->action[i] = a;
    world->propensity[i] = logged[a];
    world->chosen[i] = asked[a];
    world->reward[i] = rng_unit(&rng) < rate[a];
  }
  world->log = (struct ope_log){.rows = WORLD_ROWS,
                                .reward = world->reward,
                                .propensity = world->propensity,
                                .action = world->action,
                                .actions = WORLD_ACTIONS};
  CHECK_OK(ope_fit_means(&world->log, NULL, 1, 3, 1, world->means, &err), &err);
  for (int i = 0; i < WORLD_ROWS; i++) {
    const double *means = world->means + i % 3 * WORLD_ACTIONS;
    world->predicted[i] = means[world->action[i]];
    world->model[i] = 0;
    for (int a = 0; a < WORLD_ACTIONS; a++)
      world->model[i] += asked[a] * means[a];
  }
  world->log.predicted = world->predicted;
  world->policy = (struct ope_policy){"asked", world->chosen, world->model};
}

/* How often each estimator's interval holds the truth, and how often the bound
 * is below it (last). */
static void world_coverage(int32_t runs, double ret_rates[OPE_ESTIMATORS + 1]) {
  static struct world world;
  for (int e = 0; e <= OPE_ESTIMATORS; e++)
    ret_rates[e] = 0;
  for (int32_t run = 0; run < runs; run++) {
    draw(&world, (uint64_t)run);
    struct ope_value value =
        evaluate(&world.log, &world.policy, (struct ope_options){0});
    for (int e = 0; e < OPE_ESTIMATORS; e++)
      if (value.value[e].low <= world.truth &&
          value.value[e].high >= world.truth)
        ret_rates[e] += 1.0 / runs;
    if (value.lower <= world.truth)
      ret_rates[OPE_ESTIMATORS] += 1.0 / runs;
  }
}

/* Prints the rates of the estimators that are meant to be exact, and checks
 * them. */
static void world_check_coverage(int32_t runs, double tolerance) {
  const enum ope_estimator exact[] = {OPE_IPW, OPE_SNIPW, OPE_DR, OPE_SNDR};
  double rates[OPE_ESTIMATORS + 1];
  world_coverage(runs, rates);
  for (int k = 0; k < 4; k++) {
    print_message("%s covers %.1f %%\n", ope_estimator_text(exact[k]),
                  rates[exact[k]] * 100);
    CHECK_NEAR(rates[exact[k]], 0.95, tolerance);
  }
  assert_true(rates[OPE_ESTIMATORS] >= 0.95);
}

#endif
