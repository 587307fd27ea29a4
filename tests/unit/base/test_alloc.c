#include <stdint.h>
#include <string.h>

#include "base/alloc.h"
#include "base/arena.h"
#include "kit/check.h"

static void test_alloc__overflow_is_refused(void **state) {
    (void)state;
    assert_null(mem_array(SIZE_MAX / 2, 3));
    assert_null(mem_zero(SIZE_MAX, SIZE_MAX));
    assert_null(mem_aligned(SIZE_MAX / 4, 4));
    assert_null(mem_aligned(SIZE_MAX - 8, 1));
    char *memory = mem_string("kept");
    assert_null(mem_resize(memory, SIZE_MAX / 2, 3));
    assert_string_equal(memory, "kept");
    mem_free(memory);
}

static void test_alloc__nothing_is_something(void **state) {
    (void)state;
    void *memory = mem_alloc(0);
    assert_non_null(memory);
    memory = mem_resize(memory, 0, 8);
    assert_non_null(memory);
    mem_free(memory);
    memory = mem_resize(NULL, 2, 8);
    assert_non_null(memory);
    mem_free(memory);
    mem_free(NULL);
    mem_free_aligned(NULL);
}

static void test_alloc__zero_and_aligned_are_clean(void **state) {
    (void)state;
    for (size_t n = 0; n < 300; n += 37) {
        unsigned char *bytes = mem_aligned(n, 1);
        assert_int_equal((uintptr_t)bytes % 64, 0);
        for (size_t i = 0; i < n; i++) assert_int_equal(bytes[i], 0);
        memset(bytes, 0xff, n);
        mem_free_aligned(bytes);
        bytes = mem_zero(n, 1);
        for (size_t i = 0; i < n; i++) assert_int_equal(bytes[i], 0);
        mem_free(bytes);
    }
}

static void test_alloc__copies_strings(void **state) {
    (void)state;
    char *whole = mem_string("spring"), *part = mem_string_n("spring", 3);
    assert_string_equal(whole, "spring");
    assert_string_equal(part, "spr");
    mem_free(whole);
    mem_free(part);
}

static void test_alloc__the_allocator_can_be_replaced(void **state) {
    (void)state;
    check_alloc_fail(2, 0);
    void *first = mem_alloc(8);
    assert_non_null(first);
    assert_null(mem_alloc(8));
    void *third = mem_alloc(8);
    assert_non_null(third);
    assert_int_equal(check_alloc_count(), 3);
    assert_int_equal(check_alloc_live(), 2);
    mem_free(first);
    mem_free(third);
    assert_int_equal(check_alloc_live(), 0);
    check_alloc_fail(1, 1);
    assert_null(mem_alloc(8));
    assert_null(mem_alloc(8));
    check_alloc_reset();
}

static void test_arena__pieces_are_apart_aligned_and_zero(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    unsigned char *pieces[200];
    for (int i = 0; i < 200; i++) {
        size_t n = (size_t)(i * 37 % 3000);
        pieces[i] = arena_alloc(&arena, n, 1);
        assert_non_null(pieces[i]);
        assert_int_equal((uintptr_t)pieces[i] % 16, 0);
        for (size_t j = 0; j < n; j++) assert_int_equal(pieces[i][j], 0);
        memset(pieces[i], i, n);
    }
    for (int i = 0; i < 200; i++)
        for (int j = 0; j < i * 37 % 3000; j++) assert_int_equal(pieces[i][j], i % 256);
    arena_release(&arena);
    assert_null(arena.blocks);
    arena_release(&arena); /* twice is fine */
}

static void test_arena__takes_large_pieces_and_refuses_overflow(void **state) {
    (void)state;
    struct arena arena;
    arena_init(&arena);
    char *small = arena_string(&arena, "small");
    char *large = arena_alloc(&arena, 1 << 20, 1);
    assert_non_null(large);
    memset(large, 1, 1 << 20);
    assert_string_equal(small, "small");
    assert_null(arena_alloc(&arena, SIZE_MAX / 2, 4));
    assert_null(arena_alloc(&arena, SIZE_MAX - 7, 1));
    assert_string_equal(arena_string_n(&arena, "spring", 2), "sp");
    arena_release(&arena);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_alloc__overflow_is_refused),
        cmocka_unit_test(test_alloc__nothing_is_something),
        cmocka_unit_test(test_alloc__zero_and_aligned_are_clean),
        cmocka_unit_test(test_alloc__copies_strings),
        cmocka_unit_test(test_alloc__the_allocator_can_be_replaced),
        cmocka_unit_test(test_arena__pieces_are_apart_aligned_and_zero),
        cmocka_unit_test(test_arena__takes_large_pieces_and_refuses_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
