#include "decide/proximal.h"

#include <math.h>
#include <string.h>

#include "kernel/cholesky.h"

enum { STEPS_MAX = 80 };
static const double CLOSE = 1e-14, BACK_OFF = 0.995, LIGHT = 1e-9, INSIDE = 1e-3;

/* The unknowns x = (y, v), v above every cut. Rows of constraints A x >= b: first the cuts,
 * v - slope_i . y >= level_i, then the bounds, y_k >= 0. */
struct point {
    const struct proximal *model;
    int32_t rows;           /* cuts + bounded */
    double *x, *dx;         /* (size + 1) */
    double *slack, *dual;   /* (rows) > 0 */
    double *dslack, *ddual; /* (rows) */
    double *primal, *mixed; /* (rows) residuals A x - b - slack; slack dual - target */
    double *right;          /* (size + 1) */
    double *matrix;         /* (size + 1, size + 1) */
};

int64_t proximal_scratch(int32_t size, int32_t bounded, int32_t cuts_max) {
    int64_t n = size + 1, rows = (int64_t)cuts_max + bounded;
    return 3 * n + n * n + 6 * rows;
}

static void lay_out(struct point *point, const struct proximal *model, double *scratch) {
    int64_t n = model->size + 1, rows = model->cuts + model->bounded;
    double **const small[] = {&point->x, &point->dx, &point->right};
    double **const long_ones[] = {&point->slack, &point->dual,   &point->dslack,
                                  &point->ddual, &point->primal, &point->mixed};
    *point = (struct point){.model = model, .rows = (int32_t)rows};
    for (int i = 0; i < 3; i++, scratch += n) *small[i] = scratch;
    for (int i = 0; i < 6; i++, scratch += rows) *long_ones[i] = scratch;
    point->matrix = scratch;
}

static const double *slope_of(const struct point *point, int32_t cut) {
    return point->model->slope + (int64_t)cut * point->model->size;
}

/* Row r of A times a vector (y, v). */
static double row_times(const struct point *point, int32_t row, const double *vector) {
    const struct proximal *model = point->model;
    if (row >= model->cuts) return vector[model->bounded_index[row - model->cuts]];
    const double *slope = slope_of(point, row);
    double sum = vector[model->size];
    for (int32_t k = 0; k < model->size; k++) sum -= slope[k] * vector[k];
    return sum;
}

/* out += factor x row r of A. */
static void add_row(const struct point *point, int32_t row, double factor, double *out) {
    const struct proximal *model = point->model;
    if (row >= model->cuts) {
        out[model->bounded_index[row - model->cuts]] += factor;
        return;
    }
    const double *slope = slope_of(point, row);
    for (int32_t k = 0; k < model->size; k++) out[k] -= factor * slope[k];
    out[model->size] += factor;
}

static double bound_of(const struct point *point, int32_t row) {
    return row < point->model->cuts ? point->model->level[row] : 0;
}

/* A start inside: a little above every cut and every bound. */
static void begin(struct point *point) {
    const struct proximal *model = point->model;
    double high = -INFINITY, spread = 0;
    memcpy(point->x, model->centre, (size_t)model->size * sizeof *point->x);
    for (int32_t i = 0; i < model->bounded; i++) {
        double *x = &point->x[model->bounded_index[i]];
        if (*x < INSIDE) *x = INSIDE;
    }
    point->x[model->size] = 0;
    for (int32_t i = 0; i < model->cuts; i++) {
        double height = model->level[i] - row_times(point, i, point->x);
        if (height > high) high = height;
        for (int32_t k = 0; k < model->size; k++)
            spread = fmax(spread, fabs(slope_of(point, i)[k]));
    }
    double margin = model->step * spread * spread;
    point->x[model->size] = high + (margin > 0 ? margin : 1);
    for (int32_t r = 0; r < point->rows; r++) {
        point->slack[r] = row_times(point, r, point->x) - bound_of(point, r);
        point->dual[r] = 1.0 / model->cuts;
    }
}

static double residuals(struct point *point) {
    double product = 0;
    for (int32_t r = 0; r < point->rows; r++) {
        point->primal[r] = row_times(point, r, point->x) - bound_of(point, r) - point->slack[r];
        product += point->slack[r] * point->dual[r];
    }
    return product / point->rows;
}

/* One Newton direction for the residuals that stand in the point. 0 where the matrix fails. */
static int direct(struct point *point) {
    const struct proximal *model = point->model;
    int32_t n = model->size + 1;
    memset(point->matrix, 0, (size_t)n * (size_t)n * sizeof *point->matrix);
    for (int32_t k = 0; k < n; k++) { /* minus the gradient of the Lagrangian */
        int is_height = k == model->size;
        point->right[k] = is_height ? -1 : -(point->x[k] - model->centre[k]) / model->step;
        point->matrix[k * n + k] = is_height ? 0 : 1 / model->step;
    }
    for (int32_t r = 0; r < point->rows; r++) {
        double weight = point->dual[r] / point->slack[r];
        double pull =
            point->dual[r] - point->mixed[r] / point->slack[r] - weight * point->primal[r];
        add_row(point, r, pull, point->right);
        if (r >= model->cuts) {
            int32_t k = model->bounded_index[r - model->cuts];
            point->matrix[k * n + k] += weight;
            continue;
        }
        const double *slope = slope_of(point, r);
        for (int32_t k = 0; k < model->size; k++) {
            double part = weight * slope[k];
            for (int32_t l = k; l < model->size; l++) point->matrix[k * n + l] += part * slope[l];
            point->matrix[k * n + model->size] -= part;
        }
        point->matrix[model->size * n + model->size] += weight;
    }
    memcpy(point->dx, point->right, (size_t)n * sizeof *point->dx);
    if (!cholesky_solve_once_f64(n, point->matrix, point->dx)) return 0;
    for (int32_t r = 0; r < point->rows; r++) {
        point->dslack[r] = row_times(point, r, point->dx) + point->primal[r];
        point->ddual[r] = -(point->mixed[r] + point->dual[r] * point->dslack[r]) / point->slack[r];
    }
    return 1;
}

/* How far slack and dual stay positive, at most 1. */
static double room(const struct point *point) {
    double share = 1;
    for (int32_t r = 0; r < point->rows; r++) {
        if (point->dslack[r] < 0)
            share = fmin(share, -BACK_OFF * point->slack[r] / point->dslack[r]);
        if (point->ddual[r] < 0) share = fmin(share, -BACK_OFF * point->dual[r] / point->ddual[r]);
    }
    return share;
}

/* The predictor says how much of the product can go; the corrector takes it out, and what the
 * predictor left of second order. */
static int advance(struct point *point, double mean) {
    double after = 0;
    for (int32_t r = 0; r < point->rows; r++) point->mixed[r] = point->slack[r] * point->dual[r];
    if (!direct(point)) return 0;
    double share = room(point);
    for (int32_t r = 0; r < point->rows; r++)
        after += (point->slack[r] + share * point->dslack[r]) *
                 (point->dual[r] + share * point->ddual[r]);
    double ratio = after / point->rows / mean, target = ratio * ratio * ratio * mean;
    for (int32_t r = 0; r < point->rows; r++)
        point->mixed[r] += point->dslack[r] * point->ddual[r] - target;
    if (!direct(point)) return 0;
    share = room(point);
    for (int32_t k = 0; k <= point->model->size; k++) point->x[k] += share * point->dx[k];
    for (int32_t r = 0; r < point->rows; r++) {
        point->slack[r] += share * point->dslack[r];
        point->dual[r] += share * point->ddual[r];
    }
    return 1;
}

double proximal_solve(const struct proximal *model, double *scratch, double *ret_point,
                      double *ret_weight) {
    struct point point;
    double sum = 0, height = -INFINITY;
    lay_out(&point, model, scratch);
    begin(&point);
    for (int step = 0; step < STEPS_MAX; step++) {
        double mean = residuals(&point);
        if (mean <= CLOSE * (1 + fabs(point.x[model->size])) || !advance(&point, mean)) break;
    }
    memcpy(ret_point, point.x, (size_t)model->size * sizeof *ret_point);
    for (int32_t i = 0; i < model->bounded; i++) {
        double *y = &ret_point[model->bounded_index[i]];
        if (*y < 0) *y = 0;
    }
    for (int32_t i = 0; i < model->cuts; i++) {
        const double *slope = slope_of(&point, i);
        double cut = model->level[i];
        for (int32_t k = 0; k < model->size; k++) cut += slope[k] * ret_point[k];
        height = fmax(height, cut);
        ret_weight[i] = point.dual[i] < LIGHT ? 0 : point.dual[i];
        sum += ret_weight[i];
    }
    for (int32_t i = 0; i < model->cuts; i++) ret_weight[i] /= sum > 0 ? sum : 1;
    return height;
}
