/* API keys: who may write, read, decide and administer, and how fast.
 *
 * A key is told once, "kai_<id>_<secret>"; only a hash of the secret is kept. 256 random bits need
 * no slow hash. Scopes add: `admin` includes the others. Each key has a bucket of `burst` tokens
 * that fills with `rate` tokens a second; a request that finds it empty is told when to come back.
 */
#ifndef KAIROS_GOVERN_ACCESS_H
#define KAIROS_GOVERN_ACCESS_H

#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "govern/secret.h"

enum access_scope {
    ACCESS_WRITE = 1 << 0,
    ACCESS_READ = 1 << 1,
    ACCESS_DECIDE = 1 << 2,
    ACCESS_ADMIN = 1 << 3,
};

enum {
    ACCESS_ID_BYTES = 17,    /* hexadecimal, NUL */
    ACCESS_TOKEN_BYTES = 86, /* "kai_", id, "_", 64 hexadecimal digits, NUL */
    ACCESS_NAME_BYTES = 64,
    ACCESS_KEYS_MAX = 10000,
};

struct access_key {
    char id[ACCESS_ID_BYTES];
    char name[ACCESS_NAME_BYTES];
    char hash[SECRET_HASH_BYTES];
    uint32_t scopes;
    double rate;  /* requests a second; 0 = no limit */
    double burst; /* the most at once */
    int64_t created_us;
    int64_t revoked_us; /* 0 = in force */
};

/* "write,read" in any order. Fails: KAI_INVALID naming the scopes there are. */
KAI_MUST_CHECK kai_status access_scopes_parse(const char *text, uint32_t *ret_scopes, kai_err *err);
/* "write,read,decide,admin" of what is set. */
void access_scopes_print(uint32_t scopes, char ret_text[32]);

/* A new key. Gives: the token, told this once. Fails: KAI_INVALID (name, rate), KAI_STATE. */
KAI_MUST_CHECK kai_status access_key_make(const char *name, uint32_t scopes, double rate,
                                          double burst, int64_t now_us, struct access_key *ret_key,
                                          char ret_token[ACCESS_TOKEN_BYTES], kai_err *err);
/* One key as one line of JSON, and back. Fails: KAI_CORRUPT. */
KAI_MUST_CHECK kai_status access_key_print(const struct access_key *key, struct buf *out,
                                           kai_err *err);
KAI_MUST_CHECK kai_status access_key_parse(struct slice text, struct access_key *ret_key,
                                           kai_err *err);

struct access; /* the keys in force. Threads: any may check */
KAI_MUST_CHECK kai_status access_new(const struct access_key *keys, int64_t count,
                                     struct access **ret_access, kai_err *err);
void access_free(struct access *access);
int64_t access_count(const struct access *access);
/* May this token do that now? Gives: *ret_name, the key's name, as long as `access` lives; may be
 * NULL. Fails: KAI_DENIED (no such key, revoked, another scope); KAI_LIMIT, and *ret_wait_us says
 * how long to wait. */
KAI_MUST_CHECK kai_status access_check(struct access *access, struct slice token,
                                       enum access_scope scope, int64_t now_us,
                                       const char **ret_name, int64_t *ret_wait_us, kai_err *err);

#endif
