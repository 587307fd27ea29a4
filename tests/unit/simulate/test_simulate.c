#include "kit/check.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "simulate/simulate.h"

static void make(const char *dir, const struct simulate_options *options, int threads,
                 struct simulate_summary *summary) {
    struct pool *pool = NULL;
    kai_err err;
    CHECK_OK(pool_new(threads, &pool, &err), &err);
    CHECK_OK(simulate_campaign(options, dir, pool, NULL, summary, &err), &err);
    pool_free(pool);
}

static void read(const char *dir, const char *name, struct buf *text) {
    char path[1024];
    kai_err err;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_init(text, 1 << 28);
    CHECK_OK(file_read_all(path, 1 << 28, text, &err), &err);
}

static void test_simulate__writes_the_same_bytes_for_any_threads(void **state) {
    (void)state;
    static const char *const NAMES[] = {"customers.csv", "market.csv", "campaign.yaml",
                                        "truth/effects.csv", "truth/summary.json"};
    struct simulate_options options;
    struct simulate_summary summary;
    char one[512], four[512];
    simulate_options_init(&options);
    options.customers = 3000;
    options.offers = 5;
    options.propensity = SIMULATE_FEATURES;
    (void)snprintf(one, sizeof one, "%s", check_temp_path("one"));
    (void)snprintf(four, sizeof four, "%s", check_temp_path("four"));
    make(one, &options, 1, &summary);
    make(four, &options, 4, &summary);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct buf a, b;
        read(one, NAMES[i], &a);
        read(four, NAMES[i], &b);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        buf_release(&a);
        buf_release(&b);
    }
}

/* Noise level, empirical arm means and truth agree: effect sd / noise sd as promised; the mean of
 * an arm lies within 4 standard errors of what was expected of all customers. */
static void test_simulate__means_what_it_says(void **state) {
    (void)state;
    static const double RATIOS[] = {1.0 / 5, 1.0 / 10, 1.0 / 20};
    for (int outcome = 0; outcome < SIMULATE_OUTCOMES; outcome++)
        for (int noise = 0; noise < SIMULATE_NOISES; noise++) {
            struct simulate_options options;
            struct simulate_summary summary;
            simulate_options_init(&options);
            options.customers = 8000;
            options.noise = (enum simulate_noise)noise;
            options.outcome = (enum simulate_outcome)outcome;
            make(check_temp_path("levels"), &options, 2, &summary);
            double ratio = summary.effect_sd / summary.noise_sd;
            CHECK_NEAR(ratio / RATIOS[noise], 1, 0.04);
            int harmful = 0;
            for (int32_t a = 0; a < summary.arms; a++) {
                const struct simulate_arm *arm = &summary.arm[a];
                /* spread of expected spend between customers adds to the noise */
                double se = 1.5 * summary.noise_sd / sqrt((double)arm->customers);
                CHECK_NEAR(arm->outcome_mean, arm->expected_mean, 4 * se);
                harmful += arm->harmed_share > 0.1;
            }
            assert_true(harmful >= 1);
        }
}

struct row {
    int64_t customer;
    int arm;
    double propensity;
};

/* The columns action and propensity of customers.csv, by their place from the end. */
static struct row parse_row(char *line, const struct simulate_truth *truth) {
    struct row row = {0, 0, 0};
    char *fields[32];
    int count = 0;
    for (char *at = line; at && count < 32;) {
        char *comma = strchr(at, ',');
        fields[count++] = at;
        if (comma) *comma = 0;
        at = comma ? comma + 1 : NULL;
    }
    row.customer = atoll(fields[0]);
    row.propensity = atof(fields[count - 4]);
    for (int32_t k = 0; k < truth->offers; k++)
        if (strcmp(fields[count - 5], truth->name[k]) == 0) row.arm = k + 1;
    return row;
}

/* Where history chose by features: weighting by 1/propensity gives every arm all customers, and
 * rows of a propensity got their arm that often. */
static void test_simulate__propensities_are_calibrated(void **state) {
    (void)state;
    struct simulate_options options;
    struct simulate_summary summary;
    struct simulate_truth *truth = NULL;
    struct buf text;
    kai_err err;
    simulate_options_init(&options);
    options.customers = 20000;
    options.propensity = SIMULATE_FEATURES;
    char dir[512];
    (void)snprintf(dir, sizeof dir, "%s", check_temp_path("propensity"));
    make(dir, &options, 2, &summary);
    CHECK_OK(simulate_truth_read(dir, &truth, &err), &err);
    read(dir, "customers.csv", &text);
    double weight[SIMULATE_OFFERS_MAX + 1] = {0}, square[SIMULATE_OFFERS_MAX + 1] = {0};
    char *line = strchr(text.data, '\n') + 1;
    double lowest = 1, highest = 0;
    for (int64_t i = 0; i < options.customers; i++) {
        char *end = strchr(line, '\n');
        *end = 0;
        struct row row = parse_row(line, truth);
        assert_int_equal(row.customer, i + 1);
        weight[row.arm] += 1 / row.propensity;
        square[row.arm] += 1 / row.propensity / row.propensity;
        lowest = fmin(lowest, row.propensity);
        highest = fmax(highest, row.propensity);
        line = end + 1;
    }
    for (int32_t a = 0; a <= truth->offers; a++)
        CHECK_NEAR(weight[a], (double)options.customers, 4 * sqrt(square[a]));
    assert_true(lowest >= 0.3 / 4 - 1e-6 && lowest < 0.2);
    assert_true(highest > 0.3);
    buf_release(&text);
    simulate_truth_free(truth);
}

static void test_simulate__judges_plans(void **state) {
    (void)state;
    struct simulate_options options;
    struct simulate_summary summary;
    struct simulate_truth *truth = NULL;
    struct simulate_profit all, plan;
    kai_err err;
    char dir[512], line[256];
    simulate_options_init(&options);
    options.customers = 50;
    (void)snprintf(dir, sizeof dir, "%s", check_temp_path("plans"));
    make(dir, &options, 1, &summary);
    CHECK_OK(simulate_truth_read(dir, &truth, &err), &err);
    assert_int_equal(truth->customers, 50);
    assert_int_equal(truth->offers, 3);
    int32_t offer[50] = {0};
    offer[3] = 2;
    offer[7] = 1;
    simulate_truth_profit(truth, offer, &all);
    double value = truth->factor[3] * truth->margin * (truth->mu[3 * 4 + 2] - truth->mu[3 * 4]) +
                   truth->factor[7] * truth->margin * (truth->mu[7 * 4 + 1] - truth->mu[7 * 4]);
    CHECK_NEAR(all.value, value, 1e-4);
    CHECK_NEAR(all.profit, value - truth->cost[1] - truth->cost[0], 1e-4);
    (void)snprintf(line, sizeof line,
                   "customer,offer,channel,reason_1,hold_out\n4,%s,x,\"a, b\",0\n"
                   "8,%s,y,,0\n9,%s,y,,1\n10,,,,0\n",
                   truth->name[1], truth->name[0], truth->name[0]);
    CHECK_OK(simulate_plan_profit(truth, check_write("plan.csv", line), NULL, &plan, &err), &err);
    assert_int_equal(plan.treated, 2);
    CHECK_NEAR(plan.profit, all.profit, 1e-9);
    CHECK_FAILS(simulate_plan_profit(truth, check_write("p.csv", "customer,offer\n51,Discount\n"),
                                     NULL, &plan, &err),
                &err, KAI_INVALID, "line 2");
    CHECK_FAILS(simulate_plan_profit(truth, check_write("p.csv", "customer,offer\n5,Nothing\n"),
                                     NULL, &plan, &err),
                &err, KAI_INVALID, "line 2");
    simulate_truth_free(truth);
}

static void test_simulate__refuses_damage_and_nonsense(void **state) {
    (void)state;
    struct simulate_options options;
    struct simulate_summary summary;
    struct simulate_truth *truth = NULL;
    kai_err err;
    char dir[512], path[600];
    simulate_options_init(&options);
    options.customers = 20;
    (void)snprintf(dir, sizeof dir, "%s", check_temp_path("damage"));
    make(dir, &options, 1, &summary);
    (void)snprintf(path, sizeof path, "%s/truth/effects.csv", dir);
    CHECK_OK(file_write_all(path, "customer\n1,x\n", 13, &err), &err);
    CHECK_FAILS(simulate_truth_read(dir, &truth, &err), &err, KAI_CORRUPT, "line 2");
    CHECK_FAILS(simulate_truth_read(check_temp_path("nowhere"), &truth, &err), &err, KAI_NOT_FOUND,
                NULL);
    options.customers = 0;
    CHECK_FAILS(simulate_campaign(&options, dir, NULL, NULL, &summary, &err), &err, KAI_INVALID,
                "'customers'");
    options.customers = 10;
    options.offers = 17;
    CHECK_FAILS(simulate_campaign(&options, dir, NULL, NULL, &summary, &err), &err, KAI_INVALID,
                "'offers'");
    enum simulate_noise noise = SIMULATE_EASY;
    assert_true(simulate_parse_noise("hard", &noise) && noise == SIMULATE_HARD);
    assert_false(simulate_parse_noise("harder", &noise));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulate__writes_the_same_bytes_for_any_threads),
        cmocka_unit_test(test_simulate__means_what_it_says),
        cmocka_unit_test(test_simulate__propensities_are_calibrated),
        cmocka_unit_test(test_simulate__judges_plans),
        cmocka_unit_test(test_simulate__refuses_damage_and_nonsense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
