/* 4,000 logs of 1,000 rows: the 95 % intervals of the estimators that are meant
 * to be exact. */
#include "unit/evaluate/logged_world.h"

static void test_coverage_ope__holds_for_known_propensities(void **state) {
  (void)state;
  world_check_coverage(4000, 0.01);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(test_coverage_ope__holds_for_known_propensities),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
