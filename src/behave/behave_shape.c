#include "behave/behave_shape.h"

#include <math.h>
#include <string.h>

#include "base/caps.h"
#include "base/rng.h"
#include "kernel/attention.h"
#include "kernel/gemm.h"

static void set_default(int32_t *value, int32_t fallback) {
    if (*value == 0) *value = fallback;
}

static void set_real(double *value, double fallback) {
    if (fpclassify(*value) == FP_ZERO) *value = fallback;
    if (*value < 0) *value = 0;
}

static void fill_defaults(struct behave_options *o) {
    static const struct {
        int32_t width, blocks, heads;
    } sizes[] = {{64, 6, 2}, {32, 2, 2}, {64, 6, 2}, {128, 8, 4}};
    if (o->size == BEHAVE_SIZE_DEFAULT) o->size = BEHAVE_BASE;
    set_default(&o->width, sizes[o->size].width);
    set_default(&o->blocks, sizes[o->size].blocks);
    set_default(&o->heads, sizes[o->size].heads);
    if (o->attention == BEHAVE_ATTENTION_DEFAULT) o->attention = BEHAVE_SOFTMAX;
    set_default(&o->feed_forward, 2 * o->width);
    set_default(&o->length, 200);
    set_default(&o->batch_sequences, 64);
    set_default(&o->epochs, 100);
    set_default(&o->patience, 10);
    set_default(&o->validation_customers, 4000);
    set_real(&o->learning_rate, 0.001);
    set_real(&o->warmup_share, 0.02);
    set_real(&o->weight_decay, 0);
    set_real(&o->dropout, 0.2);
    set_real(&o->temperature, 0.05);
    set_real(&o->clip_norm, 1);
    if (o->tokens == 0) o->tokens = CAPS_BEHAVE_TOKENS;
}

static kai_status refuse(kai_err *err, const char *name, double value, const char *range) {
    return err_set(err, KAI_INVALID, "behaviour model: '%s' is %g, expected %s", name, value,
                   range);
}

kai_status behave_resolve(const struct behave_options *options, struct behave_options *ret_options,
                          kai_err *err) {
    struct behave_options o = *options;
    if ((int)o.size < 0 || o.size > BEHAVE_LARGE) return refuse(err, "size", o.size, "0 to 3");
    if ((int)o.attention < 0 || o.attention > BEHAVE_POINTWISE)
        return refuse(err, "attention", o.attention, "0 to 2");
    fill_defaults(&o);
    if (o.item_count < 1) return refuse(err, "item_count", o.item_count, "at least 1");
    if (o.item_count > CAPS_BEHAVE_ITEMS)
        return err_set(err, KAI_LIMIT, "behaviour model: %d items, at most %d are learned",
                       o.item_count, CAPS_BEHAVE_ITEMS);
    if (o.width < 8 || o.width > 1024 || o.width % 8 != 0)
        return refuse(err, "width", o.width, "a multiple of 8 from 8 to 1024");
    if (o.blocks < 1 || o.blocks > 64) return refuse(err, "blocks", o.blocks, "1 to 64");
    if (o.heads < 1 || o.width % o.heads != 0)
        return refuse(err, "heads", o.heads, "a divisor of 'width'");
    if (o.feed_forward > 8192) return refuse(err, "feed_forward", o.feed_forward, "up to 8192");
    if (o.times < -1 || o.times > 1) return refuse(err, "times", o.times, "-1 to 1");
    if (o.length < 1 || o.length > 4096) return refuse(err, "length", o.length, "1 to 4096");
    if (o.batch_sequences < 1 || o.batch_sequences > 65536)
        return refuse(err, "batch_sequences", o.batch_sequences, "1 to 65536");
    if (o.epochs < 1 || o.epochs > CAPS_BEHAVE_EPOCHS)
        return refuse(err, "epochs", o.epochs, "1 to 10000");
    if (!(o.learning_rate > 0 && o.learning_rate <= 1))
        return refuse(err, "learning_rate", o.learning_rate, "above 0, at most 1");
    if (!(o.warmup_share <= 1)) return refuse(err, "warmup_share", o.warmup_share, "0 to 1");
    if (!(o.weight_decay <= 1)) return refuse(err, "weight_decay", o.weight_decay, "0 to 1");
    if (!(o.dropout <= 0.9)) return refuse(err, "dropout", o.dropout, "0 to 0.9");
    if (!(o.temperature >= 0.03 && o.temperature <= 10))
        return refuse(err, "temperature", o.temperature, "0.03 to 10");
    if (!(o.clip_norm <= 1e9)) return refuse(err, "clip_norm", o.clip_norm, "up to 1e9");
    if (!(o.minutes >= 0 && o.minutes <= 1e6)) return refuse(err, "minutes", o.minutes, "0 to 1e6");
    if (o.tokens < 1) return refuse(err, "tokens", (double)o.tokens, "at least 1");
    *ret_options = o;
    return KAI_OK;
}

struct behave_shape behave_shape_of(const struct behave_options *o) {
    const int64_t d = o->width, hidden = o->feed_forward > 0 ? o->feed_forward : 0;
    struct behave_shape shape = {.items = o->item_count,
                                 .width = d,
                                 .blocks = o->blocks,
                                 .heads = o->heads,
                                 .hidden = hidden,
                                 .length = o->length,
                                 .is_pointwise = o->attention == BEHAVE_POINTWISE,
                                 .is_timed = o->times > 0};
    shape.positions = shape.items * d;
    shape.waits = shape.positions + shape.length * d;
    shape.first_block = shape.waits + (shape.is_timed ? ATTENTION_GAPS * d : 0);
    shape.out = 4 * d * d;
    shape.up = shape.out + d * d;
    shape.down = shape.up + 2 * d * hidden;
    shape.bias = shape.down + hidden * d;
    shape.gaps = shape.bias + shape.heads * shape.length;
    int64_t end = shape.gaps + (shape.is_timed ? shape.heads * ATTENTION_GAPS : 0);
    shape.block_floats = (end + 15) / 16 * 16;
    shape.parameters = behave_block_at(&shape, shape.blocks);
    return shape;
}

static void draw(struct rng *rng, double sd, int64_t count, float *values) {
    for (int64_t i = 0; i < count; i++) values[i] = (float)(sd * rng_normal(rng));
}

void behave_init_parameters(const struct behave_shape *s, uint64_t seed, float *parameters) {
    memset(parameters, 0, (size_t)s->parameters * sizeof *parameters);
    struct rng rng;
    rng_init(&rng, seed, "behave.table", 0);
    draw(&rng, 0.02, s->items * s->width, parameters);
    rng_init(&rng, seed, "behave.positions", 0);
    draw(&rng, 0.02, s->length * s->width, parameters + s->positions);
    rng_init(&rng, seed, "behave.waits", 0);
    draw(&rng, 0.02, s->first_block - s->waits, parameters + s->waits);
    const double sd = 1 / sqrt((double)s->width);
    /* branches start small, so that a deep stack starts as the identity */
    const double branch = 1 / sqrt(2.0 * (double)s->blocks);
    for (int64_t b = 0; b < s->blocks; b++) {
        float *block = parameters + behave_block_at(s, b);
        rng_init(&rng, seed, "behave.block", (uint64_t)b);
        draw(&rng, sd, 4 * s->width * s->width, block);
        draw(&rng, sd * branch, s->width * s->width, block + s->out);
        draw(&rng, sd, 2 * s->width * s->hidden, block + s->up);
        if (s->hidden)
            draw(&rng, branch / sqrt((double)s->hidden), s->width * s->hidden, block + s->down);
    }
}

void behave_transpose(const struct behave_shape *s, const float *parameters, float *back) {
    const int64_t d = s->width;
    for (int64_t b = 0; b < s->blocks; b++) {
        const float *from = parameters + behave_block_at(s, b);
        float *to = back + b * s->block_floats;
        transpose_f32(d, 4 * d, from, 4 * d, to, d);
        transpose_f32(d, d, from + s->out, d, to + s->out, d);
        transpose_f32(d, 2 * s->hidden, from + s->up, 2 * s->hidden, to + s->up, d);
        transpose_f32(s->hidden, d, from + s->down, d, to + s->down, s->hidden);
    }
}
