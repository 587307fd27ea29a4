#include "learn/effect_ridge.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "kernel/cholesky.h"

/* ---- design ---- */

static float raw_value(const struct effect_term *term, float value) {
    if (term->level == -2) return isnan(value) ? 1.0f : 0.0f;
    if (term->level >= 0) return value == (float)term->level ? 1.0f : 0.0f;
    return isnan(value) ? term->mean : value;
}

static float term_value(const struct effect_term *term, float value) {
    float z = (raw_value(term, value) - term->mean) / term->deviation;
    return z > 4 ? 4 : z < -4 ? -4 : z;
}

/* Set mean and deviation over the rows that are there; 0 where the term is constant. */
static int measure_term(const struct matrix *features, const int64_t *row_ids, int64_t row_count,
                        struct effect_term *term) {
    const float *values = matrix_column(features, term->feature);
    double sum = 0, sum2 = 0, count = 0;
    for (int64_t i = 0; i < row_count; i++) {
        float value = values[row_ids ? row_ids[i] : i];
        if (term->level == -1 && !isfinite(value)) continue;
        double x = (double)raw_value(term, value);
        sum += x;
        sum2 += x * x;
        count += 1;
    }
    if (count < 2) return 0;
    double mean = sum / count, variance = sum2 / count - mean * mean;
    term->mean = (float)mean;
    term->deviation = (float)sqrt(fmax(variance, 0));
    return term->deviation > 1e-6f * (1 + fabsf(term->mean));
}

void effect_design_fit(const struct matrix *features, const int64_t *row_ids, int64_t row_count,
                       struct effect_design *ret_design) {
    struct effect_design *design = ret_design;
    memset(design, 0, sizeof *design);
    for (int32_t c = 0; c < features->columns; c++) {
        int32_t levels = features->info[c].cardinality;
        if (levels > EFFECT_DESIGN_LEVELS) continue;
        for (int32_t level = -2; level < levels; level++) {
            struct effect_term term = {.feature = c, .level = level};
            if (level == -1 && levels > 0) continue;
            if (design->count == EFFECT_DESIGN_MAX) return;
            if (measure_term(features, row_ids, row_count, &term))
                design->term[design->count++] = term;
        }
    }
}

void effect_design_row(const struct effect_design *design, const struct matrix *features,
                       int64_t row, float *ret_values) {
    for (int32_t t = 0; t < design->count; t++) {
        const struct effect_term *term = &design->term[t];
        float value = matrix_column(features, term->feature)[row];
        ret_values[t] = term_value(term, isinf(value) ? NAN : value);
    }
}

/* ---- normal equations ---- */

struct normal {
    int32_t size;
    double *gram;                                 /* owned; (size, size), lower triangle */
    double *factor;                               /* owned; the same with the penalty, factored */
    double *right, *solution, *inverse, *scratch; /* owned; (size) */
    double means[EFFECT_DESIGN_MAX], target_mean, target_square, weight;
};

static void normal_release(struct normal *normal) {
    mem_free(normal->gram);
    mem_free(normal->factor);
    mem_free(normal->right);
    mem_free(normal->solution);
    mem_free(normal->inverse);
    mem_free(normal->scratch);
}

static kai_status normal_init(struct normal *normal, int32_t size, kai_err *err) {
    size_t n = (size_t)(size ? size : 1);
    memset(normal, 0, sizeof *normal);
    normal->size = size;
    normal->gram = mem_zero(n * n, sizeof(double));
    normal->factor = mem_zero(n * n, sizeof(double));
    normal->right = mem_zero(n, sizeof(double));
    normal->solution = mem_zero(n, sizeof(double));
    normal->inverse = mem_zero(n, sizeof(double));
    normal->scratch = mem_zero(n, sizeof(double));
    if (normal->gram && normal->factor && normal->right && normal->solution && normal->inverse &&
        normal->scratch)
        return KAI_OK;
    return err_memory(err, (int64_t)(2 * n * n * sizeof(double)));
}

static void normal_add(struct normal *normal, const float *values, double target, double weight) {
    normal->weight += weight;
    normal->target_mean += weight * target;
    normal->target_square += weight * target * target;
    for (int32_t a = 0; a < normal->size; a++) {
        double wx = weight * (double)values[a];
        double *row = normal->gram + (int64_t)a * normal->size;
        normal->means[a] += wx;
        normal->right[a] += wx * target;
        for (int32_t b = 0; b <= a; b++) row[b] += wx * (double)values[b];
    }
}

/* From sums to moments around the means. */
static void normal_centre(struct normal *normal) {
    double total = normal->weight > 0 ? normal->weight : 1;
    normal->target_mean /= total;
    normal->target_square -= total * normal->target_mean * normal->target_mean;
    for (int32_t a = 0; a < normal->size; a++) normal->means[a] /= total;
    for (int32_t a = 0; a < normal->size; a++) {
        normal->right[a] -= total * normal->means[a] * normal->target_mean;
        for (int32_t b = 0; b <= a; b++)
            normal->gram[(int64_t)a * normal->size + b] -=
                total * normal->means[a] * normal->means[b];
    }
}

/* Solve with a penalty; returns the generalised cross-validation score, infinite where it fails. */
static double normal_solve(struct normal *normal, double penalty, double rows) {
    int32_t n = normal->size;
    memcpy(normal->factor, normal->gram, (size_t)n * (size_t)n * sizeof(double));
    for (int32_t a = 0; a < n; a++) normal->factor[(int64_t)a * n + a] += penalty;
    if (cholesky_factor_f64(n, normal->factor, 0) != n) return INFINITY;
    memcpy(normal->solution, normal->right, (size_t)n * sizeof(double));
    cholesky_solve_f64(n, normal->factor, normal->solution);
    cholesky_inverse_diagonal_f64(n, normal->factor, normal->scratch, normal->inverse);
    /* residual sum of squares = y'y - b'(X'y) - penalty b'b */
    double explained = 0, trace = n;
    for (int32_t a = 0; a < n; a++) {
        double b = normal->solution[a];
        explained += b * normal->right[a] + penalty * b * b;
        trace -= penalty * normal->inverse[a];
    }
    double free = 1 - (trace + 1) / rows;
    if (free <= 0) return INFINITY;
    return fmax(normal->target_square - explained, 0) / (free * free);
}

kai_status effect_ridge_fit(const struct effect_design *design, const float *design_rows,
                            const int32_t *positions, int64_t count, const float *target,
                            const float *weight, struct effect_ridge **ret_ridge, kai_err *err) {
    static const double SHARES[] = {1e-4, 1e-3, 1e-2, 0.03, 0.1, 0.3, 1, 3, 10, 100, 1e6};
    struct normal normal;
    struct effect_ridge *ridge = mem_zero(1, sizeof *ridge);
    kai_status st = normal_init(&normal, design->count, err);
    if (!st && !ridge) st = err_memory(err, sizeof *ridge);
    if (!st) {
        for (int64_t i = 0; i < count; i++)
            normal_add(&normal, design_rows + (int64_t)positions[i] * design->count,
                       (double)target[i], weight ? (double)weight[i] : 1);
        normal_centre(&normal);
        double best = INFINITY;
        ridge->design = *design;
        ridge->start = normal.target_mean;
        for (size_t s = 0; s < sizeof SHARES / sizeof SHARES[0]; s++) {
            double gcv = normal_solve(&normal, SHARES[s] * normal.weight, (double)count);
            if (!(gcv < best)) continue;
            best = gcv;
            ridge->start = normal.target_mean;
            for (int32_t a = 0; a < design->count; a++) {
                ridge->weight[a] = normal.solution[a];
                ridge->start -= normal.solution[a] * normal.means[a];
            }
        }
        *ret_ridge = ridge;
    } else {
        mem_free(ridge);
    }
    normal_release(&normal);
    return st;
}

void effect_ridge_free(struct effect_ridge *ridge) { mem_free(ridge); }

double effect_ridge_value(const struct effect_ridge *ridge, const float *values) {
    double sum = ridge->start;
    for (int32_t t = 0; t < ridge->design.count; t++) sum += ridge->weight[t] * (double)values[t];
    return sum;
}

/* ---- bytes ---- */

void effect_ridge_save(const struct effect_ridge *ridge, struct bytes_writer *writer) {
    bytes_put_i64(writer, ridge->design.count);
    for (int32_t t = 0; t < ridge->design.count; t++) {
        const struct effect_term *term = &ridge->design.term[t];
        bytes_put_i32(writer, term->feature);
        bytes_put_i32(writer, term->level);
        bytes_put_f32(writer, term->mean);
        bytes_put_f32(writer, term->deviation);
    }
    bytes_put_f64(writer, ridge->start);
    bytes_put_f64s(writer, ridge->weight, ridge->design.count);
}

kai_status effect_ridge_load(struct bytes_reader *reader, int32_t columns,
                             struct effect_ridge **ret_ridge, kai_err *err) {
    struct effect_ridge *ridge = mem_zero(1, sizeof *ridge);
    if (!ridge) return err_memory(err, sizeof *ridge);
    ridge->design.count = (int32_t)bytes_get_count(reader, EFFECT_DESIGN_MAX, 24);
    for (int32_t t = 0; t < ridge->design.count; t++) {
        struct effect_term *term = &ridge->design.term[t];
        term->feature = bytes_get_i32(reader);
        term->level = bytes_get_i32(reader);
        term->mean = bytes_get_f32(reader);
        term->deviation = bytes_get_f32(reader);
        if (term->feature < 0 || term->feature >= columns || term->level < -2 ||
            !isfinite(term->mean) || !(term->deviation > 0) || !isfinite(term->deviation))
            bytes_refuse(reader);
    }
    ridge->start = bytes_get_f64(reader);
    bytes_get_f64s(reader, ridge->weight, ridge->design.count);
    for (int32_t t = 0; t < ridge->design.count; t++)
        if (!isfinite(ridge->weight[t])) bytes_refuse(reader);
    if (!isfinite(ridge->start)) bytes_refuse(reader);
    kai_status st = bytes_done(reader, err);
    if (st) {
        mem_free(ridge);
        return st;
    }
    *ret_ridge = ridge;
    return KAI_OK;
}
