/* The stable sort, against a sort by key and then by place. */
#include "base/stable_sort.h"

#include <stdlib.h>

#include "base/rng.h"
#include "kit/check.h"

enum { COUNT_MAX = 1000 };

struct thing {
    int64_t key;
    int32_t place, more[3];
};

static int is_not_later(const void *user, const void *a, const void *b) {
    ++*(int64_t *)(intptr_t)user; /* how often it is asked */
    return ((const struct thing *)a)->key <= ((const struct thing *)b)->key;
}

static int by_key_and_place(const void *a, const void *b) {
    const struct thing *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->place - y->place;
}

static void check_count(int32_t count, double keys) {
    static struct thing items[COUNT_MAX], wanted[COUNT_MAX], scratch[COUNT_MAX];
    int64_t asked = 0;
    struct rng rng;
    rng_init(&rng, 5, "sort", (uint64_t)count);
    for (int32_t i = 0; i < count; i++)
        items[i] = wanted[i] = (struct thing){(int64_t)(rng_unit(&rng) * keys), i, {i, -i, 7}};
    qsort(wanted, (size_t)count, sizeof *wanted, by_key_and_place);
    stable_sort(items, scratch, count, sizeof *items, is_not_later, &asked);
    assert_memory_equal(items, wanted, (size_t)count * sizeof *items);
    asked = 0;
    stable_sort(items, NULL, count, sizeof *items, is_not_later, &asked); /* one look */
    assert_memory_equal(items, wanted, (size_t)count * sizeof *items);
    assert_int_equal(asked, count ? count - 1 : 0);
    assert_true(stable_is_sorted(items, count, sizeof *items, is_not_later, &asked));
}

static void test_stable_sort__keeps_the_order_of_equals(void **state) {
    (void)state;
    for (int32_t count = 0; count < 70; count++)
        for (int keys = 1; keys < 30; keys += 7) check_count(count, keys);
    check_count(COUNT_MAX, 50);
    check_count(COUNT_MAX, 1e15);
}

static void test_stable_sort__tells_what_is_out_of_order(void **state) {
    struct thing items[] = {{.key = 1}, {.key = 1}, {.key = 0}};
    int64_t asked = 0;
    (void)state;
    assert_false(stable_is_sorted(items, 3, sizeof *items, is_not_later, &asked));
    assert_true(stable_is_sorted(items, 2, sizeof *items, is_not_later, &asked));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stable_sort__keeps_the_order_of_equals),
        cmocka_unit_test(test_stable_sort__tells_what_is_out_of_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
