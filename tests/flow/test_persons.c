/* Persons from the doorway to the certificate: what comes in, what is told of them, what is obeyed,
 * and that nothing is left of whom was forgotten. */
#include <dirent.h>
#include <kairos/customer.h>
#include <kairos/privacy.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/instant.h"
#include "engine/doorway.h"
#include "kit/check.h"

#define DAY INSTANT_DAY_US
#define T0 (20000 * DAY) /* 2024-10-04 */
#define AT "2024-10-04"

/* Anna in every form in which she is known. */
static const char *const ANNA[] = {"anna@example.com", "Anna.K@Example.com", "device-anna-77",
                                   "13812345678",      "Anna Karenina",      "203.0.113.77"};
enum { ANNA_NAMES = sizeof ANNA / sizeof *ANNA };

struct shop {
    char dir[512];
    kai_engine *engine;
    struct event_batch batch;
    int64_t next;
    kai_err err;
};

static void put(struct shop *shop, const char *customer, const char *anonymous, const char *type,
                double days_before, double value, const char *properties) {
    struct event event = event_empty();
    char id[32];
    (void)snprintf(id, sizeof id, "m%lld", (long long)shop->next++);
    event.id = slice_of(id);
    event.customer = slice_of(customer);
    event.anonymous = slice_of(anonymous);
    event.type = slice_of(type);
    event.item = slice_of("shoe");
    event.channel = slice_of("web");
    event.value = value;
    event.time_us = T0 - (int64_t)(days_before * (double)DAY);
    event.properties = slice_of(properties);
    CHECK_OK(event_batch_append(&shop->batch, &event, &shop->err), &shop->err);
}

/* Pass what was put; returns how many events were kept. */
static int64_t pass(struct shop *shop) {
    struct doorway *door = NULL;
    CHECK_OK(doorway_open(shop->dir, STORE_WRITE, &door, &shop->err), &shop->err);
    CHECK_OK(doorway_pass(door, &shop->batch, &shop->err), &shop->err);
    CHECK_OK(doorway_commit(door, &shop->err), &shop->err);
    int64_t kept = doorway_report(door)->kept;
    doorway_close(door);
    event_batch_reset(&shop->batch);
    return kept;
}

static void put_anna(struct shop *shop) {
    put(shop, "", "device-anna-77", "view", 40, NAN, "{\"ip\":\"203.0.113.77\"}");
    put(shop, "anna@example.com", "device-anna-77", "identify", 39, NAN,
        "{\"email\":\"Anna.K@Example.com\",\"phone\":\"13812345678\",\"name\":\"Anna Karenina\"}");
    put(shop, "anna@example.com", "device-anna-77", "order", 20, 30, "{}");
    put(shop, "anna@example.com", "", "order", 10, 50,
        "{\"note\":\"ring 13812345678 or anna@example.com\"}");
}

static void put_others(struct shop *shop) {
    for (int i = 0; i < 6; i++) {
        char name[16];
        (void)snprintf(name, sizeof name, "user%d", i);
        for (int j = 0; j <= i; j++) put(shop, name, "", "order", 5 + 10 * j, 10 + i, "");
    }
    put(shop, "user1", "device-anna-77", "view", 1, NAN, ""); /* on Anna's device */
}

static void write_in(const struct shop *shop, const char *name, const char *text) {
    char path[1024];
    kai_err err = {0};
    (void)snprintf(path, sizeof path, "%s/%s", shop->dir, name);
    CHECK_OK(file_write_all(path, text, strlen(text), &err), &err);
}

static void open_shop(struct shop *shop, const char *name, const char *settings) {
    *shop = (struct shop){0};
    const kai_engine_options options = {.struct_size = sizeof options, .threads = 1};
    kai_init_options init = {.struct_size = sizeof init};
    kai_buf text = {0};
    (void)snprintf(shop->dir, sizeof shop->dir, "%s", check_temp_path(name));
    const char *const dirs[] = {shop->dir};
    init.arguments = (kai_list){dirs, 1};
    CHECK_OK(kai_engine_open(&options, &shop->engine, &shop->err), &shop->err);
    CHECK_OK(kai_engine_init(shop->engine, &init, NULL, &text, &shop->err), &shop->err);
    kai_buf_release(&text);
    if (settings) write_in(shop, "kairos.yaml", settings);
    event_batch_init(&shop->batch);
}

static void close_shop(struct shop *shop) {
    event_batch_release(&shop->batch);
    kai_engine_close(shop->engine);
}

static struct json_value *parse(kai_buf *take_json) {
    struct json_value *value = NULL;
    kai_err err = {0};
    CHECK_OK(json_parse(take_json->data, (size_t)take_json->size, &value, &err), &err);
    kai_buf_release(take_json);
    return value;
}

static kai_list one(const char *const *item) { return (kai_list){item, 1}; }

/* Run `call` on a shop with options of `type`; the answer as a tree. */
#define ASK(shop, call, options)                                                            \
    (CHECK_OK(call((shop)->engine, &(options), &answer, NULL, &(shop)->err), &(shop)->err), \
     parse(&answer))

static struct json_value *ask_profile(struct shop *shop, const char *user) {
    kai_buf answer = {0};
    const kai_profile_options options = {.struct_size = sizeof options,
                                         .common.workspace = shop->dir,
                                         .arguments = one(&user),
                                         .at = AT,
                                         .events = 100};
    return ASK(shop, kai_engine_profile, options);
}

static double trait(const struct json_value *profile, const char *name) {
    return json_as_f64(json_get(json_get(profile, "traits"), name), NAN);
}

static void test_profile__joins_the_person_and_knows_her_segments(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop, "profile",
              "segments:\n  buyers: rfm.frequency >= 2\n  gone: rfm.recency > 100\n");
    put_anna(&shop);
    put_others(&shop);
    (void)pass(&shop);
    struct json_value *profile = ask_profile(&shop, " ANNA@example.com");
    CHECK_NEAR(json_as_f64(json_get(profile, "events"), 0), 4, 0); /* with the anonymous view */
    CHECK_NEAR(trait(profile, "rfm.frequency"), 2, 0);
    CHECK_NEAR(trait(profile, "rfm.monetary"), 80, 0);
    CHECK_NEAR(trait(profile, "rfm.recency"), 10, 1e-9);
    CHECK_NEAR(trait(profile, "tenure"), 40, 1e-9);
    assert_int_equal(json_count(json_get(profile, "segments")), 1);
    assert_string_equal(json_as_text(json_at(json_get(profile, "segments"), 0), ""), "buyers");
    json_free(profile);
    kai_buf answer = {0};
    const char *nobody = "nobody@example.com";
    const kai_profile_options options = {
        .struct_size = sizeof options, .common.workspace = shop.dir, .arguments = one(&nobody)};
    kai_status st = kai_engine_profile(shop.engine, &options, &answer, NULL, &shop.err);
    CHECK_FAILS(st, &shop.err, KAI_NOT_FOUND, "nothing is known");
    assert_null(strstr(shop.err.message, "nobody"));
    close_shop(&shop);
}

static void test_identity__merges_and_parts_histories(void **state) {
    (void)state;
    struct shop shop;
    kai_buf answer = {0};
    open_shop(&shop, "identity", NULL);
    put_others(&shop);
    (void)pass(&shop);
    const char *const both[] = {"user2", "user3"};
    kai_identity_options options = {
        .struct_size = sizeof options, .common.workspace = shop.dir, .arguments = {both, 2}};
    struct json_value *merged = ASK(&shop, kai_engine_identity_merge, options);
    char edge[32];
    (void)snprintf(edge, sizeof edge, "%.0f",
                   json_as_f64(json_get(json_get(merged, "edge"), "id"), 0));
    json_free(merged);
    struct json_value *profile = ask_profile(&shop, "user3");
    CHECK_NEAR(json_as_f64(json_get(profile, "events"), 0), 7, 0);
    json_free(profile);
    const char *const number[] = {edge};
    options.arguments = one(number);
    json_free(ASK(&shop, kai_engine_identity_undo, options));
    profile = ask_profile(&shop, "user3");
    CHECK_NEAR(json_as_f64(json_get(profile, "events"), 0), 4, 0);
    json_free(profile);
    close_shop(&shop);
}

/* Lines of the exported audience, with its header. */
static int64_t export_loyal(struct shop *shop, const char *channel) {
    const char *name = "loyal";
    const kai_segment_options options = {.struct_size = sizeof options,
                                         .common.workspace = shop->dir,
                                         .arguments = one(&name),
                                         .at = AT,
                                         .k_max = 4,
                                         .channel = channel,
                                         .out = "-"};
    kai_buf text = {0};
    CHECK_OK(kai_engine_segment_export(shop->engine, &options, NULL, &text, &shop->err),
             &shop->err);
    int64_t lines = 0;
    for (int64_t i = 0; i < text.size; i++) lines += text.data[i] == '\n';
    kai_buf_release(&text);
    return lines;
}

static void state(struct shop *shop, const char *user, const char *purpose, int is_granted) {
    kai_buf answer = {0};
    const kai_consent_options options = {.struct_size = sizeof options,
                                         .common.workspace = shop->dir,
                                         .arguments = one(&user),
                                         .purposes = one(&purpose),
                                         .proof = "call",
                                         .source = "test"};
    if (is_granted)
        json_free(ASK(shop, kai_engine_consent_set, options));
    else
        json_free(ASK(shop, kai_engine_consent_withdraw, options));
}

static void test_consent__is_obeyed_at_the_door_and_in_audiences(void **unused) {
    (void)unused;
    struct shop shop;
    open_shop(&shop, "consent", "segments:\n  loyal: rfm.frequency >= 3\n");
    put_others(&shop);
    (void)pass(&shop); /* user2 to user5 are loyal */
    assert_int_equal(export_loyal(&shop, NULL), 1 + 4);
    assert_int_equal(export_loyal(&shop, "email"), 1 + 0);
    state(&shop, "user3", "marketing-email", 1);
    state(&shop, "user4", "marketing-email", 1);
    assert_int_equal(export_loyal(&shop, "email"), 1 + 2);
    state(&shop, "user4", "not-personalised", 1);
    assert_int_equal(export_loyal(&shop, "email"), 1 + 1);
    assert_int_equal(export_loyal(&shop, NULL), 1 + 3);
    state(&shop, "user4", "not-personalised", 0);
    assert_int_equal(export_loyal(&shop, NULL), 1 + 4);
    state(&shop, "user5", "analytics", 0);
    put(&shop, "user5", "", "view", 1, NAN, "");
    put(&shop, "user4", "", "view", 1, NAN, "");
    assert_int_equal(pass(&shop), 1);
    close_shop(&shop);
}

/* Every byte of every file below a folder. */
static void read_below(const char *path, struct buf *out) {
    struct stat info;
    kai_err err = {0};
    assert_int_equal(stat(path, &info), 0);
    if (!S_ISDIR(info.st_mode)) {
        FILE *file = fopen(path, "rb");
        assert_non_null(file);
        char bytes[4096];
        for (size_t got; (got = fread(bytes, 1, sizeof bytes, file)) > 0;)
            CHECK_OK(buf_append(out, bytes, got, &err), &err);
        assert_int_equal(fclose(file), 0);
        if (strstr(path, ".gz")) CHECK_OK(file_read_all(path, 1 << 20, out, &err), &err);
        return;
    }
    DIR *dir = opendir(path);
    assert_non_null(dir);
    for (struct dirent *entry; (entry = readdir(dir));) {
        char below[1024];
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
        (void)snprintf(below, sizeof below, "%s/%s", path, entry->d_name);
        read_below(below, out);
    }
    assert_int_equal(closedir(dir), 0);
}

static int64_t count_traces(const struct shop *shop, const char *text) {
    struct buf bytes;
    int64_t count = 0;
    buf_init(&bytes, 1 << 28);
    read_below(shop->dir, &bytes);
    for (const char *at = bytes.data; at && (size_t)(at - bytes.data) < bytes.size;) {
        at = memmem(at, bytes.size - (size_t)(at - bytes.data), text, strlen(text));
        if (!at) break;
        count++;
        at++;
    }
    buf_release(&bytes);
    return count;
}

static void put_run(const struct shop *shop) {
    char path[600];
    kai_err err = {0};
    (void)snprintf(path, sizeof path, "%s/runs/spring-42", shop->dir);
    CHECK_OK(file_make_dir(path, &err), &err);
    write_in(shop, "runs/spring-42/plan.csv",
             "customer,offer\nuser1,mail\nanna@example.com,sms\n\"anna@example.com\",\n");
    write_in(shop, "runs/spring-42/receipts.jsonl.gz",
             "{\"customer\":\"anna@example.com\",\"offer\":null}\n{\"customer\":\"user1\"}\n");
    write_in(shop, "runs/spring-42/report.html", "<p>anna@example.com, ann</p>");
    write_in(shop, "models/churn.kai", "model");
}

static struct json_value *forget(struct shop *shop, const char *user) {
    kai_buf answer = {0};
    const kai_forget_options options = {.struct_size = sizeof options,
                                        .common.workspace = shop->dir,
                                        .arguments = one(&user),
                                        .reason = "request"};
    return ASK(shop, kai_engine_forget, options);
}

static void check_certificate(struct shop *shop, const char *path) {
    kai_buf answer = {0};
    const kai_audit_verify_options options = {
        .struct_size = sizeof options, .common.workspace = shop->dir, .arguments = one(&path)};
    struct json_value *verified = ASK(shop, kai_engine_audit_verify, options);
    assert_true(json_as_f64(json_get(verified, "entries"), 0) >= 1);
    json_free(verified);
}

static void test_forget__leaves_no_byte_and_lets_nobody_return(void **state) {
    (void)state;
    struct shop shop;
    open_shop(&shop, "forget", NULL);
    put_anna(&shop);
    put_others(&shop);
    (void)pass(&shop);
    put_run(&shop);
    assert_true(count_traces(&shop, "anna@example.com") > 0); /* in the run folder */
    struct json_value *told = forget(&shop, "anna@example.com");
    for (int i = 0; i < ANNA_NAMES; i++) assert_int_equal(count_traces(&shop, ANNA[i]), 0);
    const struct json_value *erased = json_get(told, "erased");
    CHECK_NEAR(json_as_f64(json_get(erased, "events"), 0), 4, 0);
    CHECK_NEAR(json_as_f64(json_get(erased, "identifiers"), 0), 2, 0);
    CHECK_NEAR(json_as_f64(json_get(erased, "run_rows"), 0), 3, 0);
    assert_string_equal(json_as_text(json_at(json_get(told, "rewritten"), 0), ""), "spring-42");
    assert_string_equal(
        json_as_text(json_at(json_get(told, "models_that_still_hold_the_person"), 0), ""),
        "models/churn.kai");
    assert_int_equal(count_traces(&shop, "user1,mail"), 1); /* others stay */
    check_certificate(&shop, json_as_text(json_get(told, "certificate"), ""));
    json_free(told);
    /* an import of the same file, a new id with her address, a new device: nothing comes back */
    put_anna(&shop);
    put(&shop, "other-id", "", "identify", 1, NAN, "{\"email\":\"anna.k@example.com\"}");
    put(&shop, "user9", "", "view", 1, NAN, "");
    assert_int_equal(pass(&shop), 1);
    for (int i = 0; i < ANNA_NAMES; i++) assert_int_equal(count_traces(&shop, ANNA[i]), 0);
    struct json_value *profile = ask_profile(&shop, "user1"); /* kept, without the device */
    CHECK_NEAR(json_as_f64(json_get(profile, "events"), 0), 3, 0);
    json_free(profile);
    close_shop(&shop);
}

static void test_export__tells_everything_and_is_recorded(void **state) {
    (void)state;
    struct shop shop;
    kai_buf text = {0};
    open_shop(&shop, "export", NULL);
    put_anna(&shop);
    put_others(&shop);
    (void)pass(&shop);
    const char *user = "anna@example.com";
    const kai_export_options options = {.struct_size = sizeof options,
                                        .common.workspace = shop.dir,
                                        .arguments = one(&user),
                                        .out = "-"};
    CHECK_OK(kai_engine_export(shop.engine, &options, NULL, &text, &shop.err), &shop.err);
    for (int i = 0; i < ANNA_NAMES - 1; i++) assert_non_null(strstr(text.data, ANNA[i]));
    struct json_value *document = parse(&text);
    assert_int_equal(json_count(json_get(document, "events")), 4);
    assert_int_equal(json_count(json_get(document, "identifiers")), 2);
    json_free(document);
    assert_int_equal(count_traces(&shop, "\"action\":\"export\""), 1);
    assert_int_equal(count_traces(&shop, "anna"), 0); /* neither store nor record name her */
    close_shop(&shop);
}

static void test_key__is_made_listed_and_revoked(void **state) {
    (void)state;
    struct shop shop;
    kai_buf answer = {0};
    open_shop(&shop, "keys", NULL);
    const char *const scopes[] = {"write", "read"};
    kai_key_options options = {.struct_size = sizeof options,
                               .common.workspace = shop.dir,
                               .name = "web",
                               .scopes = {scopes, 2},
                               .rate = 100};
    struct json_value *made = ASK(&shop, kai_engine_key_new, options);
    const char *token = json_as_text(json_get(made, "key"), "");
    assert_int_equal(strncmp(token, "kai_", 4), 0);
    assert_int_equal(count_traces(&shop, token + 21), 0); /* only its hash is kept */
    const char *id = json_as_text(json_get(made, "id"), "");
    options.arguments = one(&id);
    json_free(ASK(&shop, kai_engine_key_revoke, options));
    kai_status st = kai_engine_key_revoke(shop.engine, &options, &answer, NULL, &shop.err);
    CHECK_FAILS(st, &shop.err, KAI_STATE, "already");
    options.arguments = (kai_list){0};
    struct json_value *listed = ASK(&shop, kai_engine_key_list, options);
    const struct json_value *key = json_at(json_get(listed, "keys"), 0);
    assert_string_equal(json_as_text(json_get(key, "scopes"), ""), "write,read");
    assert_false(json_is_null(json_get(key, "revoked")));
    json_free(listed);
    json_free(made);
    close_shop(&shop);
}

static void test_doorway__refuses_a_lost_or_foreign_key(void **state) {
    (void)state;
    struct shop shop;
    struct doorway *door = NULL;
    char path[600];
    open_shop(&shop, "lost", NULL);
    put_others(&shop);
    (void)pass(&shop);
    (void)snprintf(path, sizeof path, "%s/kairos.key", shop.dir);
    assert_int_equal(remove(path), 0);
    CHECK_FAILS(doorway_open(shop.dir, STORE_WRITE, &door, &shop.err), &shop.err, KAI_NOT_FOUND, "kairos.key");
    CHECK_OK(secret_file_create(path, &shop.err), &shop.err);
    CHECK_FAILS(doorway_open(shop.dir, STORE_WRITE, &door, &shop.err), &shop.err, KAI_DENIED, "not the key");
    close_shop(&shop);
}

static void test_settings__name_what_is_wrong(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"consnet: {}\n", "kairos.yaml:1:1: unknown key 'consnet': did you mean 'consent'?"},
        {"consent: {analytics: maybe}\n", "expected opt-in or opt-out"},
        {"consent: {analytic: opt-in}\n", "did you mean 'analytics'"},
        {"privacy: {email: hide}\n", "expected one of keep, seal"},
        {"privacy: {mail: seal}\n", "expected key_file, email"},
        {"segments: [a]\n", "expected a map"}};
    struct shop shop;
    struct doorway *door = NULL;
    open_shop(&shop, "settings", NULL);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        write_in(&shop, "kairos.yaml", CASES[i][0]);
        CHECK_FAILS(doorway_open(shop.dir, STORE_WRITE, &door, &shop.err), &shop.err, KAI_INVALID, CASES[i][1]);
    }
    close_shop(&shop);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_profile__joins_the_person_and_knows_her_segments),
        cmocka_unit_test(test_identity__merges_and_parts_histories),
        cmocka_unit_test(test_consent__is_obeyed_at_the_door_and_in_audiences),
        cmocka_unit_test(test_forget__leaves_no_byte_and_lets_nobody_return),
        cmocka_unit_test(test_export__tells_everything_and_is_recorded),
        cmocka_unit_test(test_key__is_made_listed_and_revoked),
        cmocka_unit_test(test_doorway__refuses_a_lost_or_foreign_key),
        cmocka_unit_test(test_settings__name_what_is_wrong),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
