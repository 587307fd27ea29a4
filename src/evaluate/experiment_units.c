/* Rows of a metric as units: checked, pulled in, summed by cluster. */
#include "evaluate/experiment_units.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "evaluate/order.h"

static double weight_of(const struct experiment *experiment, int64_t row) {
    return experiment->weight ? experiment->weight[row] : 1;
}

static int is_used(const struct experiment *experiment, const struct experiment_metric *metric,
                   int64_t row) {
    return experiment->arm[row] >= 0 && !isnan(metric->value[row]) &&
           !(metric->per && isnan(metric->per[row])) &&
           !(metric->before && isnan(metric->before[row]));
}

static kai_status check_row(const struct experiment_metric *metric, int64_t row, kai_err *err) {
    double value = metric->value[row];
    const char *wrong = NULL;
    if (isinf(value) || (metric->per && isinf(metric->per[row])) ||
        (metric->before && isinf(metric->before[row])))
        wrong = "the value is infinite";
    else if (metric->kind == METRIC_PROPORTION && value != 0 && value != 1)
        wrong = "a proportion is neither 0 nor 1";
    else if (metric->per && metric->per[row] < 0)
        wrong = "the denominator is negative";
    if (!wrong) return KAI_OK;
    return err_set(err, KAI_INVALID, "metric '%s': row %lld: %s", metric->name, (long long)row + 1,
                   wrong);
}

kai_status units_quantile(const struct experiment *experiment, const double *value,
                          const double *quantiles, int32_t count, int32_t arm, double *ret_values,
                          kai_err *err) {
    int64_t rows = 0;
    double *kept = mem_array((size_t)experiment->rows, sizeof *kept);
    double *weights = mem_array((size_t)experiment->rows, sizeof *weights);
    int64_t *order = mem_array((size_t)experiment->rows, sizeof *order);
    kai_status st = kept && weights && order
                        ? KAI_OK
                        : err_memory(err, experiment->rows * 3 * (int64_t)sizeof *kept);
    double total = 0, passed = 0;
    for (int64_t i = 0; !st && i < experiment->rows; i++) {
        int is_in = arm < 0 ? experiment->arm[i] >= 0 : experiment->arm[i] == arm;
        if (!is_in || isnan(value[i])) continue;
        kept[rows] = value[i];
        weights[rows++] = weight_of(experiment, i);
        total += weight_of(experiment, i);
    }
    if (!st) st = order_rows(kept, rows, 0, order, err);
    int32_t next = 0;
    for (int64_t i = 0; !st && i < rows; i++) {
        passed += weights[order[i]];
        while (next < count && passed >= quantiles[next] * total * (1 - 1e-14))
            ret_values[next++] = kept[order[i]];
    }
    for (; !st && next < count; next++) ret_values[next] = rows ? kept[order[rows - 1]] : NAN;
    mem_free(kept);
    mem_free(weights);
    mem_free(order);
    return st;
}

/* The units of a table without clusters: its rows. */
static void take_row(const struct experiment *experiment, const struct experiment_metric *metric,
                     int64_t row, struct units *units) {
    double y = metric->value[row];
    if (y > units->cap) y = units->cap;
    struct unit one = {.y = y,
                       .d = metric->per ? metric->per[row] : 1,
                       .x = metric->before ? metric->before[row] : 0,
                       .weight = weight_of(experiment, row),
                       .arm = experiment->arm[row]};
    if (!experiment->cluster) {
        units->items[units->count++] = one;
        return;
    }
    struct unit *unit = &units->items[experiment->cluster[row]];
    unit->y += one.weight * one.y;
    unit->d += one.weight * one.d;
    unit->x += one.weight * one.x;
    unit->weight = 1;
    unit->arm = one.arm;
}

static void squeeze(struct units *units) {
    int64_t kept = 0;
    for (int64_t u = 0; u < units->count; u++)
        if (units->items[u].weight > 0) units->items[kept++] = units->items[u];
    units->count = kept;
}

kai_status units_collect(const struct experiment *experiment,
                         const struct experiment_metric *metric, struct units *ret_units,
                         kai_err *err) {
    struct units units = {.cap = INFINITY};
    int64_t room = experiment->cluster ? experiment->clusters : experiment->rows;
    units.items = mem_zero((size_t)room, sizeof *units.items);
    kai_status st = units.items ? KAI_OK : err_memory(err, room * (int64_t)sizeof *units.items);
    if (!st && metric->winsorise > 0)
        st = units_quantile(experiment, metric->value, &metric->winsorise, 1, -1, &units.cap, err);
    for (int64_t i = 0; !st && i < experiment->rows; i++) {
        if (experiment->arm[i] < 0) continue;
        if (!is_used(experiment, metric, i)) {
            units.missing++;
            continue;
        }
        st = check_row(metric, i, err);
        if (!st) take_row(experiment, metric, i, &units);
    }
    if (!st && experiment->cluster) {
        units.count = experiment->clusters;
        squeeze(&units);
    }
    if (st)
        units_release(&units);
    else
        *ret_units = units;
    return st;
}

void units_release(struct units *units) {
    mem_free(units->items);
    *units = (struct units){0};
}

void units_moments(const struct units *units, int32_t arms, struct unit_moments *ret_moments) {
    memset(ret_moments, 0, (size_t)arms * sizeof *ret_moments);
    for (int64_t u = 0; u < units->count; u++) {
        const struct unit *unit = &units->items[u];
        struct unit_moments *m = &ret_moments[unit->arm];
        double w = unit->weight;
        m->n += w;
        double y = unit->y - m->y, d = unit->d - m->d, x = unit->x - m->x, step = w / m->n;
        m->y += step * y;
        m->d += step * d;
        m->x += step * x;
        double rest = w * (1 - step);
        m->yy += rest * y * y;
        m->yd += rest * y * d;
        m->dd += rest * d * d;
        m->yx += rest * y * x;
        m->dx += rest * d * x;
        m->xx += rest * x * x;
    }
}
