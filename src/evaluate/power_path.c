#include "evaluate/power_path.h"

#include <math.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "evaluate/experiment.h"
#include "evaluate/power.h"
#include "evaluate/sequential.h"

#define PATIENCE 100.0 /* times the size of one look: who has not stopped by then never does */
enum { LOOKS_MAX = 5000 };

struct looks {
    int32_t count;
    double spacing;          /* units */
    int32_t first;           /* the first look with EXPERIMENT_UNITS_MIN units in either arm */
    double bound[LOOKS_MAX]; /* of |z|, by look */
};

/* Looks by `units`, and the width of the interval at each. */
static struct looks *new_looks(const struct power_path *path, double units, kai_err *err) {
    struct looks *looks = mem_zero(1, sizeof *looks);
    if (!looks) {
        kai_status st = err_memory(err, (int64_t)sizeof *looks);
        (void)st; /* NULL says it */
        return NULL;
    }
    double mixture = sequential_mixture(path->horizon > 0 ? path->horizon : path->one_look, 0.05);
    looks->spacing = path->spacing > 0 ? path->spacing : path->one_look / 50;
    looks->spacing = fmax(looks->spacing, units / LOOKS_MAX);
    looks->count = (int32_t)fmin(LOOKS_MAX, floor(units / looks->spacing * (1 + 1e-12)));
    for (int32_t look = 0; look < looks->count; look++) {
        double seen = looks->spacing * (look + 1);
        looks->first += seen * path->smallest < EXPERIMENT_UNITS_MIN;
        looks->bound[look] = sequential_width(seen, mixture, path->level);
    }
    return looks;
}

/* The look at which one path stops, or `count`. */
static int32_t stop_of(const struct looks *looks, double drift, uint64_t seed, int32_t index) {
    struct rng rng;
    double step = drift * looks->spacing, root = sqrt(step), at = 0;
    rng_init(&rng, seed, "power", (uint64_t)index);
    for (int32_t look = 0; look < looks->count; look++) {
        at += step + root * rng_normal(&rng);
        if (look >= looks->first && fabs(at) >= looks->bound[look] * sqrt(step * (look + 1)))
            return look;
    }
    return looks->count;
}

static int order(const void *a, const void *b) {
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* ret_stops: (POWER_PATHS) looks in rising order. */
static kai_status simulate(const struct power_path *path, double units, struct looks **ret_looks,
                           int32_t **ret_stops, kai_err *err) {
    int32_t *stops = mem_array(POWER_PATHS, sizeof *stops);
    struct looks *looks = stops ? new_looks(path, units, err) : NULL;
    if (!looks) {
        mem_free(stops);
        return err_memory(err, (int64_t)sizeof *looks);
    }
    for (int32_t i = 0; i < POWER_PATHS; i++) stops[i] = stop_of(looks, path->drift, path->seed, i);
    qsort(stops, POWER_PATHS, sizeof *stops, order);
    *ret_looks = looks;
    *ret_stops = stops;
    return KAI_OK;
}

kai_status power_path_stop_with(const struct power_path *path, double power,
                                struct power_stops *ret_stops, kai_err *err) {
    struct looks *looks = NULL;
    int32_t *stops = NULL, wanted = (int32_t)ceil(power * POWER_PATHS) - 1;
    double first = EXPERIMENT_UNITS_MIN / path->smallest;
    kai_status st = KAI_OK;
    /* the longest runs are only simulated where the shorter are not enough: looks stay fine */
    for (double patience = 4; patience <= PATIENCE; patience *= 5) {
        st = simulate(path, fmax(first, path->one_look) * patience, &looks, &stops, err);
        if (st) return st;
        int is_enough = stops[wanted] < looks->count;
        if (is_enough) ret_stops->units = looks->spacing * (stops[wanted] + 1);
        mem_free(looks);
        mem_free(stops);
        if (is_enough) return KAI_OK;
    }
    return err_set(err, KAI_INFEASIBLE,
                   "the interval of all looks does not leave 0 with power %.6g within %.0f units",
                   power, path->one_look * PATIENCE / path->pair);
}

kai_status power_path_stop_by(const struct power_path *path, double units,
                              struct power_stops *ret_stops, kai_err *err) {
    struct looks *looks = NULL;
    int32_t *stops = NULL;
    int64_t stopped = 0;
    double sum = 0;
    kai_status st = simulate(path, units, &looks, &stops, err);
    if (st) return st;
    for (int32_t i = 0; i < POWER_PATHS; i++) {
        int is_stopped = stops[i] < looks->count;
        stopped += is_stopped;
        sum += is_stopped ? looks->spacing * (stops[i] + 1) : units;
    }
    *ret_stops = (struct power_stops){units, (double)stopped / POWER_PATHS, sum / POWER_PATHS};
    mem_free(looks);
    mem_free(stops);
    return KAI_OK;
}
