/* How XGBoost is kept deterministic for any number of threads.
 *
 * Its histograms are sums of doubles whose order depends on the threads. A sum of doubles does not
 * depend on the order where it is exact; so the derivatives are computed here, as a custom
 * objective, and rounded to multiples of a power of two so coarse that the sum over all rows cannot
 * leave 53 bits, and no coarser: with n rows and derivatives up to 2^e the step is
 * 2^(e + ceil(log2 n) - 52). For a million rows that is 2^-32 of the largest derivative, finer than
 * the float that XGBoost would store for all but the smallest. Every histogram, every difference of
 * two and every split then is the same for any number of threads; the quantile cuts are made column
 * by column, and rows are drawn here by their own counter (XGBoost's row sampling is keyed by
 * thread).
 *
 * Regression learns (y - mean) / deviation and scales the leaves back, which gives the trees of the
 * raw target, since a leaf is linear in the target for a squared loss; so derivatives have a bound.
 *
 * The logistic and softmax derivatives are those of XGBoost's own objectives; the validation loss
 * is summed here in row order.
 */
#include "learn/trees_xgboost.h"

#include <math.h>
#include <string.h>

#include <xgboost/c_api.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"
#include "kernel/loss.h"
#include "learn/boost_import.h"
#include "learn/holdout.h"

enum {
    BLOCK_ROWS = 8192,
    ROUNDS_MAX = 100000,
    PATIENCE_MAX = ROUNDS_MAX,
    /* Cells that pay for another thread. XGBoost's barriers spin: where another process wants the
     * core, 100 rounds on 2 million cells took 0.6 s with one thread and 10 s with two. */
    THREAD_CELLS = 5000000,
    VALIDATION_ROWS_MIN = 10,
    MESSAGE_BYTES = 200,
};

struct part {
    const int64_t *row_ids; /* (count) */
    int64_t count;
    double *target; /* owned; standardised for regression */
    double *weight; /* owned */
    DMatrixHandle matrix;
    const float *margins; /* XGBoost's; (count, outputs); NULL = all 0 */
};

struct trainer {
    struct boost_options options;
    uint64_t seed;
    const struct learn_data *data;
    struct pool *pool;
    int32_t outputs;
    int32_t threads;
    struct holdout rows; /* owned */
    struct part train, valid;
    double *start;          /* owned; (outputs) margins before the first tree */
    double mean, deviation; /* of a regression's target */
    double weight_max;
    float *first, *second; /* owned; (train.count, outputs) derivatives of the loss */
    double *largest;       /* owned; of each block, |first derivative| */
    double first_step, second_step;
    int32_t round;
    BoosterHandle booster;
};

/* The first line of XGBoost's message, without the place in its source. */
static kai_status library_error(kai_err *err) {
    const char *message = XGBGetLastError();
    if (strstr(message, "bad_alloc")) return err_set(err, KAI_NO_MEMORY, "xgboost: out of memory");
    const char *text = strstr(message, ": ");
    text = text && message[0] == '[' ? text + 2 : message;
    int length = (int)strcspn(text, "\n");
    if (length > MESSAGE_BYTES) length = MESSAGE_BYTES;
    return err_set(err, KAI_STATE, "xgboost: %.*s", length, text);
}

static kai_status check_options(const struct boost_options *given,
                                struct boost_options *ret_options, kai_err *err) {
    struct boost_options options = *given;
    if (options.rounds == 0) options.rounds = 500;
    if (options.depth_max == 0) options.depth_max = 6;
    if (options.learning_rate == 0) options.learning_rate = 0.1;
    if (options.row_share == 0) options.row_share = 1;
    if (options.column_share == 0) options.column_share = 1;
    if (options.lambda == 0) options.lambda = 1;
    if (options.child_weight_min == 0) options.child_weight_min = 1;
    if (options.validation_share == 0) options.validation_share = 0.1;
    if (options.patience == 0) options.patience = 20;
    if (options.rounds < 1 || options.rounds > ROUNDS_MAX)
        return err_set(err, KAI_INVALID, "boost: 'rounds' must be 1 to %d", ROUNDS_MAX);
    if (options.depth_max < 1 || options.depth_max > BOOST_DEPTH_MAX)
        return err_set(err, KAI_INVALID, "boost: 'depth_max' must be 1 to %d", BOOST_DEPTH_MAX);
    if (!(options.learning_rate > 0 && options.learning_rate <= 1))
        return err_set(err, KAI_INVALID, "boost: 'learning_rate' must be above 0 and at most 1");
    if (!(options.row_share > 0 && options.row_share <= 1) ||
        !(options.column_share > 0 && options.column_share <= 1))
        return err_set(err, KAI_INVALID, "boost: shares must be above 0 and at most 1");
    if (!(options.lambda > 0 && isfinite(options.lambda)) ||
        !(options.child_weight_min > 0 && isfinite(options.child_weight_min)))
        return err_set(err, KAI_INVALID, "boost: 'lambda' and 'child_weight_min' must be positive");
    if (!(options.validation_share < 1) || options.patience < 1 || options.patience > PATIENCE_MAX)
        return err_set(err, KAI_INVALID,
                       "boost: 'validation_share' must be below 1, 'patience' at least 1");
    *ret_options = options;
    return KAI_OK;
}

static void free_part(struct part *part) {
    mem_free(part->target);
    mem_free(part->weight);
    if (part->matrix) (void)XGDMatrixFree(part->matrix); /* nothing to do about a failure */
}

static void release(struct trainer *trainer) {
    if (trainer->booster) (void)XGBoosterFree(trainer->booster); /* as above */
    free_part(&trainer->train);
    free_part(&trainer->valid);
    holdout_release(&trainer->rows);
    mem_free(trainer->start);
    mem_free(trainer->first);
    mem_free(trainer->second);
    mem_free(trainer->largest);
}

/* row_ids: (count), borrowed. */
static kai_status fill_part(const struct learn_data *data, const int64_t *row_ids, int64_t count,
                            struct part *part, kai_err *err) {
    part->count = count;
    part->row_ids = row_ids;
    part->target = mem_array((size_t)count, sizeof *part->target);
    part->weight = mem_array((size_t)count, sizeof *part->weight);
    if (!part->target || !part->weight)
        return err_memory(err, count * (int64_t)sizeof *part->target);
    for (int64_t i = 0; i < count; ++i) {
        part->target[i] = data->target[row_ids[i]];
        part->weight[i] = data->weight ? data->weight[row_ids[i]] : 1;
    }
    return KAI_OK;
}

static kai_status split_rows(struct trainer *trainer, kai_err *err) {
    struct holdout *rows = &trainer->rows;
    kai_status st = holdout_draw(trainer->data, trainer->options.validation_share,
                                 VALIDATION_ROWS_MIN, trainer->seed, "boost-validation", rows, err);
    if (!st) st = fill_part(trainer->data, rows->row_ids, rows->teaching, &trainer->train, err);
    if (!st && rows->kept_back > 0)
        st = fill_part(trainer->data, rows->row_ids + rows->teaching, rows->kept_back,
                       &trainer->valid, err);
    return st;
}

/* Start from what is known without features: the mean, the log-odds, the log shares. */
static void set_start(struct trainer *trainer) {
    struct part *train = &trainer->train;
    enum learn_task task = trainer->data->task;
    double *start = trainer->start;
    double weight = 0, sum = 0, squares = 0;
    int is_constant = 1;
    trainer->deviation = 1;
    for (int64_t i = 0; i < train->count; ++i) {
        weight += train->weight[i];
        sum += train->weight[i] * train->target[i];
        if (task == LEARN_MULTICLASS) start[(int32_t)train->target[i]] += train->weight[i];
        if (train->weight[i] > trainer->weight_max) trainer->weight_max = train->weight[i];
        is_constant &= train->target[i] == train->target[0];
    }
    double mean = sum / weight;
    if (task == LEARN_BINARY) start[0] = log(mean / (1 - mean));
    for (int32_t k = 0; k < trainer->outputs && task == LEARN_MULTICLASS; ++k)
        start[k] = log((start[k] > 0 ? start[k] : 0.5) / weight);
    if (task != LEARN_REGRESSION) return;
    for (int64_t i = 0; i < train->count; ++i)
        squares += train->weight[i] * (train->target[i] - mean) * (train->target[i] - mean);
    trainer->mean = is_constant ? train->target[0] : mean;
    trainer->deviation = is_constant ? 0 : sqrt(squares / weight);
    struct part *parts[] = {train, &trainer->valid};
    for (int p = 0; p < 2 && trainer->deviation > 0; ++p)
        for (int64_t i = 0; i < parts[p]->count; ++i)
            parts[p]->target[i] = (parts[p]->target[i] - mean) / trainer->deviation;
}

struct gather {
    const struct matrix *features;
    const struct part *part;
    float *values; /* (part->count, columns) */
};

static kai_status gather_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    enum { TILE = 64 };
    (void)worker;
    (void)err;
    const struct gather *gather = user;
    int32_t columns = gather->features->columns;
    int64_t end = (item + 1) * BLOCK_ROWS;
    if (end > gather->part->count) end = gather->part->count;
    for (int64_t begin = item * BLOCK_ROWS; begin < end; begin += TILE) {
        int64_t stop = begin + TILE < end ? begin + TILE : end;
        for (int32_t c = 0; c < columns; ++c) {
            const float *column = matrix_column(gather->features, c);
            for (int64_t i = begin; i < stop; ++i)
                gather->values[i * columns + c] = column[gather->part->row_ids[i]];
        }
    }
    return KAI_OK;
}

static int64_t blocks_of(int64_t rows) { return (rows + BLOCK_ROWS - 1) / BLOCK_ROWS; }

/* The rows of a part as XGBoost's matrix. */
static kai_status make_matrix(const struct trainer *trainer, struct part *part, kai_err *err) {
    int32_t columns = trainer->data->features->columns;
    struct gather gather = {trainer->data->features, part, NULL};
    gather.values = mem_array((size_t)part->count, (size_t)columns * sizeof *gather.values);
    if (!gather.values)
        return err_memory(err, part->count * columns * (int64_t)sizeof *gather.values);
    kai_status st = pool_run(trainer->pool, blocks_of(part->count), gather_block, &gather, err);
    if (!st && XGDMatrixCreateFromMat_omp(gather.values, (bst_ulong)part->count, (bst_ulong)columns,
                                          NAN, &part->matrix, trainer->threads))
        st = library_error(err);
    mem_free(gather.values);
    if (st || !trainer->data->weight || part != &trainer->train) return st;
    float *weight = mem_array((size_t)part->count, sizeof *weight);
    if (!weight) return err_memory(err, part->count * (int64_t)sizeof *weight);
    for (int64_t i = 0; i < part->count; ++i) weight[i] = (float)part->weight[i];
    if (XGDMatrixSetFloatInfo(part->matrix, "weight", weight, (bst_ulong)part->count))
        st = library_error(err);
    mem_free(weight);
    return st;
}

static kai_status set_number(const struct trainer *trainer, const char *name, double value,
                             kai_err *err) {
    char text[TEXT_NUMBER_BYTES];
    (void)text_print_f64(value, text); /* the length */
    return XGBoosterSetParam(trainer->booster, name, text) ? library_error(err) : KAI_OK;
}

static kai_status make_booster(struct trainer *trainer, kai_err *err) {
    const struct boost_options *options = &trainer->options;
    DMatrixHandle matrices[] = {trainer->train.matrix, trainer->valid.matrix};
    bst_ulong count = trainer->valid.matrix ? 2 : 1;
    if (XGBoosterCreate(matrices, count, &trainer->booster)) return library_error(err);
    int is_multi = trainer->data->task == LEARN_MULTICLASS;
    const char *const texts[][2] = {
        {"verbosity", "0"},      {"booster", "gbtree"},
        {"tree_method", "hist"}, {"objective", is_multi ? "multi:softprob" : "reg:squarederror"},
        {"base_score", "0"},     {"disable_default_eval_metric", "1"},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; ++i)
        if (XGBoosterSetParam(trainer->booster, texts[i][0], texts[i][1]))
            return library_error(err);
    const struct {
        const char *name;
        double value;
    } numbers[] = {
        {"nthread", trainer->threads},
        {"max_depth", options->depth_max},
        {"eta", options->learning_rate},
        {"colsample_bytree", options->column_share},
        {"lambda", options->lambda},
        {"min_child_weight", options->child_weight_min},
        {"seed", (double)(trainer->seed & 0x7fffffff)},
        {"num_class", is_multi ? trainer->outputs : 0},
    };
    kai_status st = KAI_OK;
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers && !st; ++i)
        if (is_multi || strcmp(numbers[i].name, "num_class") != 0)
            st = set_number(trainer, numbers[i].name, numbers[i].value, err);
    return st;
}

/* XGBoost keeps the sum of the leaves for each row of both matrices and adds only new trees. */
static kai_status read_margins(const struct trainer *trainer, struct part *part, kai_err *err) {
    bst_ulong count = 0;
    const float *margins = NULL;
    enum { RAW_MARGIN = 1, ALL_TREES = 0 };
    if (XGBoosterPredict(trainer->booster, part->matrix, RAW_MARGIN, ALL_TREES, 1, &count,
                         &margins))
        return library_error(err);
    if (count != (bst_ulong)(part->count * trainer->outputs))
        return err_set(err, KAI_STATE, "xgboost: %lld scores for %lld rows", (long long)count,
                       (long long)part->count);
    part->margins = margins;
    return KAI_OK;
}

static double margin_of(const struct trainer *trainer, const struct part *part, int64_t i,
                        int32_t k) {
    double grown = part->margins ? (double)part->margins[i * trainer->outputs + k] : 0;
    return trainer->start[k] + grown;
}

static void softmax_of(const struct trainer *trainer, const struct part *part, int64_t i,
                       double *ret_shares) {
    double top = -INFINITY, sum = 0;
    for (int32_t k = 0; k < trainer->outputs; ++k) {
        ret_shares[k] = margin_of(trainer, part, i, k);
        if (ret_shares[k] > top) top = ret_shares[k];
    }
    for (int32_t k = 0; k < trainer->outputs; ++k) sum += ret_shares[k] = exp(ret_shares[k] - top);
    for (int32_t k = 0; k < trainer->outputs; ++k) ret_shares[k] /= sum;
}

/* Round to a multiple of `step`, a power of two: adding 1.5 x 2^52 steps leaves no room for less.
 */
static float on_grid(double value, double step) {
    double anchor = 6755399441055744.0 * step;
    return (float)((value + anchor) - anchor);
}

static void put_derivatives(const struct trainer *trainer, int64_t at, double weight, double first,
                            double second) {
    float curvature = on_grid(weight * second, trainer->second_step);
    trainer->first[at] = on_grid(weight * first, trainer->first_step);
    trainer->second[at] =
        curvature > (float)trainer->second_step ? curvature : (float)trainer->second_step;
}

static void derive_row(const struct trainer *trainer, int64_t i, double *shares) {
    const struct part *train = &trainer->train;
    double weight = train->weight[i], target = train->target[i];
    if (trainer->data->task == LEARN_REGRESSION) {
        put_derivatives(trainer, i, weight, margin_of(trainer, train, i, 0) - target, 1);
    } else if (trainer->data->task == LEARN_BINARY) {
        double p = sigmoid_f64(margin_of(trainer, train, i, 0));
        put_derivatives(trainer, i, weight, p - target, p * (1 - p));
    } else {
        softmax_of(trainer, train, i, shares);
        for (int32_t k = 0; k < trainer->outputs; ++k)
            put_derivatives(trainer, i * trainer->outputs + k, weight,
                            shares[k] - (k == (int32_t)target), 2 * shares[k] * (1 - shares[k]));
    }
}

static kai_status derive_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    const struct trainer *trainer = user;
    int32_t outputs = trainer->outputs;
    int64_t end = (item + 1) * BLOCK_ROWS;
    if (end > trainer->train.count) end = trainer->train.count;
    double *shares = mem_array((size_t)outputs, sizeof *shares);
    if (!shares) return err_memory(err, outputs * (int64_t)sizeof *shares);
    struct rng rng;
    rng_init(&rng, trainer->seed, "boost-rows", (uint64_t)trainer->round << 32 | (uint64_t)item);
    for (int64_t i = item * BLOCK_ROWS; i < end; ++i) {
        derive_row(trainer, i, shares);
        if (trainer->options.row_share == 1 || rng_unit(&rng) < trainer->options.row_share)
            continue;
        for (int32_t k = 0; k < outputs; ++k)
            trainer->first[i * outputs + k] = trainer->second[i * outputs + k] = 0;
    }
    mem_free(shares);
    return KAI_OK;
}

static kai_status measure_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    const struct trainer *trainer = user;
    const struct part *train = &trainer->train;
    int64_t end = (item + 1) * BLOCK_ROWS;
    if (end > train->count) end = train->count;
    double largest = 0;
    for (int64_t i = item * BLOCK_ROWS; i < end; ++i) {
        double first = train->weight[i] * fabs(margin_of(trainer, train, i, 0) - train->target[i]);
        if (!(first <= largest)) largest = first;
    }
    trainer->largest[item] = largest;
    return KAI_OK;
}

/* The largest step that loses nothing: sums of `rows` values up to `bound` fit 53 bits. */
static double step_for(double bound, int64_t rows) {
    int exponent = 0, count = 0;
    (void)frexp(bound, &exponent); /* bound < 2^exponent */
    (void)frexp((double)rows, &count);
    return ldexp(1, exponent + count - 52);
}

/* First and second derivatives of the loss at the present margins. */
static kai_status derive(struct trainer *trainer, kai_err *err) {
    int64_t rows = trainer->train.count, blocks = blocks_of(rows);
    double bound = trainer->weight_max;
    kai_status st = KAI_OK;
    if (trainer->data->task == LEARN_REGRESSION) {
        st = pool_run(trainer->pool, blocks, measure_block, trainer, err);
        bound = 0;
        for (int64_t b = 0; b < blocks && !st; ++b)
            if (!(trainer->largest[b] <= bound)) bound = trainer->largest[b];
        if (!st && !isfinite(bound)) return err_set(err, KAI_DIVERGED, "boost: loss not finite");
        if (bound == 0) bound = trainer->weight_max;
    }
    trainer->first_step = step_for(bound, rows);
    trainer->second_step = step_for(trainer->weight_max, rows);
    return st ? st : pool_run(trainer->pool, blocks, derive_block, trainer, err);
}

static double valid_loss(const struct trainer *trainer, double *shares) {
    const struct part *valid = &trainer->valid;
    double loss = 0, weight = 0;
    for (int64_t i = 0; i < valid->count; ++i) {
        double row = 0, target = valid->target[i];
        if (trainer->data->task == LEARN_MULTICLASS) {
            softmax_of(trainer, valid, i, shares);
            row = -log(fmax(shares[(int32_t)target], 1e-16));
        } else {
            double margin = margin_of(trainer, valid, i, 0);
            row = trainer->data->task == LEARN_BINARY
                      ? fmax(margin, 0) - margin * target + log1p(exp(-fabs(margin)))
                      : (margin - target) * (margin - target);
        }
        loss += valid->weight[i] * row;
        weight += valid->weight[i];
    }
    return loss / weight;
}

static kai_status grow_round(struct trainer *trainer, kai_err *err) {
    kai_status st = KAI_OK;
    if (trainer->round > 0) st = read_margins(trainer, &trainer->train, err);
    if (!st) st = derive(trainer, err);
    bst_ulong cells = (bst_ulong)(trainer->train.count * trainer->outputs);
    if (!st && XGBoosterBoostOneIter(trainer->booster, trainer->train.matrix, trainer->first,
                                     trainer->second, cells))
        st = library_error(err);
    return st;
}

/* Rounds until the validation loss has not fallen for `patience` of them. */
static kai_status grow(struct trainer *trainer, const struct progress *progress,
                       struct boost *boost, kai_err *err) {
    double best = INFINITY;
    double *shares = mem_array((size_t)trainer->outputs, sizeof *shares);
    if (!shares) return err_memory(err, trainer->outputs * (int64_t)sizeof *shares);
    kai_status st = KAI_OK;
    int32_t rounds = trainer->options.rounds;
    for (; trainer->round < rounds && !st; trainer->round++) {
        if (trainer->valid.count > 0 &&
            trainer->round - boost->best_round >= trainer->options.patience)
            break;
        st = grow_round(trainer, err);
        if (!st && trainer->valid.count > 0) st = read_margins(trainer, &trainer->valid, err);
        if (!st && trainer->valid.count > 0) {
            double loss = valid_loss(trainer, shares);
            if (isnan(loss)) st = err_set(err, KAI_DIVERGED, "boost: loss not finite");
            boost->curve[boost->curve_count++] = loss;
            if (loss < best) {
                best = loss;
                boost->best_round = trainer->round + 1;
            }
        }
        if (!st) st = progress_tell(progress, "boost", trainer->round + 1, rounds, err);
    }
    boost->rounds_run = trainer->round;
    if (trainer->valid.count == 0) boost->best_round = trainer->round;
    mem_free(shares);
    return st;
}

static kai_status keep_trees(const struct trainer *trainer, struct boost *boost, kai_err *err) {
    bst_ulong size = 0;
    const char *bytes = NULL;
    if (XGBoosterSaveModelToBuffer(trainer->booster, "{\"format\": \"ubj\"}", &size, &bytes))
        return library_error(err);
    return boost_import(bytes, size, boost->best_round * trainer->outputs, boost, err);
}

/* Everything but the trees. */
static kai_status prepare_boost(const struct trainer *trainer, struct boost *boost, kai_err *err) {
    boost->task = trainer->data->task;
    boost->outputs = trainer->outputs;
    boost->columns = trainer->data->features->columns;
    boost->options = trainer->options;
    boost->start = mem_zero((size_t)trainer->outputs, sizeof *boost->start);
    boost->curve = mem_zero((size_t)trainer->options.rounds, sizeof *boost->curve);
    if (!boost->start || !boost->curve)
        return err_memory(err, trainer->options.rounds * (int64_t)sizeof *boost->curve);
    for (int32_t k = 0; k < trainer->outputs; ++k) boost->start[k] = trainer->start[k];
    if (boost->task == LEARN_REGRESSION) {
        boost->start[0] = trainer->mean;
        boost->scale = trainer->deviation;
    }
    return KAI_OK;
}

static kai_status allocate(struct trainer *trainer, kai_err *err) {
    size_t cells = (size_t)trainer->outputs * sizeof(float);
    trainer->first = mem_array((size_t)trainer->train.count, cells);
    trainer->second = mem_array((size_t)trainer->train.count, cells);
    trainer->largest = mem_zero((size_t)blocks_of(trainer->train.count), sizeof(double));
    if (!trainer->first || !trainer->second || !trainer->largest)
        return err_memory(err, trainer->train.count * (int64_t)cells);
    return KAI_OK;
}

static kai_status train(struct trainer *trainer, const struct progress *progress,
                        struct boost *boost, kai_err *err) {
    if (XGBSetGlobalConfig("{\"verbosity\": 0}")) return library_error(err);
    kai_status st = split_rows(trainer, err);
    trainer->start = mem_zero((size_t)trainer->outputs, sizeof *trainer->start);
    if (!st && !trainer->start) st = err_memory(err, trainer->outputs * 8);
    if (st) return st;
    set_start(trainer);
    st = prepare_boost(trainer, boost, err);
    if (!st && trainer->deviation == 0) { /* a constant target needs no tree */
        boost->scale = 1;
        boost->offsets = mem_zero(1, sizeof *boost->offsets);
        return boost->offsets ? KAI_OK : err_memory(err, 8);
    }
    if (!st) st = allocate(trainer, err);
    if (!st) st = make_matrix(trainer, &trainer->train, err);
    if (!st && trainer->valid.count > 0) st = make_matrix(trainer, &trainer->valid, err);
    if (!st) st = make_booster(trainer, err);
    if (!st) st = grow(trainer, progress, boost, err);
    if (!st) st = keep_trees(trainer, boost, err);
    return st ? st : boost_check(boost, err);
}

kai_status xgboost_fit_threads(const struct boost_options *options, uint64_t seed,
                               const struct learn_data *data, int32_t threads, struct pool *pool,
                               const struct progress *progress, struct boost **ret_boost,
                               kai_err *err) {
    struct trainer trainer = {.seed = seed, .data = data, .threads = threads, .pool = pool};
    trainer.outputs = data->task == LEARN_MULTICLASS ? data->classes : 1;
    kai_status st = check_options(options, &trainer.options, err);
    if (st) return st;
    if (trainer.options.rounds > BOOST_TREES_MAX / trainer.outputs)
        return err_set(err, KAI_LIMIT, "boost: more than %d trees", BOOST_TREES_MAX);
    struct boost *boost = NULL;
    st = boost_new(&boost, err);
    if (!st) st = train(&trainer, progress, boost, err);
    release(&trainer);
    if (st) {
        boost_free(boost);
        return st;
    }
    *ret_boost = boost;
    return KAI_OK;
}

kai_status xgboost_fit(const struct boost_options *options, uint64_t seed,
                       const struct learn_data *data, struct pool *pool,
                       const struct progress *progress, struct boost **ret_boost, kai_err *err) {
    int64_t rows = data->row_ids ? data->row_count : data->features->rows;
    int64_t useful = rows * data->features->columns / THREAD_CELLS + 1;
    int32_t threads = pool_threads(pool);
    if (useful < threads) threads = (int32_t)useful;
    return xgboost_fit_threads(options, seed, data, threads, pool, progress, ret_boost, err);
}
