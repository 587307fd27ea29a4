/* The rules of a shop from options and a catalogue: what behave/shelf.h obeys. */
#ifndef KAIROS_ENGINE_SHOP_H
#define KAIROS_ENGINE_SHOP_H

#include <kairos/recommend.h>

#include "base/dict.h"
#include "behave/shelf.h"
#include "engine/engine.h"

struct shop {
    struct shelf_rules rules; /* point into the rest */
    uint8_t *is_excluded;     /* owned; (items) */
    uint8_t *is_buried;       /* owned; (items) */
    float *boost;             /* owned; (items) */
    int32_t *pinned;          /* owned */
    int32_t *categories;      /* owned; (items); NULL without a catalogue */
    int64_t items_unlisted;   /* items of the model that the catalogue does not list: left out */
    int64_t items_unknown;    /* items of the catalogue that the model has never seen */
};

/* Fails: KAI_NOT_FOUND (an item that nobody knows, a column), KAI_INVALID, and as
 * collect_read_csv. */
KAI_MUST_CHECK kai_status shop_init(struct shop *shop, kai_engine *engine,
                                    const kai_recommend_options *options, const struct dict *items,
                                    kai_err *err);
void shop_release(struct shop *shop);

#endif
