#include "base/hash.h"

#include <string.h>

static uint64_t load_little_endian(const unsigned char *bytes, size_t n) {
    uint64_t word = 0;
    for (size_t i = 0; i < n; i++) word |= (uint64_t)bytes[i] << (8 * i);
    return word;
}

uint64_t hash_bytes(const void *bytes, size_t n, uint64_t seed) {
    const unsigned char *at = bytes;
    uint64_t hash = hash_mix(seed ^ (0x2545f4914f6cdd1dull * (n + 1)));
    for (; n >= 8; n -= 8, at += 8) hash = hash_mix(hash ^ load_little_endian(at, 8));
    if (n) hash = hash_mix(hash ^ load_little_endian(at, n));
    return hash;
}

uint64_t hash_text(const char *text, uint64_t seed) { return hash_bytes(text, strlen(text), seed); }
