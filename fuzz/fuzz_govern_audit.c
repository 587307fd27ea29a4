/* Any bytes as an audit record and its head: never accepted but where empty, for nobody without the
 * key can make a line; and as a certificate, a key, an identity edge: a clean status. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "govern/access.h"
#include "govern/audit.h"
#include "govern/erasure.h"
#include "govern/identity.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct secret_keys *keys; /* one for the whole run */
    unsigned char master[SECRET_MASTER_BYTES] = {1};
    struct audit_state state = {0};
    struct access_key key;
    struct identity_edge edge;
    kai_err err = {0};
    if (!keys) require(secret_keys_new(master, &keys, NULL) == KAI_OK);
    struct slice text = {(const char *)data, size}, none = {"", 0};
    kai_status st = audit_check(keys, "f", text, none, NULL, &state, &err);
    require(st == KAI_CORRUPT || (st == KAI_OK && state.count == 0));
    require(!size || audit_check(keys, "f", none, text, NULL, &state, &err) == KAI_CORRUPT);
    st = erasure_verify("f", text, NULL, &err);
    require(st == KAI_OK || st == KAI_CORRUPT);
    st = access_key_parse(text, &key, &err);
    require(st == KAI_OK || st == KAI_CORRUPT);
    st = identity_parse(text, &edge, &err);
    require(st == KAI_OK || st == KAI_CORRUPT);
    return 0;
}
