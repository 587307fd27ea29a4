#include "engine/shop.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/catalogue.h"
#include "engine/reading.h"

enum { TYPES_COUNT = 2, TYPE_BYTES = 300 };

static kai_status find_item(const struct dict *items, struct slice name, const char *option,
                            int32_t *ret_item, kai_err *err) {
    int32_t item = dict_find(items, name);
    if (item < 0)
        return err_set(err, KAI_NOT_FOUND, "option '--%s': the model has never seen item '%.*s'",
                       option, (int)(name.size < 200 ? name.size : 200), name.data);
    *ret_item = item;
    return KAI_OK;
}

static kai_status mark(const struct dict *items, kai_list names, const char *option,
                       uint8_t *is_marked, kai_err *err) {
    for (int64_t i = 0; i < names.count; i++) {
        int32_t item = 0;
        kai_status st = find_item(items, slice_of(names.items[i]), option, &item, err);
        if (st) return st;
        is_marked[item] = 1;
    }
    return KAI_OK;
}

static kai_status pin(struct shop *shop, const struct dict *items, kai_list names, kai_err *err) {
    for (int64_t i = 0; i < names.count; i++) {
        kai_status st = find_item(items, slice_of(names.items[i]), "pin", &shop->pinned[i], err);
        if (st) return st;
    }
    shop->rules.pinned = shop->pinned;
    shop->rules.pinned_count = (int32_t)names.count;
    return KAI_OK;
}

/* "ITEM=AMOUNT"; the item's name may hold '='. */
static kai_status boost(struct shop *shop, const struct dict *items, kai_list rules, kai_err *err) {
    for (int64_t i = 0; i < rules.count; i++) {
        const char *cut = strrchr(rules.items[i], '=');
        double amount = 0;
        int32_t item = 0;
        if (!cut || !text_parse_f64(slice_of(cut + 1), &amount) || fabs(amount) > 1e6)
            return err_set(err, KAI_INVALID, "option '--boost': expected ITEM=AMOUNT, got '%s'",
                           rules.items[i]);
        struct slice name = {rules.items[i], (size_t)(cut - rules.items[i])};
        kai_status st = find_item(items, name, "boost", &item, err);
        if (st) return st;
        shop->boost[item] += (float)amount;
    }
    return KAI_OK;
}

/* ---- the catalogue: a file, or the workspace's ---- */

struct stocking {
    struct shop *shop;
    const kai_recommend_options *options;
    const struct dict *items;
    struct dict categories; /* of items of the model */
    uint8_t *is_listed;     /* owned; (items) */
};

/* Whether an item may be shown; what is missing cannot pass a filter. */
static int passes(const kai_recommend_options *options, const struct catalogue_item *item) {
    int has_range = options->price_min > 0 || options->price_max < 1e300;
    if (has_range && !(item->price >= options->price_min && item->price <= options->price_max))
        return 0;
    if (options->in_stock && !(item->stock > 0)) return 0;
    for (int64_t i = 0; i < options->category.count; i++)
        if (slice_equal_text(item->category, options->category.items[i])) return 1;
    return options->category.count == 0;
}

static kai_status stock_item(void *user, const struct catalogue_item *item, kai_err *err) {
    struct stocking *stocking = user;
    int32_t code = dict_find(stocking->items, item->item), category = -1;
    stocking->shop->items_unknown += code < 0;
    if (code < 0) return KAI_OK;
    stocking->is_listed[code] = (uint8_t)passes(stocking->options, item);
    if (!item->category.size) return KAI_OK;
    kai_status st = dict_add(&stocking->categories, item->category, &category, err);
    if (!st && category < stocking->items->count) stocking->shop->categories[code] = category;
    return st;
}

static kai_status stocking_init(struct stocking *stocking, struct shop *shop,
                                const kai_recommend_options *options, const struct dict *items,
                                kai_err *err) {
    *stocking = (struct stocking){.shop = shop, .options = options, .items = items};
    dict_init(&stocking->categories);
    stocking->is_listed = mem_zero((size_t)items->count, 1);
    shop->categories = mem_array((size_t)items->count, sizeof *shop->categories);
    if (!stocking->is_listed || !shop->categories) return err_memory(err, items->count * 5ll);
    for (int32_t i = 0; i < items->count; i++) shop->categories[i] = -1;
    return KAI_OK;
}

/* What was not listed is left out. */
static void stocking_end(struct stocking *stocking, kai_status st) {
    struct shop *shop = stocking->shop;
    for (int32_t i = 0; !st && i < stocking->items->count; i++) {
        shop->items_unlisted += !stocking->is_listed[i];
        shop->is_excluded[i] |= !stocking->is_listed[i];
    }
    dict_release(&stocking->categories);
    mem_free(stocking->is_listed);
}

static int needs_category(const kai_recommend_options *options) {
    return options->category.count || options->per_category || options->diversity > 0;
}

static kai_status find_columns(const struct table *table, const kai_recommend_options *options,
                               struct catalogue_columns *ret_columns, kai_err *err) {
    int needs_price = options->price_min > 0 || options->price_max < 1e300;
    kai_status st = table_column(table, options->item_column, &ret_columns->item, err);
    if (!st && needs_category(options))
        st = table_column(table, options->category_column, &ret_columns->category, err);
    if (!st && needs_price)
        st = table_column(table, options->price_column, &ret_columns->price, err);
    if (!st && options->in_stock)
        st = table_column(table, options->stock_column, &ret_columns->stock, err);
    return st ? st : catalogue_check(ret_columns, err);
}

static kai_status stock_table(struct stocking *stocking, const struct table *table, kai_err *err) {
    struct catalogue_columns columns = {0};
    struct catalogue_item item;
    struct buf texts[CATALOGUE_TEXTS];
    catalogue_texts_init(texts);
    kai_status st = find_columns(table, stocking->options, &columns, err);
    for (int64_t row = 0; !st && row < table->rows; row++) {
        st = catalogue_row(&columns, row, texts, &item, err);
        if (!st && item.item.size) st = stock_item(stocking, &item, err);
    }
    catalogue_texts_release(texts);
    return st;
}

static kai_status stock_file(struct stocking *stocking, kai_engine *engine, kai_err *err) {
    const kai_recommend_options *options = stocking->options;
    const char *columns[TYPES_COUNT] = {options->item_column, options->category_column};
    char texts[TYPES_COUNT][TYPE_BYTES];
    const char *types[TYPES_COUNT] = {texts[0], texts[1]};
    struct table *table = NULL;
    kai_table_options reading = {.types = {types, needs_category(options) ? 2 : 1}};
    for (int i = 0; i < TYPES_COUNT; i++) {
        int size = snprintf(texts[i], TYPE_BYTES, "%s=category", columns[i]);
        if (size < 0 || size >= TYPE_BYTES)
            return err_set(err, KAI_INVALID, "column '%.40s...': the name is too long", columns[i]);
    }
    kai_status st = reading_table(engine, options->catalogue, &reading, &table, NULL, err);
    if (!st) st = stock_table(stocking, table, err);
    table_free(table);
    return st;
}

static kai_status stock_workspace(struct stocking *stocking, kai_err *err) {
    const char *workspace = stocking->options->common.workspace;
    struct doorway *door = NULL;
    int exists = 0;
    kai_status st = KAI_OK;
    if (store_exists(workspace)) st = doorway_open(workspace, STORE_READ, &door, err);
    if (!st && door) st = catalogue_exists(door, &exists, err);
    if (!st && !exists)
        st = err_set(err, KAI_INVALID,
                     "filters and limits by category, price or stock need --catalogue FILE, or a "
                     "workspace that has one ('kairos catalogue set')");
    if (!st) st = catalogue_items(door, stock_item, stocking, err);
    doorway_close(door);
    return st;
}

static kai_status read_catalogue(struct shop *shop, kai_engine *engine,
                                 const kai_recommend_options *options, const struct dict *items,
                                 kai_err *err) {
    struct stocking stocking;
    kai_status st = stocking_init(&stocking, shop, options, items, err);
    if (!st)
        st = options->catalogue ? stock_file(&stocking, engine, err)
                                : stock_workspace(&stocking, err);
    stocking_end(&stocking, st);
    return st;
}

kai_status shop_init(struct shop *shop, kai_engine *engine, const kai_recommend_options *options,
                     const struct dict *items, kai_err *err) {
    *shop = (struct shop){0};
    int needs_catalogue = options->catalogue || needs_category(options) || options->price_min > 0 ||
                          options->price_max < 1e300 || options->in_stock;
    shop->is_excluded = mem_zero((size_t)items->count, 1);
    shop->is_buried = mem_zero((size_t)items->count, 1);
    shop->boost = mem_zero((size_t)items->count, sizeof *shop->boost);
    shop->pinned = mem_array((size_t)options->pin.count, sizeof *shop->pinned);
    kai_status st = KAI_OK;
    if (!shop->is_excluded || !shop->is_buried || !shop->boost || !shop->pinned)
        st = err_memory(err, items->count * 6ll);
    if (!st) st = mark(items, options->exclude, "exclude", shop->is_excluded, err);
    if (!st) st = mark(items, options->bury, "bury", shop->is_buried, err);
    if (!st) st = boost(shop, items, options->boost, err);
    if (!st) st = pin(shop, items, options->pin, err);
    if (!st && needs_catalogue) st = read_catalogue(shop, engine, options, items, err);
    if (st) {
        shop_release(shop);
        return st;
    }
    shop->rules.k = (int32_t)options->k;
    shop->rules.is_excluded = shop->is_excluded;
    shop->rules.is_buried = options->bury.count ? shop->is_buried : NULL;
    shop->rules.boost = options->boost.count ? shop->boost : NULL;
    shop->rules.categories = shop->categories;
    shop->rules.per_category = (int32_t)options->per_category;
    shop->rules.diversity = options->diversity;
    return KAI_OK;
}

void shop_release(struct shop *shop) {
    mem_free(shop->is_excluded);
    mem_free(shop->is_buried);
    mem_free(shop->boost);
    mem_free(shop->pinned);
    mem_free(shop->categories);
    *shop = (struct shop){0};
}
