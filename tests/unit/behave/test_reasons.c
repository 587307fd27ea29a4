#include "behave/reasons.h"

#include "histories_kit.h"

enum { ITEMS = 40 };

/* A score in which events work together: what an event adds depends on those before it. */
static double score_of(const struct behave_sequences *history, int32_t item) {
    double sum = 0.3 * item, carried = 0;
    for (int64_t e = history->offsets[0]; e < history->offsets[1]; e++) {
        carried = 0.7 * carried + sin(history->items[e] + 1.3 * item);
        sum += carried * carried;
    }
    return sum;
}

static kai_status score(void *user, const struct behave_sequences *history, float *ret_scores,
                        kai_err *err) {
    (void)user, (void)err;
    for (int32_t i = 0; i < ITEMS; i++) ret_scores[i] = (float)score_of(history, i);
    return KAI_OK;
}

/* One vote an event, as item-knn without decay: then a part's share is its own votes. */
static kai_status vote(void *user, const struct behave_sequences *history, float *ret_scores,
                       kai_err *err) {
    (void)user, (void)err;
    for (int32_t i = 0; i < ITEMS; i++) {
        ret_scores[i] = 5;
        for (int64_t e = history->offsets[0]; e < history->offsets[1]; e++)
            ret_scores[i] += (float)(history->items[e] * (i + 1));
    }
    return KAI_OK;
}

static void test_reasons__add_up_to_the_score(void **state) {
    (void)state;
    static const char *const histories[] = {"3", "1 2 1", "0 1 2 3 4 5 6 7",
                                            "9 8 7 6 5 4 3 2 1 0 9 8 1 2 30 31 32"};
    static const int32_t items[] = {0, 7, 39};
    for (size_t h = 0; h < sizeof histories / sizeof *histories; h++) {
        struct histories one = histories_of(histories[h], NULL), none = histories_of("", NULL);
        struct behave_sequences view = histories_view(&one), empty = histories_view(&none);
        struct reasons reasons;
        double shares[3 * REASONS_PARTS];
        kai_err err = {0};
        CHECK_OK(reasons_attribute(score, NULL, &view, ITEMS, items, 3, &reasons, shares, &err),
                 &err);
        for (int i = 0; i < 3; i++) {
            double sum = 0;
            for (int32_t p = 0; p < reasons.part_count; p++) sum += shares[i * REASONS_PARTS + p];
            CHECK_NEAR(sum, score_of(&view, items[i]) - score_of(&empty, items[i]), 1e-4);
        }
        histories_release(&one);
        histories_release(&none);
    }
}

static void test_reasons__give_each_item_its_own_votes(void **state) {
    (void)state;
    struct histories one = histories_of("20 21 1 2 3 4 5 6 7 8 3", NULL);
    struct behave_sequences view = histories_view(&one);
    struct reasons reasons;
    double shares[REASONS_PARTS];
    static const int32_t items[] = {1};
    static const int32_t parts[] = {3, 8, 7, 6, 5, 4, 2, 1, -1};
    kai_err err = {0};
    CHECK_OK(reasons_attribute(vote, NULL, &view, ITEMS, items, 1, &reasons, shares, &err), &err);
    assert_int_equal(reasons.part_count, 9);
    for (int p = 0; p < 9; p++) {
        assert_int_equal(reasons.parts[p], parts[p]);
        double votes = parts[p] == 3 ? 6 : parts[p] == -1 ? 41 : parts[p];
        CHECK_NEAR(shares[p], 2 * votes, 1e-4);
    }
    histories_release(&one);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reasons__add_up_to_the_score),
        cmocka_unit_test(test_reasons__give_each_item_its_own_votes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
