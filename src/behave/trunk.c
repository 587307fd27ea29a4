#include "behave/trunk.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernel/attention.h"
#include "kernel/gemm.h"
#include "kernel/pointwise.h"

/* Weights up to this size stay in our kernels (kernel/gemm.c), which like few rows at a time. */
enum { OWN_FLOATS = 96 * 1024, FEW_ROWS = 128, DEEP_ROWS = 256 };

/* Activations of one block, (N, .) each. */
struct block {
    float *h, *h_inverse;   /* D, 1: norm(x) */
    float *gate_qkv;        /* 4D, before silu */
    float *qkv;             /* 3D, after silu; pointwise only */
    float *a, *a_inverse;   /* D, 1: norm of attention's output */
    float *p;               /* D: dropped silu(g) a */
    float *h2, *h2_inverse; /* D, 1 */
    float *st;              /* 2F */
    float *m;               /* F */
};

static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

static int64_t block_width(const struct behave_shape *s) {
    return (4 + 4 + (s->is_pointwise ? 3 : 0)) * s->width + 3 * s->hidden + 16;
}

static struct block block_of(const struct behave_shape *s, const struct trunk *t, int64_t b) {
    const int64_t n = t->capacity, d = s->width;
    float *at = t->blocks + b * n * block_width(s);
    struct block block = {.gate_qkv = at};
    block.h = block.gate_qkv + 4 * n * d;
    block.a = block.h + n * d;
    block.p = block.a + n * d;
    block.h2 = block.p + n * d;
    block.st = block.h2 + n * d;
    block.m = block.st + 2 * n * s->hidden;
    block.h_inverse = block.m + n * s->hidden;
    block.a_inverse = block.h_inverse + n;
    block.h2_inverse = block.a_inverse + n;
    block.qkv = at + n * (block_width(s) - (s->is_pointwise ? 3 * d : 0));
    return block;
}

static int64_t float_count(const struct behave_shape *s, int64_t n) {
    int64_t wide = larger(4 * s->width, 2 * s->hidden), branch = larger(s->width, s->hidden);
    return n * (s->blocks * block_width(s) + 3 * s->width + 16 + wide + branch);
}

static int64_t noise_bytes(const struct behave_shape *s, int64_t n) {
    return (1 + 2 * s->blocks) * n * s->width;
}

int64_t trunk_bytes(const struct behave_shape *s, int64_t n) {
    int64_t scratch = attention_scratch(s->length, s->width / s->heads);
    int64_t gaps = s->is_timed ? n * s->length : 0;
    return (float_count(s, n) + scratch) * (int64_t)sizeof(float) + noise_bytes(s, n) + gaps;
}

kai_status trunk_init(const struct behave_shape *s, int64_t n, struct trunk *t, kai_err *err) {
    *t = (struct trunk){.capacity = n};
    t->floats = mem_aligned((size_t)float_count(s, n), sizeof(float));
    t->noise = mem_aligned((size_t)noise_bytes(s, n), 1);
    t->scratch =
        mem_aligned((size_t)attention_scratch(s->length, s->width / s->heads), sizeof(float));
    t->gaps = mem_array((size_t)(s->is_timed ? n * s->length : 0), 1);
    if (!t->floats || !t->noise || !t->scratch || !t->gaps) {
        trunk_release(t);
        return err_memory(err, trunk_bytes(s, n));
    }
    t->x = t->floats;
    t->u = t->x + n * s->width;
    t->other = t->u + n * s->width;
    t->u_inverse = t->other + n * s->width;
    t->wide = t->u_inverse + n * 16;
    t->branch = t->wide + n * larger(4 * s->width, 2 * s->hidden);
    t->blocks = t->branch + n * larger(s->width, s->hidden);
    return KAI_OK;
}

void trunk_release(struct trunk *t) {
    mem_free_aligned(t->floats);
    mem_free_aligned(t->noise);
    mem_free_aligned(t->scratch);
    mem_free(t->gaps);
    *t = (struct trunk){0};
}

/* c (+)= a b; a: (rows, k), b: (k, n), c: (rows, n), all dense */
static void multiply(int64_t rows, int64_t n, int64_t k, const float *a, const float *b,
                     int is_added, float *c) {
    int64_t each = n * k <= OWN_FLOATS ? FEW_ROWS : rows;
    for (int64_t at = 0; at < rows; at += each) {
        struct gemm gemm = {.m = smaller(each, rows - at),
                            .n = n,
                            .k = k,
                            .a = a + at * k,
                            .a_row = k,
                            .b = b,
                            .b_row = n,
                            .c = c + at * n,
                            .c_row = n,
                            .is_added = is_added};
        gemm_f32(&gemm);
    }
}

/* c += a' b; a: (rows, m), b: (rows, n), c: (m, n), all dense */
static void multiply_deep(int64_t rows, int64_t m, int64_t n, const float *a, const float *b,
                          float *c) {
    int64_t each = m * n <= OWN_FLOATS ? DEEP_ROWS : rows;
    for (int64_t at = 0; at < rows; at += each) {
        struct gemm gemm = {.m = m,
                            .n = n,
                            .k = smaller(each, rows - at),
                            .a = a + at * m,
                            .a_row = m,
                            .a_is_transposed = 1,
                            .b = b + at * n,
                            .b_row = n,
                            .c = c,
                            .c_row = n,
                            .is_added = 1};
        gemm_f32(&gemm);
    }
}

/* Draws the bytes of one layer of noise where they are first used. */
static const uint8_t *draw_noise(const struct behave_shape *s, const struct trunk_noise *noise,
                                 struct trunk *t, int64_t layer) {
    uint8_t *bytes = t->noise + layer * t->capacity * s->width;
    struct rng rng;
    uint64_t layers = (uint64_t)(1 + 2 * s->blocks);
    rng_init(&rng, noise->seed, "behave.dropout", noise->index * layers + (uint64_t)layer);
    /* D is a multiple of 8, and each layer begins at a multiple of 4 bytes */
    rng_fill(&rng, (uint32_t *)(void *)bytes, t->rows * s->width / 4);
    return bytes;
}

static void drop(const struct behave_shape *s, const struct trunk_noise *noise,
                 const struct trunk *t, int64_t layer, float *values) {
    if (!noise || noise->threshold == 0) return;
    const uint8_t *bytes = t->noise + layer * t->capacity * s->width;
    float gain = 256.0f / (float)(256 - noise->threshold);
    drop_f32(t->rows * s->width, bytes, noise->threshold, gain, values);
}

static void drop_first(const struct behave_shape *s, const struct trunk_noise *noise,
                       struct trunk *t, int64_t layer, float *values) {
    if (!noise || noise->threshold == 0) return;
    (void)draw_noise(s, noise, t, layer);
    drop(s, noise, t, layer, values);
}

static struct attention attention_of(const struct behave_shape *s, const float *parameters,
                                     const struct trunk *t, const struct block *block,
                                     int64_t sequence) {
    const int64_t d = s->width, first = t->starts[sequence];
    const int64_t length = t->starts[sequence + 1] - first;
    int64_t row = s->is_pointwise ? 3 * d : 4 * d;
    const float *q = s->is_pointwise ? block->qkv : block->gate_qkv + d;
    struct attention attention = {.kind = s->is_pointwise ? WEIGH_POINTWISE : WEIGH_SOFTMAX,
                                  .length = length,
                                  .heads = s->heads,
                                  .width = d / s->heads,
                                  .q = q + first * row,
                                  .k = q + first * row + d,
                                  .v = q + first * row + 2 * d,
                                  .row = row,
                                  .bias = parameters + s->bias,
                                  .span = s->length,
                                  .gaps = s->is_timed ? t->gaps + first * s->length : NULL,
                                  .gap_bias = parameters + s->gaps};
    attention.gain = s->is_pointwise ? 1 / (float)s->length : 1 / sqrtf((float)attention.width);
    return attention;
}

static void attend(const struct behave_shape *s, const float *parameters, struct trunk *t,
                   struct block *block) {
    const int64_t d = s->width;
    for (int64_t r = 0; s->is_pointwise && r < t->rows; r++)
        silu_forward_f32(3 * d, block->gate_qkv + r * 4 * d + d, block->qkv + r * 3 * d);
    for (int64_t i = 0; i < t->sequences; i++) {
        int64_t first = t->starts[i];
        struct attention attention = attention_of(s, parameters, t, block, i);
        attention_forward_f32(&attention, block->a + first * d, d, t->scratch);
    }
    norm_forward_f32(t->rows, d, block->a, block->a, block->a_inverse);
}

static void block_forward(const struct behave_shape *s, const float *parameters,
                          const struct trunk_noise *noise, struct trunk *t, int64_t b) {
    const int64_t n = t->rows, d = s->width, f = s->hidden;
    struct block block = block_of(s, t, b);
    parameters += behave_block_at(s, b);
    norm_forward_f32(n, d, t->x, block.h, block.h_inverse);
    multiply(n, 4 * d, d, block.h, parameters + s->in, 0, block.gate_qkv);
    attend(s, parameters, t, &block);
    struct glu gate = {n, d, block.gate_qkv, 4 * d, block.a, d};
    glu_forward_f32(&gate, block.p);
    drop_first(s, noise, t, 1 + 2 * b, block.p);
    multiply(n, d, d, block.p, parameters + s->out, 1, t->x);
    if (!f) return;
    norm_forward_f32(n, d, t->x, block.h2, block.h2_inverse);
    multiply(n, 2 * f, d, block.h2, parameters + s->up, 0, block.st);
    struct glu glu = {n, f, block.st, 2 * f, block.st + f, 2 * f};
    glu_forward_f32(&glu, block.m);
    multiply(n, d, f, block.m, parameters + s->down, 0, t->branch);
    drop_first(s, noise, t, 2 + 2 * b, t->branch);
    add_f32(n * d, t->branch, t->x);
}

/* Two steps an octave: unknown 0, none 1, one second 2, two 4, three 5, four 6 ... 63. The upper
 * bits of the gap as a float are just that. */
static uint8_t gap_between(int64_t from, int64_t to) {
    if (from == BEHAVE_TIME_UNKNOWN || to == BEHAVE_TIME_UNKNOWN) return 0;
    if (to <= from) return 1;
    float gap = (float)((double)to - (double)from);
    uint32_t bits;
    memcpy(&bits, &gap, sizeof bits);
    uint32_t step = (bits >> 22) - (127u << 1);
    return (uint8_t)(step > ATTENTION_GAPS - 3 ? ATTENTION_GAPS - 1 : step + 2);
}

static void measure_gaps(const struct behave_shape *s, struct trunk *t) {
    for (int64_t i = 0; i < t->sequences; i++) {
        int64_t first = t->starts[i], length = t->starts[i + 1] - first;
        uint8_t *gaps = t->gaps + first * s->length;
        for (int64_t r = 0; r < length; r++)
            for (int64_t j = 0; j <= r; j++)
                gaps[r * length + j] =
                    t->times ? gap_between(t->times[first + j], t->asked[first + r]) : 0;
    }
}

/* Which row of `waits` event r meets. */
static int64_t wait_of(const struct trunk *t, int64_t r) {
    return t->times ? gap_between(t->times[r], t->asked[r]) : 0;
}

static void enter(const struct behave_shape *s, const float *parameters, struct trunk *t) {
    const int64_t d = s->width;
    const float scale = sqrtf((float)d);
    for (int64_t i = 0; i < t->sequences; i++)
        for (int64_t r = t->starts[i]; r < t->starts[i + 1]; r++) {
            const float *item = parameters + t->items[r] * d;
            const float *place = parameters + s->positions + (r - t->starts[i]) * d;
            float *x = t->x + r * d;
            for (int64_t c = 0; c < d; c++) x[c] = scale * item[c] + place[c];
            if (s->is_timed) add_f32(d, parameters + s->waits + wait_of(t, r) * d, x);
        }
}

void trunk_forward(const struct behave_shape *s, const float *parameters,
                   const struct trunk_noise *noise, struct trunk *t) {
    const int64_t d = s->width;
    const float shrink = 1 / sqrtf((float)d);
    enter(s, parameters, t);
    drop_first(s, noise, t, 0, t->x);
    if (s->is_timed) measure_gaps(s, t);
    for (int64_t b = 0; b < s->blocks; b++) block_forward(s, parameters, noise, t, b);
    norm_forward_f32(t->rows, d, t->x, t->u, t->u_inverse);
    for (int64_t i = 0; i < t->rows * d; i++) t->u[i] *= shrink;
}

static void feed_backward(const struct behave_shape *s, const float *back,
                          const struct trunk_noise *noise, struct trunk *t, int64_t b,
                          float *gradient) {
    const int64_t n = t->rows, d = s->width, f = s->hidden;
    struct block block = block_of(s, t, b);
    memcpy(t->other, t->x, (size_t)(n * d) * sizeof *t->other);
    drop(s, noise, t, 2 + 2 * b, t->other);
    multiply_deep(n, f, d, block.m, t->other, gradient + s->down);
    multiply(n, f, d, t->other, back + s->down, 0, t->branch);
    struct glu glu = {n, f, block.st, 2 * f, block.st + f, 2 * f};
    glu_backward_f32(&glu, t->branch, t->wide, 2 * f, t->wide + f, 2 * f);
    multiply_deep(n, d, 2 * f, block.h2, t->wide, gradient + s->up);
    multiply(n, d, 2 * f, t->wide, back + s->up, 0, t->other);
    norm_backward_f32(n, d, block.h2, block.h2_inverse, t->other, 1, t->x);
}

/* t->wide (N, 4D) gets the slopes of gate, q, k, v before silu; t->other holds those of p. */
static void attend_backward(const struct behave_shape *s, const float *parameters, struct trunk *t,
                            const struct block *block, float *gradient) {
    const int64_t n = t->rows, d = s->width;
    struct glu gate = {n, d, block->gate_qkv, 4 * d, block->a, d};
    glu_backward_f32(&gate, t->other, t->wide, 4 * d, t->branch, d);
    norm_backward_f32(n, d, block->a, block->a_inverse, t->branch, 0, t->branch);
    for (int64_t i = 0; i < t->sequences; i++) {
        int64_t first = t->starts[i];
        struct attention attention = attention_of(s, parameters, t, block, i);
        float *q = t->wide + first * 4 * d + d;
        struct attention_slopes slopes = {
            t->branch + first * d, d, q, q + d, q + 2 * d, 4 * d, gradient + s->bias,
            gradient + s->gaps};
        attention_backward_f32(&attention, &slopes, t->scratch);
    }
    for (int64_t r = 0; s->is_pointwise && r < n; r++)
        silu_backward_f32(3 * d, block->gate_qkv + r * 4 * d + d, t->wide + r * 4 * d + d,
                          t->wide + r * 4 * d + d);
}

static void block_backward(const struct behave_shape *s, const float *parameters, const float *back,
                           const struct trunk_noise *noise, struct trunk *t, int64_t b,
                           float *gradient) {
    const int64_t n = t->rows, d = s->width;
    struct block block = block_of(s, t, b);
    parameters += behave_block_at(s, b);
    gradient += behave_block_at(s, b);
    back += b * s->block_floats;
    if (s->hidden) feed_backward(s, back, noise, t, b, gradient);
    multiply_deep(n, d, d, block.p, t->x, gradient + s->out);
    multiply(n, d, d, t->x, back + s->out, 0, t->other);
    drop(s, noise, t, 1 + 2 * b, t->other);
    attend_backward(s, parameters, t, &block, gradient);
    multiply_deep(n, d, 4 * d, block.h, t->wide, gradient + s->in);
    multiply(n, d, 4 * d, t->wide, back + s->in, 0, t->other);
    norm_backward_f32(n, d, block.h, block.h_inverse, t->other, 1, t->x);
}

void trunk_backward(const struct behave_shape *s, const float *parameters, const float *back,
                    const struct trunk_noise *noise, struct trunk *t, const float *du,
                    float *gradient) {
    const int64_t n = t->rows, d = s->width;
    const float scale = sqrtf((float)d);
    /* u holds norm(x) / sqrt(D); norm's own backward wants norm(x) and its slope */
    for (int64_t i = 0; i < n * d; i++) {
        t->u[i] *= scale;
        t->other[i] = du[i] / scale;
    }
    norm_backward_f32(n, d, t->u, t->u_inverse, t->other, 0, t->x);
    for (int64_t b = s->blocks - 1; b >= 0; b--)
        block_backward(s, parameters, back, noise, t, b, gradient);
    drop(s, noise, t, 0, t->x);
    for (int64_t i = 0; i < t->sequences; i++)
        add_f32((t->starts[i + 1] - t->starts[i]) * d, t->x + t->starts[i] * d,
                gradient + s->positions);
    for (int64_t r = 0; s->is_timed && r < n; r++)
        add_f32(d, t->x + r * d, gradient + s->waits + wait_of(t, r) * d);
}
