#include "learn/causal.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/causal_sum.h"
#include "learn/causal_tree.h"
#include "learn/learn.h"

enum { ROWS_MIN = 100 };
static const double CHANCE_MIN = 0.01; /* estimated chances of a binary treatment stay inside */

struct causal {
    struct causal_options options;
    struct forest_bins *bins; /* owned; without `columnwise` */
    struct causal_tree *tree; /* owned; (trees) */
    int64_t rows;
    int is_binary;               /* the treatment is 0 or 1 */
    float *w, *y;                /* owned; (rows) centred, as the trees saw them */
    double *treatment, *outcome; /* owned; (rows) centred */
    double *effect, *variance;   /* owned; (rows) out of bag */
};

void causal_options_init(struct causal_options *options) {
    *options =
        (struct causal_options){.trees = 2000, .balance = 0.05, .centre_trees = 30, .seed = 42};
}

void causal_free(struct causal *causal) {
    if (!causal) return;
    for (int32_t t = 0; causal->tree && t < causal->options.trees; t++)
        causal_tree_release(&causal->tree[t]);
    mem_free(causal->tree);
    forest_bins_free(causal->bins);
    mem_free(causal->w);
    mem_free(causal->y);
    mem_free(causal->treatment);
    mem_free(causal->outcome);
    mem_free(causal->effect);
    mem_free(causal->variance);
    mem_free(causal);
}

static int64_t row_of(const struct causal_data *data, int64_t i) {
    return data->row_ids ? data->row_ids[i] : i;
}

static kai_status check_options(const struct causal_options *o, kai_err *err) {
    const char *wrong = NULL;
    if (o->trees < 4 || o->trees > 100000 || o->trees % 2)
        wrong = "trees: expected 4 to 100000, even";
    if (!(o->sample_share >= 0 && o->sample_share <= 0.5))
        wrong = "sample_share: expected 0 to 0.5";
    if (o->leaf_rows_min < 0) wrong = "leaf_rows_min: expected 0 or more";
    if (!(o->balance >= 0 && o->balance < 0.5)) wrong = "balance: expected 0 to less than 0.5";
    if (o->columns_tried < 0 || o->centre_trees < 1) wrong = "columns_tried, centre_trees";
    return wrong ? err_set(err, KAI_INVALID, "causal forest: %s", wrong) : KAI_OK;
}

static kai_status check_data(const struct causal_data *data, kai_err *err) {
    if (data->row_count < ROWS_MIN || data->row_count > CAUSAL_ROWS_MAX)
        return err_set(err, KAI_INVALID, "a causal forest needs %d to %d rows, got %lld", ROWS_MIN,
                       CAUSAL_ROWS_MAX, (long long)data->row_count);
    if (data->features->columns < 1 || data->features->columns > UINT16_MAX)
        return err_set(err, KAI_INVALID, "a causal forest needs 1 to 65535 columns");
    int w_varies = 0, y_varies = 0;
    for (int64_t i = 0; i < data->row_count; i++) {
        int64_t row = row_of(data, i), first = row_of(data, 0);
        double chance = data->chance ? data->chance[row] : 0;
        if (!isfinite(data->treatment[row]) || !isfinite(data->outcome[row]) || !isfinite(chance))
            return err_set(err, KAI_INVALID, "row %lld: treatment, outcome or chance is no number",
                           (long long)row + 1);
        w_varies |= data->treatment[row] != data->treatment[first];
        y_varies |= data->outcome[row] != data->outcome[first];
    }
    if (!w_varies) return err_set(err, KAI_INVALID, "the treatment is the same for every row");
    if (!y_varies) return err_set(err, KAI_INVALID, "the outcome is the same for every row");
    return KAI_OK;
}

static double mean_of(const double *values, const struct causal_data *data) {
    double sum = 0;
    for (int64_t i = 0; i < data->row_count; i++) sum += values[row_of(data, i)];
    return sum / (double)data->row_count;
}

static int is_binary(const struct causal_data *data) {
    for (int64_t i = 0; i < data->row_count; i++) {
        double w = data->treatment[row_of(data, i)];
        if (w != 0 && w != 1) return 0;
    }
    return 1;
}

/* values - E[values | x], the expectation out of bag. Rows that every bag held get the mean. */
static kai_status centre(const struct causal *causal, const struct causal_data *data,
                         const double *values, const char *stage, struct pool *pool,
                         const struct progress *progress, double *ret_centred, kai_err *err) {
    struct learn_options options;
    struct learn_data learned = {.features = data->features,
                                 .target = values,
                                 .row_ids = data->row_ids,
                                 .row_count = data->row_count,
                                 .task = LEARN_REGRESSION};
    struct model *model = NULL;
    learn_options_init(&options, LEARN_FOREST, causal->options.seed);
    options.forest.trees = causal->options.centre_trees;
    double share = fmin(1, fmax(0.1, 50000 / (double)data->row_count));
    /* smooth rather than deep: the noise of a small leaf would bias every effect */
    double leaf = fmax(5, 0.63 * sqrt(share * (double)data->row_count));
    options.forest.leaf_rows_min = (int32_t)leaf;
    options.forest.feature_share = 0.7;
    options.forest.bins_max = CAUSAL_BINS;
    options.forest.wants_out_of_bag = 1;
    options.forest.sample_share = share;
    kai_status st = progress_tell(progress, stage, 0, 1, err);
    if (!st) st = learn_fit(&options, &learned, pool, NULL, &model, err);
    if (st) return st;
    const double *expected = model_out_of_bag(model);
    double mean = mean_of(values, data);
    int is_chance = values == data->treatment && causal->is_binary;
    for (int64_t i = 0; i < data->row_count; i++) {
        double e = isnan(expected[i]) ? mean : expected[i];
        if (is_chance) e = fmin(fmax(e, CHANCE_MIN), 1 - CHANCE_MIN);
        ret_centred[i] = values[row_of(data, i)] - e;
    }
    model_free(model);
    return KAI_OK;
}

static kai_status centre_both(struct causal *causal, const struct causal_data *data,
                              struct pool *pool, const struct progress *progress, kai_err *err) {
    kai_status st =
        centre(causal, data, data->outcome, "centre outcome", pool, progress, causal->outcome, err);
    if (!st && data->chance)
        for (int64_t i = 0; i < data->row_count; i++) {
            int64_t row = row_of(data, i);
            causal->treatment[i] = data->treatment[row] - data->chance[row];
        }
    else if (!st)
        st = centre(causal, data, data->treatment, "centre treatment", pool, progress,
                    causal->treatment, err);
    for (int64_t i = 0; !st && i < data->row_count; i++) {
        causal->w[i] = (float)causal->treatment[i];
        causal->y[i] = (float)causal->outcome[i];
    }
    return st;
}

/* Growing: an item is a bag, whose two trees share a half. */
struct growing {
    struct causal *causal;
    struct causal_rows rows;
    struct causal_grower **grower; /* owned; (workers) made when first needed */
};

static kai_status grow_bag(void *user, int64_t item, int32_t worker, kai_err *err) {
    struct growing *growing = user;
    struct causal *causal = growing->causal;
    kai_status st = KAI_OK;
    if (!growing->grower[worker])
        st = causal_grower_new(&causal->options, &growing->rows, &growing->grower[worker], err);
    for (int64_t tree = 2 * item; !st && tree < 2 * item + 2; tree++)
        st = causal_grower_grow(growing->grower[worker], tree, &causal->tree[tree], err);
    return st;
}

static kai_status grow_all(struct causal *causal, struct pool *pool,
                           const struct progress *progress, kai_err *err) {
    int32_t workers = pool_threads(pool);
    struct growing growing = {.causal = causal, .rows = {causal->bins, causal->w, causal->y}};
    growing.grower = mem_zero((size_t)workers, sizeof(struct causal_grower *));
    if (!growing.grower) return err_memory(err, workers * (int64_t)sizeof(void *));
    kai_status st = pool_run_telling(pool, causal->options.trees / 2, grow_bag, &growing, progress,
                                     "bags", err);
    for (int32_t w = 0; w < workers; w++) causal_grower_free(growing.grower[w]);
    mem_free(growing.grower);
    return st;
}

static kai_status take_memory(struct causal *causal, kai_err *err) {
    size_t rows = (size_t)causal->rows;
    causal->tree = mem_zero((size_t)causal->options.trees, sizeof *causal->tree);
    causal->w = mem_array(rows, sizeof *causal->w);
    causal->y = mem_array(rows, sizeof *causal->y);
    causal->treatment = mem_array(rows, sizeof *causal->treatment);
    causal->outcome = mem_array(rows, sizeof *causal->outcome);
    causal->effect = mem_array(rows, sizeof *causal->effect);
    causal->variance = mem_array(rows, sizeof *causal->variance);
    if (causal->tree && causal->w && causal->y && causal->treatment && causal->outcome &&
        causal->effect && causal->variance)
        return KAI_OK;
    return err_memory(err, causal->rows * 40);
}

static double usual_share(int64_t rows) { return fmin(0.5, fmax(0.1, 50000 / (double)rows)); }

static kai_status fit(struct causal *causal, const struct causal_data *data, struct pool *pool,
                      const struct progress *progress, kai_err *err) {
    kai_status st = take_memory(causal, err);
    causal->is_binary = is_binary(data);
    if (!st) st = centre_both(causal, data, pool, progress, err);
    if (!st)
        st = forest_bins_new(data->features, data->row_ids, data->row_count, CAUSAL_BINS, pool,
                             &causal->bins, err);
    if (!st) st = grow_all(causal, pool, progress, err);
    if (st) return st;
    struct causal_speech speech = {.tree = causal->tree,
                                   .bags = causal->options.trees / 2,
                                   .bins = causal->bins,
                                   .is_out_of_bag = 1,
                                   .seed = causal->options.seed,
                                   .rows = causal->rows,
                                   .effect = causal->effect,
                                   .variance = causal->variance};
    return causal_speak(&speech, pool, progress, err);
}

kai_status causal_fit(const struct causal_options *options, const struct causal_data *data,
                      struct pool *pool, const struct progress *progress,
                      struct causal **ret_causal, kai_err *err) {
    kai_status st = check_options(options, err);
    if (!st) st = check_data(data, err);
    if (st) return st;
    struct causal *causal = mem_zero(1, sizeof *causal);
    if (!causal) return err_memory(err, sizeof *causal);
    causal->options = *options;
    causal->rows = data->row_count;
    if (options->sample_share == 0) causal->options.sample_share = usual_share(data->row_count);
    if (options->leaf_rows_min == 0) {
        double sample = causal->options.sample_share * (double)data->row_count;
        causal->options.leaf_rows_min = (int32_t)fmin(20, fmax(5, sample / 2500));
    }
    st = fit(causal, data, pool, progress, err);
    if (st) {
        causal_free(causal);
        return st;
    }
    *ret_causal = causal;
    return KAI_OK;
}

const double *causal_effect(const struct causal *causal) { return causal->effect; }
const double *causal_variance(const struct causal *causal) { return causal->variance; }
const double *causal_outcome(const struct causal *causal) { return causal->outcome; }
const double *causal_treatment(const struct causal *causal) { return causal->treatment; }

int64_t causal_nodes(const struct causal *causal) {
    int64_t nodes = 0;
    for (int32_t t = 0; t < causal->options.trees; t++) nodes += causal->tree[t].nodes;
    return nodes;
}

kai_status causal_predict(const struct causal *causal, const struct matrix *features,
                          const int64_t *row_ids, int64_t row_count, struct pool *pool,
                          double *ret_effect, double *ret_variance, kai_err *err) {
    if (features->columns != causal->bins->columns)
        return err_set(err, KAI_INVALID, "%d columns, the causal forest has learned from %d",
                       features->columns, causal->bins->columns);
    struct causal_speech speech = {.tree = causal->tree,
                                   .bags = causal->options.trees / 2,
                                   .bins = causal->bins,
                                   .features = features,
                                   .row_ids = row_ids,
                                   .rows = row_count,
                                   .effect = ret_effect,
                                   .variance = ret_variance};
    return causal_speak(&speech, pool, NULL, err);
}

/* w / Var(treatment | x): for a binary treatment its centred value says its chance. */
static double weight_of(const struct causal *causal, double w, double square) {
    double rest = fabs(w) * (1 - fabs(w));
    return causal->is_binary ? w / rest : w / square;
}

void causal_average(const struct causal *causal, double *ret_effect, double *ret_error) {
    double square = 0, sum = 0, squares = 0;
    int64_t used = 0;
    for (int64_t i = 0; i < causal->rows; i++) {
        square += causal->treatment[i] * causal->treatment[i] / (double)causal->rows;
        used += !isnan(causal->effect[i]);
    }
    for (int pass = 0; pass < 2; pass++)
        for (int64_t i = 0; i < causal->rows; i++) {
            double effect = causal->effect[i], w = causal->treatment[i];
            if (isnan(effect)) continue;
            double psi = effect + weight_of(causal, w, square) * (causal->outcome[i] - effect * w);
            double miss = psi - sum / (double)used;
            if (pass == 0)
                sum += psi;
            else
                squares += miss * miss;
        }
    *ret_effect = sum / (double)used;
    *ret_error = sqrt(squares / ((double)used * (double)(used - 1)));
}
