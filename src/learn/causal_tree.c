#include "learn/causal_tree.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"

enum { SPARSE_ROWS = 96 };

static const uint32_t CAUSAL_CELLS_MASK = 0x01010101u * (CAUSAL_CELLS - 1);

/* What is left to split: structure rows [begin, end) of `order`. */
struct pending {
    int32_t node, begin, end;
};

struct split {
    double gain;
    int32_t column, low, high; /* occupied cells on both sides of the cut */
};

/* The node at work. */
struct target {
    int32_t count, least; /* rows; fewest in a child */
    int64_t whole;        /* sum of the rounded pseudo-outcomes */
    int32_t shift;        /* bits of the count in a cell */
};

struct causal_grower {
    const struct causal_options *options;
    const struct causal_rows *rows;
    int32_t columns, tried, stride, capacity; /* capacity: rows of a sample at most */
    int32_t *half;                            /* rows of the bag's half */
    int64_t half_bag;                         /* the bag whose half it is; -1: none */
    int32_t half_count;
    int32_t *structure, *estimate; /* the sample */
    int32_t *order, *spare;        /* structure rows by node, as positions in the sample */
    int32_t *leaf;                 /* of estimation rows */
    uint8_t *codes;                /* (capacity, stride) of the structure rows */
    float *w, *y;                  /* (capacity) of the structure rows */
    int64_t *cell;                 /* (order) rounded pseudo-outcomes with a count of one */
    double *inverse;               /* (capacity + 1) 1 / n */
    int32_t *column;               /* (columns) a random order */
    int64_t *histogram;            /* (columns, CAUSAL_CELLS) */
    uint64_t *occupied;            /* (columns) cells that hold rows */
    struct pending *stack;
    struct tree_walk_node *node;
    struct pair_vector *stats;
    int32_t *held;  /* (nodes) estimation rows */
    int32_t *place; /* (nodes) where a node goes when the tree is packed */
    int32_t nodes;
};

uint64_t causal_half(uint64_t seed, int64_t bag, int64_t word) {
    return hash_mix(hash_mix(hash_mix(seed ^ 0x6c6974746c65ull) + (uint64_t)bag) + (uint64_t)word);
}

static kai_status take_memory(struct causal_grower *g, kai_err *err) {
    size_t rows = (size_t)g->rows->bins->rows, n = (size_t)g->capacity,
           columns = (size_t)g->columns;
    size_t nodes = 2 * n + 1;
    g->half = mem_array(rows, sizeof *g->half);
    g->structure = mem_array(n, sizeof *g->structure);
    g->estimate = mem_array(n, sizeof *g->estimate);
    g->order = mem_array(n, sizeof *g->order);
    g->spare = mem_array(n, sizeof *g->spare);
    g->leaf = mem_array(n, sizeof *g->leaf);
    g->codes = mem_aligned(n, (size_t)g->stride);
    g->w = mem_array(n, sizeof *g->w);
    g->y = mem_array(n, sizeof *g->y);
    g->cell = mem_array(n, sizeof *g->cell);
    g->inverse = mem_array(n + 1, sizeof *g->inverse);
    g->column = mem_array(columns, sizeof *g->column);
    g->histogram = mem_zero(columns * CAUSAL_CELLS, sizeof *g->histogram);
    g->occupied = mem_zero(columns, sizeof *g->occupied);
    g->stack = mem_array(n + 1, sizeof *g->stack);
    g->node = mem_array(nodes, sizeof *g->node);
    g->stats = mem_array(nodes, sizeof *g->stats);
    g->held = mem_array(nodes, sizeof *g->held);
    g->place = mem_array(nodes, sizeof *g->place);
    if (g->half && g->structure && g->estimate && g->order && g->spare && g->leaf && g->codes &&
        g->w && g->y && g->cell && g->inverse && g->column && g->histogram && g->occupied &&
        g->stack && g->node && g->stats && g->held && g->place)
        return KAI_OK;
    return err_memory(err, (int64_t)(n * 150 + rows * sizeof(int32_t)));
}

kai_status causal_grower_new(const struct causal_options *options, const struct causal_rows *rows,
                             struct causal_grower **ret_grower, kai_err *err) {
    struct causal_grower *g = mem_zero(1, sizeof *g);
    if (!g) return err_memory(err, sizeof *g);
    double expected = options->sample_share * (double)rows->bins->rows;
    double most = expected + 8 * sqrt(expected) + 64; /* the size of a sample varies by chance */
    g->options = options;
    g->rows = rows;
    g->columns = rows->bins->columns;
    g->stride = rows->bins->stride;
    g->capacity = (int32_t)fmin(most, (double)rows->bins->rows);
    g->half_bag = -1;
    int32_t usual = 12 + (int32_t)ceil(sqrt((double)g->columns));
    g->tried = options->columns_tried ? options->columns_tried : usual;
    if (g->tried > g->columns) g->tried = g->columns;
    kai_status st = take_memory(g, err);
    if (st) {
        causal_grower_free(g);
        return st;
    }
    for (int32_t n = 1; n <= g->capacity; n++) g->inverse[n] = 1.0 / n;
    *ret_grower = g;
    return KAI_OK;
}

void causal_grower_free(struct causal_grower *g) {
    if (!g) return;
    void *const owned[] = {g->half,   g->structure, g->estimate, g->order, g->spare,
                           g->leaf,   g->w,         g->y,        g->cell,  g->inverse,
                           g->column, g->histogram, g->occupied, g->stack, g->node,
                           g->stats,  g->held,      g->place};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) mem_free(owned[i]);
    mem_free_aligned(g->codes);
    mem_free(g);
}

void causal_tree_release(struct causal_tree *tree) {
    mem_free(tree->node);
    mem_free(tree->stats);
    *tree = (struct causal_tree){0};
}

static void draw_half(struct causal_grower *g, int64_t bag) {
    int64_t rows = g->rows->bins->rows;
    g->half_count = 0;
    for (int64_t word = 0; word * 64 < rows; word++) {
        uint64_t bits = causal_half(g->options->seed, bag, word);
        int64_t left = rows - word * 64;
        if (left < 64) bits &= (1ull << left) - 1;
        for (; bits; bits &= bits - 1)
            g->half[g->half_count++] = (int32_t)(word * 64 + __builtin_ctzll(bits));
    }
    g->half_bag = bag;
}

/* Each row of the half is drawn with the same chance, by the gaps between draws; a fair coin sends
 * it to one side. */
void causal_grower_sample(struct causal_grower *g, int64_t tree, const int32_t **ret_structure,
                          int32_t *ret_structure_count, const int32_t **ret_estimate,
                          int32_t *ret_estimate_count) {
    if (g->half_bag != tree / 2) draw_half(g, tree / 2);
    struct rng rng;
    rng_init(&rng, g->options->seed, "causal sample", (uint64_t)tree);
    double chance = 2 * g->options->sample_share, rest = chance < 1 ? log1p(-chance) : 0;
    int32_t structure = 0, estimate = 0;
    for (int64_t at = -1; structure + estimate < g->capacity;) {
        double gap = chance < 1 ? floor(log1p(-rng_unit(&rng)) / rest) : 0;
        if (gap >= (double)(g->half_count - at - 1)) break;
        at += 1 + (int64_t)gap;
        if (rng_u32(&rng) & 1)
            g->structure[structure++] = g->half[at];
        else
            g->estimate[estimate++] = g->half[at];
    }
    *ret_structure = g->structure;
    *ret_structure_count = structure;
    *ret_estimate = g->estimate;
    *ret_estimate_count = estimate;
}

/* The rounded pseudo-outcomes of a node's rows. 0 where the treatment does not vary. */
static int aim(struct causal_grower *g, const struct pending *at, struct target *target) {
    double w = 0, y = 0, wy = 0, ww = 0, most = 0;
    int32_t count = at->end - at->begin;
    const int32_t *order = g->order + at->begin;
    for (int32_t i = 0; i < count; i++) {
        w += g->w[order[i]];
        y += g->y[order[i]];
    }
    w /= count;
    y /= count;
    for (int32_t i = 0; i < count; i++) {
        double dw = g->w[order[i]] - w;
        wy += dw * (g->y[order[i]] - y);
        ww += dw * dw;
    }
    if (!(ww > 1e-12 * count)) return 0;
    double tau = wy / ww;
    for (int32_t i = 0; i < count; i++) {
        double dw = g->w[order[i]] - w, rho = dw * (g->y[order[i]] - y - dw * tau);
        if (fabs(rho) > most) most = fabs(rho);
    }
    if (!(most > 0) || !isfinite(most)) return 0;
    int32_t shift = 1;
    while (1ll << shift <= count) shift++;
    int32_t bits = 62 - 2 * shift < CAUSAL_SUM_BITS ? 62 - 2 * shift : CAUSAL_SUM_BITS;
    double scale = (double)((1ll << bits) - 1) / most;
    *target = (struct target){.count = count, .shift = shift};
    for (int32_t i = 0; i < count; i++) {
        double dw = g->w[order[i]] - w, rho = dw * (g->y[order[i]] - y - dw * tau);
        int64_t rounded = (int64_t)nearbyint(rho * scale);
        target->whole += rounded;
        g->cell[i] = rounded * (1ll << shift) + 1;
    }
    double least = ceil(g->options->balance * count);
    target->least = least > g->options->leaf_rows_min ? (int32_t)least : g->options->leaf_rows_min;
    return 1;
}

/* The first `tried` columns of a random order. */
static void draw_columns(struct causal_grower *g, struct rng *rng) {
    for (int32_t c = 0; c < g->tried && g->tried < g->columns; c++) {
        int32_t other = c + (int32_t)rng_below(rng, (uint64_t)(g->columns - c));
        int32_t swap = g->column[c];
        g->column[c] = g->column[other];
        g->column[other] = swap;
    }
}

/* Sums and counts of the node's rows by column and cell. */
static void add_rows(const struct causal_grower *g, const struct pending *at,
                     int64_t *restrict histogram) {
    int32_t count = at->end - at->begin, tried = g->tried, is_all = tried == g->columns;
    const int32_t *order = g->order + at->begin, *column = g->column;
    for (int32_t i = 0; i < count; i++) {
        const uint8_t *codes = g->codes + (int64_t)order[i] * g->stride;
        int64_t value = g->cell[i], *restrict cells = histogram;
        if (is_all)
            for (int32_t c = 0; c < tried; c++, cells += CAUSAL_CELLS) cells[codes[c]] += value;
        else
            for (int32_t c = 0; c < tried; c++, cells += CAUSAL_CELLS)
                cells[codes[column[c]]] += value;
    }
}

/* Which cells hold rows: from the rows where they are few, else from the cells. */
static void note_cells(struct causal_grower *g, const struct pending *at) {
    int32_t count = at->end - at->begin;
    const int32_t *order = g->order + at->begin;
    for (int32_t c = 0; c < g->tried; c++) {
        const int64_t *cells = g->histogram + (int64_t)c * CAUSAL_CELLS;
        uint64_t occupied = 0;
        if (count <= SPARSE_ROWS)
            for (int32_t i = 0; i < count; i++)
                occupied |= 1ull << g->codes[(int64_t)order[i] * g->stride + g->column[c]];
        else
            for (int32_t cell = 0; cell < CAUSAL_CELLS; cell++)
                occupied |= (uint64_t)(cells[cell] != 0) << cell;
        g->occupied[c] = occupied;
    }
}

/* The best cut of one column, better than what there is; its cells are cleared as they are read. */
static void scan_column(struct causal_grower *g, const struct target *target, int32_t c,
                        struct split *best) {
    int64_t *cells = g->histogram + (int64_t)c * CAUSAL_CELLS, left = 0;
    int64_t count_mask = ((int64_t)1 << target->shift) - 1;
    uint64_t occupied = g->occupied[c];
    g->occupied[c] = 0;
    while (occupied) {
        int32_t cell = __builtin_ctzll(occupied);
        occupied &= occupied - 1;
        left += cells[cell];
        cells[cell] = 0;
        int32_t left_count = (int32_t)(left & count_mask), right_count = target->count - left_count;
        if (left_count < target->least || right_count < target->least || !occupied) continue;
        double left_sum = (double)(left >> target->shift);
        double right_sum = (double)target->whole - left_sum;
        double gain = left_sum * left_sum * g->inverse[left_count] +
                      right_sum * right_sum * g->inverse[right_count];
        if (gain > best->gain)
            *best = (struct split){gain, g->column[c], cell, __builtin_ctzll(occupied)};
    }
}

static int find_split(struct causal_grower *g, const struct pending *at, struct rng *rng,
                      struct split *ret_split) {
    struct target target;
    if (at->end - at->begin < 2 * g->options->leaf_rows_min || !aim(g, at, &target)) return 0;
    double whole = (double)target.whole;
    struct split best = {.gain = whole * whole * g->inverse[target.count], .column = -1};
    draw_columns(g, rng);
    add_rows(g, at, g->histogram);
    note_cells(g, at);
    for (int32_t c = 0; c < g->tried; c++) scan_column(g, &target, c, &best);
    *ret_split = best;
    return best.column >= 0;
}

/* Rows of cells <= bin first, both sides in their order. */
static int32_t part(struct causal_grower *g, const struct pending *at, int32_t column,
                    int32_t bin) {
    int32_t low = at->begin, high = 0;
    for (int32_t i = at->begin; i < at->end; i++) {
        int32_t row = g->order[i];
        int is_right = g->codes[(int64_t)row * g->stride + column] > bin;
        g->order[low] = row;
        g->spare[high] = row;
        low += !is_right;
        high += is_right;
    }
    memcpy(g->order + low, g->spare, (size_t)high * sizeof *g->order);
    return low;
}

static void make_leaf(struct causal_grower *g, int32_t node) {
    g->node[node] = (struct tree_walk_node){.left = node, .bin = 255};
}

static void split_all(struct causal_grower *g, int64_t tree, int32_t count) {
    struct rng rng;
    rng_init(&rng, g->options->seed, "causal columns", (uint64_t)tree);
    for (int32_t i = 0; i < count; i++) g->order[i] = i;
    for (int32_t c = 0; c < g->columns; c++) g->column[c] = c;
    int32_t waiting = 0;
    g->nodes = 1;
    make_leaf(g, 0);
    if (count) g->stack[waiting++] = (struct pending){0, 0, count};
    while (waiting) {
        struct pending at = g->stack[--waiting];
        struct split split;
        if (!find_split(g, &at, &rng, &split)) continue;
        int32_t high = split.high < CAUSAL_BINS ? split.high : CAUSAL_BINS; /* 63: missing */
        int32_t bin = high == CAUSAL_BINS
                          ? CAUSAL_BINS - 1
                          : forest_bins_cut(g->rows->bins, split.column, split.low, high);
        int32_t middle = part(g, &at, split.column, bin), left = g->nodes;
        g->node[at.node] = (struct tree_walk_node){
            .left = left, .column = (uint16_t)split.column, .bin = (uint8_t)bin};
        g->nodes += 2;
        make_leaf(g, left);
        make_leaf(g, left + 1);
        g->stack[waiting++] = (struct pending){left + 1, middle, at.end};
        g->stack[waiting++] = (struct pending){left, at.begin, middle};
    }
}

/* Sums over the estimation rows of each leaf; a leaf that holds none joins its sibling in their
 * parent. Children come after their parent. */
static void estimate_leaves(struct causal_grower *g, int32_t count) {
    const struct forest_bins *bins = g->rows->bins;
    tree_walk_u8(&(struct tree_walk){g->node, bins->codes, bins->stride, g->estimate, count},
                 g->leaf);
    memset(g->stats, 0, (size_t)g->nodes * sizeof *g->stats);
    memset(g->held, 0, (size_t)g->nodes * sizeof *g->held);
    for (int32_t i = 0; i < count; i++) {
        double w = g->rows->w[g->estimate[i]], y = g->rows->y[g->estimate[i]];
        double *sum = g->stats[g->leaf[i]].x;
        sum[0] += w * y;
        sum[1] += w * w;
        sum[2] += w;
        sum[3] += y;
        g->held[g->leaf[i]]++;
    }
    for (int32_t n = g->nodes - 1; n >= 0; n--) {
        int32_t left = g->node[n].left;
        if (left == n) continue;
        g->held[n] = g->held[left] + g->held[left + 1];
        for (int k = 0; k < CAUSAL_STATS; k++)
            g->stats[n].x[k] = g->stats[left].x[k] + g->stats[left + 1].x[k];
        if (g->held[left] == 0 || g->held[left + 1] == 0) make_leaf(g, n);
    }
}

/* The nodes that can be reached, parents first, with means in the leaves. */
static kai_status pack(struct causal_grower *g, struct causal_tree *ret_tree, kai_err *err) {
    memset(g->place, 0xff, (size_t)g->nodes * sizeof *g->place);
    int32_t used = 1;
    g->place[0] = 0;
    for (int32_t n = 0; n < g->nodes; n++) {
        int32_t left = g->node[n].left;
        if (g->place[n] < 0 || left == n) continue;
        g->place[left] = used;
        g->place[left + 1] = used + 1;
        used += 2;
    }
    struct causal_tree tree = {.nodes = used};
    tree.node = mem_array((size_t)used, sizeof *tree.node);
    tree.stats = mem_zero((size_t)used, sizeof *tree.stats);
    if (!tree.node || !tree.stats) {
        causal_tree_release(&tree);
        return err_memory(err, used * (int64_t)(sizeof *tree.node + sizeof *tree.stats));
    }
    for (int32_t n = 0; n < g->nodes; n++) {
        int32_t to = g->place[n];
        if (to < 0) continue;
        tree.node[to] = g->node[n];
        tree.node[to].left = g->place[g->node[n].left];
        if (g->node[n].left != n) continue;
        for (int k = 0; k < CAUSAL_STATS; k++)
            tree.stats[to].x[k] = g->held[n] ? g->stats[n].x[k] / g->held[n] : 0;
    }
    *ret_tree = tree;
    return KAI_OK;
}

kai_status causal_grower_grow(struct causal_grower *g, int64_t tree, struct causal_tree *ret_tree,
                              kai_err *err) {
    const int32_t *structure = NULL, *estimate = NULL;
    int32_t count = 0, estimates = 0;
    causal_grower_sample(g, tree, &structure, &count, &estimate, &estimates);
    const struct forest_bins *bins = g->rows->bins;
    for (int32_t i = 0; i < count; i++) {
        const uint8_t *from = bins->codes + (int64_t)structure[i] * g->stride;
        uint8_t *to = g->codes + (int64_t)i * g->stride;
        for (int32_t c = 0; c < g->stride; c += 4) { /* strides are multiples of four */
            uint32_t four;
            memcpy(&four, from + c, sizeof four);
            four &= CAUSAL_CELLS_MASK;
            memcpy(to + c, &four, sizeof four);
        }
        g->w[i] = g->rows->w[structure[i]];
        g->y[i] = g->rows->y[structure[i]];
    }
    split_all(g, tree, count);
    estimate_leaves(g, estimates);
    return pack(g, ret_tree, err);
}
