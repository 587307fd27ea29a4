#include "decide/bundle_method.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "decide/proximal.h"

enum { CUTS = 96 };
static const double DESCENT_SHARE = 0.1, GOOD_SHARE = 0.5;

/* All vectors in scaled variables y = x / scale. */
struct search {
    const struct bundle_method *method;
    int32_t size, cut_count;
    double *slope;      /* (CUTS, size) */
    double level[CUTS]; /* cut_i(y) = level_i + slope_i . y */
    double weight[CUTS];
    double at[CUTS]; /* cut_i at the trial point */
    double *centre, *trial, *gradient, *point;
    double centre_value;
    double step;     /* 1 / proximity */
    double *scratch; /* of the quadratic problem */
    double *memory;  /* owned; all of the above */
};

static kai_status init_search(struct search *search, const struct bundle_method *method,
                              kai_err *err) {
    *search = (struct search){.method = method, .size = method->size, .step = 1};
    size_t n = (size_t)method->size;
    size_t scratch = (size_t)proximal_scratch(method->size, method->bounded, CUTS);
    size_t cells = (CUTS + 4) * n + scratch;
    search->memory = mem_zero(cells, sizeof(double));
    if (!search->memory) return err_memory(err, (int64_t)(cells * sizeof(double)));
    search->slope = search->memory;
    search->centre = search->memory + CUTS * n;
    search->trial = search->centre + n;
    search->gradient = search->trial + n;
    search->point = search->gradient + n;
    search->scratch = search->point + n;
    return KAI_OK;
}

static double dot(const double *a, const double *b, int32_t n) {
    double sum = 0;
    for (int32_t i = 0; i < n; i++) sum += a[i] * b[i];
    return sum;
}

/* The proximal step: weights, trial point, every cut there; returns the height of the model. */
static double solve_model(struct search *search) {
    const struct proximal model = {.size = search->size,
                                   .bounded = search->method->bounded,
                                   .bounded_index = search->method->bounded_index,
                                   .cuts = search->cut_count,
                                   .slope = search->slope,
                                   .level = search->level,
                                   .centre = search->centre,
                                   .step = search->step};
    double height = proximal_solve(&model, search->scratch, search->trial, search->weight);
    for (int32_t i = 0; i < search->cut_count; i++)
        search->at[i] = search->level[i] + dot(search->slope + (size_t)i * (size_t)search->size,
                                               search->trial, search->size);
    return height;
}

static void set_cut(struct search *search, int32_t index, double value, const double *y,
                    const double *gradient) {
    double *slope = search->slope + (size_t)index * (size_t)search->size;
    memcpy(slope, gradient, (size_t)search->size * sizeof *slope);
    search->level[index] = value - dot(gradient, y, search->size);
    search->weight[index] = 0;
}

/* Room for a cut: a free place, else the lowest unused cut, else the two lightest are merged (a
 * convex combination of cuts is a cut). */
static int32_t make_room(struct search *search) {
    if (search->cut_count < CUTS) return search->cut_count++;
    int32_t unused = -1, light = -1, lighter = -1;
    for (int32_t i = 0; i < CUTS; i++) {
        if (search->weight[i] == 0 && (unused < 0 || search->at[i] < search->at[unused]))
            unused = i;
        if (lighter < 0 || search->weight[i] < search->weight[lighter]) {
            light = lighter;
            lighter = i;
        } else if (light < 0 || search->weight[i] < search->weight[light]) {
            light = i;
        }
    }
    if (unused >= 0) return unused;
    double total = search->weight[light] + search->weight[lighter];
    double share = search->weight[lighter] / total;
    double *kept = search->slope + (size_t)light * (size_t)search->size;
    const double *gone = search->slope + (size_t)lighter * (size_t)search->size;
    for (int32_t v = 0; v < search->size; v++) kept[v] += share * (gone[v] - kept[v]);
    search->level[light] += share * (search->level[lighter] - search->level[light]);
    search->weight[light] = total;
    return lighter;
}

/* Target and gradient at scaled y. */
static kai_status evaluate(struct search *search, bundle_method_fn fn, void *user, const double *y,
                           double *ret_value, kai_err *err) {
    const double *scale = search->method->scale;
    for (int32_t v = 0; v < search->size; v++) search->point[v] = y[v] * scale[v];
    kai_status st = fn(user, search->point, ret_value, search->gradient, err);
    for (int32_t v = 0; !st && v < search->size; v++) search->gradient[v] *= scale[v];
    return st;
}

static kai_status descend(struct search *search, bundle_method_fn fn, void *user,
                          int32_t *evaluations, kai_err *err) {
    const struct bundle_method *method = search->method;
    kai_status st = KAI_OK;
    int32_t short_steps = 0;
    for (*evaluations = 1; !st && *evaluations < method->evaluations_max; ++*evaluations) {
        double promised = search->centre_value - solve_model(search);
        if (promised <= method->tolerance * (fabs(search->centre_value) + 1e-12)) break;
        double value;
        st = evaluate(search, fn, user, search->trial, &value, err);
        if (st) break;
        double gained = search->centre_value - value;
        set_cut(search, make_room(search), value, search->trial, search->gradient);
        if (gained >= DESCENT_SHARE * promised) {
            memcpy(search->centre, search->trial, (size_t)search->size * sizeof *search->centre);
            search->centre_value = value;
            if (gained >= GOOD_SHARE * promised) search->step *= 2;
            short_steps = 0;
        } else if (++short_steps % 4 == 0) {
            search->step *= 0.5;
        }
    }
    return st;
}

kai_status bundle_method_minimise(const struct bundle_method *method, bundle_method_fn fn,
                                  void *user, double *x, double *ret_value,
                                  int32_t *ret_evaluations, kai_err *err) {
    struct search search;
    kai_status st = init_search(&search, method, err);
    if (st) return st;
    for (int32_t v = 0; v < method->size; v++) search.centre[v] = x[v] / method->scale[v];
    st = evaluate(&search, fn, user, search.centre, &search.centre_value, err);
    if (!st) {
        set_cut(&search, make_room(&search), search.centre_value, search.centre, search.gradient);
        search.weight[0] = 1;
        double steep = sqrt(dot(search.gradient, search.gradient, search.size));
        search.step = steep > 0 ? method->reach / steep : method->reach;
        st = descend(&search, fn, user, ret_evaluations, err);
    }
    if (!st) {
        for (int32_t v = 0; v < method->size; v++) x[v] = search.centre[v] * method->scale[v];
        *ret_value = search.centre_value;
    }
    mem_free(search.memory);
    return st;
}
