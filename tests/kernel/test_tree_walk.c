#include "kernel/tree_walk.h"

#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernel/dispatch.h"
#include "kit/check.h"

enum { NODES = 2001, ROWS_MAX = 1000, STRIDE = 12, COLUMNS = 11 };

static struct tree_walk_node node[NODES];
static uint8_t codes[ROWS_MAX * STRIDE + 3];
static int32_t row[ROWS_MAX];

/* A random tree: each node in turn gets children while there is room, some stay leaves. */
static void grow(uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed, "tree", 0);
    int32_t used = 1;
    for (int32_t n = 0; n < used; n++) {
        node[n] = (struct tree_walk_node){.left = n, .bin = 255};
        if (used + 2 > NODES || (n > 20 && rng_below(&rng, 3) == 0)) continue;
        node[n] = (struct tree_walk_node){used, (uint16_t)rng_below(&rng, COLUMNS),
                                          (uint8_t)rng_below(&rng, 255), 0};
        used += 2;
    }
    for (size_t i = 0; i < sizeof codes; i++) codes[i] = (uint8_t)rng_below(&rng, 256);
    for (int32_t i = 0; i < ROWS_MAX; i++) row[i] = (int32_t)rng_below(&rng, ROWS_MAX);
}

static void test_tree_walk__bodies_agree(void **state) {
    (void)state;
    const struct kernel_table *table = kernel_table_named("avx2");
    const int64_t counts[] = {0, 1, 7, 8, 9, 15, 16, 17, 31, 32, 33, 1000};
    if (!table) skip();
    for (uint64_t seed = 0; seed < 5; seed++) {
        grow(seed);
        for (size_t c = 0; c < sizeof counts / sizeof *counts; c++)
            for (int by_row = 0; by_row < 2; by_row++)
                for (int64_t offset = 0; offset < 3 && offset <= counts[c]; offset++) {
                    int32_t leaf[2][ROWS_MAX];
                    struct tree_walk walk = {node, codes, STRIDE, by_row ? row + offset : NULL,
                                             counts[c] - offset};
                    kernel_table_named("ref")->tree_walk_u8(&walk, leaf[0]);
                    table->tree_walk_u8(&walk, leaf[1]);
                    assert_memory_equal(leaf[0], leaf[1], (size_t)walk.count * sizeof(int32_t));
                }
    }
}

/* By hand: column 1 at most 4 goes left, then column 0 at most 9; missing (255) goes right. */
static void test_tree_walk__finds_the_leaf(void **state) {
    (void)state;
    const struct tree_walk_node small[] = {
        {1, 1, 4, 0}, {3, 0, 9, 0}, {2, 0, 255, 0}, {3, 0, 255, 0}, {4, 0, 255, 0}};
    const uint8_t rows[4 * 2 + 3] = {9, 4, 10, 4, 9, 5, 0, 255};
    int32_t leaf[4];
    struct tree_walk walk = {small, rows, 2, NULL, 4};
    tree_walk_u8(&walk, leaf);
    const int32_t expected[] = {3, 4, 2, 2};
    assert_memory_equal(leaf, expected, sizeof expected);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tree_walk__bodies_agree),
        cmocka_unit_test(test_tree_walk__finds_the_leaf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
