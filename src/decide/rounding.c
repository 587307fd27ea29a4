#include "decide/rounding.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"
#include "base/hash.h"

enum {
    FILL_PASSES = 64,
    MANY_ROWS = 50000, /* so many are not sorted whole: what loses little is looked at first */
};
/* A plan within this share of the bound is not filled further; and how far to look first, in
 * typical prices. */
static const double NEAR = 1e-6, FIRST_REACH = 0.002, REACH_GROWTH = 8;

/* Something that could be done to one customer, and what it loses at the prices. */
struct move {
    double loss;
    uint64_t tie;
    int64_t row;
    int32_t slot;  /* of chosen */
    int32_t offer; /* what the slot becomes; -1 = nothing */
};

static int compare_moves(const void *a, const void *b) {
    const struct move *x = a, *y = b;
    if (x->loss != y->loss) return x->loss < y->loss ? -1 : 1;
    if (x->tie != y->tie) return x->tie < y->tie ? -1 : 1;
    return (x->row > y->row) - (x->row < y->row);
}

struct moves {
    struct move *items; /* owned */
    int64_t count, capacity;
};

static kai_status add_move(struct moves *moves, struct move move, kai_err *err) {
    if (moves->count == moves->capacity) {
        int64_t capacity = moves->capacity ? moves->capacity * 2 : 1024;
        struct move *items = mem_resize(moves->items, (size_t)capacity, sizeof *items);
        if (!items) return err_memory(err, capacity * (int64_t)sizeof *items);
        moves->items = items;
        moves->capacity = capacity;
    }
    move.tie = hash_mix((uint64_t)move.row);
    moves->items[moves->count++] = move;
    return KAI_OK;
}

static void sort_moves(struct moves *moves) {
    if (moves->count)
        qsort(moves->items, (size_t)moves->count, sizeof *moves->items, compare_moves);
}

kai_status rounding_init(struct rounding *rounding, const struct dual *dual, kai_err *err) {
    const struct decide_problem *problem = dual->problem;
    *rounding = (struct rounding){.problem = problem, .dual = dual, .bound = INFINITY};
    size_t slots = (size_t)problem->rows * (size_t)problem->per_customer;
    rounding->chosen = mem_array(slots, sizeof *rounding->chosen);
    rounding->offer_count = mem_zero((size_t)problem->offers, sizeof *rounding->offer_count);
    rounding->treated = mem_zero((size_t)dual->groups, sizeof *rounding->treated);
    rounding->pair_used = mem_zero((size_t)dual->pair_count, sizeof *rounding->pair_used);
    if (rounding->chosen && rounding->offer_count && rounding->treated && rounding->pair_used)
        return KAI_OK;
    rounding_release(rounding);
    return err_memory(err, (int64_t)(slots * sizeof *rounding->chosen));
}

void rounding_release(struct rounding *rounding) {
    mem_free(rounding->chosen);
    mem_free(rounding->offer_count);
    mem_free(rounding->treated);
    mem_free(rounding->pair_used);
    *rounding = (struct rounding){0};
}

static double weight_of(const struct rounding *rounding, int32_t limit, int64_t row,
                        int32_t offer) {
    return dual_weight(&rounding->problem->limits[limit], row, rounding->problem->offers, offer);
}

double rounding_used(const struct rounding *rounding, int32_t limit) {
    double used = 0;
    if (dual_is_by_row(&rounding->problem->limits[limit])) {
        int32_t p = 0;
        while (rounding->dual->pair_limits[p] != limit) p++;
        return rounding->pair_used[p];
    }
    for (int32_t j = 0; j < rounding->problem->offers; j++)
        used += (double)rounding->offer_count[j] * rounding->problem->limits[limit].weight[j];
    return used;
}

static double share_of(const struct rounding *rounding, int32_t group) {
    int64_t rows = rounding->dual->group_rows[group];
    return rows ? (double)rounding->treated[group] / (double)rows : 0;
}

/* Smallest and largest share over groups that have customers. */
static void share_range(const struct rounding *rounding, double *ret_low, double *ret_high) {
    double low = 1, high = 0;
    for (int32_t g = 0; g < rounding->dual->groups; g++) {
        if (rounding->dual->group_rows[g] == 0) continue;
        double share = share_of(rounding, g);
        if (share < low) low = share;
        if (share > high) high = share;
    }
    *ret_low = low;
    *ret_high = high > low ? high : low;
}

double rounding_gap(const struct rounding *rounding) {
    if (rounding->dual->groups == 0) return 0;
    double low, high;
    share_range(rounding, &low, &high);
    return high - low;
}

static int32_t group_of(const struct rounding *rounding, int64_t row) {
    return rounding->dual->groups ? rounding->problem->group[row] : -1;
}

static int32_t held_count(const struct rounding *rounding, int64_t row) {
    const int32_t *held = rounding->chosen + row * rounding->problem->per_customer;
    int32_t count = 0;
    while (count < rounding->problem->per_customer && held[count] >= 0) count++;
    return count;
}

/* One more (sign 1) or one less (-1) of a pair, in the limits by pair. */
static void use_pair(struct rounding *rounding, int64_t row, int32_t offer, double sign) {
    for (int32_t p = 0; p < rounding->dual->pair_count; p++)
        rounding->pair_used[p] +=
            sign * weight_of(rounding, rounding->dual->pair_limits[p], row, offer);
}

/* Put `offer` (-1 = nothing) into a slot and keep the slots dense and the counts right. */
static void apply_move(struct rounding *rounding, int64_t row, int32_t slot, int32_t offer) {
    const struct decide_problem *problem = rounding->problem;
    int32_t *held = rounding->chosen + row * problem->per_customer;
    const double *objective = problem->objective + row * problem->offers;
    int32_t before = held_count(rounding, row), gone = held[slot], group = group_of(rounding, row);
    if (gone >= 0) {
        rounding->offer_count[gone]--;
        use_pair(rounding, row, gone, -1);
        rounding->value -= objective[gone];
    }
    held[slot] = offer;
    if (offer >= 0) {
        rounding->offer_count[offer]++;
        use_pair(rounding, row, offer, 1);
        rounding->value += objective[offer];
    } else {
        int32_t last = before - 1;
        held[slot] = held[last];
        held[last] = -1;
    }
    int32_t after = held_count(rounding, row);
    if (group >= 0) rounding->treated[group] += (after > 0) - (before > 0);
}

static double net_of(const struct rounding *rounding, int64_t row, int32_t offer) {
    const struct dual *dual = rounding->dual;
    double net = rounding->problem->objective[row * rounding->problem->offers + offer] -
                 dual->offer_price[offer];
    for (int32_t p = 0; p < dual->pair_count; p++)
        net -= dual->pair_price[p] * weight_of(rounding, dual->pair_limits[p], row, offer);
    return net;
}

static double typical_price(const struct rounding *rounding) {
    double typical = 0;
    for (int32_t v = 0; v < rounding->dual->size; v++)
        if (rounding->dual->scale[v] > typical) typical = rounding->dual->scale[v];
    return typical;
}

static double first_reach(const struct rounding *rounding) {
    return rounding->problem->rows > MANY_ROWS ? FIRST_REACH * typical_price(rounding) : INFINITY;
}

/* What could be given up for one limit at a loss of at most `reach`. */
static kai_status collect_drops(const struct rounding *rounding, int32_t limit, const double *nu,
                                double reach, struct moves *moves, kai_err *err) {
    const struct decide_problem *problem = rounding->problem;
    kai_status st = KAI_OK;
    moves->count = 0;
    for (int64_t i = 0; !st && i < problem->rows; i++) {
        const int32_t *chosen = rounding->chosen + i * problem->per_customer;
        if (chosen[0] < 0) continue;
        int32_t held = held_count(rounding, i), group = group_of(rounding, i);
        for (int32_t slot = 0; !st && slot < held; slot++) {
            int32_t offer = chosen[slot];
            double weight = weight_of(rounding, limit, i, offer);
            if (weight <= 0) continue;
            double loss = net_of(rounding, i, offer) - (held == 1 && group >= 0 ? nu[group] : 0);
            if (loss > reach) continue;
            st =
                add_move(moves, (struct move){.loss = loss / weight, .row = i, .slot = offer}, err);
        }
    }
    return st;
}

/* Step 2 for one limit. */
static kai_status drop_over_limit(struct rounding *rounding, int32_t limit, const double *nu,
                                  struct moves *moves, kai_err *err) {
    const struct decide_problem *problem = rounding->problem;
    double most = problem->limits[limit].limit, reach = first_reach(rounding);
    while (rounding_used(rounding, limit) > most) {
        kai_status st = collect_drops(rounding, limit, nu, reach, moves, err);
        if (st) return st;
        sort_moves(moves);
        for (int64_t m = 0; m < moves->count && rounding_used(rounding, limit) > most; m++) {
            /* the slot may have moved since: find the offer again */
            int64_t row = moves->items[m].row;
            const int32_t *held = rounding->chosen + row * problem->per_customer;
            int32_t slot = 0;
            while (held[slot] != moves->items[m].slot) slot++;
            apply_move(rounding, row, slot, -1);
        }
        reach = reach > typical_price(rounding) ? INFINITY : reach * REACH_GROWTH;
    }
    return KAI_OK;
}

/* What losing every offer of a customer costs. */
static double loss_of_row(const struct rounding *rounding, int64_t row) {
    double loss = 0;
    int32_t held = held_count(rounding, row);
    for (int32_t slot = 0; slot < held; slot++)
        loss +=
            net_of(rounding, row, rounding->chosen[row * rounding->problem->per_customer + slot]);
    return loss;
}

/* Untreat the cheapest customers of the groups above the lowest share plus the gap, those who lose
 * at most `reach`. */
static kai_status level_once(struct rounding *rounding, const double *nu, double reach,
                             struct moves *moves, kai_err *err) {
    const struct decide_problem *problem = rounding->problem;
    double low, high;
    share_range(rounding, &low, &high);
    moves->count = 0;
    kai_status st = KAI_OK;
    for (int64_t i = 0; !st && i < problem->rows; i++) {
        int32_t group = group_of(rounding, i);
        if (group < 0 || held_count(rounding, i) == 0) continue;
        if (share_of(rounding, group) - low <= problem->max_gap) continue;
        double loss = loss_of_row(rounding, i);
        if (loss - nu[group] <= reach)
            st = add_move(moves, (struct move){.loss = loss, .row = i}, err);
    }
    if (st) return st;
    sort_moves(moves);
    for (int64_t m = 0; m < moves->count; m++) {
        int64_t row = moves->items[m].row;
        if (share_of(rounding, problem->group[row]) - low <= problem->max_gap) continue;
        while (held_count(rounding, row) > 0) apply_move(rounding, row, 0, -1);
    }
    return KAI_OK;
}

/* Step 3. One customer of a small group is a large share: a group that is lowered may become the
 * lowest, so go on until the gap holds; each round untreats someone. */
static kai_status level_groups(struct rounding *rounding, const double *nu, struct moves *moves,
                               kai_err *err) {
    kai_status st = KAI_OK;
    double reach = first_reach(rounding);
    while (!st && rounding_gap(rounding) > rounding->problem->max_gap) {
        st = level_once(rounding, nu, reach, moves, err);
        reach = reach > typical_price(rounding) ? INFINITY : reach * REACH_GROWTH;
    }
    return st;
}

/* Would one more customer of the group break the gap? */
static int group_has_room(const struct rounding *rounding, int32_t group) {
    if (group < 0) return 1;
    double low = 1;
    for (int32_t g = 0; g < rounding->dual->groups; g++) {
        if (rounding->dual->group_rows[g] == 0) continue;
        double share =
            (double)(rounding->treated[g] + (g == group)) / (double)rounding->dual->group_rows[g];
        if (share < low) low = share;
    }
    double share =
        (double)(rounding->treated[group] + 1) / (double)rounding->dual->group_rows[group];
    return share - low <= rounding->problem->max_gap;
}

/* What a limit would use with `offer` in place of `gone` (-1 = none) at a customer. */
static double used_after(const struct rounding *rounding, int32_t limit, int64_t row, int32_t offer,
                         int32_t gone) {
    const struct decide_limit *rule = &rounding->problem->limits[limit];
    double used = 0;
    if (dual_is_by_row(rule)) {
        if (gone >= 0) used -= weight_of(rounding, limit, row, gone);
        if (offer >= 0) used += weight_of(rounding, limit, row, offer);
        return rounding_used(rounding, limit) + used;
    }
    for (int32_t j = 0; j < rounding->problem->offers; j++)
        used += (double)(rounding->offer_count[j] + (j == offer) - (j == gone)) * rule->weight[j];
    return used;
}

/* Would `offer` in place of `gone` (-1 = a free place) at a customer keep every limit, and every
 * minimum that it touches? */
static int limits_have_room(const struct rounding *rounding, int64_t row, int32_t offer,
                            int32_t gone) {
    const struct decide_problem *problem = rounding->problem;
    for (int32_t k = 0; k < problem->limit_count; k++) {
        const struct decide_limit *limit = &problem->limits[k];
        double more = weight_of(rounding, k, row, offer);
        double less = gone >= 0 ? weight_of(rounding, k, row, gone) : 0;
        if (more > less && used_after(rounding, k, row, offer, gone) > limit->limit) return 0;
        if (more < less && limit->least > 0 &&
            used_after(rounding, k, row, offer, gone) < limit->least)
            return 0;
    }
    return 1;
}

static int holds_offer(const struct rounding *rounding, int64_t row, int32_t offer) {
    const int32_t *held = rounding->chosen + row * rounding->problem->per_customer;
    for (int32_t slot = 0; slot < rounding->problem->per_customer && held[slot] >= 0; slot++)
        if (held[slot] == offer) return 1;
    return 0;
}

/* Every way to raise the objective at one customer that loses at most `reach` at the prices. */
static kai_status collect_fills(const struct rounding *rounding, const double *nu, double reach,
                                struct moves *moves, kai_err *err) {
    const struct decide_problem *problem = rounding->problem;
    kai_status st = KAI_OK;
    moves->count = 0;
    for (int64_t i = 0; !st && i < problem->rows; i++) {
        const double *objective = problem->objective + i * problem->offers;
        const int32_t *held = rounding->chosen + i * problem->per_customer;
        int32_t count = held_count(rounding, i), group = group_of(rounding, i);
        double treat_price = count == 0 && group >= 0 ? nu[group] : 0;
        for (int32_t j = 0; !st && j < problem->offers; j++) {
            if (isnan(objective[j]) || holds_offer(rounding, i, j)) continue;
            if (count < problem->per_customer && objective[j] > 0 &&
                treat_price - net_of(rounding, i, j) <= reach)
                st = add_move(moves,
                              (struct move){.loss = treat_price - net_of(rounding, i, j),
                                            .row = i,
                                            .slot = count,
                                            .offer = j},
                              err);
            for (int32_t slot = 0; !st && slot < count; slot++) {
                double loss = net_of(rounding, i, held[slot]) - net_of(rounding, i, j);
                if (objective[j] > objective[held[slot]] && loss <= reach)
                    st = add_move(moves,
                                  (struct move){.loss = loss, .row = i, .slot = slot, .offer = j},
                                  err);
            }
        }
    }
    return st;
}

/* Step 4, one pass; returns how many moves were made. */
static int64_t apply_fills(struct rounding *rounding, const struct moves *moves) {
    const struct decide_problem *problem = rounding->problem;
    int64_t made = 0;
    for (int64_t m = 0; m < moves->count; m++) {
        const struct move *move = &moves->items[m];
        const double *objective = problem->objective + move->row * problem->offers;
        int32_t count = held_count(rounding, move->row);
        int32_t slot = move->slot < count ? move->slot : count;
        if (slot == problem->per_customer || holds_offer(rounding, move->row, move->offer))
            continue;
        int32_t gone = rounding->chosen[move->row * problem->per_customer + slot];
        if (objective[move->offer] <= (gone >= 0 ? objective[gone] : 0)) continue;
        if (!limits_have_room(rounding, move->row, move->offer, gone)) continue;
        if (count == 0 && !group_has_room(rounding, group_of(rounding, move->row))) continue;
        apply_move(rounding, move->row, slot, move->offer);
        made++;
    }
    return made;
}

/* Every way to raise what a limit uses at a loss of at most `reach`. */
static kai_status collect_raises(const struct rounding *rounding, int32_t limit, const double *nu,
                                 double reach, struct moves *moves, kai_err *err) {
    const struct decide_problem *problem = rounding->problem;
    kai_status st = KAI_OK;
    moves->count = 0;
    for (int64_t i = 0; !st && i < problem->rows; i++) {
        const double *objective = problem->objective + i * problem->offers;
        const int32_t *held = rounding->chosen + i * problem->per_customer;
        int32_t count = held_count(rounding, i), group = group_of(rounding, i);
        for (int32_t j = 0; !st && j < problem->offers; j++) {
            double weight = weight_of(rounding, limit, i, j);
            if (isnan(objective[j]) || weight <= 0 || holds_offer(rounding, i, j)) continue;
            double loss = (count == 0 && group >= 0 ? nu[group] : 0) - net_of(rounding, i, j);
            struct move move = {.loss = loss / weight, .row = i, .slot = count, .offer = j};
            if (count < problem->per_customer && loss <= reach) st = add_move(moves, move, err);
            for (move.slot = 0; !st && move.slot < count; move.slot++) {
                double gain = weight - weight_of(rounding, limit, i, held[move.slot]);
                loss = net_of(rounding, i, held[move.slot]) - net_of(rounding, i, j);
                move.loss = loss / gain;
                if (gain > 0 && loss <= reach) st = add_move(moves, move, err);
            }
        }
    }
    return st;
}

static void apply_raises(struct rounding *rounding, int32_t limit, const struct moves *moves) {
    const struct decide_problem *problem = rounding->problem;
    double least = problem->limits[limit].least;
    for (int64_t m = 0; m < moves->count && rounding_used(rounding, limit) < least; m++) {
        const struct move *move = &moves->items[m];
        int32_t count = held_count(rounding, move->row);
        int32_t slot = move->slot < count ? move->slot : count;
        if (slot == problem->per_customer || holds_offer(rounding, move->row, move->offer))
            continue;
        int32_t gone = rounding->chosen[move->row * problem->per_customer + slot];
        if (gone >= 0 && weight_of(rounding, limit, move->row, gone) >=
                             weight_of(rounding, limit, move->row, move->offer))
            continue;
        if (!limits_have_room(rounding, move->row, move->offer, gone)) continue;
        if (count == 0 && !group_has_room(rounding, group_of(rounding, move->row))) continue;
        apply_move(rounding, move->row, slot, move->offer);
    }
}

/* A minimum: give what loses least for each unit of it. */
static kai_status raise_to_least(struct rounding *rounding, int32_t limit, const double *nu,
                                 struct moves *moves, kai_err *err) {
    const struct decide_limit *rule = &rounding->problem->limits[limit];
    double reach = first_reach(rounding);
    for (int is_last = 0; rounding_used(rounding, limit) < rule->least;) {
        if (is_last)
            return err_set(err, KAI_INFEASIBLE,
                           "limit '%s': at least %g are asked for, %g can be had beside the others",
                           rule->name, rule->least, rounding_used(rounding, limit));
        is_last = isinf(reach);
        kai_status st = collect_raises(rounding, limit, nu, reach, moves, err);
        if (st) return st;
        sort_moves(moves);
        apply_raises(rounding, limit, moves);
        reach = reach > typical_price(rounding) ? INFINITY : reach * REACH_GROWTH;
    }
    return KAI_OK;
}

/* Could any offer be given to one more customer? Where customers differ: perhaps. */
static int any_has_room(const struct rounding *rounding) {
    if (rounding->dual->pair_count) return 1;
    for (int32_t j = 0; j < rounding->problem->offers; j++)
        if (limits_have_room(rounding, 0, j, -1)) return 1;
    return 0;
}

static kai_status fill(struct rounding *rounding, const double *nu, struct moves *moves,
                       kai_err *err) {
    double typical = typical_price(rounding), reach = 0.01 * typical;
    for (int pass = 0; pass < FILL_PASSES; pass++) {
        if (rounding->bound - rounding->value <= NEAR * fabs(rounding->bound)) return KAI_OK;
        kai_status st = collect_fills(rounding, nu, reach, moves, err);
        if (st) return st;
        sort_moves(moves);
        int64_t made = apply_fills(rounding, moves);
        if (made > 0) continue;
        if (isinf(reach) || !any_has_room(rounding)) return KAI_OK;
        reach = reach > typical ? INFINITY : reach * 16;
    }
    return KAI_OK;
}

static void take_best_sets(struct rounding *rounding, const double *nu) {
    const struct decide_problem *problem = rounding->problem;
    memset(rounding->offer_count, 0, (size_t)problem->offers * sizeof *rounding->offer_count);
    memset(rounding->treated, 0, (size_t)rounding->dual->groups * sizeof *rounding->treated);
    memset(rounding->pair_used, 0,
           (size_t)rounding->dual->pair_count * sizeof *rounding->pair_used);
    rounding->value = 0;
    double prices[CAPS_OFFERS];
    for (int64_t i = 0; i < problem->rows; i++) {
        int32_t *held = rounding->chosen + i * problem->per_customer;
        int32_t group = group_of(rounding, i);
        const double *objective = problem->objective + i * problem->offers;
        (void)dual_choose(objective, dual_row_prices(rounding->dual, i, prices), problem->offers,
                          problem->per_customer, group >= 0 ? nu[group] : 0, held); /* the set */
        int32_t count = held_count(rounding, i);
        for (int32_t slot = 0; slot < count; slot++) {
            rounding->offer_count[held[slot]]++;
            use_pair(rounding, i, held[slot], 1);
            rounding->value += objective[held[slot]];
        }
        if (group >= 0 && count > 0) rounding->treated[group]++;
    }
}

/* The objective, and the use of limits by pair, added afresh, without the drift of many small
 * steps. */
static void sum_value(struct rounding *rounding) {
    const struct decide_problem *problem = rounding->problem;
    rounding->value = 0;
    memset(rounding->pair_used, 0,
           (size_t)rounding->dual->pair_count * sizeof *rounding->pair_used);
    for (int64_t i = 0; i < problem->rows; i++) {
        int32_t count = held_count(rounding, i);
        for (int32_t slot = 0; slot < count; slot++) {
            int32_t offer = rounding->chosen[i * problem->per_customer + slot];
            rounding->value += problem->objective[i * problem->offers + offer];
            use_pair(rounding, i, offer, 1);
        }
    }
}

kai_status rounding_make(struct rounding *rounding, struct dual *dual, const double *z,
                         kai_err *err) {
    const struct decide_problem *problem = rounding->problem;
    const double *nu = z + problem->limit_count;
    struct moves moves = {0};
    dual_set_prices(dual, z);
    take_best_sets(rounding, nu);
    kai_status st = KAI_OK;
    for (int32_t k = 0; !st && k < problem->limit_count; k++)
        st = drop_over_limit(rounding, k, nu, &moves, err);
    if (!st) st = level_groups(rounding, nu, &moves, err);
    for (int32_t k = 0; !st && k < problem->limit_count; k++)
        st = raise_to_least(rounding, k, nu, &moves, err);
    if (!st) st = fill(rounding, nu, &moves, err);
    sum_value(rounding);
    for (int32_t k = 0; !st && k < problem->limit_count && dual->pair_count; k++)
        st = drop_over_limit(rounding, k, nu, &moves, err); /* by a hair, if drift hid it */
    if (!st && dual->pair_count) st = level_groups(rounding, nu, &moves, err);
    if (dual->pair_count) sum_value(rounding);
    mem_free(moves.items);
    return st;
}
