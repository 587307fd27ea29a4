#include "kernel/topk.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kit/check.h"

enum { ROOM = 1100 };

/* The k best by looking through all of them again for each place. */
static int32_t topk_plain(int64_t n, const float *scores, int32_t k, int32_t *index) {
    unsigned char is_taken[ROOM] = {0};
    for (int32_t place = 0; place < k; place++) {
        int64_t best = -1;
        for (int64_t i = 0; i < n; i++)
            if (!is_taken[i] && scores[i] > -INFINITY && (best < 0 || scores[i] > scores[best]))
                best = i;
        if (best < 0) return place;
        is_taken[best] = 1;
        index[place] = (int32_t)best;
    }
    return k;
}

static void test_topk__equals_plain_selection(void **state) {
    (void)state;
    static const int64_t sizes[] = {0, 1, 7, 8, 9, 31, 32, 33, 63, 64, 65, 1000};
    static const int32_t ks[] = {0, 1, 2, 10, 64, 1000};
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
        for (size_t j = 0; j < sizeof ks / sizeof *ks; j++)
            for (int levels = 3; levels <= 100000; levels = levels * 30 + 1) {
                float scores[ROOM], found[ROOM];
                int32_t expected[ROOM], index[ROOM];
                struct rng rng;
                rng_init(&rng, s * 100 + j, "test.topk", (uint64_t)levels);
                for (int64_t i = 0; i < sizes[s]; i++) /* ties, holes and things that are none */
                    scores[i] = rng_below(&rng, 11) == 0   ? -INFINITY
                                : rng_below(&rng, 31) == 0 ? NAN
                                                           : (float)rng_below(&rng,
                                                                              (uint64_t)levels);
                int32_t count = topk_plain(sizes[s], scores, ks[j], expected);
                assert_int_equal(topk_f32(sizes[s], scores, ks[j], index, found), count);
                for (int32_t i = 0; i < count; i++) {
                    assert_int_equal(index[i], expected[i]);
                    CHECK_NEAR((double)found[i], (double)scores[expected[i]], 0);
                    assert_int_equal(rank_f32(sizes[s], scores, expected[i]), i);
                }
            }
}

static void test_topk__takes_rising_and_falling_scores(void **state) {
    (void)state;
    float rising[ROOM], falling[ROOM], found[20];
    int32_t index[20];
    for (int i = 0; i < ROOM; i++) rising[i] = (float)i, falling[i] = (float)-i;
    assert_int_equal(topk_f32(ROOM, rising, 20, index, found), 20);
    for (int i = 0; i < 20; i++) assert_int_equal(index[i], ROOM - 1 - i);
    assert_int_equal(topk_f32(ROOM, falling, 20, index, found), 20);
    for (int i = 0; i < 20; i++) assert_int_equal(index[i], i);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_topk__equals_plain_selection),
        cmocka_unit_test(test_topk__takes_rising_and_falling_scores),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
