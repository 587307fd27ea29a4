#include "govern/access.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/instant.h"
#include "base/json.h"

enum { SECRET_HEX = 64, ID_CHARS = ACCESS_ID_BYTES - 1, TOKEN_CHARS = ACCESS_TOKEN_BYTES - 1 };

struct bucket {
    double tokens;
    int64_t filled_us;
};

struct access {
    struct access_key *keys; /* owned */
    struct bucket *buckets;  /* owned; a key each */
    int64_t count;
    pthread_mutex_t lock; /* of the buckets */
};

static const struct {
    const char *name;
    uint32_t scope;
} SCOPES[] = {{"write", ACCESS_WRITE},
              {"read", ACCESS_READ},
              {"decide", ACCESS_DECIDE},
              {"admin", ACCESS_ADMIN}};
enum { SCOPE_COUNT = sizeof SCOPES / sizeof *SCOPES };

static uint32_t scope_of(struct slice word) {
    for (int i = 0; i < SCOPE_COUNT; i++)
        if (slice_equal_text(word, SCOPES[i].name)) return SCOPES[i].scope;
    return 0;
}

kai_status access_scopes_parse(const char *text, uint32_t *ret_scopes, kai_err *err) {
    uint32_t scopes = 0;
    for (const char *at = text; *at;) {
        size_t size = strcspn(at, ",");
        struct slice word = slice_trim((struct slice){at, size});
        uint32_t scope = scope_of(word);
        if (!scope)
            return err_set(err, KAI_INVALID,
                           "scope '%.*s': expected some of write, read, decide, admin",
                           (int)(word.size < 40 ? word.size : 40), word.data);
        scopes |= scope;
        at += size + (at[size] == ',');
    }
    if (!scopes) return err_set(err, KAI_INVALID, "a key needs at least one scope");
    *ret_scopes = scopes;
    return KAI_OK;
}

void access_scopes_print(uint32_t scopes, char ret_text[32]) {
    size_t used = 0;
    ret_text[0] = '\0';
    for (int i = 0; i < SCOPE_COUNT; i++)
        if (scopes & SCOPES[i].scope)
            used += (size_t)snprintf(ret_text + used, 32 - used, "%s%s", used ? "," : "",
                                     SCOPES[i].name);
}

static kai_status check_terms(const char *name, double rate, double burst, kai_err *err) {
    if (!*name || strlen(name) >= ACCESS_NAME_BYTES)
        return err_set(err, KAI_INVALID, "the name of a key has 1 to %d bytes",
                       ACCESS_NAME_BYTES - 1);
    if (!(rate >= 0) || !isfinite(rate) || !(burst >= 0) || !isfinite(burst))
        return err_set(err, KAI_INVALID, "key '%s': rate and burst are numbers from 0", name);
    return KAI_OK;
}

kai_status access_key_make(const char *name, uint32_t scopes, double rate, double burst,
                           int64_t now_us, struct access_key *ret_key,
                           char ret_token[ACCESS_TOKEN_BYTES], kai_err *err) {
    unsigned char id[ID_CHARS / 2], secret[SECRET_HEX / 2];
    char secret_text[SECRET_HEX + 1];
    struct access_key key = {.scopes = scopes, .rate = rate, .created_us = now_us};
    kai_status st = check_terms(name, rate, burst, err);
    if (!st) st = secret_random(id, sizeof id, err);
    if (!st) st = secret_random(secret, sizeof secret, err);
    if (st) return st;
    key.burst = burst > 0 ? burst : fmax(1, 2 * rate);
    memcpy(key.name, name, strlen(name) + 1);
    secret_hex(id, sizeof id, key.id);
    secret_hex(secret, sizeof secret, secret_text);
    secret_hash(secret_text, SECRET_HEX, key.hash);
    (void)snprintf(ret_token, ACCESS_TOKEN_BYTES, "kai_%s_%s", key.id, secret_text);
    secret_wipe(secret, sizeof secret);
    secret_wipe(secret_text, sizeof secret_text);
    *ret_key = key;
    return KAI_OK;
}

kai_status access_key_print(const struct access_key *key, struct buf *out, kai_err *err) {
    struct json_writer json;
    char scopes[32], created[INSTANT_TEXT_BYTES], revoked[INSTANT_TEXT_BYTES];
    access_scopes_print(key->scopes, scopes);
    instant_print(key->created_us, created);
    instant_print(key->revoked_us, revoked);
    json_init(&json, out, 0);
    json_object(&json);
    json_key_text(&json, "id", key->id);
    json_key_text(&json, "name", key->name);
    json_key_text(&json, "scopes", scopes);
    json_key_text(&json, "hash", key->hash);
    json_key_f64(&json, "rate", key->rate);
    json_key_f64(&json, "burst", key->burst);
    json_key_text(&json, "created", created);
    json_key_text(&json, "revoked", key->revoked_us ? revoked : NULL);
    json_end(&json);
    return json_finish(&json, err);
}

static int copy_field(const struct json_value *object, const char *name, char *out,
                      size_t capacity) {
    const char *text = json_as_text(json_get(object, name), "");
    size_t size = strlen(text);
    if (!size || size >= capacity) return 0;
    memcpy(out, text, size + 1);
    return 1;
}

static int read_key(const struct json_value *object, struct access_key *key) {
    const struct json_value *revoked = json_get(object, "revoked");
    const char *scopes = json_as_text(json_get(object, "scopes"), "");
    key->rate = json_as_f64(json_get(object, "rate"), -1);
    key->burst = json_as_f64(json_get(object, "burst"), -1);
    return copy_field(object, "id", key->id, sizeof key->id) &&
           copy_field(object, "name", key->name, sizeof key->name) &&
           copy_field(object, "hash", key->hash, sizeof key->hash) && strlen(key->id) == ID_CHARS &&
           strlen(key->hash) == SECRET_HASH_BYTES - 1 &&
           access_scopes_parse(scopes, &key->scopes, NULL) == KAI_OK && key->rate >= 0 &&
           key->burst > 0 &&
           instant_parse(slice_of(json_as_text(json_get(object, "created"), "")),
                         &key->created_us) &&
           (json_is_null(revoked) ||
            instant_parse(slice_of(json_as_text(revoked, "")), &key->revoked_us));
}

kai_status access_key_parse(struct slice text, struct access_key *ret_key, kai_err *err) {
    struct json_value *object = NULL;
    struct access_key key = {0};
    kai_status st = json_parse(text.data, text.size, &object, NULL);
    if (st == KAI_NO_MEMORY) return err_memory(err, (int64_t)text.size);
    if (st || !read_key(object, &key)) st = err_set(err, KAI_CORRUPT, "an API key is damaged");
    json_free(object);
    if (!st) *ret_key = key;
    return st;
}

kai_status access_new(const struct access_key *keys, int64_t count, struct access **ret_access,
                      kai_err *err) {
    if (count > ACCESS_KEYS_MAX)
        return err_set(err, KAI_LIMIT, "%lld API keys: at most %d", (long long)count,
                       ACCESS_KEYS_MAX);
    struct access *access = mem_zero(1, sizeof *access);
    if (!access) return err_memory(err, sizeof *access);
    (void)pthread_mutex_init(&access->lock, NULL); /* cannot fail with default attributes */
    access->keys = mem_array((size_t)count + 1, sizeof *access->keys);
    access->buckets = mem_zero((size_t)count + 1, sizeof *access->buckets);
    if (!access->keys || !access->buckets) {
        access_free(access);
        return err_memory(err, (count + 1) * (int64_t)sizeof *access->keys);
    }
    if (count) memcpy(access->keys, keys, (size_t)count * sizeof *keys);
    for (int64_t i = 0; i < count; i++) access->buckets[i].tokens = keys[i].burst;
    access->count = count;
    *ret_access = access;
    return KAI_OK;
}

void access_free(struct access *access) {
    if (!access) return;
    (void)pthread_mutex_destroy(&access->lock); /* nobody holds it */
    mem_free(access->keys);
    mem_free(access->buckets);
    mem_free(access);
}

int64_t access_count(const struct access *access) { return access->count; }

/* The index of the key that a token names and proves, or -1. */
static int64_t find_key(const struct access *access, struct slice token) {
    char hash[SECRET_HASH_BYTES];
    if (token.size != TOKEN_CHARS || memcmp(token.data, "kai_", 4) != 0) return -1;
    struct slice id = {token.data + 4, ID_CHARS};
    secret_hash(token.data + 4 + ID_CHARS + 1, SECRET_HEX, hash);
    for (int64_t i = 0; i < access->count; i++)
        if (slice_equal_text(id, access->keys[i].id))
            return secret_equal(slice_of(hash), slice_of(access->keys[i].hash)) ? i : -1;
    return -1;
}

/* Microseconds until there is a token; 0 = one was taken. */
static int64_t take_token(struct access *access, int64_t index, int64_t now_us) {
    const struct access_key *key = &access->keys[index];
    struct bucket *bucket = &access->buckets[index];
    if (key->rate == 0) return 0;
    int64_t wait_us = 0;
    (void)pthread_mutex_lock(&access->lock); /* a plain lock of our own */
    if (bucket->filled_us && now_us > bucket->filled_us)
        bucket->tokens = fmin(
            key->burst, bucket->tokens + (double)(now_us - bucket->filled_us) * 1e-6 * key->rate);
    bucket->filled_us = now_us;
    if (bucket->tokens >= 1 - 1e-9) /* rounding costs nobody a microsecond */
        bucket->tokens -= 1;
    else
        wait_us = (int64_t)ceil((1 - bucket->tokens) / key->rate * 1e6);
    (void)pthread_mutex_unlock(&access->lock);
    return wait_us;
}

kai_status access_check(struct access *access, struct slice token, enum access_scope scope,
                        int64_t now_us, const char **ret_name, int64_t *ret_wait_us, kai_err *err) {
    int64_t index = find_key(access, token);
    if (index < 0 || access->keys[index].revoked_us)
        return err_set(err, KAI_DENIED, "the API key is not known, or was revoked");
    const struct access_key *key = &access->keys[index];
    if (!(key->scopes & ((uint32_t)scope | ACCESS_ADMIN)))
        return err_set(err, KAI_DENIED, "API key '%s' may not do this", key->name);
    int64_t wait_us = take_token(access, index, now_us);
    if (ret_wait_us) *ret_wait_us = wait_us;
    if (wait_us)
        return err_set(err, KAI_LIMIT, "API key '%s': more than %g requests a second", key->name,
                       key->rate);
    if (ret_name) *ret_name = key->name;
    return KAI_OK;
}
