#include "behave/behave.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/rng.h"
#include "kit/check.h"

enum { CUSTOMERS = 60, EVENTS = 14, ITEMS = 12, K = 5 };

/* Each customer walks through the catalogue by a step of 1 or 5 of their own. */
struct world {
    int64_t offsets[CUSTOMERS + 1];
    int32_t items[CUSTOMERS * EVENTS];
    struct behave_sequences sequences;
};

static void make_world(struct world *w) {
    for (int64_t c = 0; c <= CUSTOMERS; c++) w->offsets[c] = c * EVENTS;
    for (int32_t c = 0; c < CUSTOMERS; c++)
        for (int32_t e = 0; e < EVENTS; e++)
            w->items[c * EVENTS + e] = (c + e * (c % 2 ? 5 : 1)) % ITEMS;
    w->sequences = (struct behave_sequences){CUSTOMERS, w->offsets, w->items, NULL};
}

static const struct behave_options SMALL = {.item_count = ITEMS,
                                            .width = 16,
                                            .blocks = 2,
                                            .heads = 2,
                                            .length = 10,
                                            .batch_sequences = 16,
                                            .epochs = 12,
                                            .learning_rate = 0.01};

static struct behave *fit(const struct behave_options *options, const struct world *w,
                          int32_t threads) {
    struct behave *model = NULL;
    struct pool *pool;
    kai_err err;
    CHECK_OK(pool_new(threads, &pool, &err), &err);
    CHECK_OK(behave_fit(options, 5, &w->sequences, pool, NULL, &model, &err), &err);
    pool_free(pool);
    return model;
}

static void save(const struct behave *model, struct buf *out) {
    kai_err err;
    buf_init(out, 1 << 24);
    CHECK_OK(behave_save(model, out, &err), &err);
}

static void check_equal_models(const struct behave *a, const struct behave *b) {
    struct buf left, right;
    save(a, &left);
    save(b, &right);
    assert_int_equal(left.size, right.size);
    assert_memory_equal(left.data, right.data, left.size);
    buf_release(&left);
    buf_release(&right);
}

static void test_behave_fit__learns_how_each_customer_walks(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave_options options = SMALL;
    options.epochs = 60;
    struct behave *model = fit(&options, &w, 2);
    int right = 0;
    int32_t best[CUSTOMERS];
    struct behave_request request = {.count = CUSTOMERS, .k = 1};
    kai_err err;
    CHECK_OK(behave_recommend(model, &w.sequences, &request, NULL, best, NULL, &err), &err);
    for (int32_t c = 0; c < CUSTOMERS; c++)
        right += best[c] == (c + EVENTS * (c % 2 ? 5 : 1)) % ITEMS;
    assert_true(right >= CUSTOMERS * 9 / 10);
    behave_free(model);
}

static void test_behave_fit__gives_the_same_bytes_for_any_threads(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave *one = fit(&SMALL, &w, 1), *two = fit(&SMALL, &w, 2), *five = fit(&SMALL, &w, 5);
    check_equal_models(one, two);
    check_equal_models(one, five);
    behave_free(one);
    behave_free(two);
    behave_free(five);
}

static int stop_late(void *user, const char *stage, int64_t done, int64_t total) {
    (void)stage;
    (void)total;
    int *calls = user;
    return done > 0 && ++*calls == 17;
}

static void test_behave_fit__goes_on_to_the_same_bytes(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave *whole = fit(&SMALL, &w, 2), *model = NULL;
    struct behave_options options = SMALL;
    char path[512];
    (void)snprintf(path, sizeof path, "%s", check_temp_path("checkpoint"));
    options.checkpoint = path;
    int calls = 0;
    struct progress progress = {stop_late, &calls};
    struct behave_watch watch = {.progress = &progress};
    kai_err err;
    CHECK_FAILS(behave_fit(&options, 5, &w.sequences, NULL, &watch, &model, &err), &err,
                KAI_CANCELLED, NULL);
    assert_null(model);
    assert_true(file_exists(path));
    struct behave *resumed = fit(&options, &w, 3);
    check_equal_models(whole, resumed);
    struct behave *again = fit(&options, &w, 1); /* nothing is left to do */
    check_equal_models(whole, again);
    CHECK_FAILS(behave_fit(&options, 6, &w.sequences, NULL, NULL, &model, &err), &err, KAI_STATE,
                "another seed");
    assert_int_equal(remove(path), 0);
    behave_free(again);
    behave_free(resumed);
    behave_free(whole);
}

static void count_epochs(void *user, const struct behave_epoch *epoch) {
    int *epochs = user;
    assert_int_equal(epoch->epoch, *epochs + 1);
    assert_true(epoch->loss > 0 && epoch->ndcg >= 0 && epoch->ndcg <= 1);
    ++*epochs;
}

static void test_behave_fit__stops_where_validation_stops_growing(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave_options options = SMALL;
    options.epochs = 300;
    options.patience = 4;
    int epochs = 0;
    struct behave_watch watch = {NULL, count_epochs, &epochs};
    struct behave *model;
    kai_err err;
    CHECK_OK(behave_fit(&options, 5, &w.sequences, NULL, &watch, &model, &err), &err);
    assert_in_range(epochs, 5, 299);
    behave_free(model);
}

static void test_behave_fit__keeps_to_its_budget_of_events(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave_options options = SMALL;
    options.tokens = 2000;
    options.validation_customers = -1;
    struct behave *model = fit(&options, &w, 1);
    struct buf text;
    struct json_writer json;
    kai_err err;
    buf_init(&text, 1 << 16);
    json_init(&json, &text, 0);
    json_object(&json);
    behave_describe(model, &json);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *value;
    CHECK_OK(json_parse(text.data, text.size, &value, &err), &err);
    double events = json_as_f64(json_get(value, "events"), -1);
    assert_true(events >= 2000 && events < 2000 + 16 * 10);
    assert_int_equal((int)json_as_f64(json_get(value, "items"), -1), ITEMS);
    json_free(value);
    buf_release(&text);
    behave_free(model);
}

static void test_behave_fit__loads_what_it_saved(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave *model = fit(&SMALL, &w, 1), *loaded;
    struct buf bytes;
    kai_err err;
    save(model, &bytes);
    CHECK_OK(behave_load("m", bytes.data, bytes.size, &loaded, &err), &err);
    check_equal_models(model, loaded);
    float scores[2][CUSTOMERS * ITEMS];
    const struct behave *models[2] = {model, loaded};
    for (int i = 0; i < 2; i++)
        CHECK_OK(behave_score(models[i], &w.sequences, NULL, 0, CUSTOMERS, NULL, scores[i], &err),
                 &err);
    assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
    struct behave *none = NULL;
    for (size_t cut = 0; cut < bytes.size; cut += 97)
        CHECK_FAILS(behave_load("m", bytes.data, cut, &none, &err), &err, KAI_CORRUPT, "m");
    bytes.data[bytes.size / 2] ^= 1;
    CHECK_FAILS(behave_load("m", bytes.data, bytes.size, &none, &err), &err, KAI_CORRUPT, "m");
    assert_null(none);
    buf_release(&bytes);
    behave_free(loaded);
    behave_free(model);
}

static void test_behave_fit__scores_a_history_alone_as_in_a_batch(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave *model = fit(&SMALL, &w, 1);
    float all[CUSTOMERS * ITEMS], one[ITEMS];
    kai_err err;
    CHECK_OK(behave_score(model, &w.sequences, NULL, 0, CUSTOMERS, NULL, all, &err), &err);
    for (int64_t c = 0; c < CUSTOMERS; c += 13) {
        CHECK_OK(behave_score(model, &w.sequences, NULL, c, 1, NULL, one, &err), &err);
        assert_memory_equal(one, all + c * ITEMS, sizeof one);
    }
    /* a kept vector recommends what its history did */
    float vectors[CUSTOMERS * 16];
    int32_t by_history[CUSTOMERS * K], by_vector[CUSTOMERS * K];
    struct behave_request both = {.count = CUSTOMERS, .k = K};
    CHECK_OK(behave_recommend(model, &w.sequences, &both, NULL, by_history, NULL, &err), &err);
    CHECK_OK(behave_embed(model, &w.sequences, NULL, 0, CUSTOMERS, NULL, vectors, &err), &err);
    both.vectors = vectors;
    CHECK_OK(behave_recommend(model, &w.sequences, &both, NULL, by_vector, NULL, &err), &err);
    assert_memory_equal(by_history, by_vector, sizeof by_vector);
    /* the best of the scores that are left is what is recommended, ties by the lower item */
    int32_t best[CUSTOMERS * K];
    unsigned char is_excluded[ITEMS] = {[3] = 1};
    struct behave_request request = {
        .first = 1, .count = 2, .k = K, .is_seen_excluded = 0, .is_excluded = is_excluded};
    CHECK_OK(behave_recommend(model, &w.sequences, &request, NULL, best, NULL, &err), &err);
    for (int64_t c = 0; c < 2; c++)
        for (int k = 0; k < K; k++) {
            const float *scores = all + (c + 1) * ITEMS;
            int32_t item = best[c * K + k];
            assert_int_not_equal(item, 3);
            int before = 0;
            for (int32_t i = 0; i < ITEMS; i++)
                before +=
                    i != 3 && (scores[i] > scores[item] || (scores[i] >= scores[item] && i < item));
            assert_int_equal(before, k);
        }
    behave_free(model);
}

static void test_behave_fit__answers_an_empty_history_and_an_exhausted_catalogue(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave *model = fit(&SMALL, &w, 1);
    int64_t offsets[] = {0, 0, ITEMS};
    int32_t items[ITEMS], best[2 * K];
    float scores[2 * K], vectors[2 * 16];
    for (int32_t i = 0; i < ITEMS; i++) items[i] = i;
    items[1] = 0; /* item 1 is new to the second customer */
    struct behave_sequences histories = {2, offsets, items, NULL};
    struct behave_request request = {.count = 2, .k = K, .is_seen_excluded = 1};
    kai_err err;
    CHECK_OK(behave_recommend(model, &histories, &request, NULL, best, scores, &err), &err);
    for (int k = 0; k < K; k++) assert_in_range(best[k], 0, ITEMS - 1);
    for (int k = 1; k < K; k++) assert_true(scores[k] <= scores[k - 1]);
    assert_int_equal(best[K], 1);
    for (int k = 1; k < K; k++) assert_int_equal(best[K + k], -1);
    CHECK_OK(behave_embed(model, &histories, NULL, 0, 2, NULL, vectors, &err), &err);
    double length[2] = {0, 0};
    for (int i = 0; i < 32; i++) length[i / 16] += (double)vectors[i] * (double)vectors[i];
    CHECK_NEAR(length[0], 0, 0);
    CHECK_NEAR(length[1], 1, 1e-4);
    behave_free(model);
}

/* The next item is told by how long the customer waited: a minute or a day. */
static void test_behave_fit__learns_from_the_time_of_the_request(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    int64_t times[CUSTOMERS * EVENTS], asked[CUSTOMERS];
    struct rng rng;
    rng_init(&rng, 8, "test.waits", 0);
    for (int64_t c = 0; c < CUSTOMERS; c++)
        for (int64_t e = 0; e < EVENTS; e++) {
            int is_long = (int)rng_below(&rng, 2);
            int64_t at = c * EVENTS + e;
            times[at] = e ? times[at - 1] + (is_long ? 86400 : 60) : 1000000;
            w.items[at] = is_long ? 1 : 0;
        }
    w.sequences.times = times;
    struct behave_options options = SMALL;
    options.epochs = 30;
    struct behave *model = fit(&options, &w, 2);
    struct behave_request request = {.count = CUSTOMERS, .k = 1, .request_times = asked};
    for (int wait = 0; wait < 2; wait++) {
        int32_t best[CUSTOMERS], right = 0;
        kai_err err;
        for (int64_t c = 0; c < CUSTOMERS; c++)
            asked[c] = times[(c + 1) * EVENTS - 1] + (wait ? 86400 : 60);
        CHECK_OK(behave_recommend(model, &w.sequences, &request, NULL, best, NULL, &err), &err);
        for (int64_t c = 0; c < CUSTOMERS; c++) right += best[c] == wait;
        assert_true(right >= CUSTOMERS * 9 / 10);
    }
    behave_free(model);
}

static void test_behave_fit__learns_a_catalogue_of_one(void **unused) {
    (void)unused;
    int64_t offsets[] = {0, 4, 5};
    int32_t items[5] = {0}, best[1];
    struct behave_sequences sequences = {2, offsets, items, NULL};
    struct behave_options options = SMALL;
    struct behave *model;
    kai_err err;
    options.item_count = 1;
    options.epochs = 2;
    CHECK_OK(behave_fit(&options, 1, &sequences, NULL, NULL, &model, &err), &err);
    struct behave_request request = {.count = 1, .k = 1};
    CHECK_OK(behave_recommend(model, &sequences, &request, NULL, best, NULL, &err), &err);
    assert_int_equal(best[0], 0);
    behave_free(model);
}

static void refuse(const struct behave_options *options, const struct behave_sequences *sequences,
                   kai_status expected, const char *part) {
    struct behave *model = NULL;
    kai_err err;
    CHECK_FAILS(behave_fit(options, 1, sequences, NULL, NULL, &model, &err), &err, expected, part);
    assert_null(model);
}

static void test_behave_fit__says_what_is_wrong(void **unused) {
    (void)unused;
    int64_t offsets[] = {0, 1, 2}, times[] = {5, 5, 4};
    int32_t items[] = {0, 1, 2};
    struct behave_sequences singles = {2, offsets, items, NULL};
    refuse(&SMALL, &singles, KAI_INVALID, "no sequence has two events");
    int64_t whole[] = {0, 3};
    struct behave_sequences one = {1, whole, items, NULL};
    items[2] = ITEMS;
    refuse(&SMALL, &one, KAI_INVALID, "item 12 is not in a catalogue of 12");
    items[2] = 2;
    one.times = times;
    refuse(&SMALL, &one, KAI_INVALID, "is before the one before it");
    one.times = NULL;
    struct behave_options options = SMALL;
    options.width = 20;
    refuse(&options, &one, KAI_INVALID, "'width' is 20");
    options = SMALL;
    options.heads = 3;
    refuse(&options, &one, KAI_INVALID, "'heads'");
    options = SMALL;
    options.item_count = 10000000;
    refuse(&options, &one, KAI_LIMIT, "10000000 items");
    options = SMALL;
    options.dropout = NAN;
    refuse(&options, &one, KAI_INVALID, "'dropout'");
}

static void test_behave_fit__survives_failing_allocations(void **unused) {
    (void)unused;
    struct world w;
    make_world(&w);
    struct behave_options options = SMALL;
    options.epochs = 1;
    int is_done = 0;
    for (int64_t nth = 1; !is_done && nth < 2000; nth += nth < 60 ? 1 : 1 + nth / 4) {
        struct behave *model = NULL;
        kai_err err;
        check_alloc_fail(nth, 0);
        kai_status st = behave_fit(&options, 5, &w.sequences, NULL, NULL, &model, &err);
        behave_free(model);
        int64_t live = check_alloc_live();
        check_alloc_reset();
        assert_int_equal(live, 0);
        is_done = st == KAI_OK;
        if (!is_done) assert_int_equal(st, KAI_NO_MEMORY);
    }
    assert_true(is_done);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behave_fit__learns_how_each_customer_walks),
        cmocka_unit_test(test_behave_fit__gives_the_same_bytes_for_any_threads),
        cmocka_unit_test(test_behave_fit__goes_on_to_the_same_bytes),
        cmocka_unit_test(test_behave_fit__stops_where_validation_stops_growing),
        cmocka_unit_test(test_behave_fit__keeps_to_its_budget_of_events),
        cmocka_unit_test(test_behave_fit__loads_what_it_saved),
        cmocka_unit_test(test_behave_fit__scores_a_history_alone_as_in_a_batch),
        cmocka_unit_test(test_behave_fit__answers_an_empty_history_and_an_exhausted_catalogue),
        cmocka_unit_test(test_behave_fit__learns_from_the_time_of_the_request),
        cmocka_unit_test(test_behave_fit__learns_a_catalogue_of_one),
        cmocka_unit_test(test_behave_fit__says_what_is_wrong),
        cmocka_unit_test(test_behave_fit__survives_failing_allocations),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
