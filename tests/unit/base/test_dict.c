#include <stdio.h>
#include <string.h>

#include "base/dict.h"
#include "kit/check.h"

enum { TEXTS = 20000 };

static struct slice name_of(int i, char space[32]) {
    return (struct slice){space, (size_t)snprintf(space, 32, "key %d", i * 7919)};
}

static void fill(struct dict *dict) {
    dict_init(dict);
    kai_err err;
    char space[32];
    for (int i = 0; i < TEXTS; i++) {
        int32_t code = -1;
        CHECK_OK(dict_add(dict, name_of(i, space), &code, &err), &err);
        assert_int_equal(code, i);
        CHECK_OK(dict_add(dict, name_of(i / 2, space), &code, &err), &err); /* known */
        assert_int_equal(code, i / 2);
    }
}

static void test_dict__codes_are_the_order_of_appearance(void **state) {
    (void)state;
    struct dict dict;
    fill(&dict);
    char space[32];
    assert_int_equal(dict.count, TEXTS);
    for (int i = 0; i < TEXTS; i++) {
        struct slice name = name_of(i, space);
        assert_int_equal(dict_find(&dict, name), i);
        assert_string_equal(dict_text(&dict, i), space);
    }
    assert_int_equal(dict_find(&dict, slice_of("none")), -1);
    dict_release(&dict);
    assert_int_equal(dict.count, 0);
}

static void test_dict__holds_empty_and_similar_texts(void **state) {
    (void)state;
    struct dict dict;
    dict_init(&dict);
    kai_err err;
    assert_int_equal(dict_find(&dict, slice_of("a")), -1);
    static const struct slice TEXTS_ODD[] = {{"", 0}, {"a", 1}, {"a\0", 2}, {"a\0b", 3}, {"A", 1}};
    for (int i = 0; i < 5; i++) {
        int32_t code = -1;
        CHECK_OK(dict_add(&dict, TEXTS_ODD[i], &code, &err), &err);
        assert_int_equal(code, i);
    }
    dict_release(&dict);
}

static void test_dict__a_copy_is_independent(void **state) {
    (void)state;
    struct dict dict, copy;
    fill(&dict);
    kai_err err;
    CHECK_OK(dict_copy(&dict, &copy, &err), &err);
    dict_release(&dict);
    char space[32];
    assert_int_equal(copy.count, TEXTS);
    for (int i = 0; i < TEXTS; i += 101) assert_int_equal(dict_find(&copy, name_of(i, space)), i);
    dict_release(&copy);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dict__codes_are_the_order_of_appearance),
        cmocka_unit_test(test_dict__holds_empty_and_similar_texts),
        cmocka_unit_test(test_dict__a_copy_is_independent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
