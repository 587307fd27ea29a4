/* Any bytes as the properties of an event: a clean status, or a JSON document in which nothing is
 * recognised any more and whose seals open. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/caps.h"
#include "govern/privacy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static struct secret_keys *keys; /* one for the whole run */
    unsigned char master[SECRET_MASTER_BYTES] = {1};
    if (!keys) require(secret_keys_new(master, &keys, NULL) == KAI_OK);
    struct privacy privacy = {.keys = keys, .rules = privacy_rules_default()};
    struct buf out, again, plain;
    kai_err err = {0};
    buf_init(&out, 64 << 20);
    buf_init(&again, 64 << 20);
    buf_init(&plain, 64 << 20);
    kai_status st =
        privacy_rewrite(&privacy, (struct slice){(const char *)data, size}, 0, &out, &err);
    require(st == KAI_OK || st == KAI_INVALID || st == KAI_LIMIT);
    if (!st) {
        struct slice made = {out.data, out.size};
        /* what was rewritten can be read, and revealed */
        st = privacy_rewrite(&privacy, made, 0, &again, &err);
        require(st == KAI_OK);
        require(privacy_reveal(keys, made, &plain, &err) == KAI_OK);
    }
    buf_release(&out);
    buf_release(&again);
    buf_release(&plain);
    return 0;
}
