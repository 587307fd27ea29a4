#include "simulate/simulate_events.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/file.h"
#include "kit/check.h"
#include "simulate/simulate_shopper.h"

static const struct simulate_events_options SHOP = {
    .customers = 1500, .days = 90, .items = 200, .seed = 42};

static void make(const char *dir, const struct simulate_events_options *options, int threads,
                 struct simulate_events_summary *summary) {
    struct pool *pool = NULL;
    kai_err err;
    CHECK_OK(pool_new(threads, &pool, &err), &err);
    CHECK_OK(simulate_events(options, dir, pool, NULL, summary, &err), &err);
    pool_free(pool);
}

static void read(const char *dir, const char *name, struct buf *text) {
    char path[1024];
    kai_err err;
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    buf_init(text, 1 << 28);
    CHECK_OK(file_read_all(path, 1 << 28, text, &err), &err);
}

static void test_simulate_events__writes_the_same_bytes_for_any_threads(void **state) {
    (void)state;
    static const char *const NAMES[] = {"events.jsonl",       "items.csv",
                                        "touches.csv",        "truth/orders.csv",
                                        "truth/channels.csv", "truth/customers.csv"};
    struct simulate_events_options options = SHOP;
    struct simulate_events_summary summary;
    char one[512], four[512];
    options.days = 20;
    (void)snprintf(one, sizeof one, "%s", check_temp_path("one"));
    (void)snprintf(four, sizeof four, "%s", check_temp_path("four"));
    make(one, &options, 1, &summary);
    make(four, &options, 4, &summary);
    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        struct buf a, b;
        read(one, NAMES[i], &a);
        read(four, NAMES[i], &b);
        assert_true(a.size > 50);
        assert_int_equal(a.size, b.size);
        assert_memory_equal(a.data, b.data, a.size);
        buf_release(&a);
        buf_release(&b);
    }
}

/* Orders and money of a cause, counted again from truth/orders.csv. */
static void count_orders(const char *dir, struct simulate_contribution got[SIMULATE_CAUSES]) {
    struct buf text;
    read(dir, "truth/orders.csv", &text);
    char *line = strchr(text.data, '\n') + 1;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char cause[32], value[32];
        int known = -1;
        *end = '\0';
        assert_int_equal(sscanf(line, "%*[^,],%*[^,],%*[^,],%31[^,],%31s", cause, value), 2);
        for (int c = 0; c < SIMULATE_CAUSES; c++)
            if (strcmp(cause, SIMULATE_CAUSE_NAMES[c]) == 0) known = c;
        assert_true(known >= 0);
        got[known].orders++;
        got[known].value += strtod(value, NULL);
    }
    buf_release(&text);
}

/* The value between two texts in a line, or NULL. */
static const char *find(const char *line, const char *key, char value[64]) {
    const char *at = strstr(line, key);
    if (!at) return NULL;
    (void)snprintf(value, 64, "%.*s", (int)strcspn(at + strlen(key), "\"},"), at + strlen(key));
    return value;
}

/* What each cause brought adds up to all orders of the stream; what was drawn is what was to be
 * expected, up to chance. The stream is in order of time, and its numbers are without a gap. */
static void test_simulate_events__contributions_add_up(void **state) {
    (void)state;
    struct simulate_events_summary summary;
    struct simulate_contribution again[SIMULATE_CAUSES] = {0};
    char dir[512], session[64], seen[64] = "", time[64], last[64] = "", id[64];
    (void)snprintf(dir, sizeof dir, "%s", check_temp_path("sum"));
    make(dir, &SHOP, 2, &summary);
    count_orders(dir, again);
    double money = 0;
    int64_t orders = 0, lines = 0, sum = 0;
    double value = 0;
    struct buf text;
    read(dir, "events.jsonl", &text);
    char *line = text.data;
    for (char *end; (end = strchr(line, '\n')) != NULL; line = end + 1) {
        char amount[64], want[64];
        *end = '\0';
        (void)snprintf(want, sizeof want, "e%lld", (long long)++lines);
        assert_string_equal(find(line, "\"id\":\"", id), want);
        assert_true(strcmp(find(line, "\"time\":\"", time), last) >= 0);
        (void)snprintf(last, sizeof last, "%s", time);
        if (!strstr(line, "\"type\":\"order\"")) continue;
        money += strtod(find(line, "\"value\":", amount), NULL);
        assert_non_null(find(line, "\"session\":\"", session));
        orders += strcmp(session, seen) != 0; /* lines of an order stand together */
        (void)snprintf(seen, sizeof seen, "%s", session);
    }
    buf_release(&text);
    assert_int_equal(lines, summary.events);
    for (int c = 0; c < SIMULATE_CAUSES; c++) {
        const struct simulate_contribution *cause = &summary.cause[c];
        assert_int_equal(again[c].orders, cause->orders);
        CHECK_NEAR(again[c].value, cause->value, 0.01);
        assert_true(cause->sessions_expected > 100);
        CHECK_NEAR((double)cause->sessions, cause->sessions_expected,
                   4 * sqrt(cause->sessions_expected));
        CHECK_NEAR((double)cause->orders, cause->orders_expected, 4 * sqrt(cause->orders_expected));
        sum += cause->orders;
        value += cause->value;
    }
    assert_int_equal(sum, orders);
    CHECK_NEAR(value, money, 0.01);
}

/* Customers as the process makes them, all there from the first day and loyal where asked. */
static struct shopper *make_crowd(const struct simulate_events_options *options, int is_loyal) {
    struct shopper *crowd = mem_zero((size_t)options->customers, sizeof *crowd);
    assert_non_null(crowd);
    for (int64_t i = 0; i < options->customers; i++) {
        simulate_shopper_start(options, i, &crowd[i]);
        crowd[i].arrived = 0;
        if (is_loyal) crowd[i].hazard = 0;
    }
    return crowd;
}

static void live(const struct simulate_events_options *options, int32_t day, struct shopper *crowd,
                 struct happenings *into) {
    for (int64_t i = 0; i < options->customers; i++)
        simulate_shopper_day(options, day, &crowd[i], into);
    assert_false(into->is_starved);
}

/* Tastes drift as an autoregression of 0.95 a week that stays as wide as it was. */
static void test_simulate_events__tastes_drift_and_stay_as_wide(void **state) {
    (void)state;
    struct simulate_events_options options = {4000, 80, 50, .seed = 7};
    struct happenings into = {0};
    struct shopper *crowd = make_crowd(&options, 1), *first = make_crowd(&options, 1);
    double square[2] = {0}, product = 0, n = (double)(options.customers * SIMULATE_CATEGORIES);
    for (int32_t day = 0; day <= 70; day++) {
        into.count = 0;
        live(&options, day, crowd, &into);
    }
    for (int64_t i = 0; i < options.customers; i++)
        for (int k = 0; k < SIMULATE_CATEGORIES; k++) {
            double before = first[i].taste[k], after = crowd[i].taste[k];
            square[0] += before * before / n;
            square[1] += after * after / n;
            product += before * after / n;
        }
    CHECK_NEAR(square[0], 1.44, 4 * 1.44 * sqrt(2 / n));
    CHECK_NEAR(square[1], 1.44, 4 * 1.44 * sqrt(2 / n));
    CHECK_NEAR(product / sqrt(square[0] * square[1]), pow(0.95, 10), 4 / sqrt(n));
    mem_free(into.items);
    mem_free(crowd);
    mem_free(first);
}

/* What she looks at is what she likes, and she buys as often as is hers; a session shows 1 + 3
 * items and more in the mean, an own session comes 0.2 times a day in the mean, and nothing lies
 * outside the day but refunds. */
static void test_simulate_events__views_follow_tastes(void **state) {
    (void)state;
    struct simulate_events_options options = {20000, 7, 400, .seed = 11};
    struct happenings into = {0};
    struct shopper *crowd = make_crowd(&options, 1);
    double expected[SIMULATE_CATEGORIES] = {0}, variance[SIMULATE_CATEGORIES] = {0};
    double seen[SIMULATE_CATEGORIES] = {0}, views = 0, sessions = 0;
    live(&options, 0, crowd, &into);
    int64_t begin = simulate_events_begin(&options);
    for (int64_t i = 0; i < into.count; i++) {
        const struct happening *h = &into.items[i];
        double shares[SIMULATE_CATEGORIES];
        assert_true(h->time_s >= begin);
        assert_true(h->time_s <
                    begin + SIMULATE_DAY_SECONDS * (h->type == HAPPENING_REFUND ? 11 : 2));
        if (h->type != HAPPENING_VIEW) continue;
        simulate_shopper_shares(&crowd[h->customer], shares);
        for (int k = 0; k < SIMULATE_CATEGORIES; k++) {
            expected[k] += shares[k];
            variance[k] += shares[k] * (1 - shares[k]);
        }
        seen[h->item % SIMULATE_CATEGORIES]++;
        views++;
    }
    for (int k = 0; k < SIMULATE_CATEGORIES; k++)
        CHECK_NEAR(seen[k], expected[k], 4 * sqrt(variance[k]));
    for (int c = 0; c < SIMULATE_CAUSES; c++) sessions += (double)into.cause[c].sessions;
    CHECK_NEAR(views / sessions, 4, 4 * sqrt(3.2 / sessions));
    /* who buys more often a session does so */
    double due[2] = {0}, room[2] = {0}, orders[2] = {0};
    for (int64_t i = 0; i < options.customers; i++) {
        const struct shopper *s = &crowd[i];
        due[s->chance > 0.15] += s->sessions * s->chance;
        room[s->chance > 0.15] += s->sessions * s->chance * (1 - s->chance);
    }
    for (int64_t i = 0; i < into.count; i++)
        orders[crowd[into.items[i].customer].chance > 0.15] += into.items[i].total > 0;
    for (int half = 0; half < 2; half++) CHECK_NEAR(orders[half], due[half], 4 * sqrt(room[half]));
    /* a Tuesday: 0.88 of the mean; rate and intent are log-normal with mean 1 and log sd 0.7 */
    double customers = (double)options.customers, mean = 0.2 * 0.88;
    assert_true((begin / SIMULATE_DAY_SECONDS + 3) % 7 == 1);
    CHECK_NEAR(into.cause[SIMULATE_OWN].sessions_expected / customers, mean,
               4 * mean * sqrt((exp(2 * 0.49) - 1) / customers));
    mem_free(into.items);
    mem_free(crowd);
}

/* A letter a week brings a quarter of a session, spread over the days that follow it. */
static void test_simulate_events__a_touch_brings_what_it_should(void **state) {
    (void)state;
    static const double EFFECT[SIMULATE_CAUSES] = {0, 0.25, 0.12, 0.15, 0.03, 0.5};
    struct simulate_events_options options = {2000, 210, 50, .seed = 3};
    struct happenings into = {0};
    struct shopper *crowd = make_crowd(&options, 1);
    for (int64_t i = 0; i < options.customers; i++) crowd[i].response = 1;
    for (int32_t day = 0; day < options.days; day++) {
        into.count = 0;
        live(&options, day, crowd, &into);
    }
    for (int c = SIMULATE_EMAIL; c < SIMULATE_CAUSES; c++) {
        double each = into.cause[c].sessions_expected / (double)into.cause[c].touches;
        CHECK_NEAR(each, EFFECT[c], 0.04 * EFFECT[c]); /* the last touches still work */
        CHECK_NEAR((double)into.cause[c].sessions, into.cause[c].sessions_expected,
                   4 * sqrt(into.cause[c].sessions_expected));
    }
    mem_free(into.items);
    mem_free(crowd);
}

/* Customers cool at their own rates and leave within 14 days in the mean; who has left comes no
 * more. */
static void test_simulate_events__customers_cool_and_leave(void **state) {
    (void)state;
    struct simulate_events_options options = {6000, 200, 50, .seed = 5};
    struct happenings into = {0};
    struct shopper *crowd = make_crowd(&options, 0);
    double survival = 0, spread = 0, gone = 0, waited = 0, both = 0;
    for (int32_t day = 0; day < options.days; day++) {
        into.count = 0;
        live(&options, day, crowd, &into);
        for (int64_t i = 0; i < into.count; i++) {
            const struct happening *h = &into.items[i];
            const struct shopper *s = &crowd[h->customer];
            if (s->phase == SHOPPER_GONE) assert_true(h->type == HAPPENING_TOUCH);
        }
    }
    for (int64_t i = 0; i < options.customers; i++) {
        const struct shopper *s = &crowd[i];
        double stays = pow(1 - s->hazard, (double)options.days);
        assert_true(s->left < 0 || (s->cooled >= 0 && s->left > s->cooled));
        survival += 1 - stays;
        spread += stays * (1 - stays);
        gone += s->cooled >= 0;
        if (s->cooled < 0 || s->cooled >= options.days - 120) continue;
        waited += (double)((s->left >= 0 ? s->left : options.days) - s->cooled);
        both++;
    }
    CHECK_NEAR(gone, survival, 4 * sqrt(spread));
    assert_int_equal(into.coolings, (int64_t)gone);
    CHECK_NEAR((double)into.coolings, into.coolings_expected, 4 * sqrt(into.coolings_expected));
    CHECK_NEAR((double)into.leavings, into.leavings_expected, 4 * sqrt(into.leavings_expected));
    CHECK_NEAR(waited / both, 14, 4 * 14 / sqrt(both));
    mem_free(into.items);
    mem_free(crowd);
}

static void test_simulate_events__refuses_what_cannot_be(void **state) {
    (void)state;
    static const struct simulate_events_options BAD[] = {
        {0, 90, 200, 0, 1},    {10000001, 90, 200, 0, 1}, {10, 0, 200, 0, 1},
        {10, 3651, 200, 0, 1}, {10, 90, 7, 0, 1},         {10, 90, 1000001, 0, 1},
        {10, 90, 200, NAN, 1}, {10, 90, 200, 1.1, 1}};
    struct simulate_events_summary summary;
    kai_err err = {0};
    const char *dir = check_temp_path("none");
    for (size_t i = 0; i < sizeof BAD / sizeof *BAD; i++)
        CHECK_FAILS(simulate_events(&BAD[i], dir, NULL, NULL, &summary, &err), &err, KAI_INVALID,
                    "1 to 3650 days");
    assert_false(file_exists(dir));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_simulate_events__writes_the_same_bytes_for_any_threads),
        cmocka_unit_test(test_simulate_events__contributions_add_up),
        cmocka_unit_test(test_simulate_events__tastes_drift_and_stay_as_wide),
        cmocka_unit_test(test_simulate_events__views_follow_tastes),
        cmocka_unit_test(test_simulate_events__a_touch_brings_what_it_should),
        cmocka_unit_test(test_simulate_events__customers_cool_and_leave),
        cmocka_unit_test(test_simulate_events__refuses_what_cannot_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
