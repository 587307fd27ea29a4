/* Scores, recommendations, embeddings and ranks of histories. A history is worked on alone, so its
 * scores do not depend on its neighbours; workers share the histories. */
#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "behave/behave_model.h"

/* One worker's memory. */
struct desk {
    struct trunk trunk;
    float *scores;       /* owned; (padded items) */
    unsigned char *seen; /* owned; (items), zero between histories */
    int64_t *asked;      /* owned; (length) */
};

struct reading {
    const struct behave *model;
    const struct behave_sequences *all;
    int64_t first;
    struct desk *desks;
    int64_t row; /* floats of desk.scores */
    float *ret_scores, *ret_vectors;
    const int64_t *request_times;
    const struct behave_request *request;
    int32_t *ret_items;
    const struct behave_held *held;
    int64_t *ret_ranks;
};

static void free_desks(struct desk *desks, int32_t count) {
    for (int32_t i = 0; desks && i < count; i++) {
        trunk_release(&desks[i].trunk);
        mem_free_aligned(desks[i].scores);
        mem_free(desks[i].seen);
        mem_free(desks[i].asked);
    }
    mem_free(desks);
}

/* Events of the longest history, as far as the model looks; a kept vector needs none. */
static int64_t longest(const struct reading *reading) {
    const struct behave_sequences *all = reading->all;
    int64_t most = 1, limit = reading->model->shape.length;
    if (reading->request && reading->request->vectors) return most;
    for (int64_t s = 0; most < limit && s < all->sequence_count; s++)
        if (all->offsets[s + 1] - all->offsets[s] > most)
            most = all->offsets[s + 1] - all->offsets[s];
    return most < limit ? most : limit;
}

static kai_status read_all(struct reading *reading, int64_t count, pool_fn fn, struct pool *pool,
                           kai_err *err) {
    const struct behave_shape *shape = &reading->model->shape;
    const int64_t events = longest(reading);
    int32_t workers = pool_threads(pool);
    reading->row = (shape->items + COSINE_PANEL - 1) / COSINE_PANEL * COSINE_PANEL;
    reading->desks = mem_zero((size_t)workers, sizeof *reading->desks);
    if (!reading->desks) return err_memory(err, workers * (int64_t)sizeof *reading->desks);
    kai_status st = KAI_OK;
    for (int32_t i = 0; !st && i < workers; i++) {
        struct desk *desk = &reading->desks[i];
        st = trunk_init(shape, events, &desk->trunk, err);
        if (st) break;
        desk->scores = mem_aligned((size_t)reading->row, sizeof(float));
        desk->seen = mem_zero((size_t)shape->items, 1);
        desk->asked = mem_array((size_t)events, sizeof *desk->asked);
        if (!desk->scores || !desk->seen || !desk->asked) st = err_memory(err, reading->row * 5);
    }
    if (!st) st = pool_run(pool, count, fn, reading, err);
    free_desks(reading->desks, workers);
    return st;
}

/* Each event but the last is asked for its successor at the successor's time; the last at the
 * request's, or its own where that is not known. */
static void set_times(const struct behave_sequences *all, int64_t begin, int64_t end,
                      int64_t request_time, struct desk *desk) {
    desk->trunk.times = all->times ? all->times + begin : NULL;
    desk->trunk.asked = desk->asked;
    for (int64_t e = begin; all->times && e < end; e++)
        desk->asked[e - begin] = e + 1 < end                           ? all->times[e + 1]
                                 : request_time != BEHAVE_TIME_UNKNOWN ? request_time
                                                                       : all->times[e];
}

/* The state after events begin .. end-1, or NULL for none. */
static const float *state_after(const struct reading *reading, int64_t begin, int64_t end,
                                int64_t request_time, struct desk *desk) {
    const struct behave *model = reading->model;
    const struct behave_sequences *all = reading->all;
    if (end - begin > model->shape.length) begin = end - model->shape.length;
    if (begin == end) return NULL;
    int64_t starts[2] = {0, end - begin};
    struct trunk *trunk = &desk->trunk;
    trunk->rows = end - begin;
    trunk->sequences = 1;
    trunk->starts = starts;
    trunk->items = all->items + begin;
    set_times(all, begin, end, request_time, desk);
    trunk_forward(&model->shape, model->parameters, NULL, trunk);
    trunk->starts = NULL;
    return trunk->u + (trunk->rows - 1) * model->shape.width;
}

/* Fills desk->scores (items); state NULL = nothing is known. */
static void score_state(const struct reading *reading, const float *state, struct desk *desk) {
    const struct behave *model = reading->model;
    if (!state) {
        double total = 0;
        for (int64_t i = 0; i < model->shape.items; i++) total += 1 + (double)model->counts[i];
        for (int64_t i = 0; i < model->shape.items; i++)
            desk->scores[i] = (float)log((1 + (double)model->counts[i]) / total);
        return;
    }
    cosine_scores_f32(&model->catalogue, 1, state, desk->scores, reading->row);
    float scale = (float)(1 / model->options.temperature);
    for (int64_t i = 0; i < model->shape.items; i++) desk->scores[i] *= scale;
}

static void score_after(const struct reading *reading, int64_t begin, int64_t end,
                        int64_t request_time, struct desk *desk) {
    score_state(reading, state_after(reading, begin, end, request_time, desk), desk);
}

static int64_t time_of(const struct reading *reading, int64_t s) {
    return reading->request_times ? reading->request_times[s] : BEHAVE_TIME_UNKNOWN;
}

static kai_status score_one(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct reading *reading = user;
    const int64_t *offsets = reading->all->offsets, items = reading->model->shape.items;
    int64_t s = reading->first + item;
    struct desk *desk = &reading->desks[worker];
    score_after(reading, offsets[s], offsets[s + 1], time_of(reading, s), desk);
    memcpy(reading->ret_scores + item * items, desk->scores, (size_t)items * sizeof(float));
    return KAI_OK;
}

static kai_status check_range(const struct behave *model, const struct behave_sequences *histories,
                              int64_t first, int64_t count, kai_err *err) {
    if (first < 0 || count < 0 || first > histories->sequence_count - count)
        return err_set(err, KAI_INVALID, "behaviour model: histories %lld to %lld are not there",
                       (long long)first, (long long)(first + count));
    return behave_check(histories, behave_items(model), err);
}

kai_status behave_score(const struct behave *model, const struct behave_sequences *histories,
                        const int64_t *request_times, int64_t first, int64_t count,
                        struct pool *pool, float *ret_scores, kai_err *err) {
    struct reading reading = {.model = model,
                              .all = histories,
                              .request_times = request_times,
                              .first = first,
                              .ret_scores = ret_scores};
    kai_status st = check_range(model, histories, first, count, err);
    return st ? st : read_all(&reading, count, score_one, pool, err);
}

static kai_status embed_one(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct reading *reading = user;
    const int64_t *offsets = reading->all->offsets, width = reading->model->shape.width;
    int64_t s = reading->first + item;
    const float *state = state_after(reading, offsets[s], offsets[s + 1], time_of(reading, s),
                                     &reading->desks[worker]);
    float *to = reading->ret_vectors + item * width;
    if (state)
        memcpy(to, state, (size_t)width * sizeof *to);
    else
        memset(to, 0, (size_t)width * sizeof *to);
    return KAI_OK;
}

kai_status behave_embed(const struct behave *model, const struct behave_sequences *histories,
                        const int64_t *request_times, int64_t first, int64_t count,
                        struct pool *pool, float *ret_vectors, kai_err *err) {
    struct reading reading = {.model = model,
                              .all = histories,
                              .request_times = request_times,
                              .first = first,
                              .ret_vectors = ret_vectors};
    kai_status st = check_range(model, histories, first, count, err);
    return st ? st : read_all(&reading, count, embed_one, pool, err);
}

static int is_worse(const float *scores, int32_t a, int32_t b) {
    return scores[a] < scores[b] || (scores[a] <= scores[b] && a > b);
}

/* Put heap[at] where it belongs in a heap whose top is the worst. */
static void sink(const float *scores, int32_t *heap, int32_t count, int32_t at) {
    for (int32_t child = 2 * at + 1; child < count; child = 2 * at + 1) {
        if (child + 1 < count && is_worse(scores, heap[child + 1], heap[child])) child++;
        if (!is_worse(scores, heap[child], heap[at])) return;
        int32_t moved = heap[at];
        heap[at] = heap[child];
        heap[child] = moved;
        at = child;
    }
}

/* The k best of the items that are not marked, best first; returns how many there are. */
static int32_t take_best(const float *scores, const unsigned char *seen,
                         const unsigned char *is_excluded, int32_t items, int32_t k,
                         int32_t *heap) {
    int32_t count = 0;
    for (int32_t i = 0; i < items; i++) {
        if (seen[i] || (is_excluded && is_excluded[i])) continue;
        if (count < k) {
            heap[count++] = i;
            for (int32_t at = count / 2; count == k && at-- > 0;) sink(scores, heap, count, at);
        } else if (is_worse(scores, heap[0], i)) {
            heap[0] = i;
            sink(scores, heap, count, 0);
        }
    }
    if (count < k)
        for (int32_t at = count / 2; at-- > 0;) sink(scores, heap, count, at);
    for (int32_t last = count - 1; last > 0; last--) {
        int32_t worst = heap[0];
        heap[0] = heap[last];
        heap[last] = worst;
        sink(scores, heap, last, 0);
    }
    return count;
}

static void mark(const struct behave_sequences *all, int64_t begin, int64_t end,
                 unsigned char value, unsigned char *seen) {
    for (int64_t e = begin; e < end; e++) seen[all->items[e]] = value;
}

/* A kept vector, or NULL for that of an empty history. */
static const float *kept_state(const struct reading *reading, int64_t item) {
    const int64_t width = reading->model->shape.width;
    const float *state = reading->request->vectors + item * width;
    for (int64_t c = 0; c < width; c++)
        if (fpclassify(state[c]) != FP_ZERO) return state;
    return NULL;
}

static kai_status recommend_one(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct reading *reading = user;
    const struct behave_request *request = reading->request;
    const int64_t s = request->first + item, k = request->k;
    int64_t begin = reading->all->offsets[s], end = reading->all->offsets[s + 1];
    struct desk *desk = &reading->desks[worker];
    int32_t *items = reading->ret_items + item * k;
    if (request->vectors)
        score_state(reading, kept_state(reading, item), desk);
    else
        score_after(reading, begin, end, time_of(reading, s), desk);
    if (request->is_seen_excluded) mark(reading->all, begin, end, 1, desk->seen);
    int32_t count = take_best(desk->scores, desk->seen, request->is_excluded,
                              behave_items(reading->model), request->k, items);
    if (request->is_seen_excluded) mark(reading->all, begin, end, 0, desk->seen);
    for (int32_t i = 0; i < request->k; i++) {
        if (i >= count) items[i] = -1;
        if (reading->ret_scores)
            reading->ret_scores[item * k + i] = i < count ? desk->scores[items[i]] : 0;
    }
    return KAI_OK;
}

kai_status behave_recommend(const struct behave *model, const struct behave_sequences *histories,
                            const struct behave_request *request, struct pool *pool,
                            int32_t *ret_items, float *ret_scores, kai_err *err) {
    struct reading reading = {.model = model,
                              .all = histories,
                              .request = request,
                              .request_times = request->request_times,
                              .ret_items = ret_items,
                              .ret_scores = ret_scores};
    if (request->k < 1)
        return err_set(err, KAI_INVALID, "behaviour model: 'k' is %d, expected at least 1",
                       request->k);
    kai_status st = check_range(model, histories, request->first, request->count, err);
    return st ? st : read_all(&reading, request->count, recommend_one, pool, err);
}

static kai_status rank_one(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)err;
    struct reading *reading = user;
    const struct behave_sequences *all = reading->all;
    int64_t s = reading->held->sequences[item];
    int64_t begin = all->offsets[s], end = all->offsets[s + 1] - 1, rank = 0;
    struct desk *desk = &reading->desks[worker];
    int32_t target = all->items[end];
    int64_t time = all->times ? all->times[end] : BEHAVE_TIME_UNKNOWN;
    score_after(reading, begin, end, time, desk);
    if (reading->held->is_seen_excluded) mark(all, begin, end, 1, desk->seen);
    for (int32_t i = 0; i < behave_items(reading->model); i++)
        rank += !desk->seen[i] && i != target && is_worse(desk->scores, target, i);
    if (reading->held->is_seen_excluded) mark(all, begin, end, 0, desk->seen);
    reading->ret_ranks[item] = rank;
    return KAI_OK;
}

kai_status behave_rank(const struct behave *model, const struct behave_held *held,
                       struct pool *pool, int64_t *ret_ranks, kai_err *err) {
    struct reading reading = {
        .model = model, .all = held->all, .held = held, .ret_ranks = ret_ranks};
    return read_all(&reading, held->sequence_count, rank_one, pool, err);
}
