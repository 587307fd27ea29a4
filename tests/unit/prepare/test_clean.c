#include "kit/columns.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "prepare/clean.h"

enum { ROWS = 200 };

static struct clean *find(const struct clean_options *options, const struct table *table,
                          const enum prepare_role *roles, const int64_t *ids, int64_t count,
                          const uint8_t *is_test) {
    static const enum prepare_role FEATURES[32];
    struct clean *clean = NULL;
    kai_err err;
    CHECK_OK(clean_find(options, table, roles ? roles : FEATURES, ids, count, is_test, NULL, &clean,
                        &err),
             &err);
    return clean;
}

/* ---- what is left out ---- */

static struct table *identifiers_table(void) {
    struct table *table = new_table("test.csv", ROWS);
    int64_t row_number[ROWS], shuffled[ROWS], code[ROWS], amount[ROWS], visits[ROWS], patient[ROWS];
    double measure[ROWS];
    struct rng rng;
    rng_init(&rng, 1, "test", 0);
    for (int i = 0; i < ROWS; i++) {
        row_number[i] = 1000 + 3 * i;
        shuffled[i] = i;
        code[i] = 5000000 + (int64_t)rng_below(&rng, 4000000);
        amount[i] = (int64_t)exp(8 + 2 * rng_normal(&rng)) + 7 * i;
        visits[i] = (int64_t)rng_below(&rng, 9);
        patient[i] = (int64_t)rng_below(&rng, 150);
        measure[i] = rng_normal(&rng);
    }
    rng_shuffle(&rng, shuffled, ROWS);
    add_wholes(table, "row", COLUMN_I64, row_number);
    add_wholes(table, "shuffled", COLUMN_I64, shuffled);
    add_wholes(table, "code", COLUMN_I64, code);
    add_wholes(table, "amount", COLUMN_I64, amount);
    add_wholes(table, "visits", COLUMN_I64, visits);
    add_wholes(table, "PatientId", COLUMN_I64, patient);
    add_wholes(table, "paid", COLUMN_I64, patient);
    add_numbers(table, "measure", measure);
    struct column *key = add_column(table, "key", COLUMN_CATEGORY);
    for (int i = 0; i < ROWS; i++) {
        char text[16];
        (void)snprintf(text, sizeof text, "K-%d", i - (i % 20 == 1)); /* 19 of 20 differ */
        set_level(key, i, text);
    }
    return table;
}

static void test_clean__tells_identifiers_from_measurements(void **state) {
    (void)state;
    struct table *table = identifiers_table();
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = find(&options, table, NULL, NULL, ROWS, NULL);
    static const enum clean_reason EXPECTED[] = {
        CLEAN_IDENTIFIER, CLEAN_IDENTIFIER, CLEAN_IDENTIFIER, CLEAN_KEPT,       CLEAN_KEPT,
        CLEAN_IDENTIFIER, CLEAN_KEPT,       CLEAN_KEPT,       CLEAN_IDENTIFIER,
    };
    for (int c = 0; c < table->count; c++) {
        if (clean->items[c].reason != EXPECTED[c]) print_error("%s\n", clean->items[c].name);
        assert_int_equal(clean->items[c].reason, EXPECTED[c]);
    }
    clean_free(clean);
    options.keep = CLEAN_KEEP_IDS;
    clean = find(&options, table, NULL, NULL, ROWS, NULL);
    for (int c = 0; c < table->count; c++) assert_int_equal(clean->items[c].reason, CLEAN_KEPT);
    clean_free(clean);
    table_free(table);
}

static void test_clean__judges_constants_by_the_rows_to_learn_from(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 4);
    static const double SAME[] = {1, 1, 1, 2}, HOLE[] = {1, NAN, 1, 1}, NONE[] = {NAN, NAN, NAN, 3};
    add_numbers(table, "same", SAME);
    add_numbers(table, "hole", HOLE);
    add_numbers(table, "none", NONE);
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = find(&options, table, NULL, NULL, 4, NULL);
    assert_int_equal(clean->items[0].reason, CLEAN_KEPT);
    clean_free(clean);
    clean = find(&options, table, NULL, NULL, 3, NULL);
    assert_int_equal(clean->items[0].reason, CLEAN_CONSTANT);
    assert_int_equal(clean->items[1].reason, CLEAN_KEPT); /* missing or not tells something */
    assert_int_equal(clean->items[2].reason, CLEAN_EMPTY);
    assert_int_equal(clean->items[2].missing, 3);
    clean_free(clean);
    options.keep = CLEAN_KEEP_CONSTANTS;
    clean = find(&options, table, NULL, NULL, 3, NULL);
    assert_int_equal(clean->items[0].reason, CLEAN_KEPT);
    clean_free(clean);
    table_free(table);
}

/* ---- values ---- */

static void test_clean__counts_outliers_by_median_and_mad(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 13);
    /* 1 .. 12 and one more: median 7, deviations 0 1 1 2 2 3 3 4 4 5 5 6 x, their median 3,
       scale 4.4478, bounds 7 -+ 15.5673 */
    double values[13] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 22.5};
    add_numbers(table, "x", values);
    values[12] = 22.6;
    add_numbers(table, "y", values);
    values[12] = INFINITY;
    add_numbers(table, "z", values);
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = find(&options, table, NULL, NULL, 13, NULL);
    CHECK_NEAR(clean->items[0].outlier_low, 7 - 3.5 * 1.4826 * 3, 1e-12);
    CHECK_NEAR(clean->items[0].outlier_high, 7 + 3.5 * 1.4826 * 3, 1e-12);
    assert_int_equal(clean->items[0].outliers, 0);
    assert_int_equal(clean->items[1].outliers, 1);
    assert_int_equal(clean->items[2].outliers, 0);
    assert_int_equal(clean->items[2].impossible, 1);
    clean_free(clean);
    table_free(table);
}

static void test_clean__reads_impossible_values_as_such(void **state) {
    (void)state;
    enum { MANY = 2000 };
    struct table *table = new_table("test.csv", MANY);
    int64_t age[MANY], balance[MANY], date[MANY];
    for (int i = 0; i < MANY; i++) {
        age[i] = i == 5 ? -1 : i % 90;
        balance[i] = i % 100 - 10;
        date[i] = (int64_t)(i % 700) * 86400000000ll;
    }
    date[7] = -30000ll * 86400000000ll; /* 1887 */
    date[8] = 48000ll * 86400000000ll;  /* 2101-06 */
    date[9] = 47846ll * 86400000000ll;  /* 2100-12-31 */
    add_wholes(table, "age", COLUMN_I64, age);
    add_wholes(table, "balance", COLUMN_I64, balance);
    add_wholes(table, "date", COLUMN_TIME, date);
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = find(&options, table, NULL, NULL, MANY, NULL);
    assert_int_equal(clean->items[0].impossible, 0);
    assert_int_equal(clean->items[2].impossible, 2);
    clean_free(clean);
    options.negatives = 1;
    clean = find(&options, table, NULL, NULL, MANY, NULL);
    assert_int_equal(clean->items[0].impossible, 1);
    assert_int_equal(clean->items[1].impossible, 0); /* negatives are common there */
    clean_free(clean);
    options.keep = CLEAN_KEEP_IMPOSSIBLE;
    clean = find(&options, table, NULL, NULL, MANY, NULL);
    assert_int_equal(clean->items[2].impossible, 0);
    clean_free(clean);
    table_free(table);
}

static void test_clean__puts_rare_categories_together(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 8);
    static const char *const LEVELS[] = {"a", "a", "b", "b", "c", NULL, "c", "d"};
    add_levels(table, "level", LEVELS);
    struct clean_options options;
    clean_options_init(&options);
    /* of the first six rows: a 2, b 2, c 1; d is unseen there, not rare */
    struct clean *clean = find(&options, table, NULL, NULL, 6, NULL);
    assert_int_equal(clean->options.rare_rows_min, 2);
    assert_int_equal(clean->items[0].rare_levels, 1);
    assert_int_equal(clean->items[0].rare_rows, 2);
    assert_int_equal(clean->items[0].missing, 1);
    clean_free(clean);
    options.keep = CLEAN_KEEP_RARE;
    clean = find(&options, table, NULL, NULL, 6, NULL);
    assert_int_equal(clean->items[0].rare_levels, 0);
    clean_free(clean);
    table_free(table);
}

/* ---- rows ---- */

static struct table *repeats_table(void) {
    struct table *table = new_table("test.csv", 7);
    static const char *const KEYS[] = {"p", "q", "p", NULL, NULL, "q", "r"};
    static const double VALUES[] = {1, 2, 1, 4, 4, -0.0, 0};
    add_levels(table, "key", KEYS);
    add_numbers(table, "value", VALUES);
    return table;
}

static void test_clean__drops_repeats_by_key_only(void **state) {
    (void)state;
    struct table *table = repeats_table();
    enum prepare_role roles[2] = {PREPARE_FEATURE, PREPARE_FEATURE};
    struct clean_options options;
    clean_options_init(&options);
    options.keep = CLEAN_KEEP_IDS;
    struct clean *clean = find(&options, table, roles, NULL, 7, NULL);
    assert_int_equal(clean->equal_rows, 2); /* p 1 and missing 4 */
    assert_int_equal(clean->dropped, 0);
    clean_free(clean);

    options.drop_duplicates = 1;
    clean = find(&options, table, roles, NULL, 7, NULL);
    static const uint8_t EQUAL[7] = {0, 0, 1, 0, 1, 0, 0};
    assert_memory_equal(clean->is_dropped, EQUAL, 7);
    clean_free(clean);

    options.drop_duplicates = 0;
    roles[0] = PREPARE_ID;
    clean = find(&options, table, roles, NULL, 7, NULL);
    static const uint8_t BY_KEY[7] = {0, 0, 1, 0, 0, 1, 0};
    assert_int_equal(clean->equal_keys, 2);
    assert_memory_equal(clean->is_dropped, BY_KEY, 7);
    static const int64_t IDS[3] = {5, 2, 6};
    int64_t kept[3];
    assert_int_equal(clean_rows(clean, IDS, 3, kept), 1);
    assert_int_equal(kept[0], 6);
    clean_free(clean);

    static const uint8_t IS_TEST[7] = {0, 0, 1, 0, 0, 0, 0};
    clean = find(&options, table, roles, NULL, 7, IS_TEST);
    static const uint8_t FOR_TEST[7] = {1, 0, 0, 0,
                                        0, 1, 0}; /* p's test row stays, p's other goes */
    assert_memory_equal(clean->is_dropped, FOR_TEST, 7);
    clean_free(clean);
    options.keep = CLEAN_KEEP_DUPLICATES | CLEAN_KEEP_IDS;
    clean = find(&options, table, roles, NULL, 7, NULL);
    assert_int_equal(clean->dropped, 0);
    clean_free(clean);
    table_free(table);
}

static void test_clean__leaves_other_roles_alone(void **state) {
    (void)state;
    struct table *table = repeats_table();
    static const enum prepare_role ROLES[2] = {PREPARE_SENSITIVE, PREPARE_LABEL};
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = find(&options, table, ROLES, NULL, 7, NULL);
    for (int c = 0; c < 2; c++) {
        assert_int_equal(clean->items[c].reason, CLEAN_ROLE);
        assert_true(clean->items[c].low == -INFINITY && clean->items[c].high == INFINITY);
    }
    clean_free(clean);
    table_free(table);
}

static void test_clean__describes_itself(void **state) {
    (void)state;
    struct table *table = new_table("test.csv", 4);
    static const double ONE[] = {1, 1, 1, 1}, HOLES[] = {1, NAN, NAN, 2};
    add_numbers(table, "one", ONE);
    add_numbers(table, "holes", HOLES);
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = find(&options, table, NULL, NULL, 4, NULL);
    struct buf out;
    buf_init(&out, 1 << 16);
    struct json_writer json;
    json_init(&json, &out, 0);
    json_object(&json);
    clean_describe(clean, &json);
    json_end(&json);
    kai_err err;
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *value = NULL;
    CHECK_OK(json_parse(out.data, out.size, &value, &err), &err);
    const struct json_value *left = json_at(json_get(value, "left_out"), 0);
    assert_string_equal(json_as_text(json_get(left, "column"), ""), "one");
    assert_string_equal(json_as_text(json_get(left, "reason"), ""), "constant");
    const struct json_value *missing = json_get(value, "missing");
    assert_int_equal(json_as_f64(json_get(missing, "total"), -1), 2);
    assert_int_equal(json_as_f64(json_get(json_get(missing, "columns"), "holes"), -1), 2);
    assert_int_equal(json_as_f64(json_get(json_get(value, "duplicates"), "equal_rows"), -1), 1);
    json_free(value);
    buf_release(&out);
    clean_free(clean);
    table_free(table);
}

static void test_clean__refuses_bad_input(void **state) {
    (void)state;
    struct table *table = repeats_table();
    static const enum prepare_role ROLES[2] = {PREPARE_FEATURE, PREPARE_FEATURE};
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = NULL;
    kai_err err;
    int64_t ids[1] = {7};
    CHECK_FAILS(clean_find(&options, table, ROLES, ids, 1, NULL, NULL, &clean, &err), &err,
                KAI_INVALID, "row 7");
    CHECK_FAILS(clean_find(&options, table, ROLES, NULL, 0, NULL, NULL, &clean, &err), &err,
                KAI_INVALID, "no rows");
    options.outlier_z = -1;
    CHECK_FAILS(clean_find(&options, table, ROLES, NULL, 7, NULL, NULL, &clean, &err), &err,
                KAI_INVALID, "range");
    table_free(table);
}

static void test_clean__survives_any_failing_allocation(void **state) {
    (void)state;
    struct table *table = identifiers_table();
    static const enum prepare_role ROLES[16] = {PREPARE_ID};
    struct clean_options options;
    clean_options_init(&options);
    struct clean *clean = NULL;
    kai_status st = KAI_NO_MEMORY;
    int64_t n = 0;
    while (st) {
        check_alloc_fail(++n, 0);
        st = clean_find(&options, table, ROLES, NULL, ROWS, NULL, NULL, &clean, NULL);
        check_alloc_reset();
        if (st) assert_int_equal(st, KAI_NO_MEMORY);
    }
    assert_true(n > 10);
    clean_free(clean);
    table_free(table);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean__tells_identifiers_from_measurements),
        cmocka_unit_test(test_clean__judges_constants_by_the_rows_to_learn_from),
        cmocka_unit_test(test_clean__counts_outliers_by_median_and_mad),
        cmocka_unit_test(test_clean__reads_impossible_values_as_such),
        cmocka_unit_test(test_clean__puts_rare_categories_together),
        cmocka_unit_test(test_clean__drops_repeats_by_key_only),
        cmocka_unit_test(test_clean__leaves_other_roles_alone),
        cmocka_unit_test(test_clean__describes_itself),
        cmocka_unit_test(test_clean__refuses_bad_input),
        cmocka_unit_test(test_clean__survives_any_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
