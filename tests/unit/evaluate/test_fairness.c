#include "evaluate/fairness.h"

#include <math.h>

#include "base/rng.h"
#include "kit/check.h"

enum { ROWS = 1200, GROUPS = 3 };

static int32_t group[ROWS];
static double treated[ROWS], value[ROWS], predicted[ROWS], observed[ROWS], residual[ROWS];

/* Groups of half, a third and a sixth of the rows; shares treated as given. */
static void draw(uint64_t index, const double *shares) {
    struct rng rng;
    rng_init(&rng, 13, "fairness-test", index);
    for (int i = 0; i < ROWS; i++) {
        group[i] = i % 6 < 3 ? 0 : i % 6 < 5 ? 1 : 2;
        treated[i] = rng_unit(&rng) < shares[group[i]];
        value[i] = treated[i] * (1 + rng_unit(&rng));
        predicted[i] = rng_normal(&rng);
        observed[i] = predicted[i] + rng_normal(&rng) + (group[i] == 2 ? 1 : 0);
        residual[i] = rng_normal(&rng);
    }
}

static struct fairness_audit *audit(double gap_max) {
    struct fairness_plan plan = {ROWS, group, treated, value, NULL};
    struct fairness_model model = {ROWS, group, predicted, observed, residual};
    struct fairness_audit *got;
    kai_err err;
    CHECK_OK(fairness_measure(&plan, &model, NULL, GROUPS, gap_max, 0.95, &got, &err), &err);
    return got;
}

static void test_fairness__measures_groups_and_gaps(void **state) {
    (void)state;
    const double shares[] = {0.6, 0.5, 0.2};
    draw(0, shares);
    struct fairness_audit *got = audit(0.1);
    double parts = 0, rows = 0, highest = 0, lowest = 1;
    for (int g = 0; g < GROUPS; g++) {
        CHECK_NEAR(got->groups[g].treated_share.value, shares[g], 0.08);
        highest = fmax(highest, got->groups[g].treated_share.value);
        lowest = fmin(lowest, got->groups[g].treated_share.value);
        parts += got->groups[g].value_share.value;
        rows += got->groups[g].row_share;
        assert_int_equal(got->groups[g].is_miscalibrated, g == 2);
        CHECK_NEAR(got->groups[g].error.value, sqrt(2 / 3.14159265), 0.12);
    }
    CHECK_NEAR(parts, 1, 1e-12);
    CHECK_NEAR(rows, 1, 1e-12);
    CHECK_NEAR(got->treated_gap.value, highest - lowest, 1e-15);
    assert_true(got->treated_gap.low < 0.4 && got->treated_gap.high > 0.4);
    assert_true(got->is_gap_above && got->is_gap_surely_above && got->is_below_four_fifths);
    CHECK_NEAR(got->treated_ratio, lowest / highest, 1e-12);
    CHECK_NEAR(got->calibration_gap.value, 1, 0.3);
    fairness_audit_free(got);
}

/* Equal groups: the gap's interval is simultaneous, so it excludes 0 in at most 5 % of runs; and
 * it covers a true gap. */
static void test_fairness__does_not_cry_wolf(void **state) {
    (void)state;
    enum { RUNS = 300 };
    const double equal[] = {0.3, 0.3, 0.3}, apart[] = {0.3, 0.35, 0.45};
    int alarms = 0, covered = 0;
    for (uint64_t r = 0; r < RUNS; r++) {
        draw(r, equal);
        struct fairness_audit *got = audit(0);
        alarms += got->treated_gap.low > 0;
        fairness_audit_free(got);
        draw(r, apart);
        got = audit(0);
        covered += got->treated_gap.low <= 0.15 && 0.15 <= got->treated_gap.high;
        fairness_audit_free(got);
    }
    assert_true(alarms <= RUNS * 0.05 + 3 * sqrt(RUNS * 0.0475));
    assert_true(covered >= RUNS * 0.95 - 3 * sqrt(RUNS * 0.0475));
}

static void test_fairness__treats_all_and_none_exactly(void **state) {
    (void)state;
    for (int i = 0; i < ROWS; i++) {
        group[i] = i % 2;
        treated[i] = value[i] = i % 2;
    }
    struct fairness_plan plan = {ROWS, group, treated, value, NULL};
    struct fairness_audit *got;
    kai_err err;
    CHECK_OK(fairness_measure(&plan, NULL, NULL, 3, 0, 0.95, &got, &err), &err);
    assert_true(got->treated_gap.value == 1 && got->treated_gap.low < 1);
    assert_true(got->groups[2].n == 0 && got->groups[2].is_small);
    assert_true(isnan(got->groups[0].effect_observed.value) && isnan(got->error_gap.value));
    fairness_audit_free(got);
    group[5] = 3;
    CHECK_FAILS(fairness_measure(&plan, NULL, NULL, 3, 0, 0.95, &got, &err), &err, KAI_INVALID,
                "row 6: group 3");
}

static struct column *column_of(enum column_kind kind, int64_t rows) {
    struct column *column;
    kai_err err;
    CHECK_OK(column_new("who", kind, rows, &column, &err), &err);
    return column;
}

static void test_fairness__groups_numbers_levels_and_missing(void **state) {
    (void)state;
    struct fairness_groups *groups;
    int32_t got[100];
    kai_err err;
    struct column *age = column_of(COLUMN_F64, 100);
    for (int i = 0; i < 99; i++) {
        age->as.f64[i] = i;
        age->valid[i] = 1;
    }
    CHECK_OK(fairness_groups_new(age, &groups, &err), &err);
    assert_int_equal(groups->count, 5);
    assert_string_equal(groups->names[0], "to 24");
    assert_string_equal(groups->names[1], "24 to 49");
    assert_string_equal(groups->names[3], "above 73");
    assert_string_equal(groups->names[4], "(missing)");
    CHECK_OK(fairness_groups_apply(groups, age, got, &err), &err);
    assert_true(got[24] == 0 && got[25] == 1 && got[98] == 3 && got[99] == 4);
    fairness_groups_free(groups);
    for (int i = 0; i < 100; i++) {
        age->as.f64[i] = i % 2 ? 2 : 0.5;
        age->valid[i] = 1;
    }
    CHECK_OK(fairness_groups_new(age, &groups, &err), &err);
    assert_true(groups->count == 2);
    assert_string_equal(groups->names[0], "0.5");
    age->as.f64[3] = 7;
    CHECK_OK(fairness_groups_apply(groups, age, got, &err), &err);
    assert_true(got[0] == 0 && got[1] == 1 && got[3] == -1);
    fairness_groups_free(groups);
    column_free(age);
    struct column *zip = column_of(COLUMN_CATEGORY, 3), *other = column_of(COLUMN_CATEGORY, 3);
    const char *const texts[] = {"urban", "rural", "urban"}, *const codes[] = {"rural", "x", NULL};
    for (int i = 0; i < 3; i++) {
        CHECK_OK(dict_add(zip->dict, slice_of(texts[i]), &zip->as.codes[i], &err), &err);
        zip->valid[i] = 1;
        if (!codes[i]) continue;
        CHECK_OK(dict_add(other->dict, slice_of(codes[i]), &other->as.codes[i], &err), &err);
        other->valid[i] = 1;
    }
    CHECK_OK(fairness_groups_new(zip, &groups, &err), &err);
    CHECK_OK(fairness_groups_apply(groups, other, got, &err), &err);
    assert_true(groups->count == 2 && got[0] == 1 && got[1] == -1 && got[2] == -1);
    fairness_groups_free(groups);
    column_free(zip);
    column_free(other);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fairness__measures_groups_and_gaps),
        cmocka_unit_test(test_fairness__does_not_cry_wolf),
        cmocka_unit_test(test_fairness__treats_all_and_none_exactly),
        cmocka_unit_test(test_fairness__groups_numbers_levels_and_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
