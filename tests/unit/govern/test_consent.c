#include "govern/consent.h"

#include <string.h>

#include "govern/consent_book.h"
#include "kit/check.h"

static struct consent_record record(enum consent_purpose purpose, enum consent_answer answer,
                                    int64_t time_us) {
    return (struct consent_record){purpose, answer, time_us, "", "test"};
}

static void test_consent__the_later_word_counts_in_any_order(void **state) {
    (void)state;
    const struct consent_record said[] = {record(CONSENT_EMAIL, CONSENT_GRANTED, 10),
                                          record(CONSENT_EMAIL, CONSENT_WITHDRAWN, 20),
                                          record(CONSENT_EMAIL, CONSENT_GRANTED, 15)};
    static const int ORDERS[6][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2},
                                     {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
    struct consent_rules rules = consent_rules_default();
    for (int o = 0; o < 6; o++) {
        struct consent consent = {0};
        for (int i = 0; i < 3; i++) consent_add(&consent, &said[ORDERS[o][i]]);
        assert_false(consent_allows(&rules, &consent, CONSENT_EMAIL));
        assert_int_equal(consent.times_us[CONSENT_EMAIL], 20);
    }
}

static void test_consent__refusal_counts_at_the_same_moment(void **state) {
    (void)state;
    const struct consent_record yes = record(CONSENT_ADS, CONSENT_GRANTED, 5);
    const struct consent_record no = record(CONSENT_ADS, CONSENT_WITHDRAWN, 5);
    const struct consent_record on = record(CONSENT_NOT_PERSONALISED, CONSENT_GRANTED, 5);
    const struct consent_record off = record(CONSENT_NOT_PERSONALISED, CONSENT_WITHDRAWN, 5);
    struct consent_rules rules = consent_rules_default();
    struct consent a = {0}, b = {0};
    consent_add(&a, &yes), consent_add(&a, &no), consent_add(&a, &on), consent_add(&a, &off);
    consent_add(&b, &no), consent_add(&b, &yes), consent_add(&b, &off), consent_add(&b, &on);
    assert_memory_equal(&a, &b, sizeof a);
    assert_false(consent_allows(&rules, &a, CONSENT_ADS));
    assert_false(consent_allows(&rules, &a, CONSENT_PERSONALISATION));
}

static void test_consent__rules_hold_where_nothing_was_said(void **state) {
    (void)state;
    struct consent_rules rules = consent_rules_default();
    struct consent consent = {0};
    assert_true(consent_allows(&rules, &consent, CONSENT_ANALYTICS));
    assert_false(consent_allows(&rules, &consent, CONSENT_EMAIL));
    assert_false(consent_allows(&rules, &consent, CONSENT_SHARING));
    rules.is_opt_out[CONSENT_ANALYTICS] = 0;
    assert_false(consent_allows(&rules, &consent, CONSENT_ANALYTICS));
}

static void test_consent__decides_by_channel_and_switch(void **state) {
    (void)state;
    struct consent_rules rules = consent_rules_default();
    struct consent consent = {0};
    const char *why = NULL;
    assert_int_equal(consent_decide(&rules, &consent, "email", &why), CONSENT_DENY);
    assert_string_equal(why, "marketing-email");
    assert_int_equal(consent_decide(&rules, &consent, "page", &why), CONSENT_PERSONAL);
    const struct consent_record yes = record(CONSENT_EMAIL, CONSENT_GRANTED, 1);
    consent_add(&consent, &yes);
    assert_int_equal(consent_decide(&rules, &consent, "E-Mail", &why), CONSENT_PERSONAL);
    assert_int_equal(consent_decide(&rules, &consent, "wechat", &why), CONSENT_DENY);
    const struct consent_record on = record(CONSENT_NOT_PERSONALISED, CONSENT_GRANTED, 2);
    consent_add(&consent, &on);
    assert_int_equal(consent_decide(&rules, &consent, "email", &why), CONSENT_GENERIC);
    assert_string_equal(why, "not-personalised");
    assert_int_equal(consent_decide(&rules, &consent, "page", &why), CONSENT_GENERIC);
}

static void test_consent__prints_what_it_parses(void **state) {
    (void)state;
    struct arena arena;
    struct buf out;
    kai_err err = {0};
    struct consent_record said = record(CONSENT_SMS, CONSENT_WITHDRAWN, 1772353805250000), read;
    said.proof = "电话, \"Stop\"";
    arena_init(&arena);
    buf_init(&out, 1 << 16);
    CHECK_OK(consent_print(&said, &out, &err), &err);
    CHECK_OK(consent_parse((struct slice){out.data, out.size}, 0, &arena, &read, &err), &err);
    assert_int_equal(read.purpose, CONSENT_SMS);
    assert_int_equal(read.answer, CONSENT_WITHDRAWN);
    assert_int_equal(read.time_us, said.time_us);
    assert_string_equal(read.proof, said.proof);
    buf_release(&out);
    arena_release(&arena);
}

static void test_consent__names_what_is_wrong(void **state) {
    (void)state;
    static const char *const CASES[][2] = {
        {"[]", "JSON object"},
        {"{\"answer\":\"granted\"}", "'purpose'"},
        {"{\"purpose\":\"analytics\"}", "'answer'"},
        {"{\"purpose\":\"analytic\",\"answer\":\"granted\"}", "did you mean 'analytics'"},
        {"{\"purpose\":\"sharing\",\"answer\":\"maybe\"}", "'granted' or 'withdrawn'"},
        {"{\"purpose\":\"sharing\",\"answer\":\"granted\",\"time\":\"soon\"}", "'time'"},
        {"{\"purpose\":\"sharing\",\"answer\":\"granted\",\"proof\":7}", "'proof'"},
        {"{\"purpose\":", "line 1"}};
    struct arena arena;
    arena_init(&arena);
    for (size_t i = 0; i < sizeof CASES / sizeof *CASES; i++) {
        struct consent_record read;
        kai_err err = {0};
        CHECK_FAILS(consent_parse(slice_of(CASES[i][0]), 0, &arena, &read, &err), &err, KAI_INVALID,
                    CASES[i][1]);
    }
    arena_release(&arena);
}

static void test_consent_book__folds_several_pseudonyms(void **state) {
    (void)state;
    struct consent_book book;
    kai_err err = {0};
    struct consent consent = {0};
    const struct consent_record yes = record(CONSENT_EMAIL, CONSENT_GRANTED, 1);
    const struct consent_record no = record(CONSENT_EMAIL, CONSENT_WITHDRAWN, 2);
    struct consent_rules rules = consent_rules_default();
    consent_book_init(&book);
    CHECK_OK(consent_book_add(&book, slice_of("a"), &yes, &err), &err);
    CHECK_OK(consent_book_add(&book, slice_of("b"), &no, &err), &err);
    consent_book_fold(&book, slice_of("a"), &consent);
    consent_book_fold(&book, slice_of("nobody"), &consent);
    assert_true(consent_allows(&rules, &consent, CONSENT_EMAIL));
    consent_book_fold(&book, slice_of("b"), &consent);
    assert_false(consent_allows(&rules, &consent, CONSENT_EMAIL));
    consent_book_release(&book);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_consent__the_later_word_counts_in_any_order),
        cmocka_unit_test(test_consent__refusal_counts_at_the_same_moment),
        cmocka_unit_test(test_consent__rules_hold_where_nothing_was_said),
        cmocka_unit_test(test_consent__decides_by_channel_and_switch),
        cmocka_unit_test(test_consent__prints_what_it_parses),
        cmocka_unit_test(test_consent__names_what_is_wrong),
        cmocka_unit_test(test_consent_book__folds_several_pseudonyms),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
