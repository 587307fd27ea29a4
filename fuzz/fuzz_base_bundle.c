/* Any bytes: a clean status, or sections that print back to the same bytes. So that checksums do
 * not stop the search, the bytes are also taken as sections themselves. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bundle.h"
#include "base/caps.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int is_true) {
    if (!is_true) abort();
}

static void require_round_trip(const uint8_t *data, size_t size) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count = -1;
    kai_err err = {0};
    kai_status st = bundle_parse("m", data, size, sections, names, &count, &err);
    if (st) {
        require((st == KAI_CORRUPT || st == KAI_UNSUPPORTED) && count == -1);
        require(strncmp(err.message, "m: ", 3) == 0);
        return;
    }
    struct buf out;
    buf_init(&out, CAPS_BUF_BYTES);
    require(bundle_print(sections, count, &out, &err) == KAI_OK);
    require(out.size == size && memcmp(out.data, data, size) == 0);
    buf_release(&out);
}

/* The name is the first bytes up to a zero; the content is the rest, in two sections. */
static void require_sections(const uint8_t *data, size_t size) {
    char name[BUNDLE_NAME_BYTES + 4] = {0};
    memcpy(name, data, size < sizeof name - 1 ? size : sizeof name - 1);
    const struct bundle_section sections[] = {{name, data, size / 2},
                                              {"b", data + size / 2, size - size / 2}};
    struct buf out;
    buf_init(&out, CAPS_BUF_BYTES);
    kai_status st = bundle_print(sections, 2, &out, NULL);
    require(st == KAI_OK || st == KAI_INVALID || st == KAI_EXISTS);
    if (!st) require_round_trip((const uint8_t *)out.data, out.size);
    buf_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    require_round_trip(data, size);
    require_sections(data, size);
    return 0;
}
