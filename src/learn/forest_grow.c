/* One tree: a bag of rows is divided in place until the nodes are pure.
 *
 * The bag holds every drawn row once, with its number of draws, so that a bootstrap costs 63 % of
 * the rows. A node is a run of the bag; a split is a stable partition of the run, so rows stay in
 * ascending order and neighbours in the bag stay near in memory. The smaller child is grown first
 * and the larger waits on the stack, which therefore never holds more than log2(rows) nodes; all
 * that a node needs again is its run, its sums and how many columns are known to be constant.
 *
 * Columns are drawn as scikit-learn does: columns that an ancestor found constant are kept in front
 * of `order` and count as tried when they are drawn; where no tried column divides the node,
 * drawing goes on until one does or all were tried. Drawn columns go to the end of `order`.
 */
#include "learn/forest_grow.h"

#include <math.h>

#include "base/alloc.h"
#include "base/rng.h"

enum { STACK_NODES = 64, DRAW_WORDS = 64, COLUMNWISE_FROM = 1024 };

struct open_node {
    int64_t begin, count;
    struct forest_sums sums;
    uint32_t node;
    int32_t depth;
    int32_t constants;
};

struct forest_room {
    uint64_t *bag;             /* owned; (rows + 1, lanes) */
    uint64_t *spare;           /* owned; (rows, lanes) */
    uint8_t *draws;            /* owned; (rows) */
    struct forest_node *nodes; /* owned; (2 rows) */
    float *shares;             /* owned; (rows, classes) where classes > 1, else (1) */
    int32_t *order;            /* owned; (columns) a permutation */
    int32_t *constants;        /* owned; (columns) the known constant columns, a stack */
    struct forest_scan scan;
    struct open_node stack[STACK_NODES];
    int32_t open_count;
    uint32_t node_count, leaf_count;
    int32_t depth;
    struct rng rng;
};

void forest_room_free(struct forest_room *room) {
    if (!room) return;
    mem_free(room->bag);
    mem_free(room->spare);
    mem_free(room->draws);
    mem_free(room->nodes);
    mem_free(room->shares);
    mem_free(room->order);
    mem_free(room->constants);
    mem_free_aligned(room->scan.cells);
    mem_free(room->scan.class_sums);
    mem_free(room);
}

/* Leaves that a tree of this ground can have. */
static size_t leaves_max(const struct forest_ground *ground) {
    size_t most = (size_t)(ground->draws < ground->bins->rows ? ground->draws : ground->bins->rows);
    size_t by_rows = (size_t)ground->draws / (size_t)ground->leaf_rows_min + 1;
    if (by_rows < most) most = by_rows;
    if (ground->depth_max < 30 && (size_t)1 << ground->depth_max < most)
        most = (size_t)1 << ground->depth_max;
    return most;
}

kai_status forest_room_new(const struct forest_ground *ground, struct forest_room **ret_room,
                           kai_err *err) {
    struct forest_room *room = mem_zero(1, sizeof *room);
    if (!room) return err_memory(err, sizeof *room);
    size_t rows = (size_t)ground->bins->rows, columns = (size_t)ground->bins->columns;
    size_t lanes = (size_t)ground->criterion->lanes, classes = (size_t)ground->classes;
    size_t drawn = (size_t)ground->draws < rows ? (size_t)ground->draws : rows;
    size_t leaves = leaves_max(ground);
    size_t cells = FOREST_CELLS * (size_t)ground->criterion->cell_width(ground->classes);
    room->bag = mem_array(drawn + 1, lanes * sizeof *room->bag);
    room->spare = mem_array(drawn, lanes * sizeof *room->spare);
    room->draws = mem_array(rows, sizeof *room->draws);
    room->nodes = mem_array(2 * leaves, sizeof *room->nodes);
    room->shares = mem_array(classes > 1 ? leaves : 1, classes * sizeof *room->shares);
    room->order = mem_array(columns, sizeof *room->order);
    room->constants = mem_array(columns, sizeof *room->constants);
    room->scan.cells = mem_aligned(FOREST_BATCH, cells * sizeof *room->scan.cells);
    room->scan.class_sums = mem_zero(2 * (classes + 1), sizeof *room->scan.class_sums);
    room->scan.classes = ground->classes;
    room->scan.rows_min = ground->leaf_rows_min;
    if (!room->bag || !room->spare || !room->draws || !room->nodes || !room->shares ||
        !room->order || !room->constants || !room->scan.cells || !room->scan.class_sums) {
        forest_room_free(room);
        return err_memory(err, (int64_t)(rows * lanes * sizeof *room->bag));
    }
    *ret_room = room;
    return KAI_OK;
}

/* A word of the stream as a number in [0, bound), without bias (Lemire 2019). */
static inline uint32_t below(struct rng *rng, uint32_t word, uint32_t bound) {
    uint64_t product = (uint64_t)word * bound;
    if ((uint32_t)product < bound) {
        uint32_t threshold = (0u - bound) % bound;
        while ((uint32_t)product < threshold) product = (uint64_t)rng_u32(rng) * bound;
    }
    return (uint32_t)(product >> 32);
}

static inline uint32_t draw_below(struct rng *rng, uint32_t bound) {
    return below(rng, rng_u32(rng), bound);
}

/* A row is drawn once on average; 255 times, never. */
static inline void add_draw(uint8_t *draws, uint32_t row) {
    draws[row] = (uint8_t)(draws[row] + (draws[row] < FOREST_DRAWS_MAX));
}

static void draw_rows(const struct forest_ground *ground, struct forest_room *room, int64_t index) {
    uint32_t rows = (uint32_t)ground->bins->rows;
    struct rng rng;
    rng_init(&rng, ground->seed, "forest bag", (uint64_t)index);
    if (!ground->is_with_replacement) {
        /* selection sampling: Knuth, The Art of Computer Programming 2, 3.4.2, algorithm S */
        int64_t wanted = ground->draws;
        for (uint32_t row = 0; row < rows; row++) {
            room->draws[row] =
                wanted && (wanted == rows - row || (int64_t)draw_below(&rng, rows - row) < wanted);
            wanted -= room->draws[row];
        }
        return;
    }
    memset(room->draws, 0, rows * sizeof *room->draws);
    for (int64_t i = 0; i < ground->draws; i += DRAW_WORDS) {
        uint32_t words[DRAW_WORDS];
        int64_t left = ground->draws - i;
        rng_fill(&rng, words, DRAW_WORDS);
        for (int64_t k = 0; k < DRAW_WORDS && k < left; k++)
            add_draw(room->draws, below(&rng, words[k], rows));
    }
}

static uint64_t word_of(double number) {
    uint64_t word;
    memcpy(&word, &number, sizeof word);
    return word;
}

/* One sample as its criterion reads it (forest_criterion.h). */
static inline __attribute__((always_inline)) void write_sample(const struct forest_ground *ground,
                                                               uint32_t row, uint32_t draws,
                                                               uint64_t *sample, int lanes) {
    int is_multiclass = ground->task == LEARN_MULTICLASS;
    uint32_t meta = draws;
    if (is_multiclass)
        meta = draws << 16 | ground->labels[row];
    else if (lanes == 1)
        meta = draws << 16 | (ground->labels[row] ? draws : 0);
    sample[0] = (uint64_t)meta << 32 | row;
    if (lanes == 1) return;
    double weight = ground->weights ? draws * ground->weights[row] : draws;
    if (lanes == 2) sample[1] = word_of(is_multiclass ? weight : ground->numbers[row]);
    if (lanes == 3) {
        sample[1] = word_of(weight);
        sample[2] = word_of(ground->numbers[row]);
    }
}

/* Samples of the rows that were drawn and weigh something. Each is written and then kept or not,
 * because a branch on the draw could not be predicted. */
static inline __attribute__((always_inline)) int64_t write_samples(
    const struct forest_ground *ground, const uint8_t *draws, uint64_t *samples, int lanes) {
    int64_t count = 0;
    const double *weights = ground->weights;
    for (int64_t row = 0; row < ground->bins->rows; row++) {
        write_sample(ground, (uint32_t)row, draws[row], samples + count * lanes, lanes);
        count += (draws[row] > 0) & (!weights || weights[row] > 0);
    }
    return count;
}

/* The drawn rows in ascending order. Where all of them weigh nothing, the first row that does
 * weigh stands in, so that every tree has learned from something. */
static int64_t fill_bag(const struct forest_ground *ground, struct forest_room *room) {
    int lanes = ground->criterion->lanes;
    for (int attempt = 0;; attempt++) {
        int64_t count = lanes == 1   ? write_samples(ground, room->draws, room->bag, 1)
                        : lanes == 2 ? write_samples(ground, room->draws, room->bag, 2)
                                     : write_samples(ground, room->draws, room->bag, 3);
        if (count || attempt) return count;
        int64_t row = 0;
        while (row + 1 < ground->bins->rows && !(ground->weights[row] > 0)) row++;
        room->draws[row] = 1;
    }
}

static void note_bag(const uint8_t *draws, int64_t rows, uint64_t *bag) {
    for (int64_t row = 0; row < rows; row++)
        bag[row / 64] |= (uint64_t)(draws[row] > 0) << (row % 64);
}

/* ---- the search of a node ---- */

static inline void swap_columns(int32_t *order, int32_t i, int32_t j) {
    int32_t kept = order[i];
    order[i] = order[j];
    order[j] = kept;
}

/* Where the columns stand during one search: order = [known constants: those drawn first][found
 * constant now][not drawn][drawn]. */
struct draw {
    int32_t known, known_drawn, found, undrawn_end, tried;
};

/* Draw up to `wanted` columns that are not known to be constant; they stand at the new
 * undrawn_end and above, the last drawn lowest. Returns how many. */
static int32_t draw_columns(struct forest_room *room, struct draw *draw, int32_t wanted) {
    int32_t drawn = 0;
    for (; wanted > 0 && draw->undrawn_end > draw->known + draw->found; wanted--) {
        uint32_t bound = (uint32_t)(draw->undrawn_end - draw->found - draw->known_drawn);
        int32_t at = draw->known_drawn + (int32_t)draw_below(&room->rng, bound);
        draw->tried++;
        if (at < draw->known) {
            swap_columns(room->order, draw->known_drawn++, at);
            continue;
        }
        swap_columns(room->order, --draw->undrawn_end, at + draw->found);
        drawn++;
    }
    return drawn;
}

/* Score the drawn columns; bit k of the result: the k-th from undrawn_end is constant. */
static uint32_t score_columns(const struct forest_ground *ground, struct forest_room *room,
                              const struct forest_view *view, const int32_t *columns, int32_t count,
                              int is_small, struct forest_split *best) {
    const struct forest_criterion *criterion = ground->criterion;
    if (is_small) return criterion->small(view, columns, count, &room->scan, best);
    criterion->fill(view, columns, count, &room->scan);
    uint32_t constant = 0;
    for (int32_t k = 0; k < count; k++) {
        if (!criterion->scan(view, columns[k], k, &room->scan, best)) constant |= 1u << k;
    }
    return constant;
}

static struct forest_split find_split(const struct forest_ground *ground, struct forest_room *room,
                                      const struct forest_view *view, int32_t *constants) {
    struct forest_split best = {.score = -1, .column = -1};
    const struct forest_criterion *criterion = ground->criterion;
    struct draw draw = {.known = *constants, .undrawn_end = ground->bins->columns};
    int is_small = criterion->small_fits && criterion->small_fits(view);
    if (criterion->begin) criterion->begin(view, &room->scan);
    while (draw.undrawn_end > draw.known + draw.found &&
           (draw.tried < ground->columns_tried || best.column < 0)) {
        int32_t wanted = ground->columns_tried - draw.tried;
        if (wanted > FOREST_BATCH) wanted = FOREST_BATCH;
        int32_t count = draw_columns(room, &draw, wanted < 1 ? 1 : wanted);
        if (!count) continue;
        int32_t first = draw.undrawn_end;
        uint32_t constant =
            score_columns(ground, room, view, room->order + first, count, is_small, &best);
        for (int32_t k = 0; k < count; k++) { /* from the lowest, so that higher ones stay put */
            if (!(constant >> k & 1)) continue;
            swap_columns(room->order, first + k, draw.undrawn_end);
            swap_columns(room->order, draw.undrawn_end++, draw.known + draw.found++);
        }
    }
    /* the nodes that wait on the stack know the first `known` columns in this order */
    memcpy(room->order, room->constants, (size_t)draw.known * sizeof *room->order);
    memcpy(room->constants + draw.known, room->order + draw.known,
           (size_t)draw.found * sizeof *room->order);
    *constants = draw.known + draw.found;
    return best;
}

/* ---- the division of a node ---- */

static inline __attribute__((always_inline)) int64_t divide_lanes(uint64_t *samples,
                                                                  uint64_t *spare, int64_t count,
                                                                  const uint8_t *codes,
                                                                  int64_t stride, uint8_t cut,
                                                                  uint8_t shift, int lanes) {
    int64_t left = 0, right = 0;
    for (int64_t i = 0; i < count; i++) {
        const uint64_t *sample = samples + i * lanes;
        uint8_t code = (uint8_t)(codes[forest_sample_row(sample[0]) * stride] + shift);
        for (int lane = 0; lane < lanes; lane++) {
            uint64_t word = sample[lane];
            samples[left * lanes + lane] = word;
            spare[right * lanes + lane] = word;
        }
        left += code <= cut;
        right += code > cut;
    }
    memcpy(samples + left * lanes, spare, (size_t)(right * lanes) * sizeof *spare);
    return left;
}

/* Left rows first, both sides in their old order; returns how many. With missing values on the left
 * all codes are raised by one: the code of missing becomes 0. */
static int64_t divide(const struct forest_ground *ground, struct forest_room *room,
                      const struct open_node *open, const struct forest_split *split, uint8_t cut) {
    int lanes = ground->criterion->lanes;
    uint64_t *samples = room->bag + open->begin * lanes;
    const struct forest_bins *bins = ground->bins;
    int is_large = open->count >= COLUMNWISE_FROM; /* its rows are no longer in the cache */
    const uint8_t *codes =
        is_large ? bins->columnwise + split->column * bins->rows : bins->codes + split->column;
    int64_t stride = is_large ? 1 : bins->stride;
    uint8_t shift = split->missing_left;
    cut = (uint8_t)(cut + shift);
    if (lanes == 1)
        return divide_lanes(samples, room->spare, open->count, codes, stride, cut, shift, 1);
    if (lanes == 2)
        return divide_lanes(samples, room->spare, open->count, codes, stride, cut, shift, 2);
    return divide_lanes(samples, room->spare, open->count, codes, stride, cut, shift, 3);
}

static void write_leaf(const struct forest_ground *ground, struct forest_room *room,
                       const struct open_node *open) {
    struct forest_view view = {.samples = room->bag + open->begin * ground->criterion->lanes,
                               .count = open->count,
                               .sums = open->sums,
                               .bins = ground->bins};
    struct forest_node *node = &room->nodes[open->node];
    *node = (struct forest_node){.cover = (float)open->sums.weight};
    if (ground->classes > 1) {
        uint32_t index = room->leaf_count;
        ground->criterion->leaf(&view, ground->offset, &room->scan,
                                room->shares + (size_t)index * (size_t)ground->classes);
        memcpy(&node->threshold, &index, sizeof index);
    } else {
        ground->criterion->leaf(&view, ground->offset, &room->scan, &node->threshold);
    }
    room->leaf_count++;
    if (open->depth > room->depth) room->depth = open->depth;
}

/* A node that need not be searched. */
static int is_closed(const struct forest_ground *ground, const struct forest_room *room,
                     const struct open_node *open) {
    const uint64_t *samples = room->bag + open->begin * ground->criterion->lanes;
    return open->depth >= ground->depth_max || open->count < 2 ||
           open->sums.rows < 2.0 * ground->leaf_rows_min ||
           ground->criterion->is_pure(samples, open->count);
}

static void open_child(const struct forest_ground *ground, struct forest_room *room,
                       const struct open_node *child) {
    if (is_closed(ground, room, child))
        write_leaf(ground, room, child);
    else
        room->stack[room->open_count++] = *child;
}

static void grow_node(const struct forest_ground *ground, struct forest_room *room,
                      struct open_node open, double *gain) {
    struct forest_view view = {.samples = room->bag + open.begin * ground->criterion->lanes,
                               .count = open.count,
                               .sums = open.sums,
                               .bins = ground->bins};
    struct forest_split split = find_split(ground, room, &view, &open.constants);
    if (split.column < 0) {
        write_leaf(ground, room, &open);
        return;
    }
    gain[split.column] += split.score / open.sums.weight;
    int32_t cut = FOREST_BINS_MAX - 1;
    if (split.next != FOREST_BIN_MISSING)
        cut = forest_bins_cut(ground->bins, split.column, split.bin, split.next);
    int64_t left_count = divide(ground, room, &open, &split, (uint8_t)cut);
    uint32_t first = room->node_count;
    room->node_count += 2;
    room->nodes[open.node] = (struct forest_node){
        .threshold = ground->bins->edges[(int64_t)split.column * FOREST_CELLS + cut],
        .child = first,
        .column = (uint32_t)split.column | (split.missing_left ? FOREST_MISSING_LEFT : 0),
        .cover = (float)open.sums.weight,
    };
    struct open_node left = {open.begin, left_count,     split.left,
                             first,      open.depth + 1, open.constants};
    struct open_node right = {
        open.begin + left_count,
        open.count - left_count,
        {open.sums.rows - split.left.rows, open.sums.weight - split.left.weight,
         open.sums.sum - split.left.sum},
        first + 1,
        open.depth + 1,
        open.constants};
    int is_left_larger = left.count > right.count;
    open_child(ground, room, is_left_larger ? &left : &right);
    open_child(ground, room, is_left_larger ? &right : &left);
}

static kai_status keep_tree(const struct forest_ground *ground, const struct forest_room *room,
                            struct forest_tree *ret_tree, kai_err *err) {
    size_t classes = ground->classes > 1 ? (size_t)ground->classes : 0;
    struct forest_tree tree = {
        .node_count = room->node_count, .leaf_count = room->leaf_count, .depth = room->depth};
    tree.nodes = mem_array(room->node_count, sizeof *tree.nodes);
    if (classes) tree.shares = mem_array(room->leaf_count, classes * sizeof *tree.shares);
    if (!tree.nodes || (classes && !tree.shares)) {
        forest_tree_release(&tree);
        return err_memory(err, room->node_count * (int64_t)sizeof *tree.nodes);
    }
    memcpy(tree.nodes, room->nodes, room->node_count * sizeof *tree.nodes);
    if (classes)
        memcpy(tree.shares, room->shares, room->leaf_count * classes * sizeof *tree.shares);
    *ret_tree = tree;
    return KAI_OK;
}

kai_status forest_grow(const struct forest_ground *ground, struct forest_room *room, int64_t index,
                       struct forest_tree *ret_tree, double *gain, uint64_t *bag, kai_err *err) {
    draw_rows(ground, room, index);
    int64_t count = fill_bag(ground, room);
    if (bag) note_bag(room->draws, ground->bins->rows, bag);
    rng_init(&room->rng, ground->seed, "forest columns", (uint64_t)index);
    for (int32_t c = 0; c < ground->bins->columns; c++) room->order[c] = c;
    room->open_count = 0;
    room->node_count = 1;
    room->leaf_count = 0;
    room->depth = 0;
    struct open_node root = {.count = count, .sums = ground->criterion->total(room->bag, count)};
    open_child(ground, room, &root);
    while (room->open_count) grow_node(ground, room, room->stack[--room->open_count], gain);
    return keep_tree(ground, room, ret_tree, err);
}

void forest_tree_release(struct forest_tree *tree) {
    mem_free(tree->nodes);
    mem_free(tree->shares);
}
