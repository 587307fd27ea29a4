#include "evaluate/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "base/text.h"

enum { K_DEFAULT = 10, DRAWS_AT_ONCE = 1024 };
#define KNOWN_METRICS "hr@K, ndcg@K, recall@K, mrr@K, novelty@K, coverage@K"

kai_status ranking_parse(const char *text, struct ranking_metric *ret_metric, kai_err *err) {
    static const char *const NAMES[] = {"hr", "ndcg", "recall", "mrr", "novelty", "coverage"};
    size_t length = strcspn(text, "@");
    struct ranking_metric metric = {.kind = RANKING_KINDS, .k = K_DEFAULT};
    for (int i = 0; i < RANKING_KINDS; i++)
        if (strlen(NAMES[i]) == length && strncmp(NAMES[i], text, length) == 0)
            metric.kind = (enum ranking_kind)i;
    if (metric.kind == RANKING_KINDS || strlen(text) >= sizeof metric.name)
        return err_set(err, KAI_INVALID, "metric '%s': not known; there are " KNOWN_METRICS, text);
    int64_t k = K_DEFAULT;
    if (text[length] == '@' && !text_parse_i64(slice_of(text + length + 1), &k)) k = 0;
    if (k < 1 || k > RANKING_K_MAX)
        return err_set(err, KAI_INVALID, "metric '%s': expected a length of 1 to %d after '@'",
                       text, RANKING_K_MAX);
    metric.k = (int32_t)k;
    memcpy(metric.name, text, strlen(text) + 1);
    *ret_metric = metric;
    return KAI_OK;
}

/* Mean surprise, in bits, of the first k of a list. An item that nobody had counts as one that one
 * customer had. */
static double novelty(const struct ranking_input *input, const int32_t *list, int32_t k) {
    double bits = 0, all = (double)(input->training_customers > 0 ? input->training_customers : 1);
    int32_t shown = 0;
    for (; shown < k && list[shown] >= 0; shown++)
        bits -= log2(fmax(1, (double)input->popularity[list[shown]]) / all);
    return shown ? bits / shown : 0;
}

static double value_of(const struct ranking_input *input, const struct ranking_metric *metric,
                       const struct ranking_model *model, int64_t customer) {
    int32_t rank = model->ranks[customer];
    int is_hit = rank >= 1 && rank <= metric->k;
    switch (metric->kind) {
    case RANKING_HR:
    case RANKING_RECALL: return is_hit;
    case RANKING_NDCG: return is_hit ? 1 / log2((double)rank + 1) : 0;
    case RANKING_MRR: return is_hit ? 1.0 / rank : 0;
    case RANKING_NOVELTY:
        return novelty(input, model->lists + customer * input->list_length, metric->k);
    case RANKING_COVERAGE:
    case RANKING_KINDS: break;
    }
    return 0;
}

static kai_status count_coverage(const struct ranking_input *input,
                                 const struct ranking_metric *metric,
                                 const struct ranking_model *model, struct estimate *ret_estimate,
                                 kai_err *err) {
    uint8_t *is_shown = mem_zero((size_t)input->item_count, 1);
    if (!is_shown) return err_memory(err, input->item_count);
    int64_t shown = 0;
    for (int64_t c = 0; c < input->customers; c++) {
        const int32_t *list = model->lists + c * input->list_length;
        for (int32_t i = 0; i < metric->k && list[i] >= 0; i++) {
            shown += !is_shown[list[i]];
            is_shown[list[i]] = 1;
        }
    }
    double share = (double)shown / (double)input->item_count;
    *ret_estimate = (struct estimate){share, share, share, input->customers, "count"};
    mem_free(is_shown);
    return KAI_OK;
}

struct resampling {
    const struct ranking_result *result;
    uint64_t seed;
};

/* Means of one resample, all models and metrics over the same draws. */
static kai_status resample(void *user, int64_t replicate, int32_t worker, kai_err *err) {
    const struct resampling *work = user;
    const struct ranking_result *result = work->result;
    int32_t width = result->model_count * result->metric_count;
    uint64_t customers = (uint64_t)result->customers;
    double *means = result->replicates + replicate * width;
    uint32_t words[DRAWS_AT_ONCE];
    struct rng rng;
    (void)worker, (void)err; /* arithmetic */
    rng_init(&rng, work->seed, "ranking.bootstrap", (uint64_t)replicate);
    memset(means, 0, (size_t)width * sizeof *means);
    for (int64_t done = 0; done < result->customers; done += DRAWS_AT_ONCE) {
        int64_t draws =
            result->customers - done < DRAWS_AT_ONCE ? result->customers - done : DRAWS_AT_ONCE;
        rng_fill(&rng, words, draws);
        for (int64_t d = 0; d < draws; d++) {
            int64_t drawn = (int64_t)((words[d] * customers) >> 32); /* bias below n / 2^32 */
            const float *values = result->values + drawn * width;
            for (int32_t v = 0; v < width; v++) means[v] += (double)values[v];
        }
    }
    for (int32_t v = 0; v < width; v++) means[v] /= (double)customers;
    return KAI_OK;
}

static int compare_f64(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

/* The quantile between order statistics (type 7 of Hyndman, Fan 1996). */
static double quantile(const double *sorted, double p) {
    double at = p * (RANKING_REPLICATES - 1);
    int32_t below = (int32_t)at;
    if (below >= RANKING_REPLICATES - 1) return sorted[RANKING_REPLICATES - 1];
    return sorted[below] + (at - below) * (sorted[below + 1] - sorted[below]);
}

/* The estimate of column a, or of column a minus column b where b >= 0. */
static struct estimate estimate_columns(const struct ranking_result *result, int32_t a, int32_t b) {
    int32_t width = result->model_count * result->metric_count;
    struct moments moments = {0};
    for (int64_t c = 0; c < result->customers; c++) {
        const float *values = result->values + c * width;
        moments_add(&moments, (double)values[a] - (b >= 0 ? (double)values[b] : 0));
    }
    if (!result->replicates) return estimate_mean(&moments, result->confidence);
    double sorted[RANKING_REPLICATES], tail = (1 - result->confidence) / 2;
    for (int32_t r = 0; r < RANKING_REPLICATES; r++) {
        const double *means = result->replicates + (int64_t)r * width;
        sorted[r] = means[a] - (b >= 0 ? means[b] : 0);
    }
    qsort(sorted, RANKING_REPLICATES, sizeof *sorted, compare_f64);
    return (struct estimate){moments.mean, quantile(sorted, tail), quantile(sorted, 1 - tail),
                             result->customers, "bootstrap"};
}

static kai_status check_input(const struct ranking_input *input, kai_err *err) {
    if (input->customers < 1 || input->model_count < 1 || input->metric_count < 1)
        return err_set(err, KAI_INVALID, "ranking: nobody, no model or no metric to judge");
    for (int32_t m = 0; m < input->metric_count; m++)
        if (input->metrics[m].kind >= RANKING_NOVELTY && input->metrics[m].k > input->list_length)
            return err_set(err, KAI_INVALID, "metric '%s': lists are only %d long",
                           input->metrics[m].name, input->list_length);
    return KAI_OK;
}

static void fill_values(const struct ranking_input *input, struct ranking_result *result) {
    float *value = result->values;
    for (int64_t c = 0; c < input->customers; c++)
        for (int32_t model = 0; model < input->model_count; model++)
            for (int32_t m = 0; m < input->metric_count; m++)
                *value++ = (float)value_of(input, &input->metrics[m], &input->models[model], c);
}

static kai_status estimate_all(const struct ranking_input *input, struct ranking_result *result,
                               kai_err *err) {
    kai_status st = KAI_OK;
    for (int32_t model = 0; !st && model < input->model_count; model++)
        for (int32_t m = 0; !st && m < input->metric_count; m++) {
            int32_t column = model * input->metric_count + m;
            if (input->metrics[m].kind == RANKING_COVERAGE)
                st = count_coverage(input, &input->metrics[m], &input->models[model],
                                    &result->estimates[column], err);
            else
                result->estimates[column] = estimate_columns(result, column, -1);
        }
    while (result->judge < input->metric_count &&
           input->metrics[result->judge].kind >= RANKING_NOVELTY)
        result->judge++;
    if (result->judge == input->metric_count) result->judge = 0;
    const struct estimate *judged = result->estimates + result->judge;
    for (int32_t model = 1; model < input->model_count; model++)
        if (judged[model * input->metric_count].value >
            judged[result->best * input->metric_count].value)
            result->best = model;
    return st;
}

kai_status ranking_judge(const struct ranking_input *input, struct pool *pool,
                         struct ranking_result *ret_result, kai_err *err) {
    kai_status st = check_input(input, err);
    if (st) return st;
    struct ranking_result made = {.model_count = input->model_count,
                                  .metric_count = input->metric_count,
                                  .customers = input->customers,
                                  .confidence = input->confidence};
    size_t width = (size_t)input->model_count * (size_t)input->metric_count;
    made.estimates = mem_zero(width, sizeof *made.estimates);
    made.values = mem_array((size_t)input->customers * width, sizeof *made.values);
    int is_resampled = input->customers <= RANKING_BOOTSTRAP_MAX;
    if (is_resampled)
        made.replicates = mem_array(RANKING_REPLICATES * width, sizeof *made.replicates);
    if (!made.estimates || !made.values || (is_resampled && !made.replicates))
        st = err_memory(err, input->customers * (int64_t)width * 4);
    if (!st) {
        fill_values(input, &made);
        struct resampling work = {&made, input->seed};
        if (is_resampled) st = pool_run(pool, RANKING_REPLICATES, resample, &work, err);
    }
    if (!st) st = estimate_all(input, &made, err);
    if (st)
        ranking_result_release(&made);
    else
        *ret_result = made;
    return st;
}

void ranking_result_release(struct ranking_result *result) {
    mem_free(result->estimates);
    mem_free(result->values);
    mem_free(result->replicates);
    *result = (struct ranking_result){0};
}

struct estimate ranking_difference(const struct ranking_result *result,
                                   const struct ranking_metric *metric, int32_t metric_index,
                                   int32_t a, int32_t b) {
    if (metric->kind == RANKING_COVERAGE) return estimate_none("paired");
    struct estimate difference = estimate_columns(result, a * result->metric_count + metric_index,
                                                  b * result->metric_count + metric_index);
    difference.method = result->replicates ? "paired bootstrap" : "paired mean";
    return difference;
}
