#include "base/rng.h"

#include <math.h>
#include <string.h>

#include "base/err.h"
#include "base/hash.h"

enum { PHILOX_ROUNDS = 10, BLOCK_WORDS = 4 };

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
