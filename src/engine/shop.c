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

struct listing {
    const struct column *item, *category, *price, *stock; /* the last three may be NULL */
};

static kai_status find_columns(const struct table *table, const kai_recommend_options *options,
                               struct listing *ret_catalogue, kai_err *err) {
    struct listing found = {0};
    int needs_category = options->category.count || options->per_category || options->diversity > 0;
    int needs_price = options->price_min > 0 || options->price_max < 1e300;
    kai_status st = table_column(table, options->item_column, &found.item, err);
    if (!st && needs_category)
        st = table_column(table, options->category_column, &found.category, err);
    if (!st && needs_price) st = table_column(table, options->price_column, &found.price, err);
    if (!st && options->in_stock)
        st = table_column(table, options->stock_column, &found.stock, err);
    const struct column *numbers[] = {found.price, found.stock};
    for (int i = 0; !st && i < 2; i++)
        if (numbers[i] && (numbers[i]->kind == COLUMN_TEXT || numbers[i]->kind == COLUMN_CATEGORY))
            st = err_set(err, KAI_INVALID, "column '%s': expected numbers, is %s", numbers[i]->name,
                         column_kind_text(numbers[i]->kind));
    if (!st) *ret_catalogue = found;
    return st;
}

/* Whether a row of the catalogue may be shown; what is missing cannot pass a filter. */
static int passes(const struct listing *catalogue, const kai_recommend_options *options,
                  int64_t row) {
    if (catalogue->price) {
        double price = column_f64(catalogue->price, row);
        if (!(price >= options->price_min && price <= options->price_max)) return 0;
    }
    if (catalogue->stock && !(column_f64(catalogue->stock, row) > 0)) return 0;
    if (options->category.count == 0) return 1;
    if (!column_is_valid(catalogue->category, row)) return 0;
    const char *category = dict_text(catalogue->category->dict, catalogue->category->as.codes[row]);
    for (int64_t i = 0; i < options->category.count; i++)
        if (strcmp(options->category.items[i], category) == 0) return 1;
    return 0;
}

static kai_status apply_catalogue(struct shop *shop, const struct table *table,
                                  const kai_recommend_options *options, const struct dict *items,
                                  kai_err *err) {
    struct listing catalogue;
    kai_status st = find_columns(table, options, &catalogue, err);
    if (st) return st;
    shop->categories = mem_array((size_t)items->count, sizeof *shop->categories);
    uint8_t *is_listed = mem_zero((size_t)items->count, 1);
    if (!shop->categories || !is_listed) st = err_memory(err, items->count * 5ll);
    for (int32_t i = 0; !st && i < items->count; i++) shop->categories[i] = -1;
    for (int64_t row = 0; !st && row < table->rows; row++) {
        if (!column_is_valid(catalogue.item, row)) continue;
        int32_t item = dict_find(
            items, slice_of(dict_text(catalogue.item->dict, catalogue.item->as.codes[row])));
        shop->items_unknown += item < 0;
        if (item < 0) continue;
        is_listed[item] = (uint8_t)passes(&catalogue, options, row);
        if (catalogue.category && column_is_valid(catalogue.category, row) &&
            catalogue.category->as.codes[row] < items->count)
            shop->categories[item] = catalogue.category->as.codes[row];
    }
    for (int32_t i = 0; !st && i < items->count; i++) {
        shop->items_unlisted += !is_listed[i];
        shop->is_excluded[i] |= !is_listed[i];
    }
    mem_free(is_listed);
    return st;
}

static kai_status read_catalogue(struct shop *shop, kai_engine *engine,
                                 const kai_recommend_options *options, const struct dict *items,
                                 kai_err *err) {
    const char *columns[TYPES_COUNT] = {options->item_column, options->category_column};
    char texts[TYPES_COUNT][TYPE_BYTES];
    const char *types[TYPES_COUNT] = {texts[0], texts[1]};
    struct table *table = NULL;
    int needs_category = options->category.count || options->per_category || options->diversity > 0;
    kai_table_options reading = {.types = {types, needs_category ? 2 : 1}};
    for (int i = 0; i < TYPES_COUNT; i++) {
        int size = snprintf(texts[i], TYPE_BYTES, "%s=category", columns[i]);
        if (size < 0 || size >= TYPE_BYTES)
            return err_set(err, KAI_INVALID, "column '%.40s...': the name is too long", columns[i]);
    }
    kai_status st = reading_table(engine, options->catalogue, &reading, &table, NULL, err);
    if (!st) st = apply_catalogue(shop, table, options, items, err);
    table_free(table);
    return st;
}

/* ---- the catalogue of the workspace ---- */

struct stocking {
    struct shop *shop;
    const kai_recommend_options *options;
    const struct dict *items;
    struct dict categories;
    uint8_t *is_listed; /* owned; (items) */
};

static int is_wanted(const struct stocking *stocking, const struct catalogue_item *item) {
    const kai_recommend_options *options = stocking->options;
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
    stocking->is_listed[code] = (uint8_t)is_wanted(stocking, item);
    if (!item->category.size) return KAI_OK;
    kai_status st = dict_add(&stocking->categories, item->category, &category, err);
    if (!st) stocking->shop->categories[code] = category; /* below (items): each has one */
    return st;
}

static kai_status stock(struct stocking *stocking, struct doorway *door, kai_err *err) {
    struct shop *shop = stocking->shop;
    int32_t count = stocking->items->count;
    stocking->is_listed = mem_zero((size_t)count, 1);
    shop->categories = mem_array((size_t)count, sizeof *shop->categories);
    if (!stocking->is_listed || !shop->categories) return err_memory(err, count * 5ll);
    for (int32_t i = 0; i < count; i++) shop->categories[i] = -1;
    kai_status st = catalogue_items(door, stock_item, stocking, err);
    for (int32_t i = 0; !st && i < count; i++) {
        shop->items_unlisted += !stocking->is_listed[i];
        shop->is_excluded[i] |= !stocking->is_listed[i];
    }
    return st;
}

static kai_status use_workspace(struct shop *shop, const kai_recommend_options *options,
                                const struct dict *items, kai_err *err) {
    struct stocking stocking = {.shop = shop, .options = options, .items = items};
    struct doorway *door = NULL;
    int exists = 0;
    kai_status st = KAI_OK;
    if (store_exists(options->common.workspace))
        st = doorway_open(options->common.workspace, STORE_READ, &door, err);
    if (!st && door) st = catalogue_exists(door, &exists, err);
    if (!st && !exists)
        st = err_set(err, KAI_INVALID,
                     "filters and limits by category, price or stock need --catalogue FILE, or a "
                     "workspace that has one ('kairos catalogue set')");
    dict_init(&stocking.categories);
    if (!st) st = stock(&stocking, door, err);
    dict_release(&stocking.categories);
    mem_free(stocking.is_listed);
    doorway_close(door);
    return st;
}

kai_status shop_init(struct shop *shop, kai_engine *engine, const kai_recommend_options *options,
                     const struct dict *items, kai_err *err) {
    *shop = (struct shop){0};
    int needs_catalogue = options->category.count || options->per_category ||
                          options->diversity > 0 || options->price_min > 0 ||
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
    if (!st && options->catalogue) st = read_catalogue(shop, engine, options, items, err);
    if (!st && needs_catalogue && !options->catalogue)
        st = use_workspace(shop, options, items, err);
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
