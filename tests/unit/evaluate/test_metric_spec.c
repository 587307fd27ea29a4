#include "evaluate/metric_spec.h"

#include <string.h>

#include "kit/check.h"

static struct metric_spec parse(const char *text) {
    struct metric_spec spec;
    kai_err err = {0};
    CHECK_OK(metric_spec_parse(slice_of(text), &spec, &err), &err);
    return spec;
}

static void refuse(const char *text, const char *part) {
    struct metric_spec spec;
    kai_err err = {0};
    CHECK_FAILS(metric_spec_parse(slice_of(text), &spec, &err), &err, KAI_INVALID, part);
}

static void test_metric_spec__reads_every_kind(void **state) {
    (void)state;
    assert_true(parse("spend").kind == METRIC_AUTO);
    assert_true(parse("spend:mean").kind == METRIC_MEAN);
    struct metric_spec spec = parse("a:b:ratio/c");
    assert_true(spec.kind == METRIC_RATIO);
    assert_string_equal(spec.column, "a:b");
    assert_string_equal(spec.per, "c");
    spec = parse("latency:q99.9");
    CHECK_NEAR(spec.quantile, 0.999, 1e-15);
}

static void test_metric_spec__says_what_it_expected(void **state) {
    (void)state;
    refuse("spend:median", "expected mean, proportion, ratio/COL or qNN");
    refuse("spend:q0", "expected mean");
    refuse("spend:q100", "expected mean");
    refuse("spend:ratio/", "a column's name is empty");
    refuse(":mean", "a column's name is empty");
    refuse("", "a column's name is empty");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_metric_spec__reads_every_kind),
        cmocka_unit_test(test_metric_spec__says_what_it_expected),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
