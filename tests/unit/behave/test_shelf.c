#include "behave/shelf.h"

#include "histories_kit.h"

enum { ITEMS = 8 };

/* The list under `rules` from rising scores 0 .. 7, so that item 7 is best, as digits. */
static void check_list(const struct shelf_rules *rules, const char *expected) {
    struct shelf shelf;
    kai_err err = {0};
    CHECK_OK(shelf_init(&shelf, ITEMS, &err), &err);
    for (int round = 0; round < 2; round++) { /* a list leaves nothing behind for the next */
        float scores[ITEMS], list_scores[ITEMS];
        int32_t items[ITEMS];
        char text[ITEMS + 1] = "";
        for (int i = 0; i < ITEMS; i++) scores[i] = (float)i;
        int32_t count = shelf_arrange(&shelf, rules, scores, items, list_scores);
        for (int32_t i = 0; i < count; i++) text[i] = (char)('0' + items[i]);
        assert_string_equal(text, expected);
    }
    shelf_release(&shelf);
}

static const int32_t CATEGORIES[ITEMS] = {0, 1, 2, -1, 1, 0, 0, 0};

static void test_shelf__puts_the_best_first(void **state) {
    (void)state;
    check_list(&(struct shelf_rules){.k = 3}, "765");
    check_list(&(struct shelf_rules){.k = 8}, "76543210");
}

static void test_shelf__obeys_pins_boosts_and_burials(void **state) {
    (void)state;
    static const uint8_t excluded[ITEMS] = {[7] = 1, [2] = 1}, buried[ITEMS] = {[6] = 1, [5] = 1};
    static const float boost[ITEMS] = {[1] = 100};
    static const int32_t pinned[] = {3, 2, 3, 0};
    struct shelf_rules rules = {.k = 6,
                                .is_excluded = excluded,
                                .is_buried = buried,
                                .boost = boost,
                                .pinned = pinned,
                                .pinned_count = 4};
    check_list(&rules, "301465"); /* 2 is pinned, but excluded */
    rules.k = 1;
    check_list(&rules, "3");
}

static void test_shelf__limits_categories(void **state) {
    (void)state;
    check_list(&(struct shelf_rules){.k = 5, .categories = CATEGORIES, .per_category = 1}, "7432");
    check_list(&(struct shelf_rules){.k = 4, .categories = CATEGORIES, .per_category = 2}, "7643");
    static const int32_t pinned[] = {0};
    check_list(&(struct shelf_rules){.k = 3,
                                     .categories = CATEGORIES,
                                     .per_category = 1,
                                     .pinned = pinned,
                                     .pinned_count = 1},
               "043");
}

/* Relevance is score / 7 of eight candidates. At d = 0.5: 7 (1/2), then what has a new category:
 * 4 (.5 * 4/7 = .29) against 6 (.5 * 6/7 - .5 < 0); 3 has none and never repeats one (.21); 2. */
static void test_shelf__weighs_relevance_against_repetition(void **state) {
    (void)state;
    struct shelf_rules rules = {.k = 4, .categories = CATEGORIES, .diversity = 0.5};
    check_list(&rules, "7432");
    rules.diversity = 0.05; /* .95 * 6/7 - .05 = .76 is above .95 * 4/7 = .54 */
    check_list(&rules, "7654");
    rules.diversity = 0;
    check_list(&rules, "7654");
}

static void test_shelf__shows_nothing_that_cannot_be_shown(void **state) {
    (void)state;
    struct shelf shelf;
    kai_err err = {0};
    float scores[ITEMS], list_scores[ITEMS];
    int32_t items[ITEMS];
    CHECK_OK(shelf_init(&shelf, ITEMS, &err), &err);
    for (int i = 0; i < ITEMS; i++) scores[i] = i == 4 ? 1 : -INFINITY;
    assert_int_equal(
        shelf_arrange(&shelf, &(struct shelf_rules){.k = 5}, scores, items, list_scores), 1);
    assert_int_equal(items[0], 4);
    shelf_release(&shelf);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shelf__puts_the_best_first),
        cmocka_unit_test(test_shelf__obeys_pins_boosts_and_burials),
        cmocka_unit_test(test_shelf__limits_categories),
        cmocka_unit_test(test_shelf__weighs_relevance_against_repetition),
        cmocka_unit_test(test_shelf__shows_nothing_that_cannot_be_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
