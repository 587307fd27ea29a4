#include "kernel/attention.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kit/check.h"

enum { HEADS = 3, WIDTH = 8, ROW = 3 * HEADS * WIDTH + 5, SPAN = 210 };

static double silu(double x) { return x / (1 + exp(-x)); }

static void fill(float *values, int64_t count, double sd, const char *purpose) {
    struct rng rng;
    rng_init(&rng, 1, purpose, 0);
    for (int64_t i = 0; i < count; i++) values[i] = (float)(sd * rng_normal(&rng));
}

struct world {
    float *qkv, *bias, *o, *scratch;
    float gap_bias[HEADS * ATTENTION_GAPS];
    uint8_t *gaps; /* or NULL */
    struct attention attention;
};

static struct world make_world(enum weigh kind, int64_t length, int with_gaps) {
    struct world w = {mem_array((size_t)(length * ROW), sizeof(float)),
                      mem_array(HEADS * SPAN, sizeof(float)),
                      mem_array((size_t)(length * HEADS * WIDTH), sizeof(float)),
                      mem_array((size_t)attention_scratch(length, WIDTH), sizeof(float)),
                      {0},
                      with_gaps ? mem_array((size_t)(length * length), 1) : NULL,
                      {.kind = kind,
                       .gain = kind == WEIGH_SOFTMAX ? 0.35f : 0.01f,
                       .length = length,
                       .heads = HEADS,
                       .width = WIDTH,
                       .row = ROW,
                       .span = SPAN}};
    assert_true(w.qkv && w.bias && w.o && w.scratch);
    fill(w.qkv, length * ROW, 1, "test.qkv");
    fill(w.bias, HEADS * SPAN, 1, "test.bias");
    w.attention.q = w.qkv;
    w.attention.k = w.qkv + HEADS * WIDTH;
    w.attention.v = w.qkv + 2 * HEADS * WIDTH;
    w.attention.bias = w.bias;
    fill(w.gap_bias, HEADS * ATTENTION_GAPS, 1, "test.gaps");
    for (int64_t i = 0; w.gaps && i < length * length; i++)
        w.gaps[i] = (uint8_t)(i * 31 % ATTENTION_GAPS);
    w.attention.gaps = w.gaps;
    return w;
}

static void free_world(struct world *w) {
    mem_free(w->gaps);
    mem_free(w->scratch);
    mem_free(w->o);
    mem_free(w->bias);
    mem_free(w->qkv);
}

/* The definition, in double, one output row. */
static void attend_plainly(const struct attention *a, int64_t h, int64_t i, double *ret_o) {
    double weight[SPAN], top = -INFINITY, sum = 0;
    for (int64_t j = 0; j <= i; j++) {
        double s = 0, bias = (double)a->bias[h * a->span + a->span - 1 - (i - j)];
        for (int64_t c = 0; c < WIDTH; c++)
            s +=
                (double)a->q[i * a->row + h * WIDTH + c] * (double)a->k[j * a->row + h * WIDTH + c];
        if (a->gaps) bias += (double)a->gap_bias[h * ATTENTION_GAPS + a->gaps[i * a->length + j]];
        double gain = (double)a->gain;
        weight[j] = a->kind == WEIGH_SOFTMAX ? gain * s + bias : gain * silu(s + bias);
        top = fmax(top, weight[j]);
    }
    for (int64_t j = 0; a->kind == WEIGH_SOFTMAX && j <= i; j++)
        sum += weight[j] = exp(weight[j] - top);
    if (a->kind != WEIGH_SOFTMAX) sum = 1;
    for (int64_t c = 0; c < WIDTH; c++) {
        ret_o[c] = 0;
        for (int64_t j = 0; j <= i; j++)
            ret_o[c] += weight[j] / sum * (double)a->v[j * a->row + h * WIDTH + c];
    }
}

static void check_forward(enum weigh kind, int with_gaps) {
    static const int64_t lengths[] = {1, 2, 15, 47, 48, 49, 97, 200};
    for (size_t l = 0; l < sizeof lengths / sizeof *lengths; l++) {
        struct world w = make_world(kind, lengths[l], with_gaps);
        w.attention.gap_bias = w.gap_bias;
        attention_forward_f32(&w.attention, w.o, HEADS * WIDTH, w.scratch);
        for (int64_t i = 0; i < lengths[l]; i++)
            for (int64_t h = 0; h < HEADS; h++) {
                double o[WIDTH];
                attend_plainly(&w.attention, h, i, o);
                for (int64_t c = 0; c < WIDTH; c++)
                    CHECK_NEAR((double)w.o[i * HEADS * WIDTH + h * WIDTH + c], o[c], 2e-5);
            }
        free_world(&w);
    }
}

static void test_attention__is_its_definition_by_softmax(void **unused) {
    (void)unused;
    check_forward(WEIGH_SOFTMAX, 0);
    check_forward(WEIGH_SOFTMAX, 1);
}

static void test_attention__is_its_definition_pointwise(void **unused) {
    (void)unused;
    check_forward(WEIGH_POINTWISE, 0);
    check_forward(WEIGH_POINTWISE, 1);
}

/* sum over o of do . o by the definition */
static double value(const struct world *w, const float *slope) {
    double sum = 0;
    for (int64_t i = 0; i < w->attention.length; i++)
        for (int64_t h = 0; h < HEADS; h++) {
            double o[WIDTH];
            attend_plainly(&w->attention, h, i, o);
            for (int64_t c = 0; c < WIDTH; c++)
                sum += o[c] * (double)slope[i * HEADS * WIDTH + h * WIDTH + c];
        }
    return sum;
}

static void check_slope(struct world *w, const float *slope, float *at, double expected) {
    const double far = 1.0 / 256;
    float kept = *at;
    *at = (float)((double)kept + far);
    double up = value(w, slope);
    *at = (float)((double)kept - far);
    double down = value(w, slope);
    *at = kept;
    double found = (up - down) / (2 * far);
    CHECK_NEAR(expected, found, 1e-4 + 2e-4 * fabs(found));
}

static void check_backward(enum weigh kind, int with_gaps) {
    enum { LENGTH = 67 };
    struct world w = make_world(kind, LENGTH, with_gaps);
    w.attention.gap_bias = w.gap_bias;
    float gap_bias[HEADS * ATTENTION_GAPS] = {0};
    float slope[LENGTH * HEADS * WIDTH], back[LENGTH * ROW], bias[HEADS * SPAN] = {0};
    fill(slope, LENGTH * HEADS * WIDTH, 1, "test.slope");
    memset(back, 0x55, sizeof back);
    struct attention_slopes slopes = {
        slope, HEADS * WIDTH, back,    back + HEADS * WIDTH, back + 2 * HEADS * WIDTH,
        ROW,   bias,          gap_bias};
    attention_backward_f32(&w.attention, &slopes, w.scratch);
    for (int64_t i = 0; i < LENGTH; i += 11)
        for (int64_t c = 0; c < 3 * HEADS * WIDTH; c += 5)
            check_slope(&w, slope, &w.qkv[i * ROW + c], (double)back[i * ROW + c]);
    for (int64_t i = SPAN - LENGTH; i < HEADS * SPAN; i += 13)
        check_slope(&w, slope, &w.bias[i], (double)bias[i]);
    for (int64_t i = 0; with_gaps && i < HEADS * ATTENTION_GAPS; i += 7)
        check_slope(&w, slope, &w.gap_bias[i], (double)gap_bias[i]);
    free_world(&w);
}

static void test_attention__slopes_are_those_of_the_definition_by_softmax(void **unused) {
    (void)unused;
    check_backward(WEIGH_SOFTMAX, 0);
    check_backward(WEIGH_SOFTMAX, 1);
}

static void test_attention__slopes_are_those_of_the_definition_pointwise(void **unused) {
    (void)unused;
    check_backward(WEIGH_POINTWISE, 0);
    check_backward(WEIGH_POINTWISE, 1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_attention__is_its_definition_by_softmax),
        cmocka_unit_test(test_attention__is_its_definition_pointwise),
        cmocka_unit_test(test_attention__slopes_are_those_of_the_definition_by_softmax),
        cmocka_unit_test(test_attention__slopes_are_those_of_the_definition_pointwise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
