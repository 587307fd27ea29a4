/* Hashes: 64 bits for dictionaries, checksums and origins. Not for secrets. */
#ifndef KAIROS_BASE_HASH_H
#define KAIROS_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* A good mix of 64 bits (finaliser of SplitMix64, Steele et al. 2014). */
static inline uint64_t hash_mix(uint64_t x) {
    x += 0x9e3779b97f4a7c15ull;
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
    return x ^ (x >> 31);
}

/* The hash of n bytes under a seed; the same on every machine. Chain by passing the last hash as
 * the seed. */
uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed);
uint64_t hash_text(const char *text, uint64_t seed);

#endif
