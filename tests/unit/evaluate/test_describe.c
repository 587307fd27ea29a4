#include "evaluate/describe.h"

#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kit/check.h"

static void test_describe__writes_an_estimate_as_promised(void **state) {
    (void)state;
    struct buf out;
    struct json_writer json;
    kai_err err;
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 0);
    struct estimate some = {0.5, 0.25, 0.75, 12, "dr"}, none = estimate_none("dm");
    json_object(&json);
    estimate_describe(&json, "dr", &some);
    estimate_describe(&json, "dm", &none);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    assert_string_equal(out.data,
                        "{\"dr\":{\"value\":0.5,\"low\":0.25,\"high\":0.75,\"n\":12,"
                        "\"method\":\"dr\"},\"dm\":{\"value\":null,\"low\":null,\"high\":null,"
                        "\"n\":0,\"method\":\"dm\"}}");
    buf_release(&out);
}

/* Every describer writes a document that reads back, with the keys of PRODUCT.md. */
static void test_describe__writes_readable_documents(void **state) {
    (void)state;
    enum { ROWS = 300 };
    double outcome[ROWS], score[ROWS], treated[ROWS], value[ROWS];
    int32_t arm[ROWS], group[ROWS];
    struct rng rng;
    kai_err err;
    rng_init(&rng, 1, "describe-test", 0);
    for (int i = 0; i < ROWS; i++) {
        arm[i] = (int32_t)rng_below(&rng, 2);
        outcome[i] = rng_normal(&rng);
        score[i] = rng_normal(&rng);
        treated[i] = value[i] = score[i] > 0;
        group[i] = i % 2;
    }
    struct trial trial = {.rows = ROWS, .arms = 2, .arm = arm, .outcome = outcome};
    const double all[] = {0, 1};
    struct policy policy = {.name = "everybody", .constant = all};
    struct fairness_plan plan = {ROWS, group, treated, value, NULL};
    struct policy_value of_policy;
    struct uplift_curve curve;
    struct arm_outcome outcomes[2];
    struct reliability reliability;
    struct fairness_audit *audit;
    struct leak leak = {.column = "visit", .test = "ks", .p = 1e-9, .is_leak = 1};
    struct shift shift = {.column = "age", .test = "ks", .psi = 0.3, .size = SHIFT_LARGE};
    CHECK_OK(policy_compare(&trial, &policy, 1, NULL, NULL, NULL, &of_policy, &err), &err);
    CHECK_OK(uplift_rank(&trial, NULL, 1, score, 20, 0, NULL, &curve, &err), &err);
    CHECK_OK(arms_compare(arm, 2, outcome, ROWS, 0.95, NULL, outcomes, &err), &err);
    CHECK_OK(reliability_fit(score, outcome, ROWS, 5, 0, &reliability, &err), &err);
    CHECK_OK(fairness_measure(&plan, NULL, NULL, 2, 0, 0, &audit, &err), &err);
    struct buf out;
    struct json_writer json;
    buf_init(&out, 1 << 20);
    json_init(&json, &out, 1);
    json_object(&json);
    arm_outcome_describe(&json, "arm", &outcomes[1]);
    policy_describe(&json, "policy", &of_policy, ROWS);
    uplift_describe(&json, "uplift", &curve);
    reliability_describe(&json, "reliability", &reliability);
    fairness_describe(&json, "fairness", audit);
    leaks_describe(&json, "leaks", &leak, 1);
    shift_describe(&json, "shift", &shift, 1);
    json_end(&json);
    CHECK_OK(json_finish(&json, &err), &err);
    struct json_value *root;
    CHECK_OK(json_parse(out.data, out.size, &root, &err), &err);
    const struct json_value *estimates = json_get(json_get(root, "policy"), "estimates");
    const struct json_value *ipw = json_get(estimates, "ipw");
    CHECK_NEAR(json_as_f64(json_get(ipw, "total"), NAN), of_policy.gain[POLICY_IPW].value * ROWS,
               1e-12);
    assert_true(json_is_null(json_get(json_get(estimates, "dr"), "value")));
    assert_true(json_count(json_get(json_get(root, "uplift"), "points")) == 20);
    assert_true(json_count(json_get(json_get(root, "fairness"), "groups")) == 2);
    assert_true(json_count(json_get(json_get(root, "reliability"), "bins")) == 5);
    assert_true(json_as_f64(json_get(json_get(root, "arm"), "mean"), NAN) ==
                outcomes[1].mean.value);
    assert_string_equal(json_as_text(json_get(json_at(json_get(root, "leaks"), 0), "column"), ""),
                        "visit");
    assert_string_equal(json_as_text(json_get(json_at(json_get(root, "shift"), 0), "size"), ""),
                        "large");
    json_free(root);
    buf_release(&out);
    fairness_audit_free(audit);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_describe__writes_an_estimate_as_promised),
        cmocka_unit_test(test_describe__writes_readable_documents),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
