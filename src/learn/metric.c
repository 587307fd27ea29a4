#include "learn/metric.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"

enum { BINS_MAX = 1000 };

static double weight_of(const double *weight, int64_t i) { return weight ? weight[i] : 1; }

double metric_accuracy(const double *score, const double *target, const double *weight,
                       int64_t count) {
    double right = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i);
        if ((score[i] > 0.5) == (target[i] > 0.5)) right += w;
        all += w;
    }
    return right / all;
}

static double clip(double p) {
    const double edge = 0x1p-52;
    return p < edge ? edge : p > 1 - edge ? 1 - edge : p;
}

double metric_logloss(const double *score, const double *target, const double *weight,
                      int64_t count) {
    double sum = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i), p = clip(score[i]);
        sum -= w * (target[i] > 0.5 ? log(p) : log1p(-p));
        all += w;
    }
    return sum / all;
}

static double mean_square(const double *score, const double *target, const double *weight,
                          int64_t count) {
    double sum = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i), d = score[i] - target[i];
        sum += w * d * d;
        all += w;
    }
    return sum / all;
}

double metric_brier(const double *score, const double *target, const double *weight,
                    int64_t count) {
    return mean_square(score, target, weight, count);
}

double metric_rmse(const double *score, const double *target, const double *weight, int64_t count) {
    return sqrt(mean_square(score, target, weight, count));
}

double metric_mae(const double *score, const double *target, const double *weight, int64_t count) {
    double sum = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i);
        sum += w * fabs(score[i] - target[i]);
        all += w;
    }
    return sum / all;
}

double metric_r2(const double *score, const double *target, const double *weight, int64_t count) {
    double sum = 0, all = 0, rest = 0, total = 0;
    for (int64_t i = 0; i < count; ++i) {
        sum += weight_of(weight, i) * target[i];
        all += weight_of(weight, i);
    }
    double mean = sum / all;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i);
        rest += w * (target[i] - score[i]) * (target[i] - score[i]);
        total += w * (target[i] - mean) * (target[i] - mean);
    }
    if (total == 0) return rest == 0 ? 1 : 0;
    return 1 - rest / total;
}

/* Rows in order of their score, equal scores in the order given. */
struct ranked {
    double score;
    double target;
    double weight;
    int64_t row;
};

static int compare_ranked(const void *a, const void *b) {
    const struct ranked *x = a, *y = b;
    if (x->score != y->score) return x->score < y->score ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows with a weight. *ret_ranked is NULL where a score is not a number, or none is left. */
static kai_status rank_rows(const double *score, const double *target, const double *weight,
                            int64_t count, struct ranked **ret_ranked, int64_t *ret_count,
                            kai_err *err) {
    *ret_ranked = NULL;
    struct ranked *ranked = mem_array((size_t)count, sizeof *ranked);
    if (!ranked) return err_memory(err, count * (int64_t)sizeof *ranked);
    int64_t kept = 0;
    int is_number = 1;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i);
        if (w == 0) continue;
        is_number &= !isnan(score[i]);
        ranked[kept++] = (struct ranked){score[i], target[i], w, i};
    }
    if (!is_number || kept == 0) {
        mem_free(ranked);
        return KAI_OK;
    }
    qsort(ranked, (size_t)kept, sizeof *ranked, compare_ranked);
    *ret_ranked = ranked;
    *ret_count = kept;
    return KAI_OK;
}

/* Weights of both classes among the rows that share the score of row `at`; returns the row after
 * the group. */
static int64_t take_group(const struct ranked *ranked, int64_t at, int64_t count,
                          double *ret_positive, double *ret_negative) {
    double score = ranked[at].score;
    *ret_positive = *ret_negative = 0;
    for (; at < count && ranked[at].score == score; ++at)
        *(ranked[at].target > 0.5 ? ret_positive : ret_negative) += ranked[at].weight;
    return at;
}

kai_status metric_auc(const double *score, const double *target, const double *weight,
                      int64_t count, double *ret_auc, kai_err *err) {
    struct ranked *ranked = NULL;
    int64_t kept = 0;
    kai_status st = rank_rows(score, target, weight, count, &ranked, &kept, err);
    if (st) return st;
    double area = 0, positives = 0, negatives = 0;
    for (int64_t i = 0; i < kept && ranked;) {
        double positive, negative;
        i = take_group(ranked, i, kept, &positive, &negative);
        area += positive * (negatives + negative / 2);
        positives += positive;
        negatives += negative;
    }
    mem_free(ranked);
    *ret_auc = positives > 0 && negatives > 0 ? area / (positives * negatives) : NAN;
    return KAI_OK;
}

kai_status metric_average_precision(const double *score, const double *target, const double *weight,
                                    int64_t count, double *ret_precision, kai_err *err) {
    struct ranked *ranked = NULL;
    int64_t kept = 0;
    kai_status st = rank_rows(score, target, weight, count, &ranked, &kept, err);
    if (st) return st;
    /* From the lowest threshold up: what lies at or above it is what was not yet taken. */
    double positives = 0, negatives = 0, sum = 0;
    for (int64_t i = 0; i < kept && ranked; ++i)
        *(ranked[i].target > 0.5 ? &positives : &negatives) += ranked[i].weight;
    double hit = positives, missed = negatives;
    for (int64_t i = 0; i < kept && ranked;) {
        double positive, negative;
        i = take_group(ranked, i, kept, &positive, &negative);
        if (positive > 0) sum += positive * hit / (hit + missed);
        hit -= positive;
        missed -= negative;
    }
    mem_free(ranked);
    *ret_precision = positives > 0 ? sum / positives : NAN;
    return KAI_OK;
}

static void add_to_bin(struct metric_bin *bin, const struct ranked *row) {
    bin->score += row->weight * row->score;
    bin->target += row->weight * row->target;
    bin->weight += row->weight;
    bin->count++;
}

static void fill_equal_width(const struct ranked *ranked, int64_t count, int32_t bins,
                             struct metric_bin *ret_bins) {
    for (int32_t b = 0; b < bins; ++b)
        ret_bins[b] = (struct metric_bin){.low = (double)b / bins, .high = (double)(b + 1) / bins};
    for (int64_t i = 0; i < count; ++i) {
        double place = ceil(ranked[i].score * bins) - 1;
        int32_t b = place < 0 ? 0 : place >= bins ? bins - 1 : (int32_t)place;
        /* the product may round across a border */
        if (b > 0 && ranked[i].score <= ret_bins[b].low) b--;
        if (b < bins - 1 && ranked[i].score > ret_bins[b].high) b++;
        add_to_bin(&ret_bins[b], &ranked[i]);
    }
}

/* Groups that end where their share of the weight is reached; equal scores stay together. */
static void fill_equal_mass(const struct ranked *ranked, int64_t count, int32_t bins,
                            struct metric_bin *ret_bins) {
    double all = 0, taken = 0;
    for (int32_t b = 0; b < bins; ++b) ret_bins[b] = (struct metric_bin){.low = 0};
    for (int64_t i = 0; i < count; ++i) all += ranked[i].weight;
    int32_t b = 0;
    for (int64_t i = 0; i < count; ++i) {
        int is_new = i > 0 && ranked[i].score != ranked[i - 1].score;
        if (is_new && b < bins - 1 && taken >= all * (b + 1) / bins * (1 - 1e-12)) {
            b++;
            ret_bins[b].low = ranked[i - 1].score;
        }
        if (i == 0) ret_bins[0].low = ranked[0].score;
        ret_bins[b].high = ranked[i].score;
        add_to_bin(&ret_bins[b], &ranked[i]);
        taken += ranked[i].weight;
    }
}

kai_status metric_calibration(const double *score, const double *target, const double *weight,
                              int64_t count, int32_t bins, int has_equal_mass,
                              struct metric_bin *ret_bins, int32_t *ret_count, kai_err *err) {
    if (bins < 1 || bins > BINS_MAX)
        return err_set(err, KAI_INVALID, "calibration: bins must be 1 to %d", BINS_MAX);
    struct ranked *ranked = NULL;
    int64_t kept = 0;
    kai_status st = rank_rows(score, target, weight, count, &ranked, &kept, err);
    if (st) return st;
    int32_t filled = 0;
    if (ranked) {
        (has_equal_mass ? fill_equal_mass : fill_equal_width)(ranked, kept, bins, ret_bins);
        for (int32_t b = 0; b < bins; ++b) {
            if (ret_bins[b].count == 0) continue;
            struct metric_bin bin = ret_bins[b];
            bin.score /= bin.weight;
            bin.target /= bin.weight;
            ret_bins[filled++] = bin;
        }
    }
    mem_free(ranked);
    *ret_count = filled;
    return KAI_OK;
}

kai_status metric_ece(const double *score, const double *target, const double *weight,
                      int64_t count, int32_t bins, int has_equal_mass, double *ret_ece,
                      kai_err *err) {
    struct metric_bin groups[BINS_MAX];
    int32_t filled = 0;
    kai_status st = metric_calibration(score, target, weight, count, bins, has_equal_mass, groups,
                                       &filled, err);
    if (st) return st;
    double sum = 0, all = 0;
    for (int32_t b = 0; b < filled; ++b) {
        sum += groups[b].weight * fabs(groups[b].score - groups[b].target);
        all += groups[b].weight;
    }
    *ret_ece = sum / all;
    return KAI_OK;
}

static int32_t best_class(const double *row, int32_t classes) {
    int32_t best = 0;
    for (int32_t k = 1; k < classes; ++k)
        if (row[k] > row[best]) best = k;
    return best;
}

double metric_accuracy_multi(const double *scores, const double *target, const double *weight,
                             int64_t count, int32_t classes) {
    double right = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i);
        if (best_class(scores + i * classes, classes) == (int32_t)target[i]) right += w;
        all += w;
    }
    return right / all;
}

double metric_logloss_multi(const double *scores, const double *target, const double *weight,
                            int64_t count, int32_t classes) {
    double loss = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i), sum = 0;
        const double *row = scores + i * classes;
        for (int32_t k = 0; k < classes; ++k) sum += clip(row[k]);
        loss -= w * log(clip(row[(int32_t)target[i]]) / sum);
        all += w;
    }
    return loss / all;
}

kai_status metric_macro_f1(const double *scores, const double *target, const double *weight,
                           int64_t count, int32_t classes, double *ret_f1, kai_err *err) {
    enum { HIT, PREDICTED, ACTUAL, SUMS };
    double *sums = mem_zero((size_t)classes, SUMS * sizeof *sums);
    if (!sums) return err_memory(err, classes * (int64_t)(SUMS * sizeof *sums));
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i);
        int32_t predicted = best_class(scores + i * classes, classes), actual = (int32_t)target[i];
        if (predicted == actual) sums[actual * SUMS + HIT] += w;
        sums[predicted * SUMS + PREDICTED] += w;
        sums[actual * SUMS + ACTUAL] += w;
    }
    double total = 0;
    int32_t seen = 0;
    for (int32_t k = 0; k < classes; ++k) {
        double both = sums[k * SUMS + PREDICTED] + sums[k * SUMS + ACTUAL];
        if (both <= 0) continue;
        total += 2 * sums[k * SUMS + HIT] / both;
        seen++;
    }
    mem_free(sums);
    *ret_f1 = total / seen;
    return KAI_OK;
}

static kai_status compute_binary(const double *scores, const double *target, const double *weight,
                                 int64_t count, struct metric_set *set, kai_err *err) {
    set->accuracy = metric_accuracy(scores, target, weight, count);
    set->logloss = metric_logloss(scores, target, weight, count);
    set->brier = metric_brier(scores, target, weight, count);
    kai_status st = metric_auc(scores, target, weight, count, &set->auc, err);
    if (!st)
        st = metric_average_precision(scores, target, weight, count, &set->average_precision, err);
    if (!st) st = metric_ece(scores, target, weight, count, METRIC_ECE_BINS, 0, &set->ece, err);
    return st;
}

kai_status metric_compute(enum learn_task task, int32_t classes, const double *scores,
                          const double *target, const double *weight, int64_t count,
                          struct metric_set *ret_set, kai_err *err) {
    if (count < 1) return err_set(err, KAI_INVALID, "no rows to measure on");
    struct metric_set set = {task, count, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN, NAN};
    kai_status st = KAI_OK;
    if (task == LEARN_BINARY) {
        st = compute_binary(scores, target, weight, count, &set, err);
    } else if (task == LEARN_MULTICLASS) {
        set.accuracy = metric_accuracy_multi(scores, target, weight, count, classes);
        set.logloss = metric_logloss_multi(scores, target, weight, count, classes);
        st = metric_macro_f1(scores, target, weight, count, classes, &set.macro_f1, err);
    } else {
        set.rmse = metric_rmse(scores, target, weight, count);
        set.mae = metric_mae(scores, target, weight, count);
        set.r2 = metric_r2(scores, target, weight, count);
    }
    if (!st) *ret_set = set;
    return st;
}

void metric_describe(const struct metric_set *set, struct json_writer *json) {
    if (set->task == LEARN_REGRESSION) {
        json_key_f64(json, "rmse", set->rmse);
        json_key_f64(json, "mae", set->mae);
        json_key_f64(json, "r2", set->r2);
        return;
    }
    json_key_f64(json, "accuracy", set->accuracy);
    if (set->task == LEARN_BINARY) {
        json_key_f64(json, "auc", set->auc);
        json_key_f64(json, "average_precision", set->average_precision);
    }
    json_key_f64(json, "logloss", set->logloss);
    if (set->task == LEARN_BINARY) {
        json_key_f64(json, "brier", set->brier);
        json_key_f64(json, "ece", set->ece);
    } else {
        json_key_f64(json, "macro_f1", set->macro_f1);
    }
}

kai_status metric_loss(enum learn_task task, int32_t classes, const double *scores,
                       const double *target, const double *weight, int64_t count, double *ret_loss,
                       kai_err *err) {
    if (task == LEARN_REGRESSION) {
        *ret_loss = metric_rmse(scores, target, weight, count);
        return KAI_OK;
    }
    if (task == LEARN_BINARY) {
        double auc = NAN;
        kai_status st = metric_auc(scores, target, weight, count, &auc, err);
        if (!st) *ret_loss = isnan(auc) ? 0.5 : 1 - auc;
        return st;
    }
    double loss = 0, all = 0;
    for (int64_t i = 0; i < count; ++i) {
        double w = weight_of(weight, i), p = scores[i * classes + (int32_t)target[i]];
        loss -= w * log(p < 1e-6 ? 1e-6 : p);
        all += w;
    }
    *ret_loss = loss / all;
    return KAI_OK;
}

const char *metric_loss_text(enum learn_task task) {
    return task == LEARN_BINARY ? "1 - auc" : task == LEARN_MULTICLASS ? "logloss" : "rmse";
}
