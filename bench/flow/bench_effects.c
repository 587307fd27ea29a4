/* The effect learners on a simulated campaign, as bench/effects_peer.py does over Python's XGBoost:
 * customers scored out of fold, a plan by net value under the budget, its true profit as a share of
 * the best plan's.
 *
 *     bench_effects DIR [learner base [threads]]             simulated campaign; default: chosen
 *     bench_effects --table CSV ACTION CONTROL OUTCOME       five folds and a final fit, timed
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/alloc.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/json.h"
#include "base/rng.h"
#include "collect/collect.h"
#include "learn/effect.h"
#include "simulate/simulate.h"

enum { FOLDS = 5, LEVELS_MAX = 20 };

struct job {
    struct pool *pool;
    struct matrix *features;
    struct effect_data data;
    int32_t *arm;
    double *outcome, *propensity, *worth, *effects;
    int learner, base; /* -1 = choose */
    int64_t rows;
};

static void stop(kai_status st, const kai_err *err) {
    if (!st) return;
    (void)fprintf(stderr, "%s\n", err->message);
    exit(1);
}

static double cpu_seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

static int is_listed(const char *name, const char *const *names) {
    for (; *names; names++)
        if (strcmp(*names, name) == 0) return 1;
    return 0;
}

static int32_t width(const struct column *column) {
    int64_t levels = column->kind == COLUMN_CATEGORY ? column->dict->count : 0;
    return levels > 0 && levels <= LEVELS_MAX ? (int32_t)levels : 1;
}

/* Numbers as they are, small categories as indicators, others as codes. */
static struct matrix *encode(const struct table *table, const char *const *left_out) {
    int32_t columns = 0, at = 0;
    kai_err err;
    struct matrix *matrix = NULL;
    for (int32_t c = 0; c < table->count; c++)
        if (!is_listed(table->columns[c]->name, left_out)) columns += width(table->columns[c]);
    stop(matrix_new(table->rows, columns, &matrix, &err), &err);
    for (int32_t c = 0; c < table->count; c++) {
        const struct column *column = table->columns[c];
        if (is_listed(column->name, left_out)) continue;
        int32_t wide = width(column);
        for (int32_t w = 0; w < wide; w++, at++) {
            stop(matrix_name(matrix, at, column->name, column->name, 0, &err), &err);
            float *values = matrix_column(matrix, at);
            for (int64_t i = 0; i < table->rows; i++) {
                double value = column_f64(column, i);
                values[i] = (float)(wide > 1 ? value == w : value);
            }
        }
    }
    return matrix;
}

static void read_job(struct job *job, const char *path, const char *action, const char *outcome,
                     const char *const *arms, int32_t arm_count, const char *const *left_out) {
    struct table *table = NULL;
    kai_err err;
    struct csv_options csv = {0};
    stop(collect_read_csv(path, &csv, job->pool, NULL, &table, NULL, &err), &err);
    const struct column *arm = NULL, *value = NULL, *propensity = NULL;
    stop(table_column(table, action, &arm, &err), &err);
    stop(table_column(table, outcome, &value, &err), &err);
    int32_t p = table_find(table, "propensity");
    if (p >= 0) propensity = table->columns[p];
    job->rows = table->rows;
    job->features = encode(table, left_out);
    job->arm = mem_array((size_t)table->rows, sizeof *job->arm);
    job->outcome = mem_array((size_t)table->rows, sizeof *job->outcome);
    job->propensity = mem_array((size_t)table->rows, sizeof *job->propensity);
    struct buf text;
    buf_init(&text, 1 << 16);
    for (int64_t i = 0; i < table->rows; i++) {
        stop(column_print(arm, i, &text, &err), &err);
        job->arm[i] = -1;
        for (int32_t a = 0; a < arm_count; a++)
            if (strcmp(text.data, arms[a]) == 0) job->arm[i] = a;
        job->outcome[i] = column_f64(value, i);
        job->propensity[i] = propensity ? column_f64(propensity, i) : 1.0 / arm_count;
    }
    buf_release(&text);
    table_free(table);
}

static void fit_fold(struct job *job, int fold, const uint8_t *folds, struct effect_model **model) {
    kai_err err;
    struct effect_options options;
    int64_t *ids = mem_array((size_t)job->rows, sizeof *ids), count = 0;
    for (int64_t i = 0; i < job->rows; i++)
        if (folds[i] != fold) ids[count++] = i;
    effect_options_init(&options, 42);
    job->data.row_ids = ids;
    job->data.row_count = count;
    if (job->learner < 0)
        stop(effect_choose(&options, &job->data, job->pool, NULL, model, &err), &err);
    else
        stop(effect_fit(&options, (enum effect_learner)job->learner, (enum effect_base)job->base,
                        &job->data, job->pool, NULL, model, &err),
             &err);
    mem_free(ids);
}

static void print_scores(const struct effect_model *model) {
    int32_t count = 0;
    const struct effect_score *scores = effect_scores(model, &count);
    for (int32_t c = 0; c < count; c++)
        (void)fprintf(stderr,
                      "  %s%-8s %-6s shrink %.2f value %.4f (%.4f) behind %.4f (%.4f) "
                      "gain %.5f\n",
                      scores[c].is_chosen ? "*" : " ", effect_learner_text(scores[c].learner),
                      effect_base_text(scores[c].base), scores[c].shrink, scores[c].value,
                      scores[c].value_se, scores[c].behind, scores[c].behind_se,
                      scores[c].loss_gain);
}

static void score_out_of_fold(struct job *job) {
    kai_err err;
    uint8_t *folds = mem_array((size_t)job->rows, 1);
    int32_t offers = job->data.offers;
    int64_t *ids = mem_array((size_t)job->rows, sizeof *ids);
    double *part = mem_array((size_t)job->rows * (size_t)offers, sizeof *part);
    struct rng rng;
    rng_init(&rng, 1, "bench-folds", 0);
    for (int64_t i = 0; i < job->rows; i++) folds[i] = (uint8_t)rng_below(&rng, FOLDS);
    job->effects = mem_zero((size_t)job->rows * (size_t)offers, sizeof *job->effects);
    for (int fold = 0; fold < FOLDS; fold++) {
        struct effect_model *model = NULL;
        int64_t count = 0;
        fit_fold(job, fold, folds, &model);
        print_scores(model);
        for (int64_t i = 0; i < job->rows; i++)
            if (folds[i] == fold) ids[count++] = i;
        stop(effect_predict(model, job->features, ids, count, job->pool, part, NULL, &err), &err);
        for (int64_t i = 0; i < count; i++)
            memcpy(job->effects + ids[i] * offers, part + i * offers,
                   (size_t)offers * sizeof *part);
        effect_free(model);
    }
    mem_free(folds);
    mem_free(ids);
    mem_free(part);
}

/* ---- plans ---- */

static double make_plan(const struct job *job, const double *value, double price, int32_t *offer) {
    double cost = 0;
    for (int64_t i = 0; i < job->rows; i++) {
        double best = 0;
        offer[i] = 0;
        for (int32_t k = 0; k < job->data.offers; k++) {
            double net = value[i * job->data.offers + k] - (1 + price) * job->data.cost[k];
            if (net > best) {
                best = net;
                offer[i] = k + 1;
            }
        }
        if (offer[i]) cost += job->data.cost[offer[i] - 1];
    }
    return cost;
}

static double plan_profit(const struct job *job, const struct simulate_truth *truth,
                          const double *value, double budget) {
    int32_t *offer = mem_array((size_t)job->rows, sizeof *offer);
    struct simulate_profit profit;
    double low = 0, high = 0;
    if (make_plan(job, value, 0, offer) > budget) {
        for (high = 1; make_plan(job, value, high, offer) > budget; high *= 2) low = high;
        for (int i = 0; i < 40; i++) {
            double middle = (low + high) / 2;
            if (make_plan(job, value, middle, offer) > budget)
                low = middle;
            else
                high = middle;
        }
        (void)make_plan(job, value, high, offer);
    }
    simulate_truth_profit(truth, offer, &profit);
    mem_free(offer);
    return profit.profit;
}

static double correlation(const struct job *job, const struct simulate_truth *truth, int32_t k) {
    double sx = 0, sy = 0, sxx = 0, syy = 0, sxy = 0, n = (double)job->rows;
    int32_t arms = truth->offers + 1;
    for (int64_t i = 0; i < job->rows; i++) {
        double x = job->effects[i * truth->offers + k];
        double y = truth->mu[i * arms + k + 1] - truth->mu[i * arms];
        sx += x;
        sy += y;
        sxx += x * x;
        syy += y * y;
        sxy += x * y;
    }
    return (n * sxy - sx * sy) / sqrt((n * sxx - sx * sx) * (n * syy - sy * sy));
}

static double read_budget(const char *dir, kai_err *err) {
    char path[4096];
    struct buf text;
    struct json_value *json = NULL;
    buf_init(&text, 1 << 24);
    (void)snprintf(path, sizeof path, "%s/truth/summary.json", dir);
    stop(file_read_all(path, 1 << 24, &text, err), err);
    stop(json_parse(text.data, text.size, &json, err), err);
    double budget = json_as_f64(json_get(json, "budget"), 0);
    json_free(json);
    buf_release(&text);
    return budget;
}

static void run_simulated(struct job *job, const char *dir) {
    static const char *const OUT[] = {"customer", "region", "action",     "propensity",
                                      "visit",    "spend",  "conversion", NULL};
    kai_err err;
    struct simulate_truth *truth = NULL;
    char path[4096];
    const char *arms[SIMULATE_OFFERS_MAX + 1] = {"No offer"};
    stop(simulate_truth_read(dir, &truth, &err), &err);
    for (int32_t k = 0; k < truth->offers; k++) arms[k + 1] = truth->name[k];
    (void)snprintf(path, sizeof path, "%s/customers.csv", dir);
    read_job(job, path, "action", "spend", arms, truth->offers + 1, OUT);
    double budget = read_budget(dir, &err);
    job->worth = mem_array((size_t)job->rows, sizeof *job->worth);
    for (int64_t i = 0; i < job->rows; i++) job->worth[i] = truth->factor[i] * truth->margin;
    job->data = (struct effect_data){.features = job->features,
                                     .arm = job->arm,
                                     .outcome = job->outcome,
                                     .propensity = job->propensity,
                                     .offers = truth->offers,
                                     .worth = job->worth,
                                     .cost = truth->cost,
                                     .budget_per_customer = budget / (double)job->rows};
    double wall = clock_seconds(), cpu = cpu_seconds();
    score_out_of_fold(job);
    wall = clock_seconds() - wall;
    cpu = cpu_seconds() - cpu;
    for (int64_t i = 0; i < job->rows * truth->offers; i++)
        job->effects[i] *= job->worth[i / truth->offers];
    double got = plan_profit(job, truth, job->effects, budget);
    double best = plan_profit(job, truth, truth->value, budget);
    for (int64_t i = 0; i < job->rows * truth->offers; i++)
        job->effects[i] /= job->worth[i / truth->offers];
    (void)printf(
        "{\"name\":\"effects\",\"dir\":\"%s\",\"learner\":\"%s\",\"base\":\"%s\","
        "\"share\":%.4f,\"profit\":%.1f,\"best\":%.1f,\"corr\":[",
        dir, job->learner < 0 ? "chosen" : effect_learner_text(job->learner),
        job->learner < 0 ? "chosen" : effect_base_text(job->base), got / best, got, best);
    for (int32_t k = 0; k < truth->offers; k++)
        (void)printf("%s%.3f", k ? "," : "", correlation(job, truth, k));
    (void)printf("],\"seconds\":%.2f,\"cpu\":%.2f}\n", wall, cpu);
    simulate_truth_free(truth);
}

static void run_table(struct job *job, char **argv) {
    const char *out[] = {argv[1], argv[3], "visit", "conversion", "spend", NULL};
    const char *arms[] = {argv[2], "Mens E-Mail", "Womens E-Mail"};
    static const double COST[] = {0.08, 0.08};
    read_job(job, argv[0], argv[1], argv[3], arms, 3, out);
    job->data = (struct effect_data){.features = job->features,
                                     .arm = job->arm,
                                     .outcome = job->outcome,
                                     .offers = 2,
                                     .cost = COST,
                                     .budget_per_customer = 900.0 / 64000};
    double *worth = mem_array((size_t)job->rows, sizeof *worth);
    for (int64_t i = 0; i < job->rows; i++) worth[i] = 0.4;
    job->data.worth = job->worth = worth;
    double wall = clock_seconds(), cpu = cpu_seconds();
    score_out_of_fold(job);
    struct effect_model *model = NULL;
    uint8_t *folds = mem_zero((size_t)job->rows, 1);
    fit_fold(job, FOLDS, folds, &model);
    print_scores(model);
    effect_free(model);
    mem_free(folds);
    (void)printf(
        "{\"name\":\"effects_table\",\"rows\":%lld,\"columns\":%d,\"seconds\":%.2f,"
        "\"cpu\":%.2f}\n",
        (long long)job->rows, job->features->columns, clock_seconds() - wall, cpu_seconds() - cpu);
}

int main(int argc, char **argv) {
    struct job job = {.learner = -1};
    kai_err err;
    if (argc < 2) return 2;
    stop(pool_new(argc > 4 && strcmp(argv[1], "--table") != 0 ? atoi(argv[4]) : 0, &job.pool, &err),
         &err);
    if (argc > 5 && strcmp(argv[1], "--table") == 0) {
        run_table(&job, argv + 2);
    } else {
        for (int i = 0; argc > 3 && i < EFFECT_LEARNERS; i++)
            if (strcmp(argv[2], effect_learner_text((enum effect_learner)i)) == 0) job.learner = i;
        for (int i = 0; argc > 3 && i < EFFECT_BASES; i++)
            if (strcmp(argv[3], effect_base_text((enum effect_base)i)) == 0) job.base = i;
        run_simulated(&job, argv[1]);
    }
    matrix_free(job.features);
    mem_free(job.arm);
    mem_free(job.outcome);
    mem_free(job.propensity);
    mem_free(job.worth);
    mem_free(job.effects);
    pool_free(job.pool);
    return 0;
}
