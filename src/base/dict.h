/* Strings that repeat, as small codes: 0, 1, 2 ... in order of first appearance. */
#ifndef KAIROS_BASE_DICT_H
#define KAIROS_BASE_DICT_H

#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/text.h"

struct dict {
    struct arena texts;
    struct slice *entries; /* owned; by code; NUL-terminated */
    uint64_t *hashes;      /* owned; by code */
    int32_t *slots;        /* owned; open addressing, code + 1, 0 = free */
    int32_t count;
    int32_t capacity;
    int32_t slot_count; /* a power of two */
};

void dict_init(struct dict *dict);
/* The code of text, added where it is new. Fails: KAI_NO_MEMORY, KAI_LIMIT past 2^30 entries. */
KAI_MUST_CHECK kai_status dict_add(struct dict *dict, struct slice text, int32_t *ret_code,
                                   kai_err *err);
/* The code of text, or -1. */
int32_t dict_find(const struct dict *dict, struct slice text);
/* The NUL-terminated text of a code; lives as long as the dictionary. */
const char *dict_text(const struct dict *dict, int32_t code);
/* An independent copy with equal codes. */
KAI_MUST_CHECK kai_status dict_copy(const struct dict *dict, struct dict *ret_dict, kai_err *err);
void dict_release(struct dict *dict);

#endif
