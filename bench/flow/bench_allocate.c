/* usage: bench_allocate [ROWS OFFERS KIND [CLP]]
 *
 * Allocation at scale. KIND `budgets`: three budgets over the offers; `campaign`: one budget, a
 * capacity for each offer, a fairness limit over three groups. Prints gap, violation, evaluations,
 * seconds and the memory beyond the values; with CLP the same LP relaxation by Clp's barrier, dual
 * and primal simplex (budgets only: rows and columns as Clp reads them). */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/clock.h"
#include "base/pool.h"
#include "base/rng.h"
#include "decide/decide.h"
#ifdef BENCH_CLP
#include <coin/Clp_C_Interface.h>
#endif

enum { OFFERS_MAX = 64, LIMITS_MAX = OFFERS_MAX + 3, GROUPS = 3, BLOCK = 65536 };

struct market {
    int64_t rows;
    int32_t offers;
    double *objective;
    int32_t *group;
    double weights[LIMITS_MAX][OFFERS_MAX];
    struct decide_limit limits[LIMITS_MAX];
    int32_t limit_count;
    double cost[OFFERS_MAX];
};

static kai_status fill_block(void *user, int64_t block, int32_t worker, kai_err *err) {
    struct market *market = user;
    struct rng rng;
    (void)worker;
    (void)err;
    rng_init(&rng, 1, "market", (uint64_t)block);
    int64_t end = (block + 1) * BLOCK < market->rows ? (block + 1) * BLOCK : market->rows;
    for (int64_t i = block * BLOCK; i < end; i++) {
        double taste = rng_unit(&rng);
        for (int32_t j = 0; j < market->offers; j++)
            market->objective[i * market->offers + j] =
                10 * taste * rng_unit(&rng) + 5 * rng_unit(&rng) - market->cost[j];
        market->group[i] = (int32_t)(GROUPS * taste * rng_unit(&rng)) % GROUPS;
    }
    return KAI_OK;
}

static void add_limit(struct market *market, const char *name, double limit) {
    int32_t k = market->limit_count++;
    market->limits[k] = (struct decide_limit){name, market->weights[k], limit, NULL, NULL, 0, 0};
}

static void set_limits(struct market *market, int is_campaign) {
    int32_t offers = market->offers;
    double rows = (double)market->rows;
    for (int32_t j = 0; j < offers; j++) market->cost[j] = 0.5 + 0.35 * j;
    if (is_campaign) {
        memcpy(market->weights[0], market->cost, sizeof market->cost);
        add_limit(market, "budget", 0.5 * rows);
        for (int32_t j = 0; j < offers; j++) {
            market->weights[1 + j][j] = 1;
            add_limit(market, "capacity", floor(rows * (0.02 + 0.01 * j)));
        }
        return;
    }
    for (int32_t k = 0; k < 3; k++) {
        for (int32_t j = 0; j < offers; j++)
            if (j % 3 == k || j % 2 == k % 2) market->weights[k][j] = market->cost[j];
        add_limit(market, "budget", 0.25 * rows);
    }
}

static void print_limits(const struct decide_plan *plan) {
    for (int32_t k = 0; k < plan->limit_count; k++)
        (void)fprintf(stderr, "  %-10s used %.6f of %.6f, price %.6f\n", plan->limits[k].name,
                      plan->limits[k].used, plan->limits[k].limit, plan->limits[k].shadow_price);
}

static void print_plan(const struct market *market, const struct decide_plan *plan, double seconds,
                       double values_mb) {
    struct rusage usage;
    int64_t treated = 0;
    for (int64_t i = 0; i < plan->rows; i++) treated += plan->chosen[i * plan->per_customer] >= 0;
    (void)getrusage(RUSAGE_SELF, &usage);
    (void)printf(
        "{\"name\":\"allocate\",\"rows\":%lld,\"offers\":%d,\"limits\":%d,\"treated\":%lld,"
        "\"value\":%.2f,\"gap\":%.3e,\"violation\":%g,\"evaluations\":%d,\"seconds\":%.3f,"
        "\"values_mb\":%.0f,\"peak_mb\":%.0f}\n",
        (long long)plan->rows, market->offers, plan->limit_count, (long long)treated, plan->value,
        plan->gap, plan->violation, plan->iterations, seconds, values_mb,
        (double)usage.ru_maxrss / 1024);
}

#ifdef BENCH_CLP
/* maximise value: one row a customer (at most one offer), one row a limit. */
static void solve_by_clp(const struct market *market, const char *name, int algorithm) {
    int64_t rows = market->rows, cells = rows * market->offers;
    int columns = (int)cells, height = (int)rows + market->limit_count;
    int *starts = malloc((size_t)(columns + 1) * sizeof *starts);
    int *index = malloc((size_t)columns * 4 * sizeof *index);
    double *value = malloc((size_t)columns * 4 * sizeof *value), *low = calloc((size_t)columns, 8);
    double *high = malloc((size_t)columns * 8), *cost = malloc((size_t)columns * 8);
    double *row_low = malloc((size_t)height * 8), *row_high = malloc((size_t)height * 8);
    int at = 0;
    for (int c = 0; c < columns; c++) {
        int32_t j = c % market->offers;
        starts[c] = at;
        index[at] = c / market->offers;
        value[at++] = 1;
        for (int32_t k = 0; k < market->limit_count; k++) {
            if (market->limits[k].weight[j] <= 0) continue;
            index[at] = (int)rows + k;
            value[at++] = market->limits[k].weight[j];
        }
        high[c] = 1;
        cost[c] = -market->objective[c];
    }
    starts[columns] = at;
    for (int r = 0; r < height; r++) {
        row_low[r] = -1e30;
        row_high[r] = r < rows ? 1 : market->limits[r - rows].limit;
    }
    Clp_Simplex *model = Clp_newModel();
    Clp_setLogLevel(model, 0);
    Clp_loadProblem(model, columns, height, starts, index, value, low, high, cost, row_low,
                    row_high);
    double begin = clock_seconds();
    Clp_Solve *solve = ClpSolve_new();
    ClpSolve_setSolveType(solve, algorithm, -1);
    int status = Clp_initialSolveWithOptions(model, solve);
    (void)printf("{\"name\":\"clp.%s\",\"status\":%d,\"value\":%.2f,\"seconds\":%.3f}\n", name,
                 status, -Clp_objectiveValue(model), clock_seconds() - begin);
    (void)fflush(stdout); /* the next may take for ever */
    ClpSolve_delete(solve);
    Clp_deleteModel(model);
    void *const owned[] = {starts, index, value, low, high, cost, row_low, row_high};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) free(owned[i]);
}
#endif

int main(int argc, char **argv) {
    struct market *market = calloc(1, sizeof *market);
    struct pool *pool = NULL;
    struct decide_plan *plan = NULL;
    kai_err err = {0};
    if (!market || pool_new(0, &pool, &err)) return 3;
    market->rows = argc > 1 ? atoll(argv[1]) : 100000;
    market->offers = argc > 2 ? atoi(argv[2]) : 8;
    int is_campaign = argc > 3 && strcmp(argv[3], "campaign") == 0;
    if (market->rows < 1 || market->offers < 1 || market->offers > OFFERS_MAX) return 2;
    size_t cells = (size_t)market->rows * (size_t)market->offers;
    market->objective = malloc(cells * sizeof *market->objective);
    market->group = malloc((size_t)market->rows * sizeof *market->group);
    if (!market->objective || !market->group) return 3;
    set_limits(market, is_campaign);
    if (pool_run(pool, (market->rows + BLOCK - 1) / BLOCK, fill_block, market, &err)) return 3;
    struct decide_problem problem = {.rows = market->rows,
                                     .offers = market->offers,
                                     .objective = market->objective,
                                     .per_customer = 1,
                                     .limits = market->limits,
                                     .limit_count = market->limit_count,
                                     .group = is_campaign ? market->group : NULL,
                                     .groups = GROUPS,
                                     .max_gap = 0.05};
    for (int run = 0; run < (market->rows <= 1000000 ? 3 : 1); run++) {
        double begin = clock_seconds();
        if (decide_solve(&problem, pool, NULL, &plan, &err)) {
            (void)fprintf(stderr, "bench_allocate: %s\n", err.message);
            return 1;
        }
        print_plan(market, plan, clock_seconds() - begin, (double)cells * 8 / 1048576);
        if (getenv("BENCH_LIMITS")) print_limits(plan);
        decide_plan_free(plan);
        (void)fflush(stdout);
    }
#ifdef BENCH_CLP
    if (argc > 4 && !is_campaign) {
        solve_by_clp(market, "barrier", 4);
        solve_by_clp(market, "dual", 0);
        solve_by_clp(market, "primal", 1);
    }
#endif
    pool_free(pool);
    return 0;
}
