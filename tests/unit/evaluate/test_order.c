#include "evaluate/order.h"

#include <math.h>

#include "base/rng.h"
#include "kit/check.h"

static void test_order__sorts_and_keeps_ties_in_place(void **state) {
    (void)state;
    enum { ROWS = 3000 };
    double values[ROWS];
    int64_t order[ROWS];
    struct rng rng;
    kai_err err;
    rng_init(&rng, 2, "order-test", 0);
    for (int i = 0; i < ROWS; i++) values[i] = floor(rng_normal(&rng) * 50) * pow(10, i % 7 - 3);
    values[0] = INFINITY;
    values[1] = -INFINITY;
    values[2] = -0.0;
    values[3] = 0.0;
    values[4] = 5e-324;
    for (int is_falling = 0; is_falling < 2; is_falling++) {
        CHECK_OK(order_rows(values, ROWS, is_falling, order, &err), &err);
        for (int i = 1; i < ROWS; i++) {
            double a = values[order[i - 1]], b = values[order[i]];
            assert_true(is_falling ? a >= b : a <= b);
            if (a == b) assert_true(order[i - 1] < order[i]);
        }
    }
    CHECK_OK(order_rows(values, 0, 0, order, &err), &err);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order__sorts_and_keeps_ties_in_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
