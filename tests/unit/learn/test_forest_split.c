/* The root of a one-split tree against all splits there are. */
#include "unit/learn/forest_kit.h"

struct side {
    double rows, weight, sum, squares; /* of targets */
    double classes[8];
};

static void add_row(const struct forest_case *c, int64_t row, struct side *side) {
    double weight = c->weight ? c->weight[row] : 1, target = c->target[row];
    side->rows += 1;
    side->weight += weight;
    side->sum += weight * target;
    side->squares += weight * target * target;
    if (c->data.task != LEARN_REGRESSION) side->classes[(int)target] += weight;
}

/* Weight times impurity: the squared error about the mean, or the Gini impurity. */
static double impurity(const struct forest_case *c, const struct side *side) {
    if (!(side->weight > 0)) return 0;
    if (c->data.task != LEARN_MULTICLASS)
        return side->squares - side->sum * side->sum / side->weight;
    double shares = 0;
    for (int k = 0; k < 8; k++)
        shares += side->classes[k] * side->classes[k] / side->weight / side->weight;
    return side->weight * (1 - shares);
}

/* What a split leaves, or infinity where it is not allowed. */
static double impurity_after(const struct forest_case *c, int32_t column, float threshold,
                             int missing_left, double rows_min) {
    struct side left = {0}, right = {0};
    for (int64_t i = 0; i < c->features->rows; i++) {
        if (c->weight && !(c->weight[i] > 0)) continue;
        float value = *case_value((struct forest_case *)(uintptr_t)c, i, column);
        int goes_left = isnan(value) ? missing_left : value <= threshold;
        add_row(c, i, goes_left ? &left : &right);
    }
    if (left.rows < rows_min || right.rows < rows_min) return INFINITY;
    return impurity(c, &left) + impurity(c, &right);
}

static double best_after(const struct forest_case *c, double rows_min) {
    double best = INFINITY;
    for (int32_t k = 0; k < c->features->columns; k++) {
        for (int64_t i = 0; i < c->features->rows; i++) {
            float value = matrix_column(c->features, k)[i];
            if (isnan(value)) continue;
            best = fmin(best, impurity_after(c, k, value, 0, rows_min));
            best = fmin(best, impurity_after(c, k, value, 1, rows_min));
        }
    }
    return best;
}

static void check_root(const struct forest_case *c, int32_t rows_min) {
    struct forest_options options = tree_options();
    options.depth_max = 1;
    options.leaf_rows_min = rows_min;
    struct forest *forest = case_fit(c, &options);
    const struct forest_node *root = forest->trees[0].nodes;
    double best = best_after(c, rows_min);
    if (isinf(best)) {
        assert_int_equal(root->child, 0);
    } else {
        assert_int_equal(forest->trees[0].node_count, 3);
        double after = impurity_after(c, (int32_t)(root->column & FOREST_COLUMN_MASK),
                                      root->threshold, (int)(root->column >> 31), rows_min);
        CHECK_NEAR(after, best, 1e-4 * (1 + fabs(best)));
        CHECK_NEAR(root->cover, (double)root[1].cover + (double)root[2].cover, 1e-3);
    }
    forest_free(forest);
}

static void check_task(enum learn_task task, int is_weighted) {
    static const int64_t sizes[] = {6, 16, 17, 32, 33, 120, 250};
    for (uint64_t seed = 0; seed < 42; seed++) {
        double missing_share = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 0.2 : 0.5;
        struct forest_case c = case_noisy(sizes[seed % 7], 3, task, 4, missing_share, 100 + seed);
        double *weight = is_weighted ? case_weigh(&c) : NULL;
        for (int64_t i = 0; weight && i < c.features->rows; i++)
            weight[i] = (double)(i * 7 % 5) + 0.25 * (double)(i % 3);
        c.target[0] = 1; /* two classes at least, of weight */
        c.target[1] = 0;
        c.target[2] = 1;
        c.target[3] = 0;
        check_root(&c, 1);
        check_root(&c, (int32_t)(1 + c.features->rows / 5));
        case_free(&c);
    }
}

static void test_forest_split__is_the_best_for_classes(void **state) {
    (void)state;
    check_task(LEARN_BINARY, 0);
}

static void test_forest_split__is_the_best_for_weighted_classes(void **state) {
    (void)state;
    check_task(LEARN_BINARY, 1);
}

static void test_forest_split__is_the_best_for_many_classes(void **state) {
    (void)state;
    check_task(LEARN_MULTICLASS, 0);
    check_task(LEARN_MULTICLASS, 1);
}

static void test_forest_split__is_the_best_for_numbers(void **state) {
    (void)state;
    check_task(LEARN_REGRESSION, 0);
    check_task(LEARN_REGRESSION, 1);
}

/* values 1 1 2 8 9 9: the cut of the values lies between 2 and 8, nearest to 5 */
static void test_forest_split__cuts_in_the_middle_of_the_gap(void **state) {
    (void)state;
    static const float values[] = {1, 1, 2, 8, 9, 9};
    struct forest_case c = case_new(6, 1, LEARN_BINARY, 0);
    for (int i = 0; i < 6; i++) {
        *case_value(&c, i, 0) = values[i];
        c.target[i] = values[i] > 5;
    }
    struct forest_options options = tree_options();
    struct forest *forest = case_fit(&c, &options);
    const struct forest_node *nodes = forest->trees[0].nodes;
    assert_int_equal(forest->trees[0].node_count, 3);
    assert_true(nodes[0].threshold == 5.0f);
    assert_true(nodes[1].threshold == 0.0f);
    assert_true(nodes[2].threshold == 1.0f);
    forest_free(forest);
    case_free(&c);
}

/* An exclusive or: no single split helps, yet the tree must go on. */
static void test_forest_split__goes_on_without_gain(void **state) {
    (void)state;
    struct forest_case c = case_new(4, 2, LEARN_BINARY, 0);
    for (int i = 0; i < 4; i++) {
        *case_value(&c, i, 0) = (float)(i & 1);
        *case_value(&c, i, 1) = (float)(i >> 1);
        c.target[i] = (i & 1) ^ (i >> 1);
    }
    struct forest_options options = tree_options();
    struct forest *forest = case_fit(&c, &options);
    double *scores = case_predict(&c, forest);
    for (int i = 0; i < 4; i++) CHECK_NEAR(scores[i], c.target[i], 0);
    mem_free(scores);
    forest_free(forest);
    case_free(&c);
}

/* Missing alone divides the classes; a value that training never saw missing follows the heavier
 * side. */
static void test_forest_split__learns_where_missing_goes(void **state) {
    (void)state;
    struct forest_case c = case_new(12, 1, LEARN_BINARY, 0);
    for (int i = 0; i < 12; i++) {
        if (i < 8) *case_value(&c, i, 0) = (float)i;
        c.target[i] = i >= 8;
    }
    struct forest_options options = tree_options();
    struct forest *forest = case_fit(&c, &options);
    double *scores = case_predict(&c, forest);
    assert_int_equal(forest->trees[0].node_count, 3);
    for (int i = 0; i < 12; i++) CHECK_NEAR(scores[i], c.target[i], 0);
    mem_free(scores);
    forest_free(forest);

    for (int i = 0; i < 12; i++) {
        *case_value(&c, i, 0) = (float)i;
        c.target[i] = i >= 4;
    }
    forest = case_fit(&c, &options);
    *case_value(&c, 0, 0) = NAN;
    scores = case_predict(&c, forest);
    CHECK_NEAR(scores[0], 1, 0);
    mem_free(scores);
    forest_free(forest);
    case_free(&c);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_forest_split__is_the_best_for_classes),
        cmocka_unit_test(test_forest_split__is_the_best_for_weighted_classes),
        cmocka_unit_test(test_forest_split__is_the_best_for_many_classes),
        cmocka_unit_test(test_forest_split__is_the_best_for_numbers),
        cmocka_unit_test(test_forest_split__cuts_in_the_middle_of_the_gap),
        cmocka_unit_test(test_forest_split__goes_on_without_gain),
        cmocka_unit_test(test_forest_split__learns_where_missing_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
