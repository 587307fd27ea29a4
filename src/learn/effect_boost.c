/* One tree: draw rows and columns, and level by level sum residuals and weights into cells of
 * (node, column, bin), split each node where the ridged gain is highest, and move the rows down.
 * Then every row, drawn or not, gets its leaf; the rows not drawn tell whether the tree helped. */
#include "learn/effect_boost.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"

enum {
    CELLS = EFFECT_BOOST_BINS + 1,
    NODES_MAX = 1 << (EFFECT_BOOST_DEPTH_MAX - 1),
    PATIENCE = 30
};

/* What subtraction leaves of an empty cell, as a share of the node. */
static const double WEIGHT_NOISE = 1e-9;

struct cell {
    double residual, weight;
};

struct growth {
    const struct effect_boost_options *options;
    const struct effect_boost_data *data;
    int32_t columns; /* with indicators */
    double lambda;
    double gain_min;          /* of this tree's splits */
    double lambda_unit;       /* mean weight of a row */
    float *residual;          /* owned; (count) weighted residual is made on the fly */
    uint8_t *is_drawn;        /* owned; (count) */
    int32_t *drawn;           /* owned; (count) indices of drawn rows */
    uint8_t *node;            /* owned; (count) node within the level */
    int32_t *tried;           /* owned; (columns) */
    struct cell *cells;       /* owned; (nodes, columns, CELLS), of this level */
    struct cell *spare_cells; /* owned; of the level above */
    int64_t drawn_count;
    int32_t tried_count, tried_plain; /* columns to try; those that are features come first */
};

struct split {
    double gain;
    int32_t feature;
    int bin, missing_left;
};

static int code_of(const struct effect_boost_data *data, int64_t position, int32_t feature) {
    const struct forest_bins *bins = data->bins;
    if (feature >= bins->columns) return data->arm[position] == feature - bins->columns + 1;
    return bins->codes[position * bins->stride + feature] & (CELLS - 1);
}

static double row_weight(const struct growth *growth, int64_t i) {
    return growth->data->weight ? (double)growth->data->weight[i] : 1.0;
}

/* ---- one tree ---- */

static void draw_sample(struct growth *growth, struct rng *rng) {
    const struct effect_boost_options *options = growth->options;
    uint32_t bar =
        options->row_share >= 1 ? UINT32_MAX : (uint32_t)(options->row_share * (double)UINT32_MAX);
    growth->drawn_count = 0;
    for (int64_t i = 0; i < growth->data->count; i++) {
        growth->is_drawn[i] = rng_u32(rng) <= bar;
        if (growth->is_drawn[i]) growth->drawn[growth->drawn_count++] = (int32_t)i;
    }
    growth->tried_count = 0;
    while (growth->tried_count == 0)
        for (int32_t c = 0; c < growth->columns; c++)
            if (c >= growth->data->bins->columns || rng_unit(rng) < options->column_share)
                growth->tried[growth->tried_count++] = c;
    growth->tried_plain = 0;
    for (int32_t t = 0; t < growth->tried_count; t++)
        growth->tried_plain += growth->tried[t] < growth->data->bins->columns;
}

/* The cells of one level. The rows of a node's smaller child are added up; its sibling is what
 * the parent has more. */
static void fill_cells(struct growth *growth, int level) {
    const struct forest_bins *bins = growth->data->bins;
    const int32_t *tried = growth->tried, plain = growth->tried_plain;
    size_t node_cells = (size_t)growth->tried_count * CELLS;
    int64_t rows[2 * NODES_MAX] = {0};
    uint8_t is_smaller[2 * NODES_MAX] = {0};
    struct cell *parents = growth->cells;
    growth->cells = growth->spare_cells;
    growth->spare_cells = parents;
    for (int64_t d = 0; d < growth->drawn_count; d++) rows[growth->node[growth->drawn[d]]]++;
    for (int n = 0; n < 1 << level; n++) {
        is_smaller[n] =
            level == 0 || rows[n] < rows[n ^ 1] || (rows[n] == rows[n ^ 1] && n % 2 == 0);
        if (is_smaller[n])
            memset(growth->cells + (size_t)n * node_cells, 0, node_cells * sizeof(struct cell));
    }
    for (int64_t d = 0; d < growth->drawn_count; d++) {
        int32_t i = growth->drawn[d], n = growth->node[i];
        if (!is_smaller[n]) continue;
        struct cell *cells = growth->cells + (size_t)n * node_cells;
        double weight = row_weight(growth, i);
        double residual = weight * (double)growth->residual[i];
        int64_t position = growth->data->positions[i];
        const uint8_t *codes = bins->codes + position * bins->stride;
        for (int32_t t = 0; t < growth->tried_count; t++, cells += CELLS) {
            int code = t < plain ? codes[tried[t]] & (CELLS - 1)
                                 : code_of(growth->data, position, tried[t]);
            cells[code].residual += residual;
            cells[code].weight += weight;
        }
    }
    for (int n = 0; n < 1 << level; n++) {
        if (is_smaller[n]) continue;
        struct cell *cells = growth->cells + (size_t)n * node_cells;
        const struct cell *sibling = growth->cells + (size_t)(n ^ 1) * node_cells;
        const struct cell *parent = parents + (size_t)(n / 2) * node_cells;
        for (size_t c = 0; c < node_cells; c++) {
            cells[c].residual = parent[c].residual - sibling[c].residual;
            cells[c].weight = parent[c].weight - sibling[c].weight;
        }
    }
}

static double score(double residual, double weight, double lambda) {
    return residual * residual / (weight + lambda);
}

static void try_column(const struct growth *growth, const struct cell *cells, int32_t feature,
                       struct split *best) {
    double lambda = growth->lambda, least = growth->options->leaf_rows_min;
    struct cell total = {0, 0}, missing = cells[CELLS - 1];
    for (int b = 0; b < CELLS; b++) {
        total.residual += cells[b].residual;
        total.weight += cells[b].weight;
    }
    double whole = score(total.residual, total.weight, lambda);
    struct cell left = {0, 0};
    for (int b = 0; b < CELLS - 2; b++) {
        left.residual += cells[b].residual;
        left.weight += cells[b].weight;
        if (cells[b].weight <= WEIGHT_NOISE * total.weight) continue;
        for (int m = 0; m < (missing.weight > WEIGHT_NOISE * total.weight ? 2 : 1); m++) {
            double residual = left.residual + (m ? missing.residual : 0);
            double weight = left.weight + (m ? missing.weight : 0);
            if (weight < least || total.weight - weight < least) continue;
            double gain = score(residual, weight, lambda) +
                          score(total.residual - residual, total.weight - weight, lambda) - whole;
            if (gain > best->gain) *best = (struct split){gain, feature, b, m};
        }
    }
}

static void split_level(struct growth *growth, struct effect_boost_tree *tree, int level) {
    const struct forest_bins *bins = growth->data->bins;
    size_t node_cells = (size_t)growth->tried_count * CELLS;
    fill_cells(growth, level);
    for (int n = 0; n < 1 << level; n++) {
        struct split best = {growth->gain_min, -1, 0, 1};
        for (int32_t t = 0; t < growth->tried_count; t++)
            try_column(growth, growth->cells + (size_t)n * node_cells + (size_t)t * CELLS,
                       growth->tried[t], &best);
        struct effect_tree_node *node = &tree->split[(1 << level) - 1 + n];
        node->feature = best.feature;
        node->bin = (uint8_t)best.bin;
        node->missing_left = (uint8_t)best.missing_left;
        node->threshold = 0.5f;
        if (best.feature >= 0 && best.feature < bins->columns)
            node->threshold = bins->edges[(int64_t)best.feature * FOREST_CELLS + best.bin];
    }
    for (int64_t i = 0; i < growth->data->count; i++) {
        const struct effect_tree_node *node = &tree->split[(1 << level) - 1 + growth->node[i]];
        int right = 0;
        if (node->feature >= 0) {
            int code = code_of(growth->data, growth->data->positions[i], node->feature);
            right = code == CELLS - 1 ? !node->missing_left : code > node->bin;
        }
        growth->node[i] = (uint8_t)(2 * growth->node[i] + right);
    }
}

/* Mean weight x mean squared residual of the drawn rows: the gain of a split by chance is about
 * this times a chi-square of one degree. */
static double drawn_variance(const struct growth *growth) {
    double square = 0;
    for (int64_t d = 0; d < growth->drawn_count; d++) {
        int32_t i = growth->drawn[d];
        double weighted = row_weight(growth, i) * (double)growth->residual[i];
        square += weighted * weighted;
    }
    return growth->drawn_count > 0 && growth->lambda_unit > 0
               ? square / (double)growth->drawn_count / growth->lambda_unit
               : 0;
}

/* Grow a tree and take its step; returns the loss it saves on the rows that it did not see. */
static double grow_tree(struct growth *growth, struct effect_boost_tree *tree, struct rng *rng) {
    const struct effect_boost_options *options = growth->options;
    struct cell leaf[EFFECT_BOOST_LEAVES] = {{0, 0}};
    double saved = 0;
    memset(tree, 0, sizeof *tree);
    memset(growth->node, 0, (size_t)growth->data->count);
    draw_sample(growth, rng);
    growth->gain_min = options->gain_min * drawn_variance(growth) + 1e-12;
    for (int level = 0; level < options->depth; level++) split_level(growth, tree, level);
    for (int64_t d = 0; d < growth->drawn_count; d++) {
        int32_t i = growth->drawn[d];
        double weight = row_weight(growth, i);
        leaf[growth->node[i]].residual += weight * (double)growth->residual[i];
        leaf[growth->node[i]].weight += weight;
    }
    for (int l = 0; l < 1 << options->depth; l++)
        tree->leaf[l] =
            (float)(options->rate * leaf[l].residual / (leaf[l].weight + growth->lambda));
    for (int64_t i = 0; i < growth->data->count; i++) {
        double step = (double)tree->leaf[growth->node[i]], r = (double)growth->residual[i];
        if (!growth->is_drawn[i]) saved += row_weight(growth, i) * step * (2 * r - step);
        growth->residual[i] = (float)(r - step);
    }
    return saved;
}

/* ---- the ensemble ---- */

static void release(struct growth *growth) {
    mem_free(growth->residual);
    mem_free(growth->is_drawn);
    mem_free(growth->drawn);
    mem_free(growth->node);
    mem_free(growth->tried);
    mem_free(growth->cells);
    mem_free(growth->spare_cells);
}

static kai_status reserve(struct growth *growth, kai_err *err) {
    size_t rows = (size_t)growth->data->count, columns = (size_t)growth->columns;
    growth->residual = mem_array(rows, sizeof *growth->residual);
    growth->is_drawn = mem_array(rows, 1);
    growth->drawn = mem_array(rows, sizeof *growth->drawn);
    growth->node = mem_array(rows, 1);
    growth->tried = mem_array(columns, sizeof *growth->tried);
    growth->cells = mem_array(NODES_MAX * columns * CELLS, sizeof *growth->cells);
    growth->spare_cells = mem_array(NODES_MAX * columns * CELLS, sizeof *growth->cells);
    if (!growth->residual || !growth->is_drawn || !growth->drawn || !growth->node ||
        !growth->tried || !growth->cells || !growth->spare_cells)
        return err_memory(err, (int64_t)(rows * 10 + NODES_MAX * columns * CELLS * 32));
    return KAI_OK;
}

/* Residuals from the weighted mean; returns the mean, and the mean weight. */
static double begin(struct growth *growth, double *ret_mean_weight) {
    const struct effect_boost_data *data = growth->data;
    double sum = 0, weight = 0;
    for (int64_t i = 0; i < data->count; i++) {
        sum += row_weight(growth, i) * (double)data->target[i];
        weight += row_weight(growth, i);
    }
    double mean = weight > 0 ? sum / weight : 0;
    for (int64_t i = 0; i < data->count; i++)
        growth->residual[i] = (float)((double)data->target[i] - mean);
    *ret_mean_weight = data->count > 0 ? weight / (double)data->count : 1;
    return mean;
}

static void grow_trees(struct growth *growth, struct effect_boost *boost) {
    const struct effect_boost_options *options = growth->options;
    double saved = 0, saved_best = 0;
    int32_t best = 0;
    struct rng rng;
    rng_init(&rng, options->seed, options->purpose, options->index);
    int is_open = growth->columns > 0;
    for (int32_t t = 0; t < options->rounds_max && is_open; t++) {
        saved += grow_tree(growth, &boost->tree[t], &rng);
        if (saved > saved_best) {
            saved_best = saved;
            best = t + 1;
        }
        if (t + 1 <= options->rounds_min) best = t + 1;
        is_open = t + 1 - best < PATIENCE;
    }
    boost->trees = best;
}

kai_status effect_boost_fit(const struct effect_boost_options *options,
                            const struct effect_boost_data *data, struct effect_boost **ret_boost,
                            kai_err *err) {
    struct growth growth = {.options = options, .data = data};
    growth.columns = data->bins->columns + data->arms;
    KAI_ASSERT(options->depth >= 1 && options->depth <= EFFECT_BOOST_DEPTH_MAX);
    KAI_ASSERT(options->rounds_max <= EFFECT_BOOST_ROUNDS_MAX);
    kai_status st = reserve(&growth, err);
    struct effect_boost *boost = mem_zero(1, sizeof *boost);
    if (boost) boost->tree = mem_array((size_t)options->rounds_max, sizeof *boost->tree);
    if (!st && (!boost || !boost->tree))
        st = err_memory(err, options->rounds_max * (int64_t)sizeof *boost->tree);
    if (!st) {
        double mean_weight = 1;
        boost->columns = data->bins->columns;
        boost->arms = data->arms;
        boost->depth = options->depth;
        boost->start = begin(&growth, &mean_weight);
        growth.lambda = options->lambda * mean_weight;
        growth.lambda_unit = mean_weight;
        grow_trees(&growth, boost);
        struct effect_boost_tree *tree =
            mem_resize(boost->tree, (size_t)(boost->trees ? boost->trees : 1), sizeof *tree);
        if (tree) boost->tree = tree;
        *ret_boost = boost;
    } else {
        effect_boost_free(boost);
    }
    release(&growth);
    return st;
}

void effect_boost_free(struct effect_boost *boost) {
    if (!boost) return;
    mem_free(boost->tree);
    mem_free(boost);
}

double effect_boost_at_bins(const struct effect_boost *boost, const struct forest_bins *bins,
                            int64_t position, int32_t arm) {
    const uint8_t *codes = bins->codes + position * bins->stride;
    double sum = boost->start;
    for (int32_t t = 0; t < boost->trees; t++) {
        const struct effect_boost_tree *tree = &boost->tree[t];
        int at = 0;
        for (int level = 0; level < boost->depth; level++) {
            const struct effect_tree_node *node = &tree->split[at];
            int right = 0;
            if (node->feature >= boost->columns) {
                right = arm == node->feature - boost->columns + 1;
            } else if (node->feature >= 0) {
                int code = codes[node->feature];
                right = code == FOREST_BIN_MISSING ? !node->missing_left : code > node->bin;
            }
            at = 2 * at + 1 + right;
        }
        sum += (double)tree->leaf[at - ((1 << boost->depth) - 1)];
    }
    return sum;
}

double effect_boost_at(const struct effect_boost *boost, const struct matrix *features, int64_t row,
                       int32_t arm) {
    double sum = boost->start;
    for (int32_t t = 0; t < boost->trees; t++) {
        const struct effect_boost_tree *tree = &boost->tree[t];
        int at = 0;
        for (int level = 0; level < boost->depth; level++) {
            const struct effect_tree_node *node = &tree->split[at];
            int right = 0;
            if (node->feature >= boost->columns) {
                right = arm == node->feature - boost->columns + 1;
            } else if (node->feature >= 0) {
                float value = matrix_column(features, node->feature)[row];
                right = isnan(value) ? !node->missing_left : value > node->threshold;
            }
            at = 2 * at + 1 + right;
        }
        sum += (double)tree->leaf[at - ((1 << boost->depth) - 1)];
    }
    return sum;
}

/* ---- bytes ---- */

void effect_boost_save(const struct effect_boost *boost, struct bytes_writer *writer) {
    bytes_put_i32(writer, boost->columns);
    bytes_put_i32(writer, boost->arms);
    bytes_put_i32(writer, boost->depth);
    bytes_put_f64(writer, boost->start);
    bytes_put_i64(writer, boost->trees);
    for (int32_t t = 0; t < boost->trees; t++) {
        const struct effect_boost_tree *tree = &boost->tree[t];
        for (int i = 0; i < (1 << boost->depth) - 1; i++) {
            bytes_put_i32(writer, tree->split[i].feature);
            bytes_put_f32(writer, tree->split[i].threshold);
            bytes_put_u8(writer, tree->split[i].missing_left);
        }
        bytes_put_f32s(writer, tree->leaf, 1 << boost->depth);
    }
}

static void load_tree(struct bytes_reader *reader, const struct effect_boost *boost,
                      struct effect_boost_tree *tree) {
    for (int i = 0; i < (1 << boost->depth) - 1; i++) {
        struct effect_tree_node *node = &tree->split[i];
        node->feature = bytes_get_i32(reader);
        node->threshold = bytes_get_f32(reader);
        node->missing_left = bytes_get_u8(reader);
        if (node->feature < -1 || node->feature >= boost->columns + boost->arms ||
            isnan(node->threshold) || node->missing_left > 1)
            bytes_refuse(reader);
    }
    bytes_get_f32s(reader, tree->leaf, 1 << boost->depth);
    for (int i = 0; i < 1 << boost->depth; i++)
        if (!isfinite(tree->leaf[i])) bytes_refuse(reader);
}

kai_status effect_boost_load(struct bytes_reader *reader, struct effect_boost **ret_boost,
                             kai_err *err) {
    struct effect_boost *boost = mem_zero(1, sizeof *boost);
    if (!boost) return err_memory(err, sizeof *boost);
    boost->columns = bytes_get_i32(reader);
    boost->arms = bytes_get_i32(reader);
    boost->depth = bytes_get_i32(reader);
    boost->start = bytes_get_f64(reader);
    if (boost->columns < 0 || boost->columns > 1 << 24 || boost->arms < 0 ||
        boost->arms > 1 << 16 || boost->depth < 1 || boost->depth > EFFECT_BOOST_DEPTH_MAX ||
        !isfinite(boost->start))
        bytes_refuse(reader);
    boost->trees = (int32_t)bytes_get_count(reader, EFFECT_BOOST_ROUNDS_MAX, 9);
    boost->tree = mem_zero((size_t)(boost->trees ? boost->trees : 1), sizeof *boost->tree);
    kai_status st = boost->tree ? KAI_OK : err_memory(err, boost->trees);
    for (int32_t t = 0; !st && !reader->is_short && t < boost->trees; t++)
        load_tree(reader, boost, &boost->tree[t]);
    if (!st) st = bytes_done(reader, err);
    if (st) {
        effect_boost_free(boost);
        return st;
    }
    *ret_boost = boost;
    return KAI_OK;
}
