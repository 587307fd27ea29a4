#include <math.h>
#include <string.h>

#include "base/rng.h"
#include "kernel/adam.h"
#include "kernel/dispatch.h"
#include "kit/check.h"

enum { ROOM = 1024 };

struct state {
    float gradient[ROOM], parameter[ROOM], mean[ROOM], square[ROOM];
};

static void fill(struct state *state, uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed, "test.adam", 0);
    for (int i = 0; i < ROOM; i++) {
        state->gradient[i] = (float)rng_normal(&rng);
        state->parameter[i] = (float)rng_normal(&rng);
        state->mean[i] = (float)(0.1 * rng_normal(&rng));
        state->square[i] = (float)(0.01 * rng_unit(&rng));
    }
}

static void step(const struct kernel_table *table, const struct adam *adam, int64_t count,
                 int64_t offset, struct state *s) {
    table->adam_step_f32(adam, count, s->gradient + offset, s->parameter + offset, s->mean + offset,
                         s->square + offset);
}

static void test_adam__all_bodies_agree_with_reference(void **unused) {
    (void)unused;
    static const int64_t sizes[] = {0, 1, 7, 8, 9, 31, 32, 33, 1000};
    const struct kernel_table *table = kernel_table_named("avx2");
    if (!table) skip();
    for (size_t size = 0; size < sizeof sizes / sizeof *sizes; size++)
        for (int64_t offset = 0; offset < 3; offset++) {
            struct state expected, actual;
            fill(&expected, size);
            actual = expected;
            struct adam adam = adam_at(0.01, 1 + (int64_t)size * 7);
            step(kernel_table_named("ref"), &adam, sizes[size], offset, &expected);
            step(table, &adam, sizes[size], offset, &actual);
            for (int i = 0; i < ROOM; i++) {
                CHECK_NEAR((double)actual.mean[i], (double)expected.mean[i], 1e-6);
                CHECK_NEAR((double)actual.square[i], (double)expected.square[i], 1e-6);
                CHECK_NEAR((double)actual.parameter[i], (double)expected.parameter[i], 1e-6);
            }
        }
}

/* The paper's recursion in double, from zero moments. */
static void test_adam__follows_the_paper(void **unused) {
    (void)unused;
    double parameter = 1, mean = 0, square = 0;
    struct state s;
    memset(&s, 0, sizeof s);
    for (int i = 0; i < 9; i++) s.parameter[i] = 1;
    for (int t = 1; t <= 50; t++) {
        double g = sin(t) + 0.2;
        mean = 0.9 * mean + 0.1 * g;
        square = 0.999 * square + 0.001 * g * g;
        parameter -=
            0.01 * (mean / (1 - pow(0.9, t))) / (sqrt(square / (1 - pow(0.999, t))) + 1e-8);
        for (int i = 0; i < 9; i++) s.gradient[i] = (float)g;
        struct adam adam = adam_at(0.01, t);
        adam_step_f32(&adam, 9, s.gradient, s.parameter, s.mean, s.square);
        CHECK_NEAR((double)s.parameter[0], parameter, 2e-6);
        CHECK_NEAR((double)s.parameter[8], parameter, 2e-6);
    }
}

static void test_adam__zero_gradient_keeps_zero_state(void **unused) {
    (void)unused;
    struct state s;
    memset(&s, 0, sizeof s);
    struct adam adam = adam_at(0.1, 1);
    adam_step_f32(&adam, 33, s.gradient, s.parameter, s.mean, s.square);
    for (int i = 0; i < 33; i++) CHECK_NEAR((double)s.parameter[i], 0, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_adam__all_bodies_agree_with_reference),
        cmocka_unit_test(test_adam__follows_the_paper),
        cmocka_unit_test(test_adam__zero_gradient_keeps_zero_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
