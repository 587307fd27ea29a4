#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"

enum { PHILOX_ROUNDS = 10, BLOCK_WORDS = 4, FILL_BLOCKS = 8, FILL_WORDS = 32 };

void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_block[4]) {
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0;
        uint64_t p1 = (uint64_t)0xCD9E8D57u * c2;
        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)p1;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    ret_block[0] = c0;
    ret_block[1] = c1;
    ret_block[2] = c2;
    ret_block[3] = c3;
}

void rng_init(struct rng *rng, uint64_t seed, const char *purpose, uint64_t index) {
    uint64_t key = hash_text(purpose, seed);
    rng->key[0] = (uint32_t)key;
    rng->key[1] = (uint32_t)(key >> 32);
    rng->counter[0] = 0;
    rng->counter[1] = 0;
    rng->counter[2] = (uint32_t)index;
    rng->counter[3] = (uint32_t)(index >> 32);
    rng->used = BLOCK_WORDS;
}

uint32_t rng_u32(struct rng *rng) {
    if (rng->used == BLOCK_WORDS) {
        rng_philox(rng->counter, rng->key, rng->block);
        if (++rng->counter[0] == 0) rng->counter[1]++;
        rng->used = 0;
    }
    return rng->block[rng->used++];
}

/* Blocks begin..begin + FILL_BLOCKS - 1 of the stream, side by side, so that the compiler can work
 * on several at a time. */
static void fill_blocks(const struct rng *rng, uint64_t begin, uint32_t *ret_words) {
    uint32_t c0[FILL_BLOCKS], c1[FILL_BLOCKS], c2[FILL_BLOCKS], c3[FILL_BLOCKS];
    uint32_t k0 = rng->key[0], k1 = rng->key[1];
    for (uint32_t i = 0; i < FILL_BLOCKS; i++) {
        c0[i] = (uint32_t)(begin + i);
        c1[i] = (uint32_t)((begin + i) >> 32);
        c2[i] = rng->counter[2];
        c3[i] = rng->counter[3];
    }
    for (int round = 0; round < PHILOX_ROUNDS; round++) {
        for (int i = 0; i < FILL_BLOCKS; i++) {
            uint64_t p0 = (uint64_t)0xD2511F53u * c0[i];
            uint64_t p1 = (uint64_t)0xCD9E8D57u * c2[i];
            c0[i] = (uint32_t)(p1 >> 32) ^ c1[i] ^ k0;
            c1[i] = (uint32_t)p1;
            c2[i] = (uint32_t)(p0 >> 32) ^ c3[i] ^ k1;
            c3[i] = (uint32_t)p0;
        }
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    for (int i = 0; i < FILL_BLOCKS; i++) {
        ret_words[BLOCK_WORDS * i] = c0[i];
        ret_words[BLOCK_WORDS * i + 1] = c1[i];
        ret_words[BLOCK_WORDS * i + 2] = c2[i];
        ret_words[BLOCK_WORDS * i + 3] = c3[i];
    }
}

void rng_fill(struct rng *rng, uint32_t *ret_words, int64_t count) {
    int64_t at = 0;
    while (at < count && rng->used < BLOCK_WORDS) ret_words[at++] = rng->block[rng->used++];
    for (; count - at >= FILL_WORDS; at += FILL_WORDS) {
        uint64_t begin = (uint64_t)rng->counter[1] << 32 | rng->counter[0];
        fill_blocks(rng, begin, ret_words + at);
        begin += FILL_BLOCKS;
        rng->counter[0] = (uint32_t)begin;
        rng->counter[1] = (uint32_t)(begin >> 32);
    }
    while (at < count) ret_words[at++] = rng_u32(rng);
}

uint64_t rng_u64(struct rng *rng) {
    uint64_t high = rng_u32(rng);
    return high << 32 | rng_u32(rng);
}

double rng_unit(struct rng *rng) { return (double)(rng_u64(rng) >> 11) * 0x1p-53; }

double rng_normal(struct rng *rng) {
    double radius = sqrt(-2.0 * log(1.0 - rng_unit(rng)));
    return radius * cos(6.283185307179586 * rng_unit(rng));
}

uint64_t rng_below(struct rng *rng, uint64_t bound) {
    KAI_ASSERT(bound >= 1);
    /* Lemire, "Fast Random Integer Generation in an Interval", 2019: multiply, reject the short
     * rest */
    __uint128_t product = (__uint128_t)rng_u64(rng) * bound;
    if ((uint64_t)product < bound) {
        uint64_t threshold = (0 - bound) % bound;
        while ((uint64_t)product < threshold) product = (__uint128_t)rng_u64(rng) * bound;
    }
    return (uint64_t)(product >> 64);
}

void rng_shuffle(struct rng *rng, int64_t *items, int64_t count) {
    for (int64_t i = count - 1; i > 0; i--) {
        int64_t j = (int64_t)rng_below(rng, (uint64_t)i + 1);
        int64_t kept = items[i];
        items[i] = items[j];
        items[j] = kept;
    }
}
