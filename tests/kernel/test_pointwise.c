#include "kernel/pointwise.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernel/dispatch.h"
#include "kit/check.h"

enum { ROOM = 1100 };

static const int64_t SIZES[] = {0, 1, 7, 8, 9, 31, 32, 33, 1000};
enum { SIZE_COUNT = sizeof SIZES / sizeof *SIZES };

static const struct kernel_table *ref, *fast;

static void fill(float *values, double sd, uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed, "test.pointwise", 0);
    for (int i = 0; i < ROOM; i++) values[i] = (float)(sd * rng_normal(&rng));
}

static void check_all(const float *actual, const float *expected, double tolerance) {
    for (int i = 0; i < ROOM; i++)
        CHECK_NEAR((double)actual[i], (double)expected[i],
                   tolerance * (1 + fabs((double)expected[i])));
}

static void test_pointwise__gates_agree_with_reference(void **unused) {
    (void)unused;
    float x[ROOM], dy[ROOM], expected[ROOM], actual[ROOM];
    for (int s = 0; s < SIZE_COUNT; s++)
        for (int64_t offset = 0; offset < 3; offset++) {
            fill(x, s % 2 ? 1 : 30, (uint64_t)s);
            fill(dy, 1, 77);
            fill(expected, 1, 78);
            memcpy(actual, expected, sizeof actual);
            ref->silu_forward_f32(SIZES[s], x + offset, expected + offset);
            fast->silu_forward_f32(SIZES[s], x + offset, actual + offset);
            check_all(actual, expected, 2e-6);
            ref->silu_backward_f32(SIZES[s], x + offset, dy + offset, expected + offset);
            fast->silu_backward_f32(SIZES[s], x + offset, dy + offset, actual + offset);
            check_all(actual, expected, 1e-5);
        }
}

static void test_pointwise__glu_agrees_with_reference(void **unused) {
    (void)unused;
    static const int64_t widths[] = {1, 7, 8, 9, 33};
    float a[ROOM], b[ROOM], dy[ROOM], expected[3][ROOM], actual[3][ROOM];
    for (size_t w = 0; w < 5; w++) {
        struct glu glu = {5, widths[w], a, widths[w] + 3, b, widths[w] + 1};
        fill(a, 2, w);
        fill(b, 2, w + 10);
        fill(dy, 1, w + 20);
        memset(expected, 0, sizeof expected);
        memset(actual, 0, sizeof actual);
        ref->glu_forward_f32(&glu, expected[0]);
        fast->glu_forward_f32(&glu, actual[0]);
        ref->glu_backward_f32(&glu, dy, expected[1], 40, expected[2], 41);
        fast->glu_backward_f32(&glu, dy, actual[1], 40, actual[2], 41);
        for (int i = 0; i < 3; i++) check_all(actual[i], expected[i], 1e-5);
    }
}

static void test_pointwise__norms_agree_with_reference(void **unused) {
    (void)unused;
    static const int64_t widths[] = {1, 7, 8, 9, 33, 200};
    float x[ROOM], dy[ROOM], expected[2][ROOM], actual[2][ROOM], inverse[2][8];
    for (size_t w = 0; w < 6; w++)
        for (int is_added = 0; is_added < 2; is_added++) {
            fill(x, 3, w);
            fill(dy, 1, w + 10);
            for (int i = 0; i < 2; i++) fill(expected[i], 1, 5), fill(actual[i], 1, 5);
            ref->norm_forward_f32(5, widths[w], x, expected[0], inverse[0]);
            fast->norm_forward_f32(5, widths[w], x, actual[0], inverse[1]);
            ref->norm_backward_f32(5, widths[w], expected[0], inverse[0], dy, is_added,
                                   expected[1]);
            fast->norm_backward_f32(5, widths[w], actual[0], inverse[1], dy, is_added, actual[1]);
            for (int i = 0; i < 2; i++) check_all(actual[i], expected[i], 1e-5);
        }
}

static void test_pointwise__weights_agree_with_reference(void **unused) {
    (void)unused;
    float s[ROOM], ds[ROOM], bias[ROOM], expected[2][ROOM], actual[2][ROOM];
    for (int size = 1; size < SIZE_COUNT; size++)
        for (int kind = WEIGH_SOFTMAX; kind <= WEIGH_POINTWISE; kind++)
            for (int with_bias = 0; with_bias < 2; with_bias++) {
                fill(s, 4, (uint64_t)size);
                fill(ds, 1, 9);
                fill(bias, 1, 10);
                for (int i = 0; i < 2; i++) {
                    memcpy(expected[i], i ? ds : s, sizeof s);
                    memcpy(actual[i], i ? ds : s, sizeof s);
                }
                const float *b = with_bias ? bias : NULL;
                enum weigh weigh = kind ? WEIGH_POINTWISE : WEIGH_SOFTMAX;
                ref->weigh_forward_f32(weigh, SIZES[size], 0.3f, b, expected[0]);
                fast->weigh_forward_f32(weigh, SIZES[size], 0.3f, b, actual[0]);
                check_all(actual[0], expected[0], 1e-5);
                memcpy(expected[0], s, sizeof s);
                memcpy(actual[0], s, sizeof s);
                ref->weigh_backward_f32(weigh, SIZES[size], 0.3f, b, expected[0], expected[1]);
                fast->weigh_backward_f32(weigh, SIZES[size], 0.3f, b, actual[0], actual[1]);
                for (int i = 0; i < 2; i++) check_all(actual[i], expected[i], 1e-5);
            }
}

static void test_pointwise__exponentials_and_drops_agree_with_reference(void **unused) {
    (void)unused;
    float expected[ROOM], actual[ROOM];
    uint8_t noise[ROOM];
    for (int i = 0; i < ROOM; i++) noise[i] = (uint8_t)(i * 37);
    for (int size = 0; size < SIZE_COUNT; size++)
        for (int64_t offset = 0; offset < 3; offset++) {
            fill(expected, 1, (uint64_t)size);
            memcpy(actual, expected, sizeof actual);
            double sum = ref->exp_sum_f32(SIZES[size], 3, 5, expected + offset);
            CHECK_NEAR(fast->exp_sum_f32(SIZES[size], 3, 5, actual + offset), sum, 1e-5 * sum);
            check_all(actual, expected, 2e-6);
            memcpy(actual, expected, sizeof actual);
            ref->drop_f32(SIZES[size], noise + offset, 51, 1.25f, expected + offset);
            fast->drop_f32(SIZES[size], noise + offset, 51, 1.25f, actual + offset);
            assert_memory_equal(actual, expected, sizeof actual);
            float more[ROOM];
            fill(more, 1, 3);
            ref->add_f32(SIZES[size], more + 1, expected + offset);
            fast->add_f32(SIZES[size], more + 1, actual + offset);
            assert_memory_equal(actual, expected, sizeof actual);
        }
}

static void test_pointwise__exponentials_do_not_overflow(void **unused) {
    (void)unused;
    float x[] = {-1e30f, -200, -87, 0, 87, 200, 1e30f, -1, 1};
    (void)fast->exp_sum_f32(9, 1, 0, x);
    for (int i = 0; i < 9; i++) assert_true(isfinite(x[i]) && x[i] > 0);
    float y[] = {-1e30f, -100, 100, 1e30f};
    fast->silu_forward_f32(4, y, y);
    for (int i = 0; i < 4; i++) assert_true(isfinite(y[i]));
    CHECK_NEAR((double)y[1], 0, 1e-30);
    CHECK_NEAR((double)y[2], 100, 1e-4);
}

int main(void) {
    ref = kernel_table_named("ref");
    fast = kernel_table_named("avx2");
    if (!fast) return 77;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointwise__gates_agree_with_reference),
        cmocka_unit_test(test_pointwise__glu_agrees_with_reference),
        cmocka_unit_test(test_pointwise__norms_agree_with_reference),
        cmocka_unit_test(test_pointwise__weights_agree_with_reference),
        cmocka_unit_test(test_pointwise__exponentials_and_drops_agree_with_reference),
        cmocka_unit_test(test_pointwise__exponentials_do_not_overflow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
