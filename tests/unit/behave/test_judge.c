#include "behave/judge.h"

#include "histories_kit.h"

enum { ITEMS = 500, QUESTIONS = 300, K = 7 };

/* Scores with many ties; the same for a question whichever block it is in. */
static float score_of(int64_t question, int32_t item) {
    struct rng rng;
    rng_init(&rng, (uint64_t)question, "test.judge", (uint64_t)item);
    return (float)rng_below(&rng, 60);
}

static kai_status score(void *user, int64_t first, int64_t count, float *ret_scores,
                        kai_err *err) {
    (void)user, (void)err;
    for (int64_t q = 0; q < count; q++)
        for (int32_t i = 0; i < ITEMS; i++) ret_scores[q * ITEMS + i] = score_of(first + q, i);
    return KAI_OK;
}

static void test_judge__ranks_over_the_whole_catalogue(void **state) {
    (void)state;
    struct histories asked = histories_drawn(QUESTIONS, ITEMS, 20, 8);
    struct behave_sequences view = histories_view(&asked);
    static int32_t targets[QUESTIONS], ranks[2][QUESTIONS], lists[2][QUESTIONS * K];
    kai_err err = {0};
    for (int q = 0; q < QUESTIONS; q++) targets[q] = q % ITEMS;
    for (int is_excluded = 0; is_excluded < 2; is_excluded++) {
        struct judge_request request = {.asked = &view,
                                        .targets = targets,
                                        .item_count = ITEMS,
                                        .list_length = K,
                                        .is_seen_excluded = is_excluded,
                                        .stage = "test"};
        for (int run = 0; run < 2; run++) {
            struct pool *pool = NULL;
            CHECK_OK(pool_new(1 + 2 * run, &pool, &err), &err);
            CHECK_OK(judge_rank(&request, score, NULL, pool, NULL, ranks[run], lists[run], &err),
                     &err);
            pool_free(pool);
        }
        assert_memory_equal(ranks[0], ranks[1], sizeof ranks[0]);
        assert_memory_equal(lists[0], lists[1], sizeof lists[0]);
        for (int64_t q = 0; q < QUESTIONS; q++) {
            int32_t before = 0, is_lost = 0;
            for (int32_t i = 0; i < ITEMS; i++) {
                int is_seen = 0;
                for (int64_t e = asked.offsets[q]; e < asked.offsets[q + 1]; e++)
                    is_seen |= is_excluded && asked.items[e] == i;
                float own = score_of(q, targets[q]), other = score_of(q, i);
                before += !is_seen && (other > own || (other == own && i < targets[q]));
                is_lost |= is_seen && i == targets[q];
            }
            assert_int_equal(ranks[0][q], is_lost ? 0 : before + 1);
            if (!is_lost && before < K) assert_int_equal(lists[0][q * K + before], targets[q]);
        }
    }
    histories_release(&asked);
}

static kai_status score_four(void *user, int64_t first, int64_t count, float *ret_scores,
                             kai_err *err) {
    (void)user, (void)err, (void)first, (void)count;
    for (int32_t i = 0; i < 4; i++) ret_scores[i] = (float)i;
    return KAI_OK;
}

static void test_judge__ends_lists_where_nothing_is_left(void **state) {
    (void)state;
    struct histories asked = histories_of("0 1 3", NULL);
    struct behave_sequences view = histories_view(&asked);
    static const int32_t targets[] = {2};
    int32_t rank, list[K];
    kai_err err = {0};
    struct judge_request request = {.asked = &view,
                                    .targets = targets,
                                    .item_count = 4,
                                    .list_length = K,
                                    .is_seen_excluded = 1,
                                    .stage = "test"};
    CHECK_OK(judge_rank(&request, score_four, NULL, NULL, NULL, &rank, list, &err), &err);
    assert_int_equal(rank, 1);
    assert_int_equal(list[0], 2);
    for (int i = 1; i < K; i++) assert_int_equal(list[i], -1);
    histories_release(&asked);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_judge__ranks_over_the_whole_catalogue),
        cmocka_unit_test(test_judge__ends_lists_where_nothing_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
