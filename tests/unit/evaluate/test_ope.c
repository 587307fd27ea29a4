/* Formulas against tests/golden/off_policy.py, intervals against worlds whose
 * truth is known. */
#include "evaluate/ope.h"

#include <math.h>
#include <string.h>

#include "golden/off_policy.h"
#include "kit/check.h"
#include "unit/evaluate/logged_world.h"

enum { ROWS = 201, SLATES = ROWS / 3 };

struct rows {
  double reward[ROWS], propensity[ROWS], chosen[ROWS], model[ROWS],
      predicted[ROWS];
  int32_t action[ROWS], embedding[ROWS];
  int64_t slates[SLATES + 1];
  struct ope_log log;
  struct ope_policy policy;
};

static struct rows *fill(struct rows *rows) {
  for (int i = 0; i < ROWS; i++) {
    rows->reward[i] = (i * 13 % 10) / 10.0;
    rows->propensity[i] = (1 + i * 3 % 9) / 10.0;
    rows->chosen[i] = (i * 11 % 10) / 10.0;
    rows->model[i] = (i * 17 % 8) / 10.0;
    rows->predicted[i] = (i * 19 % 7) / 10.0;
    rows->action[i] = i % 5;
    rows->embedding[i] = i % 4;
  }
  for (int s = 0; s <= SLATES; s++)
    rows->slates[s] = s * 3;
  rows->log = (struct ope_log){.rows = ROWS,
                               .reward = rows->reward,
                               .propensity = rows->propensity,
                               .action = rows->action,
                               .actions = 5,
                               .predicted = rows->predicted,
                               .embedding = rows->embedding,
                               .embeddings = 4};
  rows->policy = (struct ope_policy){"p", rows->chosen, rows->model};
  return rows;
}

static void test_ope__equals_the_published_formulas(void **state) {
  (void)state;
  struct rows rows;
  fill(&rows);
  struct ope_options options = {.threshold = 3, .shrinkage = 2};
  struct ope_value value = evaluate(&rows.log, &rows.policy, options);
  const double golden[] = {
      GOLDEN_OPE_DM,   GOLDEN_OPE_IPW,       GOLDEN_OPE_SNIPW, GOLDEN_OPE_DR,
      GOLDEN_OPE_SNDR, GOLDEN_OPE_SWITCH_DR, GOLDEN_OPE_DROS,  GOLDEN_OPE_MIPS};
  for (int e = 0; e <= OPE_MIPS; e++)
    CHECK_NEAR(value.value[e].value, golden[e], 1e-12);
  rows.log.slates = rows.slates;
  rows.log.slate_count = SLATES;
  value = evaluate(&rows.log, &rows.policy, options);
  CHECK_NEAR(value.value[OPE_INDEPENDENT].value, GOLDEN_OPE_INDEPENDENT, 1e-12);
  CHECK_NEAR(value.value[OPE_CASCADE].value, GOLDEN_OPE_CASCADE, 1e-12);
  CHECK_NEAR(value.value[OPE_SLATE].value, GOLDEN_OPE_SLATE, 1e-12);
  assert_true(value.value[OPE_IPW].n == 0);
}

static void test_ope__intervals_cover_the_truth(void **state) {
  (void)state;
  world_check_coverage(1000, 0.022); /* three standard errors */
}

static void test_ope__the_bound_holds_and_is_not_empty(void **state) {
  (void)state;
  static struct world world;
  draw(&world, 1);
  struct ope_value value =
      evaluate(&world.log, &world.policy, (struct ope_options){0});
  assert_true(value.lower > 0 && value.lower < value.value[OPE_IPW].low);
  world.reward[3] = -1;
  value = evaluate(&world.log, &world.policy, (struct ope_options){0});
  assert_true(isnan(value.lower));
}

static void test_ope__wrong_propensities_are_noticed(void **state) {
  (void)state;
  static struct world world;
  double means[WORLD_ACTIONS], p[WORLD_ACTIONS];
  kai_err err = {0};
  draw(&world, 2);
  CHECK_OK(ope_check_propensity(&world.log, means, p, &err), &err);
  for (int a = 0; a < WORLD_ACTIONS; a++)
    assert_true(p[a] > 0.01 && fabs(means[a] - 1) < 0.3);
  for (int i = 0; i < WORLD_ROWS; i++)
    if (world.action[i] == 4)
      world.propensity[i] = 0.2;
  CHECK_OK(ope_check_propensity(&world.log, means, p, &err), &err);
  assert_true(p[4] < 1e-6 && means[4] < 0.5 && p[0] > 0.01);
  struct ope_value value =
      evaluate(&world.log, &world.policy, (struct ope_options){0});
  assert_true(value.weight_p < 1e-4);
}

static void
test_ope__a_policy_that_the_log_never_tried_has_no_value(void **state) {
  (void)state;
  struct rows rows;
  fill(&rows);
  for (int i = 0; i < ROWS; i++)
    rows.chosen[i] = 0;
  struct ope_value value =
      evaluate(&rows.log, &rows.policy, (struct ope_options){0});
  assert_true(value.effective_sample == 0 && value.value[OPE_SNIPW].n == 0);
  assert_true(value.value[OPE_SNDR].n == 0 && value.lower == 0);
}

static void test_ope__bad_rows_are_named(void **state) {
  (void)state;
  struct rows rows;
  struct ope_value value;
  struct ope_options options = {0};
  kai_err err = {0};
  const double bad[] = {0, -0.1, 1.01, NAN, INFINITY};
  for (int k = 0; k < 5; k++) {
    fill(&rows);
    rows.propensity[6] = bad[k];
    CHECK_FAILS(ope_evaluate(&rows.log, &rows.policy, &options, &value, &err),
                &err, KAI_INVALID,
                "row 7: the propensity is not above 0 and at most 1");
  }
  fill(&rows);
  rows.reward[2] = INFINITY;
  CHECK_FAILS(ope_evaluate(&rows.log, &rows.policy, &options, &value, &err),
              &err, KAI_INVALID, "row 3: the reward is not finite");
  fill(&rows);
  rows.chosen[2] = 1.5;
  CHECK_FAILS(ope_evaluate(&rows.log, &rows.policy, &options, &value, &err),
              &err, KAI_INVALID, "row 3: the policy's probability");
  rows.log.rows = 1;
  CHECK_FAILS(ope_evaluate(&rows.log, &rows.policy, &options, &value, &err),
              &err, KAI_INVALID, "at least 2 rows");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_ope__equals_the_published_formulas),
      cmocka_unit_test(test_ope__intervals_cover_the_truth),
      cmocka_unit_test(test_ope__the_bound_holds_and_is_not_empty),
      cmocka_unit_test(test_ope__wrong_propensities_are_noticed),
      cmocka_unit_test(
          test_ope__a_policy_that_the_log_never_tried_has_no_value),
      cmocka_unit_test(test_ope__bad_rows_are_named),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
