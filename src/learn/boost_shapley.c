/* Exact Shapley values of boosted trees, path-dependent (Lundberg, Erion, Lee, "Consistent
 * Individualized Feature Attribution for Tree Ensembles", 2018, equation 2 with the conditional
 * expectation of algorithm 1).
 *
 * A leaf with value v is a product game over the m different features of its path: feature i
 * multiplies by o_i (1 where the row satisfies every condition of the path on i, else 0) when it is
 * known and by z_i (the product of the cover shares of these conditions) when it is not. Its value:
 *
 *   phi_i = v (o_i - z_i) sum_k k! (m-1-k)! / m! c_k,   prod over j != i of (z_j + o_j t) = sum c_k
 * t^k
 *
 * Only the pattern o, one of 2^m, depends on the row. So phi is worked out the first time that a
 * pattern is met in a block of rows and looked up afterwards (the idea of Fast TreeSHAP v2, Yang,
 * "Fast TreeSHAP: Accelerating SHAP Value Computation for Trees", 2021). Paths with more than
 * MEMO_FEATURES features are worked out each time; a value does not depend on which way it came.
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/boost.h"

enum { BLOCK_ROWS = 2048, MEMO_FEATURES = 8 };

/* One feature of a path: what a value must satisfy, and its share of the cover. */
struct clause {
    int32_t feature;
    float low;  /* value >= low */
    float high; /* and not value >= high; NaN = no upper bound */
    int32_t takes_missing;
    double share; /* z */
};

struct path {
    double value;
    int32_t first; /* clause */
    int32_t count; /* of clauses, m */
    int64_t memo;  /* into the block's memo: a flag and m values for each pattern; -1 = none */
};

/* The paths of all trees of one output. */
struct paths {
    int32_t trees;
    int64_t *offsets;        /* owned; (trees + 1) into paths */
    struct path *paths;      /* owned */
    struct clause *clauses;  /* owned; a path's `first` counts from its tree's first clause */
    int64_t *clause_offsets; /* owned; (trees + 1) */
    int64_t memo_max;        /* values that the memo of one tree takes */
    double base;
};

static void free_paths(struct paths *paths) {
    mem_free(paths->offsets);
    mem_free(paths->paths);
    mem_free(paths->clauses);
    mem_free(paths->clause_offsets);
}

/* Add the condition of one step to the open path. */
static void add_condition(struct clause *clauses, int32_t *count, const struct boost_node *node,
                          int goes_left, double share) {
    int32_t i = 0;
    while (i < *count && clauses[i].feature != node->feature) i++;
    struct clause *clause = &clauses[i];
    if (i == *count) {
        *clause = (struct clause){node->feature, -INFINITY, NAN, 1, 1};
        *count += 1;
    }
    if (goes_left && !(node->value >= clause->high)) clause->high = node->value;
    if (!goes_left && node->value > clause->low) clause->low = node->value;
    clause->takes_missing &= node->missing_left == goes_left;
    clause->share *= share;
}

/* Walk down from the root to `leaf` along `parents`; returns the number of clauses. */
static int32_t trace_path(const struct boost_node *tree, const int32_t *parents, int32_t leaf,
                          struct clause *ret_clauses) {
    int32_t steps[BOOST_DEPTH_MAX + 1], depth = 0, count = 0;
    for (int32_t node = leaf; node > 0; node = parents[node]) steps[depth++] = node;
    while (depth > 0) {
        int32_t child = steps[--depth];
        const struct boost_node *node = &tree[parents[child]];
        double left = (double)tree[node->left].cover, right = (double)tree[node->left + 1].cover;
        int goes_left = child == node->left;
        double share = left + right > 0 ? (goes_left ? left : right) / (left + right) : 0.5;
        add_condition(ret_clauses, &count, node, goes_left, share);
    }
    return count;
}

static void trace_tree(const struct boost *boost, int32_t tree_index, int32_t tree_of_output,
                       int32_t *parents, struct paths *paths) {
    const struct boost_node *tree = boost->nodes + boost->offsets[tree_index];
    int32_t nodes = (int32_t)(boost->offsets[tree_index + 1] - boost->offsets[tree_index]);
    int64_t path_at = paths->offsets[tree_of_output], memo = 0;
    int64_t clause_begin = paths->clause_offsets[tree_of_output], clause_at = clause_begin;
    for (int32_t j = 0; j < nodes; ++j) {
        if (tree[j].feature >= 0) {
            parents[tree[j].left] = parents[tree[j].left + 1] = j;
            continue;
        }
        struct clause *clauses = paths->clauses + clause_at;
        int32_t count = trace_path(tree, parents, j, clauses);
        double value = boost->scale * (double)tree[j].value, weight = 1;
        for (int32_t i = 0; i < count; ++i) weight *= clauses[i].share;
        paths->base += value * weight;
        paths->paths[path_at++] = (struct path){.value = value,
                                                .first = (int32_t)(clause_at - clause_begin),
                                                .count = count,
                                                .memo = count <= MEMO_FEATURES ? memo : -1};
        if (count <= MEMO_FEATURES) memo += (int64_t)(count + 1) << count;
        clause_at += count;
    }
    paths->offsets[tree_of_output + 1] = path_at;
    paths->clause_offsets[tree_of_output + 1] = clause_at;
    if (memo > paths->memo_max) paths->memo_max = memo;
}

static kai_status trace_output(const struct boost *boost, int32_t output, struct paths *ret_paths,
                               kai_err *err) {
    struct paths paths = {.trees = boost->trees / boost->outputs, .base = boost->start[output]};
    int64_t leaves = 0, nodes_max = 1;
    for (int32_t t = output; t < boost->trees; t += boost->outputs) {
        int64_t nodes = boost->offsets[t + 1] - boost->offsets[t];
        leaves += (nodes + 1) / 2;
        if (nodes > nodes_max) nodes_max = nodes;
    }
    int32_t depth = boost->depth > 0 ? boost->depth : 1;
    paths.offsets = mem_zero((size_t)paths.trees + 1, sizeof *paths.offsets);
    paths.clause_offsets = mem_zero((size_t)paths.trees + 1, sizeof *paths.clause_offsets);
    paths.paths = mem_array((size_t)leaves, sizeof *paths.paths);
    paths.clauses = mem_array((size_t)leaves, (size_t)depth * sizeof *paths.clauses);
    int32_t *parents = mem_zero((size_t)nodes_max, sizeof *parents);
    kai_status st = KAI_OK;
    if (!paths.offsets || !paths.clause_offsets || !paths.paths || !paths.clauses || !parents)
        st = err_memory(err, leaves * depth * (int64_t)sizeof *paths.clauses);
    for (int32_t t = 0; t < paths.trees && !st; ++t)
        trace_tree(boost, t * boost->outputs + output, t, parents, &paths);
    mem_free(parents);
    if (st) free_paths(&paths);
    if (!st) *ret_paths = paths;
    return st;
}

/* phi of the m clauses of a path under a pattern of satisfied clauses. */
static void solve_pattern(const struct path *path, const struct clause *clauses, uint32_t pattern,
                          double *ret_values) {
    int32_t m = path->count;
    double weights[BOOST_DEPTH_MAX], products[BOOST_DEPTH_MAX];
    weights[0] = 1.0 / m; /* k! (m-1-k)! / m! */
    for (int32_t k = 1; k < m; ++k) weights[k] = weights[k - 1] * k / (m - k);
    for (int32_t i = 0; i < m; ++i) {
        int32_t degree = 0;
        products[0] = 1;
        for (int32_t j = 0; j < m; ++j) {
            if (j == i) continue;
            double share = clauses[j].share;
            double one = pattern >> j & 1;
            products[degree + 1] = products[degree] * one;
            for (int32_t k = degree; k > 0; --k)
                products[k] = products[k] * share + products[k - 1] * one;
            products[0] *= share;
            degree++;
        }
        double sum = 0;
        for (int32_t k = 0; k < m; ++k) sum += weights[k] * products[k];
        ret_values[i] = path->value * ((double)(pattern >> i & 1) - clauses[i].share) * sum;
    }
}

struct attribution {
    const struct paths *paths;
    const struct matrix *features;
    const int64_t *row_ids;
    int64_t row_count;
    double *memos; /* (threads, memo_max) */
    double *values;
};

static uint32_t pattern_of(const struct attribution *work, int64_t row,
                           const struct clause *clauses, int32_t count) {
    uint32_t pattern = 0;
    for (int32_t i = 0; i < count; ++i) {
        float value = matrix_column(work->features, clauses[i].feature)[row];
        int holds = isnan(value) ? clauses[i].takes_missing
                                 : value >= clauses[i].low && !(value >= clauses[i].high);
        pattern |= (uint32_t)holds << i;
    }
    return pattern;
}

static void add_path(const struct attribution *work, const struct path *path,
                     const struct clause *clauses, double *memo, int64_t begin, int64_t end) {
    int32_t width = work->features->columns + 1;
    double scratch[BOOST_DEPTH_MAX];
    for (int64_t r = begin; r < end; ++r) {
        int64_t row = work->row_ids ? work->row_ids[r] : r;
        uint32_t pattern = pattern_of(work, row, clauses, path->count);
        const double *phi = scratch;
        if (memo) { /* a flag, then the values */
            double *slot = memo + (int64_t)pattern * (path->count + 1);
            if (slot[0] == 0) solve_pattern(path, clauses, pattern, slot + 1);
            slot[0] = 1;
            phi = slot + 1;
        } else {
            solve_pattern(path, clauses, pattern, scratch);
        }
        double *values = work->values + r * width;
        for (int32_t i = 0; i < path->count; ++i) values[clauses[i].feature] += phi[i];
    }
}

static kai_status attribute_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    const struct attribution *work = user;
    const struct paths *paths = work->paths;
    double *memo = work->memos + worker * paths->memo_max;
    int32_t width = work->features->columns + 1;
    int64_t begin = item * BLOCK_ROWS, end = begin + BLOCK_ROWS;
    if (end > work->row_count) end = work->row_count;
    memset(work->values + begin * width, 0, (size_t)((end - begin) * width) * sizeof *work->values);
    for (int64_t r = begin; r < end; ++r) work->values[r * width + width - 1] = paths->base;
    for (int32_t t = 0; t < paths->trees; ++t) {
        const struct clause *clauses = paths->clauses + paths->clause_offsets[t];
        memset(memo, 0, (size_t)paths->memo_max * sizeof *memo);
        for (int64_t p = paths->offsets[t]; p < paths->offsets[t + 1]; ++p) {
            const struct path *path = &paths->paths[p];
            if (path->count == 0) continue;
            add_path(work, path, clauses + path->first, path->memo < 0 ? NULL : memo + path->memo,
                     begin, end);
        }
    }
    return KAI_OK;
}

kai_status boost_shapley(const struct boost *boost, const struct matrix *features,
                         const int64_t *row_ids, int64_t row_count, int32_t output,
                         struct pool *pool, double *ret_values, kai_err *err) {
    if (features->columns != boost->columns)
        return err_set(err, KAI_INVALID, "boost: expected %d columns, got %d", boost->columns,
                       features->columns);
    if (output < 0 || output >= boost->outputs)
        return err_set(err, KAI_INVALID, "boost: no output %d", output);
    struct paths paths;
    kai_status st = trace_output(boost, output, &paths, err);
    if (st) return st;
    struct attribution work = {.paths = &paths,
                               .features = features,
                               .row_ids = row_ids,
                               .row_count = row_count,
                               .values = ret_values};
    work.memos = mem_array((size_t)pool_threads(pool), (size_t)paths.memo_max * sizeof(double));
    if (!work.memos) st = err_memory(err, paths.memo_max * (int64_t)sizeof(double));
    int64_t blocks = (row_count + BLOCK_ROWS - 1) / BLOCK_ROWS;
    if (!st) st = pool_run(pool, blocks, attribute_block, &work, err);
    mem_free(work.memos);
    free_paths(&paths);
    return st;
}
