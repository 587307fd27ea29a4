#include "behave/behave_step.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/adam.h"
#include "kernel/gemm.h"
#include "kernel/pointwise.h"

enum { SUM_FLOATS = 8192, SUM_ITEMS = 64 };

/* One worker's memory. */
struct behave_desk {
    struct trunk trunk;
    float *du;       /* owned; (capacity, D) */
    float *scratch;  /* owned; of the loss */
    int64_t *starts; /* owned; (windows of a chunk + 1) */
};

static int64_t chunk_events(const struct behave_shape *s) {
    return BEHAVE_CHUNK_EVENTS + s->length;
}

static int64_t blocks(int64_t count, int64_t each) { return (count + each - 1) / each; }

static int64_t table_blocks(const struct behave_shape *s) { return blocks(s->items, SUM_ITEMS); }

static int64_t sum_blocks(const struct behave_shape *s) {
    return table_blocks(s) + blocks(s->parameters - s->positions, SUM_FLOATS);
}

int64_t behave_stepper_bytes(const struct behave_options *o, int32_t workers) {
    struct behave_shape s = behave_shape_of(o);
    int64_t events = (int64_t)o->batch_sequences * s.length, n = chunk_events(&s);
    int64_t desk = trunk_bytes(&s, n) + 4 * n * s.width + 4 * cosine_loss_scratch(s.items, s.width);
    int64_t floats = (BEHAVE_LANES + 3) * s.parameters + s.blocks * s.block_floats;
    return 4 * floats + workers * desk + events * (4 * s.width + 12 + (s.is_timed ? 16 : 0));
}

static kai_status init_desk(const struct behave_shape *s, int64_t windows, struct behave_desk *desk,
                            kai_err *err) {
    int64_t n = chunk_events(s), loss = cosine_loss_scratch(s->items, s->width);
    kai_status st = trunk_init(s, n, &desk->trunk, err);
    if (st) return st;
    desk->du = mem_aligned((size_t)(n * s->width), sizeof(float));
    desk->scratch = mem_aligned((size_t)loss, sizeof(float));
    desk->starts = mem_array((size_t)(windows + 1), sizeof *desk->starts);
    if (!desk->du || !desk->scratch || !desk->starts) return err_memory(err, 4 * loss);
    return KAI_OK;
}

kai_status behave_stepper_init(struct behave *model, const struct behave_sequences *train,
                               struct pool *pool, struct behave_stepper *t, kai_err *err) {
    const struct behave_shape *s = &model->shape;
    const int64_t windows = model->options.batch_sequences, events = windows * s->length;
    const size_t count = (size_t)s->parameters;
    *t = (struct behave_stepper){
        .model = model, .train = train, .pool = pool, .seed = model->seed, .events_max = events};
    t->gradients = mem_aligned(BEHAVE_LANES * count, sizeof(float));
    t->mean = mem_aligned(count, sizeof(float));
    t->square = mem_aligned(count, sizeof(float));
    t->back = mem_aligned((size_t)(s->blocks * s->block_floats), sizeof(float));
    t->slopes = mem_aligned((size_t)(events * s->width), sizeof(float));
    t->desks = mem_zero((size_t)pool_threads(pool), sizeof *t->desks);
    t->starts = mem_array((size_t)(windows + 1), sizeof *t->starts);
    t->chunks = mem_array((size_t)(windows + 1), sizeof *t->chunks);
    t->inputs = mem_array((size_t)events, sizeof *t->inputs);
    t->targets = mem_array((size_t)events, sizeof *t->targets);
    t->order = mem_array((size_t)events, sizeof *t->order);
    t->times = mem_array((size_t)(s->is_timed ? 2 * events : 0), sizeof *t->times);
    t->by_item = mem_array((size_t)(s->items + 2), sizeof *t->by_item);
    t->sums = mem_zero((size_t)(sum_blocks(s) + BEHAVE_LANES), sizeof *t->sums);
    int is_complete = t->gradients && t->mean && t->square && t->back && t->slopes && t->desks &&
                      t->starts && t->chunks && t->inputs && t->targets && t->order && t->times &&
                      t->by_item && t->sums;
    kai_status st = KAI_OK;
    if (!is_complete)
        st = err_memory(err, behave_stepper_bytes(&model->options, pool_threads(pool)));
    for (int32_t i = 0; !st && i < pool_threads(pool); i++)
        st = init_desk(s, windows, &t->desks[i], err);
    if (st) behave_stepper_release(t);
    return st;
}

void behave_stepper_release(struct behave_stepper *t) {
    for (int32_t i = 0; t->desks && i < pool_threads(t->pool); i++) {
        trunk_release(&t->desks[i].trunk);
        mem_free_aligned(t->desks[i].du);
        mem_free_aligned(t->desks[i].scratch);
        mem_free(t->desks[i].starts);
    }
    mem_free(t->desks);
    mem_free(t->sums);
    mem_free(t->by_item);
    mem_free(t->order);
    mem_free(t->times);
    mem_free(t->targets);
    mem_free(t->inputs);
    mem_free(t->chunks);
    mem_free(t->starts);
    mem_free_aligned(t->slopes);
    mem_free_aligned(t->back);
    mem_free_aligned(t->square);
    mem_free_aligned(t->mean);
    mem_free_aligned(t->gradients);
    *t = (struct behave_stepper){0};
}

/* Lay the windows out as one run of events and cut it into chunks. */
static void pack(struct behave_stepper *t, const struct behave_window *windows, int64_t count) {
    t->windows = windows;
    t->window_count = count;
    t->events = t->chunk_count = 0;
    int64_t chunk_begin = 0;
    for (int64_t w = 0; w < count; w++) {
        if (w == 0 || t->events - chunk_begin >= BEHAVE_CHUNK_EVENTS) {
            t->chunks[t->chunk_count++] = w;
            chunk_begin = t->events;
        }
        const int32_t *items = t->train->items + windows[w].begin;
        size_t bytes = (size_t)windows[w].count * sizeof *items;
        memcpy(t->inputs + t->events, items, bytes);
        memcpy(t->targets + t->events, items + 1, bytes);
        if (t->model->shape.is_timed)
            for (int64_t e = 0; e < windows[w].count; e++) {
                const int64_t *times = t->train->times, at = windows[w].begin + e;
                t->times[t->events + e] = times ? times[at] : BEHAVE_TIME_UNKNOWN;
                t->times[t->events_max + t->events + e] =
                    times ? times[at + 1] : BEHAVE_TIME_UNKNOWN;
            }
        t->starts[w] = t->events;
        t->events += windows[w].count;
    }
    t->starts[count] = t->events;
    t->chunks[t->chunk_count] = count;
}

/* Events of each item in their order, for sums that do not depend on threads. */
static void sort_by_item(struct behave_stepper *t) {
    int64_t items = t->model->shape.items, *at = t->by_item + 1;
    memset(t->by_item, 0, (size_t)(items + 2) * sizeof *t->by_item);
    for (int64_t e = 0; e < t->events; e++) at[t->inputs[e] + 1]++;
    for (int64_t i = 0; i < items; i++) at[i + 1] += at[i];
    for (int64_t e = 0; e < t->events; e++) t->order[at[t->inputs[e]]++] = (int32_t)e;
}

static double learn_chunk(struct behave_stepper *t, int64_t chunk, float *gradient,
                          struct behave_desk *desk) {
    const struct behave_shape *s = &t->model->shape;
    const int64_t window = t->chunks[chunk], windows = t->chunks[chunk + 1] - window;
    const int64_t first = t->starts[window], rows = t->starts[window + windows] - first;
    for (int64_t w = 0; w <= windows; w++) desk->starts[w] = t->starts[window + w] - first;
    struct trunk *trunk = &desk->trunk;
    trunk->rows = rows;
    trunk->sequences = windows;
    trunk->starts = desk->starts;
    trunk->items = t->inputs + first;
    trunk->times = s->is_timed ? t->times + first : NULL;
    trunk->asked = s->is_timed ? t->times + t->events_max + first : NULL;
    int32_t threshold = (int32_t)lround(256 * t->model->options.dropout);
    struct trunk_noise noise = {
        t->seed, (uint64_t)t->step * (uint64_t)t->model->options.batch_sequences + (uint64_t)chunk,
        threshold};
    trunk_forward(s, t->model->parameters, &noise, trunk);
    struct cosine_loss loss = {.scale = (float)(1 / t->model->options.temperature),
                               .weight = 1 / (double)t->events,
                               .rows = rows,
                               .u = trunk->u,
                               .targets = t->targets + first};
    double total = cosine_loss_f32(&t->model->catalogue, &loss, desk->du, gradient, desk->scratch);
    trunk_backward(s, t->model->parameters, t->back, &noise, trunk, desk->du, gradient);
    memcpy(t->slopes + first * s->width, trunk->x, (size_t)(rows * s->width) * sizeof(float));
    return total;
}

static kai_status learn_lane(void *user, int64_t lane, int32_t worker, kai_err *err) {
    (void)err;
    struct behave_stepper *t = user;
    float *gradient = t->gradients + lane * t->model->shape.parameters;
    double loss = 0;
    for (int64_t chunk = lane; chunk < t->chunk_count; chunk += BEHAVE_LANES)
        loss += learn_chunk(t, chunk, gradient, &t->desks[worker]);
    t->sums[sum_blocks(&t->model->shape) + lane] = loss;
    return KAI_OK;
}

static int64_t lanes_used(const struct behave_stepper *t) {
    return t->chunk_count < BEHAVE_LANES ? t->chunk_count : BEHAVE_LANES;
}

static void add_lanes(struct behave_stepper *t, int64_t first, int64_t count) {
    for (int64_t lane = 1; lane < lanes_used(t); lane++)
        add_f32(count, t->gradients + lane * t->model->shape.parameters + first,
                t->gradients + first);
}

static double squares(int64_t count, const float *values) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)values[i] * (double)values[i];
    return sum;
}

/* From slopes by unit rows to slopes by the rows themselves, and the inputs' share. */
static void finish_item(struct behave_stepper *t, int64_t item) {
    const int64_t d = t->model->shape.width;
    const float *unit = t->model->catalogue.unit + item * d;
    float *slope = t->gradients + item * d, inverse = t->model->catalogue.inverse[item];
    float scale = sqrtf((float)d);
    double along = 0;
    for (int64_t c = 0; c < d; c++) along += (double)unit[c] * (double)slope[c];
    for (int64_t c = 0; c < d; c++) slope[c] = inverse * (slope[c] - unit[c] * (float)along);
    for (int64_t i = t->by_item[item]; i < t->by_item[item + 1]; i++) {
        const float *more = t->slopes + t->order[i] * d;
        for (int64_t c = 0; c < d; c++) slope[c] += scale * more[c];
    }
}

struct span {
    int64_t first, count, item_first, item_count;
};

static struct span span_of(const struct behave_shape *s, int64_t block) {
    int64_t tables = table_blocks(s);
    if (block < tables) {
        int64_t first = block * SUM_ITEMS, left = s->items - first;
        int64_t items = left < SUM_ITEMS ? left : SUM_ITEMS;
        return (struct span){first * s->width, items * s->width, first, items};
    }
    int64_t first = s->positions + (block - tables) * SUM_FLOATS, left = s->parameters - first;
    return (struct span){first, left < SUM_FLOATS ? left : SUM_FLOATS, 0, 0};
}

static kai_status sum_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct behave_stepper *t = user;
    struct span span = span_of(&t->model->shape, block);
    add_lanes(t, span.first, span.count);
    for (int64_t i = 0; i < span.item_count; i++) finish_item(t, span.item_first + i);
    t->sums[block] = squares(span.count, t->gradients + span.first);
    return KAI_OK;
}

static kai_status move_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    struct behave_stepper *t = user;
    struct span span = span_of(&t->model->shape, block);
    float *gradient = t->gradients + span.first, *parameters = t->model->parameters + span.first;
    for (int64_t i = 0; i < span.count; i++) gradient[i] *= t->clip;
    for (int64_t i = 0; t->decay > 0 && i < span.count; i++) parameters[i] *= 1 - t->decay;
    adam_step_f32(&t->adam, span.count, gradient, parameters, t->mean + span.first,
                  t->square + span.first);
    for (int64_t lane = 0; lane < lanes_used(t); lane++)
        memset(t->gradients + lane * t->model->shape.parameters + span.first, 0,
               (size_t)span.count * sizeof *gradient);
    return KAI_OK;
}

kai_status behave_gradient(struct behave_stepper *t, const struct behave_window *windows,
                           int64_t count, double *ret_loss, double *ret_norm, kai_err *err) {
    const struct behave_shape *s = &t->model->shape;
    pack(t, windows, count);
    sort_by_item(t);
    behave_transpose(s, t->model->parameters, t->back);
    kai_status st = behave_fill(t->model, t->pool, err);
    if (!st) st = pool_run(t->pool, lanes_used(t), learn_lane, t, err);
    if (!st) st = pool_run(t->pool, sum_blocks(s), sum_block, t, err);
    if (st) return st;
    double loss = 0, square = 0;
    for (int64_t lane = 0; lane < lanes_used(t); lane++) loss += t->sums[sum_blocks(s) + lane];
    for (int64_t block = 0; block < sum_blocks(s); block++) square += t->sums[block];
    *ret_loss = loss;
    *ret_norm = sqrt(square);
    return KAI_OK;
}

kai_status behave_step(struct behave_stepper *t, const struct behave_window *windows, int64_t count,
                       double rate, double *ret_loss, kai_err *err) {
    const struct behave_options *options = &t->model->options;
    double loss, norm;
    kai_status st = behave_gradient(t, windows, count, &loss, &norm, err);
    if (st) return st;
    if (!isfinite(loss) || !isfinite(norm))
        return err_set(err, KAI_DIVERGED, "behaviour model: loss is not finite at step %lld",
                       (long long)t->step + 1);
    t->clip = options->clip_norm > 0 && norm > options->clip_norm
                  ? (float)(options->clip_norm / norm)
                  : 1;
    t->decay = (float)(rate * options->weight_decay);
    t->adam = adam_at(rate, t->step + 1);
    st = pool_run(t->pool, sum_blocks(&t->model->shape), move_block, t, err);
    if (st) return st;
    t->step++;
    *ret_loss = loss;
    return KAI_OK;
}
