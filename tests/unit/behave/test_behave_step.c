#include "behave/behave_step.h"

#include <math.h>
#include <string.h>

#include "base/alloc.h"
#include "base/rng.h"
#include "kernel/attention.h"
#include "kit/check.h"

enum { SEQUENCES = 7, EVENTS = 90, ITEMS = 21 };

static const int64_t OFFSETS[SEQUENCES + 1] = {0, 3, 5, 30, 31, 60, 72, EVENTS};
static int32_t items[EVENTS];
static int64_t times[EVENTS];

static struct behave_sequences make_sequences(void) {
    struct rng rng;
    rng_init(&rng, 3, "test.items", 0);
    for (int i = 0; i < EVENTS; i++) items[i] = (int32_t)rng_below(&rng, ITEMS);
    for (int i = 0; i < EVENTS; i++)
        times[i] = i % 9 == 4 ? BEHAVE_TIME_UNKNOWN : 1000 * (int64_t)i * i;
    return (struct behave_sequences){SEQUENCES, OFFSETS, items, times};
}

static struct behave_options make_options(enum behave_attention attention, int32_t with_times) {
    return (struct behave_options){.item_count = ITEMS,
                                   .width = 16,
                                   .blocks = 2,
                                   .heads = 2,
                                   .feed_forward = 24,
                                   .length = 32,
                                   .batch_sequences = SEQUENCES,
                                   .attention = attention,
                                   .times = with_times,
                                   .temperature = 0.2,
                                   .dropout = 0.25};
}

struct setting {
    struct behave *model;
    struct behave_stepper stepper;
    struct behave_sequences sequences;
    struct behave_window windows[SEQUENCES];
    int64_t window_count;
};

static void set_up(enum behave_attention attention, int32_t with_times, struct setting *s) {
    struct behave_options options = make_options(attention, with_times), resolved;
    kai_err err;
    memset(s, 0, sizeof *s);
    s->sequences = make_sequences();
    CHECK_OK(behave_resolve_for(&options, &s->sequences, &resolved, &err), &err);
    assert_int_equal(resolved.times, with_times);
    CHECK_OK(behave_new(&resolved, 9, &s->model, &err), &err);
    behave_init_parameters(&s->model->shape, 9, s->model->parameters);
    /* the biases start at zero; let them matter */
    const struct behave_shape *shape = &s->model->shape;
    struct rng rng;
    rng_init(&rng, 4, "test.bias", 0);
    for (int64_t b = 0; b < shape->blocks; b++)
        for (int64_t i = 0; shape->bias + i < shape->block_floats; i++)
            s->model->parameters[behave_block_at(shape, b) + shape->bias + i] =
                (float)(0.3 * rng_normal(&rng));
    for (int64_t i = 0; i < ITEMS * shape->width; i++) s->model->parameters[i] *= 10;
    CHECK_OK(behave_stepper_init(s->model, &s->sequences, NULL, &s->stepper, &err), &err);
    for (int64_t i = 0; i < SEQUENCES; i++) {
        int64_t count = OFFSETS[i + 1] - OFFSETS[i] - 1;
        if (count > 0) s->windows[s->window_count++] = (struct behave_window){OFFSETS[i], count};
    }
}

static void tear_down(struct setting *s) {
    behave_stepper_release(&s->stepper);
    behave_free(s->model);
}

/* Mean loss at the parameters; leaves the gradient in lane 0. */
static double gradient_at(struct setting *s) {
    double loss, norm;
    kai_err err;
    memset(s->stepper.gradients, 0,
           (size_t)(BEHAVE_LANES * s->model->shape.parameters) * sizeof(float));
    CHECK_OK(behave_gradient(&s->stepper, s->windows, s->window_count, &loss, &norm, &err), &err);
    return loss / (double)s->stepper.events;
}

/* Along random directions inside one part of the parameters, the gradient is the slope. */
static void check_part(struct setting *s, const char *part, int64_t first, int64_t count) {
    const int64_t parameters = s->model->shape.parameters;
    float *start = mem_array((size_t)parameters, sizeof *start);
    float *way = mem_zero((size_t)parameters, sizeof *way);
    assert_true(start && way);
    memcpy(start, s->model->parameters, (size_t)parameters * sizeof *start);
    for (uint64_t trial = 0; trial < 4; trial++) {
        struct rng rng;
        rng_init(&rng, trial, part, 0);
        double norm = 0, along = 0;
        for (int64_t i = 0; i < count; i++) {
            way[i] = (float)rng_normal(&rng);
            norm += (double)way[i] * (double)way[i];
        }
        (void)gradient_at(s);
        for (int64_t i = 0; i < count; i++)
            along += (double)way[i] / sqrt(norm) * (double)s->stepper.gradients[first + i];
        const double far = 0.01;
        double loss[2];
        for (int side = 0; side < 2; side++) {
            for (int64_t i = 0; i < count; i++)
                s->model->parameters[first + i] =
                    (float)((double)start[first + i] +
                            (side ? far : -far) * (double)way[i] / sqrt(norm));
            loss[side] = gradient_at(s);
        }
        memcpy(s->model->parameters, start, (size_t)parameters * sizeof *start);
        double slope = (loss[1] - loss[0]) / (2 * far);
        if (fabs(slope - along) > 2e-4 + 0.01 * fabs(slope)) print_message("%s:\n", part);
        CHECK_NEAR(along, slope, 2e-4 + 0.01 * fabs(slope));
    }
    mem_free(way);
    mem_free(start);
}

static void check_gradients(enum behave_attention attention, int32_t with_times) {
    struct setting s;
    set_up(attention, with_times, &s);
    const struct behave_shape *shape = &s.model->shape;
    int64_t d = shape->width, last = behave_block_at(shape, shape->blocks - 1);
    check_part(&s, "table", 0, shape->items * d);
    check_part(&s, "positions", shape->positions, shape->length * d);
    if (shape->is_timed) check_part(&s, "waits", shape->waits, ATTENTION_GAPS * d);
    for (int64_t at = shape->first_block; at <= last; at += shape->block_floats) {
        check_part(&s, "gate", at, 4 * d * d);
        check_part(&s, "out", at + shape->out, d * d);
        check_part(&s, "up", at + shape->up, 2 * d * shape->hidden);
        check_part(&s, "down", at + shape->down, d * shape->hidden);
        check_part(&s, "bias", at + shape->bias, shape->heads * shape->length);
        if (shape->is_timed)
            check_part(&s, "gaps", at + shape->gaps, shape->heads * ATTENTION_GAPS);
    }
    tear_down(&s);
}

static void test_behave_step__has_the_slope_of_its_loss_by_softmax(void **unused) {
    (void)unused;
    check_gradients(BEHAVE_SOFTMAX, -1);
    check_gradients(BEHAVE_SOFTMAX, 1);
}

static void test_behave_step__has_the_slope_of_its_loss_pointwise(void **unused) {
    (void)unused;
    check_gradients(BEHAVE_POINTWISE, -1);
    check_gradients(BEHAVE_POINTWISE, 1);
}

/* Without dropout, an event's state depends on its own window's past only: the loss of the batch
 * is the sum of the windows' own losses. */
static void test_behave_step__packs_windows_without_mixing_them(void **unused) {
    (void)unused;
    struct setting s;
    set_up(BEHAVE_SOFTMAX, 1, &s);
    s.model->options.dropout = 0;
    double whole = gradient_at(&s) * (double)s.stepper.events, parts = 0;
    const int64_t count = s.window_count;
    for (int64_t w = 0; w < count; w++) {
        s.windows[0] = s.windows[w];
        s.window_count = 1;
        parts += gradient_at(&s) * (double)s.stepper.events;
    }
    CHECK_NEAR(whole, parts, 1e-4 * whole);
    tear_down(&s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_behave_step__has_the_slope_of_its_loss_by_softmax),
        cmocka_unit_test(test_behave_step__has_the_slope_of_its_loss_pointwise),
        cmocka_unit_test(test_behave_step__packs_windows_without_mixing_them),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
