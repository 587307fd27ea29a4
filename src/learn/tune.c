#include "learn/tune.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "learn/metric.h"

enum { ETA = 3, FOLDS = 3, ROWS_FIRST = 2000 };

struct tuning {
    enum learn_task task;
    int32_t folds;
    int32_t count;
    struct tune_trial *trials; /* owned; best first */
};

struct search {
    const struct tune_options *options;
    const struct learn_data *data;
    int32_t folds;
    int64_t rows;
    int64_t *order;   /* owned; (rows) places in data->row_ids, every prefix has all classes */
    int32_t *fold_of; /* owned; (rows) by place */
    int64_t fold_rows[TUNE_FOLDS_MAX]; /* rows of each fold */
    struct tune_trial *trials;         /* owned; in the order drawn */
    int32_t *alive;                    /* owned; trials still in the race, best first */
    int32_t alive_count;
    int32_t rung, rungs;
};

static double draw_log(struct rng *rng, double low, double high) {
    return low * exp(rng_unit(rng) * log(high / low));
}

static int32_t draw_of(struct rng *rng, const int32_t *values, uint64_t count) {
    return values[rng_below(rng, count)];
}

static void draw_forest(struct rng *rng, struct forest_options *forest) {
    static const int32_t DEPTHS[] = {0, 8, 12, 16, 24};
    forest->depth_max = draw_of(rng, DEPTHS, sizeof DEPTHS / sizeof *DEPTHS);
    forest->leaf_rows_min = (int32_t)draw_log(rng, 1, 65);
    forest->feature_share = 0.1 + 0.9 * rng_unit(rng);
    forest->sample_share = 0.5 + 0.5 * rng_unit(rng);
}

static void draw_boost(struct rng *rng, struct boost_options *boost) {
    boost->learning_rate = draw_log(rng, 0.02, 0.3);
    if (boost->learning_rate < 0.05) boost->rounds *= 3; /* early stopping ends most before */
    boost->depth_max = 2 + (int32_t)rng_below(rng, 8);
    boost->row_share = 0.5 + 0.5 * rng_unit(rng);
    boost->column_share = 0.4 + 0.6 * rng_unit(rng);
    boost->lambda = draw_log(rng, 0.1, 30);
    boost->child_weight_min = draw_log(rng, 0.5, 50);
}

static void draw_mlp(struct rng *rng, struct mlp_options *mlp) {
    static const int32_t SHAPES[][8] = {{64, 32}, {32, 16}, {128, 64}, {256, 128, 64}, {128}, {64}};
    static const int32_t BATCHES[] = {32, 64, 128, 256};
    static const int32_t EPOCHS[] = {10, 20, 30};
    static const double DROPOUTS[] = {0, 0.1, 0.2, 0.3, 0.5};
    memcpy(mlp->hidden, SHAPES[rng_below(rng, sizeof SHAPES / sizeof *SHAPES)], sizeof mlp->hidden);
    mlp->learning_rate = draw_log(rng, 3e-4, 1e-2);
    mlp->dropout = DROPOUTS[rng_below(rng, sizeof DROPOUTS / sizeof *DROPOUTS)];
    mlp->batch_rows = draw_of(rng, BATCHES, sizeof BATCHES / sizeof *BATCHES);
    mlp->epochs = draw_of(rng, EPOCHS, sizeof EPOCHS / sizeof *EPOCHS);
    mlp->cosine_schedule = (int32_t)rng_below(rng, 2);
}

static void draw_trials(struct search *search, const struct learn_options *base) {
    for (int32_t i = 0; i < search->options->configurations; ++i) {
        struct tune_trial *trial = &search->trials[i];
        trial->options = *base;
        search->alive[i] = i;
        if (i == 0) continue;
        struct rng rng;
        rng_init(&rng, search->options->seed, "tune", (uint64_t)i);
        if (base->kind == LEARN_FOREST) draw_forest(&rng, &trial->options.forest);
        if (base->kind == LEARN_BOOST) draw_boost(&rng, &trial->options.boost);
        if (base->kind == LEARN_MLP) draw_mlp(&rng, &trial->options.mlp);
    }
}

struct placed {
    double key;
    int64_t place;
};

static int compare_placed(const void *a, const void *b) {
    const struct placed *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->place < y->place ? -1 : x->place > y->place;
}

static int64_t row_at(const struct search *search, int64_t place) {
    return search->data->row_ids ? search->data->row_ids[place] : place;
}

/* The `rank`-th of `count` rows of a class stands at that share of the order; the first few of each
 * class stand in front, so that every prefix knows every class. */
static double key_of(int64_t rank, int64_t count) {
    return rank < 2 * TUNE_FOLDS_MAX ? 0 : (double)rank / (double)count;
}

static kai_status order_rows(struct search *search, kai_err *err) {
    const struct learn_data *data = search->data;
    int32_t strata = data->task == LEARN_REGRESSION ? 1
                     : data->task == LEARN_BINARY   ? 2
                                                    : data->classes;
    int64_t rows = search->rows;
    struct placed *placed = mem_array((size_t)rows, sizeof *placed);
    int64_t *ranks = mem_zero((size_t)strata, 2 * sizeof *ranks);
    kai_status st = placed && ranks ? KAI_OK : err_memory(err, rows * (int64_t)sizeof *placed);
    struct rng rng;
    rng_init(&rng, search->options->seed, "tune-rows", 0);
    for (int64_t i = 0; i < rows && !st; ++i) search->order[i] = i;
    if (!st) rng_shuffle(&rng, search->order, rows);
    for (int64_t i = 0; i < rows && !st; ++i) {
        double target = data->target[row_at(search, i)];
        if (strata > 1 && !(target >= 0 && target < strata))
            st = err_set(err, KAI_INVALID, "tune: the target %g is no class", target);
        else
            ranks[strata > 1 ? (int32_t)target : 0]++;
    }
    for (int64_t i = 0; i < rows && !st; ++i) {
        int64_t place = search->order[i];
        int32_t stratum = strata > 1 ? (int32_t)data->target[row_at(search, place)] : 0;
        int64_t rank = ranks[strata + stratum]++;
        placed[i] = (struct placed){key_of(rank, ranks[stratum]), place};
        search->fold_of[place] = (int32_t)((rank + stratum) % search->folds);
    }
    if (!st) qsort(placed, (size_t)rows, sizeof *placed, compare_placed);
    for (int64_t i = 0; i < rows && !st; ++i) search->order[i] = placed[i].place;
    mem_free(placed);
    mem_free(ranks);
    return st;
}

static kai_status assign_folds(struct search *search, kai_err *err) {
    const int32_t *given = search->options->fold_of_row;
    for (int64_t i = 0; i < search->rows; ++i) {
        int32_t fold = given ? given[i] : search->fold_of[i];
        if (fold < 0 || fold >= search->folds)
            return err_set(err, KAI_INVALID, "tune: row %lld is in fold %d of %d", (long long)i,
                           fold, search->folds);
        search->fold_of[i] = fold;
        search->fold_rows[fold]++;
    }
    for (int32_t f = 0; f < search->folds; ++f)
        if (search->fold_rows[f] == 0 || search->fold_rows[f] == search->rows)
            return err_set(err, KAI_INVALID, "tune: fold %d has no rows, or all", f);
    return KAI_OK;
}

/* Training rows of a fold on the present rung. */
static int64_t rows_of(const struct search *search, int32_t fold) {
    double share = pow(ETA, search->rung - search->rungs + 1);
    int64_t all = search->rows - search->fold_rows[fold];
    int64_t count = (int64_t)ceil((double)all * share);
    return count < all ? count : all;
}

/* ids: the training rows, then the fold's. Returns how many train. */
static int64_t divide_rows(const struct search *search, int32_t fold, int64_t *ids) {
    int64_t wanted = rows_of(search, fold), train = 0;
    for (int64_t i = 0; i < search->rows && train < wanted; ++i)
        if (search->fold_of[search->order[i]] != fold)
            ids[train++] = row_at(search, search->order[i]);
    int64_t at = train;
    for (int64_t i = 0; i < search->rows; ++i)
        if (search->fold_of[i] == fold) ids[at++] = row_at(search, i);
    return train;
}

static kai_status judge(const struct search *search, const struct model *model,
                        const int64_t *row_ids, int64_t count, double *ret_loss, kai_err *err) {
    const struct learn_data *data = search->data;
    double *scores = mem_array((size_t)count, (size_t)model_outputs(model) * sizeof *scores);
    double *target = mem_array((size_t)count, sizeof *target);
    double *weight = mem_array((size_t)count, sizeof *weight);
    kai_status st = scores && target && weight ? KAI_OK : err_memory(err, count * 8);
    for (int64_t i = 0; i < count && !st; ++i) {
        target[i] = data->target[row_ids[i]];
        weight[i] = data->weight ? data->weight[row_ids[i]] : 1;
    }
    if (!st) st = model_predict(model, data->features, row_ids, count, NULL, scores, err);
    if (!st)
        st = metric_loss(data->task, data->classes, scores, target, weight, count, ret_loss, err);
    mem_free(scores);
    mem_free(target);
    mem_free(weight);
    return st;
}

static kai_status try_one(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    const struct search *search = user;
    int32_t fold = (int32_t)(item % search->folds);
    struct tune_trial *trial = &search->trials[search->alive[item / search->folds]];
    int64_t *ids = mem_array((size_t)search->rows, sizeof *ids);
    if (!ids) return err_memory(err, search->rows * (int64_t)sizeof *ids);
    struct learn_data part = *search->data;
    part.row_ids = ids;
    part.row_count = divide_rows(search, fold, ids);
    struct model *model = NULL;
    kai_status st = learn_fit(&trial->options, &part, NULL, NULL, &model, err);
    double loss = INFINITY;
    if (st == KAI_DIVERGED)
        st = KAI_OK;
    else if (!st)
        st = judge(search, model, ids + part.row_count, search->fold_rows[fold], &loss, err);
    trial->folds[fold] = isnan(loss) ? INFINITY : loss;
    model_free(model);
    mem_free(ids);
    return st;
}

static int is_better(const struct search *search, int32_t a, int32_t b) {
    const struct tune_trial *x = &search->trials[a], *y = &search->trials[b];
    if (x->rung != y->rung) return x->rung > y->rung;
    if (x->loss != y->loss) return x->loss < y->loss;
    return a < b;
}

/* Insertion sort: at most a thousand, and nearly sorted after the first rung. */
static void sort_alive(struct search *search, int32_t count) {
    for (int32_t i = 1; i < count; ++i) {
        int32_t moved = search->alive[i], at = i;
        for (; at > 0 && is_better(search, moved, search->alive[at - 1]); --at)
            search->alive[at] = search->alive[at - 1];
        search->alive[at] = moved;
    }
}

static kai_status run_rung(struct search *search, struct pool *pool,
                           const struct progress *progress, kai_err *err) {
    kai_status st = pool_run_telling(pool, (int64_t)search->alive_count * search->folds, try_one,
                                     search, progress, "tune", err);
    if (st) return st;
    for (int32_t i = 0; i < search->alive_count; ++i) {
        struct tune_trial *trial = &search->trials[search->alive[i]];
        double sum = 0;
        for (int32_t f = 0; f < search->folds; ++f) sum += trial->folds[f];
        trial->loss = sum / search->folds;
        trial->rung = search->rung;
        trial->rows_share = pow(ETA, search->rung - search->rungs + 1);
    }
    sort_alive(search, search->alive_count);
    return KAI_OK;
}

/* Rungs so that the first has rows_first rows and the last at least one configuration. */
static int32_t count_rungs(const struct search *search, int64_t rows_first) {
    int32_t rungs = 1;
    double rows = (double)search->rows * (search->folds - 1) / search->folds / ETA;
    for (int32_t alive = search->options->configurations / ETA;
         alive >= 1 && rows >= (double)rows_first; alive /= ETA, rows /= ETA)
        rungs++;
    return rungs;
}

static kai_status race(struct search *search, struct pool *pool, const struct progress *progress,
                       kai_err *err) {
    kai_status st = KAI_OK;
    search->alive_count = search->options->configurations;
    for (search->rung = 0; search->rung < search->rungs && !st; search->rung++) {
        if (search->rung > 0) search->alive_count = (search->alive_count + ETA - 1) / ETA;
        st = run_rung(search, pool, progress, err);
    }
    if (!st) sort_alive(search, search->options->configurations);
    if (!st && isinf(search->trials[search->alive[0]].loss))
        st = err_set(err, KAI_DIVERGED, "tune: every configuration diverged");
    return st;
}

static kai_status allocate(struct search *search, kai_err *err) {
    size_t count = (size_t)search->options->configurations, rows = (size_t)search->rows;
    search->trials = mem_zero(count, sizeof *search->trials);
    search->alive = mem_zero(count, sizeof *search->alive);
    search->order = mem_array(rows, sizeof *search->order);
    search->fold_of = mem_array(rows, sizeof *search->fold_of);
    if (!search->trials || !search->alive || !search->order || !search->fold_of)
        return err_memory(err, (int64_t)(rows * sizeof *search->order));
    return KAI_OK;
}

static kai_status make_tuning(const struct search *search, struct tuning **ret_tuning,
                              kai_err *err) {
    int32_t count = search->options->configurations;
    struct tuning *tuning = mem_zero(1, sizeof *tuning);
    struct tune_trial *trials = mem_array((size_t)count, sizeof *trials);
    if (!tuning || !trials) {
        mem_free(tuning);
        mem_free(trials);
        return err_memory(err, count * (int64_t)sizeof *trials);
    }
    for (int32_t i = 0; i < count; ++i) trials[i] = search->trials[search->alive[i]];
    trials[0].is_best = 1;
    *tuning = (struct tuning){search->data->task, search->folds, count, trials};
    *ret_tuning = tuning;
    return KAI_OK;
}

static kai_status check(const struct search *search, kai_err *err) {
    const struct tune_options *options = search->options;
    if (options->configurations < 1 || options->configurations > TUNE_CONFIGURATIONS_MAX)
        return err_set(err, KAI_INVALID, "tune: 1 to %d configurations, not %d",
                       TUNE_CONFIGURATIONS_MAX, options->configurations);
    if (search->folds < 2 || search->folds > TUNE_FOLDS_MAX)
        return err_set(err, KAI_INVALID, "tune: 2 to %d folds, not %d", TUNE_FOLDS_MAX,
                       search->folds);
    if (search->rows < search->folds)
        return err_set(err, KAI_INVALID, "tune: %lld rows for %d folds", (long long)search->rows,
                       search->folds);
    for (int64_t i = 0; i < search->rows; ++i)
        if (row_at(search, i) < 0 || row_at(search, i) >= search->data->features->rows)
            return err_set(err, KAI_INVALID, "tune: row %lld is outside the matrix",
                           (long long)row_at(search, i));
    return KAI_OK;
}

kai_status tune_fit(const struct tune_options *options, const struct learn_options *base,
                    const struct learn_data *data, struct pool *pool,
                    const struct progress *progress, struct tuning **ret_tuning, kai_err *err) {
    struct search search = {.options = options, .data = data};
    search.folds = options->folds ? options->folds : FOLDS;
    search.rows = data->row_ids ? data->row_count : data->features->rows;
    kai_status st = check(&search, err);
    if (!st) st = allocate(&search, err);
    if (!st) st = order_rows(&search, err);
    if (!st) st = assign_folds(&search, err);
    if (!st) {
        search.rungs = count_rungs(&search, options->rows_first ? options->rows_first : ROWS_FIRST);
        draw_trials(&search, base);
        st = race(&search, pool, progress, err);
    }
    if (!st) st = make_tuning(&search, ret_tuning, err);
    mem_free(search.trials);
    mem_free(search.alive);
    mem_free(search.order);
    mem_free(search.fold_of);
    return st;
}

void tune_free(struct tuning *tuning) {
    if (!tuning) return;
    mem_free(tuning->trials);
    mem_free(tuning);
}

const struct tune_trial *tune_trials(const struct tuning *tuning, int32_t *ret_count) {
    *ret_count = tuning->count;
    return tuning->trials;
}

const struct learn_options *tune_best(const struct tuning *tuning) {
    return &tuning->trials[0].options;
}

int32_t tune_folds(const struct tuning *tuning) { return tuning->folds; }

void tune_describe(const struct tuning *tuning, struct json_writer *json) {
    json_key_text(json, "loss", metric_loss_text(tuning->task));
    json_key_i64(json, "folds", tuning->folds);
    json_key(json, "best");
    json_object(json);
    learn_options_describe(&tuning->trials[0].options, json);
    json_end(json);
    json_key(json, "trials");
    json_array(json);
    for (int32_t i = 0; i < tuning->count; ++i) {
        const struct tune_trial *trial = &tuning->trials[i];
        json_object(json);
        json_key(json, "options");
        json_object(json);
        learn_options_describe(&trial->options, json);
        json_end(json);
        json_key_i64(json, "rung", trial->rung);
        json_key_f64(json, "rows_share", trial->rows_share);
        json_key_f64(json, "loss", trial->loss);
        json_key(json, "folds");
        json_array(json);
        for (int32_t f = 0; f < tuning->folds; ++f) json_f64(json, trial->folds[f]);
        json_end(json);
        json_end(json);
    }
    json_end(json);
}
