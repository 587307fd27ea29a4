#include <math.h>

#include "kernel/variants.h"

static const double epsilon = 1e-6;

static double sigmoid(double x) { return 1 / (1 + exp(-x)); }
static double silu(double x) { return x * sigmoid(x); }
static double silu_slope(double x) { return sigmoid(x) * (1 + x * (1 - sigmoid(x))); }

void silu_forward_f32_ref(int64_t count, const float *x, float *y) {
    for (int64_t i = 0; i < count; i++) y[i] = (float)silu((double)x[i]);
}

void silu_backward_f32_ref(int64_t count, const float *x, const float *dy, float *dx) {
    for (int64_t i = 0; i < count; i++) dx[i] = (float)((double)dy[i] * silu_slope((double)x[i]));
}

void glu_forward_f32_ref(const struct glu *glu, float *restrict y) {
    for (int64_t r = 0; r < glu->rows; r++)
        for (int64_t i = 0; i < glu->width; i++) {
            double a = (double)glu->a[r * glu->a_row + i], b = (double)glu->b[r * glu->b_row + i];
            y[r * glu->width + i] = (float)(silu(a) * b);
        }
}

void glu_backward_f32_ref(const struct glu *glu, const float *restrict dy, float *restrict da,
                          int64_t da_row, float *restrict db, int64_t db_row) {
    for (int64_t r = 0; r < glu->rows; r++)
        for (int64_t i = 0; i < glu->width; i++) {
            double a = (double)glu->a[r * glu->a_row + i], b = (double)glu->b[r * glu->b_row + i];
            double slope = (double)dy[r * glu->width + i];
            da[r * da_row + i] = (float)(slope * b * silu_slope(a));
            db[r * db_row + i] = (float)(slope * silu(a));
        }
}

void norm_forward_f32_ref(int64_t rows, int64_t width, const float *x, float *y,
                          float *ret_inverse) {
    for (int64_t r = 0; r < rows; r++, x += width, y += width) {
        double square = 0;
        for (int64_t i = 0; i < width; i++) square += (double)x[i] * (double)x[i];
        double inverse = 1 / sqrt(square / (double)width + epsilon);
        for (int64_t i = 0; i < width; i++) y[i] = (float)((double)x[i] * inverse);
        ret_inverse[r] = (float)inverse;
    }
}

void norm_backward_f32_ref(int64_t rows, int64_t width, const float *y, const float *inverse,
                           const float *dy, int is_added, float *dx) {
    for (int64_t r = 0; r < rows; r++, y += width, dy += width, dx += width) {
        double mean = 0;
        for (int64_t i = 0; i < width; i++) mean += (double)dy[i] * (double)y[i];
        mean /= (double)width;
        for (int64_t i = 0; i < width; i++) {
            double slope = (double)inverse[r] * ((double)dy[i] - (double)y[i] * mean);
            dx[i] = (float)(is_added ? (double)dx[i] + slope : slope);
        }
    }
}

static double biased(double gain, const float *s, const float *bias, int64_t i) {
    return gain * (double)s[i] + (bias ? (double)bias[i] : 0);
}

static void soften(int64_t count, double gain, const float *bias, float *s) {
    double top = -INFINITY, sum = 0;
    for (int64_t i = 0; i < count; i++) top = fmax(top, biased(gain, s, bias, i));
    for (int64_t i = 0; i < count; i++) sum += exp(biased(gain, s, bias, i) - top);
    for (int64_t i = 0; i < count; i++) s[i] = (float)(exp(biased(gain, s, bias, i) - top) / sum);
}

void weigh_forward_f32_ref(enum weigh kind, int64_t count, float gain, const float *bias,
                           float *s) {
    if (kind == WEIGH_SOFTMAX)
        soften(count, (double)gain, bias, s);
    else
        for (int64_t i = 0; i < count; i++)
            s[i] = (float)((double)gain * silu(biased(1, s, bias, i)));
}

void weigh_backward_f32_ref(enum weigh kind, int64_t count, float gain, const float *bias, float *s,
                            float *ds) {
    if (kind == WEIGH_SOFTMAX) {
        soften(count, (double)gain, bias, s);
        double dot = 0;
        for (int64_t i = 0; i < count; i++) dot += (double)s[i] * (double)ds[i];
        for (int64_t i = 0; i < count; i++) ds[i] = (float)((double)s[i] * ((double)ds[i] - dot));
        return;
    }
    for (int64_t i = 0; i < count; i++) {
        double x = biased(1, s, bias, i);
        s[i] = (float)((double)gain * silu(x));
        ds[i] = (float)((double)ds[i] * (double)gain * silu_slope(x));
    }
}

double exp_sum_f32_ref(int64_t count, float scale, float shift, float *x) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) {
        x[i] = (float)exp((double)scale * (double)x[i] - (double)shift);
        sum += (double)x[i];
    }
    return sum;
}

void drop_f32_ref(int64_t count, const uint8_t *restrict noise, int32_t threshold, float gain,
                  float *restrict x) {
    for (int64_t i = 0; i < count; i++) x[i] = noise[i] < threshold ? 0 : gain * x[i];
}

void add_f32_ref(int64_t count, const float *restrict x, float *restrict y) {
    for (int64_t i = 0; i < count; i++) y[i] += x[i];
}
