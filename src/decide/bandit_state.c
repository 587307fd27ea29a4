/* A bandit as bytes, and the sum of two. */
#include <math.h>

#include "base/alloc.h"
#include "base/bundle.h"
#include "base/bytes.h"
#include "base/caps.h"
#include "decide/bandit_parts.h"

static int are_same(const struct bandit_options *a, const struct bandit_options *b) {
    return a->model == b->model && a->actions == b->actions && a->features == b->features &&
           a->is_shared == b->is_shared && a->ridge == b->ridge && a->noise == b->noise;
}

kai_status bandit_merge(struct bandit *bandit, const struct bandit *other, kai_err *err) {
    if (!are_same(&bandit->options, &other->options))
        return err_set(err, KAI_INVALID, "bandit: merged with one of other options");
    if (bandit->options.window || other->options.window)
        return err_set(err, KAI_UNSUPPORTED, "bandit: a window cannot be merged");
    for (int32_t i = 0; i < bandit->beliefs; i++)
        belief_merge(&bandit->belief[i], &other->belief[i], bandit->work);
    bandit->purse.spent += other->purse.spent;
    bandit->decisions += other->decisions;
    bandit->updates += other->updates;
    return KAI_OK;
}

static void put_options(struct bytes_writer *out, const struct bandit_options *o) {
    const int32_t small[] = {(int32_t)o->method, (int32_t)o->model, o->actions, o->features,
                             o->is_shared};
    const double numbers[] = {o->epsilon, o->width,    o->gamma, o->ridge,
                              o->noise,   o->discount, o->floor, o->budget};
    bytes_put_i32s(out, small, (int64_t)(sizeof small / sizeof *small));
    bytes_put_f64s(out, numbers, (int64_t)(sizeof numbers / sizeof *numbers));
    bytes_put_i64(out, o->window);
    bytes_put_i64(out, o->horizon);
    bytes_put_i64(out, (int64_t)o->seed);
}

static void get_options(struct bytes_reader *in, struct bandit_options *ret) {
    int32_t small[5] = {0};
    double numbers[8] = {0};
    bytes_get_i32s(in, small, 5);
    bytes_get_f64s(in, numbers, 8);
    int64_t window = bytes_get_i64(in), horizon = bytes_get_i64(in), seed = bytes_get_i64(in);
    if ((uint32_t)small[0] >= BANDIT_METHODS || (uint32_t)small[1] >= BANDIT_MODELS ||
        small[2] < 1 || small[3] < 1 || small[3] > CAPS_BANDIT_FEATURES)
        bytes_refuse(in);
    *ret = (struct bandit_options){
        .method = in->is_short ? BANDIT_GREEDY : (enum bandit_method)small[0],
        .model = in->is_short ? BANDIT_LINEAR : (enum bandit_model)small[1],
        .actions = small[2],
        .features = small[3],
        .is_shared = small[4] != 0,
        .epsilon = numbers[0],
        .width = numbers[1],
        .gamma = numbers[2],
        .ridge = numbers[3],
        .noise = numbers[4],
        .discount = numbers[5],
        .floor = numbers[6],
        .budget = numbers[7],
        .window = window,
        .horizon = horizon,
        .seed = (uint64_t)seed};
}

static void put_window(struct bytes_writer *out, const struct bandit *bandit) {
    int64_t features = bandit->options.features;
    bytes_put_i64(out, bandit->held);
    for (int64_t i = 0; i < bandit->held; i++) {
        bytes_put_i32(out, bandit->window_belief[i]);
        bytes_put_f64(out, bandit->window_term[i].weight);
        bytes_put_f64(out, bandit->window_term[i].target);
        bytes_put_f64s(out, bandit->window_context + i * features, features);
    }
}

static void get_window(struct bytes_reader *in, struct bandit *bandit) {
    int64_t features = bandit->options.features;
    bandit->held = bytes_get_count(in, bandit->options.window, 20);
    for (int64_t i = 0; i < bandit->held && !in->is_short; i++) {
        bandit->window_belief[i] = bytes_get_i32(in);
        bandit->window_term[i].weight = bytes_get_f64(in);
        bandit->window_term[i].target = bytes_get_f64(in);
        bytes_get_f64s(in, bandit->window_context + i * features, features);
        if (bandit->window_belief[i] < 0 || bandit->window_belief[i] >= bandit->beliefs ||
            !isfinite(bandit->window_term[i].weight) || !isfinite(bandit->window_term[i].target))
            bytes_refuse(in);
    }
    if (bandit->held > bandit->updates) bytes_refuse(in);
}

kai_status bandit_print(const struct bandit *bandit, struct buf *out, kai_err *err) {
    struct buf body;
    struct bytes_writer writer;
    buf_init(&body, (size_t)2 * CAPS_BUF_BYTES);
    bytes_write(&writer, &body);
    put_options(&writer, &bandit->options);
    bytes_put_i64(&writer, bandit->decisions);
    bytes_put_i64(&writer, bandit->updates);
    const struct bandit_purse *purse = &bandit->purse;
    bytes_put_f64s(&writer, (const double[]){purse->spent, purse->price, purse->ratio, purse->cost},
                   4);
    for (int32_t i = 0; i < bandit->beliefs; i++) belief_print(&bandit->belief[i], &writer);
    put_window(&writer, bandit);
    kai_status st = bytes_written(&writer, err);
    if (!st)
        st = bundle_print(&(struct bundle_section){"bandit", body.data, body.size}, 1, out, err);
    buf_release(&body);
    return st;
}

static kai_status get_bandit(struct bytes_reader *in, struct bandit **ret_bandit, kai_err *err) {
    struct bandit_options options;
    struct bandit *bandit = NULL;
    get_options(in, &options);
    kai_status st = bytes_done(in, err);
    double body =
        (double)belief_numbers(options.features) * 8 * (options.is_shared ? 1 : options.actions);
    if (!st && body > (double)(in->size - in->at)) /* before memory is taken for it */
        st = err_set(err, KAI_CORRUPT, "bandit: cut short");
    if (!st) st = bandit_new(&options, &bandit, NULL);
    if (st == KAI_INVALID || st == KAI_LIMIT)
        st = err_set(err, KAI_CORRUPT, "bandit: options that cannot be");
    if (st) return st;
    bandit->decisions = bytes_get_i64(in);
    bandit->updates = bytes_get_i64(in);
    double purse[4] = {0};
    bytes_get_f64s(in, purse, 4);
    bandit->purse = (struct bandit_purse){purse[0], purse[1], purse[2], purse[3]};
    for (int32_t i = 0; i < 4; i++)
        if (!isfinite(purse[i]) || (purse[i] < 0 && i != 2)) bytes_refuse(in);
    if (bandit->decisions < 0 || bandit->updates < 0) bytes_refuse(in);
    for (int32_t i = 0; i < bandit->beliefs && !in->is_short; i++)
        belief_parse(&bandit->belief[i], in, bandit->work);
    get_window(in, bandit);
    if (in->at != in->size) bytes_refuse(in);
    st = bytes_done(in, err);
    if (st) {
        bandit_free(bandit);
        return st;
    }
    *ret_bandit = bandit;
    return KAI_OK;
}

kai_status bandit_parse(const void *bytes, size_t size, struct bandit **ret_bandit, kai_err *err) {
    struct bundle_section sections[BUNDLE_SECTIONS_MAX];
    char names[BUNDLE_SECTIONS_MAX][BUNDLE_NAME_BYTES];
    int32_t count = 0;
    kai_status st = bundle_parse("bandit", bytes, size, sections, names, &count, err);
    if (st) return st;
    const struct bundle_section *section = bundle_find(sections, count, "bandit");
    if (!section) return err_set(err, KAI_CORRUPT, "bandit: no such section");
    struct bytes_reader reader;
    bytes_read(&reader, section->data, section->size, "bandit");
    return get_bandit(&reader, ret_bandit, err);
}
