#include "evaluate/ledger.h"

#include <math.h>

#include "base/rng.h"
#include "kit/check.h"

enum { CUSTOMERS = 400, RUNS = 2000 };

static void test_ledger__a_hold_out_measures_what_a_campaign_earned(void **state) {
    (void)state;
    const int8_t group[] = {1, 1, 1, 1, 0, 0, -1};
    const double outcome[] = {10, 0, 10, 20, 0, 4, 1000};
    struct ledger_customers customers = {7, group, outcome};
    struct ledger_entry entry;
    kai_err err = {0};
    CHECK_OK(ledger_from_hold_out(&customers, 5, 0.5, 0.95, &entry, &err), &err);
    CHECK_NEAR(entry.revenue.value, (10 - 2) * 4 * 0.5, 1e-12);
    CHECK_NEAR(entry.conversions.value, (0.75 - 0.5) * 4, 1e-12);
    CHECK_NEAR(entry.profit.value, 11, 1e-12);
    CHECK_NEAR(entry.roi.value, 2.2, 1e-12);
    assert_true(entry.profit.low < 11 && entry.profit.high > 11 && entry.roi.n == 6);
}

static void test_ledger__parts_add_up_to_the_campaign(void **state) {
    (void)state;
    const double shares[] = {0.5, 0.2, 0.3}, spends[] = {10, 0, 30};
    struct ledger_entry parts[3];
    struct ledger_entry entry =
        ledger_from_profit((struct estimate){100, 40, 160, 50, "dr"}, 40, "off-policy");
    for (int i = 0; i < 3; i++) parts[i] = ledger_part(&entry, shares[i], spends[i], "part");
    struct ledger_entry total = ledger_total(parts, 3);
    CHECK_NEAR(total.profit.value, entry.profit.value, 1e-12);
    CHECK_NEAR(total.revenue.high, entry.revenue.high, 1e-12);
    CHECK_NEAR(total.profit.low, entry.profit.low, 1e-12);
    CHECK_NEAR(total.spend, 40, 1e-12);
    CHECK_NEAR(total.roi.value, 2.5, 1e-12);
    assert_true(isnan(parts[1].roi.value) && isnan(entry.conversions.value));
}

static void test_ledger__intervals_cover_the_truth(void **state) {
    (void)state;
    static int8_t group[CUSTOMERS];
    static double outcome[CUSTOMERS];
    struct ledger_customers customers = {CUSTOMERS, group, outcome};
    int covered = 0;
    for (uint64_t run = 0; run < RUNS; run++) {
        struct rng rng;
        struct ledger_entry entry;
        kai_err err = {0};
        double addressed = 0;
        rng_init(&rng, 23, "ledger", run);
        for (int i = 0; i < CUSTOMERS; i++) {
            group[i] = rng_unit(&rng) < 0.8;
            outcome[i] = 3 * rng_normal(&rng) + 0.5 * group[i];
            addressed += group[i];
        }
        CHECK_OK(ledger_from_hold_out(&customers, 0, 1, 0.95, &entry, &err), &err);
        covered += entry.profit.low <= 0.5 * addressed && entry.profit.high >= 0.5 * addressed;
    }
    CHECK_NEAR((double)covered / RUNS, 0.95, 0.015);
}

static void test_ledger__bad_input_is_named(void **state) {
    (void)state;
    const int8_t group[] = {1, 1, 1, 0};
    double outcome[] = {1, 2, 3, 4};
    struct ledger_customers customers = {4, group, outcome};
    struct ledger_entry entry;
    kai_err err = {0};
    CHECK_FAILS(ledger_from_hold_out(&customers, 0, 1, 0.95, &entry, &err), &err, KAI_INVALID,
                "3 customers were addressed and 1 held out");
    outcome[1] = INFINITY;
    CHECK_FAILS(ledger_from_hold_out(&customers, 0, 1, 0.95, &entry, &err), &err, KAI_INVALID,
                "customer 2: the outcome is not finite");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ledger__a_hold_out_measures_what_a_campaign_earned),
        cmocka_unit_test(test_ledger__parts_add_up_to_the_campaign),
        cmocka_unit_test(test_ledger__intervals_cover_the_truth),
        cmocka_unit_test(test_ledger__bad_input_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
