/* kairos profile: one customer's traits, segments and latest events. */
#include <kairos/customer.h>
#include <math.h>

#include "engine/audience.h"
#include "engine/person.h"

struct profile {
    const kai_profile_options *options;
    struct doorway *door;
    char person[SECRET_PSEUDONYM_BYTES];
    struct customers customers;
    struct customer traits;
    int64_t at_us;
    int64_t touch_count; /* before the moment */
    struct answer answer;
};

static kai_status measure(struct profile *profile, kai_err *err) {
    const struct customers *customers = &profile->customers;
    struct customer_work work;
    const struct touch *touches = customers->touches;
    customer_work_init(&work);
    profile->touch_count = touch_before(touches, customers->touch_count, profile->at_us);
    kai_status st = customer_measure(&customers->book, touches, customers->touch_count,
                                     profile->at_us, &work, &profile->traits, err);
    customer_work_release(&work);
    return st;
}

static kai_status write_traits(struct profile *profile, kai_err *err) {
    struct json_writer *json = &profile->answer.json;
    struct buf *text = &profile->answer.text;
    kai_status st = KAI_OK;
    json_key(json, "traits");
    json_object(json);
    for (int32_t i = 0; !st && i < CUSTOMER_NUMBERS; i++) {
        double value = profile->traits.numbers[i];
        json_key_f64(json, customer_number_name(i), value);
        if (!isnan(value) && value != 0)
            st = buf_printf(text, err, "  %-24s %.6g\n", customer_number_name(i), value);
    }
    for (int32_t i = 0; !st && i < CUSTOMER_TEXTS; i++) {
        const char *value =
            customer_text_value(&profile->customers.book, i, profile->traits.texts[i]);
        json_key_text(json, customer_text_name(i), *value ? value : NULL);
        if (*value) st = buf_printf(text, err, "  %-24s %s\n", customer_text_name(i), value);
    }
    json_end(json);
    return st;
}

/* Is she in this segment? */
static kai_status ask_segment(struct profile *profile, const char *name, int *ret_is_in,
                              kai_err *err) {
    const struct customers *customers = &profile->customers;
    struct segment *segment = NULL;
    struct segment_bound *bound = NULL;
    const char *rule = NULL;
    kai_status st = audience_rule(profile->door, name, &rule, err);
    if (!st) st = segment_parse(name, slice_of(rule), &segment, err);
    if (!st) st = segment_bind(segment, &customers->book, &bound, err);
    if (!st)
        *ret_is_in =
            profile->touch_count > 0 && segment_holds(bound, &profile->traits, customers->touches,
                                                      customers->touch_count, profile->at_us);
    segment_bound_free(bound);
    segment_free(segment);
    return st;
}

static kai_status write_segments(struct profile *profile, kai_err *err) {
    const struct yaml_node *segments = doorway_settings(profile->door)->segments;
    struct json_writer *json = &profile->answer.json;
    kai_status st = KAI_OK;
    json_key(json, "segments");
    json_array(json);
    for (int32_t i = 0; !st && segments && i < segments->count; i++) {
        int is_in = 0;
        const char *name = segments->children[i].key;
        st = ask_segment(profile, name, &is_in, err);
        if (st || !is_in) continue;
        json_text(json, name);
        st = buf_printf(&profile->answer.text, err, "  segment                  %s\n", name);
    }
    json_end(json);
    return st;
}

static void write_touch(const struct touch_book *book, const struct touch *touch,
                        struct json_writer *json) {
    const struct {
        const char *key;
        const struct dict *dict;
        int32_t code;
    } texts[] = {{"type", &book->types, touch->type},
                 {"item", &book->items, touch->item},
                 {"category", &book->categories, touch->category},
                 {"channel", &book->channels, touch->channel},
                 {"campaign", &book->campaigns, touch->campaign},
                 {"session", &book->sessions, touch->session}};
    json_object(json);
    person_json_time(json, "time", touch->time_us);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (texts[i].code >= 0)
            json_key_text(json, texts[i].key, dict_text(texts[i].dict, texts[i].code));
    if (!isnan(touch->value)) json_key_f64(json, "value", touch->value);
    if (!isnan(touch->quantity)) json_key_f64(json, "quantity", touch->quantity);
    json_end(json);
}

static void write_history(struct profile *profile) {
    struct json_writer *json = &profile->answer.json;
    int64_t first = profile->touch_count - profile->options->events;
    json_key_i64(json, "events", profile->touch_count);
    json_key(json, "history");
    json_array(json);
    for (int64_t i = first > 0 ? first : 0; i < profile->touch_count; i++)
        write_touch(&profile->customers.book, &profile->customers.touches[i], json);
    json_end(json);
}

static kai_status write_all(struct profile *profile, kai_err *err) {
    struct json_writer *json = &profile->answer.json;
    struct consent consent = {0};
    kai_status st = doorway_consent(profile->door, slice_of(profile->person), &consent, err);
    if (st) return st;
    json_key_text(json, "user", profile->person);
    person_json_time(json, "at", profile->at_us);
    st = buf_printf(&profile->answer.text, err, "%s: %lld events\n", profile->person,
                    (long long)profile->touch_count);
    if (!st) st = write_traits(profile, err);
    if (!st) st = write_segments(profile, err);
    if (!st) write_history(profile);
    if (!st) person_describe_consent(profile->door, &consent, json);
    return st;
}

int32_t kai_engine_profile(kai_engine *engine, const kai_profile_options *options,
                           kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    (void)engine;
    struct profile profile = {.options = options};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&profile.answer);
    st = person_time("at", options->at, &profile.at_us, err);
    if (!st) st = doorway_open(options->common.workspace, STORE_READ, &profile.door, err);
    if (!st) st = person_find(profile.door, options->arguments.items[0], profile.person, err);
    if (!st)
        st = customers_load_one(profile.door, slice_of(profile.person), &profile.customers, err);
    if (!st) st = measure(&profile, err);
    if (!st) st = write_all(&profile, err);
    customers_release(&profile.customers);
    doorway_close(profile.door);
    return answer_end(&profile.answer, st, ret_json, ret_text, err);
}
