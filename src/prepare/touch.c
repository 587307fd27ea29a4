#include "prepare/touch.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/stable_sort.h"

kai_status touch_book_init(struct touch_book *book, kai_err *err) {
    static const char *const TYPES[] = {"view", "cart", "order", "refund"};
    *book = (struct touch_book){0};
    struct dict *const dicts[] = {&book->types,    &book->items,     &book->categories,
                                  &book->channels, &book->campaigns, &book->sessions};
    int32_t *const codes[] = {&book->view, &book->cart, &book->order, &book->refund};
    for (size_t i = 0; i < sizeof dicts / sizeof *dicts; i++) dict_init(dicts[i]);
    kai_status st = KAI_OK;
    for (size_t i = 0; !st && i < sizeof TYPES / sizeof *TYPES; i++)
        st = dict_add(&book->types, slice_of(TYPES[i]), codes[i], err);
    if (st) touch_book_release(book);
    return st;
}

void touch_book_release(struct touch_book *book) {
    dict_release(&book->types);
    dict_release(&book->items);
    dict_release(&book->categories);
    dict_release(&book->channels);
    dict_release(&book->campaigns);
    dict_release(&book->sessions);
    mem_free(book->item_categories);
    *book = (struct touch_book){0};
}

static kai_status code_of(struct dict *dict, struct slice text, int32_t *ret_code, kai_err *err) {
    *ret_code = -1;
    return text.size ? dict_add(dict, text, ret_code, err) : KAI_OK;
}

/* The code of an item, with room for its category. */
static kai_status item_code(struct touch_book *book, struct slice item, int32_t *ret_code,
                            kai_err *err) {
    kai_status st = code_of(&book->items, item, ret_code, err);
    if (st || *ret_code < book->item_capacity) return st;
    int32_t capacity = book->item_capacity ? 2 * book->item_capacity : 256;
    int32_t *grown = mem_resize(book->item_categories, (size_t)capacity, sizeof *grown);
    if (!grown) return err_memory(err, capacity * (int64_t)sizeof *grown);
    for (int32_t i = book->item_capacity; i < capacity; i++) grown[i] = -1;
    book->item_categories = grown;
    book->item_capacity = capacity;
    return KAI_OK;
}

kai_status touch_book_categorise(struct touch_book *book, struct slice item, struct slice category,
                                 kai_err *err) {
    int32_t code = -1, of_item = -1;
    kai_status st = item_code(book, item, &of_item, err);
    if (!st) st = code_of(&book->categories, category, &code, err);
    if (!st && of_item >= 0) book->item_categories[of_item] = code;
    return st;
}

int touch_is(const struct event *event) {
    return !(event->flags & TOUCH_FLAGS_EXCLUDED) && event->type.size > 0;
}

/* The property "category", where there is one. */
static kai_status read_category(struct touch_book *book, struct slice properties, int32_t *ret_code,
                                kai_err *err) {
    static const char KEY[] = "\"category\"";
    struct json_value *object = NULL;
    if (!properties.size || !memmem(properties.data, properties.size, KEY, sizeof KEY - 1))
        return KAI_OK;
    kai_status st = json_parse(properties.data, properties.size, &object, NULL);
    if (st == KAI_NO_MEMORY) return err_memory(err, (int64_t)properties.size);
    const char *text = json_as_text(json_get(object, "category"), "");
    st = code_of(&book->categories, slice_of(text), ret_code, err);
    json_free(object);
    return st;
}

kai_status touch_from_event(struct touch_book *book, const struct event *event,
                            struct touch *ret_touch, kai_err *err) {
    struct touch touch = {.time_us = event->time_us,
                          .value = event->value,
                          .quantity = event->quantity,
                          .category = -1};
    kai_status st = code_of(&book->types, event->type, &touch.type, err);
    if (!st) st = item_code(book, event->item, &touch.item, err);
    if (!st) st = code_of(&book->channels, event->channel, &touch.channel, err);
    if (!st) st = code_of(&book->campaigns, event->campaign, &touch.campaign, err);
    if (!st) st = code_of(&book->sessions, event->session, &touch.session, err);
    if (!st && touch.item >= 0) touch.category = book->item_categories[touch.item];
    if (!st && touch.category < 0)
        st = read_category(book, event->properties, &touch.category, err);
    if (!st) *ret_touch = touch;
    return st;
}

static int is_not_later(const void *user, const void *a, const void *b) {
    (void)user;
    return ((const struct touch *)a)->time_us <= ((const struct touch *)b)->time_us;
}

kai_status touch_sort(struct touch *touches, int64_t count, kai_err *err) {
    if (stable_is_sorted(touches, count, sizeof *touches, is_not_later, NULL)) return KAI_OK;
    struct touch *scratch = mem_array((size_t)count, sizeof *scratch);
    if (!scratch) return err_memory(err, count * (int64_t)sizeof *scratch);
    stable_sort(touches, scratch, count, sizeof *touches, is_not_later, NULL);
    mem_free(scratch);
    return KAI_OK;
}

int64_t touch_before(const struct touch *touches, int64_t count, int64_t at_us) {
    int64_t low = 0, high = count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (touches[middle].time_us < at_us)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
