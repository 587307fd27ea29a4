#include "decide/dual.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/caps.h"

enum { BLOCK_ROWS = 8192 };

/* The common case: one offer at most. A gain that is not a number is larger than nothing. */
static double choose_one(const double *objective, const double *offer_price, int32_t offers,
                         double group_price, int32_t *ret_chosen) {
    double best = -INFINITY;
    int32_t chosen = -1;
    for (int32_t j = 0; j < offers; j++) {
        double net = objective[j] - offer_price[j];
        chosen = net > best ? j : chosen;
        best = net > best ? net : best;
    }
    double gain = best - group_price;
    *ret_chosen = gain > 0 ? chosen : -1;
    return gain > 0 ? gain : 0;
}

double dual_choose(const double *objective, const double *offer_price, int32_t offers,
                   int32_t per_customer, double group_price, int32_t *ret_chosen) {
    KAI_ASSERT(per_customer >= 1);
    if (per_customer == 1)
        return choose_one(objective, offer_price, offers, group_price, ret_chosen);
    for (int32_t slot = 0; slot < per_customer; slot++) ret_chosen[slot] = -1;
    for (int32_t j = 0; j < offers; j++) {
        double net = objective[j] - offer_price[j];
        if (isnan(net)) continue;
        /* insert into the short list, best first; an equal gain keeps the earlier offer in front */
        int32_t candidate = j;
        for (int32_t slot = 0; slot < per_customer && candidate >= 0; slot++) {
            int32_t held = ret_chosen[slot];
            if (held >= 0 && objective[held] - offer_price[held] >= net) continue;
            ret_chosen[slot] = candidate;
            candidate = held;
            if (held >= 0) net = objective[held] - offer_price[held];
        }
    }
    if (ret_chosen[0] < 0) return 0;
    /* the best one always, the others where they pay; all of it where the customer pays */
    double gain = objective[ret_chosen[0]] - offer_price[ret_chosen[0]] - group_price;
    for (int32_t slot = 1; slot < per_customer && ret_chosen[slot] >= 0; slot++) {
        double net = objective[ret_chosen[slot]] - offer_price[ret_chosen[slot]];
        if (net > 0)
            gain += net;
        else
            ret_chosen[slot] = -1;
    }
    if (gain > 0) return gain;
    for (int32_t slot = 0; slot < per_customer; slot++) ret_chosen[slot] = -1;
    return 0;
}

/* A typical price: the mean size of the gains over the mean weight. */
static void set_scales(struct dual *dual) {
    const struct decide_problem *problem = dual->problem;
    double sum = 0;
    int64_t count = 0, cells = problem->rows * problem->offers;
    for (int64_t i = 0; i < cells; i++) {
        if (isnan(problem->objective[i])) continue;
        sum += fabs(problem->objective[i]);
        count++;
    }
    double typical = count && sum > 0 ? sum / (double)count : 1;
    for (int32_t k = 0; k < problem->limit_count; k++) {
        const struct decide_limit *limit = &problem->limits[k];
        const double *weight = limit->pair ? limit->pair : limit->weight;
        int64_t cells_of = limit->pair ? cells : problem->offers, positive = 0;
        double weights = 0;
        for (int64_t c = 0; c < cells_of; c++) {
            if (!(weight[c] > 0)) continue;
            weights += weight[c];
            positive++;
        }
        dual->scale[k] = weights > 0 ? typical * (double)positive / weights : 1;
    }
    for (int32_t g = 0; g < dual->groups; g++) dual->scale[problem->limit_count + g] = typical;
}

kai_status dual_init(struct dual *dual, const struct decide_problem *problem, kai_err *err) {
    int32_t groups = problem->group ? problem->groups : 0;
    *dual = (struct dual){.problem = problem,
                          .groups = groups,
                          .size = problem->limit_count + groups,
                          .block_count = (problem->rows + BLOCK_ROWS - 1) / BLOCK_ROWS};
    for (int32_t k = 0; k < problem->limit_count; k++)
        dual->pair_count += dual_is_by_row(&problem->limits[k]);
    size_t width = 1 + (size_t)problem->offers + (size_t)groups + (size_t)dual->pair_count;
    dual->pair_limits = mem_zero((size_t)dual->pair_count, sizeof *dual->pair_limits);
    dual->pair_price = mem_zero((size_t)dual->pair_count, sizeof *dual->pair_price);
    dual->bounded_index = mem_zero((size_t)problem->limit_count, sizeof *dual->bounded_index);
    dual->group_rows = mem_zero((size_t)groups, sizeof *dual->group_rows);
    dual->scale = mem_zero((size_t)dual->size, sizeof *dual->scale);
    dual->offer_price = mem_zero((size_t)problem->offers, sizeof *dual->offer_price);
    dual->blocks = mem_zero((size_t)dual->block_count, width * sizeof *dual->blocks);
    if (!dual->group_rows || !dual->scale || !dual->offer_price || !dual->blocks ||
        !dual->pair_limits || !dual->pair_price || !dual->bounded_index) {
        dual_release(dual);
        return err_memory(err, dual->block_count * (int64_t)(width * sizeof(double)));
    }
    for (int64_t i = 0; groups && i < problem->rows; i++)
        if (problem->group[i] >= 0) dual->group_rows[problem->group[i]]++;
    for (int32_t k = 0, p = 0; k < problem->limit_count; k++) {
        if (dual_is_by_row(&problem->limits[k])) dual->pair_limits[p++] = k;
        if (!(problem->limits[k].least > 0)) dual->bounded_index[dual->bounded++] = k;
    }
    set_scales(dual);
    return KAI_OK;
}

void dual_release(struct dual *dual) {
    mem_free(dual->group_rows);
    mem_free(dual->scale);
    mem_free(dual->offer_price);
    mem_free(dual->pair_limits);
    mem_free(dual->pair_price);
    mem_free(dual->bounded_index);
    mem_free(dual->blocks);
    *dual = (struct dual){0};
}

void dual_set_prices(struct dual *dual, const double *z) {
    const struct decide_problem *problem = dual->problem;
    for (int32_t j = 0; j < problem->offers; j++) {
        double price = 0;
        for (int32_t k = 0; k < problem->limit_count; k++)
            if (!dual_is_by_row(&problem->limits[k])) price += z[k] * problem->limits[k].weight[j];
        dual->offer_price[j] = price;
    }
    for (int32_t p = 0; p < dual->pair_count; p++) dual->pair_price[p] = z[dual->pair_limits[p]];
}

const double *dual_row_prices(const struct dual *dual, int64_t row, double *room) {
    const struct decide_problem *problem = dual->problem;
    int32_t offers = problem->offers;
    if (!dual->pair_count) return dual->offer_price;
    memcpy(room, dual->offer_price, (size_t)offers * sizeof *room);
    for (int32_t p = 0; p < dual->pair_count; p++) {
        const struct decide_limit *limit = &problem->limits[dual->pair_limits[p]];
        if (limit->part && limit->part[row] != limit->part_index) continue;
        const double *weight = limit->pair ? limit->pair + row * offers : limit->weight;
        for (int32_t j = 0; j < offers; j++) room[j] += dual->pair_price[p] * weight[j];
    }
    return room;
}

struct dual_pass {
    struct dual *dual;
    const double *group_price;
};

static kai_status eval_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    (void)worker;
    (void)err;
    const struct dual_pass *pass = user;
    const struct dual *dual = pass->dual;
    const struct decide_problem *problem = dual->problem;
    int32_t offers = problem->offers;
    int32_t width = 1 + offers + dual->groups + dual->pair_count;
    double *sums = dual->blocks + block * width, prices[CAPS_OFFERS];
    memset(sums, 0, (size_t)width * sizeof *sums);
    int64_t end =
        (block + 1) * BLOCK_ROWS < problem->rows ? (block + 1) * BLOCK_ROWS : problem->rows;
    int32_t chosen[CAPS_OFFERS];
    for (int64_t i = block * BLOCK_ROWS; i < end; i++) {
        int32_t group = dual->groups ? problem->group[i] : -1;
        double nu = group >= 0 ? pass->group_price[group] : 0;
        double gain = dual_choose(problem->objective + i * offers, dual_row_prices(dual, i, prices),
                                  offers, problem->per_customer, nu, chosen);
        if (gain <= 0) continue;
        sums[0] += gain;
        for (int32_t slot = 0; slot < problem->per_customer && chosen[slot] >= 0; slot++) {
            sums[1 + chosen[slot]] += 1;
            for (int32_t p = 0; p < dual->pair_count; p++)
                sums[1 + offers + dual->groups + p] +=
                    dual_weight(&problem->limits[dual->pair_limits[p]], i, offers, chosen[slot]);
        }
        if (group >= 0) sums[1 + offers + group] += 1;
    }
    return KAI_OK;
}

kai_status dual_eval(struct dual *dual, const double *z, struct pool *pool, double *ret_value,
                     double *ret_gradient, kai_err *err) {
    const struct decide_problem *problem = dual->problem;
    int32_t limits = problem->limit_count, offers = problem->offers;
    struct dual_pass pass = {dual, z + limits};
    dual_set_prices(dual, z);
    kai_status st = pool_run(pool, dual->block_count, eval_block, &pass, err);
    if (st) return st;
    int32_t width = 1 + offers + dual->groups + dual->pair_count, pairs = 0;
    for (int64_t block = 1; block < dual->block_count; block++)
        for (int32_t c = 0; c < width; c++) dual->blocks[c] += dual->blocks[block * width + c];
    const double *sums = dual->blocks;
    double value = dual->block_count ? sums[0] : 0;
    for (int32_t k = 0; k < limits; k++) {
        const struct decide_limit *limit = &problem->limits[k];
        double used = 0;
        int is_by_row = dual_is_by_row(limit);
        if (is_by_row && dual->block_count) used = sums[1 + offers + dual->groups + pairs];
        for (int32_t j = 0; !is_by_row && dual->block_count && j < offers; j++)
            used += sums[1 + j] * limit->weight[j];
        pairs += is_by_row;
        double bound = z[k] < 0 ? limit->least : limit->limit;
        value += z[k] * bound;
        if (z[k] == 0 && limit->least > 0) /* any bound between is a slope here */
            bound = fmin(fmax(used, limit->least), limit->limit);
        ret_gradient[k] = bound - used;
    }
    double floor_price = 0;
    for (int32_t g = 0; g < dual->groups; g++)
        floor_price += (double)dual->group_rows[g] * z[limits + g];
    if (floor_price > 0) value += floor_price;
    for (int32_t g = 0; g < dual->groups; g++) {
        double rows = (double)dual->group_rows[g], nu = z[limits + g];
        if (nu > 0) value += problem->max_gap * rows * nu;
        ret_gradient[limits + g] = (nu > 0 ? problem->max_gap * rows : 0) +
                                   (floor_price > 0 ? rows : 0) - sums[1 + offers + g];
    }
    *ret_value = value;
    return KAI_OK;
}
