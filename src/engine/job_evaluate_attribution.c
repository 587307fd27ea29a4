/* kairos evaluate attribution: touches into paths, paths into credits. */
#include <kairos/proof.h>
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "engine/answer.h"
#include "engine/proof_columns.h"
#include "engine/reading.h"
#include "evaluate/attribution.h"
#include "evaluate/describe.h"
#include "evaluate/order.h"

#define DAY_US 86400e6

struct touches {
    const kai_evaluate_attribution_options *options;
    struct table *table; /* owned */
    struct collect_report report;
    struct dict customers, channels;
    int32_t *customer, *channel_of;   /* owned; (rows) */
    double *days, *converted, *value; /* owned; (rows); value NULL: 1 each */
    int64_t *order;                   /* owned; (rows) by customer, then time; NULL = as is */
    int64_t *starts;                  /* owned; of the paths */
    int32_t *channel;                 /* owned; of the touches, in order */
    double *age, *worth;              /* owned; of touches, of paths */
    uint8_t *is_converted;            /* owned; of paths */
    struct attribution_paths paths;
    uint32_t models;
    struct attribution_lift lifts[ATTRIBUTION_CHANNELS];
    int32_t lift_count;
    struct attribution attribution;
    struct answer answer;
};

static kai_status read_models(struct touches *touches, kai_err *err) {
    const kai_list *list = &touches->options->models;
    for (int64_t i = 0; i < list->count; i++) {
        int32_t m = 0;
        while (m < ATTRIBUTION_MODELS &&
               strcmp(list->items[i], attribution_model_text((enum attribution_model)m)) != 0)
            m++;
        if (m == ATTRIBUTION_MODELS)
            return err_set(err, KAI_INVALID,
                           "option '--models': '%s' is none of first, last, linear, time-decay, "
                           "position, shapley, markov, markov-shapley",
                           list->items[i]);
        touches->models |= 1U << m;
    }
    if (touches->models) return KAI_OK;
    return err_set(err, KAI_INVALID, "option '--models' is empty");
}

/* Customers as codes; whole numbers that fit are codes already. */
static kai_status read_customers(struct touches *touches, kai_err *err) {
    const struct column *column = NULL;
    kai_status st = table_column(touches->table, "customer", &column, err);
    if (st) return st;
    int is_code = column->kind == COLUMN_I64;
    for (int64_t i = 0; is_code && i < column->rows; i++)
        is_code =
            column_is_valid(column, i) && column->as.i64[i] >= 0 && column->as.i64[i] <= INT32_MAX;
    if (!is_code)
        return proof_names(touches->table, "customer", &touches->customers, &touches->customer,
                           err);
    touches->customer = mem_array((size_t)column->rows, sizeof *touches->customer);
    if (!touches->customer) return err_memory(err, column->rows * 4);
    for (int64_t i = 0; i < column->rows; i++) touches->customer[i] = (int32_t)column->as.i64[i];
    return KAI_OK;
}

/* Times as days; a time without a date is a number of seconds. */
static kai_status read_days(struct touches *touches, kai_err *err) {
    const struct column *column = NULL;
    kai_status st = table_column(touches->table, "time", &column, err);
    if (!st) st = proof_numbers_all(touches->table, "time", &touches->days, err);
    double scale = !st && column->kind == COLUMN_TIME ? DAY_US : 86400;
    for (int64_t i = 0; !st && i < touches->table->rows; i++) touches->days[i] /= scale;
    return st;
}

static kai_status check_rows(struct touches *touches, kai_err *err) {
    for (int64_t i = 0; i < touches->table->rows; i++) {
        double converted = touches->converted[i];
        const char *wrong = NULL;
        if (touches->customer[i] < 0)
            wrong = "no customer";
        else if (converted != 0 && converted != 1)
            wrong = "column 'converted' is neither 0 nor 1";
        else if (touches->channel_of[i] < 0 && converted == 0)
            wrong = "neither a channel nor a conversion";
        else if (touches->value && converted == 1 && !isfinite(touches->value[i]))
            wrong = "a conversion without a finite value";
        else if (touches->value && converted == 1 && touches->value[i] < 0)
            wrong = "a conversion with a negative value";
        if (wrong) return err_set(err, KAI_INVALID, "row %lld: %s", (long long)i + 1, wrong);
    }
    return KAI_OK;
}

static kai_status read_columns(struct touches *touches, kai_err *err) {
    const struct table *table = touches->table;
    kai_status st = read_customers(touches, err);
    if (!st) st = read_days(touches, err);
    if (!st) st = proof_names(table, "channel", &touches->channels, &touches->channel_of, err);
    if (!st) st = proof_numbers_all(table, "converted", &touches->converted, err);
    if (!st && table_find(table, "value") >= 0)
        st = proof_numbers(table, "value", &touches->value, err);
    return st ? st : check_rows(touches, err);
}

/* Stable: by time, then by customer. A log that is in order is left as it is. */
static kai_status sort_rows(struct touches *touches, kai_err *err) {
    int64_t rows = touches->table->rows, sorted = 1;
    for (; sorted < rows; sorted++) {
        int32_t a = touches->customer[sorted - 1], b = touches->customer[sorted];
        if (b < a || (a == b && touches->days[sorted] < touches->days[sorted - 1])) break;
    }
    if (sorted >= rows) return KAI_OK;
    int64_t *by_time = mem_array((size_t)rows, sizeof *by_time);
    double *keys = mem_array((size_t)rows, sizeof *keys);
    touches->order = mem_array((size_t)rows, sizeof *touches->order);
    kai_status st = by_time && keys && touches->order ? KAI_OK : err_memory(err, rows * 24);
    if (!st) st = order_rows(touches->days, rows, 0, by_time, err);
    for (int64_t i = 0; !st && i < rows; i++) keys[i] = touches->customer[by_time[i]];
    if (!st) st = order_rows(keys, rows, 0, touches->order, err);
    for (int64_t i = 0; !st && i < rows; i++) touches->order[i] = by_time[touches->order[i]];
    mem_free(by_time);
    mem_free(keys);
    return st;
}

/* The touches from `first` on were the path that ends at a row's time. */
static void close_path(struct touches *touches, double end, int is_converted, double worth) {
    int64_t path = touches->paths.count++;
    for (int64_t t = touches->starts[path]; t < touches->starts[path + 1]; t++)
        touches->age[t] = end - touches->age[t];
    touches->is_converted[path] = (uint8_t)is_converted;
    touches->worth[path] = worth;
}

/* A conversion ends a path, and so does the customer's last row. */
static kai_status make_paths(struct touches *touches, kai_err *err) {
    int64_t rows = touches->table->rows, touch = 0;
    size_t room = (size_t)rows;
    kai_status st = sort_rows(touches, err);
    touches->starts = mem_zero(room + 1, sizeof *touches->starts);
    touches->channel = mem_array(room, sizeof *touches->channel);
    touches->age = mem_array(room, sizeof *touches->age);
    touches->worth = mem_array(room, sizeof *touches->worth);
    touches->is_converted = mem_array(room, sizeof *touches->is_converted);
    if (!st && !(touches->starts && touches->channel && touches->age && touches->worth &&
                 touches->is_converted))
        st = err_memory(err, rows * 29);
    for (int64_t i = 0; !st && i < rows; i++) {
        int64_t row = touches->order ? touches->order[i] : i;
        int64_t next = i + 1 == rows ? -1 : touches->order ? touches->order[i + 1] : i + 1;
        int is_converted = touches->converted[row] == 1;
        if (touches->channel_of[row] >= 0) {
            touches->channel[touch] = touches->channel_of[row];
            touches->age[touch++] = touches->days[row];
        }
        touches->starts[touches->paths.count + 1] = touch;
        int is_last = next < 0 || touches->customer[next] != touches->customer[row];
        int is_open = touch > touches->starts[touches->paths.count];
        if (is_converted || (is_last && is_open))
            close_path(touches, touches->days[row], is_converted,
                       !is_converted    ? 0
                       : touches->value ? touches->value[row]
                                        : 1);
    }
    if (st) return st;
    touches->paths.channels = touches->channels.count;
    touches->paths.starts = touches->starts;
    touches->paths.channel = touches->channel;
    touches->paths.age = touches->age;
    touches->paths.is_converted = touches->is_converted;
    touches->paths.value = touches->worth;
    return KAI_OK;
}

/* "email=120", "email=120:80:160" */
static kai_status read_lift(struct touches *touches, const char *text, kai_err *err) {
    const char *equal = strrchr(text, '=');
    struct slice name = slice_of(text), rest = slice_of(equal ? equal + 1 : "");
    if (equal) name.size = (size_t)(equal - text);
    double numbers[3] = {0, NAN, NAN};
    int count = 0;
    int32_t channel = equal ? dict_find(&touches->channels, name) : -1;
    while (count < 3 && rest.size) {
        const char *colon = memchr(rest.data, ':', rest.size);
        struct slice one = {rest.data, colon ? (size_t)(colon - rest.data) : rest.size};
        if (!text_parse_f64(one, &numbers[count])) break;
        count++;
        rest.data += one.size + (colon != NULL);
        rest.size -= one.size + (colon != NULL);
    }
    if (channel < 0 || rest.size || (count != 1 && count != 3))
        return err_set(err, KAI_INVALID,
                       "option '--lift': expected CHANNEL=N or CHANNEL=N:LOW:HIGH of a channel of "
                       "the log, got '%s'",
                       text);
    for (int32_t l = 0; l < touches->lift_count; l++)
        if (touches->lifts[l].channel == channel)
            return err_set(err, KAI_INVALID, "option '--lift': channel '%s' stands twice",
                           dict_text(&touches->channels, channel));
    touches->lifts[touches->lift_count++] =
        (struct attribution_lift){channel, {numbers[0], numbers[1], numbers[2], 0, "experiment"}};
    return KAI_OK;
}

static void describe_model(struct touches *touches, enum attribution_model model) {
    struct json_writer *json = &touches->answer.json;
    double factors[ATTRIBUTION_CHANNELS] = {0};
    const struct attribution *attribution = &touches->attribution;
    if (touches->lift_count)
        attribution_reconcile(attribution, model, touches->lifts, touches->lift_count, factors);
    json_key(json, attribution_model_text(model));
    json_object(json);
    for (int32_t c = 0; c < attribution->channels; c++) {
        const struct attribution_credit *credit =
            &attribution->credit[(int32_t)model * attribution->channels + c];
        json_key(json, dict_text(&touches->channels, c));
        json_object(json);
        estimate_describe(json, "conversions", &credit->conversions);
        estimate_describe(json, "value", &credit->value);
        if (model == ATTRIBUTION_GAME) json_key_f64(json, "sampling_error", credit->sampling_error);
        if (touches->lift_count) {
            struct estimate measured = estimate_scale(credit->conversions, factors[c]);
            measured.method = "scaled by the measured channels";
            for (int32_t l = 0; l < touches->lift_count; l++)
                if (touches->lifts[l].channel == c) measured = touches->lifts[l].conversions;
            estimate_describe(json, "incremental", &measured);
            json_key_f64(json, "factor", factors[c]);
        }
        json_end(json);
    }
    json_end(json);
}

static kai_status tell(struct touches *touches, kai_err *err) {
    struct buf *text = &touches->answer.text;
    const struct attribution *attribution = &touches->attribution;
    kai_status st =
        buf_printf(text, err, "%lld paths, %.0f conversions, %.0f without a touch\n%-24s",
                   (long long)attribution->paths, attribution->conversions,
                   attribution->unattributed, "channel");
    for (int32_t m = 0; !st && m < ATTRIBUTION_MODELS; m++)
        if (touches->models & 1U << m)
            st = buf_printf(text, err, " %14s", attribution_model_text((enum attribution_model)m));
    if (!st) st = buf_puts(text, "\n", err);
    for (int32_t c = 0; !st && c < attribution->channels; c++) {
        st = buf_printf(text, err, "%-24s", dict_text(&touches->channels, c));
        for (int32_t m = 0; !st && m < ATTRIBUTION_MODELS; m++) {
            const struct attribution_credit *credit =
                &attribution->credit[m * attribution->channels + c];
            if (touches->models & 1U << m)
                st = buf_printf(text, err, " %14.6g", credit->conversions.value);
        }
        if (!st) st = buf_puts(text, "\n", err);
    }
    return st;
}

static kai_status describe(struct touches *touches, kai_err *err) {
    struct json_writer *json = &touches->answer.json;
    const struct attribution *attribution = &touches->attribution;
    json_key_i64(json, "rows", touches->table->rows);
    reading_describe(json, "read", &touches->report);
    json_key_i64(json, "paths", attribution->paths);
    json_key_i64(json, "touches", attribution->touches);
    json_key_f64(json, "conversions", attribution->conversions);
    json_key_f64(json, "value", attribution->value);
    json_key_f64(json, "unattributed", attribution->unattributed);
    json_key_f64(json, "unattributed_value", attribution->unattributed_value);
    json_key(json, "channels");
    json_object(json);
    for (int32_t m = 0; m < ATTRIBUTION_MODELS; m++)
        if (touches->models & 1U << m) describe_model(touches, (enum attribution_model)m);
    json_end(json);
    return tell(touches, err);
}

static void release(struct touches *touches) {
    attribution_release(&touches->attribution);
    dict_release(&touches->customers);
    dict_release(&touches->channels);
    mem_free(touches->customer);
    mem_free(touches->channel_of);
    mem_free(touches->days);
    mem_free(touches->converted);
    mem_free(touches->value);
    mem_free(touches->order);
    mem_free(touches->starts);
    mem_free(touches->channel);
    mem_free(touches->age);
    mem_free(touches->worth);
    mem_free(touches->is_converted);
    table_free(touches->table);
    collect_report_release(&touches->report);
    mem_free(touches);
}

int32_t kai_engine_evaluate_attribution(kai_engine *engine,
                                        const kai_evaluate_attribution_options *options,
                                        kai_buf *ret_json, kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct touches *touches = mem_zero(1, sizeof *touches);
    if (!touches) return err_memory(err, (int64_t)sizeof *touches);
    touches->options = options;
    dict_init(&touches->customers);
    dict_init(&touches->channels);
    answer_begin(&touches->answer);
    timing_enter(&touches->answer.timing, "read");
    st = read_models(touches, err);
    if (!st)
        st = reading_table(engine, options->arguments.items[0], &options->table, &touches->table,
                           &touches->report, err);
    timing_enter(&touches->answer.timing, "paths");
    if (!st) st = read_columns(touches, err);
    if (!st) st = make_paths(touches, err);
    for (int64_t l = 0; !st && l < options->lifts.count; l++)
        st = read_lift(touches, options->lifts.items[l], err);
    timing_enter(&touches->answer.timing, "share");
    if (!st)
        st = attribution_fit(&touches->paths, touches->models,
                             &(struct attribution_options){options->half_life, options->confidence,
                                                           (uint64_t)options->common.seed,
                                                           (int32_t)options->permutations},
                             engine->pool, &touches->attribution, err);
    if (!st) st = describe(touches, err);
    st = answer_end(&touches->answer, st, ret_json, ret_text, err);
    release(touches);
    return st;
}
