#include "behave/interactions.h"

#include "histories_kit.h"

enum { ROWS = 8 };

static struct column *codes_of(const char *name, const int32_t *codes, int32_t entries) {
    struct column *column = NULL;
    kai_err err = {0};
    CHECK_OK(column_new(name, COLUMN_CATEGORY, ROWS, &column, &err), &err);
    dict_init(column->dict);
    for (int32_t i = 0; i < entries; i++) {
        char text[2] = {(char)('a' + i), 0};
        int32_t code;
        CHECK_OK(dict_add(column->dict, slice_of(text), &code, &err), &err);
    }
    for (int row = 0; row < ROWS; row++) {
        column->as.codes[row] = codes[row];
        column->valid[row] = (uint8_t)(codes[row] >= 0);
    }
    return column;
}

static struct column *numbers_of(const char *name, const double *values) {
    struct column *column = NULL;
    kai_err err = {0};
    CHECK_OK(column_new(name, COLUMN_F64, ROWS, &column, &err), &err);
    for (int row = 0; row < ROWS; row++) {
        column->as.f64[row] = values[row];
        column->valid[row] = (uint8_t)(isnan(values[row]) ? 0 : 1);
    }
    return column;
}

static const int32_t CUSTOMERS[ROWS] = {0, 1, 0, 0, 1, 2, 0, -1};
static const int32_t ITEMS[ROWS] = {0, 1, 2, 3, 0, -1, 1, 2};

static void check_items(const struct histories *histories, int64_t customer, const char *expected) {
    char text[64] = "";
    size_t used = 0;
    for (int64_t e = histories->offsets[customer]; e < histories->offsets[customer + 1]; e++)
        text[used++] = (char)('0' + histories->items[e]);
    assert_string_equal(text, expected);
}

static void test_interactions__orders_by_time_and_keeps_ties(void **state) {
    (void)state;
    static const double times[ROWS] = {50, 7, 20.9, 20.2, 3, 1, 20.2, 1};
    struct column *customer = codes_of("user", CUSTOMERS, 3), *item = codes_of("item", ITEMS, 4);
    struct column *time = numbers_of("time", times);
    struct interactions made;
    struct interactions_columns columns = {.customer = customer, .item = item, .time = time};
    kai_err err = {0};
    CHECK_OK(interactions_init(&made, &columns, &err), &err);
    assert_int_equal(made.rows_missing, 2);
    assert_int_equal(made.item_count, 4);
    assert_int_equal(made.histories.count, 3);
    check_items(&made.histories, 0, "3120"); /* 20.2 twice in the order of the rows */
    check_items(&made.histories, 1, "01");
    check_items(&made.histories, 2, "");
    assert_int_equal(made.histories.times[0], 20);
    assert_int_equal(made.histories.times[3], 50);
    interactions_release(&made);
    /* without times: the order of the rows */
    columns.time = NULL;
    CHECK_OK(interactions_init(&made, &columns, &err), &err);
    check_items(&made.histories, 0, "0231");
    assert_null(made.histories.times);
    interactions_release(&made);
    column_free(customer);
    column_free(item);
    column_free(time);
}

static void test_interactions__takes_an_order_and_partial_times(void **state) {
    (void)state;
    static const double order[ROWS] = {4, 1, 3, 2, 2, 1, 1, 1};
    static const double times[ROWS] = {2e12, NAN, NAN, 1e12, 5e11, 1, NAN, 1};
    static const double back[ROWS] = {10, NAN, 11, 1, 5, 1, NAN, 1};
    struct column *customer = codes_of("user", CUSTOMERS, 3), *item = codes_of("item", ITEMS, 4);
    struct column *place = numbers_of("place", order), *time = numbers_of("at", times);
    struct column *wrong = numbers_of("at", back);
    struct interactions made;
    struct interactions_columns columns = {customer, item, place, time};
    kai_err err = {0};
    CHECK_OK(interactions_init(&made, &columns, &err), &err);
    check_items(&made.histories, 0, "1320");
    assert_true(made.histories.times[0] == BEHAVE_TIME_UNKNOWN);
    assert_int_equal(made.histories.times[1], 1000000000); /* milliseconds */
    assert_int_equal(made.histories.times[2], 1000000000); /* the last known one */
    assert_int_equal(made.histories.times[3], 2000000000);
    interactions_release(&made);
    columns.time = wrong;
    CHECK_FAILS(interactions_init(&made, &columns, &err), &err, KAI_INVALID,
                "row 1, column 'at': the time goes back along 'place' (customer 'a')");
    columns.customer = place;
    CHECK_FAILS(interactions_init(&made, &columns, &err), &err, KAI_INVALID,
                "column 'place': expected categories, is number");
    columns.customer = customer;
    columns.order = item;
    CHECK_FAILS(interactions_init(&made, &columns, &err), &err, KAI_INVALID,
                "column 'item': expected numbers or dates, is category");
    column_free(customer);
    column_free(item);
    column_free(place);
    column_free(time);
    column_free(wrong);
}

static void test_interactions__sorts_long_histories_stably(void **state) {
    (void)state;
    enum { EVENTS = 1000 };
    struct column *customer = NULL, *item = NULL, *time = NULL;
    kai_err err = {0};
    CHECK_OK(column_new("user", COLUMN_CATEGORY, EVENTS, &customer, &err), &err);
    CHECK_OK(column_new("item", COLUMN_CATEGORY, EVENTS, &item, &err), &err);
    CHECK_OK(column_new("time", COLUMN_I64, EVENTS, &time, &err), &err);
    struct rng rng;
    rng_init(&rng, 1, "test.sort", 0);
    dict_init(customer->dict);
    dict_init(item->dict);
    for (int row = 0; row < EVENTS; row++) {
        char text[16];
        (void)snprintf(text, sizeof text, "%d", row); /* fits */
        CHECK_OK(dict_add(item->dict, slice_of(text), &item->as.codes[row], &err), &err);
        CHECK_OK(dict_add(customer->dict, slice_of("x"), &customer->as.codes[row], &err), &err);
        time->as.i64[row] = (int64_t)rng_below(&rng, 40);
        customer->valid[row] = item->valid[row] = time->valid[row] = 1;
    }
    struct interactions made;
    struct interactions_columns columns = {.customer = customer, .item = item, .time = time};
    CHECK_OK(interactions_init(&made, &columns, &err), &err);
    for (int e = 1; e < EVENTS; e++) {
        int32_t before = made.histories.items[e - 1], now = made.histories.items[e];
        int64_t a = time->as.i64[before], b = time->as.i64[now];
        assert_true(a < b || (a == b && before < now));
    }
    interactions_release(&made);
    column_free(customer);
    column_free(item);
    column_free(time);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_interactions__orders_by_time_and_keeps_ties),
        cmocka_unit_test(test_interactions__takes_an_order_and_partial_times),
        cmocka_unit_test(test_interactions__sorts_long_histories_stably),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
