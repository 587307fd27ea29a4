/* Eight lanes at a time; what is left over goes through one padded vector, so that every element is
 * computed by the same instructions wherever it lies. */
#include <immintrin.h>
#include <math.h>
#include <string.h>

#include "kernel/variants.h"

enum { LANES = 8 };

/* e^x: x = n ln 2 + r, |r| <= ln 2 / 2, and seven terms of the series of e^r (the rest is below
 * 6e-9); ln 2 in two parts after Cody and Waite. */
static inline __m256 exp8(__m256 x) {
    x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87.0f)), _mm256_set1_ps(88.0f));
    __m256 n = _mm256_round_ps(_mm256_mul_ps(x, _mm256_set1_ps(1.44269504f)),
                               _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    __m256 r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693359375f), x);
    r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.12194440e-4f), r);
    __m256 p = _mm256_set1_ps(1.0f / 5040);
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 720));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 120));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 24));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f / 6));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(0.5f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(1.0f));
    __m256i power = _mm256_slli_epi32(_mm256_cvtps_epi32(n), 23);
    return _mm256_castsi256_ps(_mm256_add_epi32(_mm256_castps_si256(p), power));
}

static inline __m256 sigmoid8(__m256 x) {
    const __m256 one = _mm256_set1_ps(1.0f);
    __m256 e = exp8(_mm256_sub_ps(_mm256_setzero_ps(), x));
    return _mm256_div_ps(one, _mm256_add_ps(one, e));
}

/* silu(x) and its slope, which share the sigmoid */
static inline __m256 silu8(__m256 x, __m256 *ret_slope) {
    __m256 s = sigmoid8(x), y = _mm256_mul_ps(x, s);
    *ret_slope = _mm256_fmadd_ps(y, _mm256_sub_ps(_mm256_set1_ps(1.0f), s), s);
    return y;
}

static inline float sum8(__m256 v) {
    __m128 half = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
    half = _mm_add_ps(half, _mm_movehl_ps(half, half));
    return _mm_cvtss_f32(_mm_add_ss(half, _mm_movehdup_ps(half)));
}

static inline __m256i lanes_of(int64_t left) {
    const __m256i lane = _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7);
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(left < LANES ? (int)left : LANES), lane);
}

/* The whole vectors go without masks; `i` runs over both. */
static inline __m256 load(const float *at, int64_t left) {
    return left >= LANES ? _mm256_loadu_ps(at) : _mm256_maskload_ps(at, lanes_of(left));
}

static inline void store(float *at, int64_t left, __m256 value) {
    if (left >= LANES)
        _mm256_storeu_ps(at, value);
    else
        _mm256_maskstore_ps(at, lanes_of(left), value);
}

void silu_forward_f32_avx2(int64_t count, const float *x, float *y) {
    __m256 slope;
    for (int64_t i = 0; i < count; i += LANES)
        store(y + i, count - i, silu8(load(x + i, count - i), &slope));
}

void silu_backward_f32_avx2(int64_t count, const float *x, const float *dy, float *dx) {
    for (int64_t i = 0; i < count; i += LANES) {
        __m256 slope;
        (void)silu8(load(x + i, count - i), &slope);
        store(dx + i, count - i, _mm256_mul_ps(load(dy + i, count - i), slope));
    }
}

void glu_forward_f32_avx2(const struct glu *glu, float *restrict y) {
    __m256 slope;
    for (int64_t r = 0; r < glu->rows; r++, y += glu->width) {
        const float *a = glu->a + r * glu->a_row, *b = glu->b + r * glu->b_row;
        for (int64_t i = 0; i < glu->width; i += LANES) {
            int64_t left = glu->width - i;
            store(y + i, left, _mm256_mul_ps(silu8(load(a + i, left), &slope), load(b + i, left)));
        }
    }
}

void glu_backward_f32_avx2(const struct glu *glu, const float *restrict dy, float *restrict da,
                           int64_t da_row, float *restrict db, int64_t db_row) {
    for (int64_t r = 0; r < glu->rows; r++, dy += glu->width, da += da_row, db += db_row) {
        const float *a = glu->a + r * glu->a_row, *b = glu->b + r * glu->b_row;
        for (int64_t i = 0; i < glu->width; i += LANES) {
            int64_t left = glu->width - i;
            __m256 slope, y = silu8(load(a + i, left), &slope), d = load(dy + i, left);
            __m256 gate = _mm256_mul_ps(d, load(b + i, left));
            store(da + i, left, _mm256_mul_ps(gate, slope));
            store(db + i, left, _mm256_mul_ps(d, y));
        }
    }
}

static inline float dot(int64_t count, const float *x, const float *y) {
    __m256 sum = _mm256_setzero_ps();
    for (int64_t i = 0; i < count; i += LANES)
        sum = _mm256_fmadd_ps(load(x + i, count - i), load(y + i, count - i), sum);
    return sum8(sum);
}

void norm_forward_f32_avx2(int64_t rows, int64_t width, const float *x, float *y,
                           float *ret_inverse) {
    for (int64_t r = 0; r < rows; r++, x += width, y += width) {
        float inverse = 1 / sqrtf(dot(width, x, x) / (float)width + 1e-6f);
        for (int64_t i = 0; i < width; i += LANES)
            store(y + i, width - i, _mm256_mul_ps(load(x + i, width - i), _mm256_set1_ps(inverse)));
        ret_inverse[r] = inverse;
    }
}

void norm_backward_f32_avx2(int64_t rows, int64_t width, const float *y, const float *inverse,
                            const float *dy, int is_added, float *dx) {
    for (int64_t r = 0; r < rows; r++, y += width, dy += width, dx += width) {
        __m256 mean = _mm256_set1_ps(dot(width, dy, y) / (float)width);
        __m256 scale = _mm256_set1_ps(inverse[r]);
        for (int64_t i = 0; i < width; i += LANES) {
            int64_t left = width - i;
            __m256 slope = _mm256_fnmadd_ps(load(y + i, left), mean, load(dy + i, left));
            __m256 start = is_added ? load(dx + i, left) : _mm256_setzero_ps();
            store(dx + i, left, _mm256_fmadd_ps(scale, slope, start));
        }
    }
}

static inline __m256 bias8(const float *bias, int64_t i, int64_t left) {
    return bias ? load(bias + i, left) : _mm256_setzero_ps();
}

static void soften(int64_t count, float gain, const float *bias, float *s) {
    __m256 top = _mm256_set1_ps(-INFINITY), sum = _mm256_setzero_ps(), by = _mm256_set1_ps(gain);
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t left = count - i;
        __m256 x = _mm256_fmadd_ps(by, load(s + i, left), bias8(bias, i, left));
        store(s + i, left, x);
        __m256 kept = _mm256_blendv_ps(top, x, _mm256_castsi256_ps(lanes_of(left)));
        top = _mm256_max_ps(top, kept);
    }
    float lane[LANES];
    _mm256_storeu_ps(lane, top);
    for (int i = 1; i < LANES; i++) lane[0] = lane[i] > lane[0] ? lane[i] : lane[0];
    top = _mm256_set1_ps(lane[0]);
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t left = count - i;
        __m256 e = exp8(_mm256_sub_ps(load(s + i, left), top));
        store(s + i, left, e);
        sum = _mm256_add_ps(sum, _mm256_and_ps(e, _mm256_castsi256_ps(lanes_of(left))));
    }
    by = _mm256_set1_ps(1 / sum8(sum));
    for (int64_t i = 0; i < count; i += LANES)
        store(s + i, count - i, _mm256_mul_ps(load(s + i, count - i), by));
}

void weigh_forward_f32_avx2(enum weigh kind, int64_t count, float gain, const float *bias,
                            float *s) {
    if (kind == WEIGH_SOFTMAX) {
        soften(count, gain, bias, s);
        return;
    }
    __m256 slope, by = _mm256_set1_ps(gain);
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t left = count - i;
        __m256 x = _mm256_add_ps(load(s + i, left), bias8(bias, i, left));
        store(s + i, left, _mm256_mul_ps(by, silu8(x, &slope)));
    }
}

void weigh_backward_f32_avx2(enum weigh kind, int64_t count, float gain, const float *bias,
                             float *s, float *ds) {
    if (kind == WEIGH_SOFTMAX) {
        soften(count, gain, bias, s);
        __m256 mean = _mm256_set1_ps(dot(count, s, ds));
        for (int64_t i = 0; i < count; i += LANES) {
            int64_t left = count - i;
            __m256 d = _mm256_sub_ps(load(ds + i, left), mean);
            store(ds + i, left, _mm256_mul_ps(load(s + i, left), d));
        }
        return;
    }
    __m256 slope, by = _mm256_set1_ps(gain);
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t left = count - i;
        __m256 x = _mm256_add_ps(load(s + i, left), bias8(bias, i, left));
        store(s + i, left, _mm256_mul_ps(by, silu8(x, &slope)));
        store(ds + i, left, _mm256_mul_ps(load(ds + i, left), _mm256_mul_ps(by, slope)));
    }
}

double exp_sum_f32_avx2(int64_t count, float scale, float shift, float *x) {
    __m256 sum = _mm256_setzero_ps(), by = _mm256_set1_ps(scale), less = _mm256_set1_ps(shift);
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t left = count - i;
        __m256 e = exp8(_mm256_fmsub_ps(by, load(x + i, left), less));
        store(x + i, left, e);
        sum = _mm256_add_ps(sum, _mm256_and_ps(e, _mm256_castsi256_ps(lanes_of(left))));
    }
    return (double)sum8(sum);
}

void drop_f32_avx2(int64_t count, const uint8_t *restrict noise, int32_t threshold, float gain,
                   float *restrict x) {
    __m256i least = _mm256_set1_epi32(threshold - 1);
    __m256 by = _mm256_set1_ps(gain);
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        int64_t bytes;
        memcpy(&bytes, noise + i, sizeof bytes);
        __m256i wide = _mm256_cvtepu8_epi32(_mm_cvtsi64_si128(bytes));
        __m256 kept = _mm256_castsi256_ps(_mm256_cmpgt_epi32(wide, least));
        _mm256_storeu_ps(x + i, _mm256_and_ps(kept, _mm256_mul_ps(by, _mm256_loadu_ps(x + i))));
    }
    drop_f32_ref(count - i, noise + i, threshold, gain, x + i);
}

void add_f32_avx2(int64_t count, const float *restrict x, float *restrict y) {
    for (int64_t i = 0; i < count; i += LANES) {
        int64_t left = count - i;
        store(y + i, left, _mm256_add_ps(load(x + i, left), load(y + i, left)));
    }
}
