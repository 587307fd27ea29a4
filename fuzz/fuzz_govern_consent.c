/* Any bytes as a consent record: a clean status, or a record that prints and parses to itself. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "govern/consent.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct consent_record first, second;
    struct buf out;
    kai_err err = {0};
    arena_init(&arena);
    buf_init(&out, 64 << 20);
    kai_status st =
        consent_parse((struct slice){(const char *)data, size}, 0, &arena, &first, &err);
    require(st == KAI_OK || st == KAI_INVALID);
    if (!st) {
        require(consent_print(&first, &out, &err) == KAI_OK);
        require(consent_parse((struct slice){out.data, out.size}, 1, &arena, &second, &err) ==
                KAI_OK);
        require(first.purpose == second.purpose && first.answer == second.answer);
        require(first.time_us == second.time_us && !strcmp(first.proof, second.proof));
    }
    arena_release(&arena);
    buf_release(&out);
    return 0;
}
