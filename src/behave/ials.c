#include "behave/ials.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernel/blas.h"
#include "kernel/cholesky.h"
#include "kernel/gemm.h"

enum { ROWS_PER_TASK = 64, GRAM_ROWS = 4096, LINE_BYTES = 64 };

/* Which columns each row holds, every one once. */
struct observed {
    int64_t rows;
    int64_t *offsets; /* owned; (rows + 1) */
    int32_t *columns; /* owned */
    int64_t longest;
};

static void observed_release(struct observed *observed) {
    mem_free(observed->offsets);
    mem_free(observed->columns);
    *observed = (struct observed){0};
}

static int compare_codes(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return x < y ? -1 : x > y;
}

/* Sort in place and keep one of each. */
static int64_t distinct(int32_t *codes, int64_t count) {
    int64_t kept = 0;
    qsort(codes, (size_t)count, sizeof *codes, compare_codes);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || codes[i] != codes[i - 1]) codes[kept++] = codes[i];
    return kept;
}

static kai_status observe(const struct behave_sequences *train, struct observed *observed,
                          kai_err *err) {
    int64_t events = train->offsets[train->sequence_count];
    observed->rows = train->sequence_count;
    observed->offsets = mem_zero((size_t)observed->rows + 1, sizeof *observed->offsets);
    observed->columns = mem_array((size_t)events, sizeof *observed->columns);
    if (!observed->offsets || !observed->columns) return err_memory(err, events * 4);
    for (int64_t s = 0; s < observed->rows; s++) {
        int64_t count = train->offsets[s + 1] - train->offsets[s], at = observed->offsets[s];
        if (count)
            memcpy(observed->columns + at, train->items + train->offsets[s],
                   (size_t)count * sizeof *observed->columns);
        count = distinct(observed->columns + at, count);
        observed->offsets[s + 1] = at + count;
        if (count > observed->longest) observed->longest = count;
    }
    return KAI_OK;
}

static kai_status turn(const struct observed *from, int32_t columns, struct observed *to,
                       kai_err *err) {
    int64_t cells = from->offsets[from->rows];
    to->rows = columns;
    to->offsets = mem_zero((size_t)columns + 1, sizeof *to->offsets);
    to->columns = mem_array((size_t)cells, sizeof *to->columns);
    if (!to->offsets || !to->columns) return err_memory(err, cells * 4);
    for (int64_t i = 0; i < cells; i++) to->offsets[from->columns[i] + 1]++;
    for (int32_t c = 0; c < columns; c++) {
        if (to->offsets[c + 1] > to->longest) to->longest = to->offsets[c + 1];
        to->offsets[c + 1] += to->offsets[c];
    }
    for (int64_t r = 0; r < from->rows; r++)
        for (int64_t i = from->offsets[r]; i < from->offsets[r + 1]; i++)
            to->columns[to->offsets[from->columns[i]]++] = (int32_t)r;
    memmove(to->offsets + 1, to->offsets, (size_t)columns * sizeof *to->offsets);
    to->offsets[0] = 0;
    return KAI_OK;
}

static int64_t round_up(int64_t bytes) {
    return (bytes + LINE_BYTES - 1) / LINE_BYTES * LINE_BYTES;
}

int64_t ials_scratch_bytes(int32_t factors, int64_t length) {
    int64_t d = factors;
    return round_up(length * d * (int64_t)sizeof(float)) +
           round_up(d * d * (int64_t)sizeof(float)) + round_up(d * d * (int64_t)sizeof(double)) +
           round_up(d * (int64_t)sizeof(double));
}

kai_status ials_solve(const struct ials *ials, const double *gram, const float *vectors,
                      int32_t columns, const int32_t *observed, int64_t length, void *scratch,
                      float *ret_vector) {
    int64_t d = ials->factors;
    char *at = scratch;
    float *rows = (float *)(void *)at; /* (length, d) */
    at += round_up(length * d * (int64_t)sizeof(float));
    float *product = (float *)(void *)at; /* (d, d) */
    at += round_up(d * d * (int64_t)sizeof(float));
    double *a = (double *)(void *)at; /* (d, d) */
    at += round_up(d * d * (int64_t)sizeof(double));
    double *x = (double *)(void *)at; /* (d) */
    memset(x, 0, (size_t)d * sizeof *x);
    for (int64_t i = 0; i < length; i++) {
        const float *vector = vectors + observed[i] * d;
        memcpy(rows + i * d, vector, (size_t)d * sizeof *rows);
        for (int64_t f = 0; f < d; f++) x[f] += (double)vector[f];
    }
    gemm_f32(&(struct gemm){.m = d,
                            .n = d,
                            .k = length,
                            .a = rows,
                            .a_row = d,
                            .b = rows,
                            .b_row = d,
                            .c = product,
                            .c_row = d,
                            .a_is_transposed = 1});
    double ridge = ials->regularise * ((double)length + ials->unobserved * columns);
    for (int64_t f = 0; f < d * d; f++) a[f] = (double)product[f] + ials->unobserved * gram[f];
    for (int64_t f = 0; f < d; f++) a[f * d + f] += ridge;
    if (!cholesky_solve_once_f64(d, a, x)) return KAI_DIVERGED;
    for (int64_t f = 0; f < d; f++) ret_vector[f] = (float)x[f];
    return KAI_OK;
}

struct half_step {
    const struct ials *ials;
    const struct observed *observed;
    const float *vectors; /* of the columns */
    int32_t columns;
    const double *gram; /* of the columns */
    float *solved;      /* (rows, factors) */
    char *scratch;      /* (threads) */
    int64_t scratch_bytes;
};

static kai_status solve_rows(void *user, int64_t task, int32_t worker, kai_err *err) {
    struct half_step *step = user;
    int64_t end = (task + 1) * ROWS_PER_TASK;
    if (end > step->observed->rows) end = step->observed->rows;
    for (int64_t r = task * ROWS_PER_TASK; r < end; r++) {
        int64_t begin = step->observed->offsets[r];
        kai_status st = ials_solve(
            step->ials, step->gram, step->vectors, step->columns, step->observed->columns + begin,
            step->observed->offsets[r + 1] - begin, step->scratch + worker * step->scratch_bytes,
            step->solved + r * step->ials->factors);
        if (st)
            return err_set(err, st, "ials: a system cannot be solved; raise the regularisation");
    }
    return KAI_OK;
}

/* gram = sum of v v', in blocks of rows, each added in order. */
static void sum_gram(const float *vectors, int64_t rows, int32_t factors, float *block,
                     double *ret_gram) {
    int64_t d = factors;
    memset(ret_gram, 0, (size_t)(d * d) * sizeof *ret_gram);
    for (int64_t r = 0; r < rows; r += GRAM_ROWS) {
        int64_t count = rows - r < GRAM_ROWS ? rows - r : GRAM_ROWS;
        memset(block, 0, (size_t)(d * d) * sizeof *block);
        blas_gemm_f32(1, d, d, count, vectors + r * d, d, vectors + r * d, d, block, d);
        for (int64_t f = 0; f < d * d; f++) ret_gram[f] += (double)block[f];
    }
}

#define REGULARISE_SHARE 0.03

/* So much that the ridge of a history of mean length is REGULARISE_SHARE of what it observed,
 * however large the catalogue: else l a I drowns the few events of a session. */
static double usual_regularisation(const struct observed *users, int32_t items, double unobserved) {
    double length = (double)users->offsets[users->rows] / (double)(users->rows ? users->rows : 1);
    return REGULARISE_SHARE * fmax(length, 1) / (fmax(length, 1) + unobserved * items);
}

struct training {
    struct observed users, items;
    float *user_vectors; /* owned */
    float *block;        /* owned; (factors, factors) */
    double *gram;        /* owned; (factors, factors) */
    char *scratch;       /* owned */
    int64_t scratch_bytes;
};

static void release_training(struct training *training) {
    observed_release(&training->users);
    observed_release(&training->items);
    mem_free_aligned(training->user_vectors);
    mem_free_aligned(training->block);
    mem_free_aligned(training->gram);
    mem_free_aligned(training->scratch);
}

static kai_status init_training(struct ials *ials, const struct behave_sequences *train,
                                int32_t threads, struct training *training, kai_err *err) {
    size_t d = (size_t)ials->factors, users = (size_t)train->sequence_count,
           items = (size_t)ials->item_count;
    int64_t bytes = (int64_t)((users + 2 * items) * d * sizeof(float));
    if (bytes > YARDSTICK_BYTES_MAX)
        return err_set(err, KAI_LIMIT,
                       "ials: %zu customers and %zu items with %zu factors would "
                       "take %lld MiB, at most %lld",
                       users, items, d, (long long)(bytes >> 20),
                       (long long)(YARDSTICK_BYTES_MAX >> 20));
    kai_status st = observe(train, &training->users, err);
    if (!st) st = turn(&training->users, ials->item_count, &training->items, err);
    if (st) return st;
    int64_t longest = training->users.longest > training->items.longest ? training->users.longest
                                                                        : training->items.longest;
    training->scratch_bytes = ials_scratch_bytes(ials->factors, longest);
    training->scratch = mem_aligned((size_t)threads, (size_t)training->scratch_bytes);
    training->user_vectors = mem_aligned(users * d, sizeof(float));
    training->block = mem_aligned(d * d, sizeof(float));
    training->gram = mem_aligned(d * d, sizeof(double));
    ials->items = mem_aligned(items * d, sizeof(float));
    ials->gram = mem_aligned(d * d, sizeof(double));
    if (training->scratch && training->user_vectors && training->block && training->gram &&
        ials->items && ials->gram)
        return KAI_OK;
    return err_memory(err, bytes);
}

static void draw_items(struct ials *ials, uint64_t seed) {
    double spread = 0.1 / sqrt((double)ials->factors);
    for (int32_t i = 0; i < ials->item_count; i++) {
        struct rng rng;
        rng_init(&rng, seed, "ials", (uint64_t)i);
        for (int32_t f = 0; f < ials->factors; f++)
            ials->items[(int64_t)i * ials->factors + f] = (float)(spread * rng_normal(&rng));
    }
}

static kai_status run_half(struct half_step *step, struct pool *pool, kai_err *err) {
    int64_t tasks = (step->observed->rows + ROWS_PER_TASK - 1) / ROWS_PER_TASK;
    return pool_run(pool, tasks, solve_rows, step, err);
}

static kai_status run_epoch(struct ials *ials, struct training *training, struct pool *pool,
                            kai_err *err) {
    int32_t users = (int32_t)training->users.rows;
    struct half_step step = {.ials = ials,
                             .observed = &training->users,
                             .vectors = ials->items,
                             .columns = ials->item_count,
                             .gram = training->gram,
                             .solved = training->user_vectors,
                             .scratch = training->scratch,
                             .scratch_bytes = training->scratch_bytes};
    sum_gram(ials->items, ials->item_count, ials->factors, training->block, training->gram);
    kai_status st = run_half(&step, pool, err);
    if (st) return st;
    step.observed = &training->items;
    step.vectors = training->user_vectors;
    step.columns = users;
    step.solved = ials->items;
    sum_gram(training->user_vectors, users, ials->factors, training->block, training->gram);
    return run_half(&step, pool, err);
}

kai_status ials_init(struct ials *ials, const struct yardstick_options *options, uint64_t seed,
                     const struct behave_sequences *train, int32_t item_count, struct pool *pool,
                     const struct progress *progress, kai_err *err) {
    struct training training = {0};
    *ials = (struct ials){.item_count = item_count,
                          .factors = options->factors,
                          .unobserved = options->unobserved,
                          .regularise = options->regularise};
    kai_status st = init_training(ials, train, pool_threads(pool), &training, err);
    if (!st && ials->regularise == 0)
        ials->regularise = usual_regularisation(&training.users, item_count, ials->unobserved);
    if (!st) draw_items(ials, seed);
    for (int32_t epoch = 0; !st && epoch < options->epochs; epoch++) {
        st = run_epoch(ials, &training, pool, err);
        if (!st) st = progress_tell(progress, "ials", epoch + 1, options->epochs, err);
    }
    if (!st) {
        sum_gram(ials->items, item_count, ials->factors, training.block, ials->gram);
        ials->across =
            mem_aligned((size_t)item_count * (size_t)ials->factors, sizeof *ials->across);
        if (!ials->across) st = err_memory(err, (int64_t)item_count * ials->factors * 4);
    }
    if (!st)
        transpose_f32(item_count, ials->factors, ials->items, ials->factors, ials->across,
                      item_count);
    release_training(&training);
    if (st) ials_release(ials);
    return st;
}

void ials_release(struct ials *ials) {
    mem_free_aligned(ials->items);
    mem_free_aligned(ials->across);
    mem_free_aligned(ials->gram);
    *ials = (struct ials){0};
}

kai_status ials_score(const struct ials *ials, const struct behave_sequences *histories,
                      int64_t first, int64_t count, float *ret_scores, kai_err *err) {
    int64_t d = ials->factors, items = ials->item_count, longest = 0;
    for (int64_t s = first; s < first + count; s++) {
        int64_t length = histories->offsets[s + 1] - histories->offsets[s];
        if (length > longest) longest = length;
    }
    int32_t *codes = mem_array((size_t)longest, sizeof *codes);
    void *scratch = mem_aligned(1, (size_t)ials_scratch_bytes(ials->factors, longest));
    float *vectors = mem_aligned((size_t)(count * d), sizeof *vectors);
    kai_status st = KAI_OK;
    if (!codes || !scratch || !vectors) st = err_memory(err, longest * d * 4);
    for (int64_t s = 0; !st && s < count; s++) {
        int64_t begin = histories->offsets[first + s];
        int64_t length = histories->offsets[first + s + 1] - begin;
        if (length) memcpy(codes, histories->items + begin, (size_t)length * sizeof *codes);
        length = distinct(codes, length);
        st = ials_solve(ials, ials->gram, ials->items, ials->item_count, codes, length, scratch,
                        vectors + s * d);
        if (st) st = err_set(err, st, "ials: the system of a history cannot be solved");
    }
    if (!st)
        gemm_f32(&(struct gemm){.m = count,
                                .n = items,
                                .k = d,
                                .a = vectors,
                                .a_row = d,
                                .b = ials->across,
                                .b_row = items,
                                .c = ret_scores,
                                .c_row = items});
    mem_free(codes);
    mem_free_aligned(scratch);
    mem_free_aligned(vectors);
    return st;
}
