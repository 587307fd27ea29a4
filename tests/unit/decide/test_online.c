#include "decide/online.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { FIELDS = 6, LEVELS = 20, ROWS = 30000 };

/* A stream of categorical rows whose true logit is a sum of effects and one interaction. */
struct stream {
    double effect[FIELDS][LEVELS];
};

static void stream_init(struct stream *stream) {
    struct rng rng;
    rng_init(&rng, 1, "stream", 0);
    for (int f = 0; f < FIELDS; f++)
        for (int l = 0; l < LEVELS; l++) stream->effect[f][l] = 0.6 * rng_normal(&rng);
}

static double stream_row(const struct stream *stream, int64_t i, uint32_t ret_feature[FIELDS],
                         double *ret_chance) {
    struct rng rng;
    rng_init(&rng, 2, "row", (uint64_t)i);
    double logit = -1.5;
    uint32_t level[FIELDS];
    for (uint32_t f = 0; f < FIELDS; f++) {
        level[f] = (uint32_t)rng_below(&rng, LEVELS);
        logit += stream->effect[f][level[f]];
        ret_feature[f] = online_hash(f, &level[f], sizeof level[f]);
    }
    logit += level[0] % 2 == level[1] % 2 ? 1 : -1;
    *ret_chance = 1 / (1 + exp(-logit));
    return rng_unit(&rng) < *ret_chance;
}

static struct online *make(struct online_options options) {
    struct online *online = NULL;
    kai_err err = {0};
    CHECK_OK(online_new(&options, &online, &err), &err);
    return online;
}

static double run(struct online *online, int64_t from, int64_t to) {
    struct stream stream;
    stream_init(&stream);
    kai_err err = {0};
    double loss = 0;
    for (int64_t i = from; i < to; i++) {
        uint32_t feature[FIELDS];
        double chance = 0, p = 0, label = stream_row(&stream, i, feature, &chance);
        struct online_row row = {.feature = feature, .count = FIELDS};
        assert_true(online_predict(online, &row) > 0);
        CHECK_OK(online_update(online, &row, label, 1, &p, &err), &err);
        loss -= label > 0 ? log(p) : log1p(-p);
    }
    return loss / (double)(to - from);
}

/* Algorithm 1 of the paper in double, with a weight for each level of each field: no hashing. */
static void test_online__equals_the_papers_algorithm(void **state) {
    (void)state;
    struct online_options options;
    online_options_init(&options);
    options.bits = 24;
    options.l1 = 0.5;
    options.l2 = 0.3;
    struct online *online = make(options);
    struct stream stream;
    stream_init(&stream);
    uint32_t seen[200] = {0};
    double z[200] = {0}, n[200] = {0};
    kai_err err = {0};
    int32_t known = 0;
    for (int64_t i = 0; i < 3000; i++) {
        uint32_t feature[FIELDS + 1];
        double chance = 0, p = 0, label = stream_row(&stream, i, feature, &chance), logit = 0;
        int32_t at[FIELDS + 1];
        feature[FIELDS] = 1; /* the constant */
        double w[FIELDS + 1];
        for (int f = 0; f <= FIELDS; f++) {
            for (at[f] = 0; at[f] < known && seen[at[f]] != feature[f];) at[f]++;
            if (at[f] == known) seen[known++] = feature[f];
            double zi = z[at[f]];
            w[f] = fabs(zi) <= options.l1
                       ? 0
                       : -(zi - copysign(options.l1, zi)) /
                             ((options.beta + sqrt(n[at[f]])) / options.rate + options.l2);
            logit += w[f];
        }
        double mine = 1 / (1 + exp(-logit));
        for (int f = 0; f <= FIELDS; f++) {
            double g = mine - label,
                   sigma = (sqrt(n[at[f]] + g * g) - sqrt(n[at[f]])) / options.rate;
            z[at[f]] += g - sigma * w[f];
            n[at[f]] += g * g;
        }
        struct online_row row = {.feature = feature, .count = FIELDS};
        CHECK_OK(online_update(online, &row, label, 1, &p, &err), &err);
        CHECK_NEAR(p, mine, 2e-4); /* float against double */
    }
    online_free(online);
}

static void test_online__learns_effects_and_crosses(void **state) {
    (void)state;
    struct stream stream;
    stream_init(&stream);
    double floor_loss = 0;
    for (int64_t i = ROWS; i < 2 * ROWS; i++) {
        uint32_t feature[FIELDS];
        double p = 0, label = stream_row(&stream, i, feature, &p);
        floor_loss -= (label > 0 ? log(p) : log1p(-p)) / ROWS;
    }
    for (int m = 0; m < ONLINE_METHODS; m++) {
        struct online_options options;
        online_options_init(&options);
        options.method = (enum online_method)m;
        struct online *plain = make(options);
        options.cross_count = 1;
        options.cross[0][1] = 1;
        struct online *crossed = make(options);
        (void)run(plain, 0, ROWS);
        (void)run(crossed, 0, ROWS);
        double without = run(plain, ROWS, 2 * ROWS), with = run(crossed, ROWS, 2 * ROWS);
        assert_true(with < without - 0.02);
        assert_true(with < floor_loss + 0.03);
        struct online_progress progress;
        online_progress(crossed, &progress);
        assert_int_equal(progress.examples, 2 * ROWS);
        CHECK_NEAR(progress.predicted, progress.positive, 0.01);
        online_free(plain);
        online_free(crossed);
    }
}

static void test_online__l1_leaves_rare_features_out(void **state) {
    (void)state;
    struct online_options options;
    online_options_init(&options);
    struct online *all = make(options);
    options.l1 = 3;
    struct online *few = make(options);
    (void)run(all, 0, 200); /* a level is seen ten times */
    (void)run(few, 0, 200);
    assert_true(online_used(few) < online_used(all) / 2);
    online_free(all);
    online_free(few);
}

static void test_online__resumes_to_the_same_bits(void **state) {
    (void)state;
    struct online_options options;
    online_options_init(&options);
    options.bits = 12;
    options.cross_count = 1;
    options.cross[0][1] = 2;
    struct online *a = make(options), *b = NULL, *none = NULL;
    (void)run(a, 0, 2000);
    struct buf bytes;
    kai_err err = {0};
    buf_init(&bytes, 1 << 24);
    CHECK_OK(online_print(a, &bytes, &err), &err);
    CHECK_OK(online_parse(bytes.data, bytes.size, &b, &err), &err);
    assert_true(run(a, 2000, 3000) == run(b, 2000, 3000));
    struct online_progress progress[2];
    online_progress(a, &progress[0]);
    online_progress(b, &progress[1]);
    assert_true(progress[0].logloss == progress[1].logloss);
    CHECK_FAILS(online_parse(bytes.data, bytes.size - 9, &none, &err), &err, KAI_CORRUPT, "online");
    bytes.data[bytes.size - 9] ^= 4;
    CHECK_FAILS(online_parse(bytes.data, bytes.size, &none, &err), &err, KAI_CORRUPT, "online");
    assert_null(none);
    buf_release(&bytes);
    online_free(a);
    online_free(b);
}

static void test_online__refuses_and_stays(void **state) {
    (void)state;
    struct online_options options;
    online_options_init(&options);
    struct online *online = make(options);
    kai_err err = {0};
    uint32_t feature[2] = {7, 9};
    float value[2] = {NAN, 1};
    struct online_row row = {.feature = feature, .value = value, .count = 2};
    CHECK_OK(online_update(online, &row, 1, 1, NULL, &err), &err);
    assert_true(isfinite(online_predict(online, &row)));
    CHECK_FAILS(online_update(online, &row, 2, 1, NULL, &err), &err, KAI_INVALID, "label");
    CHECK_FAILS(online_update(online, &row, 1, -1, NULL, &err), &err, KAI_INVALID, "weight");
    row.count = ONLINE_FEATURES_MAX;
    CHECK_FAILS(online_update(online, &row, 1, 1, NULL, &err), &err, KAI_INVALID, "1024 features");
    online_free(online);
    options.bits = 31;
    CHECK_FAILS(online_new(&options, &online, &err), &err, KAI_INVALID, "bits");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_online__equals_the_papers_algorithm),
        cmocka_unit_test(test_online__learns_effects_and_crosses),
        cmocka_unit_test(test_online__l1_leaves_rare_features_out),
        cmocka_unit_test(test_online__resumes_to_the_same_bits),
        cmocka_unit_test(test_online__refuses_and_stays),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
