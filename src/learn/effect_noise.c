/* Where outcomes are loud and where they are quiet.
 *
 * Effects hide in the noise of outcomes, and customers differ in it: what a large spender buys says
 * less about a small effect than what a small spender buys. Any weights that depend on features
 * alone leave a regression's target as it is; weights of inverse variance make it as sharp as it
 * can be (generalised least squares: Aitken 1935; for effects: Nie, Wager 2021, section 4). The
 * logarithm of the squared residual is learned, fold by fold like the expected outcomes; its order
 * is believed, its size is not: rows are put into levels of equal size by it, and the variance of a
 * level is the mean of its squared residuals, made to rise (pool adjacent violators, Ayer et al.
 * 1955).
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "learn/effect_part.h"

enum { LEVEL_ROWS_MIN = 200 };

/* Weights differ by this much at most on either side of the mean variance. */
static const double RATIO_MAX = 30;
/* Of the mean squared residual: what the logarithm takes for zero. */
static const double SQUARE_MIN = 1e-3;

struct noise_run {
    struct effect_rows *rows;
    enum effect_base base;
    const float *target;      /* (positions) */
    const int32_t *positions; /* all */
};

static kai_status fit_fold(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    const struct noise_run *run = user;
    struct effect_rows *rows = run->rows;
    size_t most = (size_t)rows->count;
    int32_t *positions = mem_array(most, sizeof *positions);
    float *target = mem_array(most, sizeof *target);
    double *values = mem_array(most, sizeof *values);
    struct effect_part *part = NULL;
    struct effect_task task = {.base = run->base,
                               .role = EFFECT_ROLE_NOISE,
                               .index = (uint64_t)item,
                               .positions = positions,
                               .target = target};
    kai_status st = positions && target && values ? KAI_OK : err_memory(err, (int64_t)most * 16);
    for (int64_t p = 0; !st && p < rows->count; p++) {
        if (rows->fold[p] != item) continue;
        positions[task.count] = (int32_t)p;
        target[task.count++] = run->target[p];
    }
    if (!st) st = effect_part_fit(rows, &task, &part, err);
    if (!st) st = effect_part_at(rows, part, run->positions, rows->count, 0, values, err);
    for (int64_t p = 0; !st && p < rows->count; p++) rows->noise[item][p] = (float)values[p];
    effect_part_free(part);
    mem_free(positions);
    mem_free(target);
    mem_free(values);
    return st;
}

static float score_of(const struct effect_rows *rows, int64_t position, int32_t without) {
    float sum = 0;
    int32_t used = 0;
    for (int32_t f = 0; f < rows->folds; f++) {
        if (f == rows->fold[position] || f == without) continue;
        sum += rows->noise[f][position];
        used++;
    }
    return sum / (float)used;
}

struct scored {
    float score;
    int32_t position;
};

static int is_before(const void *a, const void *b) {
    const struct scored *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return x->position - y->position;
}

/* Rising means: neighbours that fall are pooled. */
static void make_rise(double *mean, const double *size, int32_t count) {
    int32_t from[EFFECT_NOISE_LEVELS], blocks = 0;
    double value[EFFECT_NOISE_LEVELS], weight[EFFECT_NOISE_LEVELS];
    for (int32_t i = 0; i < count; i++) {
        from[blocks] = i;
        value[blocks] = mean[i];
        weight[blocks++] = size[i];
        while (blocks > 1 && value[blocks - 2] >= value[blocks - 1]) {
            double total = weight[blocks - 2] + weight[blocks - 1];
            value[blocks - 2] =
                (value[blocks - 2] * weight[blocks - 2] + value[blocks - 1] * weight[blocks - 1]) /
                total;
            weight[blocks - 2] = total;
            blocks--;
        }
    }
    for (int32_t b = 0; b < blocks; b++)
        for (int32_t i = from[b]; i < (b + 1 < blocks ? from[b + 1] : count); i++)
            mean[i] = value[b];
}

static kai_status set_levels(struct effect_rows *rows, const float *square, double whole,
                             kai_err *err) {
    struct scored *scored = mem_array((size_t)rows->count, sizeof *scored);
    if (!scored) return err_memory(err, rows->count * (int64_t)sizeof *scored);
    for (int64_t p = 0; p < rows->count; p++)
        scored[p] = (struct scored){score_of(rows, p, -1), (int32_t)p};
    qsort(scored, (size_t)rows->count, sizeof *scored, is_before);
    int64_t levels = rows->count / LEVEL_ROWS_MIN;
    if (levels > EFFECT_NOISE_LEVELS) levels = EFFECT_NOISE_LEVELS;
    double mean[EFFECT_NOISE_LEVELS] = {0}, size[EFFECT_NOISE_LEVELS] = {0}, total = 0;
    for (int64_t l = 0; l < levels; l++) {
        int64_t begin = l * rows->count / levels, end = (l + 1) * rows->count / levels;
        rows->noise_above[l] = scored[begin].score;
        size[l] = (double)(end - begin);
        for (int64_t i = begin; i < end; i++)
            mean[l] += (double)square[scored[i].position] / size[l];
    }
    make_rise(mean, size, (int32_t)levels);
    for (int64_t l = 0; l < levels; l++) {
        double ratio = fmin(fmax(whole / mean[l], 1 / RATIO_MAX), RATIO_MAX);
        rows->noise_weight[l] = (float)ratio;
        total += ratio * size[l];
    }
    for (int64_t l = 0; l < levels; l++)
        rows->noise_weight[l] *= (float)((double)rows->count / total);
    rows->noise_levels = (int32_t)levels;
    mem_free(scored);
    return KAI_OK;
}

kai_status effect_noise_fit(struct effect_rows *rows, enum effect_base base, struct pool *pool,
                            const struct progress *progress, kai_err *err) {
    if (rows->count < 2 * LEVEL_ROWS_MIN) return KAI_OK;
    size_t count = (size_t)rows->count;
    float *square = mem_array(count, sizeof *square), *target = mem_array(count, sizeof *target);
    int32_t *positions = mem_array(count, sizeof *positions);
    double mu[EFFECT_ARMS_MAX], whole = 0;
    kai_status st = square && target && positions ? KAI_OK : err_memory(err, (int64_t)count * 12);
    for (int32_t f = 0; !st && f < rows->folds; f++) {
        if (!rows->noise[f]) rows->noise[f] = mem_array(count, sizeof(float));
        if (!rows->noise[f]) st = err_memory(err, (int64_t)count * 4);
    }
    for (int64_t p = 0; !st && p < rows->count; p++) {
        effect_rows_mu(rows, p, -1, mu);
        double miss = (double)rows->outcome[p] - mu[rows->arm[p]];
        square[p] = (float)(miss * miss);
        whole += miss * miss / (double)rows->count;
        positions[p] = (int32_t)p;
    }
    if (!st && whole > 0) {
        for (int64_t p = 0; p < rows->count; p++)
            target[p] = (float)log((double)square[p] + SQUARE_MIN * whole);
        struct noise_run run = {rows, base, target, positions};
        st = pool_run_telling(pool, rows->folds, fit_fold, &run, progress, "effects: noise", err);
        if (!st) st = set_levels(rows, square, whole, err);
    }
    mem_free(square);
    mem_free(target);
    mem_free(positions);
    return st;
}

static double weight_at(const struct effect_rows *rows, float score) {
    int32_t low = 0, high = rows->noise_levels - 1;
    while (low < high) {
        int32_t middle = (low + high + 1) / 2;
        if (rows->noise_above[middle] <= score)
            low = middle;
        else
            high = middle - 1;
    }
    return (double)rows->noise_weight[low];
}

double effect_noise_weight(const struct effect_rows *rows, int64_t position, int32_t without) {
    return rows->noise_levels ? weight_at(rows, score_of(rows, position, without)) : 1;
}

double effect_noise_weight_by(const struct effect_rows *rows, int64_t position, int32_t fold) {
    return rows->noise_levels ? weight_at(rows, rows->noise[fold][position]) : 1;
}
