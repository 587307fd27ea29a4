#include "engine/audience.h"

#include <string.h>

#include "base/alloc.h"
#include "base/options.h"
#include "engine/person.h"

static kai_status choose_moment(const struct customers *customers, const char *at,
                                int64_t *ret_at_us, kai_err *err) {
    if (!at || strcmp(at, "last") != 0) return person_time("at", at, ret_at_us, err);
    *ret_at_us = customers->last_us + 1;
    return KAI_OK;
}

static kai_status measure_all(struct audience *audience, const struct progress *progress,
                              kai_err *err) {
    const struct customers *customers = &audience->customers;
    struct customer_work work;
    kai_status st = KAI_OK;
    customer_work_init(&work);
    audience->traits = mem_array((size_t)customers->count + 1, sizeof *audience->traits);
    if (!audience->traits)
        st = err_memory(err, customers->count * (int64_t)sizeof *audience->traits);
    for (int64_t i = 0; !st && i < customers->count; i++) {
        if (i % 4096 == 0) st = progress_tell(progress, "traits", i, customers->count, err);
        if (!st)
            st = customer_measure(&customers->book, customers_touches(customers, i),
                                  customers_touch_count(customers, i), audience->at_us, &work,
                                  &audience->traits[i], err);
    }
    customer_work_release(&work);
    return st;
}

kai_status audience_open(struct doorway *door, const char *at, const struct progress *progress,
                         struct audience *ret_audience, kai_err *err) {
    struct audience audience = {0};
    kai_status st = customers_load(door, &audience.customers, err);
    if (st) return st;
    st = choose_moment(&audience.customers, at, &audience.at_us, err);
    if (!st) st = measure_all(&audience, progress, err);
    if (st)
        audience_release(&audience);
    else
        *ret_audience = audience;
    return st;
}

void audience_release(struct audience *audience) {
    customers_release(&audience->customers);
    mem_free(audience->traits);
    *audience = (struct audience){0};
}

kai_status audience_rule(const struct doorway *door, const char *name, const char **ret_rule,
                         kai_err *err) {
    const struct yaml_node *segments = doorway_settings(door)->segments;
    const struct yaml_node *node = segments ? yaml_get(segments, name) : NULL;
    if (!node) return err_set(err, KAI_NOT_FOUND, "segment '%.64s' is not in kairos.yaml", name);
    if (node->kind != YAML_SCALAR)
        return yaml_error(doorway_settings(door)->tree, node, err, "segment '%s': expected a rule",
                          name);
    *ret_rule = node->text;
    return KAI_OK;
}

static void add_members(const struct audience *audience, struct segment_bound *bound,
                        struct segment_bitmap *members) {
    const struct customers *customers = &audience->customers;
    for (int64_t i = 0; i < customers->count; i++) {
        int has_history = audience->traits[i].numbers[CUSTOMER_EVENTS] > 0;
        if (has_history &&
            segment_holds(bound, &audience->traits[i], customers_touches(customers, i),
                          customers_touch_count(customers, i), audience->at_us))
            segment_bitmap_add(members, (uint32_t)i);
    }
}

kai_status audience_members(const struct audience *audience, const struct doorway *door,
                            const char *name, const char *rule, struct segment_bitmap **ret_members,
                            kai_err *err) {
    struct segment *segment = NULL;
    struct segment_bound *bound = NULL;
    struct segment_bitmap *members = NULL;
    kai_status st = rule ? KAI_OK : audience_rule(door, name, &rule, err);
    if (!st) st = segment_parse(name, slice_of(rule), &segment, err);
    if (!st) st = segment_bind(segment, &audience->customers.book, &bound, err);
    if (!st) st = segment_bitmap_new(&members, err);
    if (!st) add_members(audience, bound, members);
    segment_bound_free(bound);
    segment_free(segment);
    if (!st) *ret_members = members;
    return st;
}
