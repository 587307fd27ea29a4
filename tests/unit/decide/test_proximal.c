/* The quadratic problem of a bundle step, against its own conditions of optimality and a plain
 * search. */
#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "decide/proximal.h"
#include "kit/check.h"

enum { PRICES_MAX = 12, CUTS_MAX = 40, PROBLEMS = 300 };

struct problem {
    double slope[CUTS_MAX * PRICES_MAX], level[CUTS_MAX], centre[PRICES_MAX];
    int32_t bounded[PRICES_MAX];
    struct proximal model;
};

static void draw(struct problem *problem, uint64_t seed) {
    struct rng rng;
    rng_init(&rng, seed, "proximal", 0);
    int32_t size = 1 + (int32_t)rng_below(&rng, PRICES_MAX);
    int32_t cuts = 1 + (int32_t)rng_below(&rng, CUTS_MAX);
    for (int32_t i = 0; i < cuts * size; i++) problem->slope[i] = rng_normal(&rng) * 100;
    for (int32_t i = 0; i < cuts; i++) problem->level[i] = rng_normal(&rng) * 1000 + 1e5;
    for (int32_t k = 0; k < size; k++) problem->centre[k] = fabs(rng_normal(&rng));
    int32_t bounded = 0; /* every other one, or so */
    for (int32_t k = 0; k < size; k++)
        if (rng_unit(&rng) < 0.5) problem->bounded[bounded++] = k;
    problem->model = (struct proximal){.size = size,
                                       .bounded = bounded,
                                       .bounded_index = problem->bounded,
                                       .cuts = cuts,
                                       .slope = problem->slope,
                                       .level = problem->level,
                                       .centre = problem->centre,
                                       .step = pow(10, rng_normal(&rng) - 2)};
}

static double cut_at(const struct problem *problem, int32_t cut, const double *y) {
    double value = problem->level[cut];
    for (int32_t k = 0; k < problem->model.size; k++)
        value += problem->slope[cut * problem->model.size + k] * y[k];
    return value;
}

/* The weights press only on the highest cuts, sum to one, and pull the point from the centre to
 * where it is; where a bound holds it, they pull against the bound. */
static void test_proximal__meets_the_conditions_of_optimality(void **state) {
    static struct problem problem;
    (void)state;
    for (uint64_t seed = 0; seed < PROBLEMS; seed++) {
        double point[PRICES_MAX], weight[CUTS_MAX], sum = 0, pressed = 0;
        draw(&problem, seed);
        const struct proximal *model = &problem.model;
        double *scratch = mem_array((size_t)proximal_scratch(model->size, model->bounded, CUTS_MAX),
                                    sizeof *scratch);
        double height = proximal_solve(model, scratch, point, weight);
        for (int32_t i = 0; i < model->cuts; i++) {
            double cut = cut_at(&problem, i, point);
            assert_true(weight[i] >= 0 && cut <= height + 1e-6);
            sum += weight[i];
            pressed += weight[i] * (height - cut);
        }
        CHECK_NEAR(sum, 1, 1e-9);
        CHECK_NEAR(pressed, 0, 1e-4);
        for (int32_t k = 0; k < model->size; k++) {
            double pull = 0;
            for (int32_t i = 0; i < model->cuts; i++)
                pull += weight[i] * problem.slope[i * model->size + k];
            double wanted = problem.centre[k] - model->step * pull;
            double tolerance = 1e-6 * (1 + fabs(wanted)) + 1e-5 * model->step * 100;
            int is_bounded = 0;
            for (int32_t i = 0; i < model->bounded; i++) is_bounded |= problem.bounded[i] == k;
            if (is_bounded) assert_true(point[k] >= 0);
            if (is_bounded && wanted < 0)
                CHECK_NEAR(point[k], 0, 1e-5 + tolerance);
            else
                CHECK_NEAR(point[k], wanted, tolerance);
        }
        mem_free(scratch);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_proximal__meets_the_conditions_of_optimality),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
