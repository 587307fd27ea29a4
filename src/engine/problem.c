#include "engine/problem.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"

/* Does the offer count against the capacity? */
static int counts_against(const struct campaign_capacity *capacity,
                          const struct campaign_offer *offer) {
    return strcmp(capacity->name, capacity->is_channel ? offer->channel : offer->name) == 0;
}

kai_status problem_new(const struct campaign *campaign, int64_t rows, const double *objective,
                       struct problem *ret_problem, kai_err *err) {
    int32_t offers = campaign->offer_count;
    int32_t has_budget = !isnan(campaign->limits.budget);
    int32_t count = has_budget + campaign->capacity_count;
    struct problem problem = {.budget_index = has_budget ? 0 : -1};
    problem.limits = mem_zero((size_t)count, sizeof *problem.limits);
    problem.weights = mem_zero((size_t)count * (size_t)offers, sizeof *problem.weights);
    if (!problem.limits || !problem.weights) {
        problem_release(&problem);
        return err_memory(err, count * offers * (int64_t)sizeof(double));
    }
    for (int32_t j = 0; has_budget && j < offers; j++)
        problem.weights[j] = campaign->offers[j].cost;
    if (has_budget)
        problem.limits[0] = (struct decide_limit){
            .name = "budget", .weight = problem.weights, .limit = campaign->limits.budget};
    double most = (double)rows * (double)campaign->limits.per_customer;
    for (int32_t c = 0; c < campaign->capacity_count; c++) {
        const struct campaign_capacity *capacity = &campaign->capacities[c];
        double *weights = problem.weights + (size_t)(has_budget + c) * (size_t)offers;
        for (int32_t j = 0; j < offers; j++)
            weights[j] = counts_against(capacity, &campaign->offers[j]);
        problem.limits[has_budget + c] =
            (struct decide_limit){.name = capacity->name,
                                  .weight = weights,
                                  .limit = isinf(capacity->limit) ? most : capacity->limit,
                                  .least = capacity->least};
    }
    int64_t per_customer = campaign->limits.per_customer;
    problem.decide = (struct decide_problem){
        .rows = rows,
        .offers = offers,
        .objective = objective,
        .per_customer = (int32_t)(per_customer < offers ? per_customer : offers),
        .limits = problem.limits,
        .limit_count = count};
    *ret_problem = problem;
    return KAI_OK;
}

void problem_release(struct problem *problem) {
    mem_free(problem->limits);
    mem_free(problem->weights);
    *problem = (struct problem){0};
}
