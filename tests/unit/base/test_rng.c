#include <math.h>
#include <string.h>

#include "base/hash.h"
#include "base/rng.h"
#include "kit/check.h"

/* Known answers of Random123 (kat_vectors, philox4x32 with 10 rounds). */
static void test_rng__philox_known_answers(void **state) {
    (void)state;
    static const struct {
        uint32_t counter[4], key[2], block[4];
    } CASES[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        uint32_t block[4];
        rng_philox(CASES[i].counter, CASES[i].key, block);
        assert_memory_equal(block, CASES[i].block, sizeof block);
    }
}

static void test_rng__a_stream_is_its_three_names(void **state) {
    (void)state;
    struct rng a, b;
    static const struct {
        uint64_t seed;
        const char *purpose;
        uint64_t index;
    } OTHERS[] = {{43, "split", 7}, {42, "splat", 7}, {42, "split", 8}, {42, "split", 7ull << 32}};
    for (size_t i = 0; i < sizeof OTHERS / sizeof *OTHERS; i++) {
        rng_init(&a, 42, "split", 7);
        rng_init(&b, OTHERS[i].seed, OTHERS[i].purpose, OTHERS[i].index);
        int equal = 0;
        for (int k = 0; k < 1000; k++) equal += rng_u32(&a) == rng_u32(&b);
        assert_true(equal <= 1);
    }
    rng_init(&a, 42, "split", 7);
    rng_init(&b, 42, "split", 7);
    for (int k = 0; k < 1000; k++) assert_true(rng_u64(&a) == rng_u64(&b));
}

/* Sum over cells of (seen - expected)^2 / expected. */
static double chi_square(const int64_t *seen, int cells, double expected) {
    double sum = 0;
    for (int i = 0; i < cells; i++)
        sum += ((double)seen[i] - expected) * ((double)seen[i] - expected) / expected;
    return sum;
}

/* Any split into calls gives the same words, across the carry of the counter too. */
static void test_rng__fill_is_the_same_stream(void **state) {
    (void)state;
    static const int64_t counts[] = {1, 3, 32, 64, 5, 0, 33, 127};
    for (int carries = 0; carries < 2; carries++) {
        struct rng one, many;
        uint32_t words[128];
        rng_init(&one, 5, "fill", 9);
        rng_init(&many, 5, "fill", 9);
        if (carries) one.counter[0] = many.counter[0] = UINT32_MAX - 10;
        for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
            rng_fill(&many, words, counts[i]);
            for (int64_t k = 0; k < counts[i]; k++) assert_int_equal(words[k], rng_u32(&one));
        }
        assert_int_equal(one.counter[1], carries);
    }
}

static void test_rng__below_is_even(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, "below", 0);
    int64_t seen[7] = {0};
    for (int i = 0; i < 70000; i++) seen[rng_below(&rng, 7)]++;
    assert_true(chi_square(seen, 7, 10000) < 22.46); /* chi-square, 6 degrees, p = 0.001 */
    assert_int_equal(rng_below(&rng, 1), 0);
    for (int i = 0; i < 1000; i++) assert_true(rng_below(&rng, (1ull << 63) + 1) <= 1ull << 63);
}

static void test_rng__unit_and_normal_have_their_moments(void **state) {
    (void)state;
    enum { DRAWS = 200000 };
    struct rng rng;
    rng_init(&rng, 1, "moments", 0);
    double sum = 0, squares = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = rng_unit(&rng);
        assert_true(x >= 0 && x < 1);
        sum += x;
    }
    CHECK_NEAR(sum / DRAWS, 0.5, 4 * sqrt(1.0 / 12 / DRAWS));
    sum = 0;
    double cubes = 0, fourths = 0;
    for (int i = 0; i < DRAWS; i++) {
        double x = rng_normal(&rng);
        sum += x;
        squares += x * x;
        cubes += x * x * x;
        fourths += x * x * x * x;
    }
    CHECK_NEAR(sum / DRAWS, 0, 4 / sqrt(DRAWS));
    CHECK_NEAR(squares / DRAWS, 1, 4 * sqrt(2.0 / DRAWS));
    CHECK_NEAR(cubes / DRAWS, 0, 4 * sqrt(15.0 / DRAWS));
    CHECK_NEAR(fourths / DRAWS, 3, 4 * sqrt(96.0 / DRAWS));
}

static void test_rng__shuffle_gives_each_order_equally(void **state) {
    (void)state;
    struct rng rng;
    rng_init(&rng, 1, "shuffle", 0);
    int64_t seen[6] = {0};
    for (int i = 0; i < 60000; i++) {
        int64_t items[3] = {0, 1, 2};
        rng_shuffle(&rng, items, 3);
        assert_int_equal(items[0] + items[1] + items[2], 3);
        seen[items[0] * 2 + (items[1] > items[2])]++;
    }
    assert_true(chi_square(seen, 6, 10000) < 20.52); /* chi-square, 5 degrees, p = 0.001 */
    rng_shuffle(&rng, NULL, 0);
}

/* SplitMix64 from state 0 begins e220a8397b1dcdaf, 6e789e6aa1b965f4 (Vigna's reference code). */
static void test_hash__mix_is_splitmix64(void **state) {
    (void)state;
    assert_true(hash_mix(0) == 0xe220a8397b1dcdafull);
    assert_true(hash_mix(0x9e3779b97f4a7c15ull) == 0x6e789e6aa1b965f4ull);
}

static void test_hash__every_bit_counts(void **state) {
    (void)state;
    unsigned char bytes[21];
    for (size_t i = 0; i < sizeof bytes; i++) bytes[i] = (unsigned char)(i * 31);
    for (size_t n = 0; n <= sizeof bytes; n++) {
        uint64_t hash = hash_bytes(bytes, n, 5);
        assert_true(hash != hash_bytes(bytes, n, 6));
        if (n < sizeof bytes) assert_true(hash != hash_bytes(bytes, n + 1, 5));
        int changed = 0;
        for (size_t bit = 0; bit < 8 * n; bit++) {
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
            uint64_t other = hash_bytes(bytes, n, 5);
            assert_true(other != hash);
            changed += __builtin_popcountll(other ^ hash);
            bytes[bit / 8] ^= (unsigned char)(1 << bit % 8);
        }
        if (n > 2) CHECK_NEAR(changed / (8.0 * (double)n), 32, 3); /* half of the 64 bits flip */
    }
}

static void test_hash__zero_bytes_and_lengths_differ(void **state) {
    (void)state;
    static const unsigned char ZEROS[64];
    for (size_t a = 0; a < 64; a++)
        for (size_t b = 0; b < a; b++)
            assert_true(hash_bytes(ZEROS, a, 0) != hash_bytes(ZEROS, b, 0));
    assert_true(hash_text("", 0) == hash_bytes(NULL, 0, 0));
    assert_true(hash_text("abc", 9) == hash_bytes("abc", 3, 9));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rng__philox_known_answers),
        cmocka_unit_test(test_rng__a_stream_is_its_three_names),
        cmocka_unit_test(test_rng__fill_is_the_same_stream),
        cmocka_unit_test(test_rng__below_is_even),
        cmocka_unit_test(test_rng__unit_and_normal_have_their_moments),
        cmocka_unit_test(test_rng__shuffle_gives_each_order_equally),
        cmocka_unit_test(test_hash__mix_is_splitmix64),
        cmocka_unit_test(test_hash__every_bit_counts),
        cmocka_unit_test(test_hash__zero_bytes_and_lengths_differ),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
