#include "evaluate/shift.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "evaluate/order.h"
#include "evaluate/stat.h"

#define DEFAULT_ALPHA 0.001
#define PSI_MODERATE 0.1
#define PSI_LARGE 0.25

enum { BINS = 10, SIDES = 2 }; /* side 0 is the history, side 1 the customers */

struct shift_job {
    const struct table *tables[SIDES];
    const char *const *names;
    struct shift *shifts;
};

static int is_number(const struct column *column) {
    return column->kind == COLUMN_F64 || column->kind == COLUMN_I64 || column->kind == COLUMN_TIME;
}

/* counts: (2, bins). Half a row is added to each bin, so that an empty one stays finite. */
static double stability(const double *counts, int32_t bins) {
    double totals[SIDES] = {0, 0}, psi = 0;
    for (int32_t b = 0; b < bins; b++) {
        totals[0] += counts[b] + 0.5;
        totals[1] += counts[bins + b] + 0.5;
    }
    for (int32_t b = 0; b < bins; b++) {
        double p = (counts[b] + 0.5) / totals[0], q = (counts[bins + b] + 0.5) / totals[1];
        psi += (q - p) * log(q / p);
    }
    return psi;
}

/* The numbers of a column in rising order. */
struct sorted {
    double *values; /* owned */
    int64_t count;
    double mean;
};

static kai_status sort_column(const struct column *column, struct sorted *ret, kai_err *err) {
    double *values = mem_array((size_t)column->rows, sizeof *values);
    double *rising = mem_array((size_t)column->rows, sizeof *rising);
    int64_t *order = mem_array((size_t)column->rows, sizeof *order);
    int64_t count = 0;
    double sum = 0;
    kai_status st = KAI_OK;
    if (!values || !rising || !order) st = err_memory(err, column->rows * (int64_t)sizeof *values);
    for (int64_t row = 0; row < column->rows && !st; row++) {
        double value = column_f64(column, row);
        if (isnan(value)) continue;
        values[count++] = value;
        sum += value;
    }
    if (!st) st = order_rows(values, count, 0, order, err);
    for (int64_t i = 0; i < count && !st; i++) rising[i] = values[order[i]];
    if (!st) {
        *ret = (struct sorted){rising, count, count > 0 ? sum / (double)count : NAN};
        rising = NULL;
    }
    mem_free(values);
    mem_free(rising);
    mem_free(order);
    return st;
}

static double ks_distance(const struct sorted *a, const struct sorted *b) {
    int64_t i = 0, j = 0;
    double apart = 0;
    while (i < a->count && j < b->count) {
        double value = fmin(a->values[i], b->values[j]);
        while (i < a->count && a->values[i] == value) i++;
        while (j < b->count && b->values[j] == value) j++;
        apart = fmax(apart, fabs((double)i / (double)a->count - (double)j / (double)b->count));
    }
    return apart;
}

/* Upper ends of the quantile bins of the history, without repeats. */
static int32_t cut_history(const struct sorted *history, double *ret_cuts) {
    int32_t count = 0;
    for (int q = 1; q < BINS && history->count > 0; q++) {
        double cut = history->values[(history->count - 1) * q / BINS];
        if (cut == history->values[history->count - 1]) break;
        if (count == 0 || cut > ret_cuts[count - 1]) ret_cuts[count++] = cut;
    }
    return count;
}

static void compare_sorted(const struct sorted *sides, const double *missing, struct shift *ret) {
    double cuts[BINS], counts[SIDES * (BINS + 1)] = {0};
    int32_t cut_count = cut_history(&sides[0], cuts);
    int has_missing = missing[0] + missing[1] > 0;
    int32_t bins = cut_count + 1 + has_missing;
    for (int s = 0; s < SIDES; s++) {
        int32_t bin = 0;
        for (int64_t i = 0; i < sides[s].count; i++) {
            while (bin < cut_count && sides[s].values[i] > cuts[bin]) bin++;
            counts[s * bins + bin]++;
        }
        if (has_missing) counts[s * bins + bins - 1] = missing[s];
    }
    ret->psi = stability(counts, bins);
    ret->mean_history = sides[0].mean;
    ret->mean_customers = sides[1].mean;
    double p_missing = 1, scratch[2 * SIDES];
    double table[SIDES * 2] = {(double)sides[0].count, missing[0], (double)sides[1].count,
                               missing[1]};
    if (has_missing) p_missing = stat_chi_square(table, SIDES, 2, scratch).p;
    if (sides[0].count > 0 && sides[1].count > 0) {
        ret->distance = ks_distance(&sides[0], &sides[1]);
        ret->p = stat_ks_tail(ret->distance, (double)sides[0].count, (double)sides[1].count);
    }
    ret->test = "ks";
    if (has_missing) ret->p = fmin(1, 2 * fmin(ret->p, p_missing));
}

static kai_status compare_numbers(const struct column *const *columns, const double *missing,
                                  struct shift *ret, kai_err *err) {
    struct sorted sides[SIDES] = {{NULL, 0, NAN}, {NULL, 0, NAN}};
    kai_status st = sort_column(columns[0], &sides[0], err);
    if (!st) st = sort_column(columns[1], &sides[1], err);
    if (!st) compare_sorted(sides, missing, ret);
    mem_free(sides[0].values);
    mem_free(sides[1].values);
    return st;
}

/* The bin of each of the customers' codes: the history's code of that text, or the unseen bin. */
static kai_status map_codes(const struct column *const *columns, int32_t unseen, int32_t **ret_map,
                            kai_err *err) {
    const struct dict *from = columns[1]->dict;
    int32_t *map = mem_array((size_t)from->count, sizeof *map);
    if (!map) return err_memory(err, from->count * (int64_t)sizeof *map);
    for (int32_t c = 0; c < from->count; c++) {
        const char *text = dict_text(from, c);
        int32_t code = dict_find(columns[0]->dict, (struct slice){text, strlen(text)});
        map[c] = code >= 0 ? code : unseen;
    }
    *ret_map = map;
    return KAI_OK;
}

/* Bins: the history's levels, then unseen, then missing. */
static void compare_counts(double *counts, int32_t bins, struct shift *ret) {
    double totals[SIDES] = {0, 0}, apart = 0;
    for (int32_t b = 0; b < SIDES * bins; b++) totals[b / bins] += counts[b];
    for (int32_t b = 0; b < bins; b++)
        apart += fabs(counts[b] / totals[0] - counts[bins + b] / totals[1]);
    ret->distance = apart / 2;
    ret->unseen_share = counts[2 * bins - 2] / totals[1];
    struct stat_test test = stat_chi_square(counts, SIDES, bins, counts + (int64_t)SIDES * bins);
    ret->test = test.name;
    ret->p = test.p;
    int32_t used = 0; /* bins that nobody is in would only add smoothing */
    for (int32_t b = 0; b < bins; b++) {
        if (counts[b] + counts[bins + b] == 0) continue;
        counts[2 * bins + used] = counts[b];
        counts[3 * bins + used++] = counts[bins + b];
    }
    for (int32_t b = 0; b < used; b++) {
        counts[b] = counts[2 * bins + b];
        counts[used + b] = counts[3 * bins + b];
    }
    ret->psi = stability(counts, used);
}

static kai_status compare_levels(const struct column *const *columns, const double *missing,
                                 struct shift *ret, kai_err *err) {
    int is_flag = columns[0]->kind == COLUMN_BOOL;
    int32_t levels = is_flag ? 2 : columns[0]->dict->count, bins = levels + 2;
    int32_t *map = NULL;
    kai_status st = is_flag ? KAI_OK : map_codes(columns, levels, &map, err);
    double *counts = mem_zero((size_t)bins, 4 * sizeof *counts);
    if (!st && !counts) st = err_memory(err, bins * 4 * (int64_t)sizeof *counts);
    for (int s = 0; s < SIDES && !st; s++) {
        for (int64_t row = 0; row < columns[s]->rows; row++) {
            if (!column_is_valid(columns[s], row)) continue;
            int32_t code = is_flag ? columns[s]->as.flags[row] != 0 : columns[s]->as.codes[row];
            counts[s * bins + (s == 1 && map ? map[code] : code)]++;
        }
        counts[s * bins + bins - 1] = missing[s];
    }
    if (!st) compare_counts(counts, bins, ret);
    mem_free(map);
    mem_free(counts);
    return st;
}

static double count_missing(const struct column *column) {
    double missing = 0;
    for (int64_t row = 0; row < column->rows; row++)
        missing += !column_is_valid(column, row) ||
                   (column->kind == COLUMN_F64 && isnan(column->as.f64[row]));
    return missing;
}

static kai_status compare_column(void *user, int64_t item, int32_t worker, kai_err *err) {
    (void)worker;
    struct shift_job *job = user;
    const struct column *columns[SIDES];
    struct shift ret = {.p = 1, .mean_history = NAN, .mean_customers = NAN};
    double missing[SIDES];
    kai_status st = KAI_OK;
    for (int s = 0; s < SIDES && !st; s++) {
        st = table_column(job->tables[s], job->names[item], &columns[s], err);
        if (!st) missing[s] = count_missing(columns[s]);
    }
    if (st) return st;
    ret.column = columns[0]->name;
    ret.missing_history = missing[0] / (double)columns[0]->rows;
    ret.missing_customers = missing[1] / (double)columns[1]->rows;
    if (is_number(columns[0]) && is_number(columns[1]))
        st = compare_numbers(columns, missing, &ret, err);
    else if (columns[0]->kind == columns[1]->kind && columns[0]->kind != COLUMN_TEXT)
        st = compare_levels(columns, missing, &ret, err);
    if (!st) job->shifts[item] = ret;
    return st;
}

kai_status shift_find(const struct table *history, const struct table *customers,
                      const char *const *names, int32_t count, double alpha, struct pool *pool,
                      struct shift *ret_shifts, kai_err *err) {
    if (alpha == 0) alpha = DEFAULT_ALPHA;
    if (history->rows < 1 || customers->rows < 1)
        return err_set(err, KAI_INVALID, "history and customers need rows");
    if (count < 1) return KAI_OK;
    struct shift_job job = {{history, customers}, names, NULL};
    job.shifts = mem_zero((size_t)count, sizeof *job.shifts);
    double *p = mem_zero((size_t)count, 2 * sizeof *p);
    int32_t *order = mem_array((size_t)count, sizeof *order);
    kai_status st = KAI_OK;
    if (!job.shifts || !p || !order) st = err_memory(err, count * (int64_t)sizeof *job.shifts);
    if (!st) st = pool_run(pool, count, compare_column, &job, err);
    if (!st) {
        for (int32_t i = 0; i < count; i++) p[i] = job.shifts[i].p;
        stat_holm(p, count, order, p + count);
        for (int32_t i = 0; i < count; i++) {
            struct shift *shift = &ret_shifts[i];
            *shift = job.shifts[i];
            shift->p_adjusted = p[count + i];
            if (shift->p_adjusted > alpha || shift->psi < PSI_MODERATE) continue;
            shift->size = shift->psi < PSI_LARGE ? SHIFT_MODERATE : SHIFT_LARGE;
        }
    }
    mem_free(job.shifts);
    mem_free(p);
    mem_free(order);
    return st;
}

const char *shift_size_text(enum shift_size size) {
    static const char *const texts[] = {"none", "moderate", "large"};
    return texts[size];
}
