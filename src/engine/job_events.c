/* kairos events: what the workspace holds. */
#include <kairos/event.h>

#include "base/alloc.h"
#include "base/dict.h"
#include "base/instant.h"
#include "engine/answer.h"
#include "engine/doorway.h"

enum { TYPES_MAX = 4096 };

struct counting {
    struct dict types, customers;
    int64_t count[TYPES_MAX]; /* by type; those beyond are counted in the last */
    int64_t events, flagged, first_us, last_us;
};

static kai_status count(void *user, const struct event *event, kai_err *err) {
    struct counting *counting = user;
    int32_t type = 0, customer = 0;
    kai_status st = dict_add(&counting->types, event->type, &type, err);
    if (!st)
        st = dict_add(&counting->customers,
                      event->customer.size ? event->customer : event->anonymous, &customer, err);
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
    return st;
}

int32_t kai_engine_events(kai_engine *engine, const kai_events_options *options, kai_buf *ret_json,
                          kai_buf *ret_text, kai_err *err) {
    (void)engine;
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
    if (!st) st = store_events(doorway_store(door), count, counting, err);
    if (!st) st = report(counting, &answer, err);
    st = answer_end(&answer, st, ret_json, ret_text, err);
    doorway_close(door);
    dict_release(&counting->types);
    dict_release(&counting->customers);
    mem_free(counting);
    return st;
}
