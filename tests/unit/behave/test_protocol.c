#include "behave/protocol.h"

#include "histories_kit.h"

static struct interactions interactions_of(const char *text, const int64_t *times, int32_t items) {
    return (struct interactions){.histories = histories_of(text, times), .item_count = items};
}

/* "0 1 2|1 3||2" again */
static void check_histories(const struct histories *histories, const char *expected) {
    char text[256] = "";
    size_t used = 0;
    for (int64_t h = 0; h < histories->count; h++) {
        used += (size_t)snprintf(text + used, sizeof text - used, "%s", h ? "|" : "");
        for (int64_t e = histories->offsets[h]; e < histories->offsets[h + 1]; e++)
            used += (size_t)snprintf(text + used, sizeof text - used, "%s%d",
                                     e > histories->offsets[h] ? " " : "", histories->items[e]);
    }
    assert_string_equal(text, expected);
}

static void test_protocol__leaves_the_last_one_out(void **state) {
    (void)state;
    struct interactions all = interactions_of("0 1 2 3|4 5||1|2 2 2", NULL, 6);
    struct protocol protocol;
    struct protocol_options options = {.kind = PROTOCOL_LEAVE_ONE_OUT};
    kai_err err = {0};
    CHECK_OK(protocol_init(&protocol, &all, &options, &err), &err);
    check_histories(&protocol.train, "0 1 2|4 5||1|2 2");
    check_histories(&protocol.fit, "0 1|4 5||1|2");
    check_histories(&protocol.asked, "0 1 2|2 2");
    assert_int_equal(protocol.targets[0], 3);
    assert_int_equal(protocol.targets[1], 2);
    assert_int_equal(protocol.customers[1], 4);
    assert_int_equal(protocol.customers_short, 2);
    assert_int_equal(protocol.targets_seen, 1);
    assert_int_equal(protocol.targets_unknown, 1); /* 3 is nobody's training event */
    struct behave_sequences fit = protocol_fit(&protocol);
    assert_ptr_equal(fit.items, protocol.fit.items);
    protocol_release(&protocol);
    interactions_release(&all);
}

static void test_protocol__splits_at_a_moment(void **state) {
    (void)state;
    static const int64_t times[] = {1, 5, 10, 12, 10, 11, 2, 3, 9, 10, BEHAVE_TIME_UNKNOWN, 11};
    struct interactions all = interactions_of("0 1 2 3|4 5|0 1|2 2|1 3", times, 6);
    struct protocol protocol;
    struct protocol_options options = {.kind = PROTOCOL_TIME_SPLIT, .split_time = 10};
    kai_err err = {0};
    CHECK_OK(protocol_init(&protocol, &all, &options, &err), &err);
    check_histories(&protocol.train, "0 1||0 1|2|1");
    check_histories(&protocol.asked, "0 1|2|1"); /* by the time of the answer: 10, 10, 11 */
    static const int32_t targets[] = {2, 2, 3};
    static const int64_t customers[] = {0, 3, 4}, target_times[] = {10, 10, 11};
    for (int q = 0; q < 3; q++) {
        assert_int_equal(protocol.targets[q], targets[q]);
        assert_int_equal(protocol.customers[q], customers[q]);
        assert_int_equal(protocol.target_times[q], target_times[q]);
    }
    assert_int_equal(protocol.customers_new, 1);
    protocol_release(&protocol);
    /* by a share: the latest 3 of 12 events begin at 11 */
    options = (struct protocol_options){.kind = PROTOCOL_TIME_SPLIT,
                                        .test_share = 0.25,
                                        .split_time = BEHAVE_TIME_UNKNOWN};
    CHECK_OK(protocol_init(&protocol, &all, &options, &err), &err);
    assert_int_equal(protocol.split_time, 11);
    protocol_release(&protocol);
    interactions_release(&all);
}

static void test_protocol__asks_evenly_chosen_customers(void **state) {
    (void)state;
    struct interactions all = interactions_of("0 1 2|1 2 0|2 1 0|0 0 1", NULL, 3);
    struct protocol protocol;
    struct protocol_options options = {.kind = PROTOCOL_LEAVE_ONE_OUT, .questions_max = 2};
    kai_err err = {0};
    CHECK_OK(protocol_init(&protocol, &all, &options, &err), &err);
    assert_int_equal(protocol.asked.count, 2);
    assert_int_equal(protocol.customers[0], 0);
    assert_int_equal(protocol.customers[1], 2);
    check_histories(&protocol.train, "0 1|1 2|2 1|0 0"); /* nobody's answer is learned from */
    protocol_release(&protocol);
    interactions_release(&all);
}

static void test_protocol__takes_questions_from_a_file(void **state) {
    (void)state;
    struct interactions all = interactions_of("0 1|2", NULL, 3);
    struct protocol protocol;
    kai_err err = {0};
    static const int64_t cases[] = {0, 0, 0, 1, 1};
    static const int32_t items[] = {0, 1, 1, 3, 4};
    static const uint8_t is_target[] = {0, 0, 1, 0, 1};
    struct protocol_questions questions = {5, cases, items, is_target, 5};
    CHECK_OK(protocol_init_given(&protocol, &all, &questions, &err), &err);
    check_histories(&protocol.train, "0 1|2");
    check_histories(&protocol.asked, "0 1|3");
    assert_int_equal(protocol.item_count, 5);
    assert_int_equal(protocol.targets[1], 4);
    assert_int_equal(protocol.targets_seen, 1);
    assert_int_equal(protocol.targets_unknown, 1);
    protocol_release(&protocol);
    interactions_release(&all);
}

static void test_protocol__says_why_nobody_can_be_asked(void **state) {
    (void)state;
    struct interactions all = interactions_of("0|1|2", NULL, 3);
    struct protocol protocol;
    struct protocol_options options = {.kind = PROTOCOL_LEAVE_ONE_OUT};
    kai_err err = {0};
    CHECK_FAILS(protocol_init(&protocol, &all, &options, &err), &err, KAI_INVALID,
                "no customer has 3 events");
    options.kind = PROTOCOL_TIME_SPLIT;
    CHECK_FAILS(protocol_init(&protocol, &all, &options, &err), &err, KAI_INVALID, "no times");
    interactions_release(&all);
    static const int64_t times[] = {1, 2, 3};
    all = interactions_of("0|1|2", times, 3);
    options.split_time = 2;
    CHECK_FAILS(protocol_init(&protocol, &all, &options, &err), &err, KAI_INVALID,
                "both before and after");
    interactions_release(&all);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_protocol__leaves_the_last_one_out),
        cmocka_unit_test(test_protocol__splits_at_a_moment),
        cmocka_unit_test(test_protocol__asks_evenly_chosen_customers),
        cmocka_unit_test(test_protocol__takes_questions_from_a_file),
        cmocka_unit_test(test_protocol__says_why_nobody_can_be_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
