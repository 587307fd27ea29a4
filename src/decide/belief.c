#include "decide/belief.h"

#include <math.h>
#include <string.h>

#include "kernel/cholesky.h"

static int64_t packed(int32_t features) { return (int64_t)features * (features + 1) / 2; }

int64_t belief_numbers(int32_t features) { return 2 * packed(features) + 2 * (int64_t)features; }

void belief_init(struct belief *belief, int32_t features, double ridge, double *numbers) {
    int64_t triangle = packed(features);
    *belief = (struct belief){.features = features,
                              .ridge = ridge,
                              .precision = numbers,
                              .covariance = numbers + triangle,
                              .moment = numbers + 2 * triangle,
                              .weight = numbers + 2 * triangle + features};
    memset(numbers, 0, (size_t)belief_numbers(features) * sizeof *numbers);
    for (int32_t i = 0; i < features; i++) {
        belief->precision[packed(i) + i] = ridge;
        belief->covariance[packed(i) + i] = 1 / ridge;
    }
}

/* sum of a[i] b[i], in four chains that the compiler may run side by side */
static double dot(const double *restrict a, const double *restrict b, int32_t count) {
    double sum[4] = {0};
    int32_t i = 0;
    for (; i + 4 <= count; i += 4)
        for (int32_t k = 0; k < 4; k++) sum[k] += a[i + k] * b[i + k];
    for (; i < count; i++) sum[0] += a[i] * b[i];
    return (sum[0] + sum[1]) + (sum[2] + sum[3]);
}

double belief_predict(const struct belief *belief, const double *x, double *ret_variance) {
    double variance = 0;
    const double *row = belief->covariance;
    for (int32_t i = 0; i < belief->features; row += ++i)
        variance += x[i] * (2 * dot(row, x, i) + row[i] * x[i]);
    *ret_variance = variance > 0 ? variance : 0;
    return dot(belief->weight, x, belief->features);
}

/* ret = H^-1 x */
static void spread(const struct belief *belief, const double *x, double *restrict ret) {
    int32_t features = belief->features;
    memset(ret, 0, (size_t)features * sizeof *ret);
    const double *row = belief->covariance;
    for (int32_t i = 0; i < features; row += ++i) {
        double xi = x[i];
        for (int32_t j = 0; j < i; j++) ret[j] += row[j] * xi;
        ret[i] += dot(row, x, i) + row[i] * xi;
    }
}

/* The covariance and the weights from H and h. 0 where H is not positive definite. */
static int refresh(struct belief *belief, double *scratch) {
    int32_t n = belief->features;
    double *factor = scratch, *column = scratch + (int64_t)n * n;
    for (int32_t i = 0; i < n; i++)
        memcpy(factor + (int64_t)i * n, belief->precision + packed(i),
               (size_t)(i + 1) * sizeof *factor);
    if (cholesky_factor_f64(n, factor, 0) != n) return 0;
    for (int32_t i = 0; i < n; i++) {
        memset(column, 0, (size_t)n * sizeof *column);
        column[i] = 1;
        cholesky_solve_f64(n, factor, column);
        for (int32_t j = i; j < n; j++) belief->covariance[packed(j) + i] = column[j];
    }
    memcpy(belief->weight, belief->moment, (size_t)n * sizeof *belief->weight);
    cholesky_solve_f64(n, factor, belief->weight);
    belief->stale = 0;
    return 1;
}

void belief_discount(struct belief *belief, double factor) {
    if (factor >= 1) return;
    int64_t triangle = packed(belief->features);
    for (int64_t i = 0; i < triangle; i++) {
        belief->precision[i] *= factor;
        belief->covariance[i] /= factor;
    }
    for (int32_t i = 0; i < belief->features; i++) {
        belief->precision[packed(i) + i] += (1 - factor) * belief->ridge;
        belief->moment[i] *= factor;
    }
}

/* H += weight x x', h += weight target x; the covariance and the weights follow. */
static void change(struct belief *belief, const double *x, double weight, double target,
                   double *scratch) {
    int32_t n = belief->features;
    if (weight == 0) return;
    double *row = belief->precision;
    for (int32_t i = 0; i < n; row += ++i) {
        double xi = weight * x[i];
        for (int32_t j = 0; j <= i; j++) row[j] += xi * x[j];
        belief->moment[i] += xi * target;
    }
    belief->updates += weight > 0 ? 1 : -1;
    double *u = scratch;
    spread(belief, x, u);
    double q = dot(x, u, n), divisor = 1 + weight * q;
    /* a removal that leaves next to nothing loses its digits in the rank-one formula */
    int is_exact = ++belief->stale >= n || divisor < 0.1;
    if (is_exact) {
        if (refresh(belief, scratch)) return;
        spread(belief, x, u); /* its memory was taken */
    }
    double step = weight / divisor, miss = target - dot(belief->weight, x, n);
    row = belief->covariance;
    for (int32_t i = 0; i < n; row += ++i) {
        double ui = step * u[i];
        for (int32_t j = 0; j <= i; j++) row[j] -= ui * u[j];
        belief->weight[i] += ui * miss;
    }
}

void belief_add(struct belief *belief, const double *x, struct belief_term term, double *scratch) {
    change(belief, x, term.weight, term.target, scratch);
}

void belief_remove(struct belief *belief, const double *x, struct belief_term term,
                   double *scratch) {
    change(belief, x, -term.weight, term.target, scratch);
}

void belief_merge(struct belief *belief, const struct belief *other, double *scratch) {
    int64_t triangle = packed(belief->features);
    for (int64_t i = 0; i < triangle; i++) belief->precision[i] += other->precision[i];
    for (int32_t i = 0; i < belief->features; i++) {
        belief->precision[packed(i) + i] -= belief->ridge;
        belief->moment[i] += other->moment[i];
    }
    belief->updates += other->updates;
    (void)refresh(belief, scratch); /* a sum of two positive definite matrices above one prior */
}

void belief_print(const struct belief *belief, struct bytes_writer *out) {
    bytes_put_i64(out, belief->updates);
    bytes_put_i64(out, belief->last_tick);
    bytes_put_i32(out, belief->stale);
    bytes_put_f64s(out, belief->precision, belief_numbers(belief->features));
}

void belief_parse(struct belief *belief, struct bytes_reader *in, double *scratch) {
    int64_t updates = bytes_get_i64(in), last_tick = bytes_get_i64(in);
    int32_t stale = bytes_get_i32(in), n = belief->features;
    int64_t numbers = belief_numbers(n);
    bytes_get_f64s(in, belief->precision, numbers);
    int is_good = updates >= 0 && last_tick >= 0 && stale >= 0 && stale < n;
    for (int64_t i = 0; is_good && i < numbers; i++) is_good = isfinite(belief->precision[i]);
    double *factor = scratch;
    for (int32_t i = 0; i < n; i++)
        memcpy(factor + (int64_t)i * n, belief->precision + packed(i),
               (size_t)(i + 1) * sizeof *factor);
    if (!is_good || cholesky_factor_f64(n, factor, 0) != n) bytes_refuse(in);
    belief->updates = updates;
    belief->last_tick = last_tick;
    belief->stale = stale;
}
