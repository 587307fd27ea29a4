#include "learn/forest.h"

#include <math.h>

#include "base/alloc.h"
#include "learn/forest_grow.h"

enum { FORMAT_VERSION = 1, TREES_DEFAULT = 100 };

/* ---- fit ---- */

struct fit {
    const struct learn_data *data;
    struct forest_ground ground;
    struct forest_bins *bins;   /* owned */
    double *numbers, *weights;  /* owned */
    uint16_t *labels;           /* owned */
    struct forest_room **rooms; /* owned; (threads), each made by its worker */
    int32_t room_count;
    struct forest *forest; /* owned until published */
    double *gains;         /* owned; (trees, columns) */
    uint64_t *bags;        /* owned, NULL = not wanted; (trees, bag_words) */
    int64_t bag_words;
};

static kai_status check_options(const struct forest_options *options, kai_err *err) {
    const struct {
        const char *name;
        double value, max;
    } ranges[] = {
        {"trees", options->trees, FOREST_TREES_MAX},
        {"depth_max", options->depth_max, FOREST_DEPTH_MAX},
        {"leaf_rows_min", options->leaf_rows_min, INT32_MAX},
        {"feature_share", options->feature_share, 1},
        {"sample_share", options->sample_share, 1},
        {"bins_max", options->bins_max, FOREST_BINS_MAX},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof *ranges; i++) {
        if (ranges[i].value >= 0 && ranges[i].value <= ranges[i].max) continue;
        return err_set(err, KAI_INVALID, "forest option '%s' is %g: expected 0 to %g",
                       ranges[i].name, ranges[i].value, ranges[i].max);
    }
    if (options->bins_max == 1)
        return err_set(err, KAI_INVALID, "forest option 'bins_max' is 1: expected at least 2");
    return KAI_OK;
}

static kai_status check_size(const struct learn_data *data, kai_err *err) {
    int64_t rows = data->row_count;
    if (rows < 1 || data->features->columns < 1)
        return err_set(err, KAI_INVALID, "forest: nothing to learn from in %lld rows x %d columns",
                       (long long)rows, data->features->columns);
    if (rows > INT32_MAX || data->features->columns > FOREST_COLUMNS_MAX)
        return err_set(err, KAI_LIMIT, "forest: %lld rows x %d columns: at most %d x %d",
                       (long long)rows, data->features->columns, INT32_MAX, FOREST_COLUMNS_MAX);
    if (data->task == LEARN_MULTICLASS && data->classes > FOREST_CLASSES_MAX)
        return err_set(err, KAI_LIMIT, "forest: %d classes: at most %d", data->classes,
                       FOREST_CLASSES_MAX);
    if (data->task == LEARN_MULTICLASS && data->classes < 2)
        return err_set(err, KAI_INVALID, "forest: %d classes: expected at least 2", data->classes);
    if (data->row_ids) return KAI_OK;
    return rows <= data->features->rows
               ? KAI_OK
               : err_set(err, KAI_INVALID, "forest: %lld rows wanted, the matrix has %lld",
                         (long long)rows, (long long)data->features->rows);
}

static int is_target(const struct learn_data *data, double target) {
    if (data->task == LEARN_REGRESSION) return isfinite(target) != 0;
    int32_t classes = data->task == LEARN_BINARY ? 2 : data->classes;
    return target >= 0 && target < classes && target == floor(target);
}

/* Copy targets and weights of the rows in use, checked. */
static kai_status read_rows(struct fit *fit, kai_err *err) {
    const struct learn_data *data = fit->data;
    double first = NAN, weight_sum = 0;
    int is_mixed = 0;
    for (int64_t i = 0; i < data->row_count; i++) {
        int64_t row = data->row_ids ? data->row_ids[i] : i;
        if (row < 0 || row >= data->features->rows)
            return err_set(err, KAI_INVALID, "forest: row %lld is not in the matrix of %lld",
                           (long long)row, (long long)data->features->rows);
        double target = data->target[row], weight = data->weight ? data->weight[row] : 1;
        if (!is_target(data, target))
            return err_set(err, KAI_INVALID, "forest: target %g of row %lld is out of range",
                           target, (long long)row);
        if (!(weight >= 0) || !isfinite(weight))
            return err_set(err, KAI_INVALID, "forest: weight %g of row %lld is out of range",
                           weight, (long long)row);
        fit->numbers[i] = target;
        if (fit->labels) fit->labels[i] = (uint16_t)target;
        if (fit->weights) fit->weights[i] = weight;
        if (!(weight > 0)) continue;
        if (first != first) first = target;
        is_mixed |= target != first;
        weight_sum += weight;
    }
    if (!(weight_sum > 0)) return err_set(err, KAI_INVALID, "forest: every row has weight 0");
    if (data->task != LEARN_REGRESSION && !is_mixed)
        return err_set(err, KAI_INVALID, "forest: all rows have class %g; two are needed", first);
    return KAI_OK;
}

/* Take the mean off the numbers: sums of squares of what is left cancel less. */
static void centre(struct fit *fit) {
    double sum = 0, weight = 0;
    for (int64_t i = 0; i < fit->data->row_count; i++) {
        double w = fit->weights ? fit->weights[i] : 1;
        sum += w * fit->numbers[i];
        weight += w;
    }
    fit->ground.offset = sum / weight;
    if (!isfinite(fit->ground.offset)) fit->ground.offset = 0;
    for (int64_t i = 0; i < fit->data->row_count; i++) fit->numbers[i] -= fit->ground.offset;
}

static int32_t columns_tried(const struct forest_options *options, const struct learn_data *data) {
    double columns = data->features->columns, tried;
    if (options->feature_share > 0)
        tried = round(options->feature_share * columns);
    else if (data->task == LEARN_REGRESSION)
        tried = floor(columns / 3);
    else
        tried = floor(sqrt(columns));
    return tried < 1 ? 1 : (int32_t)tried;
}

static void set_ground(struct fit *fit, const struct forest_options *options, uint64_t seed) {
    const struct learn_data *data = fit->data;
    double share = options->sample_share > 0 ? options->sample_share : 1;
    double draws = round(share * (double)data->row_count);
    fit->ground = (struct forest_ground){
        .criterion = forest_criterion_of(data->task, data->weight != NULL),
        .task = data->task,
        .classes = data->task == LEARN_MULTICLASS ? data->classes : 1,
        .depth_max = options->depth_max ? options->depth_max : FOREST_DEPTH_MAX,
        .leaf_rows_min = options->leaf_rows_min ? options->leaf_rows_min : 1,
        .columns_tried = columns_tried(options, data),
        .draws = draws < 1 ? 1 : (int64_t)draws,
        .is_with_replacement = !options->without_replacement,
        .seed = seed,
        .numbers = fit->numbers,
        .labels = fit->labels,
        .weights = fit->weights,
    };
}

static kai_status reserve(struct fit *fit, const struct forest_options *options, struct pool *pool,
                          kai_err *err) {
    const struct learn_data *data = fit->data;
    size_t rows = (size_t)data->row_count, columns = (size_t)data->features->columns;
    size_t trees = (size_t)(options->trees ? options->trees : TREES_DEFAULT);
    int has_labels = data->task != LEARN_REGRESSION;
    fit->bag_words = (data->row_count + 63) / 64;
    fit->room_count = pool_threads(pool);
    fit->numbers = mem_array(rows, sizeof *fit->numbers);
    if (has_labels) fit->labels = mem_array(rows, sizeof *fit->labels);
    if (data->weight) fit->weights = mem_array(rows, sizeof *fit->weights);
    fit->rooms = mem_zero((size_t)fit->room_count, sizeof(struct forest_room *));
    fit->gains = mem_zero(trees * columns, sizeof *fit->gains);
    if (options->wants_out_of_bag)
        fit->bags = mem_zero(trees * (size_t)fit->bag_words, sizeof *fit->bags);
    struct forest *forest = fit->forest = mem_zero(1, sizeof *forest);
    if (!forest || !fit->numbers || (has_labels && !fit->labels) ||
        (data->weight && !fit->weights) || !fit->rooms || !fit->gains ||
        (options->wants_out_of_bag && !fit->bags))
        return err_memory(err, (int64_t)(rows * sizeof *fit->numbers));
    forest->task = data->task;
    forest->outputs = data->task == LEARN_MULTICLASS ? data->classes : 1;
    forest->columns = data->features->columns;
    forest->trees = mem_zero(trees, sizeof *forest->trees);
    forest->gain = mem_zero(columns, sizeof *forest->gain);
    if (options->wants_out_of_bag)
        forest->out_of_bag = mem_array(rows * (size_t)forest->outputs, sizeof(double));
    if (!forest->trees || !forest->gain || (options->wants_out_of_bag && !forest->out_of_bag))
        return err_memory(err, (int64_t)(trees * sizeof *forest->trees));
    forest->tree_count = (int32_t)trees;
    return KAI_OK;
}

static kai_status grow_tree(void *user, int64_t item, int32_t worker, kai_err *err) {
    struct fit *fit = user;
    kai_status st = KAI_OK;
    if (!fit->rooms[worker]) st = forest_room_new(&fit->ground, &fit->rooms[worker], err);
    if (st) return st;
    uint64_t *bag = fit->bags ? fit->bags + item * fit->bag_words : NULL;
    return forest_grow(&fit->ground, fit->rooms[worker], item, &fit->forest->trees[item],
                       fit->gains + item * fit->forest->columns, bag, err);
}

static void add_gains(struct fit *fit) {
    struct forest *forest = fit->forest;
    for (int64_t t = 0; t < forest->tree_count; t++) {
        for (int32_t c = 0; c < forest->columns; c++)
            forest->gain[c] += fit->gains[t * forest->columns + c];
    }
}

static void fit_release(struct fit *fit) {
    forest_bins_free(fit->bins);
    mem_free(fit->numbers);
    mem_free(fit->weights);
    mem_free(fit->labels);
    for (int32_t i = 0; fit->rooms && i < fit->room_count; i++) forest_room_free(fit->rooms[i]);
    mem_free(fit->rooms);
    mem_free(fit->gains);
    mem_free(fit->bags);
    forest_free(fit->forest);
}

kai_status forest_fit(const struct forest_options *options, uint64_t seed,
                      const struct learn_data *data, struct pool *pool,
                      const struct progress *progress, struct forest **ret_forest, kai_err *err) {
    struct fit fit = {.data = data};
    int32_t bins_max = options->bins_max ? options->bins_max : FOREST_BINS_MAX;
    kai_status st = check_options(options, err);
    if (!st) st = check_size(data, err);
    if (!st) st = reserve(&fit, options, pool, err);
    if (!st) st = read_rows(&fit, err);
    if (!st) {
        set_ground(&fit, options, seed);
        if (data->task == LEARN_REGRESSION) centre(&fit);
        st = forest_bins_new(data->features, data->row_ids, data->row_count, bins_max, pool,
                             &fit.bins, err);
    }
    if (!st) {
        fit.ground.bins = fit.bins;
        st = pool_run_telling(pool, fit.forest->tree_count, grow_tree, &fit, progress, "forest",
                              err);
    }
    if (!st) {
        add_gains(&fit);
        if (fit.bags)
            st = forest_predict_out_of_bag(fit.forest, data->features, data->row_ids,
                                           data->row_count, fit.bags, fit.bag_words, pool,
                                           fit.forest->out_of_bag, err);
    }
    if (!st) {
        *ret_forest = fit.forest;
        fit.forest = NULL;
    }
    fit_release(&fit);
    return st;
}

void forest_free(struct forest *forest) {
    if (!forest) return;
    for (int32_t t = 0; t < forest->tree_count; t++) forest_tree_release(&forest->trees[t]);
    mem_free(forest->trees);
    mem_free(forest->gain);
    mem_free(forest->out_of_bag);
    mem_free(forest);
}

/* ---- what it says of itself ---- */

enum learn_task forest_task(const struct forest *forest) { return forest->task; }
int32_t forest_outputs(const struct forest *forest) { return forest->outputs; }
int32_t forest_columns(const struct forest *forest) { return forest->columns; }
const double *forest_out_of_bag(const struct forest *forest) { return forest->out_of_bag; }

void forest_importance(const struct forest *forest, double *ret_gain) {
    double sum = 0;
    for (int32_t c = 0; c < forest->columns; c++) sum += forest->gain[c];
    for (int32_t c = 0; c < forest->columns; c++) ret_gain[c] = sum > 0 ? forest->gain[c] / sum : 0;
}

void forest_describe(const struct forest *forest, struct json_writer *json) {
    int64_t nodes = 0, leaves = 0, depths = 0;
    int32_t depth_max = 0;
    for (int32_t t = 0; t < forest->tree_count; t++) {
        nodes += forest->trees[t].node_count;
        leaves += forest->trees[t].leaf_count;
        depths += forest->trees[t].depth;
        if (forest->trees[t].depth > depth_max) depth_max = forest->trees[t].depth;
    }
    json_key_i64(json, "trees", forest->tree_count);
    json_key_i64(json, "nodes", nodes);
    json_key_i64(json, "leaves", leaves);
    json_key_f64(json, "depth_mean", (double)depths / forest->tree_count);
    json_key_i64(json, "depth_max", depth_max);
}

/* ---- bytes ---- */

void forest_save(const struct forest *forest, struct bytes_writer *writer) {
    bytes_put_u8(writer, FORMAT_VERSION);
    bytes_put_u8(writer, (uint8_t)forest->task);
    bytes_put_i32(writer, forest->outputs);
    bytes_put_i32(writer, forest->columns);
    bytes_put_f64s(writer, forest->gain, forest->columns);
    bytes_put_i64(writer, forest->tree_count);
    for (int32_t t = 0; t < forest->tree_count; t++) {
        const struct forest_tree *tree = &forest->trees[t];
        bytes_put_i64(writer, tree->node_count);
        for (uint32_t i = 0; i < tree->node_count; i++) {
            const struct forest_node *node = &tree->nodes[i];
            uint32_t threshold = forest_share_index(node);
            bytes_put_i32(writer, (int32_t)threshold);
            bytes_put_i32(writer, (int32_t)node->child);
            bytes_put_i32(writer, (int32_t)node->column);
            bytes_put_f32(writer, node->cover);
        }
        if (forest->outputs > 1)
            bytes_put_f32s(writer, tree->shares, (int64_t)tree->leaf_count * forest->outputs);
    }
}

enum { NODE_BYTES = 16, TREE_BYTES_MIN = 8 + NODE_BYTES };

/* A node at `at` of `count`; what a child is linked to is checked by link_nodes. */
static int is_node(const struct forest *forest, const struct forest_node *node, uint32_t at,
                   uint32_t count) {
    if (!(node->cover > 0) || !isfinite(node->cover)) return 0;
    if (!node->child) {
        return node->column == 0 && (forest->outputs > 1 || isfinite(node->threshold));
    }
    return node->child > at && node->child < count - 1 &&
           (node->column & FOREST_COLUMN_MASK) < (uint32_t)forest->columns &&
           node->threshold == node->threshold;
}

/* Every node but the first has one parent before it, no path is longer than FOREST_DEPTH_MAX, and
 * leaves number their shares in range. `depths` (node_count) zero. */
static int link_nodes(const struct forest *forest, struct forest_tree *tree, uint16_t *depths) {
    uint32_t inner = 0;
    depths[0] = 1;
    for (uint32_t i = 0; i < tree->node_count; i++) {
        const struct forest_node *node = &tree->nodes[i];
        if (!depths[i]) return 0; /* no parent before it */
        if (!node->child) {
            if (depths[i] - 1 > tree->depth) tree->depth = depths[i] - 1;
            continue;
        }
        inner++;
        if (depths[i] > FOREST_DEPTH_MAX || depths[node->child] || depths[node->child + 1])
            return 0;
        depths[node->child] = depths[node->child + 1] = (uint16_t)(depths[i] + 1);
    }
    tree->leaf_count = tree->node_count - inner;
    if (forest->outputs == 1) return 1;
    for (uint32_t i = 0; i < tree->node_count; i++) {
        const struct forest_node *node = &tree->nodes[i];
        if (!node->child && forest_share_index(node) >= tree->leaf_count) return 0;
    }
    return 1;
}

static kai_status load_shares(struct bytes_reader *reader, const struct forest *forest,
                              struct forest_tree *tree, kai_err *err) {
    int64_t count = (int64_t)tree->leaf_count * forest->outputs;
    if ((uint64_t)count > (reader->size - reader->at) / sizeof *tree->shares) {
        bytes_refuse(reader);
        return KAI_OK;
    }
    tree->shares = mem_array((size_t)count, sizeof *tree->shares);
    if (!tree->shares) return err_memory(err, count * (int64_t)sizeof *tree->shares);
    bytes_get_f32s(reader, tree->shares, count);
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(tree->shares[i])) bytes_refuse(reader);
    }
    return KAI_OK;
}

static kai_status load_tree(struct bytes_reader *reader, const struct forest *forest,
                            struct forest_tree *tree, kai_err *err) {
    int64_t count = bytes_get_count(reader, UINT32_MAX / 2, NODE_BYTES);
    if (count < 1) bytes_refuse(reader);
    if (reader->is_short) return KAI_OK;
    tree->node_count = (uint32_t)count;
    tree->nodes = mem_array((size_t)count, sizeof *tree->nodes);
    uint16_t *depths = mem_zero((size_t)count, sizeof *depths);
    if (!tree->nodes || !depths) {
        mem_free(depths);
        return err_memory(err, count * (int64_t)sizeof *tree->nodes);
    }
    for (uint32_t i = 0; i < tree->node_count; i++) {
        struct forest_node *node = &tree->nodes[i];
        node->threshold = bytes_get_f32(reader);
        node->child = (uint32_t)bytes_get_i32(reader);
        node->column = (uint32_t)bytes_get_i32(reader);
        node->cover = bytes_get_f32(reader);
        if (!is_node(forest, node, i, tree->node_count)) bytes_refuse(reader);
    }
    if (!reader->is_short && !link_nodes(forest, tree, depths)) bytes_refuse(reader);
    mem_free(depths);
    if (reader->is_short || forest->outputs == 1) return KAI_OK;
    return load_shares(reader, forest, tree, err);
}

static kai_status load_head(struct bytes_reader *reader, struct forest *forest, kai_err *err) {
    if (bytes_get_u8(reader) != FORMAT_VERSION) bytes_refuse(reader);
    uint8_t task = bytes_get_u8(reader);
    if (task > LEARN_REGRESSION) bytes_refuse(reader);
    forest->task = reader->is_short ? LEARN_REGRESSION : (enum learn_task)task;
    forest->outputs = bytes_get_i32(reader);
    forest->columns = bytes_get_i32(reader);
    int is_multiclass = forest->task == LEARN_MULTICLASS;
    if (forest->outputs < 1 + is_multiclass ||
        forest->outputs > (is_multiclass ? FOREST_CLASSES_MAX : 1) || forest->columns < 1 ||
        forest->columns > FOREST_COLUMNS_MAX)
        bytes_refuse(reader);
    if (reader->is_short) return KAI_OK;
    forest->gain = mem_array((size_t)forest->columns, sizeof *forest->gain);
    if (!forest->gain) return err_memory(err, forest->columns * (int64_t)sizeof *forest->gain);
    bytes_get_f64s(reader, forest->gain, forest->columns);
    for (int32_t c = 0; c < forest->columns; c++) {
        if (!(forest->gain[c] >= 0) || !isfinite(forest->gain[c])) bytes_refuse(reader);
    }
    int64_t trees = bytes_get_count(reader, FOREST_TREES_MAX, TREE_BYTES_MIN);
    if (trees < 1) bytes_refuse(reader);
    if (reader->is_short) return KAI_OK;
    forest->trees = mem_zero((size_t)trees, sizeof *forest->trees);
    if (!forest->trees) return err_memory(err, trees * (int64_t)sizeof *forest->trees);
    forest->tree_count = (int32_t)trees;
    return KAI_OK;
}

kai_status forest_load(struct bytes_reader *reader, struct forest **ret_forest, kai_err *err) {
    struct forest *forest = mem_zero(1, sizeof *forest);
    if (!forest) return err_memory(err, sizeof *forest);
    kai_status st = load_head(reader, forest, err);
    for (int32_t t = 0; !st && !reader->is_short && t < forest->tree_count; t++)
        st = load_tree(reader, forest, &forest->trees[t], err);
    if (!st) st = bytes_done(reader, err);
    if (st) {
        forest_free(forest);
        return st;
    }
    *ret_forest = forest;
    return KAI_OK;
}
