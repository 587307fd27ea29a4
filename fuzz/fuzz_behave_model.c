/* Behaviour models: the bytes as a saved model; and as its two sections under right checksums, cut
 * where the first two bytes say, so that the loader behind the checksums is reached. What loads
 * must score, recommend, embed, describe and save itself again as the same bytes. The corpus: what
 * behave_save gave for a catalogue of three items, width 8, one block, softmax, pointwise; and
 * the same as sections. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bundle.h"
#include "behave/behave.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CELLS_MAX = 1 << 14, EVENTS = 5, K = 2 };

static void use(const struct behave *model) {
    int32_t items = behave_items(model), width = behave_width(model);
    if (items > CELLS_MAX) return;
    int64_t offsets[] = {0, 0, EVENTS};
    int32_t history[EVENTS], best[2 * K];
    for (int32_t i = 0; i < EVENTS; i++) history[i] = i % items;
    struct behave_sequences histories = {2, offsets, history, NULL};
    struct behave_request request = {.count = 2, .k = K, .is_seen_excluded = 1};
    float *scores = calloc((size_t)(items > width ? items : width) * 2, sizeof *scores);
    kai_err err;
    if (!scores) abort();
    kai_status st = behave_score(model, &histories, NULL, 0, 2, NULL, scores, &err);
    if (!st) st = behave_embed(model, &histories, NULL, 0, 2, NULL, scores, &err);
    if (!st) st = behave_recommend(model, &histories, &request, NULL, best, NULL, &err);
    if (st && st != KAI_NO_MEMORY) abort();
    free(scores);
}

static void save_again(const struct behave *model) {
    struct buf first, second, text;
    struct behave *again = NULL;
    struct json_writer json;
    kai_err err;
    buf_init(&first, 1 << 28);
    buf_init(&second, 1 << 28);
    buf_init(&text, 1 << 24);
    if (behave_save(model, &first, &err)) abort();
    if (behave_load("again", first.data, first.size, &again, &err)) abort();
    if (behave_save(again, &second, &err)) abort();
    if (first.size != second.size || memcmp(first.data, second.data, first.size) != 0) abort();
    json_init(&json, &text, 0);
    json_object(&json);
    behave_describe(model, &json);
    json_end(&json);
    if (json_finish(&json, &err)) abort();
    behave_free(again);
    buf_release(&text);
    buf_release(&second);
    buf_release(&first);
}

static void load(const void *bytes, size_t size) {
    struct behave *model = NULL;
    kai_err err;
    if (behave_load("input", bytes, size, &model, &err)) return;
    use(model);
    save_again(model);
    behave_free(model);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    load(data, size);
    if (size < 2) return 0;
    size_t cut = (size_t)data[0] | (size_t)data[1] << 8;
    data += 2;
    size -= 2;
    if (cut > size) cut = size;
    const struct bundle_section sections[] = {{"behave", data, cut},
                                              {"parameters", data + cut, size - cut}};
    struct buf bundle;
    kai_err err;
    buf_init(&bundle, 1 << 28);
    if (bundle_print(sections, 2, &bundle, &err)) abort();
    load(bundle.data, bundle.size);
    buf_release(&bundle);
    return 0;
}
