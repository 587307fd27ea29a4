/* Every body of the dense layer's kernels against the reference, over sizes around the vector and
 * tile widths, unaligned offsets, and every combination of start and finish. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernel/dispatch.h"
#include "kernel/gemm.h"
#include "kit/check.h"

static const int64_t SIZES[] = {0, 1, 7, 8, 9, 31, 32, 33, 1000};
enum { SIZE_COUNT = 9, ROOM = 1100 * 1100, GUARD = 64 };

static float *left, *right, *gate, *start, *expected, *actual;

static float *numbers(uint64_t index, int64_t count) {
    float *values = test_malloc((size_t)count * sizeof *values);
    struct rng rng;
    rng_init(&rng, 42, "test.gemm", index);
    for (int64_t i = 0; i < count; i++) values[i] = (float)(2 * rng_unit(&rng) - 1);
    return values;
}

static int setup(void **state) {
    (void)state;
    left = numbers(1, ROOM);
    right = numbers(2, ROOM);
    gate = numbers(3, ROOM);
    start = numbers(4, ROOM);
    expected = numbers(5, ROOM);
    actual = numbers(6, ROOM);
    return 0;
}

static int teardown(void **state) {
    (void)state;
    float *all[] = {left, right, gate, start, expected, actual};
    for (int i = 0; i < 6; i++) test_free(all[i]);
    return 0;
}

/* Bits of `how`: A transposed, added, bias, relu, gate. */
static struct gemm make(int64_t m, int64_t n, int64_t k, int how, int64_t offset) {
    struct gemm gemm = {.m = m, .n = n, .k = k, .gain = 1.25f};
    gemm.a_is_transposed = how & 1;
    gemm.a = left + offset;
    gemm.a_row = (gemm.a_is_transposed ? m : k) + offset;
    gemm.b = right + 2 * offset;
    gemm.b_row = n + 3 * offset;
    gemm.c_row = n + offset + (n == 0); /* the comparison divides by it */
    gemm.is_added = how >> 1 & 1;
    gemm.bias = how >> 2 & 1 ? start + offset : NULL;
    gemm.is_relu = how >> 3 & 1;
    gemm.gate = how >> 4 & 1 ? gate + offset : NULL;
    gemm.gate_row = n + 2 * offset;
    return gemm;
}

static void compare(const struct kernel_table *table, struct gemm gemm, int64_t offset) {
    const int64_t floats = gemm.m * gemm.c_row + GUARD;
    memcpy(expected, start, (size_t)(floats + offset) * sizeof *start);
    memcpy(actual, start, (size_t)(floats + offset) * sizeof *start);
    gemm.c = expected + offset;
    kernel_table_named("ref")->gemm_f32(&gemm);
    gemm.c = actual + offset;
    if (table)
        table->gemm_f32(&gemm);
    else
        gemm_f32(&gemm);
    /* |a b| <= 1, |start| <= 2, gain 1.25 */
    const double tolerance = 1.25 * (double)(gemm.k + 2) * (double)(gemm.k + 2) * 0x1p-24;
    for (int64_t i = 0; i < floats; i++) {
        int is_inside = i / gemm.c_row < gemm.m && i % gemm.c_row < gemm.n;
        double apart = fabs((double)expected[offset + i] - (double)actual[offset + i]);
        if (!(apart <= (is_inside ? tolerance : 0)))
            fail_msg("m %d n %d k %d at %d: %g, reference %g", (int)gemm.m, (int)gemm.n,
                     (int)gemm.k, (int)i, (double)actual[offset + i], (double)expected[offset + i]);
    }
}

static void test_gemm__all_bodies_agree_with_reference(void **state) {
    (void)state;
    const struct kernel_table *table = kernel_table_named("avx2");
    if (!table) skip();
    for (int m = 0; m < SIZE_COUNT; m++)
        for (int n = 0; n < SIZE_COUNT; n++)
            for (int k = 0; k < SIZE_COUNT; k++) {
                int large = (SIZES[m] == 1000) + (SIZES[n] == 1000) + (SIZES[k] == 1000);
                if (large > 1) continue;
                for (int how = 0; how < 32; how++) {
                    if (large && how % 5 != 0) continue;
                    compare(table, make(SIZES[m], SIZES[n], SIZES[k], how, how % 3), how % 3);
                }
            }
}

static void test_gemm__every_remainder_of_rows_and_columns(void **state) {
    (void)state;
    const struct kernel_table *table = kernel_table_named("avx2");
    if (!table) skip();
    for (int64_t m = 0; m <= 26; m++)
        for (int64_t n = 0; n <= 26; n++)
            for (int how = 0; how < 32; how += 3) compare(table, make(m, n, 5, how, 1), 1);
}

static void test_gemm__large_sizes_go_to_blas_with_the_same_answer(void **state) {
    (void)state;
    for (int how = 0; how < 32; how++) compare(NULL, make(70, 330, 400, how, how % 3), how % 3);
}

/* A product that can be told by hand. */
static void test_gemm__reference_is_the_definition(void **state) {
    (void)state;
    const float a[] = {1, 2, 3, 4}, b[] = {5, 6, 7, 8}, bias[] = {-19, 1}, open[] = {1, 0, -1, 2};
    float c[4] = {0};
    struct gemm gemm = {2, 2, 2, a, 2, b, 2, c, 2, bias, NULL, 0, 0, 0, 0, 1};
    kernel_table_named("ref")->gemm_f32(&gemm);
    const float forward[] = {0, 23, 24, 51}; /* {19 22; 43 50} + bias, relu */
    for (int i = 0; i < 4; i++) CHECK_NEAR((double)c[i], (double)forward[i], 0);
    gemm = (struct gemm){2, 2, 2, a, 2, b, 2, c, 2, NULL, open, 2, 0.5f, 1, 0, 0};
    kernel_table_named("ref")->gemm_f32(&gemm);
    const float backward[] = {13, 0, 0, 22}; /* A' B = {26 30; 38 44}, gated, halved */
    for (int i = 0; i < 4; i++) CHECK_NEAR((double)c[i], (double)backward[i], 0);
}

static void test_gemm__transposes_exactly(void **state) {
    (void)state;
    for (int i = 0; i < SIZE_COUNT; i++)
        for (int j = 0; j < SIZE_COUNT; j++) {
            int64_t rows = SIZES[i], columns = SIZES[j], in_row = columns + 3, out_row = rows + 1;
            memset(actual, 0, (size_t)(columns * out_row + 1) * sizeof *actual);
            transpose_f32(rows, columns, left + 1, in_row, actual + 1, out_row);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t c = 0; c < columns; c++)
                    if (memcmp(&actual[1 + c * out_row + r], &left[1 + r * in_row + c],
                               sizeof(float)))
                        fail_msg("%d x %d differs", (int)rows, (int)columns);
        }
}

static void check_lookup(const struct kernel_table *table, int64_t rows, int64_t columns,
                         int64_t width) {
    enum { CODES = 13 };
    int32_t *codes = test_malloc((size_t)(rows * columns + 1) * sizeof *codes);
    struct rng rng;
    rng_init(&rng, 7, "test.lookup", (uint64_t)(rows * 1000 + width));
    for (int64_t i = 0; i < rows * columns; i++) codes[i] = (int32_t)rng_below(&rng, CODES);
    struct lookup lookup = {rows, columns, width, codes, width + 2, width + 1};
    const struct kernel_table *reference = kernel_table_named("ref");
    size_t floats = (size_t)((rows > CODES ? rows : CODES) * (width + 2) + 1);
    memcpy(expected, start, floats * sizeof *start);
    memcpy(actual, start, floats * sizeof *start);
    reference->lookup_forward_f32(&lookup, left + 1, expected + 1);
    table->lookup_forward_f32(&lookup, left + 1, actual + 1);
    assert_memory_equal(expected, actual, floats * sizeof *start);
    reference->lookup_backward_f32(&lookup, right + 1, expected + 1);
    table->lookup_backward_f32(&lookup, right + 1, actual + 1);
    assert_memory_equal(expected, actual, floats * sizeof *start);
    test_free(codes);
}

static void test_lookup__all_bodies_are_equal(void **state) {
    (void)state;
    const struct kernel_table *table = kernel_table_named("avx2");
    if (!table) skip();
    for (int rows = 0; rows < SIZE_COUNT; rows++)
        for (int width = 0; width < SIZE_COUNT; width++)
            for (int64_t columns = 0; columns < 4; columns += 3)
                check_lookup(table, SIZES[rows], columns, SIZES[width]);
}

/* Looking up is multiplying by a one-hot matrix, and its gradient the transposed product. */
static void test_lookup__is_a_one_hot_product(void **state) {
    (void)state;
    enum { ROWS = 20, CODES = 6, WIDTH = 11 };
    int32_t codes[ROWS];
    float hot[ROWS * CODES] = {0}, product[ROWS * WIDTH], slopes[CODES * WIDTH] = {0};
    float looked[ROWS * WIDTH], added[CODES * WIDTH] = {0};
    for (int r = 0; r < ROWS; r++) {
        codes[r] = (r * 5) % CODES;
        hot[r * CODES + codes[r]] = 1;
    }
    struct lookup lookup = {ROWS, 1, WIDTH, codes, WIDTH, WIDTH};
    struct gemm forward = {.m = ROWS,
                           .n = WIDTH,
                           .k = CODES,
                           .a = hot,
                           .a_row = CODES,
                           .b = left,
                           .b_row = WIDTH,
                           .c = product,
                           .c_row = WIDTH};
    struct gemm backward = {.m = CODES,
                            .n = WIDTH,
                            .k = ROWS,
                            .a = hot,
                            .a_row = CODES,
                            .a_is_transposed = 1,
                            .b = right,
                            .b_row = WIDTH,
                            .c = slopes,
                            .c_row = WIDTH};
    gemm_f32(&forward);
    gemm_f32(&backward);
    lookup_forward_f32(&lookup, left, looked);
    lookup_backward_f32(&lookup, right, added);
    for (int i = 0; i < ROWS * WIDTH; i++) CHECK_NEAR((double)looked[i], (double)product[i], 0);
    for (int i = 0; i < CODES * WIDTH; i++) CHECK_NEAR((double)added[i], (double)slopes[i], 1e-6);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_gemm__all_bodies_agree_with_reference),
        cmocka_unit_test(test_gemm__every_remainder_of_rows_and_columns),
        cmocka_unit_test(test_gemm__large_sizes_go_to_blas_with_the_same_answer),
        cmocka_unit_test(test_gemm__reference_is_the_definition),
        cmocka_unit_test(test_gemm__transposes_exactly),
        cmocka_unit_test(test_lookup__all_bodies_are_equal),
        cmocka_unit_test(test_lookup__is_a_one_hot_product),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
