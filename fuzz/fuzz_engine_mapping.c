/* Bytes as a mapping file, and as one line of events: a clean status or reason, or an event that
 * can be kept. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "engine/mapping.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void try_line(const char *text, size_t size) {
    struct mapping_texts texts;
    struct event event;
    enum mapping_reason reason = MAPPING_OK;
    kai_err err = {0};
    mapping_texts_init(&texts);
    kai_status st = mapping_line(text, size, 7, &texts, &event, &reason, &err);
    if (st && st != KAI_LIMIT) abort();
    if (!st && reason == MAPPING_OK &&
        (!event.id.size || !event.type.size || (!event.customer.size && !event.anonymous.size)))
        abort();
    mapping_texts_release(&texts);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct arena arena;
    struct mapping mapping;
    kai_err err = {0};
    arena_init(&arena);
    kai_status st = mapping_parse("m.yaml", (const char *)data, size, &arena, &mapping, &err);
    if (st && st != KAI_INVALID && st != KAI_LIMIT) abort();
    if (st && !strstr(err.message, "m.yaml")) abort();
    if (!st && (!mapping.time || mapping.unit <= 0)) abort();
    arena_release(&arena);
    try_line((const char *)data, size);
    return 0;
}
