#include "learn/boost.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/loss.h"

enum {
    BLOCK_ROWS = 1024, /* rows of one pool item */
    TILE_ROWS = 64,    /* rows that are turned row-major at a time, so that they stay in cache */
    OUTPUTS_MAX = 1 << 16,
    COLUMNS_MAX = 1 << 20,
    LEAF_BYTES = 12, /* as it is saved */
};

kai_status boost_new(struct boost **ret_boost, kai_err *err) {
    struct boost *boost = mem_zero(1, sizeof *boost);
    if (!boost) return err_memory(err, (int64_t)sizeof *boost);
    boost->scale = 1;
    *ret_boost = boost;
    return KAI_OK;
}

void boost_free(struct boost *boost) {
    if (!boost) return;
    mem_free(boost->start);
    mem_free(boost->offsets);
    mem_free(boost->nodes);
    mem_free(boost->curve);
    mem_free(boost);
}

/* Levels of a tree whose nodes stand breadth first, or -1 where they do not. */
static int32_t check_tree(const struct boost_node *nodes, int64_t count, int32_t columns) {
    int64_t next = 1, level_end = 1;
    int32_t depth = 0;
    for (int64_t j = 0; j < count; ++j) {
        const struct boost_node *node = &nodes[j];
        if (j == level_end) {
            level_end = next;
            depth++;
        }
        if (!isfinite(node->value) || !isfinite(node->cover) || !isfinite(node->gain) ||
            node->cover < 0)
            return -1;
        if (node->feature == -1) continue;
        if (node->feature < 0 || node->feature >= columns || node->left != next || next + 2 > count)
            return -1;
        next += 2;
    }
    return next == count && depth <= BOOST_DEPTH_MAX ? depth : -1;
}

kai_status boost_check(struct boost *boost, kai_err *err) {
    int is_good = isfinite(boost->scale) && boost->outputs > 0 && boost->columns > 0 &&
                  boost->trees >= 0 && boost->trees % boost->outputs == 0 && boost->offsets[0] == 0;
    for (int32_t k = 0; k < boost->outputs && is_good; ++k) is_good = isfinite(boost->start[k]);
    boost->depth = 0;
    for (int32_t t = 0; t < boost->trees && is_good; ++t) {
        int64_t count = boost->offsets[t + 1] - boost->offsets[t];
        is_good = count > 0 && count <= BOOST_NODES_MAX;
        int32_t depth =
            is_good ? check_tree(boost->nodes + boost->offsets[t], count, boost->columns) : -1;
        if (depth < 0) is_good = 0;
        if (depth > boost->depth) boost->depth = depth;
    }
    return is_good ? KAI_OK : err_set(err, KAI_CORRUPT, "boost: the trees are damaged");
}

struct scoring {
    const struct boost *boost;
    const struct matrix *features;
    const int64_t *row_ids;
    int64_t row_count;
    int is_margin;
    float *tiles;    /* (threads, TILE_ROWS, columns) */
    double *results; /* (row_count, outputs) */
};

static float leaf_of(const struct boost_node *tree, const float *row) {
    const struct boost_node *node = tree;
    while (node->feature >= 0) {
        float value = row[node->feature];
        int goes_left = isnan(value) ? node->missing_left : value < node->value;
        node = tree + node->left + !goes_left;
    }
    return node->value;
}

static void score_tile(const struct scoring *scoring, const float *tile, int64_t rows,
                       double *results) {
    const struct boost *boost = scoring->boost;
    int32_t outputs = boost->outputs;
    memset(results, 0, (size_t)(rows * outputs) * sizeof *results);
    for (int32_t t = 0; t < boost->trees; ++t) {
        const struct boost_node *tree = boost->nodes + boost->offsets[t];
        double *result = results + t % outputs;
        for (int64_t r = 0; r < rows; ++r)
            result[r * outputs] += (double)leaf_of(tree, tile + r * boost->columns);
    }
    for (int64_t r = 0; r < rows; ++r)
        for (int32_t k = 0; k < outputs; ++k)
            results[r * outputs + k] = boost->start[k] + boost->scale * results[r * outputs + k];
}

/* Margins to probabilities, in place. */
static void link_rows(const struct boost *boost, int64_t rows, double *results) {
    int32_t outputs = boost->outputs;
    if (boost->task == LEARN_BINARY)
        for (int64_t r = 0; r < rows; ++r) results[r] = sigmoid_f64(results[r]);
    if (boost->task != LEARN_MULTICLASS) return;
    for (int64_t r = 0; r < rows; ++r) {
        double *row = results + r * outputs;
        double top = row[0], sum = 0;
        for (int32_t k = 1; k < outputs; ++k) top = row[k] > top ? row[k] : top;
        for (int32_t k = 0; k < outputs; ++k) sum += row[k] = exp(row[k] - top);
        for (int32_t k = 0; k < outputs; ++k) row[k] /= sum;
    }
}

static kai_status score_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    const struct scoring *scoring = user;
    const struct matrix *features = scoring->features;
    int32_t columns = scoring->boost->columns, outputs = scoring->boost->outputs;
    float *tile = scoring->tiles + (int64_t)worker * TILE_ROWS * columns;
    int64_t end = (item + 1) * BLOCK_ROWS;
    if (end > scoring->row_count) end = scoring->row_count;
    for (int64_t begin = item * BLOCK_ROWS; begin < end; begin += TILE_ROWS) {
        int64_t rows = end - begin < TILE_ROWS ? end - begin : TILE_ROWS;
        for (int32_t c = 0; c < columns; ++c) {
            const float *values = matrix_column(features, c);
            for (int64_t r = 0; r < rows; ++r)
                tile[r * columns + c] =
                    values[scoring->row_ids ? scoring->row_ids[begin + r] : begin + r];
        }
        double *results = scoring->results + begin * outputs;
        score_tile(scoring, tile, rows, results);
        if (!scoring->is_margin) link_rows(scoring->boost, rows, results);
    }
    return KAI_OK;
}

static kai_status score_rows(struct scoring *scoring, struct pool *pool, kai_err *err) {
    const struct boost *boost = scoring->boost;
    if (scoring->features->columns != boost->columns)
        return err_set(err, KAI_INVALID, "boost: expected %d columns, got %d", boost->columns,
                       scoring->features->columns);
    size_t cells = (size_t)pool_threads(pool) * TILE_ROWS;
    scoring->tiles = mem_array(cells, (size_t)boost->columns * sizeof *scoring->tiles);
    if (!scoring->tiles)
        return err_memory(err, (int64_t)cells * boost->columns * (int64_t)sizeof(float));
    int64_t blocks = (scoring->row_count + BLOCK_ROWS - 1) / BLOCK_ROWS;
    kai_status st = pool_run(pool, blocks, score_block, scoring, err);
    mem_free(scoring->tiles);
    return st;
}

kai_status boost_predict(const struct boost *boost, const struct matrix *features,
                         const int64_t *row_ids, int64_t row_count, struct pool *pool,
                         double *ret_scores, kai_err *err) {
    struct scoring scoring = {.boost = boost,
                              .features = features,
                              .row_ids = row_ids,
                              .row_count = row_count,
                              .results = ret_scores};
    return score_rows(&scoring, pool, err);
}

kai_status boost_margins(const struct boost *boost, const struct matrix *features,
                         const int64_t *row_ids, int64_t row_count, struct pool *pool,
                         double *ret_margins, kai_err *err) {
    struct scoring scoring = {.boost = boost,
                              .features = features,
                              .row_ids = row_ids,
                              .row_count = row_count,
                              .is_margin = 1,
                              .results = ret_margins};
    return score_rows(&scoring, pool, err);
}

void boost_importance(const struct boost *boost, double *ret_gain) {
    double sum = 0;
    for (int32_t c = 0; c < boost->columns; ++c) ret_gain[c] = 0;
    for (int64_t j = 0; j < boost->offsets[boost->trees]; ++j) {
        const struct boost_node *node = &boost->nodes[j];
        if (node->feature < 0) continue;
        ret_gain[node->feature] += (double)node->gain;
        sum += (double)node->gain;
    }
    for (int32_t c = 0; c < boost->columns && sum > 0; ++c) ret_gain[c] /= sum;
}

void boost_describe(const struct boost *boost, struct json_writer *json) {
    json_key_i64(json, "rounds", boost->best_round);
    json_key_i64(json, "rounds_run", boost->rounds_run);
    json_key_i64(json, "trees", boost->trees);
    json_key_i64(json, "nodes", boost->offsets[boost->trees]);
    json_key_i64(json, "depth", boost->depth);
    if (boost->curve_count == 0) return;
    json_key(json, "validation_loss");
    json_array(json);
    for (int32_t i = 0; i < boost->curve_count; ++i) json_f64(json, boost->curve[i]);
    json_end(json);
}

void boost_save(const struct boost *boost, struct bytes_writer *writer) {
    bytes_put_i32(writer, (int32_t)boost->task);
    bytes_put_i32(writer, boost->outputs);
    bytes_put_i32(writer, boost->columns);
    bytes_put_i64(writer, boost->trees);
    bytes_put_i32(writer, boost->rounds_run);
    bytes_put_f64(writer, boost->scale);
    bytes_put_f64s(writer, boost->start, boost->outputs);
    for (int32_t t = 0; t < boost->trees; ++t) {
        int64_t count = boost->offsets[t + 1] - boost->offsets[t];
        const struct boost_node *nodes = boost->nodes + boost->offsets[t];
        bytes_put_i32(writer, (int32_t)count);
        for (int64_t j = 0; j < count; ++j) {
            bytes_put_i32(writer, nodes[j].feature);
            bytes_put_f32(writer, nodes[j].value);
            bytes_put_f32(writer, nodes[j].cover);
            if (nodes[j].feature < 0) continue;
            bytes_put_f32(writer, nodes[j].gain);
            bytes_put_u8(writer, (uint8_t)nodes[j].missing_left);
        }
    }
}

static void load_tree(struct bytes_reader *reader, struct boost_node *nodes, int64_t count) {
    int64_t next = 1;
    for (int64_t j = 0; j < count; ++j) {
        struct boost_node *node = &nodes[j];
        *node = (struct boost_node){.feature = bytes_get_i32(reader)};
        node->value = bytes_get_f32(reader);
        node->cover = bytes_get_f32(reader);
        if (node->feature < 0) continue;
        node->left = (int32_t)next;
        node->gain = bytes_get_f32(reader);
        node->missing_left = bytes_get_u8(reader) != 0;
        next += 2;
    }
}

/* Trees one by one into memory that grows with what was really there. */
static kai_status load_trees(struct bytes_reader *reader, struct boost *boost, kai_err *err) {
    int64_t capacity = 0;
    for (int32_t t = 0; t < boost->trees; ++t) {
        int64_t at = boost->offsets[t];
        int64_t count = bytes_get_i32(reader);
        if (count < 1 || count > BOOST_NODES_MAX ||
            (size_t)count > (reader->size - reader->at) / LEAF_BYTES)
            bytes_refuse(reader);
        if (reader->is_short) return bytes_done(reader, err);
        if (at + count > capacity) {
            capacity = 2 * (at + count);
            struct boost_node *nodes =
                mem_resize(boost->nodes, (size_t)capacity, sizeof *boost->nodes);
            if (!nodes) return err_memory(err, capacity * (int64_t)sizeof *nodes);
            boost->nodes = nodes;
        }
        load_tree(reader, boost->nodes + at, count);
        boost->offsets[t + 1] = at + count;
    }
    return bytes_done(reader, err);
}

static kai_status load_body(struct bytes_reader *reader, struct boost *boost, kai_err *err) {
    int32_t task = bytes_get_i32(reader);
    boost->outputs = bytes_get_i32(reader);
    boost->columns = bytes_get_i32(reader);
    boost->trees = (int32_t)bytes_get_count(reader, BOOST_TREES_MAX, 4 + LEAF_BYTES);
    boost->rounds_run = bytes_get_i32(reader);
    boost->scale = bytes_get_f64(reader);
    if (task < LEARN_BINARY || task > LEARN_REGRESSION || boost->outputs < 1 ||
        boost->outputs > OUTPUTS_MAX || boost->columns < 1 || boost->columns > COLUMNS_MAX ||
        (boost->outputs > 1) != (task == LEARN_MULTICLASS) || boost->rounds_run < 0)
        bytes_refuse(reader);
    if (reader->is_short) return bytes_done(reader, err);
    boost->task = (enum learn_task)task;
    boost->best_round = boost->trees / boost->outputs;
    boost->start = mem_zero((size_t)boost->outputs, sizeof *boost->start);
    boost->offsets = mem_zero((size_t)boost->trees + 1, sizeof *boost->offsets);
    if (!boost->start || !boost->offsets)
        return err_memory(err, (int64_t)(boost->trees + boost->outputs) * 8);
    bytes_get_f64s(reader, boost->start, boost->outputs);
    kai_status st = load_trees(reader, boost, err);
    if (!st) st = boost_check(boost, err);
    return st;
}

kai_status boost_load(struct bytes_reader *reader, struct boost **ret_boost, kai_err *err) {
    struct boost *boost = NULL;
    kai_status st = boost_new(&boost, err);
    if (!st) st = load_body(reader, boost, err);
    if (st) {
        boost_free(boost);
        return st;
    }
    *ret_boost = boost;
    return KAI_OK;
}
