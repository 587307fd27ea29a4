#include "evaluate/ranking.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { CUSTOMERS = 500, ITEMS = 30, K = 5 };

static struct ranking_metric metric_of(const char *text) {
    struct ranking_metric metric;
    kai_err err = {0};
    CHECK_OK(ranking_parse(text, &metric, &err), &err);
    return metric;
}

static void test_ranking__names_its_metrics(void **state) {
    (void)state;
    struct ranking_metric metric = metric_of("ndcg@7");
    kai_err err = {0};
    assert_int_equal(metric.kind, RANKING_NDCG);
    assert_int_equal(metric.k, 7);
    assert_string_equal(metric.name, "ndcg@7");
    assert_int_equal(metric_of("coverage").k, 10);
    CHECK_FAILS(ranking_parse("map@10", &metric, &err), &err, KAI_INVALID, "metric 'map@10'");
    CHECK_FAILS(ranking_parse("hr@0", &metric, &err), &err, KAI_INVALID, "length of 1 to 1000");
    CHECK_FAILS(ranking_parse("hr@", &metric, &err), &err, KAI_INVALID, "length of 1 to 1000");
    CHECK_FAILS(ranking_parse("hr@99999999999999999999", &metric, &err), &err, KAI_INVALID, "hr@");
}

/* Four customers by hand: ranks 1, 3, 11 and never. */
static void test_ranking__gives_the_published_formulas(void **state) {
    (void)state;
    static const int32_t ranks[] = {1, 3, 11, 0};
    static const int32_t lists[] = {0, 1, 1, 2, 0, 1, 3, -1};
    static const int64_t popularity[] = {8, 4, 0, 16};
    const struct ranking_metric metrics[] = {metric_of("hr@10"),     metric_of("ndcg@10"),
                                             metric_of("recall@20"), metric_of("mrr@20"),
                                             metric_of("novelty@2"), metric_of("coverage@2"),
                                             metric_of("coverage@1")};
    const struct ranking_model model = {ranks, lists};
    struct ranking_input input = {.customers = 4,
                                  .item_count = 5,
                                  .list_length = 2,
                                  .popularity = popularity,
                                  .training_customers = 16,
                                  .models = &model,
                                  .model_count = 1,
                                  .metrics = metrics,
                                  .metric_count = 7,
                                  .confidence = 0.95,
                                  .seed = 1};
    struct ranking_result result;
    kai_err err = {0};
    CHECK_OK(ranking_judge(&input, NULL, &result, &err), &err);
    CHECK_NEAR(result.estimates[0].value, 0.5, 1e-7);
    CHECK_NEAR(result.estimates[1].value, (1 + 0.5) / 4, 1e-7);
    CHECK_NEAR(result.estimates[2].value, 0.75, 1e-7);
    CHECK_NEAR(result.estimates[3].value, (1 + 1.0 / 3 + 1.0 / 11) / 4, 1e-7);
    /* surprises: 1, 2 | 2, 4 | 1, 2 | 0 */
    CHECK_NEAR(result.estimates[4].value, (1.5 + 3 + 1.5 + 0) / 4, 1e-7);
    CHECK_NEAR(result.estimates[5].value, 0.8, 1e-7);
    CHECK_NEAR(result.estimates[6].value, 0.6, 1e-7);
    assert_string_equal(result.estimates[5].method, "count");
    assert_int_equal(result.estimates[0].n, 4);
    ranking_result_release(&result);
    input.list_length = 1;
    CHECK_FAILS(ranking_judge(&input, NULL, &result, &err), &err, KAI_INVALID,
                "metric 'novelty@2': lists are only 1 long");
}

static void draw_ranks(uint64_t seed, double share, int32_t *ranks) {
    struct rng rng;
    rng_init(&rng, seed, "test.ranking", 0);
    for (int c = 0; c < CUSTOMERS; c++)
        ranks[c] = rng_unit(&rng) < share ? 1 + (int32_t)rng_below(&rng, 10) : 100;
}

/* The bootstrap's interval beside the normal one; equal models differ by nothing; one thread and
 * three say the same. */
static void test_ranking__intervals_agree_with_the_normal_ones(void **state) {
    (void)state;
    int32_t a[CUSTOMERS], b[CUSTOMERS], lists[CUSTOMERS * K];
    draw_ranks(1, 0.3, a);
    draw_ranks(1, 0.3, b);
    for (int c = 0; c < CUSTOMERS; c += 10) b[c] = 1;
    for (int i = 0; i < CUSTOMERS * K; i++) lists[i] = i % ITEMS;
    int64_t popularity[ITEMS] = {0};
    const struct ranking_model models[] = {{a, lists}, {b, lists}, {a, lists}};
    const struct ranking_metric metrics[] = {metric_of("ndcg@10"), metric_of("hr@10")};
    struct ranking_input input = {.customers = CUSTOMERS,
                                  .item_count = ITEMS,
                                  .list_length = K,
                                  .popularity = popularity,
                                  .training_customers = 10,
                                  .models = models,
                                  .model_count = 3,
                                  .metrics = metrics,
                                  .metric_count = 2,
                                  .confidence = 0.95,
                                  .seed = 3};
    struct ranking_result result, again;
    struct pool *pool = NULL;
    kai_err err = {0};
    CHECK_OK(pool_new(3, &pool, &err), &err);
    CHECK_OK(ranking_judge(&input, NULL, &result, &err), &err);
    CHECK_OK(ranking_judge(&input, pool, &again, &err), &err);
    pool_free(pool);
    assert_memory_equal(result.replicates, again.replicates,
                        RANKING_REPLICATES * 6 * sizeof *result.replicates);
    assert_int_equal(result.best, 1);
    struct estimate hr = result.estimates[1];
    double error = sqrt(hr.value * (1 - hr.value) / CUSTOMERS);
    CHECK_NEAR(hr.low, hr.value - 1.96 * error, 0.15 * error * 2);
    CHECK_NEAR(hr.high, hr.value + 1.96 * error, 0.15 * error * 2);
    struct estimate none = ranking_difference(&result, &metrics[0], 0, 0, 2);
    CHECK_NEAR(none.low, 0, 0);
    CHECK_NEAR(none.high, 0, 0);
    struct estimate better = ranking_difference(&result, &metrics[0], 0, 1, 0);
    assert_true(better.low > 0 && better.value > better.low && better.high > better.value);
    /* paired: far narrower than what two separate intervals would give */
    struct estimate a_ndcg = result.estimates[0], b_ndcg = result.estimates[2];
    double apart = hypot(a_ndcg.high - a_ndcg.low, b_ndcg.high - b_ndcg.low);
    assert_true(better.high - better.low < 0.8 * apart);
    ranking_result_release(&result);
    ranking_result_release(&again);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranking__names_its_metrics),
        cmocka_unit_test(test_ranking__gives_the_published_formulas),
        cmocka_unit_test(test_ranking__intervals_agree_with_the_normal_ones),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
