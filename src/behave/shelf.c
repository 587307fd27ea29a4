#include "behave/shelf.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/topk.h"

enum { CANDIDATES_EACH = 10 };

kai_status shelf_init(struct shelf *shelf, int32_t item_count, kai_err *err) {
    size_t items = (size_t)item_count;
    *shelf = (struct shelf){.item_count = item_count};
    shelf->candidates = mem_array(items, sizeof *shelf->candidates);
    shelf->candidate_score = mem_array(items, sizeof *shelf->candidate_score);
    shelf->used = mem_zero(items, sizeof *shelf->used);
    shelf->is_taken = mem_zero(items, 1);
    if (shelf->candidates && shelf->candidate_score && shelf->used && shelf->is_taken)
        return KAI_OK;
    shelf_release(shelf);
    return err_memory(err, 13 * (int64_t)item_count);
}

void shelf_release(struct shelf *shelf) {
    mem_free(shelf->candidates);
    mem_free(shelf->candidate_score);
    mem_free(shelf->used);
    mem_free(shelf->is_taken);
    *shelf = (struct shelf){0};
}

/* Excluded and pinned items leave the race, boosts join it, buried ones go below all the others. */
static void weigh(const struct shelf *shelf, const struct shelf_rules *rules, float *scores) {
    float low = INFINITY, high = -INFINITY;
    for (int32_t i = 0; i < shelf->item_count; i++) {
        if (rules->boost) scores[i] += rules->boost[i];
        if ((rules->is_excluded && rules->is_excluded[i]) || shelf->is_taken[i])
            scores[i] = -INFINITY;
        if (!(scores[i] > -INFINITY)) continue;
        low = fminf(low, scores[i]);
        high = fmaxf(high, scores[i]);
    }
    for (int32_t i = 0; rules->is_buried && i < shelf->item_count; i++)
        if (rules->is_buried[i]) scores[i] -= high - low + 1;
}

static int32_t category_of(const struct shelf_rules *rules, int32_t item) {
    return rules->categories ? rules->categories[item] : -1;
}

static int has_room(const struct shelf *shelf, const struct shelf_rules *rules, int32_t item) {
    int32_t category = category_of(rules, item);
    return category < 0 || rules->per_category <= 0 || shelf->used[category] < rules->per_category;
}

static void take(struct shelf *shelf, const struct shelf_rules *rules, int32_t item) {
    int32_t category = category_of(rules, item);
    shelf->is_taken[item] = 1;
    if (category >= 0) shelf->used[category]++;
}

/* Of candidates [0, count), the one to stand next; -1 where none may. */
static int32_t choose(const struct shelf *shelf, const struct shelf_rules *rules, int32_t count) {
    int32_t best = -1;
    double most = -INFINITY;
    float high = count ? shelf->candidate_score[0] : 0,
          low = count ? shelf->candidate_score[count - 1] : 0;
    for (int32_t c = 0; c < count; c++) {
        int32_t item = shelf->candidates[c], category = category_of(rules, item);
        if (shelf->is_taken[item] || !has_room(shelf, rules, item)) continue;
        if (rules->diversity <= 0) return c; /* candidates come best first */
        double relevance =
            high > low ? (double)(shelf->candidate_score[c] - low) / (double)(high - low) : 1;
        double value = (1 - rules->diversity) * relevance -
                       rules->diversity * (category >= 0 && shelf->used[category] > 0);
        if (value <= most) continue;
        most = value;
        best = c;
    }
    return best;
}

static int32_t place_pins(struct shelf *shelf, const struct shelf_rules *rules,
                          int32_t *ret_items) {
    int32_t count = 0;
    for (int32_t p = 0; p < rules->pinned_count && count < rules->k; p++) {
        int32_t item = rules->pinned[p];
        if (shelf->is_taken[item] || (rules->is_excluded && rules->is_excluded[item])) continue;
        take(shelf, rules, item);
        ret_items[count++] = item;
    }
    return count;
}

int32_t shelf_arrange(struct shelf *shelf, const struct shelf_rules *rules, float *scores,
                      int32_t *ret_items, float *ret_scores) {
    int32_t count = place_pins(shelf, rules, ret_items), wanted = rules->k;
    for (int32_t i = 0; i < count; i++) ret_scores[i] = scores[ret_items[i]];
    weigh(shelf, rules, scores);
    if (rules->diversity > 0) wanted *= CANDIDATES_EACH;
    /* candidates that the limit of a category keeps out are made up for by taking more of them */
    for (int is_all = 0; count < rules->k && !is_all; wanted *= 4) {
        if (wanted > shelf->item_count / 2) wanted = shelf->item_count;
        is_all = wanted == shelf->item_count;
        int32_t found =
            topk_f32(shelf->item_count, scores, wanted, shelf->candidates, shelf->candidate_score);
        is_all = is_all || found < wanted;
        for (int32_t c = 0; count < rules->k && c >= 0;) {
            c = choose(shelf, rules, found);
            if (c < 0) break;
            int32_t item = shelf->candidates[c];
            take(shelf, rules, item);
            ret_scores[count] = scores[item];
            ret_items[count++] = item;
        }
    }
    for (int32_t i = 0; i < count; i++) { /* leave the room as it was */
        int32_t category = category_of(rules, ret_items[i]);
        shelf->is_taken[ret_items[i]] = 0;
        if (category >= 0) shelf->used[category] = 0;
    }
    return count;
}
