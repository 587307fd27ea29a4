#include "behave/yardstick.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "behave/ials.h"
#include "behave/item_knn.h"

enum { DAY_S = 86400, WINDOW_LAST = 5, NEIGHBOURS = 200, HISTORY = 20, FACTORS = 64, EPOCHS = 12 };
#define DECAY 0.8
#define UNOBSERVED 0.1

struct yardstick {
    enum yardstick_kind kind;
    int32_t item_count;
    float *popular; /* owned; (item_count); popular and recent-popular */
    int64_t window_s;
    int64_t event_count; /* recent-popular with times: what happened, by time */
    int64_t *times;      /* owned; (event_count) */
    int32_t *items;      /* owned; (event_count) */
    struct item_knn knn;
    struct ials ials;
};

const char *yardstick_text(enum yardstick_kind kind) {
    static const char *const TEXTS[] = {"popular", "recent-popular", "item-knn", "ials"};
    return TEXTS[kind];
}

/* Count items of the last `last` events of each history; 0 = of all. */
static kai_status count_popular(struct yardstick *yardstick, const struct behave_sequences *train,
                                int32_t last, kai_err *err) {
    yardstick->popular = mem_zero((size_t)yardstick->item_count, sizeof *yardstick->popular);
    int32_t *counts = mem_zero((size_t)yardstick->item_count, sizeof *counts);
    if (!yardstick->popular || !counts) {
        mem_free(counts);
        return err_memory(err, (int64_t)yardstick->item_count * 8);
    }
    for (int64_t s = 0; s < train->sequence_count; s++) {
        int64_t begin = train->offsets[s], end = train->offsets[s + 1];
        if (last && end - begin > last) begin = end - last;
        for (int64_t e = begin; e < end; e++) counts[train->items[e]]++;
    }
    for (int32_t i = 0; i < yardstick->item_count; i++) yardstick->popular[i] = (float)counts[i];
    mem_free(counts);
    return KAI_OK;
}

struct timed {
    int64_t time, event;
};

static int compare_timed(const void *a, const void *b) {
    const struct timed *x = a, *y = b;
    if (x->time != y->time) return x->time < y->time ? -1 : 1;
    return x->event < y->event ? -1 : x->event > y->event;
}

static kai_status order_events(struct yardstick *yardstick, const struct behave_sequences *train,
                               kai_err *err) {
    int64_t events = train->offsets[train->sequence_count], known = 0;
    struct timed *timed = mem_array((size_t)events, sizeof *timed);
    yardstick->times = mem_array((size_t)events, sizeof *yardstick->times);
    yardstick->items = mem_array((size_t)events, sizeof *yardstick->items);
    if (!timed || !yardstick->times || !yardstick->items) {
        mem_free(timed);
        return err_memory(err, events * 28);
    }
    for (int64_t e = 0; e < events; e++)
        if (train->times[e] != BEHAVE_TIME_UNKNOWN)
            timed[known++] = (struct timed){train->times[e], e};
    qsort(timed, (size_t)known, sizeof *timed, compare_timed);
    for (int64_t i = 0; i < known; i++) {
        yardstick->times[i] = timed[i].time;
        yardstick->items[i] = train->items[timed[i].event];
    }
    yardstick->event_count = known;
    mem_free(timed);
    return KAI_OK;
}

static struct yardstick_options resolve(const struct yardstick_options *options) {
    struct yardstick_options o = options ? *options : (struct yardstick_options){0};
    if (!o.window_s) o.window_s = 7 * DAY_S;
    if (!o.window_last) o.window_last = WINDOW_LAST;
    if (!o.neighbours) o.neighbours = NEIGHBOURS;
    if (!o.history) o.history = HISTORY;
    if (o.decay == 0) o.decay = DECAY;
    if (!o.factors) o.factors = FACTORS;
    if (!o.epochs) o.epochs = EPOCHS;
    if (o.unobserved == 0) o.unobserved = UNOBSERVED;
    return o;
}

static kai_status check_options(const struct yardstick_options *o, kai_err *err) {
    int is_right = o->window_s > 0 && o->window_last > 0 && o->neighbours > 0 &&
                   o->neighbours <= 10000 && o->history > 0 && o->decay > 0 && o->decay <= 1 &&
                   o->factors > 0 && o->factors <= IALS_FACTORS_MAX && o->epochs > 0 &&
                   o->unobserved > 0 && o->regularise >= 0;
    return is_right ? KAI_OK : err_set(err, KAI_INVALID, "an option of a baseline is out of range");
}

kai_status yardstick_fit(enum yardstick_kind kind, const struct yardstick_options *options,
                         uint64_t seed, const struct behave_sequences *train, int32_t item_count,
                         struct pool *pool, const struct progress *progress,
                         struct yardstick **ret_yardstick, kai_err *err) {
    struct yardstick_options resolved = resolve(options);
    kai_status st = check_options(&resolved, err);
    if (st) return st;
    struct yardstick *made = mem_zero(1, sizeof *made);
    if (!made) return err_memory(err, sizeof *made);
    made->kind = kind;
    made->item_count = item_count;
    made->window_s = resolved.window_s;
    switch (kind) {
    case YARDSTICK_POPULAR: st = count_popular(made, train, 0, err); break;
    case YARDSTICK_RECENT:
        st = count_popular(made, train, train->times ? 0 : resolved.window_last, err);
        if (!st && train->times) st = order_events(made, train, err);
        break;
    case YARDSTICK_KNN:
        st = item_knn_init(&made->knn, &resolved, train, item_count, pool, progress, err);
        break;
    case YARDSTICK_IALS:
        st = ials_init(&made->ials, &resolved, seed, train, item_count, pool, progress, err);
        break;
    case YARDSTICK_KINDS: st = err_set(err, KAI_INVALID, "no such baseline"); break;
    }
    if (st)
        yardstick_free(made);
    else
        *ret_yardstick = made;
    return st;
}

void yardstick_free(struct yardstick *yardstick) {
    if (!yardstick) return;
    mem_free(yardstick->popular);
    mem_free(yardstick->times);
    mem_free(yardstick->items);
    item_knn_release(&yardstick->knn);
    ials_release(&yardstick->ials);
    mem_free(yardstick);
}

enum yardstick_kind yardstick_kind(const struct yardstick *yardstick) { return yardstick->kind; }

const float *yardstick_vectors(const struct yardstick *yardstick, int32_t *ret_width) {
    *ret_width = yardstick->ials.factors;
    return yardstick->ials.items;
}

/* The first event that is not before `time`. */
static int64_t find_time(const struct yardstick *yardstick, int64_t time) {
    int64_t low = 0, high = yardstick->event_count;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (yardstick->times[middle] < time)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* Counts of events [begin, end), from those of [from_begin, from_end) where that is less work. */
struct window {
    int64_t begin, end;
};

static void count_window(const struct yardstick *yardstick, struct window from,
                         const float *counted, struct window to, float *ret_counts) {
    int64_t moved = llabs(to.begin - from.begin) + llabs(to.end - from.end);
    const int32_t *items = yardstick->items;
    if (!counted || moved > to.end - to.begin) {
        memset(ret_counts, 0, (size_t)yardstick->item_count * sizeof *ret_counts);
        for (int64_t e = to.begin; e < to.end; e++) ret_counts[items[e]] += 1;
        return;
    }
    memcpy(ret_counts, counted, (size_t)yardstick->item_count * sizeof *ret_counts);
    for (int64_t e = from.begin; e < to.begin; e++) ret_counts[items[e]] -= 1;
    for (int64_t e = to.begin; e < from.begin; e++) ret_counts[items[e]] += 1;
    for (int64_t e = from.end; e < to.end; e++) ret_counts[items[e]] += 1;
    for (int64_t e = to.end; e < from.end; e++) ret_counts[items[e]] -= 1;
}

/* An empty window, or a question without a time, is answered by what is popular at all. */
static void score_recent(const struct yardstick *yardstick, const int64_t *times, int64_t count,
                         float *ret_scores) {
    struct window from = {0, 0};
    const float *counted = NULL;
    for (int64_t s = 0; s < count; s++) {
        float *row = ret_scores + s * yardstick->item_count;
        struct window to = {0, 0};
        if (times && times[s] != BEHAVE_TIME_UNKNOWN) {
            to.begin = find_time(yardstick, times[s] - yardstick->window_s);
            to.end = find_time(yardstick, times[s]);
        }
        if (to.begin == to.end) {
            memcpy(row, yardstick->popular, (size_t)yardstick->item_count * sizeof *row);
            continue;
        }
        count_window(yardstick, from, counted, to, row);
        from = to;
        counted = row;
    }
}

kai_status yardstick_score(const struct yardstick *yardstick,
                           const struct behave_sequences *histories, const int64_t *request_times,
                           int64_t first, int64_t count, float *ret_scores, kai_err *err) {
    int64_t items = yardstick->item_count;
    switch (yardstick->kind) {
    case YARDSTICK_RECENT:
        score_recent(yardstick, request_times ? request_times + first : NULL, count, ret_scores);
        return KAI_OK;
    case YARDSTICK_POPULAR:
        for (int64_t s = 0; s < count; s++)
            memcpy(ret_scores + s * items, yardstick->popular, (size_t)items * sizeof *ret_scores);
        return KAI_OK;
    case YARDSTICK_KNN:
        for (int64_t s = first; s < first + count; s++)
            item_knn_score(&yardstick->knn, histories->items + histories->offsets[s],
                           histories->offsets[s + 1] - histories->offsets[s],
                           ret_scores + (s - first) * items);
        return KAI_OK;
    case YARDSTICK_IALS:
        return ials_score(&yardstick->ials, histories, first, count, ret_scores, err);
    case YARDSTICK_KINDS: break;
    }
    return err_set(err, KAI_INVALID, "no such baseline");
}
