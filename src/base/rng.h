/* Counter-based random numbers: Philox4x32-10.
 *
 * A stream is named by (seed, purpose, index), so that the numbers of row 17 or tree 3 are the same
 * for any order of work and any number of threads.
 * Source: Salmon, Moraes, Dror, Shaw, "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.
 */
#ifndef KAIROS_BASE_RNG_H
#define KAIROS_BASE_RNG_H

#include <stdint.h>

struct rng {
    uint32_t key[2];
    uint32_t counter[4];
    uint32_t block[4];
    uint32_t used; /* words of block that are spent */
};

/* One Philox block: ten rounds of `counter` under `key`. Exposed for the published test vectors. */
void rng_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret_block[4]);

/* The stream (seed, purpose, index). `purpose` is a short constant text such as "split". */
void rng_init(struct rng *rng, uint64_t seed, const char *purpose, uint64_t index);
uint32_t rng_u32(struct rng *rng);
uint64_t rng_u64(struct rng *rng);
/* The next count words, as rng_u32 would give them, in a fraction of its time. */
void rng_fill(struct rng *rng, uint32_t *ret_words, int64_t count);
/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *rng);
/* Standard normal (Box-Muller, one value a call). */
double rng_normal(struct rng *rng);
/* Uniform in [0, bound), without bias; bound >= 1. */
uint64_t rng_below(struct rng *rng, uint64_t bound);
/* A random order of items[count] in place. */
void rng_shuffle(struct rng *rng, int64_t *items, int64_t count);

#endif
