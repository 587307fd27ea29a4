/* kairos features: a table for fit, at a moment, with a label from what follows. */
#include <kairos/customer.h>
#include <string.h>

#include "base/caps.h"
#include "base/clock.h"
#include "base/instant.h"
#include "collect/csv_write.h"
#include "engine/customers.h"
#include "engine/person.h"
#include "prepare/label.h"

struct features {
    const kai_features_options *options;
    const struct progress *progress;
    struct doorway *door;
    struct customers customers;
    struct label label;
    int has_label;
    int64_t at_us;    /* the same for everybody; or */
    int64_t after_us; /* so long after each customer's first event; 0 = not so */
    int64_t rows, unknown, inactive;
    double label_sum;
    struct answer answer;
};

/* "first+10m", "first+2h", "first+7d" */
static kai_status read_span(const char *text, int64_t *ret_us, kai_err *err) {
    size_t size = strlen(text);
    double number = 0;
    const char *unit = size ? strchr("mhd", text[size - 1]) : NULL;
    static const int64_t UNITS[] = {INSTANT_DAY_US / 1440, INSTANT_DAY_US / 24, INSTANT_DAY_US};
    if (!unit || !*unit || !text_parse_f64((struct slice){text, size - 1}, &number) ||
        !(number > 0) || number > 36500)
        return err_set(err, KAI_INVALID,
                       "option '--at': expected a span such as first+10m, "
                       "first+2h or first+7d");
    *ret_us = (int64_t)(number * (double)UNITS[unit - "mhd"]);
    return KAI_OK;
}

static kai_status read_moment(struct features *features, kai_err *err) {
    static const char FIRST[] = "first+";
    const char *at = features->options->at;
    if (!at) return err_set(err, KAI_INVALID, "option '--at' is missing");
    if (strncmp(at, FIRST, sizeof FIRST - 1) == 0)
        return read_span(at + sizeof FIRST - 1, &features->after_us, err);
    if (strcmp(at, "last") == 0) {
        features->at_us = features->customers.last_us + 1;
        return KAI_OK;
    }
    return person_time("at", at, &features->at_us, err);
}

/* A label whose window ends after the data does cannot be known. */
static kai_status check_window(const struct features *features, kai_err *err) {
    char last[INSTANT_TEXT_BYTES];
    int64_t until_us = features->customers.last_us + 1;
    if (!features->has_label || features->after_us ||
        label_is_known(&features->label, features->at_us, until_us))
        return KAI_OK;
    instant_print(until_us - features->label.window_us, last);
    return err_set(err, KAI_INVALID,
                   "label '%s': the data ends before its window does; the last moment with a known "
                   "label is %s",
                   features->label.name, last);
}

static void write_header(const struct features *features, struct csv_writer *csv) {
    csv_write_string(csv, "customer");
    for (int32_t i = 0; i < CUSTOMER_NUMBERS; i++) csv_write_string(csv, customer_number_name(i));
    for (int32_t i = 0; i < CUSTOMER_TEXTS; i++) csv_write_string(csv, customer_text_name(i));
    if (features->has_label) csv_write_string(csv, features->label.name);
}

static kai_status write_name(struct features *features, int64_t index, struct csv_writer *csv,
                             kai_err *err) {
    struct slice name = features->customers.names.entries[index];
    struct buf text;
    if (!features->options->reveal) {
        csv_write_text(csv, name);
        return KAI_OK;
    }
    buf_init(&text, SECRET_TEXT_BYTES);
    kai_status st = doorway_reveal(features->door, name, &text, err);
    if (!st) csv_write_text(csv, (struct slice){text.data, text.size});
    buf_release(&text);
    return st;
}

static kai_status write_row(struct features *features, int64_t index, int64_t at_us,
                            struct customer_work *work, struct csv_writer *csv, kai_err *err) {
    const struct customers *customers = &features->customers;
    const struct touch *touches = customers_touches(customers, index);
    int64_t count = customers_touch_count(customers, index);
    struct customer traits;
    kai_status st = customer_measure(&customers->book, touches, count, at_us, work, &traits, err);
    if (!st) st = write_name(features, index, csv, err);
    if (st) return st;
    for (int32_t i = 0; i < CUSTOMER_NUMBERS; i++) csv_write_f64(csv, traits.numbers[i]);
    for (int32_t i = 0; i < CUSTOMER_TEXTS; i++) {
        const char *text = customer_text_value(&customers->book, i, traits.texts[i]);
        if (*text)
            csv_write_string(csv, text);
        else
            csv_write_missing(csv);
    }
    if (features->has_label) {
        double value = label_value(&features->label, &customers->book, touches, count, at_us);
        features->label_sum += value;
        csv_write_f64(csv, value);
    }
    features->rows++;
    return csv_write_row(csv, err);
}

static kai_status write_rows(struct features *features, struct csv_writer *csv, kai_err *err) {
    const struct customers *customers = &features->customers;
    const struct label everybody = {0};
    const struct label *label = features->has_label ? &features->label : &everybody;
    struct customer_work work;
    customer_work_init(&work);
    write_header(features, csv);
    kai_status st = csv_write_row(csv, err);
    for (int64_t i = 0; !st && i < customers->count; i++) {
        const struct touch *touches = customers_touches(customers, i);
        int64_t count = customers_touch_count(customers, i);
        int64_t at_us =
            features->after_us ? touches[0].time_us + features->after_us : features->at_us;
        if (i % 4096 == 0) st = progress_tell(features->progress, "rows", i, customers->count, err);
        if (st) break;
        if (!label_is_row(label, touches, count, at_us))
            features->inactive++;
        else if (features->has_label && !label_is_known(label, at_us, customers->last_us + 1))
            features->unknown++;
        else
            st = write_row(features, i, at_us, &work, csv, err);
    }
    customer_work_release(&work);
    return st;
}

static kai_status write_table(struct features *features, struct buf *text, kai_err *err) {
    const char *out = features->options->out;
    int is_stdout = strcmp(out, "-") == 0;
    struct csv_writer *csv = NULL;
    kai_status st = is_stdout ? csv_write_new(text, &csv, err) : csv_write_open(out, &csv, err);
    if (!st) st = write_rows(features, csv, err);
    if (!st && features->rows == 0)
        st = err_set(err, KAI_INVALID, "no customer has a history at this moment");
    if (!st) {
        st = csv_write_close(csv, err);
        csv = NULL;
    }
    csv_write_abandon(csv);
    return st;
}

static kai_status tell(struct features *features, kai_err *err) {
    struct json_writer *json = &features->answer.json;
    json_key_text(json, "out", features->options->out);
    json_key_i64(json, "rows", features->rows);
    json_key_i64(json, "features", CUSTOMER_NUMBERS + CUSTOMER_TEXTS);
    json_key_i64(json, "without_history", features->inactive);
    json_key_i64(json, "label_unknown", features->unknown);
    json_key_i64(json, "excluded_events", features->customers.excluded);
    json_key_text(json, "label", features->has_label ? features->label.name : NULL);
    if (features->has_label)
        json_key_f64(json, "label_mean", features->label_sum / (double)features->rows);
    if (strcmp(features->options->out, "-") == 0) return KAI_OK;
    kai_status st = buf_printf(&features->answer.text, err, "%lld customers, %d features: %s\n",
                               (long long)features->rows, CUSTOMER_NUMBERS + CUSTOMER_TEXTS,
                               features->options->out);
    if (!st && features->has_label)
        st = buf_printf(&features->answer.text, err, "mean of '%s': %.4f\n", features->label.name,
                        features->label_sum / (double)features->rows);
    return st;
}

int32_t kai_engine_features(kai_engine *engine, const kai_features_options *options,
                            kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    struct features features = {.options = options, .progress = &engine->progress};
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    answer_begin(&features.answer);
    features.has_label = options->label != NULL;
    if (features.has_label) st = label_parse(slice_of(options->label), &features.label, err);
    if (!st && ret_json && strcmp(options->out, "-") == 0)
        st = err_set(err, KAI_INVALID, "with --json the table needs a file: give --out");
    timing_enter(&features.answer.timing, "read");
    if (!st) st = doorway_open(options->common.workspace, STORE_READ, &features.door, err);
    if (!st) st = customers_load(features.door, &features.customers, err);
    timing_enter(&features.answer.timing, "features");
    if (!st) st = read_moment(&features, err);
    if (!st) st = check_window(&features, err);
    if (!st && options->reveal)
        st = doorway_record(features.door, "features --reveal", "", NULL, NULL, err);
    if (!st) st = write_table(&features, &features.answer.text, err);
    if (!st) st = tell(&features, err);
    customers_release(&features.customers);
    doorway_close(features.door);
    return answer_end(&features.answer, st, ret_json, ret_text, err);
}
