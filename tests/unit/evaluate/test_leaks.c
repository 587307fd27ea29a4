#include "evaluate/leaks.h"

#include <math.h>

#include "base/rng.h"
#include "kit/columns.h"
#include "unit/evaluate/hillstrom.h"

/* visit, conversion and spend came after the e-mail; everything else was known before. */
static void test_leaks__finds_hillstroms_outcomes_and_nothing_else(void **state) {
    (void)state;
    struct hillstrom *data = hillstrom_read();
    if (!data) {
        print_message("skipped\n");
        return;
    }
    struct leak leaks[HILLSTROM_FIELDS];
    struct pool *pool;
    kai_err err;
    CHECK_OK(pool_new(2, &pool, &err), &err);
    int32_t count = data->table->count;
    CHECK_OK(leaks_find(data->table, NULL, count, data->arm, 3, 0, pool, leaks, &err), &err);
    for (int32_t i = 0; i < count; i++) {
        const char *name = leaks[i].column;
        int is_outcome =
            !strcmp(name, "visit") || !strcmp(name, "conversion") || !strcmp(name, "spend");
        assert_int_equal(leaks[i].is_leak, is_outcome);
        assert_non_null(leaks[i].test);
    }
    pool_free(pool);
    hillstrom_free(data);
}

enum { ROWS = 600 };

/* A leak of each kind: in the spread only, in the levels, in what is missing, in a flag. */
static void test_leaks__finds_each_kind(void **state) {
    (void)state;
    struct table *table;
    kai_err err;
    struct rng rng;
    int32_t arm[ROWS];
    rng_init(&rng, 5, "leaks-test", 0);
    CHECK_OK(table_new("t", ROWS, &table, &err), &err);
    struct column *spread = add_column(table, "spread", COLUMN_F64),
                  *fine = add_column(table, "fine", COLUMN_F64);
    struct column *level = add_column(table, "level", COLUMN_CATEGORY);
    struct column *gone = add_column(table, "gone", COLUMN_F64),
                  *flag = add_column(table, "flag", COLUMN_BOOL);
    struct column *text = add_column(table, "text", COLUMN_TEXT);
    memset(text->valid, 1, ROWS);
    for (int i = 0; i < ROWS; i++) {
        arm[i] = i % 3 == 0 ? -1 : i % 3 - 1;
        int is_treated = arm[i] == 1;
        spread->as.f64[i] = rng_normal(&rng) * (is_treated ? 3 : 1);
        fine->as.f64[i] = rng_normal(&rng);
        gone->as.f64[i] = rng_unit(&rng) < (is_treated ? 0.5 : 0.1) ? NAN : rng_normal(&rng);
        flag->as.flags[i] = rng_unit(&rng) < (is_treated ? 0.5 : 0.1);
        const char *name = rng_unit(&rng) < (is_treated ? 0.8 : 0.3) ? "a" : "b";
        CHECK_OK(dict_add(level->dict, slice_of(name), &level->as.codes[i], &err), &err);
        spread->valid[i] = fine->valid[i] = level->valid[i] = flag->valid[i] = 1;
        gone->valid[i] = (uint8_t)!isnan(gone->as.f64[i]);
    }
    struct leak leaks[6];
    CHECK_OK(leaks_find(table, NULL, 6, arm, 2, 0.001, NULL, leaks, &err), &err);
    const char *const tests[] = {"ks", NULL, "chi-square", "missing", "chi-square", NULL};
    for (int i = 0; i < 6; i++) {
        assert_int_equal(leaks[i].is_leak, tests[i] != NULL);
        if (tests[i]) assert_string_equal(leaks[i].test, tests[i]);
    }
    assert_null(leaks[5].test);
    for (int i = 0; i < ROWS; i++) arm[i] = 0;
    CHECK_FAILS(leaks_find(table, NULL, 6, arm, 2, 0.001, NULL, leaks, &err), &err, KAI_INVALID,
                "two arms");
    table_free(table);
}

/* Without a leak, columns of noise give a false alarm in at most alpha of the experiments. */
static void test_leaks__keeps_its_error_rate(void **state) {
    (void)state;
    enum { COLUMNS = 8, RUNS = 250, SMALL = 200 };
    struct table *table;
    kai_err err;
    struct leak leaks[COLUMNS];
    int32_t arm[SMALL], alarms = 0;
    CHECK_OK(table_new("t", SMALL, &table, &err), &err);
    for (int c = 0; c < COLUMNS; c++) {
        char name[8] = {(char)('a' + c), 0};
        struct column *column = add_column(table, name, COLUMN_F64);
        for (int i = 0; i < SMALL; i++) column->valid[i] = 1;
    }
    for (int r = 0; r < RUNS; r++) {
        struct rng rng;
        rng_init(&rng, 6, "leaks-rate", (uint64_t)r);
        for (int i = 0; i < SMALL; i++) {
            arm[i] = (int32_t)rng_below(&rng, 3);
            for (int c = 0; c < COLUMNS; c++)
                table->columns[c]->as.f64[i] = c % 2 ? rng_normal(&rng) : floor(rng_unit(&rng) * 4);
        }
        CHECK_OK(leaks_find(table, NULL, COLUMNS, arm, 3, 0.1, NULL, leaks, &err), &err);
        int has_alarm = 0;
        for (int c = 0; c < COLUMNS; c++) has_alarm |= leaks[c].is_leak;
        alarms += has_alarm;
    }
    print_message("false alarms at 0.1: %.3f\n", alarms / (double)RUNS);
    assert_true(alarms <= RUNS * 0.1 + 3 * sqrt(RUNS * 0.09));
    assert_true(alarms > 0); /* not by never speaking */
    table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_leaks__finds_hillstroms_outcomes_and_nothing_else),
        cmocka_unit_test(test_leaks__finds_each_kind),
        cmocka_unit_test(test_leaks__keeps_its_error_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
