/* How well lists of items were ordered: metrics of ranks, with intervals over customers, and models
 * compared on the same customers.
 *
 * With one right answer at rank r of the whole catalogue (0: it could not be found):
 *   hr@k = recall@k = 1(r <= k)      ndcg@k = 1(r <= k) / log2(r + 1)      mrr@k = 1(r <= k) / r
 *   novelty@k = mean over the list's first k of -log2(share of training customers who had the item)
 *   coverage@k = share of the catalogue that stands in at least one customer's first k
 * Intervals: percentile bootstrap over customers (Efron, Tibshirani 1993, ch. 13), the same draws
 * for all models and metrics, so that differences are paired; "mean" (Student) above
 * RANKING_BOOTSTRAP_MAX customers. coverage is a count of what was shown to exactly these
 * customers: value = low = high, "count".
 */
#ifndef KAIROS_EVALUATE_RANKING_H
#define KAIROS_EVALUATE_RANKING_H

#include <stdint.h>

#include "base/err.h"
#include "base/pool.h"
#include "evaluate/estimate.h"

enum {
    RANKING_NAME_BYTES = 24,
    RANKING_K_MAX = 1000,
    RANKING_REPLICATES = 1000,
    RANKING_BOOTSTRAP_MAX = 200000,
};

enum ranking_kind {
    RANKING_HR,
    RANKING_NDCG,
    RANKING_RECALL,
    RANKING_MRR,
    RANKING_NOVELTY,
    RANKING_COVERAGE,
    RANKING_KINDS
};

struct ranking_metric {
    enum ranking_kind kind;
    int32_t k;
    char name[RANKING_NAME_BYTES]; /* as it was written: "hr@10" */
};

/* "hr@10", "ndcg@10", "recall@20", "mrr@20", "coverage" (of 10), "novelty@5" ...
 * Fails: KAI_INVALID naming what is known, and k out of 1 .. RANKING_K_MAX. */
KAI_MUST_CHECK kai_status ranking_parse(const char *text, struct ranking_metric *ret_metric,
                                        kai_err *err);

/* What one model did for each customer. */
struct ranking_model {
    const int32_t *ranks; /* (customers) */
    const int32_t *lists; /* (customers, list_length), -1 where a list is shorter */
};

struct ranking_input {
    int64_t customers;
    int32_t item_count;
    int32_t list_length;
    const int64_t *popularity;  /* (item_count): training customers who had the item */
    int64_t training_customers; /* that popularity counts */
    const struct ranking_model *models;
    int32_t model_count;
    const struct ranking_metric *metrics;
    int32_t metric_count;
    double confidence;
    uint64_t seed;
};

struct ranking_result {
    int32_t model_count, metric_count;
    int32_t judge;              /* the metric that chooses: the first of accuracy, else the first */
    int32_t best;               /* the model that is highest in it; the first of equals */
    struct estimate *estimates; /* owned; (models, metrics) */
    float *values;              /* owned; (customers, models, metrics) */
    double *replicates;         /* owned; (RANKING_REPLICATES, models, metrics) means of resamples;
                                   NULL above RANKING_BOOTSTRAP_MAX customers */
    int64_t customers;
    double confidence;
};

/* Fails: KAI_INVALID (no customer, a metric's k above the list length where lists count),
 * KAI_NO_MEMORY. */
KAI_MUST_CHECK kai_status ranking_judge(const struct ranking_input *input, struct pool *pool,
                                        struct ranking_result *ret_result, kai_err *err);
void ranking_result_release(struct ranking_result *result);
/* Model a minus model b in one metric, over the same customers; none for coverage. */
struct estimate ranking_difference(const struct ranking_result *result,
                                   const struct ranking_metric *metric, int32_t metric_index,
                                   int32_t a, int32_t b);

#endif
