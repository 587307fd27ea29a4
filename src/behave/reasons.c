#include "behave/reasons.h"

#include <string.h>

#include "base/alloc.h"

struct attribution {
    reasons_score_fn score;
    void *user;
    const struct behave_sequences *history;
    const int32_t *items; /* that are explained */
    int32_t count;
    int32_t *kept_items;  /* owned; (length) */
    int64_t *kept_times;  /* owned; (length) */
    float *scores;        /* owned; (catalogue) */
    double *before, *now; /* owned; (count) */
};

/* The part of an event's item, or the last one: what came before. */
static int32_t part_of(const struct reasons *reasons, int32_t item) {
    for (int32_t p = 0; p < reasons->part_count; p++)
        if (reasons->parts[p] == item) return p;
    return reasons->part_count - 1;
}

static void cut_parts(const struct behave_sequences *history, struct reasons *reasons) {
    reasons->part_count = 0;
    for (int64_t e = history->offsets[1] - 1; e >= history->offsets[0]; e--) {
        int is_known = 0;
        for (int32_t p = 0; p < reasons->part_count; p++)
            is_known = is_known || reasons->parts[p] == history->items[e];
        if (is_known) continue;
        if (reasons->part_count == REASONS_ITEMS) {
            reasons->parts[reasons->part_count++] = -1;
            return;
        }
        reasons->parts[reasons->part_count++] = history->items[e];
    }
}

/* Scores after the parts that are kept. */
static kai_status score_parts(struct attribution *work, const struct reasons *reasons,
                              const int *is_kept, double *ret_scores, kai_err *err) {
    const struct behave_sequences *history = work->history;
    int64_t offsets[2] = {0, 0};
    for (int64_t e = history->offsets[0]; e < history->offsets[1]; e++) {
        if (!is_kept[part_of(reasons, history->items[e])]) continue;
        work->kept_items[offsets[1]] = history->items[e];
        if (history->times) work->kept_times[offsets[1]] = history->times[e];
        offsets[1]++;
    }
    struct behave_sequences kept = {1, offsets, work->kept_items,
                                    history->times ? work->kept_times : NULL};
    kai_status st = work->score(work->user, &kept, work->scores, err);
    for (int32_t i = 0; !st && i < work->count; i++)
        ret_scores[i] = (double)work->scores[work->items[i]];
    return st;
}

/* Leave the parts out one after the other, and add half of what each takes with it. */
static kai_status leave_out(struct attribution *work, const struct reasons *reasons,
                            int is_newest_first, double *ret_shares, kai_err *err) {
    int is_kept[REASONS_PARTS];
    for (int32_t p = 0; p < REASONS_PARTS; p++) is_kept[p] = 1;
    kai_status st = score_parts(work, reasons, is_kept, work->before, err);
    for (int32_t step = 0; !st && step < reasons->part_count; step++) {
        int32_t part = is_newest_first ? step : reasons->part_count - 1 - step;
        is_kept[part] = 0;
        st = score_parts(work, reasons, is_kept, work->now, err);
        for (int32_t i = 0; !st && i < work->count; i++) {
            ret_shares[(int64_t)i * REASONS_PARTS + part] += (work->before[i] - work->now[i]) / 2;
            work->before[i] = work->now[i];
        }
    }
    return st;
}

kai_status reasons_attribute(reasons_score_fn score, void *user,
                             const struct behave_sequences *history, int32_t catalogue,
                             const int32_t *items, int32_t count, struct reasons *ret_reasons,
                             double *ret_shares, kai_err *err) {
    size_t length = (size_t)(history->offsets[1] - history->offsets[0]);
    struct attribution work = {
        .score = score, .user = user, .history = history, .items = items, .count = count};
    work.kept_items = mem_array(length, sizeof *work.kept_items);
    work.kept_times = mem_array(length, sizeof *work.kept_times);
    work.scores = mem_array((size_t)catalogue, sizeof *work.scores);
    work.before = mem_array((size_t)count, sizeof *work.before);
    work.now = mem_array((size_t)count, sizeof *work.now);
    kai_status st = KAI_OK;
    if (!work.kept_items || !work.kept_times || !work.scores || !work.before || !work.now)
        st = err_memory(err, catalogue * 4ll);
    struct reasons reasons = {0};
    if (!st) {
        cut_parts(history, &reasons);
        memset(ret_shares, 0, (size_t)count * REASONS_PARTS * sizeof *ret_shares);
        st = leave_out(&work, &reasons, 1, ret_shares, err);
    }
    if (!st) st = leave_out(&work, &reasons, 0, ret_shares, err);
    if (!st) *ret_reasons = reasons;
    mem_free(work.kept_items);
    mem_free(work.kept_times);
    mem_free(work.scores);
    mem_free(work.before);
    mem_free(work.now);
    return st;
}
