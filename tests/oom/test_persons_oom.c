/* What handles persons, with its 1st, 2nd, 3rd ... allocation failing, once and for good, until it
 * succeeds: the right code, nothing left behind, nothing given. */
#include <string.h>

#include "base/alloc.h"
#include "govern/access.h"
#include "govern/govern.h"
#include "kit/check.h"
#include "prepare/cluster.h"
#include "prepare/segment.h"
#include "prepare/segment_bitmap.h"

static kai_status make_keys(struct secret_keys **ret_keys, kai_err *err) {
    const unsigned char master[SECRET_MASTER_BYTES] = {9};
    return secret_keys_new(master, ret_keys, err);
}

static kai_status seal_and_open(kai_err *err) {
    struct secret_keys *keys = NULL;
    struct buf seal, plain;
    buf_init(&seal, 1 << 16);
    buf_init(&plain, 1 << 16);
    kai_status st = make_keys(&keys, err);
    if (!st) st = secret_seal(keys, slice_of("anna@example.com"), &seal, err);
    if (!st) st = secret_open(keys, (struct slice){seal.data, seal.size}, &plain, err);
    assert_true(st || strcmp(plain.data, "anna@example.com") == 0);
    buf_release(&seal);
    buf_release(&plain);
    secret_keys_free(keys);
    return st;
}

static kai_status put(struct event_batch *batch, const char *customer, const char *type,
                      const char *properties, kai_err *err) {
    struct event event = event_empty();
    event.id = slice_of("m");
    event.customer = slice_of(customer);
    event.anonymous = slice_of("device");
    event.type = slice_of(type);
    event.properties = slice_of(properties);
    return event_batch_append(batch, &event, err);
}

static kai_status fill(struct event_batch *batch, kai_err *err) {
    kai_status st = put(batch, "anna", "identify", "{\"email\":\"anna@example.com\"}", err);
    if (!st)
        st = put(batch, "anna", "consent", "{\"purpose\":\"sharing\",\"answer\":\"granted\"}", err);
    if (!st) st = put(batch, "anna", "alias", "{\"previousId\":\"old\"}", err);
    if (!st) st = put(batch, "bert", "view", "{\"note\":\"13812345678\"}", err);
    return st;
}

/* One batch through a filter of its own. */
static kai_status filter_batch(kai_err *err) {
    struct secret_keys *keys = NULL;
    struct consent_book consents;
    struct suppression suppression;
    struct identity *identity = NULL;
    struct filter *filter = NULL;
    struct event_batch batch;
    struct filter_result result;
    struct filter_report report = {0};
    const struct filter_rules rules = govern_rules_default();
    consent_book_init(&consents);
    suppression_init(&suppression);
    event_batch_init(&batch);
    filter_result_init(&result);
    kai_status st = make_keys(&keys, err);
    if (!st) st = identity_new(&identity, err);
    const struct filter_state state = {keys, &consents, &suppression, identity};
    if (!st) st = filter_new(&rules, &state, &filter, err);
    if (!st) st = fill(&batch, err);
    if (!st) st = filter_apply(filter, &batch, &result, &report, err);
    assert_true(st || (report.kept == 3 && report.consents == 1 && report.damaged == 0));
    filter_free(filter);
    filter_result_release(&result);
    event_batch_release(&batch);
    identity_free(identity);
    suppression_release(&suppression);
    consent_book_release(&consents);
    secret_keys_free(keys);
    return st;
}

static kai_status use_access(kai_err *err) {
    struct access_key key;
    struct access *access = NULL;
    struct buf out;
    char token[ACCESS_TOKEN_BYTES];
    buf_init(&out, 1 << 16);
    kai_status st = access_key_make("web", ACCESS_WRITE, 0, 0, 1, &key, token, err);
    if (!st) st = access_key_print(&key, &out, err);
    if (!st) st = access_key_parse((struct slice){out.data, out.size}, &key, err);
    if (!st) st = access_new(&key, 1, &access, err);
    access_free(access);
    buf_release(&out);
    return st;
}

static kai_status certify(kai_err *err) {
    struct secret_keys *keys = NULL;
    struct buf out;
    const char *const subjects[] = {"p_a"};
    const struct erasure_count erased[] = {{"events", 1}};
    const struct erasure erasure = {.subjects = subjects,
                                    .subject_count = 1,
                                    .erased = erased,
                                    .erased_count = 1,
                                    .audit_head = ""};
    buf_init(&out, 1 << 16);
    kai_status st = make_keys(&keys, err);
    if (!st) st = erasure_certify(keys, &erasure, &out, err);
    buf_release(&out);
    secret_keys_free(keys);
    return st;
}

static kai_status ask_segment(kai_err *err) {
    static const char RULE[] =
        "rfm.frequency >= 0 and distinct(item) < 5 and count(type=\"x\") = 0";
    struct touch_book book;
    struct segment *segment = NULL;
    struct segment_bound *bound = NULL;
    struct segment_bitmap *members = NULL;
    struct customer_work work;
    struct customer customer;
    struct touch touch;
    struct event event = event_empty();
    event.type = slice_of("order");
    event.item = slice_of("shoe");
    event.properties = slice_of("{\"category\":\"shoes\"}");
    customer_work_init(&work);
    kai_status st = touch_book_init(&book, err);
    if (st) return st;
    st = touch_from_event(&book, &event, &touch, err);
    if (!st) st = customer_measure(&book, &touch, 1, 10, &work, &customer, err);
    if (!st) st = segment_parse("s", slice_of(RULE), &segment, err);
    if (!st) st = segment_bind(segment, &book, &bound, err);
    if (!st) assert_true(segment_holds(bound, &customer, &touch, 1, 10));
    if (!st) st = segment_bitmap_new(&members, err);
    segment_bitmap_free(members);
    segment_bound_free(bound);
    segment_free(segment);
    customer_work_release(&work);
    touch_book_release(&book);
    return st;
}

static kai_status find_clusters(kai_err *err) {
    const struct cluster_options options = {.k_max = 3, .seed = 1};
    struct customer customers[12];
    struct cluster cluster = {0};
    memset(customers, 0, sizeof customers);
    for (int i = 0; i < 12; i++) customers[i].numbers[CUSTOMER_FREQUENCY] = i % 2 ? i : 100 + i;
    kai_status st = cluster_fit(customers, 12, &options, NULL, &cluster, err);
    cluster_release(&cluster);
    return st;
}

static void test_persons__survive_without_memory(void **state) {
    (void)state;
    static const check_job JOBS[] = {seal_and_open, filter_batch, use_access,
                                     certify,       ask_segment,  find_clusters};
    for (size_t i = 0; i < sizeof JOBS / sizeof *JOBS; i++) check_exhaust(JOBS[i]);
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_persons__survive_without_memory)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
