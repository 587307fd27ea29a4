/* Path-dependent TreeSHAP, algorithm 2 of Lundberg, Erion, Lee (2018).
 *
 * Going down a tree, the path keeps for each distinct column on it the share of training weight
 * that flows on when the column is unknown (`zero`), whether the row itself flows on (`one`), and
 * in `weight` the sum over all subsets of the path's columns of each size of the products of those
 * shares, times the Shapley weight of the size. Extending and unwinding a path by one column takes
 * time linear in its length, so that a leaf costs the square of its depth instead of 2^columns.
 * Shares are the covers of the two children over their sum, in the base value too, so that the
 * values add up to the score to rounding.
 */
#include <math.h>

#include "base/alloc.h"
#include "learn/forest_tree.h"

enum { BLOCK_ROWS = 8 };

struct path_step {
    int32_t column; /* -1 = the root's empty step */
    double zero, one, weight;
};

struct shapley {
    const struct forest *forest;
    const struct matrix *features;
    const int64_t *row_ids;
    int64_t row_count;
    int32_t output;
    double base;
    size_t path_steps;       /* of one worker */
    struct path_step *paths; /* owned; (threads, path_steps) */
    float *rows;             /* owned; (threads, columns) */
    double *values;          /* (row_count, columns + 1) */
};

struct descent {
    const struct shapley *job;
    const struct forest_tree *tree;
    const float *row;
    double *values; /* (columns + 1) */
};

static void extend(struct path_step *path, int32_t length, double zero, double one,
                   int32_t column) {
    path[length] = (struct path_step){column, zero, one, length == 0 ? 1.0 : 0.0};
    for (int32_t i = length - 1; i >= 0; i--) {
        path[i + 1].weight += one * path[i].weight * (i + 1) / (length + 1);
        path[i].weight = zero * path[i].weight * (length - i) / (length + 1);
    }
}

/* Take step `index` out of a path whose last step is `last`. */
static void unwind(struct path_step *path, int32_t last, int32_t index) {
    double one = path[index].one, zero = path[index].zero;
    double next = path[last].weight;
    for (int32_t i = last - 1; i >= 0; i--) {
        if (one != 0) {
            double kept = path[i].weight;
            path[i].weight = next * (last + 1) / ((i + 1) * one);
            next = kept - path[i].weight * zero * (last - i) / (last + 1);
        } else {
            path[i].weight = path[i].weight * (last + 1) / (zero * (last - i));
        }
    }
    for (int32_t i = index; i < last; i++) {
        path[i].column = path[i + 1].column;
        path[i].zero = path[i + 1].zero;
        path[i].one = path[i + 1].one;
    }
}

/* Sum of the weights that unwinding step `index` would leave. */
static double unwound_sum(const struct path_step *path, int32_t last, int32_t index) {
    double one = path[index].one, zero = path[index].zero;
    double next = path[last].weight, total = 0;
    for (int32_t i = last - 1; i >= 0; i--) {
        if (one != 0) {
            double weight = next * (last + 1) / ((i + 1) * one);
            total += weight;
            next = path[i].weight - weight * zero * (last - i) / (last + 1);
        } else {
            total += path[i].weight * (last + 1) / (zero * (last - i));
        }
    }
    return total;
}

static double leaf_value(const struct descent *descent, const struct forest_node *leaf) {
    return forest_leaf_value(descent->job->forest, descent->tree, leaf, descent->job->output);
}

/* `parent` holds `length` steps; the copy for this node stands behind it. Recursion is bounded by
 * FOREST_DEPTH_MAX. */
static void descend(const struct descent *descent, uint32_t at, const struct path_step *parent,
                    struct path_step *path, int32_t length, double zero, double one,
                    int32_t column) {
    const struct forest_node *nodes = descent->tree->nodes, *node = &nodes[at];
    for (int32_t i = 0; i < length; i++) path[i] = parent[i];
    extend(path, length, zero, one, column);
    if (!node->child) {
        double value = leaf_value(descent, node);
        for (int32_t i = 1; i <= length; i++)
            descent->values[path[i].column] +=
                unwound_sum(path, length, i) * (path[i].one - path[i].zero) * value;
        return;
    }
    int32_t split = (int32_t)(node->column & FOREST_COLUMN_MASK);
    uint32_t hot = node->child + forest_goes_right(node, descent->row[split]);
    uint32_t cold = hot == node->child ? node->child + 1 : node->child;
    double cover = (double)nodes[hot].cover + (double)nodes[cold].cover;
    double zero_before = 1, one_before = 1;
    int32_t last = length;
    for (int32_t i = 1; i <= length; i++) {
        if (path[i].column != split) continue;
        zero_before = path[i].zero;
        one_before = path[i].one;
        unwind(path, last--, i);
        break;
    }
    descend(descent, hot, path, path + length + 1, last + 1,
            zero_before * (double)nodes[hot].cover / cover, one_before, split);
    descend(descent, cold, path, path + length + 1, last + 1,
            zero_before * (double)nodes[cold].cover / cover, 0, split);
}

static kai_status explain_rows(void *user, int64_t item, int32_t worker, kai_err *err) {
    const struct shapley *job = user;
    (void)err;
    int32_t columns = job->forest->columns;
    float *row = job->rows + (int64_t)worker * columns;
    struct path_step *path = job->paths + (size_t)worker * job->path_steps;
    int64_t end =
        (item + 1) * BLOCK_ROWS < job->row_count ? (item + 1) * BLOCK_ROWS : job->row_count;
    for (int64_t i = item * BLOCK_ROWS; i < end; i++) {
        int64_t id = job->row_ids ? job->row_ids[i] : i;
        double *values = job->values + i * (columns + 1);
        for (int32_t c = 0; c < columns; c++) row[c] = matrix_column(job->features, c)[id];
        memset(values, 0, (size_t)columns * sizeof *values);
        for (int32_t t = 0; t < job->forest->tree_count; t++) {
            struct descent descent = {job, &job->forest->trees[t], row, values};
            descend(&descent, 0, NULL, path, 0, 1, 1, -1);
        }
        for (int32_t c = 0; c < columns; c++) values[c] /= job->forest->tree_count;
        values[columns] = job->base;
    }
    return KAI_OK;
}

/* Mean of the tree's leaves by cover, from the last node back, children before parents. */
static double expected_value(const struct shapley *job, const struct forest_tree *tree,
                             double *expected) {
    for (uint32_t at = tree->node_count; at-- > 0;) {
        const struct forest_node *node = &tree->nodes[at];
        if (!node->child) {
            expected[at] = forest_leaf_value(job->forest, tree, node, job->output);
            continue;
        }
        double left = tree->nodes[node->child].cover, right = tree->nodes[node->child + 1].cover;
        expected[at] =
            (left * expected[node->child] + right * expected[node->child + 1]) / (left + right);
    }
    return expected[0];
}

static kai_status base_value(struct shapley *job, kai_err *err) {
    size_t nodes = 0;
    const struct forest *forest = job->forest;
    for (int32_t t = 0; t < forest->tree_count; t++) {
        if (forest->trees[t].node_count > nodes) nodes = forest->trees[t].node_count;
    }
    double *expected = mem_array(nodes, sizeof *expected);
    if (!expected) return err_memory(err, (int64_t)(nodes * sizeof *expected));
    for (int32_t t = 0; t < forest->tree_count; t++)
        job->base += expected_value(job, &forest->trees[t], expected);
    job->base /= forest->tree_count;
    mem_free(expected);
    return KAI_OK;
}

kai_status forest_shapley(const struct forest *forest, const struct matrix *features,
                          const int64_t *row_ids, int64_t row_count, int32_t output,
                          struct pool *pool, double *ret_values, kai_err *err) {
    if (features->columns != forest->columns)
        return err_set(err, KAI_INVALID, "forest: %d columns given, %d learned", features->columns,
                       forest->columns);
    if (output < 0 || output >= forest->outputs)
        return err_set(err, KAI_INVALID, "forest: output %d: expected 0 to %d", output,
                       forest->outputs - 1);
    struct shapley job = {.forest = forest,
                          .features = features,
                          .row_ids = row_ids,
                          .row_count = row_count,
                          .output = output,
                          .values = ret_values};
    size_t depth = 0, threads = (size_t)pool_threads(pool);
    for (int32_t t = 0; t < forest->tree_count; t++) {
        if ((size_t)forest->trees[t].depth > depth) depth = (size_t)forest->trees[t].depth;
    }
    job.path_steps = (depth + 2) * (depth + 3) / 2;
    job.paths = mem_array(threads, job.path_steps * sizeof *job.paths);
    job.rows = mem_array(threads, (size_t)forest->columns * sizeof *job.rows);
    kai_status st = KAI_OK;
    if (!job.paths || !job.rows)
        st = err_memory(err, (int64_t)(threads * job.path_steps * sizeof *job.paths));
    if (!st) st = base_value(&job, err);
    int64_t blocks = (row_count + BLOCK_ROWS - 1) / BLOCK_ROWS;
    if (!st) st = pool_run(pool, blocks, explain_rows, &job, err);
    mem_free(job.paths);
    mem_free(job.rows);
    return st;
}
