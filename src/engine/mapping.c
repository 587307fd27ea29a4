#include "engine/mapping.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/caps.h"
#include "base/file.h"
#include "base/hash.h"
#include "base/instant.h"
#include "base/json.h"
#include "base/options.h"
#include "base/yaml.h"
#include "collect/commerce.h"
#include "engine/reading.h"

#define PART(key, part, words)                                                      \
    {                                                                               \
        .name = (key), .kind = OPTION_TEXT,                                         \
        .offset = offsetof(struct mapping, column) + (part) * sizeof(const char *), \
        .value = "COL", .help = (words)                                             \
    }
#define TEXT(key, member, placeholder, words)                                           \
    {                                                                                   \
        .name = (key), .kind = OPTION_TEXT, .offset = offsetof(struct mapping, member), \
        .value = (placeholder), .help = (words)                                         \
    }

static const struct kai_option KEYS[] = {
    PART("id", MAPPING_ID, "key of the event"),
    PART("customer", MAPPING_CUSTOMER, "the known customer"),
    PART("anonymous", MAPPING_ANONYMOUS, "device or visitor"),
    PART("type", MAPPING_TYPE, "what happened"),
    PART("item", MAPPING_ITEM, "product, content"),
    PART("currency", MAPPING_CURRENCY, "currency of the money"),
    PART("channel", MAPPING_CHANNEL, "channel"),
    PART("campaign", MAPPING_CAMPAIGN, "campaign"),
    PART("session", MAPPING_SESSION, "session, invoice"),
    TEXT("time", time, "COL", "when: a date, or a number"),
    TEXT("value", value, "COL", "money of the whole event"),
    TEXT("price", price, "COL", "money of one piece"),
    TEXT("quantity", quantity, "COL", "pieces"),
    TEXT("event", event, "TYPE", "the type of every row"),
    TEXT("negative", negative, "TYPE", "the type of rows with a negative quantity"),
    {.name = "unit",
     .kind = OPTION_NUMBER,
     .offset = offsetof(struct mapping, unit),
     .fallback = "1",
     .low = 1e-9,
     .high = 86400,
     .value = "SECONDS",
     .help = "seconds of a time that is a number"},
    READING_OPTIONS(struct mapping, reading),
};
static const struct kai_option_table TABLE = {
    .name = "mapping file", .options = KEYS, .count = (int32_t)(sizeof KEYS / sizeof *KEYS)};

const char *mapping_reason_text(enum mapping_reason reason) {
    static const char *const TEXTS[MAPPING_REASONS] = {"", "neither customer nor device", "no time",
                                                       "no type", "not a JSON object"};
    return (uint32_t)reason < MAPPING_REASONS ? TEXTS[reason] : "";
}

/* Names are names, whatever they look like ("007" is not 7), unless the file says another kind. */
static kai_status add_kinds(struct mapping *mapping, struct arena *arena, kai_err *err) {
    int64_t count = mapping->reading.types.count;
    size_t capacity = (size_t)count + MAPPING_TEXTS;
    const char **types = arena_alloc(arena, capacity * sizeof *types, sizeof(char *));
    if (!types) return err_memory(err, (int64_t)sizeof *types);
    for (int64_t i = 0; i < count; i++) types[i] = mapping->reading.types.items[i];
    for (int part = 0; part < MAPPING_TEXTS; part++) {
        static const char KIND[] = "=category";
        const char *name = mapping->column[part];
        size_t length = name ? strlen(name) : 0;
        int is_said = !name;
        for (int64_t i = 0; !is_said && i < count; i++)
            is_said = strncmp(types[i], name, length) == 0 && types[i][length] == '=';
        if (is_said) continue;
        char *text = arena_alloc(arena, length + sizeof KIND, 1);
        if (!text) return err_memory(err, (int64_t)length);
        memcpy(text, name, length);
        memcpy(text + length, KIND, sizeof KIND);
        types[count++] = text;
    }
    mapping->reading.types = (kai_list){types, count};
    return KAI_OK;
}

kai_status mapping_load(const char *path, struct arena *arena, struct mapping *ret_mapping,
                        kai_err *err) {
    struct buf bytes;
    buf_init(&bytes, (size_t)CAPS_TEXT_FILE_BYTES);
    kai_status st = file_read_all(path, (size_t)CAPS_TEXT_FILE_BYTES, &bytes, err);
    if (!st)
        st = mapping_parse(path, bytes.data ? bytes.data : "", bytes.size, arena, ret_mapping, err);
    buf_release(&bytes);
    return st;
}

kai_status mapping_parse(const char *name, const char *bytes, size_t size, struct arena *arena,
                         struct mapping *ret_mapping, kai_err *err) {
    struct yaml_tree *tree = NULL;
    struct mapping mapping = {.struct_size = sizeof mapping};
    kai_status st = yaml_parse(name, bytes, size, &tree, err);
    const struct yaml_node *root = st ? NULL : yaml_root(tree);
    if (!st) st = options_init(&TABLE, &mapping, arena, err);
    if (!st) st = options_from_yaml(&TABLE, tree, root, NULL, &mapping, arena, err);
    if (!st && !mapping.column[MAPPING_CUSTOMER] && !mapping.column[MAPPING_ANONYMOUS])
        st = yaml_error(tree, root, err, "the key 'customer' or 'anonymous' is missing");
    if (!st && !mapping.time) st = yaml_error(tree, root, err, "the key 'time' is missing");
    if (!st && !mapping.column[MAPPING_TYPE] && !mapping.event)
        st = yaml_error(tree, root, err, "the key 'type' or 'event' is missing");
    if (!st && mapping.value && mapping.price)
        st = yaml_error(tree, root, err, "only one of 'value' and 'price' can be");
    yaml_free(tree);
    if (!st) st = add_kinds(&mapping, arena, err);
    if (!st) *ret_mapping = mapping;
    return st;
}

void mapping_texts_init(struct mapping_texts *texts) {
    for (int i = 0; i < MAPPING_TEXTS; i++) buf_init(&texts->text[i], 1 << 20);
    buf_init(&texts->properties, 1 << 20);
}

void mapping_texts_release(struct mapping_texts *texts) {
    for (int i = 0; i < MAPPING_TEXTS; i++) buf_release(&texts->text[i]);
    buf_release(&texts->properties);
}

static kai_status need_numbers(const struct column *column, kai_err *err) {
    if (!column || column->kind == COLUMN_F64 || column->kind == COLUMN_I64) return KAI_OK;
    return err_set(err, KAI_INVALID, "column '%s' is %s, expected numbers", column->name,
                   column_kind_text(column->kind));
}

kai_status mapping_columns(const struct mapping *mapping, const struct table *table,
                           const struct column *ret_columns[MAPPING_COLUMNS], kai_err *err) {
    const char *names[MAPPING_COLUMNS] = {0};
    for (int i = 0; i < MAPPING_TEXTS; i++) names[i] = mapping->column[i];
    names[MAPPING_TEXTS] = mapping->time;
    names[MAPPING_TEXTS + 1] = mapping->value;
    names[MAPPING_TEXTS + 2] = mapping->price;
    names[MAPPING_TEXTS + 3] = mapping->quantity;
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < MAPPING_COLUMNS; i++) {
        ret_columns[i] = NULL;
        if (names[i]) st = table_column(table, names[i], &ret_columns[i], err);
        if (!st && i > MAPPING_TEXTS) st = need_numbers(ret_columns[i], err);
    }
    const struct column *time = st ? NULL : ret_columns[MAPPING_TEXTS];
    if (!st && time->kind != COLUMN_TIME) st = need_numbers(time, err);
    return st;
}

static struct slice slice_of_buf(const struct buf *buf) {
    return (struct slice){buf->data ? buf->data : "", buf->size};
}

/* Point the event at its texts. */
static void point(struct mapping_texts *texts, struct event *event) {
    struct slice *const to[MAPPING_TEXTS] = {[MAPPING_ID] = &event->id,
                                             [MAPPING_CUSTOMER] = &event->customer,
                                             [MAPPING_ANONYMOUS] = &event->anonymous,
                                             [MAPPING_TYPE] = &event->type,
                                             [MAPPING_ITEM] = &event->item,
                                             [MAPPING_CURRENCY] = &event->currency,
                                             [MAPPING_CHANNEL] = &event->channel,
                                             [MAPPING_CAMPAIGN] = &event->campaign,
                                             [MAPPING_SESSION] = &event->session};
    for (int i = 0; i < MAPPING_TEXTS; i++) *to[i] = slice_of_buf(&texts->text[i]);
    event->properties = slice_of_buf(&texts->properties);
}

/* An id for an event that brings none: its place and everything that it says. */
static void name_event(struct mapping_texts *texts, int64_t place, struct event *event) {
    if (event->id.size) return;
    uint64_t hash = hash_mix((uint64_t)place);
    for (int i = 0; i < MAPPING_TEXTS; i++) {
        hash =
            hash_bytes(texts->text[i].data ? texts->text[i].data : "", texts->text[i].size, hash);
        hash = hash_mix(hash + texts->text[i].size);
    }
    const double numbers[] = {(double)event->time_us, event->value, event->quantity};
    hash = hash_bytes(numbers, sizeof numbers, hash);
    hash = hash_bytes(event->properties.data, event->properties.size, hash);
    int size = snprintf(texts->id, sizeof texts->id, "%lld-%016llx", (long long)place,
                        (unsigned long long)hash);
    event->id = (struct slice){texts->id, (size_t)size};
}

static enum mapping_reason check(const struct event *event, int has_time) {
    if (!event->customer.size && !event->anonymous.size) return MAPPING_NOBODY;
    if (!has_time) return MAPPING_NO_TIME;
    return event->type.size ? MAPPING_OK : MAPPING_NO_TYPE;
}

/* A number of seconds as a moment; 0 where no calendar reaches. */
static int moment(double seconds, int64_t *ret_us) {
    static const double MOST_SECONDS = 2.5e11; /* the year 9892 */
    if (!(fabs(seconds) < MOST_SECONDS)) return 0;
    *ret_us = llround(seconds * 1e6);
    return 1;
}

static double number_at(const struct column *column, int64_t row) {
    return column && column_is_valid(column, row) ? column_f64(column, row) : NAN;
}

static void count_money(const struct mapping *mapping,
                        const struct column *const columns[MAPPING_COLUMNS], int64_t row,
                        struct event *event) {
    double price = number_at(columns[MAPPING_TEXTS + 2], row);
    event->value = number_at(columns[MAPPING_TEXTS + 1], row);
    event->quantity = number_at(columns[MAPPING_TEXTS + 3], row);
    if (mapping->negative && event->quantity < 0) {
        event->type = slice_of(mapping->negative);
        event->quantity = -event->quantity;
        if (event->value < 0) event->value = -event->value;
    }
    if (mapping->price) event->value = price * (isnan(event->quantity) ? 1 : event->quantity);
}

kai_status mapping_row(const struct mapping *mapping,
                       const struct column *const columns[MAPPING_COLUMNS], int64_t row,
                       struct mapping_texts *texts, struct event *ret_event,
                       enum mapping_reason *ret_reason, kai_err *err) {
    struct event event = event_empty();
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < MAPPING_TEXTS; i++) {
        buf_reset(&texts->text[i]);
        if (columns[i] && column_is_valid(columns[i], row))
            st = column_print(columns[i], row, &texts->text[i], err);
    }
    buf_reset(&texts->properties);
    if (st) return st;
    point(texts, &event);
    if (mapping->event) event.type = slice_of(mapping->event);
    const struct column *time = columns[MAPPING_TEXTS];
    int has_time = column_is_valid(time, row);
    if (has_time && time->kind == COLUMN_TIME)
        event.time_us = time->as.i64[row];
    else if (has_time)
        has_time = moment(column_f64(time, row) * mapping->unit, &event.time_us);
    event.received_us = event.time_us;
    count_money(mapping, columns, row, &event);
    name_event(texts, row, &event);
    *ret_reason = check(&event, has_time);
    *ret_event = event;
    return KAI_OK;
}

/* ---- JSON Lines ---- */

/* The first of some keys that is a text or a number, appended to `text`. */
static kai_status take_text(const struct json_value *object, const char *const *keys,
                            struct buf *text, kai_err *err) {
    for (; *keys; keys++) {
        const struct json_value *value = json_get(object, *keys);
        const char *words = json_as_text(value, NULL);
        double number = json_as_f64(value, NAN);
        char digits[TEXT_NUMBER_BYTES];
        if (words) return buf_puts(text, words, err);
        if (isnan(number)) continue;
        (void)text_print_f64(number, digits);
        return buf_puts(text, digits, err);
    }
    return KAI_OK;
}

static double take_number(const struct json_value *object, const char *const *keys) {
    for (; *keys; keys++) {
        const struct json_value *value = json_get(object, *keys);
        const char *words = json_as_text(value, NULL);
        double number = json_as_f64(value, NAN);
        if (words && !text_parse_f64(slice_trim(slice_of(words)), &number)) number = NAN;
        if (!isnan(number)) return number;
    }
    return NAN;
}

#define KEYS_OF(...) ((const char *const[]){__VA_ARGS__, NULL})

/* What sites call it, as one word of ours; other names stay. */
static kai_status rename_type(struct buf *type, kai_err *err) {
    const char *ours = commerce_type(slice_of_buf(type));
    if (!ours) return KAI_OK;
    buf_reset(type);
    return buf_puts(type, ours, err);
}

/* ISO 8601, or a number: seconds, from 1e11 on milliseconds. */
static int take_time(const struct json_value *object, int64_t *ret_us) {
    static const char *const NAMES[] = {"time", "timestamp", "originalTimestamp", "sentAt"};
    for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
        const struct json_value *value = json_get(object, NAMES[i]);
        const char *words = json_as_text(value, NULL);
        double number = json_as_f64(value, NAN);
        if (words && instant_parse(slice_of(words), ret_us)) return 1;
        if (moment(fabs(number) < 1e11 ? number : number / 1e3, ret_us)) return 1;
    }
    return 0;
}

static kai_status take_parts(const struct json_value *object, const struct json_value *properties,
                             struct mapping_texts *texts, kai_err *err) {
    const char *const *const keys[MAPPING_TEXTS] = {
        [MAPPING_ID] = KEYS_OF("id", "messageId"),
        [MAPPING_CUSTOMER] = KEYS_OF("customer", "userId"),
        [MAPPING_ANONYMOUS] = KEYS_OF("anonymous", "anonymousId"),
        [MAPPING_TYPE] = KEYS_OF("event", "type"),
        [MAPPING_ITEM] = KEYS_OF("item", "product_id", "sku", "order_id"),
        [MAPPING_CURRENCY] = KEYS_OF("currency"),
        [MAPPING_CHANNEL] = KEYS_OF("channel"),
        [MAPPING_CAMPAIGN] = KEYS_OF("campaign"),
        [MAPPING_SESSION] = KEYS_OF("session")};
    kai_status st = KAI_OK;
    for (int i = 0; !st && i < MAPPING_TEXTS; i++) {
        buf_reset(&texts->text[i]);
        st = take_text(object, keys[i], &texts->text[i], err);
        if (!st && !texts->text[i].size && i >= MAPPING_ITEM)
            st = take_text(properties, keys[i], &texts->text[i], err);
    }
    return st;
}

kai_status mapping_line(const char *line, size_t size, int64_t number, struct mapping_texts *texts,
                        struct event *ret_event, enum mapping_reason *ret_reason, kai_err *err) {
    struct event event = event_empty();
    struct json_value *object = NULL;
    kai_status st = json_parse(line, size, &object, NULL);
    *ret_reason = MAPPING_NO_JSON;
    *ret_event = event;
    if (st == KAI_NO_MEMORY) return err_memory(err, (int64_t)size);
    if (st || !json_is_object(object)) {
        json_free(object);
        return KAI_OK;
    }
    const struct json_value *properties = json_get(object, "properties");
    st = take_parts(object, properties, texts, err);
    buf_reset(&texts->properties);
    if (!st) st = rename_type(&texts->text[MAPPING_TYPE], err);
    if (!st) {
        point(texts, &event);
        int has_time = take_time(object, &event.time_us);
        event.received_us = event.time_us;
        double price = take_number(properties, KEYS_OF("price"));
        event.quantity = take_number(object, KEYS_OF("quantity"));
        if (isnan(event.quantity)) event.quantity = take_number(properties, KEYS_OF("quantity"));
        event.value = take_number(object, KEYS_OF("value"));
        if (isnan(event.value))
            event.value = take_number(properties, KEYS_OF("revenue", "total", "value"));
        if (isnan(event.value)) event.value = price * (isnan(event.quantity) ? 1 : event.quantity);
        name_event(texts, number, &event);
        *ret_reason = check(&event, has_time);
        *ret_event = event;
    }
    json_free(object);
    return st;
}

/* ---- what is stored, what is set aside ---- */

void mapping_hide_id(const struct mapping_texts *texts, const struct doorway *door,
                     struct event *event, char ret_id[SECRET_PSEUDONYM_BYTES]) {
    if (event->id.data != texts->id) return;
    doorway_hide_id(door, event->id, ret_id);
    event->id = slice_of(ret_id);
}

kai_status mapping_print(const struct event *event, enum mapping_reason reason, struct buf *out,
                         kai_err *err) {
    const struct {
        const char *key;
        struct slice text;
    } texts[] = {{"customer", event->customer}, {"anonymous", event->anonymous},
                 {"type", event->type},         {"item", event->item},
                 {"currency", event->currency}, {"channel", event->channel},
                 {"campaign", event->campaign}, {"session", event->session}};
    char time[INSTANT_TEXT_BYTES];
    struct json_writer json;
    json_init(&json, out, 0);
    json_object(&json);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].text.size) json_key_slice(&json, texts[i].key, texts[i].text);
    (void)instant_print(event->time_us, time);
    if (reason != MAPPING_NO_TIME) json_key_text(&json, "time", time);
    if (!isnan(event->value)) json_key_f64(&json, "value", event->value);
    if (!isnan(event->quantity)) json_key_f64(&json, "quantity", event->quantity);
    json_end(&json);
    return json_finish(&json, err);
}
