#include "prepare/customer.h"

#include <math.h>
#include <string.h>

#include "base/instant.h"
#include "base/rng.h"
#include "kit/check.h"

enum { HISTORY = 300, CUSTOMERS = 40 };
#define DAY INSTANT_DAY_US
#define T (1000 * DAY)

struct shop {
    struct touch_book book;
    struct touch touches[HISTORY];
    int64_t count;
    struct customer_work work;
    kai_err err;
};

static void open_shop(struct shop *shop) {
    *shop = (struct shop){0};
    CHECK_OK(touch_book_init(&shop->book, &shop->err), &shop->err);
    customer_work_init(&shop->work);
}

static void close_shop(struct shop *shop) {
    touch_book_release(&shop->book);
    customer_work_release(&shop->work);
}

static struct touch *add(struct shop *shop, double days_before, const char *type, const char *item,
                         double value) {
    struct event event = event_empty();
    event.time_us = T - (int64_t)(days_before * (double)DAY);
    event.type = slice_of(type);
    event.item = slice_of(item);
    event.value = value;
    struct touch *touch = &shop->touches[shop->count++];
    CHECK_OK(touch_from_event(&shop->book, &event, touch, &shop->err), &shop->err);
    return touch;
}

static struct customer measure(struct shop *shop, int64_t at_us) {
    struct customer customer;
    CHECK_OK(touch_sort(shop->touches, shop->count, &shop->err), &shop->err);
    CHECK_OK(customer_measure(&shop->book, shop->touches, shop->count, at_us, &shop->work,
                              &customer, &shop->err),
             &shop->err);
    return customer;
}

/* A random history around T, before and after. */
static void draw_history(struct shop *shop, uint64_t index) {
    static const char *const TYPES[] = {"view", "cart", "order", "refund", "search"};
    static const char *const ITEMS[] = {"a", "b", "c", "d", ""};
    struct rng rng;
    rng_init(&rng, 7, "history", index);
    shop->count = 0;
    for (int i = 0; i < HISTORY; i++) {
        double days = 150 * rng_unit(&rng) - 30; /* some after T */
        double value = rng_below(&rng, 4) ? 100 * rng_unit(&rng) : NAN;
        struct touch *touch = add(shop, rng_below(&rng, 5) ? days : floor(days),
                                  TYPES[rng_below(&rng, 5)], ITEMS[rng_below(&rng, 5)], value);
        touch->channel = (int32_t)rng_below(&rng, 3) - 1;
    }
    CHECK_OK(touch_sort(shop->touches, shop->count, &shop->err), &shop->err);
}

static void check_same(const struct customer *a, const struct customer *b) {
    assert_memory_equal(a->numbers, b->numbers, sizeof a->numbers);
    assert_memory_equal(a->texts, b->texts, sizeof a->texts);
}

static void test_customer__traits_do_not_see_the_future(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop);
    for (uint64_t c = 0; c < CUSTOMERS; c++) {
        draw_history(&shop, c);
        struct customer whole = measure(&shop, T), cut;
        int64_t before = touch_before(shop.touches, shop.count, T);
        assert_true(before > 0 && before < shop.count);
        CHECK_OK(customer_measure(&shop.book, shop.touches, before, T, &shop.work, &cut, &shop.err),
                 &shop.err);
        check_same(&whole, &cut);
        /* and not what the future holds either */
        for (int64_t i = before; i < shop.count; i++) shop.touches[i].type = shop.book.order;
        whole = measure(&shop, T);
        check_same(&whole, &cut);
    }
    close_shop(&shop);
}

static void test_customer__windows_equal_plain_counting(void **state) {
    (void)state;
    static const int DAYS[] = {1, 7, 30, 90};
    struct shop shop;
    open_shop(&shop);
    for (uint64_t c = 0; c < CUSTOMERS; c++) {
        draw_history(&shop, c);
        struct customer customer = measure(&shop, T);
        const double *windows = customer.numbers + CUSTOMER_WINDOW_FIRST;
        for (int w = 0; w < CUSTOMER_WINDOWS; w++) {
            double events = 0, views = 0, orders = 0, money = 0;
            int64_t last_order_us = -1;
            for (int64_t i = 0; i < shop.count; i++) {
                const struct touch *touch = &shop.touches[i];
                if (touch->time_us >= T || touch->time_us < T - DAYS[w] * DAY) continue;
                double value = isnan(touch->value) ? 0 : touch->value;
                events++;
                views += touch->type == shop.book.view;
                money += touch->type == shop.book.order    ? value
                         : touch->type == shop.book.refund ? -value
                                                           : 0;
                if (touch->type != shop.book.order || touch->time_us == last_order_us) continue;
                orders++;
                last_order_us = touch->time_us;
            }
            CHECK_NEAR(windows[0 * CUSTOMER_WINDOWS + w], events, 0);
            CHECK_NEAR(windows[1 * CUSTOMER_WINDOWS + w], views, 0);
            CHECK_NEAR(windows[3 * CUSTOMER_WINDOWS + w], orders, 0);
            CHECK_NEAR(windows[5 * CUSTOMER_WINDOWS + w], money, 1e-6);
        }
    }
    close_shop(&shop);
}

static void test_customer__knows_rfm_and_rhythm(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop);
    (void)add(&shop, 50, "order", "a", 10);
    (void)add(&shop, 50, "order", "b", 20); /* a second line of the same order */
    (void)add(&shop, 30, "order", "a", 30);
    (void)add(&shop, 5, "order", "c", 40);
    (void)add(&shop, 4, "refund", "c", 15);
    struct customer customer = measure(&shop, T);
    const double *n = customer.numbers;
    CHECK_NEAR(n[CUSTOMER_RECENCY], 5, 1e-9);
    CHECK_NEAR(n[CUSTOMER_FREQUENCY], 3, 0);
    CHECK_NEAR(n[CUSTOMER_MONETARY], 85, 1e-9);
    CHECK_NEAR(n[CUSTOMER_TENURE], 50, 1e-9);
    CHECK_NEAR(n[CUSTOMER_IDLE], 4, 1e-9);
    CHECK_NEAR(n[CUSTOMER_ORDER_GAP], 22.5, 1e-9); /* gaps 20 and 25 */
    CHECK_NEAR(n[CUSTOMER_ORDER_GAP_SD], sqrt(12.5), 1e-9);
    CHECK_NEAR(n[CUSTOMER_OVERDUE], 5 / 22.5, 1e-9);
    CHECK_NEAR(n[CUSTOMER_ORDER_VALUE], 85. / 3, 1e-9);
    CHECK_NEAR(n[CUSTOMER_ITEMS], 3, 0);
    shop.touches[1].session = 7; /* two orders at one moment are told apart by their sessions */
    CHECK_NEAR(measure(&shop, T).numbers[CUSTOMER_FREQUENCY], 4, 0);
    shop.touches[1].session = -1;
    assert_string_equal(customer_text_value(&shop.book, CUSTOMER_FAVOURITE_ITEM,
                                            customer.texts[CUSTOMER_FAVOURITE_ITEM]),
                        "c"); /* a and c twice; c was touched later */
    close_shop(&shop);
}

static void test_customer__knows_sessions_and_hours(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop);
    /* T is midnight of day 1000, a Wednesday (1972-09-27) */
    for (int i = 0; i < 3; i++) (void)add(&shop, 1 - (double)i / 1440, "view", "a", NAN);
    for (int i = 0; i < 2; i++) (void)add(&shop, 0.5 - (double)i / 1440, "view", "b", NAN);
    (void)add(&shop, 3.5, "view", "b", NAN); /* Sunday noon */
    struct customer customer = measure(&shop, T);
    const double *n = customer.numbers;
    CHECK_NEAR(n[CUSTOMER_SESSIONS], 3, 0);
    CHECK_NEAR(n[CUSTOMER_SESSION_EVENTS], 2, 1e-9);
    CHECK_NEAR(n[CUSTOMER_SESSION_LENGTH], 1, 1e-6);
    CHECK_NEAR(n[CUSTOMER_WEEKEND], 1. / 6, 1e-9);
    CHECK_NEAR(n[CUSTOMER_NIGHT], 3. / 6, 1e-9);
    CHECK_NEAR(n[CUSTOMER_ACTIVE_DAYS], 3, 0); /* ages 0, 1 (exactly one day) and 3 */
    shop.touches[0].session = 4;               /* ids count where there are some */
    customer = measure(&shop, T);
    CHECK_NEAR(customer.numbers[CUSTOMER_SESSIONS], 3, 0);
    close_shop(&shop);
}

static void test_customer__says_missing_where_nothing_is_known(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop);
    struct customer customer = measure(&shop, T);
    assert_true(isnan(customer.numbers[CUSTOMER_RECENCY]));
    assert_true(isnan(customer.numbers[CUSTOMER_HOUR]));
    CHECK_NEAR(customer.numbers[CUSTOMER_FREQUENCY], 0, 0);
    for (int t = 0; t < CUSTOMER_TEXTS; t++) assert_int_equal(customer.texts[t], -1);
    close_shop(&shop);
}

static void test_customer__names_lead_back(void **state) {
    (void)state;
    for (int32_t i = 0; i < CUSTOMER_NUMBERS; i++)
        assert_int_equal(customer_number_find(slice_of(customer_number_name(i))), i);
    for (int32_t i = 0; i < CUSTOMER_TEXTS; i++)
        assert_int_equal(customer_text_find(slice_of(customer_text_name(i))), i);
    assert_string_equal(customer_number_name(CUSTOMER_NUMBERS - 1), "night_share");
    assert_string_equal(customer_number_name(CUSTOMER_ACTIVE_DAYS), "active_days_30d");
    assert_int_equal(customer_number_find(slice_of("nothing")), -1);
}

static void test_touch__categories_come_from_catalogue_or_event(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop);
    CHECK_OK(touch_book_categorise(&shop.book, slice_of("a"), slice_of("shoes"), &shop.err),
             &shop.err);
    struct event event = event_empty();
    struct touch touch;
    event.type = slice_of("view");
    event.item = slice_of("a");
    event.properties = slice_of("{\"category\":\"hats\"}");
    CHECK_OK(touch_from_event(&shop.book, &event, &touch, &shop.err), &shop.err);
    assert_string_equal(dict_text(&shop.book.categories, touch.category), "shoes");
    event.item = slice_of("b");
    CHECK_OK(touch_from_event(&shop.book, &event, &touch, &shop.err), &shop.err);
    assert_string_equal(dict_text(&shop.book.categories, touch.category), "hats");
    assert_true(touch_is(&event));
    event.flags = EVENT_BOT;
    assert_false(touch_is(&event));
    close_shop(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_customer__traits_do_not_see_the_future),
        cmocka_unit_test(test_customer__windows_equal_plain_counting),
        cmocka_unit_test(test_customer__knows_rfm_and_rhythm),
        cmocka_unit_test(test_customer__knows_sessions_and_hours),
        cmocka_unit_test(test_customer__says_missing_where_nothing_is_known),
        cmocka_unit_test(test_customer__names_lead_back),
        cmocka_unit_test(test_touch__categories_come_from_catalogue_or_event),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
