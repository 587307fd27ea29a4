/* Shapley values against their definition: the sum over all subsets of columns. */
#include "unit/learn/forest_kit.h"

enum { COLUMNS = 5 };

/* Expected value of the tree where only the columns in `known` are given: unknown ones follow the
 * cover. */
static double expect(const struct forest *forest, const struct forest_tree *tree, uint32_t at,
                     const float *row, uint32_t known, int32_t output) {
    const struct forest_node *node = &tree->nodes[at];
    if (!node->child) return forest_leaf_value(forest, tree, node, output);
    uint32_t column = node->column & FOREST_COLUMN_MASK;
    if (known >> column & 1)
        return expect(forest, tree, node->child + forest_goes_right(node, row[column]), row, known,
                      output);
    double left = tree->nodes[node->child].cover, right = tree->nodes[node->child + 1].cover;
    return (left * expect(forest, tree, node->child, row, known, output) +
            right * expect(forest, tree, node->child + 1, row, known, output)) /
           (left + right);
}

static double expect_forest(const struct forest *forest, const float *row, uint32_t known,
                            int32_t output) {
    double sum = 0;
    for (int32_t t = 0; t < forest->tree_count; t++)
        sum += expect(forest, &forest->trees[t], 0, row, known, output);
    return sum / forest->tree_count;
}

static double factorial(int n) { return n < 2 ? 1 : n * factorial(n - 1); }

static double shapley_by_subsets(const struct forest *forest, const float *row, int32_t column,
                                 int32_t output) {
    double value = 0;
    for (uint32_t set = 0; set < 1u << COLUMNS; set++) {
        if (set >> column & 1) continue;
        int size = __builtin_popcount(set);
        double weight = factorial(size) * factorial(COLUMNS - size - 1) / factorial(COLUMNS);
        value += weight * (expect_forest(forest, row, set | 1u << column, output) -
                           expect_forest(forest, row, set, output));
    }
    return value;
}

static void check_case(enum learn_task task, double missing_share, int32_t depth_max) {
    struct forest_case c = case_noisy(150, COLUMNS, task, 3, missing_share, 21);
    struct forest_options options = {.trees = 3, .depth_max = depth_max, .feature_share = 0.6};
    struct forest *forest = case_fit(&c, &options);
    int32_t output = forest_outputs(forest) - 1;
    double *scores = case_predict(&c, forest);
    int64_t row_ids[] = {3, 77, 149, 20};
    double values[4 * (COLUMNS + 1)];
    kai_err err = {0};
    CHECK_OK(forest_shapley(forest, c.features, row_ids, 4, output, NULL, values, &err), &err);
    for (int i = 0; i < 4; i++) {
        const double *value = values + (int64_t)i * (COLUMNS + 1);
        float row[COLUMNS];
        double sum = value[COLUMNS];
        for (int32_t k = 0; k < COLUMNS; k++) row[k] = *case_value(&c, row_ids[i], k);
        for (int32_t k = 0; k < COLUMNS; k++) {
            CHECK_NEAR(value[k], shapley_by_subsets(forest, row, k, output), 1e-10);
            sum += value[k];
        }
        CHECK_NEAR(value[COLUMNS], expect_forest(forest, row, 0, output), 1e-12);
        CHECK_NEAR(sum, scores[row_ids[i] * forest_outputs(forest) + output], 1e-10);
    }
    mem_free(scores);
    forest_free(forest);
    case_free(&c);
}

static void test_forest_shapley__is_the_sum_over_subsets(void **state) {
    (void)state;
    check_case(LEARN_REGRESSION, 0, 4);
    check_case(LEARN_REGRESSION, 0.3, 0);
    check_case(LEARN_BINARY, 0.1, 6);
    check_case(LEARN_MULTICLASS, 0.1, 0);
}

static void test_forest_shapley__adds_up_on_deep_forests(void **state) {
    (void)state;
    enum { ROWS = 2000, WIDE = 12 };
    struct forest_case c = case_noisy(ROWS, WIDE, LEARN_REGRESSION, 0, 0.1, 22);
    struct forest_options options = {.trees = 4};
    struct forest *forest = case_fit(&c, &options);
    double *scores = case_predict(&c, forest), values[10 * (WIDE + 1)];
    struct pool *pool = NULL;
    kai_err err = {0};
    CHECK_OK(pool_new(2, &pool, &err), &err);
    CHECK_OK(forest_shapley(forest, c.features, NULL, 10, 0, pool, values, &err), &err);
    for (int i = 0; i < 10; i++) {
        double sum = 0;
        for (int32_t k = 0; k <= WIDE; k++) sum += values[i * (WIDE + 1) + k];
        CHECK_NEAR(sum, scores[i], 1e-8);
    }
    CHECK_FAILS(forest_shapley(forest, c.features, NULL, 1, 1, NULL, values, &err), &err,
                KAI_INVALID, "output 1");
    mem_free(scores);
    pool_free(pool);
    forest_free(forest);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forest_shapley__is_the_sum_over_subsets),
        cmocka_unit_test(test_forest_shapley__adds_up_on_deep_forests),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
