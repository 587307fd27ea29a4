#include "kit/columns.h"

#include <math.h>
#include <string.h>

#include "market/market.h"

static void add_days(struct table *table, const char *name, enum column_kind kind,
                     const int64_t *days) {
    struct column *column = add_column(table, name, kind);
    for (int64_t i = 0; i < table->rows; i++) {
        column->valid[i] = 1;
        column->as.i64[i] = kind == COLUMN_TIME ? days[i] * 86400000000ll : days[i];
    }
}

static const struct market_offer OFFERS[3] = {
    {"Mens", "email"}, {"Womens", "email"}, {"Call", "phone"}};

/* (channel, region): email north 1.5, email south 0.5, phone north 2, phone south 0.25 */
static struct table *channel_market(void) {
    struct table *market = new_table("market.csv", 4);
    static const char *const CHANNEL[] = {"email", "email", "phone", "phone"};
    static const char *const REGION[] = {"north", "south", "north", "south"};
    static const double DEMAND[] = {1.5, 0.5, 2, 0.25}, SEASON[] = {1, 2, 3, 4};
    add_levels(market, "channel", CHANNEL);
    add_levels(market, "region", REGION);
    add_numbers(market, "demand", DEMAND);
    add_numbers(market, "season", SEASON);
    return market;
}

static void test_market__joins_customers_and_offers(void **state) {
    (void)state;
    struct table *market = channel_market(), *customers = new_table("c.csv", 3);
    static const char *const REGION[] = {"south", "north", "south"};
    add_levels(customers, "region", REGION);
    static const char *const JOIN[] = {"channel", "region"}, *const FACTORS[] = {"demand",
                                                                                 "season"};
    struct market_options options;
    market_options_init(&options);
    options.join = JOIN, options.join_count = 2;
    options.factors = FACTORS, options.factor_count = 1;
    struct market_factors factors;
    kai_err err;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err);
    static const double EXPECTED[3][3] = {{0.5, 0.5, 0.25}, {1.5, 1.5, 2}, {0.5, 0.5, 0.25}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++) CHECK_NEAR(market_factor(&factors, i, j), EXPECTED[i][j], 0);
    CHECK_NEAR(factors.low, 0.25, 0);
    CHECK_NEAR(factors.high, 2, 0);
    assert_int_equal(factors.fallbacks, 0);
    market_factors_release(&factors);
    options.factor_count = 2;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err);
    CHECK_NEAR(market_factor(&factors, 1, 2), 6, 0);
    CHECK_NEAR(market_factor(&factors, 2, 0), 1, 0);
    market_factors_release(&factors);
    table_free(market);
    table_free(customers);
}

static void test_market__prefers_the_customers_column(void **state) {
    (void)state;
    struct table *market = new_table("market.csv", 2), *customers = new_table("c.csv", 2);
    static const char *const CHANNEL[] = {"Web", "Phone"}, *const OWN[] = {"Phone", "Web"};
    static const double DEMAND[] = {2, 3};
    add_levels(market, "channel", CHANNEL);
    add_numbers(market, "demand", DEMAND);
    add_levels(customers, "channel", OWN);
    static const char *const JOIN[] = {"channel"}, *const FACTORS[] = {"demand"};
    struct market_options options;
    market_options_init(&options);
    options.join = JOIN, options.join_count = 1;
    options.factors = FACTORS, options.factor_count = 1;
    struct market_factors factors;
    kai_err err;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err);
    assert_int_equal(factors.offer_step, 0);
    for (int j = 0; j < 3; j++) {
        CHECK_NEAR(market_factor(&factors, 0, j), 3, 0);
        CHECK_NEAR(market_factor(&factors, 1, j), 2, 0);
    }
    market_factors_release(&factors);
    table_drop(customers, 0); /* now it is the offer's, which the market lacks */
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_NOT_FOUND, "channel 'email'");
    options.fallback = 1;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err);
    assert_int_equal(factors.row_step, 0);
    assert_int_equal(factors.fallbacks, 6);
    market_factors_release(&factors);
    table_free(market);
    table_free(customers);
}

static void test_market__takes_the_latest_date_not_after(void **state) {
    (void)state;
    struct table *market = new_table("market.csv", 4), *customers = new_table("c.csv", 5);
    static const char *const REGION[] = {"a", "b", "a", "b"};
    static const char *const OWN[] = {"a", "a", "a", "b", "b"};
    static const int64_t DAYS[] = {20, 1, 10, 2}, OWN_DAYS[] = {10, 19, 99, 1, 0};
    static const double INDEX[] = {2, 3, 4, 5};
    add_levels(market, "region", REGION);
    add_days(market, "day", COLUMN_TIME, DAYS);
    add_numbers(market, "index", INDEX);
    add_levels(customers, "region", OWN);
    add_days(customers, "day", COLUMN_TIME, OWN_DAYS);
    static const char *const JOIN[] = {"region", "day"}, *const FACTORS[] = {"index"};
    struct market_options options;
    market_options_init(&options);
    options.join = JOIN, options.join_count = 2;
    options.factors = FACTORS, options.factor_count = 1;
    struct market_factors factors;
    kai_err err;
    /* b on day 0 is before all */
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 1, &factors, &err), &err,
                KAI_NOT_FOUND, "region 'b', day '1970-01-01' (customer row 5");
    options.fallback = 7;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 1, &factors, &err), &err);
    static const double EXPECTED[] = {4, 4, 2, 3, 7};
    for (int i = 0; i < 5; i++) CHECK_NEAR(market_factor(&factors, i, 0), EXPECTED[i], 0);
    assert_int_equal(factors.fallbacks, 1);
    market_factors_release(&factors);
    table_drop(customers, 1);
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 1, &factors, &err), &err,
                KAI_NOT_FOUND, "date column 'day'");
    options.date_us = 15 * 86400000000ll;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 1, &factors, &err), &err);
    CHECK_NEAR(market_factor(&factors, 0, 0), 4, 0);
    CHECK_NEAR(market_factor(&factors, 4, 0), 5, 0);
    market_factors_release(&factors);
    table_free(market);
    table_free(customers);
}

static void test_market__compares_keys_by_text(void **state) {
    (void)state;
    struct table *market = new_table("market.csv", 2), *customers = new_table("c.csv", 2);
    static const char *const STORE[] = {"7", "8"};
    static const int64_t OWN[] = {8, 7};
    static const double INDEX[] = {1, 2};
    add_levels(market, "store", STORE);
    add_numbers(market, "index", INDEX);
    add_days(customers, "store", COLUMN_I64, OWN);
    static const char *const JOIN[] = {"store"}, *const FACTORS[] = {"index"};
    struct market_options options;
    market_options_init(&options);
    options.join = JOIN, options.join_count = 1;
    options.factors = FACTORS, options.factor_count = 1;
    struct market_factors factors;
    kai_err err;
    CHECK_OK(market_join(&options, market, customers, OFFERS, 1, &factors, &err), &err);
    CHECK_NEAR(market_factor(&factors, 0, 0), 2, 0);
    CHECK_NEAR(market_factor(&factors, 1, 0), 1, 0);
    market_factors_release(&factors);
    table_free(market);
    table_free(customers);
}

static void test_market__names_what_is_wrong(void **state) {
    (void)state;
    struct table *market = channel_market(), *customers = new_table("c.csv", 1);
    static const char *const REGION[] = {"west"};
    add_levels(customers, "region", REGION);
    static const char *JOIN[] = {"channel", "region"}, *FACTORS[] = {"demand"};
    struct market_options options;
    market_options_init(&options);
    options.join = JOIN, options.join_count = 2;
    options.factors = FACTORS, options.factor_count = 1;
    struct market_factors factors;
    kai_err err;
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_NOT_FOUND, "channel 'email', region 'west' (customer row 1, offer 'Mens')");
    customers->columns[0]->valid[0] = 0;
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_NOT_FOUND, "region ''");
    options.join_count = 1;
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_EXISTS, "lines 2 and 3");
    options.join_count = 2;
    JOIN[1] = "regionn";
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_NOT_FOUND, "did you mean 'region'");
    JOIN[1] = "season";
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_NOT_FOUND, "'season' is not in 'c.csv'");
    JOIN[1] = "region";
    static const double BAD[] = {0, -1, INFINITY, NAN};
    for (int b = 0; b < 4; b++) {
        market->columns[2]->as.f64[2] = BAD[b];
        CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                    KAI_INVALID, "line 4: factor 'demand'");
    }
    options.fallback = -1;
    CHECK_FAILS(market_join(&options, market, customers, OFFERS, 3, &factors, &err), &err,
                KAI_INVALID, "default");
    table_free(market);
    table_free(customers);
}

static void test_market__survives_any_failing_allocation(void **state) {
    (void)state;
    struct table *market = channel_market(), *customers = new_table("c.csv", 2);
    static const char *const REGION[] = {"south", "north"};
    add_levels(customers, "region", REGION);
    static const char *const JOIN[] = {"channel", "region"}, *const FACTORS[] = {"demand"};
    struct market_options options;
    market_options_init(&options);
    options.join = JOIN, options.join_count = 2;
    options.factors = FACTORS, options.factor_count = 1;
    struct market_factors factors;
    kai_status st = KAI_NO_MEMORY;
    for (int64_t n = 1; st; n++) {
        check_alloc_fail(n, 0);
        st = market_join(&options, market, customers, OFFERS, 3, &factors, NULL);
        check_alloc_reset();
        if (st) assert_int_equal(st, KAI_NO_MEMORY);
    }
    market_factors_release(&factors);
    table_free(market);
    table_free(customers);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_market__joins_customers_and_offers),
        cmocka_unit_test(test_market__prefers_the_customers_column),
        cmocka_unit_test(test_market__takes_the_latest_date_not_after),
        cmocka_unit_test(test_market__compares_keys_by_text),
        cmocka_unit_test(test_market__names_what_is_wrong),
        cmocka_unit_test(test_market__survives_any_failing_allocation),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
