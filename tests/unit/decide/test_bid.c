#include "decide/bid.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { AUCTIONS = 20000, MAX = 60 };

static int32_t price[AUCTIONS], bid[AUCTIONS];
static uint8_t won[AUCTIONS], outcome[AUCTIONS];
static double value[AUCTIONS];

/* Prices 1 .. 50, values that do not know them, outcomes by value, bids of an earlier bidder. */
static void make_log(void) {
    struct rng rng;
    rng_init(&rng, 8, "auctions", 0);
    for (int64_t i = 0; i < AUCTIONS; i++) {
        double u = rng_unit(&rng);
        price[i] = 1 + (int32_t)(49 * u * u);
        value[i] = 0.001 * exp(0.8 * rng_normal(&rng));
        outcome[i] = rng_unit(&rng) < value[i];
        bid[i] = 5 + (int32_t)rng_below(&rng, 40);
        won[i] = bid[i] >= price[i];
    }
}

static struct bid_log whole_log(void) { return (struct bid_log){AUCTIONS, outcome, price, value}; }

static void fit(const uint8_t *seen, struct bid_market *market) {
    kai_err err = {0};
    CHECK_OK(bid_market_fit(price, bid, seen, AUCTIONS, MAX, market, &err), &err);
}

/* What was lost is not forgotten: the censored fit is near the full one, the naive one is not. */
static void test_bid_market__sees_through_censoring(void **state) {
    (void)state;
    struct bid_market full = {0}, censored = {0};
    make_log();
    fit(NULL, &full);
    fit(won, &censored);
    int64_t wins = 0, cheap = 0;
    double counted = 0;
    for (int64_t i = 0; i < AUCTIONS; i++) {
        wins += won[i];
        cheap += won[i] && price[i] <= 20;
        counted += price[i] <= 20;
    }
    CHECK_NEAR(full.below[20], counted / AUCTIONS, 1e-12);
    for (int p = 0; p <= 44; p++) CHECK_NEAR(censored.below[p], full.below[p], 0.02);
    assert_true((double)cheap / (double)wins > full.below[20] + 0.03);
    CHECK_NEAR(full.below[MAX], 1, 1e-12);
    bid_market_release(&full);
    bid_market_release(&censored);
}

/* The product limit by hand (five auctions: seen 2, lost at 2, seen 3, lost at 3, seen 4):
 * S(2) = 4/5, S(3) = 4/5 x 2/3, S(4) = 0. */
static void test_bid_market__is_the_product_limit(void **state) {
    (void)state;
    const int32_t p[] = {2, 9, 3, 9, 4}, b[] = {5, 2, 5, 3, 5};
    const uint8_t w[] = {1, 0, 1, 0, 1};
    struct bid_market market = {0};
    kai_err err = {0};
    CHECK_OK(bid_market_fit(p, b, w, 5, 10, &market, &err), &err);
    CHECK_NEAR(market.below[1], 0, 0);
    CHECK_NEAR(market.below[2], 0.2, 1e-12);
    CHECK_NEAR(market.below[3], 1 - 0.8 * 2 / 3, 1e-12);
    CHECK_NEAR(market.below[4], 1, 1e-12);
    CHECK_NEAR(bid_market_cost(&market, 2), 2, 1e-12);
    bid_market_release(&market);
}

static void test_bid_market__finds_the_shape(void **state) {
    (void)state;
    struct bid_market market = {.max = 2000};
    market.chance = mem_zero(2001, sizeof *market.chance);
    market.below = mem_zero(2001, sizeof *market.below);
    for (int p = 1; p <= 2000; p++) {
        market.below[p] = p / (70.0 + p);
        market.chance[p] = market.below[p] - market.below[p - 1];
    }
    CHECK_NEAR(bid_market_shape(&market), 70, 1e-3);
    bid_market_release(&market);
}

static struct bid_options options_of(enum bid_method method, int64_t budget, int64_t auctions) {
    return (struct bid_options){.method = method,
                                .base = 20,
                                .mean_value = 0.00138,
                                .shape = 20,
                                .lambda = 1e-5,
                                .max_bid = MAX,
                                .budget = budget,
                                .auctions = auctions};
}

/* Every state of a small problem, by the definition: the value of bidding a, for all a. */
static double worth(const struct bid_market *market, int auctions, int budget, double mean) {
    if (auctions == 0) return 0;
    double best = -INFINITY, pass = worth(market, auctions - 1, budget, mean);
    for (int a = 0; a <= budget; a++) {
        double sum = 0, win = 0;
        for (int p = 0; p <= a && p <= market->max; p++) {
            sum += market->chance[p] * (mean + worth(market, auctions - 1, budget - p, mean));
            win += market->chance[p];
        }
        best = fmax(best, sum + (1 - win) * pass);
    }
    return best;
}

static void test_bid__mdp_bids_as_the_definition_says(void **state) {
    (void)state;
    struct bid_market market = {.max = 5};
    double chance[] = {0, 0.1, 0.2, 0.3, 0.2, 0.2}, below[] = {0, 0.1, 0.3, 0.6, 0.8, 1};
    market.chance = chance;
    market.below = below;
    enum { T = 4, B = 7 };
    struct bid_options options = options_of(BID_MDP, B, T);
    options.mean_value = 0.5;
    options.max_bid = B;
    struct bidder *bidder = NULL;
    kai_err err = {0};
    CHECK_OK(bid_new(&options, &market, &bidder, &err), &err);
    for (int b = 0; b <= B; b++) {
        bid_restart(bidder, b);
        for (int v = 1; v <= 8; v++) {
            double mine = 0.15 * v, keep = worth(&market, T - 1, b, 0.5);
            int expected = 0;
            for (int p = 0; p <= b; p++)
                if (mine + worth(&market, T - 1, b - p, 0.5) - keep >= 1e-6) expected = p;
            assert_int_equal(bid_next(bidder, mine, 0, 0), expected);
        }
    }
    bid_free(bidder);
}

static void test_bid__never_overspends_and_beats_simpler_bidders(void **state) {
    (void)state;
    struct bid_market market = {0};
    make_log();
    fit(NULL, &market);
    struct bid_log log = whole_log();
    double bought[BID_METHODS] = {0};
    kai_err err = {0};
    for (int m = 0; m < BID_METHODS; m++) {
        struct bid_options options = options_of((enum bid_method)m, 1500, 500);
        options.shape = bid_market_shape(&market);
        CHECK_OK(bid_tune(&options, &log, 500, 1500, &err), &err);
        struct bidder *bidder = NULL;
        struct bid_result result;
        CHECK_OK(bid_new(&options, &market, &bidder, &err), &err);
        bid_replay(bidder, &log, 500, 1500, NULL, &result);
        assert_true(result.spent <= result.budget);
        assert_true((double)result.spent >= 0.9 * (double)result.budget);
        assert_int_equal(result.budget, AUCTIONS / 500 * 1500);
        bought[m] = result.value;
        bid_free(bidder);
    }
    assert_true(bought[BID_MDP] > bought[BID_LINEAR]);
    assert_true(bought[BID_LINEAR] == bought[BID_LIFT]);
    bid_market_release(&market);
}

/* One long day: the pace spends evenly where the plain bidder is broke by noon. */
static void test_bid__paces_a_day(void **state) {
    (void)state;
    make_log();
    const int64_t budget = 40000;
    int64_t spent[2];
    kai_err err = {0};
    for (int paced = 0; paced < 2; paced++) {
        struct bid_options options = options_of(BID_LINEAR, budget, AUCTIONS);
        options.pace = paced ? 0.02 : 0;
        struct bidder *bidder = NULL;
        CHECK_OK(bid_new(&options, NULL, &bidder, &err), &err);
        for (int64_t i = 0; i < AUCTIONS; i++) {
            if (i == AUCTIONS / 2) spent[paced] = budget - bid_left(bidder);
            int32_t mine = bid_next(bidder, value[i], 0, 0);
            assert_true(mine <= bid_left(bidder));
            bid_settle(bidder, mine >= price[i] && mine > 0 ? price[i] : 0);
        }
        assert_true(bid_left(bidder) >= 0);
        assert_true(!paced || (double)bid_left(bidder) < 0.02 * (double)budget);
        bid_free(bidder);
    }
    assert_true((double)spent[0] > 0.9 * (double)budget);
    assert_true((double)spent[1] > 0.4 * (double)budget && (double)spent[1] < 0.6 * (double)budget);
}

static void test_bid__keeps_floors_caps_and_the_purse(void **state) {
    (void)state;
    struct bid_options options = options_of(BID_LINEAR, 30, 10);
    options.cap = 2;
    struct bidder *bidder = NULL;
    kai_err err = {0};
    CHECK_OK(bid_new(&options, NULL, &bidder, &err), &err);
    assert_int_equal(bid_next(bidder, options.mean_value, 0, 0), 20);
    assert_int_equal(bid_next(bidder, options.mean_value, 21, 0), 0);
    assert_int_equal(bid_next(bidder, options.mean_value, 0, 2), 0);
    assert_int_equal(bid_next(bidder, 100, 0, 0), 30);
    assert_int_equal(bid_next(bidder, NAN, 0, 0), 0);
    assert_int_equal(bid_next(bidder, -1, 0, 0), 0);
    bid_settle(bidder, 25);
    assert_int_equal(bid_next(bidder, 100, 0, 0), 5);
    check_alloc_fail(0, 0);
    int64_t before = check_alloc_count();
    (void)bid_next(bidder, 1, 0, 0);
    bid_settle(bidder, 0);
    assert_int_equal(check_alloc_count(), before);
    check_alloc_reset();
    bid_free(bidder);
    options.max_bid = 0;
    CHECK_FAILS(bid_new(&options, NULL, &bidder, &err), &err, KAI_INVALID, "max_bid");
    options = options_of(BID_MDP, 1000000000, 10000);
    options.max_bid = BID_PRICE_MAX;
    struct bid_market market = {0};
    CHECK_FAILS(bid_new(&options, NULL, &bidder, &err), &err, KAI_INVALID, "market");
    CHECK_FAILS(bid_new(&options, &market, &bidder, &err), &err, KAI_LIMIT, "GiB");
    CHECK_FAILS(bid_market_fit(NULL, NULL, NULL, 0, 10, &market, &err), &err, KAI_INVALID,
                "auctions");
    CHECK_FAILS(bid_market_fit((const int32_t[]){-1}, NULL, NULL, 1, 10, &market, &err), &err,
                KAI_INVALID, "negative price");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bid_market__sees_through_censoring),
        cmocka_unit_test(test_bid_market__is_the_product_limit),
        cmocka_unit_test(test_bid_market__finds_the_shape),
        cmocka_unit_test(test_bid__mdp_bids_as_the_definition_says),
        cmocka_unit_test(test_bid__never_overspends_and_beats_simpler_bidders),
        cmocka_unit_test(test_bid__paces_a_day),
        cmocka_unit_test(test_bid__keeps_floors_caps_and_the_purse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
