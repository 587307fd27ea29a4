/* kairos events: what the workspace holds. */
#include <kairos/event.h>

#include "base/alloc.h"
#include "base/dict.h"
#include "base/instant.h"
#include "collect/csv_write.h"
#include "engine/answer.h"
#include "engine/doorway.h"
#include "engine/workspace_snapshot.h"
#include "prepare/customer.h"

enum { TYPES_MAX = 4096 };

struct counting {
    struct doorway *door;
    const kai_events_options *options;
    struct csv_writer *csv; /* owned; NULL = only counts */
    int64_t written;
    struct dict types, customers;
    int64_t count[TYPES_MAX]; /* by type; those beyond are counted in the last */
    int64_t events, flagged, first_us, last_us;
    struct store_snapshot_report snapshot;
};

static int is_wanted(const struct counting *counting, const struct event *event) {
    const kai_list *types = &counting->options->types;
    if (!counting->csv || !event->item.size || !touch_is(event)) return 0;
    for (int64_t i = 0; i < types->count; i++)
        if (slice_equal_text(event->type, types->items[i])) return 1;
    return types->count == 0;
}

/* Robots and impossible times are left out, as everywhere. */
static kai_status write_event(struct counting *counting, const struct event *event,
                              struct slice person, kai_err *err) {
    char time[INSTANT_TEXT_BYTES];
    struct csv_writer *csv = counting->csv;
    if (!is_wanted(counting, event)) return KAI_OK;
    (void)instant_print(event->time_us, time);
    csv_write_text(csv, person);
    csv_write_text(csv, event->item);
    csv_write_string(csv, time);
    csv_write_text(csv, event->type);
    csv_write_f64(csv, event->value);
    csv_write_f64(csv, event->quantity);
    counting->written++;
    return csv_write_row(csv, err);
}

static kai_status open_csv(struct counting *counting, kai_err *err) {
    static const char *const HEADER[] = {"user", "item", "time", "type", "value", "quantity"};
    if (!counting->options->out) return KAI_OK;
    kai_status st = csv_write_open(counting->options->out, &counting->csv, err);
    if (st) return st;
    for (size_t i = 0; i < sizeof HEADER / sizeof *HEADER; i++)
        csv_write_string(counting->csv, HEADER[i]);
    return csv_write_row(counting->csv, err);
}

static kai_status close_csv(struct counting *counting, kai_status st, kai_err *err) {
    struct csv_writer *csv = counting->csv;
    counting->csv = NULL;
    if (!csv || !st) return csv ? csv_write_close(csv, err) : st;
    csv_write_abandon(csv);
    return st;
}

static kai_status count(void *user, const struct event *event, kai_err *err) {
    struct counting *counting = user;
    int32_t type = 0, customer = 0;
    struct slice person = event->customer.size ? event->customer : event->anonymous;
    person = identity_root(doorway_identity(counting->door), person); /* however she signs in */
    kai_status st = dict_add(&counting->types, event->type, &type, err);
    if (!st) st = dict_add(&counting->customers, person, &customer, err);
    if (!st) st = write_event(counting, event, person, err);
    if (st) return st;
    counting->count[type < TYPES_MAX ? type : TYPES_MAX - 1]++;
    counting->flagged += event->flags != 0;
    if (!counting->events || event->time_us < counting->first_us)
        counting->first_us = event->time_us;
    if (!counting->events || event->time_us > counting->last_us) counting->last_us = event->time_us;
    counting->events++;
    return KAI_OK;
}

static kai_status report(const struct counting *counting, struct answer *answer, kai_err *err) {
    char first[INSTANT_TEXT_BYTES] = "", last[INSTANT_TEXT_BYTES] = "";
    int32_t types = counting->types.count < TYPES_MAX ? counting->types.count : TYPES_MAX;
    if (counting->events) {
        (void)instant_print(counting->first_us, first);
        (void)instant_print(counting->last_us, last);
    }
    json_key_i64(&answer->json, "events", counting->events);
    json_key_i64(&answer->json, "customers", counting->customers.count);
    json_key_i64(&answer->json, "flagged", counting->flagged);
    json_key_text(&answer->json, "first", counting->events ? first : NULL);
    json_key_text(&answer->json, "last", counting->events ? last : NULL);
    json_key(&answer->json, "types");
    json_object(&answer->json);
    for (int32_t t = 0; t < types; t++)
        json_key_i64(&answer->json, dict_text(&counting->types, t), counting->count[t]);
    json_end(&answer->json);
    kai_status st = buf_printf(&answer->text, err, "%lld events of %lld customers\n",
                               (long long)counting->events, (long long)counting->customers.count);
    if (!st && counting->events)
        st = buf_printf(&answer->text, err, "from %s to %s\n", first, last);
    for (int32_t t = 0; !st && t < types; t++)
        st = buf_printf(&answer->text, err, "  %-24s %12lld\n", dict_text(&counting->types, t),
                        (long long)counting->count[t]);
    if (!st && counting->options->out)
        st = buf_printf(&answer->text, err, "%lld written to %s\n", (long long)counting->written,
                        counting->options->out);
    if (!st && counting->options->snapshot)
        st = buf_printf(&answer->text, err, "%lld events of %lld customers in %s\n",
                        (long long)counting->snapshot.events,
                        (long long)counting->snapshot.customers, counting->options->snapshot);
    json_key_text(&answer->json, "snapshot", counting->options->snapshot);
    json_key_i64(&answer->json, "snapshot_events", counting->snapshot.events);
    json_key_i64(&answer->json, "snapshot_customers", counting->snapshot.customers);
    json_key_text(&answer->json, "out", counting->options->out);
    json_key_i64(&answer->json, "written", counting->written);
    return st;
}

int32_t kai_engine_events(kai_engine *engine, const kai_events_options *options, kai_buf *ret_json,
                          kai_buf *ret_text, kai_err *err) {
    kai_status st = options_check(options->struct_size, sizeof *options, err);
    if (st) return st;
    struct doorway *door = NULL;
    struct answer answer;
    struct counting *counting = mem_zero(1, sizeof *counting);
    if (!counting) return err_memory(err, sizeof *counting);
    dict_init(&counting->types);
    dict_init(&counting->customers);
    answer_begin(&answer);
    st = doorway_open(options->common.workspace, STORE_READ, &door, err);
    counting->door = door;
    counting->options = options;
    if (!st) st = open_csv(counting, err);
    if (!st) st = store_events(doorway_store(door), count, counting, err);
    st = close_csv(counting, st, err);
    if (!st && options->snapshot)
        st = workspace_snapshot(door, &options->types, options->snapshot, &engine->progress,
                                &counting->snapshot, err);
    if (!st) st = report(counting, &answer, err);
    st = answer_end(&answer, st, ret_json, ret_text, err);
    doorway_close(door);
    dict_release(&counting->types);
    dict_release(&counting->customers);
    mem_free(counting);
    return st;
}
