#include "kernel/blas.h"

#include <string.h>

#include "base/pool.h"
#include "base/rng.h"
#include "kit/check.h"

/* Above 100^3 multiply-adds, where the library packs into buffers that its threads share. */
enum { SIDE = 64, DEPTH = 261, PRODUCTS = 20000, THREADS = 4 };

struct products {
    float a[DEPTH * SIDE];
    float expected[SIDE * SIDE];
    int is_wrong[PRODUCTS];
};

static void multiply(const float *a, float *c) {
    memset(c, 0, SIDE * SIDE * sizeof *c);
    blas_gemm_f32(1, SIDE, SIDE, DEPTH, a, SIDE, a, SIDE, c, SIDE);
}

static kai_status check_product(void *user, int64_t item, int32_t worker, kai_err *err) {
    struct products *products = user;
    float c[SIDE * SIDE];
    (void)worker, (void)err;
    multiply(products->a, c);
    products->is_wrong[item] = memcmp(c, products->expected, sizeof c) != 0;
    return KAI_OK;
}

static void test_blas__multiplies_in_several_threads_at_once(void **state) {
    (void)state;
    static struct products products;
    struct pool *pool = NULL;
    struct rng rng;
    kai_err err = {0};
    int wrong = 0;
    rng_init(&rng, 1, "test.blas", 0);
    for (int i = 0; i < DEPTH * SIDE; i++) products.a[i] = (float)rng_unit(&rng);
    multiply(products.a, products.expected);
    CHECK_OK(pool_new(THREADS, &pool, &err), &err);
    CHECK_OK(pool_run(pool, PRODUCTS, check_product, &products, &err), &err);
    pool_free(pool);
    for (int i = 0; i < PRODUCTS; i++) wrong += products.is_wrong[i];
    assert_int_equal(wrong, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_blas__multiplies_in_several_threads_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
