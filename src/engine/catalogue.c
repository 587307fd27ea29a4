#include "engine/catalogue.h"

#include <math.h>

#include "base/caps.h"
#include "base/json.h"

static const char TABLE[] = "item";

/* ---- from a table ---- */

void catalogue_texts_init(struct buf texts[CATALOGUE_TEXTS]) {
    for (int i = 0; i < CATALOGUE_TEXTS; i++) buf_init(&texts[i], (size_t)CAPS_FIELD_BYTES + 1);
}

void catalogue_texts_release(struct buf texts[CATALOGUE_TEXTS]) {
    for (int i = 0; i < CATALOGUE_TEXTS; i++) buf_release(&texts[i]);
}

kai_status catalogue_check(const struct catalogue_columns *columns, kai_err *err) {
    const struct column *const numbers[] = {columns->price, columns->stock};
    for (int i = 0; i < 2; i++)
        if (numbers[i] && (numbers[i]->kind == COLUMN_TEXT || numbers[i]->kind == COLUMN_CATEGORY))
            return err_set(err, KAI_INVALID, "column '%s': expected numbers, is %s",
                           numbers[i]->name, column_kind_text(numbers[i]->kind));
    return KAI_OK;
}

static double number_at(const struct column *column, int64_t row) {
    return column && column_is_valid(column, row) ? column_f64(column, row) : NAN;
}

kai_status catalogue_row(const struct catalogue_columns *columns, int64_t row,
                         struct buf texts[CATALOGUE_TEXTS], struct catalogue_item *ret_item,
                         kai_err *err) {
    const struct column *const from[] = {columns->item, columns->title, columns->category};
    struct slice *const to[] = {&ret_item->item, &ret_item->title, &ret_item->category};
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < CATALOGUE_TEXTS; i++) {
        buf_reset(&texts[i]);
        if (from[i]) st = column_print(from[i], row, &texts[i], err); /* "" where it is missing */
        *to[i] = (struct slice){texts[i].data ? texts[i].data : "", texts[i].size};
    }
    ret_item->price = number_at(columns->price, row);
    ret_item->stock = number_at(columns->stock, row);
    return st;
}

/* ---- in the store ---- */

/* One row, opened. */
static kai_status parse(struct slice value, struct json_value **ret_row, kai_err *err) {
    kai_status st = json_parse(value.data, value.size, ret_row, err);
    return st ? err_wrap(err, st, "an item of the catalogue") : KAI_OK;
}

static kai_status note_row(void *user, struct slice key, struct slice value, kai_err *err) {
    (void)key;
    (void)value;
    *(int *)user = 1;
    return err_set(err, KAI_CANCELLED, "one is enough");
}

kai_status catalogue_exists(struct doorway *door, int *ret_exists, kai_err *err) {
    kai_err why = {0};
    int exists = 0;
    kai_status st =
        store_rows(doorway_store(door), TABLE, (struct slice){"", 0}, note_row, &exists, &why);
    if (st && !exists) return err_set(err, st, "%s", why.message);
    *ret_exists = exists;
    return KAI_OK;
}

kai_status catalogue_put(struct doorway *door, const struct catalogue_item *item, kai_err *err) {
    struct buf row;
    struct json_writer json;
    buf_init(&row, 4 * (size_t)CAPS_FIELD_BYTES);
    json_init(&json, &row, 0);
    json_object(&json);
    if (item->title.size) json_key_slice(&json, "title", item->title);
    if (item->category.size) json_key_slice(&json, "category", item->category);
    if (!isnan(item->price)) json_key_f64(&json, "price", item->price);
    if (!isnan(item->stock)) json_key_f64(&json, "stock", item->stock);
    json_end(&json);
    kai_status st = json_finish(&json, err);
    if (!st)
        st = store_put(doorway_store(door), TABLE, item->item, (struct slice){row.data, row.size},
                       err);
    buf_release(&row);
    return st;
}

struct telling_items {
    catalogue_fn call;
    void *user;
};

static kai_status tell_item(void *user, struct slice key, struct slice value, kai_err *err) {
    const struct telling_items *telling = user;
    struct json_value *row = NULL;
    kai_status st = parse(value, &row, err);
    if (st) return st;
    const struct catalogue_item item = {
        .item = key,
        .title = slice_of(json_as_text(json_get(row, "title"), "")),
        .category = slice_of(json_as_text(json_get(row, "category"), "")),
        .price = json_as_f64(json_get(row, "price"), NAN),
        .stock = json_as_f64(json_get(row, "stock"), NAN)};
    st = telling->call(telling->user, &item, err);
    json_free(row);
    return st;
}

kai_status catalogue_items(struct doorway *door, catalogue_fn call, void *user, kai_err *err) {
    struct telling_items telling = {call, user};
    return store_rows(doorway_store(door), TABLE, (struct slice){"", 0}, tell_item, &telling, err);
}

kai_status catalogue_category(struct doorway *door, struct slice item, struct buf *out,
                              kai_err *err) {
    struct json_value *row = NULL;
    struct buf value;
    int is_there = 0;
    buf_init(&value, 4 * (size_t)CAPS_FIELD_BYTES);
    kai_status st = store_get(doorway_store(door), TABLE, item, &value, &is_there, err);
    if (!st && is_there) st = parse((struct slice){value.data, value.size}, &row, err);
    if (!st && is_there) st = buf_puts(out, json_as_text(json_get(row, "category"), ""), err);
    json_free(row);
    buf_release(&value);
    return st;
}
