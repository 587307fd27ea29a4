#include "prepare/target_mean.h"

#include <math.h>

#include "base/alloc.h"

static const double SMOOTHING_MAX = 1e6;

static double value_of(const struct target_rows *rows, int64_t i) {
    return rows->one_class < 0 ? rows->target[i] : rows->target[i] == rows->one_class;
}

/* Rows and sums of each group; the last pair, at group_count, is of all rows. */
struct tally {
    double *counts; /* owned; (group_count + 1) */
    double *sums;   /* owned; within the same memory */
};

static kai_status new_tally(const struct target_rows *rows, int32_t parts, struct tally *ret_tally,
                            kai_err *err) {
    size_t cells = ((size_t)rows->group_count + 1) * (size_t)parts;
    double *memory = mem_zero(cells, 2 * sizeof *memory);
    if (!memory) return err_memory(err, (int64_t)(cells * 2 * sizeof *memory));
    *ret_tally = (struct tally){memory, memory + cells};
    return KAI_OK;
}

static void add_row(const struct target_rows *rows, int64_t i, struct tally *tally, int64_t base) {
    double value = value_of(rows, i);
    int32_t group = rows->groups[i];
    tally->counts[base + rows->group_count] += 1;
    tally->sums[base + rows->group_count] += value;
    if (group < 0) return;
    tally->counts[base + group] += 1;
    tally->sums[base + group] += value;
}

/* Sums of squares around the group means, and around the overall mean. */
static double solve_smoothing(const struct target_rows *rows, const struct tally *tally) {
    double n = 0, sum = 0, squares_of_sizes = 0, groups = 0;
    for (int32_t g = 0; g < rows->group_count; g++) {
        n += tally->counts[g];
        sum += tally->sums[g];
        squares_of_sizes += tally->counts[g] * tally->counts[g];
        groups += tally->counts[g] > 0;
    }
    if (groups < 2 || n <= groups) return groups < 2 ? 0 : 1;
    double mean = sum / n, within = 0, between = 0;
    for (int64_t i = 0; i < rows->count; i++) {
        int32_t g = rows->groups[i];
        if (g < 0) continue;
        double rest = value_of(rows, i) - tally->sums[g] / tally->counts[g];
        within += rest * rest;
    }
    for (int32_t g = 0; g < rows->group_count; g++) {
        if (tally->counts[g] == 0) continue;
        double rest = tally->sums[g] / tally->counts[g] - mean;
        between += tally->counts[g] * rest * rest;
    }
    within /= n - groups;
    between /= groups - 1;
    double size = (n - squares_of_sizes / n) / (groups - 1);
    double variance = (between - within) / size;
    if (within == 0) return 0;
    return variance > within / SMOOTHING_MAX ? within / variance : SMOOTHING_MAX;
}

kai_status target_smoothing(const struct target_rows *rows, double *ret_smoothing, kai_err *err) {
    struct tally tally = {0};
    kai_status st = new_tally(rows, 1, &tally, err);
    if (st) return st;
    for (int64_t i = 0; i < rows->count; i++) add_row(rows, i, &tally, 0);
    *ret_smoothing = solve_smoothing(rows, &tally);
    mem_free(tally.counts);
    return KAI_OK;
}

static double smooth(double count, double sum, double prior, double smoothing) {
    return count + smoothing > 0 ? (sum + smoothing * prior) / (count + smoothing) : prior;
}

kai_status target_means(const struct target_rows *rows, double smoothing, double *ret_means,
                        kai_err *err) {
    struct tally tally = {0};
    kai_status st = new_tally(rows, 1, &tally, err);
    if (st) return st;
    for (int64_t i = 0; i < rows->count; i++) add_row(rows, i, &tally, 0);
    int32_t all = rows->group_count;
    double prior = tally.counts[all] > 0 ? tally.sums[all] / tally.counts[all] : 0;
    for (int32_t g = 0; g < rows->group_count; g++)
        ret_means[g] = smooth(tally.counts[g], tally.sums[g], prior, smoothing);
    mem_free(tally.counts);
    return KAI_OK;
}

/* Totals less a fold's own would carry the fold's target in their rounding, so that a tree could
 * read it back; the other folds are added up instead. */
static void add_other_folds(const struct tally *tally, int64_t cells, int32_t fold_count,
                            struct tally *ret_others) {
    for (int32_t f = 0; f < fold_count; f++)
        for (int32_t other = 0; other < fold_count; other++)
            for (int64_t c = 0; other != f && c < cells; c++) {
                ret_others->counts[f * cells + c] += tally->counts[other * cells + c];
                ret_others->sums[f * cells + c] += tally->sums[other * cells + c];
            }
}

kai_status target_means_out_of_fold(const struct target_rows *rows, double smoothing,
                                    const int32_t *folds, int32_t fold_count, double *ret_values,
                                    kai_err *err) {
    int64_t all = rows->group_count, cells = all + 1;
    struct tally tally = {0}, others = {0};
    kai_status st = new_tally(rows, fold_count, &tally, err);
    if (!st) st = new_tally(rows, fold_count, &others, err);
    if (!st) {
        for (int64_t i = 0; i < rows->count; i++) add_row(rows, i, &tally, folds[i] * cells);
        add_other_folds(&tally, cells, fold_count, &others);
    }
    for (int64_t i = 0; !st && i < rows->count; i++) {
        int64_t base = folds[i] * cells;
        double count = others.counts[base + all];
        double prior = count > 0 ? others.sums[base + all] / count : 0;
        int32_t g = rows->groups[i];
        ret_values[i] =
            g < 0 ? (double)NAN
                  : smooth(others.counts[base + g], others.sums[base + g], prior, smoothing);
    }
    mem_free(tally.counts);
    mem_free(others.counts);
    return st;
}
