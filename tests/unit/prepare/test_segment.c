#include "prepare/segment.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/instant.h"
#include "base/rng.h"
#include "kit/check.h"
#include "prepare/label.h"
#include "prepare/segment_bitmap.h"

#define DAY INSTANT_DAY_US
#define T (1000 * DAY)
enum { TOUCHES = 8 };

struct shop {
    struct touch_book book;
    struct touch touches[TOUCHES];
    int64_t count;
    struct customer customer;
    kai_err err;
};

static void add(struct shop *shop, double days_before, const char *type, const char *item,
                const char *channel, double value) {
    struct event event = event_empty();
    event.time_us = T - (int64_t)(days_before * (double)DAY);
    event.type = slice_of(type);
    event.item = slice_of(item);
    event.channel = slice_of(channel);
    event.value = value;
    CHECK_OK(touch_from_event(&shop->book, &event, &shop->touches[shop->count++], &shop->err),
             &shop->err);
}

/* Views of shoes 20, 6, 5, 4 days before; an order of 80 ten days before; one event after T. */
static void open_shop(struct shop *shop) {
    struct customer_work work;
    *shop = (struct shop){0};
    CHECK_OK(touch_book_init(&shop->book, &shop->err), &shop->err);
    CHECK_OK(touch_book_categorise(&shop->book, slice_of("s1"), slice_of("shoes"), &shop->err),
             &shop->err);
    CHECK_OK(touch_book_categorise(&shop->book, slice_of("s2"), slice_of("shoes"), &shop->err),
             &shop->err);
    add(shop, 20, "view", "s1", "web", NAN);
    add(shop, 10, "order", "s1", "web", 80);
    add(shop, 6, "view", "s1", "mail", NAN);
    add(shop, 5, "view", "s2", "web", NAN);
    add(shop, 4, "view", "s2", "web", NAN);
    add(shop, -1, "order", "s2", "web", 500);
    customer_work_init(&work);
    CHECK_OK(customer_measure(&shop->book, shop->touches, shop->count, T, &work, &shop->customer,
                              &shop->err),
             &shop->err);
    customer_work_release(&work);
}

static int holds(struct shop *shop, const char *rule) {
    struct segment *segment = NULL;
    struct segment_bound *bound = NULL;
    CHECK_OK(segment_parse("t", slice_of(rule), &segment, &shop->err), &shop->err);
    CHECK_OK(segment_bind(segment, &shop->book, &bound, &shop->err), &shop->err);
    int is_in = segment_holds(bound, &shop->customer, shop->touches, shop->count, T);
    segment_bound_free(bound);
    segment_free(segment);
    return is_in;
}

static void test_segment__reads_traits_and_history(void **state) {
    (void)state;
    static const struct {
        const char *rule;
        int holds;
    } RULES[] = {
        {"rfm.recency < 30 and count(type=\"view\", item.category=\"shoes\", days=7) >= 3", 1},
        {"count(type=\"view\", item.category=\"shoes\", days=7) > 3", 0},
        {"count(type=\"view\") = 4", 1},
        {"count() = 5", 1},
        {"sum(value, type='order') = 80", 1},
        {"sum(value) / rfm.frequency >= 80", 1},
        {"last(type=\"order\") = 10", 1},
        {"last(type=\"refund\") < 1000", 0},
        {"missing(last(type=\"refund\"))", 1},
        {"distinct(item, days=30) = 2", 1},
        {"distinct(channel, type=\"order\") = 1", 1},
        {"favourite.category = \"shoes\"", 1},
        {"favourite.channel in ('tv', 'web')", 1},
        {"favourite.channel != \"web\"", 0},
        {"first.campaign != \"x\"", 0}, /* missing: compares with nothing */
        {"missing(first.campaign)", 1},
        {"not favourite.channel = \"tv\"", 1},
        {"count(type=\"nothing\") > 0 or true", 1},
        {"false or false and true", 0},
        {"true or false and false", 1},
        {"(true or false) and false", 0},
        {"not true or true", 1},
        {"1 + 2 * 3 = 7 and (1 + 2) * 3 = 9", 1},
        {"10 - 2 - 3 = 5 and 8 / 4 / 2 = 1", 1},
        {"-2 < -1 and - -2 = 2", 1},
        {"1 / 0 > 0 or 1 / 0 <= 0", 0},
        {"count(value > 50) = 1 and count(value >= -1, type != \"view\") = 1", 1},
        {"count(channel in (\"mail\", \"tv\")) = 1", 1},
    };
    struct shop shop;
    open_shop(&shop);
    for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
        if (holds(&shop, RULES[i].rule) != RULES[i].holds) fail_msg("%s", RULES[i].rule);
    touch_book_release(&shop.book);
}

static void test_segment__errors_name_column_and_reason(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"", "column 1: the rule ends"},
        {"rfm.recency", "column 1: expected a condition, got a number"},
        {"rfm.recensy < 3", "column 1: unknown trait 'rfm.recensy': did you mean 'rfm.recency'"},
        {"rfm.recency < \"x\"", "column 15: expected a number, got a text"},
        {"rfm.recency <", "column 14: the rule ends"},
        {"count(typ=\"view\") > 1", "column 7: expected one of type"},
        {"count(type<\"view\") > 1", "column 11: expected '=', '!=' or 'in'"},
        {"count(days=0) > 1", "column 12: days are more than 0"},
        {"count(days<3) > 1", "column 11: expected '=' behind 'days'"},
        {"counts() > 1", "column 1: 'counts': expected count"},
        {"sum(type) > 1", "column 5: expected value or quantity"},
        {"true and 3", "column 10: expected a condition, got a number"},
        {"favourite.item < \"a\"", "column 16: texts are compared by"},
        {"true = true", "column 1: a condition cannot be compared"},
        {"favourite.item = \"a", "column 18: the text has no closing quote"},
        {"(true", "column 6: the rule ends, expected ')'"},
        {"true true", "column 6: expected 'and', 'or' or the end"},
        {"rfm.recency < 1.2.3", "column 15: '1.2.3' is not a number"},
        {"favourite.item in (3)", "column 20: expected a text in quotes"},
        {"true ; drop", "column 6: expected 'and', 'or'"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct segment *segment = NULL;
        kai_err err = {0};
        CHECK_FAILS(segment_parse("vip", slice_of(CASES[i][0]), &segment, &err), &err, KAI_INVALID,
                    CASES[i][1]);
    }
}

static void test_segment__is_bounded(void **state) {
    (void)state;
    struct segment *segment = NULL;
    kai_err err = {0};
    size_t size = SEGMENT_TEXT_BYTES + 1;
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, '(', size);
    text[size] = '\0';
    CHECK_FAILS(segment_parse("s", (struct slice){text, size}, &segment, &err), &err, KAI_LIMIT,
                "bytes");
    CHECK_FAILS(segment_parse("s", (struct slice){text, 1000}, &segment, &err), &err, KAI_LIMIT,
                "nested deeper than 64");
    memset(text, '-', 1000);
    CHECK_FAILS(segment_parse("s", (struct slice){text, 1000}, &segment, &err), &err, KAI_LIMIT,
                "nested deeper than 64");
    for (size_t i = 0; i < size; i++) text[i] = "1+"[i % 2];
    CHECK_FAILS(segment_parse("s", (struct slice){text, 20000}, &segment, &err), &err, KAI_LIMIT,
                "more than 4096 parts");
    free(text);
}

static void test_segment__prints_what_it_parses(void **state) {
    (void)state;
    static const char *const RULES[][2] = {
        {"a", NULL},
        {"((rfm.recency)<30)and((true))", "rfm.recency < 30 and true"},
        {"(true or false) and not (true and false)", NULL},
        {"1-(2-3)=2", "1 - (2 - 3) = 2"},
        {"-(1+2) < 3*(4+5)", "-(1 + 2) < 3 * (4 + 5)"},
        {"count(category='a\\\"b\\\\', days=7)==1",
         "count(item.category = \"a\\\"b\\\\\", days = 7) = 1"},
        {"favourite.item in ('x','y') or missing(tenure)",
         "favourite.item in (\"x\", \"y\") or missing(tenure)"},
    };
    struct buf out, again;
    buf_init(&out, 1 << 16);
    buf_init(&again, 1 << 16);
    for (size_t i = 1; i < sizeof RULES / sizeof *RULES; i++) {
        struct segment *segment = NULL;
        kai_err err = {0};
        CHECK_OK(segment_parse("s", slice_of(RULES[i][0]), &segment, &err), &err);
        buf_reset(&out);
        CHECK_OK(segment_print(segment, &out, &err), &err);
        segment_free(segment);
        assert_string_equal(out.data, RULES[i][1] ? RULES[i][1] : RULES[i][0]);
        CHECK_OK(segment_parse("s", (struct slice){out.data, out.size}, &segment, &err), &err);
        buf_reset(&again);
        CHECK_OK(segment_print(segment, &again, &err), &err);
        segment_free(segment);
        assert_string_equal(out.data, again.data);
    }
    buf_release(&out);
    buf_release(&again);
}

static void test_segment_bitmap__equals_plain_sets(void **state) {
    (void)state;
    enum { MEMBERS = 3000 };
    static uint8_t in_a[MEMBERS], in_b[MEMBERS];
    struct segment_bitmap *a = NULL, *b = NULL, *c = NULL;
    struct rng rng;
    struct buf out;
    int64_t both = 0, either = 0, only_a = 0;
    uint32_t list[MEMBERS];
    kai_err err = {0};
    rng_init(&rng, 3, "sets", 0);
    buf_init(&out, 1 << 20);
    CHECK_OK(segment_bitmap_new(&a, &err), &err);
    CHECK_OK(segment_bitmap_new(&b, &err), &err);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        in_a[i] = rng_below(&rng, 3) == 0;
        in_b[i] = rng_below(&rng, 2) == 0;
        if (in_a[i]) segment_bitmap_add(a, i);
        if (in_b[i]) segment_bitmap_add(b, i);
        both += in_a[i] && in_b[i];
        either += in_a[i] || in_b[i];
        only_a += in_a[i] && !in_b[i];
    }
    assert_int_equal(segment_bitmap_overlap(a, b), both);
    CHECK_OK(segment_bitmap_save(a, &out, &err), &err);
    CHECK_OK(segment_bitmap_load((struct slice){out.data, out.size}, &c, &err), &err);
    int64_t count = segment_bitmap_list(c, list, MEMBERS), at = 0;
    for (uint32_t i = 0; i < MEMBERS; i++) {
        assert_int_equal(segment_bitmap_has(c, i), in_a[i]);
        if (in_a[i]) assert_int_equal(list[at++], i);
    }
    assert_int_equal(count, at);
    segment_bitmap_part(c, b);
    assert_int_equal(segment_bitmap_count(c), only_a);
    segment_bitmap_join(c, b);
    assert_int_equal(segment_bitmap_count(c), either);
    segment_bitmap_meet(c, a);
    assert_int_equal(segment_bitmap_count(c), segment_bitmap_count(a));
    segment_bitmap_free(c);
    CHECK_FAILS(segment_bitmap_load((struct slice){out.data, out.size - 1}, &c, &err), &err,
                KAI_CORRUPT, "damaged");
    segment_bitmap_free(a);
    segment_bitmap_free(b);
    buf_release(&out);
}

static void test_label__reads_the_future_only(void **state) {
    (void)state;
    struct shop shop;
    struct label label;
    open_shop(&shop);
    CHECK_OK(label_parse(slice_of("churn: no order in 60 days after 30 active"), &label, &shop.err),
             &shop.err);
    assert_string_equal(label.name, "churn");
    assert_true(label_is_row(&label, shop.touches, shop.count, T));
    CHECK_NEAR(label_value(&label, &shop.book, shop.touches, shop.count, T), 0, 0);
    CHECK_NEAR(label_value(&label, &shop.book, shop.touches, shop.count, T + 2 * DAY), 1, 0);
    assert_false(label_is_row(&label, shop.touches, shop.count, T + 90 * DAY));
    assert_false(label_is_row(&label, shop.touches, shop.count, T - 21 * DAY));
    assert_true(label_is_known(&label, T, T + 60 * DAY));
    assert_false(label_is_known(&label, T, T + 60 * DAY - 1));
    CHECK_OK(label_parse(slice_of("next:money in 36 hours"), &label, &shop.err), &shop.err);
    CHECK_NEAR(label_value(&label, &shop.book, shop.touches, shop.count, T), 500, 0);
    CHECK_OK(
        label_parse(slice_of("n: count 'view' in 7 days after 9 days active"), &label, &shop.err),
        &shop.err);
    CHECK_NEAR(label_value(&label, &shop.book, shop.touches, shop.count, T - 7 * DAY), 3, 0);
    touch_book_release(&shop.book);
}

static void test_label__errors_name_column_and_reason(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"", "column 1: expected a name"},
        {"churn no order", "column 6: expected ':'"},
        {"churn: no", "expected a type"},
        {"churn: no order 60 days", "expected 'in'"},
        {"c: order in x days", "column 13: expected a number"},
        {"c: order in -3 days", "expected a number"},
        {"c: order in 3 weeks", "expected days, hours or minutes"},
        {"c: order in 3 days after 30", "expected 'active'"},
        {"c: order in 3 days or so", "column 20: expected the end"}};
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct label label;
        kai_err err = {0};
        CHECK_FAILS(label_parse(slice_of(CASES[i][0]), &label, &err), &err, KAI_INVALID,
                    CASES[i][1]);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_segment__reads_traits_and_history),
        cmocka_unit_test(test_segment__errors_name_column_and_reason),
        cmocka_unit_test(test_segment__is_bounded),
        cmocka_unit_test(test_segment__prints_what_it_parses),
        cmocka_unit_test(test_segment_bitmap__equals_plain_sets),
        cmocka_unit_test(test_label__reads_the_future_only),
        cmocka_unit_test(test_label__errors_name_column_and_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
