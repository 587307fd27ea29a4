/* Mini-batch training with Adam.
 *
 * A batch is cut into groups of rows by its own size alone, a group into chunks. Each group sums
 * its chunks' gradients in order into a block of its own, and the blocks are added in order, so
 * any number of threads gives the same bytes. One group (the published batch of 32) never meets
 * the pool. Embedding tables are large and a batch touches few of their rows, so only those take
 * a step (the "lazy" Adam of the deep learning frameworks' sparse gradients).
 */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/hash.h"
#include "base/rng.h"
#include "kernel/adam.h"
#include "learn/mlp_state.h"

enum { GROUPS_MAX = 16, CHECK_ROWS = 1024, TELL_ROWS = 1 << 16 };

struct trainer {
    struct mlp *mlp;
    const struct mlp_set *fit, *check;
    struct pool *pool;
    uint64_t seed;
    int64_t step, steps; /* taken; of the whole training */
    struct mlp_dropout dropout;

    const int64_t *batch; /* the rows of this step */
    int64_t batch_rows;
    int64_t group_rows;

    struct mlp_chunk *chunks; /* owned; one a worker */
    int32_t chunks_count;
    float *gradients;          /* owned; (groups, parameters) */
    float *mean, *square;      /* owned; moments of the parameters */
    float *back;               /* owned; transposed weights */
    float *best;               /* owned; parameters, then embeddings, of the best epoch */
    float *table_moments;      /* owned; mean, square, gradient of the embeddings */
    unsigned char *is_touched; /* owned; by first float of a table's row */
    float *embedded_slopes;    /* owned; (batch_rows, embedded) */
    int64_t *order;            /* owned; (fit->rows) */
    double *losses;            /* owned; one a group, or one a block of checked rows */
};

static int64_t group_rows_of(int64_t batch_rows) {
    int64_t rows = (batch_rows + GROUPS_MAX - 1) / GROUPS_MAX;
    return (rows + MLP_CHUNK_ROWS - 1) / MLP_CHUNK_ROWS * MLP_CHUNK_ROWS;
}

static int64_t blocks(int64_t count, int64_t each) { return (count + each - 1) / each; }

static int64_t at_least_one(int64_t count) { return count > 0 ? count : 1; }

/* All memory of the training, before its loops. */
static kai_status size_memory(struct trainer *t, kai_err *err) {
    const struct mlp *mlp = t->mlp;
    int64_t batch_rows = mlp->options.batch_rows;
    if (batch_rows > t->fit->rows) batch_rows = t->fit->rows;
    t->group_rows = group_rows_of(batch_rows);
    int64_t groups = blocks(batch_rows, t->group_rows);
    int64_t checks = blocks(t->check->rows, CHECK_ROWS);
    size_t parameters = (size_t)mlp->shape.parameters;
    size_t tables = (size_t)at_least_one(mlp->input.embedding_floats);
    t->gradients = mem_aligned((size_t)groups * parameters, sizeof(float));
    t->mean = mem_aligned(parameters, sizeof(float));
    t->square = mem_aligned(parameters, sizeof(float));
    t->back = mem_aligned((size_t)at_least_one(mlp->shape.back_floats), sizeof(float));
    t->best = mem_aligned(parameters + tables, sizeof(float));
    t->table_moments = mem_aligned(3 * tables, sizeof(float));
    t->is_touched = mem_zero(tables, 1);
    size_t slopes = (size_t)at_least_one(batch_rows * mlp->input.embedded);
    t->embedded_slopes = mem_aligned(slopes, sizeof(float));
    t->order = mem_array((size_t)t->fit->rows, sizeof *t->order);
    t->losses = mem_zero((size_t)(groups > checks ? groups : checks), sizeof *t->losses);
    t->chunks = mem_zero((size_t)pool_threads(t->pool), sizeof *t->chunks);
    int is_complete = t->gradients && t->mean && t->square && t->back && t->best &&
                      t->table_moments && t->is_touched && t->embedded_slopes && t->order &&
                      t->losses && t->chunks;
    if (!is_complete) return err_memory(err, (int64_t)(groups + 4) * mlp->shape.parameters * 4);
    kai_status st = KAI_OK;
    for (; !st && t->chunks_count < pool_threads(t->pool); t->chunks_count += !st)
        st = mlp_chunk_init(&mlp->shape, mlp->input.embeddings, &t->chunks[t->chunks_count], err);
    return st;
}

static void release(struct trainer *t) {
    for (int32_t i = 0; i < t->chunks_count; i++) mlp_chunk_release(&t->chunks[i]);
    mem_free(t->chunks);
    mem_free(t->losses);
    mem_free(t->order);
    mem_free_aligned(t->embedded_slopes);
    mem_free(t->is_touched);
    mem_free_aligned(t->table_moments);
    mem_free_aligned(t->best);
    mem_free_aligned(t->back);
    mem_free_aligned(t->square);
    mem_free_aligned(t->mean);
    mem_free_aligned(t->gradients);
}

/* Copy rows of a set into a chunk: ids[0..rows-1], or first .. where ids is NULL. */
static void fill(const struct mlp *mlp, const struct mlp_set *set, const int64_t *ids,
                 int64_t first, int64_t rows, double scale, struct mlp_chunk *chunk) {
    const struct mlp_input *input = &mlp->input;
    const int64_t x_row = input->numbers + input->embedded;
    const size_t number_bytes = (size_t)input->numbers * sizeof(float);
    const size_t slot_bytes = (size_t)input->one_hots * sizeof(int32_t);
    const size_t code_bytes = (size_t)input->embeddings * sizeof(int32_t);
    chunk->rows = rows;
    for (int64_t r = 0; r < rows; r++) {
        int64_t id = ids ? ids[r] : first + r;
        memcpy(chunk->x + r * x_row, set->data.numbers + id * input->numbers, number_bytes);
        memcpy(chunk->slots + r * input->one_hots, set->data.slots + id * input->one_hots,
               slot_bytes);
        memcpy(chunk->codes + r * input->embeddings, set->data.codes + id * input->embeddings,
               code_bytes);
        chunk->target[r] = set->target[id];
        chunk->weight[r] = scale * set->weight[id];
    }
    mlp_embed(input, mlp->embeddings, chunk);
}

/* Gradient and loss of one group of the batch. */
static kai_status learn_group(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct trainer *t = user;
    const struct mlp *mlp = t->mlp;
    struct mlp_chunk *chunk = &t->chunks[worker];
    const struct mlp_dropout *dropout = t->dropout.threshold ? &t->dropout : NULL;
    const int64_t embedded = mlp->input.embedded, numbers = mlp->input.numbers;
    int64_t begin = item * t->group_rows, end = begin + t->group_rows;
    if (end > t->batch_rows) end = t->batch_rows;
    double scale = 1 / (double)t->batch_rows, loss = 0;
    float *gradient = t->gradients + item * mlp->shape.parameters;
    for (int64_t at = begin; at < end; at += MLP_CHUNK_ROWS) {
        int64_t rows = end - at < MLP_CHUNK_ROWS ? end - at : MLP_CHUNK_ROWS;
        fill(mlp, t->fit, t->batch + at, 0, rows, scale, chunk);
        mlp_forward(&mlp->shape, mlp->parameters, chunk, dropout, at);
        loss += mlp_loss(&mlp->shape, mlp->task, chunk);
        mlp_backward(&mlp->shape, t->back, chunk, dropout, at > begin, gradient);
        for (int64_t r = 0; embedded && r < rows; r++)
            memcpy(t->embedded_slopes + (at + r) * embedded,
                   chunk->x + r * (numbers + embedded) + numbers, (size_t)embedded * sizeof(float));
    }
    t->losses[item] = loss;
    return KAI_OK;
}

/* Visit the table rows of the batch: add slopes, or take each touched row's step once. */
static void add_table_slopes(struct trainer *t, float *gradient) {
    const struct mlp_input *input = &t->mlp->input;
    for (int64_t r = 0; r < t->batch_rows; r++) {
        const int32_t *codes = t->fit->data.codes + t->batch[r] * input->embeddings;
        const float *slopes = t->embedded_slopes + r * input->embedded;
        for (int32_t j = 0; j < input->columns; j++) {
            const struct mlp_column *column = &input->column[j];
            if (column->kind != MLP_EMBEDDED) continue;
            int64_t width = column->embedding_width;
            int64_t at = column->offset + codes[column->code_index] * width;
            for (int64_t i = 0; i < width; i++)
                gradient[at + i] += slopes[column->dense - input->numbers + i];
            t->is_touched[at] = 1;
        }
    }
}

static void step_tables(struct trainer *t, const struct adam *adam) {
    const struct mlp_input *input = &t->mlp->input;
    if (input->embeddings == 0) return;
    float *mean = t->table_moments, *square = mean + input->embedding_floats;
    float *gradient = square + input->embedding_floats;
    add_table_slopes(t, gradient);
    for (int64_t r = 0; r < t->batch_rows; r++) {
        const int32_t *codes = t->fit->data.codes + t->batch[r] * input->embeddings;
        for (int32_t j = 0; j < input->columns; j++) {
            const struct mlp_column *column = &input->column[j];
            if (column->kind != MLP_EMBEDDED) continue;
            int64_t width = column->embedding_width;
            int64_t at = column->offset + codes[column->code_index] * width;
            if (!t->is_touched[at]) continue;
            adam_step_f32(adam, width, gradient + at, t->mlp->embeddings + at, mean + at,
                          square + at);
            memset(gradient + at, 0, (size_t)width * sizeof *gradient);
            t->is_touched[at] = 0;
        }
    }
}

static double rate_at(const struct trainer *t) {
    double rate = t->mlp->options.learning_rate;
    if (!t->mlp->options.cosine_schedule) return rate;
    /* Loshchilov, Hutter, "SGDR", ICLR 2017, without restarts */
    return rate * 0.5 * (1 + cos(3.14159265358979323846 * (double)t->step / (double)t->steps));
}

/* One step; adds its loss, weighted by its rows, to *loss. */
static kai_status take_step(struct trainer *t, double *loss, kai_err *err) {
    struct mlp *mlp = t->mlp;
    int64_t groups = blocks(t->batch_rows, t->group_rows), count = mlp->shape.parameters;
    mlp_transpose(&mlp->shape, mlp->parameters, t->back);
    t->dropout.step = (uint64_t)t->step;
    kai_status st =
        groups == 1 ? learn_group(t, 0, 0, err) : pool_run(t->pool, groups, learn_group, t, err);
    if (st) return st;
    for (int64_t g = 0; g < groups; g++) *loss += t->losses[g] * (double)t->batch_rows;
    for (int64_t g = 1; g < groups; g++) {
        const float *more = t->gradients + g * count;
        for (int64_t i = 0; i < count; i++) t->gradients[i] += more[i];
    }
    struct adam adam = adam_at(rate_at(t), t->step + 1);
    adam_step_f32(&adam, count, t->gradients, mlp->parameters, t->mean, t->square);
    step_tables(t, &adam);
    t->step++;
    return KAI_OK;
}

static kai_status check_block(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct trainer *t = user;
    struct mlp_chunk *chunk = &t->chunks[worker];
    int64_t at = item * CHECK_ROWS, end = at + CHECK_ROWS;
    if (end > t->check->rows) end = t->check->rows;
    double loss = 0;
    for (; at < end; at += MLP_CHUNK_ROWS) {
        int64_t rows = end - at < MLP_CHUNK_ROWS ? end - at : MLP_CHUNK_ROWS;
        fill(t->mlp, t->check, NULL, at, rows, 1, chunk);
        mlp_forward(&t->mlp->shape, t->mlp->parameters, chunk, NULL, 0);
        loss += mlp_loss(&t->mlp->shape, t->mlp->task, chunk);
    }
    t->losses[item] = loss;
    return KAI_OK;
}

/* Mean loss of the rows that were kept back; NaN where there are none. */
static kai_status check_epoch(struct trainer *t, double *ret_loss, kai_err *err) {
    int64_t count = blocks(t->check->rows, CHECK_ROWS);
    kai_status st = pool_run(t->pool, count, check_block, t, err);
    if (st) return st;
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += t->losses[i];
    *ret_loss = t->check->rows ? sum / (double)t->check->rows : NAN;
    return KAI_OK;
}

static kai_status run_epoch(struct trainer *t, int32_t epoch, const struct progress *progress,
                            double *ret_loss, kai_err *err) {
    int64_t rows = t->fit->rows, epochs = t->mlp->options.epochs, told = 0;
    struct rng rng;
    rng_init(&rng, t->seed, "mlp.order", (uint64_t)epoch);
    rng_shuffle(&rng, t->order, rows);
    double loss = 0;
    kai_status st = progress_tell(progress, "mlp", epoch * rows, epochs * rows, err);
    for (int64_t at = 0; !st && at < rows; at += t->batch_rows) {
        t->batch = t->order + at;
        t->batch_rows =
            rows - at < t->mlp->options.batch_rows ? rows - at : t->mlp->options.batch_rows;
        st = take_step(t, &loss, err);
        if (!st && at - told >= TELL_ROWS) {
            told = at;
            st = progress_tell(progress, "mlp", epoch * rows + at, epochs * rows, err);
        }
    }
    *ret_loss = loss / (double)rows;
    return st;
}

static void copy_floats(float *to, const float *from, int64_t count) {
    memcpy(to, from, (size_t)count * sizeof *to);
}

static kai_status run_epochs(struct trainer *t, const struct progress *progress, kai_err *err) {
    struct mlp *mlp = t->mlp;
    int64_t parameters = mlp->shape.parameters, tables = mlp->input.embedding_floats;
    double best = INFINITY;
    for (int32_t epoch = 0; epoch < mlp->options.epochs; epoch++) {
        double *loss = mlp->curve + 2 * (int64_t)epoch;
        kai_status st = run_epoch(t, epoch, progress, &loss[0], err);
        if (!st) st = check_epoch(t, &loss[1], err);
        if (st) return st;
        mlp->epochs_run = epoch + 1;
        if (!isfinite(loss[0]) || (t->check->rows && !isfinite(loss[1])))
            return err_set(err, KAI_DIVERGED, "mlp: loss is not finite in epoch %d", epoch + 1);
        if (!t->check->rows || loss[1] < best) {
            best = loss[1];
            mlp->epoch_best = epoch + 1;
            copy_floats(t->best, mlp->parameters, parameters);
            copy_floats(t->best + parameters, mlp->embeddings, tables);
        }
        int32_t waited = mlp->epochs_run - mlp->epoch_best;
        if (mlp->options.patience > 0 && waited >= mlp->options.patience) break;
    }
    copy_floats(mlp->parameters, t->best, parameters);
    copy_floats(mlp->embeddings, t->best + parameters, tables);
    return KAI_OK;
}

/* Weights of slots and table rows that no training row uses are zero: an unseen category then
 * contributes nothing instead of its random start. */
static void clear_unseen(struct trainer *t) {
    struct mlp *mlp = t->mlp;
    const struct mlp_input *input = &mlp->input;
    const int64_t width = mlp->shape.layer[0].width;
    float *slots = mlp->parameters + mlp->shape.slot_weight, *seen = t->gradients;
    memset(seen, 0, (size_t)input->slots * sizeof *seen); /* width >= 1 float for each slot */
    for (int64_t i = 0; i < t->fit->rows * input->one_hots; i++) seen[t->fit->data.slots[i]] = 1;
    for (int64_t s = 0; s < input->slots; s++)
        if (!(seen[s] > 0)) memset(slots + s * width, 0, (size_t)width * sizeof *slots);
}

static void init_tables(struct trainer *t) {
    const struct mlp_input *input = &t->mlp->input;
    const double sd = 0.05;
    for (int32_t j = 0; j < input->columns; j++) {
        const struct mlp_column *column = &input->column[j];
        if (column->kind != MLP_EMBEDDED) continue;
        struct rng rng;
        rng_init(&rng, t->seed, "mlp.embedding", (uint64_t)j);
        for (int64_t r = 0; r < t->fit->rows; r++) {
            int32_t code = t->fit->data.codes[r * input->embeddings + column->code_index];
            float *row =
                t->mlp->embeddings + column->offset + (int64_t)code * column->embedding_width;
            for (int32_t i = 0; i < column->embedding_width && !(row[i] > 0 || row[i] < 0); i++)
                row[i] = (float)(sd * rng_normal(&rng));
        }
    }
}

kai_status mlp_train(struct mlp *mlp, uint64_t seed, const struct mlp_set *fit,
                     const struct mlp_set *check, struct pool *pool,
                     const struct progress *progress, kai_err *err) {
    struct trainer t = {.mlp = mlp, .fit = fit, .check = check, .pool = pool, .seed = seed};
    kai_status st = size_memory(&t, err);
    if (st) goto out;
    double threshold = mlp->options.dropout * 65536 + 0.5;
    t.dropout.threshold = threshold > 65535 ? 65535 : (uint32_t)threshold;
    uint64_t key = hash_text("mlp.dropout", seed);
    t.dropout.key[0] = (uint32_t)key;
    t.dropout.key[1] = (uint32_t)(key >> 32);
    t.steps = mlp->options.epochs * blocks(fit->rows, mlp->options.batch_rows);
    t.batch_rows = mlp->options.batch_rows;
    for (int64_t i = 0; i < fit->rows; i++) t.order[i] = i;
    mlp_init_parameters(&mlp->shape, seed, mlp->parameters);
    clear_unseen(&t);
    init_tables(&t);
    st = run_epochs(&t, progress, err);
out:
    release(&t);
    return st;
}
