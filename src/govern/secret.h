/* Keys, pseudonyms, sealed texts, signatures: all cryptography of the house.
 *
 * One master key of 32 random bytes lives in a key file outside of the store, readable by its owner
 * only. From it BLAKE2b derives one key a purpose, so that a pseudonym says nothing about a seal:
 *
 *   pseudonym  keyed BLAKE2b, 128 bits: the same person is always the same pseudonym, and without
 *              the key nobody can try identifiers against it
 *   seal       XSalsa20-Poly1305 (secretbox); the nonce is a keyed hash of the text, so equal texts
 *              under one key give equal seals and nothing else is told, and a re-import writes the
 *              same bytes
 *   mac        keyed BLAKE2b, 256 bits: the audit record
 *   signature  Ed25519: certificates, which anybody can check with the public key
 *
 * Sources: libsodium 1.0.18; RFC 7693 (BLAKE2), RFC 8032 (Ed25519); the nonce from the text follows
 * RFC 5297 (SIV). Threads: keys never change; they may be shared.
 */
#ifndef KAIROS_GOVERN_SECRET_H
#define KAIROS_GOVERN_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/text.h"

enum {
    SECRET_MASTER_BYTES = 32,
    SECRET_PSEUDONYM_BYTES = 29,  /* "p_", 26 letters and digits, NUL */
    SECRET_HASH_BYTES = 65,       /* hexadecimal, NUL */
    SECRET_PUBLIC_BYTES = 65,     /* hexadecimal, NUL */
    SECRET_SIGNATURE_BYTES = 129, /* hexadecimal, NUL */
    SECRET_TEXT_BYTES = 1 << 20,  /* the longest text that is sealed */
};

struct secret_keys;

/* Derive the keys. Fails: KAI_NO_MEMORY, KAI_STATE (no cryptography on this machine). */
KAI_MUST_CHECK kai_status secret_keys_new(const unsigned char master[SECRET_MASTER_BYTES],
                                          struct secret_keys **ret_keys, kai_err *err);
/* Wipes. Accepts NULL. */
void secret_keys_free(struct secret_keys *keys);
/* What names the key without telling it: kept in the store, so that another key is noticed. */
const char *secret_fingerprint(const struct secret_keys *keys);
/* The key that checks signatures, hexadecimal. */
const char *secret_public(const struct secret_keys *keys);

/* `kind` parts the spaces: "person", "ip", "device". */
void secret_pseudonym(const struct secret_keys *keys, const char *kind, struct slice text,
                      char ret_pseudonym[SECRET_PSEUDONYM_BYTES]);
/* Does the text have the form of a pseudonym? */
int secret_is_pseudonym(struct slice text);

/* Append the seal of a text, base64. Fails: KAI_LIMIT (a longer text), KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status secret_seal(const struct secret_keys *keys, struct slice text,
                                      struct buf *out, kai_err *err);
/* Append the text of a seal. Fails: KAI_CORRUPT (changed, or of another key). */
KAI_MUST_CHECK kai_status secret_open(const struct secret_keys *keys, struct slice seal,
                                      struct buf *out, kai_err *err);

void secret_hash(const void *bytes, size_t n, char ret_hash[SECRET_HASH_BYTES]);
void secret_mac(const struct secret_keys *keys, const void *bytes, size_t n,
                char ret_mac[SECRET_HASH_BYTES]);
void secret_sign(const struct secret_keys *keys, const void *bytes, size_t n,
                 char ret_signature[SECRET_SIGNATURE_BYTES]);
/* 1 where the signature is of these bytes by the owner of the public key. */
int secret_verify(struct slice public_key, const void *bytes, size_t n, struct slice signature);

/* Equal texts? Takes the same time wherever they differ. */
int secret_equal(struct slice a, struct slice b);
/* From the operating system. Fails: KAI_STATE. */
KAI_MUST_CHECK kai_status secret_random(void *ret_bytes, size_t n, kai_err *err);
void secret_wipe(void *bytes, size_t n);
/* 2 n characters and a NUL. */
void secret_hex(const void *bytes, size_t n, char *ret_text);

/* Read a key file. Fails: KAI_NOT_FOUND, KAI_DENIED (others may read it), KAI_INVALID (not 64
 * hexadecimal digits). */
KAI_MUST_CHECK kai_status secret_file_load(const char *path, struct secret_keys **ret_keys,
                                           kai_err *err);
/* Make a key file with a new key, mode 0600. Fails: KAI_EXISTS, KAI_IO. */
KAI_MUST_CHECK kai_status secret_file_create(const char *path, kai_err *err);

#endif
