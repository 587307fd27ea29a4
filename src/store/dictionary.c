#include "store/dictionary.h"

#include <string.h>

#include "base/alloc.h"

void words_init(struct words *words) {
    memset(words, 0, sizeof *words);
    atomic_init(&words->known, 0);
    dict_init(&words->dict);
    (void)pthread_rwlock_init(&words->lock, NULL); /* default attributes cannot fail on Linux */
}

void words_release(struct words *words) {
    dict_release(&words->dict);
    for (int c = 0; c < WORDS_CHUNKS && words->chunks[c]; c++) mem_free(words->chunks[c]);
    (void)pthread_rwlock_destroy(&words->lock);
    mem_free(words->dropped);
}

/* The new text where readers find it. */
static kai_status show(struct words *words, int64_t index, kai_err *err) {
    struct slice **chunk = &words->chunks[index / WORDS_CHUNK];
    if (!*chunk) *chunk = mem_array(WORDS_CHUNK, sizeof **chunk);
    if (!*chunk) return err_memory(err, WORDS_CHUNK * (int64_t)sizeof **chunk);
    (*chunk)[index % WORDS_CHUNK] = words->dict.entries[index];
    atomic_store_explicit(&words->known, index + 1, memory_order_release);
    return KAI_OK;
}

static kai_status add(struct words *words, struct slice text, int32_t *ret_index, kai_err *err) {
    (void)pthread_rwlock_wrlock(&words->lock);
    kai_status st = dict_add(&words->dict, text, ret_index, err);
    (void)pthread_rwlock_unlock(&words->lock);
    /* a text that memory ran out behind is shown when it comes again */
    while (!st && atomic_load(&words->known) < words->dict.count)
        st = show(words, atomic_load(&words->known), err);
    return st;
}

/* A code whose text is gone keeps its place: by a text that nobody can say. */
static kai_status skip(struct words *words, kai_err *err) {
    char text[1 + sizeof(int64_t)] = {0};
    int32_t index = 0;
    int64_t place = words->dict.count;
    memcpy(text + 1, &place, sizeof place);
    return add(words, (struct slice){text, sizeof text}, &index, err);
}

static kai_status load_word(void *user, int64_t code, struct slice text, kai_err *err) {
    struct words *words = user;
    int32_t index = 0;
    kai_status st = KAI_OK;
    if (code > INT32_MAX || code <= words->dict.count)
        return err_set(err, KAI_CORRUPT, "the store's words are damaged");
    while (!st && words->dict.count + 1 < code) st = skip(words, err);
    if (!st) st = add(words, text, &index, err);
    if (!st && index + 1 != code) st = err_set(err, KAI_CORRUPT, "the store has a word twice");
    return st;
}

kai_status words_load(struct words *words, struct sqlite *sqlite, kai_err *err) {
    kai_status st = sqlite_words(sqlite, load_word, words, err);
    words->written = words->dict.count;
    return st;
}

/* A text that was dropped and comes again stands in the file again. */
static void revive(struct words *words, int64_t code) {
    for (int64_t i = 0; i < words->dropped_count; i++)
        if (words->dropped[i] == code) words->dropped[i] = -code;
}

kai_status words_code(struct words *words, struct slice text, int64_t *ret_code, kai_err *err) {
    int32_t index = 0;
    *ret_code = 0;
    if (!text.size) return KAI_OK;
    index = dict_find(&words->dict, text); /* nobody else adds: no lock */
    if (index >= atomic_load(&words->known)) index = -1;
    kai_status st = index < 0 ? add(words, text, &index, err) : KAI_OK;
    if (st) return st;
    *ret_code = index + 1;
    if (words->dropped_count) revive(words, *ret_code);
    return KAI_OK;
}

int64_t words_find(struct words *words, struct slice text) {
    (void)pthread_rwlock_rdlock(&words->lock);
    int32_t index = text.size ? dict_find(&words->dict, text) : -1;
    (void)pthread_rwlock_unlock(&words->lock);
    return index + 1;
}

struct slice words_text(struct words *words, int64_t code) {
    if (code < 1 || code > atomic_load_explicit(&words->known, memory_order_acquire))
        return (struct slice){"", 0};
    return words->chunks[(code - 1) / WORDS_CHUNK][(code - 1) % WORDS_CHUNK];
}

kai_status words_write(struct words *words, struct sqlite *sqlite, kai_err *err) {
    kai_status st = KAI_OK;
    for (int64_t code = words->written + 1; !st && code <= words->dict.count; code++)
        st = sqlite_add_word(sqlite, code, words->dict.entries[code - 1], err);
    for (int64_t i = 0; !st && i < words->dropped_count; i++)
        if (words->dropped[i] < 0)
            st = sqlite_add_word(sqlite, -words->dropped[i],
                                 words->dict.entries[-words->dropped[i] - 1], err);
    return st;
}

void words_wrote(struct words *words) {
    int64_t kept = 0;
    words->written = words->dict.count;
    for (int64_t i = 0; i < words->dropped_count; i++)
        if (words->dropped[i] > 0) words->dropped[kept++] = words->dropped[i];
    words->dropped_count = kept;
}

kai_status words_drop(struct words *words, struct sqlite *sqlite, int64_t code, kai_err *err) {
    if (words->dropped_count == words->dropped_capacity) {
        int64_t capacity = words->dropped_capacity ? 2 * words->dropped_capacity : 16;
        int64_t *grown = mem_resize(words->dropped, (size_t)capacity, sizeof *grown);
        if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
        words->dropped = grown;
        words->dropped_capacity = capacity;
    }
    kai_status st = sqlite_drop_word(sqlite, code, err);
    if (!st) words->dropped[words->dropped_count++] = code;
    return st;
}
