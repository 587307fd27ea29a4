/* The only file that knows libsodium. */
#include <sodium.h>
#include <string.h>

#include "base/alloc.h"
#include "govern/secret.h"

enum { KEY_BYTES = 32, PSEUDONYM_HASH_BYTES = 16, FINGERPRINT_BYTES = 8 };
_Static_assert(KEY_BYTES == crypto_secretbox_KEYBYTES, "a key fits the box");
_Static_assert(KEY_BYTES == crypto_sign_SEEDBYTES, "a key fits the signature");
_Static_assert(SECRET_PUBLIC_BYTES == 2 * crypto_sign_PUBLICKEYBYTES + 1, "hexadecimal");
_Static_assert(SECRET_SIGNATURE_BYTES == 2 * crypto_sign_BYTES + 1, "hexadecimal");

struct secret_keys {
    unsigned char pseudonym[KEY_BYTES], box[KEY_BYTES], nonce[KEY_BYTES], mac[KEY_BYTES];
    unsigned char sign[crypto_sign_SECRETKEYBYTES];
    char public_hex[SECRET_PUBLIC_BYTES];
    char fingerprint[2 * FINGERPRINT_BYTES + 1];
};

static void derive(const unsigned char *master, const char *purpose, unsigned char key[KEY_BYTES]) {
    (void)crypto_generichash(key, KEY_BYTES, (const unsigned char *)purpose, strlen(purpose),
                             master, SECRET_MASTER_BYTES); /* sizes are constants within bounds */
}

kai_status secret_keys_new(const unsigned char master[SECRET_MASTER_BYTES],
                           struct secret_keys **ret_keys, kai_err *err) {
    if (sodium_init() < 0)
        return err_set(err, KAI_STATE, "the cryptography of this machine cannot be used");
    struct secret_keys *keys = mem_zero(1, sizeof *keys);
    if (!keys) return err_memory(err, sizeof *keys);
    unsigned char seed[KEY_BYTES], public_key[crypto_sign_PUBLICKEYBYTES];
    derive(master, "kairos pseudonym 1", keys->pseudonym);
    derive(master, "kairos box 1", keys->box);
    derive(master, "kairos nonce 1", keys->nonce);
    derive(master, "kairos audit 1", keys->mac);
    derive(master, "kairos sign 1", seed);
    (void)crypto_sign_seed_keypair(public_key, keys->sign, seed); /* always 0 */
    secret_hex(public_key, sizeof public_key, keys->public_hex);
    derive(master, "kairos fingerprint 1", seed);
    secret_hex(seed, FINGERPRINT_BYTES, keys->fingerprint);
    sodium_memzero(seed, sizeof seed);
    *ret_keys = keys;
    return KAI_OK;
}

void secret_keys_free(struct secret_keys *keys) {
    if (keys) sodium_memzero(keys, sizeof *keys);
    mem_free(keys);
}

const char *secret_fingerprint(const struct secret_keys *keys) { return keys->fingerprint; }

const char *secret_public(const struct secret_keys *keys) { return keys->public_hex; }

/* Base 32 in lower case: every byte of it is a word character, so it may stand in any file. */
static void print_base32(const unsigned char *bytes, size_t n, char *out) {
    static const char LETTERS[] = "abcdefghijklmnopqrstuvwxyz234567";
    uint32_t bits = 0;
    int have = 0;
    for (size_t i = 0; i < n; i++) {
        bits = bits << 8 | bytes[i];
        for (have += 8; have >= 5; have -= 5) *out++ = LETTERS[bits >> (have - 5) & 31];
    }
    if (have) *out++ = LETTERS[bits << (5 - have) & 31];
    *out = '\0';
}

void secret_pseudonym(const struct secret_keys *keys, const char *kind, struct slice text,
                      char ret_pseudonym[SECRET_PSEUDONYM_BYTES]) {
    unsigned char hash[PSEUDONYM_HASH_BYTES];
    crypto_generichash_state state;
    (void)crypto_generichash_init(&state, keys->pseudonym, KEY_BYTES, sizeof hash);
    (void)crypto_generichash_update(&state, (const unsigned char *)kind, strlen(kind) + 1);
    (void)crypto_generichash_update(&state, (const unsigned char *)text.data, text.size);
    (void)crypto_generichash_final(&state, hash, sizeof hash); /* none of them can fail */
    ret_pseudonym[0] = 'p';
    ret_pseudonym[1] = '_';
    print_base32(hash, sizeof hash, ret_pseudonym + 2);
}

int secret_is_pseudonym(struct slice text) {
    if (text.size != SECRET_PSEUDONYM_BYTES - 1 || memcmp(text.data, "p_", 2) != 0) return 0;
    for (size_t i = 2; i < text.size; i++) {
        char c = text.data[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '2' && c <= '7'))) return 0;
    }
    return 1;
}

kai_status secret_seal(const struct secret_keys *keys, struct slice text, struct buf *out,
                       kai_err *err) {
    if (text.size > SECRET_TEXT_BYTES)
        return err_set(err, KAI_LIMIT, "a text of %zu bytes is too long to be sealed", text.size);
    size_t bytes = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES + text.size;
    size_t encoded = sodium_base64_ENCODED_LEN(bytes, sodium_base64_VARIANT_ORIGINAL);
    unsigned char *box = mem_alloc(bytes);
    if (!box) return err_memory(err, (int64_t)bytes);
    kai_status st = buf_reserve(out, encoded, err);
    if (!st) {
        const unsigned char *plain = (const unsigned char *)(text.size ? text.data : "");
        (void)crypto_generichash(box, crypto_secretbox_NONCEBYTES, plain, text.size, keys->nonce,
                                 KEY_BYTES);
        (void)crypto_secretbox_easy(box + crypto_secretbox_NONCEBYTES, plain, text.size, box,
                                    keys->box);
        (void)sodium_bin2base64(out->data + out->size, encoded, box, bytes,
                                sodium_base64_VARIANT_ORIGINAL);
        out->size += encoded - 1; /* without the NUL */
    }
    mem_free(box);
    return st;
}

kai_status secret_open(const struct secret_keys *keys, struct slice seal, struct buf *out,
                       kai_err *err) {
    const size_t head = crypto_secretbox_NONCEBYTES + crypto_secretbox_MACBYTES;
    unsigned char *box = mem_alloc(seal.size + 1);
    if (!box) return err_memory(err, (int64_t)seal.size);
    size_t bytes = 0;
    kai_status st = KAI_OK;
    if (!seal.size ||
        sodium_base642bin(box, seal.size, seal.data, seal.size, NULL, &bytes, NULL,
                          sodium_base64_VARIANT_ORIGINAL) != 0 ||
        bytes < head)
        st = err_set(err, KAI_CORRUPT, "a sealed text is damaged");
    if (!st) st = buf_reserve(out, bytes - head + 1, err);
    if (!st && crypto_secretbox_open_easy(
                   (unsigned char *)out->data + out->size, box + crypto_secretbox_NONCEBYTES,
                   bytes - crypto_secretbox_NONCEBYTES, box, keys->box) != 0) {
        out->data[out->size] = '\0';
        st = err_set(err, KAI_CORRUPT, "a sealed text was changed, or is of another key");
    } else if (!st) {
        out->size += bytes - head;
        out->data[out->size] = '\0';
    }
    mem_free(box);
    return st;
}

void secret_hash(const void *bytes, size_t n, char ret_hash[SECRET_HASH_BYTES]) {
    unsigned char hash[32];
    (void)crypto_generichash(hash, sizeof hash, bytes, n, NULL, 0); /* cannot fail */
    secret_hex(hash, sizeof hash, ret_hash);
}

void secret_mac(const struct secret_keys *keys, const void *bytes, size_t n,
                char ret_mac[SECRET_HASH_BYTES]) {
    unsigned char hash[32];
    (void)crypto_generichash(hash, sizeof hash, bytes, n, keys->mac, KEY_BYTES); /* cannot fail */
    secret_hex(hash, sizeof hash, ret_mac);
}

void secret_sign(const struct secret_keys *keys, const void *bytes, size_t n,
                 char ret_signature[SECRET_SIGNATURE_BYTES]) {
    unsigned char signature[crypto_sign_BYTES];
    (void)crypto_sign_detached(signature, NULL, bytes, n, keys->sign); /* always 0 */
    secret_hex(signature, sizeof signature, ret_signature);
}

static int parse_hex(struct slice text, unsigned char *bytes, size_t n) {
    size_t got = 0;
    return text.size == 2 * n &&
           sodium_hex2bin(bytes, n, text.data, text.size, NULL, &got, NULL) == 0 && got == n;
}

int secret_verify(struct slice public_key, const void *bytes, size_t n, struct slice signature) {
    unsigned char key[crypto_sign_PUBLICKEYBYTES], sign[crypto_sign_BYTES];
    return sodium_init() >= 0 && parse_hex(public_key, key, sizeof key) &&
           parse_hex(signature, sign, sizeof sign) &&
           crypto_sign_verify_detached(sign, bytes, n, key) == 0;
}

int secret_equal(struct slice a, struct slice b) {
    return a.size == b.size && (a.size == 0 || sodium_memcmp(a.data, b.data, a.size) == 0);
}

kai_status secret_random(void *ret_bytes, size_t n, kai_err *err) {
    if (sodium_init() < 0)
        return err_set(err, KAI_STATE, "the cryptography of this machine cannot be used");
    randombytes_buf(ret_bytes, n);
    return KAI_OK;
}

void secret_wipe(void *bytes, size_t n) { sodium_memzero(bytes, n); }

void secret_hex(const void *bytes, size_t n, char *ret_text) {
    (void)sodium_bin2hex(ret_text, 2 * n + 1, bytes, n); /* gives ret_text */
}
