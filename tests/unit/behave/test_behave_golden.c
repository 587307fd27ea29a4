/* The same training steps as PyTorch, recorded by tests/golden/behave_steps.py. */
#include <math.h>
#include <string.h>

#include "behave/behave_step.h"
#include "golden/behave_steps.h"
#include "kit/check.h"

static void follow(const struct golden_steps *golden) {
    struct behave_options options = GOLDEN_OPTIONS, resolved;
    struct behave_sequences sequences = {GOLDEN_SEQUENCES, GOLDEN_OFFSETS, golden->items, NULL};
    struct behave_window windows[GOLDEN_SEQUENCES];
    struct behave_stepper stepper;
    struct behave *model;
    kai_err err;
    options.attention = golden->attention;
    CHECK_OK(behave_resolve(&options, &resolved, &err), &err);
    CHECK_OK(behave_new(&resolved, 1, &model, &err), &err);
    assert_int_equal(model->shape.parameters, GOLDEN_PARAMETERS);
    memcpy(model->parameters, golden->start, sizeof golden->start);
    for (int64_t s = 0; s < GOLDEN_SEQUENCES; s++)
        windows[s] = (struct behave_window){GOLDEN_OFFSETS[s],
                                            GOLDEN_OFFSETS[s + 1] - GOLDEN_OFFSETS[s] - 1};
    CHECK_OK(behave_stepper_init(model, &sequences, NULL, &stepper, &err), &err);
    for (int step = 0; step < GOLDEN_STEPS; step++) {
        double loss;
        CHECK_OK(
            behave_step(&stepper, windows, GOLDEN_SEQUENCES, resolved.learning_rate, &loss, &err),
            &err);
        double expected = (double)golden->loss[step];
        CHECK_NEAR(loss / (double)stepper.events, expected, 1e-5 * expected);
    }
    for (int i = 0; i < GOLDEN_PARAMETERS; i++)
        CHECK_NEAR((double)model->parameters[i], (double)golden->end[i], 2e-4);
    behave_stepper_release(&stepper);
    behave_free(model);
}

static void test_behave_golden__takes_the_steps_of_pytorch_by_softmax(void **unused) {
    (void)unused;
    follow(&golden_steps[0]);
}

static void test_behave_golden__takes_the_steps_of_pytorch_pointwise(void **unused) {
    (void)unused;
    follow(&golden_steps[1]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behave_golden__takes_the_steps_of_pytorch_by_softmax),
        cmocka_unit_test(test_behave_golden__takes_the_steps_of_pytorch_pointwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
