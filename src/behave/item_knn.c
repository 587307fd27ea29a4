#include "behave/item_knn.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/topk.h"

enum { ITEMS_PER_TASK = 256 };

struct occurrence {
    int64_t history; /* sequence */
    int64_t event;
};

struct fitting {
    const struct behave_sequences *train;
    int32_t item_count, neighbours;
    int64_t *offsets;               /* owned; (item_count + 1), of occurrences */
    struct occurrence *occurrences; /* owned; by item, then history, then event */
    int64_t *histories_of;          /* owned; (item_count) histories that hold the item */
    struct scratch {
        float *sum;       /* owned; (item_count), zero between items */
        float *last;      /* owned; (item_count) best closeness within the current history */
        int32_t *touched; /* owned; (item_count) items of which sum is not zero */
        int32_t *now;     /* owned; (item_count) items of which last is not zero */
        float *packed;    /* owned; (item_count) */
    } *scratch;           /* owned; a thread each */
    int32_t threads;
    int32_t *found;       /* owned; (item_count, neighbours) */
    float *weights;       /* owned; (item_count, neighbours) */
    int32_t *counts;      /* owned; (item_count) */
};

/* The last KNN_EVENTS_MAX events of a history count, so that one robot does not cost a square. */
static int64_t first_event(const struct behave_sequences *train, int64_t history) {
    int64_t begin = train->offsets[history], end = train->offsets[history + 1];
    return end - begin > KNN_EVENTS_MAX ? end - KNN_EVENTS_MAX : begin;
}

static void index_occurrences(struct fitting *fitting) {
    const struct behave_sequences *train = fitting->train;
    for (int64_t s = 0; s < train->sequence_count; s++)
        for (int64_t e = first_event(train, s); e < train->offsets[s + 1]; e++)
            fitting->offsets[train->items[e] + 1]++;
    for (int32_t i = 0; i < fitting->item_count; i++)
        fitting->offsets[i + 1] += fitting->offsets[i];
    for (int64_t s = 0; s < train->sequence_count; s++)
        for (int64_t e = first_event(train, s); e < train->offsets[s + 1]; e++)
            fitting->occurrences[fitting->offsets[train->items[e]]++] = (struct occurrence){s, e};
    memmove(fitting->offsets + 1, fitting->offsets,
            (size_t)fitting->item_count * sizeof *fitting->offsets);
    fitting->offsets[0] = 0;
    for (int32_t i = 0; i < fitting->item_count; i++)
        for (int64_t o = fitting->offsets[i]; o < fitting->offsets[i + 1]; o++)
            fitting->histories_of[i] += o == fitting->offsets[i] ||
                                        fitting->occurrences[o].history !=
                                            fitting->occurrences[o - 1].history;
}

/* Closeness of the item at `event` to its surroundings, the nearest occurrence of each counts. */
static void look_around(const struct fitting *fitting, const struct occurrence *at,
                        struct scratch *scratch, int32_t *now_count) {
    const struct behave_sequences *train = fitting->train;
    int64_t begin = first_event(train, at->history), end = train->offsets[at->history + 1];
    if (at->event - begin > KNN_REACH) begin = at->event - KNN_REACH;
    if (end - at->event > KNN_REACH + 1) end = at->event + KNN_REACH + 1;
    for (int64_t e = begin; e < end; e++) {
        int32_t other = train->items[e];
        if (e == at->event) continue; /* but another event of the same item is a repetition */
        float closeness = 1.0f / (float)(e > at->event ? e - at->event : at->event - e);
        if (scratch->last[other] == 0) scratch->now[(*now_count)++] = other;
        if (closeness > scratch->last[other]) scratch->last[other] = closeness;
    }
}

static void fit_item(struct fitting *fitting, int32_t item, struct scratch *scratch) {
    int32_t touched = 0;
    for (int64_t o = fitting->offsets[item]; o < fitting->offsets[item + 1];) {
        int64_t history = fitting->occurrences[o].history;
        int32_t now = 0;
        for (; o < fitting->offsets[item + 1] && fitting->occurrences[o].history == history; o++)
            look_around(fitting, &fitting->occurrences[o], scratch, &now);
        for (int32_t i = 0; i < now; i++) {
            int32_t other = scratch->now[i];
            if (scratch->sum[other] == 0) scratch->touched[touched++] = other;
            scratch->sum[other] += scratch->last[other];
            scratch->last[other] = 0;
        }
    }
    double own = (double)fitting->histories_of[item];
    for (int32_t i = 0; i < touched; i++) {
        int32_t other = scratch->touched[i];
        double scale = sqrt(own * (double)fitting->histories_of[other]);
        scratch->packed[i] = (float)(scratch->sum[other] / scale);
        scratch->sum[other] = 0;
    }
    int64_t row = (int64_t)item * fitting->neighbours;
    int32_t *found = fitting->found + row;
    int32_t count = topk_f32(touched, scratch->packed, fitting->neighbours, found,
                             fitting->weights + row);
    for (int32_t i = 0; i < count; i++) found[i] = scratch->touched[found[i]];
    fitting->counts[item] = count;
}

static kai_status fit_items(void *user, int64_t task, int32_t worker, kai_err *err) {
    struct fitting *fitting = user;
    (void)err; /* arithmetic */
    int64_t begin = task * ITEMS_PER_TASK, end = begin + ITEMS_PER_TASK;
    for (int64_t i = begin; i < end && i < fitting->item_count; i++)
        fit_item(fitting, (int32_t)i, &fitting->scratch[worker]);
    return KAI_OK;
}

static void release_fitting(struct fitting *fitting) {
    for (int32_t t = 0; fitting->scratch && t < fitting->threads; t++) {
        mem_free(fitting->scratch[t].sum);
        mem_free(fitting->scratch[t].last);
        mem_free(fitting->scratch[t].touched);
        mem_free(fitting->scratch[t].now);
        mem_free(fitting->scratch[t].packed);
    }
    mem_free(fitting->scratch);
    mem_free(fitting->offsets);
    mem_free(fitting->occurrences);
    mem_free(fitting->histories_of);
    mem_free(fitting->found);
    mem_free(fitting->weights);
    mem_free(fitting->counts);
}

static kai_status init_fitting(struct fitting *fitting, kai_err *err) {
    size_t items = (size_t)fitting->item_count, cells = items * (size_t)fitting->neighbours;
    int64_t events = fitting->train->offsets[fitting->train->sequence_count];
    int64_t bytes = (int64_t)cells * 8 + (int64_t)items * 20 * fitting->threads + events * 16;
    if (bytes > YARDSTICK_BYTES_MAX)
        return err_set(err, KAI_LIMIT,
                       "item-knn: %d items with %d neighbours would take %lld MiB, at most %lld",
                       fitting->item_count, fitting->neighbours, (long long)(bytes >> 20),
                       (long long)(YARDSTICK_BYTES_MAX >> 20));
    fitting->offsets = mem_zero(items + 1, sizeof *fitting->offsets);
    fitting->occurrences = mem_array((size_t)events, sizeof *fitting->occurrences);
    fitting->histories_of = mem_zero(items, sizeof *fitting->histories_of);
    fitting->found = mem_array(cells, sizeof *fitting->found);
    fitting->weights = mem_array(cells, sizeof *fitting->weights);
    fitting->counts = mem_zero(items, sizeof *fitting->counts);
    fitting->scratch = mem_zero((size_t)fitting->threads, sizeof *fitting->scratch);
    int is_complete = fitting->offsets && fitting->occurrences && fitting->histories_of &&
                      fitting->found && fitting->weights && fitting->counts && fitting->scratch;
    for (int32_t t = 0; is_complete && t < fitting->threads; t++) {
        struct scratch *scratch = &fitting->scratch[t];
        scratch->sum = mem_zero(items, sizeof *scratch->sum);
        scratch->last = mem_zero(items, sizeof *scratch->last);
        scratch->touched = mem_array(items, sizeof *scratch->touched);
        scratch->now = mem_array(items, sizeof *scratch->now);
        scratch->packed = mem_array(items, sizeof *scratch->packed);
        is_complete = scratch->sum && scratch->last && scratch->touched && scratch->now &&
                      scratch->packed;
    }
    return is_complete ? KAI_OK : err_memory(err, bytes);
}

/* Keep what was found, without the gaps. */
static kai_status pack(struct item_knn *knn, const struct fitting *fitting, kai_err *err) {
    int64_t total = 0;
    for (int32_t i = 0; i < knn->item_count; i++) total += fitting->counts[i];
    knn->offsets = mem_zero((size_t)knn->item_count + 1, sizeof *knn->offsets);
    knn->items = mem_array((size_t)total, sizeof *knn->items);
    knn->weights = mem_array((size_t)total, sizeof *knn->weights);
    if (!knn->offsets || !knn->items || !knn->weights) return err_memory(err, total * 8);
    for (int32_t i = 0; i < knn->item_count; i++) {
        int64_t at = knn->offsets[i], row = (int64_t)i * fitting->neighbours;
        size_t count = (size_t)fitting->counts[i];
        knn->offsets[i + 1] = at + fitting->counts[i];
        if (count == 0) continue;
        memcpy(knn->items + at, fitting->found + row, count * sizeof *knn->items);
        memcpy(knn->weights + at, fitting->weights + row, count * sizeof *knn->weights);
    }
    return KAI_OK;
}

kai_status item_knn_init(struct item_knn *knn, const struct yardstick_options *options,
                         const struct behave_sequences *train, int32_t item_count,
                         struct pool *pool, const struct progress *progress, kai_err *err) {
    struct fitting fitting = {.train = train,
                              .item_count = item_count,
                              .neighbours = options->neighbours < item_count ? options->neighbours
                                                                             : item_count,
                              .threads = pool_threads(pool)};
    *knn = (struct item_knn){
        .item_count = item_count, .history = options->history, .decay = options->decay};
    kai_status st = init_fitting(&fitting, err);
    if (!st) {
        index_occurrences(&fitting);
        st = pool_run_telling(pool, (item_count + ITEMS_PER_TASK - 1) / ITEMS_PER_TASK, fit_items,
                              &fitting, progress, "item-knn", err);
    }
    if (!st) st = pack(knn, &fitting, err);
    release_fitting(&fitting);
    if (st) item_knn_release(knn);
    return st;
}

void item_knn_release(struct item_knn *knn) {
    mem_free(knn->offsets);
    mem_free(knn->items);
    mem_free(knn->weights);
    *knn = (struct item_knn){0};
}

void item_knn_score(const struct item_knn *knn, const int32_t *history, int64_t length,
                    float *ret_scores) {
    int32_t voted = 0;
    memset(ret_scores, 0, (size_t)knn->item_count * sizeof *ret_scores);
    for (int64_t back = 0; back < length && voted < knn->history; back++) {
        int32_t item = history[length - 1 - back];
        int is_repeated = 0; /* only its latest occurrence votes */
        for (int64_t later = 0; later < back && !is_repeated; later++)
            is_repeated = history[length - 1 - later] == item;
        if (is_repeated) continue;
        float vote = (float)pow(knn->decay, (double)back);
        voted++;
        for (int64_t n = knn->offsets[item]; n < knn->offsets[item + 1]; n++)
            ret_scores[knn->items[n]] += vote * knn->weights[n];
    }
}
