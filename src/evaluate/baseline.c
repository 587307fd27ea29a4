#include "evaluate/baseline.h"

#include <math.h>

#include "base/alloc.h"
#include "evaluate/order.h"

#define ROUNDING_SLACK 1e-9 /* of a limit: sums of costs round */

void baseline_everybody(int32_t arms, int32_t offer, double *ret_constant) {
    for (int32_t a = 0; a < arms; a++) ret_constant[a] = a == offer;
}

void baseline_random(const struct baseline_limits *limits, int64_t rows, double *ret_constant) {
    int32_t arms = limits->arms;
    double n = (double)rows, cost = 0, treated = 0;
    for (int32_t a = 1; a < arms; a++) {
        ret_constant[a] = 1.0 / (arms - 1);
        if (limits->capacity) ret_constant[a] = fmin(ret_constant[a], limits->capacity[a] / n);
    }
    for (int32_t ch = 0; ch < limits->channels; ch++) {
        double used = 0;
        for (int32_t a = 1; a < arms; a++)
            if (limits->channel[a] == ch) used += ret_constant[a] * n;
        for (int32_t a = 1; a < arms && used > limits->channel_capacity[ch]; a++)
            if (limits->channel[a] == ch) ret_constant[a] *= limits->channel_capacity[ch] / used;
    }
    for (int32_t a = 1; a < arms; a++) cost += ret_constant[a] * limits->cost[a] * n;
    for (int32_t a = 1; a < arms; a++) {
        if (cost > limits->budget) ret_constant[a] *= limits->budget / cost;
        treated += ret_constant[a];
    }
    ret_constant[0] = fmax(0, 1 - treated);
}

struct room {
    double budget;
    double *capacity; /* (arms), then (channels) */
};

static int fits(const struct baseline_limits *limits, const struct room *room, int32_t arm) {
    if (limits->cost[arm] > room->budget) return 0;
    if (room->capacity[arm] < 1) return 0;
    int32_t channel = limits->channels > 0 ? limits->channel[arm] : -1;
    return channel < 0 || room->capacity[limits->arms + channel] >= 1;
}

static void take(const struct baseline_limits *limits, struct room *room, int32_t arm) {
    int32_t channel = limits->channels > 0 ? limits->channel[arm] : -1;
    room->budget -= limits->cost[arm];
    room->capacity[arm] -= 1;
    if (channel >= 0) room->capacity[limits->arms + channel] -= 1;
}

kai_status baseline_fill(const struct baseline_limits *limits, const double *score,
                         const int32_t *wish, int64_t rows, int32_t *ret_choice, kai_err *err) {
    struct room room = {limits->budget * (1 + ROUNDING_SLACK), NULL};
    int64_t *order = mem_array((size_t)rows, sizeof *order);
    room.capacity = mem_zero((size_t)limits->arms + (size_t)limits->channels, sizeof(double));
    kai_status st = KAI_OK;
    if (!order || !room.capacity) st = err_memory(err, rows * (int64_t)sizeof *order);
    if (!st) st = order_rows(score, rows, 1, order, err);
    if (!st) {
        for (int32_t a = 0; a < limits->arms; a++)
            room.capacity[a] = limits->capacity ? limits->capacity[a] + ROUNDING_SLACK : INFINITY;
        for (int32_t ch = 0; ch < limits->channels; ch++)
            room.capacity[limits->arms + ch] = limits->channel_capacity[ch] + ROUNDING_SLACK;
        for (int64_t i = 0; i < rows; i++) {
            int32_t arm = wish[order[i]];
            int can = arm > 0 && fits(limits, &room, arm);
            if (can) take(limits, &room, arm);
            ret_choice[order[i]] = can ? arm : 0;
        }
    }
    mem_free(order);
    mem_free(room.capacity);
    return st;
}

kai_status baseline_response(const struct baseline_limits *limits, const double *predicted,
                             int64_t rows, int32_t *ret_choice, kai_err *err) {
    double *score = mem_array((size_t)rows, sizeof *score);
    int32_t *wish = mem_array((size_t)rows, sizeof *wish);
    kai_status st = KAI_OK;
    if (!score || !wish) st = err_memory(err, rows * (int64_t)sizeof *score);
    for (int64_t row = 0; row < rows && !st; row++) {
        const double *of_row = predicted + row * limits->arms;
        wish[row] = 1;
        for (int32_t a = 2; a < limits->arms; a++)
            if (of_row[a] > of_row[wish[row]]) wish[row] = a;
        score[row] = of_row[wish[row]];
    }
    if (!st) st = baseline_fill(limits, score, wish, rows, ret_choice, err);
    mem_free(score);
    mem_free(wish);
    return st;
}
