#include "prepare/cluster.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { CUSTOMERS = 900, GROUPS = 3, POINTS = 8 };

/* Three kinds of customers that differ by several standard deviations. */
static struct customer *draw_customers(void) {
    struct customer *customers = mem_zero(CUSTOMERS, sizeof *customers);
    assert_non_null(customers);
    for (int i = 0; i < CUSTOMERS; i++) {
        struct rng rng;
        int group = i % GROUPS;
        rng_init(&rng, 5, "customers", (uint64_t)i);
        double *n = customers[i].numbers;
        n[CUSTOMER_RECENCY] = exp(1 + 2 * (group == 2) + 0.2 * rng_normal(&rng));
        n[CUSTOMER_FREQUENCY] = exp(1 + 1.5 * (group == 0) + 0.2 * rng_normal(&rng));
        n[CUSTOMER_MONETARY] = exp(3 + 2 * (group == 0) + 0.2 * rng_normal(&rng));
        n[CUSTOMER_WEEKEND] = 0.2 + 0.6 * (group == 1) + 0.05 * rng_normal(&rng);
        n[CUSTOMER_ORDER_GAP] = i % 7 ? 20 + rng_normal(&rng) : NAN;
    }
    return customers;
}

static void test_cluster__finds_the_groups_and_says_what_they_are(void **state) {
    (void)state;
    const struct cluster_options options = {.k_max = 8, .seed = 42};
    struct customer *customers = draw_customers();
    struct cluster cluster, again;
    struct buf words;
    kai_err err = {0};
    buf_init(&words, 1 << 16);
    CHECK_OK(cluster_fit(customers, CUSTOMERS, &options, NULL, &cluster, &err), &err);
    assert_int_equal(cluster.k, GROUPS);
    assert_true(cluster.silhouette > 0.4);
    int64_t wrong = 0;
    for (int i = 0; i < CUSTOMERS; i++) {
        wrong += cluster.member[i] != cluster.member[i % GROUPS];
        assert_int_equal(cluster_assign(&cluster, &customers[i]), cluster.member[i]);
    }
    assert_true(wrong < CUSTOMERS / 50);
    assert_true(cluster.member[0] != cluster.member[1] && cluster.member[1] != cluster.member[2]);
    CHECK_OK(cluster_describe(&cluster, cluster.member[0], &words, &err), &err);
    assert_non_null(strstr(words.data, "orders often (+"));
    assert_non_null(strstr(words.data, "spends much (+"));
    buf_reset(&words);
    CHECK_OK(cluster_describe(&cluster, cluster.member[1], &words, &err), &err);
    assert_non_null(strstr(words.data, "comes on weekends (+"));
    CHECK_OK(cluster_fit(customers, CUSTOMERS, &options, NULL, &again, &err), &err);
    assert_memory_equal(cluster.centres, again.centres, sizeof cluster.centres);
    assert_memory_equal(cluster.member, again.member, CUSTOMERS * sizeof *again.member);
    cluster_release(&cluster);
    cluster_release(&again);
    buf_release(&words);
    mem_free(customers);
}

/* The best of all partitions of a few points into two, by brute force. */
static double best_inertia(const double *points) {
    double best = INFINITY;
    for (int mask = 1; mask < (1 << POINTS) - 1; mask++) {
        double sums[2][2] = {{0}}, sizes[2] = {0}, inertia = 0;
        for (int i = 0; i < POINTS; i++) {
            int c = mask >> i & 1;
            sizes[c]++;
            for (int d = 0; d < 2; d++) sums[c][d] += points[2 * i + d];
        }
        for (int i = 0; i < POINTS; i++) {
            int c = mask >> i & 1;
            for (int d = 0; d < 2; d++)
                inertia += pow(points[2 * i + d] - sums[c][d] / sizes[c], 2);
        }
        best = fmin(best, inertia);
    }
    return best;
}

/* Lloyd's rounds end in a local optimum: never below the best, and mostly at it. */
static void test_cluster_kmeans__mostly_reaches_the_best_partition(void **state) {
    (void)state;
    int reached = 0;
    for (uint64_t seed = 0; seed < 50; seed++) {
        double points[2 * POINTS], centres[4], scratch[POINTS], inertia = INFINITY;
        int32_t members[POINTS];
        struct rng rng;
        rng_init(&rng, seed, "points", 0);
        for (int i = 0; i < 2 * POINTS; i++) points[i] = rng_normal(&rng);
        for (int32_t start = 0; start < 40; start++)
            inertia = fmin(inertia, cluster_kmeans(points, POINTS, 2, 2, seed, start, centres,
                                                   members, scratch));
        double best = best_inertia(points);
        assert_true(inertia > best - 1e-9 && inertia < 1.2 * best);
        reached += inertia < best + 1e-9;
    }
    assert_true(reached >= 45);
}

static void test_cluster_silhouette__is_as_published(void **state) {
    (void)state;
    /* 0, 1 | 5, 6, 7: a(0)=1, b(0)=6 -> 5/6; a(1)=1, b(1)=5 -> 4/5; a(5)=1.5, b=4.5 -> 2/3;
     * a(6)=1, b=5.5 -> 9/11; a(7)=1.5, b=6.5 -> 10/13 */
    const double points[] = {0, 1, 5, 6, 7};
    const int32_t members[] = {0, 0, 1, 1, 1};
    double expected = (5. / 6 + 4. / 5 + 2. / 3 + 9. / 11 + 10. / 13) / 5;
    CHECK_NEAR(cluster_silhouette(points, 5, 1, 2, members), expected, 1e-12);
}

static void test_cluster__refuses_what_has_no_clusters(void **state) {
    (void)state;
    const struct cluster_options options = {.k_max = 4, .seed = 1}, wide = {.k = 40};
    struct customer customers[10];
    struct cluster cluster;
    kai_err err = {0};
    memset(customers, 0, sizeof customers);
    CHECK_FAILS(cluster_fit(customers, 10, &options, NULL, &cluster, &err), &err, KAI_INVALID,
                "all alike");
    CHECK_FAILS(cluster_fit(customers, 2, &options, NULL, &cluster, &err), &err, KAI_INVALID,
                "too few");
    CHECK_FAILS(cluster_fit(customers, 10, &wide, NULL, &cluster, &err), &err, KAI_INVALID,
                "2 to 16");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cluster__finds_the_groups_and_says_what_they_are),
        cmocka_unit_test(test_cluster_kmeans__mostly_reaches_the_best_partition),
        cmocka_unit_test(test_cluster_silhouette__is_as_published),
        cmocka_unit_test(test_cluster__refuses_what_has_no_clusters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
