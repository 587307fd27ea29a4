#include "behave/yardstick.h"

#include "behave/ials.h"
#include "behave/item_knn.h"
#include "histories_kit.h"
#include "kernel/cholesky.h"

static struct yardstick *fit(enum yardstick_kind kind, const struct yardstick_options *options,
                            const struct histories *train, int32_t items, int32_t threads) {
    struct behave_sequences view = histories_view(train);
    struct yardstick *yardstick = NULL;
    struct pool *pool = NULL;
    kai_err err = {0};
    CHECK_OK(pool_new(threads, &pool, &err), &err);
    CHECK_OK(yardstick_fit(kind, options, 7, &view, items, pool, NULL, &yardstick, &err), &err);
    pool_free(pool);
    return yardstick;
}

static void score(const struct yardstick *yardstick, const struct histories *asked,
                  const int64_t *times, int64_t first, int64_t count, float *ret_scores) {
    struct behave_sequences view = histories_view(asked);
    kai_err err = {0};
    CHECK_OK(yardstick_score(yardstick, &view, times, first, count, ret_scores, &err), &err);
}

static void test_yardstick__popular_counts_events(void **state) {
    (void)state;
    struct histories train = histories_of("0 1 1|2 1||3 1 0", NULL);
    struct yardstick *popular = fit(YARDSTICK_POPULAR, NULL, &train, 5, 1);
    float scores[10];
    score(popular, &train, NULL, 1, 2, scores);
    static const float expected[] = {2, 4, 1, 1, 0};
    for (int i = 0; i < 10; i++) CHECK_NEAR((double)scores[i], (double)expected[i % 5], 0);
    yardstick_free(popular);
    histories_release(&train);
}

/* Counts of [t - window, t), whatever the order in which the questions come. */
static void test_yardstick__recent_popular_counts_the_week_before(void **state) {
    (void)state;
    enum { EVENTS = 400, ITEMS = 6, QUESTIONS = 60, WINDOW = 50 };
    struct histories train, asked = histories_drawn(QUESTIONS, ITEMS, 3, 5);
    kai_err err = {0};
    struct rng rng;
    rng_init(&rng, 1, "test.recent", 0);
    CHECK_OK(histories_init(&train, EVENTS, EVENTS, 1, &err), &err);
    for (int i = 0; i < EVENTS; i++) {
        train.items[i] = (int32_t)rng_below(&rng, ITEMS);
        train.times[i] = i % 20 == 0 ? BEHAVE_TIME_UNKNOWN : (int64_t)rng_below(&rng, 1000);
        train.offsets[i + 1] = i + 1;
    }
    int64_t times[QUESTIONS];
    for (int q = 0; q < QUESTIONS; q++) times[q] = (int64_t)rng_below(&rng, 1100) - 50;
    times[3] = BEHAVE_TIME_UNKNOWN;
    float scores[QUESTIONS * ITEMS];
    struct yardstick *recent = fit(
        YARDSTICK_RECENT, &(struct yardstick_options){.window_s = WINDOW}, &train, ITEMS, 1);
    score(recent, &asked, times, 0, QUESTIONS, scores);
    for (int q = 0; q < QUESTIONS; q++) {
        int counts[ITEMS] = {0}, all[ITEMS] = {0}, in_window = 0;
        for (int i = 0; i < EVENTS; i++) {
            int is_in = train.times[i] != BEHAVE_TIME_UNKNOWN && train.times[i] < times[q] &&
                        train.times[i] >= times[q] - WINDOW && q != 3;
            counts[train.items[i]] += is_in;
            all[train.items[i]]++;
            in_window += is_in;
        }
        for (int i = 0; i < ITEMS; i++)
            CHECK_NEAR((double)scores[q * ITEMS + i], in_window ? counts[i] : all[i], 0);
    }
    yardstick_free(recent);
    histories_release(&train);
    histories_release(&asked);
}

static void test_yardstick__recent_popular_counts_last_events_without_times(void **state) {
    (void)state;
    struct histories train = histories_of("0 0 0 1 2|3|1 1 1", NULL);
    struct yardstick *recent =
        fit(YARDSTICK_RECENT, &(struct yardstick_options){.window_last = 2}, &train, 4, 1);
    float scores[4];
    score(recent, &train, NULL, 0, 1, scores);
    static const float expected[] = {0, 3, 1, 1};
    for (int i = 0; i < 4; i++) CHECK_NEAR((double)scores[i], (double)expected[i], 0);
    yardstick_free(recent);
    histories_release(&train);
}

/* The definition, written as loops over all pairs of events. */
static double similarity(const struct histories *train, int32_t a, int32_t b) {
    double sum = 0, of_a = 0, of_b = 0;
    for (int64_t h = 0; h < train->count; h++) {
        double nearest = 0;
        int has_a = 0, has_b = 0;
        for (int64_t e = train->offsets[h]; e < train->offsets[h + 1]; e++) {
            has_a |= train->items[e] == a;
            has_b |= train->items[e] == b;
            for (int64_t f = train->offsets[h]; f < train->offsets[h + 1]; f++)
                if (e != f && train->items[e] == a && train->items[f] == b &&
                    llabs(e - f) <= KNN_REACH)
                    nearest = fmax(nearest, 1.0 / (double)llabs(e - f));
        }
        sum += nearest;
        of_a += has_a;
        of_b += has_b;
    }
    return sum > 0 ? sum / sqrt(of_a * of_b) : 0;
}

static void test_item_knn__equals_its_definition(void **state) {
    (void)state;
    enum { ITEMS = 300 };
    struct histories train = histories_drawn(150, ITEMS, 120, 3);
    struct histories asked = histories_of("5 6 5 9|| 17", NULL);
    float scores[3 * ITEMS], again[3 * ITEMS];
    struct yardstick_options options = {.neighbours = ITEMS, .decay = 0.5};
    for (int32_t threads = 1; threads <= 3; threads += 2) {
        struct yardstick *knn = fit(YARDSTICK_KNN, &options, &train, ITEMS, threads);
        score(knn, &asked, NULL, 0, 3, threads == 1 ? scores : again);
        yardstick_free(knn);
    }
    assert_memory_equal(scores, again, sizeof scores);
    for (int32_t i = 0; i < ITEMS; i++) {
        double expected = similarity(&train, 9, i) + 0.5 * similarity(&train, 5, i) +
                          0.25 * similarity(&train, 6, i);
        CHECK_NEAR((double)scores[i], expected, 1e-5);
        CHECK_NEAR((double)scores[ITEMS + i], 0, 0);
        CHECK_NEAR((double)scores[2 * ITEMS + i], similarity(&train, 17, i), 1e-5);
    }
    histories_release(&train);
    histories_release(&asked);
}

static void test_item_knn__keeps_the_best_neighbours(void **state) {
    (void)state;
    struct histories train = histories_of("0 1|0 1|0 2|1 0|3 2", NULL);
    struct yardstick *knn =
        fit(YARDSTICK_KNN, &(struct yardstick_options){.neighbours = 1}, &train, 4, 1);
    struct histories asked = histories_of("0", NULL);
    float scores[4];
    score(knn, &asked, NULL, 0, 1, scores);
    assert_true(scores[1] > 0);
    CHECK_NEAR((double)scores[2], 0, 0);
    yardstick_free(knn);
    histories_release(&train);
    histories_release(&asked);
}

/* The gradient of the whole objective by one customer's vector, all cells written out in double,
 * vanishes at the solution; and the items' vectors do not get better by a step of any of theirs. */
static void test_ials__solves_each_customer_exactly(void **state) {
    (void)state;
    enum { ITEMS = 40, FACTORS = 6 };
    const double a = 0.2, l = 0.03;
    struct histories train = histories_drawn(60, ITEMS, 12, 9);
    struct behave_sequences view = histories_view(&train);
    struct ials ials;
    kai_err err = {0};
    struct yardstick_options options = {
        .factors = FACTORS, .epochs = 5, .unobserved = a, .regularise = l};
    CHECK_OK(ials_init(&ials, &options, 7, &view, ITEMS, NULL, NULL, &err), &err);
    float scores[ITEMS];
    for (int64_t h = 0; h < 10; h++) {
        CHECK_OK(ials_score(&ials, &view, h, 1, scores, &err), &err);
        /* a dense solve: (Y'CY + r I) x = Y'C p with C and p written out */
        double normal[FACTORS * FACTORS] = {0}, x[FACTORS] = {0}, n = 0;
        for (int32_t i = 0; i < ITEMS; i++) {
            int is_observed = 0;
            for (int64_t e = train.offsets[h]; e < train.offsets[h + 1]; e++)
                is_observed |= train.items[e] == i;
            n += is_observed;
            for (int f = 0; f < FACTORS; f++) {
                double y = (double)ials.items[i * FACTORS + f];
                x[f] += is_observed * y;
                for (int g = 0; g < FACTORS; g++)
                    normal[f * FACTORS + g] +=
                        (is_observed + a) * y * (double)ials.items[i * FACTORS + g];
            }
        }
        for (int f = 0; f < FACTORS; f++) normal[f * FACTORS + f] += l * (n + a * ITEMS);
        assert_int_equal(cholesky_factor_f64(FACTORS, normal, 0), FACTORS);
        cholesky_solve_f64(FACTORS, normal, x);
        for (int32_t i = 0; i < ITEMS; i++) {
            double expected = 0;
            for (int f = 0; f < FACTORS; f++)
                expected += x[f] * (double)ials.items[i * FACTORS + f];
            CHECK_NEAR((double)scores[i], expected, 1e-5);
        }
    }
    ials_release(&ials);
    histories_release(&train);
}

static double objective(const struct histories *train, const double *x, const double *y, int items,
                        int d, double a, double l) {
    double sum = 0;
    for (int64_t u = 0; u < train->count; u++) {
        int n = 0;
        for (int i = 0; i < items; i++) {
            int is_observed = 0;
            double s = 0;
            for (int64_t e = train->offsets[u]; e < train->offsets[u + 1]; e++)
                is_observed |= train->items[e] == i;
            for (int f = 0; f < d; f++) s += x[u * d + f] * y[i * d + f];
            sum += is_observed * (1 - s) * (1 - s) + a * s * s;
            n += is_observed;
        }
        for (int f = 0; f < d; f++) sum += l * (n + a * items) * x[u * d + f] * x[u * d + f];
    }
    for (int i = 0; i < items; i++) {
        int n = 0;
        for (int64_t u = 0; u < train->count; u++) {
            int is_observed = 0;
            for (int64_t e = train->offsets[u]; e < train->offsets[u + 1]; e++)
                is_observed |= train->items[e] == i;
            n += is_observed;
        }
        for (int f = 0; f < d; f++)
            sum += l * (n + a * (double)train->count) * y[i * d + f] * y[i * d + f];
    }
    return sum;
}

/* Written out with dense matrices, from the same start, epoch by epoch. */
static void test_ials__equals_dense_alternation(void **state) {
    (void)state;
    enum { ITEMS = 12, USERS = 20, D = 3 };
    const double a = 0.1, l = 0.05;
    struct histories train = histories_drawn(USERS, ITEMS, 6, 4);
    struct behave_sequences view = histories_view(&train);
    struct ials start, end;
    kai_err err = {0};
    struct yardstick_options options = {
        .factors = D, .epochs = 0, .unobserved = a, .regularise = l};
    CHECK_OK(ials_init(&start, &options, 7, &view, ITEMS, NULL, NULL, &err), &err);
    options.epochs = 4;
    CHECK_OK(ials_init(&end, &options, 7, &view, ITEMS, NULL, NULL, &err), &err);
    double c[USERS * ITEMS] = {0}, x[USERS * D] = {0}, y[ITEMS * D];
    for (int64_t u = 0; u < USERS; u++)
        for (int64_t e = train.offsets[u]; e < train.offsets[u + 1]; e++)
            c[u * ITEMS + train.items[e]] = 1;
    for (int i = 0; i < ITEMS * D; i++) y[i] = (double)start.items[i];
    double before = INFINITY;
    for (int epoch = 0; epoch < 4; epoch++) {
        for (int half = 0; half < 2; half++) {
            int rows = half ? ITEMS : USERS, columns = half ? USERS : ITEMS;
            double *to = half ? y : x, *from = half ? x : y;
            for (int r = 0; r < rows; r++) {
                double normal[D * D] = {0}, b[D] = {0}, n = 0;
                for (int k = 0; k < columns; k++) {
                    double seen = half ? c[k * ITEMS + r] : c[r * ITEMS + k];
                    n += seen;
                    for (int f = 0; f < D; f++) {
                        b[f] += seen * from[k * D + f];
                        for (int g = 0; g < D; g++)
                            normal[f * D + g] += (seen + a) * from[k * D + f] * from[k * D + g];
                    }
                }
                for (int f = 0; f < D; f++) normal[f * D + f] += l * (n + a * columns);
                assert_int_equal(cholesky_factor_f64(D, normal, 0), D);
                cholesky_solve_f64(D, normal, b);
                memcpy(to + r * D, b, sizeof b);
            }
        }
        double now = objective(&train, x, y, ITEMS, D, a, l);
        assert_true(now < before);
        before = now;
    }
    for (int i = 0; i < ITEMS * D; i++) CHECK_NEAR((double)end.items[i], y[i], 1e-4);
    ials_release(&start);
    ials_release(&end);
    histories_release(&train);
}

static void test_ials__is_the_same_for_any_number_of_threads(void **state) {
    (void)state;
    enum { ITEMS = 90 };
    struct histories train = histories_drawn(400, ITEMS, 30, 2);
    static float scores[2][400 * ITEMS];
    for (int i = 0; i < 2; i++) {
        struct yardstick *ials = fit(YARDSTICK_IALS, NULL, &train, ITEMS, 1 + 2 * i);
        int32_t width = 0;
        assert_non_null(yardstick_vectors(ials, &width));
        assert_int_equal(width, 64);
        score(ials, &train, NULL, 0, 400, scores[i]);
        yardstick_free(ials);
    }
    assert_memory_equal(scores[0], scores[1], sizeof scores[0]);
    histories_release(&train);
}

static void test_yardstick__refuses_what_does_not_fit(void **state) {
    (void)state;
    struct histories train = histories_of("0 1", NULL);
    struct behave_sequences view = histories_view(&train);
    struct yardstick *yardstick = NULL;
    kai_err err = {0};
    CHECK_FAILS(yardstick_fit(YARDSTICK_KNN, &(struct yardstick_options){.neighbours = 10000}, 1,
                             &view, 10000000, NULL, NULL, &yardstick, &err),
                &err, KAI_LIMIT, "item-knn: 10000000 items with 10000 neighbours");
    CHECK_FAILS(yardstick_fit(YARDSTICK_IALS, &(struct yardstick_options){.factors = 512}, 1, &view,
                             10000000, NULL, NULL, &yardstick, &err),
                &err, KAI_LIMIT, "ials: 1 customers and 10000000 items");
    CHECK_FAILS(yardstick_fit(YARDSTICK_IALS, &(struct yardstick_options){.factors = 513}, 1, &view,
                             2, NULL, NULL, &yardstick, &err),
                &err, KAI_INVALID, "out of range");
    histories_release(&train);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_yardstick__popular_counts_events),
        cmocka_unit_test(test_yardstick__recent_popular_counts_the_week_before),
        cmocka_unit_test(test_yardstick__recent_popular_counts_last_events_without_times),
        cmocka_unit_test(test_item_knn__equals_its_definition),
        cmocka_unit_test(test_item_knn__keeps_the_best_neighbours),
        cmocka_unit_test(test_ials__solves_each_customer_exactly),
        cmocka_unit_test(test_ials__equals_dense_alternation),
        cmocka_unit_test(test_ials__is_the_same_for_any_number_of_threads),
        cmocka_unit_test(test_yardstick__refuses_what_does_not_fit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
