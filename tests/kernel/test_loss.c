#include <math.h>

#include "kernel/loss.h"
#include "kit/check.h"

/* Slopes against central differences; float logits carry about 7 digits, so h is a power of two. */
static const float H = 0x1p-8f;

static void test_loss__sigmoid_slope_is_the_derivative(void **state) {
    (void)state;
    for (int z = -12; z <= 12; z++)
        for (double target = 0; target <= 1; target += 0.25) {
            double slope, unused, up, down;
            double loss = sigmoid_cross_entropy_f32((float)z, target, &slope);
            up = sigmoid_cross_entropy_f32((float)z + H, target, &unused);
            down = sigmoid_cross_entropy_f32((float)z - H, target, &unused);
            CHECK_NEAR(slope, (up - down) / (2 * (double)H), 1e-6);
            double p = 1 / (1 + exp(-z));
            CHECK_NEAR(loss, -target * log(p) - (1 - target) * log1p(-p), 1e-9);
            CHECK_NEAR(sigmoid_f64(z), p, 1e-15);
        }
}

static void test_loss__is_finite_for_huge_logits(void **state) {
    (void)state;
    double slope;
    CHECK_NEAR(sigmoid_cross_entropy_f32(1000, 0, &slope), 1000, 0);
    CHECK_NEAR(slope, 1, 0);
    CHECK_NEAR(sigmoid_cross_entropy_f32(-1000, 0, &slope), 0, 0);
    float logits[3] = {3e38f, -3e38f, 0};
    double slopes[3];
    CHECK_NEAR(softmax_cross_entropy_f32(3, logits, 0, slopes), 0, 0);
    CHECK_NEAR(slopes[0], 0, 0);
    assert_true(isnan(sigmoid_cross_entropy_f32(NAN, 1, &slope)));
    logits[2] = NAN;
    assert_true(isnan(softmax_cross_entropy_f32(3, logits, 0, slopes)));
}

static void test_loss__softmax_slope_is_the_derivative(void **state) {
    (void)state;
    float logits[4] = {0.5f, -1, 2, 0.25f};
    double slopes[4], unused[4], total = 0;
    for (int32_t label = 0; label < 4; label++) {
        (void)softmax_cross_entropy_f32(4, logits, label, slopes); /* only slopes are checked */
        for (int c = 0; c < 4; c++) {
            float kept = logits[c];
            logits[c] = kept + H;
            double up = softmax_cross_entropy_f32(4, logits, label, unused);
            logits[c] = kept - H;
            double down = softmax_cross_entropy_f32(4, logits, label, unused);
            logits[c] = kept;
            CHECK_NEAR(slopes[c], (up - down) / (2 * (double)H), 1e-5);
        }
    }
    softmax_f64(4, logits, slopes);
    for (int c = 0; c < 4; c++) total += slopes[c];
    CHECK_NEAR(total, 1, 1e-15);
    CHECK_NEAR(slopes[2] / slopes[0], exp(1.5), 1e-12);
}

static void test_loss__two_classes_of_softmax_are_a_sigmoid(void **state) {
    (void)state;
    const float logits[2] = {0.25f, 1.5f};
    double slopes[2], slope;
    double two = softmax_cross_entropy_f32(2, logits, 1, slopes);
    CHECK_NEAR(two, sigmoid_cross_entropy_f32(1.25f, 1, &slope), 1e-14);
    CHECK_NEAR(slopes[1], slope, 1e-14);
    CHECK_NEAR(squared_error_f32(3, 1, &slope), 4, 0);
    CHECK_NEAR(slope, 4, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_loss__sigmoid_slope_is_the_derivative),
        cmocka_unit_test(test_loss__is_finite_for_huge_logits),
        cmocka_unit_test(test_loss__softmax_slope_is_the_derivative),
        cmocka_unit_test(test_loss__two_classes_of_softmax_are_a_sigmoid),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
