/* The item catalogue of a workspace: what is sold, in which category, for how much, and how many
 * are left; the table "item" of the store. Profiles, segments and features take the category of an
 * event from it, recommend its filters. */
#ifndef KAIROS_ENGINE_CATALOGUE_H
#define KAIROS_ENGINE_CATALOGUE_H

#include <kairos/engine.h>

#include "engine/doorway.h"
#include "table/table.h"

struct catalogue_item {
    struct slice item;
    struct slice title, category; /* empty = not said */
    double price, stock;          /* NaN = not said */
};

/* The columns of a table that lists items; all but the first may be NULL. */
struct catalogue_columns {
    const struct column *item, *title, *category, *price, *stock;
};
enum { CATALOGUE_TEXTS = 3 };

/* Fails: KAI_INVALID (price or stock are no numbers). */
KAI_MUST_CHECK kai_status catalogue_check(const struct catalogue_columns *columns, kai_err *err);
/* One row; its texts live in `texts` until the next. An item that is not named is empty. */
KAI_MUST_CHECK kai_status catalogue_row(const struct catalogue_columns *columns, int64_t row,
                                        struct buf texts[CATALOGUE_TEXTS],
                                        struct catalogue_item *ret_item, kai_err *err);
void catalogue_texts_init(struct buf texts[CATALOGUE_TEXTS]);
void catalogue_texts_release(struct buf texts[CATALOGUE_TEXTS]);

typedef kai_status (*catalogue_fn)(void *user, const struct catalogue_item *item, kai_err *err);

/* Is anything listed? */
KAI_MUST_CHECK kai_status catalogue_exists(struct doorway *door, int *ret_exists, kai_err *err);
/* Put one item in, over what was said of it before. */
KAI_MUST_CHECK kai_status catalogue_put(struct doorway *door, const struct catalogue_item *item,
                                        kai_err *err);
/* Every item, in the order of the bytes of their names. The callback must not write. */
KAI_MUST_CHECK kai_status catalogue_items(struct doorway *door, catalogue_fn call, void *user,
                                          kai_err *err);
/* The category of an item, appended to `out`; nothing where it is not listed or has none. */
KAI_MUST_CHECK kai_status catalogue_category(struct doorway *door, struct slice item,
                                             struct buf *out, kai_err *err);

#endif
