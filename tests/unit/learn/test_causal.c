#include "learn/causal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"
#include "learn/causal_tree.h"

enum { COLUMNS = 5 };

struct world {
    int64_t rows;
    struct matrix *x;
    double *w, *y, *chance, *effect;
};

/* x uniform, confounded by x2, tau = 1 + x0 [x1 > 0.5] x strength; some values are missing. */
static void world_init(struct world *world, int64_t rows, double strength, uint64_t seed) {
    kai_err err = {0};
    *world = (struct world){.rows = rows};
    CHECK_OK(matrix_new(rows, COLUMNS, &world->x, &err), &err);
    double **arrays[] = {&world->w, &world->y, &world->chance, &world->effect};
    for (int a = 0; a < 4; a++) *arrays[a] = mem_zero((size_t)rows, sizeof(double));
    for (int64_t i = 0; i < rows; i++) {
        struct rng rng;
        rng_init(&rng, seed, "causal world", (uint64_t)i);
        for (int c = 0; c < COLUMNS; c++) matrix_column(world->x, c)[i] = (float)rng_unit(&rng);
        double x0 = matrix_column(world->x, 0)[i], x1 = matrix_column(world->x, 1)[i];
        double x2 = matrix_column(world->x, 2)[i];
        world->chance[i] = 0.3 + 0.4 * x2;
        world->effect[i] = 1 + strength * x0 * (x1 > 0.5);
        world->w[i] = rng_unit(&rng) < world->chance[i];
        world->y[i] = 2 * x2 + world->w[i] * world->effect[i] + rng_normal(&rng);
        if (i % 17 == 0) matrix_column(world->x, 4)[i] = NAN;
    }
}

static void world_release(struct world *world) {
    matrix_free(world->x);
    mem_free(world->w);
    mem_free(world->y);
    mem_free(world->chance);
    mem_free(world->effect);
}

static struct causal_data data_of(const struct world *world, int knows_chance) {
    return (struct causal_data){.features = world->x,
                                .treatment = world->w,
                                .outcome = world->y,
                                .chance = knows_chance ? world->chance : NULL,
                                .row_count = world->rows};
}

static struct causal *fit(const struct world *world, struct causal_options options,
                          struct pool *pool, int knows_chance) {
    struct causal *causal = NULL;
    struct causal_data data = data_of(world, knows_chance);
    kai_err err = {0};
    CHECK_OK(causal_fit(&options, &data, pool, NULL, &causal, &err), &err);
    return causal;
}

static struct causal_options options_of(int32_t trees) {
    struct causal_options options;
    causal_options_init(&options);
    options.trees = trees;
    return options;
}

/* ---- a plain reference: trees of pointers, loops over rows, no histograms ---- */

struct plain {
    struct plain *left, *right;
    int32_t column, bin, held;
    double sum[CAUSAL_STATS];
};

/* The rounded pseudo-outcomes, as causal_tree.h defines them. */
static int pseudo(const struct causal_rows *rows, const int32_t *row, int32_t count,
                  double *ret_rho) {
    double w = 0, y = 0, wy = 0, ww = 0, most = 0;
    for (int32_t i = 0; i < count; i++) w += rows->w[row[i]], y += rows->y[row[i]];
    w /= count, y /= count;
    for (int32_t i = 0; i < count; i++) {
        wy += (rows->w[row[i]] - w) * (rows->y[row[i]] - y);
        ww += (rows->w[row[i]] - w) * (rows->w[row[i]] - w);
    }
    if (!(ww > 1e-12 * count)) return 0;
    for (int32_t i = 0; i < count; i++) {
        double dw = rows->w[row[i]] - w;
        ret_rho[i] = dw * (rows->y[row[i]] - y - dw * (wy / ww));
        most = fmax(most, fabs(ret_rho[i]));
    }
    int bits = 1;
    while (1ll << bits <= count) bits++;
    bits = 62 - 2 * bits < CAUSAL_SUM_BITS ? 62 - 2 * bits : CAUSAL_SUM_BITS;
    for (int32_t i = 0; i < count; i++)
        ret_rho[i] = nearbyint(ret_rho[i] * ((double)((1ll << bits) - 1) / most));
    return most > 0;
}

static int32_t cell_of(const struct causal_rows *rows, int32_t row, int32_t column) {
    return rows->bins->codes[(int64_t)row * rows->bins->stride + column] & 63;
}

static struct plain *grow_plain(const struct causal_options *o, const struct causal_rows *rows,
                                int32_t *row, int32_t count) {
    struct plain *node = mem_zero(1, sizeof *node);
    double *rho = mem_zero((size_t)count + 1, sizeof *rho), best = 0, whole = 0;
    int32_t low = 0, high = 0;
    node->column = -1;
    if (count >= 2 * o->leaf_rows_min && pseudo(rows, row, count, rho)) {
        for (int32_t i = 0; i < count; i++) whole += rho[i];
        best = whole * whole / count;
        for (int32_t c = 0; c < COLUMNS; c++)
            for (int32_t cut = 0; cut < 63; cut++) {
                double sum = 0;
                int32_t n = 0, is_here = 0, next = 64;
                for (int32_t i = 0; i < count; i++) {
                    int32_t cell = cell_of(rows, row[i], c);
                    is_here |= cell == cut;
                    if (cell > cut && cell < next) next = cell;
                    if (cell > cut) continue;
                    sum += rho[i];
                    n++;
                }
                double least = fmax(ceil(o->balance * count), o->leaf_rows_min);
                if (!is_here || n < least || count - n < least) continue;
                double gain =
                    sum * sum * (1.0 / n) + (whole - sum) * (whole - sum) * (1.0 / (count - n));
                if (gain > best) best = gain, node->column = c, low = cut, high = next;
            }
    }
    mem_free(rho);
    if (node->column < 0) return node;
    node->bin = high == 63 ? 62 : forest_bins_cut(rows->bins, node->column, low, high);
    int32_t *side = mem_array((size_t)count, sizeof *side), left = 0, right = 0;
    for (int32_t i = 0; i < count; i++)
        if (cell_of(rows, row[i], node->column) <= node->bin)
            row[left++] = row[i];
        else
            side[right++] = row[i];
    memcpy(row + left, side, (size_t)right * sizeof *row);
    mem_free(side);
    node->left = grow_plain(o, rows, row, left);
    node->right = grow_plain(o, rows, row + left, right);
    return node;
}

static struct plain *leaf_of(struct plain *node, const struct causal_rows *rows, int32_t row) {
    while (node->left)
        node = cell_of(rows, row, node->column) <= node->bin ? node->left : node->right;
    return node;
}

static void free_plain(struct plain *node) {
    if (!node) return;
    free_plain(node->left);
    free_plain(node->right);
    mem_free(node);
}

static void prune_plain(struct plain *node) {
    if (!node->left) return;
    prune_plain(node->left);
    prune_plain(node->right);
    node->held = node->left->held + node->right->held;
    for (int k = 0; k < CAUSAL_STATS; k++) node->sum[k] = node->left->sum[k] + node->right->sum[k];
    if (node->left->held && node->right->held) return;
    free_plain(node->left);
    free_plain(node->right);
    node->left = node->right = NULL;
}

/* The forest's trees against plain ones: the same leaf means for every row, up to rounding. */
static void compare_with_plain(int64_t n, int32_t trees) {
    struct world world;
    world_init(&world, n, 2, 3);
    struct causal_options options = options_of(trees);
    options.sample_share = 0.3;
    options.leaf_rows_min = 5;
    struct causal *causal = fit(&world, options, NULL, 1);
    float *w = mem_array((size_t)n, sizeof *w), *y = mem_array((size_t)n, sizeof *y);
    for (int64_t i = 0; i < n; i++) {
        w[i] = (float)causal_treatment(causal)[i];
        y[i] = (float)causal_outcome(causal)[i];
    }
    struct forest_bins *bins = NULL;
    struct causal_grower *grower = NULL;
    kai_err err = {0};
    CHECK_OK(forest_bins_new(world.x, NULL, n, CAUSAL_BINS, NULL, &bins, &err), &err);
    struct causal_rows rows = {bins, w, y};
    CHECK_OK(causal_grower_new(&options, &rows, &grower, &err), &err);
    double(*sum)[CAUSAL_STATS] = mem_zero((size_t)n, sizeof *sum);
    double *bags = mem_zero((size_t)n, sizeof *bags);
    for (int64_t t = 0; t < trees; t++) {
        const int32_t *structure = NULL, *estimate = NULL;
        int32_t count = 0, estimates = 0;
        causal_grower_sample(grower, t, &structure, &count, &estimate, &estimates);
        int32_t *row = mem_array((size_t)count, sizeof *row);
        memcpy(row, structure, (size_t)count * sizeof *row);
        struct plain *root = grow_plain(&options, &rows, row, count);
        for (int32_t i = 0; i < estimates; i++) {
            struct plain *leaf = leaf_of(root, &rows, estimate[i]);
            double wi = w[estimate[i]], yi = y[estimate[i]];
            const double terms[CAUSAL_STATS] = {wi * yi, wi * wi, wi, yi};
            for (int k = 0; k < CAUSAL_STATS; k++) leaf->sum[k] += terms[k];
            leaf->held++;
        }
        prune_plain(root);
        for (int64_t i = 0; i < n; i++) {
            if (causal_half(options.seed, t / 2, i / 64) >> (i % 64) & 1) continue;
            struct plain *leaf = leaf_of(root, &rows, (int32_t)i);
            for (int k = 0; k < CAUSAL_STATS; k++) sum[i][k] += leaf->sum[k] / leaf->held;
            bags[i]++;
        }
        free_plain(root);
        mem_free(row);
    }
    for (int64_t i = 0; i < n; i++) {
        if (bags[i] == 0) continue;
        for (int k = 0; k < CAUSAL_STATS; k++) sum[i][k] /= bags[i];
        double effect = (sum[i][0] - sum[i][2] * sum[i][3]) / (sum[i][1] - sum[i][2] * sum[i][2]);
        CHECK_NEAR(causal_effect(causal)[i], effect, 1e-9);
    }
    mem_free(sum);
    mem_free(bags);
    mem_free(w);
    mem_free(y);
    causal_grower_free(grower);
    forest_bins_free(bins);
    causal_free(causal);
    world_release(&world);
}

static void test_causal__equals_the_plain_reference(void **state) {
    (void)state;
    compare_with_plain(3000, 20);
    compare_with_plain(20000, 4);
}

/* The variance that one fit states against the spread of independent fits: about it, and rather
 * above (a variance cannot be negative, so noise in it pushes up). */
static void test_causal__variance_is_that_of_repeated_experiments(void **state) {
    (void)state;
    enum { REPEATS = 25, N = 800, PROBES = 20 };
    struct world probe;
    world_init(&probe, PROBES, 0, 99);
    double sum[PROBES] = {0}, squares[PROBES] = {0}, said[PROBES] = {0};
    kai_err err = {0};
    for (int r = 0; r < REPEATS; r++) {
        struct world world;
        world_init(&world, N, 2, 100 + (uint64_t)r);
        struct causal_options options = options_of(2000);
        options.sample_share = 0.25;
        struct causal *causal = fit(&world, options, NULL, 1);
        double effect[PROBES], variance[PROBES];
        CHECK_OK(causal_predict(causal, probe.x, NULL, PROBES, NULL, effect, variance, &err), &err);
        for (int p = 0; p < PROBES; p++) {
            sum[p] += effect[p];
            squares[p] += effect[p] * effect[p];
            said[p] += variance[p] / REPEATS;
        }
        causal_free(causal);
        world_release(&world);
    }
    double ratio = 0;
    for (int p = 0; p < PROBES; p++) {
        double true_variance = (squares[p] - sum[p] * sum[p] / REPEATS) / (REPEATS - 1);
        ratio += said[p] / true_variance / PROBES;
    }
    assert_true(ratio > 0.8 && ratio < 1.8);
    world_release(&probe);
}

static void test_causal__finds_effects_through_confounding(void **state) {
    (void)state;
    struct world world, fresh;
    world_init(&world, 20000, 2, 1);
    world_init(&fresh, 2000, 2, 2);
    struct causal *causal = fit(&world, options_of(500), NULL, 0);
    double *effect = mem_array(2000, sizeof *effect), *variance = mem_array(2000, sizeof *variance);
    kai_err err = {0};
    CHECK_OK(causal_predict(causal, fresh.x, NULL, 2000, NULL, effect, variance, &err), &err);
    double miss = 0, spread = 0, mean = 0, covered = 0, truth = 0;
    for (int i = 0; i < 2000; i++) mean += fresh.effect[i] / 2000;
    for (int i = 0; i < 2000; i++) {
        double d = effect[i] - fresh.effect[i];
        miss += d * d;
        spread += (fresh.effect[i] - mean) * (fresh.effect[i] - mean);
        covered += fabs(d) < 1.96 * sqrt(variance[i]);
    }
    assert_true(miss < 0.1 * spread);
    assert_true(covered > 0.9 * 2000);
    double average = 0, error = 0;
    causal_average(causal, &average, &error);
    for (int64_t i = 0; i < world.rows; i++) truth += world.effect[i] / (double)world.rows;
    CHECK_NEAR(average, truth, 4 * error);
    assert_true(error > 0.005 && error < 0.03);
    mem_free(effect);
    mem_free(variance);
    causal_free(causal);
    world_release(&world);
    world_release(&fresh);
}

static void test_causal__does_not_depend_on_threads(void **state) {
    (void)state;
    struct world world;
    struct pool *pool = NULL;
    kai_err err = {0};
    world_init(&world, 3000, 1, 5);
    CHECK_OK(pool_new(3, &pool, &err), &err);
    struct causal *one = fit(&world, options_of(50), NULL, 0);
    struct causal *three = fit(&world, options_of(50), pool, 0);
    assert_memory_equal(causal_effect(one), causal_effect(three), 3000 * sizeof(double));
    assert_memory_equal(causal_variance(one), causal_variance(three), 3000 * sizeof(double));
    causal_free(one);
    causal_free(three);
    pool_free(pool);
    world_release(&world);
}

static void test_causal__refuses_what_it_cannot_learn_from(void **state) {
    (void)state;
    struct world world;
    world_init(&world, 200, 1, 5);
    struct causal_data data = data_of(&world, 0);
    struct causal_options options = options_of(10);
    struct causal *causal = NULL;
    kai_err err = {0};
    options.trees = 5;
    CHECK_FAILS(causal_fit(&options, &data, NULL, NULL, &causal, &err), &err, KAI_INVALID, "even");
    options.trees = 10;
    data.row_count = 50;
    CHECK_FAILS(causal_fit(&options, &data, NULL, NULL, &causal, &err), &err, KAI_INVALID, "rows");
    data.row_count = 200;
    world.y[7] = INFINITY;
    CHECK_FAILS(causal_fit(&options, &data, NULL, NULL, &causal, &err), &err, KAI_INVALID, "row 8");
    for (int i = 0; i < 200; i++) world.y[i] = 3;
    CHECK_FAILS(causal_fit(&options, &data, NULL, NULL, &causal, &err), &err, KAI_INVALID,
                "outcome is the same");
    world.y[0] = 1;
    for (int i = 0; i < 200; i++) world.w[i] = 1;
    CHECK_FAILS(causal_fit(&options, &data, NULL, NULL, &causal, &err), &err, KAI_INVALID,
                "treatment is the same");
    assert_null(causal);
    world_release(&world);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_causal__equals_the_plain_reference),
        cmocka_unit_test(test_causal__variance_is_that_of_repeated_experiments),
        cmocka_unit_test(test_causal__finds_effects_through_confounding),
        cmocka_unit_test(test_causal__does_not_depend_on_threads),
        cmocka_unit_test(test_causal__refuses_what_it_cannot_learn_from),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
