#include <string.h>

#include "govern/govern.h"
#include "kit/check.h"

struct door {
    struct secret_keys *keys;
    struct consent_book consents;
    struct suppression suppression;
    struct identity *identity;
    struct filter_rules rules;
    struct filter *filter;
    struct event_batch batch;
    struct filter_result result;
    struct filter_report report;
    kai_err err;
};

static void open_door(struct door *door, struct filter_rules rules) {
    unsigned char master[SECRET_MASTER_BYTES] = {5};
    *door = (struct door){.rules = rules};
    CHECK_OK(secret_keys_new(master, &door->keys, &door->err), &door->err);
    consent_book_init(&door->consents);
    suppression_init(&door->suppression);
    CHECK_OK(identity_new(&door->identity, &door->err), &door->err);
    const struct filter_state state = {door->keys, &door->consents, &door->suppression,
                                       door->identity};
    CHECK_OK(filter_new(&rules, &state, &door->filter, &door->err), &door->err);
    event_batch_init(&door->batch);
    filter_result_init(&door->result);
}

static void close_door(struct door *door) {
    filter_free(door->filter);
    filter_result_release(&door->result);
    event_batch_release(&door->batch);
    identity_free(door->identity);
    suppression_release(&door->suppression);
    consent_book_release(&door->consents);
    secret_keys_free(door->keys);
}

static void put(struct door *door, const char *customer, const char *anonymous, const char *type,
                const char *properties) {
    struct event event = event_empty();
    event.id = slice_of("m1");
    event.customer = slice_of(customer);
    event.anonymous = slice_of(anonymous);
    event.type = slice_of(type);
    event.item = slice_of("shoe");
    event.properties = slice_of(properties);
    event.time_us = 1000 + door->batch.count;
    CHECK_OK(event_batch_append(&door->batch, &event, &door->err), &door->err);
}

static void pass(struct door *door) {
    CHECK_OK(filter_apply(door->filter, &door->batch, &door->result, &door->report, &door->err),
             &door->err);
    event_batch_reset(&door->batch);
    const struct filter_report *r = &door->report;
    assert_int_equal(r->events, r->kept + r->suppressed + r->without_consent + r->consents +
                                    (r->damaged && !r->kept));
}

static const char *person(const struct door *door, const char *identifier) {
    static char names[4][SECRET_PSEUDONYM_BYTES];
    static int next;
    char *name = names[next++ % 4];
    privacy_person(door->keys, slice_of(identifier), name);
    return name;
}

static void forget(struct door *door, const char *identifier) {
    CHECK_OK(suppression_add(&door->suppression, slice_of(person(door, identifier)), &door->err),
             &door->err);
}

static void test_filter__leaves_pseudonyms_only(void **state) {
    (void)state;
    struct door door;
    open_door(&door, govern_rules_default());
    put(&door, "anna-1", "device-9", "view",
        "{\"email\":\"anna@example.com\",\"userId\":\"anna-1\"}");
    put(&door, "anna-1", "", "order", "");
    pass(&door);
    assert_int_equal(door.result.events.count, 2);
    const struct event *event = &door.result.events.events[0];
    assert_true(slice_equal_text(event->customer, person(&door, "anna-1")));
    assert_true(slice_equal_text(event->anonymous, person(&door, "device-9")));
    assert_true(slice_equal_text(event->item, "shoe"));
    assert_null(memmem(event->properties.data, event->properties.size, "anna", 4));
    /* both identifiers are handed on once, sealed */
    assert_int_equal(door.result.person_count, 2);
    struct buf plain;
    buf_init(&plain, 1 << 10);
    CHECK_OK(secret_open(door.keys, door.result.persons[0].sealed, &plain, &door.err), &door.err);
    assert_string_equal(plain.data, "anna-1");
    assert_int_equal(door.result.persons[1].is_device, 1);
    buf_release(&plain);
    assert_int_equal(door.result.edge_count, 1);
    put(&door, "anna-1", "device-9", "view", "");
    pass(&door);
    assert_int_equal(door.result.person_count, 0);
    assert_int_equal(door.result.edge_count, 0);
    close_door(&door);
}

static void test_filter__obeys_consent(void **state) {
    (void)state;
    struct door door;
    open_door(&door, govern_rules_default());
    put(&door, "anna", "d1", "view", "");
    put(&door, "anna", "", "consent", "{\"purpose\":\"analytics\",\"answer\":\"withdrawn\"}");
    put(&door, "anna", "", "view", "");
    put(&door, "", "d1", "view", ""); /* her device: she refused for it too */
    put(&door, "bert", "", "view", "");
    pass(&door);
    assert_int_equal(door.report.kept, 2);
    assert_int_equal(door.report.without_consent, 2);
    assert_int_equal(door.result.consent_count, 1);
    assert_string_equal(door.result.consents[0].pseudonym, person(&door, "anna"));
    put(&door, "anna", "", "consent", "{\"purpose\":\"analytics\",\"answer\":\"granted\"}");
    put(&door, "", "d1", "view", "");
    pass(&door);
    assert_int_equal(door.report.kept, 2); /* the grant's time is before the refusal's */
    close_door(&door);
}

static void test_filter__keeps_nobody_who_never_agreed(void **state) {
    (void)state;
    struct door door;
    struct filter_rules rules = govern_rules_default();
    rules.consent.is_opt_out[CONSENT_ANALYTICS] = 0;
    open_door(&door, rules);
    put(&door, "anna", "", "view", "");
    pass(&door);
    assert_int_equal(door.result.events.count + door.result.person_count, 0);
    assert_int_equal(door.report.without_consent, 1);
    put(&door, "anna", "", "consent", "{\"purpose\":\"analytics\",\"answer\":\"granted\"}");
    put(&door, "anna", "", "view", "");
    pass(&door);
    assert_int_equal(door.result.events.count, 1);
    assert_int_equal(door.result.person_count, 1);
    close_door(&door);
}

static void test_filter__lets_nobody_come_back(void **state) {
    (void)state;
    struct door door;
    open_door(&door, govern_rules_default());
    forget(&door, "anna");
    forget(&door, "d1");
    forget(&door, "anna@example.com");
    put(&door, "anna", "d2", "view", "");
    put(&door, "", "d1", "view", "");
    put(&door, "other-id", "", "identify", "{\"email\":\"Anna@Example.com\"}");
    put(&door, "bert", "d1", "view", "{\"x\":1}"); /* loses the device only */
    pass(&door);
    assert_int_equal(door.report.suppressed, 3);
    assert_int_equal(door.result.events.count, 1);
    assert_true(slice_equal_text(door.result.events.events[0].customer, person(&door, "bert")));
    assert_int_equal(door.result.events.events[0].anonymous.size, 0);
    assert_int_equal(door.result.person_count, 1);
    close_door(&door);
}

static void test_filter__joins_aliases(void **state) {
    (void)state;
    struct door door;
    open_door(&door, govern_rules_default());
    put(&door, "anna", "", "alias", "{\"previousId\":\"visitor-77\"}");
    pass(&door);
    assert_int_equal(door.result.edge_count, 1);
    assert_int_equal(door.result.edges[0].kind, IDENTITY_ALIAS);
    const struct event *event = &door.result.events.events[0];
    assert_null(memmem(event->properties.data, event->properties.size, "visitor", 7));
    assert_true(slice_equal(identity_root(door.identity, slice_of(person(&door, "visitor-77"))),
                            identity_root(door.identity, slice_of(person(&door, "anna")))));
    close_door(&door);
}

static void test_filter__counts_damaged_properties(void **state) {
    (void)state;
    struct door door;
    open_door(&door, govern_rules_default());
    put(&door, "anna", "", "view", "{\"email\":\"anna@example.com\"");
    pass(&door);
    assert_int_equal(door.report.damaged, 1);
    assert_int_equal(door.result.events.count, 1);
    assert_int_equal(door.result.events.events[0].properties.size, 0);
    close_door(&door);
}

static void test_erasure__certificates_show_changes(void **state) {
    (void)state;
    struct door door;
    const char *const subjects[] = {"p_a"}, *const models[] = {"models/churn.kai"};
    const struct erasure_count erased[] = {{"events", 12}, {"identities", 2}};
    const struct erasure erasure = {.subjects = subjects,
                                    .subject_count = 1,
                                    .time_us = 1772353805250000,
                                    .erased = erased,
                                    .erased_count = 2,
                                    .models = models,
                                    .model_count = 1,
                                    .audit_head = "ab"};
    struct buf out;
    open_door(&door, govern_rules_default());
    buf_init(&out, 1 << 16);
    CHECK_OK(erasure_certify(door.keys, &erasure, &out, &door.err), &door.err);
    struct slice text = {out.data, out.size};
    CHECK_OK(erasure_verify("c", text, NULL, &door.err), &door.err);
    CHECK_OK(erasure_verify("c", text, secret_public(door.keys), &door.err), &door.err);
    CHECK_FAILS(erasure_verify("c", text, "00", &door.err), &door.err, KAI_CORRUPT, "another key");
    for (size_t at = 0; at + 1 < out.size; at++) {
        out.data[at] ^= 1;
        assert_int_equal(erasure_verify("c", text, NULL, &door.err), KAI_CORRUPT);
        out.data[at] ^= 1;
    }
    buf_release(&out);
    close_door(&door);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_filter__leaves_pseudonyms_only),
        cmocka_unit_test(test_filter__obeys_consent),
        cmocka_unit_test(test_filter__keeps_nobody_who_never_agreed),
        cmocka_unit_test(test_filter__lets_nobody_come_back),
        cmocka_unit_test(test_filter__joins_aliases),
        cmocka_unit_test(test_filter__counts_damaged_properties),
        cmocka_unit_test(test_erasure__certificates_show_changes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
