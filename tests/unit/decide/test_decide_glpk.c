/* Random small allocations against the exact optimum by GLPK's mixed-integer solver. */
#include <glpk.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "decide/decide.h"
#include "kit/check.h"

enum { ROWS_MAX = 10, OFFERS_MAX = 4, LIMITS_MAX = 4, GROUPS_MAX = 3 };

struct instance {
    struct decide_problem problem;
    double objective[ROWS_MAX * OFFERS_MAX];
    double weight[LIMITS_MAX][OFFERS_MAX];
    double pair[LIMITS_MAX][ROWS_MAX * OFFERS_MAX];
    int32_t part[ROWS_MAX];
    struct decide_limit limits[LIMITS_MAX];
    int32_t group[ROWS_MAX];
};

/* Some limits count a part of the customers only; some have a minimum. */
static void draw_parts(struct instance *instance, uint64_t index, int64_t rows, int32_t limits) {
    struct rng rng;
    rng_init(&rng, 9, "parts", index);
    for (int64_t i = 0; i < rows; i++) instance->part[i] = (int32_t)rng_below(&rng, 2);
    for (int32_t k = 0; k < limits; k++) {
        if (rng_unit(&rng) < 0.3) instance->limits[k].part = instance->part;
        if (rng_unit(&rng) < 0.2)
            instance->limits[k].least = 0.4 * rng_unit(&rng) * instance->limits[k].limit;
    }
}

/* Half of the problems have limits whose weights differ by customer. */
static void draw_pairs(struct instance *instance, uint64_t index, int64_t cells, int32_t limits) {
    struct rng rng;
    rng_init(&rng, 8, "pairs", index);
    for (int32_t k = 0; k < limits; k++) {
        if (rng_unit(&rng) < 0.5) continue;
        for (int64_t c = 0; c < cells; c++)
            instance->pair[k][c] = rng_unit(&rng) < 0.2 ? 0 : 0.5 + rng_unit(&rng);
        instance->limits[k].pair = instance->pair[k];
        if (rng_unit(&rng) < 0.5) instance->limits[k].weight = NULL;
    }
}

static double weight_of(const struct decide_problem *problem, int k, int64_t cell) {
    const struct decide_limit *limit = &problem->limits[k];
    if (limit->part && limit->part[cell / problem->offers] != limit->part_index) return 0;
    return limit->pair ? limit->pair[cell] : limit->weight[cell % problem->offers];
}

static void draw_instance(struct instance *instance, uint64_t index) {
    struct rng rng;
    rng_init(&rng, 7, "allocation", index);
    int64_t rows = 1 + (int64_t)rng_below(&rng, ROWS_MAX);
    int32_t offers = 1 + (int32_t)rng_below(&rng, OFFERS_MAX);
    int32_t limits = (int32_t)rng_below(&rng, LIMITS_MAX + 1);
    int has_ties = rng_unit(&rng) < 0.3;
    for (int64_t i = 0; i < rows * offers; i++) {
        double gain = 2 * rng_normal(&rng) + 1;
        instance->objective[i] = has_ties ? rint(gain) : gain;
        if (rng_unit(&rng) < 0.05) instance->objective[i] = NAN;
    }
    for (int32_t k = 0; k < limits; k++) {
        for (int32_t j = 0; j < offers; j++)
            instance->weight[k][j] = rng_unit(&rng) < 0.3 ? 0 : (k % 2 ? 1 : 0.5 + rng_unit(&rng));
        instance->limits[k] = (struct decide_limit){
            "limit", instance->weight[k], floor((double)rows * rng_unit(&rng)), NULL, NULL, 0, 0};
    }
    draw_pairs(instance, index, rows * offers, limits);
    draw_parts(instance, index, rows, limits);
    int32_t groups = rng_unit(&rng) < 0.5 ? 2 + (int32_t)rng_below(&rng, GROUPS_MAX - 1) : 0;
    for (int64_t i = 0; i < rows; i++)
        instance->group[i] = (int32_t)rng_below(&rng, GROUPS_MAX) - (groups < 3);
    instance->problem = (struct decide_problem){.rows = rows,
                                                .offers = offers,
                                                .objective = instance->objective,
                                                .per_customer = 1 + (int32_t)rng_below(&rng, 2),
                                                .limits = instance->limits,
                                                .limit_count = limits,
                                                .group = groups ? instance->group : NULL,
                                                .groups = groups,
                                                .max_gap = 0.5 * rng_unit(&rng)};
}

static void add_row(glp_prob *lp, int type, double low, double high, int count, const int *index,
                    const double *value) {
    int row = glp_add_rows(lp, 1);
    glp_set_row_bnds(lp, row, type, low, high);
    glp_set_mat_row(lp, row, count, index, value);
}

/* Columns: x_ij, then t_i (treated), then the floor m of the shares. */
static double solve_exactly(const struct decide_problem *problem) {
    int rows = (int)problem->rows, offers = problem->offers, pairs = rows * offers;
    int index[ROWS_MAX * OFFERS_MAX + 2];
    double value[ROWS_MAX * OFFERS_MAX + 2];
    glp_prob *lp = glp_create_prob();
    glp_set_obj_dir(lp, GLP_MAX);
    glp_add_cols(lp, pairs + rows + 1);
    for (int c = 1; c <= pairs + rows; c++) glp_set_col_kind(lp, c, GLP_BV);
    glp_set_col_bnds(lp, pairs + rows + 1, GLP_DB, 0, 1);
    for (int p = 0; p < pairs; p++) {
        if (isnan(problem->objective[p]))
            glp_set_col_bnds(lp, p + 1, GLP_FX, 0, 0);
        else
            glp_set_obj_coef(lp, p + 1, problem->objective[p]);
    }
    for (int i = 0; i < rows; i++) { /* t_i <= sum_j x_ij <= per_customer t_i */
        for (int j = 0; j < offers; j++) index[j + 1] = i * offers + j + 1, value[j + 1] = 1;
        index[offers + 1] = pairs + i + 1;
        value[offers + 1] = -1;
        add_row(lp, GLP_LO, 0, 0, offers + 1, index, value);
        value[offers + 1] = -problem->per_customer;
        add_row(lp, GLP_UP, 0, 0, offers + 1, index, value);
    }
    for (int k = 0; k < problem->limit_count; k++) {
        for (int p = 0; p < pairs; p++)
            index[p + 1] = p + 1, value[p + 1] = weight_of(problem, k, p);
        add_row(lp, GLP_UP, 0, problem->limits[k].limit, pairs, index, value);
        if (problem->limits[k].least > 0)
            add_row(lp, GLP_LO, problem->limits[k].least, 0, pairs, index, value);
    }
    for (int g = 0; problem->group && g < problem->groups; g++) { /* 0 <= share_g - m <= gap */
        int count = 0;
        for (int i = 0; i < rows; i++)
            if (problem->group[i] == g) index[++count] = pairs + i + 1;
        if (count == 0) continue;
        for (int c = 1; c <= count; c++) value[c] = 1.0 / count;
        index[count + 1] = pairs + rows + 1;
        value[count + 1] = -1;
        add_row(lp, GLP_DB, 0, problem->max_gap + 1e-9, count + 1, index, value);
    }
    glp_iocp settings;
    glp_init_iocp(&settings);
    settings.presolve = GLP_ON;
    settings.msg_lev = GLP_MSG_OFF;
    settings.tm_lim = 500; /* milliseconds: a hard one is left out and counted */
    int code = glp_intopt(lp, &settings), status = glp_mip_status(lp);
    double best = code == 0 && status == GLP_OPT ? glp_mip_obj_val(lp) : NAN;
    if (code == GLP_ENOPFS || (code == 0 && status == GLP_NOFEAS)) best = -INFINITY;
    glp_delete_prob(lp);
    return best;
}

/* Recount everything from the assignment alone. */
static void check_feasible(const struct decide_problem *problem, const struct decide_plan *plan) {
    double value = 0, share_low = 1, share_high = 0;
    int64_t treated[GROUPS_MAX] = {0}, members[GROUPS_MAX] = {0}, counts[OFFERS_MAX] = {0};
    for (int64_t i = 0; i < problem->rows; i++) {
        int has_offer = 0;
        for (int32_t slot = 0; slot < problem->per_customer; slot++) {
            int32_t offer = plan->chosen[i * problem->per_customer + slot];
            if (offer < 0) continue;
            assert_true(!isnan(problem->objective[i * problem->offers + offer]));
            value += problem->objective[i * problem->offers + offer];
            counts[offer]++;
            has_offer = 1;
            for (int32_t other = 0; other < slot; other++)
                assert_int_not_equal(plan->chosen[i * problem->per_customer + other], offer);
        }
        if (problem->group && problem->group[i] >= 0) {
            members[problem->group[i]]++;
            treated[problem->group[i]] += has_offer;
        }
    }
    CHECK_NEAR(value, plan->value, 1e-9 * (1 + fabs(value)));
    for (int32_t k = 0; k < problem->limit_count; k++) {
        double used = 0;
        int is_by_row = problem->limits[k].pair || problem->limits[k].part;
        for (int32_t j = 0; !is_by_row && j < problem->offers; j++)
            used += (double)counts[j] * problem->limits[k].weight[j];
        for (int64_t c = 0; is_by_row && c < problem->rows * problem->per_customer; c++)
            if (plan->chosen[c] >= 0)
                used += weight_of(problem, k,
                                  c / problem->per_customer * problem->offers + plan->chosen[c]);
        assert_true(used >= problem->limits[k].least);
        assert_true(used <= problem->limits[k].limit);
    }
    for (int32_t g = 0; g < GROUPS_MAX; g++) {
        if (members[g] == 0) continue;
        double share = (double)treated[g] / (double)members[g];
        share_low = fmin(share_low, share);
        share_high = fmax(share_high, share);
    }
    if (problem->group && share_high > share_low)
        assert_true(share_high - share_low <= problem->max_gap);
    assert_true(plan->violation <= 0);
}

static void test_decide__agrees_with_the_exact_optimum(void **state) {
    (void)state;
    const char *asked = getenv("KAIROS_GLPK_PROBLEMS"); /* 10,000 take minutes */
    const int instances = asked ? atoi(asked) : 400;
    static struct instance instance;
    double lost = 0, total = 0;
    int unsolved = 0, impossible = 0, missed = 0;
    for (uint64_t n = 0; n < (uint64_t)instances; n++) {
        kai_err err = {0};
        struct decide_plan *plan = NULL;
        draw_instance(&instance, n);
        kai_status st = decide_solve(&instance.problem, NULL, NULL, &plan, &err);
        double best = solve_exactly(&instance.problem), slack = 1e-6 * (1 + fabs(best));
        if (st) { /* minimums that cannot be met; now and then some that could hardly */
            CHECK_FAILS(st, &err, KAI_INFEASIBLE, "keeps these limits together");
            impossible += best == -INFINITY;
            missed += best > -INFINITY;
            continue;
        }
        assert_true(best > -INFINITY || isnan(best));
        check_feasible(&instance.problem, plan);
        if (isnan(best)) {
            unsolved++;
            decide_plan_free(plan);
            continue;
        }
        assert_true(plan->value <= best + slack); /* never better than the optimum */
        assert_true(plan->bound >= best - slack); /* the bound is one */
        assert_true(best - plan->value <= plan->gap * fabs(plan->bound) + slack);
        lost += best - plan->value;
        total += best;
        decide_plan_free(plan);
    }
    print_message("lost %.4f of the optimum over %d instances; %d impossible, %d missed\n",
                  lost / total, instances, impossible, missed);
    assert_true(impossible > 0 && missed <= instances / 33);
    assert_true(unsolved < instances / 10);
    assert_true(lost <= 0.10 * total); /* ten customers: one of them is much */
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_decide__agrees_with_the_exact_optimum)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
