/* The doorway's rule alone: events a second through filter_apply, batches of 1,000.
 *
 * plain: no properties; traits: an e-mail address, a link and three plain values in 160 bytes. Each
 * with a device and 50,000 customers; refused: one customer in ten refused analytics. */
#include <stdio.h>
#include <stdlib.h>

#include "govern/govern.h"
#include "kit/bench.h"

enum { EVENTS = 200000, BATCH = 1000, CUSTOMERS = 50000 };

struct door {
    struct secret_keys *keys;
    struct consent_book consents;
    struct suppression suppression;
    struct identity *identity;
    struct event_batch *batches;
};

static void require(kai_status st, const kai_err *err) {
    if (!st) return;
    fprintf(stderr, "bench_filter: %s\n", err->message);
    exit(1);
}

static void make_batches(struct door *door, const char *properties) {
    kai_err err = {0};
    for (int64_t i = 0; i < EVENTS; i++) {
        struct event_batch *batch = &door->batches[i / BATCH];
        struct event event = event_empty();
        char id[32], customer[32], device[32];
        if (i % BATCH == 0) event_batch_init(batch);
        (void)snprintf(id, sizeof id, "m-%lld", (long long)i);
        (void)snprintf(customer, sizeof customer, "customer-%lld",
                       (long long)(i * 7919 % CUSTOMERS));
        (void)snprintf(device, sizeof device, "device-%lld", (long long)(i * 7919 % CUSTOMERS));
        event.id = slice_of(id);
        event.customer = slice_of(customer);
        event.anonymous = slice_of(device);
        event.type = slice_of("view");
        event.item = slice_of("shoe-4711");
        event.properties = slice_of(properties);
        require(event_batch_append(batch, &event, &err), &err);
    }
}

static void refuse_some(struct door *door) {
    kai_err err = {0};
    const struct consent_record record = {CONSENT_ANALYTICS, CONSENT_WITHDRAWN, 1, "", ""};
    for (int i = 0; i < CUSTOMERS; i += 10) {
        char customer[32], pseudonym[SECRET_PSEUDONYM_BYTES];
        (void)snprintf(customer, sizeof customer, "customer-%d", i);
        privacy_person(door->keys, slice_of(customer), pseudonym);
        require(consent_book_add(&door->consents, slice_of(pseudonym), &record, &err), &err);
    }
}

static void filter_all(void *user) {
    struct door *door = user;
    const struct filter_rules rules = govern_rules_default();
    struct filter *filter = NULL;
    struct filter_result result;
    struct filter_report report = {0};
    kai_err err = {0};
    identity_free(door->identity);
    require(identity_new(&door->identity, &err), &err);
    const struct filter_state state = {door->keys, &door->consents, &door->suppression,
                                       door->identity};
    require(filter_new(&rules, &state, &filter, &err), &err);
    filter_result_init(&result);
    for (int b = 0; b < EVENTS / BATCH; b++)
        require(filter_apply(filter, &door->batches[b], &result, &report, &err), &err);
    filter_result_release(&result);
    filter_free(filter);
}

int main(void) {
    static const char TRAITS[] =
        "{\"email\":\"somebody@example.com\",\"url\":\"https://shop.example/p/4711?ref=home\","
        "\"price\":129.90,\"size\":\"42\",\"note\":\"a plain sentence of some words\"}";
    unsigned char master[SECRET_MASTER_BYTES] = {1};
    struct door door = {.batches = calloc(EVENTS / BATCH, sizeof *door.batches)};
    kai_err err = {0};
    if (!door.batches) return 1;
    require(secret_keys_new(master, &door.keys, &err), &err);
    consent_book_init(&door.consents);
    suppression_init(&door.suppression);
    make_batches(&door, "");
    (void)bench_run("filter_plain", EVENTS, 5, EVENTS, filter_all, &door);
    refuse_some(&door);
    (void)bench_run("filter_refused", EVENTS, 5, EVENTS, filter_all, &door);
    for (int b = 0; b < EVENTS / BATCH; b++) event_batch_release(&door.batches[b]);
    make_batches(&door, TRAITS);
    (void)bench_run("filter_traits", EVENTS, 5, EVENTS, filter_all, &door);
    for (int b = 0; b < EVENTS / BATCH; b++) event_batch_release(&door.batches[b]);
    identity_free(door.identity);
    suppression_release(&door.suppression);
    consent_book_release(&door.consents);
    secret_keys_free(door.keys);
    free(door.batches);
    return 0;
}
